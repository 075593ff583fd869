//! Why a chain does not go on, by what to do about it.

use chain::source::SourceError;
use model::Chain;
use store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// One node did not answer well. Another may.
    #[error(transparent)]
    Node(SourceError),
    /// None is left to be asked just now.
    #[error("no node of {} can be asked: {why}", chain.name())]
    NoNode { chain: Chain, why: String, all_aside: bool },
    #[error(
        "the nodes of {} disagree about block {height}, which is final: {said}; nothing above is taken \
         as final until they agree: take the wrong one out of the configuration, or add a third",
        chain.name()
    )]
    Disagree { chain: Chain, height: u64, said: String },
    /// Read again: it is another block now.
    #[error("block {height} of {} was replaced while it was being read", chain.name())]
    Replaced { chain: Chain, height: u64 },
    #[error(
        "node {node} of {} is at block {tip}, and blocks up to {held} are held as final: it is still \
         catching up, or not on this chain",
        chain.name()
    )]
    Behind { chain: Chain, node: String, tip: u64, held: u64 },
    /// Nothing here can mend that.
    #[error(
        "{} reorganised deeper than is kept: block {height} is {told} on node {node}, and {held} is held \
         as final. Nothing was changed. Is the node on the right chain? If it is, follow into a new \
         --home with more `confirmations` or `undo` than {depth}",
        chain.name()
    )]
    DeepFork { chain: Chain, node: String, height: u64, told: String, held: String, depth: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What to do about a trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    AtOnce,
    /// After a while that grows.
    Later,
    /// A person has to act.
    Never,
}

impl Trouble {
    pub fn then(&self) -> Then {
        match self {
            Trouble::Replaced { .. } => Then::AtOnce,
            // Another node may answer: who is asked next is known to `Nodes`.
            Trouble::Node(_)
            | Trouble::NoNode { .. }
            | Trouble::Disagree { .. }
            | Trouble::Behind { .. } => Then::Later,
            // Blocks that do not follow each other were read across a reorganisation.
            Trouble::Store(StoreError::Fork { .. }) => Then::AtOnce,
            Trouble::Store(error) if error.is_transient() => Then::Later,
            Trouble::Store(_) | Trouble::DeepFork { .. } => Then::Never,
        }
    }

    /// Is waiting of no use, unless somebody changes a node?
    pub fn is_hopeless(&self) -> bool {
        matches!(self, Trouble::NoNode { all_aside: true, .. }) || self.then() == Then::Never
    }
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Trouble {
        Trouble::Node(error)
    }
}
