//! What one customer of the exchange did. The customer is named as the exchange names them.

use axum::extract::State;
use axum::{Extension, Json};
use serve::{App, Page, PageQuery, Path, Principal, Problem, Query};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::transfers::{TransferShown, read_alerts};
use super::withdrawals::{Decided, shown};
use crate::cell::exchange::{self, Customers, transfers, withdrawals};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(transfers_of))
        .routes(routes!(attempts_of))
        .routes(routes!(alerts_of))
}

/// The registered transfers of a customer of the exchange, the newest first
///
/// `user` is the `userId` they were registered with, not somebody who signs in here. A key sees what
/// it registered, people see all.
#[utoipa::path(get, path = "/v1/users/{user}/transfers", tag = "exchange",
    params(("user" = String, Path, description = "The exchange's own reference"), PageQuery),
    responses((status = 200, body = Page<TransferShown>), (status = 404, body = Problem)))]
async fn transfers_of(
    State(app): State<App>,
    Extension(key): Extension<Customers>,
    principal: Principal,
    Path(user): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TransferShown>>, Problem> {
    let (limit, before) = (query.limit()?, query.after::<(i64, String)>()?);
    let page = app.blocking(move |app| {
        let (customer, actor) = (find(app, &key, &user)?, actor(&principal));
        let rows = transfers::of_customer(&app.db, customer, actor.as_deref(), before, limit + 1)?;
        let page = Page::of(rows, limit, |kept| (kept.registered_at, kept.id.clone()));
        Ok(page.map(TransferShown::of))
    });
    page.await.map(Json)
}

/// The withdrawals that were asked about for a customer, the newest first
#[utoipa::path(get, path = "/v1/users/{user}/withdrawal-attempts", tag = "exchange",
    params(("user" = String, Path, description = "The exchange's own reference"), PageQuery),
    responses((status = 200, body = Page<Decided>), (status = 404, body = Problem)))]
async fn attempts_of(
    State(app): State<App>,
    Extension(key): Extension<Customers>,
    principal: Principal,
    Path(user): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Decided>>, Problem> {
    let (limit, before) = (query.limit()?, query.after::<(i64, String)>()?);
    let page = app.blocking(move |app| {
        let (customer, actor) = (find(app, &key, &user)?, actor(&principal));
        let rows =
            withdrawals::of_customer(&app.db, customer, actor.as_deref(), before, limit + 1)?;
        let Page { items, next } = Page::of(rows, limit, |kept| (kept.made_at, kept.id.clone()));
        let items = items.iter().map(shown).collect::<Result<Vec<Decided>, Problem>>()?;
        Ok(Page { items, next })
    });
    page.await.map(Json)
}

/// The alerts that a customer's transfers and withdrawals raised, the newest first
#[utoipa::path(get, path = "/v1/users/{user}/alerts", tag = "exchange",
    params(("user" = String, Path, description = "The exchange's own reference"), PageQuery),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn alerts_of(
    State(app): State<App>,
    Extension(key): Extension<Customers>,
    principal: Principal,
    Path(user): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<case::alerts::Alert>>, Problem> {
    let (limit, below) = (query.limit()?, query.after::<i64>()?);
    let page = app.blocking(move |app| {
        let (customer, actor) = (find(app, &key, &user)?, actor(&principal));
        let below = below.unwrap_or(i64::MAX);
        let actor = actor.as_deref();
        let ids = exchange::alerts_of_customer(&app.db, customer, actor, below, limit + 1)?;
        let Page { items, next } = Page::of(ids, limit, |id| id.0);
        Ok(Page { items: read_alerts(app, &principal, &items)?, next })
    });
    page.await.map(Json)
}

/// A key sees its own; people see all.
fn actor(principal: &Principal) -> Option<String> {
    principal.role().is_none().then(|| principal.actor())
}

fn find(app: &App, key: &Customers, user: &str) -> Result<i64, Problem> {
    let unknown = || Problem::not_found("no customer of this reference is known");
    if super::said("user", user).is_err() {
        return Err(unknown());
    }
    app.db.read(|tx| key.find(tx, user))?.ok_or_else(unknown)
}
