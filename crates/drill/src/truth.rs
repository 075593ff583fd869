//! What was planted: the answer a trace is measured against.
//!
//! Amounts are decimal text in base units, times RFC 3339, addresses and hashes
//! as programs write them on that chain.

use model::{Asset, Chain, Timestamp, TransferId};

use crate::services::Service;

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Truth {
    pub version: u32,
    pub chain: Chain,
    pub seed: u64,
    pub transfers: u64,
    pub transactions: u64,
    pub blocks: u64,
    pub services: Vec<Service>,
    pub thefts: Vec<Theft>,
}

/// What was stolen equals what rests, what services got and the fees, to the base unit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Theft {
    pub name: String,
    pub victim: String,
    /// The address that took it.
    pub thief: String,
    pub asset: Asset,
    /// What arrived at the thief.
    pub amount: String,
    pub time: Option<Timestamp>,
    /// Names the transfer that was the theft: [`transfer_id`].
    pub transfer: String,
    /// Every movement of the stolen money, in the order of time, the theft first.
    pub hops: Vec<Hop>,
    /// What inclusion cost the stolen money. Fees in another asset are among the others.
    pub fees: String,
    pub rests: Vec<Resting>,
    pub served: Vec<Served>,
    /// Traffic of the same addresses that is not the stolen money.
    pub others: Vec<Other>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hop {
    pub step: Step,
    /// [`transfer_id`].
    pub transfer: String,
    /// One, or on Bitcoin those of all inputs.
    pub from: Vec<String>,
    pub to: String,
    pub amount: String,
    /// Taken from the stolen money for this hop. Of a Bitcoin transaction its first hop says it.
    pub fee: String,
    pub height: u64,
    pub time: Timestamp,
    /// The service it ends at.
    pub service: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    Theft,
    /// To a fresh address, whole.
    Hop,
    /// Into several fresh addresses.
    Split,
    /// A small part to a service, the rest to a fresh address.
    Peel,
    /// Several addresses into one.
    Merge,
    /// To a service, whole.
    CashOut,
}

/// Stolen money that moves no more.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Resting {
    pub address: String,
    pub amount: String,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Served {
    pub name: String,
    pub address: String,
    pub amount: String,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Other {
    /// `funding` of the victim, `gas`, `clean-in`, `clean-out`.
    pub what: String,
    pub transfer: String,
    pub amount: String,
}

/// `<CAIP-2 chain>:<tx>/<position>`, as a trace names evidence.
pub fn transfer_id(id: &TransferId) -> String {
    id.to_string()
}
