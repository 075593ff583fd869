//! How fast: the order of time, the kernel of the sweep, and a trace.
//!
//! `cargo bench -p trace`; one of them with `cargo bench -p trace -- taint`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

use divan::{Bencher, counter::ItemsCount};
use model::{
    Account, Address, Asset, Book, Chain, ColumnBatch, Columns, Memory, Position, TimeSource,
    Timestamp, Transfer, TransferKind, TxHash, TxId, U256, ViewError,
};
use trace::order::queue::{Least, radix_sort};
use trace::{Method, Policy, Settings, Source, sweep};

fn main() {
    divan::main();
}

/// Splitmix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u32 {
        u32::try_from(self.next() % n).expect("a small number")
    }
}

const EVENTS: usize = 1_000_000;

/// (time, place) of a year's transfers, as a walk meets them: in no order.
fn events() -> Vec<(u64, u32)> {
    let mut dice = Dice(1);
    (0u32..).take(EVENTS).map(|place| (u64::from(dice.below(31_536_000)), place)).collect()
}

#[divan::bench(sample_count = 10)]
fn order_by_binary_heap(bencher: Bencher) {
    bencher.counter(ItemsCount::new(EVENTS)).with_inputs(events).bench_values(|events| {
        let mut heap: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
        events.into_iter().for_each(|event| heap.push(Reverse(event)));
        let mut ordered = Vec::with_capacity(EVENTS);
        while let Some(Reverse(event)) = heap.pop() {
            ordered.push(event);
        }
        ordered
    });
}

#[divan::bench(sample_count = 10)]
fn order_by_comparing_sort(bencher: Bencher) {
    bencher.counter(ItemsCount::new(EVENTS)).with_inputs(events).bench_values(|mut events| {
        events.sort_unstable();
        events
    });
}

#[divan::bench(sample_count = 10)]
fn order_by_radix_sort(bencher: Bencher) {
    bencher.counter(ItemsCount::new(EVENTS)).with_inputs(events).bench_values(|mut events| {
        radix_sort(&mut events);
        events
    });
}

/// Kahn's queue: what becomes ready is taken by rank, so many waiting at any time.
const READY: [u32; 3] = [100, 10_000, 1_000_000];

#[divan::bench(args = READY, sample_count = 10)]
fn ready_in_binary_heap(bencher: Bencher, ready: u32) {
    bencher.counter(ItemsCount::new(EVENTS)).bench(|| {
        let mut dice = Dice(2);
        let mut heap: BinaryHeap<Reverse<u32>> = (0..ready).map(Reverse).collect();
        let mut sum = 0u64;
        for _ in 0..EVENTS {
            let Some(Reverse(least)) = heap.pop() else { break };
            sum += u64::from(least);
            heap.push(Reverse((least + 1 + dice.below(100_000)) % 16_000_000));
        }
        sum
    });
}

#[divan::bench(args = READY, sample_count = 10)]
fn ready_in_a_tree_of_bits(bencher: Bencher, ready: u32) {
    bencher.counter(ItemsCount::new(EVENTS)).bench(|| {
        let mut dice = Dice(2);
        let mut queue = Least::below(16_000_000);
        (0..ready).for_each(|rank| queue.insert(rank));
        let mut sum = 0u64;
        for _ in 0..EVENTS {
            let Some(least) = queue.pop() else { break };
            sum += u64::from(least);
            queue.insert((least + 1 + dice.below(100_000)) % 16_000_000);
        }
        sum
    });
}

/// A chain made up as it is read: 35 of 100 receivers are new, of the others those known
/// longest are met most. Made once, so that reading costs what copying columns costs.
struct MadeUp {
    from: Vec<u32>,
    to: Vec<u32>,
    amounts: Vec<U256>,
    assets: Vec<Asset>,
    at: usize,
}

const TRANSFERS: usize = 10_000_000;
const ACCOUNTS: u32 = 3_500_000;
const BATCH: usize = 4096;

impl MadeUp {
    fn new() -> MadeUp {
        let mut dice = Dice(3);
        let (mut from, mut to, mut amounts) = (Vec::new(), Vec::new(), Vec::new());
        let mut known: u32 = 2;
        for _ in 0..TRANSFERS {
            from.push(dice.below(u64::from(known)));
            let is_new = dice.below(100) < 35 && known < ACCOUNTS;
            known += u32::from(is_new);
            to.push(if is_new { known - 1 } else { dice.below(u64::from(known)) });
            amounts.push(U256::from(1_000_000_000_000u64 + dice.next() % 1_000_000_000_000_000));
        }
        MadeUp { from, to, amounts, assets: vec![Asset::native(Chain::ETHEREUM)], at: 0 }
    }
}

fn named(number: u32) -> Account {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Account { chain: Chain::ETHEREUM, address: Address::Evm(bytes) }
}

