//! Address type: the only output of the kind that all inputs have.
//!
//! A wallet makes its own addresses of one kind; the payee has whatever kind theirs makes. Source: BlockSci,
//! `address_type`.

use super::{Payment, only};
use crate::script::ScriptKind;

pub fn change(payment: &Payment) -> Option<usize> {
    let kind = payment.input_kind()?;
    only(payment, |at| ScriptKind::of(&payment.outputs[at].address) == kind)
}
