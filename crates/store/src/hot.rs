//! Followed blocks that are not final: a small segment each, over the base, that can be dropped again.
//!
//! A block is settled over everything below it, as a file would be, and masks what it tells anew. So to
//! drop it restores what was, and its masks go with it. Base segments never know of followed blocks:
//! when the base changes below them (a file was gathered), they are settled again from the facts
//! they were told with, in the same commit.
//!
//! ```text
//! FollowedBlock ─► append ─► Tail ─► one commit: rows and masks, added and dropped
//!                  unwind ──►  ▲
//!       the base has changed ──┘ settled again
//! ```

mod facts;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::memory::merge_meta;
use model::{Asset, AssetMeta, Chain, Fact, Timestamp, TxHash};

use crate::StoreError;
use crate::catalog::{Catalog, Commit, HotRow, SegmentId, State, Writer};
use crate::follow::{fork, skips_heights};
use crate::ingest::{Buffer, ChainState, mask_row, seal};
use crate::layers::{HotBlock, Layer, Layers, Mask};
use crate::segment::{self, Segment};
use crate::shelf::row_of;
use facts::Kept;

/// A block as whoever follows a chain hands it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedBlock {
    pub chain: Chain,
    pub height: u64,
    pub hash: TxHash,
    pub parent: TxHash,
    pub time: Timestamp,
    /// What of it the node could not see, in a few words ("internal value"); empty when it saw everything.
    pub unseen: String,
    /// Everything it tells, itself ([`Fact::Block`]) included.
    pub facts: Vec<Fact>,
}

/// Puts blocks on top of those that are followed already, each the child of the one before; the first
/// ever may have any parent. All of them are kept or none.
pub fn append(
    catalog: &mut Catalog,
    writer: &Arc<Writer>,
    layers: &Layers,
    blocks: &[FollowedBlock],
) -> Result<(), StoreError> {
    let Some(first) = blocks.first() else { return Ok(()) };
    let mut tail = Tail::read(catalog, layers, first.chain)?;
    for block in blocks {
        tail.append(block, writer)?;
    }
    let mut commit = catalog.commit(writer)?;
    tail.write(&mut commit)?;
    commit.finish().map(drop)
}

/// Drops the followed blocks of a chain above a height; none drops all of them.
pub fn unwind(
    catalog: &mut Catalog,
    writer: &Arc<Writer>,
    layers: &Layers,
    chain: Chain,
    to: Option<u64>,
) -> Result<(), StoreError> {
    let dropped = layers.hot(chain).iter().filter(|block| to.is_none_or(|to| block.height > to));
    let dropped: Vec<SegmentId> = dropped.map(|block| block.layer.id).collect();
    if dropped.is_empty() {
        return Ok(());
    }
    let mut commit = catalog.commit(writer)?;
    for id in dropped.into_iter().rev() {
        commit.remove_hot_block(id)?;
    }
    commit.finish().map(drop)
}

/// Everything that the followed blocks up to a height told: to be taken in like a file, when they are
/// final. Until [`drop_final`] they are told twice, which changes nothing.
pub fn final_facts(state: &State, chain: Chain, to: u64) -> Result<Vec<Fact>, StoreError> {
    let rows = state.hot.iter().filter(|row| row.segment.chain == chain && row.height <= to);
    let kept: Result<Vec<Kept>, StoreError> = rows.map(|row| Kept::decode(&row.facts)).collect();
    Ok(kept?.into_iter().flat_map(Kept::into_facts).collect())
}

/// Drops the followed blocks up to a height, whose facts the base has.
pub fn drop_final(
    catalog: &mut Catalog,
    writer: &Arc<Writer>,
    layers: &Layers,
    chain: Chain,
    to: u64,
) -> Result<(), StoreError> {
    let tail = Tail::read(catalog, layers, chain)?;
    let (base, settled) = (tail.base.clone(), tail.settled.clone());
    let mut tail = tail.over(base, settled, Some(to), writer)?;
    let mut commit = catalog.commit(writer)?;
    tail.write(&mut commit)?;
    commit.finish().map(drop)
}

/// What is known of assets, with what followed blocks say of them.
pub fn assets(state: &State) -> Result<Arc<BTreeMap<Asset, AssetMeta>>, StoreError> {
    let mut all = Arc::clone(&state.assets);
    for row in &state.hot {
        for told in Kept::decode_assets(&row.facts)? {
            let known = Arc::make_mut(&mut all).entry(told.asset.clone());
            merge_meta(known.or_insert_with(|| AssetMeta::unknown(told.asset.clone())), &told);
        }
    }
    Ok(all)
}

/// The followed blocks of one chain: as the catalog has them, then as it shall have them.
pub(crate) struct Tail {
    chain: Chain,
    base: Vec<Layer>,
    /// As of the base.
    settled: ChainState,
    /// As of the base and the blocks.
    state: ChainState,
    blocks: Vec<Held>,
    /// Base and blocks, under the masks of blocks.
    visible: Vec<Layer>,
    /// Named by the catalog, and to be no longer.
    gone: Vec<SegmentId>,
}

struct Held {
    row: HotRow,
    masks: Vec<Mask>,
    /// Not named by the catalog yet.
    is_new: bool,
}

