//! What changed between two versions of a list.

use std::collections::BTreeMap;

use model::{Listing, Party};

use crate::lists::Entry;

/// From an earlier version to a later one, each part in the order of ids and identifiers.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    pub parties: Parties,
    pub identifiers: Identifiers,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Parties {
    pub added: Vec<Named>,
    pub removed: Vec<Named>,
    pub changed: Vec<Changed>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Identifiers {
    pub added: Vec<Identified>,
    pub removed: Vec<Identified>,
    /// The same entry, of which the list now says something else.
    pub changed: Vec<Identified>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Named {
    pub id: String,
    pub name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Changed {
    #[serde(flatten)]
    pub party: Named,
    /// By the names of the fields of a party.
    pub fields: Vec<FieldChange>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FieldChange {
    pub field: &'static str,
    pub added: Vec<String>,
    pub removed: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Identified {
    /// As the list writes it; the later version's where both have it.
    pub written: String,
    pub asset_label: Option<String>,
    pub party: Option<String>,
    pub party_id: Option<String>,
}

impl Change {
    /// Of listings and parties of one version each.
    pub fn between(
        (old_listings, old_parties): (&[Listing], &[Party]),
        (new_listings, new_parties): (&[Listing], &[Party]),
    ) -> Change {
        Change {
            parties: parties(old_parties, new_parties),
            identifiers: identifiers(old_listings, new_listings),
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Change::default()
    }
}

/// The entries of the later version that the earlier one does not have.
pub fn added<'a>(old: &[Listing], new: &'a [Listing]) -> Vec<&'a Listing> {
    let known = by_entry(old);
    new.iter().filter(|listing| !known.contains_key(&Entry::of(listing))).collect()
}

fn by_entry(listings: &[Listing]) -> BTreeMap<Entry, &Listing> {
    listings.iter().map(|listing| (Entry::of(listing), listing)).collect()
}

fn identifiers(old: &[Listing], new: &[Listing]) -> Identifiers {
    let (before, after) = (by_entry(old), by_entry(new));
    let mut change = Identifiers::default();
    for (entry, listing) in &after {
        match before.get(entry) {
            None => change.added.push(identified(listing)),
            Some(earlier) if differ(earlier, listing) => change.changed.push(identified(listing)),
            Some(_) => {}
        }
    }
    let gone = before.iter().filter(|(entry, _)| !after.contains_key(entry));
    change.removed = gone.map(|(_, listing)| identified(listing)).collect();
    change
}

/// Beside the version they are of.
fn differ(old: &Listing, new: &Listing) -> bool {
    *old != Listing { version: old.version.clone(), ..new.clone() }
}

fn identified(listing: &Listing) -> Identified {
    Identified {
        written: listing.written.clone(),
        asset_label: listing.asset_label.clone(),
        party: listing.party.clone(),
        party_id: listing.party_id.clone(),
    }
}

fn parties(old: &[Party], new: &[Party]) -> Parties {
    let (before, after) = (by_id(old), by_id(new));
    let mut change = Parties::default();
    for (id, party) in &after {
        let Some(earlier) = before.get(id) else {
            change.added.push(named(party));
            continue;
        };
        let fields = fields(earlier, party);
        if !fields.is_empty() {
            change.changed.push(Changed { party: named(party), fields });
        }
    }
    let gone = before.iter().filter(|(id, _)| !after.contains_key(*id));
    change.removed = gone.map(|(_, party)| named(party)).collect();
    change
}

fn by_id(parties: &[Party]) -> BTreeMap<&str, &Party> {
    parties.iter().map(|party| (party.id.as_str(), party)).collect()
}

fn named(party: &Party) -> Named {
    Named { id: party.id.clone(), name: party.names.first().map(|name| name.text.clone()) }
}

fn fields(old: &Party, new: &Party) -> Vec<FieldChange> {
    let (before, after) = (told(old), told(new));
    let fields = before.into_iter().zip(after);
    let changes = fields.map(|((field, old), (_, new))| FieldChange {
        field,
        added: new.iter().filter(|text| !old.contains(text)).cloned().collect(),
        removed: old.iter().filter(|text| !new.contains(text)).cloned().collect(),
    });
    changes.filter(|change| !(change.added.is_empty() && change.removed.is_empty())).collect()
}

/// Everything a party says, as texts, by field.
fn told(party: &Party) -> [(&'static str, Vec<String>); 12] {
    let names = party
        .names
        .iter()
        .map(|name| format!("{} ({}, {})", name.text, word(&name.kind), word(&name.quality)));
    let countries = party
        .countries
        .iter()
        .map(|country| format!("{} ({})", country.written, word(&country.kind)));
    let documents = party.documents.iter().map(|document| {
        let country = document.country.as_ref().map(|code| format!(" ({code})"));
        format!("{} {}{}", document.kind, document.number, country.unwrap_or_default())
    });
    let births = party.births.iter().map(|birth| {
        let about = if birth.is_about { "about " } else { "" };
        match birth.earliest == birth.latest {
            true => format!("{about}{}", birth.earliest),
            false => format!("{about}{} to {}", birth.earliest, birth.latest),
        }
    });
    let day = |day: Option<model::Date>| day.iter().map(ToString::to_string).collect();
    [
        ("kind", vec![word(&party.kind)]),
        ("names", names.collect()),
        ("births", births.collect()),
        ("birth_places", party.birth_places.clone()),
        ("countries", countries.collect()),
        ("documents", documents.collect()),
        ("gender", party.gender.iter().cloned().collect()),
        ("addresses", party.addresses.clone()),
        ("programmes", party.programmes.clone()),
        ("listed_on", day(party.listed_on)),
        ("expires_on", day(party.expires_on)),
        ("remarks", party.remarks.iter().cloned().collect()),
    ]
}

/// The word an enumeration is in JSON.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
