//! Taking in one file: all its facts or none, each kept as it was told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use model::{
    AssetMeta, BlockFact, Chain, Evidence, Fact, TimeSource, Timestamp, Transfer, TxId,
    UtxoTransaction, memory,
};
use rusqlite::{Transaction, TransactionBehavior, params};

use crate::code::{
    amount_in, evidence_in, freezable_in, freezable_out, height_in, heights_in, kind_in,
    split_time, time_source_in,
};
use crate::error::{Doing, In};
use crate::reference::names::Names;
use crate::reference::{Reference, rows};
use crate::{Counts, FileRecord, StoreError};

/// A file being taken in. Dropping it leaves the store as it was.
pub struct Batch<'a> {
    pub(crate) db: Transaction<'a>,
    pub(crate) path: Option<PathBuf>,
    pub(crate) names: Names,
    pub(crate) file: i64,
    pub(crate) counts: Counts,
    pub(crate) touched: BTreeMap<i64, Touched>,
    pub(crate) changed: Changed,
}

/// What the file said of one transaction.
#[derive(Default)]
pub(crate) struct Touched {
    pub(crate) transfers_told: u64,
    /// Did it say anything that was not known?
    pub(crate) is_changed: bool,
}

/// What changed beyond single transactions.
#[derive(Default)]
pub(crate) struct Changed {
    pub(crate) covered: Vec<(i64, i64)>,
    /// Chains whose tree of blocks grew.
    pub(crate) trees: BTreeSet<Chain>,
    /// The lowest height of each chain whose time became known.
    pub(crate) times: BTreeMap<i64, i64>,
}

impl Reference {
    /// Starts taking in a file. One at a time: a second writer waits a few seconds.
    pub fn begin(&mut self, file: &FileRecord) -> Result<Batch<'_>, StoreError> {
        let path = self.path.clone();
        let db = Transaction::new(&mut self.db, TransactionBehavior::Immediate)
            .doing(|| format!("import {}", file.name))
            .in_file(path.as_deref())?;
        let bytes = file.bytes.cast_signed();
        let id = db
            .prepare_cached("INSERT INTO file (name, purpose, bytes) VALUES (?1, ?2, ?3)")
            .and_then(|mut add| add.insert(params![file.name, file.purpose, bytes]))
            .doing(|| format!("note the file {}", file.name))
            .in_file(path.as_deref())?;
        Ok(Batch {
            db,
            path,
            names: Names::default(),
            file: id,
            counts: Counts::default(),
            touched: BTreeMap::new(),
            changed: Changed::default(),
        })
    }
}

