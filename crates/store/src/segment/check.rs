//! Is a segment whole? Every block is read, then whether everything is in order, whether what is named
//! is there, and whether each thing is found by what it is asked for.

use std::cmp::Ordering;

use model::Direction;

use super::entries::{EntryRecord, EntryScratch};
use super::layout::SectionId;
use super::names::{self, Names};
use super::rows::{self, RowScratch};
use super::told::Told;
use super::write::cmp_hashes;
use super::{NOBODY, Segment};
use crate::StoreError;

pub(super) fn check(segment: &Segment) -> Result<(), StoreError> {
    segment.region.check_all()?;
    for names in [&segment.addresses, &segment.asset_names, &segment.blocks] {
        check_names(segment, names)?;
    }
    for asset in 0..segment.head.assets {
        segment.asset(asset)?;
    }
    for address in 0..segment.head.addresses {
        segment.whole_address(address)?;
    }
    check_entries(segment)?;
    check_found(segment)?;
    check_rows(segment)?;
    check_postings(segment)?;
    check_times(segment)
}

fn wrong(segment: &Segment, why: &str) -> StoreError {
    segment.odd(why).into()
}

fn check_names(segment: &Segment, names: &Names) -> Result<(), StoreError> {
    let mut last: Option<(u64, &[u8])> = None;
    for number in 0..names.count {
        let bytes = names.get(&segment.region, number)?;
        let next = Some((names::key(bytes), bytes));
        if last >= next {
            return Err(wrong(segment, "names are out of order"));
        }
        if names.number(&segment.region, bytes)? != Some(number) {
            return Err(wrong(segment, "a name is not found by its bytes"));
        }
        last = next;
    }
    Ok(())
}

/// Are entries in the order of time, and their rows one behind the other?
fn check_entries(segment: &Segment) -> Result<(), StoreError> {
    let mut scratch = EntryScratch::default();
    let (mut number, mut next_row) = (0, 0);
    let mut last: Option<(EntryRecord, &[u8])> = None;
    let mut told = 0;
    for page in 0..segment.entries.groups.group_count() {
        segment.entries.page(&segment.region, page, &mut scratch, |entry| {
            let hash = segment.hash(number)?;
            segment.tx_hash(hash)?;
            let key = |entry: &EntryRecord| (entry.time, entry.height, entry.tx_index);
            let order = last.map(|(before, its_hash)| {
                key(&before).cmp(&key(&entry)).then_with(|| cmp_hashes(its_hash, hash))
            });
            if order.is_some_and(Ordering::is_ge) {
                return Err(segment.odd("entries are out of order"));
            }
            if entry.first_row != next_row {
                return Err(segment.odd("entries leave rows out"));
            }
            if entry.block.is_some_and(|block| block >= segment.blocks.count) {
                return Err(segment.odd("an entry names a block there is not"));
            }
            if let Some(claims) = entry.told {
                if claims != told {
                    return Err(segment.odd("told claims are out of order"));
                }
                told += 1;
            }
            next_row = segment.rows_from(number, entry.first_row)?.end;
            last = Some((entry, hash));
            number += 1;
            Ok(())
        })?;
    }
    let is_whole = next_row == segment.head.rows || number == 0 && segment.head.rows == 0;
    if !is_whole || told != segment.head.told {
        return Err(wrong(segment, "entries leave something out"));
    }
    for claims in 0..told {
        Told::decode(segment.told_blob(u64::from(claims))?, segment.head.chain)?;
    }
    segment.each_block_entry(|_, _| {})?;
    Ok(())
}

/// Is each entry found by its hash?
fn check_found(segment: &Segment) -> Result<(), StoreError> {
    for number in 0..segment.head.entries {
        if !segment.entries_of(segment.hash(number)?)?.contains(&number) {
            return Err(wrong(segment, "an entry is not found by its hash"));
        }
    }
    Ok(())
}

