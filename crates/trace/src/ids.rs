//! Small dense numbers for large values.
//!
//! An account or an asset is hashed once, when it comes in. From there on it is a
//! number from zero without gaps, and what is known of it stands in a `Vec`. Numbers
//! follow the order of arrival: nothing that is said may depend on it.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};
use model::{Account, Asset};

use crate::order::queue::radix_sort;

#[derive(Clone, Debug)]
pub struct Ids<T> {
    all: Vec<T>,
    table: Numbers,
    hasher: DefaultHashBuilder,
}

impl<T> Default for Ids<T> {
    fn default() -> Ids<T> {
        Ids { all: Vec::new(), table: Numbers::default(), hasher: DefaultHashBuilder::default() }
    }
}

impl<T: Hash + Eq> Ids<T> {
    /// The number of a value, a new one where it has none yet.
    pub fn id(&mut self, value: T) -> u32 {
        let hash = self.hasher.hash_one(&value);
        if let Some(id) = self.table.find(hash, |id| self.all[id as usize] == value) {
            return id;
        }
        let id = number(self.all.len());
        self.table.insert(hash, id);
        self.all.push(value);
        id
    }

    pub fn find(&self, value: &T) -> Option<u32> {
        let hash = self.hasher.hash_one(value);
        self.table.find(hash, |id| self.all[id as usize] == *value)
    }

    pub fn get(&self, id: u32) -> &T {
        &self.all[id as usize]
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }
}

/// Numbers by the hash of what they stand for. Half of the hash is kept beside the
/// number, so that neither a growing table nor a wrong slot asks for the value itself.
#[derive(Clone, Debug, Default)]
pub struct Numbers(HashTable<(u32, u32)>);

impl Numbers {
    pub fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let half = half(hash);
        let found = self.0.find(spread(half), |(known, id)| *known == half && is_it(*id));
        found.map(|(_, id)| *id)
    }

    /// Of a value that has no number yet.
    pub fn insert(&mut self, hash: u64, id: u32) {
        let half = half(hash);
        self.0.insert_unique(spread(half), (half, id), |(half, _)| spread(*half));
    }
}

fn half(hash: u64) -> u32 {
    u32::try_from(hash >> 32).expect("half of it")
}

/// The table takes the place from the low bits and a mark from the high ones.
fn spread(half: u32) -> u64 {
    u64::from(half).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Ids<Account> {
    /// Brings numbers into the order of the accounts themselves: by the first bytes
    /// of the address, and in full where these are the same.
    pub fn sort(&self, ids: &mut [u32]) {
        let Some(first) = ids.first() else { return };
        let chain = self.get(*first).chain;
        let mut pairs = Vec::with_capacity(ids.len());
        for id in ids.iter() {
            let account = self.get(*id);
            if account.chain != chain {
                return ids.sort_unstable_by(|a, b| self.get(*a).cmp(self.get(*b)));
            }
            pairs.push((head(account), *id));
        }
        radix_sort(&mut pairs);
        for group in pairs.chunk_by_mut(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
            group.sort_unstable_by(|a, b| self.get(a.1).cmp(self.get(b.1)));
        }
        for (id, (_, sorted)) in ids.iter_mut().zip(pairs) {
            *id = sorted;
        }
    }

    /// For each number, its place among all in the order of the accounts, from 1; the
    /// place of nobody is 0.
    pub fn ranks(&self) -> Ranks {
        let mut order: Vec<u32> = (0..number(self.len())).collect();
        self.sort(&mut order);
        Ranks::of(&order)
    }
}

impl Ids<Asset> {
    pub fn ranks(&self) -> Ranks {
        let mut order: Vec<u32> = (0..number(self.len())).collect();
        order.sort_unstable_by(|a, b| self.get(*a).cmp(self.get(*b)));
        Ranks::of(&order)
    }
}

/// The order of the values that numbers stand for.
pub struct Ranks(Vec<u32>);

impl Ranks {
    fn of(order: &[u32]) -> Ranks {
        let mut ranks = vec![0; order.len()];
        for (rank, id) in (1u32..).zip(order) {
            ranks[*id as usize] = rank;
        }
        Ranks(ranks)
    }

    pub fn of_id(&self, id: u32) -> u32 {
        self.0.get(id as usize).copied().unwrap_or_default()
    }
}

fn head(account: &Account) -> u64 {
    let bytes = account.address.bytes();
    let mut head = [0; 8];
    let len = bytes.len().min(8);
    head[..len].copy_from_slice(&bytes[..len]);
    u64::from_be_bytes(head)
}

pub fn number(len: usize) -> u32 {
    u32::try_from(len).expect("memory ends before four billion of anything")
}
