//! One file being taken in: runs of bounded memory, published together.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::memory::merge_meta;
use model::{Asset, AssetMeta, BlockFact, Chain, Fact, Freeze, Oddity, TxHash, TxId};

use super::buffer::Buffer;
use super::seal::{RunCounts, Sealed, seal};
use super::state::{ChainState, Heights};
use crate::catalog::{Catalog, SegmentId, SegmentRow, Writer};
use crate::layers::{Layer, Layers, Mask};
use crate::merging::{self, Masks, Merger, Merging};
use crate::segment;
use crate::shelf::{Shelf, Written};
use crate::{Counts, FileRecord, StoreError};

/// How much goes into a run and into a merge.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Rows of a run: what is held in memory before it is sealed.
    pub run_rows: usize,
    /// Segments of about one size that become one.
    pub fan_out: usize,
    /// Segments stop growing at so many rows.
    pub segment_rows: u64,
    /// Runs of a file that may wait to be merged: beyond them, reading waits.
    pub runs_max: usize,
}

/// A file being taken in. Dropping it takes away what it wrote.
pub struct Batch<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) writer: Arc<Writer>,
    pub(super) shelf: Shelf,
    pub(super) record: FileRecord,
    sizes: Sizes,
    /// What there was before the file.
    pub(super) start: Layers,
    pub(super) chains: Vec<Chained>,
    /// States of chains that need not be read again.
    known: BTreeMap<Chain, ChainState>,
    pub(super) assets: BTreeMap<Asset, AssetMeta>,
    pub(super) oddities: Vec<Oddity>,
    pub(super) freezes: Vec<Freeze>,
    /// What miners wrote, by their transactions.
    pub(super) coinbases: Vec<(TxId, Box<[u8]>)>,
    blocks: u64,
    /// May the catalog name it by now? Then what it wrote stays.
    pub(super) is_committed: bool,
}

/// One chain of the file.
pub(super) struct Chained {
    pub(super) chain: Chain,
    buffer: Buffer,
    pub(super) state: Option<ChainState>,
    /// Older layers first, then the runs of this file.
    pub(super) layers: Vec<Layer>,
    older: usize,
    /// The new segments' rows in the catalog to be.
    pub(super) rows: BTreeMap<SegmentId, SegmentRow>,
    /// What the new segments hide of older ones and of each other.
    pub(super) masks: Masks,
    /// Newly covered by traces.
    pub(super) covered: Heights,
    /// Blocks of a tree that were not known, and those that moved in it.
    pub(super) headers: Vec<BlockFact>,
    pub(super) moved: Vec<TxHash>,
    /// The heights blocks were told of.
    pub(super) block_heights: Heights,
    counts: RunCounts,
    pub(super) merger: Merger,
}

impl Sizes {
    /// Some hundred megabytes a run, and segments of some gigabytes.
    pub const USUAL: Sizes =
        Sizes { run_rows: 1 << 20, fan_out: 8, segment_rows: 64 << 20, runs_max: 32 };
}

