//! OFAC's `sdn_advanced.xml`: the digital currency addresses of the SDN list.
//!
//! In the file's order: reference values give the ids their meaning, distinct
//! parties hold names and addresses, sanctions entries say since when and under
//! which programmes. Only parties with an address are kept, so that memory does
//! not follow the file (120 MB of it). No id is known beforehand: a new asset is
//! a new feature type, and it is found by its text.
//!
//! The namespace has changed once and is not looked at: elements are matched by
//! their local names.
//! Source: <https://ofac.treasury.gov/sanctions-list-service>.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use model::{Date, ListVersion};

use super::xml::Xml;
use super::{Entry, ListError, ParsedList};
use crate::query::is_blank;

/// What we call the list.
pub const LIST: &str = "ofac-sdn";

const ADDRESS: &str = "Digital Currency Address";

/// Reads the whole list, unpacked already (see [`super::open`]).
pub fn read(input: impl BufRead, file_hash: &str) -> Result<ParsedList, ListError> {
    let mut xml = Xml::root(input, "Sanctions")?;
    let mut issued = None;
    let mut references = None;
    let mut parties = None;
    let mut designations = None;
    while xml.child()? {
        match xml.name() {
            "DateOfIssue" => issued = read_date(&mut xml)?,
            "ReferenceValueSets" => references = Some(read_references(&mut xml)?),
            "DistinctParties" => {
                let Some(references) = &references else {
                    return Err(xml.error("ReferenceValueSets before it", "none"));
                };
                parties = Some(read_parties(&mut xml, references)?);
            }
            "SanctionsEntries" => {
                let (Some(references), Some(parties)) = (&references, &parties) else {
                    return Err(
                        xml.error("ReferenceValueSets and DistinctParties before it", "none")
                    );
                };
                designations = Some(read_entries(&mut xml, references, parties)?);
            }
            _ => xml.skip()?,
        }
    }
    let missing = |part: &str| xml.error(&format!("a {part}"), "none in the whole file");
    let date = issued.ok_or_else(|| missing("DateOfIssue with year, month and day"))?;
    let parties = parties.ok_or_else(|| missing("DistinctParties"))?;
    let designations = designations.ok_or_else(|| missing("SanctionsEntries"))?;
    xml.end()?;

    let version = ListVersion { list: LIST.to_string(), date, file_hash: file_hash.to_string() };
    Ok(put_together(version, parties, &designations))
}

fn put_together(
    version: ListVersion,
    parties: Vec<Party>,
    designations: &Designations,
) -> ParsedList {
    let mut list = ParsedList::new(version);
    let mut seen: HashSet<Entry> = HashSet::new();
    for party in parties {
        let designation = designations.get(&party.profile);
        for address in party.addresses {
            let mut listing = list.listing(&address.written);
            listing.asset_label = address.asset_label;
            listing.party.clone_from(&party.name);
            listing.party_id = Some(party.profile.clone());
            listing.programmes = designation.map(|d| d.programmes.clone()).unwrap_or_default();
            listing.listed_on = designation.and_then(|d| d.listed_on);
            list.add(listing, &mut seen);
        }
    }
    list
}

/// What the ids of this file mean.
#[derive(Default)]
struct References {
    /// Feature types that are addresses, with the asset each names.
    address_types: HashMap<String, Option<String>>,
    family_name_types: HashSet<String>,
    primary_latin: Option<String>,
    programme: Option<String>,
    sdn_list: Option<String>,
}

fn read_references<R: BufRead>(xml: &mut Xml<R>) -> Result<References, ListError> {
    let mut references = References::default();
    while xml.child()? {
        match xml.name() {
            "FeatureTypeValues"
            | "NamePartTypeValues"
            | "DocNameStatusValues"
            | "SanctionsTypeValues"
            | "ListValues" => read_values(xml, &mut references)?,
            _ => xml.skip()?,
        }
    }
    Ok(references)
}

