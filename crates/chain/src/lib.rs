//! What happened on a chain.
//!
//! Bytes come in, from files ([`import`]) or from nodes ([`source`], one module
//! per chain), and [`model::Fact`]s go out. A file is taken at its word, a node
//! only once its answers fit together; what several sources say of one transfer
//! is settled by the store, as [`model::Memory`] does it. This crate may do I/O.

pub mod bitcoin;
pub mod download;
pub mod evm;
pub mod history;
pub mod http;
pub mod import;
mod nth;
pub mod prices;
pub mod secret;
pub mod solana;
pub mod source;
pub mod tron;
