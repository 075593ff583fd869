//! What leaves the cell for others.
//!
//! [`reach`] says which addresses may be talked to, [`client`] talks to them, [`sign`] signs what is
//! sent, and [`sender`] takes what casework's outbox has due to receivers, at least once.

pub mod client;
pub mod reach;
pub mod sender;
pub mod sign;

pub use client::{Client, ClientError};
pub use reach::Reach;
pub use sender::{Sender, SenderSettings};