impl<'a> Batch<'a> {
    /// Takes in facts over the base layers of `start`, the catalog's state now.
    pub fn begin(
        catalog: &'a Catalog,
        writer: Arc<Writer>,
        shelf: Shelf,
        start: Layers,
        record: FileRecord,
        sizes: Sizes,
    ) -> Batch<'a> {
        Batch {
            catalog,
            writer,
            shelf,
            record,
            sizes,
            start,
            chains: Vec::new(),
            known: BTreeMap::new(),
            assets: BTreeMap::new(),
            oddities: Vec::new(),
            freezes: Vec::new(),
            coinbases: Vec::new(),
            blocks: 0,
            is_committed: false,
        }
    }

    /// A chain's state as of the last commit, from whoever has it.
    pub(crate) fn knowing(&mut self, chain: Chain, state: ChainState) {
        self.known.insert(chain, state);
    }

    /// Takes in one fact. After an error the batch is of no more use: drop it.
    pub fn put(&mut self, fact: &Fact) -> Result<(), StoreError> {
        let at = match fact {
            Fact::Transfer { transfer, evidence } => {
                let at = self.chain(transfer.tx.chain)?;
                self.chains[at].buffer.put_transfer(transfer, *evidence)?;
                at
            }
            Fact::Utxo(tx) => {
                let at = self.chain(tx.id.chain)?;
                self.chains[at].buffer.put_utxo(tx)?;
                at
            }
            Fact::Block(block) => {
                self.blocks += 1;
                let at = self.chain(block.chain)?;
                self.chains[at].put_block(block);
                at
            }
            Fact::TracesCover { chain, height } => {
                let at = self.chain(*chain)?;
                self.chains[at].buffer.put_cover(*height);
                at
            }
            Fact::Failed { tx } => {
                let at = self.chain(tx.chain)?;
                self.chains[at].buffer.put_failed(&tx.hash);
                at
            }
            Fact::NftLog { tx, log_index } => {
                let at = self.chain(tx.chain)?;
                self.chains[at].buffer.put_nft_log(&tx.hash, *log_index);
                at
            }
            Fact::Asset(told) => {
                let unknown = || AssetMeta::unknown(told.asset.clone());
                let known = self.assets.entry(told.asset.clone()).or_insert_with(unknown);
                merge_meta(known, told);
                return Ok(());
            }
            Fact::Coinbase { tx, script } => {
                self.coinbases.push((*tx, script.clone()));
                return Ok(());
            }
            Fact::Freeze(freeze) => {
                self.freezes.push(freeze.clone());
                return Ok(());
            }
            Fact::Oddity(oddity) => {
                self.oddities.push(oddity.clone());
                return Ok(());
            }
        };
        if self.chains[at].buffer.len() >= self.sizes.run_rows {
            self.spill(at)?;
        }
        Ok(())
    }

    /// Seals what is left.
    pub(super) fn finish(&mut self) -> Result<Counts, StoreError> {
        for at in 0..self.chains.len() {
            self.spill(at)?;
        }
        Ok(self.counts())
    }

    /// The chain of a fact: mostly the first and only one.
    fn chain(&mut self, chain: Chain) -> Result<usize, StoreError> {
        if let Some(known) = self.chains.iter().position(|known| known.chain == chain) {
            return Ok(known);
        }
        self.start.must_read(chain)?;
        self.chains.push(Chained::new(chain, self.start.base(chain).to_vec()));
        Ok(self.chains.len() - 1)
    }

    /// A chain that is touched, whether or not anything is told of it.
    pub(super) fn open(&mut self, chain: Chain) -> Result<(), StoreError> {
        let at = self.chain(chain)?;
        self.chains[at].know(self.catalog, &mut self.known)
    }

    fn spill(&mut self, at: usize) -> Result<(), StoreError> {
        let chained = &mut self.chains[at];
        let chain = chained.chain;
        let buffer = std::mem::replace(&mut chained.buffer, Buffer::new(chain));
        if buffer.is_empty() {
            return Ok(());
        }
        chained.know(self.catalog, &mut self.known)?;
        let state = chained.state.as_mut().expect("it was just read");
        let sealed = seal(buffer, &chained.layers, self.start.base(chain), state)?;
        chained.add(sealed, &self.writer, &self.shelf)?;
        chained.merge(&self.writer, &self.shelf, &self.sizes)
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts {
            blocks: self.blocks,
            oddities: self.oddities.len() as u64,
            ..Counts::default()
        };
        let mut new = 0;
        for chained in &self.chains {
            new += chained.counts.transfers_new;
            counts.transfers_known += chained.counts.transfers_known;
            counts.transactions += chained.counts.transactions;
            counts.unresolved_inputs += unresolved_inputs(&chained.layers);
        }
        for chain in self.start.chains() {
            if self.chains.iter().all(|chained| chained.chain != chain) {
                counts.unresolved_inputs += unresolved_inputs(self.start.base(chain));
            }
        }
        counts.transfers_new = u64::try_from(new).unwrap_or_default();
        counts
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if self.is_committed {
            return;
        }
        for row in self.chains.iter().flat_map(|chained| chained.rows.values()) {
            // What stays behind is removed by the next writer.
            let _ = self.shelf.remove(row);
        }
    }
}

