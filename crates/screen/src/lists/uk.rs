//! The United Kingdom's lists.
//!
//! | list | file | reader |
//! |---|---|---|
//! | the FCDO's UK Sanctions List, the only one since 28 January 2026 | `UK-Sanctions-List.xml` | [`read`] |
//! | OFSI's consolidated list, frozen that day and kept for history | `ConList.csv` | [`conlist`] |
//!
//! A party has one id in each list; the id of the other stands among its documents.
//! Source: <https://www.gov.uk/government/publications/the-uk-sanctions-list>.

pub mod conlist;

use std::io::BufRead;

use model::{
    CountryKind, Date, NameKind, NamePart, NameQuality, PartKind, Party, PartyKind, PartyName,
};

use super::dates::{self, Order};
use super::gather::{
    self, Gather, add_birth, add_country, add_document, add_name, add_remark, add_text, joined,
    one_line,
};
use super::xml::{Node, Xml};
use super::{ListError, ParsedList};

/// What we call the FCDO's list.
pub const LIST: &str = "uk";
/// What we call OFSI's.
pub const CONLIST: &str = "uk-ofsi";

/// Reads the whole list, unpacked already (see [`super::open`]). The day it was generated stands in
/// it, or is the caller's to say.
pub fn read(
    input: impl BufRead,
    date: Option<Date>,
    file_hash: &str,
) -> Result<ParsedList, ListError> {
    let mut xml = Xml::root(input, &["Designations"])?;
    let mut issued =
        xml.attribute("DateGenerated")?.and_then(|t| dates::whole(&t, Order::DayFirst));
    let mut designations = Vec::new();
    let blank = Gather::new("", Date::ZERO, "");
    while xml.child()? {
        match xml.name() {
            "DateGenerated" => issued = dates::whole(&xml.text()?, Order::DayFirst),
            "Designation" => {
                let node = xml.tree()?;
                let id = match node.first("UniqueID") {
                    "" => node.first("OFSIGroupID"),
                    id => id,
                };
                if id.is_empty() {
                    return Err(xml.error("a UniqueID in each Designation", "none"));
                }
                designations.push(party_of(&node, blank.party(id, PartyKind::Unknown)));
            }
            _ => xml.skip()?,
        }
    }
    let Some(date) = date.or(issued) else {
        return Err(xml.error("DateGenerated with a day, or a day by hand", "neither"));
    };
    xml.end()?;
    let mut gather = Gather::new(LIST, date, file_hash);
    for mut party in designations {
        party.version = gather.version().clone();
        gather.add_addresses_of(&party);
        gather.add_party(party);
    }
    Ok(gather.finish())
}

