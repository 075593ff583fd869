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
}
