//! GraphSense ActorPacks: who the actors are that TagPacks name.
//!
//! Source: <https://github.com/graphsense/graphsense-tagpacks>.

use model::Date;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::yaml::{self, Day, Text, Texts};
use super::{LabelError, Origin};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// What labels name it by: `binance`.
    pub id: String,
    pub label: String,
    pub uri: String,
    /// Concept ids of the taxonomy.
    pub categories: Vec<String>,
    /// ISO 3166 country codes.
    pub jurisdictions: Vec<String>,
    pub aliases: Vec<String>,
    pub date: Option<Date>,
    /// The pack's title.
    pub collection: String,
    /// SHA-256 of the file it came from, in hex.
    pub file_hash: String,
}

/// Reads a whole ActorPack. The free `context` of an actor is not kept.
pub fn read(bytes: &[u8], origin: &Origin) -> Result<Vec<Actor>, LabelError> {
    let pack: Pack = yaml::read(&origin.name, bytes)?;
    let actor = |raw: RawActor| Actor {
        id: raw.id.0,
        label: raw.label.0,
        uri: raw.uri.0,
        categories: raw.categories.or(pack.categories.clone()).unwrap_or_default().0,
        jurisdictions: raw.jurisdictions.or(pack.jurisdictions.clone()).unwrap_or_default().0,
        aliases: raw.aliases.unwrap_or_default().0,
        date: raw.lastmod.or(pack.lastmod).map(|day| day.0).or(origin.date),
        collection: pack.title.0.clone(),
        file_hash: origin.file_hash.clone(),
    };
    Ok(pack.actors.into_iter().map(actor).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    title: Text,
    #[serde(rename = "creator")]
    _creator: Text,
    #[serde(rename = "description")]
    _description: Option<Text>,
    #[serde(rename = "is_public")]
    _is_public: Option<bool>,
    lastmod: Option<Day>,
    categories: Option<Texts>,
    jurisdictions: Option<Texts>,
    actors: Vec<RawActor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawActor {
    id: Text,
    label: Text,
    uri: Text,
    categories: Option<Texts>,
    jurisdictions: Option<Texts>,
    aliases: Option<Texts>,
    lastmod: Option<Day>,
    #[serde(rename = "context")]
    _context: Option<IgnoredAny>,
}
