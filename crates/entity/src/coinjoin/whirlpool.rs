//! Whirlpool (Samourai since April 2019; Ashigaru's pools since 2025): five to ten equal outputs from as many inputs.
//!
//! Rules: nopara73/Dumplings, `Scanner.cs`, after Ficsór's SCDH: all P2WPKH; five to ten inputs and as many
//! outputs; every output exactly a pool's size; at least one input exactly that (who mixes again pays no fee),
//! every other at most 0.0011 BTC above it (who comes in pays the fee of all).

use model::Date;

use super::{Family, Round, Shape};
use crate::script::ScriptKind::WitnessKeyHash;

/// Block 570,000.
const FIRST: Date = Date::constant(2019, 4, 1);
/// 0.001, 0.01, 0.05 and 0.5 BTC.
const SAMOURAI: [u64; 4] = [100_000, 1_000_000, 5_000_000, 50_000_000];
/// After Samourai's servers were seized; 0.025 and 0.25 BTC.
const ASHIGARU_FIRST: Date = Date::constant(2024, 4, 24);
const ASHIGARU: [u64; 2] = [2_500_000, 25_000_000];
const OVER_MAX: u64 = 110_000;

pub fn recognise(shape: &Shape) -> Option<Round> {
    let count = shape.inputs.len();
    let (pool, equal) = shape.equal();
    let is_possible = shape.is_since(FIRST)
        && (5..=10).contains(&count)
        && equal == count
        && shape.tx.outputs.len() == count
        && shape.inputs_are(&[WitnessKeyHash])
        && shape.outputs_are(&[WitnessKeyHash]);
    if !is_possible {
        return None;
    }
    let whose = whose(shape, pool)?;
    let again = shape.inputs.iter().filter(|input| input.value == pool).count();
    let is_paid = shape.inputs.iter().all(|input| (pool..=pool + OVER_MAX).contains(&input.value));
    let is_fresh = shape.distinct_outputs() == count && shape.distinct_inputs() == count;
    let is_round = again >= 1 && again < count && is_paid && is_fresh;
    is_round.then(|| {
        let why = format!(
            "{count} inputs and {count} equal outputs of {pool} sat, a pool of {whose}; {again} inputs mix again"
        );
        shape.round(Family::Whirlpool, vec![why])
    })
}

fn whose(shape: &Shape, pool: u64) -> Option<&'static str> {
    if SAMOURAI.contains(&pool) {
        return Some("Samourai");
    }
    (ASHIGARU.contains(&pool) && shape.is_since(ASHIGARU_FIRST)).then_some("Ashigaru")
}
