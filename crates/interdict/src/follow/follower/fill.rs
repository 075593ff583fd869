//! Catching up: whatever is missing up to the last block that will not change, many blocks at once.
//!
//! While one chunk is stored the next is read. A chunk is stored once the other nodes have said that its
//! last block is theirs too; everything below it hangs on that one by its parents.

use std::ops::RangeInclusive;
use std::time::Duration;

use chain::source::Block;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Follower;
use crate::follow::fetch::{Fetch, Fetched};
use crate::follow::finality::base_height;
use crate::follow::keeper::followed;
use crate::follow::node::skips_heights;
use crate::follow::nodes::Look;
use crate::follow::report::{Doing, HeldBlock, NOTE};
use crate::follow::trouble::Trouble;

/// A chunk ends at so many facts or blocks, or when it took so long.
const CHUNK_FACTS: usize = 50_000;
const CHUNK_BLOCKS: usize = 512;
const CHUNK_TIME: Duration = Duration::from_secs(20);
/// The store gathers chunks before it commits them; after so long it is told to. More would be lost by
/// a power cut.
const COMMIT_EVERY: Duration = Duration::from_secs(60);

impl Follower {
    /// Fills the gaps below what is followed, the lowest first.
    pub(super) async fn fill(&mut self, look: &Look) -> Result<(), Trouble> {
        let last_final = self.last_final(look).await?;
        let base = base_height(look.tip.height, last_final, self.plan.undo);
        let Some(base) = base.filter(|base| *base >= self.lowest()) else {
            self.is_filled = true;
            return Ok(());
        };
        self.has_it(look, base).await?;
        self.make_room(look, base).await?;
        let missing = self.missing(base).await;
        let mut left: u64 = missing.iter().map(count).sum();
        if left > 0 {
            self.rate.start();
            self.publish(Doing::CatchingUp).await;
        }
        for heights in missing {
            left -= count(&heights);
            self.fill_gap(heights, left).await?;
        }
        self.held = None;
        self.keeper.with(store::Following::flush).await?;
        (self.report.blocks_per_second, self.report.seconds_left) = (None, None);
        // On a chain that skips heights, a block may have been said not to be there. What stays missing
        // below the lowest block has none.
        let still: u64 = match self.held().await.tip {
            Some(tip) => self.missing(base.min(tip.height)).await.iter().map(count).sum(),
            None => 0,
        };
        self.is_filled = still == 0 || still == self.still_missing;
        self.still_missing = still;
        Ok(())
    }

    /// A node may speak of more blocks than it has: then nothing is final by its word.
    async fn has_it(&self, look: &Look, base: u64) -> Result<(), Trouble> {
        match self.nodes.header(look.leader, base).await {
            Ok(_) => Ok(()),
            Err(error) if !error.kind.is_absence() => Err(Trouble::Node(error)),
            Err(_) if skips_heights(self.plan.chain) => Ok(()),
            Err(error) => {
                let why = format!("says that block {} is its newest: {error}", look.tip.height);
                self.nodes.let_rest(look.leader, why);
                Err(Trouble::Replaced { chain: self.plan.chain, height: base })
            }
        }
    }

    async fn missing(&self, to: u64) -> Vec<RangeInclusive<u64>> {
        let (chain, wanted) = (self.plan.chain, self.wanted(to));
        self.keeper.with(move |following| following.missing(chain, wanted)).await
    }

    /// Blocks on top that are final by now make room for those that come after them.
    async fn make_room(&mut self, look: &Look, base: u64) -> Result<(), Trouble> {
        let held = self.held().await;
        let Some(tip) = held.tip else { return Ok(()) };
        // Where the top reaches beyond, nothing is missing above it.
        let Some((height, hash)) = held.recent.last().filter(|_| tip.height <= base) else {
            return Ok(());
        };
        self.nodes.confirm(look.leader, *height, *hash).await?;
        self.held = None;
        let chain = self.plan.chain;
        self.keeper.with(move |following| following.finalise_now(chain, base)).await?;
        Ok(())
    }

