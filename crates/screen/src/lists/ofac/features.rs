//! What OFAC's words for features of a party mean.

use model::{CountryKind, Party};

use super::asset_of;
use crate::lists::gather::{self, Gather, add_country, add_document, add_remark, add_text};
use crate::query::is_blank;

/// A digital currency address of a party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub written: String,
    pub asset_label: Option<String>,
}

/// Keeps the party with its addresses.
pub fn put(gather: &mut Gather, party: Party, addresses: Vec<Address>) {
    for address in addresses {
        let mut listing = gather.listing(&address.written);
        listing.asset_label = address.asset_label;
        gather.add(gather::of_party(listing, &party));
    }
    gather.add_party(party);
}

/// What a feature says of its party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Of a digital currency, with the asset the list names.
    Address(Option<String>),
    Birth,
    BirthPlace,
    Country(CountryKind),
    Gender,
    /// Where it is.
    Location,
    /// A number or name it is known by elsewhere.
    Document,
    /// Everything else: kept as it is written, behind its label.
    Remark,
}

impl Feature {
    /// By its label: the ids of a file mean nothing outside of it.
    pub fn of(label: &str) -> Feature {
        const DOCUMENTS: [&str; 17] = [
            "SWIFT/BIC",
            "Website",
            "Email Address",
            "Phone Number",
            "Vessel Call Sign",
            "Other Vessel Call Sign",
            "Aircraft Tail Number",
            "Previous Aircraft Tail Number",
            "Aircraft Mode S Transponder Code",
            "BIK (RU)",
            "UN/LOCODE",
            "MICEX Code",
            "D-U-N-S Number",
            "Equity Ticker",
            "ISIN",
            "MSN",
            "Serial Number",
        ];
        if let Some(asset) = asset_of(label) {
            return Feature::Address(asset);
        }
        match label {
            "Birthdate" => Feature::Birth,
            "Place of Birth" => Feature::BirthPlace,
            "Nationality Country" | "Citizenship Country" => {
                Feature::Country(CountryKind::Nationality)
            }
            "Nationality of Registration" | "Registration Country" => {
                Feature::Country(CountryKind::Registration)
            }
            _ if label.contains("Vessel Flag") => Feature::Country(CountryKind::Flag),
            "Gender" => Feature::Gender,
            "Location" => Feature::Location,
            _ if label.starts_with("Aircraft Construction Number") => Feature::Document,
            _ if label.starts_with("Aircraft Manufacturer's Serial Number") => Feature::Document,
            _ if DOCUMENTS.contains(&label) => Feature::Document,
            _ => Feature::Remark,
        }
    }

    /// What one detail says. An empty one says nothing, and birthdays are told by their dates.
    pub fn tell(&self, label: &str, text: &str, party: &mut Party, addresses: &mut Vec<Address>) {
        if text.chars().all(is_blank) {
            return;
        }
        match self {
            Feature::Address(asset) => {
                addresses.push(Address { written: text.to_string(), asset_label: asset.clone() });
            }
            Feature::Birth => {}
            Feature::BirthPlace => {
                add_text(&mut party.birth_places, text);
                // `Pyongyang, North Korea`: what stands last may be a country.
                let last = text.rsplit(',').next().unwrap_or(text);
                if crate::lists::countries::code(last).is_some() {
                    add_country(&mut party.countries, CountryKind::Birth, last);
                }
            }
            Feature::Country(kind) => add_country(&mut party.countries, *kind, text),
            Feature::Gender => party.gender = Some(text.to_lowercase()),
            Feature::Location => add_text(&mut party.addresses, text),
            Feature::Document => add_document(&mut party.documents, label, text, ""),
            Feature::Remark => {
                let label = label.trim_end_matches([' ', '-', ':']);
                add_remark(party, &format!("{label}: {text}"));
            }
        }
    }
}
