//! What analysis may ask about the past.
//!
//! Synchronous and fallible: a provider may block behind it, outside the pure
//! crates. The one hot question is batched: a whole frontier in one call, since
//! a chain of dependent look-ups costs some thirty times an equal batch.

use std::ops::ControlFlow;

use crate::columns::{Columns, ScannedColumns};
use crate::{
    Account, Asset, AssetMeta, Chain, Outpoint, Timestamp, Transaction, Transfer, TxId, U256,
};

pub trait View {
    /// The transfers each account sent ([`Direction::Forward`]) or received
    /// ([`Direction::Backward`]), one [`Reached`] per seek and in its order,
    /// each in time order ([`Transfer::cmp_time`]), ascending. Bitcoin answers
    /// with legs: forward the inputs that spend the address's outputs, backward
    /// the outputs it received. Fees count as sent.
    fn expand(
        &self,
        direction: Direction,
        frontier: &[Seek],
        limits: &Limits,
    ) -> Result<Expansion, ViewError>;

    /// Who spent each outpoint, in order; none while unspent or unknown.
    fn spends(&self, outpoints: &[Outpoint]) -> Result<Vec<Option<Spend>>, ViewError>;

    fn transaction(&self, id: &TxId) -> Result<Option<Transaction>, ViewError>;

    /// Many transactions at once, in order. One call is one round trip where the
    /// view can make it so.
    fn transactions(&self, ids: &[TxId]) -> Result<Vec<Option<Transaction>>, ViewError> {
        ids.iter().map(|id| self.transaction(id)).collect()
    }

    /// How many transfers each account sent and received, no rows moved.
    fn degree(&self, accounts: &[Account]) -> Result<Vec<Degree>, ViewError>;

    /// Every transfer of a chain in a time range, in time order. Bitcoin's come
    /// as legs. The visitor may stop early.
    fn scan(
        &self,
        chain: Chain,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
    ) -> Result<(), ViewError>;

    /// What is known of each asset, in order.
    fn assets(&self, assets: &[Asset]) -> Result<Vec<AssetMeta>, ViewError>;

    /// What of each chain is held.
    fn coverage(&self) -> Result<Vec<Coverage>, ViewError>;

    /// What everyone who reads an answer from this view must know of it, in sentences:
    /// above all what it could not see.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// A chain's transfers as columns, to sweep over all of them. A view that keeps
    /// columns hands out its own; any other is read whole into memory.
    fn columns(&self, chain: Chain) -> Result<Box<dyn Columns + '_>, ViewError> {
        Ok(Box::new(ScannedColumns::read(self, chain)?))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Forward,
    Backward,
}

/// One account of a frontier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seek {
    pub account: Account,
    /// Forward: not before this time. Backward: not after it.
    pub bound: Option<Timestamp>,
}

/// What an expansion may return at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Transfers per account; more are cut and said so.
    pub per_account: usize,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Only these assets; none means all.
    pub assets: Option<Vec<Asset>>,
    /// Only transfers of at least so many base units.
    pub min_base: U256,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    pub reached: Vec<Reached>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    pub account: Account,
    pub transfers: Vec<Transfer>,
    /// Is there more than `per_account` let through? The earliest are kept
    /// when going forward, the latest when going backward.
    pub is_truncated: bool,
    /// Does the view know every transfer of this account in the range? Files
    /// never say so; a followed chain does.
    pub is_complete: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spend {
    pub tx: TxId,
    /// Which input of that transaction.
    pub input: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Degree {
    pub sent: u64,
    pub received: u64,
}

/// What of one chain a view holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Coverage {
    pub chain: Chain,
    pub transfers: u64,
    pub height_first: Option<u64>,
    pub height_last: Option<u64>,
    pub time_first: Option<Timestamp>,
    pub time_last: Option<Timestamp>,
    /// Is every block between the two heights held whole?
    pub is_complete: bool,
}

/// A view that could not answer. The text says on what and why.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct ViewError {
    pub doing: String,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Limits {
    pub const NONE: Limits = Limits {
        per_account: usize::MAX,
        since: None,
        until: None,
        assets: None,
        min_base: U256::ZERO,
    };

    pub fn lets_through(&self, transfer: &Transfer) -> bool {
        self.since.is_none_or(|since| transfer.time >= since)
            && self.until.is_none_or(|until| transfer.time <= until)
            && self.assets.as_ref().is_none_or(|assets| assets.contains(&transfer.asset))
            && transfer.amount >= self.min_base
    }
}

impl Seek {
    pub fn all(account: Account) -> Seek {
        Seek { account, bound: None }
    }
}

impl Seek {
    pub fn lets_through(&self, direction: Direction, transfer: &Transfer) -> bool {
        self.bound.is_none_or(|bound| match direction {
            Direction::Forward => transfer.time >= bound,
            Direction::Backward => transfer.time <= bound,
        })
    }
}

impl Limits {
    /// Keeps what `per_account` allows of transfers in time order: the earliest
    /// going forward, the latest going backward. True when it cut any.
    pub fn cut(&self, direction: Direction, transfers: &mut Vec<Transfer>) -> bool {
        let over = transfers.len().saturating_sub(self.per_account);
        match direction {
            Direction::Forward => transfers.truncate(self.per_account),
            Direction::Backward => drop(transfers.drain(..over)),
        }
        over > 0
    }
}

impl Coverage {
    pub fn nothing(chain: Chain) -> Coverage {
        Coverage {
            chain,
            transfers: 0,
            height_first: None,
            height_last: None,
            time_first: None,
            time_last: None,
            is_complete: false,
        }
    }

    pub fn add(&mut self, transfer: &Transfer) {
        self.transfers += 1;
        if let Some(height) = transfer.height {
            self.height_first = Some(self.height_first.map_or(height, |first| first.min(height)));
            self.height_last = Some(self.height_last.map_or(height, |last| last.max(height)));
        }
        if transfer.time_source != crate::TimeSource::Unknown {
            let time = transfer.time;
            self.time_first = Some(self.time_first.map_or(time, |first| first.min(time)));
            self.time_last = Some(self.time_last.map_or(time, |last| last.max(time)));
        }
    }
}

impl ViewError {
    pub fn new(doing: impl Into<String>) -> ViewError {
        ViewError { doing: doing.into(), source: None }
    }

    pub fn because(
        doing: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> ViewError {
        ViewError { doing: doing.into(), source: Some(source.into()) }
    }
}
