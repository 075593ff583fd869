//! Findings, kept for good: what was found is never changed nor unsaid, and the same twice is one.

use model::{FindingKind, Severity, Timestamp};
use rusqlite::{Row, params};

use crate::StoreError;
use crate::catalog::Catalog;
use crate::code::{join_time, read};
use crate::error::{Doing, In};

/// A finding as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingRow {
    /// What makes it the same when it is found again: rule, list, account, and what it rests on.
    pub subject: String,
    pub kind: FindingKind,
    pub severity: Severity,
    pub rule: String,
    pub found_at: Timestamp,
    pub why: String,
    /// What it rests on, as JSON.
    pub body: String,
}

impl Catalog {
    /// Keeps those that were not found before; says how many those are.
    pub fn put_findings(&self, findings: &[FindingRow]) -> Result<usize, StoreError> {
        let doing = || "keep findings";
        let put = || {
            let db = self.write(doing())?;
            let mut new = 0;
            for row in findings {
                new += db
                    .prepare_cached(
                        "INSERT INTO finding (subject, kind, severity, rule, found_at, why, body)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (subject) DO NOTHING",
                    )
                    .and_then(|mut add| {
                        add.execute(params![
                            row.subject,
                            word_in(&row.kind),
                            word_in(&row.severity),
                            row.rule,
                            row.found_at.as_second(),
                            row.why,
                            row.body,
                        ])
                    })
                    .doing(doing)?;
            }
            db.commit().doing(doing)?;
            Ok(new)
        };
        put().in_file(self.path.as_deref())
    }

    /// Every finding, the earliest kept first.
    /// Those that were kept after one, by the number it was kept under; each with its own.
    pub fn findings_after(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, FindingRow)>, StoreError> {
        let sql = format!(
            "SELECT subject, kind, severity, rule, found_at, why, body, id FROM finding \
             WHERE id > {after} ORDER BY id LIMIT {limit}"
        );
        self.read_all(&sql, |row| Ok((read(row, 7)?, finding(row)?)))
    }

    pub fn findings(&self) -> Result<Vec<FindingRow>, StoreError> {
        self.read_all(
            "SELECT subject, kind, severity, rule, found_at, why, body FROM finding ORDER BY id",
            finding,
        )
    }
}

fn finding(row: &Row<'_>) -> Result<FindingRow, StoreError> {
    let subject: String = read(row, 0)?;
    let wrong = |what: &str| StoreError::value(format!("read the finding {subject}"), what);
    Ok(FindingRow {
        kind: word_out(read(row, 1)?).ok_or_else(|| wrong("its kind is not known"))?,
        severity: word_out(read(row, 2)?).ok_or_else(|| wrong("its severity is not known"))?,
        rule: read(row, 3)?,
        found_at: join_time(read(row, 4)?, 0).ok_or_else(|| wrong("its time is none"))?,
        why: read(row, 5)?,
        body: read(row, 6)?,
        subject,
    })
}

/// The word an enumeration is in JSON.
fn word_in(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn word_out<T: serde::de::DeserializeOwned>(word: String) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word)).ok()
}
