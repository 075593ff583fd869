//! What waits for a block is kept apart, and what became of it; another process reads it.

mod common;

use common::{address, hash, time, tx};
use model::{Asset, Chain, Position, U256, View};
use store::{
    Expected, FollowedBlock, PENDING_MAX, Pending, PendingNews, PendingState, Store, StoreError,
};

const ETH: Chain = Chain::ETHEREUM;

fn expected(n: u8) -> Expected {
    Expected {
        position: (n == 1).then_some(Position::Log(3)),
        from: Some(address(ETH, n)),
        to: (n != 2).then(|| address(ETH, 9)),
        asset: Asset::native(ETH),
        amount: U256::MAX - U256::from(n),
    }
}

fn seen(n: u8) -> (model::TxId, PendingNews) {
    (tx(ETH, n), PendingNews::Seen { moves: vec![expected(n)], is_whole: n != 2 })
}

fn states(store: &Store) -> Vec<PendingState> {
    store.pending(ETH).expect("reads").into_iter().map(|row| row.state).collect()
}

fn block(n: u8) -> FollowedBlock {
    FollowedBlock {
        chain: ETH,
        height: u64::from(n),
        hash: hash(n),
        parent: hash(n - 1),
        time: time(1),
        unseen: String::new(),
        facts: Vec::new(),
    }
}

#[test]
fn what_waits_is_confirmed_replaced_or_dropped_once() {
    let home = tempfile::tempdir().expect("a folder");
    let store = Store::open(home.path()).expect("opens");
    let reader = Store::open(home.path()).expect("opens");
    let first: Vec<_> = (1..=3).map(seen).collect();
    store.tell_pending(&first, time(1)).expect("notes");
    store.tell_pending(&first[1..], time(2)).expect("notes");
    assert_eq!(states(&reader), [PendingState::Waiting; 3]);
    let told = Pending {
        tx: tx(ETH, 2),
        transfer: expected(2),
        is_whole: false,
        first_seen: time(1),
        last_seen: time(2),
        state: PendingState::Waiting,
    };
    assert_eq!(reader.pending(ETH).expect("reads")[1], told);
    assert_eq!(reader.pending(ETH).expect("reads")[0].last_seen, time(1));

    let news = [
        (tx(ETH, 1), PendingNews::Confirmed { height: 12 }),
        (tx(ETH, 2), PendingNews::Replaced { by: Some(tx(ETH, 1)) }),
        (tx(ETH, 3), PendingNews::Dropped),
        (tx(ETH, 4), PendingNews::Dropped),
    ];
    store.tell_pending(&news, time(4)).expect("notes");
    // What became of it already stays.
    let late = [
        (tx(ETH, 1), PendingNews::Dropped),
        (tx(ETH, 2), PendingNews::Dropped),
        (tx(ETH, 3), PendingNews::Replaced { by: None }),
    ];
    store.tell_pending(&late, time(5)).expect("notes");
    let expected = [
        PendingState::Confirmed { height: 12, at: time(4) },
        PendingState::Replaced { by: Some(tx(ETH, 1)), at: time(4) },
        PendingState::Dropped { at: time(4) },
    ];
    assert_eq!(states(&reader), expected);
    assert_eq!(reader.pending(Chain::BITCOIN).expect("reads"), []);
    assert_eq!(reader.coverage().expect("answers"), [], "no view shows any of it");

    // What was given up may be in a block, or wait again.
    let back = [(tx(ETH, 3), PendingNews::Confirmed { height: 13 }), seen(2)];
    store.tell_pending(&back, time(6)).expect("notes");
    let expected =
        [expected[0], PendingState::Waiting, PendingState::Confirmed { height: 13, at: time(6) }];
    assert_eq!(states(&reader), expected);

    // Said again, nothing changes; of another block, that is the news. And one may be in none at all.
    let again = [
        (tx(ETH, 1), PendingNews::Confirmed { height: 12 }),
        (tx(ETH, 3), PendingNews::Confirmed { height: 14 }),
        (tx(ETH, 2), PendingNews::Gone),
    ];
    store.tell_pending(&again, time(7)).expect("notes");
    let moved = PendingState::Confirmed { height: 14, at: time(7) };
    let dropped = PendingState::Dropped { at: time(7) };
    assert_eq!(states(&reader), [expected[0], dropped, moved]);
    let gone = [tx(ETH, 1), tx(ETH, 2)].map(|tx| (tx, PendingNews::Gone));
    store.tell_pending(&gone, time(8)).expect("notes");
    assert_eq!(states(&reader), [PendingState::Dropped { at: time(8) }, dropped, moved]);
}

#[test]
fn what_was_confirmed_in_a_block_that_is_unwound_waits_again() {
    let store = Store::open_in_memory().expect("opens");
    store.tell_pending(&[seen(1), seen(2)], time(1)).expect("notes");
    let mut following = store.follow().expect("nobody else writes");
    following.append(&[block(11), block(12), block(13)]).expect("follows");
    let news = [11, 13].map(|height| PendingNews::Confirmed { height });
    let news: Vec<_> = [tx(ETH, 1), tx(ETH, 2)].into_iter().zip(news).collect();
    following.store().tell_pending(&news, time(2)).expect("notes");
    following.unwind(ETH, 12).expect("unwinds");
    let expected = [PendingState::Confirmed { height: 11, at: time(2) }, PendingState::Waiting];
    assert_eq!(states(following.store()), expected);
    following.unwind(ETH, 10).expect("unwinds");
    assert_eq!(states(following.store()), [PendingState::Waiting; 2]);
}

#[test]
fn the_latest_are_kept() {
    let store = Store::open_in_memory().expect("opens");
    let many = |count: u32| PendingNews::Seen {
        moves: (0..count).map(|_| expected(1)).collect(),
        is_whole: true,
    };
    store.tell_pending(&[(tx(ETH, 1), many(5))], time(0)).expect("notes");
    store.tell_pending(&[(tx(ETH, 2), many(PENDING_MAX - 1))], time(1)).expect("notes");
    assert_eq!(states(&store).len(), PENDING_MAX as usize + 4, "some of one moment too many");
    store.tell_pending(&[seen(3)], time(2)).expect("notes");
    let kept = store.pending(ETH).expect("reads");
    assert_eq!((kept[0].tx, kept.len()), (tx(ETH, 2), PENDING_MAX as usize));
}

#[test]
fn news_that_cannot_be_kept_leave_nothing() {
    let store = Store::open_in_memory().expect("opens");
    let odd = Expected { asset: Asset::native(Chain::BITCOIN), ..expected(1) };
    let news = [seen(1), (tx(ETH, 2), PendingNews::Seen { moves: vec![odd], is_whole: true })];
    let error: StoreError = store.tell_pending(&news, time(1)).expect_err("refused");
    assert!(error.to_string().contains("expected an asset of eip155:1"), "{error}");
    assert_eq!(store.pending(ETH).expect("reads"), []);
}
