//! Own labels as a table: a header line, then one label a row. Concepts are separated by `;`.

use model::Date;

use super::super::error::Place;
use super::super::{LabelError, Origin};
use super::{Gathering, OwnLabels, Row};

pub(super) const COLUMNS: &[&str] = &[
    "address",
    "tx",
    "chain",
    "name",
    "concepts",
    "actor",
    "confidence",
    "source",
    "date",
    "valid_until",
    "kind",
    "is_cluster_definer",
    "context",
];

/// Reads a whole table. Columns may stand in any order and be left out; one that nobody knows is
/// refused, since it would be lost.
pub fn read(bytes: &[u8], collection: &str, origin: &Origin) -> Result<OwnLabels, LabelError> {
    let error = |line: u64, problem: String| LabelError {
        file: origin.name.clone(),
        place: Place { line, column: 0 },
        problem,
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let columns = columns(table.headers().map_err(|e| error(1, problem(&e)))?)
        .map_err(|problem| error(1, problem))?;
    let mut gathering = Gathering::new(collection, origin);
    for record in table.records() {
        let record = record.map_err(|e| {
            let line = e.position().map_or(0, csv::Position::line);
            error(line, problem(&e))
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let row = row(&columns, &record).map_err(|problem| error(line, problem))?;
        gathering.add(row).map_err(|problem| error(line, problem))?;
    }
    Ok(gathering.read)
}

/// What each column of the file is.
fn columns(headers: &csv::StringRecord) -> Result<Vec<&'static str>, String> {
    let mut columns: Vec<&'static str> = Vec::new();
    for header in headers {
        let Some(known) = COLUMNS.iter().find(|known| **known == header) else {
            let known = COLUMNS.join(", ");
            return Err(format!("expected columns of {known}, found {header:?}"));
        };
        if columns.contains(known) {
            return Err(format!("expected each column once, found {header:?} twice"));
        }
        columns.push(known);
    }
    Ok(columns)
}

fn row(columns: &[&'static str], record: &csv::StringRecord) -> Result<Row, String> {
    let mut row = Row::default();
    for (column, value) in columns.iter().zip(record) {
        if value.contains('\0') {
            return Err(format!("{column}: expected a text, found a zero byte"));
        }
        let text = value.to_string();
        match *column {
            "address" => row.address = text,
            "tx" => row.tx = text,
            "chain" => row.chain = text,
            "name" => row.name = text,
            "concepts" => row.concepts = words(value),
            "actor" => row.actor = text,
            "confidence" => row.confidence = text,
            "source" => row.source = text,
            "date" => row.date = day(column, value)?,
            "valid_until" => row.valid_until = day(column, value)?,
            "kind" => row.kind = text,
            "is_cluster_definer" => row.is_cluster_definer = flag(column, value)?,
            _ => row.context = text,
        }
    }
    Ok(row)
}

fn words(text: &str) -> Vec<String> {
    text.split(';').map(str::trim).filter(|word| !word.is_empty()).map(String::from).collect()
}

fn day(column: &str, text: &str) -> Result<Option<Date>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || format!("{column}: expected a day such as 2025-02-21, found {text:?}");
    text.parse().map(Some).map_err(|_| wrong())
}

fn flag(column: &str, text: &str) -> Result<bool, String> {
    match text {
        "" | "false" => Ok(false),
        "true" => Ok(true),
        _ => Err(format!("{column}: expected true or false, found {text:?}")),
    }
}

/// The library's words without its name for the place, which stands before them.
fn problem(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("expected {expected_len} fields, found {len}")
        }
        csv::ErrorKind::Utf8 { .. } => "expected UTF-8 text, found other bytes".to_string(),
        _ => error.to_string(),
    }
}
