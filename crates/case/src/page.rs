//! Long listings come in pages; a cursor says where the next one starts.
//!
//! A cursor is the sort key of the last row that was shown, so a page costs the same wherever it is,
//! and rows that come or go meanwhile do not shift it.

use std::fmt;
use std::str::FromStr;

use crate::db::{Db, Value};
use crate::error::CaseError;

pub const LIMIT_MAX: usize = 500;

/// Opaque to who holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) key: i64,
    pub(crate) id: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// None on the last page.
    pub next: Option<Cursor>,
}

/// Which part of a listing is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub after: Option<Cursor>,
    /// 1 to [`LIMIT_MAX`]; more is taken for that.
    pub limit: usize,
}

/// How many there are of each state: the rows of a question that gives a state and a number.
pub(crate) fn counted<State>(
    db: &Db,
    sql: &str,
    values: &[Value],
) -> Result<Vec<(State, i64)>, CaseError>
where
    State: FromStr<Err = CaseError> + Ord,
{
    let mut counts = Vec::new();
    for row in &db.read(|tx| tx.rows(sql, values))? {
        counts.push((row.text(0)?.parse()?, row.int(1)?));
    }
    counts.sort();
    Ok(counts)
}

impl Default for Part {
    fn default() -> Part {
        Part { after: None, limit: 50 }
    }
}

impl Part {
    /// One more than asked for, which tells whether there is a next page.
    pub(crate) fn fetch(&self) -> i64 {
        i64::try_from(self.size()).unwrap_or(0) + 1
    }

    fn size(&self) -> usize {
        self.limit.clamp(1, LIMIT_MAX)
    }

    pub(crate) fn page<T>(&self, mut items: Vec<T>, cursor: impl Fn(&T) -> Cursor) -> Page<T> {
        let has_more = items.len() > self.size();
        items.truncate(self.size());
        let next = items.last().filter(|_| has_more).map(cursor);
        Page { items, next }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.key, self.id)
    }
}

impl FromStr for Cursor {
    type Err = CaseError;

    fn from_str(text: &str) -> Result<Cursor, CaseError> {
        let parts = text
            .split_once('.')
            .and_then(|(key, id)| Some(Cursor { key: key.parse().ok()?, id: id.parse().ok()? }));
        parts.ok_or_else(|| {
            CaseError::field("cursor", format!("{text:?}"), "one from a page before")
        })
    }
}

impl serde::Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_its_own_text_and_nothing_else() {
        let cursor = Cursor { key: -5, id: 9 };
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        for text in ["", "1", "1.", ".1", "1.2.3", "a.b", "9223372036854775808.1"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
