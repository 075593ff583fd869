//! A node's answers about one block in, its facts out.
//!
//! Pure. The block is put together again from the answer and hashed: header,
//! transactions and witnesses are what the hash asked for commits to. What the
//! inputs held is not committed to; it must be of the outputs they spend, and no
//! transaction may make value out of nothing.

use std::collections::HashMap;

use bitcoin::block::Header;
use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::hashes::Hash;
use bitcoin::{
    Block, BlockHash, CompactTarget, ScriptBuf, Transaction, TxMerkleNode, Txid, block::Version,
};
use model::amount::parse_units;
use model::{BitcoinNetwork, Chain, Fact, Input, Oddity, Output, TxHash, UtxoTransaction};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::block::{self, Checked, SATOSHI_MAX};
use super::network::subsidy;
use crate::source::{self, BlockRef, Kind, Lie};

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub network: BitcoinNetwork,
    /// None where the newest block was asked for.
    pub height: Option<u64>,
    pub hash: BlockHash,
}

/// `getblock` and `getblockheader`: the latter has no transactions.
#[derive(Deserialize)]
struct BlockReply<'a> {
    hash: &'a str,
    height: u64,
    version: i32,
    merkleroot: &'a str,
    time: u32,
    nonce: u32,
    bits: &'a str,
    /// The first block of a chain has none.
    previousblockhash: Option<&'a str>,
    #[serde(borrow, default)]
    tx: Vec<TxReply<'a>>,
}

#[derive(Deserialize)]
struct TxReply<'a> {
    hex: &'a str,
    #[serde(borrow)]
    vin: Vec<VinReply<'a>>,
}

#[derive(Deserialize)]
struct VinReply<'a> {
    txid: Option<&'a str>,
    vout: Option<u32>,
    #[serde(borrow)]
    prevout: Option<OutputReply<'a>>,
}

/// An output as `getblock` and `gettxout` write it.
#[derive(Deserialize)]
pub struct OutputReply<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(rename = "scriptPubKey", borrow)]
    script: ScriptReply<'a>,
}

#[derive(Deserialize)]
struct ScriptReply<'a> {
    hex: &'a str,
}

/// A header by `getblockheader`.
pub fn header(reply: &str, asked: Asked) -> Result<BlockRef, Lie> {
    let reply: BlockReply<'_> = serde_json::from_str(reply).map_err(|e| not_json(&e))?;
    let header = reply.header(asked)?;
    block::check_header(&header, asked.network).map_err(|what| of_block(asked.hash, &what))?;
    Ok(block::place(&header, reply.height))
}

/// A block by `getblock` with previous outputs (verbosity 3).
pub fn whole(reply: &str, asked: Asked) -> Result<source::Block, Kind> {
    let (checked, reply) = read(reply, asked)?;
    let mut facts: Vec<Fact> = checked.facts(Some(reply.height)).collect();
    let txs = facts.iter_mut().filter_map(|fact| match fact {
        Fact::Utxo(tx) if !tx.is_coinbase => Some(tx),
        _ => None,
    });
    let spenders = checked.block.txdata.iter().zip(&reply.tx).skip(1);
    let mut before = HashMap::new();
    remember(&mut before, &checked, 0);
    for ((at, tx), (raw, told)) in (1..).zip(txs).zip(spenders) {
        let previous = previous_outputs(raw, &told.vin).map_err(|what| of_tx(tx, what))?;
        let Some(previous) = previous else {
            let what = "getblock with previous outputs: Bitcoin Core 23 or later has it, and keeps \
                        them with the blocks it has not pruned";
            return Err(Kind::NoMethod(what.into()));
        };
        let mut claims = tx.inputs.iter().zip(&previous);
        claims
            .try_for_each(|(input, told)| is_what_the_block_made(&before, input, told))
            .map_err(|what| of_tx(tx, what))?;
        for (input, output) in tx.inputs.iter_mut().zip(previous) {
            input.previous = Some(output);
        }
        remember(&mut before, &checked, at);
    }
    facts.extend(conserve(&facts, reply.height, asked.network)?.map(Fact::Oddity));
    Ok(source::Block { at: block::place(&checked.block.header, reply.height), facts })
}

/// A block by `getblock` with transactions alone (verbosity 2).
pub fn without_previous(reply: &str, asked: Asked) -> Result<source::Block, Lie> {
    let (checked, reply) = read(reply, asked)?;
    Ok(stated(&checked, reply.height))
}