impl Batch<'_> {
    /// Takes in one fact. After an error the batch is of no more use: drop it.
    pub fn put(&mut self, fact: &Fact) -> Result<(), StoreError> {
        let path = self.path.clone();
        self.take(fact).in_file(path.as_deref())
    }

    /// Settles what the file touched and makes it last. The SHA-256, in hex, is
    /// that of the bytes read: the same ones need not be read again.
    pub fn commit(mut self, sha256: &str) -> Result<Counts, StoreError> {
        let path = self.path.clone();
        self.finish(sha256).in_file(path.as_deref())?;
        let Batch { db, counts, .. } = self;
        db.commit().doing(|| "commit what was imported").in_file(path.as_deref())?;
        Ok(counts)
    }

    fn take(&mut self, fact: &Fact) -> Result<(), StoreError> {
        match fact {
            Fact::Transfer { transfer, evidence } => self.put_transfer(transfer, *evidence),
            Fact::Utxo(tx) => self.put_utxo(tx),
            Fact::Block(block) => self.put_block(block),
            Fact::TracesCover { chain, height } => self.put_cover(*chain, *height),
            Fact::Failed { tx } => self.put_failed(tx),
            Fact::NftLog { tx, log_index } => self.put_nft_log(tx, *log_index),
            Fact::Asset(meta) => self.put_asset(meta),
            // It keeps transfers; these are for whoever keeps files.
            Fact::Freeze(_) | Fact::Coinbase { .. } => Ok(()),
            Fact::Oddity(_) => {
                self.counts.oddities += 1;
                Ok(())
            }
        }
    }

    fn put_transfer(&mut self, transfer: &Transfer, evidence: Evidence) -> Result<(), StoreError> {
        let chain = transfer.tx.chain;
        let tx = self.names.tx_id(&self.db, &transfer.tx)?;
        let source = self.names.maybe_account_id(&self.db, chain, transfer.from.as_ref())?;
        let target = self.names.maybe_account_id(&self.db, chain, transfer.to.as_ref())?;
        let asset = self.names.asset_id(&self.db, &transfer.asset)?;
        let height = heights_in(transfer.height)?;
        let (time, time_ns) = split_time(transfer.time);
        let added = self
            .db
            .prepare_cached(
                "INSERT INTO claim (file, tx, position, height, tx_index, time, time_ns,
                    time_source, source, target, asset, amount, kind, evidence)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14
                 WHERE NOT EXISTS (
                    SELECT 1 FROM claim WHERE tx = ?2 AND position = ?3 AND amount = ?12
                    AND height IS ?4 AND tx_index IS ?5 AND time = ?6 AND time_ns = ?7
                    AND time_source = ?8 AND source IS ?9 AND target IS ?10 AND asset = ?11
                    AND kind = ?13 AND evidence = ?14)",
            )
            .and_then(|mut add| {
                add.execute(params![
                    self.file,
                    tx,
                    transfer.position.to_string(),
                    height,
                    transfer.tx_index,
                    time,
                    time_ns,
                    time_source_in(transfer.time_source),
                    source,
                    target,
                    asset,
                    amount_in(transfer.amount),
                    kind_in(transfer.kind),
                    evidence_in(evidence),
                ])
            })
            .doing(|| format!("keep a transfer of {}", transfer.tx))?;
        self.touch(tx, added > 0).transfers_told += 1;
        if added > 0 && transfer.time_source == TimeSource::Stated {
            self.learn_time(chain, height, transfer.time)?;
        }
        Ok(())
    }

    fn put_utxo(&mut self, tx: &UtxoTransaction) -> Result<(), StoreError> {
        let doing = || format!("keep the transaction {}", tx.id);
        if !tx.id.chain.is_utxo() {
            return Err(StoreError::value(doing(), "its chain has balances, not outputs"));
        }
        let id = self.names.tx_id(&self.db, &tx.id)?;
        let known = rows::utxo_claims(&self.db, &mut self.names, id)?;
        let is_new = !known.iter().any(|(claim, _)| claim.tx == *tx);
        if is_new {
            self.add_utxo(id, tx)?;
        }
        self.touch(id, is_new).transfers_told += (tx.inputs.len() + tx.outputs.len()) as u64;
        Ok(())
    }

    fn add_utxo(&mut self, id: i64, tx: &UtxoTransaction) -> Result<(), StoreError> {
        let doing = || format!("keep the transaction {}", tx.id);
        let chain = tx.id.chain;
        let (time, time_ns) = split_time(tx.time);
        let height = heights_in(tx.height)?;
        let claim = self
            .db
            .prepare_cached(
                "INSERT INTO utxo_claim (file, tx, height, tx_index, time, time_ns, block, is_coinbase)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .and_then(|mut add| {
                let block = tx.block.as_ref().map(|hash| hash.bytes());
                add.insert(params![self.file, id, height, tx.index, time, time_ns, block, tx.is_coinbase])
            })
            .doing(doing)?;
        for (n, input) in (0u32..).zip(&tx.inputs) {
            let prev = self.names.tx_id(&self.db, &input.outpoint.tx)?;
            let previous = input.previous.as_ref();
            let account = self.names.maybe_account_id(
                &self.db,
                chain,
                previous.map(|output| &output.address),
            )?;
            let value = previous.map(|output| output.value.cast_signed());
            self.db
                .prepare_cached(
                    "INSERT INTO utxo_input (claim, n, prev_tx, prev_n, account, value)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )
                .and_then(|mut add| {
                    add.execute(params![claim, n, prev, input.outpoint.index, account, value])
                })
                .doing(doing)?;
        }
        for (n, output) in (0u32..).zip(&tx.outputs) {
            let account = self.names.account_id(&self.db, chain, &output.address)?;
            self.db
                .prepare_cached(
                    "INSERT INTO utxo_output (claim, n, account, value) VALUES (?1, ?2, ?3, ?4)",
                )
                .and_then(|mut add| {
                    add.execute(params![claim, n, account, output.value.cast_signed()])
                })
                .doing(doing)?;
        }
        Ok(())
    }

    fn put_block(&mut self, block: &BlockFact) -> Result<(), StoreError> {
        let chain = self.names.chain_id(&self.db, block.chain)?;
        let hash = block.hash.as_ref().map(|hash| hash.bytes());
        let parent = block.parent.as_ref().map(|hash| hash.bytes());
        let height = heights_in(block.height)?;
        let (time, time_ns) = split_time(block.time);
        let added = self
            .db
            .prepare_cached(
                "INSERT INTO block (file, chain, hash, parent, height, time, time_ns, work)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
                 WHERE NOT EXISTS (
                    SELECT 1 FROM block WHERE chain = ?2 AND hash IS ?3 AND height IS ?5
                    AND parent IS ?4 AND time = ?6 AND time_ns = ?7 AND work IS ?8)",
            )
            .and_then(|mut add| {
                add.execute(params![
                    self.file, chain, hash, parent, height, time, time_ns, block.work
                ])
            })
            .doing(|| format!("keep a block of {}", block.chain))?;
        self.counts.blocks += 1;
        if added > 0 {
            self.changed.trees.insert(block.chain);
            self.learn_time(block.chain, height, block.time)?;
        }
        Ok(())
    }

    fn put_cover(&mut self, chain: Chain, height: u64) -> Result<(), StoreError> {
        let id = self.names.chain_id(&self.db, chain)?;
        let height = height_in(height)?;
        let added = self
            .db
            .prepare_cached("INSERT OR IGNORE INTO traces_cover (chain, height) VALUES (?1, ?2)")
            .and_then(|mut add| add.execute([id, height]))
            .doing(|| format!("note that traces cover block {height} of {chain}"))?;
        if added > 0 {
            self.changed.covered.push((id, height));
        }
        Ok(())
    }

    fn put_failed(&mut self, tx: &TxId) -> Result<(), StoreError> {
        let id = self.names.tx_id(&self.db, tx)?;
        let changed = self
            .db
            .prepare_cached("UPDATE tx SET is_failed = 1 WHERE id = ?1 AND is_failed = 0")
            .and_then(|mut change| change.execute([id]))
            .doing(|| format!("note that {tx} failed"))?;
        self.touch(id, changed > 0);
        Ok(())
    }

    fn put_nft_log(&mut self, tx: &TxId, log_index: u32) -> Result<(), StoreError> {
        let id = self.names.tx_id(&self.db, tx)?;
        let added = self
            .db
            .prepare_cached("INSERT OR IGNORE INTO nft_log (tx, log_index) VALUES (?1, ?2)")
            .and_then(|mut add| add.execute([id, i64::from(log_index)]))
            .doing(|| format!("note that an event of {tx} moves an NFT"))?;
        self.touch(id, added > 0);
        Ok(())
    }

    fn put_asset(&mut self, told: &AssetMeta) -> Result<(), StoreError> {
        let doing = || format!("keep what is known of {}", told.asset);
        let id = self.names.asset_id(&self.db, &told.asset)?;
        let mut known = read_meta(&self.db, id, told.asset.clone())?;
        memory::merge_meta(&mut known, told);
        self.db
            .prepare_cached(
                "UPDATE asset SET symbol = ?2, decimals = ?3, freezable = ?4 WHERE id = ?1",
            )
            .and_then(|mut change| {
                change.execute(params![
                    id,
                    known.symbol,
                    known.decimals,
                    freezable_in(known.freezable)
                ])
            })
            .doing(doing)
            .map(drop)
    }

    /// Keeps the latest time stated for a height: as in memory, a rule.
    fn learn_time(
        &mut self,
        chain: Chain,
        height: Option<i64>,
        time: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(height) = height else { return Ok(()) };
        let id = self.names.chain_id(&self.db, chain)?;
        let (time, time_ns) = split_time(time);
        let changed = self
            .db
            .prepare_cached(
                "INSERT INTO height_time (chain, height, time, time_ns) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (chain, height) DO UPDATE SET time = excluded.time, time_ns = excluded.time_ns
                 WHERE (excluded.time, excluded.time_ns) > (time, time_ns)",
            )
            .and_then(|mut add| add.execute([id, height, time, time_ns]))
            .doing(|| format!("keep the time of block {height} of {chain}"))?;
        if changed > 0 {
            let lowest = self.changed.times.entry(id).or_insert(height);
            *lowest = height.min(*lowest);
        }
        Ok(())
    }

    pub(crate) fn touch(&mut self, tx: i64, is_change: bool) -> &mut Touched {
        let touched = self.touched.entry(tx).or_default();
        touched.is_changed |= is_change;
        touched
    }
}

pub(crate) fn read_meta(
    db: &rusqlite::Connection,
    id: i64,
    asset: model::Asset,
) -> Result<AssetMeta, StoreError> {
    let doing = || format!("read what is known of {asset}");
    let (symbol, decimals, freezable): (Option<String>, Option<u8>, i64) = db
        .prepare_cached("SELECT symbol, decimals, freezable FROM asset WHERE id = ?1")
        .and_then(|mut ask| ask.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))))
        .doing(doing)?;
    let freezable = freezable_out(freezable);
    let freezable = freezable.ok_or_else(|| StoreError::value(doing(), "an unknown freezable"))?;
    // As `model::Memory` does: what files told, beside what the family has in common.
    let mut known = AssetMeta::unknown(asset.clone());
    memory::merge_meta(&mut known, &AssetMeta { asset, symbol, decimals, freezable });
    Ok(known)
}
