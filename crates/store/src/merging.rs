//! Fewer, larger segments: which become one, and how the new one takes their place.
//!
//! Tiers: segments of about one size become one of the next size, until they
//! are large enough. A merge reads segments and the masks on them as they were
//! when it began, beside everything else; what was masked meanwhile is masked in
//! the new segment when it is installed.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Chain, Timestamp};
use roaring::RoaringBitmap;

use crate::StoreError;
use crate::catalog::{Catalog, SegmentId, Writer};
use crate::ingest::{Sizes, mask_row};
use crate::layers::{Layer, Layers, Mask, Masked};
use crate::segment::{self, Head, Segment, Sink};
use crate::shelf::{Shelf, Written};

mod worker;

pub use worker::Merger;

/// What segments hide of others, by both.
pub type Masks = BTreeMap<(SegmentId, SegmentId), Mask>;

/// The layers to merge next, by their places; none where there are few enough.
///
/// Of the smallest tier that is full, those that lie next to each other in time:
/// segments that do not overlap are only put one after the other.
pub fn choose(layers: &[Layer], sizes: &Sizes) -> Option<Vec<usize>> {
    let mut tiers: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, layer) in layers.iter().enumerate() {
        if weight(layer) < sizes.segment_rows {
            tiers.entry(tier(layer, sizes)).or_default().push(at);
        }
    }
    for mut full in tiers.into_values().filter(|tier| tier.len() >= sizes.fan_out) {
        full.sort_by_key(|at| (span(&layers[*at]), *at));
        let chosen = within(&full, layers, sizes);
        if chosen.len() > 1 {
            return Some(chosen);
        }
    }
    None
}

/// The first of these that together stay within the largest size.
fn within(full: &[usize], layers: &[Layer], sizes: &Sizes) -> Vec<usize> {
    let mut rows = 0;
    let fits = |at: &&usize| {
        rows += weight(&layers[**at]);
        rows <= sizes.segment_rows
    };
    full.iter().take(sizes.fan_out).take_while(fits).copied().collect()
}

/// How many times the fan-out a segment's rows are. The smallest, of files far below a run,
/// are of one tier: to write them again and again costs little.
fn tier(layer: &Layer, sizes: &Sizes) -> u32 {
    let least = (sizes.run_rows as u64 / SMALL).max(1);
    (weight(layer) / least).max(1).ilog((sizes.fan_out as u64).max(2))
}

/// Segments of this part of a run are not told apart by size.
const SMALL: u64 = 128;

/// Rows that a merge keeps; an entry counts too, for those that have no rows.
fn weight(layer: &Layer) -> u64 {
    let head = layer.segment.head();
    let rows = u64::from(head.rows).max(u64::from(head.entries));
    rows.saturating_sub(layer.masked_counts.transfers).max(1)
}

fn span(layer: &Layer) -> (Option<Timestamp>, Option<Timestamp>) {
    let head = layer.segment.head();
    (head.time_first, head.time_last)
}

/// A merge: its inputs as they were when it began.
pub struct Merging {
    chain: Chain,
    inputs: Vec<Layer>,
}

impl Merging {
    pub fn of(chain: Chain, inputs: Vec<Layer>) -> Merging {
        Merging { chain, inputs }
    }

    /// The long part. Needs nothing but its inputs, so it runs beside everything.
    pub fn write(&self, writer: &Writer, shelf: &Shelf) -> Result<Written, StoreError> {
        shelf.write(writer.next_segment(), self.chain, |sink| self.fill(sink))
    }

    fn fill(&self, sink: &mut dyn Sink) -> Result<Head, StoreError> {
        let inputs: Vec<(&Segment, Option<&RoaringBitmap>)> = self
            .inputs
            .iter()
            .map(|layer| (&*layer.segment, Some(&*layer.masked).filter(|mask| !mask.is_empty())))
            .collect();
        segment::merge(&inputs, sink)
    }

