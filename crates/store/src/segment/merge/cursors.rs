//! Reading an input front to back, a group at a time.

use super::numbers::Numbers;
use super::order::Order;
use super::{Input, Renumbered};
use crate::segment::bytes::Checked;
use crate::segment::code::PositionCode;
use crate::segment::entries::{EntryRecord, EntryScratch};
use crate::segment::packed::GROUP;
use crate::segment::rows::{Extra, RawRow, RowScratch};
use crate::segment::{NOBODY, Segment};

pub(super) struct EntryCursor<'a> {
    segment: &'a Segment,
    page: usize,
    records: Vec<EntryRecord>,
    scratch: EntryScratch,
}

impl<'a> EntryCursor<'a> {
    pub(super) fn new(input: &Input<'a>) -> EntryCursor<'a> {
        EntryCursor {
            segment: input.segment,
            page: usize::MAX,
            records: Vec::new(),
            scratch: EntryScratch::default(),
        }
    }

    pub(super) fn get(&mut self, number: u32) -> Checked<EntryRecord> {
        let (page, at) =
            self.segment.entries.groups.place(&self.segment.region, u64::from(number))?;
        if page != self.page {
            self.records.clear();
            let records = &mut self.records;
            let segment = self.segment;
            segment.entries.page(&segment.region, page, &mut self.scratch, |record| {
                records.push(record);
                Ok(())
            })?;
            self.page = page;
        }
        Ok(self.records[at])
    }
}

/// Rows with the new numbers of their addresses and assets.
pub(super) struct RowCursor<'a> {
    segment: &'a Segment,
    addresses: &'a Renumbered,
    assets: &'a Renumbered,
    group: usize,
    rows: Vec<RawRow>,
    extra: Option<Extra>,
    scratch: RowScratch,
}

impl<'a> RowCursor<'a> {
    pub(super) fn new(input: &Input<'a>, numbers: &'a Numbers, at: usize) -> RowCursor<'a> {
        RowCursor {
            segment: input.segment,
            addresses: &numbers.addresses[at],
            assets: &numbers.assets[at],
            group: usize::MAX,
            rows: Vec::new(),
            extra: None,
            scratch: RowScratch::default(),
        }
    }

    pub(super) fn get(&mut self, number: u32) -> Checked<(RawRow, PositionCode)> {
        let segment = self.segment;
        let (group, at) = segment.rows.groups.place(&segment.region, u64::from(number))?;
        if group != self.group {
            self.rows.clear();
            let (rows, extra) = (&mut self.rows, &mut self.extra);
            segment.rows.group(&segment.region, group, &mut self.scratch, |row, of| {
                rows.push(*row);
                *extra = Some(*of);
                Ok(())
            })?;
            // All at once, so that memory is waited for together.
            for row in rows {
                row.from = self.addresses.of(row.from);
                row.to = self.addresses.of(row.to);
                row.asset = self.assets.of(row.asset);
            }
            self.group = group;
        }
        let row = self.rows[at];
        let extra = self.extra.expect("a group that has rows was read");
        let position = extra.position_code(&segment.region, row.position)?;
        Ok((row, position))
    }
}

/// One direction's postings of one input, address by address.
pub(super) struct PostingCursor<'a> {
    segment: &'a Segment,
    direction: usize,
    input: usize,
    numbers: &'a Renumbered,
    address: u32,
    ends: Buffered,
    group: usize,
    /// Of the group: new numbers of rows ([`NOBODY`] where masked) and neighbours.
    postings: Vec<(u32, u32)>,
    scratch: [Vec<u64>; 2],
}

impl<'a> PostingCursor<'a> {
    pub(super) fn new(
        segment: &'a Segment,
        direction: usize,
        input: usize,
        numbers: &'a Renumbered,
    ) -> PostingCursor<'a> {
        PostingCursor {
            segment,
            direction,
            input,
            numbers,
            address: 0,
            ends: Buffered::new(0),
            group: usize::MAX,
            postings: Vec::new(),
            scratch: Default::default(),
        }
    }

    /// Appends the postings of an address by its new number; callers ask in ascending order.
    pub(super) fn take(
        &mut self,
        address: u32,
        order: &Order,
        list: &mut Vec<(u32, u32)>,
    ) -> Checked<()> {
        while self.numbers.0.get(self.address as usize) == Some(&NOBODY) {
            self.address += 1;
        }
        if self.numbers.0.get(self.address as usize) != Some(&address) {
            return Ok(());
        }
        let segment = self.segment;
        let of = &segment.postings[self.direction];
        let start = self.ends.get(segment, &of.ends, u64::from(self.address))?;
        let end = self.ends.get(segment, &of.ends, u64::from(self.address) + 1)?;
        self.address += 1;
        for at in start..end {
            let (group, at) = of.postings.place(&segment.region, at)?;
            if group != self.group {
                self.read(group, order)?;
            }
            let posting = self.postings[at];
            if posting.0 != NOBODY {
                list.push(posting);
            }
        }
        Ok(())
    }

    /// A group is renumbered at once, so that memory is waited for together.
    fn read(&mut self, group: usize, order: &Order) -> Checked<()> {
        let segment = self.segment;
        let of = segment.postings[self.direction].postings.group(&segment.region, group)?;
        let [rows, neighbours] = &mut self.scratch;
        of.read_all(0, rows)?;
        of.read_all(1, neighbours)?;
        let mut beyond = 0;
        let mut small = |value: u64| {
            beyond |= value >> 32;
            u32::try_from(value).unwrap_or(NOBODY)
        };
        self.postings.clear();
        for (row, neighbour) in rows.iter().zip(neighbours) {
            let row = order.row(self.input, small(*row)).unwrap_or(NOBODY);
            self.postings.push((row, self.numbers.of(small(*neighbour).wrapping_sub(1))));
        }
        self.group = group;
        if beyond > 0 {
            return Err(segment.odd("a posting names what is not there"));
        }
        Ok(())
    }
}

/// One column, a group of it decoded.
struct Buffered {
    column: usize,
    group: usize,
    values: Vec<u64>,
}

impl Buffered {
    fn new(column: usize) -> Buffered {
        Buffered { column, group: usize::MAX, values: Vec::new() }
    }

    #[inline]
    fn get(
        &mut self,
        segment: &Segment,
        groups: &crate::segment::packed::Groups,
        row: u64,
    ) -> Checked<u64> {
        let (group, at) = groups.place(&segment.region, row)?;
        if group != self.group {
            groups.group(&segment.region, group)?.read_all(self.column, &mut self.values)?;
            self.group = group;
        }
        debug_assert!(at < GROUP, "a place lies in its group");
        Ok(self.values[at])
    }
}
