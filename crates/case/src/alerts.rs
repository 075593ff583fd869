//! Alerts: what somebody must look at, and what became of it.
//!
//! [`raise`] is the one door: screening, look-backs, watches and rules come through it, and whatever
//! finds something later does too. The same thing again (kind, subject and group are equal) while its
//! alert is not closed is counted there and does not make a second one. After a close it makes a new
//! one that names the old: nothing is kept silent because somebody once called it false.

mod list;
mod work;

use std::fmt;
use std::str::FromStr;

use model::{Account, Severity, Timestamp};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::act::{By, micros, moment, moment_if};
use crate::check;
use crate::db::{Db, Migration, Row, Tx};
use crate::error::CaseError;
use crate::ids::{AlertId, CaseId};
use crate::{journal, outbox};

pub use list::{AlertFilter, Counts, counts, get, list};
pub use work::{
    acknowledge, assign, close, reopen, set_team, snooze, take_into_case, take_into_case_in,
    unwind_in, wake,
};

pub(crate) const MIGRATIONS: &[Migration] = &["
    CREATE TABLE alert (
        id BIGINT PRIMARY KEY,
        kind TEXT NOT NULL,
        severity BIGINT NOT NULL,
        subject TEXT NOT NULL,
        group_key TEXT NOT NULL,
        equal_key BLOB NOT NULL,
        title TEXT NOT NULL,
        evidence TEXT NOT NULL,
        latest TEXT,
        times BIGINT NOT NULL,
        first_seen BIGINT NOT NULL,
        last_seen BIGINT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        is_false_positive BIGINT NOT NULL,
        snoozed_until BIGINT,
        assignee TEXT,
        team TEXT,
        case_id BIGINT,
        previous BIGINT
    );
    CREATE UNIQUE INDEX alert_equal ON alert (equal_key) WHERE state <> 'closed';
    CREATE INDEX alert_equal_any ON alert (equal_key, id);
    CREATE INDEX alert_by_all ON alert (last_seen, id);
    CREATE INDEX alert_by_state ON alert (state, last_seen, id);
    CREATE INDEX alert_by_severity ON alert (severity, last_seen, id);
    CREATE INDEX alert_by_kind ON alert (kind, last_seen, id);
    CREATE INDEX alert_by_state_severity ON alert (state, severity, last_seen, id);
    CREATE INDEX alert_by_state_kind ON alert (state, kind, last_seen, id);
    CREATE INDEX alert_by_severity_kind ON alert (severity, kind, last_seen, id);
    CREATE INDEX alert_by_state_severity_kind ON alert (state, severity, kind, last_seen, id);
    CREATE INDEX alert_by_subject ON alert (subject, last_seen, id, state, severity, kind);
    CREATE INDEX alert_by_group ON alert (group_key, last_seen, id, state, severity, kind);
    CREATE INDEX alert_by_assignee ON alert (assignee, last_seen, id, state, severity, kind) WHERE assignee IS NOT NULL;
    CREATE INDEX alert_by_assignee_state ON alert (assignee, state, last_seen, id, severity, kind) WHERE assignee IS NOT NULL;
    CREATE INDEX alert_by_team ON alert (team, last_seen, id, state, severity, kind) WHERE team IS NOT NULL;
    CREATE INDEX alert_by_team_state ON alert (team, state, last_seen, id, severity, kind) WHERE team IS NOT NULL;
    CREATE INDEX alert_by_case ON alert (case_id, last_seen, id, state, severity, kind) WHERE case_id IS NOT NULL;
    CREATE INDEX alert_snoozed ON alert (snoozed_until) WHERE state = 'snoozed';
    CREATE TABLE alert_count (
        state TEXT NOT NULL,
        severity BIGINT NOT NULL,
        number BIGINT NOT NULL,
        PRIMARY KEY (state, severity)
    )
","
    ALTER TABLE alert ADD COLUMN unwound TEXT
"];

const EVIDENCE_BYTES_MAX: usize = 256 * 1024;

/// What found it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A screening of an address, a name or a token found something.
    Screening,
    /// A list changed, and what was fine before is not now.
    LookBack,
    /// A watched address or entity moved.
    Watch,
    /// One of a case's accounts, where its money rests, moved.
    Frontier,
    /// A rule on amount or exposure was met.
    Rule,
    /// A laundering pattern was seen.
    Pattern,
    /// A bridge's books do not match.
    Bridge,
    /// The guard of withdrawals stopped or questioned one.
    Guard,
    /// A freeze is at risk: its clock ran out, or its holder moves what is to be frozen.
    Freeze,
    /// A case is past a deadline of its own.
    Deadline,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    Open,
    Acknowledged,
    Snoozed,
    InCase,
    Closed,
}

