//! Many keys in little memory: which of two million labels or listings are of this key?
//!
//! Keys lie one behind the other in the order of a 64-bit hash, and a table of their first bits
//! says where to look: a question reads a filter, one entry of the table, and about one hash. The
//! hash only finds; the bytes of the key are compared before anything is said to be found, so that
//! an answer is exact whatever collides.
//!
//! Memory for a key of twenty bytes: 8 for its hash, 4 for where it ends, 21 for itself, 4 for
//! where its values end, 4 for each value, a bit more than one for the filter, 2 to 4 for the table.

use model::Key;
use xorf::{BinaryFuse8, Filter};
use xxhash_rust::xxh3::xxh3_64;

/// From keys to numbers: positions of whatever the caller keeps under them.
#[derive(Clone)]
pub struct KeyIndex {
    filter: Option<BinaryFuse8>,
    /// How many of a hash's first bits choose an entry of `starts`.
    bits: u32,
    /// Where the hashes begin that start with these bits; one more at the end.
    starts: Vec<u32>,
    /// In order; equal ones in the order of their keys.
    hashes: Vec<u64>,
    key_ends: Vec<u32>,
    keys: Vec<u8>,
    value_ends: Vec<u32>,
    values: Vec<u32>,
}

impl KeyIndex {
    /// The number of a key is its place among those given; a key may come again.
    ///
    /// # Panics
    /// With more than four billion keys, or bytes of them.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a Key>) -> KeyIndex {
        let mut bytes = Vec::new();
        let mut given: Vec<Given> = Vec::new();
        for (value, key) in keys.into_iter().enumerate() {
            let start = number(bytes.len());
            encode(key, &mut bytes);
            let hash = xxh3_64(&bytes[start as usize..]);
            given.push(Given { hash, value: number(value), start, end: number(bytes.len()) });
        }
        given.shrink_to_fit();
        let of = |given: &Given| &bytes[given.start as usize..given.end as usize];
        given.sort_unstable_by(|a, b| {
            a.hash.cmp(&b.hash).then_with(|| of(a).cmp(of(b))).then(a.value.cmp(&b.value))
        });
        KeyIndex::of_sorted(&given, &bytes)
    }

    fn of_sorted(given: &[Given], bytes: &[u8]) -> KeyIndex {
        let of = |given: &Given| &bytes[given.start as usize..given.end as usize];
        let is_new = |at: usize| {
            at == 0 || given[at].hash != given[at - 1].hash || of(&given[at]) != of(&given[at - 1])
        };
        let distinct = (0..given.len()).filter(|at| is_new(*at)).count();
        let mut index = KeyIndex {
            filter: None,
            bits: distinct.max(2).ilog2().clamp(1, 22),
            starts: Vec::new(),
            hashes: Vec::with_capacity(distinct),
            key_ends: Vec::with_capacity(distinct),
            keys: Vec::with_capacity(bytes.len()),
            value_ends: Vec::with_capacity(distinct),
            values: Vec::with_capacity(given.len()),
        };
        for (at, one) in given.iter().enumerate() {
            if is_new(at) {
                index.hashes.push(one.hash);
                index.keys.extend_from_slice(of(one));
                index.key_ends.push(number(index.keys.len()));
                index.value_ends.push(0);
            }
            index.values.push(one.value);
            if let Some(end) = index.value_ends.last_mut() {
                *end = number(index.values.len());
            }
        }
        index.keys.shrink_to_fit();
        index.starts = index.table();
        let mut hashes = index.hashes.clone();
        hashes.dedup();
        // The filter only saves looking; without one every answer is the same.
        index.filter = BinaryFuse8::try_from(&hashes).ok();
        index
    }

    fn table(&self) -> Vec<u32> {
        let mut starts = Vec::with_capacity((1 << self.bits) + 1);
        let mut at = 0;
        for prefix in 0..(1u64 << self.bits) {
            starts.push(number(at));
            while self.hashes.get(at).is_some_and(|hash| hash >> (64 - self.bits) == prefix) {
                at += 1;
            }
        }
        starts.push(number(self.hashes.len()));
        starts
    }

    /// The numbers of this key, in rising order; empty where it was never given.
    pub fn get(&self, key: &Key) -> &[u32] {
        let mut bytes = [0; 64];
        let mut long = Vec::new();
        let bytes = match encode_short(key, &mut bytes) {
            Some(len) => &bytes[..len],
            None => {
                encode(key, &mut long);
                long.as_slice()
            }
        };
        let hash = xxh3_64(bytes);
        if self.filter.as_ref().is_some_and(|filter| !filter.contains(&hash)) {
            return &[];
        }
        let Ok(prefix) = usize::try_from(hash >> (64 - self.bits)) else { return &[] };
        for at in self.starts[prefix] as usize..self.starts[prefix + 1] as usize {
            if self.hashes[at] == hash && self.key(at) == bytes {
                let start = at.checked_sub(1).map_or(0, |before| self.value_ends[before]);
                return &self.values[start as usize..self.value_ends[at] as usize];
            }
        }
        &[]
    }

    pub fn contains(&self, key: &Key) -> bool {
        !self.get(key).is_empty()
    }

    /// How many different keys there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Bytes of memory that it holds.
    pub fn bytes(&self) -> usize {
        let filter = self.filter.as_ref().map_or(0, Filter::len);
        let short = self.starts.len() + self.key_ends.len() + self.value_ends.len();
        self.hashes.len() * 8 + (short + self.values.len()) * 4 + self.keys.len() + filter
    }

    fn key(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.key_ends[before]);
        &self.keys[start as usize..self.key_ends[at] as usize]
    }
}

