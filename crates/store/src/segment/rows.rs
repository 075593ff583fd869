//! Rows as columns: who sent how much of what to whom, and where in the transaction.
//!
//! Behind a group's columns lie its flags (how many, then 16 bits each: a row names one), its wide
//! amounts (how many, how wide, then each little-endian) and its long call paths. An amount is wide
//! where that is smaller than widening its column for all rows.

mod sweep;

use model::{Position, U256};

use super::bytes::{Checked, Part, Region};
use super::code::{
    AmountCode, EXPONENT_MAX, LONG_CALL, PositionCode, Reader, put_path, read_path, short_position,
};
use super::layout::SectionId;
use super::out::Out;
use super::packed::{GROUP, Group, GroupWriter, Groups, width};
use super::{RowColumns, RowFlags};
use crate::StoreError;

pub(super) const ENTRY: usize = 0;
/// Numbers of addresses, plus one; 0 for none.
pub(super) const FROM: usize = 1;
pub(super) const TO: usize = 2;
pub(super) const ASSET: usize = 3;
const MANTISSA: usize = 4;
const EXPONENT: usize = 5;
const POSITION: usize = 6;
const FLAGS: usize = 7;
/// 0 for none; else an entry's number plus one, or beyond those an external hash.
pub(super) const PREVIOUS: usize = 8;
pub(super) const PREVIOUS_INDEX: usize = 9;
pub(super) const COLUMNS: usize = 10;

/// The exponent that says: the mantissa is a place among the wide amounts.
const WIDE: u64 = EXPONENT_MAX as u64 + 1;

/// A row in the numbers of the segment it goes to.
#[derive(Clone, Debug)]
pub(super) struct RowRecord {
    pub entry: u32,
    pub from: u32,
    pub to: u32,
    pub asset: u32,
    pub amount: AmountCode,
    pub position: PositionCode,
    pub flags: RowFlags,
    pub previous: u64,
    pub previous_index: u32,
}

pub(super) struct RowWriter {
    groups: GroupWriter,
    columns: [Vec<u64>; COLUMNS],
    flags: Vec<RowFlags>,
    wide: Vec<(usize, U256)>,
    paths: Vec<u8>,
    extra: Vec<u8>,
}

impl RowWriter {
    pub(super) fn new() -> RowWriter {
        RowWriter {
            groups: GroupWriter::new(COLUMNS),
            columns: Default::default(),
            flags: Vec::new(),
            wide: Vec::new(),
            paths: Vec::new(),
            extra: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, row: &RowRecord, out: &mut Out) -> Result<(), StoreError> {
        let at = self.columns[0].len();
        let (mantissa, exponent) = match row.amount {
            AmountCode::Small { mantissa, exponent } => (mantissa, u64::from(exponent)),
            AmountCode::Wide(amount) => {
                self.wide.push((at, amount));
                (0, WIDE)
            }
        };
        let position = match &row.position {
            PositionCode::Short(code) => *code,
            PositionCode::Long(path) => {
                let place = self.paths.len() as u64;
                put_path(&mut self.paths, path);
                place << 3 | LONG_CALL
            }
        };
        let flags = self.flags_number(row.flags);
        let values = [
            u64::from(row.entry),
            u64::from(row.from.wrapping_add(1)),
            u64::from(row.to.wrapping_add(1)),
            u64::from(row.asset),
            mantissa,
            exponent,
            position,
            flags,
            row.previous,
            u64::from(row.previous_index),
        ];
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(value);
        }
        if at + 1 == GROUP { self.flush(out) } else { Ok(()) }
    }

    fn flags_number(&mut self, flags: RowFlags) -> u64 {
        let known = self.flags.iter().position(|known| *known == flags);
        let number = known.unwrap_or_else(|| {
            self.flags.push(flags);
            self.flags.len() - 1
        });
        number as u64
    }

    fn flush(&mut self, out: &mut Out) -> Result<(), StoreError> {
        self.widen();
        self.extra.clear();
        let small = |len: usize| u16::try_from(len).expect("a group has 1024 rows").to_le_bytes();
        self.extra.extend_from_slice(&small(self.flags.len()));
        for flags in &self.flags {
            self.extra.extend_from_slice(&flags.code().to_le_bytes());
        }
        self.extra.extend_from_slice(&small(self.wide.len()));
        let bytes = self.wide.iter().map(|(_, amount)| amount.byte_len()).max().unwrap_or(0);
        self.extra.extend_from_slice(&small(bytes));
        for (_, amount) in &self.wide {
            self.extra.extend_from_slice(&amount.to_le_bytes::<32>()[..bytes]);
        }
        self.extra.extend_from_slice(&self.paths);
        let columns = self.columns.each_ref().map(Vec::as_slice);
        self.groups.group(&columns, &self.extra, out)?;
        self.columns.iter_mut().for_each(Vec::clear);
        self.flags.clear();
        self.wide.clear();
        self.paths.clear();
        Ok(())
    }

