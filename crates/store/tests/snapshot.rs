//! A snapshot of segments, split and masked in any way, answers as memory does.

mod common;
#[path = "common/facts.rs"]
#[allow(dead_code, reason = "each file of tests uses its part")]
mod facts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use common::{account, check_same, tx};
use facts::fact;
use model::{
    Account, Address, Asset, AssetMeta, Chain, ColumnBatch, Columns, Direction, Evidence, Fact,
    Limits, Memory, Position, Seek, Timestamp, Transaction, Transfer, TransferKind, TxId, U256,
    UtxoTransaction, View,
};
use proptest::prelude::*;
use roaring::RoaringBitmap;
use store::layers::{Layer, Layers, Mask, Masked};
use store::segment::{Draft, DraftEntry, DraftRow, NOBODY, Segment};
use store::snapshot::{Snapshot, Stand, Step, Walk};

/// Old and new facts, and for each transaction the layers its old and its new version go to.
type Story = (Vec<Fact>, Vec<Fact>, Vec<(usize, usize)>);

const LAYERS: usize = 4;

fn story() -> impl Strategy<Value = Story> {
    (
        prop::collection::vec(fact(), 0..30),
        prop::collection::vec(fact(), 0..30),
        prop::collection::vec((0..LAYERS, 0..LAYERS), 10),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn layers_with_masks_answer_as_memory_does(story in story()) {
        let (memory, snapshot) = split(&story);
        check_same(&snapshot, &memory);
        // What was worked out for the first questions serves the next.
        check_same(&snapshot, &memory);
    }

    #[test]
    fn columns_of_layers_say_what_memory_says(story in story()) {
        let (memory, snapshot) = split(&story);
        for chain in common::CHAINS {
            for since in [None, Some(common::time(3))] {
                let ours = spelled(&snapshot, chain, since);
                prop_assert_eq!(ours, spelled(&memory, chain, since));
            }
        }
    }

    #[test]
    fn a_walk_meets_whom_an_expansion_reaches(story in story(), most in 0usize..4) {
        let (memory, snapshot) = split(&story);
        for chain in common::CHAINS {
            for direction in [Direction::Forward, Direction::Backward] {
                check_walk(&snapshot, &memory, chain, direction, most);
            }
        }
    }

    #[test]
    fn a_snapshot_outlives_what_came_after(story in story()) {
        let (memory, before) = split(&story);
        let layers = Layers::default();
        let after = Snapshot::new(&layers, Arc::default(), Some(&before));
        check_same(&before, &memory);
        check_same(&after, &Memory::default());
    }
}

/// Everything settled, and the same as layers: each transaction in one of them, and what was known of
/// it from the old facts alone in another, masked.
fn split((old, new, places): &Story) -> (Memory, Snapshot) {
    let before = Memory::from_facts(old.clone());
    let now = Memory::from_facts([old.clone(), new.clone()].concat());
    let mut base: BTreeMap<Chain, Vec<Layer>> = BTreeMap::new();
    for chain in common::CHAINS {
        let mut drafts: Vec<Draft> = (0..LAYERS).map(|_| Draft::new(chain)).collect();
        let mut masked: Vec<BTreeSet<TxId>> = vec![BTreeSet::new(); LAYERS];
        for (n, (first, second)) in (0u8..).zip(places) {
            let id = tx(chain, n);
            let is_held = put(&mut drafts[*second], &now, &id);
            if first != second && (is_held || n % 2 == 0) && put(&mut drafts[*first], &before, &id)
            {
                masked[*first].insert(id);
            }
        }
        for ((id, draft), masked) in (1i64..).zip(drafts).zip(masked) {
            base.entry(chain).or_default().push(layer(id, draft, &masked));
        }
    }
    (now.clone(), Snapshot::new(&Layers::new(base, BTreeMap::new()), Arc::new(metas(&now)), None))
}

fn metas(memory: &Memory) -> BTreeMap<Asset, AssetMeta> {
    let metas = memory.assets(&common::assets()).expect("memory answers");
    metas.into_iter().map(|meta| (meta.asset.clone(), meta)).collect()
}

fn layer(id: i64, draft: Draft, masked: &BTreeSet<TxId>) -> Layer {
    let mut bytes = Vec::new();
    Segment::write(draft, &mut bytes).expect("writes");
    let segment = Segment::from_bytes(bytes, "a test").expect("opens");
    let mut entries = RoaringBitmap::new();
    let mut counts = Masked::default();
    for id in masked {
        for entry in segment.entries_of(id.hash.bytes()).expect("reads") {
            entries.insert(entry);
            for row in segment.entry_rows(entry).expect("reads") {
                match segment.row(row).expect("reads").flags.is_hidden {
                    true => counts.unresolved += 1,
                    false => counts.transfers += 1,
                }
            }
        }
    }
    let mut layer = Layer::whole(id, Arc::new(segment));
    layer.hide(&Mask { by: 99, on: id, entries, counts });
    layer
}

/// A settled transaction as entries of a draft. False where there is none.
fn put(draft: &mut Draft, memory: &Memory, id: &TxId) -> bool {
    match memory.transaction(id).expect("memory answers") {
        Some(Transaction::Utxo(tx)) => put_utxo(draft, &tx),
        Some(Transaction::Account { transfers, .. }) => put_transfers(draft, &transfers),
        None => return false,
    }
    true
}

fn put_transfers(draft: &mut Draft, transfers: &[Transfer]) {
    let mut entries: BTreeMap<_, Vec<&Transfer>> = BTreeMap::new();
    for transfer in transfers {
        let place = (transfer.time, transfer.height, transfer.tx_index);
        entries.entry(place).or_default().push(transfer);
    }
    for ((time, height, tx_index), transfers) in entries {
        let first = count(draft);
        for transfer in &transfers {
            let row = row(draft, transfer);
            draft.rows.push(row);
        }
        let hash = draft.hashes.intern(transfers[0].tx.hash.bytes());
        let rows = first..count(draft);
        draft.entries.push(DraftEntry { height, tx_index, ..entry(hash, time, rows) });
    }
}

fn put_utxo(draft: &mut Draft, tx: &UtxoTransaction) {
    let first = count(draft);
    for leg in model::memory::legs(tx) {
        let row = row(draft, &leg);
        draft.rows.push(row);
    }
    for (n, input) in (0u32..).zip(&tx.inputs) {
        let hash = draft.hashes.intern(input.outpoint.tx.hash.bytes());
        let previous = Some((hash, input.outpoint.index));
        let position = Position::Input(n);
        match draft.rows[first as usize..].iter_mut().find(|row| row.position == position) {
            Some(row) => row.previous = previous,
            None => {
                let asset = asset(draft, &Asset::native(tx.id.chain));
                let hidden = DraftRow { position, previous, is_hidden: true, ..nothing(asset) };
                draft.rows.push(hidden);
            }
        }
    }
    let hash = draft.hashes.intern(tx.id.hash.bytes());
    let block = tx.block.map(|block| draft.blocks.intern(block.bytes()));
    let rows = first..count(draft);
    draft.entries.push(DraftEntry {
        height: tx.height,
        tx_index: tx.index,
        is_utxo: true,
        is_coinbase: tx.is_coinbase,
        block,
        ..entry(hash, tx.time, rows)
    });
}

fn count(draft: &Draft) -> u32 {
    u32::try_from(draft.rows.len()).expect("a small draft")
}

fn entry(hash: u32, time: Timestamp, rows: std::ops::Range<u32>) -> DraftEntry {
    DraftEntry {
        hash,
        time,
        height: None,
        tx_index: None,
        rows,
        is_utxo: false,
        is_coinbase: false,
        block: None,
        is_height_told: true,
        told: None,
    }
}

fn row(draft: &mut Draft, transfer: &Transfer) -> DraftRow {
    let asset = asset(draft, &transfer.asset);
    let mut number = |address: &Option<model::Address>| {
        address.as_ref().map_or(NOBODY, |address| draft.addresses.intern(address.bytes()))
    };
    DraftRow {
        from: number(&transfer.from),
        to: number(&transfer.to),
        amount: transfer.amount,
        position: transfer.position.clone(),
        kind: transfer.kind,
        time_source: transfer.time_source,
        ..nothing(asset)
    }
}

fn nothing(asset: u32) -> DraftRow {
    DraftRow {
        from: NOBODY,
        to: NOBODY,
        asset,
        amount: U256::ZERO,
        position: Position::Fee,
        kind: TransferKind::Value,
        time_source: model::TimeSource::Stated,
        evidence: Evidence::Row,
        is_time_told: true,
        is_hidden: false,
        is_previous_told: false,
        previous: None,
    }
}

fn asset(draft: &mut Draft, asset: &Asset) -> u32 {
    let known = draft.assets.iter().position(|known| known == asset);
    let at = known.unwrap_or_else(|| {
        draft.assets.push(asset.clone());
        draft.assets.len() - 1
    });
    u32::try_from(at).expect("few assets")
}

/// A row of columns with every number spelled out.
#[derive(Debug, PartialEq)]
struct Spelled {
    transfer: Transfer,
    from: Option<Account>,
    to: Option<Account>,
    asset: Asset,
    amount: U256,
    time: Timestamp,
    kind: TransferKind,
    /// The first row of the same transaction.
    transaction: usize,
    spends: Option<Transfer>,
}

fn spelled(view: &dyn View, chain: Chain, since: Option<Timestamp>) -> Vec<Spelled> {
    let mut columns = view.columns(chain).expect("columns");
    let mut batch = ColumnBatch::default();
    let mut all: Vec<Spelled> = Vec::new();
    let mut transactions: BTreeMap<u64, usize> = BTreeMap::new();
    columns.rewind(since).expect("rewinds");
    while columns.next(&mut batch).expect("reads") {
        for at in 0..batch.len() {
            let row = spelled_row(columns.as_ref(), &batch, at, |number| {
                *transactions.entry(number).or_insert(all.len())
            });
            all.push(row);
        }
    }
    all
}

fn spelled_row(
    columns: &dyn Columns,
    batch: &ColumnBatch,
    at: usize,
    mut first_of: impl FnMut(u64) -> usize,
) -> Spelled {
    let one = |ordinal: u64| columns.transfers(&[ordinal]).expect("is there").remove(0);
    let account = |number: u32| {
        let account = (number != ColumnBatch::NOBODY).then(|| columns.account(number));
        let account = account.transpose().expect("is there");
        if let Some(account) = &account {
            assert_eq!(columns.number(account).expect("answers"), Some(number));
        }
        account
    };
    let spends = batch.spends[at];
    Spelled {
        transfer: one(batch.ordinals[at]),
        from: account(batch.from[at]),
        to: account(batch.to[at]),
        asset: columns.assets()[batch.assets[at] as usize].clone(),
        amount: batch.amounts[at],
        time: batch.times[at],
        kind: batch.kinds[at],
        transaction: first_of(batch.transactions[at]),
        spends: (spends != ColumnBatch::NONE).then(|| one(spends)),
    }
}

fn check_walk(
    snapshot: &Snapshot,
    memory: &Memory,
    chain: Chain,
    direction: Direction,
    most: usize,
) {
    let mut walk = snapshot.walk(chain);
    for n in 0..6 {
        let account = account(chain, n);
        let all: Vec<Transfer> = memory
            .transfers()
            .iter()
            .filter(|transfer| match direction {
                Direction::Forward => transfer.from_account() == Some(account.clone()),
                Direction::Backward => transfer.to_account() == Some(account.clone()),
            })
            .cloned()
            .collect();
        let Some(number) = walk.number(&account).expect("answers") else {
            assert_eq!(all, []);
            continue;
        };
        let start = Stand { account: number, after: None, bound: None };
        let mut steps = Vec::new();
        walk.neighbours(direction, &[start], usize::MAX, &mut steps).expect("walks");
        assert_eq!(told(&walk, direction, &steps), all);
        check_whole(&walk, &steps, &all);
        for bound in (0..10).map(common::time) {
            let stand = Stand { account: number, after: None, bound: Some(bound) };
            let mut next = Vec::new();
            walk.neighbours(direction, &[stand], most, &mut next).expect("walks");
            let seek = Seek { account: account.clone(), bound: Some(bound) };
            let limits = Limits { per_account: most, ..Limits::NONE };
            let expected = memory.expand(direction, &[seek], &limits).expect("memory answers");
            assert_eq!(told(&walk, direction, &next), expected.reached[0].transfers);
        }
        for (at, step) in steps.iter().enumerate() {
            let stand = Stand { account: number, after: Some(step.ordinal), bound: None };
            let mut next = Vec::new();
            walk.neighbours(direction, &[start, stand], most, &mut next).expect("walks");
            next.retain(|step| step.from == 1);
            let expected = match direction {
                Direction::Forward => &all[at + 1..all.len().min((at + 1).saturating_add(most))],
                Direction::Backward => &all[at.saturating_sub(most)..at],
            };
            assert_eq!(told(&walk, direction, &next), expected);
        }
    }
}

/// Read together, transfers and times are what they are one by one.
fn check_whole(walk: &Walk<'_>, steps: &[Step], all: &[Transfer]) {
    let mut times = Vec::new();
    walk.times(steps, &mut times).expect("answers");
    assert_eq!(times, all.iter().map(|transfer| transfer.time).collect::<Vec<_>>());
    let mut ordinals: Vec<u64> = steps.iter().map(|step| step.ordinal).collect();
    ordinals.sort_unstable();
    let mut count = 0;
    let told = walk.each_whole(&ordinals, |at, whole| {
        let transfer = walk.transfer(ordinals[at])?;
        assert_eq!(at, count);
        assert_eq!(whole.hash, transfer.tx.hash.bytes());
        assert_eq!(whole.from, transfer.from.as_ref().map(Address::bytes));
        assert_eq!(whole.to, transfer.to.as_ref().map(Address::bytes));
        assert_eq!(*whole.asset, transfer.asset);
        assert_eq!((whole.time, whole.amount), (transfer.time, transfer.amount));
        assert_eq!((whole.height, whole.tx_index), (transfer.height, transfer.tx_index));
        assert_eq!(whole.position, transfer.position);
        count += 1;
        Ok(())
    });
    told.expect("answers");
    assert_eq!(count, all.len());
}

/// Steps as the transfers they are, whose other end is who was met.
fn told(walk: &Walk<'_>, direction: Direction, steps: &[Step]) -> Vec<Transfer> {
    let told = steps.iter().map(|step| {
        let transfer = walk.transfer(step.ordinal).expect("is there");
        let other = match direction {
            Direction::Forward => transfer.to_account(),
            Direction::Backward => transfer.from_account(),
        };
        let met = (step.to != Walk::NOBODY).then(|| walk.account(step.to).expect("was met"));
        assert_eq!(met, other);
        transfer
    });
    told.collect()
}

/// Whether each row has a time of its own, too many to be held as a table, or a hundred share one.
#[test]
fn a_walk_over_many_rows_knows_when_they_were() {
    for (rows, each) in [(70_000, 1), (70_000, 100), (3_000, 1)] {
        let snapshot = long_past(Chain::ETHEREUM, rows, each);
        let ordinals = [0, 1, 99, 100, 1023, 1024, rows / 2, rows - 1].map(u64::from);
        let step = |ordinal: u64| Step { from: 0, to: 0, ordinal };
        let walk = snapshot.walk(Chain::ETHEREUM);
        let mut times = Vec::new();
        walk.times(&ordinals.map(step), &mut times).expect("answers");
        let one = |ordinal: u64| walk.transfer(ordinal).expect("is there").time;
        assert_eq!(times, ordinals.map(one));
    }
}

#[test]
fn heights_are_found_among_many_pages() {
    let chain = Chain::ETHEREUM;
    // A hundred transfers a block, some ten blocks a page.
    let snapshot = long_past(chain, 5_000, 100);
    for heights in [0..=0, 9..=10, 10..=10, 20..=29, 49..=60, 50..=60, 12..=u64::MAX] {
        let mut found = Vec::new();
        let scan = snapshot.scan_heights(chain, heights.clone(), &mut |transfer| {
            found.push((transfer.height.expect("all have one"), transfer.amount));
            std::ops::ControlFlow::Continue(())
        });
        scan.expect("scans");
        let of = |height: u64| (0..100).map(move |n| (height, U256::from(height * 100 + n)));
        let expected: Vec<_> = heights.take_while(|at| *at < 50).flat_map(of).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_scan_of_heights_stops_when_told() {
    let mut left = 7;
    let scan = long_past(Chain::ETHEREUM, 3_000, 100).scan_heights(
        Chain::ETHEREUM,
        3..=u64::MAX,
        &mut |_| {
            left -= 1;
            if left == 0 {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        },
    );
    scan.expect("scans");
    assert_eq!(left, 0);
}

/// More than a second thread is started for, read to the end, anew, and from the middle.
#[test]
fn columns_read_ahead_say_what_a_scan_says() {
    let chain = Chain::ETHEREUM;
    let snapshot = long_past(chain, 70_000, 100);
    let mut scanned = Vec::new();
    let scan = snapshot.scan(chain, None, None, &mut |transfer| {
        scanned.push((transfer.from_account(), transfer.amount, transfer.time));
        std::ops::ControlFlow::Continue(())
    });
    scan.expect("scans");
    let mut columns = snapshot.columns(chain).expect("columns");
    let mut batch = ColumnBatch::default();
    assert!(columns.next(&mut batch).expect("reads"));
    let middle = scanned[40_000].2;
    for since in [None, Some(middle), None] {
        columns.rewind(since).expect("rewinds");
        let from = since.map_or(0, |since| scanned.partition_point(|row| row.2 < since));
        let mut at = from;
        while columns.next(&mut batch).expect("reads") {
            for n in 0..batch.len() {
                let sender = Some(columns.account(batch.from[n]).expect("is there"));
                assert_eq!((sender, batch.amounts[n], batch.times[n]), scanned[at]);
                assert_eq!(batch.ordinals[n], at as u64);
                at += 1;
            }
        }
        assert_eq!(at, scanned.len());
        assert!(!columns.next(&mut batch).expect("reads"));
    }
}

fn long_past(chain: Chain, rows: u32, each: u32) -> Snapshot {
    let mut draft = Draft::new(chain);
    let mut hash = [0; 32];
    for n in 0..rows {
        hash[..4].copy_from_slice(&n.to_be_bytes());
        let asset = asset(&mut draft, &Asset::native(chain));
        let end = |modulo: u32| [u8::try_from(n % modulo).expect("small"); 20];
        let (from, to) = (draft.addresses.intern(&end(251)), draft.addresses.intern(&end(241)));
        let (amount, position) = (U256::from(n), Position::Log(n));
        let row = DraftRow { from, to, amount, position, ..nothing(asset) };
        let first = u32::try_from(draft.rows.len()).expect("small");
        draft.rows.push(row);
        let time = 1_500_000_000 + i64::from(n / each);
        draft.entries.push(DraftEntry {
            hash: draft.hashes.intern(&hash),
            time: Timestamp::from_second(time).expect("in range"),
            height: Some(u64::from(n / each)),
            tx_index: Some(n % each),
            rows: first..first + 1,
            is_utxo: false,
            is_coinbase: false,
            block: None,
            is_height_told: true,
            told: None,
        });
    }
    let layer = layer(1, draft, &BTreeSet::new());
    let base = BTreeMap::from([(chain, vec![layer])]);
    Snapshot::new(&Layers::new(base, BTreeMap::new()), Arc::default(), None)
}
