//! Who is listed: a person, a company, a vessel, as one version of a list describes it.
//!
//! A [`Listing`](crate::Listing) is an identifier that is looked up exactly; a party is what names
//! are compared with. The two meet by the version and the list's own id of the party.

use crate::{Date, ListVersion};

/// One entry of one version of a list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Party {
    pub version: ListVersion,
    /// The list's own id; of a list that has none, its name or document as written. Unique in a
    /// version.
    pub id: String,
    pub kind: PartyKind,
    /// As the list writes them, the primary one first. Empty where it knows the holder of an
    /// address by a document only, or not at all.
    pub names: Vec<PartyName>,
    pub births: Vec<DateSpan>,
    pub birth_places: Vec<String>,
    pub countries: Vec<PartyCountry>,
    pub documents: Vec<PartyDocument>,
    /// `male`, `female`, where the list says.
    pub gender: Option<String>,
    pub addresses: Vec<String>,
    pub programmes: Vec<String>,
    pub listed_on: Option<Date>,
    /// The last day it is in force, where an order runs out by itself.
    pub expires_on: Option<Date>,
    /// The list's reasons and remarks, as written.
    pub remarks: Option<String>,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    Person,
    /// A company, a state body, an armed group.
    Organisation,
    Vessel,
    Aircraft,
    /// A crypto-asset that is itself banned.
    Asset,
    Unknown,
}

#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct PartyName {
    /// Whole, in the list's order and script.
    pub text: String,
    pub kind: NameKind,
    pub quality: NameQuality,
    /// Its parts, where the list tells which is which.
    pub parts: Vec<NamePart>,
    /// BCP 47, or the list's own word, where it says.
    pub language: Option<String>,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum NameKind {
    Primary,
    Alias,
    Former,
    /// The name in its own script.
    Original,
}

/// How far the list trusts a name: OFAC's weak aliases and the UN's low-quality ones are `Low`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum NameQuality {
    Good,
    Unsaid,
    Low,
}

#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct NamePart {
    pub kind: PartKind,
    pub text: String,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    Given,
    Family,
    /// A father's name, or a further given name the list tells apart.
    Patronymic,
    Title,
    /// The list does not say which part it is.
    Other,
}

/// A day that may be known only in part: a year is its first to its last day.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct DateSpan {
    pub earliest: Date,
    pub latest: Date,
    /// The list says "about".
    pub is_about: bool,
    /// As the list writes it.
    pub written: String,
}

#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct PartyCountry {
    pub kind: CountryKind,
    /// ISO 3166-1 alpha-2 in upper case where it is known, else empty.
    pub code: String,
    /// As the list writes it.
    pub written: String,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum CountryKind {
    Nationality,
    Residence,
    Birth,
    /// Where a company is registered.
    Registration,
    /// A vessel's flag.
    Flag,
}

/// A passport, a tax number, a vessel's IMO number, an account at an exchange.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct PartyDocument {
    /// The list's own word for it: `Passport`, `IMO number`, `account`.
    pub kind: String,
    pub number: String,
    /// ISO 3166-1 alpha-2 in upper case, where it is known.
    pub country: Option<String>,
}
