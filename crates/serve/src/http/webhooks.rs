//! Webhooks: who is told by HTTP, of what, and whether it arrived.
//!
//! An administrator sees all of them. A key of scope `alerts` sees those it made, and they are told what
//! the key may see.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use case::outbox::{self, NewWebhook, WebhookChange};
use case::{DeliveryId, Seen, WebhookId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk;
use crate::access::Principal;
use crate::app::App;
use crate::extract::{Body, Path, Query};
use crate::frame::idempotency::ShownOnce;
use crate::page::{Page, PageQuery};
use crate::policy::Role;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(list, add))
        .routes(routes!(one, change, remove))
        .routes(routes!(test))
        .routes(routes!(rotate))
        .routes(routes!(deliveries))
        .routes(routes!(retry))
}

/// A webhook; its secret is not shown again.
#[derive(Serialize, ToSchema)]
struct Webhook {
    id: i64,
    url: String,
    /// `alert.raised`, or `alert.*` for all that begin so; none: all.
    events: Vec<String>,
    description: String,
    made_by: String,
    /// By name: what belongs to one of these teams, or to none. Nothing: everything.
    teams: Option<Vec<String>>,
    is_active: bool,
    created_at: String,
    /// Failed attempts since the last that was taken.
    failures: i64,
    /// After failures, nothing is sent before.
    paused_until: Option<String>,
    /// Until then the secret before signs as well.
    secret_before_until: Option<String>,
}

impl From<outbox::Webhook> for Webhook {
    fn from(webhook: outbox::Webhook) -> Webhook {
        Webhook {
            id: webhook.id.0,
            url: webhook.url,
            events: webhook.kinds,
            description: webhook.description,
            made_by: webhook.made_by,
            teams: webhook.sees,
            is_active: webhook.is_active,
            created_at: webhook.created.to_string(),
            failures: webhook.failures,
            paused_until: (webhook.failures > 0).then(|| webhook.paused_until.to_string()),
            secret_before_until: webhook.secret_before_until.map(|until| until.to_string()),
        }
    }
}

/// What somebody who is no administrator did not make is not there.
fn mine(who: &Principal, webhook: outbox::Webhook) -> Result<outbox::Webhook, Problem> {
    match who.role() == Some(Role::Administrator) || webhook.made_by == who.actor() {
        true => Ok(webhook),
        false => Err(Problem::not_found(format!("there is no webhook {}", webhook.id))),
    }
}

fn get(app: &App, who: &Principal, id: i64) -> Result<outbox::Webhook, Problem> {
    mine(who, outbox::webhook(&app.db, WebhookId(id))?)
}

/// The webhooks
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", params(PageQuery),
    responses((status = 200, body = Page<Webhook>)))]
