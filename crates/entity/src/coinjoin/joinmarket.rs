//! JoinMarket (since 2016): a taker buys equal outputs beside its own from makers, who keep their change.
//!
//! Rules: nopara73/Dumplings (`isOtherCj`) and crocs-muni/coinjoin-analysis: exactly one group of equal outputs,
//! of size k; 2k outputs, or one fewer where somebody has no change, so that the outputs are 2k or 2k - 1; scripts that differ
//! at least k times on both sides; no input larger than the equal value and the largest other output
//! allow; no `OP_RETURN`; k of five, or of three and four where an input comes from a known round; at most 70 % of
//! the addresses repeat.
//!
//! The shape alone is also a batch that pays k people the same and k others. What tells them apart is the
//! maker's arithmetic: a maker gets its inputs back as the equal output and the change, plus what it earns. So
//! some change must be an input less the equal value plus a small gain. Where a maker pays from one
//! input that shows; at least one must, two where there are many inputs to find one among. Where no maker does, all
//! changes but the taker's must be so explained, each by up to three inputs of its own.
//!
//! One published bound is kept wider. It wants the largest input 0.0001 BTC *below* the equal value and the
//! largest other output together, which leaves out rounds whose richest maker earns less than that. Here a taker's fees
//! are allowed instead, and the arithmetic decides.

use model::Date;

use super::{Family, Round, Shape};
use crate::script::ScriptKind;

/// Block 392,300.
const FIRST: Date = Date::constant(2016, 1, 7);
pub const EQUAL_MIN: usize = 5;
pub const EQUAL_LINKED_MIN: usize = 3;
const REUSE_PERCENT_MAX: usize = 70;
/// What a taker may pay makers and miners: so many satoshi, or one part in so many.
const TAKER_PAYS: u64 = 500_000;
const TAKER_PAYS_PART: u64 = 50;

pub fn recognise(shape: &Shape) -> Option<Round> {
    let outputs = shape.tx.outputs.len();
    let (value, equal) = shape.equal();
    let is_shaped = shape.is_since(FIRST)
        && equal >= EQUAL_LINKED_MIN
        && shape.repeated().count() == 1
        && (equal * 2 == outputs || equal * 2 == outputs + 1)
        && shape.distinct_outputs() >= equal
        && shape.distinct_inputs() >= equal
        && !shape.tx.outputs.iter().any(|o| ScriptKind::of(&o.address) == ScriptKind::Null)
        && shape.reuse_percent() <= REUSE_PERCENT_MAX
        && is_payable(shape, value, equal);
    let linked = shape.remixed(Family::JoinMarket);
    if !is_shaped || (equal < EQUAL_MIN && linked == 0) {
        return None;
    }
    let are_many = equal < EQUAL_MIN || shape.inputs.len() > 2 * equal;
    let makers = makers(shape, value);
    let needed = if are_many { 2 } else { 1 };
    let is_told = makers >= needed || are_all_makers(shape, value);
    is_told.then(|| {
        let why = vec![
            format!("{equal} equal outputs of {value} sat and {} others", outputs - equal),
            format!("{makers} of those are one input less that value and plus a maker's gain"),
        ];
        shape.round(Family::JoinMarket, why)
    })
}

/// Nobody gets more change than they put in, and there is enough for as many payers.
fn is_payable(shape: &Shape, value: u64, equal: usize) -> bool {
    let change = shape.groups.iter().map(|(other, _)| *other).filter(|other| *other != value).max();
    let largest = shape.inputs.iter().map(|input| input.value).max();
    let (Some(change), Some(largest)) = (change, largest) else { return false };
    let pays = TAKER_PAYS.max(value / TAKER_PAYS_PART);
    largest <= value.saturating_add(change).saturating_add(pays) && shape.payers_max(value) >= equal
}

/// How many changes are one input less the equal value, plus up to what makers ask: 20,000 sat or half a
/// thousandth. Each change and each input counts once.
fn makers(shape: &Shape, value: u64) -> usize {
    let gain_max = gain_max(value);
    let mut inputs: Vec<u64> =
        shape.inputs.iter().filter_map(|input| input.value.checked_sub(value)).collect();
    inputs.sort_unstable();
    let mut changes: Vec<u64> =
        shape.groups.iter().map(|(other, _)| *other).filter(|other| *other != value).collect();
    changes.sort_unstable();
    let mut found = 0;
    for change in changes {
        let at = inputs.partition_point(|input| input.saturating_add(gain_max) < change);
        if inputs.get(at).is_some_and(|input| *input <= change) {
            inputs.remove(at);
            found += 1;
        }
    }
    found
}

/// What makers ask, at most.
fn gain_max(value: u64) -> u64 {
    (value / 2_000).max(20_000)
}

/// Is every change but one, the taker's, what up to three inputs of its own leave? Looked for in so many steps.
fn are_all_makers(shape: &Shape, value: u64) -> bool {
    const INPUTS_MAX: usize = 40;
    const CHANGES_MIN: usize = 3;
    let changes: Vec<u64> =
        shape.groups.iter().map(|(other, _)| *other).filter(|other| *other != value).collect();
    let inputs: Vec<u64> = shape.inputs.iter().map(|input| input.value).collect();
    if inputs.len() > INPUTS_MAX || changes.len() < CHANGES_MIN {
        return false;
    }
    let mut search = Search { inputs, used: 0, value, steps: 50_000 };
    search.explains(&changes, 1)
}

struct Search {
    inputs: Vec<u64>,
    /// A bit an input.
    used: u64,
    value: u64,
    steps: u32,
}

impl Search {
    /// Each change by inputs of its own, but so many of them by none.
    fn explains(&mut self, changes: &[u64], unexplained: u32) -> bool {
        let Some((change, others)) = changes.split_first() else { return true };
        let most = self.value.saturating_add(*change);
        let least = most.saturating_sub(gain_max(self.value));
        if self.covers(0, least, most, 3, others, unexplained) {
            return true;
        }
        unexplained > 0 && self.explains(others, unexplained - 1)
    }

    /// Up to so many inputs from this one on that come to this, and then the others.
    fn covers(
        &mut self,
        from: usize,
        least: u64,
        most: u64,
        left: u32,
        others: &[u64],
        unexplained: u32,
    ) -> bool {
        for at in from..self.inputs.len() {
            let (bit, input) = (1 << at, self.inputs[at]);
            if self.used & bit != 0 || input > most {
                continue;
            }
            self.steps = self.steps.saturating_sub(1);
            if self.steps == 0 {
                return false;
            }
            self.used |= bit;
            let is_found = match input >= least {
                true => self.explains(others, unexplained),
                false => {
                    left > 1
                        && self.covers(
                            at + 1,
                            least - input,
                            most - input,
                            left - 1,
                            others,
                            unexplained,
                        )
                }
            };
            if is_found {
                return true;
            }
            self.used &= !bit;
        }
        false
    }
}
