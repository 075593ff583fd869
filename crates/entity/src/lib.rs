//! Who is behind an address.
//!
//! In: published files of labels ([`labels`]), what this cell decided about them ([`standing`]), and the
//! transactions of a chain in order of time ([`clusterer`]). Out: [`model::Label`]s that keep their source,
//! confidence, date and file, and the actors behind them; what all of them say of one address and where they
//! disagree ([`claims`]); what a claim still weighs on a day ([`decay`]); who mined a block ([`miners`]);
//! [`cluster`]s of addresses with the merges that made them, after CoinJoins were told apart ([`coinjoin`])
//! and by rules that can each be switched off ([`heuristics`]).
//!
//! Nothing here opens a file or reads a clock: the caller hands over bytes and
//! says what file they are.

pub mod claims;
pub mod cluster;
pub mod clusterer;
pub mod coinjoin;
pub mod decay;
pub mod heuristics;
pub mod labels;
pub mod measure;
pub mod miners;
pub mod script;
pub mod standing;
pub mod taxonomy;
