//! Near the tip: blocks on top, and from there into the base.

use chain::source::BlockRef;
use model::TxHash;

use super::{Ended, Follower};
use crate::follow::fetch::{Fetch, Fetched};
use crate::follow::finality::{Finality, base_height};
use crate::follow::keeper::followed;
use crate::follow::nodes::{Look, with_causes};
use crate::follow::report::{Doing, Said};
use crate::follow::trouble::Trouble;

/// Blocks that are put on top in one commit, at most.
const TOGETHER: usize = 32;

impl Follower {
    /// Puts what the leader has above our newest block on top of it.
    pub(super) async fn extend(&mut self, look: &Look) -> Result<(), Trouble> {
        let held = self.held().await;
        let from = self.lowest();
        let first = match held.tip {
            Some(tip) if !held.recent.is_empty() => tip.height + 1,
            Some(tip) => from.max(tip.height + 1),
            None => from,
        };
        let mut below = held.tip.filter(|tip| tip.height + 1 == first).map(|tip| tip.hash);
        let room = self.plan.room;
        let nodes = self.nodes.clone();
        let mut fetch = Fetch::of_one(nodes, look.leader, first..=look.tip.height, room);
        let mut blocks: Vec<Fetched> = Vec::new();
        while let Some(fetched) = fetch.next().await? {
            self.follows(below, &fetched.block.at)?;
            below = Some(fetched.block.at.hash);
            blocks.push(fetched);
            if blocks.len() == TOGETHER || !fetch.is_next_here() {
                self.append(std::mem::take(&mut blocks)).await?;
            }
        }
        self.append(blocks).await?;
        match below {
            // What was read in between may be of another branch than the tip we went for.
            Some(hash) if first <= look.tip.height && hash != look.tip.hash => {
                Err(Trouble::Replaced { chain: self.plan.chain, height: look.tip.height })
            }
            _ => Ok(()),
        }
    }

    fn follows(&self, below: Option<TxHash>, block: &BlockRef) -> Result<(), Trouble> {
        match below {
            Some(hash) if hash != block.parent => {
                Err(Trouble::Replaced { chain: self.plan.chain, height: block.height })
            }
            _ => Ok(()),
        }
    }

    async fn append(&mut self, fetched: Vec<Fetched>) -> Result<(), Trouble> {
        let Some(first) = fetched.first() else { return Ok(()) };
        let (chain, unseen, count) = (self.plan.chain, self.nodes.unseen(first.by), fetched.len());
        let blocks: Vec<_> =
            fetched.into_iter().map(|one| followed(chain, one.block, &unseen)).collect();
        self.held = None;
        self.keeper.with(move |following| following.append(&blocks)).await?;
        self.progress(count);
        self.show(Doing::CatchingUp);
        Ok(())
    }

    /// What is final by now is said to be, and moves into the base when there is enough of it.
    pub(super) async fn settle(&mut self, look: &Look) -> Result<(), Trouble> {
        let last_final = self.last_final(look).await?;
        let held = self.held().await;
        let hash_at = |height: u64| {
            let at = held.recent.iter().rev().find(|(held, _)| *held <= height);
            at.map(|(height, hash)| (*height, *hash))
        };
        if let Some((height, hash)) = last_final.and_then(hash_at)
            && self.report.last_final.is_none_or(|known| known < height)
        {
            match self.nodes.confirm(look.leader, height, hash).await {
                Ok(()) => {}
                // The tip is followed on, and nothing is final until they agree.
                Err(trouble @ Trouble::Disagree { .. }) if !self.plan.once => {
                    self.report.last_error = Some(Said::now(with_causes(&trouble)));
                    return Ok(());
                }
                Err(trouble) => return Err(trouble),
            }
        }
        if last_final > self.report.last_final {
            self.report.last_final = last_final;
        }
        let Some(base) = base_height(look.tip.height, last_final, self.plan.undo) else {
            return Ok(());
        };
        let chain = self.plan.chain;
        if self.keeper.with(move |following| following.finalise(chain, base)).await? {
            self.held = None;
        }
        Ok(())
    }

    /// The last final block by this chain's rule.
    pub(super) async fn last_final(&self, look: &Look) -> Result<Option<u64>, Trouble> {
        let node = match self.plan.finality {
            Finality::Node { .. } => self.nodes.finalized(look.leader).await?,
            Finality::Confirmations(_) => None,
        };
        Ok(self.plan.finality.height(look.tip.height, node))
    }
}

impl Ended {
    pub fn is_failed(&self) -> bool {
        matches!(self, Ended::Failed(_))
    }
}
