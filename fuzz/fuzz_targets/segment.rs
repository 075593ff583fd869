//! A segment's file that somebody changed on purpose: its checksums are right, what they cover is not.

#![no_main]

use model::Direction;
use store::segment::told::told_of;
use store::segment::{EntryColumns, RowColumns, Segment, merge};
use xxhash_rust::xxh3::xxh3_64;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if bytes.len() > BYTES_MAX {
        return;
    }
    let mut bytes = bytes.to_vec();
    seal(&mut bytes);
    let Ok(segment) = Segment::from_bytes(bytes, "fuzz") else { return };
    ask(&segment);
    // A few bytes can claim many rows of no width: right, but slow to read one by one.
    if segment.head().rows < ROWS_MAX && segment.head().entries < ROWS_MAX {
        let _ = segment.check();
        let mut merged = Vec::new();
        if merge(&[(&segment, None)], &mut merged).is_ok() {
            let merged = Segment::from_bytes(merged, "merged").expect("what is written opens");
            ask(&merged);
        }
    }
});

const BYTES_MAX: usize = 64 << 10;
const ROWS_MAX: u32 = 1 << 14;
const ASKED_MAX: u32 = 200;
const FOOTER: usize = 56;

/// Footer and checksums as the rest has them, so that it is the rest that is tried.
fn seal(bytes: &mut Vec<u8>) {
    let Some(footer) = bytes.len().checked_sub(FOOTER) else { return };
    let field = |at: usize| {
        let bytes = &bytes[footer + at * 8..][..8];
        usize::try_from(u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
    };
    let (Ok(directory), Ok(covered)) = (field(0), field(1)) else { return };
    if covered > footer || directory > covered {
        return;
    }
    bytes.truncate(covered);
    let sums: Vec<u8> =
        bytes.chunks(4096).flat_map(|block| xxh3_64(block).to_le_bytes()[..4].to_vec()).collect();
    let len = covered + sums.len() + FOOTER;
    let mut end: Vec<u8> = [directory as u64, covered as u64, xxh3_64(&sums), len as u64, 0]
        .iter()
        .flat_map(|field| field.to_le_bytes())
        .collect();
    end.extend_from_slice(&xxh3_64(&end).to_le_bytes());
    end.extend_from_slice(b"INTDSEG\x01");
    bytes.extend_from_slice(&sums);
    bytes.extend_from_slice(&end);
}

fn ask(segment: &Segment) {
    let head = segment.head();
    let chain = head.chain;
    for number in 0..head.entries.min(ASKED_MAX) {
        let Ok(entry) = segment.entry(number) else { continue };
        let _ = segment.told(number);
        let _ = segment.entries_of(entry.hash.bytes());
        let _ = segment.entry_at(entry.time);
        let _ = told_of(segment, entry.hash.bytes()).map(|told| {
            let again = store::segment::told::Told::decode(&told.encode(), chain);
            assert_eq!(again.expect("what is told is read back"), told);
        });
        if let Some(block) = entry.block {
            let _ = segment.entries_of_block(block.bytes());
        }
    }
    for row in 0..head.rows.min(ASKED_MAX) {
        let _ = segment.transfer(row);
        let _ = segment.row_time(row);
        let _ = segment.previous_entry(row);
        if let Ok(Some((hash, index))) = segment.previous(row) {
            let _ = segment.spenders(hash.bytes(), index);
            let _ = segment.unresolved_spenders(hash.bytes());
        }
    }
    for address in 0..head.addresses.min(ASKED_MAX) {
        if let Ok(bytes) = segment.address(address) {
            let _ = segment.address_number(bytes);
        }
        for direction in [Direction::Forward, Direction::Backward] {
            let Ok(range) = segment.postings(direction, address) else { continue };
            let few = range.start..range.end.min(range.start + 2000);
            let _ = segment.postings_into(direction, few, &mut Vec::new(), &mut Vec::new());
            let _ = segment.posting(direction, range.start);
        }
    }
    for asset in 0..head.assets.min(ASKED_MAX) {
        let _ = segment.asset(asset).and_then(|asset| segment.asset_number(&asset));
    }
    for height in [0, 1, 9, u64::MAX] {
        let _ = segment.block_time(height);
        let _ = segment.block_time_after(height);
        let _ = segment.entries_at_heights(height / 2, height);
    }
    let _ = segment.entries(0, &mut EntryColumns::default());
    let _ = segment.rows(0, &mut RowColumns::default());
    segment.will_need(&[0, 5000, u32::MAX]);
}