impl std::fmt::Debug for KeyIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyIndex of {} keys in {} bytes", self.len(), self.bytes())
    }
}

struct Given {
    hash: u64,
    value: u32,
    start: u32,
    end: u32,
}

fn number(len: usize) -> u32 {
    u32::try_from(len).expect("an index holds fewer than four billion keys and bytes of them")
}

/// A letter for its kind, then its bytes: different keys give different bytes.
fn encode(key: &Key, to: &mut Vec<u8>) {
    let (kind, version, bytes) = parts(key);
    to.push(kind);
    to.extend(version);
    to.extend_from_slice(bytes);
}

/// The same into a small buffer, where it fits: most do.
fn encode_short(key: &Key, to: &mut [u8; 64]) -> Option<usize> {
    let (kind, version, bytes) = parts(key);
    let start = 1 + usize::from(version.is_some());
    to[0] = kind;
    to[1] = version.unwrap_or_default();
    to.get_mut(start..start + bytes.len())?.copy_from_slice(bytes);
    Some(start + bytes.len())
}

fn parts(key: &Key) -> (u8, Option<u8>, &[u8]) {
    match key {
        Key::PublicKeyHash(hash) => (b'p', None, hash),
        Key::ScriptHash(hash) => (b'h', None, hash),
        Key::Witness { version, program } => (b'w', Some(*version), program),
        Key::Script(script) => (b's', None, script),
        Key::Keccak(hash) => (b'k', None, hash),
        Key::Solana(key) => (b'o', None, key),
        Key::Monero(keys) => (b'm', None, keys),
        Key::Claim(text) => (b'c', None, text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn any_key() -> impl Strategy<Value = Key> {
        let twenty = prop_oneof![Just([0; 20]), any::<[u8; 20]>()];
        let bytes = proptest::collection::vec(any::<u8>(), 0..80).prop_map(Vec::into_boxed_slice);
        prop_oneof![
            twenty.clone().prop_map(Key::PublicKeyHash),
            twenty.clone().prop_map(Key::ScriptHash),
            twenty.prop_map(Key::Keccak),
            any::<[u8; 32]>().prop_map(Key::Solana),
            (0u8..17, bytes.clone())
                .prop_map(|(version, program)| Key::Witness { version, program }),
            bytes.clone().prop_map(Key::Script),
            bytes.prop_map(Key::Monero),
            ".{0,80}".prop_map(Key::Claim),
        ]
    }

    proptest! {
        #[test]
        fn it_says_what_a_map_says(
            keys in proptest::collection::vec(any_key(), 0..200),
            others in proptest::collection::vec(any_key(), 0..50),
        ) {
            let index = KeyIndex::new(&keys);
            let mut expected: BTreeMap<&Key, Vec<u32>> = BTreeMap::new();
            for (value, key) in (0u32..).zip(&keys) {
                expected.entry(key).or_default().push(value);
            }
            prop_assert_eq!(index.len(), expected.len());
            for key in keys.iter().chain(&others) {
                let numbers = expected.get(key).map(Vec::as_slice).unwrap_or_default();
                prop_assert_eq!(index.get(key), numbers);
            }
        }
    }

    #[test]
    fn an_empty_one_holds_nothing() {
        let index = KeyIndex::new([]);
        assert!(index.is_empty() && !index.contains(&Key::Keccak([0; 20])));
    }
}
