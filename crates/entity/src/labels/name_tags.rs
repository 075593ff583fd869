//! Name tags as block explorers show them, gathered in one JSON object:
//! `{"0x…": {"name": "Binance 14", "labels": ["binance"]}}`.
//!
//! An explorer's words become concepts by the table in `concepts`; every word is
//! kept beside them as `etherscan:<word>`, so that nothing is lost.

mod concepts;

use std::fmt;

use model::{Account, Address, Chain, Confidence, Label, Subject};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::error::Place;
use super::{LabelError, Origin, subject};

/// Name tags, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTags {
    /// In the order of the file.
    pub labels: Vec<Label>,
    /// Addresses whose checksum is wrong: taken by their bytes.
    pub wrong_checksums: usize,
}

/// Reads name tags of one chain.
pub fn read(bytes: &[u8], chain: Chain, origin: &Origin) -> Result<NameTags, LabelError> {
    let tags: Tags = serde_json::from_slice(bytes).map_err(|e| LabelError {
        file: origin.name.clone(),
        place: Place { line: e.line() as u64, column: e.column() as u64 },
        problem: problem(&e),
    })?;
    let mut read = NameTags { labels: Vec::with_capacity(tags.0.len()), wrong_checksums: 0 };
    for (text, tag) in tags.0 {
        let Some(account) = subject::account(&text, chain) else {
            let problem = format!("expected an address of {}, found {text:?}", chain.name());
            return Err(LabelError {
                file: origin.name.clone(),
                place: line_of(bytes, &text),
                problem,
            });
        };
        read.wrong_checksums += usize::from(Address::parse(&text, chain).is_err());
        read.labels.extend(label(account, tag, origin));
    }
    Ok(read)
}

/// Nothing for a tag that says nothing.
fn label(account: Account, tag: Tag, origin: &Origin) -> Option<Label> {
    let name = if tag.name.trim().is_empty() { tag.labels.first()? } else { &tag.name };
    Some(Label {
        name: name.trim().to_string(),
        concepts: concepts::of(&tag.name, &tag.labels),
        actor: None,
        confidence: Confidence::named("web_crawl").expect("it is a grade of the scale"),
        source: source(&account, origin),
        collection: origin.name.clone(),
        date: origin.date,
        file_hash: origin.file_hash.clone(),
        network: None,
        tag: Default::default(),
        subject: Subject::Account(account),
    })
}

/// The explorer's page of the address, where its tags can be looked up.
fn source(account: &Account, origin: &Origin) -> String {
    const EXPLORERS: &[(Chain, &str)] = &[
        (Chain::ETHEREUM, "https://etherscan.io/address/"),
        (Chain::BNB, "https://bscscan.com/address/"),
        (Chain::POLYGON, "https://polygonscan.com/address/"),
        (Chain::ARBITRUM, "https://arbiscan.io/address/"),
        (Chain::OPTIMISM, "https://optimistic.etherscan.io/address/"),
        (Chain::BASE, "https://basescan.org/address/"),
    ];
    let explorer = EXPLORERS.iter().find(|(chain, _)| *chain == account.chain);
    explorer.map_or_else(
        || origin.name.clone(),
        |(_, page)| format!("{page}{}", account.address.text(account.chain)),
    )
}

/// The parser ends its messages with the place, which we say in front.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_string()
}

/// Only for an error: the first line that holds the text.
fn line_of(bytes: &[u8], text: &str) -> Place {
    let whole = String::from_utf8_lossy(bytes);
    let line = whole.find(text).map_or(0, |at| whole[..at].matches('\n').count() as u64 + 1);
    Place { line, column: 0 }
}

/// In the order of the file; an address that comes twice has two tags.
struct Tags(Vec<(String, Tag)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tag {
    #[serde(default, deserialize_with = "text")]
    name: String,
    #[serde(default)]
    labels: Vec<String>,
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if text.contains('\0') {
        return Err(D::Error::custom("expected a text, found a zero byte"));
    }
    Ok(text)
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Tags, D::Error> {
        struct TagsVisitor;

        impl<'de> Visitor<'de> for TagsVisitor {
            type Value = Tags;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of addresses, each with its name and labels")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Tags, M::Error> {
                let mut tags = Vec::new();
                while let Some(tag) = map.next_entry()? {
                    tags.push(tag);
                }
                Ok(Tags(tags))
            }
        }

        from.deserialize_map(TagsVisitor)
    }
}