impl Tail {
    pub(crate) fn read(
        catalog: &Catalog,
        layers: &Layers,
        chain: Chain,
    ) -> Result<Tail, StoreError> {
        let settled = ChainState::read(catalog, chain)?;
        let mut tail = Tail {
            chain,
            base: layers.base(chain).to_vec(),
            state: settled.clone(),
            settled,
            blocks: Vec::new(),
            visible: layers.visible(chain).to_vec(),
            gone: Vec::new(),
        };
        let mut rows = catalog.hot(chain)?.into_iter();
        for HotBlock { layer, masks, .. } in layers.hot(chain) {
            let row = rows.find(|row| row.segment.id == layer.id).ok_or_else(|| {
                let doing = format!("read the followed blocks of {chain}");
                StoreError::value(doing, "somebody else has dropped some meanwhile: try again")
            })?;
            Kept::decode(&row.facts)?.teach(&mut tail.state);
            tail.blocks.push(Held { row, masks: masks.to_vec(), is_new: false });
        }
        Ok(tail)
    }

    /// The same blocks over another base, those up to `dropped` left out.
    pub(crate) fn over(
        self,
        base: Vec<Layer>,
        settled: ChainState,
        dropped: Option<u64>,
        writer: &Writer,
    ) -> Result<Tail, StoreError> {
        let mut tail = Tail {
            chain: self.chain,
            visible: base.clone(),
            base,
            state: settled.clone(),
            settled,
            blocks: Vec::new(),
            gone: self.blocks.iter().map(|held| held.row.segment.id).collect(),
        };
        for Held { row, .. } in self.blocks {
            if dropped.is_some_and(|dropped| row.height <= dropped) {
                continue;
            }
            let facts = Kept::decode(&row.facts)?.into_facts();
            let HotRow { height, hash, parent, time, .. } = row;
            let (chain, unseen) = (self.chain, String::new());
            let block = FollowedBlock { chain, height, hash, parent, time, unseen, facts };
            tail.append(&block, writer)?;
        }
        Ok(tail)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.gone.is_empty()
    }

    pub(crate) fn append(
        &mut self,
        block: &FollowedBlock,
        writer: &Writer,
    ) -> Result<(), StoreError> {
        self.check_follows(block)?;
        let mut buffer = Buffer::new(self.chain);
        for fact in &block.facts {
            put(&mut buffer, fact)?;
        }
        let sealed = seal(buffer, &self.visible, &self.visible, &mut self.state)?;
        let mut content = Vec::new();
        let head = segment::write(sealed.draft, &mut content)?;
        let id = writer.next_segment();
        let name = format!("block {} of {}", block.height, self.chain);
        let segment = Arc::new(Segment::from_bytes(content.clone(), &name)?);
        let mut masks = Vec::new();
        for (at, (entries, counts)) in sealed.masks {
            let layer = &mut self.visible[at];
            let mask = Mask { by: id, on: layer.id, entries, counts };
            layer.hide(&mask);
            masks.push(mask);
        }
        self.visible.push(Layer::whole(id, segment));
        let row = HotRow {
            segment: row_of(id, &head, None, content.len() as u64),
            height: block.height,
            hash: block.hash,
            parent: block.parent,
            time: block.time,
            facts: Kept::of(&block.facts).encode()?,
            content,
        };
        self.blocks.push(Held { row, masks, is_new: true });
        Ok(())
    }

    fn check_follows(&self, block: &FollowedBlock) -> Result<(), StoreError> {
        let doing = || format!("follow block {} of {}", block.height, block.chain);
        if block.chain != self.chain {
            let why = format!("expected a block of {}", self.chain);
            return Err(StoreError::value(doing(), why));
        }
        let Some(Held { row: tip, .. }) = self.blocks.last() else { return Ok(()) };
        let is_next = tip.height.checked_add(1) == Some(block.height)
            || (skips_heights(self.chain) && block.height > tip.height);
        if !is_next {
            let why = format!("expected the child of block {}", tip.height);
            return Err(StoreError::value(doing(), why));
        }
        if block.parent != tip.hash {
            return Err(fork(self.chain, tip.height, block.parent, tip.hash, false));
        }
        Ok(())
    }

    /// Makes the catalog name these blocks and no others.
    pub(crate) fn write(&mut self, commit: &mut Commit<'_>) -> Result<(), StoreError> {
        for id in self.gone.drain(..).rev() {
            commit.remove_hot_block(id)?;
        }
        for held in self.blocks.iter_mut().filter(|held| held.is_new) {
            commit.add_hot_block(&held.row)?;
            for mask in &held.masks {
                commit.set_mask(&mask_row(mask))?;
            }
            held.is_new = false;
        }
        Ok(())
    }
}

/// What is told of assets is kept beside; freezes and oddities are not.
fn put(buffer: &mut Buffer, fact: &Fact) -> Result<(), StoreError> {
    match fact {
        Fact::Transfer { transfer, evidence } => buffer.put_transfer(transfer, *evidence)?,
        Fact::Utxo(tx) => buffer.put_utxo(tx)?,
        Fact::Block(block) => buffer.put_block(block),
        Fact::TracesCover { height, .. } => buffer.put_cover(*height),
        Fact::Failed { tx } => buffer.put_failed(&tx.hash),
        Fact::NftLog { tx, log_index } => buffer.put_nft_log(&tx.hash, *log_index),
        Fact::Asset(_) | Fact::Freeze(_) | Fact::Oddity(_) => {}
    }
    Ok(())
}
