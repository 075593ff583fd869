//! Older transactions that a run changes without naming them: traces cover
//! their block, it moves in its tree, or its time becomes known.

use std::collections::BTreeSet;

use model::{Evidence, TimeSource, TransferKind, TxHash};

use super::Seal;
use crate::StoreError;
use crate::ingest::older::Older;
use crate::layers::Layer;
use crate::segment::told::told_of;

impl Seal<'_> {
    /// Traces replace what transactions of their block said.
    pub(super) fn touch_covered(&mut self, covered: &[u64]) -> Result<(), StoreError> {
        let ranges: Vec<(u64, u64)> = ranges(covered);
        for (at, layer) in self.layers.iter().enumerate() {
            for (from, to) in overlapping(&ranges, layer.segment.head().heights) {
                for entry in layer.segment.entries_at_heights(from, to)? {
                    if layer.is_visible(entry) && has_own_value(layer, entry, covered)? {
                        self.touch(at, entry)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A block that now stands, falls or has a height takes its transactions along.
    pub(super) fn touch_blocks(&mut self, moved: &BTreeSet<TxHash>) -> Result<(), StoreError> {
        for (at, layer) in self.layers.iter().enumerate() {
            for block in moved {
                for entry in layer.segment.entries_of_block(block.bytes())? {
                    if layer.is_visible(entry) {
                        self.touch(at, entry)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A block's time dates the transfers at its height that have none, and those
    /// above it up to the next known.
    pub(super) fn touch_dated(&mut self) -> Result<(), StoreError> {
        if self.layers.iter().all(|layer| layer.segment.head().open_heights.is_none()) {
            return Ok(());
        }
        let ranges = self.times.dated_anew()?;
        for (at, layer) in self.layers.iter().enumerate() {
            for (from, to) in overlapping(&ranges, layer.segment.head().open_heights) {
                for entry in layer.segment.entries_at_heights(from, to)? {
                    if layer.is_visible(entry) && self.is_dated_anew(layer, entry)? {
                        self.touch(at, entry)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn is_dated_anew(&mut self, layer: &Layer, entry: u32) -> Result<bool, StoreError> {
        let entry = layer.segment.entry(entry)?;
        let Some(height) = entry.height.filter(|_| !entry.rows.is_empty()) else {
            return Ok(false);
        };
        let Some((time, source)) = self.times.given(height)? else { return Ok(false) };
        for row in entry.rows {
            let flags = layer.segment.row(row)?.flags;
            let is_open = flags.time_source != TimeSource::Stated || !flags.is_time_told;
            if is_open && (entry.time, flags.time_source) != (time, source) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The transaction of this visible entry is to be settled again.
    pub(super) fn touch(&mut self, at: usize, entry: u32) -> Result<(), StoreError> {
        let layer = &self.layers[at];
        let hash = layer.segment.entry_hash(entry)?;
        let number = self.buffer.number_of(hash.bytes());
        if let Some(older) = self.older.get_mut(&number) {
            older.is_dirty = true;
            return Ok(());
        }
        let entries = layer.entries_of(hash.bytes())?;
        let mut older = Older::read(self.layers, at, entries, &mut self.buffer)?;
        older.is_dirty = true;
        self.older.insert(number, older);
        Ok(())
    }
}

/// Did the transaction itself say what value it moved at a height that is now covered?
fn has_own_value(layer: &Layer, entry: u32, covered: &[u64]) -> Result<bool, StoreError> {
    let hash = layer.segment.entry_hash(entry)?;
    let told = told_of(&layer.segment, hash.bytes())?;
    Ok(told.claims.iter().any(|(transfer, evidence)| {
        *evidence == Evidence::Transaction
            && transfer.kind != TransferKind::Fee
            && transfer.height.is_some_and(|height| covered.binary_search(&height).is_ok())
    }))
}

/// Sorted heights as ranges.
fn ranges(heights: &[u64]) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for height in heights {
        match ranges.last_mut() {
            Some(last) if last.1.saturating_add(1) >= *height => last.1 = *height,
            _ => ranges.push((*height, *height)),
        }
    }
    ranges
}

/// The parts of these ranges that lie within another.
fn overlapping(
    ranges: &[(u64, u64)],
    within: Option<(u64, u64)>,
) -> impl Iterator<Item = (u64, u64)> {
    let cut = move |(from, to): &(u64, u64)| {
        let (first, last) = within?;
        let cut = (first.max(*from), last.min(*to));
        (cut.0 <= cut.1).then_some(cut)
    };
    ranges.iter().filter_map(cut)
}
