//! What files told, read back as facts: all of it, as each told it.

use model::transfer::Equal;
use model::{BlockFact, Chain, Fact, Oddity, TransferId};
use rusqlite::Row;

use crate::code::{amount_out, evidence_out, hash_out, join_time, read, read_all};
use crate::error::{Doing, In};
use crate::reference::batch::read_meta;
use crate::reference::rows::{self, transfers_of};
use crate::reference::{Names, Reference};
use crate::{FileRecord, StoreError};

/// A file of format 1, and what was strange in it.
pub(crate) struct ToldFile {
    pub(crate) record: FileRecord,
    pub(crate) sha256: String,
    pub(crate) oddities: Vec<Oddity>,
}

type Take<'a> = dyn FnMut(Fact) -> Result<(), StoreError> + 'a;

impl Reference {
    /// Every fact any file told, but oddities: those stay with their file.
    pub(crate) fn told(&self, take: &mut Take<'_>) -> Result<(), StoreError> {
        let all = || -> Result<(), StoreError> {
            self.told_transfers(take)?;
            self.told_utxo(take)?;
            self.told_blocks(take)?;
            self.told_of_transactions(take)?;
            self.told_assets(take)
        };
        let mut all = all;
        all().in_file(self.path.as_deref())
    }

    /// The files of a home of format 1, the earliest first.
    pub(crate) fn told_files(&self) -> Result<Vec<ToldFile>, StoreError> {
        let sql = "SELECT id, name, purpose, bytes, sha256 FROM file
                   WHERE sha256 IS NOT NULL ORDER BY id";
        let files = read_all(&self.db, sql, [], |row| {
            let record = FileRecord {
                name: read(row, 1)?,
                purpose: read(row, 2)?,
                bytes: read::<i64>(row, 3)?.cast_unsigned(),
            };
            let oddities = self.told_oddities(read(row, 0)?)?;
            Ok(ToldFile { record, sha256: read(row, 4)?, oddities })
        });
        files.in_file(self.path.as_deref())
    }

    fn told_transfers(&self, take: &mut Take<'_>) -> Result<(), StoreError> {
        let doing = || "read what files told of transfers";
        let mut ask = self.db.prepare(transfers_of!("claim", "t.evidence")).doing(doing)?;
        let mut rows = ask.query([]).doing(doing)?;
        let mut names = Names::default();
        while let Some(row) = rows.next().doing(doing)? {
            let evidence = evidence_out(read(row, 14)?)
                .ok_or_else(|| StoreError::value(doing(), "evidence of no kind"))?;
            let transfer = rows::transfer(&self.db, &mut names, row)?;
            take(Fact::Transfer { transfer, evidence })?;
        }
        Ok(())
    }

    fn told_utxo(&self, take: &mut Take<'_>) -> Result<(), StoreError> {
        let sql = "SELECT DISTINCT tx FROM utxo_claim ORDER BY tx";
        let numbers: Vec<i64> = read_all(&self.db, sql, [], |row| read(row, 0))?;
        let mut names = Names::default();
        for tx in numbers {
            for (claim, _) in rows::utxo_claims(&self.db, &mut names, tx)? {
                take(Fact::Utxo(claim.tx))?;
            }
        }
        Ok(())
    }

    fn told_blocks(&self, take: &mut Take<'_>) -> Result<(), StoreError> {
        let sql = "SELECT chain, hash, parent, height, time, time_ns, work FROM block ORDER BY id";
        let mut names = Names::default();
        read_all(&self.db, sql, [], |row| {
            let chain = names.chain(&self.db, read(row, 0)?)?;
            take(Fact::Block(block(row, chain)?))
        })
        .map(drop)
    }

    fn told_of_transactions(&self, take: &mut Take<'_>) -> Result<(), StoreError> {
        let mut names = Names::default();
        read_all(&self.db, "SELECT chain, height FROM traces_cover", [], |row| {
            let chain = names.chain(&self.db, read(row, 0)?)?;
            take(Fact::TracesCover { chain, height: read::<i64>(row, 1)?.cast_unsigned() })
        })?;
        read_all(&self.db, "SELECT id FROM tx WHERE is_failed = 1", [], |row| {
            take(Fact::Failed { tx: names.tx(&self.db, read(row, 0)?)? })
        })?;
        read_all(&self.db, "SELECT tx, log_index FROM nft_log", [], |row| {
            let tx = names.tx(&self.db, read(row, 0)?)?;
            take(Fact::NftLog { tx, log_index: read(row, 1)? })
        })
        .map(drop)
    }

    fn told_assets(&self, take: &mut Take<'_>) -> Result<(), StoreError> {
        let sql = "SELECT id FROM asset
                   WHERE symbol IS NOT NULL OR decimals IS NOT NULL OR freezable <> 2";
        let mut names = Names::default();
        read_all(&self.db, sql, [], |row| {
            let id = read(row, 0)?;
            let asset = names.asset(&self.db, id)?;
            take(Fact::Asset(read_meta(&self.db, id, asset)?))
        })
        .map(drop)
    }

    fn told_oddities(&self, file: i64) -> Result<Vec<Oddity>, StoreError> {
        let sql = "SELECT o.at, o.what, o.tx, o.position, o.asset, o.amount, s.address, g.address
             FROM oddity o LEFT JOIN account s ON s.id = o.source
             LEFT JOIN account g ON g.id = o.target WHERE o.file = ?1 ORDER BY o.id";
        let mut names = Names::default();
        read_all(&self.db, sql, [file], |row| self.told_oddity(&mut names, row))
    }

    fn told_oddity(&self, names: &mut Names, row: &Row<'_>) -> Result<Oddity, StoreError> {
        let oddity = Oddity { at: read(row, 0)?, what: read(row, 1)?, transfer: None };
        let Some(tx) = read::<Option<i64>>(row, 2)? else { return Ok(oddity) };
        let tx = names.tx(&self.db, tx)?;
        let wrong = |what: &str| {
            StoreError::value(format!("read an oddity of {tx}"), format!("its {what} is none"))
        };
        let position: String = read(row, 3)?;
        let equal = match (read::<Option<i64>>(row, 4)?, read::<Option<Vec<u8>>>(row, 5)?) {
            (Some(asset), Some(amount)) => Some(Box::new(Equal {
                from: rows::address(row, 6, tx.chain)?,
                to: rows::address(row, 7, tx.chain)?,
                asset: names.asset(&self.db, asset)?,
                amount: amount_out(&amount).ok_or_else(|| wrong("amount"))?,
            })),
            _ => None,
        };
        let position = position.parse().map_err(|_| wrong("position"))?;
        Ok(Oddity { transfer: Some(TransferId { tx, position, equal }), ..oddity })
    }
}

fn block(row: &Row<'_>, chain: Chain) -> Result<BlockFact, StoreError> {
    let wrong = |what: &str| StoreError::value("read a block", format!("its {what} is none"));
    let hash = |at: usize| {
        let bytes: Option<Vec<u8>> = read(row, at)?;
        bytes.map(|bytes| hash_out(&bytes).ok_or_else(|| wrong("hash"))).transpose()
    };
    Ok(BlockFact {
        chain,
        hash: hash(1)?,
        parent: hash(2)?,
        height: read::<Option<i64>>(row, 3)?.map(i64::cast_unsigned),
        time: join_time(read(row, 4)?, read(row, 5)?).ok_or_else(|| wrong("time"))?,
        work: read(row, 6)?,
    })
}
