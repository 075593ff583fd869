//! The answer to one question, as it is printed and sent.
//!
//! This is a public contract: `query`, `hits` and `searched` with the fields
//! below; more may be added, none renamed.

use model::{Date, Family, ListingKind};

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Answer {
    /// As it was asked.
    pub query: String,
    /// On the version of each list that was in force on the day.
    pub hits: Vec<Hit>,
    /// What was looked through, list by list.
    pub searched: Vec<Searched>,
    /// Does every stored list reach back to the day? If not, no hit does not
    /// mean not listed.
    pub covered: bool,
    /// Does the query validate as an address of any known format?
    pub valid: bool,
    /// What the query was read as.
    pub identifier: Named,
    /// On an earlier stored version, but not on the one in force on the day.
    pub former: Vec<Hit>,
    /// What the asker should know before trusting the answer.
    pub note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Named {
    pub text: String,
    pub families: Vec<Family>,
}

/// One listing of the key that was asked for. A date that no stored list gives
/// is null.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Hit {
    pub list: String,
    /// Of the version that was in force on the day.
    pub list_date: Date,
    pub party: Option<String>,
    /// Every programme, joined by `, `.
    pub programme: Option<String>,
    /// The asset the list names beside it: a claim, not a chain.
    pub asset_label: Option<String>,
    pub listed_on: Option<Date>,
    /// The earliest stored version that holds it.
    pub first_seen: Date,
    /// The latest stored version that holds it, which may be after the day.
    pub last_seen: Date,
    /// The first stored version after that without it.
    pub absent_since: Option<Date>,
    /// Only where the list itself says so: the day after an order runs out.
    pub delisted_on: Option<Date>,
    /// The last day it is in force, where its order runs out by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<Date>,
    /// What the list says it is, where that is no address: a customer's number, a token's contract.
    #[serde(skip_serializing_if = "is_address")]
    pub listed_as: ListingKind,
    pub r#match: Match,
    /// As the list writes it.
    pub written: String,
    pub party_id: Option<String>,
}

fn is_address(kind: &ListingKind) -> bool {
    *kind == ListingKind::Address
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Match {
    /// Another text of the very address that is listed, or the same text.
    #[serde(rename = "same address")]
    Address,
    /// Another address that the same key or script controls.
    #[serde(rename = "same key")]
    Key,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Searched {
    pub list: String,
    /// Of the version in force on the day; null before the first stored one.
    pub list_date: Option<Date>,
    pub entries: usize,
    /// False before the first stored version: the list cannot say.
    pub covered: bool,
}