async fn list(
    State(app): State<App>,
    who: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Webhook>>, Problem> {
    let (after, limit) = (query.after::<i64>()?.unwrap_or(0), query.limit()?);
    let all = app.blocking(|app| Ok(outbox::webhooks(&app.db)?)).await?;
    let mine = all.into_iter().filter_map(|webhook| mine(&who, webhook).ok());
    let shown = mine.filter(|webhook| webhook.id.0 > after).take(limit + 1).map(Webhook::from);
    Ok(Json(Page::of(shown.collect(), limit, |webhook: &Webhook| webhook.id)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddWebhook {
    /// `https://`; `http://` and private addresses only where the server's configuration allows them.
    #[schema(max_length = 2000)]
    url: String,
    /// `alert.raised`, or `alert.*` for all that begin so; none: all.
    #[serde(default)]
    #[schema(max_items = 50)]
    events: Vec<String>,
    #[serde(default)]
    #[schema(max_length = 500)]
    description: String,
}

#[derive(Serialize, ToSchema)]
struct WebhookSecret {
    id: i64,
    /// Signs what is sent. It is not shown again.
    secret: String,
}

/// Be told of events by HTTP; this answer alone has the secret that signs them
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks",
    request_body(content = AddWebhook, example = json!({
        "url": "https://exchange.example/interdict", "events": ["alert.*"], "description": "compliance desk" })),
    responses((status = 201, body = WebhookSecret), (status = 422, body = Problem)))]
async fn add(
    State(app): State<App>,
    who: Principal,
    Body(asked): Body<AddWebhook>,
) -> Result<Response, Problem> {
    reachable(&app, &asked.url)?;
    let new = NewWebhook {
        url: asked.url,
        kinds: asked.events,
        description: asked.description,
        sees: match desk::seen(&app, &who) {
            Seen::All => None,
            Seen::Of(teams) => Some(teams),
        },
    };
    let by = desk::by(&who);
    let (id, secret) =
        app.blocking(move |app| Ok(outbox::add_webhook(&app.db, &by, &new, app.vault()?)?)).await?;
    let added = Json(WebhookSecret { id: id.0, secret });
    Ok((StatusCode::CREATED, Extension(ShownOnce), added).into_response())
}

/// As far as it can be known before the name is looked up.
fn reachable(app: &App, url: &str) -> Result<(), Problem> {
    let checked = app.settings.reach.check(url);
    checked.map(drop).map_err(|refused| Problem::invalid("/url", refused.to_string()))
}

/// One webhook
#[utoipa::path(get, path = "/v1/webhooks/{webhook}", tag = "webhooks", params(("webhook" = i64, Path)),
    responses((status = 200, body = Webhook), (status = 404, body = Problem)))]
