use std::sync::Arc;

use model::{BitcoinNetwork, Input, Output, Timestamp};
use proptest::prelude::*;

use super::*;

const CHAIN: Chain = Chain::Bitcoin(BitcoinNetwork::Regtest);

fn address(n: u8) -> Address {
    Address::Bitcoin(Arc::from([0x51, n]))
}

fn id(n: u8) -> TxId {
    TxId { chain: CHAIN, hash: TxHash::new(&[n; 32]) }
}

/// A transaction that spends output 0 of `spends`, which was `from`'s, to `to`.
fn tx(n: u8, spends: u8, from: u8, to: u8) -> UtxoTransaction {
    let output = |n| Output { address: address(n), value: 1 };
    UtxoTransaction {
        id: id(n),
        height: None,
        index: None,
        time: Timestamp::UNIX_EPOCH,
        block: None,
        inputs: vec![Input {
            outpoint: Outpoint { tx: id(spends), index: 0 },
            previous: Some(output(from)),
        }],
        outputs: vec![output(to)],
        is_coinbase: false,
    }
}

fn at(n: u8) -> BlockRef {
    let (hash, parent) = (TxHash::new(&[n; 32]), TxHash::new(&[n - 1; 32]));
    BlockRef { height: n.into(), hash, parent, time: Timestamp::UNIX_EPOCH }
}

fn watching(n: u8) -> Pool {
    Pool::new(HashSet::from([address(n)]))
}

fn is_seen(event: Option<PendingEvent>, n: u8) -> bool {
    matches!(event, Some(PendingEvent::Seen(pending)) if pending.tx == id(n))
}

#[test]
fn what_pays_or_spends_from_a_watched_address_is_seen_once() {
    let mut pool = watching(7);
    assert!(is_seen(pool.add(&tx(1, 90, 7, 8)), 1));
    assert!(is_seen(pool.add(&tx(2, 91, 8, 7)), 2));
    assert_eq!(pool.add(&tx(1, 90, 7, 8)), None);
    assert_eq!(pool.add(&tx(3, 92, 8, 9)), None);
}

#[test]
fn it_is_confirmed_replaced_or_dropped_once() {
    let mut pool = watching(7);
    for n in 1..5 {
        pool.add(&tx(n, 90 + n, 7, 8));
    }
    let confirmed = pool.confirm(at(5), [&tx(1, 91, 7, 8)]);
    assert_eq!(confirmed, [PendingEvent::Confirmed { tx: id(1), height: 5, block: at(5).hash }]);
    assert_eq!(
        pool.remove(id(2), Some(id(60))),
        Some(PendingEvent::Replaced { tx: id(2), by: Some(id(60)) })
    );
    assert_eq!(pool.remove(id(3), None), Some(PendingEvent::Dropped { tx: id(3) }));
    assert_eq!(pool.remove(id(3), None), None);
    assert_eq!(pool.confirm(at(6), [&tx(1, 91, 7, 8)]), []);
    // A block takes what it spends for itself.
    let lost = pool.confirm(at(6), [&tx(61, 94, 8, 8)]);
    assert_eq!(lost, [PendingEvent::Replaced { tx: id(4), by: Some(id(61)) }]);
}

#[test]
fn after_its_block_is_undone_it_is_seen_again() {
    let mut pool = watching(7);
    pool.add(&tx(1, 91, 7, 8));
    pool.confirm(at(5), [&tx(1, 91, 7, 8)]);
    assert!(is_seen(pool.add(&tx(1, 91, 7, 8)), 1));
}

#[test]
fn what_an_input_spends_may_be_unknown() {
    let mut pool = watching(7);
    let mut half = tx(1, 91, 9, 7);
    half.inputs[0].previous = None;
    let Some(PendingEvent::Seen(pending)) = pool.add(&half) else { panic!("it pays 7") };
    assert!(!pending.is_whole);
    assert_eq!(pending.moves.len(), 1);
}

#[derive(Clone, Debug)]
enum Told {
    Add(u8),
    Remove(u8),
    Confirm(Vec<u8>),
}

fn told() -> impl Strategy<Value = Told> {
    prop_oneof![
        (1u8..20).prop_map(Told::Add),
        (1u8..20).prop_map(Told::Remove),
        proptest::collection::vec(1u8..20, 0..4).prop_map(Told::Confirm),
    ]
}

proptest! {
    /// Each transaction's events are Seen, then one end, then Seen again.
    #[test]
    fn every_story_begins_with_seen_and_has_one_end(story in proptest::collection::vec(told(), 0..60)) {
        let mut pool = watching(7);
        // Neighbours spend the same output.
        let made = |n: u8| tx(n, 100 + n / 2, 7, 8);
        let mut open: BTreeSet<TxId> = BTreeSet::new();
        for told in story {
            let events = match told {
                Told::Add(n) => pool.add(&made(n)).into_iter().collect(),
                Told::Remove(n) => pool.remove(id(n), None).into_iter().collect(),
                Told::Confirm(all) => {
                    let txs: Vec<UtxoTransaction> = all.iter().map(|n| made(*n)).collect();
                    pool.confirm(at(5), &txs)
                }
            };
            for event in events {
                let is_first = match &event {
                    PendingEvent::Seen(_) => open.insert(event.tx()),
                    _ => open.remove(&event.tx()),
                };
                prop_assert!(is_first, "{event:?}");
            }
        }
        prop_assert_eq!(open.len(), pool.pending.len());
        prop_assert!(pool.spent.values().all(|tx| open.contains(tx)));
    }
}