    /// Moves the amounts among the wide ones whose mantissas would cost more in their column.
    fn widen(&mut self) {
        let limit = mantissa_width(&self.columns[MANTISSA], &self.columns[EXPONENT], &self.wide);
        if limit < 64 {
            for at in 0..self.columns[MANTISSA].len() {
                let (mantissa, exponent) = (self.columns[MANTISSA][at], self.columns[EXPONENT][at]);
                if exponent == WIDE || mantissa >> limit == 0 {
                    continue;
                }
                let exponent = exponent.to_le_bytes()[0];
                let amount = AmountCode::Small { mantissa, exponent }.amount();
                self.wide.push((at, amount.expect("it was made from an amount")));
            }
        }
        self.wide.sort_unstable_by_key(|(at, _)| *at);
        for (place, (at, _)) in self.wide.iter().enumerate() {
            self.columns[MANTISSA][*at] = place as u64;
            self.columns[EXPONENT][*at] = WIDE;
        }
    }

    pub(super) fn finish(mut self, out: &mut Out) -> Result<(), StoreError> {
        if !self.columns[0].is_empty() {
            self.flush(out)?;
        }
        self.groups.finish(SectionId::Rows, out)
    }
}

/// The width at which column and wide amounts together are smallest.
fn mantissa_width(mantissas: &[u64], exponents: &[u64], wide: &[(usize, U256)]) -> u32 {
    // Per width, how many mantissas have it, and how many bytes the widest amount behind one has.
    let mut counts = [0usize; 65];
    let mut bytes = [0usize; 65];
    for (mantissa, exponent) in mantissas.iter().zip(exponents) {
        if *exponent == WIDE {
            continue;
        }
        let bits = (u64::BITS - mantissa.leading_zeros()) as usize;
        counts[bits] += 1;
        // Each power of ten adds at most 3.33 bits.
        let exponent = usize::try_from(*exponent).expect("at most 77");
        bytes[bits] = bytes[bits].max((bits + exponent * 10 / 3 + 1).div_ceil(8).min(32));
    }
    let mut most = wide.iter().map(|(_, amount)| amount.byte_len()).max().unwrap_or(0);
    let mut beyond = 0;
    let mut best = (usize::MAX, 64);
    for limit in (0..=64u32).rev() {
        let at = limit as usize;
        let packed = usize::from(width(if limit == 0 { 0 } else { u64::MAX >> (64 - limit) }));
        let cost = packed * mantissas.len() / 8 + (beyond + wide.len()) * most;
        if cost < best.0 {
            best = (cost, limit);
        }
        beyond += counts[at];
        most = most.max(bytes[at]);
    }
    best.1
}

/// The rows of a segment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rows {
    pub groups: Groups,
}

/// A row's columns as they lie there, before anything is looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawRow {
    pub entry: u32,
    pub from: u32,
    pub to: u32,
    pub asset: u32,
    pub amount: AmountCode,
    pub position: u64,
    pub flags: RowFlags,
    pub previous: u64,
    pub previous_index: u32,
}

impl Rows {
    pub(super) fn row(&self, region: &Region, row: u32) -> Checked<(RawRow, Position)> {
        let (group, at) = self.groups.place(region, u64::from(row))?;
        let group = self.groups.group(region, group)?;
        let extra = Extra::read(region, &group)?;
        let values = group.row(at)?;
        let raw = extra.decode(region, &values, |number| extra.row_flags(region, number))?;
        let position = extra.position(region, raw.position)?;
        Ok((raw, position))
    }

    pub(super) fn get(&self, region: &Region, column: usize, row: u32) -> Checked<u64> {
        self.groups.get(region, column, u64::from(row))
    }

