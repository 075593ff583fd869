//! Writing fails, at every call there is, of segments and of the catalog: whatever was under way, the home holds
//! what it held before or after, is whole, and goes on once there is room again.

mod common;
#[path = "common/failing.rs"]
#[allow(dead_code, reason = "each file of tests uses its part")]
mod failing;

use std::path::Path;
use std::sync::Arc;

use common::{check_same, copy_folder, file, hash, scan, time};
use failing::{Calls, Full, at_calls};
use model::{
    Asset, BlockFact, Chain, Evidence, Fact, Memory, Position, TimeSource, Transfer, TransferKind,
    U256, View,
};
use store::ingest::Sizes;
use store::{FollowedBlock, Store, StoreError};

const ETH: Chain = Chain::ETHEREUM;
const SIZES: Sizes = Sizes { run_rows: 5, fan_out: 2, segment_rows: 60, runs_max: 0 };

fn row(n: u8, log: u8) -> Fact {
    let transfer = Transfer {
        tx: common::tx(ETH, n),
        position: Position::Log(u32::from(log)),
        height: Some(u64::from(n)),
        tx_index: None,
        time: time(n % 10),
        time_source: TimeSource::Stated,
        from: Some(common::address(ETH, n % 5)),
        to: Some(common::address(ETH, (n + 1) % 5)),
        asset: Asset::native(ETH),
        amount: U256::from(n),
        kind: TransferKind::Value,
    };
    Fact::Transfer { transfer, evidence: Evidence::Log }
}

/// Twelve rows, half of them of transactions that are held.
fn rows(from: u8, log: u8) -> Vec<Fact> {
    (from..from + 12).map(|n| row(n, log)).collect()
}

fn block(n: u8) -> FollowedBlock {
    let (height, own, parent, time) = (u64::from(n), hash(n), hash(n - 1), time(n % 10));
    let (some_own, some_parent) = (Some(own), Some(parent));
    let itself = BlockFact {
        chain: ETH,
        hash: some_own,
        parent: some_parent,
        height: Some(height),
        time,
        work: None,
    };
    let mut facts: Vec<Fact> = (0..4).map(|log| row(n % 16, log)).collect();
    facts.push(Fact::Block(itself));
    FollowedBlock { chain: ETH, height, hash: own, parent, time, unseen: String::new(), facts }
}

/// What is under way when the disk fills, on a home with two files and four hot blocks.
type Work = fn(Store) -> Result<(), StoreError>;

fn put(store: &mut Store, name: &str, facts: &[Fact]) -> Result<(), StoreError> {
    let mut batch = store.begin(&file(name))?;
    facts.iter().try_for_each(|fact| batch.put(fact))?;
    batch.commit(name).map(drop)
}

fn home(path: &Path) -> Store {
    let mut store = Store::open(path).expect("opens");
    store.set_sizes(SIZES);
    put(&mut store, "one", &rows(0, 0)).expect("commits");
    put(&mut store, "two", &rows(6, 1)).expect("commits");
    let mut following = store.follow().expect("nobody else writes");
    following.append(&(41..=44).map(block).collect::<Vec<_>>()).expect("follows");
    following.into_store()
}

/// Every fact it holds before and after.
fn facts(more: &[Fact]) -> Memory {
    let followed = (41..=44).flat_map(|n| block(n).facts);
    let all = rows(0, 0).into_iter().chain(rows(6, 1)).chain(followed);
    Memory::from_facts(all.chain(more.iter().cloned()))
}

fn every_call(work: Work, more: &[Fact]) {
    let (before, after) = (facts(&[]), facts(more));
    let made = tempfile::tempdir().expect("a folder");
    drop(home(made.path()));
    at_calls(|calls| fail(made.path(), calls, work, &before, &after));
}

