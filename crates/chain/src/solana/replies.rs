//! What a node's answers look like: `getBlock` with transactions in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::wire::not_json;
use crate::source::Lie;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    pub blockhash: String,
    pub previous_blockhash: String,
    pub parent_slot: u64,
    pub block_time: Option<i64>,
    /// Absent where they were not asked for.
    #[serde(default)]
    pub transactions: Vec<Tx>,
    #[serde(default)]
    pub rewards: Vec<Reward>,
}

/// What `getTransaction` gives: a transaction with its slot.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Single {
    pub slot: u64,
    pub block_time: Option<i64>,
    pub transaction: (String, String),
    pub meta: Option<Meta>,
}

#[derive(Deserialize)]
pub struct Tx {
    /// Bytes, and how they are written.
    pub transaction: (String, String),
    pub meta: Option<Meta>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    pub err: Option<serde_json::Value>,
    pub fee: u64,
    pub pre_balances: Vec<u64>,
    pub post_balances: Vec<u64>,
    /// Null where the node did not keep them.
    pub inner_instructions: Option<Vec<Inner>>,
    pub pre_token_balances: Option<Vec<TokenBalance>>,
    pub post_token_balances: Option<Vec<TokenBalance>>,
    pub loaded_addresses: Option<Loaded>,
}

#[derive(Deserialize)]
pub struct Inner {
    /// Of the instruction that called these.
    pub index: usize,
    pub instructions: Vec<Instruction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instruction {
    pub program_id_index: usize,
    pub accounts: Vec<usize>,
    /// Base58.
    pub data: String,
    /// 2 for what the transaction's instruction called, 3 below that.
    pub stack_height: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenBalance {
    pub account_index: usize,
    pub mint: String,
    pub owner: Option<String>,
    pub ui_token_amount: Amount,
}

#[derive(Deserialize)]
pub struct Amount {
    pub amount: String,
    pub decimals: u8,
}

#[derive(Deserialize)]
pub struct Loaded {
    pub writable: Vec<String>,
    pub readonly: Vec<String>,
}

#[derive(Deserialize)]
pub struct Reward {
    pub pubkey: String,
    /// Below zero: taken.
    pub lamports: i64,
}

pub fn block(text: &str) -> Result<Block, Lie> {
    serde_json::from_str(text).map_err(|e| not_json(&e))
}

pub fn single(text: &str) -> Result<Single, Lie> {
    serde_json::from_str(text).map_err(|e| not_json(&e))
}

impl Meta {
    pub fn has_failed(&self) -> bool {
        self.err.as_ref().is_some_and(|err| !err.is_null())
    }
}

impl Tx {
    pub fn bytes(&self) -> Result<Vec<u8>, Lie> {
        let (text, encoding) = &self.transaction;
        if encoding != "base64" {
            return Err(Lie::NotJson(format!("a transaction in {encoding:?}, expected base64")));
        }
        let bytes = STANDARD.decode(text);
        bytes.map_err(|_| Lie::NotJson("a transaction that is not base64".into()))
    }
}

/// A key or a hash.
pub fn key(text: &str) -> Result<[u8; 32], String> {
    let mut key = [0; 32];
    match bs58::decode(text).onto(&mut key) {
        Ok(32) => Ok(key),
        _ => Err(format!("{:?} is no key of 32 bytes", shortened(text))),
    }
}

/// An instruction's data. A transaction has 1232 bytes; what programs pass each
/// other may be longer.
pub fn data(text: &str) -> Result<Vec<u8>, String> {
    const TEXT_MAX: usize = 16 << 10;
    // Base58 takes the square of its length.
    if text.len() > TEXT_MAX {
        return Err(format!("instruction data of {} characters", text.len()));
    }
    bs58::decode(text).into_vec().map_err(|_| "instruction data that is not base58".to_string())
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(50).collect()
}
