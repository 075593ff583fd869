//! What holds for every seed: nobody sends what they do not have, nothing is
//! spent twice, time goes forward, and the truth is what happened.

use std::collections::{BTreeMap, BTreeSet};

use model::{Chain, Outpoint, Output, Transaction, Transfer, TransferId, U256, UtxoTransaction};
use proptest::prelude::*;

use super::{CHAINS, Whole, whole};
use crate::truth::transfer_id;
use crate::{Settings, Step, Theft};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_stream_keeps_the_laws(
        seed: u64,
        chain in 0..CHAINS.len(),
        transfers in 1_000u64..12_000,
        hot in prop_oneof![Just(1_000u32), Just(1 << 20)],
    ) {
        let settings =
            Settings { accounts_hot: hot, ..Settings::new(CHAINS[chain], seed, transfers) };
        let whole = whole(settings);
        nobody_sends_what_they_lack(&whole.transfers);
        nothing_is_spent_twice(&whole.transactions);
        time_goes_forward(&whole);
        the_truth_is_what_happened(&whole, CHAINS[chain]);
    }
}

fn nobody_sends_what_they_lack(transfers: &[Transfer]) {
    let mut balances: BTreeMap<_, U256> = BTreeMap::new();
    for transfer in transfers {
        assert!(transfer.amount > U256::ZERO, "{transfer:?}");
        if let Some(from) = &transfer.from {
            let held = balances.entry((from.clone(), transfer.asset.clone())).or_default();
            let left = held.checked_sub(transfer.amount);
            *held = left.unwrap_or_else(|| panic!("has {held}, sends {transfer:?}"));
        }
        if let Some(to) = &transfer.to {
            let key = (to.clone(), transfer.asset.clone());
            *balances.entry(key).or_default() += transfer.amount;
        }
    }
}

fn nothing_is_spent_twice(transactions: &[UtxoTransaction]) {
    let mut unspent: BTreeMap<Outpoint, Output> = BTreeMap::new();
    let mut fees = U256::ZERO;
    let mut coinbase: Option<&UtxoTransaction> = None;
    for tx in transactions {
        if tx.is_coinbase {
            check_coinbase(coinbase.replace(tx), std::mem::take(&mut fees));
        }
        for input in &tx.inputs {
            let made = unspent.remove(&input.outpoint);
            assert!(made.is_some() && made == input.previous, "{:?}", input.outpoint);
        }
        fees += tx.fee().expect("no transaction makes money");
        for (output, index) in tx.outputs.iter().zip(0..) {
            assert!(output.value > 0, "{:?}", tx.id);
            unspent.insert(Outpoint { tx: tx.id, index }, output.clone());
        }
    }
}

/// Subsidy and fees; the first one funds everybody.
fn check_coinbase(coinbase: Option<&UtxoTransaction>, fees: U256) {
    let Some(tx) = coinbase.filter(|tx| tx.outputs.len() == 1) else { return };
    assert_eq!(tx.value_out(), U256::from(312_500_000) + fees, "{:?}", tx.id);
}

fn time_goes_forward(whole: &Whole) {
    let places = whole.transfers.iter().map(|t| (t.time, t.height, t.tx_index));
    assert!(places.is_sorted());
    let places = whole.transactions.iter().map(|t| (t.time, t.height, t.index));
    assert!(places.is_sorted());
    let mut ids = BTreeSet::new();
    assert!(whole.transfers.iter().all(|t| ids.insert(t.id())), "an identity is there twice");
}

/// A transfer of the stream as the truth speaks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    from: Vec<String>,
    to: String,
    amount: String,
    place: (model::Timestamp, u64),
}

fn the_truth_is_what_happened(whole: &Whole, chain: Chain) {
    let told = told(whole, chain);
    assert!(!whole.truth.thefts.is_empty(), "no theft took place");
    for theft in &whole.truth.thefts {
        check_hops(theft, &told);
        check_books(theft);
    }
}

