//! The sweep: a whole chain read once, where a walk would ask for much of it anyway.
//!
//! [`Swept`] is a view that a walk goes over as over any other. When the walk has grown
//! wide it reads the chain's columns: once to learn whom taint can reach ([`reach`]), once
//! to bring their whole ledgers in. From there on the walk is answered from memory. What
//! is gathered, settled and reported is the same code, and the same to the byte.
//!
//! [`taint`] is the kernel: where everything went, without a walk and without a budget.

mod cells;
mod outputs;
mod places;
pub mod reach;
mod read;
mod taint;
mod view;

pub use self::taint::{Tainted, taint};
pub use self::view::Swept;
