//! The journal: every act, each entry with the hash of the one before.
//!
//! [`append`] runs in the transaction of the change it tells of, so neither is without the other.
//! [`export`] writes it as JSON lines, and [`verify`] reads such lines without any database. A chain
//! alone does not stop somebody who rewrites all of it: whoever signs a [`Head`] and keeps the
//! signature elsewhere can tell.

mod verify;

use std::io::Write;

use model::Timestamp;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::act::{By, micros, moment};
use crate::check;
use crate::db::{Db, Migration, Row, Tx};
use crate::error::CaseError;
use crate::page::{Cursor, Page, Part};

pub use verify::{Broken, Fault, verify};

pub(crate) const MIGRATIONS: &[Migration] = &["
    CREATE TABLE journal (
        seq BIGINT PRIMARY KEY,
        time BIGINT NOT NULL,
        actor TEXT NOT NULL,
        act TEXT NOT NULL,
        subject TEXT NOT NULL,
        payload TEXT NOT NULL,
        previous BLOB NOT NULL,
        hash BLOB NOT NULL
    );
    CREATE INDEX journal_of_subject ON journal (subject, seq);
    CREATE INDEX journal_of_actor ON journal (actor, seq)
"];

const PAYLOAD_BYTES_MAX: usize = 1 << 20;
const COLUMNS: &str = "seq, time, actor, act, subject, payload, previous, hash";

/// One act.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// From 1, without a gap.
    pub seq: i64,
    pub time: Timestamp,
    pub actor: String,
    /// What was done: `case.opened`, `alert.closed`.
    pub act: String,
    /// To what: `case:12`.
    pub subject: String,
    /// What of it matters later. Never personal data: see [`crate::personal`].
    pub payload: Json,
    /// The hash of the entry before, in hex; 64 zeros in the first.
    pub previous: String,
    pub hash: String,
}

/// The newest entry: it commits to all before it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub seq: i64,
    pub hash: String,
}

impl Head {
    /// The bytes for whoever signs it.
    pub fn to_sign(&self) -> Vec<u8> {
        format!("interdict journal head 1\n{}\n{}\n", self.seq, self.hash).into_bytes()
    }
}

/// Tells of an act, in the transaction that does it.
pub fn append(
    tx: &mut Tx<'_>,
    by: &By,
    act: &str,
    subject: &str,
    payload: &Json,
) -> Result<i64, CaseError> {
    check::said("actor", &by.actor, 300)?;
    check::said("act", act, 100)?;
    check::said("subject", subject, 1000)?;
    let payload = check::json("payload", payload, PAYLOAD_BYTES_MAX)?;
    let last = tx.row("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1", &[])?;
    let (seq, previous) = match last {
        Some(row) => (row.int(0)? + 1, row.bytes(1)?.to_vec()),
        None => (1, vec![0; 32]),
    };
    let time = micros(by.at);
    let hash = hash(seq, time, &by.actor, act, subject, &payload, &previous);
    tx.run(
        "INSERT INTO journal (seq, time, actor, act, subject, payload, previous, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            seq.into(),
            time.into(),
            by.actor.as_str().into(),
            act.into(),
            subject.into(),
            payload.into(),
            previous.into(),
            hash.to_vec().into(),
        ],
    )?;
    Ok(seq)
}

/// Every field behind its length, so that no two entries have the same bytes.
fn hash(
    seq: i64,
    time: i64,
    actor: &str,
    act: &str,
    subject: &str,
    payload: &str,
    previous: &[u8],
) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(b"interdict journal entry 1\n");
    let (seq, time) = (seq.to_be_bytes(), time.to_be_bytes());
    let texts = [actor, act, subject, payload].map(str::as_bytes);
    for part in [&seq[..], &time].into_iter().chain(texts).chain([previous]) {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// None while nothing was done.
pub fn head(db: &Db) -> Result<Option<Head>, CaseError> {
    db.read(head_in)
}

fn head_in(tx: &mut Tx<'_>) -> Result<Option<Head>, CaseError> {
    let row = tx.row("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1", &[])?;
    row.map(|row| Ok(Head { seq: row.int(0)?, hash: check::hex(row.bytes(1)?) })).transpose()
}

/// What to show of the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryFilter {
    pub subject: Option<String>,
    pub actor: Option<String>,
}

/// Newest first.
pub fn list(db: &Db, filter: &EntryFilter, part: &Part) -> Result<Page<Entry>, CaseError> {
    let mut wheres = vec!["seq < $1".to_string()];
    let mut values = vec![part.after.map_or(i64::MAX, |cursor| cursor.id).into()];
    for (column, value) in [("subject", &filter.subject), ("actor", &filter.actor)] {
        if let Some(value) = value {
            values.push(value.as_str().into());
            wheres.push(format!("{column} = ${}", values.len()));
        }
    }
    values.push(part.fetch().into());
    let sql = format!(
        "SELECT {COLUMNS} FROM journal WHERE {} ORDER BY seq DESC LIMIT ${}",
        wheres.join(" AND "),
        values.len()
    );
    let rows = db.read(|tx| tx.rows(&sql, &values))?;
    let entries = rows.iter().map(entry).collect::<Result<_, _>>()?;
    Ok(part.page(entries, |entry: &Entry| Cursor { key: 0, id: entry.seq }))
}

/// Writes all of it as JSON lines, oldest first, and the head in the last line.
pub fn export(db: &Db, out: &mut dyn Write) -> Result<Option<Head>, CaseError> {
    db.read(|tx| {
        let mut after = 0;
        loop {
            let rows = tx.rows(
                &format!("SELECT {COLUMNS} FROM journal WHERE seq > $1 ORDER BY seq LIMIT 1000"),
                &[after.into()],
            )?;
            for row in &rows {
                let entry = entry(row)?;
                line(out, &entry)?;
                after = entry.seq;
            }
            if rows.is_empty() {
                break;
            }
        }
        let head = head_in(tx)?;
        line(out, &serde_json::json!({ "head": head }))?;
        Ok(head)
    })
}

fn line(out: &mut dyn Write, value: &impl serde::Serialize) -> Result<(), CaseError> {
    let failed = |source| CaseError::Io { doing: "writing the journal".into(), source };
    serde_json::to_writer(&mut *out, value).map_err(|error| failed(error.into()))?;
    out.write_all(b"\n").map_err(failed)
}

fn entry(row: &Row) -> Result<Entry, CaseError> {
    Ok(Entry {
        seq: row.int(0)?,
        time: moment(row.int(1)?)?,
        actor: row.text(2)?.to_string(),
        act: row.text(3)?.to_string(),
        subject: row.text(4)?.to_string(),
        payload: check::read_json(row.text(5)?)?,
        previous: check::hex(row.bytes(6)?),
        hash: check::hex(row.bytes(7)?),
    })
}

/// Looks at the journal in its database.
pub fn verify_stored(db: &Db) -> Result<Result<Option<Head>, Broken>, CaseError> {
    let mut lines = Vec::new();
    export(db, &mut lines)?;
    let text = String::from_utf8_lossy(&lines);
    Ok(verify(text.lines(), None))
}
