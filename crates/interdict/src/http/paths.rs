//! By which ways could value have gone from here to there? A search runs beside the request.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use model::{Asset, Timestamp, amount};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serve::{App, Body, Path, Principal, Problem};
use trace::paths::{self, PathSettings};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::progress::{self, ProgressEvent, ProgressShown};
use crate::cell::Cell;
use crate::cell::traces::{Done, Outcome, Trace, Watched};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(begin))
        .routes(routes!(get, cancel))
        .routes(routes!(events))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "source": "eip155:1:0x47666Fab8bd0Ac7003bce3f5C3585383F09486E2",
    "target": "eip155:1:0xA4B2Fd68593B6F34E51cB9eDB66E71c1B4Ab449e", "hops": 4,
}))]
struct PathsBody {
    /// CAIP-10, or an address that can be of one chain only.
    source: String,
    /// On the same chain.
    target: String,
    /// Payments from the one to the other at most: 1 to 10, 4 if nothing is said.
    hops: Option<u32>,
    /// Ways at most, the shortest first: 1 to 100, 20 if nothing is said.
    routes: Option<usize>,
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// CAIP-19: only payments in this asset.
    asset: Option<String>,
    /// Base units: smaller payments are not followed. With an asset; on Bitcoin alone without.
    min: Option<String>,
    /// Transfers gathered at most.
    budget: Option<usize>,
}

#[derive(Serialize, ToSchema)]
struct PathsShown {
    #[serde(flatten)]
    progress: ProgressShown,
    /// `interdict-paths`: `routes` (each with `accounts` and `steps`), `is_complete`, `stops`, `remarks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    paths: Option<Value>,
}

impl PathsShown {
    fn of(work: &Trace) -> PathsShown {
        let paths = match work.outcome() {
            Outcome::Done(done) => Some(done.report.clone()),
            _ => None,
        };
        PathsShown { progress: ProgressShown::of(work), paths }
    }
}

/// Look for ways from one account to another
///
/// Each way is a row of accounts, each paying the next no earlier than it was paid. It is looked for
/// beside other requests, two at once; ask for its state, or listen to its events. Services and hubs are
/// not walked through; `is_complete` says whether anything was left out.
#[utoipa::path(post, path = "/v1/paths", tag = "investigation", request_body = PathsBody,
    responses((status = 202, body = PathsShown), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn begin(
    Extension(cell): Extension<Arc<Cell>>,
    principal: Principal,
    Body(body): Body<PathsBody>,
) -> Result<Response, Problem> {
    let settings = settings(body)?;
    let Some(work) = cell.paths.begin(principal.actor()) else {
        return Err(Problem::overloaded());
    };
    let shown = PathsShown::of(&work);
    tokio::task::spawn_blocking(move || {
        work.work(|| run(&cell, &work, &settings));
    });
    Ok((StatusCode::ACCEPTED, Json(shown)).into_response())
}

fn settings(body: PathsBody) -> Result<PathSettings, Problem> {
    let source = super::account("/source", &body.source)?;
    // A bare address is of the chain of the other end.
    let target = match model::Account::parse(body.target.trim(), source.chain) {
        Ok(target) => target,
        Err(_) => super::account("/target", &body.target)?,
    };
    if source.chain != target.chain {
        let why = format!("it is on {}, the source on {}", target.chain, source.chain);
        return Err(Problem::invalid("/target", why));
    }
    if source == target {
        return Err(Problem::invalid("/target", "expected another account than the source"));
    }
    let mut settings = PathSettings::new(source, target);
    settings.hops_max = within("/hops", body.hops.unwrap_or(4), 1, PathSettings::HOPS_MAX)?;
    settings.routes_max =
        within("/routes", body.routes.unwrap_or(20), 1, PathSettings::ROUTES_MAX)?;
    settings.budget = body.budget.unwrap_or(settings.budget).min(settings.budget);
    (settings.since, settings.until) = (body.since, body.until);
    super::is_window(body.since, body.until)?;
    if let Some(text) = &body.asset {
        let asset =
            text.parse::<Asset>().map_err(|error| Problem::invalid("/asset", error.to_string()))?;
        settings.asset = Some(asset);
    }
    if let Some(text) = &body.min {
        if settings.asset.is_none() && !settings.chain().is_utxo() {
            return Err(Problem::invalid(
                "/min",
                "expected an asset beside it: of which base units?",
            ));
        }
        settings.min_base = amount::parse_base(text)
            .map_err(|error| Problem::invalid("/min", error.to_string()))?;
    }
    Ok(settings)
}

fn within<N: PartialOrd + std::fmt::Display>(
    field: &str,
    number: N,
    least: N,
    most: N,
) -> Result<N, Problem> {
    match number >= least && number <= most {
        true => Ok(number),
        false => Err(Problem::invalid(field, format!("{number}: expected {least} to {most}"))),
    }
}

fn run(cell: &Cell, work: &Trace, settings: &PathSettings) -> anyhow::Result<Done> {
    let now = cell.now();
    let watched = Watched { past: &now.snapshot, progress: &work.progress };
    let found = paths::find(&watched, now.screener.book(), settings)?;
    let report = serde_json::to_value(found)?;
    Ok(Done { title: String::new(), report, graph: Value::Null, bundle: String::new() })
}

/// How a search for ways goes, and the ways when it is done
#[utoipa::path(get, path = "/v1/paths/{id}", tag = "investigation", params(("id" = u64, Path)),
    responses((status = 200, body = PathsShown), (status = 404, body = Problem)))]
async fn get(
    Extension(cell): Extension<Arc<Cell>>,
    principal: Principal,
    Path(id): Path<u64>,
) -> Result<Json<PathsShown>, Problem> {
    Ok(Json(PathsShown::of(&*find(&cell, &principal, id)?)))
}

/// Cancel a search for ways
#[utoipa::path(delete, path = "/v1/paths/{id}", tag = "investigation", params(("id" = u64, Path)),
    responses((status = 200, body = PathsShown), (status = 404, body = Problem)))]
async fn cancel(
    Extension(cell): Extension<Arc<Cell>>,
    principal: Principal,
    Path(id): Path<u64>,
) -> Result<Json<PathsShown>, Problem> {
    let work = find(&cell, &principal, id)?;
    work.cancel();
    Ok(Json(PathsShown::of(&work)))
}

/// How a search for ways goes (server-sent events)
///
/// `progress` with the counts, then `done`, `cancelled` or `failed`.
#[utoipa::path(get, path = "/v1/paths/{id}/events", tag = "investigation", params(("id" = u64, Path)),
    responses((status = 200, content_type = "text/event-stream", body = ProgressEvent), (status = 404, body = Problem)))]
async fn events(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    principal: Principal,
    Path(id): Path<u64>,
) -> Result<Response, Problem> {
    let work = find(&cell, &principal, id)?;
    Ok(progress::stream(&app, work)?.into_response())
}

fn find(cell: &Cell, principal: &Principal, id: u64) -> Result<Arc<Trace>, Problem> {
    progress::find(&cell.paths, principal, id, "search")
}
