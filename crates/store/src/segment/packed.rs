//! Columns of numbers in groups of 1024, each bit-packed above its least value.
//!
//! A section of groups is the groups, one behind the other, then where each starts (and where the last
//! ends) as 64-bit numbers. A group is a header (per column its least value, 64 bits, then 24 bits of
//! offset and 8 of width), the packed columns, and extra bytes that its owner knows.

mod pack;
mod unpack;

use super::bytes::{Checked, Part, Region};
use super::layout::{Section, SectionId};
use super::out::Out;
use crate::StoreError;

pub(super) const GROUP: usize = 1024;
const HEADER: usize = 12;
/// So many values are sooner taken one by one than unpacked.
const FEW: u64 = 64;

/// Writes one section of groups.
pub(super) struct GroupWriter {
    starts: Vec<u64>,
    columns: usize,
    rows: u64,
    buffer: Vec<u8>,
}

impl GroupWriter {
    pub(super) fn new(columns: usize) -> GroupWriter {
        GroupWriter { starts: Vec::new(), columns, rows: 0, buffer: Vec::new() }
    }

    /// One group of equally long columns; all but the last have [`GROUP`] rows.
    pub(super) fn group(
        &mut self,
        columns: &[&[u64]],
        extra: &[u8],
        out: &mut Out,
    ) -> Result<(), StoreError> {
        debug_assert_eq!(columns.len(), self.columns, "every group has every column");
        self.starts.push(out.in_section());
        self.rows += columns.first().map_or(0, |column| column.len() as u64);
        self.buffer.clear();
        pack_columns(columns, &mut self.buffer);
        out.put(&self.buffer)?;
        out.put(extra)
    }

    pub(super) fn finish(mut self, id: SectionId, out: &mut Out) -> Result<(), StoreError> {
        self.starts.push(out.in_section());
        for start in &self.starts {
            out.put(&start.to_le_bytes())?;
        }
        out.end_section(id, self.rows)
    }
}

fn pack_columns(columns: &[&[u64]], out: &mut Vec<u8>) {
    out.resize(columns.len() * HEADER, 0);
    for (at, column) in columns.iter().enumerate() {
        let (least, most) = column
            .iter()
            .fold((u64::MAX, 0), |(least, most), value| (least.min(*value), most.max(*value)));
        let least = least.min(most);
        let width = width(most - least);
        let start = u32::try_from(out.len()).expect("a group is far below 16 MiB");
        let header = &mut out[at * HEADER..][..HEADER];
        header[..8].copy_from_slice(&least.to_le_bytes());
        header[8..].copy_from_slice(&(start << 8 | u32::from(width)).to_le_bytes());
        if width == 0 {
            continue;
        }
        pack::pack(width, least, column, out);
    }
}

/// Bits for values up to this one; the unpacker knows no widths from 57 to 63.
pub(super) fn width(most: u64) -> u8 {
    let bits = tantivy_bitpacker::compute_num_bits(most);
    if bits > 56 { 64 } else { bits }
}

/// Writes a section of one column, value by value.
pub(super) struct ColumnWriter {
    groups: GroupWriter,
    values: Vec<u64>,
}

impl ColumnWriter {
    pub(super) fn new() -> ColumnWriter {
        ColumnWriter { groups: GroupWriter::new(1), values: Vec::with_capacity(GROUP) }
    }

    #[inline]
    pub(super) fn push(&mut self, value: u64, out: &mut Out) -> Result<(), StoreError> {
        self.values.push(value);
        if self.values.len() == GROUP { self.flush(out) } else { Ok(()) }
    }

    fn flush(&mut self, out: &mut Out) -> Result<(), StoreError> {
        self.groups.group(&[&self.values], &[], out)?;
        self.values.clear();
        Ok(())
    }

    pub(super) fn finish(mut self, id: SectionId, out: &mut Out) -> Result<(), StoreError> {
        if !self.values.is_empty() {
            self.flush(out)?;
        }
        self.groups.finish(id, out)
    }
}

/// A section of groups as it is read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Groups {
    data: Part,
    starts: Part,
    columns: usize,
    pub rows: u64,
}

