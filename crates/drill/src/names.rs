//! Addresses and hashes, derived from the seed and a number.
//!
//! Nothing is kept: the name of the n-th account is computed when it is needed.
//! Each word is a bijection of the number, so two numbers never share a name.

use model::{Address, Chain, TxHash, TxId};

use crate::draw::Draw;

pub struct Names {
    chain: Chain,
    accounts: Keys,
    transactions: Keys,
    blocks: Keys,
}

type Keys = [u64; 8];

impl Names {
    pub fn new(chain: Chain, seed: u64) -> Names {
        let mut draw = Draw::new(seed, u64::from_be_bytes(*b"naming\0\0"));
        let mut keys = || std::array::from_fn(|_| draw.bits());
        Names { chain, accounts: keys(), transactions: keys(), blocks: keys() }
    }

    pub fn address(&self, number: u64) -> Address {
        let word = |at: usize| word(&self.accounts, at, number);
        let twenty = || {
            let mut bytes = [0; 20];
            bytes[..8].copy_from_slice(&word(0).to_be_bytes());
            bytes[8..16].copy_from_slice(&word(1).to_be_bytes());
            bytes[16..].copy_from_slice(&word(2).to_be_bytes()[..4]);
            bytes
        };
        match self.chain {
            Chain::Evm(_) => Address::Evm(twenty()),
            Chain::Tron(_) => Address::Tron(twenty()),
            Chain::Solana(_) => Address::Solana(words32(&self.accounts, number)),
            Chain::Bitcoin(_) => self.script(number, &twenty()),
        }
    }

    /// The four types in use, about as often as they are met.
    fn script(&self, number: u64, twenty: &[u8; 20]) -> Address {
        let kind = word(&self.accounts, 7, number) % 100;
        let mut script = [0; 34];
        let len = match kind {
            0..45 => wrap(&mut script, &[0x00, 0x14], twenty, &[]),
            45..65 => wrap(&mut script, &[0x76, 0xa9, 0x14], twenty, &[0x88, 0xac]),
            65..80 => wrap(&mut script, &[0xa9, 0x14], twenty, &[0x87]),
            _ => wrap(&mut script, &[0x51, 0x20], &words32(&self.accounts, number), &[]),
        };
        Address::Bitcoin(script[..len].into())
    }

    pub fn tx(&self, number: u64) -> TxId {
        let hash = match self.chain {
            Chain::Solana(_) => {
                let mut bytes = [0; 64];
                for (at, chunk) in bytes.chunks_exact_mut(8).enumerate() {
                    chunk.copy_from_slice(&word(&self.transactions, at, number).to_be_bytes());
                }
                TxHash::new(&bytes)
            }
            _ => TxHash::new(&words32(&self.transactions, number)),
        };
        TxId { chain: self.chain, hash }
    }

    /// Bitcoin's begin with zeros, as work makes them.
    pub fn block(&self, height: u64) -> TxHash {
        let mut bytes = words32(&self.blocks, height);
        if self.chain.is_utxo() {
            bytes[..8].fill(0);
        }
        TxHash::new(&bytes)
    }
}

fn wrap(script: &mut [u8; 34], head: &[u8], body: &[u8], tail: &[u8]) -> usize {
    let parts = [head, body, tail];
    let mut len = 0;
    for part in parts {
        script[len..len + part.len()].copy_from_slice(part);
        len += part.len();
    }
    len
}

fn words32(keys: &Keys, number: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (at, chunk) in bytes.chunks_exact_mut(8).enumerate() {
        chunk.copy_from_slice(&word(keys, at, number).to_be_bytes());
    }
    bytes
}

/// SplitMix64's finalizer over the number and a key.
/// Source: <https://prng.di.unimi.it/splitmix64.c>.
fn word(keys: &Keys, at: usize, number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ keys[at];
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
