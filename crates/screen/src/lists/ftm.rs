//! OpenSanctions' entities in the FollowTheMoney model: one JSON object a line.
//!
//! Whoever is on a list for what they did is kept: topics of sanctions, crime, being wanted,
//! debarment, export control. Politically exposed persons are not listed by being so, and are
//! passed over. Wallets, sanctions and documents are entities of their own that name their holder
//! by id, before or behind it; in nested files they stand inside of it.
//!
//! Reference: <https://www.opensanctions.org/docs/entities/>.

use std::collections::HashMap;
use std::io::BufRead;

use model::{
    CountryKind, Date, ListingKind, NameKind, NameQuality, Party, PartyDocument, PartyKind,
};
use serde_json::Value;

use super::dates::{self, Order};
use super::gather::{
    self, Gather, add_birth, add_country, add_document, add_name, add_remark, add_text, is_latin,
};
use super::{ListError, ParsedList};

/// The longest line; the longest real ones are some hundred kilobytes.
const LINE_BYTES_MAX: u64 = 8 << 20;
/// Nested entities: a wallet within its holder within a sanction.
const NESTING_MAX: usize = 4;

/// Reads every entity of the file. Without a day of the caller's the last day any entity was seen
/// is taken.
pub fn read(
    mut input: impl BufRead,
    list: &str,
    date: Option<Date>,
    file_hash: &str,
) -> Result<ParsedList, ListError> {
    let mut file = File::default();
    for number in 1u64.. {
        let line = super::addresses::next_line_of(&mut input, number, LINE_BYTES_MAX)?;
        let Some(line) = line else { break };
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            continue;
        }
        let entity: Value = serde_json::from_str(line).map_err(|error| {
            ListError::at_line(number, "one JSON object a line", error.to_string())
        })?;
        if !entity["schema"].is_string() || !entity["id"].is_string() {
            return Err(ListError::at_line(number, "an entity with `id` and `schema`", "none"));
        }
        file.take(&entity, None, NESTING_MAX);
    }
    let Some(date) = date.or(file.last_seen) else {
        return Err(ListError::at_line(
            1,
            "entities with `last_seen`, or a day by hand",
            "neither",
        ));
    };
    Ok(file.put_together(list, date, file_hash))
}

#[derive(Default)]
struct File {
    parties: Vec<Party>,
    wallets: Vec<Wallet>,
    /// By the holder's id.
    documents: HashMap<String, Vec<PartyDocument>>,
    sanctions: HashMap<String, Vec<Sanction>>,
    last_seen: Option<Date>,
}

struct Wallet {
    written: String,
    kind: ListingKind,
    currency: Option<String>,
    holder: Option<String>,
    is_listed: bool,
    listed_on: Option<Date>,
}

struct Sanction {
    programme: Vec<String>,
    starts: Option<Date>,
    ends: Option<Date>,
}

impl File {
    /// `within` is the entity it stands inside of, if any.
    fn take(&mut self, entity: &Value, within: Option<&str>, nesting: usize) {
        let seen = ["last_seen", "last_change"].map(|field| entity[field].as_str());
        for seen in seen.into_iter().flatten() {
            self.last_seen = self.last_seen.max(dates::whole(seen, Order::DayFirst));
        }
        match entity["schema"].as_str().unwrap_or_default() {
            "CryptoWallet" => self.take_wallet(entity, within),
            "Sanction" => self.take_sanction(entity, within),
            "Passport" | "Identification" => self.take_document(entity, within),
            schema => {
                if let Some(kind) = kind_of(schema).filter(|_| is_listed(entity)) {
                    self.parties.push(party_of(entity, kind));
                }
            }
        }
        if nesting == 0 {
            return;
        }
        let properties = entity["properties"].as_object();
        let values = properties.into_iter().flat_map(|all| all.values());
        for nested in
            values.filter_map(Value::as_array).flatten().filter(|v| v["schema"].is_string())
        {
            self.take(nested, entity["id"].as_str(), nesting - 1);
        }
    }

