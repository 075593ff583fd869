//! Is a token what it claims?
//!
//! In: the state of a chain at one block ([`State`], asked account by account and slot by slot), the
//! registry of genuine assets, what the store knows of transfers and labels, and what people declared.
//! Out: a [`Check`]: statements, each with its evidence, and for what could not be found out a
//! statement that says so and why.
//!
//! Contracts are asked by running them here, in `revm`, over that state: so every answer is of one
//! block, and buying, sending on and selling can be tried without anybody learning of it. Nothing
//! here does I/O: whoever implements [`State`] may.
//!
//! A power is not a crime. An issuer who can freeze holders is said to be able to, whether it is a
//! regulated stablecoin or a trap; what is a trap is said to be one only where selling failed.

pub mod abi;
mod check;
pub mod code;
pub mod control;
pub mod declared;
pub mod holders;
mod identity;
pub mod liquidity;
pub mod powers;
pub mod proxy;
pub mod report;
pub mod sandbox;
pub mod state;
pub mod trade;

pub use check::{Age, Inputs, Verified, check, without_state};
pub use report::{Check, Evidence, Statement, Topic, Weight};
pub use state::{AccountState, BlockContext, State, StateError};
