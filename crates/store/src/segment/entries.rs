//! Entries as columns: when and where each transaction was, and its first row.

use model::Timestamp;

use super::bytes::{Checked, Region};
use super::code::{join_time, split_time};
use super::layout::SectionId;
use super::out::Out;
use super::packed::{GROUP, Group, GroupWriter, Groups};
use crate::StoreError;

pub(super) const SECONDS: usize = 0;
pub(super) const NANOS: usize = 1;
pub(super) const HEIGHT: usize = 2;
pub(super) const TX_INDEX: usize = 3;
pub(super) const FIRST_ROW: usize = 4;
pub(super) const FLAGS: usize = 5;
/// Numbers of a block and of told claims, plus one; 0 for none.
pub(super) const BLOCK: usize = 6;
pub(super) const TOLD: usize = 7;
pub(super) const COLUMNS: usize = 8;

/// An entry in the numbers of the segment it goes to, or comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryRecord {
    pub time: Timestamp,
    pub height: Option<u64>,
    pub tx_index: Option<u32>,
    pub first_row: u32,
    pub is_utxo: bool,
    pub is_coinbase: bool,
    pub is_height_told: bool,
    pub block: Option<u32>,
    pub told: Option<u32>,
}

impl EntryRecord {
    fn flags(&self) -> u64 {
        let bits = [
            self.height.is_some(),
            self.tx_index.is_some(),
            self.is_utxo,
            self.is_coinbase,
            self.is_height_told,
        ];
        (0..).zip(bits).fold(0, |all, (at, bit)| all | u64::from(bit) << at)
    }
}

pub(super) struct EntryWriter {
    groups: GroupWriter,
    columns: [Vec<u64>; COLUMNS],
}

impl EntryWriter {
    pub(super) fn new() -> EntryWriter {
        EntryWriter { groups: GroupWriter::new(COLUMNS), columns: Default::default() }
    }

    pub(super) fn push(&mut self, entry: &EntryRecord, out: &mut Out) -> Result<(), StoreError> {
        let (seconds, nanos) = split_time(entry.time);
        // What is not known repeats what was before, so that a column stays narrow.
        let before = |column: usize| self.columns[column].last().copied();
        let height = entry.height.or(before(HEIGHT)).unwrap_or(0);
        let tx_index = entry.tx_index.map(u64::from).or(before(TX_INDEX)).unwrap_or(0);
        let plus_one = |number: Option<u32>| number.map_or(0, |number| u64::from(number) + 1);
        let values = [
            seconds,
            u64::from(nanos),
            height,
            tx_index,
            u64::from(entry.first_row),
            entry.flags(),
            plus_one(entry.block),
            plus_one(entry.told),
        ];
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(value);
        }
        if self.columns[0].len() == GROUP { self.flush(out) } else { Ok(()) }
    }

    fn flush(&mut self, out: &mut Out) -> Result<(), StoreError> {
        let columns = self.columns.each_ref().map(Vec::as_slice);
        self.groups.group(&columns, &[], out)?;
        self.columns.iter_mut().for_each(Vec::clear);
        Ok(())
    }

    pub(super) fn finish(mut self, out: &mut Out) -> Result<(), StoreError> {
        if !self.columns[0].is_empty() {
            self.flush(out)?;
        }
        self.groups.finish(SectionId::Entries, out)
    }
}

/// The entries of a segment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entries {
    pub groups: Groups,
}

impl Entries {
    pub(super) fn record(&self, region: &Region, number: u32) -> Checked<EntryRecord> {
        let (group, at) = self.groups.place(region, u64::from(number))?;
        let group = self.groups.group(region, group)?;
        decode(&group.row(at)?).ok_or_else(|| odd(region, number))
    }

    /// As [`Entries::record`], from a page that is unpacked whole and kept for the next.
    pub(super) fn record_of_page(
        &self,
        region: &Region,
        number: u32,
        page: &mut EntryPage,
    ) -> Checked<EntryRecord> {
        let (group, at) = self.groups.place(region, u64::from(number))?;
        if page.number != Some(group) {
            let entries = self.groups.group(region, group)?;
            page.number = None;
            for (column, values) in page.columns.iter_mut().enumerate() {
                entries.read_all(column, values)?;
            }
            page.number = Some(group);
        }
        let values = page.columns.each_ref().map(|column| column[at]);
        decode(&values).ok_or_else(|| odd(region, number))
    }

