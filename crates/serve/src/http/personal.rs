//! What is personal: each person's data under a key of their own, erased with it.
//!
//! Whoever works may write data down; only approvers read them, signed in, and each reading is in the
//! journal; an administrator erases. A case names a person by number.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use case::personal::{self, Person};
use case::{CaseError, PersonId};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk::{self, Made, Reason};
use crate::access::Principal;
use crate::app::App;
use crate::extract::{Body, Path};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(keep))
        .routes(routes!(due))
        .routes(routes!(one))
        .routes(routes!(read))
        .routes(routes!(retain))
        .routes(routes!(erase))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "data": { "name": "A. Victim", "mail": "victim@example.org" },
    "retain_until": "2031-12-31T00:00:00Z" }))]
struct Keep {
    /// Anything in JSON, up to 64 KiB.
    #[schema(value_type = Object)]
    data: Value,
    /// They are to be erased then.
    retain_until: String,
}

/// Keep somebody's data until a date
#[utoipa::path(post, path = "/v1/persons", tag = "personal data", request_body = Keep,
    responses((status = 201, body = Made), (status = 422, body = Problem)))]
async fn keep(
    State(app): State<App>,
    who: Principal,
    Body(asked): Body<Keep>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let until = desk::moment("retain_until", &asked.retain_until)?;
    let kept = app.blocking(move |app| {
        let by = desk::by(&who);
        if until <= by.at {
            return Err(Problem::invalid("retain_until", "expected a time to come"));
        }
        Ok(personal::keep(&app.db, &by, &asked.data, until)?)
    });
    Ok(desk::made(kept.await?.0))
}

/// Whose time is over and whose data are still there, the longest first
#[utoipa::path(get, path = "/v1/persons/due", tag = "personal data",
    responses((status = 200, body = Vec<Object>)))]
async fn due(State(app): State<App>, who: Principal) -> Result<Json<Vec<Person>>, Problem> {
    let due = app.blocking(move |app| Ok(personal::due(&app.db, desk::by(&who).at)?));
    due.await.map(Json)
}

/// Until when somebody's data are kept, or when they were erased; not the data
#[utoipa::path(get, path = "/v1/persons/{person}", tag = "personal data", params(("person" = i64, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<Person>, Problem> {
    app.blocking(move |app| Ok(personal::get(&app.db, PersonId(id))?)).await.map(Json)
}

/// Somebody's data; that they were read, and by whom, is in the journal
#[utoipa::path(get, path = "/v1/persons/{person}/data", tag = "personal data",
    params(("person" = i64, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn read(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<Value>, Problem> {
    let read = app.blocking(move |app| Ok(personal::read(&app.db, &desk::by(&who), PersonId(id))?));
    read.await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "until": "2032-12-31T00:00:00Z" }))]
struct Retain {
    until: String,
}

/// Keep them until another date
#[utoipa::path(post, path = "/v1/persons/{person}/retain", tag = "personal data",
    params(("person" = i64, Path)), request_body = Retain,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn retain(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Retain>,
) -> Result<Json<Person>, Problem> {
    let until = desk::moment("until", &asked.until)?;
    act(app, id, move |app| personal::retain(&app.db, &desk::by(&who), PersonId(id), until)).await
}

/// Erase somebody: key, salt and data are destroyed, and the journal stays whole
#[utoipa::path(post, path = "/v1/persons/{person}/erase", tag = "personal data",
    params(("person" = i64, Path)), request_body = Reason,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn erase(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Reason>,
) -> Result<Json<Person>, Problem> {
    let erase =
        move |app: &App| personal::erase(&app.db, &desk::by(&who), PersonId(id), &asked.reason);
    act(app, id, erase).await
}

async fn act(
    app: App,
    id: i64,
    act: impl FnOnce(&App) -> Result<(), CaseError> + Send + 'static,
) -> Result<Json<Person>, Problem> {
    let done = app.blocking(move |app| {
        act(app)?;
        Ok(personal::get(&app.db, PersonId(id))?)
    });
    done.await.map(Json)
}
