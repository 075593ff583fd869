//! What of each segment is visible: the state of the store at one moment.
//!
//! A transaction is settled whole, so it is visible in at most one layer, and
//! there all of its entries are. Base layers hold what was gathered and what is
//! final; followed blocks lie over them and mask some of it. Cheap to clone: a
//! snapshot is one of these.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Chain, Timestamp, TxHash, TxId};
use roaring::RoaringBitmap;

use crate::StoreError;
use crate::segment::Segment;
use crate::segment::told::{Told, told_of};

pub use crate::catalog::SegmentId;

/// A segment and what of it is hidden by others.
#[derive(Clone)]
pub struct Layer {
    pub id: SegmentId,
    pub segment: Arc<Segment>,
    /// Entries that another segment replaces.
    pub masked: Arc<RoaringBitmap>,
    pub masked_counts: Masked,
}

/// How much a mask hides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    /// Rows that are transfers.
    pub transfers: u64,
    /// Bitcoin's inputs whose previous output is not known.
    pub unresolved: u64,
}

/// Entries of one segment that another replaces.
#[derive(Clone)]
pub struct Mask {
    pub by: SegmentId,
    pub on: SegmentId,
    pub entries: RoaringBitmap,
    pub counts: Masked,
}

/// A block that is not final: its segment, and what that replaces.
#[derive(Clone)]
pub struct HotBlock {
    pub height: u64,
    pub hash: TxHash,
    pub parent: TxHash,
    pub time: Timestamp,
    pub layer: Layer,
    /// On base segments and on hot ones below.
    pub masks: Arc<[Mask]>,
}

/// What is visible, chain by chain.
#[derive(Clone, Default)]
pub struct Layers {
    chains: Arc<BTreeMap<Chain, Arc<ChainLayers>>>,
    /// Why a chain cannot be read. It has no layers.
    unreadable: Arc<BTreeMap<Chain, String>>,
}

#[derive(Default)]
struct ChainLayers {
    base: Vec<Layer>,
    hot: Vec<HotBlock>,
    /// The base under the masks of hot blocks, then those blocks as they rise.
    visible: Vec<Layer>,
}

/// A transaction as an older layer holds it.
pub struct Found {
    /// Its place in the layers that were searched.
    pub at: usize,
    pub entries: Vec<u32>,
}

impl Layer {
    pub fn whole(id: SegmentId, segment: Arc<Segment>) -> Layer {
        Layer { id, segment, masked: Arc::default(), masked_counts: Masked::default() }
    }

    pub fn is_visible(&self, entry: u32) -> bool {
        !self.masked.contains(entry)
    }

    /// Transfers that are visible.
    pub fn transfers(&self) -> u64 {
        u64::from(self.segment.head().transfers).saturating_sub(self.masked_counts.transfers)
    }

    /// Inputs that are visible and spend what is not held.
    pub fn unresolved_inputs(&self) -> u64 {
        u64::from(self.segment.head().unresolved_inputs)
            .saturating_sub(self.masked_counts.unresolved)
    }

    pub fn hide(&mut self, mask: &Mask) {
        *Arc::make_mut(&mut self.masked) |= &mask.entries;
        self.masked_counts.transfers += mask.counts.transfers;
        self.masked_counts.unresolved += mask.counts.unresolved;
    }

    /// How much these entries show.
    pub fn counts(&self, entries: &[u32]) -> Result<Masked, StoreError> {
        let segment = &self.segment;
        let mut counts = Masked::default();
        for number in entries {
            let rows = segment.entry_rows(*number)?;
            counts.transfers += u64::from(rows.end - rows.start);
            // Only Bitcoin's inputs are ever hidden.
            if segment.head().unresolved_inputs == 0 {
                continue;
            }
            for row in rows {
                if segment.row(row)?.flags.is_hidden {
                    counts.transfers -= 1;
                    counts.unresolved += 1;
                }
            }
        }
        Ok(counts)
    }

    /// The visible entries of this transaction, ascending; none where it is not,
    /// or where a newer layer holds it.
    pub fn entries_of(&self, hash: &[u8]) -> Result<Vec<u32>, StoreError> {
        let mut entries = self.segment.entries_of(hash)?;
        entries.retain(|entry| self.is_visible(*entry));
        Ok(entries)
    }
}

