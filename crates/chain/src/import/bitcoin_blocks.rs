//! `bitcoin-blocks`: single raw blocks, and the `blk*.dat` files of a node.
//!
//! A block is stated as it stands: its header, and every transaction with what
//! it creates and which outputs it spends. What those held, which blocks lost
//! and how high a block without BIP 34 stands, the store finds out from all
//! files together, so files and blocks may come in any order.
//!
//! A block that contradicts itself (merkle root, proof of work, no coinbase) is
//! an error: it cannot be what the chain holds.

mod frames;
mod network;

use std::collections::HashSet;
use std::io::{BufRead, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use bitcoin::consensus::encode;
use bitcoin::hashes::Hash;
use bitcoin::{Block, BlockHash, Transaction, Txid};
use model::{
    Address, BitcoinNetwork, BlockFact, Chain, Fact, Input, Outpoint, Output, Timestamp, TxHash,
    TxId, UtxoTransaction,
};

use super::error::{ImportError, Place, Problem};
use super::run::Run;
use frames::{Frame, Frames};

/// What a node obfuscates its files with: byte `n` of a file by byte `n % 8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u8; 8]);

/// A block's weight is at most 4,000,000, and no byte weighs less than 1.
const BLOCK_BYTES_MAX: u64 = 4_000_000;

/// More than 21 million bitcoin cannot be in one output.
const SATOSHI_MAX: u64 = 21_000_000 * 100_000_000;

pub fn is_named_blk(path: &Path) -> bool {
    let name =
        path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.starts_with("blk") && name.ends_with(".dat")
}

pub fn is_named_key(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "xor.dat")
}

pub fn read_key(path: &Path) -> Result<Key, ImportError> {
    let name = path.display().to_string();
    let unreadable = |e| ImportError::unreadable(&name, e);
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .map_err(unreadable)?
        .take(9)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let key = bytes.try_into().map_err(|_| {
        ImportError::new(
            &name,
            None,
            None,
            Problem::other("expected an obfuscation key of 8 bytes"),
        )
    })?;
    Ok(Key(key))
}

pub fn import(
    reader: &mut dyn BufRead,
    is_framed: bool,
    run: &mut Run<'_>,
) -> Result<(), ImportError> {
    let unreadable = |e, run: &Run<'_>| ImportError::unreadable(&run.name, e);
    let mut head = Vec::new();
    (&mut *reader).take(4).read_to_end(&mut head).map_err(|e| unreadable(e, run))?;
    let key = run.key.unwrap_or(Key([0; 8]));
    let has_magic = frames::network(&head, key).is_some();
    let mut whole = Cursor::new(head).chain(reader);
    if is_framed || has_magic {
        return import_frames(Frames::new(&mut whole, key), run);
    }
    let mut bytes = Vec::new();
    whole.take(BLOCK_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| unreadable(e, run))?;
    if bytes.len() as u64 > BLOCK_BYTES_MAX {
        let what = "larger than a block can be; a blk file starts with its network's magic, which is not there";
        return Err(run.error(Some(Place::Byte(0)), None, Problem::other(what)));
    }
    let block = decode(&bytes, 0, run)?;
    let network = network::of_raw_block(&block, run)?;
    import_block(&block, network, 0, run)
}

fn import_frames(mut frames: Frames<'_>, run: &mut Run<'_>) -> Result<(), ImportError> {
    while let Some(frame) = frames.next(run)? {
        let Frame { network, offset, bytes } = frame;
        let chain = Chain::Bitcoin(network);
        if let Some(given) = run.options.chain.filter(|given| *given != chain) {
            let what =
                format!("the block's magic says {}, --chain says {}", chain.name(), given.name());
            return Err(run.error(Some(Place::Byte(offset)), None, Problem::other(what)));
        }
        let block = decode(&bytes, offset, run)?;
        import_block(&block, network, offset, run)?;
    }
    Ok(())
}

fn decode(bytes: &[u8], offset: u64, run: &Run<'_>) -> Result<Block, ImportError> {
    bitcoin::consensus::deserialize(bytes).map_err(|e| {
        let why = match e {
            encode::Error::Io(_) => "it ends too early".to_string(),
            e => e.to_string(),
        };
        run.error(Some(Place::Byte(offset)), None, Problem::other(format!("not a block: {why}")))
    })
}

