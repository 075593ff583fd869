//! What writing and merging share: the sections that are the same however their content was found.

use std::collections::BTreeMap;

use model::{Chain, Timestamp};
use xxhash_rust::xxh3::Xxh3Default;

use super::code::split_time;
use super::entries::EntryRecord;
use super::index::IndexIds;
use super::layout::{SectionId, encode_head};
use super::out::Out;
use super::packed::{ColumnWriter, GROUP, GroupWriter};
use super::{Head, RowFlags};
use crate::StoreError;

pub(super) const BY_HASH: IndexIds = IndexIds {
    radix: SectionId::HashRadix,
    prints: SectionId::HashPrints,
    items: SectionId::HashItems,
    filter: Some(SectionId::HashFilter),
};

pub(super) const BY_SPENT: IndexIds = IndexIds {
    radix: SectionId::SpendRadix,
    prints: SectionId::SpendPrints,
    items: SectionId::SpendItems,
    filter: None,
};

pub(super) const BY_OPEN: IndexIds = IndexIds {
    radix: SectionId::OpenRadix,
    prints: SectionId::OpenPrints,
    items: SectionId::OpenItems,
    filter: None,
};

/// The key an outpoint is found by.
pub(super) fn outpoint_key(hash: &[u8], index: u32) -> u64 {
    let mut hasher = Xxh3Default::new();
    hasher.update(hash);
    hasher.update(&index.to_le_bytes());
    hasher.digest()
}

/// Fills in a head while entries and rows go by.
pub(super) struct Gather {
    pub head: Head,
}

impl Gather {
    pub(super) fn new(chain: Chain) -> Gather {
        Gather { head: Head::empty(chain) }
    }

    pub(super) fn entry(&mut self, entry: &EntryRecord) {
        self.head.entries += 1;
        self.head.told += u32::from(entry.told.is_some());
        self.head.has_utxo |= entry.is_utxo;
        if let Some(height) = entry.height {
            self.height(height);
        }
    }

    pub(super) fn height(&mut self, height: u64) {
        self.head.heights = Some(widened(self.head.heights, height));
    }

    pub(super) fn row(&mut self, time: Timestamp, height: Option<u64>, flags: RowFlags) {
        let head = &mut self.head;
        head.rows += 1;
        if flags.is_hidden {
            head.unresolved_inputs += u32::from(flags.has_previous);
            return;
        }
        head.transfers += 1;
        head.has_nft |= flags.kind == model::TransferKind::Nft;
        head.time_first = Some(head.time_first.map_or(time, |first| first.min(time)));
        head.time_last = Some(head.time_last.map_or(time, |last| last.max(time)));
        let shown = head.shown.get_or_insert_default();
        if let Some(height) = height {
            shown.heights = Some(widened(shown.heights, height));
        }
        if flags.time_source != model::TimeSource::Unknown {
            shown.times = Some(widened(shown.times, time));
        }
        let is_open = !flags.is_time_told || flags.time_source != model::TimeSource::Stated;
        if let (Some(height), true) = (height, is_open) {
            head.open_heights = Some(widened(head.open_heights, height));
        }
    }

    pub(super) fn finish(self, mut out: Out) -> Result<Head, StoreError> {
        out.put(&encode_head(&self.head))?;
        out.end_section(SectionId::Head, 1)?;
        out.finish()?;
        Ok(self.head)
    }
}

fn widened<T: Ord + Copy>(range: Option<(T, T)>, value: T) -> (T, T) {
    range.map_or((value, value), |(low, high)| (low.min(value), high.max(value)))
}

/// Byte strings one behind the other, each with its number.
pub(super) struct ToldWriter {
    ends: Vec<u64>,
    end: u64,
}

impl ToldWriter {
    pub(super) fn new() -> ToldWriter {
        ToldWriter { ends: vec![0], end: 0 }
    }

    /// Returns the number of what was put.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Out) -> Result<u32, StoreError> {
        let number = u32::try_from(self.ends.len() - 1).expect("fewer than entries");
        self.end += bytes.len() as u64;
        self.ends.push(self.end);
        out.put(bytes)?;
        Ok(number)
    }

    pub(super) fn finish(self, out: &mut Out) -> Result<(), StoreError> {
        let count = self.ends.len() as u64 - 1;
        out.end_section(SectionId::ToldBytes, count)?;
        write_column(SectionId::ToldEnds, &self.ends, count > 0, out)
    }
}

fn write_column(
    id: SectionId,
    values: &[u64],
    is_needed: bool,
    out: &mut Out,
) -> Result<(), StoreError> {
    if !is_needed {
        return Ok(());
    }
    let mut column = ColumnWriter::new();
    for value in values {
        column.push(*value, out)?;
    }
    column.finish(id, out)
}

/// Heights of told claims, and whose: `pairs` in any order.
pub(super) fn write_told_heights(
    mut pairs: Vec<(u64, u32)>,
    out: &mut Out,
) -> Result<(), StoreError> {
    pairs.sort_unstable();
    pairs.dedup();
    let mut groups = GroupWriter::new(2);
    for some in pairs.chunks(GROUP) {
        let heights: Vec<u64> = some.iter().map(|(height, _)| *height).collect();
        let entries: Vec<u64> = some.iter().map(|(_, entry)| u64::from(*entry)).collect();
        groups.group(&[&heights, &entries], &[], out)?;
    }
    groups.finish(SectionId::ToldHeights, out)
}

