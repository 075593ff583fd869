//! New blocks of followed chains, held against the watches.
//!
//! A chain's position says up to which block it was looked at, with that block's hash, and up to which
//! height no block can be unwound. While the block of that hash stands, only what is above it is read.
//! Else the chain was reorganised: everything that can be unwound is read again, and what was met
//! already is met by nobody twice (`case::watches`). Of a chain that was never looked at, what is stored
//! is the past: it begins at the tip, and never reads below that.

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use case::CaseError;
use case::watches::{self, Held, Matcher, Step, Watch};
use model::{Chain, Transaction, Transfer, View};
use store::Followed;
use store::snapshot::Snapshot;

use super::Beside;
use super::known::Knows;
use crate::cell::Cell;

/// Blocks that are looked at before the position is kept.
const BLOCKS_AT_ONCE: u64 = 500;
/// Transfers that are matched at once, and a transaction's rest.
const TRANSFERS_AT_ONCE: usize = 4096;

pub fn look(beside: &mut Beside, cell: &Arc<Cell>) -> Result<()> {
    let followed = beside.store.followed()?;
    if followed.iter().all(|chain| chain.tip.is_none()) {
        return Ok(());
    }
    let watched = watches::list(&beside.db)?;
    for chain in &followed {
        of_chain(beside, cell, &watched, chain)?;
    }
    Ok(())
}

/// Up to where a chain was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Position {
    height: u64,
    /// As text; none where the block is final and nobody names it.
    hash: Option<String>,
    /// Blocks up to here can no longer be unwound; none: every one can.
    settled: Option<u64>,
    /// The tip when it was looked at first.
    began: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settled = self.settled.map_or_else(|| "-".into(), |height| height.to_string());
        let hash = self.hash.as_deref().unwrap_or("-");
        write!(f, "{} {hash} {settled} {}", self.height, self.began)
    }
}

impl FromStr for Position {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Position> {
        let wrong =
            || anyhow!("{text:?} is no position of watches: expected height, hash, two heights");
        let parts: Vec<&str> = text.split(' ').collect();
        let [height, hash, settled, began] = parts.as_slice() else { return Err(wrong()) };
        let settled = match *settled {
            "-" => None,
            height => Some(height.parse().map_err(|_| wrong())?),
        };
        Ok(Position {
            height: height.parse().map_err(|_| wrong())?,
            hash: (*hash != "-").then(|| (*hash).to_string()),
            settled,
            began: began.parse().map_err(|_| wrong())?,
        })
    }
}

/// The blocks of a chain that can still be unwound, and the last of all.
struct Tip {
    height: u64,
    hash: String,
    /// Heights and hashes, ascending.
    hot: Vec<(u64, String)>,
}

impl Tip {
    fn settled(&self) -> Option<u64> {
        match self.hot.first() {
            Some((first, _)) => first.checked_sub(1),
            None => Some(self.height),
        }
    }

    fn hash_at(&self, height: u64) -> Option<&str> {
        if height == self.height {
            return Some(&self.hash);
        }
        self.hot.iter().find(|(hot, _)| *hot == height).map(|(_, hash)| hash.as_str())
    }
}

fn tip(beside: &Beside, followed: &Followed) -> Option<Tip> {
    let tip = followed.tip.as_ref()?;
    let text = |hash: &model::TxHash| hash.text(followed.chain);
    let hot = beside.store.hot_blocks(followed.chain);
    let hot = hot.iter().map(|block| (block.height, text(&block.hash))).collect();
    Some(Tip { height: tip.height, hash: text(&tip.hash), hot })
}

fn of_chain(
    beside: &mut Beside,
    cell: &Arc<Cell>,
    watched: &[Watch],
    followed: &Followed,
) -> Result<()> {
    let chain = followed.chain;
    let Some(tip) = tip(beside, followed) else { return Ok(()) };
    let up_to_tip = |began| Position {
        height: tip.height,
        hash: Some(tip.hash.clone()),
        settled: tip.settled(),
        began,
    };
    let Some(held) = watches::position(&beside.db, chain)? else {
        let begin = up_to_tip(tip.height);
        let step = Step { to: begin.to_string(), settled: begin.settled, ..Step::default() };
        return advance(beside, chain, &step);
    };
    let position: Position = held.parse()?;
    let whole = up_to_tip(position.began);
    if position == whole {
        return Ok(());
    }
    let view = beside.store.snapshot();
    let mut next = first_unread(&position, &tip);
    let mut from = Some(held);
    let mut gone = gone(beside, &view, chain)?;
    let matcher = Matcher::new(watched);
    loop {
        let last = next.saturating_add(BLOCKS_AT_ONCE - 1).min(tip.height);
        let found = match matcher.is_empty() || next > last {
            true => Vec::new(),
            false => {
                let known = Knows::of(&mut beside.known, &beside.store, cell, chain, watched)?;
                let mut found = Vec::new();
                scan(&view, chain, next..=last, &mut |transfers| {
                    found.extend(matcher.find(transfers, &known));
                    Ok(())
                })?;
                found
            }
        };
        let to = match last == tip.height || next > last {
            true => whole.clone(),
            false => Position {
                height: last,
                hash: tip.hash_at(last).map(str::to_string),
                settled: tip.settled().map(|settled| settled.min(last)),
                began: position.began,
            },
        };
        let step = Step {
            from: from.take(),
            to: to.to_string(),
            found,
            gone: std::mem::take(&mut gone),
            settled: to.settled,
        };
        advance(beside, chain, &step)?;
        if to == whole {
            return Ok(());
        }
        (from, next) = (Some(step.to), last.saturating_add(1));
    }
}