/// Do rows name what is there, and is each input found by what it spends?
fn check_rows(segment: &Segment) -> Result<(), StoreError> {
    let mut scratch = RowScratch::default();
    let (mut number, mut spending, mut open) = (0, Vec::new(), 0u64);
    let mut spends = 0u64;
    for group in 0..segment.rows.groups.group_count() {
        spending.clear();
        segment.rows.group(&segment.region, group, &mut scratch, |row, extra| {
            extra.position(&segment.region, row.position)?;
            let is_address = |end: u32| end == NOBODY || end < segment.head.addresses;
            let is_sound = row.entry < segment.head.entries
                && is_address(row.from)
                && is_address(row.to)
                && row.asset < segment.head.assets
                && row.amount.amount().is_some()
                && row.flags.has_previous == (row.previous != 0);
            if !is_sound {
                return Err(segment.odd("a row names what is not there"));
            }
            if row.previous != 0 {
                spending.push((number, row.flags.is_hidden));
            }
            number += 1;
            Ok(())
        })?;
        for (row, is_hidden) in &spending {
            let (hash, index) = segment.spent(*row)?.unwrap_or_default();
            let is_found = segment.spenders(hash, index)?.contains(row)
                && (!is_hidden || segment.unresolved_spenders(hash)?.contains(row));
            if !is_found {
                return Err(wrong(segment, "an input is not found by what it spends"));
            }
            spends += 1;
            open += u64::from(*is_hidden);
        }
    }
    let is_whole =
        segment.by_outpoint.items().rows == spends && segment.open_inputs.items().rows == open;
    if !is_whole {
        return Err(wrong(segment, "an index names what spends nothing"));
    }
    check_row_entries(segment)
}

/// Is each row of the entry that says it has it?
fn check_row_entries(segment: &Segment) -> Result<(), StoreError> {
    let groups = &segment.rows.groups;
    let mut entry = 0;
    let mut rows = 0..0;
    let mut row = 0;
    let mut is_right = true;
    groups.read_range(&segment.region, rows::ENTRY, 0..groups.rows, |found| {
        while is_right && row >= rows.end && entry < segment.head.entries {
            rows = segment.entry_rows(entry).unwrap_or_default();
            is_right &= rows.start <= row;
            entry += 1;
        }
        is_right &= rows.contains(&row) && found + 1 == u64::from(entry);
        row += 1;
    })?;
    if is_right { Ok(()) } else { Err(wrong(segment, "a row is of another entry")) }
}

/// Is every visible row in the list of each of its ends, once and in order?
fn check_postings(segment: &Segment) -> Result<(), StoreError> {
    let (mut rows, mut neighbours) = (Vec::new(), Vec::new());
    for direction in [Direction::Forward, Direction::Backward] {
        let (own, other) = match direction {
            Direction::Forward => (rows::FROM, rows::TO),
            Direction::Backward => (rows::TO, rows::FROM),
        };
        let mut next = 0;
        for address in 0..segment.head.addresses {
            let range = segment.postings(direction, address)?;
            if range.start != next {
                return Err(wrong(segment, "postings leave something out"));
            }
            next = range.end;
            rows.clear();
            neighbours.clear();
            segment.postings_into(direction, range, &mut rows, &mut neighbours)?;
            if !rows.is_sorted_by(|a, b| a < b) {
                return Err(wrong(segment, "postings are out of order"));
            }
            for (row, neighbour) in rows.iter().zip(&neighbours) {
                let end = |column: usize| segment.rows.get(&segment.region, column, *row);
                let is_right = end(own)? == u64::from(address) + 1
                    && end(other)? == u64::from(neighbour.wrapping_add(1));
                if !is_right {
                    return Err(wrong(segment, "a posting is of another row"));
                }
            }
        }
        if next != visible_ends(segment, own)? || next != segment.directed(direction).postings.rows
        {
            return Err(wrong(segment, "postings leave something out"));
        }
    }
    Ok(())
}

/// How many visible rows have somebody at this end.
fn visible_ends(segment: &Segment, column: usize) -> Result<u64, StoreError> {
    let mut scratch = RowScratch::default();
    let mut count = 0;
    for group in 0..segment.rows.groups.group_count() {
        segment.rows.group(&segment.region, group, &mut scratch, |row, _| {
            let end = if column == rows::FROM { row.from } else { row.to };
            count += u64::from(end != NOBODY && !row.flags.is_hidden);
            Ok(())
        })?;
    }
    Ok(count)
}

fn check_times(segment: &Segment) -> Result<(), StoreError> {
    let mut last = None;
    for at in 0..segment.block_times.rows {
        let (height, _) = segment.block_time_at(at)?;
        if last >= Some(height) {
            return Err(wrong(segment, "block times are out of order"));
        }
        last = Some(height);
    }
    let told = &segment.told_heights;
    segment.read_entries(told, 1, 0..told.rows)?;
    let mut last = 0;
    let mut is_sorted = true;
    told.read_range(&segment.region, 0, 0..told.rows, |height| {
        is_sorted &= last <= height;
        last = height;
    })?;
    let items = segment.sections[SectionId::ToldBytes as usize].items;
    match is_sorted && items == u64::from(segment.head.told) {
        true => Ok(()),
        false => Err(wrong(segment, "told heights are out of order")),
    }
}
