//! GraphSense TagPacks: labels of addresses and transactions, in YAML.
//!
//! A pack is one mapping of header fields and a list of tags. Whatever a tag may
//! say the header may say for all of them; the tag's own word wins. An older
//! form keeps the header in a mapping of its own, which may be
//! `!include header.yaml`.
//!
//! A label's `context` is kept as JSON, whether it came as text or as a mapping.
//! Source: <https://github.com/graphsense/graphsense-lib>, `tagpack_schema.yaml`.

mod fields;

use std::collections::HashSet;

use model::{Confidence, Label, Subject, Tag as LabelTag, TagKind, TxId};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use self::fields::Fields;
use super::error::Place;
use super::yaml::{self, Text};
use super::{LabelError, Origin, subject};

/// A pack, read. What was bent to fit is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagPack {
    pub title: String,
    /// In the order of the file.
    pub labels: Vec<Label>,
    /// Tags without a confidence: they count as the lowest grade.
    pub without_confidence: usize,
    /// Tags that said again what an earlier one had said.
    pub duplicates: usize,
    /// Tags of addresses that validate in no known format; kept.
    pub claims: usize,
    /// Tags of transactions on networks that are not followed; left out.
    pub foreign_transactions: usize,
}

/// Reads a whole pack. `header` is the text of the `header.yaml` that packs of
/// one repository share, for those that include it.
pub fn read(bytes: &[u8], header: Option<&[u8]>, origin: &Origin) -> Result<TagPack, LabelError> {
    let pack: RawPack = yaml::read(&origin.name, bytes)?;
    let header = whole_header(&pack, header, origin)?;
    let Some(Text(title)) = header.title else {
        return Err(error(origin, None, "expected a title in the header, found none"));
    };
    if header.creator.is_none() {
        return Err(error(origin, None, "expected a creator in the header, found none"));
    }
    let Some(tags) = pack.tags else {
        return Err(error(origin, None, "expected a list of tags, found none"));
    };
    let mut read = TagPack {
        title,
        labels: Vec::with_capacity(tags.len()),
        without_confidence: 0,
        duplicates: 0,
        claims: 0,
        foreign_transactions: 0,
    };
    let mut seen = HashSet::new();
    for tag in tags {
        let place = Some(tag.defined);
        let fields = tag.value.0.or(&header.fields);
        read.add(fields, &mut seen, origin).map_err(|problem| error(origin, place, &problem))?;
    }
    Ok(read)
}

impl TagPack {
    fn add(
        &mut self,
        fields: Fields,
        seen: &mut HashSet<(Subject, [String; 3])>,
        origin: &Origin,
    ) -> Result<(), String> {
        let currency = required(&fields.currency, "currency")?;
        let network = fields.network.clone().map_or(currency, |text| text.0);
        let Some(subject) = subject_of(&fields, &network)? else {
            self.foreign_transactions += 1;
            return Ok(());
        };
        let is_claim = is_claim(&subject);
        let is_graded = fields.confidence.is_some();
        let label = Label {
            name: required(&fields.label, "label")?,
            concepts: fields.concepts(),
            confidence: fields.confidence.map_or(Ok(lowest_confidence()), named_confidence)?,
            source: required(&fields.source, "source")?,
            actor: fields.actor.map(|text| text.0),
            collection: self.title.clone(),
            date: fields.lastmod.map(|day| day.0).or(origin.date),
            file_hash: origin.file_hash.clone(),
            network: matches!(subject, Subject::Identifier(_)).then(|| network.clone()),
            tag: LabelTag {
                kind: fields.kind.map_or(Ok(TagKind::Actor), named_kind)?,
                is_cluster_definer: fields.is_cluster_definer.unwrap_or(false),
                context: fields.context.map(|context| context.0),
                ..LabelTag::default()
            },
            subject,
        };
        let said = [network.to_ascii_uppercase(), label.name.clone(), label.source.clone()];
        if !seen.insert((label.subject.clone(), said)) {
            self.duplicates += 1;
            return Ok(());
        }
        self.without_confidence += usize::from(!is_graded);
        self.claims += usize::from(is_claim);
        self.labels.push(label);
        Ok(())
    }
}

/// Nothing for a transaction of a network that is not followed.
fn subject_of(fields: &Fields, network: &str) -> Result<Option<Subject>, String> {
    match (&fields.address, &fields.tx_hash) {
        (Some(Text(address)), None) if !address.is_empty() => {
            Ok(Some(subject::of_address(address, network)))
        }
        (None, Some(Text(hash))) => transaction(hash, network),
        (Some(_), Some(_)) => Err("expected an address or a tx_hash, found both".to_string()),
        _ => Err("expected an address or a tx_hash, found neither".to_string()),
    }
}

fn required(field: &Option<Text>, name: &str) -> Result<String, String> {
    let text = field.as_ref().map(|text| text.0.clone()).filter(|text| !text.is_empty());
    text.ok_or_else(|| format!("expected a {name} in the tag or in the header, found none"))
}

fn named_confidence(Text(id): Text) -> Result<Confidence, String> {
    Confidence::named(&id).ok_or_else(|| {
        let known: Vec<&str> = Confidence::SCALE.iter().map(|(id, _)| *id).collect();
        format!("expected a confidence of the scale ({}), found {id:?}", known.join(", "))
    })
}

fn named_kind(Text(name): Text) -> Result<TagKind, String> {
    TagKind::named(&name).ok_or_else(|| {
        format!("expected a tag_type (actor, event, attribute or mention), found {name:?}")
    })
}

