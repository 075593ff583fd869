//! The seam between a chain's nodes and whoever follows them.
//!
//! A [`Source`] is one chain as one node shows it: newest block, headers, whole
//! blocks decoded into [`Fact`]s, and what this node can show at all. Every
//! answer is hostile until checked: a block that is not the one asked for, or
//! contradicts itself, is a [`Lie`], and nothing of it is handed on.
//!
//! Which branch stands, what to read next, when to turn to another node and
//! what is stored is left to the follower.

mod error;
mod pace;
mod pending;

use std::future::Future;

use model::{Chain, Fact, Timestamp, TxHash};

pub use self::error::{Kind, Lie, SourceError, shown_url};
pub use self::pace::{Limits, Pace};
pub use self::pending::{Expected, Pending, PendingEvent};

/// One chain, block by block, from one node.
pub trait Source: Send + Sync {
    fn chain(&self) -> Chain;

    /// What of the chain this node shows: goes to coverage.
    fn sees(&self) -> Sees;

    /// The newest block.
    fn tip(&self) -> impl Future<Output = Result<BlockRef, SourceError>> + Send;

    fn header(&self, height: u64) -> impl Future<Output = Result<BlockRef, SourceError>> + Send;

    /// A whole block, checked and decoded.
    fn block(&self, height: u64) -> impl Future<Output = Result<Block, SourceError>> + Send;

    /// The height below which the node itself says nothing changes any more.
    fn finalized(&self) -> impl Future<Output = Result<Option<u64>, SourceError>> + Send;

    /// Resolves when there may be a new tip: told by the node where it tells,
    /// else after the polling interval.
    fn changed(&self) -> impl Future<Output = Result<(), SourceError>> + Send;
}

/// A block's place: enough to see whether two blocks follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRef {
    pub height: u64,
    pub hash: TxHash,
    pub parent: TxHash,
    pub time: Timestamp,
}

/// A block and all it states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub at: BlockRef,
    pub facts: Vec<Fact>,
}

/// What a node can show of its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sees {
    pub internal: Internal,
    /// Are the fees that reach a block's producer stated?
    pub tips: bool,
}

/// Where value that contracts move is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Internal {
    /// The chain has no value beside what its transactions say.
    Plain,
    /// `trace_block`: calls and block rewards.
    TraceBlock,
    /// `debug_traceBlockByHash`: calls, no block rewards.
    CallTracer,
    /// The block's own answers tell: Tron's internal transactions, Solana's inner instructions.
    Told,
    /// The node has neither: internal value is not seen.
    Unseen,
}
