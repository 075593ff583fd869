//! Is what a node says of a block one piece?
//!
//! The block's id is recomputed from its header, each transaction's id from its
//! bytes, the header's root from all transactions. What a transaction caused
//! (fee, events, internal transactions) is under no root on Tron: there only
//! number, order, height, time and outcome can be held against the block.

use std::collections::HashMap;

use model::{Timestamp, TxHash, hex};
use prost::Message;
use sha2::{Digest, Sha256};

use super::proto;
use super::replies::{self, Block, Info, Tx};
use crate::source::{BlockRef, Lie};

/// What of a block is recomputed.
#[derive(Clone, Copy, Debug)]
pub struct Checks {
    /// The ids of the block and its transactions. Only a fuzzer, which finds no
    /// hash, does without.
    pub ids: bool,
    /// The header's root of the transactions.
    pub root: bool,
}

impl Default for Checks {
    fn default() -> Checks {
        Checks { ids: true, root: true }
    }
}

/// A transaction whose id is that of its bytes.
pub struct Checked {
    pub id: [u8; 32],
    pub kind: i32,
    /// The contract's own bytes.
    pub value: Vec<u8>,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Moved,
    Failed,
    /// The block says nothing: before contracts there was nothing to say.
    Unsaid,
}

/// The header's place, after its id was recomputed.
pub fn header(block: &Block<'_>, asked: Option<u64>, checks: Checks) -> Result<BlockRef, Lie> {
    let missing = |what: &str| Lie::NotJson(format!("missing field `{what}`"));
    let said = &block.block_header.as_ref().ok_or_else(|| missing("block_header"))?.raw_data;
    let stated = block.id.as_deref().ok_or_else(|| missing("blockID"))?;
    let height = u64::try_from(said.number)
        .map_err(|_| Lie::Impossible(format!("a height of {}", said.number)))?;
    if let Some(asked) = asked.filter(|asked| *asked != height) {
        return Err(Lie::WrongHeight { asked, given: height });
    }
    let message = proto::Header {
        timestamp: said.timestamp,
        tx_trie_root: replies::bytes(&said.tx_trie_root, "txTrieRoot")?,
        parent_hash: replies::hash(&said.parent_hash, "parentHash")?.to_vec(),
        number: said.number,
        witness_id: said.witness_id,
        witness_address: replies::bytes(&said.witness_address, "witness_address")?,
        version: said.version,
        account_state_root: replies::bytes(&said.account_state_root, "accountStateRoot")?,
    };
    let mut id: [u8; 32] = Sha256::digest(message.encode_to_vec()).into();
    id[..8].copy_from_slice(&height.to_be_bytes());
    let given = replies::hash(stated, "blockID")?;
    if !checks.ids {
        id = given;
    } else if given != id {
        return Err(Lie::WrongHash { stated: stated.into(), computed: hex::encode(&id) });
    }
    let parent = message.parent_hash;
    if height > 0 && parent[..8] != (height - 1).to_be_bytes() {
        let expected = format!("one of height {}", height - 1);
        return Err(Lie::WrongParent { height, stated: hex::encode(&parent), expected });
    }
    let time = Timestamp::from_millisecond(said.timestamp)
        .map_err(|_| Lie::Impossible(format!("a time of {}", said.timestamp)))?;
    Ok(BlockRef { height, hash: TxHash::new(&id), parent: TxHash::new(&parent), time })
}

pub fn transactions(block: &Block<'_>, checks: Checks) -> Result<Vec<Checked>, Lie> {
    block.transactions.iter().map(|tx| transaction(tx, checks)).collect()
}

fn transaction(tx: &Tx<'_>, checks: Checks) -> Result<Checked, Lie> {
    let lie = |what: &str| Lie::Transaction { tx: tx.id.clone(), what: what.into() };
    let raw = replies::bytes(&tx.raw_data_hex, "raw_data_hex")?;
    let mut id: [u8; 32] = Sha256::digest(&raw).into();
    let given = replies::hash(&tx.id, "txID")?;
    if !checks.ids {
        id = given;
    } else if given != id {
        let computed = hex::encode(&id);
        return Err(Lie::WrongTransactionHash { stated: tx.id.clone(), computed });
    }
    let raw = proto::Raw::decode(&raw[..]).map_err(|_| lie("its bytes are no transaction"))?;
    let [contract] = raw.contract.try_into().map_err(|_| lie("it has not one contract"))?;
    let proto::Contract { kind, parameter } = contract;
    let value = parameter.unwrap_or_default().value;
    let checked = Checked { id, kind, value, outcome: outcome(tx) };
    let agrees = super::contracts::agree(&checked, &tx.said()?);
    agrees.map_err(|what| lie(&format!("raw_data is not what raw_data_hex says: {what}")))?;
    Ok(checked)
}

fn outcome(tx: &Tx<'_>) -> Outcome {
    let said = tx.ret.first().and_then(|ret| ret.get("contractRet")).and_then(|ret| ret.as_str());
    match said {
        Some("SUCCESS") => Outcome::Moved,
        None | Some("DEFAULT") => Outcome::Unsaid,
        Some(_) => Outcome::Failed,
    }
}

/// Does the header's root cover these transactions and no others?
pub fn root(block: &Block<'_>) -> Result<(), Lie> {
    let Some(header) = &block.block_header else { return Ok(()) };
    let mut leaves = Vec::with_capacity(block.transactions.len());
    for tx in &block.transactions {
        // A result in words not known here cannot be encoded, and so not be checked.
        let Some(leaf) = leaf(tx)? else { return Ok(()) };
        leaves.push(leaf);
    }
    let stated = &header.raw_data.tx_trie_root;
    let computed = tree(leaves);
    if replies::bytes(stated, "txTrieRoot")? != computed {
        let computed = hex::encode(&computed);
        return Err(Lie::WrongRoot { what: "transactions", stated: stated.clone(), computed });
    }
    Ok(())
}