/// A raw block (verbosity 0): the quickest, where what inputs spend is known
/// from the blocks before.
pub fn raw(hex: &str, asked: Asked) -> Result<source::Block, Lie> {
    let checked = raw_checked(hex, asked)?;
    let height = asked.height.unwrap_or_default();
    if let Some(given) = checked.stated_height().filter(|given| *given != height) {
        return Err(Lie::WrongHeight { asked: height, given });
    }
    Ok(stated(&checked, height))
}

/// As [`raw`], without its place in the chain.
pub fn raw_checked(hex: &str, asked: Asked) -> Result<Checked, Lie> {
    let block: Block =
        deserialize_hex(hex).map_err(|e| of_block(asked.hash, &format!("not a block: {e}")))?;
    is_asked_for(&block.header, asked.hash)?;
    Checked::new(block, asked.network).map_err(|what| of_block(asked.hash, &what))
}

/// A transaction by `getrawtransaction` without details.
pub fn transaction(hex: &str, asked: Txid) -> Result<Transaction, Lie> {
    let tx = hex_tx(hex)?;
    let computed = tx.compute_txid();
    if computed != asked {
        let (stated, computed) = (asked.to_string(), computed.to_string());
        return Err(Lie::WrongTransactionHash { stated, computed });
    }
    Ok(tx)
}

impl OutputReply<'_> {
    pub fn read(&self) -> Result<Output, String> {
        let script = ScriptBuf::from_hex(self.script.hex)
            .map_err(|e| format!("the script of an output is no hex: {e}"))?;
        Ok(block::output(&script, satoshi(self.value.get())?))
    }
}

impl BlockReply<'_> {
    /// The header the answer describes, which must be the one asked for.
    fn header(&self, asked: Asked) -> Result<Header, Lie> {
        if self.hash.parse() != Ok(asked.hash) {
            let (asked, given) = (asked.hash.to_string(), self.hash.to_string());
            return Err(Lie::WrongBlock { asked, given });
        }
        if let Some(height) = asked.height.filter(|height| *height != self.height) {
            return Err(Lie::WrongHeight { asked: height, given: self.height });
        }
        let parent = match self.previousblockhash {
            Some(hash) => hash.parse().map_err(|_| wrong_text("previousblockhash", hash))?,
            None => BlockHash::all_zeros(),
        };
        let root: TxMerkleNode =
            self.merkleroot.parse().map_err(|_| wrong_text("merkleroot", self.merkleroot))?;
        let bits = CompactTarget::from_unprefixed_hex(self.bits)
            .map_err(|_| wrong_text("bits", self.bits))?;
        let header = Header {
            version: Version::from_consensus(self.version),
            prev_blockhash: parent,
            merkle_root: root,
            time: self.time,
            bits,
            nonce: self.nonce,
        };
        is_asked_for(&header, asked.hash)?;
        Ok(header)
    }
}

fn read<'a>(reply: &'a str, asked: Asked) -> Result<(Checked, BlockReply<'a>), Lie> {
    let reply: BlockReply<'a> = serde_json::from_str(reply).map_err(|e| not_json(&e))?;
    let header = reply.header(asked)?;
    let txdata = reply.tx.iter().map(|tx| hex_tx(tx.hex)).collect::<Result<Vec<_>, Lie>>()?;
    let checked = Checked::new(Block { header, txdata }, asked.network)
        .map_err(|what| of_block(asked.hash, &what))?;
    if let Some(given) = checked.stated_height().filter(|given| *given != reply.height) {
        return Err(Lie::WrongHeight { asked: reply.height, given });
    }
    Ok((checked, reply))
}

fn stated(checked: &Checked, height: u64) -> source::Block {
    source::Block {
        at: block::place(&checked.block.header, height),
        facts: checked.facts(Some(height)).collect(),
    }
}

