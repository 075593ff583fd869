//! What a segment costs: `cargo bench -p store --bench segment -- write` (or another name).
//!
//! `SECTIONS=10000000` prints instead what each section of a segment of so many transfers takes.

#![allow(clippy::cast_possible_truncation, reason = "benches stay below 2^32 rows")]
#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use divan::{Bencher, black_box, counter::ItemsCount};
use drill::{Settings, Stream};
use model::{Chain, Direction, TimeSource, Timestamp, Transfer};
use store::segment::{Draft, DraftEntry, DraftRow, NOBODY, RowColumns, Segment, merge};

const SIZES: [u64; 2] = [1_000_000, 10_000_000];

fn main() {
    match std::env::var("SECTIONS").ok().and_then(|count| count.parse().ok()) {
        Some(transfers) => print_sections(transfers),
        None => divan::main(),
    }
}

fn print_sections(transfers: u64) {
    let segment = segment(transfers);
    let mut sections = segment.sections();
    sections.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let each = |bytes: u64| bytes as f64 / f64::from(segment.head().transfers);
    println!("{:#?}", segment.head());
    for (name, bytes) in sections {
        println!("{name:20} {bytes:12} {:8.3} bytes a transfer", each(bytes));
    }
    println!("{:20} {:12} {:8.3}", "all", segment.bytes_len(), each(segment.bytes_len()));
}

/// The generated past, cut in so many drafts one after the other.
fn drafts(transfers: u64, parts: u64) -> Vec<Draft> {
    let settings = Settings::new(Chain::ETHEREUM, 1, transfers);
    let mut stream = Stream::new(settings).expect("it is long enough");
    let mut drafts = vec![Draft::new(Chain::ETHEREUM)];
    let mut last = None;
    while let Some(block) = stream.next_block() {
        let draft = drafts.last_mut().expect("there is one");
        if let Some(height) = block.header.height {
            draft.block_times.push((height, block.header.time));
        }
        for transfer in &block.transfers {
            let tx = Some(transfer.tx);
            let evidence = model::Evidence::Transaction;
            add(draft, transfer, evidence, last == tx);
            last = tx;
        }
        let full = transfers.div_ceil(parts);
        if draft.rows.len() as u64 >= full && (drafts.len() as u64) < parts {
            drafts.push(Draft::new(Chain::ETHEREUM));
            last = None;
        }
    }
    drafts
}

fn add(draft: &mut Draft, transfer: &Transfer, evidence: model::Evidence, is_same_tx: bool) {
    let rows = draft.rows.len() as u32;
    if is_same_tx {
        draft.entries.last_mut().expect("it has one").rows.end = rows + 1;
    } else {
        draft.entries.push(DraftEntry {
            hash: draft.hashes.intern(transfer.tx.hash.bytes()),
            time: transfer.time,
            height: transfer.height,
            tx_index: transfer.tx_index,
            rows: rows..rows + 1,
            is_utxo: false,
            is_coinbase: false,
            block: None,
            is_height_told: true,
            told: None,
        });
    }
    let mut end = |address: &Option<model::Address>| {
        address.as_ref().map_or(NOBODY, |address| draft.addresses.intern(address.bytes()))
    };
    let (from, to) = (end(&transfer.from), end(&transfer.to));
    let known = draft.assets.iter().position(|asset| *asset == transfer.asset);
    let asset = known.unwrap_or_else(|| {
        draft.assets.push(transfer.asset.clone());
        draft.assets.len() - 1
    });
    draft.rows.push(DraftRow {
        from,
        to,
        asset: asset as u32,
        amount: transfer.amount,
        position: transfer.position.clone(),
        kind: transfer.kind,
        time_source: TimeSource::Stated,
        evidence,
        is_time_told: true,
        is_hidden: false,
        is_previous_told: false,
        previous: None,
    });
}

fn written(draft: Draft) -> Vec<u8> {
    let mut bytes = Vec::new();
    Segment::write(draft, &mut bytes).expect("writes");
    bytes
}

type Known = Mutex<BTreeMap<u64, Arc<OnceLock<Arc<Segment>>>>>;

/// Made once for all benches.
fn segment(transfers: u64) -> Arc<Segment> {
    static SEGMENTS: Known = Mutex::new(BTreeMap::new());
    let slot = SEGMENTS.lock().expect("nobody panicked").entry(transfers).or_default().clone();
    let make = || {
        let draft = drafts(transfers, 1).pop().expect("one was asked for");
        let segment = Segment::from_bytes(written(draft), "bench").expect("opens");
        // Blocks are checked at first touch: what is measured here comes after.
        segment.touch_all().expect("whole");
        Arc::new(segment)
    };
    slot.get_or_init(make).clone()
}

/// Numbers below a limit that no prefetcher guesses.
fn scattered(limit: u32) -> impl FnMut() -> u32 {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (((state >> 32) * u64::from(limit)) >> 32) as u32
    }
}

