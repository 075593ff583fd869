//! Holds every answer of a segment to the naive one of its story.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, Asset, Chain, Direction, TxHash};
use store::segment::told::{Told, told_of};
use store::segment::{EntryColumns, NOBODY, RowColumns, Segment};

use crate::story::{EntryStory, RowStory, Story};

pub fn check(story: &Story, segment: &Segment) {
    let story = &story.sorted();
    segment.check().expect("whole");
    check_head(story, segment);
    check_entries(story, segment);
    check_rows(story, segment);
    for some in [1, 2, 40] {
        check_whole(story, segment, some);
    }
    check_postings(story, segment);
    check_lookups(story, segment);
    check_spends(story, segment);
    check_block_times(story, segment);
}

fn visible(story: &Story) -> impl Iterator<Item = (usize, &EntryStory, &RowStory)> {
    story.rows().filter(|(_, _, row)| !row.is_hidden)
}

fn check_head(story: &Story, segment: &Segment) {
    let head = segment.head();
    assert_eq!(head.chain, story.chain);
    assert_eq!(head.entries as usize, story.entries.len());
    assert_eq!(head.rows as usize, story.rows().count());
    assert_eq!(head.transfers as usize, visible(story).count());
    let ends = |row: &RowStory| [row.from.clone(), row.to.clone()].into_iter().flatten();
    let addresses: BTreeSet<Address> = story.rows().flat_map(|(_, _, row)| ends(row)).collect();
    assert_eq!(head.addresses as usize, addresses.len());
    let assets: BTreeSet<&Asset> = story.rows().map(|(_, _, row)| &row.asset).collect();
    assert_eq!(head.assets as usize, assets.len());
    assert_eq!(head.time_first, visible(story).map(|(_, entry, _)| entry.time).min());
    assert_eq!(head.time_last, visible(story).map(|(_, entry, _)| entry.time).max());
    let range = |all: BTreeSet<u64>| Some((*all.first()?, *all.last()?));
    assert_eq!(head.heights, range(story.entries.iter().flat_map(EntryStory::heights).collect()));
    let open = visible(story)
        .filter(|(_, _, row)| !row.is_time_told || row.time_source != model::TimeSource::Stated);
    assert_eq!(head.open_heights, range(open.filter_map(|(_, entry, _)| entry.height).collect()));
    let shown = head.shown.expect("it is kept from now on");
    let heights = visible(story).filter_map(|(_, entry, _)| entry.height).collect();
    assert_eq!(shown.heights, range(heights));
    let known: BTreeSet<_> = visible(story)
        .filter(|(_, _, row)| row.time_source != model::TimeSource::Unknown)
        .map(|(_, entry, _)| entry.time)
        .collect();
    assert_eq!(shown.times, known.first().copied().zip(known.last().copied()));
    let hidden = story.rows().filter(|(_, _, row)| row.is_hidden).count();
    assert_eq!(head.unresolved_inputs as usize, hidden);
    assert_eq!(head.told as usize, story.entries.iter().filter(|e| e.told.is_some()).count());
    assert_eq!(
        head.has_nft,
        visible(story).any(|(_, _, row)| row.kind == model::TransferKind::Nft)
    );
    assert_eq!(head.has_utxo, story.entries.iter().any(|entry| entry.is_utxo));
    let sum: u64 = segment.sections().iter().map(|(_, len)| len).sum();
    assert_eq!(sum, segment.bytes_len());
}

fn check_entries(story: &Story, segment: &Segment) {
    let mut row = 0;
    for (number, told) in (0u32..).zip(&story.entries) {
        let entry = segment.entry(number).expect("reads");
        let rows = row..row + told.rows.len() as u32;
        row = rows.end;
        assert_eq!(entry.hash, told.hash);
        assert_eq!(entry.time, told.time);
        assert_eq!(entry.height, told.height);
        assert_eq!(entry.tx_index, told.tx_index);
        assert_eq!(entry.rows, rows);
        assert_eq!(entry.is_utxo, told.is_utxo);
        assert_eq!(entry.is_coinbase, told.is_coinbase);
        assert_eq!(entry.is_height_told, told.is_height_told);
        assert_eq!(entry.has_told, told.told.is_some());
        assert_eq!(entry.block, told.block);
        assert_eq!(segment.entry_hash(number).expect("reads"), told.hash);
        assert_eq!(segment.entry_time(number).expect("reads"), told.time);
        assert_eq!(segment.entry_rows(number).expect("reads"), rows);
        let kept = segment.told(number).expect("reads");
        let kept = kept.map(|bytes| Told::decode(&bytes, story.chain).expect("decodes"));
        assert_eq!(kept, told.told);
    }
    let count = story.entries.len() as u32;
    assert!(segment.entry(count).is_err());
    let mut columns = EntryColumns::default();
    for page in 0..count.div_ceil(Segment::GROUP) {
        segment.entries(page, &mut columns).expect("reads");
        let from = columns.first as usize;
        for (at, told) in story.entries[from..].iter().take(columns.times.len()).enumerate() {
            assert_eq!(columns.times[at], told.time);
            assert_eq!(columns.heights[at], told.height);
            assert_eq!(columns.tx_indexes[at], told.tx_index);
        }
        let expected = (count as usize - from).min(Segment::GROUP as usize);
        assert_eq!(columns.times.len(), expected);
    }
    for told in &story.entries {
        let first = story.entries.iter().position(|entry| entry.time >= told.time);
        assert_eq!(Some(segment.entry_at(told.time).expect("reads") as usize), first);
    }
    assert_eq!(segment.entry_at(model::Timestamp::MIN).expect("reads"), 0);
}

