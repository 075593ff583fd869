//! One party, as OFAC's enhanced XML tells it. An added one in a delta file is told alike.
//!
//! ```text
//! entity id
//!   generalInfo        entityType, livingStatus, title, remarks
//!   sanctionsLists/sanctionsList datePublished     SDN List, Consolidated List, …
//!   sanctionsPrograms/sanctionsProgram
//!   names/name         isPrimary, aliasType, isLowQuality
//!     translations/translation   isPrimary, script, formattedFullName, …LastName, …FirstName
//!       nameParts/namePart       type, value
//!   addresses/address  country
//!     translations/translation/addressParts/addressPart   type, value
//!   features/feature   type, value, comments
//!     valueDate        fromDateBegin, fromDateEnd, toDateBegin, toDateEnd, isApproximate, isDateRange
//!   identityDocuments/identityDocument   type, documentNumber, issuingCountry
//! ```
//!
//! Relationships and legal authorities are not read; neither are they of the Advanced XML.

use model::{CountryKind, NameKind, NamePart, NameQuality, Party, PartyName};

use super::enhanced::SDN;
use super::features::{Address, Feature};
use super::{Designation, kind_of, part_kind};
use crate::lists::dates::{self, Order};
use crate::lists::gather::{
    add_birth, add_country, add_document, add_name, add_remark, add_text, joined, one_line,
};
use crate::lists::xml::Node;

pub struct Entity {
    pub party: Party,
    pub addresses: Vec<Address>,
    pub is_sdn: bool,
    /// False where the file does not say which list it is on.
    pub is_on_list: bool,
}

/// Reads it into a party that has its id and nothing else yet.
pub fn read(node: &Node, mut party: Party) -> Entity {
    let mut addresses = Vec::new();
    for general in node.each("generalInfo") {
        party.kind = kind_of(general.told("entityType"));
        for (label, name) in [("Title", "title"), ("Living status", "livingStatus")] {
            let text = general.told(name);
            if !text.is_empty() {
                add_remark(&mut party, &format!("{label}: {text}"));
            }
        }
        add_remark(&mut party, general.told("remarks"));
    }
    let designation = designation_of(node);
    let is_on_list = node.within("sanctionsLists", "sanctionsList").next().is_some();
    party.listed_on = designation.listed_on;
    party.programmes = designation.programmes;
    names_of(node).into_iter().for_each(|name| add_name(&mut party.names, name));
    party.names.sort_by_key(|name| name.kind != NameKind::Primary);
    node.within("addresses", "address").for_each(|address| take_address(&mut party, address));
    for feature in node.within("features", "feature") {
        take_feature(&mut party, &mut addresses, feature);
    }
    for document in node.within("identityDocuments", "identityDocument") {
        let (kind, number) = (document.told("type"), document.told("documentNumber"));
        add_document(&mut party.documents, kind, number, document.told("issuingCountry"));
    }
    Entity { party, addresses, is_sdn: designation.is_sdn, is_on_list }
}

/// Its name: the primary one in Latin letters.
pub fn name(node: &Node) -> String {
    let names = names_of(node);
    let primary = names.iter().find(|name| name.kind == NameKind::Primary);
    primary.or(names.first()).map(|name| one_line(&name.text)).unwrap_or_default()
}

fn designation_of(node: &Node) -> Designation {
    let mut all = Designation::default();
    for list in node.within("sanctionsLists", "sanctionsList") {
        let published = list.attribute("datePublished").unwrap_or_default();
        all.take_in(Designation {
            listed_on: dates::whole(published, Order::MonthFirst),
            programmes: Vec::new(),
            is_sdn: list.text == SDN,
        });
    }
    let programmes = node.within("sanctionsPrograms", "sanctionsProgram");
    programmes.for_each(|programme| add_text(&mut all.programmes, &programme.text));
    all
}

