//! Keeps what files say in one SQLite file, and answers as a [`model::View`].
//!
//! In come [`model::Fact`]s, a file at a time and all or nothing ([`Batch`]),
//! and lists, labels and actors, each version whole. Out come the answers
//! [`model::Memory`] would give from the same facts, in whatever order and
//! however often the files came: the rules are `model`'s, the keeping is ours.
//!
//! This store is the reference: plainly right rather than fast. What its tables
//! hold is in this crate's README.

mod actors;
mod batch;
mod code;
mod collection;
mod error;
mod format;
mod identifier;
mod labels;
pub mod layers;
mod lists;
mod names;
mod rows;
pub mod segment;
mod settle;
mod store;
mod utxo;
mod view;
mod writer;

pub use actors::Actor;
pub use batch::{Batch, Counts, FileRecord};
pub use collection::Outcome;
pub use error::{StoreError, Trouble};
pub use lists::ListRow;
pub use store::{FileRow, OddityRow, Stats, Store};
