//! Bitcoin inputs whose previous transaction is not held are named, until it arrives.

use model::{Fact, sketch};
use store::{FileRecord, Store};

fn import(store: &mut Store, name: &str, facts: &[Fact]) {
    let record = FileRecord { name: name.into(), purpose: "test".into(), bytes: 0 };
    let mut batch = store.begin(&record).expect("a batch");
    facts.iter().for_each(|fact| batch.put(fact).expect("kept"));
    batch.commit(name).expect("committed");
}

#[test]
fn what_is_missing_is_named_until_it_arrives() {
    let story = sketch::parse(
        "
        chain bitcoin
        t1: t0:0 => a 1 BTC                  day 1
        t2: t1:0 + gone:3 => b 2 BTC         day 2
        t0: coinbase => miner 50 BTC         day 0
    ",
    )
    .expect("a sketch");
    let (late, early) = story.facts.split_last().expect("three facts");
    let mut store = Store::open_in_memory().expect("a store");

    import(&mut store, "early", early);
    let open = store.unresolved(usize::MAX).expect("read");
    assert_eq!(
        open.iter().map(|tx| tx.id).collect::<Vec<_>>(),
        ["t1", "t2"].map(|name| story.tx(name))
    );
    assert_eq!(store.unresolved(1).expect("read").len(), 1);

    import(&mut store, "late", std::slice::from_ref(late));
    let open = store.unresolved(usize::MAX).expect("read");
    let missing: Vec<String> =
        open.iter().flat_map(|tx| tx.unresolved()).map(ToString::to_string).collect();
    assert_eq!(missing, [format!("{}:3", story.tx("gone"))]);
}
