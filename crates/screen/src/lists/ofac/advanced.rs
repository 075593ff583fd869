//! OFAC's Advanced XML: parties with their names in every script, documents, birthdays, countries,
//! vessels, and digital currency addresses.
//!
//! In the file's order: reference values give the ids their meaning, locations and documents are
//! told apart from those they belong to, distinct parties hold names and features, sanctions
//! entries say since when and under which programmes. The file is streamed; what is kept grows
//! with the parties, not with its 120 MB. No id is known beforehand: a new asset is a new feature
//! type, and it is found by its text.
//!
//! The namespace has changed once and is not looked at: elements are matched by local names.

mod dates;
mod names;
mod references;

use std::collections::HashMap;
use std::io::BufRead;

use model::{CountryKind, Date, Party, PartyDocument};

use self::dates::{read_date, read_period};
use self::names::read_identity;
use self::references::{References, read_references};
use super::features::{Address, Feature};
use super::{CONSOLIDATED, Designation, LIST, features};
use crate::lists::gather::{self, Gather, add_country, add_once, add_remark, add_text, joined};
use crate::lists::xml::Xml;
use crate::lists::{ListError, ParsedList};

/// Reads the whole list; its root is open.
pub fn read<R: BufRead>(mut xml: Xml<R>, file_hash: &str) -> Result<ParsedList, ListError> {
    let mut file = File::default();
    let mut issued = None;
    let mut references = None;
    let (mut has_parties, mut has_entries) = (false, false);
    while xml.child()? {
        let part = xml.name().to_string();
        match part.as_str() {
            "DateOfIssue" => issued = read_date(&mut xml)?,
            "ReferenceValueSets" => references = Some(read_references(&mut xml)?),
            part @ ("Locations" | "IDRegDocuments" | "DistinctParties" | "SanctionsEntries") => {
                let Some(references) = &references else {
                    return Err(xml.error(&format!("ReferenceValueSets before {part}"), "none"));
                };
                match part {
                    "Locations" => file.read_locations(&mut xml, references)?,
                    "IDRegDocuments" => file.read_documents(&mut xml, references)?,
                    "DistinctParties" => {
                        has_parties = true;
                        file.read_parties(&mut xml, references)?;
                    }
                    _ => {
                        has_entries = true;
                        file.read_entries(&mut xml, references)?;
                    }
                }
            }
            _ => xml.skip()?,
        }
    }
    let missing = |part: &str| xml.error(&format!("a {part}"), "none in the whole file");
    let date = issued.ok_or_else(|| missing("DateOfIssue with year, month and day"))?;
    if !has_parties {
        return Err(missing("DistinctParties"));
    }
    if !has_entries {
        return Err(missing("SanctionsEntries"));
    }
    xml.end()?;
    Ok(file.put_together(date, file_hash))
}

/// What is read of the file, before it is put together.
#[derive(Default)]
struct File {
    locations: HashMap<String, Place>,
    /// By the identity each belongs to.
    documents: HashMap<String, Vec<PartyDocument>>,
    drafts: Vec<Draft>,
    designations: HashMap<String, Designation>,
}

/// A location.
struct Place {
    /// As the list writes it; empty where it names none.
    country: String,
    address: String,
}

/// A party, but for what other parts of the file say of it.
struct Draft {
    party: Party,
    identities: Vec<String>,
    places: Vec<(At, String)>,
    addresses: Vec<Address>,
}

/// What being at a location says.
#[derive(Clone, Copy)]
enum At {
    Address,
    Country(CountryKind),
    BirthPlace,
}

impl File {
    fn put_together(mut self, date: Date, file_hash: &str) -> ParsedList {
        let is_sdn = self.designations.is_empty() || self.designations.values().any(|d| d.is_sdn);
        let mut gather = Gather::new(if is_sdn { LIST } else { CONSOLIDATED }, date, file_hash);
        for draft in std::mem::take(&mut self.drafts) {
            let Draft { mut party, identities, places, addresses } = draft;
            party.version = gather.version().clone();
            let documents = identities.iter().filter_map(|id| self.documents.remove(id)).flatten();
            documents.for_each(|document| add_once(&mut party.documents, document));
            for (at, id) in places {
                if let Some(place) = self.locations.get(&id) {
                    place.of(&mut party, at);
                }
            }
            let designation = self.designations.remove(&party.id).unwrap_or_default();
            party.programmes = designation.programmes;
            party.listed_on = designation.listed_on;
            features::put(&mut gather, party, addresses);
        }
        gather.finish()
    }

