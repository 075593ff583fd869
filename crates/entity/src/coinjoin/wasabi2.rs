//! Wasabi 2 (WabiSabi, since June 2022): arbitrary amounts in, standard denominations out, both sorted.
//!
//! Rules: nopara73/Dumplings, `Scanner.cs`: since block 741,213, inputs P2WPKH or P2TR, at least fifty of
//! them, inputs and outputs each in falling order of value, more than 80 % of the outputs of a standard
//! denomination: 2^i, 3^i, 2·3^i, 10^i, 2·10^i or 5·10^i satoshi from 5,000 sat to 1,343.75 BTC.
//!
//! Ten equal outputs are asked too, as later versions of that rule do, or else the denominations of a small round: dust
//! gathered into a few equal parts has neither. Where all denominations are round decimals and one alone repeats,
//! the round is doubted.
//!
//! The coordinators that came after June 2024 run smaller rounds. Between ten inputs and fifty, more is asked:
//! several denominations that are powers of two and three, which nobody types and no price comes to, or
//! inputs that known rounds made. A batch of round decimal amounts has neither. Fewer than ten inputs need
//! both. Owners cannot all be the same where everything is one equal amount, so two denominations must repeat.

use std::sync::LazyLock;

use model::Date;

use super::{Family, Round, Shape};
use crate::script::ScriptKind::{Taproot, WitnessKeyHash};

/// Block 741,213.
const FIRST: Date = Date::constant(2022, 6, 15);
const INPUTS_MANY: usize = 50;
const INPUTS_FEW: usize = 10;
const INPUTS_LEAST: usize = 5;
const EQUAL_MIN: usize = 10;
const DENOMINATED_PERCENT: usize = 80;

const LOWEST: u64 = 5_000;
const HIGHEST: u64 = 134_375_000_000;

pub fn recognise(shape: &Shape) -> Option<Round> {
    let (inputs, outputs) = (shape.inputs.len(), shape.tx.outputs.len());
    let is_possible = shape.is_since(FIRST)
        && inputs >= INPUTS_LEAST
        && shape.equal().1 >= 2
        && shape.inputs_are(&[WitnessKeyHash, Taproot])
        && shape.are_sorted();
    if !is_possible {
        return None;
    }
    let denominated: usize = counted(shape, is_denomination);
    if denominated * 100 <= outputs * DENOMINATED_PERCENT {
        return None;
    }
    let mut why = vec![format!(
        "{denominated} of {outputs} outputs are WabiSabi denominations, in falling order like its {inputs} inputs"
    )];
    if inputs < INPUTS_MANY || shape.equal().1 < EQUAL_MIN {
        why.push(small(shape, inputs)?);
    }
    let is_plain = shape.repeated().count() == 1 && counted(shape, is_power) == 0;
    let doubt = "one round amount alone repeats, so it may be one owner's".to_string();
    let doubts = if is_plain { vec![doubt] } else { Vec::new() };
    Some(Round { doubts, ..shape.round(Family::Wasabi2, why) })
}

/// What a small round shows beyond the rule, if anything.
fn small(shape: &Shape, inputs: usize) -> Option<String> {
    const REMIXED_MIN: usize = 2;
    const POWERS_MIN: usize = 3;
    let several = shape.repeated().filter(|(value, _)| is_denomination(*value)).count() >= 2;
    let powers = shape.groups.iter().filter(|(value, _)| is_power(*value)).count();
    let in_powers = counted(shape, is_power);
    let remixed = shape.remixed(Family::Wasabi2);
    let is_strong = powers >= POWERS_MIN && in_powers * 4 >= shape.tx.outputs.len();
    let is_linked = remixed >= REMIXED_MIN;
    let is_enough =
        if inputs < INPUTS_FEW { is_strong && is_linked } else { is_strong || is_linked };
    (several && is_enough).then(|| {
        format!(
            "{inputs} inputs, of which {remixed} come from known rounds, and {powers} denominations that are powers of two or three"
        )
    })
}

fn counted(shape: &Shape, is: fn(u64) -> bool) -> usize {
    shape.groups.iter().filter(|(value, _)| is(*value)).map(|(_, count)| count).sum()
}

pub fn is_denomination(value: u64) -> bool {
    DENOMINATIONS.binary_search(&value).is_ok()
}

/// A denomination that is not a round decimal.
fn is_power(value: u64) -> bool {
    is_denomination(value) && !DECIMAL.contains(&value)
}

static DENOMINATIONS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut all = [series(1, 2), series(1, 3), series(2, 3)].concat();
    all.extend(DECIMAL.iter().copied());
    all.sort_unstable();
    all.dedup();
    all
});

static DECIMAL: LazyLock<Vec<u64>> =
    LazyLock::new(|| [series(1, 10), series(2, 10), series(5, 10)].concat());

/// `first · base^i`, within the bounds.
fn series(first: u64, base: u64) -> Vec<u64> {
    let all = std::iter::successors(Some(first), |value| value.checked_mul(base));
    all.skip_while(|value| *value < LOWEST).take_while(|value| *value <= HIGHEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denominations_are_the_wallets() {
        for value in [5_000, 6_561, 8_192, 10_000, 13_122, 20_000, 1_594_323, 2_097_152] {
            assert!(is_denomination(value), "{value}");
        }
        for value in [4_096, 4_999, 5_001, 51_500, 13_077, 200_000_000_001] {
            assert!(!is_denomination(value), "{value}");
        }
        // 5 x 10^i ends at 500 BTC; 2^36 is the highest power of two below the limit.
        assert!(is_denomination(50_000_000_000) && is_denomination(1 << 36));
        assert!(!is_denomination(500_000_000_000) && !is_denomination(1 << 37));
        assert!(is_power(1 << 20) && !is_power(100_000));
    }
}
