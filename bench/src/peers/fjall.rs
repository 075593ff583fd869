//! fjall: a log-structured tree in Rust.

use std::path::Path;

use anyhow::Result;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::keyed::{Keyed, Keys, Put, Space, VisitPair};
use super::relational::Relational;
use crate::contender::Contender;
use crate::stream::Recording;

pub const SETTINGS: &str = "cache 512 MiB, two workers, its own LZ4 and filters as they come; a batch is one atomic write, SyncAll; keys sorted within it; flushed and compacted before it is measured, as its finish";

pub fn open(folder: &Path, head: &Recording) -> Result<Box<dyn Contender>> {
    let db =
        Database::builder(folder.join("fjall")).cache_size(512 << 20).worker_threads(2).open()?;
    let spaces: Result<Vec<Keyspace>, fjall::Error> = Space::ALL
        .iter()
        .map(|space| db.keyspace(space.name(), KeyspaceCreateOptions::default))
        .collect();
    let keys = Tree { db, spaces: spaces? };
    Ok(Box::new(Relational::new(Keyed(keys), head)?))
}

struct Tree {
    db: Database,
    spaces: Vec<Keyspace>,
}

impl Keys for Tree {
    fn write(&mut self, fill: &mut dyn FnMut(&mut Put<'_>) -> Result<()>) -> Result<()> {
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncAll));
        fill(&mut |space, key, value| {
            batch.insert(&self.spaces[space as usize], key, value);
            Ok(())
        })?;
        Ok(batch.commit()?)
    }

    fn remove(&mut self, keys: &[(Space, Vec<u8>)]) -> Result<()> {
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncAll));
        for (space, key) in keys {
            batch.remove(&self.spaces[*space as usize], &key[..]);
        }
        Ok(batch.commit()?)
    }

    fn get(&mut self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let found = self.spaces[space as usize].get(key)?;
        if let Some(value) = &found {
            visit(value);
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
        let mut pairs = self.spaces[space as usize].range(from..=to);
        loop {
            let next = if is_forward { pairs.next() } else { pairs.next_back() };
            let Some(pair) = next else { return Ok(()) };
            let (key, value) = pair.into_inner()?;
            if !visit(&key, &value) {
                return Ok(());
            }
        }
    }

    fn finish(&mut self) -> Result<()> {
        for space in &self.spaces {
            space.rotate_memtable_and_wait()?;
            space.major_compact()?;
        }
        Ok(self.db.persist(PersistMode::SyncAll)?)
    }
}
