//! OFAC's plain XML, `sdn.xml` and `consolidated.xml`: the forms that most tools read.
//!
//! Both look alike, and neither says which it is: the caller must know. Addresses stand among the documents, by a type such as `Digital Currency Address - TRX`.

use std::io::BufRead;

use model::{CountryKind, NameKind, NamePart, NameQuality, PartKind, Party, PartyKind, PartyName};

use super::features::Feature;
use crate::lists::dates::{self, Order};
use crate::lists::gather::{
    self, Gather, add_birth, add_country, add_document, add_name, add_remark, add_text, joined,
};
use crate::lists::xml::{Fields, Xml};
use crate::lists::{ListError, ParsedList};
use crate::query::is_blank;

/// Reads the whole list; its root is open.
pub fn read<R: BufRead>(
    mut xml: Xml<R>,
    list: &str,
    file_hash: &str,
) -> Result<ParsedList, ListError> {
    let mut gather = None;
    while xml.child()? {
        match xml.name() {
            "publshInformation" | "publishInformation" => {
                let told = xml.fields()?;
                let written = told.get("Publish_Date");
                let date = dates::whole(written, Order::MonthFirst);
                let date = date.ok_or_else(|| xml.error("a Publish_Date", written))?;
                gather = Some(Gather::new(list, date, file_hash));
            }
            "sdnEntry" => {
                let Some(gather) = &mut gather else {
                    return Err(xml.error("publshInformation before the entries", "none"));
                };
                read_entry(&mut xml, gather)?;
            }
            _ => xml.skip()?,
        }
    }
    let missing = || xml.error("publshInformation", "none in the whole file");
    let list = gather.ok_or_else(missing)?.finish();
    xml.end()?;
    Ok(list)
}

struct Entry {
    party: Party,
    last_name: String,
    first_name: String,
    addresses: Vec<(String, Option<String>)>,
}

fn read_entry<R: BufRead>(xml: &mut Xml<R>, gather: &mut Gather) -> Result<(), ListError> {
    let mut entry = Entry {
        party: gather.party("", PartyKind::Unknown),
        last_name: String::new(),
        first_name: String::new(),
        addresses: Vec::new(),
    };
    while xml.child()? {
        let party = &mut entry.party;
        match xml.name() {
            "uid" => party.id = xml.text()?,
            "lastName" => entry.last_name = xml.text()?,
            "firstName" => entry.first_name = xml.text()?,
            "title" => {
                let title = xml.text()?;
                add_remark(party, &labelled("Title", &title));
            }
            "sdnType" => party.kind = super::kind_of(&xml.text()?),
            "remarks" => add_remark(party, &xml.text()?),
            "programList" => {
                xml.texts("program")?.iter().for_each(|text| add_text(&mut party.programmes, text));
            }
            "akaList" => each(xml, "aka", |fields| take_alias(party, fields))?,
            "addressList" => each(xml, "address", |fields| take_address(party, fields))?,
            "nationalityList" => each(xml, "nationality", |fields| {
                add_country(&mut party.countries, CountryKind::Nationality, fields.get("country"));
            })?,
            "citizenshipList" => each(xml, "citizenship", |fields| {
                add_country(&mut party.countries, CountryKind::Nationality, fields.get("country"));
            })?,
            "dateOfBirthList" => each(xml, "dateOfBirthItem", |fields| {
                let written = fields.get("dateOfBirth");
                add_birth(party, dates::read(written, Order::DayFirst), written);
            })?,
            "placeOfBirthList" => each(xml, "placeOfBirthItem", |fields| {
                add_text(&mut party.birth_places, fields.get("placeOfBirth"));
            })?,
            "vesselInfo" => take_vessel(party, &xml.fields()?),
            "idList" => each(xml, "id", |fields| entry.take_document(fields))?,
            _ => xml.skip()?,
        }
    }
    if entry.party.id.is_empty() {
        return Err(xml.error("a uid in each sdnEntry", "none"));
    }
    entry.put(gather);
    Ok(())
}

fn each<R: BufRead>(
    xml: &mut Xml<R>,
    name: &str,
    mut take: impl FnMut(&Fields),
) -> Result<(), ListError> {
    while xml.child()? {
        match xml.name() == name {
            true => take(&xml.fields()?),
            false => xml.skip()?,
        }
    }
    Ok(())
}

impl Entry {
    fn take_document(&mut self, fields: &Fields) {
        let (kind, number) = (fields.get("idType"), fields.get("idNumber"));
        let party = &mut self.party;
        match Feature::of(kind) {
            Feature::Address(asset) if !number.chars().all(is_blank) => {
                self.addresses.push((number.to_string(), asset));
            }
            Feature::Address(_) => {}
            Feature::Gender => party.gender = Some(number.to_lowercase()),
            _ => add_document(&mut party.documents, kind, number, fields.get("idCountry")),
        }
    }

    fn put(mut self, gather: &mut Gather) {
        let primary = name_of(&self.last_name, &self.first_name, self.party.kind);
        let primary = PartyName { kind: NameKind::Primary, ..primary };
        self.party.names.insert(0, primary);
        self.party.names.retain(|name| !name.text.is_empty());
        for (written, asset_label) in self.addresses {
            let mut listing = gather.listing(&written);
            listing.asset_label = asset_label;
            gather.add(gather::of_party(listing, &self.party));
        }
        gather.add_party(self.party);
    }
}

/// `FAMILY, Given`, with its parts where the party is a person.
pub(super) fn name_of(last: &str, first: &str, kind: PartyKind) -> PartyName {
    let text = joined([last, first]);
    let mut name = gather::name(&text, NameKind::Alias, NameQuality::Good);
    if kind == PartyKind::Person {
        let part = |kind, text: &str| NamePart { kind, text: gather::one_line(text) };
        name.parts = vec![part(PartKind::Family, last), part(PartKind::Given, first)];
        name.parts.retain(|part| !part.text.is_empty());
    }
    name
}

fn take_alias(party: &mut Party, fields: &Fields) {
    let mut name = name_of(fields.get("lastName"), fields.get("firstName"), party.kind);
    if fields.get("type").to_lowercase().starts_with("f.k") {
        name.kind = NameKind::Former;
    }
    if fields.get("category").eq_ignore_ascii_case("weak") {
        name.quality = NameQuality::Low;
    }
    add_name(&mut party.names, name);
}

fn take_address(party: &mut Party, fields: &Fields) {
    let parts =
        ["address1", "address2", "address3", "city", "stateOrProvince", "postalCode", "country"];
    add_text(&mut party.addresses, &joined(parts.map(|part| fields.get(part))));
    add_country(&mut party.countries, CountryKind::Residence, fields.get("country"));
}

fn take_vessel(party: &mut Party, fields: &Fields) {
    add_document(&mut party.documents, "Vessel Call Sign", fields.get("callSign"), "");
    add_country(&mut party.countries, CountryKind::Flag, fields.get("vesselFlag"));
    for part in ["vesselType", "vesselOwner", "tonnage", "grossRegisteredTonnage"] {
        add_remark(party, &labelled(part, fields.get(part)));
    }
}

fn labelled(label: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{label}: {text}") }
}