    fn read_locations<R: BufRead>(
        &mut self,
        xml: &mut Xml<R>,
        references: &References,
    ) -> Result<(), ListError> {
        while xml.child()? {
            if xml.name() != "Location" {
                xml.skip()?;
                continue;
            }
            let id = xml.required("ID")?;
            let place = read_place(xml, references)?;
            self.locations.insert(id, place);
        }
        Ok(())
    }

    fn read_documents<R: BufRead>(
        &mut self,
        xml: &mut Xml<R>,
        references: &References,
    ) -> Result<(), ListError> {
        while xml.child()? {
            if xml.name() != "IDRegDocument" {
                xml.skip()?;
                continue;
            }
            let identity = xml.required("IdentityID")?;
            let kind = xml.attribute("IDRegDocTypeID")?;
            let kind = kind.and_then(|id| references.document_types.get(&id));
            let kind = kind.map_or("document", String::as_str).to_string();
            let country = xml.attribute("IssuedBy-CountryID")?;
            let country = country.and_then(|id| references.countries.get(&id));
            let country = country.cloned().unwrap_or_default();
            let mut number = String::new();
            while xml.child()? {
                match xml.name() {
                    "IDRegistrationNo" => number = xml.text()?,
                    _ => xml.skip()?,
                }
            }
            let documents = self.documents.entry(identity).or_default();
            gather::add_document(documents, &kind, &number, &country);
        }
        Ok(())
    }

    fn read_parties<R: BufRead>(
        &mut self,
        xml: &mut Xml<R>,
        references: &References,
    ) -> Result<(), ListError> {
        // Its version is known when all is read.
        let blank = Gather::new("", Date::ZERO, "");
        while xml.child()? {
            if xml.name() != "DistinctParty" {
                xml.skip()?;
                continue;
            }
            let (first, mut comment) = (self.drafts.len(), String::new());
            while xml.child()? {
                match xml.name() {
                    "Profile" => self.drafts.push(read_profile(xml, references, &blank)?),
                    "Comment" => comment = xml.text()?,
                    _ => xml.skip()?,
                }
            }
            for draft in &mut self.drafts[first..] {
                add_remark(&mut draft.party, &comment);
            }
        }
        Ok(())
    }

    fn read_entries<R: BufRead>(
        &mut self,
        xml: &mut Xml<R>,
        references: &References,
    ) -> Result<(), ListError> {
        while xml.child()? {
            if xml.name() != "SanctionsEntry" {
                xml.skip()?;
                continue;
            }
            let profile = xml.required("ProfileID")?;
            let entry = read_entry(xml, references)?;
            self.designations.entry(profile).or_default().take_in(entry);
        }
        Ok(())
    }
}

impl Place {
    fn of(&self, party: &mut Party, at: At) {
        match at {
            At::Address => {
                let whole = joined([self.address.as_str(), self.country.as_str()]);
                add_text(&mut party.addresses, &whole);
                add_country(&mut party.countries, CountryKind::Residence, &self.country);
            }
            // A nationality has the name of its country where others have a street.
            At::Country(kind) => {
                let written = [&self.country, &self.address].into_iter().find(|t| !t.is_empty());
                written.into_iter().for_each(|t| add_country(&mut party.countries, kind, t));
            }
            At::BirthPlace => {
                let whole = joined([self.address.as_str(), self.country.as_str()]);
                add_text(&mut party.birth_places, &whole);
                add_country(&mut party.countries, CountryKind::Birth, &self.country);
            }
        }
    }
}

fn read_place<R: BufRead>(xml: &mut Xml<R>, references: &References) -> Result<Place, ListError> {
    let (mut country, mut parts) = (String::new(), Vec::new());
    while xml.child()? {
        match xml.name() {
            "LocationCountry" => {
                if let Some(id) = xml.attribute("CountryID")?
                    && let Some(name) = references.countries.get(&id)
                {
                    country.clone_from(name);
                }
                xml.skip()?;
            }
            "LocationAreaCode" => {
                if let Some(id) = xml.attribute("AreaCodeID")?
                    && let (true, Some(name)) = (country.is_empty(), references.areas.get(&id))
                {
                    country.clone_from(name);
                }
                xml.skip()?;
            }
            "LocationPart" => {
                while xml.child()? {
                    if xml.name() != "LocationPartValue" {
                        xml.skip()?;
                        continue;
                    }
                    while xml.child()? {
                        match xml.name() {
                            "Value" => parts.push(xml.text()?),
                            _ => xml.skip()?,
                        }
                    }
                }
            }
            _ => xml.skip()?,
        }
    }
    Ok(Place { country, address: joined(parts.iter().map(String::as_str)) })
}