fn told(whole: &Whole, chain: Chain) -> BTreeMap<String, Told> {
    let text = |address: &model::Address| address.text(chain);
    let mut told = BTreeMap::new();
    for t in &whole.transfers {
        let (Some(from), Some(to)) = (&t.from, &t.to) else { continue };
        let amount = t.amount.to_string();
        let place = (t.time, t.height.expect("known"));
        let one = Told { from: vec![text(from)], to: text(to), amount, place };
        told.insert(transfer_id(&t.id()), one);
    }
    for tx in &whole.transactions {
        let previous = tx.inputs.iter().filter_map(|input| input.previous.as_ref());
        let from: Vec<String> = previous.map(|output| text(&output.address)).collect();
        for (output, index) in tx.outputs.iter().zip(0..) {
            let id =
                TransferId { tx: tx.id, position: model::Position::Output(index), equal: None };
            let one = Told {
                from: from.clone(),
                to: text(&output.address),
                amount: output.value.to_string(),
                place: (tx.time, tx.height.expect("known")),
            };
            told.insert(transfer_id(&id), one);
        }
    }
    told
}

fn check_hops(theft: &Theft, told: &BTreeMap<String, Told>) {
    assert_eq!(theft.hops[0].step, Step::Theft);
    assert_eq!(theft.hops[0].transfer, theft.transfer);
    assert!(theft.hops.is_sorted_by_key(|hop| (hop.time, hop.height)));
    for hop in &theft.hops {
        let found = told.get(&hop.transfer).expect("every hop is a transfer of the stream");
        let expected = Told {
            from: hop.from.clone(),
            to: hop.to.clone(),
            amount: hop.amount.clone(),
            place: (hop.time, hop.height),
        };
        assert_eq!(*found, expected);
    }
    for other in &theft.others {
        let found = told.get(&other.transfer).expect("every other is a transfer of the stream");
        assert_eq!(found.amount, other.amount);
    }
}

/// Every address of the theft passes on what it got, pays fees with it, or has it still.
fn check_books(theft: &Theft) {
    let base = |text: &str| text.parse::<u128>().expect("base units");
    let stolen = base(&theft.amount);
    let resting: u128 = theft.rests.iter().map(|rest| base(&rest.amount)).sum();
    let served: u128 = theft.served.iter().map(|served| base(&served.amount)).sum();
    assert_eq!(stolen, resting + served + base(&theft.fees));
    let fees: u128 = theft.hops.iter().map(|hop| base(&hop.fee)).sum();
    assert_eq!(base(&theft.fees), fees);

    let mut held: BTreeMap<&str, i128> = BTreeMap::new();
    let signed = |amount: u128| i128::try_from(amount).expect("a drill is small");
    for hop in &theft.hops {
        if hop.service.is_none() {
            *held.entry(&hop.to).or_default() += signed(base(&hop.amount));
        }
        if hop.step != Step::Theft && hop.from.len() == 1 {
            *held.entry(&hop.from[0]).or_default() -= signed(base(&hop.amount) + base(&hop.fee));
        }
    }
    let merges = theft.hops.iter().any(|hop| hop.from.len() > 1);
    let has_not_overspent = held.values().all(|left| *left >= 0);
    assert!(merges || has_not_overspent, "{held:?}");
    for rest in &theft.rests {
        let left = held.get(rest.address.as_str()).copied().unwrap_or_default();
        assert!(merges || left == signed(base(&rest.amount)), "{}", rest.address);
    }
}

/// The oracle reads what importers of the chain would state.
#[test]
fn the_oracle_has_every_transfer_and_every_transaction() {
    use model::{Memory, View};
    for chain in [Chain::ETHEREUM, Chain::BITCOIN] {
        let settings = Settings::new(chain, 11, 2_000);
        let mut stream = crate::Stream::new(settings.clone()).expect("settings");
        let mut facts = Vec::new();
        while let Some(block) = stream.next_block() {
            facts.extend(block.drain_facts());
        }
        let memory = Memory::from_facts(facts);
        let whole = whole(settings);
        for tx in &whole.transactions {
            let kept = memory.transaction(&tx.id).expect("in memory").expect("known");
            assert_eq!(kept, Transaction::Utxo(tx.clone()));
        }
        let legs: usize =
            whole.transactions.iter().map(|tx| tx.inputs.len() + tx.outputs.len()).sum();
        assert_eq!(memory.transfers().len(), whole.transfers.len() + legs, "{chain}");
    }
}