async fn one(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<Webhook>, Problem> {
    app.blocking(move |app| Ok(Json(get(app, &who, id)?.into()))).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeWebhook {
    #[schema(max_length = 2000)]
    url: Option<String>,
    #[schema(max_items = 50)]
    events: Option<Vec<String>>,
    #[schema(max_length = 500)]
    description: Option<String>,
    /// One that is switched off gets nothing new, and what waits for it waits.
    is_active: Option<bool>,
}

/// Another address, other events; switch off or on
#[utoipa::path(patch, path = "/v1/webhooks/{webhook}", tag = "webhooks", params(("webhook" = i64, Path)),
    request_body(content = ChangeWebhook, example = json!({ "is_active": false })),
    responses((status = 200, body = Webhook), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn change(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<ChangeWebhook>,
) -> Result<Json<Webhook>, Problem> {
    asked.url.as_deref().map_or(Ok(()), |url| reachable(&app, url))?;
    let ChangeWebhook { url, events: kinds, description, is_active } = asked;
    let change = WebhookChange { url, kinds, description, is_active };
    let work = move |app: &App| {
        get(app, &who, id)?;
        let changed = outbox::change_webhook(&app.db, &desk::by(&who), WebhookId(id), &change)?;
        Ok(Json(changed.into()))
    };
    app.blocking(work).await
}

/// Remove it, with its deliveries
#[utoipa::path(delete, path = "/v1/webhooks/{webhook}", tag = "webhooks", params(("webhook" = i64, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn remove(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    let work = move |app: &App| {
        get(app, &who, id)?;
        outbox::remove_webhook(&app.db, &desk::by(&who), WebhookId(id))?;
        Ok(StatusCode::NO_CONTENT)
    };
    app.blocking(work).await
}

#[derive(Serialize, ToSchema)]
struct Tested {
    /// Its delivery: `GET /v1/webhooks/{webhook}/deliveries` says what became of it.
    delivery: i64,
}

/// Send `webhook.test` by the way that everything goes
#[utoipa::path(post, path = "/v1/webhooks/{webhook}/test", tag = "webhooks", params(("webhook" = i64, Path)),
    responses((status = 202, body = Tested), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn test(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<(StatusCode, Json<Tested>), Problem> {
    let work = move |app: &App| {
        get(app, &who, id)?;
        let delivery = outbox::test_webhook(&app.db, &desk::by(&who), WebhookId(id))?;
        Ok((StatusCode::ACCEPTED, Json(Tested { delivery: delivery.0 })))
    };
    app.blocking(work).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateSecret {
    /// So long the secret before signs as well: a day if nothing is said, 30 days at most.
    #[schema(maximum = 2_592_000)]
    overlap_s: Option<u32>,
}

const OVERLAP_S: u32 = 24 * 3600;

/// A new secret; this answer alone has it
///
/// Until `overlap_s` is over each event carries two signatures, the new secret's first.
#[utoipa::path(post, path = "/v1/webhooks/{webhook}/secret", tag = "webhooks", params(("webhook" = i64, Path)),
    request_body(content = RotateSecret, example = json!({ "overlap_s": 86400 })),
    responses((status = 200, body = WebhookSecret), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn rotate(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<RotateSecret>,
) -> Result<Response, Problem> {
    let overlap = Duration::from_secs(asked.overlap_s.unwrap_or(OVERLAP_S).into());
    let work = move |app: &App| {
        get(app, &who, id)?;
        let (by, id) = (desk::by(&who), WebhookId(id));
        Ok(outbox::rotate_secret(&app.db, &by, id, overlap, app.vault()?)?)
    };
    let secret = app.blocking(work).await?;
    Ok((Extension(ShownOnce), Json(WebhookSecret { id, secret })).into_response())
}

/// One event on its way to one webhook.
#[derive(Serialize, ToSchema)]
struct Delivery {
    /// As in `Interdict-Delivery`.
    id: i64,
    /// As in `GET /v1/events`.
    event: i64,
    kind: String,
    /// `waiting`, `delivered` or `dead`.
    state: &'static str,
    attempts: i64,
    /// While it waits.
    next_try_at: Option<String>,
    delivered_at: Option<String>,
    last_error: Option<String>,
}

impl From<outbox::Delivery> for Delivery {
    fn from(delivery: outbox::Delivery) -> Delivery {
        let is_waiting = delivery.state == outbox::DeliveryState::Waiting;
        Delivery {
            id: delivery.id.0,
            event: delivery.event.0,
            kind: delivery.kind,
            state: delivery.state.text(),
            attempts: delivery.attempts,
            next_try_at: is_waiting.then(|| delivery.due.to_string()),
            delivered_at: delivery.done.map(|at| at.to_string()),
            last_error: delivery.problem,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfState {
    /// `waiting`, `delivered`, `dead`.
    state: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many at most: 1 to 500, 50 if nothing is said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// What was sent to it and what became of that, newest first
#[utoipa::path(get, path = "/v1/webhooks/{webhook}/deliveries", tag = "webhooks",
    params(("webhook" = i64, Path), OfState),
    responses((status = 200, body = Page<Delivery>), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn deliveries(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Query(asked): Query<OfState>,
) -> Result<Json<Page<Delivery>>, Problem> {
    let state = asked.state.map(|text| text.parse()).transpose()?;
    let part = desk::part(&PageQuery { cursor: asked.cursor, limit: asked.limit })?;
    let work = move |app: &App| {
        get(app, &who, id)?;
        Ok(outbox::deliveries(&app.db, WebhookId(id), state, &part)?)
    };
    let page = app.blocking(work).await?;
    let next = page.next.map(|cursor| cursor.to_string());
    Ok(Json(Page { items: page.items.into_iter().map(Delivery::from).collect(), next }))
}

/// Send it again, whatever became of it
#[utoipa::path(post, path = "/v1/webhooks/{webhook}/deliveries/{delivery}/retry", tag = "webhooks",
    params(("webhook" = i64, Path), ("delivery" = i64, Path)),
    responses((status = 202, body = Delivery), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn retry(
    State(app): State<App>,
    who: Principal,
    Path((id, delivery)): Path<(i64, i64)>,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    let work = move |app: &App| {
        get(app, &who, id)?;
        let by = desk::by(&who);
        Ok(outbox::revive(&app.db, &by, WebhookId(id), DeliveryId(delivery))?)
    };
    Ok((StatusCode::ACCEPTED, Json(app.blocking(work).await?.into())))
}
