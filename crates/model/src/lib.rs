//! The words of following money.
//!
//! Everything the other crates talk about lives here, and nothing here does
//! I/O: a [`Chain`] and its [`Address`]es, an [`Asset`] and amounts of it in
//! base units, a [`Transfer`] and the [`Transaction`] it stands in, what is
//! known of an address ([`Label`], [`Listing`], kept together in a [`Book`]),
//! and what analysis says ([`Finding`], [`Oddity`]).
//!
//! Analysis reads the past through the [`View`] trait. [`Memory`] is the slow,
//! obviously right view held in memory, and [`sketch`] tells one as text.
//! Importers hand over [`Fact`]s; how they are kept is the store's affair.

pub mod address;
pub mod amount;
pub mod asset;
pub mod book;
pub mod chain;
pub mod columns;
pub mod fact;
pub mod finding;
pub mod headers;
pub mod hex;
pub mod identifier;
pub mod label;
pub mod listing;
pub mod marking;
pub mod memory;
pub mod party;
pub mod price;
pub mod registry;
pub mod sketch;
mod text;
pub mod transaction;
pub mod transfer;
pub mod view;

pub use address::{Account, Address, AddressError};
pub use alloy_primitives::U256;
pub use amount::Amount;
pub use asset::{Asset, AssetKind, AssetMeta, Freezable};
pub use book::Book;
pub use chain::{BitcoinNetwork, Chain, ChainError, SolanaNetwork, TronNetwork};
pub use columns::{ColumnBatch, Columns};
pub use fact::{BlockFact, Evidence, Fact, Freeze, FreezeAction, Oddity};
pub use finding::{Finding, FindingKind, Severity};
pub use identifier::{Family, Identifier, Key};
pub use jiff::Timestamp;
pub use jiff::civil::Date;
pub use label::{Confidence, Label, Role, Subject};
pub use listing::{ListVersion, Listing, ListingKind};
pub use marking::Marking;
pub use memory::Memory;
pub use party::{
    CountryKind, DateSpan, NameKind, NamePart, NameQuality, PartKind, Party, PartyCountry,
    PartyDocument, PartyKind, PartyName,
};
pub use price::{Price, Prices};
pub use registry::Registry;
pub use transaction::{Input, Outpoint, Output, Transaction, TxHash, TxId, UtxoTransaction};
pub use transfer::{Position, TimeSource, Transfer, TransferId, TransferKind};
pub use view::{
    Coverage, Degree, Direction, Expansion, Limits, Reached, Seek, Spend, View, ViewError,
};

/// The UTC day a moment falls on.
pub fn day_of(time: Timestamp) -> Date {
    time.to_zoned(jiff::tz::TimeZone::UTC).date()
}