    pub(super) fn time(&self, region: &Region, number: u32) -> Checked<Timestamp> {
        let (group, at) = self.groups.place(region, u64::from(number))?;
        let group = self.groups.group(region, group)?;
        time_of(&group, at)?.ok_or_else(|| odd(region, number))
    }

    /// When each entry of a page was.
    pub(super) fn times(
        &self,
        region: &Region,
        page: usize,
        out: &mut Vec<Timestamp>,
    ) -> Checked<()> {
        let group = self.groups.group(region, page)?;
        let (mut seconds, mut nanos) = ([0; GROUP], [0; GROUP]);
        let (seconds, nanos) = (&mut seconds[..group.rows], &mut nanos[..group.rows]);
        group.read(SECONDS, 0, seconds)?;
        group.read(NANOS, 0, nanos)?;
        out.clear();
        let mut last: Option<(u64, u64, Timestamp)> = None;
        for (seconds, nanos) in seconds.iter().zip(nanos.iter()) {
            // Entries of one block share their time.
            let time = match last {
                Some((s, n, time)) if (s, n) == (*seconds, *nanos) => time,
                _ => {
                    let nanos = u32::try_from(*nanos).ok();
                    let time = nanos.and_then(|nanos| join_time(*seconds, nanos));
                    time.ok_or_else(|| region.damage(0, "a time cannot be read"))?
                }
            };
            last = Some((*seconds, *nanos, time));
            out.push(time);
        }
        Ok(())
    }

    /// Decodes a page of entries.
    pub(super) fn page(
        &self,
        region: &Region,
        page: usize,
        scratch: &mut EntryScratch,
        mut visit: impl FnMut(EntryRecord) -> Checked<()>,
    ) -> Checked<()> {
        let group = self.groups.group(region, page)?;
        for (column, values) in scratch.columns.iter_mut().enumerate() {
            group.read_all(column, values)?;
        }
        for at in 0..group.rows {
            let values = scratch.columns.each_ref().map(|column| column[at]);
            let record = decode(&values);
            visit(record.ok_or_else(|| region.damage(0, "an entry cannot be read"))?)?;
        }
        Ok(())
    }
}

/// A page of entries, unpacked.
#[derive(Default)]
pub(super) struct EntryPage {
    number: Option<usize>,
    columns: [Vec<u64>; COLUMNS],
}

/// Memory a page is decoded into.
#[derive(Default)]
pub(super) struct EntryScratch {
    columns: [Vec<u64>; COLUMNS],
}

fn time_of(group: &Group, at: usize) -> Checked<Option<Timestamp>> {
    let seconds = group.get(SECONDS, at)?;
    let nanos = u32::try_from(group.get(NANOS, at)?).ok();
    Ok(nanos.and_then(|nanos| join_time(seconds, nanos)))
}

fn decode(values: &[u64; COLUMNS]) -> Option<EntryRecord> {
    let small = |value: u64| u32::try_from(value).ok();
    let minus_one = |value: u64| match value {
        0 => Some(None),
        number => small(number - 1).map(Some),
    };
    let flag = |at: u32| values[FLAGS] >> at & 1 == 1;
    Some(EntryRecord {
        time: join_time(values[SECONDS], small(values[NANOS])?)?,
        height: flag(0).then_some(values[HEIGHT]),
        tx_index: if flag(1) { Some(small(values[TX_INDEX])?) } else { None },
        first_row: small(values[FIRST_ROW])?,
        is_utxo: flag(2),
        is_coinbase: flag(3),
        is_height_told: flag(4),
        block: minus_one(values[BLOCK])?,
        told: minus_one(values[TOLD])?,
    })
}

fn odd(region: &Region, number: u32) -> Box<super::bytes::Damage> {
    region.damage(0, format!("entry {number} cannot be read"))
}
