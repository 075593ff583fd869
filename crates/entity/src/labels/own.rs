//! Labels this cell writes itself, in CSV or YAML: the same fields in both.
//!
//! `address` or `tx`, `chain`, `name`, `concepts`, `actor`, `confidence`, `source`,
//! `date`, `valid_until`, `kind`, `is_cluster_definer`, `context`. A name, a source and
//! a grade of confidence are needed: a claim without them cannot be weighed later.
//! What we export we read back as it was.

mod csv;
mod write;
mod yaml;

use std::collections::HashSet;

use model::{Confidence, Date, Identifier, Label, Subject, Tag, TagKind, TxId};

use super::{Origin, subject};
use crate::taxonomy;

pub use self::csv::read as read_csv;
pub use self::write::{csv as to_csv, tagpack as to_tagpack};
pub use self::yaml::read as read_yaml;

/// Own labels, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLabels {
    /// In the order of the file.
    pub labels: Vec<Label>,
    /// Rows that said again what an earlier one had said.
    pub duplicates: usize,
    /// Labels of addresses that validate in no known format; kept.
    pub claims: usize,
    /// Words that the taxonomy of concepts does not have; kept as they are.
    pub unknown_concepts: Vec<String>,
}

/// One label as it is written, empty where nothing is.
#[derive(Clone, Debug, Default)]
struct Row {
    address: String,
    tx: String,
    chain: String,
    name: String,
    concepts: Vec<String>,
    actor: String,
    confidence: String,
    source: String,
    date: Option<Date>,
    valid_until: Option<Date>,
    kind: String,
    is_cluster_definer: bool,
    context: String,
}

/// Rows of one file becoming labels.
struct Gathering<'a> {
    collection: &'a str,
    origin: &'a Origin,
    read: OwnLabels,
    seen: HashSet<(Subject, String, String)>,
}

impl<'a> Gathering<'a> {
    fn new(collection: &'a str, origin: &'a Origin) -> Gathering<'a> {
        let read = OwnLabels {
            labels: Vec::new(),
            duplicates: 0,
            claims: 0,
            unknown_concepts: Vec::new(),
        };
        Gathering { collection, origin, read, seen: HashSet::new() }
    }

    /// The error says what was expected; the caller knows the place.
    fn add(&mut self, row: Row) -> Result<(), String> {
        let subject = subject_of(&row)?;
        let needed = |text: &str, field: &str| match text {
            "" => Err(format!("expected a {field}, found none")),
            text => Ok(text.to_string()),
        };
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let (name, source) = (needed(&row.name, "name")?, needed(&row.source, "source")?);
        if !self.seen.insert((subject.clone(), name.clone(), source.clone())) {
            self.read.duplicates += 1;
            return Ok(());
        }
        self.note_concepts(&row.concepts);
        let is_claim = matches!(&subject, Subject::Identifier(of) if of.families.is_empty());
        self.read.claims += usize::from(is_claim);
        self.read.labels.push(Label {
            name,
            source,
            confidence: confidence(&row.confidence)?,
            concepts: row.concepts,
            actor: some(row.actor),
            collection: self.collection.to_string(),
            date: row.date.or(self.origin.date),
            file_hash: self.origin.file_hash.clone(),
            network: matches!(subject, Subject::Identifier(_)).then(|| some(row.chain)).flatten(),
            tag: Tag {
                kind: kind(&row.kind)?,
                is_cluster_definer: row.is_cluster_definer,
                context: some(row.context),
                valid_until: row.valid_until,
                is_own: true,
                ..Tag::default()
            },
            subject,
        });
        Ok(())
    }

    fn note_concepts(&mut self, concepts: &[String]) {
        for concept in concepts {
            let is_new = !self.read.unknown_concepts.contains(concept);
            if is_new && !taxonomy::is_known(concept) {
                self.read.unknown_concepts.push(concept.clone());
            }
        }
    }
}

fn subject_of(row: &Row) -> Result<Subject, String> {
    let chain = match row.chain.as_str() {
        "" => None,
        name => subject::chain_of(name).or_else(|| name.parse().ok()),
    };
    match (row.address.as_str(), row.tx.as_str()) {
        (address, "") if !address.is_empty() => match chain {
            Some(chain) => {
                subject::account(address, chain).map(Subject::Account).ok_or_else(|| {
                    format!("expected an address of {}, found {address:?}", chain.name())
                })
            }
            None => Ok(Subject::Identifier(Identifier::parse(address))),
        },
        ("", tx) if !tx.is_empty() => {
            let Some(chain) = chain else {
                return Err(format!("expected the chain of the transaction {tx:?}, found none"));
            };
            TxId::parse(tx, chain)
                .map(Subject::Transaction)
                .ok_or_else(|| format!("expected a transaction of {}, found {tx:?}", chain.name()))
        }
        ("", _) => Err("expected an address or a tx, found neither".to_string()),
        _ => Err("expected an address or a tx, found both".to_string()),
    }
}

fn confidence(id: &str) -> Result<Confidence, String> {
    Confidence::named(id).ok_or_else(|| {
        let known: Vec<&str> = Confidence::SCALE.iter().map(|(id, _)| *id).collect();
        format!("expected a confidence of the scale ({}), found {id:?}", known.join(", "))
    })
}

fn kind(name: &str) -> Result<TagKind, String> {
    if name.is_empty() {
        return Ok(TagKind::Actor);
    }
    TagKind::named(name).ok_or_else(|| {
        format!("expected a kind (actor, event, attribute or mention), found {name:?}")
    })
}
