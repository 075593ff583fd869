//! Distinct byte strings, numbered by (hash, bytes), found by their bytes: addresses, assets, blocks.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::bytes::{Checked, Part, Region};
use super::filter::{Filter, FilterWriter};
use super::index::{RadixWriter, bucket, radix_bits, radix_of};
use super::layout::{Section, SectionId};
use super::out::Out;
use super::packed::{ColumnWriter, Groups};
use crate::StoreError;

pub(super) struct NamesIds {
    pub bytes: SectionId,
    /// Empty where all are equally long.
    pub ends: SectionId,
    pub radix: SectionId,
    pub filter: Option<SectionId>,
}

pub(super) const ADDRESSES: NamesIds = NamesIds {
    bytes: SectionId::AddressBytes,
    ends: SectionId::AddressEnds,
    radix: SectionId::AddressRadix,
    filter: Some(SectionId::AddressFilter),
};

pub(super) const ASSETS: NamesIds = NamesIds {
    bytes: SectionId::AssetBytes,
    ends: SectionId::AssetEnds,
    radix: SectionId::AssetRadix,
    filter: None,
};

pub(super) const BLOCKS: NamesIds = NamesIds {
    bytes: SectionId::BlockBytes,
    ends: SectionId::BlockEnds,
    radix: SectionId::BlockRadix,
    filter: None,
};

/// The order of names.
#[inline]
pub(super) fn key(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// Takes names in their order.
pub(super) struct NamesWriter<'i> {
    ids: &'i NamesIds,
    names: u64,
    radix: RadixWriter,
    filter: Option<FilterWriter>,
    lens: Vec<u32>,
    len: Option<usize>,
    is_fixed: bool,
}

