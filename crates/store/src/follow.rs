//! Following chains: blocks as they come, taken back when a chain reorganises, moved into the base when
//! they are final.
//!
//! ```text
//! append, unwind ─► hot blocks, one commit each ─┐ finalise, many at once
//! backfill ─► waits in memory ─► flush ──────────┴─► base segments, in one commit with
//!                                                    the ranges of heights that are held
//! ```
//!
//! One [`Following`] holds the right to write for all chains a process follows. What it commits is seen
//! by every other process at once. A stop at any moment loses at most what waits to be flushed; the
//! ranges say what that was, since they are written in the commits that hold the blocks.

mod beside;
mod ranges;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use model::{Chain, Fact, Timestamp, TxHash, TxId};

use crate::catalog::{Writer, followed};
use crate::error::In;
use crate::hot::{self, FollowedBlock, Tail};
use crate::ingest::{self, ChainState, Final, Published};
use crate::layers::HotBlock;
use crate::{FileRecord, Store, StoreError};
pub(crate) use beside::Beside;
use ranges::Seam;
pub use ranges::{FollowedRange, FollowedRanges};
pub(crate) use ranges::{fork, skips_heights};

/// The right to write, and what following chains needs. One for all chains of a process; it is `Send`,
/// and blocks: drive it from a thread of its own.
pub struct Following {
    store: Store,
    gather: Gather,
    /// Backfilled blocks that are not committed yet.
    waiting: BTreeMap<Chain, Waiting>,
    /// The hot blocks of each chain, ready to have others put on top.
    tails: BTreeMap<Chain, Tail>,
    /// What is known of each chain as of its base: nobody else changes it meanwhile.
    states: BTreeMap<Chain, ChainState>,
    /// Last, so that it is given back when everything is done.
    writer: Arc<Writer>,
}

/// How much is gathered before it is moved into the base: a segment for each block would be many.
#[derive(Clone, Copy, Debug)]
pub struct Gather {
    /// Final blocks that are left on top until there are so many,
    pub blocks: usize,
    /// or until they hold so many transfers.
    pub transfers: u64,
    /// Facts of backfilled blocks that are held in memory.
    pub facts: usize,
}

impl Gather {
    /// Some minutes of a chain at its tip; some hundred megabytes while catching up.
    pub const USUAL: Gather = Gather { blocks: 64, transfers: 50_000, facts: 400_000 };
}

/// A block that is held: the last one, say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    pub height: u64,
    pub hash: TxHash,
    /// Not known of a block whose range was cut.
    pub time: Option<Timestamp>,
    /// It can no longer be unwound.
    pub is_final: bool,
}

/// A block that can still be unwound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HotHeight {
    pub height: u64,
    pub hash: TxHash,
    pub time: Timestamp,
}

/// What is held of a followed chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    pub chain: Chain,
    /// Heights that are held whole, the hot ones included.
    pub ranges: FollowedRanges,
    /// Those of them that can still be unwound.
    pub hot: Option<RangeInclusive<u64>>,
    pub tip: Option<Tip>,
    /// When the last block was appended.
    pub appended: Option<Timestamp>,
    /// What the follower noted.
    pub notes: BTreeMap<String, String>,
}

#[derive(Default)]
struct Waiting {
    blocks: Vec<FollowedBlock>,
    facts: usize,
    /// Of these blocks alone.
    ranges: FollowedRanges,
}

impl Store {
    /// Takes the right to write, to follow chains, until what is returned is dropped. Another writer, here
    /// or in another process, is told so; readers go on.
    pub fn follow(mut self) -> Result<Following, StoreError> {
        let writer = self.catalog.writer("follow chains")?;
        self.refresh()?;
        // What a merge that still runs has written is no orphan.
        if Arc::strong_count(&writer) == 1 {
            self.remove_orphans(&writer)?;
        }
        let gather = Gather::USUAL;
        Ok(Following {
            store: self,
            gather,
            waiting: BTreeMap::new(),
            tails: BTreeMap::new(),
            states: BTreeMap::new(),
            writer,
        })
    }

