//! Freeze requests: drafted by one, approved by another, under a clock.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use case::freeze::{
    self, Due, Figures, FreezeDraft, FreezeFilter, FreezeId, FreezeRequest, FreezeState, Told,
};
use case::holders::jurisdictions;
use case::{By, CaseError, CaseId, Page, Seen};
use model::{Account, Marking, Prices, U256};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk::{self, StateCounts};
use crate::access::Principal;
use crate::app::App;
use crate::extract::{Body, Path, Query};
use crate::page::PageQuery;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(list, draft))
        .routes(routes!(due))
        .routes(routes!(counts))
        .routes(routes!(figures))
        .routes(routes!(one, revise))
        .routes(routes!(approve))
        .routes(routes!(step))
        .routes(routes!(more))
        .routes(routes!(jurisdiction))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Narrow {
    /// Only those of this case.
    case: Option<i64>,
    /// `drafted`, `approved`, `sent`, `acknowledged`, `frozen`, `extended`, `seized`, `forfeited`,
    /// `returned`, `refused`, `withdrawn`.
    state: Option<String>,
    /// Asked of whom, by the name as it was written.
    holder: Option<String>,
    /// ISO 3166-1, two letters.
    jurisdiction: Option<String>,
}

impl Narrow {
    fn filter(self, seen: Seen) -> Result<FreezeFilter, Problem> {
        Ok(FreezeFilter {
            case: self.case.map(CaseId),
            state: self.state.map(|text| text.parse()).transpose()?,
            holder: self.holder,
            jurisdiction: self.jurisdiction,
            seen,
        })
    }
}

/// Freeze requests, the newest first
///
/// Those of cases that the caller does not see are not among them.
#[utoipa::path(get, path = "/v1/freezes", tag = "freezes", params(Narrow, PageQuery),
    responses((status = 200, body = Object), (status = 422, body = Problem)))]
async fn list(
    State(app): State<App>,
    who: Principal,
    Query(narrow): Query<Narrow>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<FreezeRequest>>, Problem> {
    let part = desk::part(&query)?;
    let page = app.blocking(move |app| {
        Ok(freeze::list(&app.db, &narrow.filter(desk::seen(app, &who))?, &part)?)
    });
    Ok(Json(page.await?))
}

/// How many freeze requests there are, by state
///
/// Those of cases that the caller does not see are not counted.
#[utoipa::path(get, path = "/v1/freezes/counts", tag = "freezes",
    responses((status = 200, body = StateCounts)))]
async fn counts(State(app): State<App>, who: Principal) -> Result<Json<StateCounts>, Problem> {
    let counts = app.blocking(move |app| Ok(freeze::counts(&app.db, &desk::seen(app, &who))?));
    Ok(Json(StateCounts::of(counts.await?, FreezeState::text)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "case": 1, "title": "USDT of the theft", "holder": "Tether", "jurisdiction": "US",
    "legal_basis": ["18 U.S.C. § 981(b)"], "asks": [{
        "account": "eip155:1:0x47666fab8bd0ac7003bce3f5c3585383f09486e2",
        "asset": "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7", "amount": "1500000" }] }))]
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
            let asset = desk::asset(&field("asset"), &ask.asset)?;
            Ok((account, asset, desk::amount(&field("amount"), &ask.amount)?))
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
            desk::case_seen(app, &who, case.0)?;
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
        let live = freeze::live(&app.db, &desk::seen(app, &who))?;
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
    let act = move |app: &App, by: &By| {
        act(app, by, FreezeId(id))?;
        freeze::get(&app.db, FreezeId(id))
    };
    desk::act(app, who, id, desk::freeze_seen, act).await.map(Json)
}

/// Write the draft anew; whoever does cannot approve it, and its packet must be made again
#[utoipa::path(put, path = "/v1/freezes/{freeze}", tag = "freezes", params(("freeze" = i64, Path)),
    request_body = Draft,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
async fn revise(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Draft>,
) -> Result<Json<FreezeRequest>, Problem> {
    let draft = asked.read()?;
    let done = app.blocking(move |app| {
        desk::freeze_seen(app, &who, id)?;
        if let Some(case) = draft.case {
            desk::case_seen(app, &who, case.0)?;
        }
        freeze::revise(&app.db, &desk::by(&who), FreezeId(id), &draft)?;
        Ok(freeze::get(&app.db, FreezeId(id))?)
    });
    done.await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "revision": 2 }))]
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
#[schema(example = json!({ "to": "frozen", "amounts": ["600000000"], "until": "2026-06-01T00:00:00Z" }))]
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

fn amounts(all: &[String]) -> Result<Vec<U256>, Problem> {
    let read = |(at, text): (usize, &String)| desk::amount(&format!("/amounts/{at}"), text);
    all.iter().enumerate().map(read).collect()
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "amounts": ["600000000", "500000000"] }))]
struct Amounts {
    /// Of each item, in their order, whole base units: what is frozen in all, never less than before.
    amounts: Vec<String>,
}

/// More was frozen after the first part
#[utoipa::path(post, path = "/v1/freezes/{freeze}/amounts", tag = "freezes", params(("freeze" = i64, Path)),
    request_body = Amounts,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
async fn more(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Amounts>,
) -> Result<Json<FreezeRequest>, Problem> {
    let amounts = amounts(&asked.amounts)?;
    act(app, who, id, move |app, by, id| freeze::record_frozen(&app.db, by, id, &amounts)).await
}

/// What came of it: asked, frozen, recovered, shares, time to freeze; by holder and by jurisdiction
///
/// Of requests that were sent and that the caller sees. Shares are in ten-thousandths. There is no worth
/// in USD: amounts are base units of each asset.
#[utoipa::path(get, path = "/v1/freezes/figures", tag = "freezes", params(Narrow),
    responses((status = 200, body = Object), (status = 422, body = Problem)))]
async fn figures(
    State(app): State<App>,
    who: Principal,
    Query(narrow): Query<Narrow>,
) -> Result<Json<Figures>, Problem> {
    let found = app.blocking(move |app| {
        let sent = freeze::sent(&app.db, &narrow.filter(desk::seen(app, &who))?)?;
        Ok(freeze::figures(&sent, &Prices::default(), |_| None))
    });
    found.await.map(Json)
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
    let amounts = asked.amounts.map(|all| amounts(&all));
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
