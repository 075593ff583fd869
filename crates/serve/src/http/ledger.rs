//! The ledger of a case: whose money is in it, and what each would get of what was found.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use case::cases::ledger::{self, Holding, Incident, Line, NewClaim};
use case::{By, CaseId, IncidentId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cases::with;
use super::desk::{self, Made};
use crate::access::Principal;
use crate::app::App;
use crate::extract::{Body, Path};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(show))
        .routes(routes!(add_incident))
        .routes(routes!(add_claim))
        .routes(routes!(add_holding))
}

#[derive(Serialize, ToSchema)]
struct Ledger {
    #[schema(value_type = Vec<Object>)]
    incidents: Vec<Incident>,
    #[schema(value_type = Vec<Object>)]
    holdings: Vec<Holding>,
    /// Of each asset: claims, what was found, and the share of each claim, pro rata in whole base units.
    #[schema(value_type = Vec<Object>, example = json!([{
        "asset": "eip155:1/slip44:60", "decimals": 18, "claimed": "10", "found": "7", "unclaimed": "0",
        "shares": [{ "claim": 1, "incident": 1, "claimant": "person:7", "claimed": "10", "share": "7" }]
    }]))]
    lines: Vec<Line>,
}

/// Who claims what, and their shares
#[utoipa::path(get, path = "/v1/cases/{case}/ledger", tag = "cases", params(("case" = i64, Path)),
    responses((status = 200, body = Ledger), (status = 404, body = Problem)))]
async fn show(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<Ledger>, Problem> {
    let show = |app: &App, _: &By, id: CaseId| {
        Ok(Ledger {
            incidents: ledger::incidents(&app.db, id)?,
            holdings: ledger::holdings(&app.db, id)?,
            lines: ledger::ledger(&app.db, id)?,
        })
    };
    with(app, who, id, show).await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "title": "Theft from a cold wallet", "time": "2025-02-21T14:13:35Z" }))]
struct AddIncident {
    title: String,
    time: String,
}

/// Something that was done to somebody, whose money is in the case
#[utoipa::path(post, path = "/v1/cases/{case}/incidents", tag = "cases", params(("case" = i64, Path)),
    request_body = AddIncident,
    responses((status = 201, body = Made), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn add_incident(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<AddIncident>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let time = desk::moment("time", &asked.time)?;
    let add =
        move |app: &App, by: &By, id| ledger::add_incident(&app.db, by, id, &asked.title, time);
    Ok(desk::made(with(app, who, id, add).await?.0))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "incident": 1, "claimant": "person:7", "asset": "eip155:1/slip44:60",
    "decimals": 18, "amount": "10000000000000000000" }))]
struct AddClaim {
    incident: i64,
    /// `person:7` where it is one whose data are kept apart, else an organisation's name.
    claimant: String,
    /// CAIP-19.
    asset: String,
    decimals: Option<u8>,
    /// Whole base units, in decimal.
    amount: String,
}

/// Somebody claims a part
#[utoipa::path(post, path = "/v1/cases/{case}/claims", tag = "cases", params(("case" = i64, Path)),
    request_body = AddClaim,
    responses((status = 201, body = Made), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn add_claim(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<AddClaim>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let new = NewClaim {
        incident: IncidentId(asked.incident),
        claimant: asked.claimant,
        asset: desk::asset("/asset", &asked.asset)?,
        decimals: asked.decimals,
        amount: desk::amount("/amount", &asked.amount)?,
    };
    let add = move |app: &App, by: &By, id| ledger::add_claim(&app.db, by, id, &new);
    Ok(desk::made(with(app, who, id, add).await?.0))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "place": "frozen at Tether", "asset": "eip155:1/slip44:60", "amount": "7" }))]
struct AddHolding {
    place: String,
    /// CAIP-19.
    asset: String,
    /// Whole base units, in decimal.
    amount: String,
}

/// Value that rests somewhere or came back
#[utoipa::path(post, path = "/v1/cases/{case}/holdings", tag = "cases", params(("case" = i64, Path)),
    request_body = AddHolding,
    responses((status = 201, body = Made), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn add_holding(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<AddHolding>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let asset = desk::asset("/asset", &asked.asset)?;
    let amount = desk::amount("/amount", &asked.amount)?;
    let add = move |app: &App, by: &By, id| {
        ledger::add_holding(&app.db, by, id, &asked.place, &asset, amount)
    };
    Ok(desk::made(with(app, who, id, add).await?.0))
}
