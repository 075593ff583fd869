//! The reference: transfers in SQLite tables, plainly right rather than fast.
//!
//! It answers as [`model::Memory`] does, from a file of its own rather than from
//! memory. The binary does not use it: tests hold the engine to it, benchmarks
//! measure the engine against it, and what a home of format 1 was told is read
//! back with its code, since its tables are that format's.

mod batch;
mod names;
mod rows;
mod settle;
mod told;
mod utxo;
mod view;

pub use batch::Batch;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::UtxoTransaction;
use rusqlite::Connection;

use crate::StoreError;
use crate::code::{read, read_all};
use crate::error::{Doing, In};
use names::Names;

/// What files said of transfers, and the transfers there are, in SQLite.
pub struct Reference {
    db: Connection,
    path: Option<PathBuf>,
    /// For reading only: a batch that may roll back keeps its own.
    names: RefCell<Names>,
}

impl Reference {
    /// Opens a file of its own, made when there is none.
    pub fn open(path: &Path) -> Result<Reference, StoreError> {
        let db = Connection::open(path).doing(|| format!("open {}", path.display()))?;
        Reference::on(db, Some(path.into()))
    }

    /// One that is gone when dropped.
    pub fn open_in_memory() -> Result<Reference, StoreError> {
        let db = Connection::open_in_memory().doing(|| "open a reference in memory")?;
        Reference::on(db, None)
    }

    fn on(db: Connection, path: Option<PathBuf>) -> Result<Reference, StoreError> {
        let doing = || "open a reference";
        db.busy_timeout(Duration::from_secs(5)).doing(doing)?;
        db.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA cache_size = -65536;
             PRAGMA journal_size_limit = 16777216;",
        )
        .doing(doing)
        .in_file(path.as_deref())?;
        db.set_prepared_statement_cache_capacity(128);
        let is_made = db.table_exists(None, "transfer").doing(doing).in_file(path.as_deref())?;
        if !is_made {
            db.execute_batch(concat!("BEGIN;", include_str!("reference/schema.sql"), "COMMIT;"))
                .doing(doing)
                .in_file(path.as_deref())?;
        }
        Ok(Reference { db, path, names: RefCell::default() })
    }

    /// Bitcoin transactions of which an input spends what is not held, by block and
    /// place in it. A transaction that arrives later resolves them by itself.
    pub fn unresolved(&self, limit: usize) -> Result<Vec<UtxoTransaction>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let numbers: Vec<i64> = read_all(
            &self.db,
            &format!(
                "SELECT tx FROM utxo_claim WHERE unresolved > 0 AND is_chosen = 1
                 ORDER BY time, height, tx_index, tx LIMIT {limit}"
            ),
            [],
            |row| read(row, 0),
        )
        .in_file(self.path.as_deref())?;
        let names = &mut *self.names.borrow_mut();
        let mut found = Vec::with_capacity(numbers.len());
        for number in numbers {
            if let Some(chosen) = rows::utxo(&self.db, names, number)? {
                let mut tx = chosen.tx;
                rows::resolve(&self.db, names, &mut tx)?;
                found.push(tx);
            }
        }
        Ok(found)
    }

    /// How many transfers there are.
    pub fn transfers(&self) -> Result<u64, StoreError> {
        self.count("SELECT count(*) FROM transfer")
    }

    /// Addresses any file named, each once a chain.
    pub fn addresses(&self) -> Result<u64, StoreError> {
        self.count("SELECT count(*) FROM account")
    }

    /// Blocks any file told of.
    pub fn blocks(&self) -> Result<u64, StoreError> {
        self.count(
            "SELECT count(*) FROM (SELECT DISTINCT chain, coalesce(hash, height) FROM block)",
        )
    }

    /// Bytes of its file, the log that is not merged yet apart.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        self.count("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    }

    fn count(&self, sql: &str) -> Result<u64, StoreError> {
        let count: i64 = self
            .db
            .query_row(sql, [], |row| row.get(0))
            .doing(|| "count what is kept")
            .in_file(self.path.as_deref())?;
        Ok(count.cast_unsigned())
    }
}
