//! Benign twins: one owner's transactions that look like a round's, and are none.

use crate::{DAY_2021, DAY_2024, Kind, family, tx};

const COIN: u64 = 100_000_000;

/// On both days, of every kind of script.
fn check(what: &str, inputs: &[u64], outputs: &[u64]) {
    for day in [DAY_2021, DAY_2024] {
        for kind in [Kind::Legacy, Kind::Witness, Kind::Taproot] {
            let found = family(&tx(day, kind, inputs, outputs));
            assert!(found.is_none(), "{what} on {day}: {found:?}");
        }
    }
}

fn sorted(mut values: Vec<u64>) -> Vec<u64> {
    values.sort_unstable_by(|a, b| b.cmp(a));
    values
}

#[test]
fn an_exchange_pays_a_batch_of_withdrawals() {
    let deposits: Vec<u64> = (0..60).map(|at| 4_000_000 + at * 613_711).collect();
    let withdrawals: Vec<u64> = (0..25).map(|at| 1_234_567 + at * 77_777).collect();
    check("a batch", &deposits, &withdrawals);
    check("a sorted batch", &sorted(deposits), &sorted(withdrawals));
}

#[test]
fn an_exchange_pays_many_a_tenth_of_a_coin() {
    let equal = [vec![COIN / 10; 12], vec![1_234_567, 8_765_432]].concat();
    check("from one large coin", &[[2 * COIN].as_slice(), &[30_000; 12]].concat(), &equal);
    let deposits: Vec<u64> = (0..14).map(|at| COIN / 8 + at * 1_317_713).collect();
    check("from many deposits", &deposits, &equal);
    check("sorted", &sorted(deposits), &sorted(equal));
}

#[test]
fn an_exchange_pays_round_decimal_amounts() {
    let inputs: Vec<u64> = sorted((0..30).map(|at| 9_000_000 + at * 317_713).collect());
    let outputs =
        [vec![COIN / 2; 4], vec![COIN / 10; 9], vec![COIN / 20; 7], vec![COIN / 100; 6]].concat();
    check("round amounts", &inputs, &sorted(outputs));
}

#[test]
fn a_consolidation_gathers() {
    let dust: Vec<u64> = (0..200).map(|at| 12_000 + at * 17).collect();
    check("into one", &dust, &[2_000_000]);
    check("into three", &dust, &[1_000_000, 500_000, 500_000]);
    check("into equal parts", &sorted(dust), &[500_000; 4]);
}

#[test]
fn a_firm_pays_the_same_wage_to_all() {
    for wage in [BASE, COIN / 10, 1_048_576] {
        let outputs = [vec![wage; 15], vec![3_141_592]].concat();
        check("from one coin", &[[30 * COIN].as_slice(), &[50_000; 3]].concat(), &outputs);
        let inputs: Vec<u64> = (0..20).map(|at| wage + at * 91_733).collect();
        check("from many", &inputs, &outputs);
        check("sorted", &sorted(inputs), &sorted(outputs));
    }
}

const BASE: u64 = 12_345_678 + 2_000_000;

/// Wages to some and bills to as many others: the shape of JoinMarket, without its arithmetic.
#[test]
fn a_firm_pays_wages_and_as_many_bills() {
    let bills: Vec<u64> = (0..8).map(|at| 7_654_321 + at * 4_321_987).collect();
    let outputs = [vec![20_000_000; 8], bills].concat();
    let inputs: Vec<u64> = (0..10).map(|at| 33_333_333 + at * 5_555_557).collect();
    check("wages and bills", &inputs, &outputs);
}

#[test]
fn an_airdrop_sends_dust_to_all() {
    let outputs = [vec![546; 90], vec![777_777]].concat();
    check("an airdrop", &[1_000_000, 20_000, 30_000], &outputs);
}

#[test]
fn a_pool_pays_its_miners() {
    let payouts: Vec<u64> = (0..100).map(|at| 100_000 + at * at * 773).collect();
    check("payouts", &[312_500_000, 40_000, 30_000], &payouts);
    let least = [vec![500_000; 40], payouts].concat();
    check("many at the least payout", &[312_500_000, 312_400_000, 30_000], &least);
}

/// A transaction zero of Whirlpool has one owner, whose inputs may be merged.
#[test]
fn cutting_a_coin_for_a_pool_is_no_round() {
    let pieces = [vec![5_020_000; 7], vec![1_750_000, 3_141_592]].concat();
    check("a transaction zero", &[20_000_000, 13_000_000, 7_100_000], &pieces);
}

/// Five gifts of one amount, out of five gifts of that amount and one coin for the fee.
#[test]
fn passing_equal_amounts_on_is_no_pool() {
    let value = 5_000_000;
    check("six in, five out", &[value, value, value, value, value, 9_000], &[value; 5]);
}