impl Columns for MadeUp {
    fn account_count(&self) -> usize {
        ACCOUNTS as usize
    }

    fn number(&self, account: &Account) -> Result<Option<u32>, ViewError> {
        Ok(account.address.bytes().first_chunk().map(|bytes| u32::from_be_bytes(*bytes)))
    }

    fn account(&self, number: u32) -> Result<Account, ViewError> {
        Ok(named(number))
    }

    fn assets(&self) -> &[Asset] {
        &self.assets
    }

    fn next(&mut self, batch: &mut ColumnBatch) -> Result<bool, ViewError> {
        batch.clear();
        let range = self.at..TRANSFERS.min(self.at + BATCH);
        self.at = range.end;
        let len = range.len();
        batch.ordinals.extend((0u64..).skip(range.start).take(len));
        batch.from.extend_from_slice(&self.from[range.clone()]);
        batch.to.extend_from_slice(&self.to[range.clone()]);
        batch.amounts.extend_from_slice(&self.amounts[range]);
        batch.assets.resize(len, 0);
        batch.times.resize(len, Timestamp::UNIX_EPOCH);
        batch.kinds.resize(len, TransferKind::Value);
        batch.transactions.resize(len, 0);
        batch.spends.resize(len, ColumnBatch::NONE);
        Ok(len > 0)
    }

    fn rewind(&mut self, _since: Option<Timestamp>) -> Result<(), ViewError> {
        self.at = 0;
        Ok(())
    }

    fn transfers(&self, _ordinals: &[u64]) -> Result<Vec<Transfer>, ViewError> {
        Err(ViewError::new("a chain made up for a bench has no whole transfers"))
    }
}

/// A theft by the first account: everything is tainted in the end.
#[divan::bench(args = ["haircut", "tiho", "poison"], sample_count = 3, sample_size = 1)]
fn taint(bencher: Bencher, policy: &str) {
    let mut columns = MadeUp::new();
    let policy: Policy = policy.parse().expect("a policy");
    let mut theft = Settings::forward(vec![Source::Account(named(0))], policy);
    theft.hub_degree = u64::MAX;
    bencher.counter(ItemsCount::new(TRANSFERS)).bench_local(|| {
        let told = sweep::taint(&mut columns, &Book::default(), std::slice::from_ref(&theft));
        black_box(told.expect("a sweep"))
    });
}

/// The host's yardstick: two random purses a transfer, asked for ahead, nothing else.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn random_accesses(bencher: Bencher) {
    let columns = MadeUp::new();
    let mut cells = vec![[0u64; 4]; ACCOUNTS as usize];
    bencher.counter(ItemsCount::new(TRANSFERS)).bench_local(|| {
        for n in 0..TRANSFERS {
            if let (Some(from), Some(to)) = (columns.from.get(n + 24), columns.to.get(n + 24)) {
                prefetch_index::prefetch_index(&cells, *from as usize);
                prefetch_index::prefetch_index(&cells, *to as usize);
            }
            cells[columns.from[n] as usize][0] += 1;
            cells[columns.to[n] as usize][1] += 1;
        }
        black_box(cells[0][0])
    });
}

const TRACED: u64 = 200_000;

/// As [`MadeUp`], in memory, all of it reached by the first account.
fn past() -> Memory {
    let mut dice = Dice(4);
    let mut known: u64 = 2;
    let transfer = |n: u64| {
        let from = dice.below(known);
        known += u64::from(dice.below(100) < 35);
        let to = dice.below(known);
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&Dice(n).next().to_be_bytes());
        Transfer {
            tx: TxId { chain: Chain::ETHEREUM, hash: TxHash::new(&hash) },
            position: Position::Log(0),
            height: Some(n / 100),
            tx_index: u32::try_from(n % 100).ok(),
            time: Timestamp::from_second(1_700_000_000 + i64::try_from(n / 100 * 12).unwrap_or(0))
                .expect("a time of our days"),
            time_source: TimeSource::Stated,
            from: Some(named(from).address),
            to: Some(named(to).address),
            asset: Asset::native(Chain::ETHEREUM),
            amount: U256::from(1_000_000_000_000_000u64 + dice.next() % 1_000_000_000_000_000),
            kind: TransferKind::Value,
        }
    };
    Memory::settled((0..TRACED).map(transfer).collect(), Vec::new(), Vec::new())
}

#[divan::bench(args = ["frontier", "sweep"], sample_count = 3, sample_size = 1)]
fn whole_trace(bencher: Bencher, method: &str) {
    let memory = past();
    let mut settings = Settings::forward(vec![Source::Account(named(0))], Policy::Haircut);
    settings.budget = usize::MAX;
    settings.method = method.parse::<Method>().expect("a method");
    bencher.counter(ItemsCount::new(TRACED)).bench_local(|| {
        black_box(trace::run(&memory, &Book::default(), &settings).expect("a report"))
    });
}
