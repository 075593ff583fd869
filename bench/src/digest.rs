//! Digests of answers: equal answers, whatever the order, have equal digests.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::stream::{Address, part};

/// One transfer as a contender answered it, whole.
pub struct Seen<'a> {
    pub hash: &'a [u8],
    pub position: u32,
    pub from: Option<&'a [u8]>,
    pub to: Option<&'a [u8]>,
    pub asset: u8,
    pub amount: u128,
    pub time: i64,
    pub height: u32,
}

impl Seen<'_> {
    pub fn digest(&self) -> u64 {
        let mut bytes = [0u8; 107];
        bytes[..32].copy_from_slice(self.hash);
        bytes[32..36].copy_from_slice(&self.position.to_le_bytes());
        if let Some(from) = self.from {
            bytes[36] = 1;
            bytes[37..57].copy_from_slice(from);
        }
        if let Some(to) = self.to {
            bytes[57] = 1;
            bytes[58..78].copy_from_slice(to);
        }
        bytes[78] = self.asset;
        bytes[79..95].copy_from_slice(&self.amount.to_le_bytes());
        bytes[95..103].copy_from_slice(&self.time.to_le_bytes());
        bytes[103..].copy_from_slice(&self.height.to_le_bytes());
        xxh3_64(&bytes)
    }
}

/// A set of rows: how many, and the sum of their digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    pub count: u64,
    pub digest: u64,
}

impl Rows {
    pub fn add(&mut self, seen: &Seen<'_>) {
        self.add_times(seen, 1);
    }

    pub fn add_times(&mut self, seen: &Seen<'_>, times: u64) {
        self.count += times;
        self.digest = self.digest.wrapping_add(seen.digest().wrapping_mul(times));
    }
}

/// A set of addresses with the time each was first reached. The digest is one that
/// a few lines of Python can compute too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    pub count: u64,
    pub digest: u64,
}

impl Reached {
    pub fn add(&mut self, address: &Address, time: i64) {
        let mixed = time.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.count += 1;
        self.digest = self.digest.wrapping_add(u64::from_le_bytes(part(address, 0)) ^ mixed);
    }
}
