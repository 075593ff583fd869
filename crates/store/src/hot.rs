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
use facts::{Kept, decode_assets};

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
    let state = ChainState::read(catalog, first.chain)?;
    let mut tail = Tail::read(catalog, layers, first.chain, state)?;
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
    let mut dropped =
        layers.hot(chain).iter().filter(|block| to.is_none_or(|to| block.height > to));
    let Some(lowest) = dropped.next() else { return Ok(()) };
    let mut commit = catalog.commit(writer)?;
    commit.remove_hot_from(chain, lowest.layer.id)?;
    commit.finish().map(drop)
}

/// Everything that the followed blocks up to a height told: to be taken in like a file, when they are
/// final. Until [`drop_final`] they are told twice, which changes nothing.
pub fn final_facts(
    catalog: &Catalog,
    layers: &Layers,
    chain: Chain,
    to: u64,
) -> Result<Vec<Fact>, StoreError> {
    let mut told: BTreeMap<SegmentId, Vec<u8>> = catalog.hot_facts(chain)?.into_iter().collect();
    let mut facts = Vec::new();
    for block in layers.hot(chain).iter().filter(|block| block.height <= to) {
        let told = told.remove(&block.layer.id).ok_or_else(|| gone(chain))?;
        facts.extend(Kept::decode(&told)?.into_facts());
    }
    Ok(facts)
}

/// Drops the followed blocks up to a height, whose facts the base has.
pub fn drop_final(
    catalog: &mut Catalog,
    writer: &Arc<Writer>,
    layers: &Layers,
    chain: Chain,
    to: u64,
) -> Result<(), StoreError> {
    let (base, settled) = (layers.base(chain).to_vec(), ChainState::read(catalog, chain)?);
    let mut tail = Tail::over(catalog, layers, base, settled, chain, Some(to), writer)?;
    let mut commit = catalog.commit(writer)?;
    tail.write(&mut commit)?;
    commit.finish().map(drop)
}

/// What is wrong with what the followed blocks of a chain told, if anything.
pub(crate) fn fault(catalog: &Catalog, chain: Chain) -> Result<Option<String>, StoreError> {
    let told = catalog.hot_facts(chain)?;
    let fault = told.iter().find_map(|(_, told)| Kept::decode(told).err());
    Ok(fault.map(|error| format!("{chain}: {error}")))
}

fn gone(chain: Chain) -> StoreError {
    let doing = format!("read the followed blocks of {chain}");
    StoreError::value(doing, "somebody else has dropped some meanwhile: try again")
}

/// What is known of assets, with what followed blocks say of them.
pub fn assets(state: &State) -> Result<Arc<BTreeMap<Asset, AssetMeta>>, StoreError> {
    let mut all = Arc::clone(&state.assets);
    for assets in state.hot.iter().filter_map(|row| row.assets.as_deref()) {
        for told in decode_assets(assets)? {
            let known = Arc::make_mut(&mut all).entry(told.asset.clone());
            merge_meta(known.or_insert_with(|| AssetMeta::unknown(told.asset.clone())), &told);
        }
    }
    Ok(all)
}

/// The followed blocks of one chain: as the catalog has them, then as it shall have them.
pub(crate) struct Tail {
    chain: Chain,
    /// As of the base and the blocks.
    state: ChainState,
    /// The last block.
    tip: Option<(u64, TxHash)>,
    /// Base and blocks, under the masks of blocks.
    visible: Vec<Layer>,
    /// Named by the catalog, and to be no longer.
    gone: Vec<SegmentId>,
    /// Not named by the catalog yet.
    new: Vec<New>,
}

struct New {
    row: HotRow,
    facts: Vec<u8>,
    masks: Vec<Mask>,
}

impl Tail {
    /// The blocks there are, to put others on top; with the chain's state as of the base.
    pub(crate) fn read(
        catalog: &Catalog,
        layers: &Layers,
        chain: Chain,
        mut state: ChainState,
    ) -> Result<Tail, StoreError> {
        layers.must_read(chain)?;
        let hot = layers.hot(chain);
        let told = if hot.is_empty() { Vec::new() } else { catalog.hot_facts(chain)? };
        let told_ids = told.iter().map(|(id, _)| *id);
        if !told_ids.eq(hot.iter().map(|block| block.layer.id)) {
            return Err(gone(chain));
        }
        told.iter().try_for_each(|(_, facts)| Kept::teach(facts, &mut state))?;
        Ok(Tail {
            chain,
            state,
            tip: hot.last().map(|block| (block.height, block.hash)),
            visible: layers.visible(chain).to_vec(),
            gone: Vec::new(),
            new: Vec::new(),
        })
    }