    fn take_wallet(&mut self, entity: &Value, within: Option<&str>) {
        let holder = named(entity, "holder", within);
        let currency = first(entity, "currency");
        for (field, kind) in
            [("publicKey", ListingKind::Address), ("accountId", ListingKind::Account)]
        {
            for written in texts(entity, field) {
                self.wallets.push(Wallet {
                    written: written.to_string(),
                    kind,
                    currency: currency.clone(),
                    holder: holder.clone(),
                    is_listed: is_listed(entity),
                    listed_on: first(entity, "createdAt").and_then(|t| day(&t)),
                });
            }
        }
    }

    fn take_sanction(&mut self, entity: &Value, within: Option<&str>) {
        let Some(of) = named(entity, "entity", within) else { return };
        let programme = ["programId", "program"].into_iter().flat_map(|name| texts(entity, name));
        let sanction = Sanction {
            programme: programme.map(str::to_string).collect(),
            starts: ["startDate", "listingDate"]
                .iter()
                .filter_map(|n| day(&first(entity, n)?))
                .min(),
            ends: texts(entity, "endDate").filter_map(day).max(),
        };
        self.sanctions.entry(of).or_default().push(sanction);
    }

    fn take_document(&mut self, entity: &Value, within: Option<&str>) {
        let Some(holder) = named(entity, "holder", within) else { return };
        let kind = first(entity, "type").unwrap_or_else(|| "document".to_string());
        let country = first(entity, "country").unwrap_or_default();
        let documents = self.documents.entry(holder).or_default();
        texts(entity, "number").for_each(|number| add_document(documents, &kind, number, &country));
    }

    fn put_together(mut self, list: &str, date: Date, file_hash: &str) -> ParsedList {
        let mut gather = Gather::new(list, date, file_hash);
        for mut party in std::mem::take(&mut self.parties) {
            party.version = gather.version().clone();
            let documents = self.documents.remove(&party.id).unwrap_or_default();
            documents.into_iter().for_each(|d| gather::add_once(&mut party.documents, d));
            let sanctions = self.sanctions.get(&party.id).map(Vec::as_slice).unwrap_or_default();
            for sanction in sanctions {
                sanction.programme.iter().for_each(|text| add_text(&mut party.programmes, text));
                party.listed_on = party.listed_on.into_iter().chain(sanction.starts).min();
            }
            // Out of force only once every one of them has ended.
            let ends: Option<Vec<Date>> = sanctions.iter().map(|sanction| sanction.ends).collect();
            party.expires_on = ends.and_then(|ends| ends.into_iter().max());
            gather.add_party(party);
        }
        for wallet in self.wallets {
            let mut listing = gather.listing(&wallet.written);
            listing.kind = wallet.kind;
            listing.asset_label = wallet.currency;
            let holder = wallet.holder.and_then(|id| gather.party_of(&id));
            let listing = match holder {
                Some(party) => gather::of_party(listing, party),
                None if wallet.is_listed => listing,
                // Of somebody who is not listed.
                None => continue,
            };
            gather.add(model::Listing {
                listed_on: listing.listed_on.or(wallet.listed_on),
                ..listing
            });
        }
        gather.finish()
    }
}

fn kind_of(schema: &str) -> Option<PartyKind> {
    Some(match schema {
        "Person" => PartyKind::Person,
        "Organization" | "Company" | "PublicBody" => PartyKind::Organisation,
        "LegalEntity" => PartyKind::Unknown,
        "Vessel" => PartyKind::Vessel,
        "Airplane" => PartyKind::Aircraft,
        "Asset" | "Security" => PartyKind::Asset,
        _ => return None,
    })
}

