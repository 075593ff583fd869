//! The sweep: a whole chain read once, where a walk would ask for much of it anyway.
//!
//! [`taint`] is the kernel: where everything went, without a walk and without a budget.

mod cells;
mod outputs;
mod taint;

pub use self::taint::{Tainted, taint};
