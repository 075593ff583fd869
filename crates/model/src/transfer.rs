//! A transfer: one movement of one asset, the atom of everything here.
//!
//! On account chains a transfer has both ends. On Bitcoin a transaction is a
//! node of its own, so a transfer is one leg: an [`Position::Input`] goes from
//! an address into the transaction (`to` is none), an [`Position::Output`] from
//! the transaction to an address (`from` is none).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::{Account, Address, Asset, Timestamp, TxId, U256};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub tx: TxId,
    pub position: Position,
    pub height: Option<u64>,
    /// The transaction's place in its block.
    pub tx_index: Option<u32>,
    pub time: Timestamp,
    pub time_source: TimeSource,
    /// None: newly issued (a reward), or on Bitcoin the transaction itself.
    pub from: Option<Address>,
    /// None: a fee or a burn, or on Bitcoin the transaction itself.
    pub to: Option<Address>,
    pub asset: Asset,
    pub amount: U256,
    pub kind: TransferKind,
}

/// Where in its transaction a transfer stands.
///
/// Chain, transaction and position are a transfer's identity. A source that
/// gives no position (most CSV files) says [`Position::Nth`]: the n-th transfer
/// of that transaction with equal from, to, asset and amount, counted from 0 in
/// that file. It is the same transfer as the n-th equal one with a position.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Position {
    Input(u32),
    Output(u32),
    /// A call by its trace path. The empty path is the transaction's own value.
    Call(Box<[u32]>),
    /// An event by its log index in the block.
    Log(u32),
    /// Consensus-layer withdrawal, block or uncle reward: by its number in the block.
    Reward(u32),
    Fee,
    Nth(u32),
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum TransferKind {
    /// Native value or a fungible token.
    Value,
    /// Paid for inclusion; nobody the trace follows receives it.
    Fee,
    /// Newly issued or paid out by consensus.
    Reward,
    Nft,
}

/// How sure the time is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum TimeSource {
    /// The source gave it, or its block did.
    Stated,
    /// That of the latest earlier block whose time is known.
    Estimated,
    /// No source gave one; the time is 1970-01-01 and only the height orders.
    Unknown,
}

/// Names one transfer for evidence: `<tx>/<position>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransferId {
    pub tx: TxId,
    pub position: Position,
    /// Needed beside [`Position::Nth`], which counts among equals only.
    pub equal: Option<Box<Equal>>,
}

/// What two transfers without position share when they are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Equal {
    pub from: Option<Address>,
    pub to: Option<Address>,
    pub asset: Asset,
    pub amount: U256,
}

impl Transfer {
    pub fn id(&self) -> TransferId {
        let equal = matches!(self.position, Position::Nth(_)).then(|| Box::new(self.equal()));
        TransferId { tx: self.tx, position: self.position.clone(), equal }
    }

    pub fn equal(&self) -> Equal {
        Equal {
            from: self.from.clone(),
            to: self.to.clone(),
            asset: self.asset.clone(),
            amount: self.amount,
        }
    }

    pub fn from_account(&self) -> Option<Account> {
        self.from.clone().map(|address| Account { chain: self.tx.chain, address })
    }

    pub fn to_account(&self) -> Option<Account> {
        self.to.clone().map(|address| Account { chain: self.tx.chain, address })
    }

    /// The order of time as far as the data knows it: time, block, place in
    /// the block, then hash and position so that the order is total.
    pub fn cmp_time(&self, other: &Transfer) -> Ordering {
        self.time
            .cmp(&other.time)
            .then_with(|| self.height.cmp(&other.height))
            .then_with(|| self.tx_index.cmp(&other.tx_index))
            .then_with(|| self.tx.cmp(&other.tx))
            .then_with(|| self.position.cmp(&other.position))
            .then_with(|| self.equal().cmp(&other.equal()))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Position::Input(n) => write!(f, "in{n}"),
            Position::Output(n) => write!(f, "out{n}"),
            Position::Call(path) => {
                f.write_str("call")?;
                path.iter().try_for_each(|step| write!(f, "_{step}"))
            }
            Position::Log(n) => write!(f, "log{n}"),
            Position::Reward(n) => write!(f, "reward{n}"),
            Position::Fee => f.write_str("fee"),
            Position::Nth(n) => write!(f, "nth{n}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a transfer's position: expected in0, out0, call_0_1, log0, reward0, fee or nth0"
)]
pub struct PositionError {
    pub text: String,
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Position, PositionError> {
        parse_position(text).ok_or_else(|| PositionError { text: text.to_string() })
    }
}

fn parse_position(text: &str) -> Option<Position> {
    if text == "fee" {
        return Some(Position::Fee);
    }
    if let Some(path) = text.strip_prefix("call") {
        let steps =
            path.split('_').skip(1).map(str::parse).collect::<Result<Vec<u32>, _>>().ok()?;
        return (path.is_empty() || path.starts_with('_')).then(|| Position::Call(steps.into()));
    }
    let digits = text.find(|c: char| c.is_ascii_digit())?;
    let (name, number) = text.split_at(digits);
    let number = number.parse().ok()?;
    match name {
        "in" => Some(Position::Input(number)),
        "out" => Some(Position::Output(number)),
        "log" => Some(Position::Log(number)),
        "reward" => Some(Position::Reward(number)),
        "nth" => Some(Position::Nth(number)),
        _ => None,
    }
}

crate::text::serde_as_text!(Position);

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tx, self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_read_their_own_text() {
        for text in ["in0", "out12", "call", "call_0_3", "log7", "reward0", "fee", "nth2"] {
            assert_eq!(text.parse::<Position>().expect(text).to_string(), text);
        }
        for text in ["", "log", "call0", "call_", "out-1", "nth", "x1"] {
            assert!(text.parse::<Position>().is_err(), "{text:?}");
        }
    }
}
