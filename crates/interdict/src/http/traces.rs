//! Where did it go? A trace runs beside the request that asked for it, and ends in a signed bundle.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use model::{Asset, Direction, Marking, Timestamp, View, amount};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serve::{App, Body, Path, Principal, Problem};
use trace::{CrossingDecision, Method, MinValue, Policy, Settings};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::progress::{self, ProgressEvent, ProgressShown};
use crate::case::Case;
use crate::cell::traces::{Done, Outcome, Trace, Watched};
use crate::cell::{Cell, graph};
use crate::home::Home;
use crate::{bundle, case, exposure, source};

const SOURCES_MAX: usize = 100;
const HOPS_MAX: u32 = 100;
const CROSSINGS_MAX: usize = 1000;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(begin))
        .routes(routes!(get, cancel))
        .routes(routes!(events))
        .routes(routes!(picture))
        .routes(routes!(take))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "sources": ["eip155:1:0x47666Fab8bd0Ac7003bce3f5C3585383F09486E2"], "policy": "fifo", "hops": 3,
    "compare": true, "min_value": { "usd": "1000" },
}))]
struct TraceBody {
    /// Addresses, transactions or outpoints, bare or with their chain.
    #[serde(default)]
    sources: Vec<String>,
    /// A case file's TOML: its sources, labels, prices, crossings and settings, where the request does
    /// not say otherwise. The files that it names are not read: they are imported before.
    case_file: Option<String>,
    /// CAIP-2 or a name, where a source may be of several chains.
    chain: Option<String>,
    /// `forward` or `backward`.
    direction: Option<String>,
    /// `haircut`, `fifo`, `lifo`, `tiho`, `poison` or `highest-value`.
    policy: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Transfers from a source at most.
    hops: Option<u32>,
    /// Transfers gathered at most.
    budget: Option<usize>,
    /// Settle by every policy, so that each node's taint has its range.
    #[serde(default)]
    compare: bool,
    /// Smaller transfers are not followed.
    min_value: Option<MinBody>,
    /// What is said of swaps, as a case file says it: `{"decision": "refuse", "account", "from_asset"?,
    /// "to_asset"?, "reason"}` or `{"decision": "declare", "account", "venue", "from_asset", "from_base",
    /// "to_asset", "to_base", "time", "reason"}`. At most 1,000.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    crossings: Vec<case::Crossing>,
    /// What the bundle is called.
    title: Option<String>,
}

/// Either USD at the day's price, or base units of one asset; others are not limited then.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MinBody {
    /// Whole USD, as text; what has no price is followed.
    usd: Option<String>,
    /// CAIP-19.
    asset: Option<String>,
    /// Base units.
    base: Option<String>,
}