    /// Decodes some rows of one group: `rows` is not empty and does not descend. Dense: all columns
    /// are unpacked first.
    pub(super) fn some(
        &self,
        region: &Region,
        rows: &[u32],
        is_dense: bool,
        scratch: &mut RowScratch,
        out: &mut Vec<(RawRow, Position)>,
    ) -> Checked<()> {
        out.clear();
        let Some(last) = rows.last() else { return Ok(()) };
        let (group, _) = self.groups.place(region, u64::from(*last))?;
        let group = self.groups.group(region, group)?;
        let extra = Extra::read(region, &group)?;
        if is_dense {
            extra.all_flags(region, &mut scratch.flags)?;
            for (column, values) in scratch.columns.iter_mut().enumerate() {
                group.read_all(column, values)?;
            }
        }
        for row in rows {
            let at = *row as usize % GROUP;
            let values = match is_dense {
                true => scratch.columns.each_ref().map(|column| column[at]),
                false => group.row(at)?,
            };
            let flags = |number| match is_dense {
                true => flags_of(region, &extra, &scratch.flags, number),
                false => extra.row_flags(region, number),
            };
            let raw = extra.decode(region, &values, flags)?;
            let position = extra.position(region, raw.position)?;
            out.push((raw, position));
        }
        Ok(())
    }

    /// Decodes a group row by row, the extra bytes beside each.
    pub(super) fn group(
        &self,
        region: &Region,
        group: usize,
        scratch: &mut RowScratch,
        mut visit: impl FnMut(&RawRow, &Extra) -> Checked<()>,
    ) -> Checked<()> {
        let group = self.groups.group(region, group)?;
        let extra = Extra::read(region, &group)?;
        for (column, values) in scratch.columns.iter_mut().enumerate() {
            group.read_all(column, values)?;
        }
        extra.all_flags(region, &mut scratch.flags)?;
        for at in 0..group.rows {
            let values = scratch.columns.each_ref().map(|column| column[at]);
            let flags = |number| flags_of(region, &extra, &scratch.flags, number);
            let raw = extra.decode(region, &values, flags)?;
            visit(&raw, &extra)?;
        }
        Ok(())
    }

    /// Decodes what a sweep reads of a group, column by column.
    pub(super) fn columns(
        &self,
        region: &Region,
        group: usize,
        out: &mut RowColumns,
    ) -> Checked<()> {
        let group = self.groups.group(region, group)?;
        let extra = Extra::read(region, &group)?;
        let (mut values, mut exponents) = ([0; GROUP], [0; GROUP]);
        let (values, exponents) = (&mut values[..group.rows], &mut exponents[..group.rows]);
        let odd = || region.damage(extra.flags.start, "a row cannot be read");
        let mut beyond = 0;
        let mut small = |value: u64| {
            beyond |= value >> 32;
            u32::try_from(value).unwrap_or(u32::MAX)
        };
        group.read(ENTRY, 0, values)?;
        out.entries.extend(values.iter().map(|value| small(*value)));
        group.read(FROM, 0, values)?;
        out.from.extend(values.iter().map(|value| small(*value).wrapping_sub(1)));
        group.read(TO, 0, values)?;
        out.to.extend(values.iter().map(|value| small(*value).wrapping_sub(1)));
        group.read(ASSET, 0, values)?;
        out.assets.extend(values.iter().map(|value| small(*value)));
        if beyond != 0 {
            return Err(odd());
        }
        group.read(MANTISSA, 0, values)?;
        group.read(EXPONENT, 0, exponents)?;
        for (mantissa, exponent) in values.iter().zip(exponents) {
            let amount = extra.amount(region, *mantissa, *exponent)?.amount();
            out.amounts.push(amount.ok_or_else(odd)?);
        }
        let mut flags = Vec::new();
        extra.all_flags(region, &mut flags)?;
        group.read(FLAGS, 0, values)?;
        for number in values.iter() {
            out.flags.push(flags_of(region, &extra, &flags, *number)?);
        }
        Ok(())
    }
}

/// Memory a group is decoded into.
#[derive(Default)]
pub(super) struct RowScratch {
    columns: [Vec<u64>; COLUMNS],
    flags: Vec<RowFlags>,
}

#[inline]
fn flags_of(region: &Region, extra: &Extra, all: &[RowFlags], number: u64) -> Checked<RowFlags> {
    let flags = usize::try_from(number).ok().and_then(|number| all.get(number));
    flags.copied().ok_or_else(|| region.damage(extra.flags.start, "a row has flags there are not"))
}

/// What lies behind the columns of a group.
#[derive(Clone, Copy)]
pub(super) struct Extra {
    flags: Part,
    wide: Part,
    wide_bytes: usize,
    paths: Part,
}

