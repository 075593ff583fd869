//! What is personal: each person's data under a key of their own, erased with it.
//!
//! Whoever works may write data down; only approvers read them, signed in, and each reading is in the
//! journal; an administrator erases, before their time together with a second person. A case names a
//! person by number.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use case::PersonId;
use case::personal::{self, Person};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
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
        .routes(routes!(agree))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "data": { "name": "A. Victim", "mail": "victim@example.org" },
    "retain_until": "2031-12-31T00:00:00Z" }))]
struct Keep {
    /// Anything in JSON, up to 64 KiB.
    #[schema(value_type = Object)]
    data: Value,
    /// They are to be erased then. As long as this server keeps people, if nothing is said.
    retain_until: Option<String>,
}

/// Keep somebody's data until a date
#[utoipa::path(post, path = "/v1/persons", tag = "personal data", request_body = Keep,
    responses((status = 201, body = Made), (status = 422, body = Problem)))]
async fn keep(
    State(app): State<App>,
    who: Principal,
    Body(asked): Body<Keep>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let until = asked.retain_until.as_deref();
    let until = until.map(|text| desk::moment("retain_until", text)).transpose()?;
    let kept = app.blocking(move |app| {
        let by = desk::by(&who);
        let kept = app.settings.retention.kept;
        let until = until.unwrap_or_else(|| by.at.saturating_add(kept).unwrap_or(Timestamp::MAX));
        if until <= by.at {
            return Err(Problem::invalid("retain_until", "expected a time to come"));
        }
        Ok(personal::keep(&app.db, &by, &asked.data, until)?)
    });
    Ok(desk::made(kept.await?.0))
}

/// Somebody whose data are or were kept, without the data.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({ "id": 7, "retain_until": "2031-12-31T00:00:00Z", "erased": null }))]
struct PersonShown {
    id: i64,
    retain_until: String,
    /// When they were erased.
    erased: Option<String>,
    /// Somebody asked to erase them before their time, and nobody else has agreed yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<ErasureAsked>,
}

/// An erasure that waits for a second person.
#[derive(Serialize, ToSchema)]
struct ErasureAsked {
    by: String,
    at: String,
    reason: String,
}

impl PersonShown {
    fn of(person: Person) -> PersonShown {
        let asked = person.asked.map(|asked| ErasureAsked {
            by: asked.by,
            at: asked.at.to_string(),
            reason: asked.reason,
        });
        PersonShown {
            id: person.id.0,
            retain_until: person.retain_until.to_string(),
            erased: person.erased.map(|at| at.to_string()),
            asked,
        }
    }
}

/// Somebody whose time is over.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({ "id": 7, "retain_until": "2026-01-31T00:00:00Z", "erased": null,
    "held_by": "a claim in case 2026-000012, which is not closed" }))]
struct DueShown {
    #[serde(flatten)]
    person: PersonShown,
    /// What that is still open needs them; then it takes two people to erase them. Nothing: the clock
    /// erases them where it may, and any administrator can.
    held_by: Option<String>,
}

/// Whose time is over and whose data are still there, the longest first, a thousand at most
#[utoipa::path(get, path = "/v1/persons/due", tag = "personal data",
    responses((status = 200, body = Vec<DueShown>)))]
async fn due(State(app): State<App>, who: Principal) -> Result<Json<Vec<DueShown>>, Problem> {
    let due = app.blocking(move |app| {
        let due = personal::due(&app.db, desk::by(&who).at, &app.holds)?;
        let shown = |due: personal::Due| {
            let person = PersonShown::of(due.person);
            DueShown { person, held_by: due.held_by }
        };
        Ok(due.into_iter().map(shown).collect())
    });
    due.await.map(Json)
}

/// Until when somebody's data are kept, or when they were erased; not the data
#[utoipa::path(get, path = "/v1/persons/{person}", tag = "personal data", params(("person" = i64, Path)),
    responses((status = 200, body = PersonShown), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<PersonShown>, Problem> {
    let person = app.blocking(move |app| Ok(personal::get(&app.db, PersonId(id))?));
    Ok(Json(PersonShown::of(person.await?)))
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

/// Keep them until a later date
///
/// A nearer one is refused: whoever is erased before their time is so by two people.
#[utoipa::path(post, path = "/v1/persons/{person}/retain", tag = "personal data",
    params(("person" = i64, Path)), request_body = Retain,
    responses((status = 200, body = PersonShown), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn retain(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Retain>,
) -> Result<Json<PersonShown>, Problem> {
    let until = desk::moment("until", &asked.until)?;
    let kept = app.blocking(move |app| {
        personal::retain(&app.db, &desk::by(&who), PersonId(id), until)?;
        Ok(personal::get(&app.db, PersonId(id))?)
    });
    Ok(Json(PersonShown::of(kept.await?)))
}

/// Erase somebody: key, salt and data are destroyed, and the journal stays whole
///
/// At once when their time is over and nothing that is open holds them. Else it is only asked for (202),
/// and done when another person agrees: `/v1/persons/{person}/erase/agree`.
#[utoipa::path(post, path = "/v1/persons/{person}/erase", tag = "personal data",
    params(("person" = i64, Path)), request_body = Reason,
    responses((status = 200, body = PersonShown), (status = 202, body = PersonShown),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn erase(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Reason>,
) -> Result<(StatusCode, Json<PersonShown>), Problem> {
    let erased = app.blocking(move |app| {
        let by = desk::by(&who);
        Ok(personal::erase(&app.db, &by, PersonId(id), &asked.reason, &app.holds)?)
    });
    let person = erased.await?;
    let status = if person.erased.is_some() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(PersonShown::of(person))))
}

/// Agree that somebody is erased before their time, as another person asked
#[utoipa::path(post, path = "/v1/persons/{person}/erase/agree", tag = "personal data",
    params(("person" = i64, Path)),
    responses((status = 200, body = PersonShown), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn agree(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<PersonShown>, Problem> {
    let erased =
        app.blocking(move |app| Ok(personal::agree(&app.db, &desk::by(&who), PersonId(id))?));
    Ok(Json(PersonShown::of(erased.await?)))
}