/// What an alert is about: `account:eip155:1:0x…`, `name:…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AlertSubject {
    Account(Account),
    /// An entity or a cluster.
    Entity(String),
    /// A name that was screened.
    Name(String),
    /// CAIP-19.
    Asset(String),
    /// A transfer, a transaction, or an exchange's own number of one.
    Transfer(String),
    Case(CaseId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAlert {
    pub kind: AlertKind,
    pub severity: Severity,
    pub subject: AlertSubject,
    /// What alerts are shown together and, with kind and subject, which are the same: a list's and
    /// entry's name, a watch's number, a rule's name.
    pub group: String,
    /// One sentence for a person.
    pub title: String,
    /// What it rests on. Never personal data that may have to be erased.
    pub evidence: Json,
    pub team: Option<String>,
    /// A frontier's: the alert goes to its case's people.
    pub case: Option<CaseId>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Alert {
    pub id: AlertId,
    pub kind: AlertKind,
    pub severity: Severity,
    #[serde(serialize_with = "as_text")]
    pub subject: AlertSubject,
    pub group: String,
    pub title: String,
    pub evidence: Json,
    /// The evidence of the latest equal one, if there was any.
    pub latest: Option<Json>,
    /// How often it was raised.
    pub times: i64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub state: AlertState,
    /// Why it is snoozed or was closed.
    pub reason: Option<String>,
    pub is_false_positive: bool,
    pub snoozed_until: Option<Timestamp>,
    pub assignee: Option<String>,
    pub team: Option<String>,
    pub case: Option<CaseId>,
    /// The closed alert of the same thing.
    pub previous: Option<AlertId>,
    /// A transaction that it told of and whose block was unwound, the latest: what is said of it did
    /// not happen, unless it was seen again since.
    pub unwound: Option<Json>,
}

fn as_text<S: serde::Serializer>(subject: &AlertSubject, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(subject)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Raised {
    pub id: AlertId,
    /// False: the same thing was seen again.
    pub is_new: bool,
}

/// The door.
pub fn raise(db: &Db, by: &By, new: &NewAlert) -> Result<Raised, CaseError> {
    db.write(|tx| raise_in(tx, by, new))
}

/// The door, in a transaction of the caller's.
pub fn raise_in(tx: &mut Tx<'_>, by: &By, new: &NewAlert) -> Result<Raised, CaseError> {
    check::said("title", &new.title, 500)?;
    check::said("subject", &new.subject.to_string(), 500)?;
    check::text_of("group", &new.group, 500)?;
    check::text_if("team", new.team.as_deref(), 100)?;
    let evidence = check::json("evidence", &new.evidence, EVIDENCE_BYTES_MAX)?;
    let key = equal_key(new);
    let found = tx.row(
        "SELECT id, state FROM alert WHERE equal_key = $1 ORDER BY id DESC LIMIT 1",
        &[key.as_slice().into()],
    )?;
    let previous = match found {
        Some(row) if row.text(1)? != AlertState::Closed.text() => {
            let id = AlertId(row.int(0)?);
            again(tx, by, id, new.severity, &evidence)?;
            return Ok(Raised { id, is_new: false });
        }
        Some(row) => Some(AlertId(row.int(0)?)),
        None => None,
    };
    let id = AlertId::next(tx)?;
    let at = micros(by.at);
    // What is told of a case is for those who see the case.
    let team = match (&new.team, new.case) {
        (None, Some(case)) => crate::cases::team_of(tx, case)?,
        (team, _) => team.clone(),
    };
    tx.run(
        "INSERT INTO alert (id, kind, severity, subject, group_key, equal_key, title, evidence, times, \
         first_seen, last_seen, state, is_false_positive, team, case_id, previous) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9, 'open', 0, $10, $11, $12)",
        &[
            id.into(),
            new.kind.text().into(),
            severity_number(new.severity).into(),
            new.subject.to_string().into(),
            new.group.as_str().into(),
            key.into(),
            new.title.as_str().into(),
            evidence.into(),
            at.into(),
            team.as_deref().into(),
            new.case.into(),
            previous.into(),
        ],
    )?;
    let alert = list::get_in(tx, id)?;
    work::count(tx, &alert, 1)?;
    let payload = json!({
        "kind": new.kind, "severity": new.severity, "subject": new.subject.to_string(),
        "group": new.group, "title": new.title, "previous": previous,
    });
    journal::append(tx, by, "alert.raised", &format!("alert:{id}"), &payload)?;
    outbox::tell(tx, by.at, "alert.raised", &format!("alert:{id}"), &json!({ "alert": alert }))?;
    Ok(Raised { id, is_new: true })
}

/// What is equal is one alert. Each part behind its length, so that no two things share a key.
fn equal_key(new: &NewAlert) -> Vec<u8> {
    let mut digest = Sha256::new();
    for part in [new.kind.text(), &new.subject.to_string(), &new.group] {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().to_vec()
}

/// Counts it; a worse one makes the alert worse, and that is told.
fn again(
    tx: &mut Tx<'_>,
    by: &By,
    id: AlertId,
    severity: Severity,
    evidence: &str,
) -> Result<(), CaseError> {
    let before = list::get_in(tx, id)?;
    tx.run(
        "UPDATE alert SET times = times + 1, latest = $2, \
         last_seen = CASE WHEN last_seen < $3 THEN $3 ELSE last_seen END WHERE id = $1",
        &[id.into(), evidence.into(), micros(by.at).into()],
    )?;
    let is_worse = severity > before.severity;
    if is_worse {
        work::count(tx, &before, -1)?;
        work::count(tx, &Alert { severity, ..before.clone() }, 1)?;
        tx.run(
            "UPDATE alert SET severity = $2 WHERE id = $1",
            &[id.into(), severity_number(severity).into()],
        )?;
    }
    let payload = json!({ "times": before.times + 1, "severity": severity });
    journal::append(tx, by, "alert.seen_again", &format!("alert:{id}"), &payload)?;
    if is_worse {
        work::tell(tx, by, "alert.worsened", id)?;
    } else if is_of_movement(before.kind) {
        // Whoever has seen that it moved must still hear that it moves again.
        work::tell(tx, by, "alert.seen_again", id)?;
    }
    Ok(())
}

fn is_of_movement(kind: AlertKind) -> bool {
    matches!(kind, AlertKind::Watch | AlertKind::Frontier | AlertKind::Freeze)
}

const COLUMNS: &str = "id, kind, severity, subject, group_key, title, evidence, latest, times, first_seen, \
    last_seen, state, reason, is_false_positive, snoozed_until, assignee, team, case_id, previous, unwound";

fn alert(row: &Row) -> Result<Alert, CaseError> {
    let text = |column| Ok::<_, CaseError>(row.text_if(column)?.map(str::to_string));
    Ok(Alert {
        id: AlertId(row.int(0)?),
        kind: row.text(1)?.parse()?,
        severity: severity_of(row.int(2)?)?,
        subject: row.text(3)?.parse()?,
        group: row.text(4)?.to_string(),
        title: row.text(5)?.to_string(),
        evidence: check::read_json(row.text(6)?)?,
        latest: row.text_if(7)?.map(check::read_json).transpose()?,
        times: row.int(8)?,
        first_seen: moment(row.int(9)?)?,
        last_seen: moment(row.int(10)?)?,
        state: row.text(11)?.parse()?,
        reason: text(12)?,
        is_false_positive: row.int(13)? == 1,
        snoozed_until: moment_if(row.int_if(14)?)?,
        assignee: text(15)?,
        team: text(16)?,
        case: row.int_if(17)?.map(CaseId),
        previous: row.int_if(18)?.map(AlertId),
        unwound: row.text_if(19)?.map(check::read_json).transpose()?,
    })
}

const SEVERITIES: [Severity; 4] = [Severity::Info, Severity::Low, Severity::Medium, Severity::High];

pub(crate) fn severity_number(severity: Severity) -> i64 {
    match severity {
        Severity::Info => 0,
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => 3,
    }
}

pub(crate) fn severity_of(number: i64) -> Result<Severity, CaseError> {
    let at = usize::try_from(number).ok();
    at.and_then(|at| SEVERITIES.get(at).copied())
        .ok_or_else(|| CaseError::Damaged(format!("{number} is not a severity")))
}

impl AlertKind {
    pub const ALL: [AlertKind; 10] = [
        AlertKind::Screening,
        AlertKind::LookBack,
        AlertKind::Watch,
        AlertKind::Frontier,
        AlertKind::Rule,
        AlertKind::Pattern,
        AlertKind::Bridge,
        AlertKind::Guard,
        AlertKind::Freeze,
        AlertKind::Deadline,
    ];

    pub fn text(self) -> &'static str {
        match self {
            AlertKind::Screening => "screening",
            AlertKind::LookBack => "look_back",
            AlertKind::Watch => "watch",
            AlertKind::Frontier => "frontier",
            AlertKind::Rule => "rule",
            AlertKind::Pattern => "pattern",
            AlertKind::Bridge => "bridge",
            AlertKind::Guard => "guard",
            AlertKind::Freeze => "freeze",
            AlertKind::Deadline => "deadline",
        }
    }
}

impl FromStr for AlertKind {
    type Err = CaseError;

    fn from_str(text: &str) -> Result<AlertKind, CaseError> {
        let expected = AlertKind::ALL.map(AlertKind::text).join(", ");
        let found = AlertKind::ALL.into_iter().find(|kind| kind.text() == text);
        found.ok_or_else(|| CaseError::field("kind", format!("{text:?}"), expected))
    }
}

impl AlertState {
    pub const ALL: [AlertState; 5] = [
        AlertState::Open,
        AlertState::Acknowledged,
        AlertState::Snoozed,
        AlertState::InCase,
        AlertState::Closed,
    ];

    pub fn text(self) -> &'static str {
        match self {
            AlertState::Open => "open",
            AlertState::Acknowledged => "acknowledged",
            AlertState::Snoozed => "snoozed",
            AlertState::InCase => "in_case",
            AlertState::Closed => "closed",
        }
    }
}

impl FromStr for AlertState {
    type Err = CaseError;

    fn from_str(text: &str) -> Result<AlertState, CaseError> {
        let expected = AlertState::ALL.map(AlertState::text).join(", ");
        let found = AlertState::ALL.into_iter().find(|state| state.text() == text);
        found.ok_or_else(|| CaseError::field("state", format!("{text:?}"), expected))
    }
}

impl fmt::Display for AlertSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AlertSubject::Account(account) => write!(f, "account:{account}"),
            AlertSubject::Entity(name) => write!(f, "entity:{name}"),
            AlertSubject::Name(name) => write!(f, "name:{name}"),
            AlertSubject::Asset(asset) => write!(f, "asset:{asset}"),
            AlertSubject::Transfer(id) => write!(f, "transfer:{id}"),
            AlertSubject::Case(id) => write!(f, "case:{id}"),
        }
    }
}

impl FromStr for AlertSubject {
    type Err = CaseError;

    fn from_str(text: &str) -> Result<AlertSubject, CaseError> {
        let wrong = || {
            let expected = "account:, entity:, name:, asset:, transfer: or case: and what it is";
            CaseError::field("subject", format!("{text:?}"), expected)
        };
        let (kind, of) = text.split_once(':').filter(|(_, of)| !of.is_empty()).ok_or_else(wrong)?;
        Ok(match kind {
            "account" => AlertSubject::Account(of.parse().map_err(|error| {
                CaseError::field(
                    "subject",
                    format!("{of:?}"),
                    format!("a CAIP-10 account: {error}"),
                )
            })?),
            "entity" => AlertSubject::Entity(of.to_string()),
            "name" => AlertSubject::Name(of.to_string()),
            "asset" => AlertSubject::Asset(of.to_string()),
            "transfer" => AlertSubject::Transfer(of.to_string()),
            "case" => AlertSubject::Case(of.parse()?),
            _ => return Err(wrong()),
        })
    }
}
