//! Reads an exported journal without a database, and says where it is not what was written.

use std::fmt;

use super::{Entry, Head, hash};
use crate::act::micros;
use crate::check;

/// The first thing that is wrong, and the number of the entry it concerns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("journal entry {seq}: {fault}")]
pub struct Broken {
    pub seq: i64,
    pub fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The line is not an entry.
    Unreadable(String),
    /// Its bytes do not have its hash.
    Changed,
    /// It does not follow the entry before it: that one, or this, was exchanged with its hash.
    Unlinked,
    /// It occurs nowhere.
    Missing,
    /// It is there, but the entry with this number stands in its place.
    Reordered { found: i64 },
    /// The lines end before it.
    Truncated,
    /// The head that was signed or kept elsewhere is another.
    OtherHead { expected: String },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Unreadable(why) => write!(f, "cannot be read ({why})"),
            Fault::Changed => f.write_str("was changed: its hash is not that of its content"),
            Fault::Unlinked => f.write_str("does not name the hash of the entry before it"),
            Fault::Missing => f.write_str("is missing"),
            Fault::Reordered { found } => {
                write!(f, "is not in its place, where entry {found} stands")
            }
            Fault::Truncated => f.write_str("is missing: the journal was cut off before it"),
            Fault::OtherHead { expected } => {
                write!(f, "does not have the expected hash {expected}")
            }
        }
    }
}

#[derive(serde::Deserialize)]
struct Numbered {
    seq: i64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    head: Option<Head>,
}

/// The head of a journal that is whole. `expected` is one that was signed or kept: the journal must
/// contain it, and may have grown since.
pub fn verify<'a>(
    lines: impl IntoIterator<Item = &'a str>,
    expected: Option<&Head>,
) -> Result<Option<Head>, Broken> {
    let mut lines = lines.into_iter();
    let mut last: Option<Head> = None;
    let mut has_met = expected.is_none();
    while let Some(line) = lines.next() {
        let seq = last.as_ref().map_or(1, |head| head.seq + 1);
        if let Ok(end) = serde_json::from_str::<Last>(line) {
            return finish(last, end.head, has_met, expected, lines.next());
        }
        let entry: Entry = match serde_json::from_str(line) {
            Ok(entry) => entry,
            Err(error) => return Err(Broken { seq, fault: Fault::Unreadable(error.to_string()) }),
        };
        if entry.seq != seq {
            let is_later = lines.any(|line| number(line) == Some(seq));
            let fault = match is_later || entry.seq < seq {
                true => Fault::Reordered { found: entry.seq },
                false => Fault::Missing,
            };
            return Err(Broken { seq, fault });
        }
        let head = follow(last.as_ref(), &entry)?;
        if let Some(expected) = expected.filter(|expected| expected.seq == seq) {
            if expected.hash != head.hash {
                let fault = Fault::OtherHead { expected: expected.hash.clone() };
                return Err(Broken { seq, fault });
            }
            has_met = true;
        }
        last = Some(head);
    }
    // An export ends with its head: without one, something was cut off.
    Err(Broken { seq: last.map_or(1, |head| head.seq + 1), fault: Fault::Truncated })
}

fn number(line: &str) -> Option<i64> {
    serde_json::from_str::<Numbered>(line).ok().map(|numbered| numbered.seq)
}

fn follow(last: Option<&Head>, entry: &Entry) -> Result<Head, Broken> {
    let broken = |fault| Broken { seq: entry.seq, fault };
    let Some(previous) = check::unhex(&entry.previous) else {
        return Err(broken(Fault::Unreadable("the hash before it is not hex".into())));
    };
    let payload = check::canonical(&entry.payload);
    let (time, Entry { actor, act, subject, .. }) = (micros(entry.time), entry);
    let found = hash(entry.seq, time, actor, act, subject, &payload, &previous);
    if check::hex(&found) != entry.hash {
        return Err(broken(Fault::Changed));
    }
    let zeros = "0".repeat(64);
    if entry.previous != last.map_or(zeros.as_str(), |head| &head.hash) {
        return Err(broken(Fault::Unlinked));
    }
    Ok(Head { seq: entry.seq, hash: entry.hash.clone() })
}

fn finish(
    last: Option<Head>,
    end: Option<Head>,
    has_met: bool,
    expected: Option<&Head>,
    more: Option<&str>,
) -> Result<Option<Head>, Broken> {
    let seq = last.as_ref().map_or(0, |head| head.seq);
    if more.is_some() {
        let why = "lines follow the head".to_string();
        return Err(Broken { seq: seq + 1, fault: Fault::Unreadable(why) });
    }
    let stated = end.as_ref().map_or(0, |head| head.seq).max(expected.map_or(0, |head| head.seq));
    if stated > seq || !has_met {
        return Err(Broken { seq: seq + 1, fault: Fault::Truncated });
    }
    if end != last {
        let expected = end.map_or_else(String::new, |head| head.hash);
        return Err(Broken { seq, fault: Fault::OtherHead { expected } });
    }
    Ok(last)
}
