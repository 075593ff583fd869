//! The catalog: what is live, and everything small, in one SQLite file.
//!
//! Segments hold the transfers; the catalog says which of them there are, what
//! of each is masked, which files they came from, and keeps lists, labels,
//! actors, files and oddities itself. One of its transactions is what makes a
//! commit: before it nothing of a batch is seen, after it everything, in any
//! process. What its tables hold is in this crate's README.

mod actors;
mod assets;
mod blocks;
mod clusters;
mod coinbases;
mod collection;
mod commit;
mod decided;
mod decisions;
mod fetched;
mod files;
mod findings;
pub(crate) mod followed;
pub(crate) mod format;
mod freezes;
mod identifier;
mod labels;
mod lists;
mod parties;
mod pending;
mod prices;
mod said;
mod sources;
mod state;
mod writer;

pub use actors::Actor;
pub use clusters::Exclusion;
pub use collection::Outcome;
pub use commit::Commit;
pub use fetched::Fetched;
pub use findings::FindingRow;
pub use lists::ListRow;
pub use pending::{Expected, PENDING_MAX, Pending, PendingNews, PendingState};
pub use sources::{ListSource, Shrink};
pub use state::{FileId, HotRow, MaskRow, SegmentId, SegmentRow, State};
pub use writer::Writer;

use std::cell::RefCell;
use std::fs::{DirBuilder, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use model::{Book, Date};
use rusqlite::{Connection, Row, Transaction, TransactionBehavior};

use crate::StoreError;
use crate::code::{read, read_all};
use crate::error::{Doing, In};

/// The file within a home.
pub(crate) const DATABASE: &str = "interdict.sqlite";

/// One connection to the catalog of a home. Another thread opens its own.
pub struct Catalog {
    db: Connection,
    /// None in memory.
    path: Option<PathBuf>,
    /// The right to write, while somebody in this process who got it here has it.
    writer: RefCell<Weak<Writer>>,
}

impl Catalog {
    /// Opens the catalog of a home, made when there is none: readable by its
    /// owner only, since what is followed is nobody else's to know.
    pub fn open(home: &Path) -> Result<Catalog, StoreError> {
        make_folder(home)?;
        let path = home.join(DATABASE);
        make_file(&path)?;
        Catalog::at(path)
    }

    /// Opens the catalog of a home that must have one.
    pub fn open_existing(home: &Path) -> Result<Catalog, StoreError> {
        let path = home.join(DATABASE);
        let is_there = path.try_exists().doing(|| format!("look for {}", path.display()))?;
        if !is_there {
            return Err(StoreError::Missing { home: home.into() });
        }
        Catalog::at(path)
    }

    /// A catalog that is gone when dropped, for tests and trials.
    pub fn open_in_memory() -> Result<Catalog, StoreError> {
        let db = Connection::open_in_memory().doing(|| "open a store in memory")?;
        Catalog::on(db, None)
    }

    fn at(path: PathBuf) -> Result<Catalog, StoreError> {
        let db = Connection::open(&path).doing(|| format!("open {}", path.display()))?;
        Catalog::on(db, Some(path))
    }

    fn on(mut db: Connection, path: Option<PathBuf>) -> Result<Catalog, StoreError> {
        format::prepare(&mut db, path.as_deref())?;
        Ok(Catalog { db, path, writer: RefCell::default() })
    }

    /// The home it lies in; none in memory.
    pub fn home(&self) -> Option<&Path> {
        self.path.as_deref().and_then(Path::parent)
    }

    /// The database; none in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The right to change segments, one process's at a time, until the last
    /// clone is dropped. Whoever in this process holds it already, through this
    /// catalog, shares it. Another process waits a few seconds and is then told
    /// who holds it and why.
    pub fn writer(&self, doing: &str) -> Result<Arc<Writer>, StoreError> {
        if let Some(held) = self.writer.borrow().upgrade() {
            held.say(doing);
            return Ok(held);
        }
        let last = self.last_segment()?;
        let writer = Arc::new(Writer::start(self.path.as_deref(), doing, last)?);
        // Asked again: another process may have written while this one waited.
        writer.has_seen(self.last_segment()?);
        *self.writer.borrow_mut() = Arc::downgrade(&writer);
        Ok(writer)
    }

    /// What SQLite finds wrong with the database, if anything.
    pub(crate) fn faults(&self) -> Result<Vec<String>, StoreError> {
        let shown = |what: String| match self.path.as_deref() {
            Some(path) => format!("{}: {what}", path.display()),
            None => what,
        };
        let mut faults = self.read_all("PRAGMA integrity_check(20)", |row| read(row, 0))?;
        faults.retain(|fault: &String| fault != "ok");
        let orphans = self.read_all("PRAGMA foreign_key_check", |row| {
            let (table, parent): (String, String) = (read(row, 0)?, read(row, 2)?);
            Ok(format!("a row of {table} names a row of {parent} that is not there"))
        })?;
        Ok(faults.into_iter().chain(orphans).map(shown).collect())
    }

    /// Copies the database as of one moment, others writing or not. The copy lasts once it is synced.
    pub(crate) fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let doing = || format!("copy the catalog to {}", path.display());
        let name = path.to_str();
        let name = name.ok_or_else(|| StoreError::value(doing(), "its path is not UTF-8"))?;
        make_file(path)?;
        self.db
            .execute("VACUUM INTO ?1", [name])
            .doing(doing)
            .in_file(self.path.as_deref())
            .map(drop)
    }

    /// Gives unused pages back.
    pub(crate) fn shrink(&self) -> Result<(), StoreError> {
        let sql = "VACUUM; PRAGMA wal_checkpoint(TRUNCATE);";
        self.db.execute_batch(sql).doing(|| "shrink the catalog").in_file(self.path.as_deref())
    }

    /// All labels, and the listings of the latest version of each list.
    pub fn book(&self) -> Result<Book, StoreError> {
        let mut book = Book::default();
        for label in self.labels()? {
            book.add_label(label);
        }
        let mut latest: std::collections::BTreeMap<String, Date> = Default::default();
        for row in self.list_versions()? {
            // Versions come in order of date, so that the last one stays.
            latest.insert(row.version.list, row.version.date);
        }
        for listing in self.listings()? {
            if latest.get(&listing.version.list) == Some(&listing.version.date) {
                book.add_listing(listing);
            }
        }
        Ok(book)
    }

    /// One short change: SQLite's own lock is enough.
    fn write(&self, doing: &str) -> Result<Transaction<'_>, StoreError> {
        let path = self.path.clone();
        let begun = Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate);
        begun.doing(|| doing).map_err(|error| match path {
            Some(path) if error.is_transient() => {
                let holder = writer::holder(&path);
                StoreError::Busy { doing: doing.into(), holder, path }
            }
            _ => error,
        })
    }

    fn read_all<T>(
        &self,
        sql: &str,
        take: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        read_all(&self.db, sql, [], take).in_file(self.path.as_deref())
    }
}

pub(crate) fn make_folder(home: &Path) -> Result<(), StoreError> {
    if home.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(home).doing(|| format!("make the folder {}", home.display()))
}

/// A file that only its owner reads. SQLite gives its log the same permissions.
pub(crate) fn make_file(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).doing(|| format!("make {}", path.display()))
}

#[cfg(test)]
impl Catalog {
    /// Lets it grow by this many pages and no more.
    pub(crate) fn leave_pages(&mut self, pages: u32) {
        let count: u32 =
            self.db.query_row("PRAGMA page_count", [], |row| row.get(0)).expect("a count");
        self.db.pragma_update(None, "max_page_count", count + pages).expect("updates");
    }
}