fn check_rows(story: &Story, segment: &Segment) {
    let mut columns = RowColumns::default();
    for (number, (at, entry, told)) in (0u32..).zip(story.rows()) {
        let row = segment.row(number).expect("reads");
        assert_eq!(row.entry as usize, at);
        assert_eq!(segment.row_entry(number).expect("reads") as usize, at);
        assert_eq!(segment.row_time(number).expect("reads"), entry.time);
        let address = |number: u32| match number {
            NOBODY => None,
            number => Some(segment.whole_address(number).expect("reads")),
        };
        assert_eq!(address(row.from), told.from);
        assert_eq!(address(row.to), told.to);
        assert_eq!(segment.asset(row.asset).expect("reads"), told.asset);
        assert_eq!(row.amount, told.amount);
        assert_eq!(row.position, told.position);
        assert_eq!(row.flags.kind, told.kind);
        assert_eq!(row.flags.time_source, told.time_source);
        assert_eq!(row.flags.evidence, told.evidence);
        assert_eq!(row.flags.is_time_told, told.is_time_told);
        assert_eq!(row.flags.is_hidden, told.is_hidden);
        assert_eq!(row.flags.is_previous_told, told.is_previous_told);
        assert_eq!(row.flags.has_previous, told.previous.is_some());
        let transfer = segment.transfer(number).expect("reads");
        assert_eq!(transfer, (!told.is_hidden).then(|| entry.transfer(story.chain, told)));
        if number % Segment::GROUP == 0 {
            segment.rows(number / Segment::GROUP, &mut columns).expect("reads");
        }
        let at = (number - columns.first) as usize;
        assert_eq!(columns.entries[at], row.entry);
        assert_eq!((columns.from[at], columns.to[at]), (row.from, row.to));
        assert_eq!(columns.assets[at], row.asset);
        assert_eq!(columns.amounts[at], row.amount);
        assert_eq!(columns.flags[at], row.flags);
    }
    let rows = story.rows().count() as u32;
    assert!(segment.row(rows).is_err());
    segment.will_need(&(0..rows + 3).collect::<Vec<u32>>());
}

/// Every so many-th row, read with the others.
fn check_whole(story: &Story, segment: &Segment, some: usize) {
    let all: Vec<(u32, &EntryStory, &RowStory)> = (0u32..)
        .zip(story.rows())
        .map(|(number, (_, entry, told))| (number, entry, told))
        .collect();
    let asked: Vec<_> = all.iter().step_by(some).collect();
    let rows: Vec<u32> = asked.iter().map(|(number, ..)| *number).collect();
    let mut count = 0;
    let told = segment.each_whole(&rows, |at, whole| {
        let (number, entry, told) = asked[at];
        assert_eq!((at, whole.row), (count, *number));
        assert_eq!(whole.flags.is_hidden, told.is_hidden);
        let transfer = whole.transfer(segment).expect("reads");
        assert_eq!(transfer, (!told.is_hidden).then(|| entry.transfer(story.chain, told)));
        count += 1;
        Ok(())
    });
    told.expect("reads");
    assert_eq!(count, rows.len());
    let beyond = u32::try_from(all.len()).expect("small");
    assert!(segment.each_whole(&[beyond], |_, _| Ok(())).is_err());
}

fn check_postings(story: &Story, segment: &Segment) {
    let mut listed = [0, 0];
    for number in 0..segment.head().addresses {
        let address = segment.whole_address(number).expect("reads");
        assert_eq!(segment.address(number).expect("reads"), address.bytes());
        assert_eq!(segment.address_number(address.bytes()).expect("reads"), Some(number));
        for (at, direction) in [Direction::Forward, Direction::Backward].into_iter().enumerate() {
            let end = |row: &RowStory| match direction {
                Direction::Forward => (row.from.clone(), row.to.clone()),
                Direction::Backward => (row.to.clone(), row.from.clone()),
            };
            let expected: Vec<(u32, Option<Address>)> = (0u32..)
                .zip(story.rows())
                .filter(|(_, (_, _, row))| !row.is_hidden)
                .map(|(number, (_, _, row))| (number, end(row)))
                .filter(|(_, (own, _))| own.as_ref() == Some(&address))
                .map(|(number, (_, other))| (number, other))
                .collect();
            let range = segment.postings(direction, number).expect("reads");
            let (mut rows, mut neighbours) = (Vec::new(), Vec::new());
            segment
                .postings_into(direction, range.clone(), &mut rows, &mut neighbours)
                .expect("reads");
            let other = |number: u32| match number {
                NOBODY => None,
                number => Some(segment.whole_address(number).expect("reads")),
            };
            let found: Vec<(u32, Option<Address>)> =
                rows.iter().zip(&neighbours).map(|(row, n)| (*row, other(*n))).collect();
            assert_eq!(found, expected);
            for (at, posting) in range.clone().zip(rows.into_iter().zip(neighbours)) {
                assert_eq!(segment.posting(direction, at).expect("reads"), posting);
            }
            listed[at] += range.end - range.start;
        }
    }
    assert!(segment.postings(Direction::Forward, segment.head().addresses).is_err());
    let sent = visible(story).filter(|(_, _, row)| row.from.is_some()).count() as u64;
    let received = visible(story).filter(|(_, _, row)| row.to.is_some()).count() as u64;
    assert_eq!(listed, [sent, received]);
    assert_eq!(segment.address_number(b"nobody").expect("reads"), None);
    let mut numbers = Vec::new();
    segment.address_numbers(&[b"nobody", &[1; 20]], &mut numbers).expect("reads");
    assert_eq!(numbers[0], None);
    assert_eq!(numbers[1], segment.address_number(&[1; 20]).expect("reads"));
}

