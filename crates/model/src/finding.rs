//! What analysis says, with what it rests on.

use crate::{Account, TransferId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: FindingKind,
    pub severity: Severity,
    /// The rule and its version: `poisoning/1`. A changed rule gets a new one.
    pub rule: String,
    pub accounts: Vec<Account>,
    pub transfers: Vec<TransferId>,
    /// One sentence a person can check.
    pub why: String,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A transfer of nothing: only an event that names a victim.
    ZeroValue,
    /// Too little to be a payment.
    Dust,
    /// A token that bears another's symbol under another contract.
    ImitationToken,
    /// More than can exist: a worthless token's counter.
    AbsurdAmount,
    /// An address made to look like one the account really deals with.
    LookAlike,
    /// Transfers of an address, or of an asset, that a list has named since.
    NewlyListed,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
}
