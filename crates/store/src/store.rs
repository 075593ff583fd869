//! The store: everything kept under one home, and what it can say of itself.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use model::{
    Account, Asset, AssetMeta, Book, Chain, Coverage, Degree, Direction, Expansion, Fact, Label,
    Limits, ListVersion, Listing, Oddity, Outpoint, Seek, Spend, Timestamp, Transaction, Transfer,
    TxId, UtxoTransaction, View, ViewError,
};

use crate::catalog::{Actor, Catalog, ListRow, Outcome, Writer};
use crate::error::Doing;
use crate::reference::{self, Reference};
use crate::{Counts, FileRecord, FileRow, OddityRow, StoreError, upgrade};

/// Everything kept under one home: what files said of chains, lists, labels.
pub struct Store {
    catalog: Catalog,
    transfers: Reference,
}

/// A file being taken in. Dropping it leaves the store as it was.
pub struct Batch<'a> {
    transfers: reference::Batch<'a>,
    catalog: &'a mut Catalog,
    writer: Arc<Writer>,
    record: FileRecord,
    oddities: Vec<Oddity>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    pub transfers: u64,
    /// Addresses any file named, each once a chain.
    pub addresses: u64,
    pub blocks: u64,
    pub files: u64,
    /// Logs that are not merged yet included.
    pub bytes_on_disk: u64,
}

impl Store {
    /// Opens the store of a home, made when there is none. One of an earlier format is
    /// brought up to date first, which takes as long as importing all its files.
    pub fn open(home: &Path) -> Result<Store, StoreError> {
        match Catalog::open(home) {
            Err(StoreError::Older { .. }) => {
                upgrade::run(home)?;
                Store::on(Catalog::open(home)?)
            }
            opened => Store::on(opened?),
        }
    }

    /// Opens the store of a home that must have one.
    pub fn open_existing(home: &Path) -> Result<Store, StoreError> {
        match Catalog::open_existing(home) {
            Err(StoreError::Older { .. }) => Store::open(home),
            opened => Store::on(opened?),
        }
    }

    /// A store that is gone when dropped, for tests and trials.
    pub fn open_in_memory() -> Result<Store, StoreError> {
        Store::on(Catalog::open_in_memory()?)
    }

    fn on(catalog: Catalog) -> Result<Store, StoreError> {
        let transfers = match catalog.home() {
            Some(home) => {
                let path = home.join("reference.sqlite");
                crate::catalog::make_file(&path)?;
                Reference::open(&path)?
            }
            None => Reference::open_in_memory()?,
        };
        Ok(Store { catalog, transfers })
    }

    /// Starts taking in a file. One at a time: a second writer waits a few
    /// seconds and is then told who is writing.
    pub fn begin(&mut self, file: &FileRecord) -> Result<Batch<'_>, StoreError> {
        let writer = self.catalog.writer(&format!("import {}", file.name))?;
        Ok(Batch {
            transfers: self.transfers.begin(file)?,
            catalog: &mut self.catalog,
            writer,
            record: file.clone(),
            oddities: Vec::new(),
        })
    }

    /// Was a file of these bytes already read for this purpose?
    pub fn has_file(&self, sha256: &str, purpose: &str) -> Result<bool, StoreError> {
        self.catalog.has_file(sha256, purpose)
    }

    /// Every imported file, the earliest first.
    pub fn files(&self) -> Result<Vec<FileRow>, StoreError> {
        self.catalog.files()
    }

    /// What was strange in the files, the latest files' first.
    pub fn oddities(&self, limit: usize) -> Result<Vec<OddityRow>, StoreError> {
        self.catalog.oddities(limit)
    }

    /// Bitcoin transactions of which an input spends what is not held, by block and
    /// place in it. A transaction that arrives later resolves them by itself.
    pub fn unresolved(&self, limit: usize) -> Result<Vec<UtxoTransaction>, StoreError> {
        self.transfers.unresolved(limit)
    }

    pub fn stats(&self) -> Result<Stats, StoreError> {
        let bytes_on_disk = match self.catalog.home() {
            Some(home) => bytes_of(home)?,
            None => self.transfers.bytes()?,
        };
        Ok(Stats {
            transfers: self.transfers.transfers()?,
            addresses: self.transfers.addresses()?,
            blocks: self.transfers.blocks()?,
            files: self.catalog.files()?.len() as u64,
            bytes_on_disk,
        })
    }

    /// All labels, and the listings of the latest version of each list.
    pub fn book(&self) -> Result<Book, StoreError> {
        self.catalog.book()
    }

    /// Keeps a version of a list, all of it. The same file of the same day
    /// changes nothing; another file of the same day takes its place.
    pub fn put_list(
        &mut self,
        version: &ListVersion,
        name: &str,
        listings: &[Listing],
    ) -> Result<Outcome, StoreError> {
        self.catalog.put_list(version, name, listings)
    }

    /// Every version kept, empty ones too, ordered by list and date.
    pub fn list_versions(&self) -> Result<Vec<ListRow>, StoreError> {
        self.catalog.list_versions()
    }

    /// The entries of all versions, ordered by list, date and place in it.
    pub fn listings(&self) -> Result<Vec<Listing>, StoreError> {
        self.catalog.listings()
    }

    /// Keeps the labels of a pack whole, in place of what an earlier file of
    /// the same name held. The same file again changes nothing.
    pub fn put_labels(
        &mut self,
        collection: &str,
        file_hash: &str,
        labels: &[Label],
    ) -> Result<Outcome, StoreError> {
        self.catalog.put_labels(collection, file_hash, labels)
    }

    /// Every label, ordered by pack and place in it.
    pub fn labels(&self) -> Result<Vec<Label>, StoreError> {
        self.catalog.labels()
    }

    /// Keeps the actors of a pack whole, in place of what an earlier file of
    /// the same name held.
    pub fn put_actors(
        &mut self,
        collection: &str,
        file_hash: &str,
        actors: &[Actor],
    ) -> Result<Outcome, StoreError> {
        self.catalog.put_actors(collection, file_hash, actors)
    }

    /// Every actor, ordered by pack and place in it.
    pub fn actors(&self) -> Result<Vec<Actor>, StoreError> {
        self.catalog.actors()
    }
}

