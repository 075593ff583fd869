//! Transactions that no block holds yet.
//!
//! They are news, not facts: what waits may be replaced, dropped, or do something
//! else once it runs. Nothing of it is stored beside what blocks say, and there
//! is no way from here to a [`model::Fact`].

use model::{Address, Asset, Position, Transfer, TxHash, TxId, U256};

/// What became of a transaction that moves a watched address's money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PendingEvent {
    /// It waits at the node now. Also said again when the block that held it was
    /// undone.
    Seen(Pending),
    /// Another transaction takes what it would have moved: this one, where it is
    /// known.
    Replaced {
        tx: TxId,
        by: Option<TxId>,
    },
    /// The node forgot it: it expired, paid too little, or the node started anew.
    Dropped {
        tx: TxId,
    },
    Confirmed {
        tx: TxId,
        height: u64,
        block: TxHash,
    },
}

/// A transaction as the node shows it before any block does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub tx: TxId,
    /// On Bitcoin all legs of the transaction that are known; on chains with
    /// accounts what it asks for, and contracts may do more, less or otherwise.
    pub moves: Vec<Expected>,
    /// Is everything it will move known? Not where the node would not tell what
    /// an input spends, and never where a contract may run.
    pub is_whole: bool,
}

/// What a transaction would move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// None where it has none before it runs.
    pub position: Option<Position>,
    /// None of a Bitcoin output; of an input there is no `to`.
    pub from: Option<Address>,
    pub to: Option<Address>,
    pub asset: Asset,
    pub amount: U256,
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

impl From<Transfer> for Expected {
    fn from(leg: Transfer) -> Expected {
        let Transfer { position, from, to, asset, amount, .. } = leg;
        Expected { position: Some(position), from, to, asset, amount }
    }
}