/// The first block that was not looked at, as far as it is known.
fn first_unread(held: &Position, tip: &Tip) -> u64 {
    let above = held.height.saturating_add(1);
    let is_settled = held.settled.is_some_and(|settled| settled >= held.height);
    if is_settled || (held.hash.is_some() && tip.hash_at(held.height) == held.hash.as_deref()) {
        return above;
    }
    let settled = held.settled.map_or(0, |settled| settled.saturating_add(1));
    settled.max(held.began.saturating_add(1))
}

/// Whoever else looks at the same casework may have been faster: then there is nothing to do.
fn advance(beside: &Beside, chain: Chain, step: &Step) -> Result<()> {
    match watches::advance(&beside.db, &Beside::by(), chain, step) {
        Ok(_) | Err(CaseError::State { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What was met by transactions that are in no block any more.
fn gone(beside: &Beside, view: &Snapshot, chain: Chain) -> Result<Vec<Held>> {
    let held = watches::held(&beside.db, chain)?;
    let ids: Vec<model::TxId> = held.iter().map(|held| held.tx).collect();
    let stands = |found: &Option<Transaction>| match found {
        None => false,
        Some(Transaction::Account { transfers, .. }) => !transfers.is_empty(),
        Some(Transaction::Utxo(tx)) => tx.height.is_some(),
    };
    let found = view.transactions(&ids)?;
    let all = held.into_iter().zip(&found);
    Ok(all.filter(|(_, found)| !stands(found)).map(|(held, _)| held).collect())
}

/// Hands out the transfers of some blocks, whole transactions, not too many at once.
fn scan(
    view: &Snapshot,
    chain: Chain,
    heights: std::ops::RangeInclusive<u64>,
    take: &mut dyn FnMut(&[Transfer]) -> Result<()>,
) -> Result<()> {
    let mut waiting: Vec<Transfer> = Vec::new();
    let mut failed = None;
    view.scan_heights(chain, heights, &mut |transfer| {
        let is_next = waiting.last().is_some_and(|last| last.tx != transfer.tx);
        if is_next && waiting.len() >= TRANSFERS_AT_ONCE {
            if let Err(error) = take(&waiting) {
                failed = Some(error);
                return ControlFlow::Break(());
            }
            waiting.clear();
        }
        waiting.push(transfer.clone());
        ControlFlow::Continue(())
    })?;
    match failed {
        Some(error) => Err(error),
        None => take(&waiting),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tip(hot: &[(u64, &str)]) -> Tip {
        let hot: Vec<_> = hot.iter().map(|(height, hash)| (*height, (*hash).into())).collect();
        let (height, hash) = hot.last().cloned().unwrap_or((100, "x".into()));
        Tip { height, hash, hot }
    }

    #[test]
    fn a_position_reads_its_own_text_and_nothing_else() {
        for text in ["7 0xab 3 1", "7 - 7 7", "0 0xab - 0"] {
            assert_eq!(text.parse::<Position>().unwrap().to_string(), text);
        }
        for text in ["", "7", "7 0xab", "x 0xab 3 1", "7 0xab 3 4 5", "-1 a 2 1", "7 a 2 x"] {
            assert!(text.parse::<Position>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn while_the_block_stands_only_what_is_above_it_is_read() {
        let held: Position = "11 b 9 1".parse().unwrap();
        assert_eq!(first_unread(&held, &tip(&[(10, "a"), (11, "b"), (12, "c")])), 12);
        // Another block stands there, or none: what could be unwound is read again.
        assert_eq!(first_unread(&held, &tip(&[(10, "a"), (11, "z"), (12, "y")])), 10);
        assert_eq!(first_unread(&held, &tip(&[(10, "a")])), 10);
        // It was final already.
        assert_eq!(first_unread(&"11 b 11 1".parse().unwrap(), &tip(&[(15, "q")])), 12);
        // It became final while nobody looked, and nobody can say which block it was.
        assert_eq!(first_unread(&held, &tip(&[(15, "q")])), 10);
        // Before it was looked at first is the past.
        assert_eq!(first_unread(&"3 b - 2".parse().unwrap(), &tip(&[(2, "q"), (3, "w")])), 3);
    }
}
