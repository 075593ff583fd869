//! What the traffic is promised to look like, within bounds.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, Chain, Position, TransferKind};

use super::{Whole, whole};
use crate::Settings;

const ACCOUNT_CHAINS: [Chain; 3] = [Chain::ETHEREUM, Chain::TRON, Chain::SOLANA];

fn percent(part: usize, of: usize) -> usize {
    part * 100 / of.max(1)
}

fn services(whole: &Whole, chain: Chain) -> BTreeSet<Address> {
    let address = |text: &str| Address::parse(text, chain).expect("its own text");
    whole.truth.services.iter().map(|service| address(&service.address)).collect()
}

#[test]
fn account_traffic_has_its_shape() {
    for chain in ACCOUNT_CHAINS {
        let whole = whole(Settings::new(chain, 7, 200_000));
        let txs: BTreeSet<_> = whole.transfers.iter().map(|t| t.tx).collect();
        let per_tx = whole.transfers.len() * 100 / txs.len();
        assert!((240..260).contains(&per_tx), "{chain}: {per_tx} transfers in 100 transactions");

        let services = services(&whole, chain);
        let is_service =
            |end: &Option<Address>| end.as_ref().is_some_and(|end| services.contains(end));
        let paid: Vec<_> = whole
            .transfers
            .iter()
            .filter(|t| t.kind == TransferKind::Value && t.from.is_some())
            .collect();
        let served = paid.iter().filter(|t| is_service(&t.from) || is_service(&t.to)).count();
        let served = percent(served, paid.len());
        assert!((12..=15).contains(&served), "{chain}: {served} % to and from services");

        let mut known: BTreeSet<&Address> = services.iter().collect();
        let fresh = paid.iter().filter_map(|t| t.to.as_ref()).filter(|to| known.insert(to));
        let fresh = percent(fresh.count(), paid.len());
        assert!((33..=37).contains(&fresh), "{chain}: {fresh} % of receivers are new");

        let failed = percent(whole.failed * 10, txs.len());
        assert!((15..=45).contains(&failed), "{chain}: {failed} in a thousand failed");
        let tokens = paid.iter().filter(|t| !t.asset.is_native()).count();
        assert!((40..=75).contains(&percent(tokens, paid.len())), "{chain}: tokens");
        let fees = whole.transfers.iter().filter(|t| t.position == Position::Fee).count();
        assert!(percent(fees, txs.len()) >= 95, "{chain}: nearly every transaction pays");
    }
}

#[test]
fn bitcoin_traffic_has_its_shape() {
    let whole = whole(Settings::new(Chain::BITCOIN, 7, 200_000));
    let services = services(&whole, Chain::BITCOIN);
    let paid = || whole.transactions.iter().filter(|tx| !tx.is_coinbase);
    let outputs: Vec<_> = paid().flat_map(|tx| &tx.outputs).collect();
    let legs: usize = paid().map(|tx| tx.inputs.len() + tx.outputs.len()).sum();
    let per_tx = legs * 10 / paid().count();
    assert!((38..60).contains(&per_tx), "{per_tx} ends in ten transactions");

    let mut known: BTreeSet<&Address> = services.iter().collect();
    let fresh = outputs.iter().filter(|output| known.insert(&output.address)).count();
    let fresh = percent(fresh, outputs.len());
    assert!((30..=42).contains(&fresh), "{fresh} % of outputs are at new addresses");

    let is_served = |tx: &model::UtxoTransaction| {
        let mut spent = tx.inputs.iter().filter_map(|input| input.previous.as_ref());
        spent.any(|output| services.contains(&output.address))
            || tx.outputs.iter().any(|output| services.contains(&output.address))
    };
    let served = percent(paid().filter(|tx| is_served(tx)).count(), paid().count());
    assert!((12..=20).contains(&served), "{served} % of transactions have a service in them");

    let mut kinds: BTreeMap<usize, usize> = BTreeMap::new();
    for output in &outputs {
        *kinds.entry(output.address.bytes().len()).or_default() += 1;
    }
    assert_eq!(kinds.len(), 4, "scripts of four types: {kinds:?}");
    let most = paid().map(|tx| tx.inputs.len()).max();
    assert!(most > Some(20), "services gather their outputs");
}

/// Few have most of the ends, as on a real chain.
#[test]
fn popularity_is_uneven() {
    let whole = whole(Settings::new(Chain::ETHEREUM, 9, 200_000));
    let mut received: BTreeMap<&Address, usize> = BTreeMap::new();
    for to in whole.transfers.iter().filter_map(|t| t.to.as_ref()) {
        *received.entry(to).or_default() += 1;
    }
    let once = received.values().filter(|count| **count == 1).count();
    assert!((40..=80).contains(&percent(once, received.len())), "{once} of {}", received.len());
    let mut counts: Vec<usize> = received.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let top: usize = counts[..counts.len() / 100].iter().sum();
    let share = percent(top, counts.iter().sum());
    assert!((12..=50).contains(&share), "the first hundredth has {share} %");
}

#[test]
fn blocks_come_at_the_pace_of_the_chain() {
    for (chain, seconds) in [(Chain::ETHEREUM, 12..13), (Chain::BITCOIN, 540..660)] {
        let whole = whole(Settings::new(chain, 4, 60_000));
        let times = whole.transfers.iter().map(|t| (t.height, t.time));
        let times = times.chain(whole.transactions.iter().map(|t| (t.height, t.time)));
        let blocks: BTreeMap<_, _> = times.collect();
        let (first, last) = (blocks.first_key_value(), blocks.last_key_value());
        let (first, last) = (first.expect("some"), last.expect("some"));
        let passed = last.1.as_second() - first.1.as_second();
        let heights = last.0.expect("known") - first.0.expect("known");
        let mean = passed / i64::try_from(heights).expect("few");
        assert!(seconds.contains(&mean), "{chain}: {mean} s");
    }
}
