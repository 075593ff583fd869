//! A new file from a whole sweep.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use model::Chain;
use rusqlite::{Connection, params};

use super::{FOLDER, NameRow, OutputKey, OutputRow, Reach, SCHEMA, file, numbers, put_reach};
use crate::StoreError;
use crate::catalog::{make_file, make_folder};
use crate::error::Doing;

/// A file under way. Dropped before [`Maker::finish`], it leaves nothing that is found.
pub struct Maker {
    db: Connection,
    part: PathBuf,
    whole: PathBuf,
    chain: Chain,
    older: Vec<PathBuf>,
}

impl Maker {
    pub fn start(home: &Path, chain: Chain) -> Result<Maker, StoreError> {
        let folder = home.join(FOLDER);
        make_folder(&folder)?;
        let numbers = numbers(home, chain)?;
        let next = numbers.iter().max().map_or(1, |last| last + 1);
        let whole = file(home, chain, next);
        let part = whole.with_extension("part");
        let doing = || format!("make {}", part.display());
        // Left over from one that was stopped.
        if part.exists() {
            fs::remove_file(&part).doing(doing)?;
        }
        make_file(&part)?;
        let db = Connection::open(&part).doing(doing)?;
        // Nobody reads it before it is whole, and what is half is thrown away.
        db.execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;",
        )
        .doing(doing)?;
        db.execute_batch(SCHEMA).doing(doing)?;
        db.execute_batch("BEGIN").doing(doing)?;
        let older = numbers.into_iter().map(|number| file(home, chain, number)).collect();
        Ok(Maker { db, part, whole, chain, older })
    }

    pub fn chain(&self) -> Chain {
        self.chain
    }

    pub fn put_entry(&self, address: &[u8], content: &[u8]) -> Result<(), StoreError> {
        self.db
            .prepare_cached("INSERT INTO entry VALUES (?1, ?2)")
            .and_then(|mut put| put.execute(params![address, content]))
            .doing(|| self.doing())
            .map(drop)
    }

    pub fn put_output(&self, key: &OutputKey, row: &OutputRow) -> Result<(), StoreError> {
        self.db
            .prepare_cached("INSERT INTO output VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut put| {
                put.execute(params![key.tx.bytes(), key.index, row.address, row.parts])
            })
            .doing(|| self.doing())
            .map(drop)
    }

    pub fn put_names(&self, names: &[NameRow]) -> Result<(), StoreError> {
        super::change::put_names(&self.db, names).doing(|| self.doing())
    }

    pub fn put_mark(&self, address: &[u8], said: &str) -> Result<(), StoreError> {
        super::change::put_mark(&self.db, address, said).doing(|| self.doing())
    }

    pub fn put_note(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.db
            .execute("INSERT INTO note VALUES (?1, ?2)", [name, value])
            .doing(|| self.doing())
            .map(drop)
    }

    /// Syncs it, gives it its name, and takes the older ones away: whoever has one open goes on
    /// reading it.
    pub fn finish(self, reach: &Reach) -> Result<(), StoreError> {
        let doing = || format!("finish {}", self.whole.display());
        put_reach(&self.db, "reach", reach).doing(doing)?;
        self.db.execute_batch("COMMIT").doing(doing)?;
        let mode: String =
            self.db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).doing(doing)?;
        if mode != "wal" {
            return Err(StoreError::value(doing(), format!("the journal stays {mode}")));
        }
        let Maker { db, part, whole, older, .. } = self;
        db.close().map_err(|(_, error)| error).doing(|| format!("close {}", part.display()))?;
        let syncing = || format!("sync {}", part.display());
        File::open(&part).and_then(|file| file.sync_all()).doing(syncing)?;
        fs::rename(&part, &whole).doing(|| format!("finish {}", whole.display()))?;
        if let Some(folder) = whole.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).doing(syncing)?;
        }
        older.iter().for_each(|old| remove(old));
        Ok(())
    }

    fn doing(&self) -> String {
        format!("write {}", self.part.display())
    }
}

/// With its logs. One that is still open elsewhere may refuse; the next time it goes.
fn remove(old: &Path) {
    for ending in ["sqlite-wal", "sqlite-shm", "sqlite"] {
        drop(fs::remove_file(old.with_extension(ending)));
    }
}
