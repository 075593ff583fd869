//! What somebody wants to hear of: addresses, entities, frontiers of cases, rules on amount and exposure.
//!
//! Whoever follows chains matches them (`interdict serve` does); this is where they are kept.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use case::watches::{self, NewWatch, Target, Watch};
use case::{CaseId, Page, WatchId};
use model::{Account, Severity};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk::{self, Seen};
use crate::access::Principal;
use crate::app::App;
use crate::extract::{Body, Path, Query};
use crate::page::PageQuery;
use crate::problem::Problem;

const ACCOUNTS_MAX: usize = 10_000;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(list, add)).routes(routes!(one, switch, remove))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "the thief's wallet", "severity": "high",
    "target": { "account": { "account": "eip155:1:0x47666Fab8bd0Ac7003bce3f5C3585383F09486E2" } },
}))]
struct WatchBody {
    /// What alerts of it are called.
    name: String,
    /// `info`, `low`, `medium` or `high`.
    severity: String,
    target: TargetBody,
    /// Whose it is; if nothing is said, of a frontier the case's, else everybody's.
    team: Option<String>,
}

/// What is watched. A transaction meets a watch once.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum TargetBody {
    /// Whatever an address sends or receives.
    Account {
        /// CAIP-10.
        account: String,
    },
    /// Whatever an entity sends or receives: the name of a label or of its actor; or a CAIP-10
    /// account, which stands for the cluster it is in.
    Entity { name: String },
    /// Whatever leaves the accounts where a case's money rests.
    Frontier {
        case: i64,
        /// CAIP-10, 1 to 10,000.
        accounts: Vec<String>,
    },
    /// At least so many base units of an asset in one transfer.
    Amount {
        /// CAIP-19.
        asset: String,
        /// Base units.
        amount: String,
    },
    /// At least so many whole USD in one transfer, where a price is known.
    Usd { usd: u64 },
    /// An end of a transfer owes at least this share of what it holds to a category.
    Exposure {
        /// As exposures name it: `sanctioned`, `theft`, …
        category: String,
        /// Hundredths of a percent: 2500 is a quarter.
        basis_points: u32,
    },
}

impl TargetBody {
    fn target(self) -> Result<Target, Problem> {
        let account = |field: &str, text: &str| {
            text.parse::<Account>().map_err(|error| Problem::invalid(field, error.to_string()))
        };
        Ok(match self {
            TargetBody::Account { account: text } => {
                Target::Account { account: account("/target/account/account", &text)? }
            }
            TargetBody::Entity { name } => {
                if name.trim().is_empty() || name.len() > 500 {
                    let expected = "expected 1 to 500 bytes of text";
                    return Err(Problem::invalid("/target/entity/name", expected));
                }
                Target::Entity { name }
            }
            TargetBody::Frontier { case, accounts } => {
                if accounts.is_empty() || accounts.len() > ACCOUNTS_MAX {
                    let expected = format!("expected 1 to {ACCOUNTS_MAX}");
                    return Err(Problem::invalid("/target/frontier/accounts", expected));
                }
                let read = |(at, text): (usize, &String)| {
                    account(&format!("/target/frontier/accounts/{at}"), text)
                };
                let accounts =
                    accounts.iter().enumerate().map(read).collect::<Result<BTreeSet<_>, _>>()?;
                Target::Frontier { case: CaseId(case), accounts }
            }
            TargetBody::Amount { asset, amount } => {
                let asset = asset
                    .parse::<model::Asset>()
                    .map_err(|error| Problem::invalid("/target/amount/asset", error.to_string()))?;
                Target::Amount { asset, amount }
            }
            TargetBody::Usd { usd } => Target::Usd { usd },
            TargetBody::Exposure { category, basis_points } => {
                if basis_points == 0 || basis_points > 10_000 {
                    let expected = "expected 1 to 10000";
                    return Err(Problem::invalid("/target/exposure/basis_points", expected));
                }
                Target::Exposure { category, basis_points }
            }
        })
    }
}

fn severity(text: &str) -> Result<Severity, Problem> {
    let value = serde_json::Value::String(text.to_string());
    serde_json::from_value(value).map_err(|_| {
        Problem::invalid("/severity", format!("{text:?}: expected info, low, medium or high"))
    })
}

/// Watches, the newest first
///
/// Those of teams that are not the caller's are left out, so a page may have fewer than it could.
#[utoipa::path(get, path = "/v1/watches", tag = "watches", params(PageQuery),
    responses((status = 200, body = Object), (status = 422, body = Problem)))]
async fn list(
    State(app): State<App>,
    who: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Watch>>, Problem> {
    let part = desk::part(&query)?;
    let page = app.blocking(move |app| {
        let mut page = watches::page(&app.db, &part)?;
        let seen = Seen::of(app, &who);
        page.items.retain(|watch| seen.has(watch.team.as_deref()));
        Ok(page)
    });
    page.await.map(Json)
}

/// Watch something
///
/// It hears of blocks that come from now on, of chains that are followed (`interdict follow`). What it
/// meets is an alert of kind `watch`, `frontier` or `rule`, told as the event `alert.raised`, or as
/// `alert.seen_again` while that alert is not closed.
#[utoipa::path(post, path = "/v1/watches", tag = "watches", request_body = WatchBody,
    responses((status = 201, body = Object), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn add(
    State(app): State<App>,
    who: Principal,
    Body(body): Body<WatchBody>,
) -> Result<Response, Problem> {
    let severity = severity(&body.severity)?;
    let target = body.target.target()?;
    let mut new = NewWatch { name: body.name, severity, target, team: body.team };
    let added = app.blocking(move |app| {
        desk::is_team(app, new.team.as_deref())?;
        if let Target::Frontier { case, .. } = &new.target {
            let team = case::cases::get(&app.db, *case)?.team;
            Seen::of(app, &who).check("case", case.0, team.as_deref())?;
            new.team = new.team.or(team);
        }
        let id = watches::add(&app.db, &desk::by(&who), &new)?;
        Ok(watches::get(&app.db, id)?)
    });
    Ok((StatusCode::CREATED, Json(added.await?)).into_response())
}

/// One watch
#[utoipa::path(get, path = "/v1/watches/{watch}", tag = "watches", params(("watch" = i64, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn one(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<Watch>, Problem> {
    app.blocking(move |app| seen(app, &who, id)).await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SwitchBody {
    /// False: it waits, and hears of nothing.
    is_active: bool,
}

/// Switch a watch on or off
#[utoipa::path(patch, path = "/v1/watches/{watch}", tag = "watches", request_body = SwitchBody,
    params(("watch" = i64, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn switch(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(body): Body<SwitchBody>,
) -> Result<Json<Watch>, Problem> {
    let done = app.blocking(move |app| {
        seen(app, &who, id)?;
        watches::switch(&app.db, &desk::by(&who), WatchId(id), body.is_active)?;
        Ok(watches::get(&app.db, WatchId(id))?)
    });
    done.await.map(Json)
}

/// Watch it no longer
///
/// What it raised stays.
#[utoipa::path(delete, path = "/v1/watches/{watch}", tag = "watches", params(("watch" = i64, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn remove(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    let done = app.blocking(move |app| {
        seen(app, &who, id)?;
        Ok(watches::remove(&app.db, &desk::by(&who), WatchId(id))?)
    });
    done.await.map(|()| StatusCode::NO_CONTENT)
}

fn seen(app: &App, who: &Principal, id: i64) -> Result<Watch, Problem> {
    let watch = watches::get(&app.db, WatchId(id))?;
    Seen::of(app, who).check("watch", id, watch.team.as_deref())?;
    Ok(watch)
}
