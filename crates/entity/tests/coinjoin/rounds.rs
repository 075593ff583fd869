//! The smallest round of each family, made by hand, and each rule's edge.

use entity::coinjoin::{Family, Past, may_be, recognise};
use model::TxHash;

use crate::{DAY_2021, DAY_2024, Kind, family, round, tx};

const BASE: u64 = 10_989_580;

fn wasabi1(day: &str, kind: Kind, equal: usize) -> Option<Family> {
    let inputs: Vec<u64> = (0..equal as u64).map(|at| BASE + 60_000 + at * 1_371).collect();
    let mut outputs = vec![BASE; equal];
    outputs.extend([51_371, 24_443, 77_123]);
    family(&tx(day, kind, &inputs, &outputs))
}

#[test]
fn wasabi_1_mixes_near_a_tenth_of_a_coin() {
    assert_eq!(wasabi1(DAY_2021, Kind::Witness, 10), Some(Family::Wasabi1));
    assert_eq!(wasabi1(DAY_2021, Kind::Witness, 9), None, "nine are too few");
    assert_eq!(wasabi1(DAY_2021, Kind::Legacy, 12), None, "only P2WPKH");
    assert_eq!(wasabi1("2017-01-01T00:00:00Z", Kind::Witness, 12), None, "it did not exist");
    assert_eq!(wasabi1("1970-01-01T00:00:00Z", Kind::Witness, 12), Some(Family::Wasabi1));
}

/// A small round of a later coordinator: powers of two and three, sorted.
fn wasabi2_small(inputs: usize) -> (Vec<u64>, Vec<u64>) {
    let outputs = vec![
        2_097_152, 2_097_152, 2_097_152, 1_594_323, 1_594_323, 531_441, 262_144, 262_144, 100_000,
        65_536, 65_536, 8_192, 5_000,
    ];
    let total: u64 = outputs.iter().sum::<u64>() + 30_000;
    let each = total / inputs as u64;
    let mut values: Vec<u64> = (0..inputs as u64).map(|at| each + at).collect();
    values.sort_unstable_by(|a, b| b.cmp(a));
    (values, outputs)
}

#[test]
fn wasabi_2_pays_standard_denominations_in_order() {
    let (inputs, outputs) = wasabi2_small(22);
    assert_eq!(family(&tx(DAY_2024, Kind::Taproot, &inputs, &outputs)), Some(Family::Wasabi2));
    assert_eq!(family(&tx(DAY_2021, Kind::Taproot, &inputs, &outputs)), None, "not yet there");
    assert_eq!(family(&tx(DAY_2024, Kind::Legacy, &inputs, &outputs)), None, "segwit only");
    let mut shuffled = outputs.clone();
    shuffled.swap(0, 5);
    assert_eq!(family(&tx(DAY_2024, Kind::Taproot, &inputs, &shuffled)), None, "not in order");
    let odd: Vec<u64> = outputs.iter().map(|value| value + 1).collect();
    assert_eq!(family(&tx(DAY_2024, Kind::Taproot, &inputs, &odd)), None, "no denominations");
}

/// Everything before was a round of this family.
struct After(Family);

impl Past for After {
    fn family(&self, _: &TxHash) -> Option<Family> {
        Some(self.0)
    }
}

#[test]
fn a_tiny_wasabi_2_round_needs_inputs_of_known_rounds_too() {
    let (inputs, outputs) = wasabi2_small(6);
    let tiny = tx(DAY_2024, Kind::Witness, &inputs, &outputs);
    assert_eq!(family(&tiny), None);
    let linked = recognise(&tiny, &After(Family::Wasabi2)).map(|round| round.family);
    assert_eq!(linked, Some(Family::Wasabi2));
    assert_eq!(recognise(&tiny, &After(Family::JoinMarket)), None);
}

#[test]
fn whirlpool_is_a_pool_of_equals() {
    let pool = 5_000_000;
    let check =
        |day, inputs: &[u64]| family(&tx(day, Kind::Witness, inputs, &vec![pool; inputs.len()]));
    let five = [pool, pool, pool + 20_000, pool + 20_000, pool + 20_000];
    assert_eq!(check(DAY_2021, &five), Some(Family::Whirlpool));
    assert_eq!(check(DAY_2021, &[pool + 9_000; 5]), None, "nobody mixes again");
    assert_eq!(check(DAY_2021, &[pool; 5]), None, "nobody pays the fee");
    assert_eq!(check(DAY_2021, &[pool, pool, pool, pool, pool + 110_001]), None, "too much above");
    assert_eq!(check(DAY_2021, &five[..4]), None, "four are too few");
    let surge: Vec<u64> = [&five[..], &[pool; 3]].concat();
    assert_eq!(check(DAY_2021, &surge), Some(Family::Whirlpool), "a surge cycle");
}