    /// The short part: the new segment in place of its inputs, which are returned.
    ///
    /// What others hide of the inputs since the merge began, they hide of it; what
    /// the inputs hide of others, it hides.
    pub fn install(
        &self,
        id: SegmentId,
        segment: Arc<Segment>,
        layers: &mut Vec<Layer>,
        masks: &mut Masks,
    ) -> Result<Vec<Layer>, StoreError> {
        let mut merged = Layer::whole(id, segment);
        let mut moved = Masks::new();
        for ((by, on), mask) in std::mem::take(masks) {
            let mask = match (self.input(by), self.input(on)) {
                // Among the inputs: what was hidden was left out.
                (Some(_), Some(_)) => continue,
                (Some(_), None) => Mask { by: id, ..mask },
                (None, Some(input)) => self.carry(input, &merged, &mask)?,
                (None, None) => mask,
            };
            if mask.entries.is_empty() {
                continue;
            }
            if mask.on == id {
                merged.hide(&mask);
            }
            match moved.get_mut(&(mask.by, mask.on)) {
                Some(known) => known.add(&mask),
                None => drop(moved.insert((mask.by, mask.on), mask)),
            }
        }
        *masks = moved;
        let place = layers.iter().position(|layer| self.input(layer.id).is_some());
        let (out, mut kept): (Vec<Layer>, Vec<Layer>) =
            layers.drain(..).partition(|layer| self.input(layer.id).is_some());
        // Before the first input there were only layers that stay.
        kept.insert(place.unwrap_or(kept.len()), merged);
        *layers = kept;
        Ok(out)
    }

    fn input(&self, id: SegmentId) -> Option<&Layer> {
        self.inputs.iter().find(|input| input.id == id)
    }

    /// A mask on an input as one on the merged segment: the same transactions, but
    /// for those that were hidden when the merge began. Of these the merged segment
    /// has none, or a newer version from another input.
    fn carry(&self, input: &Layer, merged: &Layer, mask: &Mask) -> Result<Mask, StoreError> {
        let mut carried = Mask {
            by: mask.by,
            on: merged.id,
            entries: RoaringBitmap::new(),
            counts: Masked::default(),
        };
        for entry in &mask.entries - &*input.masked {
            let hash = input.segment.entry_hash(entry)?;
            let entries = merged.segment.entries_of(hash.bytes())?;
            if entries.first().is_some_and(|first| carried.entries.contains(*first)) {
                continue;
            }
            let counts = merged.counts(&entries)?;
            carried.entries.extend(entries);
            carried.counts.transfers += counts.transfers;
            carried.counts.unresolved += counts.unresolved;
        }
        Ok(carried)
    }
}

/// Installs a merge of base segments: from one commit to the next every reader
/// sees the same, in other files. For whoever has the right to write, between
/// batches: nothing else may change segments meanwhile.
pub fn install(
    catalog: &Catalog,
    writer: &Arc<Writer>,
    shelf: &Shelf,
    merging: &Merging,
    written: Written,
) -> Result<(), StoreError> {
    let state = catalog.state()?;
    let mut masks: Masks = Masks::new();
    for row in state.masks {
        let counts = Masked { transfers: row.transfers, unresolved: row.unresolved };
        let mask = Mask { by: row.by, on: row.on, entries: row.entries, counts };
        masks.insert((mask.by, mask.on), mask);
    }
    let before = masks.clone();
    let id = written.row.id;
    merging.install(id, written.segment.clone(), &mut Vec::new(), &mut masks)?;
    shelf.sync()?;
    let mut commit = catalog.commit(writer)?;
    commit.add_segment(&written.row, &[])?;
    for input in &merging.inputs {
        commit.inherit_files(id, input.id)?;
    }
    for (by, on) in before.keys().filter(|key| !masks.contains_key(key)) {
        commit.remove_mask(*by, *on)?;
    }
    for mask in masks.values().filter(|mask| mask.by == id || mask.on == id) {
        commit.set_mask(&mask_row(mask))?;
    }
    for input in &merging.inputs {
        commit.remove_segment(input.id)?;
    }
    commit.finish()?;
    let gone = state.segments.iter().filter(|row| merging.input(row.id).is_some());
    gone.into_iter().try_for_each(|row| shelf.remove(row))
}

/// The merge of base segments that is due, of whichever chain.
pub fn next(layers: &Layers, sizes: &Sizes) -> Option<Merging> {
    layers.chains().find_map(|chain| {
        let base = layers.base(chain);
        let chosen = choose(base, sizes)?;
        let inputs = chosen.into_iter().map(|at| base[at].clone()).collect();
        Some(Merging::of(chain, inputs))
    })
}