    /// Every chain that is or was followed, as of the snapshot. Another process may be following it.
    pub fn followed(&self) -> Result<Vec<Followed>, StoreError> {
        let (mut notes, times) = (self.catalog.follow_notes()?, self.catalog.follow_times()?);
        let mut chains: BTreeSet<Chain> = self.current.state.followed.keys().copied().collect();
        chains.extend(notes.keys().chain(times.keys()).copied());
        let followed = |chain: Chain| Followed {
            chain,
            ranges: self.ranges(chain).joined(),
            hot: self.hot_heights(chain),
            tip: self.tip(chain),
            appended: times.get(&chain).copied(),
            notes: notes.remove(&chain).unwrap_or_default(),
        };
        Ok(chains.into_iter().map(followed).collect())
    }

    /// The followed blocks of a chain that can still be unwound, as they rise.
    pub fn hot_blocks(&self, chain: Chain) -> Vec<HotHeight> {
        let of = |block: &HotBlock| HotHeight {
            height: block.height,
            hash: block.hash,
            time: block.time,
        };
        self.hot(chain).iter().map(of).collect()
    }

    fn ranges(&self, chain: Chain) -> FollowedRanges {
        self.current.state.followed.get(&chain).cloned().unwrap_or_default()
    }

    fn hot(&self, chain: Chain) -> &[HotBlock] {
        self.current.layers.hot(chain)
    }

    fn hot_heights(&self, chain: Chain) -> Option<RangeInclusive<u64>> {
        let hot = self.hot(chain);
        Some(hot.first()?.height..=hot.last()?.height)
    }

    fn tip(&self, chain: Chain) -> Option<Tip> {
        match self.hot(chain).last() {
            Some(HotBlock { height, hash, time, .. }) => {
                Some(Tip { height: *height, hash: *hash, time: Some(*time), is_final: false })
            }
            None => self.last_final(chain),
        }
    }

    fn last_final(&self, chain: Chain) -> Option<Tip> {
        if let Some(first) = self.hot(chain).first() {
            let below = first.height.checked_sub(1)?;
            let ranges = self.current.state.followed.get(&chain)?;
            // On a chain that skips heights its parent may be further below: there the range ends.
            let parent = ranges.below(below).filter(|range| range.hash == Some(first.parent));
            if parent.is_some() {
                return parent.and_then(tip_of);
            }
            if ranges.at(below).is_some() {
                let (height, hash) = (below, first.parent);
                return Some(Tip { height, hash, time: None, is_final: true });
            }
            return ranges.below(below).and_then(tip_of);
        }
        self.current.state.followed.get(&chain)?.last().and_then(tip_of)
    }
}

fn tip_of(range: &FollowedRange) -> Option<Tip> {
    Some(Tip { height: range.last, hash: range.hash?, time: range.time, is_final: true })
}

impl Following {
    /// What is held, to be asked between two changes.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Ends it. What waits is not committed: [`Following::flush`] first.
    pub fn into_store(self) -> Store {
        self.store
    }

    /// How much is gathered from now on.
    pub fn set_gather(&mut self, gather: Gather) {
        self.gather = gather;
    }

    /// The last block that is held of a chain: the last hot one, else the last final one.
    pub fn tip(&self, chain: Chain) -> Option<Tip> {
        self.store.tip(chain)
    }

    /// The last block that can no longer be unwound: below the hot ones, or the last there is. A node on
    /// whose chain it is not must not be followed.
    pub fn last_final(&self, chain: Chain) -> Option<Tip> {
        self.store.last_final(chain)
    }

    /// Height and hash of the hot blocks, ascending: to find where the node's chain leaves ours.
    pub fn recent(&self, chain: Chain) -> Vec<(u64, TxHash)> {
        self.store.hot(chain).iter().map(|block| (block.height, block.hash)).collect()
    }