/// In the order of the file; the primary one is marked so.
fn names_of(node: &Node) -> Vec<PartyName> {
    let mut names = Vec::new();
    let mut primary = (None, None);
    for name in node.within("names", "name") {
        let is_primary = name.told("isPrimary") == "true";
        for translation in name.within("translations", "translation") {
            let told = name_of(name, translation);
            if told.text.is_empty() {
                continue;
            }
            let at = (is_primary && told.kind != NameKind::Former).then_some(names.len());
            // Where nothing is said to be Latin, the first of the primary ones is.
            primary.1 = primary.1.or(at);
            if told.language.is_none() {
                primary.0 = primary.0.or(at);
            }
            names.push(told);
        }
    }
    if let Some(at) = primary.0.or(primary.1) {
        names[at].kind = NameKind::Primary;
    }
    names
}

fn name_of(name: &Node, translation: &Node) -> PartyName {
    let parts = translation.within("nameParts", "namePart");
    let parts: Vec<_> =
        parts.map(|part| (part.told("type"), part.told("value").to_string())).collect();
    let (last, first) =
        (translation.told("formattedLastName"), translation.told("formattedFirstName"));
    let text = match translation.told("formattedFullName") {
        "" if last.is_empty() && first.is_empty() => {
            parts.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ")
        }
        "" => joined([last, first]),
        full => full.to_string(),
    };
    let language = language_of(translation.told("script"));
    let is_former = name.told("aliasType") == "F.K.A.";
    let kind = match () {
        () if language.is_some() => NameKind::Original,
        () if is_former => NameKind::Former,
        () => NameKind::Alias,
    };
    let is_low = name.told("isLowQuality") == "true";
    let parts = parts.into_iter().filter(|(_, text)| !text.is_empty());
    PartyName {
        text: one_line(&text),
        kind,
        quality: if is_low { NameQuality::Low } else { NameQuality::Good },
        parts: parts
            .filter_map(|(kind, text)| Some(NamePart { kind: part_kind(kind)?, text }))
            .collect(),
        language,
    }
}

/// Of scripts other than Latin: by ISO 15924 where the Advanced XML, which has the codes, does so.
fn language_of(script: &str) -> Option<String> {
    let code = match script {
        "" | "Latin" => return None,
        "Arabic" => "und-Arab",
        "Armenian" => "und-Armn",
        "Chinese Simplified" => "und-Hans",
        "Chinese Traditional" => "und-Hant",
        "Cyrillic" => "und-Cyrl",
        "Georgian" => "und-Geor",
        "Greek" => "und-Grek",
        "Hangul" => "und-Hang",
        other => other,
    };
    Some(code.to_string())
}

fn take_address(party: &mut Party, address: &Node) {
    let country = match address.told("country") {
        "" => address.each("translations").map(|t| t.told("country")).next().unwrap_or_default(),
        country => country,
    };
    let mut is_told = false;
    for translation in address.within("translations", "translation") {
        let parts = translation.within("addressParts", "addressPart");
        let parts: Vec<_> = parts.map(|part| part.told("value")).chain([country]).collect();
        add_text(&mut party.addresses, &joined(parts));
        is_told = true;
    }
    if !is_told {
        add_text(&mut party.addresses, country);
    }
    add_country(&mut party.countries, CountryKind::Residence, country);
}

fn take_feature(party: &mut Party, addresses: &mut Vec<Address>, feature: &Node) {
    let (label, value) = (feature.told("type"), feature.told("value"));
    let kind = Feature::of(label);
    if kind == Feature::Birth {
        take_birth(party, feature, value);
    } else {
        kind.tell(label, value, party, addresses);
    }
    add_remark(party, feature.told("comments"));
}

/// From the first day its start may be to the last day its end may be. The text alone tells where no
/// dates stand beside it.
fn take_birth(party: &mut Party, feature: &Node, value: &str) {
    let Some(period) = feature.each("valueDate").next() else {
        return add_birth(party, dates::read(value, Order::DayFirst), value);
    };
    let is_about = period.told("isApproximate") == "true";
    let days = ["fromDateBegin", "fromDateEnd", "toDateBegin", "toDateEnd"];
    let days = days.into_iter().filter_map(|name| dates::read(period.told(name), Order::DayFirst));
    let birth = days.reduce(dates::between);
    let birth = birth.map(|birth| model::DateSpan {
        is_about: birth.is_about || is_about,
        written: if value.is_empty() { birth.written } else { one_line(value) },
        ..birth
    });
    add_birth(party, birth.or_else(|| dates::read(value, Order::DayFirst)), value);
}
