//! A raw block: is it whole, and what does it state?
//!
//! The importer of files, the loader of a node's own files and the node's
//! decoder all go through here.

use std::collections::HashSet;
use std::sync::Arc;

use bitcoin::block::Header;
use bitcoin::consensus::encode;
use bitcoin::hashes::Hash;
use bitcoin::{Block, BlockHash, Script, Transaction, TxMerkleNode, Txid, merkle_tree};
use model::{
    Address, BitcoinNetwork, BlockFact, Chain, Fact, Input, Outpoint, Output, Timestamp, TxHash,
    TxId, UtxoTransaction,
};

use super::network;
use crate::source::BlockRef;

/// A block's weight is at most 4,000,000, and no byte weighs less than 1.
pub const BYTES_MAX: u64 = 4_000_000;

/// A header and the number of transactions.
pub const BYTES_MIN: u64 = 81;

/// More than 21 million bitcoin cannot be in one output.
pub const SATOSHI_MAX: u64 = 21_000_000 * 100_000_000;

/// A block that is what its header commits to.
pub struct Checked {
    pub block: Block,
    pub hash: TxHash,
    network: BitcoinNetwork,
    txids: Vec<Txid>,
}

/// Reads one block and nothing beside it; the error says why not.
pub fn decode(bytes: &[u8]) -> Result<Block, String> {
    bitcoin::consensus::deserialize(bytes).map_err(|e| {
        let why = match e {
            encode::Error::Io(_) => "it ends too early".to_string(),
            e => e.to_string(),
        };
        format!("not a block: {why}")
    })
}

impl Checked {
    /// Holds what every block of the chain satisfies and a damaged or invented
    /// one does not. The error says what is wrong, without the block's name.
    pub fn new(block: Block, network: BitcoinNetwork) -> Result<Checked, String> {
        check_header(&block.header, network)?;
        let txids: Vec<Txid> = block.txdata.iter().map(Transaction::compute_txid).collect();
        let root = merkle_tree::calculate_root(txids.iter().map(|txid| txid.to_raw_hash()));
        if root.map(TxMerkleNode::from_raw_hash) != Some(block.header.merkle_root) {
            return Err("its transactions are not those its merkle root commits to".to_string());
        }
        if !block.check_witness_commitment() {
            return Err("its witnesses are not those its coinbase commits to".to_string());
        }
        let coinbases = block.txdata.iter().filter(|tx| tx.is_coinbase()).count();
        if coinbases != 1 || !block.txdata.first().is_some_and(Transaction::is_coinbase) {
            return Err("its first transaction, and no other, must be a coinbase".to_string());
        }
        // Repeated transactions can leave the merkle root as it was (CVE-2012-2459).
        let mut seen = HashSet::new();
        if !txids.iter().all(|txid| seen.insert(*txid)) {
            return Err("it holds a transaction twice".to_string());
        }
        let mut outputs = block.txdata.iter().flat_map(|tx| &tx.output);
        if outputs.any(|output| output.value.to_sat() > SATOSHI_MAX) {
            return Err("an output holds more than all bitcoin".to_string());
        }
        let hash = block_hash(block.block_hash());
        Ok(Checked { block, hash, network, txids })
    }

    /// The height the block itself states, where that binds.
    pub fn stated_height(&self) -> Option<u64> {
        network::height(&self.block, self.network)
    }

    pub fn txids(&self) -> &[Txid] {
        &self.txids
    }

    /// The block, then its transactions in order. What their inputs spend is
    /// named, not told: a raw block does not hold it.
    pub fn facts(&self, height: Option<u64>) -> impl Iterator<Item = Fact> {
        let chain = Chain::Bitcoin(self.network);
        let header = &self.block.header;
        let time = time(header.time);
        let block = Fact::Block(BlockFact {
            chain,
            hash: Some(self.hash),
            parent: Some(header.prev_blockhash)
                .filter(|parent| *parent != BlockHash::all_zeros())
                .map(block_hash),
            height,
            time,
            work: Some(header.work().to_be_bytes()),
        });
        let coinbase = self.block.txdata.first().zip(self.txids.first());
        let coinbase = coinbase.and_then(|(tx, txid)| coinbase_of(tx, *txid, chain));
        let txs = (0u32..).zip(self.block.txdata.iter().zip(&self.txids));
        let txs = txs.map(move |(index, (tx, txid))| {
            let mut tx = transaction(tx, *txid, chain, time);
            tx.height = height;
            tx.index = Some(index);
            tx.block = Some(self.hash);
            Fact::Utxo(tx)
        });
        std::iter::once(block).chain(coinbase).chain(txs)
    }
}

/// What the miner wrote. Rules let it be 100 bytes long: what is longer stands in no block of the chain.
fn coinbase_of(tx: &Transaction, txid: Txid, chain: Chain) -> Option<Fact> {
    const BYTES_MAX: usize = 100;
    let script = tx.input.first()?.script_sig.as_bytes();
    let tx = TxId { chain, hash: tx_hash(txid) };
    (script.len() <= BYTES_MAX).then(|| Fact::Coinbase { tx, script: script.into() })
}

/// Is this header's proof of work its own, and enough for the network?
pub fn check_header(header: &Header, network: BitcoinNetwork) -> Result<(), String> {
    if header.target() > network::target_max(network) {
        return Err(format!(
            "its proof of work is less than {} allows",
            Chain::Bitcoin(network).name()
        ));
    }
    if !header.target().is_met_by(header.block_hash()) {
        return Err("its hash does not meet its own proof of work".to_string());
    }
    Ok(())
}

pub fn place(header: &Header, height: u64) -> BlockRef {
    BlockRef {
        height,
        hash: block_hash(header.block_hash()),
        parent: block_hash(header.prev_blockhash),
        time: time(header.time),
    }
}

/// A transaction that stands in no block yet, as far as this tells.
pub fn transaction(tx: &Transaction, txid: Txid, chain: Chain, time: Timestamp) -> UtxoTransaction {
    let is_coinbase = tx.is_coinbase();
    let spent = tx.input.iter().filter(|_| !is_coinbase).map(|input| Outpoint {
        tx: TxId { chain, hash: tx_hash(input.previous_output.txid) },
        index: input.previous_output.vout,
    });
    let created = tx.output.iter().map(|out| output(&out.script_pubkey, out.value.to_sat()));
    UtxoTransaction {
        id: TxId { chain, hash: tx_hash(txid) },
        height: None,
        index: None,
        time,
        block: None,
        inputs: spent.map(|outpoint| Input { outpoint, previous: None }).collect(),
        outputs: created.collect(),
        is_coinbase,
    }
}

pub fn output(script: &Script, value: u64) -> Output {
    Output { address: Address::Bitcoin(Arc::from(script.as_bytes())), value }
}

/// Printed order is the reverse of what is hashed.
pub fn tx_hash(txid: Txid) -> TxHash {
    reversed(txid.to_byte_array())
}

pub fn block_hash(hash: BlockHash) -> TxHash {
    reversed(hash.to_byte_array())
}

fn reversed(mut bytes: [u8; 32]) -> TxHash {
    bytes.reverse();
    TxHash::new(&bytes)
}

pub fn time(seconds: u32) -> Timestamp {
    Timestamp::from_second(i64::from(seconds)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The inverse of [`block_hash`].
pub fn library_hash(hash: TxHash) -> BlockHash {
    let mut bytes: [u8; 32] = hash.bytes().try_into().unwrap_or_default();
    bytes.reverse();
    BlockHash::from_byte_array(bytes)
}
