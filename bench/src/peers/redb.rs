//! redb: a copy-on-write tree in Rust.

use std::path::Path;

use anyhow::Result;
use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use super::keyed::{Keyed, Keys, Put, Space, VisitPair};
use super::relational::Relational;
use crate::contender::Contender;
use crate::stream::Recording;

pub const SETTINGS: &str = "cache 1 GiB; a batch is one transaction of immediate durability, keys sorted within it; compacted as its finish";

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

pub fn open(folder: &Path, head: &Recording) -> Result<Box<dyn Contender>> {
    let db = Database::builder().set_cache_size(1 << 30).create(folder.join("store.redb"))?;
    let start = db.begin_write()?;
    for space in Space::ALL {
        start.open_table(table(space))?;
    }
    start.commit()?;
    Ok(Box::new(Relational::new(Keyed(Tree { db, reading: None }), head)?))
}

fn table(space: Space) -> Definition {
    Definition::new(space.name())
}

type Reading = Vec<redb::ReadOnlyTable<&'static [u8], &'static [u8]>>;

struct Tree {
    db: Database,
    /// The tables of one snapshot, until something is written.
    reading: Option<Reading>,
}

impl Tree {
    fn reading(&mut self) -> Result<&Reading> {
        if self.reading.is_none() {
            let snapshot = self.db.begin_read()?;
            let tables: Result<Reading, _> =
                Space::ALL.iter().map(|space| snapshot.open_table(table(*space))).collect();
            self.reading = Some(tables?);
        }
        Ok(self.reading.as_ref().expect("was just made"))
    }

    fn change(
        &mut self,
        change: &mut dyn FnMut(&mut [redb::Table<'_, &'static [u8], &'static [u8]>]) -> Result<()>,
    ) -> Result<()> {
        self.reading = None;
        let mut transaction = self.db.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        {
            let tables: Result<Vec<_>, _> =
                Space::ALL.iter().map(|space| transaction.open_table(table(*space))).collect();
            change(&mut tables?)?;
        }
        Ok(transaction.commit()?)
    }
}

impl Keys for Tree {
    fn write(&mut self, fill: &mut dyn FnMut(&mut Put<'_>) -> Result<()>) -> Result<()> {
        self.change(&mut |tables| {
            fill(&mut |space, key, value| {
                tables[space as usize].insert(key, value)?;
                Ok(())
            })
        })
    }

    fn remove(&mut self, keys: &[(Space, Vec<u8>)]) -> Result<()> {
        self.change(&mut |tables| {
            for (space, key) in keys {
                tables[*space as usize].remove(&key[..])?;
            }
            Ok(())
        })
    }

    fn get(&mut self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let found = self.reading()?[space as usize].get(key)?;
        if let Some(value) = &found {
            visit(value.value());
        }
        Ok(found.is_some())
    }

    fn range(
        &mut self,
        space: Space,
        from: &[u8],
        to: &[u8],
        is_forward: bool,
        visit: VisitPair<'_>,
    ) -> Result<()> {
        let mut pairs = self.reading()?[space as usize].range::<&[u8]>(from..=to)?;
        loop {
            let next = if is_forward { pairs.next() } else { pairs.next_back() };
            let Some(pair) = next else { return Ok(()) };
            let (key, value) = pair?;
            if !visit(key.value(), value.value()) {
                return Ok(());
            }
        }
    }

    fn finish(&mut self) -> Result<()> {
        self.reading = None;
        self.db.compact()?;
        Ok(())
    }
}
