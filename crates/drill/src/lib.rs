//! What would it look like?
//!
//! A seeded generator of a chain's past: [`Stream`] gives block after block of
//! ordinary traffic with a few thefts planted in it, and [`Truth`] says what each
//! theft was, hop by hop. The same settings give the same bytes on any machine:
//! one versioned generator of random numbers, whole numbers only, nothing whose
//! order depends on a hash table.
//!
//! In: [`Settings`]. Out: [`Block`]s of [`model::Transfer`]s or, on Bitcoin, of
//! [`model::UtxoTransaction`]s. Memory depends on how many accounts are kept hot,
//! not on how long the stream is. Files are the caller's business.

mod account;
mod block;
mod draw;
mod names;
pub mod owners;
mod pace;
mod profile;
mod services;
mod settings;
mod stream;
mod theft;
mod truth;
mod utxo;

pub use block::Block;
pub use profile::INVENTED_DECIMALS;
pub use services::Service;
pub use settings::{Settings, SettingsError};
pub use stream::Stream;
pub use truth::{Hop, Other, Resting, Served, Step, Theft, Truth};

#[cfg(test)]
mod tests;