fn read_values<R: BufRead>(xml: &mut Xml<R>, references: &mut References) -> Result<(), ListError> {
    while xml.child()? {
        let kind = xml.name().to_string();
        let id = xml.required("ID")?;
        let text = xml.text()?;
        match (kind.as_str(), text.as_str()) {
            ("FeatureType", text) => {
                if let Some(asset) = text.strip_prefix(ADDRESS) {
                    let asset = asset.trim_start_matches([' ', '-']).trim();
                    let asset = (!asset.is_empty()).then(|| asset.to_string());
                    references.address_types.insert(id, asset);
                }
            }
            // Spanish usage: both are family names, as in ZAMBADA GARCIA, Ismael.
            ("NamePartType", "Last Name" | "Patronymic" | "Matronymic") => {
                references.family_name_types.insert(id);
            }
            ("DocNameStatus", "Primary Latin") => references.primary_latin = Some(id),
            ("SanctionsType", "Program") => references.programme = Some(id),
            ("List", "SDN List") => references.sdn_list = Some(id),
            _ => {}
        }
    }
    Ok(())
}

/// A profile that has at least one address.
struct Party {
    profile: String,
    name: Option<String>,
    addresses: Vec<Address>,
}

struct Address {
    written: String,
    asset_label: Option<String>,
}

fn read_parties<R: BufRead>(
    xml: &mut Xml<R>,
    references: &References,
) -> Result<Vec<Party>, ListError> {
    let mut parties = Vec::new();
    while xml.child()? {
        if xml.name() != "DistinctParty" {
            xml.skip()?;
            continue;
        }
        while xml.child()? {
            match xml.name() {
                "Profile" => parties.extend(read_profile(xml, references)?),
                _ => xml.skip()?,
            }
        }
    }
    Ok(parties)
}

fn read_profile<R: BufRead>(
    xml: &mut Xml<R>,
    references: &References,
) -> Result<Option<Party>, ListError> {
    let mut party = Party { profile: xml.required("ID")?, name: None, addresses: Vec::new() };
    while xml.child()? {
        match xml.name() {
            "Identity" => {
                let is_primary = is_true(xml, "Primary")?;
                let name = read_identity(xml, references)?;
                if is_primary || party.name.is_none() {
                    party.name = name.or(party.name);
                }
            }
            "Feature" => {
                let kind = xml.required("FeatureTypeID")?;
                match references.address_types.get(&kind) {
                    Some(asset) => read_addresses(xml, asset.as_ref(), &mut party.addresses)?,
                    None => xml.skip()?,
                }
            }
            _ => xml.skip()?,
        }
    }
    Ok((!party.addresses.is_empty()).then_some(party))
}

/// An empty `VersionDetail` lists nothing.
fn read_addresses<R: BufRead>(
    xml: &mut Xml<R>,
    asset: Option<&String>,
    addresses: &mut Vec<Address>,
) -> Result<(), ListError> {
    while xml.child()? {
        if xml.name() != "FeatureVersion" {
            xml.skip()?;
            continue;
        }
        while xml.child()? {
            if xml.name() != "VersionDetail" {
                xml.skip()?;
                continue;
            }
            let written = xml.text()?;
            if !written.chars().all(is_blank) {
                addresses.push(Address { written, asset_label: asset.cloned() });
            }
        }
    }
    Ok(())
}

/// A name in one script: its parts with the group that tells their type.
struct DocumentedName {
    is_latin: bool,
    parts: Vec<(Option<String>, String)>,
}

/// The primary name, in Latin script where there is one.
fn read_identity<R: BufRead>(
    xml: &mut Xml<R>,
    references: &References,
) -> Result<Option<String>, ListError> {
    let mut names = Vec::new();
    let mut family_groups = HashSet::new();
    while xml.child()? {
        match xml.name() {
            "Alias" if is_true(xml, "Primary")? => read_alias(xml, references, &mut names)?,
            "NamePartGroups" => read_groups(xml, references, &mut family_groups)?,
            _ => xml.skip()?,
        }
    }
    let name = names.iter().find(|name| name.is_latin).or(names.first());
    Ok(name.map(|name| name.text(&family_groups)).filter(|text| !text.is_empty()))
}

fn read_alias<R: BufRead>(
    xml: &mut Xml<R>,
    references: &References,
    names: &mut Vec<DocumentedName>,
) -> Result<(), ListError> {
    while xml.child()? {
        if xml.name() != "DocumentedName" {
            xml.skip()?;
            continue;
        }
        let status = xml.attribute("DocNameStatusID")?;
        let is_latin = status.is_some() && status == references.primary_latin;
        let mut name = DocumentedName { is_latin, parts: Vec::new() };
        while xml.child()? {
            if xml.name() != "DocumentedNamePart" {
                xml.skip()?;
                continue;
            }
            while xml.child()? {
                if xml.name() != "NamePartValue" {
                    xml.skip()?;
                    continue;
                }
                let group = xml.attribute("NamePartGroupID")?;
                name.parts.push((group, xml.text()?));
            }
        }
        names.push(name);
    }
    Ok(())
}

