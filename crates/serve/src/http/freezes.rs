//! Freeze requests: drafted by one, approved by another, under a clock.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use case::freeze::{self, Due, FreezeDraft, FreezeId, FreezeRequest, Told};
use case::holders::jurisdictions;
use case::{By, CaseError, CaseId};
use model::{Account, Asset, Marking, U256};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk;
use crate::access::Principal;
use crate::app::App;
use crate::extract::{Body, Path, Query};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(list, draft))
        .routes(routes!(due))
        .routes(routes!(one))
        .routes(routes!(approve))
        .routes(routes!(step))
        .routes(routes!(jurisdiction))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Narrow {
    /// Only those of this case.
    case: Option<i64>,
}

/// A request is seen by whoever sees its case.
fn seen(app: &App, who: &Principal, request: &FreezeRequest) -> Result<(), Problem> {
    match request.case {
        Some(case) => super::cases::seen(app, who, case.0).map(drop),
        None => Ok(()),
    }
}

/// Freeze requests, the newest first
///
/// Those of cases that the caller does not see are left out, so a page may have fewer than it could.
#[utoipa::path(get, path = "/v1/freezes", tag = "freezes", params(Narrow, PageQuery),
    responses((status = 200, body = Object), (status = 422, body = Problem)))]
async fn list(
    State(app): State<App>,
    who: Principal,
    Query(narrow): Query<Narrow>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<FreezeRequest>>, Problem> {
    let (before, limit) = (query.after::<i64>()?.map(FreezeId), query.limit()?);
    let page = app.blocking(move |app| {
        // Of 500 at most at once, one is needed to know whether more follow.
        let limit = limit.min(499);
        let found = freeze::list(&app.db, narrow.case.map(CaseId), before, limit + 1)?;
        let mut page = Page::of(found, limit, |request| request.id.0);
        page.items.retain(|request| seen(app, &who, request).is_ok());
        Ok(page)
    });
    Ok(Json(page.await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Draft {
    case: Option<i64>,
    title: String,
    #[schema(value_type = Option<String>)]
    marking: Option<Marking>,
    /// Who can stop it: `Tether`.
    holder: String,
    /// ISO 3166-1, two letters: under whose law it is asked.
    jurisdiction: String,
    reference: Option<String>,
    /// At least one: what the request rests on.
    legal_basis: Vec<String>,
    asks: Vec<Asked>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// CAIP-10.
    account: String,
    /// CAIP-19.
    asset: String,
    /// Whole base units, in decimal.
    amount: String,
}

impl Draft {
    fn read(self) -> Result<FreezeDraft, Problem> {
        let asks = self.asks.iter().enumerate().map(|(at, ask)| {
            let field = |name: &str| format!("/asks/{at}/{name}");
            let account: Account =
                ask.account.parse().map_err(|e: <Account as std::str::FromStr>::Err| {
                    Problem::invalid(&field("account"), e.to_string())
                })?;
            let asset: Asset =
                ask.asset.parse().map_err(|e: <Asset as std::str::FromStr>::Err| {
                    Problem::invalid(&field("asset"), e.to_string())
                })?;
            Ok((account, asset, amount(&field("amount"), &ask.amount)?))
        });
        Ok(FreezeDraft {
            asks: asks.collect::<Result<_, Problem>>()?,
            case: self.case.map(CaseId),
            title: self.title,
            marking: self.marking.unwrap_or_default(),
            holder: self.holder,
            jurisdiction: self.jurisdiction,
            reference: self.reference,
            legal_basis: self.legal_basis,
            clocks: None,
        })
    }
}

fn amount(field: &str, text: &str) -> Result<U256, Problem> {
    model::amount::parse_base(text).map_err(|error| Problem::invalid(field, error.to_string()))
}

/// Draft a request; somebody else approves it
#[utoipa::path(post, path = "/v1/freezes", tag = "freezes", request_body = Draft,
    responses((status = 201, body = Object), (status = 422, body = Problem)))]
async fn draft(
    State(app): State<App>,
    who: Principal,
    Body(asked): Body<Draft>,
) -> Result<(StatusCode, Json<FreezeRequest>), Problem> {
    let draft = asked.read()?;
    let made = app.blocking(move |app| {
        if let Some(case) = draft.case {
            super::cases::seen(app, &who, case.0)?;
        }
        let id = freeze::draft(&app.db, &desk::by(&who), &draft)?;
        Ok(freeze::get(&app.db, id)?)
    });
    Ok((StatusCode::CREATED, Json(made.await?)))
}

/// What the clocks ask for now: reminders, what is overdue, freezes that run out
#[utoipa::path(get, path = "/v1/freezes/due", tag = "freezes",
    responses((status = 200, body = Vec<Object>)))]
