//! The United Nations Security Council's consolidated list, XML.
//!
//! It has no element for digital currencies; addresses in the comments are listed all the same.
//! Many elements are there and empty. Of a name's four parts the list does not say which is the
//! family's. Source: <https://main.un.org/securitycouncil/en/content/un-sc-consolidated-list>.

use std::io::BufRead;

use model::{CountryKind, DateSpan, NameKind, NamePart, NameQuality, PartKind, Party, PartyKind};

use super::dates::{self, Order};
use super::gather::{
    Gather, add_birth, add_country, add_document, add_name, add_remark, add_text, joined, name,
    one_line,
};
use super::xml::{Fields, Xml};
use super::{ListError, ParsedList};

/// What we call the list.
pub const LIST: &str = "un";

/// Reads the whole list, unpacked already (see [`super::open`]).
pub fn read(input: impl BufRead, file_hash: &str) -> Result<ParsedList, ListError> {
    let mut xml = Xml::root(input, &["CONSOLIDATED_LIST"])?;
    let written = xml.required("dateGenerated")?;
    let day = dates::whole(&written, Order::DayFirst);
    let date = day.ok_or_else(|| xml.error("dateGenerated with a day", &written))?;
    let mut gather = Gather::new(LIST, date, file_hash);
    while xml.child()? {
        let kind = match xml.name() {
            "INDIVIDUALS" => PartyKind::Person,
            "ENTITIES" => PartyKind::Organisation,
            _ => {
                xml.skip()?;
                continue;
            }
        };
        while xml.child()? {
            match xml.name() {
                "INDIVIDUAL" | "ENTITY" => read_party(&mut xml, kind, &mut gather)?,
                _ => xml.skip()?,
            }
        }
    }
    xml.end()?;
    Ok(gather.finish())
}

fn read_party<R: BufRead>(
    xml: &mut Xml<R>,
    kind: PartyKind,
    gather: &mut Gather,
) -> Result<(), ListError> {
    let mut party = gather.party("", kind);
    let (mut data_id, mut reference) = (String::new(), String::new());
    let mut parts = Vec::new();
    while xml.child()? {
        match xml.name() {
            "DATAID" => data_id = xml.text()?,
            "REFERENCE_NUMBER" => reference = xml.text()?,
            "FIRST_NAME" | "SECOND_NAME" | "THIRD_NAME" | "FOURTH_NAME" => parts.push(xml.text()?),
            "NAME_ORIGINAL_SCRIPT" => {
                let text = xml.text()?;
                add_name(&mut party.names, name(&text, NameKind::Original, NameQuality::Good));
            }
            "UN_LIST_TYPE" => add_text(&mut party.programmes, &xml.text()?),
            "LISTED_ON" => party.listed_on = dates::whole(&xml.text()?, Order::DayFirst),
            "GENDER" => party.gender = Some(xml.text()?.to_lowercase()).filter(|g| !g.is_empty()),
            "COMMENTS1" => add_remark(&mut party, &xml.text()?),
            "TITLE" | "DESIGNATION" => {
                for text in xml.texts("VALUE")? {
                    add_remark(&mut party, &one_line(&text));
                }
            }
            "NATIONALITY" => {
                for text in xml.texts("VALUE")? {
                    add_country(&mut party.countries, CountryKind::Nationality, &text);
                }
            }
            "INDIVIDUAL_ALIAS" | "ENTITY_ALIAS" => take_alias(&mut party, &xml.fields()?),
            "INDIVIDUAL_ADDRESS" | "ENTITY_ADDRESS" => take_address(&mut party, &xml.fields()?),
            "INDIVIDUAL_DATE_OF_BIRTH" => take_birth(&mut party, &xml.fields()?),
            "INDIVIDUAL_PLACE_OF_BIRTH" => take_birth_place(&mut party, &xml.fields()?),
            "INDIVIDUAL_DOCUMENT" => take_document(&mut party, &xml.fields()?),
            _ => xml.skip()?,
        }
    }
    parts.retain(|part| !part.is_empty());
    let mut primary = name(&parts.join(" "), NameKind::Primary, NameQuality::Good);
    if kind == PartyKind::Person {
        let part = |text: &String| NamePart { kind: PartKind::Other, text: one_line(text) };
        primary.parts = parts.iter().map(part).collect();
    }
    add_name(&mut party.names, primary);
    party.id = match gather.party_of(&reference) {
        None if !reference.is_empty() => reference,
        // Two under one reference are two.
        _ => data_id,
    };
    if party.id.is_empty() {
        return Err(xml.error("a REFERENCE_NUMBER or a DATAID", "neither"));
    }
    gather.add_addresses_of(&party);
    gather.add_party(party);
    Ok(())
}

