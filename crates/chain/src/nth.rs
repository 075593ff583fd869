//! Numbers for transfers that have no position.

use std::collections::HashMap;

use model::{Position, Transfer};
use sha2::{Digest, Sha256};

/// Counts equal transfers of one transaction. Rows of a transaction may be
/// scattered over a file, so every kind met so far is remembered, by a hash
/// short enough to keep many and too long to collide.
#[derive(Default)]
pub struct Nth {
    seen: HashMap<[u8; 16], u32>,
}

impl Nth {
    /// The next number among the equals of this transfer.
    pub fn next(&mut self, transfer: &Transfer) -> Position {
        let count = self.seen.entry(key(transfer)).or_default();
        let position = Position::Nth(*count);
        *count = count.saturating_add(1);
        position
    }
}

fn key(transfer: &Transfer) -> [u8; 16] {
    let mut hasher = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    add(transfer.tx.hash.bytes());
    for end in [&transfer.from, &transfer.to] {
        add(end.as_ref().map_or(&[], |address| address.bytes()));
    }
    add(transfer.asset.to_string().as_bytes());
    add(&transfer.amount.to_be_bytes::<32>());
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize()[..16]);
    key
}