fn fail(made: &Path, calls: &Arc<Calls>, work: Work, before: &dyn View, after: &dyn View) {
    let folder = tempfile::tempdir().expect("a folder");
    copy_folder(made, folder.path());
    let mut store = Store::open(folder.path()).expect("opens");
    store.set_sizes(SIZES);
    store.set_disk(Arc::new(Full::new(calls)));
    let failing = failing::sqlite(calls);
    let done = work(store);
    drop(failing);
    assert!(done.is_ok() || calls.has_failed(), "{done:?}");

    let mut store = Store::open(folder.path()).expect("opens");
    let shown = |view: &dyn View| scan(view, ETH, None, None);
    // A commit that failed in its last sync may be there all the same.
    let is_after = done.is_ok() || shown(&store) == shown(after);
    check_same(&store, if is_after { after } else { before });
    let checked = store::check(folder.path(), &mut |_| {}).expect("looks");
    assert!(checked.is_whole(), "{calls:?}: {:?}", checked.damages);
    store.set_sizes(SIZES);
    store.set_disk(Arc::new(Full::new(&Calls::endless())));
    work(store).expect("there is room again");
    assert_eq!(shown(&Store::open(folder.path()).expect("opens")), shown(after));
}

#[test]
fn an_import() {
    let work: Work = |mut store| put(&mut store, "three", &rows(3, 2));
    every_call(work, &rows(3, 2));
}

#[test]
fn compacting() {
    every_call(|mut store| store.compact().map(drop), &[]);
}

#[test]
fn making_final() {
    every_call(|store| store.follow()?.finalise_now(ETH, 43).map(drop), &[]);
}

#[test]
fn backfilling() {
    let work: Work = |store| {
        let mut following = store.follow()?;
        following.backfill(ETH, (31..=36).map(block).collect())?;
        following.flush()
    };
    let told: Vec<Fact> = (31..=36).flat_map(|n| block(n).facts).collect();
    every_call(work, &told);
}

#[test]
fn unwinding_and_following_on() {
    let work: Work = |store| {
        let mut following = store.follow()?;
        following.unwind(ETH, 42)?;
        following.append(&[block(43), block(44), block(45)])
    };
    let made = tempfile::tempdir().expect("a folder");
    drop(home(made.path()));
    let told = |last: u8| {
        let followed = (41..=last).flat_map(|n| block(n).facts);
        Memory::from_facts(rows(0, 0).into_iter().chain(rows(6, 1)).chain(followed))
    };
    // Between the two commits there is neither branch.
    let heights = [42, 44, 45];
    let expected = heights.map(told);
    at_calls(|calls| {
        let folder = tempfile::tempdir().expect("a folder");
        copy_folder(made.path(), folder.path());
        let mut store = Store::open(folder.path()).expect("opens");
        store.set_disk(Arc::new(Full::new(calls)));
        let failing = failing::sqlite(calls);
        let done = work(store);
        drop(failing);
        let store = Store::open(folder.path()).expect("opens");
        let tip = store.followed().expect("reads").remove(0).tip.expect("a tip").height;
        assert!(if done.is_ok() { tip == 45 } else { calls.has_failed() });
        let shown = heights.iter().position(|height| u64::from(*height) == tip);
        check_same(&store, &expected[shown.expect("one of the states there are")]);
        work(store).expect("there is room again");
        check_same(&Store::open(folder.path()).expect("opens"), &expected[2]);
    });
}

#[test]
fn appending_and_unwinding_need_no_segment() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = home(folder.path());
    store.set_disk(Arc::new(Full::new(&Calls::dying(0))));
    let mut following = store.follow().expect("nobody else writes");
    following.unwind(ETH, 42).expect("unwinds");
    following.append(&[block(43), block(44)]).expect("follows");
    check_same(following.store(), &facts(&[]));
}

#[test]
fn a_disk_that_takes_a_few_bytes_at_a_time_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = home(folder.path());
    let disk = Full { write_most: 7, ..Full::new(&Calls::endless()) };
    store.set_disk(Arc::new(disk));
    put(&mut store, "three", &rows(3, 2)).expect("commits");
    drop(store);
    check_same(&Store::open(folder.path()).expect("opens"), &facts(&rows(3, 2)));
    assert!(store::check(folder.path(), &mut |_| {}).expect("looks").is_whole());
}

#[test]
fn a_chain_whose_segment_is_gone_is_refused_and_the_rest_goes_on() {
    check_damaged(|path| std::fs::remove_file(path).expect("removes"));
}

#[test]
fn a_chain_whose_segment_is_cut_is_refused_and_the_rest_goes_on() {
    check_damaged(|path| {
        let whole = std::fs::read(path).expect("reads");
        std::fs::write(path, &whole[..whole.len() - 7]).expect("writes");
    });
}