fn import_block(
    block: &Block,
    network: BitcoinNetwork,
    offset: u64,
    run: &mut Run<'_>,
) -> Result<(), ImportError> {
    let hash = block_hash(block.block_hash());
    check(block, network).map_err(|what| {
        run.error(
            Some(Place::Byte(offset)),
            None,
            Problem::other(format!("block {hash:?}: {what}")),
        )
    })?;
    run.row();
    let chain = Chain::Bitcoin(network);
    let height = network::height(block, network);
    let time =
        Timestamp::from_second(i64::from(block.header.time)).unwrap_or(Timestamp::UNIX_EPOCH);
    let parent = block.header.prev_blockhash;
    run.state(Fact::Block(BlockFact {
        chain,
        hash: Some(hash),
        parent: (parent != BlockHash::all_zeros()).then(|| block_hash(parent)),
        height,
        time,
        work: Some(block.header.work().to_be_bytes()),
    }))?;
    for (index, tx) in (0u32..).zip(&block.txdata) {
        let mut tx = transaction(tx, chain, time);
        tx.height = height;
        tx.index = Some(index);
        tx.block = Some(hash);
        run.state(Fact::Utxo(tx))?;
    }
    Ok(())
}

fn transaction(tx: &Transaction, chain: Chain, time: Timestamp) -> UtxoTransaction {
    let is_coinbase = tx.is_coinbase();
    let spent = tx.input.iter().filter(|_| !is_coinbase).map(|input| Outpoint {
        tx: TxId { chain, hash: tx_hash(input.previous_output.txid) },
        index: input.previous_output.vout,
    });
    let created = tx.output.iter().map(|output| Output {
        address: Address::Bitcoin(Arc::from(output.script_pubkey.as_bytes())),
        value: output.value.to_sat(),
    });
    UtxoTransaction {
        id: TxId { chain, hash: tx_hash(tx.compute_txid()) },
        height: None,
        index: None,
        time,
        block: None,
        inputs: spent.map(|outpoint| Input { outpoint, previous: None }).collect(),
        outputs: created.collect(),
        is_coinbase,
    }
}

/// What every block of the chain satisfies and a damaged or invented one does not.
fn check(block: &Block, network: BitcoinNetwork) -> Result<(), String> {
    let header = &block.header;
    if header.target() > network::target_max(network) {
        return Err(format!(
            "its proof of work is less than {} allows",
            Chain::Bitcoin(network).name()
        ));
    }
    if header.validate_pow(header.target()).is_err() {
        return Err("its hash does not meet its own proof of work".to_string());
    }
    if !block.check_merkle_root() {
        return Err("its transactions are not those its merkle root commits to".to_string());
    }
    let coinbases = block.txdata.iter().filter(|tx| tx.is_coinbase()).count();
    if coinbases != 1 || !block.txdata.first().is_some_and(Transaction::is_coinbase) {
        return Err("its first transaction, and no other, must be a coinbase".to_string());
    }
    // Repeated transactions can leave the merkle root as it was (CVE-2012-2459).
    let mut seen = HashSet::new();
    if !block.txdata.iter().all(|tx| seen.insert(tx.compute_txid())) {
        return Err("it holds a transaction twice".to_string());
    }
    let mut outputs = block.txdata.iter().flat_map(|tx| &tx.output);
    if outputs.any(|output| output.value.to_sat() > SATOSHI_MAX) {
        return Err("an output holds more than all bitcoin".to_string());
    }
    Ok(())
}

/// Printed order is the reverse of what is hashed.
fn tx_hash(txid: Txid) -> TxHash {
    reversed(txid.to_byte_array())
}

fn block_hash(hash: BlockHash) -> TxHash {
    reversed(hash.to_byte_array())
}

fn reversed(mut bytes: [u8; 32]) -> TxHash {
    bytes.reverse();
    TxHash::new(&bytes)
}

#[cfg(test)]
mod tests;
