//! Blocks of Tron made for a test, encoded by hand: the reader under test has its
//! own definitions of the same messages.

#![allow(dead_code, reason = "each test uses its part")]

use model::hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const OWNER: [u8; 20] = [0xaa; 20];
pub const OTHER: [u8; 20] = [0xbb; 20];
pub const TIME: i64 = 1_680_612_831_000;

/// Protocol buffers: a number of 64 bits, unless it is zero.
pub fn number(tag: u64, value: i64) -> Vec<u8> {
    if value == 0 {
        return Vec::new();
    }
    [varint(tag << 3), varint(u64::from_ne_bytes(value.to_ne_bytes()))].concat()
}

/// Bytes or a message, unless it is empty.
pub fn bytes(tag: u64, value: &[u8]) -> Vec<u8> {
    if value.is_empty() {
        return Vec::new();
    }
    let length = varint(u64::try_from(value.len()).expect("short"));
    [varint(tag << 3 | 2), length, value.to_vec()].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits");
        value >>= 7;
        if value == 0 {
            out.push(low);
            return out;
        }
        out.push(low | 0x80);
    }
}

pub fn account(address: &[u8; 20]) -> Vec<u8> {
    [&[0x41], &address[..]].concat()
}

/// One transaction, and what the node says of it.
#[derive(Clone, Debug)]
pub struct Tx {
    pub raw: Vec<u8>,
    pub contract_ret: &'static str,
    /// Beside id, height and time.
    pub info: Value,
    /// `raw_data`, where the node gives it.
    pub said: Option<Value>,
}

impl Tx {
    /// A contract of this kind, from its own bytes. `nonce` makes equals differ.
    pub fn new(kind: i64, contract: &[u8], nonce: i64) -> Tx {
        let any = [bytes(1, b"type.googleapis.com/protocol.Whatever"), bytes(2, contract)].concat();
        let contract = [number(1, kind), bytes(2, &any)].concat();
        let raw = [bytes(1, &[1, 2]), bytes(11, &contract), number(14, nonce + 1)].concat();
        Tx::of(raw)
    }

    pub fn of(raw: Vec<u8>) -> Tx {
        Tx { raw, contract_ret: "SUCCESS", info: json!({}), said: None }
    }

    pub fn id(&self) -> [u8; 32] {
        Sha256::digest(&self.raw).into()
    }
}

pub fn transfer(from: &[u8; 20], to: &[u8; 20], amount: i64, nonce: i64) -> Tx {
    let parts = [bytes(1, &account(from)), bytes(2, &account(to)), number(3, amount)];
    Tx::new(1, &parts.concat(), nonce)
}

pub fn transfer_asset(name: &[u8], to: &[u8; 20], amount: i64, nonce: i64) -> Tx {
    let parts =
        [bytes(1, name), bytes(2, &account(&OWNER)), bytes(3, &account(to)), number(4, amount)];
    Tx::new(2, &parts.concat(), nonce)
}

pub fn trigger(from: &[u8; 20], contract: &[u8; 20], value: i64, data: &[u8], nonce: i64) -> Tx {
    let parts =
        [bytes(1, &account(from)), bytes(2, &account(contract)), number(3, value), bytes(4, data)];
    Tx::new(31, &parts.concat(), nonce)
}

/// A node's answers about a block of these.
#[derive(Clone, Debug)]
pub struct Made {
    pub block: Value,
    pub infos: Value,
}

pub fn block(height: u64, txs: &[Tx]) -> Made {
    let mut header = json!({
        "number": height, "txTrieRoot": hex::encode(&root(txs)), "timestamp": TIME, "version": 27,
        "witness_address": hex::encode(&account(&[0xee; 20])),
        "parentHash": hex::encode(&[&(height - 1).to_be_bytes()[..], &[7; 24]].concat()),
    });
    let id = id(&header);
    header.as_object_mut().expect("an object").retain(|_, value| *value != json!(0));
    let transactions = txs.iter().map(|tx| {
        let mut said = json!({
            "txID": hex::encode(&tx.id()), "raw_data_hex": hex::encode(&tx.raw),
            "signature": [hex::encode(&[5; 65])], "ret": [{ "contractRet": tx.contract_ret }],
        });
        if let Some(raw) = &tx.said {
            said["raw_data"] = raw.clone();
        }
        said
    });
    let infos = txs.iter().map(|tx| {
        let mut info = tx.info.clone();
        info["id"] = json!(hex::encode(&tx.id()));
        info["blockNumber"] = json!(height);
        info["blockTimeStamp"] = json!(TIME);
        info
    });
    Made {
        infos: infos.collect(),
        block: json!({
            "blockID": id, "block_header": { "raw_data": header },
            "transactions": transactions.collect::<Value>(),
        }),
    }
}

/// The id that belongs to a header.
pub fn id(header: &Value) -> String {
    let whole = |name: &str| header[name].as_i64().unwrap_or(0);
    let blob = |name: &str| hex::decode(header[name].as_str().unwrap_or_default()).expect("hex");
    let raw = [
        number(1, whole("timestamp")),
        bytes(2, &blob("txTrieRoot")),
        bytes(3, &blob("parentHash")),
        number(7, whole("number")),
        bytes(9, &blob("witness_address")),
        number(10, whole("version")),
    ];
    let hash = Sha256::digest(raw.concat());
    let height = whole("number").to_be_bytes();
    hex::encode(&[&height[..], &hash[8..]].concat())
}

fn root(txs: &[Tx]) -> [u8; 32] {
    let leaf = |tx: &Tx| -> [u8; 32] {
        let code = match tx.contract_ret {
            "SUCCESS" => 1,
            "REVERT" => 2,
            _ => 10,
        };
        let ret = number(3, code);
        Sha256::digest([bytes(1, &tx.raw), bytes(2, &[5; 65]), bytes(5, &ret)].concat()).into()
    };
    let mut row: Vec<[u8; 32]> = txs.iter().map(leaf).collect();
    while row.len() > 1 {
        let mut next = Vec::new();
        for pair in row.chunks(2) {
            next.push(match pair {
                [a, b] => Sha256::digest([*a, *b].concat()).into(),
                _ => pair[0],
            });
        }
        row = next;
    }
    row.first().copied().unwrap_or_default()
}