    /// The heights of these that are neither held nor waiting, as ranges.
    pub fn missing(&self, chain: Chain, heights: RangeInclusive<u64>) -> Vec<RangeInclusive<u64>> {
        self.ahead(chain).missing(heights)
    }

    /// What is held once everything that waits is committed.
    fn ahead(&self, chain: Chain) -> FollowedRanges {
        let mut ranges = self.store.ranges(chain);
        let seam = self.seam(chain);
        let waiting =
            self.waiting.get(&chain).into_iter().flat_map(|waiting| waiting.ranges.iter());
        waiting.for_each(|range| ranges.add(chain, range.clone(), seam));
        ranges
    }

    fn seam(&self, chain: Chain) -> Option<Seam> {
        let first = self.store.hot(chain).first().filter(|_| skips_heights(chain))?;
        Some(Seam { height: first.height, parent: first.parent })
    }

    /// Puts blocks of one chain on top, each the child of the one before, in one commit that lasts: all of
    /// them or none. The first must be the child of the tip. Where no block is hot, a gap may be left
    /// below it, to be backfilled.
    ///
    /// # Errors
    /// [`StoreError::Fork`] where a block has another parent than the one below it that is held.
    pub fn append(&mut self, blocks: &[FollowedBlock]) -> Result<(), StoreError> {
        let Some(first) = blocks.first() else { return Ok(()) };
        let chain = first.chain;
        if self.store.hot(chain).is_empty() {
            self.flush_chain(chain)?;
            self.may_start(first)?;
        }
        let (mut ranges, seam) = (self.store.ranges(chain), self.seam(chain));
        // Where anything below fails, it is read again.
        let known = self.tails.remove(&chain);
        let Store { catalog, current, .. } = &mut self.store;
        let known = known.filter(|tail| tail.is_of(&current.layers));
        let mut tail = match known {
            Some(tail) => tail,
            None => {
                let state = match self.states.get(&chain) {
                    Some(state) => state.clone(),
                    None => ChainState::read(catalog, chain)?,
                };
                self.states.entry(chain).or_insert_with(|| state.clone());
                Tail::read(catalog, &current.layers, chain, state)?
            }
        };
        for block in blocks {
            tail.append(block, &self.writer)?;
        }
        let starts = Seam { height: first.height, parent: first.parent };
        let seam = seam.or(skips_heights(chain).then_some(starts));
        for range in FollowedRange::of_all(blocks)? {
            ranges.add(chain, range, seam);
        }
        let mut commit = catalog.commit(&self.writer)?;
        tail.write(&mut commit)?;
        commit.set_followed(chain, &ranges)?;
        commit.set_follow_time(chain, Timestamp::now())?;
        Beside::of(blocks).keep(&mut commit, chain)?;
        commit.put_coinbases(&coinbases(blocks))?;
        commit.finish()?;
        self.tails.insert(chain, tail);
        self.settled()
    }

    /// Drops the hot blocks above a height: as if they had never come. Nothing changes where there are none.
    ///
    /// # Errors
    /// When blocks above it are final.
    pub fn unwind(&mut self, chain: Chain, to: u64) -> Result<(), StoreError> {
        let doing = || format!("unwind {chain} to block {to}");
        self.store.current.layers.must_read(chain)?;
        if let Some(last) = self.last_final(chain).filter(|last| last.height > to) {
            let why = format!("blocks up to {} are final", last.height);
            return Err(StoreError::value(doing(), why));
        }
        let hot = self.store.hot(chain);
        let Some(lowest) = hot.iter().find(|block| block.height > to) else { return Ok(()) };
        let tip = match hot.iter().rev().find(|block| block.height <= to) {
            Some(left) => Some((left.height, left.hash, Some(left.time))),
            None => match self.last_final(chain).filter(|last| last.hash == lowest.parent) {
                Some(last) => Some((last.height, last.hash, last.time)),
                None => lowest.height.checked_sub(1).map(|below| (below, lowest.parent, None)),
            },
        };
        let mut ranges = self.store.ranges(chain);
        ranges.cut_above(tip);
        let mut commit = self.store.catalog.commit(&self.writer)?;
        commit.remove_hot_from(chain, lowest.layer.id)?;
        commit.set_followed(chain, &ranges)?;
        let file = commit.followed_file(chain)?;
        Beside::forget(&mut commit, file, tip.map(|tip| tip.0))?;
        commit.unconfirm_pending(chain, tip.map(|tip| tip.0))?;
        self.store.catalog.finish_quickly(commit)?;
        self.tails.remove(&chain);
        self.settled()
    }