impl<'i> NamesWriter<'i> {
    /// For exactly so many names.
    pub(super) fn new(ids: &'i NamesIds, names: u64) -> NamesWriter<'i> {
        NamesWriter {
            ids,
            names: 0,
            radix: RadixWriter::new(names),
            filter: ids.filter.map(|_| FilterWriter::new(names)),
            lens: Vec::new(),
            len: None,
            is_fixed: true,
        }
    }

    pub(super) fn push(&mut self, key: u64, bytes: &[u8], out: &mut Out) -> Result<(), StoreError> {
        let len = *self.len.get_or_insert(bytes.len());
        let small = |len: usize| u32::try_from(len).expect("a name is far below 4 GiB");
        if self.is_fixed && (len != bytes.len() || len == 0) {
            self.is_fixed = false;
            let before = usize::try_from(self.names).expect("they were in memory");
            self.lens = vec![small(len); before];
        }
        if !self.is_fixed {
            self.lens.push(small(bytes.len()));
        }
        self.names += 1;
        self.radix.push(key);
        if let Some(filter) = &mut self.filter {
            filter.push(key);
        }
        out.put(bytes)
    }

    pub(super) fn finish(self, out: &mut Out) -> Result<(), StoreError> {
        out.end_section(self.ids.bytes, self.names)?;
        if self.names == 0 {
            return Ok(());
        }
        if !self.is_fixed {
            let mut ends = ColumnWriter::new();
            let mut end = 0;
            ends.push(end, out)?;
            for len in &self.lens {
                end += u64::from(*len);
                ends.push(end, out)?;
            }
            ends.finish(self.ids.ends, out)?;
        }
        self.radix.finish(self.ids.radix, out)?;
        if let (Some(filter), Some(id)) = (self.filter, self.ids.filter) {
            filter.finish(id, out)?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Names {
    bytes: Part,
    /// Where each ends, or how long each is.
    ends: Option<Groups>,
    len: usize,
    radix: Groups,
    filter: Option<Filter>,
    bits: u32,
    pub count: u32,
}

impl Names {
    pub(super) fn open(
        region: &Region,
        sections: &[Section; SectionId::COUNT],
        ids: &NamesIds,
    ) -> Checked<Names> {
        let of = |id: SectionId| sections[id as usize];
        let Section { part: bytes, items } = of(ids.bytes);
        let odd = || region.damage(bytes.start, "names do not fit their tables");
        let count = u32::try_from(items).map_err(|_| odd())?;
        if count == 0 {
            return Ok(Names::default());
        }
        let ends = Groups::open(region, of(ids.ends), 1)?;
        let ends = (ends.rows > 0).then_some(ends);
        let len = usize::try_from(count).map_or(0, |count| bytes.len / count);
        let bits = radix_bits(items);
        let radix = Groups::open(region, of(ids.radix), 1)?;
        let is_whole = radix.rows == (1 << bits) + 1
            && match ends {
                Some(ends) => ends.rows == items + 1,
                None => len > 0 && len as u64 * items == bytes.len as u64,
            };
        if !is_whole {
            return Err(odd());
        }
        let filter = ids.filter.map(|id| Filter::open(region, of(id))).transpose()?;
        Ok(Names { bytes, ends, len, radix, filter, bits, count })
    }

    #[inline]
    pub(super) fn get<'a>(&self, region: &'a Region, number: u32) -> Checked<&'a [u8]> {
        if number >= self.count {
            return Err(region.damage(self.bytes.start, format!("there is no number {number}")));
        }
        let at = u64::from(number);
        let Some(ends) = &self.ends else {
            let at = usize::try_from(at).expect("numbers fit memory") * self.len;
            return region.read(self.bytes, at, self.len);
        };
        let (start, end) = (ends.get(region, 0, at)?, ends.get(region, 0, at + 1)?);
        read_between(region, self.bytes, start, end)
    }

    /// Has the cache fetch a name, if all are equally long.
    #[inline]
    pub(super) fn prefetch(&self, region: &Region, number: u32) {
        if self.ends.is_none() && number < self.count {
            region.prefetch(self.bytes.start + number as usize * self.len);
        }
    }

    /// Where a name lies in the file, if all are equally long.
    pub(super) fn place_of(&self, number: u32) -> Option<Range<usize>> {
        let start = self.bytes.start + number as usize * self.len;
        (self.ends.is_none() && number < self.count).then(|| start..start + self.len)
    }

    /// Where the names of this key lie, if they are all equally long and this one is here.
    pub(super) fn place_of_key(&self, region: &Region, key: u64) -> Checked<Option<Range<usize>>> {
        if self.count == 0 || self.ends.is_some() || !self.may_hold(region, key)? {
            return Ok(None);
        }
        let radix = radix_of(key, self.bits);
        let (low, _) = bucket(region, &self.radix, radix, u64::from(self.count))?;
        Ok(u32::try_from(low).ok().and_then(|low| self.place_of(low)))
    }

    pub(super) fn may_hold(&self, region: &Region, key: u64) -> Checked<bool> {
        self.filter.map_or(Ok(true), |filter| filter.may_hold(region, key))
    }

    /// The number of these bytes, the filter asked first.
    pub(super) fn number(&self, region: &Region, bytes: &[u8]) -> Checked<Option<u32>> {
        let wanted = key(bytes);
        if self.count == 0 || !self.may_hold(region, wanted)? {
            return Ok(None);
        }
        let radix = radix_of(wanted, self.bits);
        let (low, high) = bucket(region, &self.radix, radix, u64::from(self.count))?;
        let small = |at: u64| u32::try_from(at).expect("below the number of names");
        let (mut low, mut high) = (small(low), small(high));
        // Few share a place, unless somebody chose them to: a search by half, until few are left.
        while high - low > 8 {
            let middle = low + (high - low) / 2;
            let found = self.get(region, middle)?;
            match (key(found), found) < (wanted, bytes) {
                true => low = middle + 1,
                false => high = middle + 1,
            }
        }
        for number in low..high {
            if self.get(region, number)? == bytes {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }
}

pub(super) fn read_between(region: &Region, part: Part, start: u64, end: u64) -> Checked<&[u8]> {
    let place = |at: u64| usize::try_from(at).ok();
    match (place(start), end.checked_sub(start).and_then(place)) {
        (Some(start), Some(len)) => region.read(part, start, len),
        _ => Err(region.damage(part.start, "its ends are out of order")),
    }
}
