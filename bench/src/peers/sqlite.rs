//! SQLite, as one who knows it would set it up for this.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::{CachedStatement, Connection, Row, params};

use super::relational::{
    Batch, BlockRow, Record, Relational, Tables, Visit, Whole, long, prefix, short,
};
use crate::contender::Contender;
use crate::stream::{Address, Recording};
use crate::sweep::{Move, NOBODY};

pub const SETTINGS: &str = "the product's own build of it; page_size 8192, WAL, synchronous FULL (each batch one durable transaction), wal_autocheckpoint 64 MiB, cache 1 GiB, mmap 8 GiB, temp_store memory; numbered rows, WITHOUT ROWID postings (address, transfer) with the neighbour, hashes indexed by 8 bytes and compared; keys sorted before they are inserted, prepared statements, addresses met lately cached by the client";

const SCHEMA: &str = "
    CREATE TABLE address (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE TABLE address_number (bytes BLOB PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE tx (id INTEGER PRIMARY KEY, hash BLOB NOT NULL, first INTEGER NOT NULL);
    CREATE TABLE tx_number (prefix INTEGER, id INTEGER, PRIMARY KEY (prefix, id)) WITHOUT ROWID;
    CREATE TABLE transfer (
        id INTEGER PRIMARY KEY, tx INTEGER NOT NULL, source INTEGER, target INTEGER,
        asset INTEGER NOT NULL, position INTEGER NOT NULL, amount BLOB NOT NULL);
    CREATE TABLE sent (address INTEGER, transfer INTEGER, target INTEGER,
        PRIMARY KEY (address, transfer)) WITHOUT ROWID;
    CREATE TABLE received (address INTEGER, transfer INTEGER, source INTEGER,
        PRIMARY KEY (address, transfer)) WITHOUT ROWID;
    CREATE TABLE block (height INTEGER PRIMARY KEY, time INTEGER, transfers INTEGER,
        transactions INTEGER, addresses INTEGER);
";

const WHOLE: &str = "t.id, x.hash, s.bytes, g.bytes, t.asset, t.position, t.amount
    FROM transfer t JOIN tx x ON x.id = t.tx
    LEFT JOIN address s ON s.id = t.source LEFT JOIN address g ON g.id = t.target";

pub fn open(folder: &Path, head: &Recording) -> Result<Box<dyn Contender>> {
    let path = folder.join("store.sqlite");
    let is_new = !path.exists();
    let db = Connection::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    db.set_prepared_statement_cache_capacity(64);
    db.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 8192; PRAGMA cache_size = -1048576;
         PRAGMA mmap_size = 8589934592; PRAGMA temp_store = MEMORY;",
    )?;
    if is_new {
        db.execute_batch(SCHEMA)?;
    }
    Ok(Box::new(Relational::new(Lite { db }, head)?))
}

struct Lite {
    db: Connection,
}

impl Tables for Lite {
    fn blocks(&mut self) -> Result<Vec<BlockRow>> {
        let mut ask = self.db.prepare(
            "SELECT height, time, transfers, transactions, addresses FROM block ORDER BY height",
        )?;
        let blocks = ask.query_map([], |row| {
            Ok(BlockRow {
                height: row.get(0)?,
                time: row.get(1)?,
                transfers: row.get::<_, i64>(2)?.cast_unsigned(),
                transactions: row.get(3)?,
                addresses: row.get(4)?,
            })
        })?;
        Ok(blocks.collect::<Result<_, _>>()?)
    }

    fn find(&mut self, sorted: &[Address]) -> Result<Vec<Option<u32>>> {
        let mut ask = self.db.prepare_cached("SELECT id FROM address_number WHERE bytes = ?1")?;
        sorted
            .iter()
            .map(|address| {
                let mut rows = ask.query([&address[..]])?;
                Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
            })
            .collect()
    }

    fn write(&mut self, batch: &Batch) -> Result<()> {
        let transaction = self.db.transaction()?;
        write_names(&transaction, batch)?;
        write_transfers(&transaction, batch)?;
        let mut add =
            transaction.prepare_cached("INSERT INTO block VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for block in &batch.blocks {
            add.execute(params![
                block.height,
                block.time,
                block.transfers.cast_signed(),
                block.transactions,
                block.addresses
            ])?;
        }
        drop(add);
        Ok(transaction.commit()?)
    }

    fn finish(&mut self) -> Result<()> {
        Ok(self.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); ANALYZE;")?)
    }

    fn sent(
        &mut self,
        frontier: &[(u32, u64)],
        limit: usize,
        out: &mut Vec<(u64, u32)>,
    ) -> Result<()> {
        let mut ask = self.db.prepare_cached(
            "SELECT transfer, target FROM sent WHERE address = ?1 AND transfer >= ?2
             ORDER BY transfer LIMIT ?3",
        )?;
        for (account, first) in frontier {
            let mut rows = ask.query(params![account, first.cast_signed(), limit as i64])?;
            while let Some(row) = rows.next()? {
                let to: Option<u32> = row.get(1)?;
                out.push((row.get::<_, i64>(0)?.cast_unsigned(), to.unwrap_or(NOBODY)));
            }
        }
        Ok(())
    }

    fn page(&mut self, account: u32, is_sent: bool, limit: usize, visit: Visit<'_>) -> Result<()> {
        let (table, order) = if is_sent { ("sent", "ASC") } else { ("received", "DESC") };
        let mut ask = self.db.prepare_cached(&format!(
            "SELECT {} WHERE p.address = ?1 ORDER BY p.transfer {order} LIMIT ?2",
            WHOLE.replacen("FROM", &format!("FROM {table} p CROSS JOIN"), 1).replacen(
                "transfer t JOIN tx",
                "transfer t ON t.id = p.transfer JOIN tx",
                1
            )
        ))?;
        let mut rows = ask.query(params![account, limit as i64])?;
        while let Some(row) = rows.next()? {
            show(row, visit)?;
        }
        Ok(())
    }

    fn rows(&mut self, sorted: &[u64], visit: Visit<'_>) -> Result<()> {
        let mut ask = self.db.prepare_cached(&format!("SELECT {WHOLE} WHERE t.id = ?1"))?;
        for id in sorted {
            let mut rows = ask.query([id.cast_signed()])?;
            while let Some(row) = rows.next()? {
                show(row, visit)?;
            }
        }
        Ok(())
    }

    fn addresses(&mut self, sorted: &[u32]) -> Result<Vec<Address>> {
        let mut ask = self.db.prepare_cached("SELECT bytes FROM address WHERE id = ?1")?;
        let one = |id: &u32| Ok(ask.query_row([id], |row| row.get::<_, Address>(0))?);
        sorted.iter().map(one).collect()
    }

    fn scan(&mut self, asset: u8, visit: &mut dyn FnMut(u64, Move)) -> Result<()> {
        let mut ask = self.db.prepare_cached(
            "SELECT id, source, target, amount FROM transfer WHERE asset = ?1 ORDER BY id",
        )?;
        let mut rows = ask.query([asset])?;
        while let Some(row) = rows.next()? {
            let from: Option<u32> = row.get(1)?;
            let to: Option<u32> = row.get(2)?;
            let amount = long(row.get_ref(3)?.as_blob()?);
            let next = Move { from: from.unwrap_or(NOBODY), to: to.unwrap_or(NOBODY), amount };
            visit(row.get::<_, i64>(0)?.cast_unsigned(), next);
        }
        Ok(())
    }

    fn undo(&mut self, keep: &BlockRow) -> Result<()> {
        let first = keep.transfers.cast_signed();
        let transaction = self.db.transaction()?;
        for (table, end) in [("sent", "source"), ("received", "target")] {
            transaction.execute(
                &format!(
                    "DELETE FROM {table} WHERE (address, transfer) IN
                     (SELECT {end}, id FROM transfer WHERE id >= ?1 AND {end} IS NOT NULL)"
                ),
                [first],
            )?;
        }
        transaction.execute("DELETE FROM transfer WHERE id >= ?1", [first])?;
        for hash in hashes_from(&transaction, keep.transactions)? {
            transaction.execute(
                "DELETE FROM tx_number WHERE prefix = ?1 AND id = ?2",
                params![prefix(&hash.1), hash.0],
            )?;
        }
        transaction.execute("DELETE FROM tx WHERE id >= ?1", [keep.transactions])?;
        transaction.execute(
            "DELETE FROM address_number WHERE bytes IN (SELECT bytes FROM address WHERE id >= ?1)",
            [keep.addresses],
        )?;
        transaction.execute("DELETE FROM address WHERE id >= ?1", [keep.addresses])?;
        transaction.execute("DELETE FROM block WHERE height > ?1", [keep.height])?;
        Ok(transaction.commit()?)
    }
}

fn hashes_from(db: &Connection, first: u32) -> Result<Vec<(u32, [u8; 32])>> {
    let mut ask = db.prepare_cached("SELECT id, hash FROM tx WHERE id >= ?1")?;
    let rows = ask.query_map([first], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn write_names(db: &Connection, batch: &Batch) -> Result<()> {
    let mut by_bytes: Vec<(&Address, u32)> =
        batch.addresses.iter().zip(batch.before.addresses..).collect();
    let mut add = db.prepare_cached("INSERT INTO address VALUES (?1, ?2)")?;
    for (bytes, id) in &by_bytes {
        add.execute(params![id, &bytes[..]])?;
    }
    by_bytes.sort_unstable();
    let mut add = db.prepare_cached("INSERT INTO address_number VALUES (?1, ?2)")?;
    for (bytes, id) in &by_bytes {
        add.execute(params![&bytes[..], id])?;
    }
    let mut add = db.prepare_cached("INSERT INTO tx VALUES (?1, ?2, ?3)")?;
    let mut by_prefix = Vec::with_capacity(batch.transactions.len());
    for (id, (hash, first)) in (batch.before.transactions..).zip(&batch.transactions) {
        add.execute(params![id, &hash[..], first.cast_signed()])?;
        by_prefix.push((prefix(hash), id));
    }
    by_prefix.sort_unstable();
    let mut add = db.prepare_cached("INSERT INTO tx_number VALUES (?1, ?2)")?;
    for (prefix, id) in by_prefix {
        add.execute(params![prefix, id])?;
    }
    Ok(())
}

fn write_transfers(db: &Connection, batch: &Batch) -> Result<()> {
    let mut add = db.prepare_cached("INSERT INTO transfer VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    let mut sent = Vec::with_capacity(batch.transfers.len());
    let mut received = Vec::with_capacity(batch.transfers.len());
    for (id, record) in (batch.before.transfers.cast_signed()..).zip(&batch.transfers) {
        let Record { transaction, from, to, asset, position, amount } = *record;
        let (bytes, zeros) = short(amount);
        let [from, to] = [from, to].map(|end| (end != NOBODY).then_some(end));
        add.execute(params![id, transaction, from, to, asset, position, &bytes[zeros..]])?;
        sent.extend(from.map(|from| (from, id, to)));
        received.extend(to.map(|to| (to, id, from)));
    }
    for (table, mut postings) in [("sent", sent), ("received", received)] {
        postings.sort_unstable();
        let mut add: CachedStatement<'_> =
            db.prepare_cached(&format!("INSERT INTO {table} VALUES (?1, ?2, ?3)"))?;
        for (address, transfer, other) in postings {
            add.execute(params![address, transfer, other])?;
        }
    }
    Ok(())
}

fn show(row: &Row<'_>, visit: Visit<'_>) -> Result<()> {
    let whole = Whole {
        hash: row.get_ref(1)?.as_blob()?,
        from: row.get_ref(2)?.as_blob_or_null()?,
        to: row.get_ref(3)?.as_blob_or_null()?,
        asset: row.get(4)?,
        position: row.get(5)?,
        amount: long(row.get_ref(6)?.as_blob()?),
    };
    visit(row.get::<_, i64>(0)?.cast_unsigned(), &whole);
    Ok(())
}
