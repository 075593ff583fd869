//! What older layers hold of transactions that are settled again.

use std::collections::BTreeMap;

use model::{Position, U256};

use super::buffer::Buffer;
use crate::StoreError;
use crate::layers::{Layer, Masked};
use crate::segment::{Interner, Segment};

/// A transaction in the one layer where it is visible.
pub(super) struct Older {
    /// The layer's place among those that are settled over.
    pub(super) at: usize,
    pub(super) entries: Vec<u32>,
    /// What masking it hides.
    pub(super) counts: Masked,
    /// Bitcoin: the outputs it made, while it stood.
    pub(super) outputs: Vec<Made>,
    /// Does it have to be settled again?
    pub(super) is_dirty: bool,
}

/// An output by the run's number of its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) to: u32,
    pub(super) value: U256,
}

/// Which of these hashes are visible in which layer. Layer by layer and in the order of
/// their keys, so that a layer's filter is gone through once, from one end to the other.
pub(super) fn find_all(
    layers: &[Layer],
    hashes: &Interner,
    asked: &[u32],
) -> Result<BTreeMap<u32, (usize, Vec<u32>)>, StoreError> {
    let mut found = BTreeMap::new();
    if layers.is_empty() {
        return Ok(found);
    }
    let keyed = asked.iter().map(|number| (Segment::key_of(hashes.get(*number)), *number));
    let mut keyed: Vec<(u64, u32)> = keyed.collect();
    keyed.sort_unstable();
    for (at, layer) in layers.iter().enumerate() {
        for number in layer.segment.sift(&keyed)? {
            let entries = layer.entries_of(hashes.get(number))?;
            if !entries.is_empty() {
                found.insert(number, (at, entries));
            }
        }
    }
    Ok(found)
}

impl Older {
    pub(super) fn read(
        layers: &[Layer],
        at: usize,
        entries: Vec<u32>,
        buffer: &mut Buffer,
    ) -> Result<Older, StoreError> {
        let counts = layers[at].counts(&entries)?;
        let outputs = outputs(&layers[at], &entries, buffer)?;
        Ok(Older { at, entries, counts, outputs, is_dirty: false })
    }
}

/// The outputs a transaction made, where it stands.
fn outputs(layer: &Layer, entries: &[u32], buffer: &mut Buffer) -> Result<Vec<Made>, StoreError> {
    let mut outputs = Vec::new();
    if !layer.segment.head().has_utxo {
        return Ok(outputs);
    }
    for number in entries {
        let entry = layer.segment.entry(*number)?;
        for at in entry.rows.filter(|_| entry.is_utxo) {
            let row = layer.segment.row(at)?;
            if matches!(row.position, Position::Output(_)) {
                let to = buffer.addresses.intern(layer.segment.address(row.to)?);
                outputs.push(Made { to, value: row.amount });
            }
        }
    }
    Ok(outputs)
}

/// The output at this index of a transaction that stands in this layer.
pub(super) fn output_at(
    layer: &Layer,
    entries: &[u32],
    index: u32,
    buffer: &mut Buffer,
) -> Result<Option<Made>, StoreError> {
    let segment = &layer.segment;
    for number in entries {
        let entry = segment.entry(*number)?;
        if !entry.is_utxo {
            continue;
        }
        // Inputs come first, then outputs, each in order.
        let (mut low, mut high) = (entry.rows.start, entry.rows.end);
        while low < high {
            let middle = low + (high - low) / 2;
            let row = segment.row(middle)?;
            match row.position.cmp(&Position::Output(index)) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let to = buffer.addresses.intern(segment.address(row.to)?);
                    return Ok(Some(Made { to, value: row.amount }));
                }
            }
        }
    }
    Ok(None)
}
