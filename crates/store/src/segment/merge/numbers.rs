//! The new numbers of addresses, assets and blocks: a merge of names in their order, without those
//! that only masked entries use.

use super::{Input, Renumbered};
use crate::StoreError;
use crate::segment::names::{self, Names, NamesIds, NamesWriter};
use crate::segment::out::Out;
use crate::segment::rows::RowScratch;
use crate::segment::{Head, NOBODY};

pub(super) struct Numbers {
    /// Of each input.
    pub addresses: Vec<Renumbered>,
    pub assets: Vec<Renumbered>,
    pub blocks: Vec<Renumbered>,
    pub address_count: u32,
    asset_count: u32,
    pub block_count: u32,
}

impl Numbers {
    pub(super) fn find(inputs: &[Input]) -> Result<Numbers, StoreError> {
        let mut used = Vec::new();
        for input in inputs {
            used.push(Used::of(input)?);
        }
        let find =
            |names: fn(&Input) -> Names, used: Vec<Option<&[bool]>>| renumber(inputs, names, &used);
        let column = |pick: fn(&Used) -> &[bool]| -> Vec<Option<&[bool]>> {
            used.iter().map(|used| used.as_ref().map(pick)).collect()
        };
        let (addresses, address_count) =
            find(|input| input.segment.addresses, column(|used| &used.addresses))?;
        let (assets, asset_count) =
            find(|input| input.segment.asset_names, column(|used| &used.assets))?;
        let (blocks, block_count) =
            find(|input| input.segment.blocks, column(|used| &used.blocks))?;
        Ok(Numbers { addresses, assets, blocks, address_count, asset_count, block_count })
    }

    pub(super) fn write(
        &self,
        inputs: &[Input],
        head: &mut Head,
        out: &mut Out,
    ) -> Result<(), StoreError> {
        head.addresses = self.address_count;
        head.assets = self.asset_count;
        let write = |ids, names, numbers, count, out: &mut Out| {
            write_names(ids, inputs, names, numbers, count, out)
        };
        let addresses: fn(&Input) -> Names = |input| input.segment.addresses;
        write(&names::ADDRESSES, addresses, &self.addresses, self.address_count, out)?;
        let assets: fn(&Input) -> Names = |input| input.segment.asset_names;
        write(&names::ASSETS, assets, &self.assets, self.asset_count, out)?;
        let blocks: fn(&Input) -> Names = |input| input.segment.blocks;
        write(&names::BLOCKS, blocks, &self.blocks, self.block_count, out)
    }
}

/// What the entries that stay use of a masked input.
struct Used {
    addresses: Vec<bool>,
    assets: Vec<bool>,
    blocks: Vec<bool>,
}

impl Used {
    /// None: all of it.
    fn of(input: &Input) -> Result<Option<Used>, StoreError> {
        if input.mask.is_none() {
            return Ok(None);
        }
        let segment = input.segment;
        let mut used = Used {
            addresses: vec![false; segment.addresses.count as usize],
            assets: vec![false; segment.asset_names.count as usize],
            blocks: vec![false; segment.blocks.count as usize],
        };
        let mut scratch = RowScratch::default();
        for group in 0..segment.rows.groups.group_count() {
            segment.rows.group(&segment.region, group, &mut scratch, |row, _| {
                if !input.is_masked(row.entry) {
                    mark(&mut used.addresses, row.from);
                    mark(&mut used.addresses, row.to);
                    mark(&mut used.assets, row.asset);
                }
                Ok(())
            })?;
        }
        segment.each_block_entry(|block, entry| {
            if !input.is_masked(entry) {
                mark(&mut used.blocks, block);
            }
        })?;
        Ok(Some(used))
    }
}

fn mark(used: &mut [bool], number: u32) {
    if let Some(place) = used.get_mut(number as usize) {
        *place = true;
    }
}

/// The next name of one input.
struct Next<'a> {
    input: Input<'a>,
    names: Names,
    used: Option<&'a [bool]>,
    at: u32,
    now: Option<(u64, &'a [u8])>,
    numbers: Vec<u32>,
}

impl Next<'_> {
    fn advance(&mut self) -> Result<(), StoreError> {
        let is_unused = |at: u32| self.used.is_some_and(|used| !used[at as usize]);
        while self.at < self.names.count && is_unused(self.at) {
            self.at += 1;
            self.numbers.push(NOBODY);
        }
        self.now = None;
        if self.at < self.names.count {
            let bytes = self.names.get(&self.input.segment.region, self.at)?;
            let now = (names::key(bytes), bytes);
            self.now = Some(now);
        }
        Ok(())
    }
}

fn renumber(
    inputs: &[Input],
    names: fn(&Input) -> Names,
    used: &[Option<&[bool]>],
) -> Result<(Vec<Renumbered>, u32), StoreError> {
    let mut all = Vec::new();
    for (input, used) in inputs.iter().zip(used) {
        let names = names(input);
        let numbers = Vec::with_capacity(names.count as usize);
        let mut next = Next { input: *input, names, used: *used, at: 0, now: None, numbers };
        next.advance()?;
        all.push(next);
    }
    let mut count = 0u32;
    while let Some(least) = all.iter().filter_map(|next| next.now).min() {
        for next in &mut all {
            if next.now == Some(least) {
                next.numbers.push(count);
                next.at += 1;
                let before = least;
                next.advance()?;
                if next.now.is_some_and(|now| now <= before) {
                    return Err(next.input.segment.odd("names are out of order").into());
                }
            }
        }
        count = count
            .checked_add(1)
            .filter(|count| *count != NOBODY)
            .ok_or_else(|| StoreError::value("merge segments", "they have 2^32 names or more"))?;
    }
    Ok((all.into_iter().map(|next| Renumbered(next.numbers)).collect(), count))
}

fn write_names(
    ids: &NamesIds,
    inputs: &[Input],
    names: fn(&Input) -> Names,
    numbers: &[Renumbered],
    count: u32,
    out: &mut Out,
) -> Result<(), StoreError> {
    let mut writer = NamesWriter::new(ids, u64::from(count));
    let mut at = vec![0usize; inputs.len()];
    for number in 0..count {
        let mut found = None;
        for ((input, numbers), at) in inputs.iter().zip(numbers).zip(&mut at) {
            while numbers.0.get(*at) == Some(&NOBODY) {
                *at += 1;
            }
            if numbers.0.get(*at) == Some(&number) {
                found = Some((input, *at));
                *at += 1;
            }
        }
        let (input, at) = found.expect("each number was given to a name");
        let at = u32::try_from(at).expect("names have numbers of 32 bits");
        let bytes = names(input).get(&input.segment.region, at)?;
        writer.push(names::key(bytes), bytes, out)?;
    }
    writer.finish(out)
}