#[test]
fn ashigaru_has_pools_of_its_own_and_later() {
    let pool = 2_500_000;
    let inputs = [pool, pool, pool + 5_000, pool + 5_000, pool + 5_000];
    let check = |day| family(&tx(day, Kind::Witness, &inputs, &[pool; 5]));
    assert_eq!(check("2025-08-01T00:00:00Z"), Some(Family::Whirlpool));
    assert_eq!(check(DAY_2021), None);
}

fn joinmarket(makers: usize) -> (Vec<u64>, Vec<u64>) {
    let value = 6_731_604;
    let mut inputs = vec![31_000_000];
    let mut outputs = vec![31_000_000 - value - 1_300 * makers as u64 - 9_000, value];
    for at in 0..makers as u64 {
        let held = 8_000_000 + at * 3_333_337;
        inputs.push(held);
        outputs.extend([value, held - value + 1_300]);
    }
    (inputs, outputs)
}

#[test]
fn joinmarket_pays_makers_their_change_and_a_little() {
    let (inputs, outputs) = joinmarket(5);
    assert_eq!(family(&tx(DAY_2021, Kind::Legacy, &inputs, &outputs)), Some(Family::JoinMarket));
    // A taker who empties a wallet has no change.
    let swept = [&[6_731_604 + 5 * 1_300 + 9_000][..], &inputs[1..]].concat();
    let sweep = tx(DAY_2021, Kind::Legacy, &swept, &outputs[1..]);
    assert_eq!(family(&sweep), Some(Family::JoinMarket), "the taker has no change");
    assert_eq!(family(&tx("2013-01-01T00:00:00Z", Kind::Legacy, &inputs, &outputs)), None);
}

/// Every maker pays from two coins: no change is one input less the value, and all are two.
#[test]
fn joinmarket_is_told_by_all_its_makers_too() {
    let (inputs, outputs) = joinmarket(5);
    let half = |(at, held): (usize, &u64)| {
        [held / 2 - at as u64 * 77_771, held - held / 2 + at as u64 * 77_771]
    };
    let halves: Vec<u64> = inputs.iter().enumerate().flat_map(half).collect();
    assert_eq!(family(&tx(DAY_2021, Kind::Witness, &halves, &outputs)), Some(Family::JoinMarket));
    let mut bent = outputs.clone();
    (2..bent.len()).for_each(|at| bent[at] -= 111_111 * u64::from(bent[at] != 6_731_604));
    assert_eq!(family(&tx(DAY_2021, Kind::Witness, &halves, &bent)), None, "nobody's arithmetic");
}

/// The published rule of Wasabi 1 fits; the amount is round, and the makers of JoinMarket show.
#[test]
fn what_fits_two_families_says_so() {
    let value = 10_000_000;
    let mut inputs = vec![61_786_158];
    let mut outputs = vec![61_786_158 - value - 15_000, value];
    for at in 0..10u64 {
        inputs.push(11_000_000 + at * 1_333_337);
        outputs.extend([value, inputs[1 + usize::try_from(at).expect("ten")] - value + 1_000 + at]);
    }
    let both = round(&tx(DAY_2021, Kind::Witness, &inputs, &outputs)).expect("a round");
    assert_eq!((both.family, both.rival), (Family::Wasabi1, Some(Family::JoinMarket)));
}

#[test]
fn a_small_joinmarket_round_needs_a_link() {
    let (inputs, outputs) = joinmarket(2);
    let small = tx(DAY_2021, Kind::Witness, &inputs, &outputs);
    assert_eq!(family(&small), None);
    let linked = recognise(&small, &After(Family::JoinMarket)).map(|round| round.family);
    assert_eq!(linked, Some(Family::JoinMarket));
}

#[test]
fn without_its_inputs_nothing_is_told_and_nothing_ruled_out() {
    let (inputs, outputs) = joinmarket(5);
    let mut unknown = tx(DAY_2021, Kind::Legacy, &inputs, &outputs);
    unknown.inputs[3].previous = None;
    assert_eq!(family(&unknown), None);
    assert!(may_be(&unknown));
    let ordinary = tx(DAY_2021, Kind::Legacy, &[10_000, 20_000], &[15_000, 14_000]);
    assert!(!may_be(&ordinary));
}
