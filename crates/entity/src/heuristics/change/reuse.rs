//! Address reuse: an output to an address among the inputs is change, for certain.
//!
//! It merges nothing that is not merged, and keeps the other rules from guessing at another output.

use super::Payment;

pub fn change(payment: &Payment) -> Option<usize> {
    let is_input =
        |output: &model::Output| payment.inputs.iter().any(|input| input.address == output.address);
    payment.outputs.iter().position(is_input)
}
