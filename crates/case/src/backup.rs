//! All of casework in one file, from either database into either.
//!
//! JSON lines: what it is, of which form and with which columns, then every row, then how many there were
//! and the SHA-256 of all bytes before. A column that came later than the backup gets what it begins
//! with; one that this version does not know is refused. It is read in one transaction, so it is one
//! moment, and restored in one, so a damaged file leaves nothing. It holds personal data with their keys:
//! keep it as the database itself, and no longer than people's data may be kept. Secrets of webhooks are
//! in it as they lie in the database, sealed with a key that is not ([`crate::vault`]): keep that too.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use model::Timestamp;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::check;
use crate::db::{Db, Tx, Value};
use crate::error::CaseError;

pub const FORMAT: &str = "interdict-casework";
pub const VERSION: i64 = 2;

/// A table as a backup names it. `key` orders it and is unique.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    pub name: &'static str,
    pub key: &'static [&'static str],
    pub columns: &'static [&'static str],
}

/// The tables of this crate, each after those it points to.
pub const TABLES: &[Table] = &[
    table("counter", &["name"], &["name", "last"]),
    table(
        "journal",
        &["seq"],
        &["seq", "time", "actor", "act", "subject", "payload", "previous", "hash"],
    ),
    table("event", ID, &["id", "time", "kind", "subject", "body", "team"]),
    table(
        "webhook",
        ID,
        &[
            "id",
            "url",
            "secret",
            "kinds",
            "is_active",
            "created",
            "description",
            "made_by",
            "sees",
            "secret_before",
            "secret_before_until",
            "failures",
            "paused_until",
            "leased_until",
        ],
    ),
    table(
        "delivery",
        ID,
        &["id", "webhook", "event", "state", "attempts", "due", "done", "problem", "since"],
    ),
    table(
        "alert",
        ID,
        &[
            "id",
            "kind",
            "severity",
            "subject",
            "group_key",
            "equal_key",
            "title",
            "evidence",
            "latest",
            "times",
            "first_seen",
            "last_seen",
            "state",
            "reason",
            "is_false_positive",
            "snoozed_until",
            "assignee",
            "team",
            "case_id",
            "previous",
            "unwound",
        ],
    ),
    table("alert_count", &["team", "state", "severity"], &["team", "state", "severity", "number"]),
    table(
        "case_file",
        ID,
        &[
            "id",
            "number",
            "title",
            "summary",
            "state",
            "reason",
            "assignee",
            "team",
            "marking",
            "created",
            "changed",
            "merged_into",
        ],
    ),
    table("case_note", ID, &["id", "case_id", "time", "actor", "text"]),
    table("case_task", ID, &["id", "case_id", "title", "assignee", "due", "done", "done_by"]),
    table("case_deadline", ID, &["id", "case_id", "what", "due", "met", "told"]),
    table("case_link", ID, &["id", "case_id", "kind", "target", "note", "time", "actor"]),
    table(
        "case_evidence",
        ID,
        &[
            "id",
            "case_id",
            "name",
            "media_type",
            "sha256",
            "size",
            "bytes",
            "path",
            "time",
            "actor",
        ],
    ),
    table("case_incident", ID, &["id", "case_id", "title", "time"]),
    table(
        "case_claim",
        ID,
        &["id", "case_id", "incident", "claimant", "asset", "decimals", "amount"],
    ),
    table("case_holding", ID, &["id", "case_id", "place", "asset", "amount"]),
    table("case_term", &["term", "case_id"], &["case_id", "term"]),
    table("person", ID, &["id", "nonce", "ciphertext", "commitment", "retain_until", "erased"]),
    table("person_key", &["person"], &["person", "secret", "salt"]),
    table("person_erasure", &["person"], &["person", "asked_by", "people", "reason", "asked"]),
    table("watch", ID, &["id", "name", "severity", "target", "team", "is_active", "created"]),
    table("watch_position", &["chain"], &["chain", "position"]),
    table("watch_met", &["chain", "watch", "tx"], &["chain", "watch", "tx", "height", "alert"]),
    table(
        "freeze_request",
        ID,
        &[
            "id",
            "case_id",
            "revision",
            "state",
            "title",
            "marking",
            "holder",
            "jurisdiction",
            "reference",
            "legal_basis",
            "acknowledge_s",
            "freeze_s",
            "drafted_by",
            "approved_by",
            "reason",
            "created",
            "revised",
            "approved",
            "sent",
            "acknowledged",
            "frozen",
            "frozen_until",
            "ended",
            "is_nobodys",
        ],
    ),
    table(
        "freeze_item",
        &["request", "number"],
        &["request", "number", "account", "asset", "asked", "frozen", "recovered"],
    ),
    table("freeze_author", &["request", "actor"], &["request", "actor"]),
    table(
        "freeze_told",
        &["request", "kind", "deadline", "level"],
        &["request", "kind", "deadline", "level"],
    ),
    table(
        "freeze_moved",
        &["request", "chain", "tx", "move"],
        &["request", "chain", "tx", "move", "height", "is_final", "alert"],
    ),
    table(
        "freeze_packet",
        &["request", "revision"],
        &["request", "revision", "sha256", "made", "content", "signed"],
    ),
];

