//! Do a node's answers fit together, and with what the chain commits to?
//!
//! A header's hash covers everything in it; its roots cover the transactions,
//! the receipts with their events, and the withdrawals. So an event cannot be
//! made up without making up a header. What no root covers is the node's word:
//! who signed (not recomputed: a hundred signatures cost more than the rest of
//! a block), the price of gas paid (bounded by what was offered), and traces
//! (held against transactions and receipts).

use alloy_consensus::proofs::{calculate_withdrawals_root, ordered_trie_root_with_encoder};
use alloy_consensus::{EthereumTxEnvelope, Header, TxEip4844};
use alloy_eips::Encodable2718;
use alloy_primitives::{B256, Bloom, Log as PlainLog, LogData, U64, keccak256, logs_bloom};
use alloy_rlp::{BufMut, Encodable};
use model::TxHash;
use serde_json::value::RawValue;

use super::replies::{Body, Receipt, Tx};
use super::rules::{Fees, Rules};
use super::wire::not_json;
use crate::source::Lie;

type Envelope = EthereumTxEnvelope<TxEip4844>;

/// The transactions Ethereum knows (EIP-2718 types 0 to 4). Others are some
/// rollup's own, whose bytes are not known here: a block with one of them is
/// held against its roots only as far as it goes without.
const KNOWN_TYPE_MAX: u64 = 4;

pub fn tx_hash(hash: B256) -> TxHash {
    TxHash::new(hash.as_slice())
}

/// As errors name it.
fn shown(hash: B256) -> String {
    hash.to_string()
}

impl Tx {
    pub fn is_known(&self) -> bool {
        is_known(self.kind)
    }

    /// What a chain does to itself, signed by nobody: Polygon's state sync. No
    /// fee is paid for it, and not every node traces it.
    pub fn is_system(&self) -> bool {
        self.from.is_zero() && self.to.is_some_and(|to| to.is_zero()) && self.value.is_zero()
    }
}

fn is_known(kind: Option<U64>) -> bool {
    kind.is_none_or(|kind| kind.to::<u64>() <= KNOWN_TYPE_MAX)
}

/// The header is the one asked for, and hashes to what it says.
pub fn header(header: &Header, stated: B256, height: u64, recompute: bool) -> Result<(), Lie> {
    if header.number != height {
        return Err(Lie::WrongHeight { asked: height, given: header.number });
    }
    let computed = header.hash_slow();
    if recompute && computed != stated {
        return Err(Lie::WrongHash { stated: shown(stated), computed: shown(computed) });
    }
    Ok(())
}

/// Transactions stand where they say, hash to what they say, and are all.
pub fn transactions(
    header: &Header,
    body: &Body<'_>,
    txs: &[Tx],
    has_roots: bool,
) -> Result<(), Lie> {
    let mut encoded = Vec::with_capacity(txs.len());
    for (at, (tx, raw)) in txs.iter().zip(&body.transactions).enumerate() {
        if tx.block_hash.is_some_and(|of| of != body.hash) {
            return Err(wrong_block(body.hash, tx.block_hash.unwrap_or_default()));
        }
        if tx.transaction_index.is_some_and(|index| index.to::<u64>() != at as u64) {
            let what = "says another index than its place in the block".into();
            return Err(Lie::Transaction { tx: shown(tx.hash), what });
        }
        if !tx.is_known() {
            continue;
        }
        encoded.push(encode(raw, tx.hash, has_roots)?);
    }
    if !has_roots || encoded.len() != txs.len() {
        return Ok(());
    }
    let computed = ordered_trie_root_with_encoder(&encoded, |bytes, out| {
        out.extend_from_slice(bytes);
    });
    root("transactions", header.transactions_root, computed)
}

/// A transaction alone hashes to what it says, where its type is known.
pub fn hashes_to(
    raw: &RawValue,
    kind: Option<U64>,
    stated: B256,
    recompute: bool,
) -> Result<(), Lie> {
    match is_known(kind) {
        true => encode(raw, stated, recompute).map(drop),
        false => Ok(()),
    }
}

/// The bytes that are hashed.
fn encode(raw: &RawValue, stated: B256, recompute: bool) -> Result<Vec<u8>, Lie> {
    let envelope: Envelope = serde_json::from_str(raw.get()).map_err(|e| not_json(&e))?;
    let bytes = envelope.encoded_2718();
    let computed = keccak256(&bytes);
    if recompute && computed != stated {
        let (stated, computed) = (shown(stated), shown(computed));
        return Err(Lie::WrongTransactionHash { stated, computed });
    }
    Ok(bytes)
}

pub fn withdrawals(header: &Header, body: &Body<'_>, rules: &Rules) -> Result<(), Lie> {
    let list = body.withdrawals.as_deref().unwrap_or_default();
    let Some(stated) = header.withdrawals_root else {
        return match list {
            [] => Ok(()),
            _ => Err(Lie::Impossible("withdrawals in a block whose header has none".into())),
        };
    };
    // Rollups have no withdrawals of this kind, and keep another root in this place.
    let is_plain = !list.is_empty() || rules.fees == Fees::Producer;
    if rules.has_roots && is_plain {
        return root("withdrawals", stated, calculate_withdrawals_root(list));
    }
    Ok(())
}

