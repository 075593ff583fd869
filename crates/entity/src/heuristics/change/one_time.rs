//! One-time change: the only output whose address was never seen before.
//!
//! Source: Meiklejohn et al., IMC 2013 (estimated false positives 13 % without waiting, 0.17 % after a week of it:
//! waiting is not done here, since what is said of a transaction must not change later).

use super::{Payment, only};

pub fn change(payment: &Payment) -> Option<usize> {
    only(payment, |at| payment.met[at].is_fresh)
}
