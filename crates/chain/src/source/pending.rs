//! Transactions that no block holds yet.
//!
//! They are news, not facts: nothing of them is stored beside what blocks say,
//! and there is no way from here to a [`model::Fact`].

use model::{Timestamp, Transfer, TxId};

use super::BlockRef;

/// What became of a transaction that moves a watched address's money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PendingEvent {
    /// In the node's mempool now. Also said again when the block that held it
    /// was undone.
    Seen(Pending),
    /// Another transaction takes what it would have moved.
    Replaced {
        tx: TxId,
        by: TxId,
    },
    /// The node forgot it: it expired, paid too little, or the node started anew.
    Dropped {
        tx: TxId,
    },
    Confirmed {
        tx: TxId,
        at: BlockRef,
    },
}

/// A transaction as the node shows it before any block does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub tx: TxId,
    /// When it was first seen here; its transfers bear this time too.
    pub seen: Timestamp,
    /// Without height. On Bitcoin all legs of the transaction that are known.
    pub transfers: Vec<Transfer>,
    /// Is everything it moves known? Not where the node would not tell what an
    /// input spends.
    pub is_whole: bool,
}

impl PendingEvent {
    pub fn tx(&self) -> TxId {
        match self {
            PendingEvent::Seen(pending) => pending.tx,
            PendingEvent::Replaced { tx, .. }
            | PendingEvent::Dropped { tx }
            | PendingEvent::Confirmed { tx, .. } => *tx,
        }
    }
}
