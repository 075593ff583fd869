//! What the routes of casework share: who acts and when, whose things somebody sees, how a refusal of
//! casework reads to a program.

use case::{By, CaseError, Cursor, Part};
use jiff::Timestamp;

use crate::access::{Principal, Sees};
use crate::app::App;
use crate::frame::log;
use crate::page::PageQuery;
use crate::problem::Problem;

/// Who acts, now. The clock is read here and nowhere below.
pub fn by(who: &Principal) -> By {
    By::new(who.actor(), Timestamp::now())
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

/// The teams whose things somebody sees, by name, as casework writes them.
pub struct Seen(Option<Vec<String>>);

impl Seen {
    pub fn of(app: &App, who: &Principal) -> Seen {
        match who.sees() {
            Sees::Everything => Seen(None),
            Sees::Of(ids) => {
                let known = app.access.known();
                let mine = known.teams.iter().filter(|team| ids.contains(&team.id));
                Seen(Some(mine.map(|team| team.name.clone()).collect()))
            }
        }
    }

    /// None: everything.
    pub fn names(self) -> Option<Vec<String>> {
        self.0
    }

    /// What has no team is seen by all who may read.
    pub fn has(&self, team: Option<&str>) -> bool {
        match (&self.0, team) {
            (None, _) | (_, None) => true,
            (Some(mine), Some(team)) => mine.iter().any(|name| name == team),
        }
    }

    /// What somebody may not see is not there.
    pub fn check(&self, what: &str, id: i64, team: Option<&str>) -> Result<(), Problem> {
        match self.has(team) {
            true => Ok(()),
            false => Err(Problem::not_found(format!("there is no {what} {id}"))),
        }
    }
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
