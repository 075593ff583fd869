//! What a node's answers look like. Bytes are hex, as without `"visible": true`.

use model::hex;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::wire::not_json;
use crate::source::Lie;

/// A node's answers about one block.
#[derive(Clone, Copy, Debug)]
pub struct Replies<'a> {
    /// `wallet/getblockbynum`.
    pub block: &'a str,
    /// `wallet/gettransactioninfobyblocknum`.
    pub infos: &'a str,
}

/// Empty where there is no such block.
#[derive(Deserialize)]
pub struct Block<'a> {
    #[serde(rename = "blockID")]
    pub id: Option<String>,
    pub block_header: Option<BlockHeader>,
    #[serde(default, borrow)]
    pub transactions: Vec<Tx<'a>>,
}

#[derive(Deserialize)]
pub struct BlockHeader {
    pub raw_data: Header,
}

#[derive(Deserialize)]
pub struct Header {
    #[serde(default)]
    pub timestamp: i64,
    #[serde(default, rename = "txTrieRoot")]
    pub tx_trie_root: String,
    #[serde(default, rename = "parentHash")]
    pub parent_hash: String,
    #[serde(default)]
    pub number: i64,
    #[serde(default)]
    pub witness_id: i64,
    #[serde(default)]
    pub witness_address: String,
    #[serde(default)]
    pub version: i32,
    #[serde(default, rename = "accountStateRoot")]
    pub account_state_root: String,
}

#[derive(Deserialize)]
pub struct Tx<'a> {
    #[serde(rename = "txID")]
    pub id: String,
    pub raw_data_hex: String,
    #[serde(default)]
    pub signature: Vec<String>,
    #[serde(default)]
    pub ret: Vec<serde_json::Map<String, serde_json::Value>>,
    /// The bytes above once more, as JSON.
    #[serde(borrow)]
    pub raw_data: Option<&'a RawValue>,
}

/// What of the JSON could be taken for what the bytes say.
#[derive(Default, Deserialize)]
pub struct Said {
    pub owner_address: Option<String>,
    pub to_address: Option<String>,
    pub contract_address: Option<String>,
    pub amount: Option<i64>,
    pub call_value: Option<i64>,
}

#[derive(Deserialize)]
struct SaidRaw {
    #[serde(default)]
    contract: Vec<SaidContract>,
}

#[derive(Deserialize)]
struct SaidContract {
    #[serde(rename = "type")]
    kind: Option<String>,
    parameter: Option<SaidParameter>,
}

#[derive(Deserialize)]
struct SaidParameter {
    value: Option<Said>,
}

/// The answers about one transaction: `TransactionInfo`.
#[derive(Deserialize)]
pub struct Info {
    pub id: String,
    /// In sun: all parts together.
    #[serde(default)]
    pub fee: i64,
    #[serde(rename = "blockNumber")]
    pub block_number: Option<u64>,
    #[serde(rename = "blockTimeStamp")]
    pub block_time: Option<i64>,
    pub contract_address: Option<String>,
    /// `FAILED`, or not there.
    pub result: Option<String>,
    #[serde(default)]
    pub receipt: Receipt,
    #[serde(default)]
    pub log: Vec<Log>,
    #[serde(default)]
    pub internal_transactions: Vec<Internal>,
    #[serde(default)]
    pub withdraw_amount: i64,
    #[serde(rename = "assetIssueID")]
    pub asset_issue_id: Option<String>,
}

#[derive(Default, Deserialize)]
pub struct Receipt {
    #[serde(default)]
    pub energy_fee: i64,
    #[serde(default)]
    pub net_fee: i64,
    pub result: Option<String>,
}

#[derive(Deserialize)]
pub struct Log {
    /// Twenty bytes: without 41.
    pub address: String,
    #[serde(default)]
    pub topics: Vec<String>,
    #[serde(default)]
    pub data: String,
}

#[derive(Deserialize)]
pub struct Internal {
    #[serde(default)]
    pub caller_address: String,
    #[serde(default, rename = "transferTo_address")]
    pub to_address: String,
    #[serde(default, rename = "callValueInfo")]
    pub values: Vec<CallValue>,
    /// In hex: `call`, `create`, `suicide` and others.
    #[serde(default)]
    pub note: String,
    #[serde(default)]
    pub rejected: bool,
}

#[derive(Deserialize)]
pub struct CallValue {
    #[serde(default, rename = "callValue")]
    pub value: i64,
    /// None and empty: TRX.
    #[serde(rename = "tokenId")]
    pub token: Option<String>,
}

pub fn block(text: &str) -> Result<Block<'_>, Lie> {
    serde_json::from_str(text).map_err(|e| not_json(&e))
}

/// Nodes say `{}` where they mean an empty list.
pub fn infos(text: &str) -> Result<Vec<Info>, Lie> {
    if text.trim() == "{}" {
        return Ok(Vec::new());
    }
    serde_json::from_str(text).map_err(|e| not_json(&e))
}

impl Tx<'_> {
    /// Kind and values of its contract as the JSON has them.
    pub fn said(&self) -> Result<(Option<String>, Said), Lie> {
        let Some(raw) = self.raw_data else { return Ok((None, Said::default())) };
        let raw: SaidRaw = serde_json::from_str(raw.get()).map_err(|e| not_json(&e))?;
        let Some(contract) = raw.contract.into_iter().next() else {
            return Ok((None, Said::default()));
        };
        let said = contract.parameter.and_then(|parameter| parameter.value).unwrap_or_default();
        Ok((contract.kind, said))
    }
}

pub fn bytes(text: &str, what: &str) -> Result<Vec<u8>, Lie> {
    hex::decode(text).ok_or_else(|| Lie::NotJson(format!("{what}: expected bytes in hex")))
}

pub fn hash(text: &str, what: &str) -> Result<[u8; 32], Lie> {
    let bytes = bytes(text, what)?;
    bytes.try_into().map_err(|_| Lie::NotJson(format!("{what}: expected 32 bytes in hex")))
}

/// Twenty bytes behind 41.
pub fn address(bytes: &[u8]) -> Option<[u8; 20]> {
    let (first, rest) = bytes.split_first()?;
    (*first == 0x41).then(|| rest.try_into().ok()).flatten()
}

pub fn address_of(text: &str) -> Option<[u8; 20]> {
    address(&hex::decode(text)?)
}
