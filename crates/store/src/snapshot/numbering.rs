//! The accounts of a chain, numbered from zero over all of its segments.
//!
//! Every segment sorts its addresses by the same hash, so one pass over all of them numbers the union
//! and never compares more than neighbours. One segment alone needs no numbers but its own.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use xxhash_rust::xxh3::xxh3_64;

use super::past::Past;
use crate::StoreError;
use crate::segment::NOBODY;

pub(super) struct Numbering {
    pub count: u32,
    /// By layer: from its own number to the store's, rising. Empty where there is one layer.
    maps: Vec<Vec<u32>>,
}

impl Numbering {
    pub fn of(past: &Past) -> Result<Numbering, StoreError> {
        if let [one] = past.layers.as_slice() {
            return Ok(Numbering { count: one.segment.head().addresses, maps: Vec::new() });
        }
        let mut maps: Vec<Vec<u32>> = past
            .layers
            .iter()
            .map(|layer| Vec::with_capacity(layer.segment.head().addresses as usize))
            .collect();
        let mut heads = BinaryHeap::new();
        for at in 0..past.layers.len() {
            heads.extend(head(past, at, 0)?.map(Reverse));
        }
        let mut count = 0;
        let mut last: Option<(u64, &[u8])> = None;
        while let Some(Reverse((hash, bytes, at, number))) = heads.pop() {
            if last != Some((hash, bytes)) {
                last = Some((hash, bytes));
                count += 1;
            }
            maps[at].push(count - 1);
            heads.extend(head(past, at, number + 1)?.map(Reverse));
        }
        Ok(Numbering { count, maps })
    }

    /// The store's number of a layer's address; nobody stays nobody.
    pub fn number(&self, layer: usize, local: u32) -> u32 {
        if local == NOBODY || self.maps.is_empty() {
            return local;
        }
        self.maps[layer][local as usize]
    }

    /// Are numbers the layer's own?
    pub fn is_plain(&self) -> bool {
        self.maps.is_empty()
    }

    /// A layer's own number.
    pub fn local(&self, layer: usize, number: u32) -> Option<u32> {
        if self.maps.is_empty() {
            return (number < self.count).then_some(number);
        }
        let found = self.maps[layer].binary_search(&number).ok()?;
        u32::try_from(found).ok()
    }
}

type Head<'a> = (u64, &'a [u8], usize, u32);

/// The next address of a layer, none at its end.
fn head(past: &Past, at: usize, number: u32) -> Result<Option<Head<'_>>, StoreError> {
    let segment = &past.layers[at].segment;
    if number == segment.head().addresses {
        return Ok(None);
    }
    let bytes = segment.address(number)?;
    Ok(Some((xxh3_64(bytes), bytes, at, number)))
}
