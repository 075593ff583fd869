//! What one publication of OFAC's changed, as its Sanctions List Service says it, and which publications
//! there were.
//!
//! | asked | answer |
//! |---|---|
//! | `GET /changes/history/{year}` | `[{"publicationID": 803, "datePublished": "2026-01-16T10:01:44.740051"}, …]`, US Eastern time |
//! | `GET /changes/history/{year}/{month}/{day}` | the same within `{"publications": […]}` |
//! | `GET /changes/{publicationID}`, `/changes/latest` | a delta file; by redirect to storage (`…s3.us-gov-west-1.amazonaws.com/DeltaArchive/2026-09-23_delta.xml`) |
//!
//! ```text
//! sanctionsData xmlns="https://www.treasury.gov/ofac/DeltaFile/1.0"
//!   publicationInfo   datePublished (2026-09-23T00:00:00-04:00), publicationType
//!   entities/entity id, action="add" | "remove" | none
//!     as in the enhanced XML; within an entity without an action single elements have one
//!     (action="add" | "remove" | "update" oldValue="…")
//! ```
//!
//! **A delta is read, and not applied.** It names no publication that it goes onto, has no sum and no count
//! by which its result could be checked, and holds both lists at once. How a correction inside a party
//! is to be carried out is written nowhere: the programs that read deltas call it `update`, `change`,
//! `modify` or nothing at all, and none carries it out. So a delta says *that* something changed and whom
//! it concerns; what is on the list is read from the whole file, which is then held against it
//! (`docs/decisions/0009-deltas-decide.md`).
//!
//! Known from: public programs that read the service (a change log, a connector, an event base, two
//! collectors), which agree on all of the above but the word for a correction. The schema is at
//! <https://www.treasury.gov/ofac/downloads/sanctions/1.0/DeltaFile.xsd>; it was not at hand.

use std::collections::HashSet;
use std::io::BufRead;

use model::Date;
use serde::{Deserialize, Serialize};

use super::enhanced::{ROOT, SDN};
use super::features::Feature;
use super::{CONSOLIDATED, LIST, entity};
use crate::lists::ListError;
use crate::lists::dates::{self, Order};
use crate::lists::gather::one_line;
use crate::lists::xml::{Node, Xml};

pub const NAMESPACE: &str = "https://www.treasury.gov/ofac/DeltaFile/1.0";

/// What one publication changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    pub published: Date,
    /// In OFAC's words: `Standard Action`.
    pub kind: String,
    /// In the order of the file.
    pub changes: Vec<Change>,
}

/// One party that is added, removed or corrected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub id: String,
    pub action: Action,
    /// Empty where the file does not repeat it.
    pub name: String,
    /// What we call the lists it names; a correction may name none.
    pub lists: Vec<&'static str>,
    /// Digital currency addresses that it brings, as they are written.
    pub addresses: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Added,
    Removed,
    Corrected,
}

impl Action {
    /// None where the word is not known.
    fn of(word: Option<&str>) -> Option<Action> {
        match word.map(str::trim) {
            Some("add") => Some(Action::Added),
            Some("remove") => Some(Action::Removed),
            None | Some("update" | "change" | "modify") => Some(Action::Corrected),
            Some(_) => None,
        }
    }
}

/// Reads a delta file whole.
///
/// # Errors
/// A [`ListError`] names the byte and the element: another namespace, a word for an action that is not
/// known, a party twice, no day of publication.
pub fn read(input: impl BufRead) -> Result<Delta, ListError> {
    let mut xml = Xml::root(input, &[ROOT])?;
    let namespace = xml.namespace()?;
    if namespace != NAMESPACE {
        return Err(xml.error(&format!("the namespace {NAMESPACE}"), &format!("{namespace:?}")));
    }
    let (mut info, mut changes, mut seen) = (None, None, HashSet::new());
    while xml.child()? {
        match xml.name() {
            "publicationInfo" => info = Some(read_info(&mut xml)?),
            "entities" => {
                let changes = changes.get_or_insert_with(Vec::new);
                while xml.child()? {
                    let change = read_change(&mut xml)?;
                    if !seen.insert(change.id.clone()) {
                        return Err(xml.error("each party once", &change.id));
                    }
                    changes.push(change);
                }
            }
            _ => xml.skip()?,
        }
    }
    let missing = |part: &str| xml.error(part, "none in the whole file");
    let (published, kind) = info.ok_or_else(|| missing("publicationInfo"))?;
    let changes = changes.ok_or_else(|| missing("entities"))?;
    xml.end()?;
    Ok(Delta { published, kind, changes })
}

