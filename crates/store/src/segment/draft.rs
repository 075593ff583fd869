//! A run of settled transactions in memory, before it is a segment.
//!
//! Numbers are the draft's own, by first use; the writer sorts and renumbers.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use model::{Asset, Chain, Evidence, Position, TimeSource, Timestamp, TransferKind, U256};

/// What becomes one segment.
pub struct Draft {
    pub chain: Chain,
    /// By [`model::Address::bytes`].
    pub addresses: Interner,
    /// Hashes of transactions, spent ones included.
    pub hashes: Interner,
    /// Bitcoin: hashes of blocks.
    pub blocks: Interner,
    pub assets: Vec<Asset>,
    pub entries: Vec<DraftEntry>,
    pub rows: Vec<DraftRow>,
    /// Encoded [`super::told::Told`].
    pub told: Vec<Vec<u8>>,
    /// The latest time stated for each height, in any order.
    pub block_times: Vec<(u64, Timestamp)>,
}

/// The rows of one transaction that share time, height and place in the block. One without rows only
/// carries what was told. No two may agree in hash, time, height and place.
#[derive(Clone, Debug)]
pub struct DraftEntry {
    pub hash: u32,
    pub time: Timestamp,
    pub height: Option<u64>,
    pub tx_index: Option<u32>,
    /// Into [`Draft::rows`], in any order.
    pub rows: Range<u32>,
    /// Told as a whole Bitcoin transaction, not as rows.
    pub is_utxo: bool,
    pub is_coinbase: bool,
    pub block: Option<u32>,
    /// False: the height was found by placing the block.
    pub is_height_told: bool,
    /// Into [`Draft::told`]: this transaction's rows are not exactly its claims.
    pub told: Option<u32>,
}

#[derive(Clone, Debug)]
pub struct DraftRow {
    /// [`super::NOBODY`]: none.
    pub from: u32,
    pub to: u32,
    pub asset: u32,
    pub amount: U256,
    pub position: Position,
    pub kind: TransferKind,
    /// Of the settled row.
    pub time_source: TimeSource,
    pub evidence: Evidence,
    /// False: the claim said [`TimeSource::Unknown`] at 1970, and a block gave the time.
    pub is_time_told: bool,
    /// A Bitcoin input whose previous output is unknown: no transfer, but kept so that the
    /// transaction's inputs are complete.
    pub is_hidden: bool,
    /// The source itself said what this input spends.
    pub is_previous_told: bool,
    /// The outpoint an input spends, its hash by number in [`Draft::hashes`].
    pub previous: Option<(u32, u32)>,
}

/// Distinct byte strings, numbered from zero by first use.
pub struct Interner {
    bytes: Vec<u8>,
    /// Where each ends in `bytes`.
    ends: Vec<u64>,
    /// Kept so that growing does not hash all again.
    hashes: Vec<u64>,
    numbers: HashTable<u32>,
    /// Strangers choose the bytes; a seed they do not know keeps them from choosing the buckets.
    seed: u64,
}

impl Draft {
    pub fn new(chain: Chain) -> Draft {
        Draft {
            chain,
            addresses: Interner::new(),
            hashes: Interner::new(),
            blocks: Interner::new(),
            assets: Vec::new(),
            entries: Vec::new(),
            rows: Vec::new(),
            told: Vec::new(),
            block_times: Vec::new(),
        }
    }
}

impl Interner {
    pub fn new() -> Interner {
        Interner {
            bytes: Vec::new(),
            ends: Vec::new(),
            hashes: Vec::new(),
            numbers: HashTable::new(),
            seed: RandomState::new().hash_one(0),
        }
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        u32::try_from(self.ends.len()).expect("interning stops before")
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// # Panics
    /// When there is no such number.
    pub fn get(&self, number: u32) -> &[u8] {
        get(&self.bytes, &self.ends, number)
    }

    /// The number of these bytes, a new one at first use.
    ///
    /// # Panics
    /// Beyond 2^32 - 1 distinct ones.
    pub fn intern(&mut self, bytes: &[u8]) -> u32 {
        let hash = xxh3_64_with_seed(bytes, self.seed);
        let Interner { bytes: all, ends, hashes, numbers, .. } = self;
        let is_same =
            |number: &u32| hashes[*number as usize] == hash && get(all, ends, *number) == bytes;
        match numbers.entry(hash, is_same, |number| hashes[*number as usize]) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                let number = u32::try_from(ends.len()).expect("below 2^32 distinct ones");
                assert!(number != super::NOBODY, "fewer than 2^32 - 1 distinct ones");
                place.insert(number);
                all.extend_from_slice(bytes);
                ends.push(all.len() as u64);
                hashes.push(hash);
                number
            }
        }
    }

    /// The number of these bytes if they were seen.
    pub fn find(&self, bytes: &[u8]) -> Option<u32> {
        let hash = xxh3_64_with_seed(bytes, self.seed);
        let is_same =
            |number: &u32| self.hashes[*number as usize] == hash && self.get(*number) == bytes;
        self.numbers.find(hash, is_same).copied()
    }

    /// About how many bytes of memory this takes.
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
            + 8 * (self.ends.capacity() + self.hashes.capacity())
            + 5 * self.numbers.capacity()
    }
}

#[inline]
fn get<'a>(bytes: &'a [u8], ends: &[u64], number: u32) -> &'a [u8] {
    let at = number as usize;
    let start = if at == 0 { 0 } else { ends[at - 1] };
    let place = |end: u64| usize::try_from(end).expect("it lies in memory");
    &bytes[place(start)..place(ends[at])]
}

impl Default for Interner {
    fn default() -> Interner {
        Interner::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_interned_twice_has_one_number() {
        let mut names = Interner::new();
        for n in 0..5000u32 {
            let bytes = n.to_le_bytes();
            let bytes = &bytes[..(n % 5) as usize];
            assert_eq!(names.intern(bytes), names.intern(bytes));
        }
        let known: Vec<Vec<u8>> = (0..names.len()).map(|n| names.get(n).to_vec()).collect();
        for (n, bytes) in (0..).zip(&known) {
            assert_eq!(names.find(bytes), Some(n));
            assert_eq!(names.intern(bytes), n);
        }
        assert_eq!(names.find(b"nobody said this"), None);
    }
}
