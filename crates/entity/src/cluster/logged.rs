//! A map that can go back: what heuristics remember of blocks that are not final.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

#[derive(Clone, Debug)]
pub struct Logged<K, V> {
    map: HashMap<K, V>,
    /// What each change found, the last behind. Empty while changes are final.
    log: Vec<(K, Option<V>)>,
    is_logging: bool,
}

impl<K, V> Default for Logged<K, V> {
    fn default() -> Logged<K, V> {
        Logged { map: HashMap::new(), log: Vec::new(), is_logging: false }
    }
}

impl<K: Copy + Eq + Hash, V: Clone> Logged<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        self.map.get(key)
    }

    pub fn len(&self) -> usize {
        self.map.len()
    }

    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    pub fn set(&mut self, key: K, value: Option<V>) {
        let before = match (self.map.entry(key), value) {
            (Entry::Occupied(mut known), Some(value)) => Some(known.insert(value)),
            (Entry::Occupied(known), None) => Some(known.remove()),
            (Entry::Vacant(place), Some(value)) => {
                place.insert(value);
                None
            }
            (Entry::Vacant(_), None) => None,
        };
        if self.is_logging {
            self.log.push((key, before));
        }
    }

    /// Changes can be undone from now on, or not.
    pub fn log_changes(&mut self, is_logging: bool) {
        self.is_logging = is_logging;
    }

    pub fn mark(&self) -> usize {
        self.log.len()
    }

    pub fn undo_to(&mut self, mark: usize) {
        while self.log.len() > mark {
            match self.log.pop() {
                Some((key, Some(value))) => drop(self.map.insert(key, value)),
                Some((key, None)) => drop(self.map.remove(&key)),
                None => return,
            }
        }
    }

    /// The first changes are final: later marks move down by as many.
    pub fn settle(&mut self, mark: usize) {
        self.log.drain(..mark);
    }

    /// Drops what does not matter any more. Only where nothing is to be undone.
    pub fn retain(&mut self, is_kept: impl Fn(&V) -> bool) {
        if self.log.is_empty() && !self.is_logging {
            self.map.retain(|_, value| is_kept(value));
        }
    }

    /// In the order of keys, so that what is kept is the same each time.
    pub fn sorted(&self) -> Vec<(&K, &V)>
    where
        K: Ord,
    {
        let mut all: Vec<(&K, &V)> = self.map.iter().collect();
        all.sort_unstable_by_key(|(key, _)| **key);
        all
    }
}