/// Small and simplified files have no topics: then whoever is a target is listed.
fn is_listed(entity: &Value) -> bool {
    const TOPICS: [&str; 6] = ["sanction", "crime", "wanted", "debarment", "export", "poi"];
    let mut topics = texts(entity, "topics").peekable();
    if topics.peek().is_none() {
        return entity["target"].as_bool().unwrap_or(true);
    }
    topics.any(|topic| {
        let start = topic.split('.').next().unwrap_or_default();
        TOPICS.contains(&start)
    })
}

fn party_of(entity: &Value, kind: PartyKind) -> Party {
    let blank = Gather::new("", Date::ZERO, "");
    let mut party = blank.party(entity["id"].as_str().unwrap_or_default(), kind);
    let caption = entity["caption"].as_str().unwrap_or_default();
    let primary = texts(entity, "name").find(|name| *name == caption);
    let primary = primary.or_else(|| texts(entity, "name").find(|name| is_latin(name)));
    let primary = primary.or_else(|| texts(entity, "name").next()).unwrap_or(caption);
    add_name(&mut party.names, gather::name(primary, NameKind::Primary, NameQuality::Good));
    for (field, kind, quality) in [
        ("name", NameKind::Alias, NameQuality::Good),
        ("alias", NameKind::Alias, NameQuality::Unsaid),
        ("previousName", NameKind::Former, NameQuality::Unsaid),
        ("weakAlias", NameKind::Alias, NameQuality::Low),
    ] {
        for text in texts(entity, field) {
            let kind = if is_latin(text) { kind } else { NameKind::Original };
            add_name(&mut party.names, gather::name(text, kind, quality));
        }
    }
    for written in texts(entity, "birthDate") {
        add_birth(&mut party, dates::read(written, Order::DayFirst), written);
    }
    texts(entity, "birthPlace").for_each(|place| add_text(&mut party.birth_places, place));
    for (field, kind) in [
        ("nationality", CountryKind::Nationality),
        ("citizenship", CountryKind::Nationality),
        ("country", CountryKind::Residence),
        ("birthCountry", CountryKind::Birth),
        ("jurisdiction", CountryKind::Registration),
        ("flag", CountryKind::Flag),
        ("pastFlags", CountryKind::Flag),
    ] {
        texts(entity, field).for_each(|text| add_country(&mut party.countries, kind, text));
    }
    for (field, kind) in [
        ("passportNumber", "passport"),
        ("idNumber", "identity number"),
        ("taxNumber", "tax number"),
        ("innCode", "INN"),
        ("ogrnCode", "OGRN"),
        ("registrationNumber", "registration number"),
        ("leiCode", "LEI"),
        ("swiftBic", "SWIFT/BIC"),
        ("imoNumber", "IMO number"),
        ("mmsi", "MMSI"),
        ("isin", "ISIN"),
    ] {
        texts(entity, field)
            .for_each(|number| add_document(&mut party.documents, kind, number, ""));
    }
    party.gender = first(entity, "gender").map(|gender| gender.to_lowercase());
    texts(entity, "address").for_each(|text| add_text(&mut party.addresses, text));
    for field in ["programId", "topics"] {
        texts(entity, field).for_each(|text| add_text(&mut party.programmes, text));
    }
    for field in ["position", "notes", "summary"] {
        texts(entity, field).for_each(|text| add_remark(&mut party, text));
    }
    party
}

/// The texts of a property. One that names another entity may hold it whole.
fn texts<'a>(entity: &'a Value, property: &str) -> impl Iterator<Item = &'a str> {
    let values = entity["properties"][property].as_array();
    let text = |value: &'a Value| value.as_str().or_else(|| value["id"].as_str());
    values.into_iter().flatten().filter_map(text)
}

fn first(entity: &Value, property: &str) -> Option<String> {
    texts(entity, property).next().map(str::to_string)
}

/// The entity that a property names, else the one that it stands inside of.
fn named(entity: &Value, property: &str, within: Option<&str>) -> Option<String> {
    first(entity, property).or_else(|| within.map(str::to_string))
}

fn day(text: &str) -> Option<Date> {
    dates::whole(text, Order::DayFirst)
}
