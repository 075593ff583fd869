//! CoinJoins: transactions of several owners, recognised before anything is merged.
//!
//! In: a Bitcoin transaction and which transactions before it were rounds. Out: a [`Round`] with its family
//! and what was seen, or none. One file per protocol; each says where its rules come from. Rules that hold
//! from a height on go by time here, since not every source knows heights.
//!
//! PayJoin (BIP 78) is left alone: it is made to look like any payment, and nothing on the chain tells it.
//! Its inputs belong to payer and payee, so its co-spend is a known error of that rule, which is said
//! wherever the rule is evidence ([`PAYJOIN`]).

pub mod joinmarket;
pub mod shape;
pub mod wasabi1;
pub mod wasabi2;
pub mod whirlpool;

use model::{TxHash, UtxoTransaction};

pub use shape::Shape;

/// What is said beside every co-spend.
pub const PAYJOIN: &str =
    "a PayJoin looks like this too, and its inputs have two owners: nothing on the chain tells it";

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    Wasabi1,
    Wasabi2,
    Whirlpool,
    JoinMarket,
}

impl Family {
    pub const ALL: [Family; 4] =
        [Family::Wasabi1, Family::Wasabi2, Family::Whirlpool, Family::JoinMarket];

    pub fn name(self) -> &'static str {
        match self {
            Family::Wasabi1 => "wasabi1",
            Family::Wasabi2 => "wasabi2",
            Family::Whirlpool => "whirlpool",
            Family::JoinMarket => "joinmarket",
        }
    }
}

/// The version of all rules of this folder together: a round that is told apart otherwise raises it.
pub const VERSION: u32 = 1;

/// A recognised CoinJoin.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Round {
    pub family: Family,
    /// Outputs nobody can tell apart: the largest equal group.
    pub equal: usize,
    /// Satoshi of each of them.
    pub value: u64,
    /// Inputs that earlier rounds made.
    pub remixed: usize,
    /// What was seen, in sentences.
    pub why: Vec<String>,
    /// Another family that it fits as well.
    pub rival: Option<Family>,
    /// It has the shape, and yet may be one owner's doing, and why. Nothing is merged by it either way.
    pub doubts: Vec<String>,
}

/// Which transactions before were rounds.
pub trait Past {
    fn family(&self, tx: &TxHash) -> Option<Family>;
}

/// Nothing is known of before.
pub struct NoPast;

impl Past for NoPast {
    fn family(&self, _: &TxHash) -> Option<Family> {
        None
    }
}

/// Which CoinJoin a transaction is, if any. A transaction of which not every input is known cannot be told.
pub fn recognise(tx: &UtxoTransaction, past: &dyn Past) -> Option<Round> {
    const LEGS_LEAST: usize = 3;
    if tx.is_coinbase || tx.inputs.len() < LEGS_LEAST || tx.outputs.len() < LEGS_LEAST {
        return None;
    }
    let shape = Shape::of(tx, past)?;
    let mut round = wasabi2::recognise(&shape)
        .or_else(|| wasabi1::recognise(&shape))
        .or_else(|| whirlpool::recognise(&shape))
        .or_else(|| joinmarket::recognise(&shape))?;
    round.doubts.extend(shape.doubt());
    Some(round)
}

/// Could it be a round, by its outputs, where what its inputs spent is not known? Nothing is merged then.
pub fn may_be(tx: &UtxoTransaction) -> bool {
    if tx.is_coinbase || tx.inputs.iter().all(|input| input.previous.is_some()) {
        return false;
    }
    let groups = shape::groups(tx.outputs.iter().map(|output| output.value));
    groups.first().is_some_and(|(_, count)| *count >= joinmarket::EQUAL_LINKED_MIN)
}
