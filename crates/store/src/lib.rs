//! Keeps what files say under one home, and answers as a [`model::View`].
//!
//! In come [`model::Fact`]s, a file at a time and all or nothing ([`Batch`]),
//! and lists, labels and actors, each version whole. Out come the answers
//! [`model::Memory`] would give from the same facts, in whatever order and
//! however often the files came: the rules are `model`'s, the keeping is ours.
//!
//! What is kept where is in this crate's README.

mod backup;
pub mod catalog;
mod check;
mod code;
mod compact;
pub mod disk;
mod error;
mod export;
mod file;
pub mod follow;
pub mod hot;
pub mod ingest;
pub mod layers;
pub mod merging;
pub mod reference;
pub mod segment;
pub mod shelf;
pub mod snapshot;
pub mod stage;
mod store;
mod upgrade;

pub use backup::{Copied, restore};
pub use catalog::{Actor, Fetched, FindingRow, ListRow, ListSource, Outcome, Shrink};
pub use check::{Checked, Damage, DamagedSegment, check, drop_damaged};
pub use compact::Compacted;
pub use error::{StoreError, Trouble};
pub use export::{ExportFormat, ExportRange, Exported, export};
pub use file::{Counts, FileRecord, FileRow, OddityRow};
pub use follow::{Followed, FollowedRange, FollowedRanges, Following, Gather, Tip};
pub use hot::FollowedBlock;
pub use store::{Batch, ChainLayout, Stats, Store};
