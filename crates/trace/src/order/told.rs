//! What is told of the order inside one moment, and where it is not.
//!
//! A transfer's place is told by its block, its transaction's place there, and its own
//! in the transaction: the value a transaction sends comes first, its fee last, the
//! rest by position. Rows of files, and some lists of providers, tell only parts of
//! that. Whether these decide is asked for each purse (an account's coins of one
//! asset), since nothing else depends on the order.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use model::{Position, Timestamp, Transfer, TransferKind, TxId};

use super::{groups, is_order_known};
use crate::gather::{At, Gathered, NOBODY};

/// Accounts whose transfers in one moment could be divided otherwise than they were.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Untold {
    pub time: Timestamp,
    /// The first of the transactions.
    pub tx: TxId,
}

/// The moments in which the order at an account that taint reached is not told.
pub fn untold(gathered: &Gathered) -> Vec<Untold> {
    let is_reached = reached(gathered);
    let rows = (0u32..).zip(&gathered.rows).filter(|(_, row)| row.is_event);
    let mut all: Vec<At> = rows.map(|(at, _)| at).collect();
    all.sort_by(|a, b| super::cmp_time(*a, *b, gathered));
    let mut found = Vec::new();
    for group in groups(&all, gathered) {
        let group = &all[group];
        if group.len() < 2 || is_order_known(group, gathered) {
            continue;
        }
        let matters = |(purse, shared): &(u32, Vec<At>)| {
            is_reached[*purse as usize] && !is_told(shared, gathered)
        };
        let purses = shared_purses(group, gathered);
        let first = purses.iter().filter(|one| matters(one)).flat_map(|(_, shared)| shared);
        if let Some(at) = first.min() {
            let transfer = gathered.transfer(*at);
            found.push(Untold { time: transfer.time, tx: transfer.tx });
        }
    }
    found
}

/// By purse: is it of an account walked through, and may it hold taint?
fn reached(gathered: &Gathered) -> Vec<bool> {
    let mut is_reached = vec![false; gathered.purses.len()];
    let mut mark = |purse: u32| {
        if purse != NOBODY {
            is_reached[purse as usize] = gathered.is_walked(gathered.purses.get(purse).0);
        }
    };
    for row in &gathered.rows {
        let is_of_source = |account: u32| gathered.source_accounts.contains(&account);
        if row.depth != 0 || is_of_source(row.from) || is_of_source(row.to) {
            mark(row.from_purse);
            mark(row.to_purse);
        }
    }
    is_reached
}

/// Those purses that several transfers of a moment fill or draw on, with them.
pub fn shared_purses(group: &[At], gathered: &Gathered) -> Vec<(u32, Vec<At>)> {
    let mut ends: Vec<(u32, At)> = Vec::new();
    for at in group {
        let row = gathered.row_at(*at);
        // One to oneself counts too, once: it shows money that nobody saw come.
        let to = Some(row.to_purse).filter(|to| *to != row.from_purse);
        let both = [Some(row.from_purse), to].into_iter().flatten();
        ends.extend(both.filter(|purse| *purse != NOBODY).map(|purse| (purse, *at)));
    }
    ends.sort_by_key(|(purse, _)| *purse);
    let shared = ends.chunk_by(|a, b| a.0 == b.0).filter(|chunk| chunk.len() > 1);
    shared.map(|chunk| (chunk[0].0, chunk.iter().map(|(_, at)| *at).collect())).collect()
}

/// Is it told in which order these happened, all of one purse and moment?
pub fn is_told(shared: &[At], gathered: &Gathered) -> bool {
    parts(shared, gathered).iter().all(|part| part.len() == 1 || is_alike(part, gathered))
}

