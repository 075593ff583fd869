//! The queue of alerts in pages, newest first.
//!
//! A filter of several states, severities or kinds is asked as one question for each combination and
//! team, each answered by an index that holds exactly it in the order of the listing: no question
//! reads more rows than it shows, however many there are, and what other teams have is not read.

use model::{Severity, Timestamp};

use super::{
    Alert, AlertKind, AlertState, AlertSubject, COLUMNS, alert, severity_number, severity_of,
};
use crate::act::micros;
use crate::db::{Db, Tx, Value};
use crate::error::CaseError;
use crate::ids::{AlertId, CaseId};
use crate::page::{Cursor, Page, Part};
use crate::seen::Seen;

/// What to show; what is empty or none does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    pub states: Vec<AlertState>,
    pub severities: Vec<Severity>,
    pub kinds: Vec<AlertKind>,
    pub subject: Option<AlertSubject>,
    pub group: Option<String>,
    pub assignee: Option<String>,
    pub team: Option<String>,
    pub case: Option<CaseId>,
    /// Last seen at this time or later.
    pub since: Option<Timestamp>,
    /// Of whom what is asked for is shown.
    pub seen: Seen,
}

/// More combinations than that are a question that nobody asks.
const BRANCHES_MAX: usize = 64;
/// With more teams than that a listing is asked of all at once.
const TEAMS_MAX: usize = 48;

pub fn get(db: &Db, id: AlertId) -> Result<Alert, CaseError> {
    db.read(|tx| get_in(tx, id))
}

pub(super) fn get_in(tx: &mut Tx<'_>, id: AlertId) -> Result<Alert, CaseError> {
    let row = tx.row(&format!("SELECT {COLUMNS} FROM alert WHERE id = $1"), &[id.into()])?;
    alert(&row.ok_or_else(|| CaseError::missing("alert", id))?)
}

/// Newest seen first.
pub fn list(db: &Db, filter: &AlertFilter, part: &Part) -> Result<Page<Alert>, CaseError> {
    db.read(|tx| list_in(tx, filter, part))
}

fn list_in(tx: &mut Tx<'_>, filter: &AlertFilter, part: &Part) -> Result<Page<Alert>, CaseError> {
    let mut question = Question::default();
    let teams = match filter.team.as_deref() {
        Some(team) if filter.seen.has(Some(team)) => Some(vec![team.to_string()]),
        Some(_) => return Ok(part.page(Vec::new(), cursor)),
        None if filter.is_narrow() => None,
        None => teams(tx, &filter.seen)?,
    };
    let branches = question.branches(filter, part, teams)?;
    let limit = question.value(part.fetch());
    let order = "ORDER BY last_seen DESC, id DESC";
    let asked: Vec<String> = branches
        .iter()
        .map(|wheres| {
            format!(
                "SELECT * FROM (SELECT {COLUMNS} FROM alert {wheres} {order} LIMIT {limit}) AS b"
            )
        })
        .collect();
    let sql = match asked.as_slice() {
        [one] => format!("{one} {order}"),
        many => format!("SELECT * FROM ({}) AS a {order} LIMIT {limit}", many.join(" UNION ALL ")),
    };
    let rows = tx.rows(&sql, &question.values)?;
    let alerts = rows.iter().map(alert).collect::<Result<_, _>>()?;
    Ok(part.page(alerts, cursor))
}

fn cursor(alert: &Alert) -> Cursor {
    Cursor { key: micros(alert.last_seen), id: alert.id.0 }
}

impl AlertFilter {
    /// By something that few alerts share and that has an index of its own.
    fn is_narrow(&self) -> bool {
        self.subject.is_some()
            || self.group.is_some()
            || self.assignee.is_some()
            || self.case.is_some()
    }
}

/// The teams whose alerts are asked for, `''` for those of none; nothing: there are too many.
fn teams(tx: &mut Tx<'_>, seen: &Seen) -> Result<Option<Vec<String>>, CaseError> {
    let mut teams = vec![String::new()];
    match seen {
        Seen::Of(mine) => teams.extend(mine.iter().cloned()),
        Seen::All => {
            // From one to the next by the index: each costs the same, however many alerts it has.
            let sql = "SELECT COALESCE(team, '') FROM alert WHERE COALESCE(team, '') > $1 \
                       ORDER BY COALESCE(team, '') LIMIT 1";
            while teams.len() <= TEAMS_MAX {
                let last = teams.last().map_or("", String::as_str);
                let Some(row) = tx.row(sql, &[last.into()])? else { break };
                teams.push(row.text(0)?.to_string());
            }
        }
    }
    teams.sort();
    teams.dedup();
    Ok(Some(teams).filter(|teams| teams.len() <= TEAMS_MAX))
}

