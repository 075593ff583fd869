//! The store and the model's memory never differ, in whatever order and split
//! and however often the facts come.

mod common;
#[path = "common/facts.rs"]
mod facts;

use common::{Keeps, account, check_heights, check_same, import};
use facts::{fact, story};
use model::{Chain, Direction, Fact, Limits, Memory, Seek, View};
use proptest::prelude::*;
use store::Store;
use store::ingest::Sizes;
use store::reference::Reference;

const BTC: Chain = Chain::BITCOIN;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_split_answers_as_memory_does((facts, told, sizes) in story()) {
        let memory = Memory::from_facts(facts);
        check_same(&Memory::from_facts(told.clone()), &memory);
        check_imports(&mut Reference::open_in_memory().expect("opens"), &told, &sizes, &memory);
        let mut store = Store::open_in_memory().expect("opens");
        check_imports(&mut store, &told, &sizes, &memory);
        assert_eq!(store.freezes_all(None).expect("reads"), memory.freezes());
    }

    /// Merges that began among a file's runs go on when it is committed, and are named later.
    #[test]
    fn merges_beside_imports_change_no_answer((facts, told, sizes) in story()) {
        let memory = Memory::from_facts(facts);
        let mut store = Store::open_in_memory().expect("opens");
        store.set_sizes(Sizes { run_rows: 2, fan_out: 2, segment_rows: 1000, runs_max: 1000 });
        check_imports(&mut store, &told, &sizes, &memory);
        check_heights(&store.snapshot(), &memory);
        store.compact().expect("compacts");
        check_same(&store, &memory);
        check_heights(&store.snapshot(), &memory);
    }

    #[test]
    fn a_file_told_again_is_known(facts in prop::collection::vec(fact(), 0..40)) {
        let mut store = Store::open_in_memory().expect("opens");
        let first = import(&mut store, "first", &facts);
        prop_assert_eq!(first.transfers_new, store.stats().expect("stats").transfers);
        let second = import(&mut store, "second", &facts);
        prop_assert_eq!(second.transfers_new, 0);
        prop_assert_eq!(second.unresolved_inputs, first.unresolved_inputs);
    }
}

/// Told file by file, and then all again, it answers as memory does.
fn check_imports(store: &mut impl Keeps, told: &[Fact], sizes: &[usize], memory: &Memory) {
    let mut rest = told;
    let mut n = 0;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (file, left) = rest.split_at(rest.len().min(*size));
        import(store, &format!("file {n}"), file);
        (rest, n) = (left, n + 1);
    }
    check_same(store, memory);
    import(store, "all again", told);
    check_same(store, memory);
}

#[test]
fn a_sketch_is_answered_from_disk() {
    let text = "
        chain ethereum
        thief -> a1      100 ETH   day 0
        a1    -> cash1     4 ETH   day 0 +10m
        a1    -> a2       96 ETH   day 0 +10m
        a1    -> fee    0.01 ETH   day 0 +10m
        chain bitcoin
        t0: coinbase => miner 50 BTC               day 0
        t1: t0:0 => a 20 BTC, b 29.9 BTC           day 0 +10m
        t2: missing:3 + t1:1 => c 30 BTC           day 0 +20m
    ";
    let sketch = model::sketch::parse(text).expect("reads");
    let home = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(home.path()).expect("opens");
    let counts = import(&mut store, "sketch", &sketch.facts);
    assert_eq!((counts.transfers_new, counts.transfers_known), (4 + 6, 0));
    assert_eq!(counts.unresolved_inputs, 1);

    drop(store);
    let store = Store::open_existing(home.path()).expect("opens again");
    let memory = sketch.memory();
    for chain in common::CHAINS {
        assert_eq!(
            common::scan(&store, chain, None, None),
            common::scan(&memory, chain, None, None)
        );
    }
    let frontier = [
        Seek::all(sketch.account("a")),
        Seek::all(account(BTC, 1)),
        Seek::all(sketch.account("b")),
    ];
    let ask = |view: &dyn View| {
        view.expand(Direction::Forward, &frontier, &Limits::NONE).expect("expands")
    };
    assert_eq!(ask(&store), ask(&memory));
}

#[test]
fn a_late_previous_transaction_resolves_the_input() {
    let text = "
        chain bitcoin
        t0: coinbase => a 50 BTC   day 0
        t1: t0:0 => b 50 BTC       day 1
    ";
    let facts = model::sketch::parse(text).expect("reads").facts;
    let mut store = Store::open_in_memory().expect("opens");
    let spender = import(&mut store, "t1", &facts[1..]);
    assert_eq!((spender.transfers_new, spender.unresolved_inputs), (1, 1));
    let maker = import(&mut store, "t0", &facts[..1]);
    // Its own output, and the input that spends it.
    assert_eq!((maker.transfers_new, maker.unresolved_inputs), (2, 0));
}
