//! The European Union's consolidated financial sanctions list (FSF), XML 1.1.
//!
//! Nearly everything stands in attributes. Names come without a primary one: the first strong one
//! is taken for it. There is no element for digital currencies; addresses in the remarks are
//! listed all the same. Source: <https://webgate.ec.europa.eu/fsd/fsf>.

use std::io::BufRead;

use model::{CountryKind, NameKind, NamePart, NameQuality, PartKind, Party, PartyKind, PartyName};

use super::dates::{self, Order, Parts};
use super::gather::{
    self, Gather, add_birth, add_country, add_document, add_name, add_remark, add_text, is_latin,
    joined,
};
use super::xml::Xml;
use super::{ListError, ParsedList};

/// What we call the list.
pub const LIST: &str = "eu";

/// Reads the whole list, unpacked already (see [`super::open`]).
pub fn read(input: impl BufRead, file_hash: &str) -> Result<ParsedList, ListError> {
    let mut xml = Xml::root(input, &["export"])?;
    let written = xml.required("generationDate")?;
    let date = dates::whole(&written, Order::DayFirst);
    let date = date.ok_or_else(|| xml.error("generationDate with a day", &written))?;
    let mut gather = Gather::new(LIST, date, file_hash);
    while xml.child()? {
        match xml.name() {
            "sanctionEntity" => read_entity(&mut xml, &mut gather)?,
            _ => xml.skip()?,
        }
    }
    xml.end()?;
    Ok(gather.finish())
}

fn read_entity<R: BufRead>(xml: &mut Xml<R>, gather: &mut Gather) -> Result<(), ListError> {
    let id = match told(xml, "euReferenceNumber")? {
        empty if empty.is_empty() => xml.required("logicalId")?,
        reference => reference,
    };
    let mut party = gather.party(&id, PartyKind::Unknown);
    party.listed_on = dates::whole(&told(xml, "designationDate")?, Order::DayFirst);
    let united_nations = told(xml, "unitedNationId")?;
    add_document(&mut party.documents, "UN reference", &united_nations, "");
    while xml.child()? {
        match xml.name() {
            "subjectType" => {
                party.kind = match told(xml, "code")?.as_str() {
                    "person" => PartyKind::Person,
                    "enterprise" => PartyKind::Organisation,
                    _ => PartyKind::Unknown,
                };
                xml.skip()?;
            }
            "regulation" => read_regulation(xml, &mut party)?,
            "nameAlias" => read_name(xml, &mut party)?,
            "identification" => read_document(xml, &mut party)?,
            "address" => read_address(xml, &mut party)?,
            "birthdate" => read_birth(xml, &mut party)?,
            "citizenship" => {
                let country = country(xml)?;
                add_country(&mut party.countries, CountryKind::Nationality, &country);
                xml.skip()?;
            }
            "remark" => add_remark(&mut party, &xml.text()?),
            _ => xml.skip()?,
        }
    }
    if let Some(first) = party.names.iter_mut().find(|name| name.quality == NameQuality::Good) {
        first.kind = NameKind::Primary;
    }
    gather.add_addresses_of(&party);
    gather.add_party(party);
    Ok(())
}

/// An attribute that says nothing is none.
fn told<R: BufRead>(xml: &Xml<R>, name: &str) -> Result<String, ListError> {
    let text = xml.attribute(name)?.unwrap_or_default();
    Ok(gather::one_line(&text))
}

fn country<R: BufRead>(xml: &Xml<R>) -> Result<String, ListError> {
    let description = told(xml, "countryDescription")?;
    let code = told(xml, "countryIso2Code")?;
    let is_known = |text: &str| !text.is_empty() && text != "UNKNOWN" && text != "00";
    Ok([description, code].into_iter().find(|text| is_known(text)).unwrap_or_default())
}

fn read_regulation<R: BufRead>(xml: &mut Xml<R>, party: &mut Party) -> Result<(), ListError> {
    add_text(&mut party.programmes, &told(xml, "programme")?);
    // Where the entry names no day of its own, the earliest act that names it does.
    let in_force = dates::whole(&told(xml, "entryIntoForceDate")?, Order::DayFirst);
    party.listed_on = party.listed_on.into_iter().chain(in_force).min();
    let act = told(xml, "numberTitle")?;
    if !act.is_empty() {
        add_remark(party, &format!("act {act}"));
    }
    xml.skip()
}

