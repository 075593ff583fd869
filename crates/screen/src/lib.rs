//! Is it listed?
//!
//! In: the bytes of a published list ([`lists`]), and a question. Out: the
//! listings of one version, and an [`Answer`] that says which stored version of
//! which list says what of it, as of any day.
//!
//! Nothing here opens a file or reads a clock: the caller hands over readers,
//! dates and hashes, and stores what comes back.

pub mod answer;
pub mod change;
pub mod extract;
pub mod index;
pub mod lists;
pub mod look_back;
pub mod query;
pub mod screening;

pub use answer::{Answer, Hit, Match, Named, Searched};
pub use lists::{ListError, ParsedList};
pub use query::Query;
pub use screening::Screen;