fn read_profile<R: BufRead>(
    xml: &mut Xml<R>,
    references: &References,
    blank: &Gather,
) -> Result<Draft, ListError> {
    let id = xml.required("ID")?;
    let kind = references.kind_of(xml.attribute("PartySubTypeID")?.as_deref());
    let mut draft = Draft {
        party: blank.party(&id, kind),
        identities: Vec::new(),
        places: Vec::new(),
        addresses: Vec::new(),
    };
    while xml.child()? {
        match xml.name() {
            "Identity" => {
                draft.identities.extend(xml.attribute("ID")?);
                let is_primary = xml.is_true("Primary")?;
                let names = read_identity(xml, references, is_primary)?;
                names.into_iter().for_each(|name| gather::add_name(&mut draft.party.names, name));
            }
            "Feature" => {
                let kind = xml.required("FeatureTypeID")?;
                match references.features.get(&kind) {
                    Some((label, feature)) => {
                        draft.read_feature(xml, references, label, feature)?
                    }
                    None => xml.skip()?,
                }
            }
            _ => xml.skip()?,
        }
    }
    // A name in another script can come first in the file; the Latin one is who they are called.
    draft.party.names.sort_by_key(|name| name.kind != model::NameKind::Primary);
    Ok(draft)
}

impl Draft {
    fn read_feature<R: BufRead>(
        &mut self,
        xml: &mut Xml<R>,
        references: &References,
        label: &str,
        feature: &Feature,
    ) -> Result<(), ListError> {
        while xml.child()? {
            if xml.name() != "FeatureVersion" {
                xml.skip()?;
                continue;
            }
            while xml.child()? {
                match xml.name() {
                    "VersionDetail" => {
                        let looked_up = xml.attribute("DetailReferenceID")?;
                        let looked_up = looked_up.and_then(|id| references.details.get(&id));
                        let text = xml.text()?;
                        let text = looked_up.filter(|_| text.is_empty()).unwrap_or(&text);
                        feature.tell(label, text, &mut self.party, &mut self.addresses);
                    }
                    "VersionLocation" => {
                        if let Some(id) = xml.attribute("LocationID")? {
                            self.stand_at(feature, id);
                        }
                        xml.skip()?;
                    }
                    "DatePeriod" if *feature == Feature::Birth => {
                        let birth = read_period(xml)?;
                        birth.into_iter().for_each(|birth| add_once(&mut self.party.births, birth));
                    }
                    _ => xml.skip()?,
                }
            }
        }
        Ok(())
    }

    fn stand_at(&mut self, feature: &Feature, id: String) {
        let at = match feature {
            Feature::Location => At::Address,
            Feature::Country(kind) => At::Country(*kind),
            Feature::BirthPlace => At::BirthPlace,
            _ => return,
        };
        self.places.push((at, id));
    }
}

fn read_entry<R: BufRead>(
    xml: &mut Xml<R>,
    references: &References,
) -> Result<Designation, ListError> {
    let list = xml.attribute("ListID")?;
    let is_sdn = list.is_some() && list == references.sdn_list;
    let mut entry = Designation { is_sdn, ..Designation::default() };
    while xml.child()? {
        match xml.name() {
            "EntryEvent" => {
                while xml.child()? {
                    match xml.name() {
                        "Date" => {
                            let date = read_date(xml)?;
                            entry.listed_on = entry.listed_on.into_iter().chain(date).min();
                        }
                        _ => xml.skip()?,
                    }
                }
            }
            "SanctionsMeasure" => {
                let kind = xml.attribute("SanctionsTypeID")?;
                if kind.is_none() || kind != references.programme {
                    xml.skip()?;
                    continue;
                }
                while xml.child()? {
                    match xml.name() {
                        "Comment" => entry.programmes.push(xml.text()?),
                        _ => xml.skip()?,
                    }
                }
            }
            _ => xml.skip()?,
        }
    }
    entry.programmes.retain(|programme| !programme.is_empty());
    Ok(entry)
}
