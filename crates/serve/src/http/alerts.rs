//! The alert queue.

use axum::Json;
use axum::extract::State;
use case::alerts::{self, Alert, AlertFilter, AlertState, Counts};
use case::{AlertId, By, CaseError, CaseId, Page};
use model::Severity;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk::{self, Reason};
use crate::access::Principal;
use crate::app::App;
use crate::extract::{Body, Path, Query};
use crate::page::PageQuery;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(counts))
        .routes(routes!(one))
        .routes(routes!(acknowledge))
        .routes(routes!(snooze))
        .routes(routes!(close))
        .routes(routes!(reopen))
        .routes(routes!(assign))
        .routes(routes!(give))
        .routes(routes!(into_case))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Narrow {
    /// `open`, `acknowledged`, `snoozed`, `in_case`, `closed`.
    state: Option<String>,
    /// `info`, `low`, `medium`, `high`.
    severity: Option<String>,
    /// `screening`, `look_back`, `watch`, `frontier`, `rule`, `guard`, `freeze`, `deadline`, …
    kind: Option<String>,
    /// As in an alert: `account:eip155:1:0x…`.
    subject: Option<String>,
    group: Option<String>,
    assignee: Option<String>,
    team: Option<String>,
    case: Option<i64>,
    /// Last seen at this time or later.
    since: Option<String>,
}

impl Narrow {
    fn filter(self) -> Result<AlertFilter, Problem> {
        let severity = |text: String| {
            serde_json::from_value(serde_json::Value::String(text.clone()))
                .map_err(|_| Problem::invalid("severity", format!("{text:?} is none")))
        };
        Ok(AlertFilter {
            states: self.state.map(|text| text.parse()).transpose()?.into_iter().collect(),
            severities: self.severity.map(severity).transpose()?.into_iter().collect(),
            kinds: self.kind.map(|text| text.parse()).transpose()?.into_iter().collect(),
            subject: self.subject.map(|text| text.parse()).transpose()?,
            group: self.group,
            assignee: self.assignee,
            team: self.team,
            case: self.case.map(CaseId),
            since: self.since.map(|text| desk::moment("since", &text)).transpose()?,
            seen: case::Seen::default(),
        })
    }
}

/// Alerts, the newest seen first
///
/// Those of teams that are not the caller's are not among them.
#[utoipa::path(get, path = "/v1/alerts", tag = "alerts", params(Narrow, PageQuery),
    responses((status = 200, body = Object), (status = 422, body = Problem)))]
async fn list(
    State(app): State<App>,
    who: Principal,
    Query(narrow): Query<Narrow>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Alert>>, Problem> {
    let (filter, part) = (narrow.filter()?, desk::part(&query)?);
    let page = app.blocking(move |app| {
        let filter = AlertFilter { seen: desk::seen(app, &who), ..filter };
        Ok(alerts::list(&app.db, &filter, &part)?)
    });
    Ok(Json(page.await?))
}

/// How many alerts there are of each state and severity: exact, and of what the caller sees.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({ "total": 1204, "counts": [
    { "state": "open", "severity": "high", "number": 17 },
    { "state": "closed", "severity": "low", "number": 1187 }] }))]
struct AlertCounts {
    total: i64,
    /// Pairs that have none are left out.
    counts: Vec<AlertCount>,
}

#[derive(Serialize, ToSchema)]
struct AlertCount {
    /// As in an alert.
    #[schema(value_type = String)]
    state: AlertState,
    #[schema(value_type = String)]
    severity: Severity,
    number: i64,
}

/// How many alerts there are, by state and severity
///
/// Those of teams that are not the caller's are not counted. It costs the same however many there are.
#[utoipa::path(get, path = "/v1/alerts/counts", tag = "alerts",
    responses((status = 200, body = AlertCounts)))]
async fn counts(State(app): State<App>, who: Principal) -> Result<Json<AlertCounts>, Problem> {
    let counts = app.blocking(move |app| Ok(alerts::counts(&app.db, &desk::seen(app, &who))?));
    let count =
        |of: Counts| AlertCount { state: of.state, severity: of.severity, number: of.number };
    let counts: Vec<AlertCount> = counts.await?.into_iter().map(count).collect();
    let total = counts.iter().map(|count| count.number).sum();
    Ok(Json(AlertCounts { total, counts }))
}