    /// After it, `above` blocks are still missing.
    async fn fill_gap(&mut self, heights: RangeInclusive<u64>, above: u64) -> Result<(), Trouble> {
        let mut left = above + count(&heights);
        let mut fetch = Fetch::of_any(self.nodes.clone(), heights.clone(), self.plan.room);
        let mut chunk = Chunk::default();
        let mut storing: JoinSet<Result<Stored, Trouble>> = JoinSet::new();
        let (mut last, mut is_read, mut committed) = (None, false, Instant::now());
        loop {
            tokio::select! {
                Some(stored) = storing.join_next() => {
                    let stored = stored.expect("storing does not panic, and nobody aborts it")?;
                    self.report.held = Some(stored.last);
                    self.progress(stored.blocks);
                }
                fetched = fetch.next(), if !is_read && !chunk.is_full() => match fetched? {
                    Some(fetched) => {
                        if let Some(last) = last.as_ref() {
                            self.hang_together(last, &fetched).await?;
                        }
                        self.rate.count(1);
                        left = above + heights.end().saturating_sub(fetched.block.at.height);
                        last = Some(Link::of(&fetched));
                        chunk.push(fetched);
                    }
                    None => is_read = true,
                },
                else => break,
            }
            if storing.is_empty() && (chunk.is_full() || is_read && !chunk.is_empty()) {
                self.tell(left);
                let is_due = committed.elapsed() > COMMIT_EVERY;
                if is_due {
                    committed = Instant::now();
                }
                storing.spawn(self.store(std::mem::take(&mut chunk), is_due));
            }
        }
        Ok(())
    }

    /// Stores a chunk, in a task of its own; with `commit` it lasts at once.
    fn store(
        &self,
        chunk: Chunk,
        commit: bool,
    ) -> impl Future<Output = Result<Stored, Trouble>> + Send + use<> {
        let (nodes, keeper, chain) = (self.nodes.clone(), self.keeper.clone(), self.plan.chain);
        let text = self.report.text();
        async move {
            let blocks = chunk.blocks.len();
            let last = chunk.blocks.last().expect("a chunk that is stored has blocks");
            nodes.confirm(last.by, last.block.at.height, last.block.at.hash).await?;
            let last = held(chain, &last.block);
            let followed: Vec<_> = chunk
                .blocks
                .into_iter()
                .map(|one| followed(chain, one.block, &nodes.unseen(one.by)))
                .collect();
            let keep = move |following: &mut store::Following| {
                following.backfill(chain, followed)?;
                if commit {
                    following.flush()?;
                }
                following.note(chain, &[(NOTE, Some(&text))])
            };
            keeper.with(keep).await?;
            Ok(Stored { blocks, last })
        }
    }

    /// Two blocks of which one names another parent: who is wrong?
    async fn hang_together(&self, last: &Link, next: &Fetched) -> Result<(), Trouble> {
        let chain = self.plan.chain;
        let (given, at) = (&next.block.at, last.height);
        if given.parent == last.hash {
            return Ok(());
        }
        if given.height > at + 1 {
            // A block between them was said not to be there.
            return Err(Trouble::Replaced { chain, height: at + 1 });
        }
        let below = self.nodes.agreed(at).await?;
        let above = self.nodes.agreed(given.height).await?;
        for (node, height, hash, right) in
            [(last.by, at, last.hash, below), (next.by, given.height, given.hash, above)]
        {
            if hash != right {
                let (hash, right) = (hash.text(chain), right.text(chain));
                let why = format!("gave {hash} as block {height}, where all say it is {right}");
                self.nodes.set_aside(node, why);
            }
        }
        if below == last.hash && above == given.hash {
            let (parent, hash) = (given.parent.text(chain), last.hash.text(chain));
            let height = given.height;
            let why =
                format!("block {height} names {parent} as its parent, where block {at} is {hash}");
            self.nodes.set_aside(next.by, why);
        }
        Err(Trouble::Replaced { chain, height: given.height })
    }

    fn tell(&mut self, left: u64) {
        self.report.blocks_per_second = self.rate.per_second();
        self.report.seconds_left = self.rate.seconds_left(left);
        self.show(Doing::CatchingUp);
    }
}

/// A chunk that the store has.
struct Stored {
    blocks: usize,
    last: HeldBlock,
}

fn held(chain: model::Chain, block: &Block) -> HeldBlock {
    let at = &block.at;
    HeldBlock { height: at.height, hash: at.hash.text(chain), time: Some(at.time) }
}

/// What the next block must name as its parent.
struct Link {
    by: usize,
    height: u64,
    hash: model::TxHash,
}

impl Link {
    fn of(fetched: &Fetched) -> Link {
        let at = &fetched.block.at;
        Link { by: fetched.by, height: at.height, hash: at.hash }
    }
}

/// Blocks to be stored together.
#[derive(Default)]
struct Chunk {
    blocks: Vec<Fetched>,
    facts: usize,
    since: Option<Instant>,
}

impl Chunk {
    fn push(&mut self, fetched: Fetched) {
        self.since.get_or_insert_with(Instant::now);
        self.facts += fetched.block.facts.len();
        self.blocks.push(fetched);
    }

    fn is_full(&self) -> bool {
        let is_old = self.since.is_some_and(|since| since.elapsed() > CHUNK_TIME);
        self.facts >= CHUNK_FACTS || self.blocks.len() >= CHUNK_BLOCKS || is_old
    }

    fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

fn count(heights: &RangeInclusive<u64>) -> u64 {
    heights.end() - heights.start() + 1
}