fn party_of(node: &Node, mut party: Party) -> Party {
    party.kind = kind_of(node.first("IndividualEntityShip"));
    party.listed_on = dates::whole(node.first("DateDesignated"), Order::DayFirst);
    add_text(&mut party.programmes, node.first("RegimeName"));
    add_document(&mut party.documents, "UN reference", node.first("UNReferenceNumber"), "");
    add_document(&mut party.documents, "OFSI group", node.first("OFSIGroupID"), "");
    for name in node.all("Name") {
        add_name(&mut party.names, name_of(name, party.kind));
    }
    for name in node.all("NameNonLatinScript") {
        add_name(&mut party.names, gather::name(&name.text, NameKind::Original, NameQuality::Good));
    }
    for address in node.all("Address") {
        let lines = (1..=6).map(|n| address.first(&format!("AddressLine{n}")).to_string());
        let mut parts: Vec<String> = lines.collect();
        parts.push(address.first("AddressPostalCode").to_string());
        parts.push(address.first("AddressCountry").to_string());
        add_text(&mut party.addresses, &joined(parts.iter().map(String::as_str)));
        let country = address.first("AddressCountry");
        add_country(&mut party.countries, CountryKind::Residence, country);
    }
    for birth in node.all("DOB") {
        add_birth(&mut party, dates::read(&birth.text, Order::DayFirst), &birth.text);
    }
    for place in node.all("Location") {
        let parts = [place.first("TownOfBirth"), place.first("CountryOfBirth")];
        add_text(&mut party.birth_places, &joined(parts));
        add_country(&mut party.countries, CountryKind::Birth, place.first("CountryOfBirth"));
    }
    for (element, kind) in [
        ("Nationality", CountryKind::Nationality),
        ("CurrentBelievedFlagOfShip", CountryKind::Flag),
        ("PreviousFlag", CountryKind::Flag),
    ] {
        node.all(element).for_each(|n| add_country(&mut party.countries, kind, &n.text));
    }
    for (element, kind) in [
        ("PassportNumber", "Passport"),
        ("NationalIdentifierNumber", "National identifier"),
        ("BusinessRegistrationNumber", "Business registration"),
        ("IMONumber", "IMO number"),
        ("HIN", "Hull identification number"),
        ("PhoneNumber", "Phone number"),
        ("EmailAddress", "Email address"),
        ("Website", "Website"),
    ] {
        node.all(element).for_each(|n| add_document(&mut party.documents, kind, &n.text, ""));
    }
    let gender = one_line(node.first("Gender")).to_lowercase();
    party.gender = (!gender.is_empty()).then_some(gender);
    for (element, label) in [
        ("Title", "Title: "),
        ("Position", "Position: "),
        ("TypeOfShip", "Type of ship: "),
        ("CurrentOwnerOperator", "Owner or operator: "),
        ("SanctionsImposed", "Sanctions: "),
        ("OtherInformation", ""),
        ("UKStatementofReasons", ""),
    ] {
        for told in node.all(element).filter(|n| !n.text.is_empty()) {
            add_remark(&mut party, &format!("{label}{}", told.text));
        }
    }
    party
}

fn kind_of(word: &str) -> PartyKind {
    match word.trim().to_lowercase().as_str() {
        "individual" => PartyKind::Person,
        "entity" => PartyKind::Organisation,
        "ship" => PartyKind::Vessel,
        _ => PartyKind::Unknown,
    }
}

fn name_of(node: &Node, kind: PartyKind) -> PartyName {
    let cells = ["Name1", "Name2", "Name3", "Name4", "Name5", "Name6"].map(|n| node.first(n));
    let strength = format!("{} {}", node.first("AliasStrength"), node.first("NameType"));
    named(&cells, node.first("NameType"), &strength, kind)
}

/// A name of six cells: the last one is the family's, or the whole name of a company or a ship.
fn named(cells: &[&str], name_type: &str, strength: &str, kind: PartyKind) -> PartyName {
    let is_there = |text: &&str| !text.trim().is_empty();
    let text = cells.iter().copied().filter(is_there).map(one_line).collect::<Vec<_>>().join(" ");
    let word = name_type.trim().to_lowercase();
    let name_kind = match word.as_str() {
        "primary name" => NameKind::Primary,
        _ if word.starts_with("fka") || word.contains("former") => NameKind::Former,
        _ => NameKind::Alias,
    };
    let strength = strength.to_lowercase();
    let quality = match () {
        () if strength.contains("low quality") => NameQuality::Low,
        () if strength.contains("good quality") || name_kind == NameKind::Primary => {
            NameQuality::Good
        }
        () => NameQuality::Unsaid,
    };
    let mut name = gather::name(&text, name_kind, quality);
    if kind == PartyKind::Person {
        let of = [
            PartKind::Given,
            PartKind::Patronymic,
            PartKind::Patronymic,
            PartKind::Patronymic,
            PartKind::Patronymic,
            PartKind::Family,
        ];
        let parts = of.into_iter().zip(cells).filter(|(_, text)| is_there(text));
        name.parts = parts.map(|(kind, text)| NamePart { kind, text: one_line(text) }).collect();
    }
    name
}
