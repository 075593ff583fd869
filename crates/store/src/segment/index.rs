//! Finds things by a hash: entries by their transaction, inputs by what they spend.
//!
//! Things are sorted by the upper bits of the hash, then by number. A radix table says where the things
//! with given upper bits begin; one byte of the next bits of each tells nearly all strangers apart, and
//! the caller looks at the thing itself to tell the rest.

use super::bytes::{Checked, Region};
use super::filter::{Filter, FilterWriter};
use super::layout::{Section, SectionId};
use super::out::Out;
use super::packed::{ColumnWriter, Groups};
use crate::StoreError;

/// About eight things share a place in a radix table.
pub(super) fn radix_bits(items: u64) -> u32 {
    (items / 8).max(1).next_power_of_two().trailing_zeros().min(24)
}

#[inline]
pub(super) fn radix_of(key: u64, bits: u32) -> u64 {
    key.checked_shr(64 - bits).unwrap_or(0)
}

#[inline]
fn print_of(key: u64, bits: u32) -> u8 {
    (key << bits >> 56).to_le_bytes()[0]
}

/// Counts how many things have which upper bits, in ascending order of these; then the radix table.
pub(super) struct RadixWriter {
    bits: u32,
    next: u64,
    items: u64,
    starts: Vec<u32>,
}

impl RadixWriter {
    pub(super) fn new(items: u64) -> RadixWriter {
        RadixWriter { bits: radix_bits(items), next: 0, items: 0, starts: Vec::new() }
    }

    #[inline]
    pub(super) fn push(&mut self, key: u64) {
        self.fill(radix_of(key, self.bits));
        self.items += 1;
    }

    fn fill(&mut self, radix: u64) {
        while self.next <= radix {
            self.starts.push(u32::try_from(self.items).expect("things have numbers of 32 bits"));
            self.next += 1;
        }
    }

    pub(super) fn finish(mut self, id: SectionId, out: &mut Out) -> Result<(), StoreError> {
        self.fill(1 << self.bits);
        let mut column = ColumnWriter::new();
        for start in &self.starts {
            column.push(u64::from(*start), out)?;
        }
        column.finish(id, out)
    }
}

/// Hash and number in one word, so that sorting is of plain numbers.
pub(super) struct Packing {
    item_bits: u32,
}

impl Packing {
    /// For numbers below this.
    pub(super) fn below(numbers: u64) -> Packing {
        Packing { item_bits: u64::BITS - numbers.max(1).leading_zeros() }
    }

    #[inline]
    pub(super) fn pack(&self, key: u64, item: u32) -> u64 {
        self.key(key) | u64::from(item)
    }

    /// As much of the hash as is kept beside a number.
    #[inline]
    fn key(&self, key: u64) -> u64 {
        key >> self.item_bits << self.item_bits
    }

    #[inline]
    fn item(&self, packed: u64) -> u64 {
        packed & ((1 << self.item_bits) - 1)
    }
}

pub(super) struct IndexIds {
    pub radix: SectionId,
    pub prints: SectionId,
    pub items: SectionId,
    pub filter: Option<SectionId>,
}

/// Writes what was packed, in whatever order; `numbers` as in [`Packing::below`].
pub(super) fn write_index(
    mut packed: Vec<u64>,
    numbers: u64,
    ids: &IndexIds,
    out: &mut Out,
) -> Result<(), StoreError> {
    packed.sort_unstable();
    let packing = Packing::below(numbers);
    let items = packed.len() as u64;
    let mut radix = RadixWriter::new(items);
    let bits = radix.bits;
    let mut filter = ids.filter.map(|_| FilterWriter::new(items));
    for word in &packed {
        radix.push(*word);
        if let Some(filter) = &mut filter {
            filter.push(packing.key(*word));
        }
        out.put(&[print_of(*word, bits)])?;
    }
    out.end_section(ids.prints, items)?;
    let mut column = ColumnWriter::new();
    for word in &packed {
        column.push(packing.item(*word), out)?;
    }
    column.finish(ids.items, out)?;
    drop(packed);
    radix.finish(ids.radix, out)?;
    if let (Some(filter), Some(id)) = (filter, ids.filter) {
        filter.finish(id, out)?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Index {
    radix: Groups,
    prints: Section,
    items: Groups,
    filter: Option<Filter>,
    bits: u32,
    item_bits: u32,
}

impl Index {
    pub(super) fn open(
        region: &Region,
        sections: &[Section; SectionId::COUNT],
        ids: &IndexIds,
        numbers: u64,
    ) -> Checked<Index> {
        let of = |id: SectionId| sections[id as usize];
        let items = Groups::open(region, of(ids.items), 1)?;
        let radix = Groups::open(region, of(ids.radix), 1)?;
        let prints = of(ids.prints);
        let bits = radix_bits(items.rows);
        let is_whole = items.rows <= u64::from(u32::MAX)
            && prints.part.len as u64 == items.rows
            && (radix.rows == (1 << bits) + 1 || items.rows == 0);
        if !is_whole {
            return Err(region.damage(prints.part.start, "an index does not fit its table"));
        }
        let filter = ids.filter.map(|id| Filter::open(region, of(id))).transpose()?;
        let item_bits = Packing::below(numbers).item_bits;
        Ok(Index { radix, prints, items, filter, bits, item_bits })
    }

    pub(super) fn may_hold(&self, region: &Region, key: u64) -> Checked<bool> {
        let key = Packing { item_bits: self.item_bits }.key(key);
        self.filter.map_or(Ok(true), |filter| filter.may_hold(region, key))
    }

    /// Calls back with each of these things, in the order of their keys, that may be here.
    pub(super) fn sift(
        &self,
        region: &Region,
        things: &[(u64, u32)],
        mut visit: impl FnMut(u32),
    ) -> Checked<()> {
        let packing = Packing { item_bits: self.item_bits };
        match &self.filter {
            Some(filter) => filter.sift(region, things, |key| packing.key(key), visit),
            None => {
                things.iter().for_each(|(_, thing)| visit(*thing));
                Ok(())
            }
        }
    }

    /// Calls back with each number that may be of this key, ascending.
    pub(super) fn candidates(
        &self,
        region: &Region,
        key: u64,
        mut visit: impl FnMut(u32) -> Checked<()>,
    ) -> Checked<()> {
        if self.items.rows == 0 {
            return Ok(());
        }
        let (start, end) = bucket(region, &self.radix, radix_of(key, self.bits), self.items.rows)?;
        let at = usize::try_from(start).expect("below the number of items");
        let len = usize::try_from(end - start).expect("below the number of items");
        let prints = region.read(self.prints.part, at, len)?;
        let print = print_of(key, self.bits);
        for (place, found) in (start..).zip(prints) {
            if *found == print {
                let item = self.items.get(region, 0, place)?;
                let odd = || region.damage(self.prints.part.start, "an index names what is not");
                visit(u32::try_from(item).map_err(|_| odd())?)?;
            }
        }
        Ok(())
    }

    pub(super) fn items(&self) -> &Groups {
        &self.items
    }
}

/// Where the things with these upper bits are.
#[inline]
pub(super) fn bucket(region: &Region, radix: &Groups, at: u64, items: u64) -> Checked<(u64, u64)> {
    let start = radix.get(region, 0, at)?;
    let end = radix.get(region, 0, at + 1)?;
    if start > end || end > items {
        return Err(region.damage(0, "a radix table is out of order"));
    }
    Ok((start, end))
}
