//! Puts a list together while it is read: entries once, parties under ids of their own.

use std::collections::{HashMap, HashSet};

use model::{
    CountryKind, Date, DateSpan, Identifier, ListVersion, Listing, ListingKind, NameKind,
    NameQuality, Party, PartyCountry, PartyDocument, PartyKind, PartyName,
};

use super::{Entry, ParsedList, countries};
use crate::extract;
use crate::query::is_blank;

/// A list that is being read.
pub struct Gather {
    list: ParsedList,
    seen: HashSet<Entry>,
    /// Where the party of an id stands.
    parties: HashMap<String, usize>,
}

impl Gather {
    pub fn new(list: &str, date: Date, file_hash: &str) -> Gather {
        let version =
            ListVersion { list: list.to_string(), date, file_hash: file_hash.to_string() };
        let list = ParsedList {
            version,
            listings: Vec::new(),
            parties: Vec::new(),
            claims: 0,
            duplicates: 0,
        };
        Gather { list, seen: HashSet::new(), parties: HashMap::new() }
    }

    pub fn listing(&self, written: &str) -> Listing {
        let written = written.trim_matches(is_blank);
        Listing {
            version: self.list.version.clone(),
            identifier: Identifier::parse(written),
            written: written.to_string(),
            asset_label: None,
            party: None,
            party_id: None,
            programmes: Vec::new(),
            listed_on: None,
            expires_on: None,
            kind: ListingKind::Address,
        }
    }

    /// An entry that an earlier one said already only counts.
    pub fn add(&mut self, listing: Listing) {
        if listing.written.is_empty() {
            return;
        }
        if !self.seen.insert(Entry::of(&listing)) {
            self.list.duplicates += 1;
            return;
        }
        let is_claim = listing.identifier.families.is_empty();
        self.list.claims += usize::from(is_claim && listing.kind == ListingKind::Address);
        self.list.listings.push(listing);
    }

    pub fn party(&self, id: &str, kind: PartyKind) -> Party {
        Party {
            version: self.list.version.clone(),
            id: id.to_string(),
            kind,
            names: Vec::new(),
            births: Vec::new(),
            birth_places: Vec::new(),
            countries: Vec::new(),
            documents: Vec::new(),
            gender: None,
            addresses: Vec::new(),
            programmes: Vec::new(),
            listed_on: None,
            expires_on: None,
            remarks: None,
        }
    }

    /// What the list says of a party in a second place is added to the first.
    pub fn add_party(&mut self, party: Party) {
        match self.parties.get(&party.id) {
            Some(&at) => join(&mut self.list.parties[at], party),
            None => {
                self.parties.insert(party.id.clone(), self.list.parties.len());
                self.list.parties.push(party);
            }
        }
    }

    /// Lists the addresses that the list's own words on a party hold.
    pub fn add_addresses_of(&mut self, party: &Party) {
        let Some(remarks) = &party.remarks else { return };
        for found in extract::addresses(remarks) {
            let listing = self.listing(&found.written);
            self.add(of_party(listing, party));
        }
    }

    pub fn party_of(&mut self, id: &str) -> Option<&mut Party> {
        self.parties.get(id).map(|&at| &mut self.list.parties[at])
    }

    pub fn version(&self) -> &ListVersion {
        &self.list.version
    }

    pub fn finish(mut self) -> ParsedList {
        for party in &mut self.list.parties {
            // The primary name first, wherever the file has it; else the order is the file's.
            party.names.sort_by_key(|name| name.kind != NameKind::Primary);
        }
        self.list
    }
}

/// A party with more of one kind than this is not looked through for repetitions: a hostile
/// file would have every new one compared with all before.
const COMPARED_MAX: usize = 1000;
/// Remarks that are longer get no more; the longest real ones are some ten kilobytes.
const REMARK_BYTES_MAX: usize = 256 << 10;

