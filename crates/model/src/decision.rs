//! What somebody decided about a hit: that it is another person, or the very one.
//!
//! A decision speaks of one question and one party, as both were then. Kept with it are hashes of what
//! they said; where either has changed since, the decision no longer settles the hit.

use crate::{Date, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Decision {
    /// The customer's id where one was given, else the question as it was asked.
    pub subject: String,
    /// SHA-256 of what was asked: names, births, countries, documents.
    pub asked_hash: String,
    pub list: String,
    /// The list's own id of the party.
    pub party_id: String,
    /// The party's name at the time, for people to read.
    pub party: String,
    /// SHA-256 of what the list said of the party: names, births, countries, documents.
    pub party_hash: String,
    pub verdict: Verdict,
    pub reason: String,
    pub decided_by: String,
    pub decided_at: Timestamp,
    /// The last day it holds; none: until something changes.
    pub expires_on: Option<Date>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Somebody else: no hit.
    Cleared,
    /// The party itself.
    Confirmed,
    /// What was decided before no longer holds.
    Withdrawn,
}
