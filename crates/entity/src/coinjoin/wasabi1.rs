//! Wasabi 1 (ZeroLink, 2018 to 2023): one base denomination near 0.1 BTC, its multiples, change, and a fee to
//! the coordinator.
//!
//! Rules: nopara73/Dumplings, `Scanner.cs`. Until block 610,000 an output to one of two coordinator scripts and
//! more than two equal outputs. After it the coordinator's script is fresh each round: everything is P2WPKH, at
//! least ten equal outputs near the base denomination, at least as many inputs, at least two outputs that
//! no other equals (change and the fee).
//!
//! Two things are asked beyond that, both forced by the protocol. Whoever gets an equal output registered
//! inputs worth at least as much, so the inputs must be enough for as many payers. And the denomination is
//! whatever lets most of the last round's outputs mix again, so it is no round amount, unless such outputs are
//! among the inputs. An exchange that pays ten customers 0.1 BTC fails the second, one that does so from
//! one large input the first.
//!
//! A round amount whose change is as JoinMarket's makers' fits the published rules of both. It is called by the first
//! of them, as those who publish rounds do, and JoinMarket is named as its rival.

use model::Date;

use super::{Family, Round, Shape, joinmarket};
use crate::script::ScriptKind::WitnessKeyHash;

/// Block 530,500.
const FIRST: Date = Date::constant(2018, 7, 1);
/// Block 610,000.
const FRESH_COORDINATOR: Date = Date::constant(2019, 12, 27);

/// `bc1qs604c7jv6amk4cxqlnvuxv26hv3e48cds4m0ew`, `bc1qa24tsgchvuxsaccp8vrnkfd85hrcpafg20kmjw`.
const COORDINATORS: [[u8; 22]; 2] = [
    [
        0x00, 0x14, 0x86, 0x9f, 0x5c, 0x7a, 0x4c, 0xd7, 0x77, 0x6a, 0xe0, 0xc0, 0xfc, 0xd9, 0xc3,
        0x31, 0x5a, 0xbb, 0x23, 0x9a, 0x9f, 0x0d,
    ],
    [
        0x00, 0x14, 0xea, 0xaa, 0xb8, 0x23, 0x17, 0x67, 0x0d, 0x0e, 0xe3, 0x01, 0x3b, 0x07, 0x3b,
        0x25, 0xa7, 0xa5, 0xc7, 0x80, 0xf5, 0x28,
    ],
];

const BASE: u64 = 10_000_000;
const BASE_OFF: u64 = 2_000_000;
const EQUAL_MIN: usize = 10;
const UNIQUE_MIN: usize = 2;
/// An amount that a person types.
const ROUND: u64 = 100_000;

pub fn recognise(shape: &Shape) -> Option<Round> {
    if !shape.is_since(FIRST) {
        return None;
    }
    by_coordinator(shape).or_else(|| by_shape(shape))
}

fn by_coordinator(shape: &Shape) -> Option<Round> {
    let is_coordinator = |script: &[u8]| COORDINATORS.iter().any(|known| known == script);
    let is_paid = shape.tx.outputs.iter().any(|output| is_coordinator(output.address.bytes()));
    let (value, equal) = shape.equal();
    let is_round = is_paid && equal > 2;
    is_round.then(|| {
        let why = format!("pays a Wasabi coordinator and {equal} equal outputs of {value} sat");
        shape.round(Family::Wasabi1, vec![why])
    })
}

fn by_shape(shape: &Shape) -> Option<Round> {
    let (value, equal) = shape.equal();
    let unique = shape.groups.iter().filter(|(_, count)| *count == 1).count();
    let is_published = shape.is_since(FRESH_COORDINATOR)
        && equal >= EQUAL_MIN
        && shape.inputs.len() >= equal
        && value.abs_diff(BASE) <= BASE_OFF
        && unique >= UNIQUE_MIN
        && shape.inputs_are(&[WitnessKeyHash])
        && shape.outputs_are(&[WitnessKeyHash]);
    if !is_published || shape.payers_max(value) < equal {
        return None;
    }
    let mixes_again = near(shape, value);
    let is_odd = !value.is_multiple_of(ROUND);
    let rival = joinmarket::recognise(shape).map(|round| round.family);
    let is_linked = mixes_again >= 2 || shape.remixed(Family::Wasabi1) > 0;
    if !is_odd && !is_linked && rival.is_none() {
        return None;
    }
    let why = format!("{equal} equal P2WPKH outputs of {value} sat, near the base of 0.1 BTC");
    let again =
        format!("{mixes_again} inputs are about a multiple of it, as outputs of a round are");
    Some(Round { rival, ..shape.round(Family::Wasabi1, vec![why, again]) })
}

/// Inputs that an earlier round of about this denomination could have made: up to a hundredth above it, or
/// above its double, and so on: a mixing level doubles.
fn near(shape: &Shape, value: u64) -> usize {
    let is_near = |input: u64| {
        (0..5).map(|level| value << level).any(|base| (base..=base + base / 100).contains(&input))
    };
    shape.inputs.iter().filter(|input| is_near(input.value)).count()
}

#[cfg(test)]
mod tests {
    use model::{Address, Chain};

    #[test]
    fn the_coordinators_are_these_addresses() {
        for (script, text) in super::COORDINATORS.iter().zip([
            "bc1qs604c7jv6amk4cxqlnvuxv26hv3e48cds4m0ew",
            "bc1qa24tsgchvuxsaccp8vrnkfd85hrcpafg20kmjw",
        ]) {
            let address = Address::parse(text, Chain::BITCOIN).expect("reads");
            assert_eq!(address.bytes(), script);
        }
    }
}
