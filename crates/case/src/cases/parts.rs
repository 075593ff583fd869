//! What belongs to a case: notes, tasks, deadlines, links and evidence.

use std::str::FromStr;

use model::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{must_take, told};
use crate::act::{By, micros, moment, moment_if};
use crate::check;
use crate::db::{Db, Row, Tx, Value};
use crate::error::CaseError;
use crate::ids::{AlertId, CaseId, DeadlineId, EvidenceId, LinkId, NoteId, TaskId};
use crate::seen::Seen;

/// Evidence that is larger is kept in a file and named by its path and hash.
pub const EVIDENCE_BYTES_MAX: usize = 16 << 20;
/// A case's parts are shown at once, up to so many.
const SHOWN_MAX: i64 = 5000;

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    pub id: NoteId,
    pub time: Timestamp,
    pub actor: String,
    pub text: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTask {
    pub title: String,
    pub assignee: Option<String>,
    pub due: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Task {
    pub id: TaskId,
    pub title: String,
    pub assignee: Option<String>,
    pub due: Option<Timestamp>,
    pub done: Option<Timestamp>,
    pub done_by: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Deadline {
    pub id: DeadlineId,
    pub case: CaseId,
    pub what: String,
    pub due: Timestamp,
    pub met: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// By its number. The alert is taken into the case.
    Alert,
    Route,
    Entity,
    /// CAIP-10.
    Account,
    Transfer,
    Freeze,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLink {
    pub kind: LinkKind,
    pub target: String,
    /// Why it belongs here; may be empty.
    pub note: String,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Link {
    pub id: LinkId,
    pub kind: LinkKind,
    pub target: String,
    pub note: String,
    pub time: Timestamp,
    pub actor: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvidence {
    pub name: String,
    pub media_type: String,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Bytes(Vec<u8>),
    /// A file outside, as whoever holds it hashed it.
    Path {
        path: String,
        sha256: [u8; 32],
        size: u64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Evidence {
    pub id: EvidenceId,
    pub name: String,
    pub media_type: String,
    /// In hex.
    pub sha256: String,
    pub size: i64,
    /// None: the bytes are here, see [`evidence_bytes`].
    pub path: Option<String>,
    pub time: Timestamp,
    pub actor: String,
}

pub fn add_note(db: &Db, by: &By, case: CaseId, text: &str) -> Result<NoteId, CaseError> {
    check::said("text", text, 50_000)?;
    db.write(|tx| {
        must_take(tx, case)?;
        let id = NoteId::next(tx)?;
        tx.run(
            "INSERT INTO case_note (id, case_id, time, actor, text) VALUES ($1, $2, $3, $4, $5)",
            &[id.into(), case.into(), micros(by.at).into(), by.actor.as_str().into(), text.into()],
        )?;
        told(
            tx,
            by,
            case,
            "case.noted",
            &json!({ "note": id, "sha256": sha256_hex(text.as_bytes()) }),
        )?;
        Ok(id)
    })
}

/// Oldest first.
pub fn notes(db: &Db, case: CaseId) -> Result<Vec<Note>, CaseError> {
    of_case(db, case, "case_note", "id, time, actor, text", |row| {
        Ok(Note {
            id: NoteId(row.int(0)?),
            time: moment(row.int(1)?)?,
            actor: row.text(2)?.to_string(),
            text: row.text(3)?.to_string(),
        })
    })
}

pub fn add_task(db: &Db, by: &By, case: CaseId, new: &NewTask) -> Result<TaskId, CaseError> {
    check::said("title", &new.title, 500)?;
    check::text_if("assignee", new.assignee.as_deref(), 100)?;
    db.write(|tx| {
        must_take(tx, case)?;
        let id = TaskId::next(tx)?;
        tx.run(
            "INSERT INTO case_task (id, case_id, title, assignee, due) VALUES ($1, $2, $3, $4, $5)",
            &[
                id.into(),
                case.into(),
                new.title.as_str().into(),
                new.assignee.as_deref().into(),
                new.due.map(micros).into(),
            ],
        )?;
        let payload =
            json!({ "task": id, "title": new.title, "assignee": new.assignee, "due": new.due });
        told(tx, by, case, "case.task_added", &payload)?;
        Ok(id)
    })
}

pub fn finish_task(db: &Db, by: &By, case: CaseId, id: TaskId) -> Result<(), CaseError> {
    db.write(|tx| {
        must_take(tx, case)?;
        let met = tx.run(
            "UPDATE case_task SET done = $3, done_by = $4 WHERE id = $1 AND case_id = $2 AND done IS NULL",
            &[id.into(), case.into(), micros(by.at).into(), by.actor.as_str().into()],
        )?;
        if met == 0 {
            return Err(CaseError::missing("open task of this case", id));
        }
        told(tx, by, case, "case.task_done", &json!({ "task": id }))?;
        Ok(())
    })
}

pub fn tasks(db: &Db, case: CaseId) -> Result<Vec<Task>, CaseError> {
    of_case(db, case, "case_task", "id, title, assignee, due, done, done_by", |row| {
        Ok(Task {
            id: TaskId(row.int(0)?),
            title: row.text(1)?.to_string(),
            assignee: row.text_if(2)?.map(str::to_string),
            due: moment_if(row.int_if(3)?)?,
            done: moment_if(row.int_if(4)?)?,
            done_by: row.text_if(5)?.map(str::to_string),
        })
    })
}

pub fn add_deadline(
    db: &Db,
    by: &By,
    case: CaseId,
    what: &str,
    due: Timestamp,
) -> Result<DeadlineId, CaseError> {
    check::said("what", what, 500)?;
    db.write(|tx| {
        must_take(tx, case)?;
        let id = DeadlineId::next(tx)?;
        tx.run(
            "INSERT INTO case_deadline (id, case_id, what, due) VALUES ($1, $2, $3, $4)",
            &[id.into(), case.into(), what.into(), micros(due).into()],
        )?;
        told(
            tx,
            by,
            case,
            "case.deadline_added",
            &json!({ "deadline": id, "what": what, "due": due }),
        )?;
        Ok(id)
    })
}

pub fn meet_deadline(db: &Db, by: &By, case: CaseId, id: DeadlineId) -> Result<(), CaseError> {
    db.write(|tx| {
        must_take(tx, case)?;
        let met = tx.run(
            "UPDATE case_deadline SET met = $3 WHERE id = $1 AND case_id = $2 AND met IS NULL",
            &[id.into(), case.into(), micros(by.at).into()],
        )?;
        if met == 0 {
            return Err(CaseError::missing("deadline of this case that is not met", id));
        }
        told(tx, by, case, "case.deadline_met", &json!({ "deadline": id }))?;
        Ok(())
    })
}

/// Those of any case that are not met and due at a time or before, earliest first.
pub fn deadlines(db: &Db, until: Timestamp, seen: &Seen) -> Result<Vec<Deadline>, CaseError> {
    let mut values: Vec<Value> = vec![micros(until).into(), SHOWN_MAX.into()];
    // The team is asked of each deadline by itself: joined, a planner may begin at all cases of a team.
    let team = "(SELECT team FROM case_file WHERE id = d.case_id)";
    let of_teams = seen.narrow(team, &mut values);
    let of_teams = of_teams.map_or(String::new(), |condition| format!("AND {condition}"));
    let sql = format!(
        "SELECT d.id, d.case_id, d.what, d.due, d.met FROM case_deadline d \
         WHERE d.met IS NULL AND d.due <= $1 {of_teams} ORDER BY d.due, d.id LIMIT $2"
    );
    db.read(|tx| tx.rows(&sql, &values))?.iter().map(deadline).collect()
}

/// All of one case, met ones too, in the order in which they were set.
pub fn deadlines_of(db: &Db, case: CaseId) -> Result<Vec<Deadline>, CaseError> {
    of_case(db, case, "case_deadline", "id, case_id, what, due, met", deadline)
}

pub(super) fn deadline(row: &Row) -> Result<Deadline, CaseError> {
    Ok(Deadline {
        id: DeadlineId(row.int(0)?),
        case: CaseId(row.int(1)?),
        what: row.text(2)?.to_string(),
        due: moment(row.int(3)?)?,
        met: moment_if(row.int_if(4)?)?,
    })
}

/// Joins a thing to a case. An alert is taken into it.
pub fn link(db: &Db, by: &By, case: CaseId, new: &NewLink) -> Result<LinkId, CaseError> {
    check::said("target", &new.target, 1000)?;
    check::text_of("note", &new.note, 5000)?;
    db.write(|tx| {
        must_take(tx, case)?;
        let target = target(tx, by, case, new)?;
        let held = tx.row(
            "SELECT id FROM case_link WHERE kind = $1 AND target = $2 AND case_id = $3",
            &[new.kind.text().into(), target.as_str().into(), case.into()],
        )?;
        if let Some(row) = held {
            return Ok(LinkId(row.int(0)?));
        }
        let id = LinkId::next(tx)?;
        tx.run(
            "INSERT INTO case_link (id, case_id, kind, target, note, time, actor) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &[
                id.into(),
                case.into(),
                new.kind.text().into(),
                target.as_str().into(),
                new.note.as_str().into(),
                micros(by.at).into(),
                by.actor.as_str().into(),
            ],
        )?;
        told(
            tx,
            by,
            case,
            "case.linked",
            &json!({ "link": id, "kind": new.kind, "target": target }),
        )?;
        Ok(id)
    })
}

/// The one text of what a link points to.
fn target(tx: &mut Tx<'_>, by: &By, case: CaseId, new: &NewLink) -> Result<String, CaseError> {
    match new.kind {
        LinkKind::Alert => {
            let id: AlertId = new.target.parse()?;
            crate::alerts::take_into_case_in(tx, by, id, case)?;
            Ok(id.to_string())
        }
        LinkKind::Account => match new.target.parse::<model::Account>() {
            Ok(account) => Ok(account.to_string()),
            Err(error) => {
                let expected = format!("a CAIP-10 account: {error}");
                Err(CaseError::field("target", format!("{:?}", new.target), expected))
            }
        },
        _ => Ok(new.target.clone()),
    }
}

/// Takes a link away; the journal keeps that it was there. An alert stays in the case.
pub fn unlink(db: &Db, by: &By, case: CaseId, id: LinkId) -> Result<(), CaseError> {
    db.write(|tx| {
        must_take(tx, case)?;
        let met = tx.run(
            "DELETE FROM case_link WHERE id = $1 AND case_id = $2",
            &[id.into(), case.into()],
        )?;
        if met == 0 {
            return Err(CaseError::missing("link of this case", id));
        }
        told(tx, by, case, "case.unlinked", &json!({ "link": id }))?;
        Ok(())
    })
}

pub fn links(db: &Db, case: CaseId) -> Result<Vec<Link>, CaseError> {
    of_case(db, case, "case_link", "id, kind, target, note, time, actor", |row| {
        Ok(Link {
            id: LinkId(row.int(0)?),
            kind: row.text(1)?.parse()?,
            target: row.text(2)?.to_string(),
            note: row.text(3)?.to_string(),
            time: moment(row.int(4)?)?,
            actor: row.text(5)?.to_string(),
        })
    })
}

/// Keeps a file with a case. The same bytes by the same name are there already: then it is those.
pub fn add_evidence(
    db: &Db,
    by: &By,
    case: CaseId,
    new: &NewEvidence,
) -> Result<EvidenceId, CaseError> {
    check::said("name", &new.name, 500)?;
    check::said("media_type", &new.media_type, 200)?;
    let (hash, size, bytes, path): (Vec<u8>, u64, Value, Value) = match &new.content {
        Content::Bytes(bytes) if bytes.len() > EVIDENCE_BYTES_MAX => {
            let expected = format!("at most {EVIDENCE_BYTES_MAX}, or a path");
            return Err(CaseError::field("content", format!("{} bytes", bytes.len()), expected));
        }
        Content::Bytes(bytes) => {
            let hash = Sha256::digest(bytes).to_vec();
            (hash, bytes.len() as u64, bytes.as_slice().into(), Value::Null)
        }
        Content::Path { path, sha256, size } => {
            check::said("path", path, 4000)?;
            (sha256.to_vec(), *size, Value::Null, path.as_str().into())
        }
    };
    let size = i64::try_from(size)
        .map_err(|_| CaseError::field("size", size.to_string(), "a file's size"))?;
    db.write(|tx| {
        must_take(tx, case)?;
        let held = tx.row(
            "SELECT id FROM case_evidence WHERE case_id = $1 AND sha256 = $2 AND name = $3 \
             ORDER BY id LIMIT 1",
            &[case.into(), hash.as_slice().into(), new.name.as_str().into()],
        )?;
        if let Some(row) = held {
            return Ok(EvidenceId(row.int(0)?));
        }
        let id = EvidenceId::next(tx)?;
        tx.run(
            "INSERT INTO case_evidence (id, case_id, name, media_type, sha256, size, bytes, path, time, \
             actor) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &[
                id.into(),
                case.into(),
                new.name.as_str().into(),
                new.media_type.as_str().into(),
                hash.as_slice().into(),
                size.into(),
                bytes.clone(),
                path.clone(),
                micros(by.at).into(),
                by.actor.as_str().into(),
            ],
        )?;
        let payload = json!({ "evidence": id, "sha256": check::hex(&hash), "size": size });
        told(tx, by, case, "case.evidence_added", &payload)?;
        Ok(id)
    })
}

pub fn evidence(db: &Db, case: CaseId) -> Result<Vec<Evidence>, CaseError> {
    let columns = "id, name, media_type, sha256, size, path, time, actor";
    of_case(db, case, "case_evidence", columns, |row| {
        Ok(Evidence {
            id: EvidenceId(row.int(0)?),
            name: row.text(1)?.to_string(),
            media_type: row.text(2)?.to_string(),
            sha256: check::hex(row.bytes(3)?),
            size: row.int(4)?,
            path: row.text_if(5)?.map(str::to_string),
            time: moment(row.int(6)?)?,
            actor: row.text(7)?.to_string(),
        })
    })
}

/// None where the evidence is a file outside. Bytes that do not have their hash are refused.
pub fn evidence_bytes(db: &Db, case: CaseId, id: EvidenceId) -> Result<Option<Vec<u8>>, CaseError> {
    let row = db.read(|tx| {
        tx.row(
            "SELECT bytes, sha256 FROM case_evidence WHERE id = $1 AND case_id = $2",
            &[id.into(), case.into()],
        )
    })?;
    let row = row.ok_or_else(|| CaseError::missing("evidence of this case", id))?;
    let Some(bytes) = row.bytes_if(0)? else { return Ok(None) };
    if Sha256::digest(bytes).as_slice() != row.bytes(1)? {
        return Err(CaseError::Damaged(format!("evidence {id} does not have its hash")));
    }
    Ok(Some(bytes.to_vec()))
}

pub(super) fn of_case<T>(
    db: &Db,
    case: CaseId,
    table: &str,
    columns: &str,
    part: impl Fn(&Row) -> Result<T, CaseError>,
) -> Result<Vec<T>, CaseError> {
    let sql = format!("SELECT {columns} FROM {table} WHERE case_id = $1 ORDER BY id LIMIT $2");
    db.read(|tx| tx.rows(&sql, &[case.into(), SHOWN_MAX.into()]))?.iter().map(part).collect()
}

fn sha256_hex(bytes: &[u8]) -> String {
    check::hex(&Sha256::digest(bytes))
}

impl LinkKind {
    pub const ALL: [LinkKind; 6] = [
        LinkKind::Alert,
        LinkKind::Route,
        LinkKind::Entity,
        LinkKind::Account,
        LinkKind::Transfer,
        LinkKind::Freeze,
    ];

    pub fn text(self) -> &'static str {
        match self {
            LinkKind::Alert => "alert",
            LinkKind::Route => "route",
            LinkKind::Entity => "entity",
            LinkKind::Account => "account",
            LinkKind::Transfer => "transfer",
            LinkKind::Freeze => "freeze",
        }
    }
}

impl FromStr for LinkKind {
    type Err = CaseError;

    fn from_str(text: &str) -> Result<LinkKind, CaseError> {
        let expected = LinkKind::ALL.map(LinkKind::text).join(", ");
        let found = LinkKind::ALL.into_iter().find(|kind| kind.text() == text);
        found.ok_or_else(|| CaseError::field("kind", format!("{text:?}"), expected))
    }
}
