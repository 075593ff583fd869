//! How fast a snapshot answers: pages, frontiers, scans, columns, walks, and the same from a cold disk.
//!
//! `INTERDICT_BENCH_ROWS` says how many transfers (1 M by default), `INTERDICT_BENCH_DIR` where the
//! segment is kept between runs. Dropping what the system caches needs no rights: the file is
//! written, and its pages are given up before a cold run opens it.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use model::{
    Account, Address, Asset, Chain, ColumnBatch, Direction, Evidence, Fact, Limits, Position, Seek,
    TimeSource, Timestamp, Transfer, TransferKind, TxHash, TxId, U256, View,
};
use store::layers::{Layer, Layers};
use store::segment::{Draft, DraftEntry, DraftRow, Segment};
use store::snapshot::{Snapshot, Stand};
use store::{FollowedBlock, Following, Store};

const CHAIN: Chain = Chain::ETHEREUM;

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 20, sample_size = 500)]
fn page_of_100_rows(bencher: Bencher<'_, '_>) {
    let snapshot = hot();
    let limits = Limits { per_account: 100, ..Limits::NONE };
    let seeks = frontier(10_000);
    let mut next = seeks.iter().cycle();
    bencher.bench_local(|| {
        let seek = next.next().expect("it goes round");
        let seek = std::slice::from_ref(seek);
        black_box(snapshot.expand(Direction::Forward, seek, &limits).expect("expands"))
    });
}

#[divan::bench(args = [Direction::Forward, Direction::Backward])]
fn page_of_a_hub(bencher: Bencher<'_, '_>, direction: Direction) {
    let snapshot = hot();
    let limits = Limits { per_account: 100, ..Limits::NONE };
    let frontier = [Seek::all(account(0))];
    bencher.bench(|| snapshot.expand(direction, &frontier, &limits).expect("expands"));
}

#[divan::bench(sample_count = 5)]
fn frontier_of_10_000(bencher: Bencher<'_, '_>) {
    let snapshot = hot();
    let frontier = frontier(10_000);
    let limits = Limits { per_account: 100, ..Limits::NONE };
    let expand = || snapshot.expand(Direction::Forward, &frontier, &limits).expect("expands");
    let rows: usize = expand().reached.iter().map(|reached| reached.transfers.len()).sum();
    bencher.counter(ItemsCount::new(rows)).bench(expand);
}

#[divan::bench(sample_count = 5)]
fn degrees_of_10_000(bencher: Bencher<'_, '_>) {
    let snapshot = hot();
    let accounts: Vec<Account> = frontier(10_000).into_iter().map(|seek| seek.account).collect();
    bencher
        .counter(ItemsCount::new(accounts.len()))
        .bench(|| snapshot.degree(&accounts).expect("counts"));
}

#[divan::bench(sample_count = 3)]
fn scan(bencher: Bencher<'_, '_>) {
    let snapshot = hot();
    bencher.counter(ItemsCount::new(rows())).bench(|| {
        let mut sum = U256::ZERO;
        let visit = &mut |transfer: &Transfer| {
            sum += transfer.amount;
            ControlFlow::Continue(())
        };
        snapshot.scan(CHAIN, None, None, visit).expect("scans");
        sum
    });
}

#[divan::bench(sample_count = 3)]
fn columns(bencher: Bencher<'_, '_>) {
    let snapshot = hot();
    bencher.counter(ItemsCount::new(rows())).bench(|| {
        let mut columns = snapshot.columns(CHAIN).expect("columns");
        let mut batch = ColumnBatch::default();
        let mut sum = 0u64;
        while columns.next(&mut batch).expect("reads") {
            sum += batch.from.iter().map(|from| u64::from(*from)).sum::<u64>();
        }
        sum
    });
}

