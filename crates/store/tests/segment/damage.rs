//! A damaged file is an error: never another answer, a panic, or a read outside of it.

use model::{Direction, TxHash};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::StoreError;
use store::segment::told::told_of;
use store::segment::{EntryColumns, RowColumns, Segment};
use xxhash_rust::xxh3::xxh3_64;

use crate::{any_story, small, written};

/// Everything a segment can be asked, as text.
pub fn ask_everything(segment: &Segment) -> Result<String, StoreError> {
    let head = segment.head();
    let mut said = format!("{head:?}");
    let mut add = |text: &dyn std::fmt::Debug| said.push_str(&format!("{text:?}\n"));
    let mut entries = EntryColumns::default();
    for page in 0..head.entries.div_ceil(Segment::GROUP) {
        segment.entries(page, &mut entries)?;
        add(&entries);
    }
    for number in 0..head.entries {
        let entry = segment.entry(number)?;
        add(&segment.told(number)?);
        add(&segment.entries_of(entry.hash.bytes())?);
        add(&segment.entry_at(entry.time)?);
        add(&told_of(segment, entry.hash.bytes()).map_err(|error| error.to_string()));
        if let Some(block) = entry.block {
            add(&segment.entries_of_block(block.bytes())?);
        }
        add(&entry);
    }
    let mut rows = RowColumns::default();
    for group in 0..head.rows.div_ceil(Segment::GROUP) {
        segment.rows(group, &mut rows)?;
        add(&rows);
    }
    let every: Vec<u32> = (0..head.rows).collect();
    for some in [every.clone(), every.iter().copied().step_by(7).collect()] {
        segment.each_whole(&some, |_, whole| {
            add(&whole.transfer(segment)?);
            Ok(())
        })?;
    }
    for row in 0..head.rows {
        add(&segment.row(row)?);
        add(&segment.transfer(row)?);
        add(&segment.previous_entry(row)?);
        if let Some((hash, index)) = segment.previous(row)? {
            add(&segment.spenders(hash.bytes(), index)?);
            add(&segment.unresolved_spenders(hash.bytes())?);
        }
    }
    for address in 0..head.addresses {
        let bytes = segment.address(address)?.to_vec();
        add(&segment.address_number(&bytes)?);
        for direction in [Direction::Forward, Direction::Backward] {
            let range = segment.postings(direction, address)?;
            let (mut rows, mut neighbours) = (Vec::new(), Vec::new());
            segment.postings_into(direction, range.clone(), &mut rows, &mut neighbours)?;
            for at in range {
                add(&segment.posting(direction, at)?);
            }
            add(&(rows, neighbours));
        }
        add(&bytes);
    }
    for asset in 0..head.assets {
        let asset = segment.asset(asset)?;
        add(&segment.asset_number(&asset)?);
        add(&asset);
    }
    for height in [0, 1, 2, 9, 25, 361, u64::MAX] {
        add(&segment.block_time(height)?);
        add(&segment.block_time_after(height)?);
        add(&segment.entries_at_heights(height / 2, height)?);
    }
    add(&segment.may_hold(TxHash::new(&[7; 32]).bytes())?);
    segment.will_need(&[0, 5000, u32::MAX]);
    segment.check()?;
    Ok(said)
}

fn open_and_ask(bytes: Vec<u8>) -> Result<String, StoreError> {
    ask_everything(&Segment::from_bytes(bytes, "test")?)
}

#[test]
fn every_flipped_bit_of_a_file_is_noticed() {
    let bytes = written(&small());
    open_and_ask(bytes.clone()).expect("whole");
    for at in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        let error = open_and_ask(bytes).err();
        assert!(error.is_some(), "bit {at} was flipped and nobody noticed");
    }
}

#[test]
fn every_cut_of_a_file_is_noticed() {
    let bytes = written(&small());
    for len in 0..bytes.len() {
        assert!(open_and_ask(bytes[..len].to_vec()).is_err(), "cut to {len} bytes");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(open_and_ask(longer).is_err(), "a byte was added");
}

/// In larger files a block is only read once somebody asks for what is in it.
#[test]
fn a_flipped_bit_never_changes_an_answer() {
    let mut runner = TestRunner::new(Config { cases: 48, ..Config::default() });
    let strategy =
        (any_story(60), proptest::collection::vec((any::<prop::sample::Index>(), 0u8..8), 24));
    runner
        .run(&strategy, |(story, flips)| {
            let bytes = written(&story);
            let whole = open_and_ask(bytes.clone()).expect("whole");
            for (at, bit) in flips {
                let mut bytes = bytes.clone();
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
                if let Ok(answers) = open_and_ask(bytes) {
                    prop_assert_eq!(&answers, &whole, "byte {} bit {}", at, bit);
                }
            }
            Ok(())
        })
        .expect("holds");
}

/// Writes the checksums anew, as somebody would who means harm.
pub fn reseal(bytes: &mut [u8]) {
    const FOOTER: usize = 56;
    let footer = bytes.len() - FOOTER;
    let covered = u64::from_le_bytes(bytes[footer + 8..][..8].try_into().expect("eight bytes"));
    let Ok(covered) = usize::try_from(covered) else { return };
    if covered > footer {
        return;
    }
    let (blocks, sums) = bytes[..footer].split_at_mut(covered);
    for (block, sum) in blocks.chunks(4096).zip(sums.chunks_mut(4)) {
        sum.copy_from_slice(&xxh3_64(block).to_le_bytes()[..sum.len()]);
    }
    let sums = xxh3_64(sums);
    bytes[footer + 16..][..8].copy_from_slice(&sums.to_le_bytes());
    let footer_sum = xxh3_64(&bytes[footer..][..40]);
    bytes[footer + 40..][..8].copy_from_slice(&footer_sum.to_le_bytes());
}

/// What the answers are is up to whoever made the file; that there is no panic is up to us.
#[test]
fn a_file_that_was_changed_on_purpose_is_no_panic() {
    let mut runner = TestRunner::new(Config { cases: 64, ..Config::default() });
    let change = (any::<prop::sample::Index>(), prop_oneof![Just(0), Just(255), any::<u8>()]);
    let changes = proptest::collection::vec(proptest::collection::vec(change, 1..4), 40);
    runner
        .run(&(any_story(12), changes), |(story, changes)| {
            let bytes = written(&story);
            for change in changes {
                let mut bytes = bytes.clone();
                for (at, byte) in change {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
                reseal(&mut bytes);
                if let Ok(segment) = Segment::from_bytes(bytes, "test") {
                    let _ = ask_everything(&segment);
                    let _ = store::segment::merge(&[(&segment, None)], &mut Vec::new());
                }
            }
            Ok(())
        })
        .expect("no panic");
}