impl Batch<'_> {
    /// Takes in one fact. After an error the batch is of no more use: drop it.
    pub fn put(&mut self, fact: &Fact) -> Result<(), StoreError> {
        if let Fact::Oddity(oddity) = fact {
            self.oddities.push(oddity.clone());
        }
        self.transfers.put(fact)
    }

    /// Settles what the file touched and makes it last. The SHA-256, in hex, is
    /// that of the bytes read: the same ones need not be read again.
    pub fn commit(self, sha256: &str) -> Result<Counts, StoreError> {
        // A crash between the two leaves a file whose facts are kept unnamed: reading
        // it again changes nothing.
        let counts = self.transfers.commit(sha256)?;
        let mut change = self.catalog.commit(&self.writer)?;
        let file = change.add_file(&self.record, sha256)?;
        change.put_oddities(file, &self.oddities)?;
        change.finish()?;
        Ok(counts)
    }
}

impl View for Store {
    fn expand(
        &self,
        direction: Direction,
        frontier: &[Seek],
        limits: &Limits,
    ) -> Result<Expansion, ViewError> {
        self.transfers.expand(direction, frontier, limits)
    }

    fn spends(&self, outpoints: &[Outpoint]) -> Result<Vec<Option<Spend>>, ViewError> {
        self.transfers.spends(outpoints)
    }

    fn transaction(&self, id: &TxId) -> Result<Option<Transaction>, ViewError> {
        self.transfers.transaction(id)
    }

    fn degree(&self, accounts: &[Account]) -> Result<Vec<Degree>, ViewError> {
        self.transfers.degree(accounts)
    }

    fn scan(
        &self,
        chain: Chain,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
    ) -> Result<(), ViewError> {
        self.transfers.scan(chain, since, until, visit)
    }

    fn assets(&self, assets: &[Asset]) -> Result<Vec<AssetMeta>, ViewError> {
        self.transfers.assets(assets)
    }

    fn coverage(&self) -> Result<Vec<Coverage>, ViewError> {
        self.transfers.coverage()
    }
}

/// All files of a home that hold data.
fn bytes_of(home: &Path) -> Result<u64, StoreError> {
    let doing = || format!("measure {}", home.display());
    let mut bytes = 0;
    for entry in fs::read_dir(home).doing(doing)? {
        let found = entry.and_then(|entry| entry.metadata()).doing(doing)?;
        bytes += if found.is_file() { found.len() } else { 0 };
    }
    Ok(bytes)
}

#[cfg(test)]
impl Store {
    /// Lets the catalog grow by this many pages and no more.
    pub(crate) fn leave_pages(&mut self, pages: u32) {
        self.catalog.leave_pages(pages);
    }
}