/// Those of one purse and moment in parts: it is told that each part is over before the
/// next, and of a part of several nothing more.
pub fn parts(shared: &[At], gathered: &Gathered) -> Vec<Vec<At>> {
    let placed = placed(shared, gathered);
    let ats = |run: &[Place]| run.iter().map(|place| place.at).collect::<Vec<At>>();
    let is_one = placed.iter().all(|place| place.tx == placed[0].tx);
    if is_one || placed.iter().all(|place| place.height.is_some() && place.tx_index.is_some()) {
        return placed.chunk_by(|a, b| !a.is_before(b)).map(ats).collect();
    }
    // Blocks alone may still tell, where all are known: those of none come first.
    let is_open = placed[0].height.is_none() || placed[0].height == placed[placed.len() - 1].height;
    if is_open {
        return vec![ats(&placed)];
    }
    let blocks = placed.chunk_by(|a, b| a.height == b.height);
    blocks.flat_map(|block| parts(&ats(block), gathered)).collect()
}

/// Whichever of these came first, it was the same.
fn is_alike(part: &[At], gathered: &Gathered) -> bool {
    let alike = |a: &Transfer, b: &Transfer| a.tx == b.tx && a.equal() == b.equal();
    part.windows(2).all(|two| alike(gathered.transfer(two[0]), gathered.transfer(two[1])))
}

/// A moment's transfers, as far as their order is told.
pub fn as_told(group: &[At], gathered: &Gathered) -> Vec<At> {
    placed(group, gathered).into_iter().map(|place| place.at).collect()
}

/// A moment's transfers in an order that rests on nothing that only some sources tell
/// but a transaction's own: for what no order is told of.
pub fn by_name(group: &[At], gathered: &Gathered) -> Vec<At> {
    let mut named = placed(group, gathered);
    named.sort_by(|a, b| a.in_transaction(b, gathered));
    named.into_iter().map(|place| place.at).collect()
}

/// A transfer's place, with what others of its transaction tell of that.
struct Place {
    at: At,
    tx: TxId,
    height: Option<u64>,
    tx_index: Option<u32>,
    part: Part,
    /// Has it a place of its own in its transaction?
    is_numbered: bool,
}

/// Which part of its transaction. Gas is bought before and settled after all else: a
/// fee counts as last, whoever tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Own,
    Inside,
    Fee,
}

fn placed(group: &[At], gathered: &Gathered) -> Vec<Place> {
    let mut txs: BTreeMap<TxId, (Option<u64>, Option<u32>)> = BTreeMap::new();
    for at in group {
        let transfer = gathered.transfer(*at);
        let known = txs.entry(transfer.tx).or_default();
        *known = (known.0.max(transfer.height), known.1.max(transfer.tx_index));
    }
    let place = |at: &At| {
        let transfer = gathered.transfer(*at);
        let (height, tx_index) = txs[&transfer.tx];
        let is_numbered = !matches!(transfer.position, Position::Nth(_));
        Place { at: *at, tx: transfer.tx, height, tx_index, part: Part::of(transfer), is_numbered }
    };
    let mut placed: Vec<Place> = group.iter().map(place).collect();
    placed.sort_by(|a, b| {
        let of_block = (a.height, a.tx_index).cmp(&(b.height, b.tx_index));
        of_block.then_with(|| a.in_transaction(b, gathered))
    });
    placed
}

impl Place {
    /// Of two in the order of [`placed`], whose places are known: is it told that the
    /// first was before the other?
    fn is_before(&self, other: &Place) -> bool {
        match self.tx == other.tx {
            true => self.part != other.part || (self.is_numbered && other.is_numbered),
            false => (self.height, self.tx_index) != (other.height, other.tx_index),
        }
    }

    fn in_transaction(&self, other: &Place, gathered: &Gathered) -> Ordering {
        let (one, two) = (gathered.transfer(self.at), gathered.transfer(other.at));
        (self.tx, self.part)
            .cmp(&(other.tx, other.part))
            .then_with(|| one.position.cmp(&two.position))
            .then_with(|| one.equal().cmp(&two.equal()))
    }
}

impl Part {
    fn of(transfer: &Transfer) -> Part {
        match &transfer.position {
            _ if transfer.kind == TransferKind::Fee => Part::Fee,
            Position::Call(path) if path.is_empty() => Part::Own,
            _ => Part::Inside,
        }
    }
}