    /// Says that the blocks of a chain up to a height are final. They are moved into the base, in one
    /// commit, once there are enough of them. True where they were.
    pub fn finalise(&mut self, chain: Chain, up_to: u64) -> Result<bool, StoreError> {
        let hot = self.store.hot(chain).iter().filter(|block| block.height <= up_to);
        let (mut blocks, mut transfers) = (0, 0);
        for block in hot {
            blocks += 1;
            transfers += block.layer.transfers();
        }
        if blocks < self.gather.blocks && transfers < self.gather.transfers {
            return Ok(false);
        }
        self.finalise_now(chain, up_to)
    }

    /// Moves the hot blocks of a chain up to a height into the base, however few: before backfilling what
    /// lies above them. True where there were any.
    pub fn finalise_now(&mut self, chain: Chain, up_to: u64) -> Result<bool, StoreError> {
        if self.store.hot(chain).first().is_none_or(|first| first.height > up_to) {
            return Ok(false);
        }
        let facts =
            hot::final_facts(&self.store.catalog, &self.store.current.layers, chain, up_to)?;
        let beside = Beside::default();
        let ranges = skips_heights(chain).then(|| self.parted(chain, up_to)).flatten();
        let is_final = Final { chain, drop_to: Some(up_to), ranges, beside };
        self.take_in(&facts, &is_final)?;
        Ok(true)
    }

    /// What is held, with the hot blocks up to a height below the seam.
    fn parted(&self, chain: Chain, up_to: u64) -> Option<FollowedRanges> {
        let last = self.store.hot(chain).iter().rev().find(|block| block.height <= up_to)?;
        let mut ranges = self.store.ranges(chain);
        ranges.part(last.height, last.hash, last.time);
        Some(ranges)
    }

    /// Takes in final blocks of a chain, in any order, below the hot ones. They are committed when enough
    /// of them wait, or by [`Following::flush`]; what waits is lost when it stops before.
    ///
    /// # Errors
    /// [`StoreError::Fork`] where a block does not fit those that are held or wait beside it; none of these
    /// blocks is taken in then.
    pub fn backfill(
        &mut self,
        chain: Chain,
        mut blocks: Vec<FollowedBlock>,
    ) -> Result<(), StoreError> {
        blocks.sort_by_key(|block| block.height);
        let hot = self.store.hot(chain).first().map(|block| block.height);
        for block in &blocks {
            let doing = || format!("backfill block {} of {}", block.height, block.chain);
            if block.chain != chain {
                return Err(StoreError::value(doing(), format!("expected a block of {chain}")));
            }
            if let Some(hot) = hot.filter(|hot| *hot <= block.height) {
                let why = format!("blocks from {hot} on are hot: make them final first");
                return Err(StoreError::value(doing(), why));
            }
        }
        let ahead = self.ahead(chain);
        blocks.iter().try_for_each(|block| ahead.check(block))?;
        let ranges = FollowedRange::of_all(&blocks)?;
        let waiting = self.waiting.entry(chain).or_default();
        ranges.into_iter().for_each(|range| waiting.ranges.add(chain, range, None));
        waiting.facts += blocks.iter().map(|block| block.facts.len()).sum::<usize>();
        waiting.blocks.extend(blocks);
        if waiting.facts >= self.gather.facts {
            self.flush_chain(chain)?;
        }
        Ok(())
    }

