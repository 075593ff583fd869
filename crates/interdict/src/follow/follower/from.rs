//! From which block on, where nobody said.
//!
//! - A chain that was followed before goes on as it was: from what was wanted then, or from the lowest block
//!   that is held.
//! - A short chain, and a developer's own, is taken from its first block: it is whole in a moment.
//! - Else from the last block that is final now. The past of a large chain takes days and a disk: whoever
//!   wants it says so, with a height.

use model::{BitcoinNetwork, Chain};
use store::Followed;

use super::Follower;
use crate::follow::nodes::Look;
use crate::follow::report::ChainReport;
use crate::follow::trouble::Trouble;

/// A chain of so many blocks is short. Networks that are used have millions.
const SHORT: u64 = 20_000;

impl Follower {
    /// What an earlier run wanted, or at least has.
    pub(super) fn recall_from(&mut self, followed: Option<&Followed>) {
        let wanted = followed.and_then(ChainReport::of).and_then(|earlier| earlier.from);
        let lowest = followed.and_then(|followed| Some(followed.ranges.iter().next()?.first));
        if self.from.is_none() {
            self.from = wanted.or(lowest);
            self.report.from = self.from;
        }
    }

    /// Decides, once the chain was looked at.
    pub(super) async fn choose_from(&mut self, look: &Look) -> Result<(), Trouble> {
        if self.from.is_some() {
            return Ok(());
        }
        let from = match is_whole(self.plan.chain, look.tip.height) {
            true => 0,
            false => self.last_final(look).await?.unwrap_or_default(),
        };
        if from > 0 {
            self.report.from_why = Some(format!(
                "no --from was given and nothing is held: followed from block {from} on, the last final one; \
                 --from 0 takes everything in, and so does a height what is above it"
            ));
        }
        (self.from, self.report.from) = (Some(from), Some(from));
        Ok(())
    }

    /// The lowest block wanted.
    pub(super) fn lowest(&self) -> u64 {
        self.from.unwrap_or_default()
    }
}

/// Is this chain taken from its first block where nobody says?
fn is_whole(chain: Chain, tip: u64) -> bool {
    let is_developers =
        matches!(chain, Chain::Bitcoin(BitcoinNetwork::Regtest) | Chain::Evm(1337 | 31337));
    is_developers || tip <= SHORT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_chains_and_those_of_developers_are_taken_whole() {
        let regtest = Chain::Bitcoin(BitcoinNetwork::Regtest);
        for (chain, tip, is_so) in [
            (Chain::ETHEREUM, 19_000_000, false),
            (Chain::BITCOIN, 900_000, false),
            (Chain::SOLANA, 300_000_000, false),
            (Chain::Evm(777), 20_000, true),
            (Chain::Evm(777), 20_001, false),
            (Chain::Evm(31337), 5_000_000, true),
            (regtest, 5_000_000, true),
        ] {
            assert_eq!(is_whole(chain, tip), is_so, "{} at {tip}", chain.name());
        }
    }
}