fn lowest_confidence() -> Confidence {
    let (id, level) = Confidence::SCALE.last().expect("the scale is not empty");
    Confidence { id: (*id).to_string(), level: *level }
}

fn transaction(hash: &str, network: &str) -> Result<Option<Subject>, String> {
    let Some(chain) = subject::chain_of(network) else { return Ok(None) };
    TxId::parse(hash, chain)
        .map(|tx| Some(Subject::Transaction(tx)))
        .ok_or_else(|| format!("expected a transaction hash of {}, found {hash:?}", chain.name()))
}

fn is_claim(subject: &Subject) -> bool {
    matches!(subject, Subject::Identifier(identifier) if identifier.families.is_empty())
}

/// The pack's own header, on top of the one it includes.
fn whole_header(
    pack: &RawPack,
    shared: Option<&[u8]>,
    origin: &Origin,
) -> Result<Header, LabelError> {
    let header = pack.header.clone();
    let Some(included) = &pack.included else { return Ok(header) };
    let Some(shared) = shared else {
        let problem =
            format!("expected the text of the included {included:?} beside the pack, found none");
        return Err(error(origin, None, &problem));
    };
    let shared: RawPack = yaml::read(included, shared)?;
    if shared.included.is_some() || shared.tags.is_some() {
        return Err(error(origin, None, &format!("expected header fields only in {included:?}")));
    }
    Ok(header.or(&shared.header))
}

fn error(origin: &Origin, at: Option<Location>, problem: &str) -> LabelError {
    let place = at.map_or(Place::default(), |at| Place { line: at.line(), column: at.column() });
    LabelError { file: origin.name.clone(), place, problem: problem.to_string() }
}

/// A file as it stands, before tags inherit.
#[derive(Default)]
struct RawPack {
    header: Header,
    /// The file a `header: !include …` names.
    included: Option<String>,
    tags: Option<Vec<Spanned<Tag>>>,
}

#[derive(Clone, Default)]
struct Header {
    title: Option<Text>,
    creator: Option<Text>,
    fields: Fields,
}

struct Tag(Fields);

impl Header {
    fn or(self, other: &Header) -> Header {
        Header {
            title: self.title.or_else(|| other.title.clone()),
            creator: self.creator.or_else(|| other.creator.clone()),
            fields: self.fields.or(&other.fields),
        }
    }

    /// Reads one field, if it is one of a header.
    fn read<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<bool, M::Error> {
        match key {
            "title" => self.title = Some(map.next_value()?),
            "creator" => self.creator = Some(map.next_value()?),
            "description" | "owner" => drop(map.next_value::<Text>()?),
            "is_public" => drop(map.next_value::<bool>()?),
            _ => return self.fields.read(key, map),
        }
        Ok(true)
    }
}

impl<'de> Deserialize<'de> for RawPack {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<RawPack, D::Error> {
        struct PackVisitor;

        impl<'de> Visitor<'de> for PackVisitor {
            type Value = RawPack;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a TagPack: a mapping of header fields and tags")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<RawPack, M::Error> {
                let mut pack = RawPack::default();
                let mut nested = None;
                while let Some(Text(key)) = map.next_key()? {
                    match key.as_str() {
                        "tags" => pack.tags = Some(map.next_value()?),
                        "header" => nested = Some(map.next_value()?),
                        _ if pack.header.read(&key, &mut map)? => {}
                        _ => map.next_value_seed(Unknown { key, what: "header field" })?,
                    }
                }
                match nested {
                    Some(NestedHeader::Included(file)) => pack.included = Some(file),
                    Some(NestedHeader::Here(header)) => pack.header = pack.header.or(&header),
                    None => {}
                }
                Ok(pack)
            }
        }

        from.deserialize_map(PackVisitor)
    }
}

/// The older form: the header in a mapping of its own, or in another file.
enum NestedHeader {
    Here(Box<Header>),
    Included(String),
}

impl<'de> Deserialize<'de> for NestedHeader {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<NestedHeader, D::Error> {
        struct HeaderVisitor;

        impl<'de> Visitor<'de> for HeaderVisitor {
            type Value = NestedHeader;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a mapping of header fields, or !include and a file's name")
            }

            fn visit_str<E: serde::de::Error>(self, file: &str) -> Result<NestedHeader, E> {
                Ok(NestedHeader::Included(file.trim().to_string()))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<NestedHeader, M::Error> {
                let mut header = Box::<Header>::default();
                while let Some(Text(key)) = map.next_key()? {
                    if !header.read(&key, &mut map)? {
                        map.next_value_seed(Unknown { key, what: "header field" })?;
                    }
                }
                Ok(NestedHeader::Here(header))
            }
        }

        from.deserialize_any(HeaderVisitor)
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Tag, D::Error> {
        struct TagVisitor;

        impl<'de> Visitor<'de> for TagVisitor {
            type Value = Tag;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a tag: a mapping of its fields")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Tag, M::Error> {
                let mut fields = Fields::default();
                while let Some(Text(key)) = map.next_key()? {
                    if !fields.read(&key, &mut map)? {
                        map.next_value_seed(Unknown { key, what: "tag field" })?;
                    }
                }
                Ok(Tag(fields))
            }
        }

        from.deserialize_map(TagVisitor)
    }
}

/// Refuses a field that nobody knows where its value would be read, so that the
/// parser says the place.
struct Unknown {
    key: String,
    what: &'static str,
}

impl<'de> DeserializeSeed<'de> for Unknown {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        let Unknown { key, what } = self;
        Err(D::Error::custom(format_args!("expected a {what}, found {key:?}")))
    }
}