impl MinBody {
    fn read(&self) -> Result<MinValue, Problem> {
        match (&self.usd, &self.asset, &self.base) {
            (Some(usd), None, None) => amount::parse_units(usd, 12)
                .map(MinValue::UsdE12)
                .map_err(|error| Problem::invalid("/min_value/usd", error.to_string())),
            (None, Some(asset), Some(base)) => {
                let asset = asset
                    .parse::<Asset>()
                    .map_err(|error| Problem::invalid("/min_value/asset", error.to_string()))?;
                let base = amount::parse_base(base)
                    .map_err(|error| Problem::invalid("/min_value/base", error.to_string()))?;
                Ok(MinValue::Base { asset, base })
            }
            _ => Err(Problem::invalid("/min_value", "expected usd, or asset and base")),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct TraceShown {
    #[serde(flatten)]
    progress: ProgressShown,
    /// As `interdict trace --format json` says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    report: Option<Value>,
}

impl TraceShown {
    fn of(trace: &Trace) -> TraceShown {
        let report = match trace.outcome() {
            Outcome::Done(done) => Some(done.report.clone()),
            _ => None,
        };
        TraceShown { progress: ProgressShown::of(trace), report }
    }
}

/// Begin a trace
///
/// It is worked on beside other requests, two at once; ask for its state. The latest 32 are remembered
/// until the server stops: what must last is the bundle.
#[utoipa::path(post, path = "/v1/traces", tag = "investigation", request_body = TraceBody,
    responses((status = 202, body = TraceShown)))]
async fn begin(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    principal: Principal,
    Body(body): Body<TraceBody>,
) -> Result<Response, Problem> {
    let (case, body) = with_case(body)?;
    let title =
        body.title.clone().unwrap_or_else(|| format!("Trace of {} sources", body.sources.len()));
    if title.is_empty() || title.len() > 500 || title.chars().any(char::is_control) {
        return Err(Problem::invalid("/title", "expected 1 to 500 bytes of text"));
    }
    let asked = cell.clone();
    let (settings, case) =
        app.blocking(move |_| Ok((settings(&asked, &body, case.as_ref())?, case))).await?;
    let Some(trace) = cell.traces.begin(principal.actor()) else {
        return Err(Problem::overloaded());
    };
    let shown = TraceShown::of(&trace);
    tokio::task::spawn_blocking(move || {
        trace.work(|| run(&cell, &trace, &settings, case.as_ref(), &title));
    });
    Ok((StatusCode::ACCEPTED, Json(shown)).into_response())
}

/// What a case file says fills in what the request leaves open.
fn with_case(mut body: TraceBody) -> Result<(Option<Case>, TraceBody), Problem> {
    let Some(text) = body.case_file.take() else { return Ok((None, body)) };
    let wrong = |error: anyhow::Error| Problem::invalid("/case_file", format!("{error:#}"));
    let case = crate::case::parse(&text).map_err(wrong)?;
    case.check().map_err(wrong)?;
    let (file, said) = (&case.file, &case.file.settings);
    if body.sources.is_empty() {
        body.sources.clone_from(&file.sources);
    }
    body.title = body.title.or_else(|| Some(file.title.clone()));
    body.chain = body.chain.or_else(|| file.chain.map(|chain| chain.to_string()));
    body.direction = body.direction.or_else(|| {
        said.direction
            .map(|it| if it == Direction::Forward { "forward" } else { "backward" }.into())
    });
    body.policy = body.policy.or_else(|| said.policy.map(|it| it.to_string()));
    body.hops = body.hops.or(said.hops);
    body.budget = body.budget.or(said.budget);
    body.since = body.since.or(case.since().map_err(wrong)?);
    body.until = body.until.or(case.until().map_err(wrong)?);
    Ok((Some(case), body))
}

fn settings(cell: &Cell, body: &TraceBody, case: Option<&Case>) -> Result<Settings, Problem> {
    if body.sources.is_empty() || body.sources.len() > SOURCES_MAX {
        return Err(Problem::invalid("/sources", format!("expected 1 to {SOURCES_MAX}")));
    }
    let chain = body.chain.as_deref().map(str::parse::<model::Chain>).transpose();
    let chain = chain.map_err(|error| Problem::invalid("/chain", error.to_string()))?;
    let now = cell.now();
    let find = |(at, text): (usize, &String)| {
        source::find(&now.snapshot, text, chain, &[])
            .map_err(|error| Problem::invalid(&format!("/sources/{at}"), error.to_string()))
    };
    let sources = body.sources.iter().enumerate().map(find).collect::<Result<Vec<_>, _>>()?;
    let policy = body.policy.as_deref().map(str::parse::<Policy>).transpose();
    let policy = policy.map_err(|error| Problem::invalid("/policy", error.to_string()))?;
    let mut settings = Settings::forward(sources, policy.unwrap_or(Policy::Haircut));
    settings.sources.sort();
    settings.sources.dedup();
    settings.direction = match body.direction.as_deref() {
        None | Some("forward") => Direction::Forward,
        Some("backward") => Direction::Backward,
        Some(_) => return Err(Problem::invalid("/direction", "expected forward or backward")),
    };
    // What the walk asks for is what the bundle holds: it must ask for all of it.
    settings.method = Method::Frontier;
    settings.hops_max = body.hops.map(|hops| hops.min(HOPS_MAX));
    settings.budget = body.budget.unwrap_or(Settings::BUDGET).min(Settings::BUDGET);
    (settings.since, settings.until) = (body.since, body.until);
    super::is_window(body.since, body.until)?;
    settings.compare = body.compare;
    settings.min_value = body.min_value.as_ref().map(MinBody::read).transpose()?;
    settings.crossings = crossings(&body.crossings)?;
    let prices = cell.with_store(exposure::prices);
    settings.prices = prices.map_err(|error| super::failed("the prices of a trace", &error))?;
    if let Some(case) = case {
        said_of(case, &mut settings)
            .map_err(|error| Problem::invalid("/case_file", format!("{error:#}")))?;
    }
    Ok(settings)
}

/// What only a case file can say.
fn said_of(case: &Case, settings: &mut Settings) -> anyhow::Result<()> {
    settings.prices.prefer(&case.prices()?);
    settings.crossings.extend(case.crossings()?);
    let said = &case.file.settings;
    settings.hub_degree = said.hub_degree.unwrap_or(settings.hub_degree);
    settings.stop_confidence = said.stop_confidence.unwrap_or(settings.stop_confidence);
    if let (None, Some(text)) = (&settings.min_value, &said.min_value) {
        settings.min_value = Some(crate::commands::trace::parse_min_value(text, settings)?);
    }
    Ok(())
}

fn crossings(said: &[case::Crossing]) -> Result<Vec<CrossingDecision>, Problem> {
    if said.len() > CROSSINGS_MAX {
        return Err(Problem::invalid("/crossings", format!("expected at most {CROSSINGS_MAX}")));
    }
    let read = |(at, row): (usize, &case::Crossing)| {
        case::decision(row)
            .map_err(|error| Problem::invalid(&format!("/crossings/{at}"), format!("{error:#}")))
    };
    said.iter().enumerate().map(read).collect()
}

fn run(
    cell: &Cell,
    trace: &Trace,
    settings: &Settings,
    case: Option<&Case>,
    title: &str,
) -> anyhow::Result<Done> {
    let now = cell.now();
    let mut book = std::borrow::Cow::Borrowed(&**now.screener.book());
    if let Some(case) = case {
        case.add_labels(book.to_mut())?;
    }
    let book = &*book;
    let marking = case.map_or(Marking::default(), |case| case.file.marking);
    let watched = Watched { past: &now.snapshot, progress: &trace.progress };
    let recorder = bundle::Recorder::new(&watched);
    let report = trace::run(&recorder as &dyn View, book, settings)?;
    let key = Home::choose(Some(cell.home().to_path_buf())).signing_key()?;
    let past = recorder.into_past();
    let bundle = bundle::write(&past, book, settings, &report, title, marking, &key)?;
    let graph = serde_json::to_value(graph::of(&report))?;
    Ok(Done { title: title.to_string(), report: serde_json::to_value(&report)?, graph, bundle })
}

/// How a trace goes, and its report when it is done
#[utoipa::path(get, path = "/v1/traces/{id}", tag = "investigation", params(("id" = u64, Path)),
    responses((status = 200, body = TraceShown)))]
