//! What OFAC's words for features of a party mean.

use model::CountryKind;

use super::asset_of;

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
}
