//! Optimal change: no wallet adds an input that the payment did not need.
//!
//! With several inputs, change is smaller than each of them: else the smallest could have been left out. The only
//! output smaller than every input. Source: BlockSci, `optimal_change`.

use super::{Payment, only};

pub fn change(payment: &Payment) -> Option<usize> {
    let least = payment.inputs.iter().map(|input| input.value).min()?;
    (payment.inputs.len() >= 2).then_some(())?;
    only(payment, |at| payment.outputs[at].value < least)
}