/// One alert, with what it rests on
#[utoipa::path(get, path = "/v1/alerts/{alert}", tag = "alerts", params(("alert" = i64, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn one(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<Alert>, Problem> {
    app.blocking(move |app| desk::alert_seen(app, &who, id)).await.map(Json)
}

/// An act on an alert that the caller sees.
async fn act(
    app: App,
    who: Principal,
    id: i64,
    act: impl FnOnce(&App, &By, AlertId) -> Result<Alert, CaseError> + Send + 'static,
) -> Result<Json<Alert>, Problem> {
    let act = move |app: &App, by: &By| act(app, by, AlertId(id));
    desk::act(app, who, id, desk::alert_seen, act).await.map(Json)
}

/// Somebody has seen it and looks at it
#[utoipa::path(post, path = "/v1/alerts/{alert}/acknowledge", tag = "alerts", params(("alert" = i64, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn acknowledge(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<Alert>, Problem> {
    act(app, who, id, |app, by, id| alerts::acknowledge(&app.db, by, id)).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Snooze {
    /// It is open again then.
    until: String,
    reason: String,
}

/// Not now, and why
#[utoipa::path(post, path = "/v1/alerts/{alert}/snooze", tag = "alerts", params(("alert" = i64, Path)),
    request_body = Snooze,
    responses((status = 200, body = Object), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn snooze(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Snooze>,
) -> Result<Json<Alert>, Problem> {
    let until = desk::moment("until", &asked.until)?;
    let reason = asked.reason;
    act(app, who, id, move |app, by, id| alerts::snooze(&app.db, by, id, until, &reason)).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Close {
    reason: String,
    #[serde(default)]
    is_false_positive: bool,
}

/// Done with it, and why
#[utoipa::path(post, path = "/v1/alerts/{alert}/close", tag = "alerts", params(("alert" = i64, Path)),
    request_body = Close,
    responses((status = 200, body = Object), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn close(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Close>,
) -> Result<Json<Alert>, Problem> {
    let Close { reason, is_false_positive } = asked;
    let close =
        move |app: &App, by: &By, id| alerts::close(&app.db, by, id, &reason, is_false_positive);
    act(app, who, id, close).await
}

/// Closed too early, and why
#[utoipa::path(post, path = "/v1/alerts/{alert}/reopen", tag = "alerts", params(("alert" = i64, Path)),
    request_body = Reason,
    responses((status = 200, body = Object), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn reopen(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Reason>,
) -> Result<Json<Alert>, Problem> {
    act(app, who, id, move |app, by, id| alerts::reopen(&app.db, by, id, &asked.reason)).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Assign {
    /// Nothing: nobody's.
    assignee: Option<String>,
}

/// Whose it is
#[utoipa::path(post, path = "/v1/alerts/{alert}/assign", tag = "alerts", params(("alert" = i64, Path)),
    request_body = Assign,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn assign(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Assign>,
) -> Result<Json<Alert>, Problem> {
    let assign =
        move |app: &App, by: &By, id| alerts::assign(&app.db, by, id, asked.assignee.as_deref());
    act(app, who, id, assign).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "team": "north" }))]
struct Give {
    /// Nothing: seen by all.
    team: Option<String>,
}

/// Whose team's it is
#[utoipa::path(post, path = "/v1/alerts/{alert}/team", tag = "alerts", params(("alert" = i64, Path)),
    request_body = Give,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn give(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Give>,
) -> Result<Json<Alert>, Problem> {
    let done = app.blocking(move |app| {
        desk::alert_seen(app, &who, id)?;
        desk::is_team(app, asked.team.as_deref())?;
        let by = desk::by(&who);
        Ok(alerts::set_team(&app.db, &by, AlertId(id), asked.team.as_deref())?)
    });
    done.await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct IntoCase {
    case: i64,
}

/// A case deals with it from now on
#[utoipa::path(post, path = "/v1/alerts/{alert}/case", tag = "alerts", params(("alert" = i64, Path)),
    request_body = IntoCase,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn into_case(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<IntoCase>,
) -> Result<Json<Alert>, Problem> {
    let done = app.blocking(move |app| {
        desk::alert_seen(app, &who, id)?;
        desk::case_seen(app, &who, asked.case)?;
        let (by, case) = (desk::by(&who), CaseId(asked.case));
        Ok(alerts::take_into_case(&app.db, &by, AlertId(id), case)?)
    });
    done.await.map(Json)
}