    /// Commits what waits.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        let chains: Vec<Chain> = self.waiting.keys().copied().collect();
        chains.into_iter().try_for_each(|chain| self.flush_chain(chain))
    }

    /// Notes something of how a chain is followed (the last error, the rate, the node), or forgets it. Other
    /// processes read it in [`Store::followed`]. It changes no answer, and may be done often.
    pub fn note(&mut self, chain: Chain, notes: &[(&str, Option<&str>)]) -> Result<(), StoreError> {
        self.store.catalog.note_followed(chain, notes)
    }

    fn flush_chain(&mut self, chain: Chain) -> Result<(), StoreError> {
        let Some(mut waiting) = self.waiting.remove(&chain) else { return Ok(()) };
        waiting.blocks.sort_by_key(|block| block.height);
        let (mut ranges, seam) = (self.store.ranges(chain), self.seam(chain));
        for range in FollowedRange::of_all(&waiting.blocks)? {
            ranges.add(chain, range, seam);
        }
        let beside = Beside::of(&waiting.blocks);
        let facts: Vec<Fact> = waiting
            .blocks
            .into_iter()
            .flat_map(|block| block.facts)
            .filter(|fact| !Beside::holds(fact))
            .collect();
        self.take_in(&facts, &Final { chain, drop_to: None, ranges: Some(ranges), beside })
    }

    /// Takes facts of final blocks into the base.
    fn take_in(&mut self, facts: &[Fact], is_final: &Final) -> Result<(), StoreError> {
        self.tails.remove(&is_final.chain);
        let name = format!("followed blocks of {}", is_final.chain);
        let record = FileRecord { name, purpose: followed::PURPOSE.into(), bytes: 0 };
        let parts = self.store.parts();
        let (start, shelf) = (parts.current.layers.clone(), parts.shelf.clone());
        let writer = self.writer.clone();
        let mut batch =
            ingest::Batch::begin(parts.catalog, writer, shelf, start, record, parts.sizes);
        if let Some(state) = self.states.remove(&is_final.chain) {
            batch.knowing(is_final.chain, state);
        }
        for fact in facts {
            batch.put(fact)?;
        }
        let Published { merger, states, .. } = batch.publish_final(is_final)?;
        self.states.extend(states);
        let mut parts = self.store.parts();
        parts.refresh()?;
        parts.adopt(merger, &self.writer);
        parts.merge_on(&self.writer);
        Ok(())
    }

    /// Sees what was committed, and goes on merging.
    fn settled(&mut self) -> Result<(), StoreError> {
        let mut parts = self.store.parts();
        parts.refresh()?;
        parts.merge_on(&self.writer);
        Ok(())
    }

    /// May this block be the first hot one?
    fn may_start(&self, block: &FollowedBlock) -> Result<(), StoreError> {
        let ranges = self.store.ranges(block.chain);
        let Some(last) = ranges.last() else { return Ok(()) };
        ranges.check(block)?;
        if block.height > last.last {
            return Ok(());
        }
        let doing = format!("follow block {} of {}", block.height, block.chain);
        let why = format!("blocks up to {} are final", last.last);
        Err(StoreError::value(doing, why)).in_file(self.store.catalog.path())
    }
}

/// They stay when their block goes: a transaction is named by what its coinbase says.
fn coinbases(blocks: &[FollowedBlock]) -> Vec<(TxId, Box<[u8]>)> {
    let facts = blocks.iter().flat_map(|block| &block.facts);
    let coinbase = |fact: &Fact| match fact {
        Fact::Coinbase { tx, script } => Some((*tx, script.clone())),
        _ => None,
    };
    facts.filter_map(coinbase).collect()
}
