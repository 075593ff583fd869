//! Who is behind an address.
//!
//! In: published files of labels ([`labels`]), and what this cell decided about them ([`standing`]).
//! Out: [`model::Label`]s that keep their source, confidence, date and file, and the actors behind
//! them; what all of them say of one address and where they disagree ([`claims`]); what a claim still
//! weighs on a day ([`decay`]); who mined a block ([`miners`]).
//!
//! Nothing here opens a file or reads a clock: the caller hands over bytes and
//! says what file they are.

pub mod claims;
pub mod decay;
pub mod labels;
pub mod miners;
pub mod standing;
pub mod taxonomy;