/// Which entries name a block: pairs of block and entry, in any order.
pub(super) fn write_block_entries(
    mut pairs: Vec<(u32, u32)>,
    blocks: u32,
    out: &mut Out,
) -> Result<(), StoreError> {
    if blocks == 0 {
        return Ok(());
    }
    pairs.sort_unstable();
    pairs.dedup();
    let mut entries = ColumnWriter::new();
    for (_, entry) in &pairs {
        entries.push(u64::from(*entry), out)?;
    }
    entries.finish(SectionId::BlockEntries, out)?;
    let mut ends = ColumnWriter::new();
    let mut end = 0;
    ends.push(0, out)?;
    for block in 0..blocks {
        end += pairs[end..].partition_point(|(of, _)| *of <= block);
        ends.push(end as u64, out)?;
    }
    ends.finish(SectionId::BlockEntryEnds, out)
}

pub(super) fn write_block_times(
    times: &BTreeMap<u64, Timestamp>,
    out: &mut Out,
) -> Result<(), StoreError> {
    let mut groups = GroupWriter::new(3);
    let mut columns: [Vec<u64>; 3] = Default::default();
    for (height, time) in times {
        let (seconds, nanos) = split_time(*time);
        for (column, value) in columns.iter_mut().zip([*height, seconds, u64::from(nanos)]) {
            column.push(value);
        }
        if columns[0].len() == GROUP {
            groups.group(&columns.each_ref().map(Vec::as_slice), &[], out)?;
            columns.iter_mut().for_each(Vec::clear);
        }
    }
    if !columns[0].is_empty() {
        groups.group(&columns.each_ref().map(Vec::as_slice), &[], out)?;
    }
    groups.finish(SectionId::BlockTimes, out)
}

/// Keeps the latest of the times stated for a height.
pub(super) fn add_block_time(times: &mut BTreeMap<u64, Timestamp>, height: u64, time: Timestamp) {
    times.entry(height).and_modify(|known| *known = time.max(*known)).or_insert(time);
}

/// Hashes side by side: all of 32 bytes, all of 64, or one byte for the length and room for 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stride {
    Short,
    Long,
    Mixed,
}

impl Stride {
    pub(super) fn of<'a>(mut hashes: impl Iterator<Item = &'a [u8]>) -> Stride {
        let Some(first) = hashes.next() else { return Stride::Short };
        if hashes.any(|hash| hash.len() != first.len()) {
            return Stride::Mixed;
        }
        Stride::from_len(first.len())
    }

    /// Of one hash.
    pub(super) fn from_len(len: usize) -> Stride {
        if len == 32 { Stride::Short } else { Stride::Long }
    }

    /// Of the hashes of two segments together.
    pub(super) fn and(self, other: Stride) -> Stride {
        if self == other { self } else { Stride::Mixed }
    }

    pub(super) fn bytes(self) -> usize {
        match self {
            Stride::Short => 32,
            Stride::Long => 64,
            Stride::Mixed => 65,
        }
    }

    pub(super) fn put(self, hash: &[u8], out: &mut Out) -> Result<(), StoreError> {
        if self != Stride::Mixed {
            return out.put(hash);
        }
        let mut slot = [0; 65];
        slot[0] = hash.len().to_le_bytes()[0];
        slot[1..=hash.len()].copy_from_slice(hash);
        out.put(&slot)
    }

    /// The hash in its slot.
    pub(super) fn get(self, slot: &[u8]) -> Option<&[u8]> {
        if self != Stride::Mixed {
            return Some(slot);
        }
        let (len, rest) = slot.split_first()?;
        matches!(len, 32 | 64).then(|| &rest[..usize::from(*len)])
    }
}

/// Writes one direction's postings, address by address.
pub(super) struct PostingWriter {
    groups: GroupWriter,
    rows: Vec<u64>,
    neighbours: Vec<u64>,
    ends: Vec<u32>,
    count: u32,
}

impl PostingWriter {
    pub(super) fn new() -> PostingWriter {
        PostingWriter {
            groups: GroupWriter::new(2),
            rows: Vec::with_capacity(GROUP),
            neighbours: Vec::with_capacity(GROUP),
            ends: vec![0],
            count: 0,
        }
    }

    #[inline]
    pub(super) fn push(
        &mut self,
        row: u32,
        neighbour: u32,
        out: &mut Out,
    ) -> Result<(), StoreError> {
        self.rows.push(u64::from(row));
        // NOBODY becomes 0, so that it does not widen the column.
        self.neighbours.push(u64::from(neighbour.wrapping_add(1)));
        self.count += 1;
        if self.rows.len() == GROUP { self.flush(out) } else { Ok(()) }
    }

    /// The next posting is of the next address.
    pub(super) fn end_address(&mut self) {
        self.ends.push(self.count);
    }

    fn flush(&mut self, out: &mut Out) -> Result<(), StoreError> {
        self.groups.group(&[&self.rows, &self.neighbours], &[], out)?;
        self.rows.clear();
        self.neighbours.clear();
        Ok(())
    }

    pub(super) fn finish(
        mut self,
        postings: SectionId,
        ends: SectionId,
        out: &mut Out,
    ) -> Result<(), StoreError> {
        if !self.rows.is_empty() {
            self.flush(out)?;
        }
        self.groups.finish(postings, out)?;
        if self.ends.len() == 1 {
            return Ok(());
        }
        let mut column = ColumnWriter::new();
        for end in &self.ends {
            column.push(u64::from(*end), out)?;
        }
        column.finish(ends, out)
    }
}