fn read_name<R: BufRead>(xml: &mut Xml<R>, party: &mut Party) -> Result<(), ListError> {
    let whole = told(xml, "wholeName")?;
    let parts = [
        (PartKind::Given, told(xml, "firstName")?),
        (PartKind::Patronymic, told(xml, "middleName")?),
        (PartKind::Family, told(xml, "lastName")?),
    ];
    let parts: Vec<NamePart> = parts
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(kind, text)| NamePart { kind, text })
        .collect();
    let spelt = parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(" ");
    let text = if whole.is_empty() { spelt } else { whole };
    let language = told(xml, "nameLanguage")?.to_lowercase();
    let mut is_weak = told(xml, "strong")? == "false";
    let gender = told(xml, "gender")?;
    for (label, attribute) in [("Title", "title"), ("Function", "function")] {
        let text = told(xml, attribute)?;
        if !text.is_empty() {
            add_remark(party, &format!("{label}: {text}"));
        }
    }
    while xml.child()? {
        match xml.name() {
            "remark" => {
                let remark = xml.text()?;
                is_weak |= remark.to_lowercase().contains("low quality");
                add_remark(party, &remark);
            }
            _ => xml.skip()?,
        }
    }
    party.gender = party.gender.take().or(match gender.as_str() {
        "M" => Some("male".to_string()),
        "F" => Some("female".to_string()),
        _ => None,
    });
    let kind = if is_latin(&text) { NameKind::Alias } else { NameKind::Original };
    let quality = if is_weak { NameQuality::Low } else { NameQuality::Good };
    let language = (!language.is_empty()).then_some(language);
    add_name(&mut party.names, PartyName { text, kind, quality, parts, language });
    Ok(())
}

fn read_document<R: BufRead>(xml: &mut Xml<R>, party: &mut Party) -> Result<(), ListError> {
    let kind = match told(xml, "identificationTypeDescription")? {
        empty if empty.is_empty() => told(xml, "identificationTypeCode")?,
        kind => kind,
    };
    let mut flags = Vec::new();
    for (attribute, word) in
        [("knownFalse", "false"), ("knownExpired", "expired"), ("reportedLost", "lost")]
    {
        if xml.is_true(attribute)? {
            flags.push(word);
        }
    }
    let kind = if flags.is_empty() { kind } else { format!("{kind} ({})", flags.join(", ")) };
    let country = country(xml)?;
    for number in [told(xml, "number")?, told(xml, "latinNumber")?] {
        add_document(&mut party.documents, &kind, &number, &country);
    }
    while xml.child()? {
        match xml.name() {
            "remark" => add_remark(party, &xml.text()?),
            _ => xml.skip()?,
        }
    }
    Ok(())
}

fn read_address<R: BufRead>(xml: &mut Xml<R>, party: &mut Party) -> Result<(), ListError> {
    let mut parts = Vec::new();
    for attribute in ["street", "poBox", "place", "zipCode", "city", "region"] {
        parts.push(told(xml, attribute)?);
    }
    parts.push(country(xml)?);
    add_text(&mut party.addresses, &joined(parts.iter().map(String::as_str)));
    let land = parts.pop().unwrap_or_default();
    add_country(&mut party.countries, CountryKind::Residence, &land);
    while xml.child()? {
        match xml.name() {
            "remark" => add_remark(party, &xml.text()?),
            "contactInfo" => {
                let (key, value) = (told(xml, "key")?, told(xml, "value")?);
                add_document(&mut party.documents, &key.to_lowercase(), &value, "");
                xml.skip()?;
            }
            _ => xml.skip()?,
        }
    }
    Ok(())
}

fn read_birth<R: BufRead>(xml: &mut Xml<R>, party: &mut Party) -> Result<(), ListError> {
    let is_about = xml.is_true("circa")?;
    let number = |name: &str| Ok(told(xml, name)?.parse::<i16>().ok());
    let (year, month, day) = (number("year")?, number("month")?, number("day")?);
    let range = (number("yearRangeFrom")?, number("yearRangeTo")?);
    let whole = told(xml, "birthdate")?;
    let small = |number: Option<i16>| number.and_then(|number| i8::try_from(number).ok());
    let of_year = |year: i16| Parts { year, ..Parts::default() };
    let birth = match (dates::read(&whole, Order::DayFirst), year, range) {
        (Some(birth), ..) => Some(model::DateSpan { is_about, ..birth }),
        (None, Some(year), _) => {
            let parts = Parts { year, month: small(month), day: small(day) };
            let written = [Some(year), month, day].into_iter().flatten();
            let written = written.map(|part| part.to_string()).collect::<Vec<_>>().join("-");
            parts.span(is_about, &written)
        }
        (None, None, (Some(from), Some(to))) => {
            let written = format!("{from} to {to}");
            let (from, to) =
                (of_year(from).span(is_about, &written), of_year(to).span(is_about, ""));
            from.zip(to).map(|(from, to)| dates::between(from, to))
        }
        _ => None,
    };
    add_birth(party, birth, &whole);
    let place = [told(xml, "place")?, told(xml, "city")?, told(xml, "region")?, country(xml)?];
    add_text(&mut party.birth_places, &joined(place.iter().map(String::as_str)));
    let [.., land] = place;
    add_country(&mut party.countries, CountryKind::Birth, &land);
    xml.skip()
}
