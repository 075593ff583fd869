//! Which transactions of the mempool are watched, and what becomes of them.
//!
//! Pure: told what the node has, in whatever order it tells, it says each
//! change once.

use std::collections::{BTreeSet, HashMap, HashSet};

use model::memory::legs;
use model::{Address, Chain, Outpoint, TxHash, TxId, UtxoTransaction};

use crate::source::{BlockRef, Expected, Pending, PendingEvent};

pub struct Pool {
    watched: HashSet<Address>,
    /// All the node has, watched or not: 64 bytes each.
    known: HashSet<TxHash>,
    pending: HashMap<TxHash, Vec<Outpoint>>,
    spent: HashMap<Outpoint, TxId>,
}

impl Pool {
    pub fn new(watched: HashSet<Address>) -> Pool {
        Pool { watched, known: HashSet::new(), pending: HashMap::new(), spent: HashMap::new() }
    }

    pub fn knows(&self, hash: &TxHash) -> bool {
        self.known.contains(hash)
    }

    /// Known transactions that this list of the node lacks, in order of hash.
    pub fn missing_from(&self, list: &HashSet<TxHash>) -> Vec<TxHash> {
        let missing: BTreeSet<TxHash> = self.known.difference(list).copied().collect();
        missing.into_iter().collect()
    }

    /// What a watched transaction spends; none of one that is not watched.
    pub fn spent_by(&self, hash: &TxHash) -> Option<&[Outpoint]> {
        self.pending.get(hash).map(Vec::as_slice)
    }

    /// Watched ones that wait.
    pub fn waiting(&self, chain: Chain) -> BTreeSet<TxId> {
        self.pending.keys().map(|hash| TxId { chain, hash: *hash }).collect()
    }

    /// The node has this one now.
    pub fn add(&mut self, tx: &UtxoTransaction) -> Option<PendingEvent> {
        if !self.known.insert(tx.id.hash) || !self.is_watched(tx) {
            return None;
        }
        let outpoints: Vec<Outpoint> = tx.inputs.iter().map(|input| input.outpoint).collect();
        for outpoint in &outpoints {
            self.spent.insert(*outpoint, tx.id);
        }
        self.pending.insert(tx.id.hash, outpoints);
        Some(PendingEvent::Seen(Pending {
            tx: tx.id,
            moves: legs(tx).into_iter().map(Expected::from).collect(),
            is_whole: tx.unresolved().next().is_none(),
        }))
    }

    /// The node no longer has it, and no block took it. `by` spends the same.
    pub fn remove(&mut self, tx: TxId, by: Option<TxId>) -> Option<PendingEvent> {
        self.known.remove(&tx.hash);
        self.forget(tx)?;
        Some(match by {
            Some(_) => PendingEvent::Replaced { tx, by },
            None => PendingEvent::Dropped { tx },
        })
    }

    /// A block took these.
    pub fn confirm<'a>(
        &mut self,
        at: BlockRef,
        txs: impl IntoIterator<Item = &'a UtxoTransaction>,
    ) -> Vec<PendingEvent> {
        let mut events = Vec::new();
        for tx in txs {
            self.known.remove(&tx.id.hash);
            if self.forget(tx.id).is_some() {
                let BlockRef { height, hash: block, .. } = at;
                events.push(PendingEvent::Confirmed { tx: tx.id, height, block });
            }
            for input in &tx.inputs {
                let Some(lost) = self.spent.get(&input.outpoint).copied() else { continue };
                events.extend(self.remove(lost, Some(tx.id)));
            }
        }
        events
    }

    fn is_watched(&self, tx: &UtxoTransaction) -> bool {
        let spent = tx.inputs.iter().filter_map(|input| input.previous.as_ref());
        spent.chain(&tx.outputs).any(|output| self.watched.contains(&output.address))
    }

    fn forget(&mut self, tx: TxId) -> Option<()> {
        for outpoint in self.pending.remove(&tx.hash)? {
            if self.spent.get(&outpoint) == Some(&tx) {
                self.spent.remove(&outpoint);
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
