//! The store: everything kept under one home, and what it can say of itself.
//!
//! The catalog says what is live, the shelf holds the segments, a snapshot
//! answers. A batch gathers one file's facts into segments and has the catalog
//! name them; between batches, segments that were merged meanwhile take the
//! place of the smaller ones they were merged from.

mod batch;
mod books;
pub(crate) mod current;
mod fetched;
mod layout;
mod merges;
mod unresolved;

pub use batch::Batch;
pub use layout::ChainLayout;

use std::fs;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use model::{
    Account, Asset, AssetMeta, Book, Chain, Columns, Coverage, Degree, Direction, Expansion, Label,
    Limits, ListVersion, Listing, Outpoint, Party, Seek, Spend, Timestamp, Transaction, Transfer,
    TxId, UtxoTransaction, View, ViewError,
};

use crate::catalog::{Actor, Catalog, ListRow, Outcome, Writer};
use crate::error::Doing;
use crate::ingest::Sizes;
use crate::merging::Merger;
use crate::shelf::Shelf;
use crate::snapshot::Snapshot;
use crate::{FileRecord, FileRow, OddityRow, StoreError, upgrade};
use current::Current;
pub(crate) use merges::Parts;

/// Everything kept under one home: what files said of chains, lists, labels.
pub struct Store {
    pub(crate) catalog: Catalog,
    pub(crate) shelf: Shelf,
    pub(crate) current: Current,
    pub(crate) sizes: Sizes,
    /// The merge that runs, if any, and the right to write that it needs.
    merger: Merger,
    merging_as: Option<Arc<Writer>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    pub transfers: u64,
    /// Addresses any file named, each once a chain. Where a chain has several segments, their
    /// addresses are gone through to find those they share.
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
        let shelf = catalog.home().map_or_else(Shelf::in_memory, Shelf::in_home);
        let current = Current::load(&catalog, &shelf, None)?;
        let (merger, sizes) = (Merger::default(), Sizes::USUAL);
        Ok(Store { catalog, shelf, current, sizes, merger, merging_as: None })
    }

    /// How much goes into a run and a merge from now on. For tests: usual ones are large.
    #[doc(hidden)]
    pub fn set_sizes(&mut self, sizes: Sizes) {
        self.sizes = sizes;
    }

    /// Writes segments through another disk from now on. For tests, where writing fails.
    #[doc(hidden)]
    pub fn set_disk(&mut self, disk: Arc<dyn crate::disk::Disk + Send + Sync>) {
        self.shelf = self.shelf.clone().through(disk);
    }

    /// What the store knows now, for as long as the snapshot is kept: whatever is
    /// committed or merged meanwhile, here and elsewhere, shows in a later one.
    pub fn snapshot(&self) -> Snapshot {
        self.current.snapshot.clone()
    }

    /// Sees what other processes committed since. True where there was anything.
    pub fn refresh(&mut self) -> Result<bool, StoreError> {
        self.current.refresh(&self.catalog, &self.shelf)
    }

    /// Starts taking in a file. One at a time: a second writer waits a few
    /// seconds and is then told who is writing.
    pub fn begin(&mut self, file: &FileRecord) -> Result<Batch<'_>, StoreError> {
        let writer = self.catalog.writer(&format!("import {}", file.name))?;
        self.refresh()?;
        let is_first = Arc::strong_count(&writer) == 1;
        if is_first {
            self.shelf.remove_orphans(&self.current.state)?;
        }
        self.parts().merge_on(&writer);
        Ok(Batch::new(self, writer, file.clone()))
    }

    pub(crate) fn parts(&mut self) -> Parts<'_> {
        let Store { catalog, shelf, current, sizes, merger, merging_as } = self;
        Parts { catalog, shelf, current, sizes: *sizes, merger, merging_as }
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
        unresolved::transactions(&self.current, limit)
    }

    pub fn stats(&self) -> Result<Stats, StoreError> {
        let (mut transfers, mut addresses) = (0, 0);
        for coverage in self.coverage().map_err(StoreError::view)? {
            transfers += coverage.transfers;
            let columns = self.columns(coverage.chain).map_err(StoreError::view)?;
            addresses += columns.account_count() as u64;
        }
        Ok(Stats {
            transfers,
            addresses,
            blocks: self.catalog.block_count()?,
            files: self.catalog.files()?.len() as u64,
            bytes_on_disk: self.bytes_on_disk()?,
        })
    }

    /// Logs that are not merged yet included.
    pub(crate) fn bytes_on_disk(&self) -> Result<u64, StoreError> {
        match self.catalog.home() {
            Some(home) => bytes_of(home),
            None => Ok(self.current.state.segments.iter().map(|row| row.bytes).sum()),
        }
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
        parties: &[Party],
    ) -> Result<Outcome, StoreError> {
        self.catalog.put_list(version, name, listings, parties)
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

impl View for Store {
    fn expand(
        &self,
        direction: Direction,
        frontier: &[Seek],
        limits: &Limits,
    ) -> Result<Expansion, ViewError> {
        self.current.snapshot.expand(direction, frontier, limits)
    }

    fn spends(&self, outpoints: &[Outpoint]) -> Result<Vec<Option<Spend>>, ViewError> {
        self.current.snapshot.spends(outpoints)
    }

    fn transaction(&self, id: &TxId) -> Result<Option<Transaction>, ViewError> {
        self.current.snapshot.transaction(id)
    }

    fn degree(&self, accounts: &[Account]) -> Result<Vec<Degree>, ViewError> {
        self.current.snapshot.degree(accounts)
    }

    fn scan(
        &self,
        chain: Chain,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
    ) -> Result<(), ViewError> {
        self.current.snapshot.scan(chain, since, until, visit)
    }

    fn assets(&self, assets: &[Asset]) -> Result<Vec<AssetMeta>, ViewError> {
        self.current.snapshot.assets(assets)
    }

    fn coverage(&self) -> Result<Vec<Coverage>, ViewError> {
        self.current.snapshot.coverage()
    }

    fn transactions(&self, ids: &[TxId]) -> Result<Vec<Option<Transaction>>, ViewError> {
        self.current.snapshot.transactions(ids)
    }

    fn columns(&self, chain: Chain) -> Result<Box<dyn Columns + '_>, ViewError> {
        self.current.snapshot.columns(chain)
    }
}

/// The database with its logs, and the segments.
fn bytes_of(home: &Path) -> Result<u64, StoreError> {
    let doing = || format!("measure {}", home.display());
    let mut bytes = 0;
    for folder in [home.to_path_buf(), home.join(crate::shelf::FOLDER)] {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error).doing(doing),
        };
        for entry in entries {
            let found = entry.and_then(|entry| entry.metadata()).doing(doing)?;
            bytes += if found.is_file() { found.len() } else { 0 };
        }
    }
    Ok(bytes)
}

/// A merge that runs is finished: what it wrote would be lost.
impl Drop for Store {
    fn drop(&mut self) {
        // What was not named is removed by the next writer.
        let _ = self.parts().finish_merge();
    }
}

#[cfg(test)]
impl Store {
    /// Lets the catalog grow by this many pages and no more.
    pub(crate) fn leave_pages(&mut self, pages: u32) {
        self.catalog.leave_pages(pages);
    }
}
