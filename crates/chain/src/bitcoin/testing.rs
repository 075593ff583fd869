//! Chains of blocks built by hand on regtest, where mining takes no time.

use bitcoin::absolute::LockTime;
use bitcoin::block::{Header, Version};
use bitcoin::consensus::serialize;
use bitcoin::hashes::Hash;
use bitcoin::script::{Builder, PushBytesBuf};
use bitcoin::{
    Amount, Block, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode,
    TxOut, Witness, transaction,
};

pub const REGTEST_MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];
pub const REWARD: u64 = 5_000_000_000;

/// Blocks of regtest, each on the one before unless told otherwise.
pub struct Miner {
    pub blocks: Vec<Block>,
}

impl Miner {
    pub fn new() -> Miner {
        Miner { blocks: vec![bitcoin::constants::genesis_block(bitcoin::Network::Regtest)] }
    }

    /// Adds a block on the last one; its coinbase pays the reward to `script`.
    pub fn mine(&mut self, script: &ScriptBuf, spending: Vec<Transaction>) -> Block {
        let parent = self.blocks.last().expect("the genesis block").clone();
        let height = self.blocks.len() as i64;
        let block = mine(&parent, Some(height), script, spending);
        self.blocks.push(block.clone());
        block
    }
}

pub fn mine(
    parent: &Block,
    height: Option<i64>,
    script: &ScriptBuf,
    spending: Vec<Transaction>,
) -> Block {
    let mut txdata = vec![coinbase(height, script, parent)];
    txdata.extend(spending);
    let header = Header {
        version: if height.is_some() { Version::TWO } else { Version::ONE },
        prev_blockhash: parent.block_hash(),
        merkle_root: TxMerkleNode::all_zeros(),
        time: parent.header.time + 600,
        bits: CompactTarget::from_consensus(0x207f_ffff),
        nonce: 0,
    };
    seal(Block { header, txdata })
}

/// Commits to the transactions and finds a nonce.
pub fn seal(mut block: Block) -> Block {
    block.header.merkle_root = block.compute_merkle_root().expect("a coinbase");
    while block.header.validate_pow(block.header.target()).is_err() {
        block.header.nonce += 1;
    }
    block
}

pub fn coinbase(height: Option<i64>, script: &ScriptBuf, parent: &Block) -> Transaction {
    // The parent's hash makes coinbases without a height differ.
    let unique =
        PushBytesBuf::try_from(parent.block_hash().to_byte_array().to_vec()).expect("short");
    let start = height.map_or(Builder::new(), |height| Builder::new().push_int(height));
    let script_sig = start.push_slice(unique).into_script();
    let input = TxIn {
        previous_output: OutPoint::null(),
        script_sig,
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    tx(vec![input], &[(script.clone(), REWARD)])
}

pub fn spend(outpoints: &[OutPoint], outputs: &[(ScriptBuf, u64)]) -> Transaction {
    let input =
        |previous_output: &OutPoint| TxIn { previous_output: *previous_output, ..TxIn::default() };
    tx(outpoints.iter().map(input).collect(), outputs)
}

pub fn tx(input: Vec<TxIn>, outputs: &[(ScriptBuf, u64)]) -> Transaction {
    let output = outputs.iter().map(|(script, value)| TxOut {
        value: Amount::from_sat(*value),
        script_pubkey: script.clone(),
    });
    Transaction {
        version: transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input,
        output: output.collect(),
    }
}

pub fn out(tx: &Transaction, index: u32) -> OutPoint {
    OutPoint::new(tx.compute_txid(), index)
}

pub fn script(n: u8) -> ScriptBuf {
    ScriptBuf::from_bytes([&[0x00, 0x14], &[n; 20][..]].concat())
}

/// One of every kind an output can have.
pub fn scripts() -> Vec<ScriptBuf> {
    let key = [2; 33];
    let bytes = [
        [&[33], &key[..], &[0xac]].concat(), // public key
        [&[0x76, 0xa9, 20], &[1; 20][..], &[0x88, 0xac]].concat(), // P2PKH
        [&[0xa9, 20], &[2; 20][..], &[0x87]].concat(), // P2SH
        [&[0x51, 33], &key[..], &[33], &key[..], &[0x52, 0xae]].concat(), // bare multisig
        [&[0x00, 20], &[3; 20][..]].concat(), // P2WPKH
        [&[0x00, 32], &[4; 32][..]].concat(), // P2WSH
        [&[0x51, 32], &[5; 32][..]].concat(), // taproot
        vec![0x51, 2, 0x4e, 0x73],           // anchor
        [&[0x60, 40], &[6; 40][..]].concat(), // a witness version to come
        [&[0x6a, 4], &b"memo"[..]].concat(), // OP_RETURN
        vec![0xff, 0x00],                    // nonsense
        vec![],                              // anyone can spend
    ];
    bytes.into_iter().map(ScriptBuf::from_bytes).collect()
}

/// A node's file.
pub fn framed(blocks: &[Block]) -> Vec<u8> {
    let frame = |block: &Block| {
        let bytes = serialize(block);
        let len = u32::try_from(bytes.len()).expect("small");
        [&REGTEST_MAGIC, &len.to_le_bytes()[..], &bytes].concat()
    };
    blocks.iter().flat_map(frame).collect()
}