async fn due(State(app): State<App>, who: Principal) -> Result<Json<Vec<Due>>, Problem> {
    let found = app.blocking(move |app| {
        let mut live = freeze::live(&app.db)?;
        live.retain(|request| seen(app, &who, request).is_ok());
        Ok(freeze::due(&live, desk::by(&who).at))
    });
    found.await.map(Json)
}

/// One request, with its items and its clocks
#[utoipa::path(get, path = "/v1/freezes/{freeze}", tag = "freezes", params(("freeze" = i64, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn one(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<FreezeRequest>, Problem> {
    act(app, who, id, |_, _, _| Ok(())).await
}

/// An act on a request that the caller sees; what it is then.
async fn act(
    app: App,
    who: Principal,
    id: i64,
    act: impl FnOnce(&App, &By, FreezeId) -> Result<(), CaseError> + Send + 'static,
) -> Result<Json<FreezeRequest>, Problem> {
    let done = app.blocking(move |app| {
        let id = FreezeId(id);
        seen(app, &who, &freeze::get(&app.db, id)?)?;
        act(app, &desk::by(&who), id)?;
        Ok(freeze::get(&app.db, id)?)
    });
    done.await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Approve {
    /// The revision that was read.
    revision: i64,
}

/// The second pair of eyes: nobody approves what they wrote
#[utoipa::path(post, path = "/v1/freezes/{freeze}/approve", tag = "freezes", params(("freeze" = i64, Path)),
    request_body = Approve,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
async fn approve(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Approve>,
) -> Result<Json<FreezeRequest>, Problem> {
    act(app, who, id, move |app, by, id| freeze::approve(&app.db, by, id, asked.revision)).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Step {
    /// `sent`, `acknowledged`, `frozen`, `extended`, `seized`, `forfeited`, `returned`, `refused`,
    /// `withdrawn`, or `drafted` to write it anew.
    to: String,
    reason: Option<String>,
    /// When it happened, where that was earlier.
    at: Option<String>,
    /// To `frozen` and `extended`: until when.
    until: Option<String>,
    /// To `frozen` and `returned`: of each item, in their order, whole base units.
    amounts: Option<Vec<String>>,
}

/// What happened next
#[utoipa::path(post, path = "/v1/freezes/{freeze}/steps", tag = "freezes", params(("freeze" = i64, Path)),
    request_body = Step,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
async fn step(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Step>,
) -> Result<Json<FreezeRequest>, Problem> {
    let to: freeze::FreezeState = asked.to.parse()?;
    let amounts = asked.amounts.map(|all| {
        let read = |(at, text): (usize, &String)| amount(&format!("/amounts/{at}"), text);
        all.iter().enumerate().map(read).collect::<Result<Vec<U256>, Problem>>()
    });
    let told = Told {
        reason: asked.reason,
        at: asked.at.map(|text| desk::moment("at", &text)).transpose()?,
        until: asked.until.map(|text| desk::moment("until", &text)).transpose()?,
        amounts: amounts.transpose()?,
    };
    act(app, who, id, move |app, by, id| freeze::reach(&app.db, by, id, to, &told)).await
}

/// By which law a freeze is asked for in a country
#[utoipa::path(get, path = "/v1/jurisdictions/{country}", tag = "freezes",
    params(("country" = String, Path, description = "ISO 3166-1, two letters")),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn jurisdiction(
    Path(country): Path<String>,
) -> Result<Json<jurisdictions::Jurisdiction>, Problem> {
    let found = jurisdictions::of(&country);
    found.map(Json).ok_or_else(|| Problem::not_found("expected two letters of ISO 3166-1"))
}