impl Groups {
    /// A section that is absent has no rows.
    pub(super) fn open(region: &Region, section: Section, columns: usize) -> Checked<Groups> {
        let Section { part, items: rows } = section;
        if rows == 0 {
            return Ok(Groups { columns, ..Groups::default() });
        }
        let starts = usize::try_from(rows.div_ceil(GROUP as u64))
            .ok()
            .and_then(|groups| groups.checked_add(1)?.checked_mul(8))
            .filter(|starts| *starts <= part.len)
            .ok_or_else(|| region.damage(part.start, "it has fewer groups than its rows need"))?;
        let len = part.len - starts;
        Ok(Groups {
            data: Part { start: part.start, len },
            starts: Part { start: part.start + len, len: starts },
            columns,
            rows,
        })
    }

    pub(super) fn group_count(&self) -> usize {
        (self.starts.len / 8).saturating_sub(1)
    }

    #[inline]
    pub(super) fn group<'a>(&self, region: &'a Region, group: usize) -> Checked<Group<'a>> {
        let bytes = region.read(self.starts, group.saturating_mul(8), 16)?;
        let start = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
        let end = u64::from_le_bytes(bytes[8..].try_into().expect("eight bytes"));
        let is_inside = start <= end && end <= self.data.len as u64;
        let (Ok(start), Ok(end), true) = (usize::try_from(start), usize::try_from(end), is_inside)
        else {
            return Err(region.damage(self.starts.start + group * 8, "a group is out of place"));
        };
        let before = group as u64 * GROUP as u64;
        let rows = usize::try_from((self.rows - before).min(GROUP as u64))
            .expect("a group has at most 1024 rows");
        let start = self.data.start + start;
        let len = self.data.start + end - start;
        let headers = region.read(Part { start, len }, 0, self.columns * HEADER)?;
        Ok(Group { region, start, len, rows, headers })
    }

    /// Where a group lies in the file, without touching it.
    pub(super) fn place_of(
        &self,
        region: &Region,
        group: usize,
    ) -> Checked<std::ops::Range<usize>> {
        let bytes = region.read(self.starts, group.saturating_mul(8), 16)?;
        let place = |bytes: &[u8]| {
            let at = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
            usize::try_from(at).map_or(self.data.len, |at| at.min(self.data.len))
        };
        let (start, end) = (place(&bytes[..8]), place(&bytes[8..]));
        Ok(self.data.start + start..self.data.start + end.max(start))
    }

    /// One value of a row.
    #[inline]
    pub(super) fn get(&self, region: &Region, column: usize, row: u64) -> Checked<u64> {
        let (group, at) = self.place(region, row)?;
        self.group(region, group)?.get(column, at)
    }

    #[inline]
    pub(super) fn place(&self, region: &Region, row: u64) -> Checked<(usize, usize)> {
        if row >= self.rows {
            return Err(region.damage(self.data.start, format!("there is no row {row}")));
        }
        let row = usize::try_from(row).map_err(|_| region.damage(self.data.start, "too many"))?;
        Ok((row / GROUP, row % GROUP))
    }

    /// Appends the values of a range of rows of one column.
    pub(super) fn read_range(
        &self,
        region: &Region,
        column: usize,
        range: std::ops::Range<u64>,
        mut visit: impl FnMut(u64),
    ) -> Checked<()> {
        if range.start >= range.end {
            return Ok(());
        }
        self.place(region, range.end - 1)?;
        // Small, since most addresses have few postings and this is cleared for each.
        let mut values = [0; 64];
        let mut row = range.start;
        while row < range.end {
            let (group, at) = self.place(region, row)?;
            let group = self.group(region, group)?;
            let left = range.end - row;
            let most = values.len().min(group.rows - at);
            let some = usize::try_from(left).unwrap_or(most).min(most);
            group.read(column, at, &mut values[..some])?;
            values[..some].iter().for_each(|value| visit(*value));
            row += some as u64;
        }
        Ok(())
    }

    /// Two values of one column that follow each other.
    #[inline]
    pub(super) fn two(&self, region: &Region, column: usize, row: u64) -> Checked<(u64, u64)> {
        let next = row.saturating_add(1);
        let (group, at) = self.place(region, row)?;
        let (next_group, next_at) = self.place(region, next)?;
        let first = self.group(region, group)?;
        let second = match group == next_group {
            true => first.get(column, next_at)?,
            false => self.group(region, next_group)?.get(column, next_at)?,
        };
        Ok((first.get(column, at)?, second))
    }

    /// The values of two columns in a few rows that lie in one group. False, and nothing was told,
    /// where they do not, or where they are many.
    #[inline]
    pub(super) fn each_of_two(
        &self,
        region: &Region,
        range: std::ops::Range<u64>,
        first: impl FnMut(u64),
        second: impl FnMut(u64),
    ) -> Checked<bool> {
        let count = range.end.saturating_sub(range.start);
        let (Ok(count), true) = (usize::try_from(count), (1..=FEW).contains(&count)) else {
            return Ok(false);
        };
        self.place(region, range.end - 1)?;
        let (group, at) = self.place(region, range.start)?;
        if at + count > GROUP {
            return Ok(false);
        }
        let group = self.group(region, group)?;
        group.each(0, at, count, first)?;
        group.each(1, at, count, second)?;
        Ok(true)
    }

    /// The first row whose value in an ascending column is not below this one.
    pub(super) fn first_not_below(
        &self,
        region: &Region,
        column: usize,
        value: u64,
    ) -> Checked<u64> {
        let (mut low, mut high) = (0, self.rows);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(region, column, middle)? < value {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Ok(low)
    }

    /// Where a group lies in the file.
    pub(super) fn span(&self, region: &Region, group: usize) -> Checked<std::ops::Range<usize>> {
        let group = self.group(region, group)?;
        Ok(group.start..group.start + group.len)
    }
}

