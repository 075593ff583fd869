//! The store: its file, and what it can say of itself.

use std::cell::RefCell;
use std::fs::{self, DirBuilder, OpenOptions};
use std::path::{Path, PathBuf};

use model::transfer::Equal;
use model::{Book, Date, Oddity, TransferId, UtxoTransaction};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use crate::StoreError;
use crate::code::amount_out;
use crate::error::{Doing, In};
use crate::format;
use crate::names::Names;
use crate::rows::{self, read};
use crate::writer::{self, Note};

/// The file within a home.
const FILE: &str = "interdict.sqlite";

/// Everything kept under one home: what files said of chains, lists, labels.
pub struct Store {
    pub(crate) db: Connection,
    pub(crate) path: Option<PathBuf>,
    /// For reading only: a batch that may roll back keeps its own.
    pub(crate) names: RefCell<Names>,
}

/// A file that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    pub name: String,
    /// In hex.
    pub sha256: String,
    /// What it was read as.
    pub purpose: String,
    pub bytes: u64,
}

/// An oddity, and the file it was met in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddityRow {
    pub file: String,
    pub oddity: Oddity,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    pub transfers: u64,
    /// Addresses any file named, each once a chain.
    pub addresses: u64,
    pub blocks: u64,
    pub files: u64,
    /// The log that is not merged yet included.
    pub bytes_on_disk: u64,
}

impl Store {
    /// Opens the store of a home, made when there is none: readable by its
    /// owner only, since what is followed is nobody else's to know.
    pub fn open(home: &Path) -> Result<Store, StoreError> {
        make_folder(home)?;
        let path = home.join(FILE);
        make_file(&path)?;
        Store::at(path)
    }

    /// Opens the store of a home that must have one.
    pub fn open_existing(home: &Path) -> Result<Store, StoreError> {
        let path = home.join(FILE);
        let is_there = path.try_exists().doing(|| format!("look for {}", path.display()))?;
        if !is_there {
            return Err(StoreError::Missing { home: home.into() });
        }
        Store::at(path)
    }

    /// A store that is gone when dropped, for tests and trials.
    pub fn open_in_memory() -> Result<Store, StoreError> {
        let db = Connection::open_in_memory().doing(|| "open a store in memory")?;
        Store::on(db, None)
    }

    fn at(path: PathBuf) -> Result<Store, StoreError> {
        let db = Connection::open(&path).doing(|| format!("open {}", path.display()))?;
        Store::on(db, Some(path))
    }

    fn on(mut db: Connection, path: Option<PathBuf>) -> Result<Store, StoreError> {
        format::prepare(&mut db, path.as_deref())?;
        Ok(Store { db, path, names: RefCell::default() })
    }

    /// Was a file of these bytes already read for this purpose?
    pub fn has_file(&self, sha256: &str, purpose: &str) -> Result<bool, StoreError> {
        self.db
            .query_row(
                "SELECT 1 FROM file WHERE sha256 = ?1 AND purpose = ?2",
                [sha256, purpose],
                |_| Ok(()),
            )
            .optional()
            .doing(|| format!("look up the file {sha256}"))
            .in_file(self.path.as_deref())
            .map(|found| found.is_some())
    }

    /// Every imported file, the earliest first.
    pub fn files(&self) -> Result<Vec<FileRow>, StoreError> {
        self.read_all(
            "SELECT name, sha256, purpose, bytes FROM file WHERE sha256 IS NOT NULL ORDER BY id",
            |row| {
                Ok(FileRow {
                    name: read(row, 0)?,
                    sha256: read(row, 1)?,
                    purpose: read(row, 2)?,
                    bytes: read::<i64>(row, 3)?.cast_unsigned(),
                })
            },
        )
    }

