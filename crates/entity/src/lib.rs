//! Who is behind an address.
//!
//! In: published files of labels ([`labels`]). Out: [`model::Label`]s that keep
//! their source, confidence, date and file, and the actors behind them.
//!
//! Nothing here opens a file or reads a clock: the caller hands over bytes and
//! says what file they are.

pub mod labels;