#[derive(Default)]
struct Question {
    values: Vec<Value>,
}

impl Question {
    /// The name of a value in the text of the question.
    fn value(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn branches(
        &mut self,
        filter: &AlertFilter,
        part: &Part,
        teams: Option<Vec<String>>,
    ) -> Result<Vec<String>, CaseError> {
        let mut common = Vec::new();
        let texts = [
            ("subject", filter.subject.as_ref().map(ToString::to_string)),
            ("group_key", filter.group.clone()),
            ("assignee", filter.assignee.clone()),
        ];
        for (column, value) in texts {
            if let Some(value) = value {
                common.push(format!("{column} = {}", self.value(value)));
            }
        }
        if let Some(case) = filter.case {
            common.push(format!("case_id = {}", self.value(case)));
        }
        if let Some(since) = filter.since {
            common.push(format!("last_seen >= {}", self.value(micros(since))));
        }
        if let Some(after) = part.after {
            let (key, id) = (self.value(after.key), self.value(after.id));
            common.push(format!("(last_seen, id) < ({key}, {id})"));
        }
        let combinations = [filter.states.len(), filter.severities.len(), filter.kinds.len()]
            .into_iter()
            .fold(1, |all: usize, some| all.saturating_mul(some.max(1)));
        // So many that they are asked of all teams at once: then each alert is looked at.
        let teams = teams.filter(|teams| teams.len().saturating_mul(combinations) <= BRANCHES_MAX);
        if teams.is_none() {
            common.extend(filter.seen.narrow("team", &mut self.values));
        }
        let mut branches = vec![common];
        let teams = teams.unwrap_or_default().into_iter().map(Value::from).collect();
        branches = self.each(branches, "COALESCE(team, '')", teams);
        let states = filter.states.iter().map(|state| state.text().into()).collect();
        let severities = filter.severities.iter().map(|it| severity_number(*it).into()).collect();
        let kinds = filter.kinds.iter().map(|kind| kind.text().into()).collect();
        for (column, values) in [("state", states), ("severity", severities), ("kind", kinds)] {
            branches = self.each(branches, column, values);
        }
        if branches.len() > BRANCHES_MAX {
            let found = format!("{} combinations of states, severities and kinds", branches.len());
            return Err(CaseError::field("filter", found, format!("at most {BRANCHES_MAX}")));
        }
        let text = |wheres: Vec<String>| match wheres.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", wheres.join(" AND ")),
        };
        Ok(branches.into_iter().map(text).collect())
    }

    fn each(
        &mut self,
        branches: Vec<Vec<String>>,
        column: &str,
        mut values: Vec<Value>,
    ) -> Vec<Vec<String>> {
        values.dedup();
        let mut names: Vec<String> = Vec::new();
        for value in values {
            let name = match self.values.iter().position(|held| *held == value) {
                Some(at) => format!("${}", at + 1),
                None => self.value(value),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            return branches;
        }
        let with = |branch: &Vec<String>, name: &String| {
            let mut branch = branch.clone();
            branch.push(format!("{column} = {name}"));
            branch
        };
        branches
            .iter()
            .flat_map(|branch| names.iter().map(move |name| with(branch, name)))
            .collect()
    }
}

/// How many alerts there are of a state and severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    pub state: AlertState,
    pub severity: Severity,
    pub number: i64,
}

/// Of those that somebody sees, exact. Kept up to date with each act, so that it costs the same however
/// many alerts there are.
pub fn counts(db: &Db, seen: &Seen) -> Result<Vec<Counts>, CaseError> {
    let mut values = Vec::new();
    let narrowed = seen.narrow("team", &mut values).map(|of| format!("WHERE {of}"));
    let sql = format!(
        "SELECT state, severity, CAST(SUM(number) AS BIGINT) FROM alert_count {} \
         GROUP BY state, severity HAVING SUM(number) > 0 LIMIT 100",
        narrowed.unwrap_or_default()
    );
    let rows = db.read(|tx| tx.rows(&sql, &values))?;
    let mut counts = Vec::new();
    for row in &rows {
        let severity = severity_of(row.int(1)?)?;
        counts.push(Counts { state: row.text(0)?.parse()?, severity, number: row.int(2)? });
    }
    counts.sort_by_key(|count| (count.state, count.severity));
    Ok(counts)
}
