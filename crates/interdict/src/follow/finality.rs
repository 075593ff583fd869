//! When a block is final, and how many are kept so that they can be undone.
//!
//! *Final* is a word for people and programs: such a block is shown as final, and counted on. *Kept* is
//! what can be taken back: at least everything that is not final. On chains that their owner
//! reorganises at will (regtest, a developer's chain) more is kept than is needed for finality.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use model::{BitcoinNetwork, Chain, TronNetwork};
use serde::{Deserialize, Serialize};

/// When a block is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finality {
    /// With so many confirmations, its own block counted.
    Confirmations(NonZeroU64),
    /// When the node says so; with so many confirmations where it never does.
    Node { otherwise: NonZeroU64 },
}

/// As a configuration says it: `"node"` or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FinalityText {
    Confirmations(NonZeroU64),
    Node(NodeWord),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeWord {
    Node,
}

impl FromStr for FinalityText {
    type Err = String;

    fn from_str(text: &str) -> Result<FinalityText, String> {
        if text == "node" {
            return Ok(FinalityText::Node(NodeWord::Node));
        }
        let number = text.parse().map(FinalityText::Confirmations);
        number.map_err(|_| "expected `node`, or a number of confirmations from 1".into())
    }
}

impl Finality {
    /// What the chain's own people go by: six confirmations on Bitcoin; elsewhere the node's word, which
    /// is Ethereum's finalized block, Tron's solidified, Solana's finalized. Where a node has no word,
    /// two epochs of Ethereum, 19 of Tron's 27 producers, Solana's 32 slots.
    pub fn usual(chain: Chain) -> Finality {
        let count = |n| NonZeroU64::new(n).expect("not zero");
        match chain {
            Chain::Bitcoin(_) => Finality::Confirmations(count(6)),
            Chain::Evm(_) => Finality::Node { otherwise: count(64) },
            Chain::Tron(_) => Finality::Node { otherwise: count(19) },
            Chain::Solana(_) => Finality::Node { otherwise: count(32) },
        }
    }

    pub fn of(text: FinalityText, chain: Chain) -> Finality {
        match text {
            FinalityText::Confirmations(confirmations) => Finality::Confirmations(confirmations),
            FinalityText::Node(_) => match Finality::usual(chain) {
                Finality::Node { otherwise } | Finality::Confirmations(otherwise) => {
                    Finality::Node { otherwise }
                }
            },
        }
    }

    /// The last final block of a chain that ends at `tip`, given the node's word for it.
    pub fn height(self, tip: u64, node: Option<u64>) -> Option<u64> {
        let after = |confirmations: NonZeroU64| (tip + 1).checked_sub(confirmations.get());
        match self {
            Finality::Confirmations(confirmations) => after(confirmations),
            Finality::Node { otherwise } => match node {
                Some(height) => Some(height.min(tip)),
                None => after(otherwise),
            },
        }
    }
}

/// How many of the newest blocks can be undone, final or not, unless the configuration says more.
/// Test networks reorganise deeper than those that hold value, developers' chains as they please.
pub fn undo_usual(chain: Chain) -> u64 {
    match chain {
        Chain::Bitcoin(BitcoinNetwork::Regtest) | Chain::Evm(1337 | 31337) => 128,
        Chain::Bitcoin(BitcoinNetwork::Mainnet) => 6,
        Chain::Bitcoin(_) => 32,
        Chain::Tron(TronNetwork::Mainnet) => 19,
        Chain::Evm(_) | Chain::Tron(_) | Chain::Solana(_) => 32,
    }
}

/// The last block that may be moved into the base, from where nothing comes back. At least one stays on
/// top: the next block is recognised by it.
pub fn base_height(tip: u64, last_final: Option<u64>, undo: u64) -> Option<u64> {
    let below = tip.checked_sub(undo.max(1))?;
    last_final.map(|last| last.min(below))
}

impl fmt::Display for Finality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finality::Confirmations(count) => write!(f, "{count} confirmations"),
            Finality::Node { otherwise } => {
                write!(f, "the node's word, else {otherwise} confirmations")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confirmations(n: u64) -> Finality {
        Finality::Confirmations(NonZeroU64::new(n).expect("not zero"))
    }

    #[test]
    fn a_block_counts_as_its_own_first_confirmation() {
        assert_eq!(confirmations(6).height(10, None), Some(5));
        assert_eq!(confirmations(1).height(10, None), Some(10));
        assert_eq!(confirmations(12).height(10, None), None);
        assert_eq!(confirmations(11).height(10, None), Some(0));
    }

    #[test]
    fn a_node_that_says_nothing_is_given_a_depth() {
        let usual = Finality::usual(Chain::ETHEREUM);
        assert_eq!(usual.height(100, Some(80)), Some(80));
        assert_eq!(usual.height(100, None), Some(37));
        // A node cannot know of final blocks that are not there yet.
        assert_eq!(usual.height(100, Some(900)), Some(100));
    }

    #[test]
    fn the_newest_block_always_stays_on_top() {
        assert_eq!(base_height(10, Some(10), 0), Some(9));
        assert_eq!(base_height(10, Some(5), 0), Some(5));
        assert_eq!(base_height(10, Some(5), 8), Some(2));
        assert_eq!(base_height(0, Some(0), 0), None);
        assert_eq!(base_height(10, None, 3), None);
    }
}
