//! Opening the file: whose it is, which format it has, and bringing it up to date.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;
use crate::error::Doing;

/// `INTD`, in the field SQLite keeps for telling programs' files apart.
const APPLICATION: i32 = 0x494e_5444;

/// The format this version writes. A format that was released never changes.
pub(crate) const KNOWN: u32 = 2;
pub(crate) const SCHEMA: &str = include_str!("schema/2.sql");
/// Tables that are as in format 1, and so stay through an upgrade.
const LISTS: &str = include_str!("schema/lists.sql");
/// Tables that homes of this format lack when they were made before chains could be followed, or
/// providers asked.
pub(crate) const ADDED: &[&str] = &[
    include_str!("schema/followed.sql"),
    include_str!("schema/fetched.sql"),
    include_str!("schema/parties.sql"),
];

/// How long to wait for another writer before saying so.
pub(crate) const WAIT: Duration = Duration::from_secs(5);

/// Makes a fresh connection ours, or says why it cannot be.
pub(crate) fn prepare(db: &mut Connection, path: Option<&Path>) -> Result<(), StoreError> {
    let doing = || format!("open {}", shown(path));
    db.busy_timeout(WAIT).doing(doing)?;
    check(db, path)?;
    // A commit that returned must survive a power cut, so the log is synced each time.
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -65536;
         PRAGMA journal_size_limit = 16777216;",
    )
    .doing(doing)?;
    db.set_prepared_statement_cache_capacity(128);
    make(db, path)
}

/// The format of a database of ours, read without changing it.
pub(crate) fn of_file(path: &Path) -> Result<u32, StoreError> {
    let db = Connection::open(path).doing(|| format!("open {}", path.display()))?;
    db.busy_timeout(WAIT).doing(|| format!("open {}", path.display()))?;
    format_of(&db, Some(path))
}

/// Refuses files of other programs and of later versions.
fn check(db: &Connection, path: Option<&Path>) -> Result<(), StoreError> {
    let (application, version) = (pragma(db, "application_id", path)?, format_of(db, path)?);
    let path = || path.unwrap_or(Path::new(":memory:")).to_path_buf();
    if application != i64::from(APPLICATION) {
        let is_fresh = application == 0 && version == 0 && is_empty(db, &path())?;
        return if is_fresh { Ok(()) } else { Err(StoreError::Foreign { path: path() }) };
    }
    if version > KNOWN {
        return Err(StoreError::Newer { path: path(), found: version, known: KNOWN });
    }
    Ok(())
}

/// Gives a fresh file its tables.
fn make(db: &mut Connection, path: Option<&Path>) -> Result<(), StoreError> {
    match format_of(db, path)? {
        KNOWN => return add_missing(db, path),
        0 => {}
        found => {
            let path = path.unwrap_or(Path::new(":memory:")).to_path_buf();
            return Err(StoreError::Older { path, found, known: KNOWN });
        }
    }
    let doing = || format!("make {}", shown(path));
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate).doing(doing)?;
    // Read again: another process may have done it while this one waited.
    if format_of(&change, path)? == 0 {
        change.execute_batch(SCHEMA).doing(doing)?;
        change.execute_batch(LISTS).doing(doing)?;
        ADDED.iter().try_for_each(|tables| change.execute_batch(tables)).doing(doing)?;
        change.pragma_update(None, "application_id", APPLICATION).doing(doing)?;
        change.pragma_update(None, "user_version", KNOWN).doing(doing)?;
    }
    change.commit().doing(doing)
}

/// What was added to this format since its first homes were made.
fn add_missing(db: &mut Connection, path: Option<&Path>) -> Result<(), StoreError> {
    let doing = || format!("bring {} up to date", shown(path));
    let has = |db: &Connection, table: &str, column: &str| {
        let sql = "SELECT count(*) > 0 FROM pragma_table_info(?1) WHERE name = ?2";
        db.query_row(sql, [table, column], |row| row.get::<_, bool>(0)).doing(doing)
    };
    if has(db, "hot_content", "content")?
        && has(db, "price", "asset")?
        && has(db, "finding", "why")?
    {
        return Ok(());
    }
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate).doing(doing)?;
    ADDED.iter().try_for_each(|tables| change.execute_batch(tables)).doing(doing)?;
    if !has(&change, "oddity", "height")? {
        change.execute_batch("ALTER TABLE oddity ADD COLUMN height INTEGER").doing(doing)?;
    }
    if has(&change, "hot_block", "content")? {
        let sql = "INSERT INTO hot_content SELECT segment, facts, content FROM hot_block;
             ALTER TABLE hot_block DROP COLUMN facts;
             ALTER TABLE hot_block DROP COLUMN content;
             ALTER TABLE hot_block ADD COLUMN assets BLOB;";
        change.execute_batch(sql).doing(doing)?;
    }
    change.commit().doing(doing)
}

fn format_of(db: &Connection, path: Option<&Path>) -> Result<u32, StoreError> {
    // A negative number is no version of ours: the largest is refused as newer.
    Ok(u32::try_from(pragma(db, "user_version", path)?).unwrap_or(u32::MAX))
}

fn pragma(db: &Connection, name: &str, path: Option<&Path>) -> Result<i64, StoreError> {
    db.pragma_query_value(None, name, |row| row.get(0)).doing(|| format!("open {}", shown(path)))
}

fn is_empty(db: &Connection, path: &Path) -> Result<bool, StoreError> {
    db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
        .doing(|| format!("open {}", path.display()))
}

fn shown(path: Option<&Path>) -> String {
    path.map_or_else(|| "a store in memory".into(), |path| path.display().to_string())
}