const ID: &[&str] = &["id"];
const PAGE_ROWS: i64 = 500;

const fn table(
    name: &'static str,
    key: &'static [&'static str],
    columns: &'static [&'static str],
) -> Table {
    Table { name, key, columns }
}

/// Writes all rows of tables; how many. `tables` are [`TABLES`] and those of the crates above.
pub fn write(
    db: &Db,
    tables: &[Table],
    at: Timestamp,
    out: &mut dyn Write,
) -> Result<u64, CaseError> {
    let mut out = Hashed { out, digest: Sha256::new() };
    let columns: Map<String, Json> =
        tables.iter().map(|table| (table.name.to_string(), json!(table.columns))).collect();
    out.line(&json!({ "format": FORMAT, "version": VERSION, "at": at, "columns": columns }))?;
    let rows = db.read(|tx| {
        let mut rows = 0;
        for table in tables {
            rows += write_table(tx, table, &mut out)?;
        }
        Ok::<u64, CaseError>(rows)
    })?;
    let sha256 = check::hex(&out.digest.clone().finalize());
    out.line(&json!({ "rows": rows, "sha256": sha256 }))?;
    Ok(rows)
}

struct Hashed<'a> {
    out: &'a mut dyn Write,
    digest: Sha256,
}

impl Hashed<'_> {
    fn line(&mut self, value: &Json) -> Result<(), CaseError> {
        let line = check::canonical(value) + "\n";
        self.digest.update(line.as_bytes());
        let failed = |source| CaseError::Io { doing: "writing the backup".into(), source };
        self.out.write_all(line.as_bytes()).map_err(failed)
    }
}

fn write_table(tx: &mut Tx<'_>, table: &Table, out: &mut Hashed<'_>) -> Result<u64, CaseError> {
    let columns = table.columns.join(", ");
    let key = table.key.join(", ");
    let name = table.name;
    let mut rows = 0;
    let mut after: Option<Vec<Value>> = None;
    loop {
        let mut values = after.take().unwrap_or_default();
        let places: Vec<String> = (1..=values.len()).map(|n| format!("${n}")).collect();
        let wheres = match places.is_empty() {
            true => String::new(),
            false => format!("WHERE ({key}) > ({})", places.join(", ")),
        };
        values.push(PAGE_ROWS.into());
        let limit = values.len();
        let sql = format!("SELECT {columns} FROM {name} {wheres} ORDER BY {key} LIMIT ${limit}");
        let page = tx.rows(&sql, &values)?;
        for row in &page {
            let values: Vec<Json> = row.0.iter().map(shown).collect();
            out.line(&json!({ "table": name, "row": values }))?;
            rows += 1;
        }
        let Some(last) = page.last() else { return Ok(rows) };
        let at = |column: &&str| {
            let at = table.columns.iter().position(|it| it == column);
            at.map_or(Value::Null, |at| last.0[at].clone())
        };
        after = Some(table.key.iter().map(at).collect());
    }
}

fn shown(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Bytes(bytes) => json!({ "hex": check::hex(bytes) }),
    }
}

/// Reads a backup into casework that holds nothing yet; how many rows.
pub fn restore(db: &Db, tables: &[Table], lines: &mut dyn BufRead) -> Result<u64, CaseError> {
    // The file is read once, and a transaction may be done again: so it is held.
    let mut text = Vec::new();
    lines
        .read_to_end(&mut text)
        .map_err(|source| CaseError::Io { doing: "reading the backup".into(), source })?;
    let (head, body) = whole(&text)?;
    let columns = columns(&head["columns"], tables)
        .map_err(|why| CaseError::field("backup", why, "tables and columns of this version"))?;
    db.write(|tx| {
        for table in tables {
            let name = table.name;
            if tx.row(&format!("SELECT 1 FROM {name} LIMIT 1"), &[])?.is_some() {
                let found = "not empty".to_string();
                return Err(CaseError::state("table", name, found, "new casework without a row"));
            }
        }
        let mut rows = 0;
        for (number, line) in (2..).zip(body.lines()) {
            restore_row(tx, &columns, line).map_err(|why| at_line(number, &why))??;
            rows += 1;
        }
        Ok(rows)
    })
}

