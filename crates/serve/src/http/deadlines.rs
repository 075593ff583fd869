//! Deadlines of cases: told a day before and when they pass.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use case::cases::{self, Deadline};
use case::{By, DeadlineId};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cases::with;
use super::desk::{self, Made};
use crate::access::Principal;
use crate::app::App;
use crate::extract::{Body, Path, Query};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(list, add)).routes(routes!(meet)).routes(routes!(all))
}

/// What is due when in a case, met ones too
#[utoipa::path(get, path = "/v1/cases/{case}/deadlines", tag = "cases", params(("case" = i64, Path)),
    responses((status = 200, body = Vec<Object>), (status = 404, body = Problem)))]
async fn list(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<Vec<Deadline>>, Problem> {
    with(app, who, id, |app, _, id| cases::deadlines_of(&app.db, id)).await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "what": "the court's order runs out", "due": "2026-03-05T08:00:00Z" }))]
struct AddDeadline {
    what: String,
    due: String,
}

/// Something that is due; listeners are told a day before, and an alert is raised when it passes
#[utoipa::path(post, path = "/v1/cases/{case}/deadlines", tag = "cases", params(("case" = i64, Path)),
    request_body = AddDeadline,
    responses((status = 201, body = Made), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn add(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<AddDeadline>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let due = desk::moment("due", &asked.due)?;
    let add = move |app: &App, by: &By, id| cases::add_deadline(&app.db, by, id, &asked.what, due);
    Ok(desk::made(with(app, who, id, add).await?.0))
}

/// It was met
#[utoipa::path(post, path = "/v1/cases/{case}/deadlines/{deadline}/meet", tag = "cases",
    params(("case" = i64, Path), ("deadline" = i64, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn meet(
    State(app): State<App>,
    who: Principal,
    Path((id, deadline)): Path<(i64, i64)>,
) -> Result<StatusCode, Problem> {
    let meet =
        move |app: &App, by: &By, id| cases::meet_deadline(&app.db, by, id, DeadlineId(deadline));
    with(app, who, id, meet).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Until {
    /// Due at this time or before; nothing: within the next seven days.
    until: Option<String>,
}

const WEEK_S: i64 = 7 * 24 * 3600;

/// What is due in all cases that the caller sees and was not met, the earliest first
#[utoipa::path(get, path = "/v1/deadlines", tag = "cases", params(Until),
    responses((status = 200, body = Vec<Object>), (status = 422, body = Problem)))]
async fn all(
    State(app): State<App>,
    who: Principal,
    Query(asked): Query<Until>,
) -> Result<Json<Vec<Deadline>>, Problem> {
    let until = asked.until.map(|text| desk::moment("until", &text)).transpose()?;
    let found = app.blocking(move |app| {
        let week = desk::by(&who).at.as_second() + WEEK_S;
        let until = until.or(Timestamp::from_second(week).ok()).unwrap_or(Timestamp::MAX);
        Ok(cases::deadlines(&app.db, until, &desk::seen(app, &who))?)
    });
    found.await.map(Json)
}
