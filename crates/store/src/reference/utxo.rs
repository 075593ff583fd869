//! Bitcoin at commit: which blocks stand, which claim of a transaction is read,
//! and who spends what was just learnt.

use std::collections::{BTreeMap, BTreeSet};

use model::headers::{self, Placed};
use model::{BlockFact, Chain, Timestamp, TxHash, UtxoTransaction};
use rusqlite::params;

use crate::StoreError;
use crate::code::{hash_out, read};
use crate::error::Doing;
use crate::reference::{Batch, rows};

impl Batch<'_> {
    /// Places the blocks of each chain whose tree grew, all of them: one block
    /// may turn a whole branch. The transactions of those that moved are touched.
    pub(crate) fn place_blocks(&mut self) -> Result<(), StoreError> {
        for chain in std::mem::take(&mut self.changed.trees) {
            if chain.is_utxo() {
                self.place_blocks_of(chain)?;
            }
        }
        Ok(())
    }

    fn place_blocks_of(&mut self, chain: Chain) -> Result<(), StoreError> {
        let id = self.names.chain_id(&self.db, chain)?;
        let before = self.placed(id)?;
        let blocks = self.blocks(id, chain)?;
        let now: BTreeMap<TxHash, Placed> = headers::place(&blocks).into_iter().collect();
        for (hash, placed) in now {
            if before.get(&hash) == Some(&placed) {
                continue;
            }
            let height = placed.height.map(u64::cast_signed);
            self.db
                .prepare_cached(
                    "INSERT OR REPLACE INTO placed (chain, hash, height, stands) VALUES (?1, ?2, ?3, ?4)",
                )
                .and_then(|mut put| put.execute(params![id, hash.bytes(), height, placed.stands]))
                .doing(|| format!("place a block of {chain}"))?;
            let moved: Vec<i64> = self.numbers(
                "SELECT c.tx FROM utxo_claim c CROSS JOIN tx x ON x.id = c.tx
                 WHERE c.block = ?2 AND x.chain = ?1",
                params![id, hash.bytes()],
            )?;
            for tx in moved {
                self.touch(tx, true);
            }
        }
        Ok(())
    }

    fn placed(&self, chain: i64) -> Result<BTreeMap<TxHash, Placed>, StoreError> {
        let doing = || "read where blocks stand";
        let mut ask = self
            .db
            .prepare_cached("SELECT hash, height, stands FROM placed WHERE chain = ?1")
            .doing(doing)?;
        let mut rows = ask.query([chain]).doing(doing)?;
        let mut placed = BTreeMap::new();
        while let Some(row) = rows.next().doing(doing)? {
            let height: Option<i64> = read(row, 1)?;
            let place = Placed { height: height.map(i64::cast_unsigned), stands: read(row, 2)? };
            placed.insert(block_hash(&read::<Vec<u8>>(row, 0)?)?, place);
        }
        Ok(placed)
    }

    fn blocks(&self, id: i64, chain: Chain) -> Result<Vec<BlockFact>, StoreError> {
        let doing = || format!("read the blocks of {chain}");
        let mut ask = self
            .db
            .prepare_cached(
                "SELECT hash, parent, height, work FROM block WHERE chain = ?1 AND hash IS NOT NULL",
            )
            .doing(doing)?;
        let mut rows = ask.query([id]).doing(doing)?;
        let mut blocks = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            let parent: Option<Vec<u8>> = read(row, 1)?;
            blocks.push(BlockFact {
                chain,
                hash: Some(block_hash(&read::<Vec<u8>>(row, 0)?)?),
                parent: parent.as_deref().map(block_hash).transpose()?,
                height: read::<Option<i64>>(row, 2)?.map(i64::cast_unsigned),
                // Placing does not ask for it.
                time: Timestamp::UNIX_EPOCH,
                work: read(row, 3)?,
            });
        }
        Ok(blocks)
    }

    /// Marks the claim each transaction is read from, and returns who spends
    /// their outputs: those have now something to resolve, or no more.
    pub(crate) fn choose_claims(
        &mut self,
        touched: &BTreeSet<i64>,
    ) -> Result<BTreeSet<i64>, StoreError> {
        let mut spenders = BTreeSet::new();
        let is_any = self
            .db
            .prepare_cached("SELECT 1 FROM utxo_claim LIMIT 1")
            .and_then(|mut ask| ask.exists([]))
            .doing(|| "look for transactions with outputs")?;
        if !is_any {
            return Ok(spenders);
        }
        for tx in touched {
            let chosen = rows::utxo(&self.db, &mut self.names, *tx)?.map(|chosen| chosen.claim);
            self.db
                .prepare_cached(
                    "UPDATE utxo_claim SET is_chosen = (id IS ?2), unresolved = 0 WHERE tx = ?1",
                )
                .and_then(|mut mark| mark.execute(params![tx, chosen]))
                .doing(|| format!("settle transaction {tx}"))?;
        }
        for tx in touched {
            spenders.extend(self.numbers(
                "SELECT c.tx FROM utxo_input i CROSS JOIN utxo_claim c ON c.id = i.claim
                 WHERE i.prev_tx = ?1 AND c.is_chosen = 1",
                params![tx],
            )?);
        }
        Ok(spenders)
    }

    /// The transaction with what its inputs spend, where it is one of this kind.
    pub(crate) fn settle_utxo(&mut self, tx: i64) -> Result<Option<UtxoTransaction>, StoreError> {
        let Some(chosen) = rows::utxo(&self.db, &mut self.names, tx)? else { return Ok(None) };
        let mut known = chosen.tx;
        rows::resolve(&self.db, &mut self.names, &mut known)?;
        let unresolved = (known.unresolved().count() as u64).cast_signed();
        self.db
            .prepare_cached("UPDATE utxo_claim SET unresolved = ?2 WHERE id = ?1")
            .and_then(|mut note| note.execute([chosen.claim, unresolved]))
            .doing(|| format!("settle {}", known.id))?;
        Ok(Some(known))
    }

    pub(crate) fn unresolved_inputs(&self) -> Result<u64, StoreError> {
        let open: i64 = self
            .db
            .query_row(
                "SELECT coalesce(sum(unresolved), 0) FROM utxo_claim WHERE unresolved > 0",
                [],
                |row| row.get(0),
            )
            .doing(|| "count the inputs that spend what is not held")?;
        Ok(open.cast_unsigned())
    }
}

fn block_hash(bytes: &[u8]) -> Result<TxHash, StoreError> {
    hash_out(bytes).ok_or_else(|| {
        StoreError::value("read a block", format!("its hash has {} bytes", bytes.len()))
    })
}
