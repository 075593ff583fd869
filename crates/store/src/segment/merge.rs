//! Several segments and their masks become one.
//!
//! Every section is written in one pass over the inputs, so that no more is held than numbers: per
//! input the new number of each address and asset, and which stretches of its entries went where
//! ([`order`]); for the indexes eight bytes a thing that is found.

mod cursors;
mod numbers;
mod order;

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use self::cursors::{EntryCursor, PostingCursor, RowCursor};
use self::numbers::Numbers;
use self::order::{Order, Run};
use super::bytes::Checked;
use super::code::AmountCode;
use super::draft::Interner;
use super::entries::EntryWriter;
use super::gather::{
    BY_HASH, BY_OPEN, BY_SPENT, Gather, PostingWriter, Stride, ToldWriter, add_block_time,
    outpoint_key, write_block_entries, write_block_times, write_told_heights,
};
use super::index::{Packing, write_index};
use super::layout::SectionId;
use super::names;
use super::out::{Out, SIDE_BY_SIDE, side_by_side};
use super::rows::{RawRow, RowRecord, RowWriter};
use super::{Head, NOBODY, Segment, Sink};
use crate::StoreError;

/// One segment of those that are merged, and which of its entries are left out.
#[derive(Clone, Copy)]
struct Input<'a> {
    segment: &'a Segment,
    mask: Option<&'a RoaringBitmap>,
}

impl Input<'_> {
    fn is_masked(&self, entry: u32) -> bool {
        self.mask.is_some_and(|mask| mask.contains(entry))
    }
}

pub(super) fn merge(
    inputs: &[(&Segment, Option<&RoaringBitmap>)],
    sink: &mut dyn Sink,
) -> Result<Head, StoreError> {
    let inputs: Vec<Input> = inputs
        .iter()
        .map(|(segment, mask)| Input { segment, mask: mask.filter(|mask| !mask.is_empty()) })
        .collect();
    let Some(first) = inputs.first() else {
        return Err(StoreError::value("merge segments", "there are none"));
    };
    let chain = first.segment.head.chain;
    if inputs.iter().any(|input| input.segment.head.chain != chain) {
        return Err(StoreError::value("merge segments", "they are of several chains"));
    }
    let mut out = Out::new(sink)?;
    let mut gather = Gather::new(chain);
    let numbers = Numbers::find(&inputs)?;
    numbers.write(&inputs, &mut gather.head, &mut out)?;
    let merge =
        Merge { order: write_entries(&inputs, &numbers, &mut gather, &mut out)?, inputs, numbers };
    merge.write_told(&mut gather, &mut out)?;
    merge.write_blocks(&mut out)?;
    let rows = |out: &mut Out| {
        merge.write_hashes(out)?;
        merge.write_rows(&mut gather, out)
    };
    let found_by = |out: &mut Out| {
        merge.write_postings(out)?;
        merge.write_hash_index(out)
    };
    side_by_side(&mut out, merge.order.rows >= SIDE_BY_SIDE, rows, found_by)?;
    merge.write_block_times(&mut out)?;
    gather.finish(out)
}

/// What the passes over rows and postings need to know.
struct Merge<'a> {
    inputs: Vec<Input<'a>>,
    numbers: Numbers,
    order: Order,
}

/// Merges the entries by time and writes them, and notes where each went.
fn write_entries(
    inputs: &[Input],
    numbers: &Numbers,
    gather: &mut Gather,
    out: &mut Out,
) -> Result<Order, StoreError> {
    let mut order = Order::new(inputs.len());
    let mut writer = EntryWriter::new();
    order::merge(inputs, |input, number, record, rows| {
        let mut entry = *record;
        entry.first_row = order.rows;
        entry.block = record.block.map(|block| numbers.blocks[input].of(block));
        if let Some(told) = record.told {
            entry.told = Some(order.add_told(input, told));
        }
        gather.entry(&entry);
        order.add(input, number, record.first_row, rows)?;
        writer.push(&entry, out)
    })?;
    writer.finish(out)?;
    order.index(inputs);
    Ok(order)
}

