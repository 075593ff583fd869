//! Blocks of regtest, built byte by byte: mining there takes a few hashes.
#![allow(dead_code, reason = "each file of tests uses its part")]

use model::{Address, Chain, TxHash};
use sha2::{Digest, Sha256};

pub const COIN: u64 = 100_000_000;
pub const REWARD: u64 = 50 * COIN;
const MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];
const BITS: u32 = 0x207f_ffff;
const TIME: u32 = 1_600_000_000;

/// A chain of blocks, each a coinbase of height and whatever else is put into it.
#[derive(Default)]
pub struct Miner {
    blocks: Vec<Vec<u8>>,
    tip: [u8; 32],
}

/// A transaction's bytes and id, the id as it is hashed.
#[derive(Clone)]
pub struct Tx {
    bytes: Vec<u8>,
    id: [u8; 32],
}

impl Miner {
    /// Mines a block that pays the reward to somebody; gives its coinbase.
    pub fn mine(&mut self, to: u8, more: &[Tx]) -> Tx {
        let height = self.blocks.len() + 1;
        let height = u8::try_from(height).expect("few blocks");
        assert!((1..=16).contains(&height), "one opcode says the height");
        // OP_1 to OP_16, then a push so that the script is long enough.
        let script = [0x50 + height, 4, height, 0, 0, 0];
        let coinbase = Tx::of(&[([0; 32], u32::MAX, &script)], &[(REWARD, to)]);
        let txs: Vec<Tx> = [std::slice::from_ref(&coinbase), more].concat();
        let mut header = [&2u32.to_le_bytes()[..], &self.tip, &root(&txs)].concat();
        header.extend((TIME + 600 * u32::from(height)).to_le_bytes());
        header.extend(BITS.to_le_bytes());
        header.extend([0; 4]);
        for nonce in 0u32.. {
            header[76..].copy_from_slice(&nonce.to_le_bytes());
            self.tip = twice(&header);
            if self.tip[31] < 0x7f {
                break;
            }
        }
        header.push(u8::try_from(txs.len()).expect("few transactions"));
        txs.iter().for_each(|tx| header.extend(&tx.bytes));
        self.blocks.push(header);
        coinbase
    }

    /// As a node keeps them.
    pub fn blk(&self) -> Vec<u8> {
        let framed = |block: &Vec<u8>| {
            let len = u32::try_from(block.len()).expect("small").to_le_bytes();
            [&MAGIC[..], &len, block].concat()
        };
        self.blocks.iter().flat_map(framed).collect()
    }
}

impl Tx {
    /// Spends outputs to somebody each.
    pub fn new(inputs: &[(&Tx, u32)], outputs: &[(u64, u8)]) -> Tx {
        let inputs: Vec<([u8; 32], u32, &[u8])> =
            inputs.iter().map(|(tx, index)| (tx.id, *index, &[][..])).collect();
        Tx::of(&inputs, outputs)
    }

    fn of(inputs: &[([u8; 32], u32, &[u8])], outputs: &[(u64, u8)]) -> Tx {
        let count = |n: usize| u8::try_from(n).expect("few");
        let mut bytes = 1u32.to_le_bytes().to_vec();
        bytes.push(count(inputs.len()));
        for (id, index, script) in inputs {
            bytes.extend(id);
            bytes.extend(index.to_le_bytes());
            bytes.push(count(script.len()));
            bytes.extend(*script);
            bytes.extend([0xff; 4]);
        }
        bytes.push(count(outputs.len()));
        for (value, to) in outputs {
            bytes.extend(value.to_le_bytes());
            let script = script(*to);
            bytes.push(count(script.len()));
            bytes.extend(script);
        }
        bytes.extend([0; 4]);
        let id = twice(&bytes);
        Tx { bytes, id }
    }

    /// As explorers print it.
    pub fn id(&self) -> String {
        let text: String = self.id.iter().rev().map(|byte| format!("{byte:02x}")).collect();
        assert!(TxHash::parse(&text, chain()).is_some(), "{text}");
        text
    }
}

pub fn chain() -> Chain {
    "bitcoin-regtest".parse().expect("a chain")
}

/// Somebody's address: a witness key hash of one repeated byte.
pub fn somebody(byte: u8) -> String {
    Address::from_bytes(&script(byte), chain()).expect("a script").text(chain())
}

fn script(byte: u8) -> Vec<u8> {
    [&[0, 20], &[byte; 20][..]].concat()
}

fn root(txs: &[Tx]) -> [u8; 32] {
    let mut layer: Vec<[u8; 32]> = txs.iter().map(|tx| tx.id).collect();
    while layer.len() > 1 {
        let pair = |pair: &[[u8; 32]]| twice(&[pair[0], *pair.last().expect("one")].concat());
        layer = layer.chunks(2).map(pair).collect();
    }
    layer[0]
}

fn twice(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(Sha256::digest(bytes)).into()
}
