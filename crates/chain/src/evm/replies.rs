//! What a node's answers look like, as far as they are read.
//!
//! The header and the transactions are read twice: here for what is stated of
//! them, and by alloy's types for the bytes that hash to what the chain commits to.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::wire::not_json;
use crate::source::Lie;

/// The answers of one node about one block, as JSON text.
#[derive(Clone, Copy, Debug)]
pub struct Replies<'a> {
    /// `eth_getBlockByNumber`, with whole transactions.
    pub block: &'a str,
    pub receipts: Receipts<'a>,
    pub traces: Traces<'a>,
}

#[derive(Clone, Copy, Debug)]
pub enum Receipts<'a> {
    /// `eth_getBlockReceipts`.
    Block(&'a str),
    /// `eth_getTransactionReceipt`, in the order of the block.
    Each(&'a [String]),
}

#[derive(Clone, Copy, Debug)]
pub enum Traces<'a> {
    None,
    /// `trace_block`.
    Flat(&'a str),
    /// `debug_traceBlockByHash` with the `callTracer`.
    Nested(&'a str),
}

/// A block with its transactions still as text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Body<'a> {
    pub hash: B256,
    #[serde(borrow)]
    pub transactions: Vec<&'a RawValue>,
    #[serde(default)]
    pub withdrawals: Option<Vec<alloy_eips::eip4895::Withdrawal>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tx {
    pub hash: B256,
    pub block_hash: Option<B256>,
    pub transaction_index: Option<U64>,
    #[serde(rename = "type", default)]
    pub kind: Option<U64>,
    pub from: Address,
    pub to: Option<Address>,
    pub value: U256,
    pub nonce: U64,
    pub gas_price: Option<U256>,
    pub max_fee_per_gas: Option<U256>,
    /// Of a deposit on an OP-stack rollup: what it brings from Ethereum.
    pub mint: Option<U256>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    pub transaction_hash: B256,
    pub transaction_index: U64,
    pub block_hash: B256,
    #[serde(rename = "type", default)]
    pub kind: Option<U64>,
    /// None before Byzantium.
    #[serde(default)]
    pub status: Option<U64>,
    /// Instead of a status before Byzantium, where the node still has it.
    #[serde(default)]
    pub root: Option<Bytes>,
    pub cumulative_gas_used: U64,
    pub gas_used: U64,
    #[serde(default)]
    pub effective_gas_price: Option<U256>,
    #[serde(default)]
    pub blob_gas_used: Option<U64>,
    #[serde(default)]
    pub blob_gas_price: Option<U256>,
    /// What a rollup takes for posting the transaction to Ethereum.
    #[serde(default)]
    pub l1_fee: Option<U256>,
    /// What it takes beside, for a unit of gas and for each transaction.
    #[serde(default)]
    pub operator_fee_scalar: Option<U256>,
    #[serde(default)]
    pub operator_fee_constant: Option<U256>,
    #[serde(default)]
    pub contract_address: Option<Address>,
    pub logs: Vec<Log>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    pub address: Address,
    pub topics: Vec<B256>,
    pub data: Bytes,
    pub log_index: U64,
    pub transaction_hash: B256,
    pub block_hash: B256,
    #[serde(default)]
    pub removed: bool,
}

pub fn header(block: &str) -> Result<Header, Lie> {
    serde_json::from_str(block).map_err(|e| not_json(&e))
}

/// The hash a header says it has.
pub fn stated_hash(block: &str) -> Result<B256, Lie> {
    #[derive(Deserialize)]
    struct Stated {
        hash: B256,
    }
    let stated: Stated = serde_json::from_str(block).map_err(|e| not_json(&e))?;
    Ok(stated.hash)
}

pub fn body(block: &str) -> Result<Body<'_>, Lie> {
    serde_json::from_str(block).map_err(|e| not_json(&e))
}

pub fn transactions(body: &Body<'_>) -> Result<Vec<Tx>, Lie> {
    let read = |raw: &&RawValue| serde_json::from_str(raw.get()).map_err(|e| not_json(&e));
    body.transactions.iter().map(read).collect()
}

pub fn receipts(replies: Receipts<'_>) -> Result<Vec<Receipt>, Lie> {
    match replies {
        Receipts::Block(text) => serde_json::from_str(text).map_err(|e| not_json(&e)),
        Receipts::Each(texts) => {
            texts.iter().map(|text| serde_json::from_str(text).map_err(|e| not_json(&e))).collect()
        }
    }
}