impl Merge<'_> {
    fn write_told(&self, gather: &mut Gather, out: &mut Out) -> Result<(), StoreError> {
        let mut told = ToldWriter::new();
        for (input, number) in &self.order.told {
            told.push(self.inputs[*input].segment.told_blob(u64::from(*number))?, out)?;
        }
        told.finish(out)?;
        let mut heights = Vec::new();
        for (at, input) in self.inputs.iter().enumerate() {
            let groups = &input.segment.told_heights;
            let all = input.segment.read_entries(groups, 1, 0..groups.rows)?;
            let mut entries = all.into_iter();
            groups.read_range(&input.segment.region, 0, 0..groups.rows, |height| {
                let entry = entries.next().and_then(|entry| self.order.entry(at, entry));
                heights.extend(entry.map(|entry| (height, entry)));
            })?;
        }
        heights.iter().for_each(|(height, _)| gather.height(*height));
        write_told_heights(heights, out)
    }

    fn write_blocks(&self, out: &mut Out) -> Result<(), StoreError> {
        let mut pairs = Vec::new();
        for (at, input) in self.inputs.iter().enumerate() {
            input.segment.each_block_entry(|block, entry| {
                if let Some(entry) = self.order.entry(at, entry) {
                    pairs.push((self.numbers.blocks[at].of(block), entry));
                }
            })?;
        }
        write_block_entries(pairs, self.numbers.block_count, out)
    }

    fn write_hashes(&self, out: &mut Out) -> Result<(), StoreError> {
        let strides = self.inputs.iter().filter(|input| input.segment.head.entries > 0);
        let strides = strides.filter_map(|input| input.segment.stride(SectionId::Hashes));
        let stride = strides.reduce(Stride::and).unwrap_or(Stride::Short);
        self.each_hash(|_, hash| stride.put(hash, out))?;
        out.end_section(SectionId::Hashes, u64::from(self.order.entries))
    }

    fn write_hash_index(&self, out: &mut Out) -> Result<(), StoreError> {
        let count = u64::from(self.order.entries);
        let packing = Packing::below(count);
        let mut packed = Vec::with_capacity(self.order.entries as usize);
        self.each_hash(|number, hash| {
            packed.push(packing.pack(names::key(hash), number));
            Ok(())
        })?;
        write_index(packed, count, &BY_HASH, out)
    }

    /// Calls back with each entry's new number and its hash, in order.
    fn each_hash(
        &self,
        mut visit: impl FnMut(u32, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for run in &self.order.runs {
            let segment = self.inputs[run.input].segment;
            for offset in 0..run.entries {
                visit(run.new + offset, segment.hash(run.old + offset)?)?;
            }
        }
        Ok(())
    }

    fn write_rows(&self, gather: &mut Gather, out: &mut Out) -> Result<(), StoreError> {
        let mut writer = RowWriter::new();
        let mut spends = Spends::new(self);
        let cursor = |(at, input)| RowCursor::new(input, &self.numbers, at);
        let mut rows: Vec<RowCursor> = self.inputs.iter().enumerate().map(cursor).collect();
        let mut entries: Vec<EntryCursor> = self.inputs.iter().map(EntryCursor::new).collect();
        for run in &self.order.runs {
            let cursor = &mut rows[run.input];
            for old in run.old_row..run.old_row + run.rows {
                let (row, position) = cursor.get(old)?;
                let at = entries[run.input].get(row.entry)?;
                gather.row(at.time, at.height, row.flags);
                let new = old - run.old_row + run.new_row;
                let record = RowRecord {
                    entry: self.new_entry(run, &row)?,
                    from: row.from,
                    to: row.to,
                    asset: row.asset,
                    amount: narrowed(row.amount),
                    position,
                    flags: row.flags,
                    previous: spends.add(run.input, new, &row, self)?,
                    previous_index: row.previous_index,
                };
                writer.push(&record, out)?;
            }
        }
        writer.finish(out)?;
        spends.write(u64::from(self.order.rows), out)
    }

    fn new_entry(&self, run: &Run, row: &RawRow) -> Checked<u32> {
        let offset = row.entry.checked_sub(run.old).filter(|offset| *offset < run.entries);
        let odd = || self.inputs[run.input].segment.odd("a row is of an entry elsewhere");
        offset.map(|offset| run.new + offset).ok_or_else(odd)
    }

    fn write_postings(&self, out: &mut Out) -> Result<(), StoreError> {
        let sections = [(SectionId::Out, SectionId::OutEnds), (SectionId::In, SectionId::InEnds)];
        for (at, (postings, ends)) in sections.into_iter().enumerate() {
            let mut writer = PostingWriter::new();
            let mut cursors: Vec<PostingCursor> = self
                .inputs
                .iter()
                .zip(&self.numbers.addresses)
                .enumerate()
                .map(|(input, (of, numbers))| PostingCursor::new(of.segment, at, input, numbers))
                .collect();
            let mut list = Vec::new();
            for address in 0..self.numbers.address_count {
                list.clear();
                for cursor in &mut cursors {
                    cursor.take(address, &self.order, &mut list)?;
                }
                if !list.is_sorted() {
                    list.sort_unstable();
                }
                for (row, neighbour) in &list {
                    writer.push(*row, *neighbour, out)?;
                }
                writer.end_address();
            }
            writer.finish(postings, ends, out)?;
        }
        Ok(())
    }

    fn write_block_times(&self, out: &mut Out) -> Result<(), StoreError> {
        let mut times = BTreeMap::new();
        for input in &self.inputs {
            for at in 0..input.segment.block_times.rows {
                let (height, time) = input.segment.block_time_at(at)?;
                add_block_time(&mut times, height, time);
            }
        }
        write_block_times(&times, out)
    }

    /// The first entry of a transaction in what is written.
    fn find(&self, hash: &[u8]) -> Result<Option<u32>, StoreError> {
        let mut first = None;
        for (at, input) in self.inputs.iter().enumerate() {
            for entry in input.segment.entries_of(hash)? {
                let entry = self.order.entry(at, entry);
                first = match (first, entry) {
                    (Some(first), Some(entry)) => Some(entry.min(first)),
                    (first, entry) => first.or(entry),
                };
            }
        }
        Ok(first)
    }
}

