//! Settling at commit: from what files say to the transfers there are.
//!
//! The rules are [`model::memory`]'s. Here is decided what a file may have
//! changed: the transactions it told of, those whose block it covered with
//! traces, those whose block now stands or falls, those that spend what it
//! made, and the transfers whose time a block now gives.

use std::collections::BTreeSet;

use model::memory::{self, Claim, Told};
use model::{TimeSource, Transfer};
use rusqlite::{OptionalExtension, params};

use crate::StoreError;
use crate::code::{
    SplitTime, amount_in, heights_in, join_time, kind_in, split_time, time_source_in,
};
use crate::error::Doing;
use crate::reference::{Batch, rows};

impl Batch<'_> {
    pub(crate) fn finish(&mut self, sha256: &str) -> Result<(), StoreError> {
        self.counts.transactions = self.touched.len() as u64;
        self.place_blocks()?;
        self.touch_covered()?;
        self.count_unchanged()?;
        let mut open: BTreeSet<i64> = self
            .touched
            .iter()
            .filter(|(_, touched)| touched.is_changed)
            .map(|(tx, _)| *tx)
            .collect();
        open.extend(self.choose_claims(&open)?);
        for tx in open {
            self.settle(tx)?;
        }
        self.give_times()?;
        self.counts.unresolved_inputs = self.unresolved_inputs()?;
        self.name_file(sha256)
    }

    /// Traces replace what transactions of their block said, also in earlier files.
    fn touch_covered(&mut self) -> Result<(), StoreError> {
        for (chain, height) in std::mem::take(&mut self.changed.covered) {
            let replaced: Vec<i64> = self.numbers(
                "SELECT DISTINCT c.tx FROM claim c CROSS JOIN tx x ON x.id = c.tx
                 WHERE c.evidence = 1 AND c.height = ?2 AND x.chain = ?1",
                params![chain, height],
            )?;
            for tx in replaced {
                self.touch(tx, true);
            }
        }
        Ok(())
    }

    /// What was told again and changed nothing is known.
    fn count_unchanged(&mut self) -> Result<(), StoreError> {
        for (tx, touched) in &self.touched {
            if touched.is_changed || touched.transfers_told == 0 {
                continue;
            }
            let before: i64 = self
                .db
                .prepare_cached("SELECT count(*) FROM transfer WHERE tx = ?1")
                .and_then(|mut ask| ask.query_row([tx], |row| row.get(0)))
                .doing(|| format!("count the transfers of transaction {tx}"))?;
            self.counts.transfers_known += touched.transfers_told.min(before.cast_unsigned());
        }
        Ok(())
    }

    /// Derives one transaction's transfers anew.
    fn settle(&mut self, tx: i64) -> Result<(), StoreError> {
        let before = self
            .db
            .prepare_cached("DELETE FROM transfer WHERE tx = ?1")
            .and_then(|mut delete| delete.execute([tx]))
            .doing(|| format!("settle transaction {tx}"))?;
        let transfers = match self.settle_utxo(tx)? {
            Some(known) => memory::legs(&known),
            None => self.settle_account(tx)?,
        };
        for transfer in &transfers {
            self.add_transfer(tx, transfer)?;
        }
        let (before, after) = (before as u64, transfers.len() as u64);
        let added = after.saturating_sub(before);
        let told = self.touched.get(&tx).map_or(0, |touched| touched.transfers_told);
        self.counts.transfers_new += added;
        self.counts.transfers_known += told.saturating_sub(added).min(before);
        Ok(())
    }

    fn settle_account(&mut self, tx: i64) -> Result<Vec<Transfer>, StoreError> {
        let claims = rows::claims(&self.db, &mut self.names, tx)?;
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        let told = self.told(tx, &claims)?;
        Ok(memory::settle_transaction(claims, &told))
    }

    fn told(&self, tx: i64, claims: &[Claim]) -> Result<Told, StoreError> {
        let doing = || format!("read what is said of transaction {tx}");
        let (is_failed, chain): (bool, i64) = self
            .db
            .prepare_cached("SELECT is_failed, chain FROM tx WHERE id = ?1")
            .and_then(|mut ask| ask.query_row([tx], |row| Ok((row.get(0)?, row.get(1)?))))
            .doing(doing)?;
        let nft_logs = self
            .db
            .prepare_cached("SELECT log_index FROM nft_log WHERE tx = ?1")
            .and_then(|mut ask| ask.query_map([tx], |row| row.get(0))?.collect())
            .doing(doing)?;
        let mut told = Told { is_failed, nft_logs, covered: BTreeSet::new() };
        let heights: BTreeSet<u64> =
            claims.iter().filter_map(|(transfer, _)| transfer.height).collect();
        for height in heights {
            let is_covered = self
                .db
                .prepare_cached("SELECT 1 FROM traces_cover WHERE chain = ?1 AND height = ?2")
                .and_then(|mut ask| ask.exists(params![chain, height.cast_signed()]))
                .doing(doing)?;
            if is_covered {
                told.covered.insert(height);
            }
        }
        Ok(told)
    }

    fn add_transfer(&mut self, tx: i64, transfer: &Transfer) -> Result<(), StoreError> {
        let chain = transfer.tx.chain;
        let chain_id = self.names.chain_id(&self.db, chain)?;
        let source = self.names.maybe_account_id(&self.db, chain, transfer.from.as_ref())?;
        let target = self.names.maybe_account_id(&self.db, chain, transfer.to.as_ref())?;
        let asset = self.names.asset_id(&self.db, &transfer.asset)?;
        let height = heights_in(transfer.height)?;
        let time_open = transfer.time_source != TimeSource::Stated && height.is_some();
        let (mut time, mut time_source) = (split_time(transfer.time), transfer.time_source);
        if let Some(height) = height.filter(|_| time_open)
            && let Some(given) = self.time_at(chain_id, height)?
        {
            (time, time_source) = given;
        }
        self.db
            .prepare_cached(
                "INSERT INTO transfer (tx, chain, position, height, tx_index, time, time_ns,
                    time_source, time_open, source, target, asset, amount, kind)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )
            .and_then(|mut add| {
                add.execute(params![
                    tx,
                    chain_id,
                    transfer.position.to_string(),
                    height,
                    transfer.tx_index,
                    time.0,
                    time.1,
                    time_source_in(time_source),
                    time_open,
                    source,
                    target,
                    asset,
                    amount_in(transfer.amount),
                    kind_in(transfer.kind),
                ])
            })
            .doing(|| format!("settle {}", transfer.tx))
            .map(drop)
    }

    /// Times of earlier transfers that this file's blocks now give.
    fn give_times(&mut self) -> Result<(), StoreError> {
        for (chain, lowest) in std::mem::take(&mut self.changed.times) {
            let heights: Vec<i64> = self.numbers(
                "SELECT DISTINCT height FROM transfer
                 WHERE time_open = 1 AND chain = ?1 AND height >= ?2",
                params![chain, lowest],
            )?;
            for height in heights {
                let Some(((time, time_ns), source)) = self.time_at(chain, height)? else {
                    continue;
                };
                self.db
                    .prepare_cached(
                        "UPDATE transfer SET time = ?3, time_ns = ?4, time_source = ?5
                         WHERE time_open = 1 AND chain = ?1 AND height = ?2
                         AND (time, time_ns, time_source) IS NOT (?3, ?4, ?5)",
                    )
                    .and_then(|mut change| {
                        change.execute([chain, height, time, time_ns, time_source_in(source)])
                    })
                    .doing(|| format!("time the transfers of block {height}"))?;
            }
        }
        Ok(())
    }

    /// The time of the latest block up to this height, and how sure that makes it.
    fn time_at(
        &self,
        chain: i64,
        height: i64,
    ) -> Result<Option<(SplitTime, TimeSource)>, StoreError> {
        let doing = || format!("read the time of block {height}");
        let known: Option<(i64, i64, i64)> = self
            .db
            .prepare_cached(
                "SELECT height, time, time_ns FROM height_time
                 WHERE chain = ?1 AND height <= ?2 ORDER BY height DESC LIMIT 1",
            )
            .and_then(|mut ask| {
                ask.query_row([chain, height], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                    .optional()
            })
            .doing(doing)?;
        let Some((at, time, time_ns)) = known else { return Ok(None) };
        join_time(time, time_ns).ok_or_else(|| StoreError::value(doing(), "it is none"))?;
        let source = if at == height { TimeSource::Stated } else { TimeSource::Estimated };
        Ok(Some(((time, time_ns), source)))
    }

    /// The file's row gets its hash. The same bytes read again for the same
    /// purpose stay one file, with what is now found in them.
    fn name_file(&mut self, sha256: &str) -> Result<(), StoreError> {
        let doing = || format!("note the file {sha256}");
        let purpose: String = self
            .db
            .query_row("SELECT purpose FROM file WHERE id = ?1", [self.file], |row| row.get(0))
            .doing(doing)?;
        let earlier: Option<i64> = self
            .db
            .query_row(
                "SELECT id FROM file WHERE sha256 = ?1 AND purpose = ?2",
                [sha256, &purpose],
                |row| row.get(0),
            )
            .optional()
            .doing(doing)?;
        let Some(earlier) = earlier else {
            return self
                .db
                .execute("UPDATE file SET sha256 = ?2 WHERE id = ?1", params![self.file, sha256])
                .doing(doing)
                .map(drop);
        };
        for table in ["claim", "utxo_claim", "block"] {
            let sql = format!("UPDATE {table} SET file = ?2 WHERE file = ?1");
            self.db.execute(&sql, [self.file, earlier]).doing(doing)?;
        }
        self.db.execute("DELETE FROM file WHERE id = ?1", [self.file]).doing(doing).map(drop)
    }

    pub(crate) fn numbers(
        &self,
        sql: &str,
        with: impl rusqlite::Params,
    ) -> Result<Vec<i64>, StoreError> {
        self.db
            .prepare_cached(sql)
            .and_then(|mut ask| ask.query_map(with, |row| row.get(0))?.collect())
            .doing(|| "look for what the file changes")
    }
}
