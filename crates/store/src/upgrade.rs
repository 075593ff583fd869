//! Bringing a home of an earlier format to this one.
//!
//! Format 1 kept transfers in tables of `interdict.sqlite`. What its files told is
//! read back as facts and taken in by a fresh home in the folder `upgrade`. Then
//! the fresh segments move beside the old tables, and one transaction of SQLite
//! puts the fresh catalog's rows in the place of the old tables. Until that
//! transaction the home is of format 1, whole, and after it of format 2; what a
//! crash leaves of the fresh home is thrown away by the next attempt.
//!
//! Which fact came from which file is only partly known of format 1, so that
//! every segment is said to hold something of every file: a repair then imports
//! them all, which is never wrong.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::catalog::{Catalog, DATABASE, Writer, format};
use crate::disk::{AnyDisk, Disk};
use crate::error::{Doing, In};
use crate::reference::Reference;
use crate::shelf;
use crate::{FileRecord, Store, StoreError};

/// The folder of a home that is being made.
const FRESH: &str = "upgrade";

/// The tables of format 1 that format 2 replaces.
const REPLACED: &[&str] = &[
    "oddity",
    "transfer",
    "height_time",
    "placed",
    "utxo_output",
    "utxo_input",
    "utxo_claim",
    "block",
    "nft_log",
    "traces_cover",
    "claim",
    "file",
    "asset",
    "tx",
    "account",
    "chain",
];

/// The tables of format 2 that come from the fresh home.
const FILLED: &[&str] = &[
    "file",
    "oddity",
    "asset",
    "traces_cover",
    "block_height",
    "block",
    "placed",
    "segment",
    "mask",
    "segment_file",
];

/// Brings a home of format 1 to this one.
pub(crate) fn run(home: &Path, disk: &AnyDisk) -> Result<(), StoreError> {
    let database = home.join(DATABASE);
    let doing = format!("bring {} to format {}", database.display(), format::KNOWN);
    let _writer = Writer::start(Some(&database), &doing, 0)?;
    // Another process may have done it while this one waited.
    if format::of_file(&database)? != 1 {
        return Ok(());
    }
    let fresh = home.join(FRESH);
    throw_away(&fresh, &**disk)?;
    fill(&fresh, &database, disk)?;
    move_segments(&fresh, home, &**disk)?;
    replace(&database, &fresh)
}

/// Removes what an upgrade that is done has no more use for. What cannot be removed now is the next time.
pub(crate) fn clear(home: &Path, disk: &dyn Disk) {
    let fresh = home.join(FRESH);
    if fresh.is_dir() {
        let _ = throw_away(&fresh, disk);
    }
}

/// Takes what format 1 was told into a fresh home.
fn fill(fresh: &Path, database: &Path, disk: &AnyDisk) -> Result<(), StoreError> {
    let old = Reference::open(database)?;
    let mut store = Store::open_through(fresh, disk.clone())?;
    let record = FileRecord { name: "format 1".into(), purpose: "upgrade".into(), bytes: 0 };
    let mut batch = store.begin(&record)?;
    old.told(&mut |fact| batch.put(&fact))?;
    batch.commit("")?;
    drop(store);

    let catalog = Catalog::open(fresh)?;
    let writer = catalog.writer("upgrade")?;
    let mut change = catalog.commit(&writer)?;
    change.forget_files()?;
    for file in old.told_files()? {
        let id = change.add_file(&file.record, &file.sha256)?;
        change.put_oddities(id, &file.oddities)?;
    }
    change.name_every_file()?;
    change.finish().map(drop)
}

fn move_segments(fresh: &Path, home: &Path, disk: &dyn Disk) -> Result<(), StoreError> {
    let (from, to) = (fresh.join(shelf::FOLDER), home.join(shelf::FOLDER));
    let doing = || format!("move segments to {}", to.display());
    disk.make_folder(&to).and_then(|()| disk.sync_folder(home)).doing(doing)?;
    let entries = match fs::read_dir(&from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).doing(doing),
    };
    for entry in entries {
        let entry = entry.doing(doing)?;
        disk.rename(&entry.path(), &to.join(entry.file_name())).doing(doing)?;
    }
    disk.sync_folder(&to).doing(doing)
}

/// The one transaction that makes it format 2.
fn replace(database: &Path, fresh: &Path) -> Result<(), StoreError> {
    let doing = || format!("bring {} to format {}", database.display(), format::KNOWN);
    let mut db = Connection::open(database).doing(doing)?;
    db.busy_timeout(format::WAIT).doing(doing)?;
    db.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA synchronous = FULL;").doing(doing)?;
    let fresh = fresh.join(DATABASE);
    let name = fresh.to_str().ok_or_else(|| StoreError::value(doing(), "its path is not UTF-8"))?;
    db.execute("ATTACH ?1 AS fresh", [name]).doing(doing)?;
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate).doing(doing)?;
    for table in REPLACED {
        change.execute_batch(&format!("DROP TABLE main.{table}")).doing(doing)?;
    }
    change.execute_batch(format::SCHEMA).doing(doing)?;
    format::ADDED.iter().try_for_each(|tables| change.execute_batch(tables)).doing(doing)?;
    for table in FILLED {
        let sql = format!("INSERT INTO main.{table} SELECT * FROM fresh.{table}");
        change.execute_batch(&sql).doing(doing)?;
    }
    change.pragma_update(None, "user_version", format::KNOWN).doing(doing)?;
    change.commit().doing(doing).in_file(Some(database))?;
    // The old tables' pages are given back; a home that cannot do it now is right all the same.
    let _ = db.execute_batch("DETACH fresh; VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
    Ok(())
}

fn throw_away(folder: &Path, disk: &dyn Disk) -> Result<(), StoreError> {
    match disk.remove_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).doing(|| format!("remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