fn check_damaged(damage: impl Fn(&Path)) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = home(folder.path());
    let bitcoin =
        |text: &str| model::sketch::parse(&format!("chain bitcoin\n{text}")).expect("reads").facts;
    let told = bitcoin("t0: coinbase => miner 50 BTC  day 0");
    put(&mut store, "bitcoin", &told).expect("commits");
    drop(store);
    let entries = std::fs::read_dir(folder.path().join("segments")).expect("reads");
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    let damaged = entries
        .map(|entry| entry.expect("reads").path())
        .find(|path| name(path).starts_with("eip155"))
        .expect("a segment of Ethereum");
    damage(&damaged);

    let mut store = Store::open(folder.path()).expect("opens all the same");
    let refused = |error: &dyn std::error::Error| {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        assert!(text.contains(&name(&damaged)) && text.contains("store check"), "{text}");
    };
    refused(&store.transactions(&[common::tx(ETH, 1)]).expect_err("refused"));
    refused(&put(&mut store, "three", &rows(3, 2)).expect_err("refused"));
    refused(&store.stats().expect_err("refused"));
    assert_eq!(store.files().expect("reads").len(), 3);
    let memory = facts(&told);
    let btc = Chain::BITCOIN;
    assert_eq!(common::scan(&store, btc, None, None), common::scan(&memory, btc, None, None));
    assert_eq!(store.coverage().expect("says it").len(), 2);
    put(&mut store, "more", &bitcoin("t1: coinbase => miner 5 BTC  day 1")).expect("takes in");

    // A follower is refused too.
    let mut following = store.follow().expect("nobody else writes");
    refused(&following.append(&[block(45)]).expect_err("refused"));
    drop(following);
    let found = store::check(folder.path(), &mut |_| {}).expect("looks");
    let lost: Vec<_> =
        found.damages.into_iter().filter_map(|damage| damage.segment).map(|s| s.row).collect();
    store::drop_damaged(folder.path(), &lost).expect("drops");
    let mut store = Store::open(folder.path()).expect("opens");
    put(&mut store, "one", &[rows(0, 0), rows(6, 1)].concat()).expect("takes in again");
    assert_eq!(common::scan(&store, ETH, None, None), common::scan(&memory, ETH, None, None));
}

/// On disk: the files that were merged away stay as long as somebody reads them.
#[test]
fn a_snapshot_whose_files_were_merged_away_goes_on_answering() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = home(folder.path());
    let reader = Store::open(folder.path()).expect("opens");
    let before = reader.snapshot();
    put(&mut store, "three", &rows(3, 2)).expect("commits");
    let merged = store.compact().expect("compacts");
    assert!(merged.segments_after < merged.segments_before + 1);
    check_same(&before, &facts(&[]));
    check_same(&store, &facts(&rows(3, 2)));
}

/// SQLite keeps no checksums: what a followed block told has one of its own.
#[test]
fn a_flipped_bit_in_what_a_followed_block_told_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(home(folder.path()));
    let db = rusqlite::Connection::open(folder.path().join("interdict.sqlite")).expect("opens");
    let sql = "SELECT segment, facts FROM hot_content ORDER BY segment DESC LIMIT 1";
    let take = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (segment, mut told): (i64, Vec<u8>) = db.query_row(sql, [], take).expect("reads");
    told[9] ^= 1;
    let sql = "UPDATE hot_content SET facts = ?2 WHERE segment = ?1";
    db.execute(sql, rusqlite::params![segment, told]).expect("flips");
    drop(db);
    let checked = store::check(folder.path(), &mut |_| {}).expect("looks");
    assert!(!checked.is_whole());
    let store = Store::open(folder.path()).expect("opens");
    let mut following = store.follow().expect("nobody else writes");
    let error = following.finalise_now(ETH, 44).expect_err("refused").to_string();
    assert!(error.contains("not those that were written"), "{error}");
    following.unwind(ETH, 43).expect("drops it");
    following.append(&[block(44)]).expect("follows again");
    following.finalise_now(ETH, 44).expect("moves");
    check_same(following.store(), &facts(&[]));
}
