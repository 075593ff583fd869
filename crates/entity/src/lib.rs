//! Who is behind an address.
//!
//! In: published files of labels ([`labels`]), and the transactions of a chain in order of time
//! ([`clusterer`]). Out: [`model::Label`]s that keep their source, confidence, date and file, and the actors
//! behind them; [`cluster`]s of addresses with the merges that made them, after CoinJoins were told apart
//! ([`coinjoin`]) and by rules that can each be switched off ([`heuristics`]).
//!
//! Nothing here opens a file or reads a clock: the caller hands over bytes and
//! says what file they are.

pub mod cluster;
pub mod clusterer;
pub mod coinjoin;
pub mod heuristics;
pub mod labels;
pub mod measure;
pub mod script;