fn leaf(tx: &Tx<'_>) -> Result<Option<[u8; 32]>, Lie> {
    let signature = tx.signature.iter().map(|text| replies::bytes(text, "signature"));
    let Some(ret) = tx.ret.iter().map(ret).collect::<Option<Vec<proto::Ret>>>() else {
        return Ok(None);
    };
    let whole = proto::Transaction {
        raw: replies::bytes(&tx.raw_data_hex, "raw_data_hex")?,
        signature: signature.collect::<Result<_, _>>()?,
        ret,
    };
    Ok(Some(Sha256::digest(whole.encode_to_vec()).into()))
}

fn ret(said: &serde_json::Map<String, serde_json::Value>) -> Option<proto::Ret> {
    let mut ret = proto::Ret::default();
    for (name, value) in said {
        match name.as_str() {
            "fee" => ret.fee = value.as_i64()?,
            "ret" => ret.code = place(&["SUCESS", "FAILED"], value.as_str()?)?,
            "contractRet" => ret.contract_ret = place(CONTRACT_RESULTS, value.as_str()?)?,
            _ => return None,
        }
    }
    Some(ret)
}

fn place(names: &[&str], name: &str) -> Option<i32> {
    names.iter().position(|known| *known == name).and_then(|at| i32::try_from(at).ok())
}

/// `Transaction.Result.contractResult`, in its order.
const CONTRACT_RESULTS: &[&str] = &[
    "DEFAULT",
    "SUCCESS",
    "REVERT",
    "BAD_JUMP_DESTINATION",
    "OUT_OF_MEMORY",
    "PRECOMPILED_CONTRACT",
    "STACK_TOO_SMALL",
    "STACK_TOO_LARGE",
    "ILLEGAL_OPERATION",
    "STACK_OVERFLOW",
    "OUT_OF_ENERGY",
    "OUT_OF_TIME",
    "JVM_STACK_OVER_FLOW",
    "UNKNOWN",
    "TRANSFER_FAILED",
    "INVALID_CODE",
];

/// Pairs are hashed together; one without a partner moves up as it is.
fn tree(mut row: Vec<[u8; 32]>) -> [u8; 32] {
    while row.len() > 1 {
        let pair = |pair: &[[u8; 32]]| match pair {
            [left, right] => Sha256::digest([*left, *right].concat()).into(),
            _ => pair[0],
        };
        row = row.chunks(2).map(pair).collect();
    }
    row.first().copied().unwrap_or_default()
}

/// Each transaction's answers, in the order of the transactions.
pub fn infos(at: &BlockRef, txs: &[Checked], infos: Vec<Info>) -> Result<Vec<Info>, Lie> {
    if infos.len() != txs.len() {
        return Err(Lie::ReceiptCount { transactions: txs.len(), receipts: infos.len() });
    }
    let mut by_id = HashMap::with_capacity(infos.len());
    for info in infos {
        belongs(at, &info)?;
        by_id.insert(replies::hash(&info.id, "id")?, info);
    }
    let mut ordered = Vec::with_capacity(txs.len());
    for (index, tx) in txs.iter().enumerate() {
        let info = by_id.remove(&tx.id).ok_or_else(|| Lie::ReceiptOrder {
            index,
            expected: hex::encode(&tx.id),
            found: "none of it".into(),
        })?;
        agrees(tx, &info)?;
        ordered.push(info);
    }
    Ok(ordered)
}

fn belongs(at: &BlockRef, info: &Info) -> Result<(), Lie> {
    if let Some(given) = info.block_number.filter(|height| *height != at.height) {
        return Err(Lie::WrongHeight { asked: at.height, given });
    }
    if info.block_time.is_some_and(|time| time != at.time.as_millisecond()) {
        let what = "its time is not that of its block".into();
        return Err(Lie::Transaction { tx: info.id.clone(), what });
    }
    Ok(())
}

/// Did it fail, by the block and by what is said of it?
fn agrees(tx: &Checked, info: &Info) -> Result<(), Lie> {
    let has_failed = has_failed(info);
    let agree = match tx.outcome {
        Outcome::Moved => !has_failed,
        Outcome::Failed => has_failed,
        Outcome::Unsaid => true,
    };
    if agree {
        return Ok(());
    }
    let what = "the block says otherwise than its answers whether it failed".into();
    Err(Lie::Transaction { tx: info.id.clone(), what })
}

pub fn has_failed(info: &Info) -> bool {
    let receipt = info.receipt.result.as_deref();
    info.result.as_deref() == Some("FAILED")
        || receipt.is_some_and(|result| !matches!(result, "SUCCESS" | "DEFAULT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: u8) -> Vec<[u8; 32]> {
        (0..n).map(|n| [n; 32]).collect()
    }

    fn pair(left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
        Sha256::digest([left, right].concat()).into()
    }

    #[test]
    fn a_leaf_without_partner_moves_up_as_it_is() {
        let [a, b, c, d, e] = leaves(5).try_into().expect("five");
        assert_eq!(tree(vec![]), [0; 32]);
        assert_eq!(tree(leaves(1)), a);
        assert_eq!(tree(leaves(2)), pair(a, b));
        assert_eq!(tree(leaves(3)), pair(pair(a, b), c));
        assert_eq!(tree(leaves(5)), pair(pair(pair(a, b), pair(c, d)), e));
    }
}
