//! Taking facts in: from what files say to segments.
//!
//! ```text
//! Fact ─► Buffer ─► seal ─► Draft ─► a segment on the shelf ─► the commit names it
//!                    ▲ │
//!        older layers┘ └► masks on them
//! ```
//!
//! A [`Batch`] takes the facts of one file. Each time its memory is full it
//! seals a run: the facts are settled over all layers so far, the runs of this
//! file before it included, and become a segment. So a run is to the next what a
//! file is to the next file, and however facts are split, the layers show what
//! [`model::Memory`] shows. Nothing of it is seen by others until the catalog
//! names all of it at once; a batch that is dropped takes its segments away.

mod batch;
mod buffer;
mod commit;
mod older;
mod seal;
mod settle;
mod state;
mod times;

pub use batch::{Batch, Sizes};
pub(crate) use buffer::Buffer;
pub use commit::Published;
pub(crate) use commit::{Final, mask_row};
pub(crate) use seal::seal;
pub(crate) use state::ChainState;
