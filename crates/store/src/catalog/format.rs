//! Opening the file: whose it is, which format it has, and bringing it up to date.

use std::collections::BTreeSet;
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
/// What homes of this format lack that were made by earlier versions of it. Whatever is created here `IF NOT
/// EXISTS`, at the start of a line, is looked for when a home is opened, and created where it is not there: to
/// add a table takes a file in this list, and no more.
pub(crate) const ADDED: &[&str] = &[
    include_str!("schema/followed.sql"),
    include_str!("schema/fetched.sql"),
    include_str!("schema/freezes.sql"),
    include_str!("schema/pending.sql"),
    include_str!("schema/clusters.sql"),
    include_str!("schema/labels.sql"),
    include_str!("schema/parties.sql"),
    include_str!("schema/decisions.sql"),
];

/// How long SQLite's log grows before a commit moves it into the database: SQLite's own measure.
pub(crate) const LOG_PAGES: u32 = 1000;

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
    if is_up_to_date(db).doing(doing)? {
        return Ok(());
    }
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate).doing(doing)?;
    bring_up_to_date(&change).doing(doing)?;
    change.commit().doing(doing)
}

fn is_up_to_date(db: &Connection) -> rusqlite::Result<bool> {
    let mut names = db.prepare("SELECT name FROM sqlite_schema")?;
    let names = names.query_map([], |row| row.get(0))?;
    let there: BTreeSet<String> = names.collect::<rusqlite::Result<_>>()?;
    // Its column came after the table.
    Ok(added().all(|name| there.contains(name)) && has(db, "hot_content", "content")?)
}

/// The names of what is in [`ADDED`].
fn added() -> impl Iterator<Item = &'static str> {
    let name = |line: &'static str| {
        let made = ["CREATE TABLE IF NOT EXISTS ", "CREATE INDEX IF NOT EXISTS "];
        let rest = made.iter().find_map(|made| line.strip_prefix(made))?;
        rest.split([' ', '(']).next()
    };
    ADDED.iter().flat_map(|sql| sql.lines()).filter_map(name)
}

fn bring_up_to_date(change: &Connection) -> rusqlite::Result<()> {
    if !has(change, "oddity", "height")? {
        change.execute_batch("ALTER TABLE oddity ADD COLUMN height INTEGER")?;
    }
    ADDED.iter().try_for_each(|tables| change.execute_batch(tables))?;
    if has(change, "hot_block", "content")? {
        let sql = "INSERT INTO hot_content SELECT segment, facts, content FROM hot_block;
             ALTER TABLE hot_block DROP COLUMN facts;
             ALTER TABLE hot_block DROP COLUMN content;
             ALTER TABLE hot_block ADD COLUMN assets BLOB;";
        change.execute_batch(sql)?;
    }
    Ok(())
}

fn has(db: &Connection, table: &str, column: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) > 0 FROM pragma_table_info(?1) WHERE name = ?2";
    db.query_row(sql, [table, column], |row| row.get(0))
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