impl Chained {
    fn new(chain: Chain, layers: Vec<Layer>) -> Chained {
        let older = layers.len();
        Chained {
            chain,
            buffer: Buffer::new(chain),
            state: None,
            layers,
            older,
            rows: BTreeMap::new(),
            masks: Masks::new(),
            covered: Heights::default(),
            headers: Vec::new(),
            moved: Vec::new(),
            block_heights: Heights::default(),
            counts: RunCounts::default(),
            merger: Merger::default(),
        }
    }

    fn know(
        &mut self,
        catalog: &Catalog,
        known: &mut BTreeMap<Chain, ChainState>,
    ) -> Result<(), StoreError> {
        if self.state.is_none() {
            let known = known.remove(&self.chain);
            self.state = Some(known.map_or_else(|| ChainState::read(catalog, self.chain), Ok)?);
        }
        Ok(())
    }

    fn put_block(&mut self, block: &BlockFact) {
        if let Some(height) = block.height {
            self.block_heights.insert(height);
        }
        self.buffer.put_block(block);
    }

    /// A sealed run becomes the topmost layer.
    fn add(&mut self, sealed: Sealed, writer: &Writer, shelf: &Shelf) -> Result<(), StoreError> {
        self.headers.extend(sealed.headers);
        self.moved.extend(sealed.moved);
        for height in sealed.covered {
            self.covered.insert(height);
        }
        self.counts.transfers_new += sealed.counts.transfers_new;
        self.counts.transfers_known += sealed.counts.transfers_known;
        self.counts.transactions += sealed.counts.transactions;
        if sealed.draft.entries.is_empty() && sealed.draft.block_times.is_empty() {
            return Ok(());
        }
        let by = writer.next_segment();
        let fill = |sink: &mut dyn segment::Sink| segment::write(sealed.draft, sink);
        let Written { row, segment } = shelf.write(by, self.chain, fill)?;
        self.rows.insert(by, row);
        for (at, (entries, counts)) in sealed.masks {
            let layer = &mut self.layers[at];
            let mask = Mask { by, on: layer.id, entries, counts };
            layer.hide(&mask);
            self.masks.insert((by, layer.id), mask);
        }
        self.layers.push(Layer::whole(by, segment));
        Ok(())
    }

    /// Merges runs of this file among themselves, so that they stay few: one merge
    /// at a time, beside the reading. Where reading is faster, it waits.
    fn merge(
        &mut self,
        writer: &Arc<Writer>,
        shelf: &Shelf,
        sizes: &Sizes,
    ) -> Result<(), StoreError> {
        loop {
            let runs = self.layers.len() - self.older;
            let merged =
                if runs > sizes.runs_max { self.merger.wait()? } else { self.merger.poll()? };
            if let Some((merging, written)) = merged {
                self.install(&merging, written, shelf)?;
            } else if self.merger.is_busy() {
                return Ok(());
            }
            let Some(chosen) = merging::choose(&self.layers[self.older..], sizes) else {
                return Ok(());
            };
            let inputs = chosen.iter().map(|at| self.layers[self.older + at].clone()).collect();
            self.merger.start(Merging::of(self.chain, inputs), writer, shelf);
        }
    }

    fn install(
        &mut self,
        merging: &Merging,
        written: Written,
        shelf: &Shelf,
    ) -> Result<(), StoreError> {
        let id = written.row.id;
        self.rows.insert(id, written.row);
        let out = merging.install(id, written.segment, &mut self.layers, &mut self.masks)?;
        for layer in out {
            if let Some(row) = self.rows.remove(&layer.id) {
                shelf.remove(&row)?;
            }
        }
        Ok(())
    }
}

fn unresolved_inputs(layers: &[Layer]) -> u64 {
    layers.iter().map(Layer::unresolved_inputs).sum()
}
