//! One Bitcoin transaction: which taint of the inputs is in which output.
//!
//! FIFO maps the inputs, laid end to end, onto the outputs in order; LIFO lays the inputs
//! from last to first. Haircut gives every output the mean share, TIHO fills the largest
//! first. The fee comes last everywhere. Backward, outputs are laid onto inputs.

use model::U256;

use crate::Policy;
use crate::purse::{Flow, Piece};
use crate::share::share;

/// Splits what came in over what goes out, the fee last.
pub fn distribute(policy: Policy, from: Vec<Flow>, into: &[U256], fee: U256) -> (Vec<Flow>, Flow) {
    let taint = from.iter().fold(U256::ZERO, |sum, flow| sum + flow.taint());
    let total = from.iter().fold(U256::ZERO, |sum, flow| sum + flow.total());
    let mut wanted: Vec<U256> = into.to_vec();
    wanted.push(fee);
    let mut flows = match policy {
        Policy::Poison | Policy::HighestValue => {
            let whole = |base: &U256| {
                if taint.is_zero() { Flow::clean(*base) } else { Flow::tainted(*base) }
            };
            wanted.iter().map(whole).collect()
        }
        Policy::Haircut => with_taints(&wanted, &mean_shares(&wanted, taint, total)),
        Policy::Tiho => with_taints(&wanted, &largest_first(&wanted, taint)),
        Policy::Fifo => in_queue(from, &wanted),
        Policy::Lifo => in_queue(from.into_iter().rev().collect(), &wanted),
    };
    let fee = flows.pop().unwrap_or_default();
    (flows, fee)
}

fn with_taints(wanted: &[U256], taints: &[U256]) -> Vec<Flow> {
    wanted.iter().zip(taints).map(|(base, taint)| Flow::of(*taint, *base - *taint)).collect()
}

/// Each its share rounded down; what rounding left goes, a unit each, to the first
/// that still have room.
fn mean_shares(wanted: &[U256], taint: U256, total: U256) -> Vec<U256> {
    if total.is_zero() {
        return vec![U256::ZERO; wanted.len()];
    }
    let mut shares: Vec<U256> = wanted.iter().map(|base| share(*base, taint, total)).collect();
    let mut left = taint - shares.iter().fold(U256::ZERO, |sum, share| sum + *share);
    for (share, base) in shares.iter_mut().zip(wanted) {
        let room = left.min(*base - *share).min(U256::from(1));
        *share += room;
        left -= room;
    }
    shares
}

fn largest_first(wanted: &[U256], taint: U256) -> Vec<U256> {
    let mut order: Vec<usize> = (0..wanted.len().saturating_sub(1)).collect();
    order.sort_by(|a, b| wanted[*b].cmp(&wanted[*a]).then(a.cmp(b)));
    order.extend(wanted.len().checked_sub(1));
    let mut taints = vec![U256::ZERO; wanted.len()];
    let mut left = taint;
    for at in order {
        taints[at] = left.min(wanted[at]);
        left -= taints[at];
    }
    taints
}

fn in_queue(from: Vec<Flow>, wanted: &[U256]) -> Vec<Flow> {
    let mut queue = Flow::default();
    from.into_iter().for_each(|flow| queue.append(flow));
    wanted
        .iter()
        .map(|base| {
            let mut flow = queue.split_front(*base);
            let missing = *base - flow.total();
            flow.push(Piece { base: missing, is_tainted: false });
            flow
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = U256> {
        (any::<[u64; 4]>(), 0usize..256).prop_map(|(limbs, bits)| U256::from_limbs(limbs) >> bits)
    }

    proptest! {
        #[test]
        fn a_share_is_the_same_by_short_numbers(amount in number(), part in number(), whole in number()) {
            prop_assume!(!whole.is_zero());
            prop_assert_eq!(share(amount, part, whole), model::amount::share(amount, part, whole));
        }
    }
}