impl Extra {
    fn read(region: &Region, group: &Group) -> Checked<Extra> {
        let all = group.extra()?;
        let count = |at: usize| -> Checked<usize> {
            let bytes = region.read(all, at, 2)?;
            Ok(usize::from(u16::from_le_bytes([bytes[0], bytes[1]])))
        };
        let flags = Part { start: all.start + 2, len: count(0)? * 2 };
        let at = 2 + flags.len;
        let (wide_count, wide_bytes) = (count(at)?, count(at + 2)?);
        let wide = Part { start: all.start + at + 4, len: wide_count * wide_bytes };
        let at = at + 4 + wide.len;
        if at > all.len || wide_bytes > 32 {
            return Err(region.damage(all.start, "a group is too short"));
        }
        let paths = Part { start: all.start + at, len: all.len - at };
        Ok(Extra { flags, wide, wide_bytes, paths })
    }

    #[inline]
    fn decode(
        &self,
        region: &Region,
        values: &[u64; COLUMNS],
        flags: impl Fn(u64) -> Checked<RowFlags>,
    ) -> Checked<RawRow> {
        let odd = || region.damage(self.flags.start, "a row cannot be read");
        let small = |column: usize| u32::try_from(values[column]);
        let row = || -> Result<RawRow, std::num::TryFromIntError> {
            Ok(RawRow {
                entry: small(ENTRY)?,
                from: small(FROM)?.wrapping_sub(1),
                to: small(TO)?.wrapping_sub(1),
                asset: small(ASSET)?,
                amount: AmountCode::Small { mantissa: values[MANTISSA], exponent: 0 },
                position: values[POSITION],
                flags: PLAIN,
                previous: values[PREVIOUS],
                previous_index: small(PREVIOUS_INDEX)?,
            })
        };
        let mut row = row().map_err(|_| odd())?;
        row.amount = self.amount(region, values[MANTISSA], values[EXPONENT])?;
        row.flags = flags(values[FLAGS])?;
        Ok(row)
    }

    #[inline]
    fn amount(&self, region: &Region, mantissa: u64, exponent: u64) -> Checked<AmountCode> {
        let odd = || region.damage(self.wide.start, "an amount cannot be read");
        if exponent != WIDE {
            let exponent = u8::try_from(exponent).map_err(|_| odd())?;
            if exponent > EXPONENT_MAX {
                return Err(odd());
            }
            return Ok(AmountCode::Small { mantissa, exponent });
        }
        let place = usize::try_from(mantissa).map_err(|_| odd())?;
        let at = place.checked_mul(self.wide_bytes).ok_or_else(odd)?;
        let bytes = region.read(self.wide, at, self.wide_bytes)?;
        let amount = U256::try_from_le_slice(bytes).ok_or_else(odd)?;
        Ok(AmountCode::Wide(amount))
    }

    #[inline]
    fn row_flags(&self, region: &Region, number: u64) -> Checked<RowFlags> {
        let at = usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(2);
        let bytes = region.read(self.flags, at, 2)?;
        let code = u16::from_le_bytes([bytes[0], bytes[1]]);
        RowFlags::from_code(code)
            .ok_or_else(|| region.damage(self.flags.start, "a row has flags there are not"))
    }

    fn all_flags(&self, region: &Region, out: &mut Vec<RowFlags>) -> Checked<()> {
        out.clear();
        for number in 0..self.flags.len as u64 / 2 {
            out.push(self.row_flags(region, number)?);
        }
        Ok(())
    }

    pub(super) fn position(&self, region: &Region, code: u64) -> Checked<Position> {
        let odd = || region.damage(self.paths.start, "a position cannot be read");
        match self.position_code(region, code)? {
            PositionCode::Long(path) => Ok(Position::Call(path)),
            PositionCode::Short(code) => short_position(code).ok_or_else(odd),
        }
    }

    #[inline]
    pub(super) fn position_code(&self, region: &Region, code: u64) -> Checked<PositionCode> {
        if code & 7 != LONG_CALL {
            return Ok(PositionCode::Short(code));
        }
        let odd = || region.damage(self.paths.start, "a position cannot be read");
        let paths = region.read(self.paths, 0, self.paths.len)?;
        let place = usize::try_from(code >> 3).map_err(|_| odd())?;
        let mut reader = Reader::new(paths.get(place..).ok_or_else(odd)?);
        Ok(PositionCode::Long(read_path(&mut reader).ok_or_else(odd)?))
    }
}

const PLAIN: RowFlags = RowFlags {
    kind: model::TransferKind::Value,
    time_source: model::TimeSource::Stated,
    evidence: model::Evidence::Row,
    is_time_told: true,
    is_hidden: false,
    is_previous_told: false,
    has_previous: false,
};