/// An amount that was wide only among its neighbours may be small among others.
fn narrowed(amount: AmountCode) -> AmountCode {
    match amount {
        AmountCode::Wide(amount) => AmountCode::of(amount),
        small => small,
    }
}

/// What inputs spend, in the numbers of what is written.
struct Spends {
    externals: Interner,
    /// Of each input's external hashes, the reference they became; 0 where nobody asked yet.
    known: Vec<Vec<u64>>,
    by_outpoint: Vec<u64>,
    open: Vec<u64>,
    packing: Packing,
}

impl Spends {
    fn new(merge: &Merge) -> Spends {
        let known = merge.inputs.iter().map(|input| {
            let items = input.segment.sections[SectionId::Externals as usize].items;
            vec![0; usize::try_from(items).expect("they lie in memory")]
        });
        Spends {
            externals: Interner::new(),
            known: known.collect(),
            by_outpoint: Vec::new(),
            open: Vec::new(),
            packing: Packing::below(u64::from(merge.order.rows)),
        }
    }

    fn add(
        &mut self,
        input: usize,
        number: u32,
        row: &RawRow,
        merge: &Merge,
    ) -> Result<u64, StoreError> {
        let Some(reference) = row.previous.checked_sub(1) else { return Ok(0) };
        let segment = merge.inputs[input].segment;
        let hash = segment.referred(reference)?;
        self.by_outpoint.push(self.packing.pack(outpoint_key(hash, row.previous_index), number));
        if row.flags.is_hidden {
            self.open.push(self.packing.pack(names::key(hash), number));
        }
        let Some(external) = reference.checked_sub(u64::from(segment.head.entries)) else {
            let entry = u32::try_from(reference).expect("it is below the entries");
            return match merge.order.entry(input, entry) {
                Some(entry) => Ok(u64::from(entry) + 1),
                None => self.resolve(hash, merge),
            };
        };
        let place = usize::try_from(external).expect("it was read from there");
        if self.known[input][place] == 0 {
            self.known[input][place] = self.resolve(hash, merge)?;
        }
        Ok(self.known[input][place])
    }

    fn resolve(&mut self, hash: &[u8], merge: &Merge) -> Result<u64, StoreError> {
        let entries = u64::from(merge.order.entries);
        if let Some(external) = self.externals.find(hash) {
            return Ok(entries + 1 + u64::from(external));
        }
        Ok(match merge.find(hash)? {
            Some(entry) => u64::from(entry) + 1,
            None => entries + 1 + u64::from(self.externals.intern(hash)),
        })
    }

    fn write(self, rows: u64, out: &mut Out) -> Result<(), StoreError> {
        let hashes = || (0..self.externals.len()).map(|number| self.externals.get(number));
        let stride = Stride::of(hashes());
        for hash in hashes() {
            stride.put(hash, out)?;
        }
        out.end_section(SectionId::Externals, u64::from(self.externals.len()))?;
        write_index(self.by_outpoint, rows, &BY_SPENT, out)?;
        write_index(self.open, rows, &BY_OPEN, out)
    }
}

/// The new numbers of what an input calls by old ones.
struct Renumbered(Vec<u32>);

impl Renumbered {
    /// [`NOBODY`] stays nobody.
    #[inline]
    fn of(&self, old: u32) -> u32 {
        self.0.get(old as usize).copied().unwrap_or(NOBODY)
    }
}
