//! Own labels in YAML: what all share at the top, then a list.
//!
//! ```yaml
//! title: Deposit addresses of our customers
//! source: our books
//! confidence: ownership
//! labels:
//!   - address: bc1q…
//!     name: Our hot wallet
//!     concepts: [exchange, hot_wallet]
//! ```

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::super::context::Context;
use super::super::error::Place;
use super::super::yaml::{self, Day, Text, Texts};
use super::super::{LabelError, Origin};
use super::{Gathering, OwnLabels, Row};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: Option<Text>,
    chain: Option<Text>,
    source: Option<Text>,
    confidence: Option<Text>,
    concepts: Option<Texts>,
    actor: Option<Text>,
    date: Option<Day>,
    valid_until: Option<Day>,
    labels: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    address: Option<Text>,
    tx: Option<Text>,
    chain: Option<Text>,
    name: Option<Text>,
    concepts: Option<Texts>,
    actor: Option<Text>,
    confidence: Option<Text>,
    source: Option<Text>,
    date: Option<Day>,
    valid_until: Option<Day>,
    kind: Option<Text>,
    is_cluster_definer: Option<bool>,
    context: Option<Context>,
}

/// Reads a whole file. `collection` is its name where it says no title.
pub fn read(bytes: &[u8], collection: &str, origin: &Origin) -> Result<OwnLabels, LabelError> {
    let mut file: File = yaml::read(&origin.name, bytes)?;
    let title = file.title.take().map_or_else(|| collection.to_string(), |title| title.0);
    let mut gathering = Gathering::new(&title, origin);
    for entry in std::mem::take(&mut file.labels) {
        let at = entry.defined;
        gathering.add(row(entry.value, &file)).map_err(|problem| LabelError {
            file: origin.name.clone(),
            place: Place { line: at.line(), column: at.column() },
            problem,
        })?;
    }
    Ok(gathering.read)
}

fn row(entry: Entry, file: &File) -> Row {
    let text = |own: Option<Text>, shared: &Option<Text>| {
        own.or_else(|| shared.clone()).map(|text| text.0).unwrap_or_default()
    };
    let day = |own: Option<Day>, shared: Option<Day>| own.or(shared).map(|day| day.0);
    Row {
        address: text(entry.address, &None),
        tx: text(entry.tx, &None),
        chain: text(entry.chain, &file.chain),
        name: text(entry.name, &None),
        concepts: entry.concepts.or_else(|| file.concepts.clone()).unwrap_or_default().0,
        actor: text(entry.actor, &file.actor),
        confidence: text(entry.confidence, &file.confidence),
        source: text(entry.source, &file.source),
        date: day(entry.date, file.date),
        valid_until: day(entry.valid_until, file.valid_until),
        kind: text(entry.kind, &None),
        is_cluster_definer: entry.is_cluster_definer.unwrap_or(false),
        context: entry.context.map(|context| context.0).unwrap_or_default(),
    }
}
