//! Is our newest block on the node's chain? Else back to the last one that is.

use chain::source::{Kind, SourceError};
use model::TxHash;
use store::StoreError;
use tokio::time::{Duration, sleep};

use super::{Follower, Held};
use crate::follow::nodes::Look;
use crate::follow::trouble::Trouble;

/// A chain that is shorter than ours is believed after so many looks. A node behind a balancer may be a
/// block or two behind for a moment.
const SHORTER_LOOKS: u32 = 3;
const SHORTER_PAUSE: Duration = Duration::from_millis(300);

impl Follower {
    /// True where what is held now is on the chain of the leader. False: look again.
    pub(super) async fn meet(&mut self, look: &Look) -> Result<bool, Trouble> {
        let held = self.held().await;
        let Some(tip) = held.tip else { return Ok(true) };
        if look.tip.hash == tip.hash || look.tip.parent == tip.hash {
            self.tried.shorter = 0;
            return Ok(true);
        }
        let fork = self.fork_point(look, &held).await?;
        if fork == tip.height {
            self.tried.shorter = 0;
            return Ok(true);
        }
        if fork == look.tip.height && !self.is_shorter_for_good() {
            sleep(SHORTER_PAUSE).await;
            return Ok(false);
        }
        self.take_back(fork).await?;
        Ok(true)
    }

    /// The highest block we hold that the leader has too.
    async fn fork_point(&self, look: &Look, held: &Held) -> Result<u64, Trouble> {
        let recent: Vec<_> =
            held.recent.iter().copied().filter(|(height, _)| *height <= look.tip.height).collect();
        // The newest first: mostly there is no fork. Below a fork both chains are the same, above it
        // they differ, so the rest is found by halving.
        let (mut same, mut unknown) = (None, recent.as_slice());
        let mut at = unknown.len().saturating_sub(1);
        while !unknown.is_empty() {
            let (height, hash) = unknown[at];
            if self.has(look, height, hash).await? {
                same = Some(height);
                unknown = &unknown[at + 1..];
            } else {
                unknown = &unknown[..at];
            }
            at = unknown.len() / 2;
        }
        match same {
            Some(height) => Ok(height),
            None => self.on_final(look, held).await,
        }
    }

    /// Every block that can be undone differs: is at least the last final one the same?
    async fn on_final(&self, look: &Look, held: &Held) -> Result<u64, Trouble> {
        let chain = self.plan.chain;
        let first = held.recent.first().copied();
        let last = match (held.last_final, first) {
            (Some(last), _) => (last.height, last.hash),
            // Nothing below is held: all of it can go.
            (None, Some((height, _))) if height > 0 => return Ok(height - 1),
            // The very first block: that is another chain.
            (None, first) => first.unwrap_or((look.tip.height, look.tip.hash)),
        };
        let (height, hash) = last;
        let node = self.nodes.name(look.leader).to_string();
        if height > look.tip.height {
            let tip = look.tip.height;
            return Err(Trouble::Behind { chain, node, tip, held: height });
        }
        let told = self.told(look, height).await?;
        if told == Some(hash) {
            return Ok(height);
        }
        let held = hash.text(chain);
        let told = told.map_or_else(|| "not there".into(), |hash| hash.text(chain));
        // Where another node still has ours, this one is wrong, or on a chain of its own.
        if self.nodes.others_have(look.leader, height, hash).await {
            let why = format!(
                "says that block {height} is {told}, where {held} is held as final and another node \
                 has it"
            );
            self.nodes.set_aside(look.leader, why.clone());
            return Err(Trouble::Node(SourceError::new(&node, Kind::Refused(why)).on(chain)));
        }
        Err(Trouble::DeepFork { chain, node, height, told, held, depth: self.plan.undo })
    }

    async fn has(&self, look: &Look, height: u64, hash: TxHash) -> Result<bool, Trouble> {
        Ok(self.told(look, height).await? == Some(hash))
    }

    async fn told(&self, look: &Look, height: u64) -> Result<Option<TxHash>, Trouble> {
        if height == look.tip.height {
            return Ok(Some(look.tip.hash));
        }
        match self.nodes.header(look.leader, height).await {
            Ok(header) => Ok(Some(header.hash)),
            // This branch has no block there.
            Err(error) if matches!(error.kind, Kind::Skipped) => Ok(None),
            // It was there when the tip was looked at.
            Err(error) if matches!(error.kind, Kind::NotFound) => {
                Err(Trouble::Replaced { chain: self.plan.chain, height })
            }
            Err(error) => Err(Trouble::Node(error)),
        }
    }

    fn is_shorter_for_good(&mut self) -> bool {
        self.tried.shorter += 1;
        self.tried.shorter >= SHORTER_LOOKS
    }

    async fn take_back(&mut self, to: u64) -> Result<(), Trouble> {
        let chain = self.plan.chain;
        if let Some(last_final) = &mut self.report.last_final {
            *last_final = (*last_final).min(to);
        }
        self.held = None;
        let done: Result<(), StoreError> =
            self.keeper.with(move |following| following.unwind(chain, to)).await;
        done?;
        self.report.reorganisations += 1;
        self.progress(0);
        Ok(())
    }
}