/// Adds what is not there yet.
fn join(party: &mut Party, more: Party) {
    more.names.into_iter().for_each(|name| add_name(&mut party.names, name));
    more.births.into_iter().for_each(|birth| add_once(&mut party.births, birth));
    more.birth_places.into_iter().for_each(|place| add_once(&mut party.birth_places, place));
    more.countries.into_iter().for_each(|country| add_once(&mut party.countries, country));
    more.documents.into_iter().for_each(|document| add_once(&mut party.documents, document));
    more.addresses.into_iter().for_each(|address| add_once(&mut party.addresses, address));
    more.programmes.into_iter().for_each(|programme| add_once(&mut party.programmes, programme));
    if party.kind == PartyKind::Unknown {
        party.kind = more.kind;
    }
    party.gender = party.gender.take().or(more.gender);
    party.listed_on = party.listed_on.into_iter().chain(more.listed_on).min();
    // In force as long as either says.
    party.expires_on = party.expires_on.zip(more.expires_on).map(|(a, b)| a.max(b));
    if let Some(remarks) = more.remarks {
        add_remark(party, &remarks);
    }
}

pub fn add_once<T: PartialEq>(to: &mut Vec<T>, value: T) {
    if to.len() > COMPARED_MAX || !to.contains(&value) {
        to.push(value);
    }
}

/// A text that an earlier name has already is not kept twice: the better one stays.
pub fn add_name(names: &mut Vec<PartyName>, mut name: PartyName) {
    name.text = one_line(&name.text);
    if name.text.is_empty() {
        return;
    }
    match names.iter_mut().take(COMPARED_MAX).find(|known| known.text == name.text) {
        Some(known) => {
            known.quality = known.quality.min(name.quality);
            known.kind = known.kind.min(name.kind);
        }
        None => names.push(name),
    }
}

/// The listing as one of this party.
pub fn of_party(listing: Listing, party: &Party) -> Listing {
    Listing {
        party: party.names.first().map(|name| name.text.clone()),
        party_id: Some(party.id.clone()),
        programmes: party.programmes.clone(),
        listed_on: party.listed_on,
        expires_on: party.expires_on,
        ..listing
    }
}

pub fn name(text: &str, kind: NameKind, quality: NameQuality) -> PartyName {
    PartyName { text: text.to_string(), kind, quality, parts: Vec::new(), language: None }
}

pub fn add_country(to: &mut Vec<PartyCountry>, kind: CountryKind, written: &str) {
    let written = one_line(written);
    if !written.is_empty() {
        let code = countries::code(&written).unwrap_or_default().to_string();
        add_once(to, PartyCountry { kind, code, written });
    }
}

pub fn add_document(to: &mut Vec<PartyDocument>, kind: &str, number: &str, country: &str) {
    let number = one_line(number);
    if !number.is_empty() {
        let country = countries::code(country).map(str::to_string);
        add_once(to, PartyDocument { kind: one_line(kind), number, country });
    }
}

pub fn add_text(to: &mut Vec<String>, text: &str) {
    let text = one_line(text);
    if !text.is_empty() {
        add_once(to, text);
    }
}

pub fn add_remark(party: &mut Party, text: &str) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    match &mut party.remarks {
        Some(remarks) if remarks.len() > REMARK_BYTES_MAX || remarks.contains(text) => {}
        Some(remarks) => *remarks += &format!("; {text}"),
        None => party.remarks = Some(text.to_string()),
    }
}

/// A birthday that cannot be read is not lost: it stays as it is written.
pub fn add_birth(party: &mut Party, birth: Option<DateSpan>, written: &str) {
    match birth {
        Some(birth) => add_once(&mut party.births, birth),
        None if written.trim().is_empty() => {}
        None => add_remark(party, &format!("born {}", one_line(written))),
    }
}

/// Parts that are there, with a comma between them.
pub fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts = parts.into_iter().map(one_line).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(", ")
}

/// Its words with one blank between them: files break lines inside of names.
pub fn one_line(text: &str) -> String {
    text.split(is_blank).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Is it written in Latin letters, as far as it has letters?
pub fn is_latin(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphabetic()).all(|c| {
        // Latin with its extensions, and the letters of transliterations.
        matches!(c, 'A'..='Z' | 'a'..='z' | '\u{aa}'..='\u{2af}' | '\u{2b0}'..='\u{2ff}'
            | '\u{1e00}'..='\u{1eff}' | '\u{fb00}'..='\u{fb06}')
    })
}