pub(super) struct Group<'a> {
    region: &'a Region,
    start: usize,
    len: usize,
    pub rows: usize,
    headers: &'a [u8],
}

#[derive(Clone, Copy)]
struct Column {
    least: u64,
    start: usize,
    width: u8,
}

impl Group<'_> {
    #[inline]
    fn column(&self, column: usize) -> Checked<Column> {
        let header = &self.headers[column * HEADER..][..HEADER];
        let least = u64::from_le_bytes(header[..8].try_into().expect("eight bytes"));
        let word = u32::from_le_bytes(header[8..].try_into().expect("four bytes"));
        let width = (word & 0xff) as u8;
        let start = (word >> 8) as usize;
        if width > 56 && width != 64 {
            return Err(self.region.damage(self.start, "a column has a width there is not"));
        }
        Ok(Column { least, start, width })
    }

    /// `at` must be below [`Group::rows`].
    #[inline]
    pub(super) fn get(&self, column: usize, at: usize) -> Checked<u64> {
        debug_assert!(at < self.rows, "callers know how many rows there are");
        let Column { least, start, width } = self.column(column)?;
        if width == 0 {
            return Ok(least);
        }
        // Only the bytes this value is in are touched: eight at most, since no shifted one has 64 bits.
        let bit = at * usize::from(width);
        let first = start + bit / 8;
        let last = start + (bit + usize::from(width) - 1) / 8;
        if last >= self.len {
            return Err(self.region.damage(self.start, "a group is too short"));
        }
        let shifted = self.region.word(self.start + first, last + 1 - first)? >> (bit % 8);
        let value = if width == 64 { shifted } else { shifted & ((1 << width) - 1) };
        self.above(least, value)
    }

    /// One row's value in each column. All of the group is checked at once: its values lie apart, and
    /// whoever wants one row will want its neighbours.
    #[inline]
    pub(super) fn row<const COLUMNS: usize>(&self, at: usize) -> Checked<[u64; COLUMNS]> {
        debug_assert!(at < self.rows, "callers know how many rows there are");
        let bytes = self.region.read_on(self.start, self.len)?;
        let mut values = [0; COLUMNS];
        let mut is_sound = true;
        for (column, value) in values.iter_mut().enumerate() {
            let Column { least, start, width } = self.column(column)?;
            *value = least;
            if width == 0 {
                continue;
            }
            let bit = at * usize::from(width);
            let first = start + bit / 8;
            is_sound &= start + (bit + usize::from(width) - 1) / 8 < self.len;
            let word = bytes.get(first..).and_then(|rest| rest.first_chunk::<8>());
            let shifted = word.map_or(0, |word| u64::from_le_bytes(*word)) >> (bit % 8);
            let above = if width == 64 { shifted } else { shifted & ((1 << width) - 1) };
            let (sum, is_over) = least.overflowing_add(above);
            *value = sum;
            is_sound &= !is_over;
        }
        match is_sound {
            true => Ok(values),
            false => Err(self.region.damage(self.start, "a group cannot be read")),
        }
    }

    #[inline]
    fn above(&self, least: u64, value: u64) -> Checked<u64> {
        let overflow = || self.region.damage(self.start, "a value is beyond 64 bits");
        least.checked_add(value).ok_or_else(overflow)
    }

    /// Calls back with the values of a few rows from `at` on; there must be so many.
    #[inline]
    pub(super) fn each(
        &self,
        column: usize,
        at: usize,
        count: usize,
        mut visit: impl FnMut(u64),
    ) -> Checked<()> {
        debug_assert!(at + count <= self.rows, "callers know how many rows there are");
        let Column { least, start, width } = self.column(column)?;
        if width == 0 || count == 0 {
            (0..count).for_each(|_| visit(least));
            return Ok(());
        }
        let width = usize::from(width);
        let (first, end) = (start + at * width / 8, start + ((at + count) * width).div_ceil(8));
        if end > self.len {
            return Err(self.region.damage(self.start, "a group is too short"));
        }
        let bytes = self.region.read_on(self.start + first, end - first)?;
        let mask = u64::MAX >> (64 - width);
        let mut bit = at * width % 8;
        let mut is_over = false;
        for _ in 0..count {
            // Behind what is checked there always are eight bytes more.
            let word = bytes.get(bit / 8..).and_then(|rest| rest.first_chunk::<8>());
            let word = word.map_or(0, |word| u64::from_le_bytes(*word));
            let (value, is_beyond) = least.overflowing_add(word >> (bit % 8) & mask);
            is_over |= is_beyond;
            visit(value);
            bit += width;
        }
        match is_over {
            false => Ok(()),
            true => Err(self.region.damage(self.start, "a value is beyond 64 bits")),
        }
    }

    /// Values from row `at`, as many as fit the slice; there must be so many.
    pub(super) fn read(&self, column: usize, at: usize, out: &mut [u64]) -> Checked<()> {
        debug_assert!(at + out.len() <= self.rows, "callers know how many rows there are");
        let Column { least, start, width } = self.column(column)?;
        if width == 0 {
            out.fill(least);
            return Ok(());
        }
        let part = Part { start: self.start, len: self.len };
        let end = ((at + out.len()) * usize::from(width)).div_ceil(8);
        let bytes = self.region.read(part, start, end)?;
        unpack::unpack(width, at, bytes, out);
        if least == 0 {
            return Ok(());
        }
        if least.leading_zeros() == 0 || width == 64 {
            let most = out.iter().fold(0, |most, value| most.max(*value));
            self.above(least, most)?;
        }
        // Narrower than 57 bits above less than 63: no sum is beyond 64.
        out.iter_mut().for_each(|value| *value += least);
        Ok(())
    }

    /// Appends a whole column.
    pub(super) fn read_all(&self, column: usize, out: &mut Vec<u64>) -> Checked<()> {
        out.clear();
        out.resize(self.rows, 0);
        self.read(column, 0, out)
    }

    /// The least value of a column, and one that none of its values is above.
    pub(super) fn bounds(&self, column: usize) -> Checked<(u64, u64)> {
        let Column { least, width, .. } = self.column(column)?;
        let span = if width == 64 { u64::MAX } else { (1 << width) - 1 };
        Ok((least, least.saturating_add(span)))
    }

    /// What lies behind the columns.
    #[inline]
    pub(super) fn extra(&self) -> Checked<Part> {
        let mut end = self.headers.len();
        for column in 0..self.headers.len() / HEADER {
            let Column { start, width, .. } = self.column(column)?;
            let len = (self.rows * usize::from(width)).div_ceil(8);
            end = end.max(start + if width == 0 { 0 } else { len });
        }
        if end > self.len {
            return Err(self.region.damage(self.start, "a group is too short"));
        }
        Ok(Part { start: self.start + end, len: self.len - end })
    }
}
