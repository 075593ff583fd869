//! Addresses and their numbers, in order of first appearance.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use crate::heuristics::Met;

/// Bytes of addresses one behind the other, found by their hash. Some 40 bytes an address.
#[derive(Clone, Debug, Default)]
pub struct Names {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<u64>,
    table: HashTable<u32>,
    hasher: RandomState,
}

impl Names {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// # Panics
    /// When there is no such number.
    pub fn get(&self, number: u32) -> &[u8] {
        name(&self.bytes, &self.ends, number)
    }

    pub fn number(&self, bytes: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(bytes);
        self.table.find(hash, |number| self.get(*number) == bytes).copied()
    }

    /// Its number, a new one where it was never met.
    pub fn meet(&mut self, bytes: &[u8]) -> Met {
        if let Some(number) = self.number(bytes) {
            return Met { number, is_fresh: false };
        }
        let number = u32::try_from(self.len()).expect("addresses are numbered in 32 bits");
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len() as u64);
        let Names { bytes: all, ends, table, hasher } = self;
        let hash = hasher.hash_one(bytes);
        table.insert_unique(hash, number, |number| hasher.hash_one(name(all, ends, *number)));
        Met { number, is_fresh: true }
    }

    /// Forgets those that came last.
    pub fn truncate(&mut self, len: usize) {
        while self.len() > len {
            let number = u32::try_from(self.len() - 1).expect("addresses are numbered in 32 bits");
            let hash = self.hasher.hash_one(self.get(number));
            if let Ok(found) = self.table.find_entry(hash, |known| *known == number) {
                found.remove();
            }
            self.ends.pop();
            let end = self.ends.last().copied().unwrap_or(0);
            self.bytes.truncate(usize::try_from(end).expect("it is in memory"));
        }
    }
}

fn name<'a>(bytes: &'a [u8], ends: &[u64], number: u32) -> &'a [u8] {
    let at = number as usize;
    let start = at.checked_sub(1).map_or(0, |before| ends[before]);
    let place = |end: u64| usize::try_from(end).expect("it is in memory");
    &bytes[place(start)..place(ends[at])]
}