fn read_info<R: BufRead>(xml: &mut Xml<R>) -> Result<(Date, String), ListError> {
    let info = xml.tree()?;
    let written = info.told("datePublished");
    let date = dates::whole(written, Order::MonthFirst);
    let date = date.ok_or_else(|| xml.error("a day in datePublished", &format!("{written:?}")))?;
    Ok((date, one_line(info.told("publicationType"))))
}

fn read_change<R: BufRead>(xml: &mut Xml<R>) -> Result<Change, ListError> {
    if xml.name() != "entity" {
        return Err(xml.error("an entity", xml.name()));
    }
    let id = xml.required("id")?.trim().to_string();
    if id.is_empty() {
        return Err(xml.error("the id of an entity", "an empty one"));
    }
    let written = xml.attribute("action")?;
    let Some(action) = Action::of(written.as_deref()) else {
        let found = format!("{:?}", written.unwrap_or_default());
        return Err(xml.error("the action add or remove, or none", &found));
    };
    let node = xml.tree()?;
    let mut lists: Vec<&'static str> = Vec::new();
    for list in node.within("sanctionsLists", "sanctionsList") {
        let list = if list.text == SDN { LIST } else { CONSOLIDATED };
        if !lists.contains(&list) {
            lists.push(list);
        }
    }
    Ok(Change { id, action, name: entity::name(&node), lists, addresses: addresses(&node, action) })
}

/// Of an added party all of them, of a corrected one those that are added or written anew.
fn addresses(node: &Node, action: Action) -> Vec<String> {
    let mut found = Vec::new();
    for feature in node.within("features", "feature") {
        let word = feature
            .attribute("action")
            .or_else(|| feature.each("value").next().and_then(|value| value.attribute("action")));
        let is_new = match action {
            Action::Added => true,
            Action::Removed => false,
            Action::Corrected => matches!(word, Some("add" | "update")),
        };
        let value = feature.told("value");
        let is_address = matches!(Feature::of(feature.told("type")), Feature::Address(_));
        if is_new && is_address && !value.is_empty() {
            found.push(value.to_string());
        }
    }
    found
}

/// One publication of the service's history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Publication {
    /// `2026-01-16T10:01:44.740051`, US Eastern time.
    pub published: String,
    /// Fit to stand in a path.
    pub id: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum HistoryFile {
    Year(Vec<PublicationRow>),
    Day { publications: Vec<PublicationRow> },
}

#[derive(Deserialize)]
struct PublicationRow {
    #[serde(rename = "publicationID")]
    id: Id,
    #[serde(rename = "datePublished")]
    published: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Text(String),
}

/// Reads an answer of `/changes/history/…`, the oldest first.
///
/// # Errors
/// Says what was expected: no such JSON, an id that is none, a time that is none, an id twice.
pub fn history(bytes: &[u8]) -> Result<Vec<Publication>, String> {
    let file: HistoryFile = serde_json::from_slice(bytes).map_err(|_| {
        "expected a list of publicationID and datePublished, found something else".to_string()
    })?;
    let (HistoryFile::Year(rows) | HistoryFile::Day { publications: rows }) = file;
    let mut found = Vec::with_capacity(rows.len());
    let mut seen = HashSet::new();
    for row in rows {
        let id = match row.id {
            Id::Number(id) => id.to_string(),
            Id::Text(id) => id,
        };
        let is_plain = |id: &str| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if id.is_empty() || id.len() > 64 || !is_plain(&id) {
            return Err(format!("expected the id of a publication, found {id:?}"));
        }
        if !is_time(&row.published) {
            return Err(format!("publication {id}: expected a time, found {:?}", row.published));
        }
        if !seen.insert(id.clone()) {
            return Err(format!("expected each publication once, found {id} again"));
        }
        found.push(Publication { published: row.published, id });
    }
    found.sort();
    Ok(found)
}

/// `2026-01-16T10:01:44` with or without parts of a second: such texts order as the times do.
fn is_time(text: &str) -> bool {
    let shape = text.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        19 => byte == b'.',
        _ => byte.is_ascii_digit(),
    });
    shape && (19..=29).contains(&text.len()) && text.len() != 20
}

impl Publication {
    /// The day of it, US Eastern time.
    pub fn day(&self) -> Option<Date> {
        self.published.get(..10)?.parse().ok()
    }
}

impl std::fmt::Display for Publication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (publication {})", self.published, self.id)
    }
}