#[divan::bench(args = [1_000_000u64], sample_count = 5, sample_size = 1)]
fn write(bencher: Bencher, transfers: u64) {
    bencher
        .counter(ItemsCount::new(transfers))
        .with_inputs(|| drafts(transfers, 1).pop().expect("one was asked for"))
        .bench_local_values(|draft| {
            let mut bytes = Vec::with_capacity(64 << 20);
            Segment::write(draft, &mut bytes).expect("writes");
            bytes
        });
}

#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn merge_of_eight(bencher: Bencher, transfers: u64) {
    let parts: Vec<Segment> = drafts(transfers, 8)
        .into_iter()
        .map(|draft| Segment::from_bytes(written(draft), "bench").expect("opens"))
        .collect();
    let inputs: Vec<(&Segment, _)> = parts.iter().map(|part| (part, None)).collect();
    bencher.counter(ItemsCount::new(transfers)).bench_local(|| {
        let mut bytes = Vec::with_capacity(64 * transfers as usize);
        merge(&inputs, &mut bytes).expect("merges");
        bytes
    });
}

#[divan::bench(args = SIZES, sample_size = 1000)]
fn row(bencher: Bencher, transfers: u64) {
    let segment = segment(transfers);
    let mut next = scattered(segment.head().rows);
    bencher.bench_local(|| segment.row(black_box(next())).expect("reads"));
}

#[divan::bench(args = SIZES, sample_size = 1000)]
fn transfer(bencher: Bencher, transfers: u64) {
    let segment = segment(transfers);
    let mut next = scattered(segment.head().rows);
    bencher.bench_local(|| segment.transfer(black_box(next())).expect("reads"));
}

#[divan::bench(args = SIZES, sample_size = 1000)]
fn row_time(bencher: Bencher, transfers: u64) {
    let segment = segment(transfers);
    let mut next = scattered(segment.head().rows);
    bencher.bench_local(|| segment.row_time(black_box(next())).expect("reads"));
}

/// One value after the other of the same few rows: what is left when memory waits for nobody.
#[divan::bench(args = SIZES, sample_size = 1000)]
fn row_entry_hot(bencher: Bencher, transfers: u64) {
    let segment = segment(transfers);
    let mut next = scattered(512);
    bencher.bench_local(|| segment.row_entry(black_box(next())).expect("reads"));
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn scan(bencher: Bencher, transfers: u64) {
    let segment = segment(transfers);
    let mut columns = RowColumns::default();
    bencher.counter(ItemsCount::new(segment.head().rows)).bench_local(|| {
        for group in 0..segment.head().rows.div_ceil(Segment::GROUP) {
            segment.rows(group, &mut columns).expect("reads");
            black_box(&columns);
        }
    });
}

#[divan::bench(args = SIZES, sample_size = 1000)]
fn postings(bencher: Bencher, transfers: u64) {
    let segment = segment(transfers);
    let mut next = scattered(segment.head().addresses);
    bencher.bench_local(|| segment.postings(Direction::Forward, next()).expect("reads"));
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn postings_into(bencher: Bencher, transfers: u64) {
    let segment = segment(transfers);
    let (mut rows, mut neighbours) = (Vec::new(), Vec::new());
    let all = segment.postings(Direction::Forward, segment.head().addresses - 1).expect("reads");
    bencher.counter(ItemsCount::new(all.end)).bench_local(|| {
        rows.clear();
        neighbours.clear();
        segment
            .postings_into(Direction::Forward, 0..all.end, &mut rows, &mut neighbours)
            .expect("reads");
    });
}

#[divan::bench(args = SIZES, sample_size = 1000)]
fn address_number(bencher: Bencher, transfers: u64) {
    let segment = segment(transfers);
    let mut next = scattered(segment.head().addresses);
    let known: Vec<Vec<u8>> =
        (0..4096).map(|_| segment.address(next()).expect("reads").to_vec()).collect();
    let mut at = 0;
    bencher.bench_local(|| {
        at = (at + 1) % known.len();
        segment.address_number(black_box(&known[at])).expect("reads")
    });
}

#[divan::bench(args = SIZES, sample_size = 1000)]
fn address_number_of_a_stranger(bencher: Bencher, transfers: u64) {
    let segment = segment(transfers);
    let mut next = scattered(u32::MAX);
    bencher.bench_local(|| {
        let mut bytes = [7; 20];
        bytes[..4].copy_from_slice(&next().to_le_bytes());
        segment.address_number(black_box(&bytes)).expect("reads")
    });
}

#[divan::bench(args = SIZES, sample_size = 1000)]
fn entries_of(bencher: Bencher, transfers: u64) {
    let segment = segment(transfers);
    let mut next = scattered(segment.head().entries);
    bencher
        .with_inputs(|| segment.entry_hash(next()).expect("reads"))
        .bench_local_values(|hash| segment.entries_of(hash.bytes()).expect("reads"));
}

#[divan::bench(args = SIZES, sample_size = 1000)]
fn entry_at(bencher: Bencher, transfers: u64) {
    let segment = segment(transfers);
    let mut next = scattered(segment.head().entries);
    bencher
        .with_inputs(|| segment.entry_time(next()).expect("reads"))
        .bench_local_values(|time: Timestamp| segment.entry_at(time).expect("reads"));
}