fn at_line(number: u64, why: &str) -> CaseError {
    CaseError::field("backup", format!("line {number}: {why}"), "a row of a table of casework")
}

/// What a backup says of itself, and its rows, where its form is known and its hash is right.
fn whole(text: &[u8]) -> Result<(Json, &str), CaseError> {
    let wrong = |found: &str| {
        CaseError::field("backup", found, format!("a whole file of {FORMAT} {VERSION}"))
    };
    let text = std::str::from_utf8(text).map_err(|_| wrong("bytes that are not UTF-8"))?;
    let (head, rest) = text.split_once('\n').ok_or_else(|| wrong("a file without lines"))?;
    let head: Json =
        serde_json::from_str(head).map_err(|_| wrong("a first line that is not JSON"))?;
    if head["format"] != json!(FORMAT) || head["version"] != json!(VERSION) {
        return Err(wrong("a file of another form or version"));
    }
    let rest = rest.strip_suffix('\n').ok_or_else(|| wrong("a file that was cut off"))?;
    let (body, last) = rest.rsplit_once('\n').unwrap_or(("", rest));
    let hashed = text.len() - 1 - last.len();
    let sha256 = check::hex(&Sha256::digest(&text.as_bytes()[..hashed]));
    let last: Json = serde_json::from_str(last).map_err(|_| wrong("a file that was cut off"))?;
    if last["sha256"] != json!(sha256) || last["rows"] != json!(body.lines().count()) {
        return Err(wrong("bytes that do not have their hash, or were cut off"));
    }
    Ok((head, body))
}

/// The columns of each table of a backup, in their order there.
fn columns<'a>(
    said: &Json,
    tables: &'a [Table],
) -> Result<BTreeMap<&'a str, Vec<&'static str>>, String> {
    let said = said.as_object().ok_or("it says no columns")?;
    said.iter()
        .map(|(name, columns)| {
            let table = tables.iter().find(|table| table.name == name);
            let table = table.ok_or_else(|| format!("{name:?} is no table"))?;
            let column = |said: &Json| {
                let known = table.columns.iter().find(|known| said.as_str() == Some(**known));
                known.copied().ok_or_else(|| format!("{name} has no column {said}"))
            };
            let columns = columns.as_array().ok_or_else(|| format!("{name} says no columns"))?;
            Ok((table.name, columns.iter().map(column).collect::<Result<_, String>>()?))
        })
        .collect()
}

/// The outer error says what is wrong with the line, the inner one that the database failed.
fn restore_row(
    tx: &mut Tx<'_>,
    columns: &BTreeMap<&str, Vec<&'static str>>,
    line: &str,
) -> Result<Result<(), CaseError>, String> {
    let line: Json = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let name = line["table"].as_str().ok_or("it names no table")?;
    let columns = columns.get(name).ok_or_else(|| format!("{name:?} is no table"))?;
    let row = line["row"].as_array().filter(|row| row.len() == columns.len());
    let row = row.ok_or_else(|| format!("expected {} columns", columns.len()))?;
    let values = row.iter().map(value).collect::<Result<Vec<_>, _>>()?;
    let places: Vec<String> = (1..=values.len()).map(|n| format!("${n}")).collect();
    let sql = format!("INSERT INTO {name} ({}) VALUES ({})", columns.join(", "), places.join(", "));
    Ok(tx.run(&sql, &values).map(|_| ()).map_err(CaseError::from))
}

fn value(json: &Json) -> Result<Value, String> {
    let wrong = || format!("{json} is neither a number, a text, bytes nor nothing");
    match json {
        Json::Null => Ok(Value::Null),
        Json::Number(number) => number.as_i64().map(Value::Int).ok_or_else(wrong),
        Json::String(text) => Ok(Value::Text(text.clone())),
        Json::Object(_) => {
            let bytes = json["hex"].as_str().and_then(check::unhex);
            bytes.map(Value::Bytes).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}