    /// What was strange in the files, the latest files' first.
    pub fn oddities(&self, limit: usize) -> Result<Vec<OddityRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read_all(
            &format!(
                "SELECT f.name, o.at, o.what, o.tx, o.position, o.asset, o.amount, s.address, g.address
                 FROM oddity o JOIN file f ON f.id = o.file
                 LEFT JOIN account s ON s.id = o.source LEFT JOIN account g ON g.id = o.target
                 ORDER BY o.file DESC, o.id LIMIT {limit}"
            ),
            |row| Ok(OddityRow { file: read(row, 0)?, oddity: self.oddity(row)? }),
        )
    }

    /// Bitcoin transactions of which an input spends what is not held, by block and
    /// place in it. A transaction that arrives later resolves them by itself.
    pub fn unresolved(&self, limit: usize) -> Result<Vec<UtxoTransaction>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let numbers: Vec<i64> = self.read_all(
            &format!(
                "SELECT tx FROM utxo_claim WHERE unresolved > 0 AND is_chosen = 1
                 ORDER BY time, height, tx_index, tx LIMIT {limit}"
            ),
            |row| read(row, 0),
        )?;
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

    pub fn stats(&self) -> Result<Stats, StoreError> {
        let count = |sql: &str| -> Result<u64, StoreError> {
            let count: i64 = self
                .db
                .query_row(sql, [], |row| row.get(0))
                .doing(|| "count what is kept")
                .in_file(self.path.as_deref())?;
            Ok(count.cast_unsigned())
        };
        Ok(Stats {
            transfers: count("SELECT count(*) FROM transfer")?,
            addresses: count("SELECT count(*) FROM account")?,
            blocks: count(
                "SELECT count(*) FROM (SELECT DISTINCT chain, coalesce(hash, height) FROM block)",
            )?,
            files: count("SELECT count(*) FROM file")?,
            bytes_on_disk: match &self.path {
                Some(path) => size(path)? + size(&path.with_extension("sqlite-wal"))?,
                None => {
                    count("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")?
                }
            },
        })
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

    pub(crate) fn write(&mut self, doing: &str) -> Result<(Note, Transaction<'_>), StoreError> {
        writer::start(&mut self.db, self.path.as_deref(), doing)
    }

    pub(crate) fn read_all<T>(
        &self,
        sql: &str,
        mut take: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let all = || -> Result<Vec<T>, StoreError> {
            let doing = || "read the store";
            let mut ask = self.db.prepare_cached(sql).doing(doing)?;
            let mut rows = ask.query([]).doing(doing)?;
            let mut all = Vec::new();
            while let Some(row) = rows.next().doing(doing)? {
                all.push(take(row)?);
            }
            Ok(all)
        };
        let mut all = all;
        all().in_file(self.path.as_deref())
    }

    fn oddity(&self, row: &Row<'_>) -> Result<Oddity, StoreError> {
        let oddity = Oddity { at: read(row, 1)?, what: read(row, 2)?, transfer: None };
        let Some(tx) = read::<Option<i64>>(row, 3)? else { return Ok(oddity) };
        let names = &mut *self.names.borrow_mut();
        let tx = names.tx(&self.db, tx)?;
        let position: String = read(row, 4)?;
        let wrong = |what: &str| {
            StoreError::value(format!("read an oddity of {tx}"), format!("{what} is none"))
        };
        let amount: Option<Vec<u8>> = read(row, 6)?;
        let equal = match (read::<Option<i64>>(row, 5)?, amount) {
            (Some(asset), Some(amount)) => Some(Box::new(Equal {
                from: crate::rows::address(row, 7, tx.chain)?,
                to: crate::rows::address(row, 8, tx.chain)?,
                asset: names.asset(&self.db, asset)?,
                amount: amount_out(&amount).ok_or_else(|| wrong("its amount"))?,
            })),
            _ => None,
        };
        let position = position.parse().map_err(|_| wrong("its position"))?;
        Ok(Oddity { transfer: Some(TransferId { tx, position, equal }), ..oddity })
    }
}

fn make_folder(home: &Path) -> Result<(), StoreError> {
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

fn size(path: &Path) -> Result<u64, StoreError> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error).doing(|| format!("measure {}", path.display())),
    }
}
