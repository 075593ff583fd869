//! Round amounts: people type round numbers, and change is what is left over.
//!
//! The only output that is no round number of satoshi, where every other is. Source: BlockSci, `power_of_ten_value`.

use super::{Payment, only};

/// A ten-thousandth of a coin.
const ROUND: u64 = 10_000;

pub fn change(payment: &Payment) -> Option<usize> {
    only(payment, |at| !payment.outputs[at].value.is_multiple_of(ROUND))
}