/// One receipt for each transaction, in order, with its events in order.
pub fn receipts(
    header: &Header,
    hash: B256,
    txs: &[Tx],
    receipts: &[Receipt],
    has_roots: bool,
) -> Result<(), Lie> {
    if receipts.len() != txs.len() {
        return Err(Lie::ReceiptCount { transactions: txs.len(), receipts: receipts.len() });
    }
    let (mut gas, mut log_index) = (0u64, 0u64);
    for (at, (tx, receipt)) in txs.iter().zip(receipts).enumerate() {
        if receipt.block_hash != hash {
            return Err(wrong_block(hash, receipt.block_hash));
        }
        let is_in_place = receipt.transaction_index.to::<u64>() == at as u64;
        if receipt.transaction_hash != tx.hash || !is_in_place {
            let (expected, found) = (shown(tx.hash), shown(receipt.transaction_hash));
            return Err(Lie::ReceiptOrder { index: at, expected, found });
        }
        log_index = logs(hash, tx, receipt, log_index)?;
        gas = gas.saturating_add(receipt.gas_used.to());
        // Where the roots do not cover receipts, some nodes say nothing of it.
        if has_roots && gas != receipt.cumulative_gas_used.to::<u64>() {
            let what = format!(
                "with it the block used {gas} gas, its receipt says {}",
                receipt.cumulative_gas_used
            );
            return Err(Lie::Transaction { tx: shown(tx.hash), what });
        }
    }
    let can_be_hashed = |(tx, receipt): (&Tx, &Receipt)| {
        let says_outcome =
            receipt.status.is_some() || receipt.root.as_ref().is_some_and(|r| r.len() == 32);
        tx.is_known() && says_outcome
    };
    if !has_roots || !txs.iter().zip(receipts).all(can_be_hashed) {
        return Ok(());
    }
    let computed = ordered_trie_root_with_encoder(receipts, encode_receipt);
    root("receipts", header.receipts_root, computed)
}

/// The index of the first log of the next transaction.
fn logs(hash: B256, tx: &Tx, receipt: &Receipt, first: u64) -> Result<u64, Lie> {
    let about = shown(tx.hash);
    for (expected, log) in (first..).zip(&receipt.logs) {
        if log.block_hash != hash {
            return Err(wrong_block(hash, log.block_hash));
        }
        let found = log.log_index.to();
        if log.transaction_hash != tx.hash || found != expected {
            return Err(Lie::LogOrder { tx: about, expected, found });
        }
        if log.removed || log.topics.len() > 4 {
            let what = format!("its log {found} is removed, or has over four topics");
            return Err(Lie::Transaction { tx: about, what });
        }
    }
    let has_failed = receipt.status.is_some_and(|status| status.is_zero());
    if has_failed && !receipt.logs.is_empty() {
        let what = "failed, and yet has logs".into();
        return Err(Lie::Transaction { tx: about, what });
    }
    Ok(first + receipt.logs.len() as u64)
}

fn root(what: &'static str, stated: B256, computed: B256) -> Result<(), Lie> {
    if stated == computed {
        return Ok(());
    }
    Err(Lie::WrongRoot { what, stated: shown(stated), computed: shown(computed) })
}

fn wrong_block(asked: B256, given: B256) -> Lie {
    Lie::WrongBlock { asked: shown(asked), given: shown(given) }
}

/// As the receipts' trie holds it: outcome, gas, bloom filter, logs, after the
/// type of its transaction (EIP-658, EIP-2718).
fn encode_receipt(receipt: &Receipt, out: &mut Vec<u8>) {
    let logs: Vec<PlainLog> = receipt
        .logs
        .iter()
        .map(|log| PlainLog {
            address: log.address,
            data: LogData::new_unchecked(log.topics.clone(), log.data.clone()),
        })
        .collect();
    let bloom: Bloom = logs_bloom(logs.iter());
    let mut fields = Vec::new();
    match (&receipt.status, &receipt.root) {
        (Some(status), _) => status.to::<u64>().encode(&mut fields),
        (None, Some(root)) => root.encode(&mut fields),
        (None, None) => {}
    }
    receipt.cumulative_gas_used.to::<u64>().encode(&mut fields);
    bloom.encode(&mut fields);
    logs.encode(&mut fields);
    if let Some(kind) = receipt.kind.map(|kind| kind.to::<u64>()).filter(|kind| *kind > 0) {
        out.put_u8(u8::try_from(kind).expect("of a known type, at most 4"));
    }
    alloy_rlp::Header { list: true, payload_length: fields.len() }.encode(out);
    out.extend_from_slice(&fields);
}