/// What the inputs held; none where the answer does not tell it of any.
fn previous_outputs(
    tx: &Transaction,
    told: &[VinReply<'_>],
) -> Result<Option<Vec<Output>>, String> {
    if told.len() != tx.input.len() {
        return Err(format!("{} inputs told of, it has {}", told.len(), tx.input.len()));
    }
    if told.iter().all(|vin| vin.prevout.is_none()) {
        return Ok(None);
    }
    let mut outputs = Vec::with_capacity(told.len());
    for (n, (vin, input)) in told.iter().zip(&tx.input).enumerate() {
        let spent = input.previous_output;
        let is_of =
            vin.txid == Some(spent.txid.to_string().as_str()) && vin.vout == Some(spent.vout);
        if !is_of {
            return Err(format!("input {n} spends {spent}, another output is told of"));
        }
        let Some(previous) = &vin.prevout else {
            return Err(format!("what input {n} spends is not told, of other inputs it is"));
        };
        outputs.push(previous.read().map_err(|what| format!("input {n}: {what}"))?);
    }
    Ok(Some(outputs))
}

fn remember<'a>(before: &mut HashMap<TxHash, &'a Transaction>, block: &'a Checked, at: usize) {
    if let (Some(txid), Some(tx)) = (block.txids().get(at), block.block.txdata.get(at)) {
        before.insert(block::tx_hash(*txid), tx);
    }
}

/// An output of the same block is known, so nothing else can be told of it.
fn is_what_the_block_made(
    before: &HashMap<TxHash, &Transaction>,
    input: &Input,
    told: &Output,
) -> Result<(), String> {
    let Some(tx) = before.get(&input.outpoint.tx.hash) else { return Ok(()) };
    let made = usize::try_from(input.outpoint.index).ok().and_then(|index| tx.output.get(index));
    let is_told =
        made.is_some_and(|made| *told == block::output(&made.script_pubkey, made.value.to_sat()));
    if !is_told {
        return Err(format!(
            "what is told of {} is not what this block made there",
            input.outpoint
        ));
    }
    Ok(())
}

/// No transaction makes value, and the miner takes no more than new coins and
/// fees. What a miner left behind is lost, which is worth a word.
fn conserve(facts: &[Fact], height: u64, network: BitcoinNetwork) -> Result<Option<Oddity>, Lie> {
    let mut fees = u128::from(subsidy(height, network));
    let mut coinbase = None;
    for fact in facts {
        let Fact::Utxo(tx) = fact else { continue };
        if tx.is_coinbase {
            coinbase = Some(tx);
            continue;
        }
        let Some(fee) = tx.fee() else {
            let what = format!(
                "its outputs hold {} satoshi, its inputs {}",
                tx.value_out(),
                tx.value_in().unwrap_or_default()
            );
            return Err(of_tx(tx, what));
        };
        fees += u128::try_from(fee).map_err(|_| of_tx(tx, format!("a fee of {fee} satoshi")))?;
    }
    let Some(coinbase) = coinbase else { return Ok(None) };
    let taken: u128 = coinbase.outputs.iter().map(|output| u128::from(output.value)).sum();
    if taken > fees {
        let what = format!("the miner takes {taken} satoshi, new coins and fees are {fees}");
        return Err(of_tx(coinbase, what));
    }
    Ok((taken < fees).then(|| Oddity {
        at: format!("{} block {height}: {}", Chain::Bitcoin(network).name(), coinbase.id),
        what: format!(
            "the miner left {} satoshi of new coins and fees: they are lost",
            fees - taken
        ),
        transfer: None,
    }))
}

/// Whole bitcoins in decimal, exactly.
fn satoshi(text: &str) -> Result<u64, String> {
    let value = parse_units(text, 8).map_err(|e| e.to_string())?;
    u64::try_from(value)
        .ok()
        .filter(|value| *value <= SATOSHI_MAX)
        .ok_or_else(|| format!("an output of {text} bitcoin: more than there can be"))
}

fn is_asked_for(header: &Header, asked: BlockHash) -> Result<(), Lie> {
    let computed = header.block_hash();
    if computed == asked {
        return Ok(());
    }
    Err(Lie::WrongHash { stated: asked.to_string(), computed: computed.to_string() })
}

fn hex_tx(hex: &str) -> Result<Transaction, Lie> {
    deserialize_hex(hex).map_err(|e| Lie::Impossible(format!("not a transaction: {e}")))
}

fn of_block(hash: BlockHash, what: &str) -> Lie {
    Lie::Impossible(format!("block {hash}: {what}"))
}

fn of_tx(tx: &UtxoTransaction, what: impl Into<String>) -> Lie {
    Lie::Transaction { tx: tx.id.hash_text(), what: what.into() }
}

fn wrong_text(field: &str, text: &str) -> Lie {
    Lie::NotJson(format!("field {field}: {text:?} cannot stand there"))
}

pub fn not_json(error: &serde_json::Error) -> Lie {
    Lie::NotJson(error.to_string())
}

#[cfg(test)]
mod tests;