impl Mask {
    /// Hides what another hides too.
    pub fn add(&mut self, other: &Mask) {
        self.entries |= &other.entries;
        self.counts.transfers += other.counts.transfers;
        self.counts.unresolved += other.counts.unresolved;
    }
}

impl Layers {
    /// Base layers with the masks base has on them, and followed blocks as they rise.
    pub fn new(
        base: BTreeMap<Chain, Vec<Layer>>,
        mut hot: BTreeMap<Chain, Vec<HotBlock>>,
    ) -> Layers {
        let mut chains = BTreeMap::new();
        for (chain, base) in base {
            let hot = hot.remove(&chain).unwrap_or_default();
            chains.insert(chain, Arc::new(ChainLayers::new(base, hot)));
        }
        for (chain, hot) in hot {
            chains.insert(chain, Arc::new(ChainLayers::new(Vec::new(), hot)));
        }
        Layers { chains: Arc::new(chains), unreadable: Arc::default() }
    }

    /// Without the chains that cannot be read.
    #[must_use]
    pub fn without(self, unreadable: BTreeMap<Chain, String>) -> Layers {
        let mut chains = self.chains;
        Arc::make_mut(&mut chains).retain(|chain, _| !unreadable.contains_key(chain));
        Layers { chains, unreadable: Arc::new(unreadable) }
    }

    /// Refuses a chain of which a segment cannot be opened.
    pub fn must_read(&self, chain: Chain) -> Result<(), StoreError> {
        match self.unreadable.get(&chain) {
            Some(why) => Err(StoreError::Unreadable { chain, why: why.clone() }),
            None => Ok(()),
        }
    }

    /// Refuses where any chain cannot be read.
    pub fn must_read_all(&self) -> Result<(), StoreError> {
        self.unreadable.keys().try_for_each(|chain| self.must_read(*chain))
    }

    /// The chains that cannot be read.
    pub fn unreadable(&self) -> impl Iterator<Item = Chain> {
        self.unreadable.keys().copied()
    }

    pub fn chains(&self) -> impl Iterator<Item = Chain> {
        self.chains.keys().copied()
    }

    /// All that is visible, followed blocks included: what is asked.
    pub fn visible(&self, chain: Chain) -> &[Layer] {
        self.chains.get(&chain).map_or(&[], |layers| &layers.visible)
    }

    /// Without followed blocks: what files are settled over.
    pub fn base(&self, chain: Chain) -> &[Layer] {
        self.chains.get(&chain).map_or(&[], |layers| &layers.base)
    }

    pub fn hot(&self, chain: Chain) -> &[HotBlock] {
        self.chains.get(&chain).map_or(&[], |layers| &layers.hot)
    }

    /// Everything ever told of a transaction, where any of it was.
    pub fn told(&self, tx: &TxId) -> Result<Option<Told>, StoreError> {
        let layers = self.visible(tx.chain);
        let found = find(layers, tx.hash.bytes())?;
        found.map(|found| told_of(&layers[found.at].segment, tx.hash.bytes())).transpose()
    }
}

impl ChainLayers {
    fn new(base: Vec<Layer>, hot: Vec<HotBlock>) -> ChainLayers {
        let mut visible = base.clone();
        visible.extend(hot.iter().map(|block| block.layer.clone()));
        for mask in hot.iter().flat_map(|block| block.masks.iter()) {
            visible.iter_mut().filter(|layer| layer.id == mask.on).for_each(|l| l.hide(mask));
        }
        ChainLayers { base, hot, visible }
    }
}

/// The layer a transaction is visible in; the newest are asked first.
pub fn find(layers: &[Layer], hash: &[u8]) -> Result<Option<Found>, StoreError> {
    for (at, layer) in layers.iter().enumerate().rev() {
        if layer.segment.may_hold(hash)? {
            let entries = layer.entries_of(hash)?;
            if !entries.is_empty() {
                return Ok(Some(Found { at, entries }));
            }
        }
    }
    Ok(None)
}