async fn get(
    Extension(cell): Extension<Arc<Cell>>,
    principal: Principal,
    Path(id): Path<u64>,
) -> Result<Json<TraceShown>, Problem> {
    Ok(Json(TraceShown::of(&*find(&cell, &principal, id)?)))
}

/// Cancel a trace
#[utoipa::path(delete, path = "/v1/traces/{id}", tag = "investigation", params(("id" = u64, Path)),
    responses((status = 200, body = TraceShown)))]
async fn cancel(
    Extension(cell): Extension<Arc<Cell>>,
    principal: Principal,
    Path(id): Path<u64>,
) -> Result<Json<TraceShown>, Problem> {
    let trace = find(&cell, &principal, id)?;
    trace.cancel();
    Ok(Json(TraceShown::of(&trace)))
}

/// How a trace goes (server-sent events)
///
/// `progress` with the counts, then `done`, `cancelled` or `failed`.
#[utoipa::path(get, path = "/v1/traces/{id}/events", tag = "investigation", params(("id" = u64, Path)),
    responses((status = 200, content_type = "text/event-stream", body = ProgressEvent), (status = 404, body = Problem)))]
async fn events(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    principal: Principal,
    Path(id): Path<u64>,
) -> Result<Response, Problem> {
    let trace = find(&cell, &principal, id)?;
    Ok(progress::stream(&app, trace)?.into_response())
}

/// A trace as a flow graph: nodes and edges
///
/// `nodes`: `id` (CAIP-10; on Bitcoin transactions too, `<chain>:<hash>`), `kind`, `label`, `category`,
/// `role`, `is_source`, `is_listed`, `depth`, `stop` (why the walk ended there; null where it went on),
/// `tainted` and `resting` (by asset, in base units, with `symbol` and `decimals`; with `by_policy` where
/// `compare` was asked). `edges`: all that one node paid another of one asset: `from`, `to`, `asset`,
/// `amount`, `tainted`, `transfers`, `first`, `last`, `txs` (the first twenty). To go on from a node by a
/// hop: `POST /v1/traces` with it as the only source, `hops` 1 and `since` its `first_seen`, and lay the
/// graph of that over this one, node by `id`; or `GET /v1/addresses/{account}/neighbors` for all
/// it dealt with, tainted or not.
#[utoipa::path(get, path = "/v1/traces/{id}/graph", tag = "investigation", params(("id" = u64, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn picture(
    Extension(cell): Extension<Arc<Cell>>,
    principal: Principal,
    Path(id): Path<u64>,
) -> Result<Json<Value>, Problem> {
    match find(&cell, &principal, id)?.outcome() {
        Outcome::Done(done) => Ok(Json(done.graph.clone())),
        _ => Err(Problem::conflict("the trace is not done: its state says how it goes")),
    }
}

/// The signed evidence of a trace, as `interdict verify` reads it
#[utoipa::path(get, path = "/v1/traces/{id}/bundle", tag = "investigation", params(("id" = u64, Path)),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
async fn take(
    Extension(cell): Extension<Arc<Cell>>,
    principal: Principal,
    Path(id): Path<u64>,
) -> Result<Response, Problem> {
    match find(&cell, &principal, id)?.outcome() {
        Outcome::Done(done) => {
            let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
            Ok((kind, done.bundle.clone()).into_response())
        }
        _ => Err(Problem::conflict("the trace is not done: its state says how it goes")),
    }
}

pub fn find(cell: &Cell, principal: &Principal, id: u64) -> Result<Arc<Trace>, Problem> {
    progress::find(&cell.traces, principal, id, "trace")
}