    /// The blocks there are settled again over another base, those up to `dropped` left out.
    pub(crate) fn over(
        catalog: &Catalog,
        layers: &Layers,
        base: Vec<Layer>,
        state: ChainState,
        chain: Chain,
        dropped: Option<u64>,
        writer: &Writer,
    ) -> Result<Tail, StoreError> {
        let hot = layers.hot(chain);
        let gone_ids = hot.iter().map(|block| block.layer.id).collect();
        let mut tail =
            Tail { chain, state, tip: None, visible: base, gone: gone_ids, new: Vec::new() };
        let told = if hot.is_empty() { Vec::new() } else { catalog.hot_facts(chain)? };
        let mut told: BTreeMap<SegmentId, Vec<u8>> = told.into_iter().collect();
        for HotBlock { height, hash, parent, time, layer, .. } in hot {
            let told = told.remove(&layer.id).ok_or_else(|| gone(chain))?;
            if dropped.is_some_and(|dropped| *height <= dropped) {
                continue;
            }
            let block = FollowedBlock {
                chain,
                height: *height,
                hash: *hash,
                parent: *parent,
                time: *time,
                unseen: String::new(),
                facts: Kept::decode(&told)?.into_facts(),
            };
            tail.append(&block, writer)?;
        }
        Ok(tail)
    }

    /// Does it lie over just these layers?
    pub(crate) fn is_of(&self, layers: &Layers) -> bool {
        let visible = layers.visible(self.chain).iter().map(|layer| layer.id);
        visible.eq(self.visible.iter().map(|layer| layer.id))
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
        let kept = Kept::of(&block.facts);
        let row = HotRow {
            segment: row_of(id, &head, None, content.len() as u64),
            height: block.height,
            hash: block.hash,
            parent: block.parent,
            time: block.time,
            assets: kept.encode_assets()?,
            content,
        };
        self.tip = Some((block.height, block.hash));
        self.new.push(New { row, facts: kept.encode()?, masks });
        Ok(())
    }

    fn check_follows(&self, block: &FollowedBlock) -> Result<(), StoreError> {
        let doing = || format!("follow block {} of {}", block.height, block.chain);
        if block.chain != self.chain {
            let why = format!("expected a block of {}", self.chain);
            return Err(StoreError::value(doing(), why));
        }
        let Some((height, hash)) = self.tip else { return Ok(()) };
        let is_next = height.checked_add(1) == Some(block.height)
            || (skips_heights(self.chain) && block.height > height);
        if !is_next {
            return Err(StoreError::value(
                doing(),
                format!("expected the child of block {height}"),
            ));
        }
        if block.parent != hash {
            return Err(fork(self.chain, height, block.parent, hash, false));
        }
        Ok(())
    }

    /// Makes the catalog name these blocks and no others.
    pub(crate) fn write(&mut self, commit: &mut Commit<'_>) -> Result<(), StoreError> {
        for id in self.gone.drain(..).rev() {
            commit.remove_hot_block(id)?;
        }
        for New { row, facts, masks } in self.new.drain(..) {
            commit.add_hot_block(&row, &facts)?;
            masks.iter().try_for_each(|mask| commit.set_mask(&mask_row(mask)))?;
        }
        commit.clear_dropped()
    }
}

/// What is told of assets, coinbases, freezes and oddities is kept beside.
fn put(buffer: &mut Buffer, fact: &Fact) -> Result<(), StoreError> {
    match fact {
        Fact::Transfer { transfer, evidence } => buffer.put_transfer(transfer, *evidence)?,
        Fact::Utxo(tx) => buffer.put_utxo(tx)?,
        Fact::Block(block) => buffer.put_block(block),
        Fact::TracesCover { height, .. } => buffer.put_cover(*height),
        Fact::Failed { tx } => buffer.put_failed(&tx.hash),
        Fact::NftLog { tx, log_index } => buffer.put_nft_log(&tx.hash, *log_index),
        Fact::Asset(_) | Fact::Coinbase { .. } | Fact::Freeze(_) | Fact::Oddity(_) => {}
    }
    Ok(())
}