/// Everybody's neighbours at once: the last hop of a wide walk.
#[divan::bench(sample_count = 3)]
fn neighbours_of_100_000(bencher: Bencher<'_, '_>) {
    let snapshot = hot();
    let mut walk = snapshot.walk(CHAIN);
    let mut stands = Vec::new();
    for seek in frontier(100_000) {
        let number = walk.number(&seek.account).expect("answers");
        stands.extend(number.map(|account| Stand { account, after: None, bound: None }));
    }
    let mut steps = Vec::new();
    walk.neighbours(Direction::Forward, &stands, 10_000, &mut steps).expect("walks");
    bencher.counter(ItemsCount::new(steps.len())).bench_local(|| {
        steps.clear();
        walk.neighbours(Direction::Forward, &stands, 10_000, &mut steps).expect("walks");
    });
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn cold_frontier_of_10_000_at_once(bencher: Bencher<'_, '_>) {
    let frontier = frontier(10_000);
    let limits = Limits { per_account: 100, ..Limits::NONE };
    bencher
        .with_inputs(cold)
        .bench_refs(|snapshot| snapshot.expand(Direction::Forward, &frontier, &limits));
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn cold_frontier_of_10_000_one_by_one(bencher: Bencher<'_, '_>) {
    let frontier = frontier(10_000);
    let limits = Limits { per_account: 100, ..Limits::NONE };
    bencher.with_inputs(cold).bench_refs(|snapshot| {
        for seek in frontier.chunks(1) {
            black_box(snapshot.expand(Direction::Forward, seek, &limits).expect("expands"));
        }
    });
}

/// Dropping the upper hundred of two hundred followed blocks, each followed by itself, and seeing what is left.
#[divan::bench(sample_count = 7, sample_size = 1)]
fn unwind_of_100_blocks(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(Followed::new).bench_refs(|followed| {
        followed.following.unwind(CHAIN, 99).expect("unwinds");
        followed.following.store().snapshot()
    });
}

struct Followed {
    following: Following,
    _folder: tempfile::TempDir,
}

impl Followed {
    fn new() -> Followed {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("opens");
        let mut following = store.follow().expect("nobody else writes");
        let mut random = Random(5);
        let blocks: Vec<FollowedBlock> = (0..200).map(|n| block(n, &mut random)).collect();
        for block in blocks.chunks(1) {
            following.append(block).expect("follows");
        }
        Followed { following, _folder: folder }
    }
}

/// Three hundred transfers.
fn block(height: u64, random: &mut Random) -> FollowedBlock {
    let hash = |n: u64| TxHash::new(&[n.to_le_bytes(); 4].concat());
    let time = Timestamp::from_second(1_600_000_000 + height.cast_signed()).expect("in range");
    let facts = (0..300).map(|n| Fact::Transfer {
        transfer: Transfer {
            tx: TxId { chain: CHAIN, hash: hash(((1 + height) << 32) | (n / 3)) },
            position: Position::Log(u32::try_from(n).expect("small")),
            height: Some(height),
            tx_index: u32::try_from(n / 3).ok(),
            time,
            time_source: TimeSource::Stated,
            from: Some(address(party(random))),
            to: Some(address(party(random))),
            asset: Asset::native(CHAIN),
            amount: U256::from(random.next()),
            kind: TransferKind::Value,
        },
        evidence: Evidence::Log,
    });
    let (hash, parent) = (hash(height), hash(height.wrapping_sub(1)));
    let (unseen, facts) = (String::new(), facts.collect());
    FollowedBlock { chain: CHAIN, height, hash, parent, time, unseen, facts }
}

fn frontier(count: usize) -> Vec<Seek> {
    let mut random = Random(11);
    (0..count).map(|_| Seek::all(account(random.below(addresses())))).collect()
}

fn hot() -> &'static Snapshot {
    static HOT: OnceLock<Snapshot> = OnceLock::new();
    HOT.get_or_init(open)
}

/// Opened with nothing of it in memory.
fn cold() -> Snapshot {
    let path = path();
    if !path.exists() {
        make(&path);
    }
    // GNU dd has the system forget what it keeps of a file when nothing is copied.
    let input = format!("if={}", path.display());
    let done =
        Command::new("dd").args([&input, "iflag=nocache", "count=0", "status=none"]).status();
    assert!(done.is_ok_and(|status| status.success()), "dd gives up the file's pages");
    open()
}

fn open() -> Snapshot {
    let path = path();
    if !path.exists() {
        make(&path);
    }
    let segment = Segment::open(&path).expect("opens");
    let base = BTreeMap::from([(CHAIN, vec![Layer::whole(1, Arc::new(segment))])]);
    Snapshot::new(&Layers::new(base, BTreeMap::new()), Arc::default(), None)
}

fn path() -> PathBuf {
    let folder = std::env::var_os("INTERDICT_BENCH_DIR")
        .map_or_else(|| std::env::temp_dir().join("interdict-bench"), PathBuf::from);
    fs::create_dir_all(&folder).expect("a folder");
    folder.join(format!("view-{}.seg", rows()))
}

fn rows() -> u64 {
    let told = std::env::var("INTERDICT_BENCH_ROWS").ok();
    told.map_or(1_000_000, |told| told.parse().expect("INTERDICT_BENCH_ROWS is a number"))
}

fn addresses() -> u64 {
    rows() / 3
}

/// A past with hubs: 2.5 transfers a transaction, a block of a hundred every twelve seconds.
fn make(path: &std::path::Path) {
    let mut draft = Draft::new(CHAIN);
    draft.assets.push(Asset::native(CHAIN));
    for n in 1..=20 {
        draft.assets.push(Asset::token(CHAIN, address(1_000_000_000 + n)));
    }
    let mut random = Random(3);
    let mut made = 0;
    for tx in 0u64.. {
        if made >= rows() {
            break;
        }
        let count = (1 + random.below(4)).min(rows() - made);
        let first = u32::try_from(made).expect("fewer than 2^32 rows");
        for log in 0..count {
            let row = draft_row(&mut draft, &mut random, u32::try_from(log).expect("few"));
            draft.rows.push(row);
        }
        made += count;
        let end = u32::try_from(made).expect("fewer than 2^32 rows");
        let height = tx / 100;
        let mut hash = [0; 32];
        hash.iter_mut().for_each(|byte| *byte = random.next().to_le_bytes()[0]);
        draft.entries.push(DraftEntry {
            hash: draft.hashes.intern(&hash),
            time: Timestamp::from_second(1_500_000_000 + (height * 12).cast_signed())
                .expect("in range"),
            height: Some(height),
            tx_index: u32::try_from(tx % 100).ok(),
            rows: first..end,
            is_utxo: false,
            is_coinbase: false,
            block: None,
            is_height_told: true,
            told: None,
        });
    }
    let mut bytes = Vec::new();
    Segment::write(draft, &mut bytes).expect("writes");
    fs::write(path, bytes).expect("writes");
}

fn draft_row(draft: &mut Draft, random: &mut Random, log: u32) -> DraftRow {
    let ends = [party(random), party(random)];
    let [from, to] = ends.map(|n| draft.addresses.intern(address(n).bytes()));
    DraftRow {
        from,
        to,
        asset: u32::try_from(random.often(21)).expect("few"),
        amount: U256::from(random.next() >> 20) * U256::from(1_000_000_000u64),
        position: Position::Log(log),
        kind: TransferKind::Value,
        time_source: TimeSource::Stated,
        evidence: Evidence::Log,
        is_time_told: true,
        is_hidden: false,
        is_previous_told: false,
        previous: None,
    }
}

/// One in fifty is one of ten hubs.
fn party(random: &mut Random) -> u64 {
    if random.below(50) == 0 { random.below(10) } else { random.often(addresses()) }
}

fn account(n: u64) -> Account {
    Account { chain: CHAIN, address: address(n) }
}

fn address(n: u64) -> Address {
    let mut random = Random(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut bytes = [0; 20];
    bytes.iter_mut().for_each(|byte| *byte = random.next().to_le_bytes()[3]);
    Address::Evm(bytes)
}

/// Xorshift: the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        u64::try_from((u128::from(self.next()) * u128::from(end)) >> 64).expect("below the end")
    }

    /// Low numbers often, high ones seldom.
    fn often(&mut self, end: u64) -> u64 {
        let (a, b) = (self.below(end), self.below(end));
        let c = self.below(end);
        u64::try_from(
            u128::from(a) * u128::from(b) * u128::from(c) / u128::from(end) / u128::from(end),
        )
        .expect("below the end")
    }
}