fn take_alias(party: &mut Party, fields: &Fields) {
    let (kind, quality) = match fields.get("QUALITY").to_lowercase().as_str() {
        "good" => (NameKind::Alias, NameQuality::Good),
        "low" => (NameKind::Alias, NameQuality::Low),
        "f.k.a." => (NameKind::Former, NameQuality::Unsaid),
        _ => (NameKind::Alias, NameQuality::Unsaid),
    };
    add_name(&mut party.names, name(fields.get("ALIAS_NAME"), kind, quality));
    let birth = fields.get("DATE_OF_BIRTH");
    add_birth(party, dates::read(birth, Order::DayFirst), birth);
    let place = [fields.get("CITY_OF_BIRTH"), fields.get("COUNTRY_OF_BIRTH")];
    add_text(&mut party.birth_places, &joined(place));
    add_country(&mut party.countries, CountryKind::Birth, fields.get("COUNTRY_OF_BIRTH"));
}

fn take_address(party: &mut Party, fields: &Fields) {
    let parts = ["STREET", "CITY", "STATE_PROVINCE", "ZIP_CODE", "COUNTRY", "NOTE"];
    add_text(&mut party.addresses, &joined(parts.map(|part| fields.get(part))));
    for country in fields.all("COUNTRY") {
        add_country(&mut party.countries, CountryKind::Residence, country);
    }
}

fn take_birth(party: &mut Party, fields: &Fields) {
    let is_about = fields.get("TYPE_OF_DATE").eq_ignore_ascii_case("approximately");
    let read = |text: &str| dates::read(text, Order::DayFirst);
    let (from, to) = (fields.get("FROM_YEAR"), fields.get("TO_YEAR"));
    if let (Some(from), Some(to)) = (read(from), read(to)) {
        let written = format!("between {} and {}", from.written, to.written);
        let birth = DateSpan { written, is_about, ..dates::between(from, to) };
        return add_birth(party, Some(birth), "");
    }
    let told = ["DATE", "YEAR", "NOTE"].into_iter().map(|part| fields.get(part));
    let Some(written) = told.into_iter().find(|text| !text.is_empty()) else { return };
    let birth = read(written).map(|span| DateSpan { is_about: span.is_about || is_about, ..span });
    add_birth(party, birth, written);
}

fn take_birth_place(party: &mut Party, fields: &Fields) {
    let parts = ["STREET", "CITY", "STATE_PROVINCE", "COUNTRY"];
    add_text(&mut party.birth_places, &joined(parts.map(|part| fields.get(part))));
    add_country(&mut party.countries, CountryKind::Birth, fields.get("COUNTRY"));
}

fn take_document(party: &mut Party, fields: &Fields) {
    let more = one_line(fields.get("TYPE_OF_DOCUMENT2"));
    let kind = match (fields.get("TYPE_OF_DOCUMENT"), more.as_str()) {
        ("", more) => more.to_string(),
        (kind, "") => kind.to_string(),
        (kind, more) => format!("{kind} ({more})"),
    };
    let country = match fields.get("COUNTRY_OF_ISSUE") {
        "" => fields.get("ISSUING_COUNTRY"),
        country => country,
    };
    // Some numbers stand behind the second type: `Residential card number 665`.
    let number = match fields.get("NUMBER") {
        "" => more.rsplit(' ').next().filter(|last| last.bytes().any(|b| b.is_ascii_digit())),
        number => Some(number),
    };
    match number {
        Some(number) => add_document(&mut party.documents, &kind, number, country),
        None => add_remark(party, &joined([kind.as_str(), fields.get("NOTE")])),
    }
}
