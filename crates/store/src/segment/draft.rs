//! A run of settled transactions in memory, before it is a segment.
//!
//! Numbers are the draft's own, by first use; the writer sorts and renumbers.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

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
    /// Where each ends in `bytes`; none where all are as long as the first.
    ends: Vec<u64>,
    /// How long the first is.
    len: usize,
    count: u32,
    /// Open addressing: the upper half of a hash and a number, or [`EMPTY`]. A place is
    /// the upper bits of that half, so that growing moves slots in order and hashes nothing again.
    slots: Vec<u64>,
    /// Strangers choose the bytes; a seed they do not know keeps them from choosing the slots.
    seed: u64,
}

/// No number is [`super::NOBODY`].
const EMPTY: u64 = u64::MAX;
const SLOTS_LEAST: usize = 16;

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
            len: 0,
            count: 0,
            slots: vec![EMPTY; SLOTS_LEAST],
            seed: RandomState::new().hash_one(0),
        }
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// # Panics
    /// When there is no such number.
    #[inline]
    pub fn get(&self, number: u32) -> &[u8] {
        let at = number as usize;
        if self.ends.is_empty() {
            return &self.bytes[at * self.len..(at + 1) * self.len];
        }
        let place = |end: u64| usize::try_from(end).expect("it lies in memory");
        let start = if at == 0 { 0 } else { place(self.ends[at - 1]) };
        &self.bytes[start..place(self.ends[at])]
    }

    /// The number of these bytes, a new one at first use.
    ///
    /// # Panics
    /// Beyond 2^31 distinct ones.
    pub fn intern(&mut self, bytes: &[u8]) -> u32 {
        self.intern_hashed(self.hash(bytes), bytes)
    }

    /// What [`Interner::intern_hashed`] wants; the slot is fetched meanwhile.
    #[inline]
    pub fn hash_ahead(&self, bytes: &[u8]) -> u64 {
        let hash = self.hash(bytes);
        prefetch(&self.slots, self.place(hash));
        hash
    }

    /// Fetches what the bytes of this hash will be compared with.
    #[inline]
    pub fn look_ahead(&self, hash: u64) {
        let slot = self.slots[self.place(hash)];
        if slot != EMPTY && slot >> 32 == hash >> 32 && self.ends.is_empty() {
            prefetch(&self.bytes, number_of(slot) as usize * self.len);
        }
    }

    /// As [`Interner::intern`], of bytes with this hash.
    pub fn intern_hashed(&mut self, hash: u64, bytes: &[u8]) -> u32 {
        let mut at = self.place(hash);
        loop {
            let slot = self.slots[at];
            if slot == EMPTY {
                break;
            }
            if slot >> 32 == hash >> 32 && self.get(number_of(slot)) == bytes {
                return number_of(slot);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        let number = self.count;
        assert!(number < 1 << 31, "at most 2^31 distinct ones");
        self.slots[at] = hash >> 32 << 32 | u64::from(number);
        self.append(bytes);
        if self.slots.len() / 2 < self.count as usize {
            self.grow();
        }
        number
    }

    /// The number of these bytes if they were seen.
    pub fn find(&self, bytes: &[u8]) -> Option<u32> {
        let hash = self.hash(bytes);
        let mut at = self.place(hash);
        loop {
            let slot = self.slots[at];
            if slot == EMPTY {
                return None;
            }
            if slot >> 32 == hash >> 32 && self.get(number_of(slot)) == bytes {
                return Some(number_of(slot));
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// About how many bytes of memory this takes.
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + 8 * (self.ends.capacity() + self.slots.capacity())
    }

    #[inline]
    fn hash(&self, bytes: &[u8]) -> u64 {
        xxh3_64_with_seed(bytes, self.seed)
    }

    #[inline]
    fn place(&self, hash: u64) -> usize {
        place_in(&self.slots, hash)
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.count == 0 {
            self.len = bytes.len();
        }
        if self.ends.is_empty() && bytes.len() != self.len {
            self.ends = (1..=u64::from(self.count)).map(|n| n * self.len as u64).collect();
        }
        self.bytes.extend_from_slice(bytes);
        if !self.ends.is_empty() {
            self.ends.push(self.bytes.len() as u64);
        }
        self.count += 1;
    }

    #[cold]
    fn grow(&mut self) {
        let mut slots = vec![EMPTY; self.slots.len() * 2];
        for slot in self.slots.iter().filter(|slot| **slot != EMPTY) {
            let mut at = place_in(&slots, *slot);
            while slots[at] != EMPTY {
                at = (at + 1) & (slots.len() - 1);
            }
            slots[at] = *slot;
        }
        self.slots = slots;
    }
}

/// The lower half of a slot.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "it is the lower half that is meant")]
fn number_of(slot: u64) -> u32 {
    slot as u32
}

/// Where a hash, or a slot of that hash, belongs: there are a power of two slots, at most 2^32.
#[inline]
fn place_in(slots: &[u64], hash: u64) -> usize {
    usize::try_from(((hash >> 32) * slots.len() as u64) >> 32).expect("below the slots")
}

/// Has the processor fetch an item, if it knows how and there is one.
#[inline]
fn prefetch<T>(items: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = items.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: it is a hint, and the address is that of an item.
        #[allow(unsafe_code, reason = "there is no safe way to say this to the processor")]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, at);
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
