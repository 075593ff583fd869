//! What the routes of casework share: who acts and when, whose things somebody sees, how a refusal of
//! casework reads to a program.

use axum::Json;
use axum::http::StatusCode;
use case::alerts::{self, Alert};
use case::cases::{self, Case};
use case::freeze::{self, FreezeId, FreezeRequest};
use case::{AlertId, By, CaseError, CaseId, Cursor, Part, Seen};
use jiff::Timestamp;
use model::{Asset, U256};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{Principal, Sees};
use crate::app::App;
use crate::frame::log;
use crate::page::PageQuery;
use crate::problem::Problem;

/// Who acts, now. The clock is read here and nowhere below.
pub fn by(who: &Principal) -> By {
    By::new(who.actor(), Timestamp::now()).behind(who.people())
}

/// A case that somebody may see.
pub fn case_seen(app: &App, who: &Principal, id: i64) -> Result<Case, Problem> {
    let case = cases::get(&app.db, CaseId(id))?;
    check(app, who, "case", id, case.team.as_deref())?;
    Ok(case)
}

/// An alert that somebody may see.
pub fn alert_seen(app: &App, who: &Principal, id: i64) -> Result<Alert, Problem> {
    let alert = alerts::get(&app.db, AlertId(id))?;
    check(app, who, "alert", id, alert.team.as_deref())?;
    Ok(alert)
}

/// A freeze request that somebody may see: whoever sees its case.
pub fn freeze_seen(app: &App, who: &Principal, id: i64) -> Result<FreezeRequest, Problem> {
    let request = freeze::get(&app.db, FreezeId(id))?;
    if let Some(case) = request.case {
        case_seen(app, who, case.0)
            .map_err(|_| Problem::not_found(format!("there is no freeze request {id}")))?;
    }
    Ok(request)
}

impl From<CaseError> for Problem {
    fn from(error: CaseError) -> Problem {
        match &error {
            CaseError::Missing { .. } => Problem::not_found(error.to_string()),
            CaseError::Field { field, .. } => Problem::invalid(field, error.to_string()),
            CaseError::State { .. } => Problem::conflict(error.to_string()),
            CaseError::Db(_) | CaseError::Damaged(_) | CaseError::Io { .. } => {
                log::failure("casework", &error);
                Problem::internal()
            }
        }
    }
}

/// Whose things somebody sees, as casework names teams.
pub fn seen(app: &App, who: &Principal) -> Seen {
    match who.sees() {
        Sees::Everything => Seen::All,
        Sees::Of(ids) => {
            let known = app.access.known();
            let mine = known.teams.iter().filter(|team| ids.contains(&team.id));
            Seen::Of(mine.map(|team| team.name.clone()).collect())
        }
    }
}

/// What somebody may not see is not there.
pub fn check(
    app: &App,
    who: &Principal,
    what: &str,
    id: i64,
    team: Option<&str>,
) -> Result<(), Problem> {
    match seen(app, who).has(team) {
        true => Ok(()),
        false => Err(Problem::not_found(format!("there is no {what} {id}"))),
    }
}

/// An act on something that the caller sees; what comes of it.
pub async fn act<S: 'static, T: Send + 'static>(
    app: App,
    who: Principal,
    id: i64,
    look: fn(&App, &Principal, i64) -> Result<S, Problem>,
    act: impl FnOnce(&App, &By) -> Result<T, CaseError> + Send + 'static,
) -> Result<T, Problem> {
    app.blocking(move |app| {
        look(app, &who, id)?;
        Ok(act(app, &by(&who))?)
    })
    .await
}

/// Why something is done.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "the exchange answered: it is its own hot wallet" }))]
pub struct Reason {
    pub reason: String,
}

/// What was made, by its number.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({ "id": 7 }))]
pub struct Made {
    pub id: i64,
}

/// How many there are of each state: exact, and of what the caller sees.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({ "total": 12, "counts": [
    { "state": "triage", "number": 2 }, { "state": "open", "number": 9 }, { "state": "closed", "number": 1 }] }))]
pub struct StateCounts {
    pub total: i64,
    /// States that have none are left out.
    pub counts: Vec<StateCount>,
}

#[derive(Serialize, ToSchema)]
pub struct StateCount {
    pub state: String,
    pub number: i64,
}

impl StateCounts {
    pub fn of<S>(counts: Vec<(S, i64)>, text: impl Fn(S) -> &'static str) -> StateCounts {
        let total = counts.iter().map(|(_, number)| number).sum();
        let count = |(state, number)| StateCount { state: text(state).to_string(), number };
        StateCounts { total, counts: counts.into_iter().map(count).collect() }
    }
}

pub fn made(id: i64) -> (StatusCode, Json<Made>) {
    (StatusCode::CREATED, Json(Made { id }))
}

/// Whole base units, in decimal.
pub fn amount(field: &str, text: &str) -> Result<U256, Problem> {
    model::amount::parse_base(text).map_err(|error| Problem::invalid(field, error.to_string()))
}

/// CAIP-19.
pub fn asset(field: &str, text: &str) -> Result<Asset, Problem> {
    text.parse().map_err(|error: <Asset as std::str::FromStr>::Err| {
        Problem::invalid(field, error.to_string())
    })
}

/// A team that is given must be there: a slip would hide a case from everybody.
pub fn is_team(app: &App, team: Option<&str>) -> Result<(), Problem> {
    let Some(team) = team else { return Ok(()) };
    match app.access.known().teams.iter().any(|known| known.name == team) {
        true => Ok(()),
        false => Err(Problem::invalid("team", format!("{team:?}: expected the name of a team"))),
    }
}

pub fn part(query: &PageQuery) -> Result<Part, Problem> {
    let after = query.cursor.as_deref().filter(|text| !text.is_empty());
    let after = after.map(str::parse::<Cursor>).transpose()?;
    Ok(Part { after, limit: query.limit()? })
}

/// Time as it was written in a field.
pub fn moment(field: &str, text: &str) -> Result<Timestamp, Problem> {
    text.parse().map_err(|_| {
        Problem::invalid(field, format!("{text:?}: expected a time such as 2026-03-05T08:00:00Z"))
    })
}
