//! A place on a list somebody keeps: sanctions, a police notice, an issuer's blacklist.

use crate::{Date, Identifier};

/// One version of one list, as of the day it was issued.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct ListVersion {
    /// `ofac-sdn`, `fbi-psa250226`.
    pub list: String,
    pub date: Date,
    /// SHA-256 of the file it came from, in hex.
    pub file_hash: String,
}

/// One identifier on one version of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    pub version: ListVersion,
    pub identifier: Identifier,
    /// As the list writes it.
    pub written: String,
    /// The asset the list names beside it (`XBT`, `USDT`). A claim, not a chain.
    pub asset_label: Option<String>,
    /// Who is listed, where the list says.
    pub party: Option<String>,
    /// The list's own id of the party.
    pub party_id: Option<String>,
    pub programmes: Vec<String>,
    /// When the list says it was added.
    pub listed_on: Option<Date>,
    /// The last day it is in force, where an order runs out by itself.
    pub expires_on: Option<Date>,
    pub kind: ListingKind,
}

/// What the list says its identifier is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ListingKind {
    #[default]
    Address,
    /// A customer's number at a service that holds the keys: no chain knows it, and
    /// another service may give the same one to somebody else.
    Account,
    /// The contract of an asset that is itself banned.
    Token,
}

impl Listing {
    /// Had its order run out by itself before this day?
    pub fn has_expired(&self, day: Date) -> bool {
        self.expires_on.is_some_and(|last| last < day)
    }
}
