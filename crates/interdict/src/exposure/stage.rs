//! What is kept, as a stage of a followed chain: blocks in, blocks taken back.

use std::cell::RefCell;

use model::{Fact, Memory, Transaction, UtxoTransaction, View};
use store::provenance::{Provenance, Reach};
use store::stage::Stage;
use store::{FollowedBlock, StoreError};
use trace::exposure::Marked;
use trace::provenance::block;

use super::keep::{self, BlockPart};

/// Provenance that follows a chain. What a block told is settled by itself, as
/// [`Memory`] settles facts: what only another block or a file tells of its transactions is
/// not seen here, and the count of transfers shows it ([`super::update`]).
pub struct ProvenanceStage<'a> {
    kept: RefCell<Provenance>,
    marked: &'a Marked,
}

impl<'a> ProvenanceStage<'a> {
    pub fn new(kept: Provenance, marked: &'a Marked) -> ProvenanceStage<'a> {
        ProvenanceStage { kept: RefCell::new(kept), marked }
    }

    pub fn kept(&mut self) -> &mut Provenance {
        self.kept.get_mut()
    }
}

impl Stage for ProvenanceStage<'_> {
    fn checkpoint(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.kept.borrow().reach()?.height)
    }

    fn execute(&mut self, blocks: &[FollowedBlock]) -> Result<(), StoreError> {
        // One commit a block: each is worked out over the one before.
        let start = self.checkpoint()?;
        for block in blocks {
            if let Err(error) = self.one(block) {
                self.kept.get_mut().take_back(start)?;
                return Err(error);
            }
        }
        Ok(())
    }

    fn unwind(&mut self, to: Option<u64>) -> Result<(), StoreError> {
        self.kept.get_mut().take_back(to)
    }
}

impl ProvenanceStage<'_> {
    fn one(&mut self, block: &FollowedBlock) -> Result<(), StoreError> {
        let kept = self.kept.get_mut();
        let part = part(block)?;
        let transfers = kept.reach()?.transfers;
        let (height, hash, time) = (Some(block.height), Some(block.hash), Some(block.time));
        let reach = Reach { height, hash, time, transfers };
        let change =
            keep::change(kept, self.marked, &part, reach).map_err(|error| StoreError::Value {
                doing: format!("take in where value of {} came from", block.chain),
                why: format!("block {}: {error:#}", block.height),
            })?;
        kept.append(&[change])
    }
}

/// What a block moved, settled by itself.
fn part(block: &FollowedBlock) -> Result<BlockPart, StoreError> {
    let facts = block.facts.iter().filter(|fact| !matches!(fact, Fact::Oddity(_))).cloned();
    let memory = Memory::from_facts(facts);
    let own = memory.transfers().iter().filter(|transfer| transfer.tx.chain == block.chain);
    let own: Vec<_> = own.cloned().collect();
    if !block.chain.is_utxo() {
        return Ok(BlockPart { transfers: own, transactions: Vec::new() });
    }
    let mut ids: Vec<_> = own.iter().map(|transfer| transfer.tx).collect();
    ids.sort_unstable();
    ids.dedup();
    let found = memory.transactions(&ids).map_err(StoreError::View)?;
    let transactions: Vec<UtxoTransaction> = found
        .into_iter()
        .flatten()
        .filter_map(|tx| match tx {
            Transaction::Utxo(tx) => Some(tx),
            Transaction::Account { .. } => None,
        })
        .collect();
    Ok(BlockPart { transfers: Vec::new(), transactions: block::in_order(transactions) })
}