fn check_lookups(story: &Story, segment: &Segment) {
    let mut by_hash: BTreeMap<TxHash, Vec<u32>> = BTreeMap::new();
    for (number, entry) in (0..).zip(&story.entries) {
        by_hash.entry(entry.hash).or_default().push(number);
    }
    for n in 0..16u8 {
        for hash in [TxHash::new(&[n; 32]), TxHash::new(&[n; 64])] {
            let expected = by_hash.get(&hash).cloned().unwrap_or_default();
            assert_eq!(segment.entries_of(hash.bytes()).expect("reads"), expected);
            if !expected.is_empty() {
                assert!(segment.may_hold(hash.bytes()).expect("reads"));
            } else {
                assert_eq!(told_of(segment, hash.bytes()).expect("reads"), Told::default());
            }
        }
    }
    for block in (0u8..8).map(|n| TxHash::new(&[n | 0x80; 32])) {
        let expected: Vec<u32> = (0..)
            .zip(&story.entries)
            .filter(|(_, entry)| entry.blocks().contains(&block))
            .map(|(number, _)| number)
            .collect();
        assert_eq!(segment.entries_of_block(block.bytes()).expect("reads"), expected);
    }
    for (from, to) in [(0, 0), (1, 3), (0, u64::MAX), (5, u64::MAX), (u64::MAX, u64::MAX), (3, 2)] {
        let is_there =
            |entry: &EntryStory| from <= to && entry.heights().range(from..=to).next().is_some();
        let expected: Vec<u32> = (0..)
            .zip(&story.entries)
            .filter(|(_, entry)| is_there(entry))
            .map(|(number, _)| number)
            .collect();
        assert_eq!(segment.entries_at_heights(from, to).expect("reads"), expected);
    }
    for number in 0..segment.head().assets {
        let asset = segment.asset(number).expect("reads");
        assert_eq!(segment.asset_number(&asset).expect("reads"), Some(number));
    }
    let other = Asset::native(Chain::Evm(777));
    assert_eq!(segment.asset_number(&other).expect("reads"), None);
}

fn check_spends(story: &Story, segment: &Segment) {
    let mut spenders: BTreeMap<(TxHash, u32), Vec<u32>> = BTreeMap::new();
    let mut unresolved: BTreeMap<TxHash, Vec<u32>> = BTreeMap::new();
    for (number, (_, _, row)) in (0..).zip(story.rows()) {
        assert_eq!(segment.previous(number).expect("reads"), row.previous);
        let Some((hash, index)) = row.previous else { continue };
        spenders.entry((hash, index)).or_default().push(number);
        if row.is_hidden {
            unresolved.entry(hash).or_default().push(number);
        }
        let made_by = segment.previous_entry(number).expect("reads");
        let is_here = story.entries.iter().any(|entry| entry.hash == hash);
        assert_eq!(made_by.is_some(), is_here);
        if let Some((entry, at)) = made_by {
            assert_eq!((segment.entry_hash(entry).expect("reads"), at), (hash, index));
        }
    }
    for ((hash, index), rows) in &spenders {
        assert_eq!(segment.spenders(hash.bytes(), *index).expect("reads"), *rows);
        assert_eq!(
            segment.unresolved_spenders(hash.bytes()).expect("reads"),
            unresolved.get(hash).cloned().unwrap_or_default()
        );
    }
    let stranger = TxHash::new(&[0xee; 32]);
    assert!(segment.spenders(stranger.bytes(), 0).expect("reads").is_empty());
    assert!(segment.unresolved_spenders(stranger.bytes()).expect("reads").is_empty());
}

fn check_block_times(story: &Story, segment: &Segment) {
    for height in (0..400).chain([u64::MAX]) {
        let at = story.block_times.range(..=height).next_back().map(|(h, t)| (*h, *t));
        assert_eq!(segment.block_time(height).expect("reads"), at);
        let after = story.block_times.keys().find(|known| **known > height).copied();
        assert_eq!(segment.block_time_after(height).expect("reads"), after);
    }
}