fn read_groups<R: BufRead>(
    xml: &mut Xml<R>,
    references: &References,
    family_groups: &mut HashSet<String>,
) -> Result<(), ListError> {
    while xml.child()? {
        while xml.child()? {
            let kind = xml.attribute("NamePartTypeID")?;
            if kind.is_some_and(|kind| references.family_name_types.contains(&kind)) {
                family_groups.extend(xml.attribute("ID")?);
            }
            xml.skip()?;
        }
    }
    Ok(())
}

impl DocumentedName {
    /// As OFAC prints it: `FAMILY NAMES, Given Names`, or the name of an entity
    /// as it stands.
    fn text(&self, family_groups: &HashSet<String>) -> String {
        let is_family =
            |group: &Option<String>| group.as_ref().is_some_and(|g| family_groups.contains(g));
        let join = |family: bool| {
            let parts = self.parts.iter().filter(|(group, _)| is_family(group) == family);
            parts
                .map(|(_, text)| text.as_str())
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let (family, given) = (join(true).to_uppercase(), join(false));
        match (family.is_empty(), given.is_empty()) {
            (true, _) => given,
            (_, true) => family,
            _ => format!("{family}, {given}"),
        }
    }
}

type Designations = HashMap<String, Designation>;

/// Since when, and under what, a profile is listed.
#[derive(Clone, Default)]
struct Designation {
    listed_on: Option<Date>,
    programmes: Vec<String>,
    is_sdn: bool,
}

fn read_entries<R: BufRead>(
    xml: &mut Xml<R>,
    references: &References,
    parties: &[Party],
) -> Result<Designations, ListError> {
    let wanted: HashSet<&str> = parties.iter().map(|party| party.profile.as_str()).collect();
    let mut designations = Designations::new();
    while xml.child()? {
        let profile = match xml.name() {
            "SanctionsEntry" => xml.required("ProfileID")?,
            _ => String::new(),
        };
        if !wanted.contains(profile.as_str()) {
            xml.skip()?;
            continue;
        }
        let entry = read_entry(xml, references)?;
        designations.entry(profile).or_default().take_in(entry);
    }
    Ok(designations)
}

impl Designation {
    /// A profile can stand on a sectoral list as well; the SDN list's own date
    /// goes first.
    fn take_in(&mut self, other: Designation) {
        let earlier = match (self.listed_on, other.listed_on) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        self.listed_on = match (self.is_sdn, other.is_sdn) {
            (true, false) => self.listed_on,
            (false, true) => other.listed_on,
            _ => earlier,
        };
        self.is_sdn |= other.is_sdn;
        for programme in other.programmes {
            if !self.programmes.contains(&programme) {
                self.programmes.push(programme);
            }
        }
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

/// Nothing where the date is partial: a year alone is not a day.
fn read_date<R: BufRead>(xml: &mut Xml<R>) -> Result<Option<Date>, ListError> {
    let (mut year, mut month, mut day) = (None, None, None);
    while xml.child()? {
        match xml.name() {
            "Year" => year = read_number::<i16, R>(xml)?,
            "Month" => month = read_number::<i8, R>(xml)?,
            "Day" => day = read_number::<i8, R>(xml)?,
            _ => xml.skip()?,
        }
    }
    let (Some(year), Some(month), Some(day)) = (year, month, day) else { return Ok(None) };
    let date = Date::new(year, month, day)
        .map_err(|_| xml.error("a day of the calendar", &format!("{year}-{month}-{day}")))?;
    Ok(Some(date))
}

fn read_number<N: std::str::FromStr, R: BufRead>(xml: &mut Xml<R>) -> Result<Option<N>, ListError> {
    let text = xml.text()?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| xml.error("a number", &format!("{text:?}")))
}

/// Is this attribute of the open element the word `true`?
fn is_true<R: BufRead>(xml: &Xml<R>, attribute: &str) -> Result<bool, ListError> {
    Ok(xml.attribute(attribute)?.as_deref() == Some("true"))
}
