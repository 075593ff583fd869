//! What happened on a chain.
//!
//! Bytes come in (files now, nodes later), [`model::Fact`]s go out. A source is
//! taken at its word: what several sources say of one transfer is settled by the
//! store, as [`model::Memory`] does it. This crate may do I/O.

pub mod import;
