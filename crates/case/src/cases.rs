//! Cases: what an alert becomes when somebody must deal with it.
//!
//! triage → open → closed, and open again. What belongs to a case (`parts`) is notes, tasks, deadlines,
//! links and evidence; `merge` puts two into one and takes one apart; `search` finds them by words.

mod clock;
pub mod ledger;
mod merge;
mod parts;
mod search;

use std::str::FromStr;

use model::{Marking, Timestamp};
use serde_json::{Value as Json, json};

use crate::act::{By, micros, moment};
use crate::check;
use crate::db::{Db, Migration, Row, Tx, Value};
use crate::error::CaseError;
use crate::ids::CaseId;
use crate::page::{self, Cursor, Page, Part};
use crate::seen::Seen;
use crate::{journal, outbox};

pub use clock::{NEAR_S, Nearness, remind_deadlines};
pub use merge::{Picked, merge, split};
pub use parts::{
    Content, Deadline, Evidence, Link, LinkKind, NewEvidence, NewLink, NewTask, Note, Task,
    add_deadline, add_evidence, add_note, add_task, deadlines, deadlines_of, evidence,
    evidence_bytes, finish_task, link, links, meet_deadline, notes, tasks, unlink,
};

pub(crate) const MIGRATIONS: &[Migration] = &["
    CREATE TABLE case_file (
        id BIGINT PRIMARY KEY,
        number TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        summary TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        assignee TEXT,
        team TEXT,
        marking TEXT NOT NULL,
        created BIGINT NOT NULL,
        changed BIGINT NOT NULL,
        merged_into BIGINT
    );
    CREATE INDEX case_by_state ON case_file (state, id);
    CREATE INDEX case_by_assignee ON case_file (assignee, id, state);
    CREATE INDEX case_by_team ON case_file (team, id, state);
    CREATE TABLE case_note (
        id BIGINT PRIMARY KEY, case_id BIGINT NOT NULL, time BIGINT NOT NULL, actor TEXT NOT NULL,
        text TEXT NOT NULL
    );
    CREATE INDEX note_of_case ON case_note (case_id, id);
    CREATE TABLE case_task (
        id BIGINT PRIMARY KEY, case_id BIGINT NOT NULL, title TEXT NOT NULL, assignee TEXT, due BIGINT,
        done BIGINT, done_by TEXT
    );
    CREATE INDEX task_of_case ON case_task (case_id, id);
    CREATE TABLE case_deadline (
        id BIGINT PRIMARY KEY, case_id BIGINT NOT NULL, what TEXT NOT NULL, due BIGINT NOT NULL,
        met BIGINT
    );
    CREATE INDEX deadline_of_case ON case_deadline (case_id, id);
    CREATE INDEX deadline_by_due ON case_deadline (due) WHERE met IS NULL;
    CREATE TABLE case_link (
        id BIGINT PRIMARY KEY, case_id BIGINT NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL,
        note TEXT NOT NULL, time BIGINT NOT NULL, actor TEXT NOT NULL
    );
    CREATE INDEX link_of_case ON case_link (case_id, id);
    CREATE INDEX link_by_target ON case_link (kind, target, case_id);
    CREATE TABLE case_evidence (
        id BIGINT PRIMARY KEY, case_id BIGINT NOT NULL, name TEXT NOT NULL, media_type TEXT NOT NULL,
        sha256 BLOB NOT NULL, size BIGINT NOT NULL, bytes BLOB, path TEXT, time BIGINT NOT NULL,
        actor TEXT NOT NULL
    );
    CREATE INDEX evidence_of_case ON case_evidence (case_id, id);
    CREATE TABLE case_incident (
        id BIGINT PRIMARY KEY, case_id BIGINT NOT NULL, title TEXT NOT NULL, time BIGINT NOT NULL
    );
    CREATE INDEX incident_of_case ON case_incident (case_id, id);
    CREATE TABLE case_claim (
        id BIGINT PRIMARY KEY, case_id BIGINT NOT NULL, incident BIGINT NOT NULL, claimant TEXT NOT NULL,
        asset TEXT NOT NULL, decimals BIGINT, amount TEXT NOT NULL
    );
    CREATE INDEX claim_of_case ON case_claim (case_id, id);
    CREATE TABLE case_holding (
        id BIGINT PRIMARY KEY, case_id BIGINT NOT NULL, place TEXT NOT NULL, asset TEXT NOT NULL,
        amount TEXT NOT NULL
    );
    CREATE INDEX holding_of_case ON case_holding (case_id, id);
    CREATE TABLE case_term (
        case_id BIGINT NOT NULL, term BLOB NOT NULL, PRIMARY KEY (term, case_id)
    );
    CREATE INDEX term_of_case ON case_term (case_id)
"];

/// What belongs to a case and moves when cases are merged.
const PARTS: [&str; 8] = [
    "case_note",
    "case_task",
    "case_deadline",
    "case_link",
    "case_evidence",
    "case_incident",
    "case_claim",
    "case_holding",
];

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    Triage,
    Open,
    Closed,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCase {
    pub title: String,
    pub summary: String,
    pub marking: Marking,
    pub assignee: Option<String>,
    pub team: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Case {
    pub id: CaseId,
    /// As people say it: `2026-000012`.
    pub number: String,
    pub title: String,
    pub summary: String,
    pub state: CaseState,
    /// Why it was closed.
    pub reason: Option<String>,
    pub assignee: Option<String>,
    pub team: Option<String>,
    pub marking: Marking,
    pub created: Timestamp,
    pub changed: Timestamp,
    /// The case that holds all of this one since they were merged.
    pub merged_into: Option<CaseId>,
}

/// What to set; what is none stays. An inner none empties the field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseChange {
    pub title: Option<String>,
    pub summary: Option<String>,
    pub marking: Option<Marking>,
    pub assignee: Option<Option<String>>,
    pub team: Option<Option<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseFilter {
    pub state: Option<CaseState>,
    pub assignee: Option<String>,
    pub team: Option<String>,
    /// Words, each of which begins some word of the case.
    pub search: Option<String>,
    /// Of whom what is asked for is shown.
    pub seen: Seen,
}

const COLUMNS: &str = "id, number, title, summary, state, reason, assignee, team, marking, created, \
    changed, merged_into";

/// How many cases there are of each state.
pub fn counts(db: &Db, seen: &Seen) -> Result<Vec<(CaseState, i64)>, CaseError> {
    let mut values = Vec::new();
    let narrowed = seen.narrow("team", &mut values).map(|of| format!("WHERE {of}"));
    let narrowed = narrowed.unwrap_or_default();
    let sql = format!("SELECT state, COUNT(*) FROM case_file {narrowed} GROUP BY state LIMIT 100");
    page::counted(db, &sql, &values)
}

/// A new case, in triage.
pub fn create(db: &Db, by: &By, new: &NewCase) -> Result<Case, CaseError> {
    db.write(|tx| create_in(tx, by, new))
}

/// A new case, in a transaction of the caller's.
pub fn create_in(tx: &mut Tx<'_>, by: &By, new: &NewCase) -> Result<Case, CaseError> {
    check::said("title", &new.title, 300)?;
    check::text_of("summary", &new.summary, 50_000)?;
    check::text_if("assignee", new.assignee.as_deref(), 100)?;
    check::text_if("team", new.team.as_deref(), 100)?;
    let id = CaseId::next(tx)?;
    let year = model::day_of(by.at).year();
    let count = crate::ids::next(tx, &format!("case number {year}"))?;
    tx.run(
        "INSERT INTO case_file (id, number, title, summary, state, assignee, team, marking, created, \
         changed) VALUES ($1, $2, $3, $4, 'triage', $5, $6, $7, $8, $8)",
        &[
            id.into(),
            format!("{year}-{count:06}").into(),
            new.title.as_str().into(),
            new.summary.as_str().into(),
            new.assignee.as_deref().into(),
            new.team.as_deref().into(),
            new.marking.text().into(),
            micros(by.at).into(),
        ],
    )?;
    told(tx, by, id, "case.created", &json!({ "title": new.title, "marking": new.marking }))
}

pub fn get(db: &Db, id: CaseId) -> Result<Case, CaseError> {
    db.read(|tx| get_in(tx, id))
}

fn get_in(tx: &mut Tx<'_>, id: CaseId) -> Result<Case, CaseError> {
    let row = tx.row(&format!("SELECT {COLUMNS} FROM case_file WHERE id = $1"), &[id.into()])?;
    case(&row.ok_or_else(|| CaseError::missing("case", id))?)
}

/// The team of a case. None: it has none, or there is no such case.
pub(crate) fn team_of(tx: &mut Tx<'_>, id: CaseId) -> Result<Option<String>, CaseError> {
    let row = tx.row("SELECT team FROM case_file WHERE id = $1", &[id.into()])?;
    Ok(row.map(|row| row.text_if(0).map(|team| team.map(str::to_string))).transpose()?.flatten())
}

/// Newest first.
pub fn list(db: &Db, filter: &CaseFilter, part: &Part) -> Result<Page<Case>, CaseError> {
    let mut values: Vec<Value> = vec![part.after.map_or(i64::MAX, |cursor| cursor.id).into()];
    let mut wheres = vec!["id < $1".to_string()];
    let fields = [
        ("state", filter.state.map(CaseState::text)),
        ("assignee", filter.assignee.as_deref()),
        ("team", filter.team.as_deref()),
    ];
    for (column, value) in fields {
        if let Some(value) = value {
            values.push(value.into());
            wheres.push(format!("{column} = ${}", values.len()));
        }
    }
    wheres.extend(filter.seen.narrow("team", &mut values));
    if let Some(words) = &filter.search {
        search::narrow(words, &mut wheres, &mut values)?;
    }
    values.push(part.fetch().into());
    let sql = format!(
        "SELECT {COLUMNS} FROM case_file WHERE {} ORDER BY id DESC LIMIT ${}",
        wheres.join(" AND "),
        values.len()
    );
    let rows = db.read(|tx| tx.rows(&sql, &values))?;
    let cases = rows.iter().map(case).collect::<Result<_, _>>()?;
    Ok(part.page(cases, |case: &Case| Cursor { key: 0, id: case.id.0 }))
}

/// Sets what the change says.
pub fn change(db: &Db, by: &By, id: CaseId, change: &CaseChange) -> Result<Case, CaseError> {
    let mut fields: Vec<(&'static str, Option<&str>)> = Vec::new();
    if let Some(title) = &change.title {
        check::said("title", title, 300)?;
        fields.push(("title", Some(title)));
    }
    if let Some(summary) = &change.summary {
        check::text_of("summary", summary, 50_000)?;
        fields.push(("summary", Some(summary)));
    }
    if let Some(marking) = change.marking {
        fields.push(("marking", Some(marking.text())));
    }
    for (column, value) in [("assignee", &change.assignee), ("team", &change.team)] {
        if let Some(value) = value {
            check::text_if(column, value.as_deref(), 100)?;
            fields.push((column, value.as_deref()));
        }
    }
    db.write(|tx| {
        must_take(tx, id)?;
        for (column, value) in &fields {
            let sql = format!("UPDATE case_file SET {column} = $2 WHERE id = $1");
            tx.run(&sql, &[id.into(), (*value).into()])?;
        }
        let payload = fields.iter().map(|(column, value)| ((*column).into(), json!(value)));
        told(tx, by, id, "case.changed", &Json::Object(payload.collect()))
    })
}

/// triage → open: somebody works on it.
pub fn open(db: &Db, by: &By, id: CaseId) -> Result<Case, CaseError> {
    step(db, by, id, CaseState::Triage, CaseState::Open, None, "case.opened")
}

/// Done with, and why.
pub fn close(db: &Db, by: &By, id: CaseId, reason: &str) -> Result<Case, CaseError> {
    check::said("reason", reason, 2000)?;
    db.write(|tx| {
        let before = must_take(tx, id)?;
        if before.state == CaseState::Closed {
            return Err(CaseError::state("case", id, "closed", "in triage or open"));
        }
        set_state(tx, by, id, CaseState::Closed, Some(reason), "case.closed")
    })
}

/// closed → open.
pub fn reopen(db: &Db, by: &By, id: CaseId, reason: &str) -> Result<Case, CaseError> {
    check::said("reason", reason, 2000)?;
    step(db, by, id, CaseState::Closed, CaseState::Open, Some(reason), "case.reopened")
}

fn step(
    db: &Db,
    by: &By,
    id: CaseId,
    from: CaseState,
    to: CaseState,
    reason: Option<&str>,
    act: &str,
) -> Result<Case, CaseError> {
    db.write(|tx| {
        let before = must_take(tx, id)?;
        if before.state != from {
            return Err(CaseError::state("case", id, before.state.text(), from.text()));
        }
        set_state(tx, by, id, to, reason, act)
    })
}

fn set_state(
    tx: &mut Tx<'_>,
    by: &By,
    id: CaseId,
    to: CaseState,
    reason: Option<&str>,
    act: &str,
) -> Result<Case, CaseError> {
    // The reason that is shown is why it is closed.
    let shown = reason.filter(|_| to == CaseState::Closed);
    tx.run(
        "UPDATE case_file SET state = $2, reason = $3 WHERE id = $1",
        &[id.into(), to.text().into(), shown.into()],
    )?;
    told(tx, by, id, act, &json!({ "reason": reason }))
}

/// A case that may be changed: it is there and was not merged into another.
pub(crate) fn must_take(tx: &mut Tx<'_>, id: CaseId) -> Result<Case, CaseError> {
    let case = get_in(tx, id)?;
    match case.merged_into {
        Some(into) => {
            Err(CaseError::state("case", id, format!("merged into case {into}"), "not merged"))
        }
        None => Ok(case),
    }
}

/// Ends every act on a case: its words are found, it is in the journal, and listeners hear of it.
fn told(
    tx: &mut Tx<'_>,
    by: &By,
    id: CaseId,
    act: &str,
    payload: &Json,
) -> Result<Case, CaseError> {
    tx.run("UPDATE case_file SET changed = $2 WHERE id = $1", &[id.into(), micros(by.at).into()])?;
    search::index(tx, id)?;
    let subject = format!("case:{id}");
    journal::append(tx, by, act, &subject, payload)?;
    let case = get_in(tx, id)?;
    // Title and summary may be for few eyes: who listens asks for them as somebody.
    let body =
        json!({ "case": id, "number": case.number, "state": case.state, "marking": case.marking });
    outbox::tell(tx, by.at, act, &subject, &body)?;
    Ok(case)
}

fn case(row: &Row) -> Result<Case, CaseError> {
    let text = |column| Ok::<_, CaseError>(row.text_if(column)?.map(str::to_string));
    let marking = row.text(8)?;
    Ok(Case {
        id: CaseId(row.int(0)?),
        number: row.text(1)?.to_string(),
        title: row.text(2)?.to_string(),
        summary: row.text(3)?.to_string(),
        state: row.text(4)?.parse()?,
        reason: text(5)?,
        assignee: text(6)?,
        team: text(7)?,
        marking: marking_of(marking)?,
        created: moment(row.int(9)?)?,
        changed: moment(row.int(10)?)?,
        merged_into: row.int_if(11)?.map(CaseId),
    })
}

fn marking_of(text: &str) -> Result<Marking, CaseError> {
    use Marking::{Amber, AmberStrict, Clear, Green, Red};
    let found = [Clear, Green, Amber, AmberStrict, Red].into_iter().find(|it| it.text() == text);
    found.ok_or_else(|| CaseError::Damaged(format!("{text:?} is not a marking")))
}

impl CaseState {
    pub fn text(self) -> &'static str {
        match self {
            CaseState::Triage => "triage",
            CaseState::Open => "open",
            CaseState::Closed => "closed",
        }
    }
}

impl FromStr for CaseState {
    type Err = CaseError;

    fn from_str(text: &str) -> Result<CaseState, CaseError> {
        [CaseState::Triage, CaseState::Open, CaseState::Closed]
            .into_iter()
            .find(|state| state.text() == text)
            .ok_or_else(|| CaseError::field("state", format!("{text:?}"), "triage, open or closed"))
    }
}
