use std::collections::BTreeMap;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{OutPoint, TxOut};
use model::U256;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::bitcoin::testing::{Miner, REWARD, out, script, scripts, seal, spend};
use crate::import::testing::{fixture, read_fixture};

const REGTEST: BitcoinNetwork = BitcoinNetwork::Regtest;

/// A miner's chain with a block that spends every kind of output, and one that
/// spends what it made itself.
fn story() -> Vec<Block> {
    let mut miner = Miner::new();
    let minted = miner.mine(&script(1), vec![]).txdata.remove(0);
    let outputs: Vec<(ScriptBuf, u64)> = scripts().into_iter().map(|s| (s, 1_000)).collect();
    let spread = spend(&[out(&minted, 0)], &[outputs, vec![(script(1), REWARD - 20_000)]].concat());
    let all: Vec<OutPoint> = (0..).take(scripts().len()).map(|n| out(&spread, n)).collect();
    let gathered = spend(&all, &[(script(2), 11_500)]);
    miner.mine(&script(3), vec![spread.clone()]);
    let next = spend(&[out(&gathered, 0)], &[(script(4), 11_500)]);
    miner.mine(&script(3), vec![gathered, next]);
    miner.blocks
}

/// What the node would answer, told from blocks.
fn told(blocks: &[Block], height: usize) -> Value {
    let block = &blocks[height];
    let made: BTreeMap<OutPoint, &TxOut> = blocks
        .iter()
        .flat_map(|block| &block.txdata)
        .flat_map(|tx| (0..).zip(&tx.output).map(|(n, output)| (out(tx, n), output)))
        .collect();
    let vin = |tx: &Transaction| -> Value {
        let input = |input: &bitcoin::TxIn| {
            let at = input.previous_output;
            let Some(output) = made.get(&at) else { return json!({ "coinbase": "00" }) };
            json!({
                "txid": at.txid.to_string(),
                "vout": at.vout,
                "prevout": { "value": bitcoins(output.value.to_sat()), "scriptPubKey": { "hex": output.script_pubkey.to_hex_string() } },
            })
        };
        tx.input.iter().map(input).collect()
    };
    let header = &block.header;
    let mut reply = json!({
        "hash": block.block_hash().to_string(),
        "confirmations": 1,
        "height": height,
        "version": header.version.to_consensus(),
        "merkleroot": header.merkle_root.to_string(),
        "time": header.time,
        "nonce": header.nonce,
        "bits": format!("{:08x}", header.bits.to_consensus()),
        "tx": block.txdata.iter().map(|tx| json!({ "hex": serialize_hex(tx), "vin": vin(tx) })).collect::<Vec<_>>(),
    });
    if height > 0 {
        reply["previousblockhash"] = json!(header.prev_blockhash.to_string());
    }
    reply
}

/// As a number with eight decimals, as nodes write it.
fn bitcoins(satoshi: u64) -> Value {
    let text = format!("{}.{:08}", satoshi / 100_000_000, satoshi % 100_000_000);
    serde_json::from_str(&text).expect("a number")
}

fn asked(block: &Block, height: usize) -> Asked {
    Asked { network: REGTEST, height: Some(height as u64), hash: block.block_hash() }
}

/// The last block of the story, changed; what is said of it.
fn refuse(expected: &str, change: impl FnOnce(&mut Value)) {
    let blocks = story();
    let mut reply = told(&blocks, 3);
    change(&mut reply);
    let error = whole(&reply.to_string(), asked(&blocks[3], 3)).expect_err(expected).to_string();
    assert!(error.contains(expected), "{error}\n does not say: {expected}");
}

fn transactions(block: &source::Block) -> Vec<&UtxoTransaction> {
    let txs = block.facts.iter().filter_map(|fact| match fact {
        Fact::Utxo(tx) => Some(tx),
        _ => None,
    });
    txs.collect()
}

fn oddities(block: &source::Block) -> Vec<&str> {
    let texts = block.facts.iter().filter_map(|fact| match fact {
        Fact::Oddity(oddity) => Some(oddity.what.as_str()),
        _ => None,
    });
    texts.collect()
}

#[test]
fn a_block_is_read_with_what_its_inputs_spent() {
    let blocks = story();
    for (height, block) in blocks.iter().enumerate() {
        let read = whole(&told(&blocks, height).to_string(), asked(block, height)).expect("reads");
        assert_eq!(read.at, block::place(&block.header, height as u64));
        let txs = transactions(&read);
        assert_eq!(txs.len(), block.txdata.len());
        assert!(txs.iter().all(|tx| tx.unresolved().next().is_none() && tx.fee().is_some()));
    }
    let last = whole(&told(&blocks, 3).to_string(), asked(&blocks[3], 3)).expect("reads");
    assert_eq!(transactions(&last)[1].fee(), Some(U256::from(500)));
    assert_eq!(
        oddities(&last),
        ["the miner left 500 satoshi of new coins and fees: they are lost"]
    );
}

#[test]
fn every_way_to_ask_states_the_same_but_for_what_was_spent() {
    let blocks = story();
    for (height, block) in blocks.iter().enumerate() {
        let reply = told(&blocks, height).to_string();
        let plain = without_previous(&reply, asked(block, height)).expect("reads");
        assert_eq!(raw(&serialize_hex(block), asked(block, height)).expect("reads"), plain);
        let mut full = whole(&reply, asked(block, height)).expect("reads");
        full.facts.retain(|fact| !matches!(fact, Fact::Oddity(_)));
        for fact in &mut full.facts {
            if let Fact::Utxo(tx) = fact {
                tx.inputs.iter_mut().for_each(|input| input.previous = None);
            }
        }
        assert_eq!(full, plain);
        assert_eq!(header(&reply, asked(block, height)).expect("reads"), plain.at);
    }
}

#[test]
fn another_block_than_asked_for_is_refused() {
    let blocks = story();
    let two = told(&blocks, 2).to_string();
    let wrong = whole(&two, asked(&blocks[3], 3)).expect_err("another");
    assert!(matches!(wrong, Kind::Lie(lie) if matches!(*lie, Lie::WrongBlock { .. })));
    assert!(matches!(
        raw(&serialize_hex(&blocks[2]), asked(&blocks[3], 3)),
        Err(Lie::WrongHash { .. })
    ));
    // The right block at another height.
    let low = Asked { height: Some(2), ..asked(&blocks[3], 3) };
    let three = told(&blocks, 3).to_string();
    assert!(matches!(header(&three, low), Err(Lie::WrongHeight { asked: 2, given: 3 })));
    let raw_three = serialize_hex(&blocks[3]);
    assert!(matches!(raw(&raw_three, low), Err(Lie::WrongHeight { asked: 2, given: 3 })));
    refuse("asked for block 3, given block 4", |reply| reply["height"] = json!(4));
}

#[test]
fn a_header_that_does_not_hash_to_its_name_is_refused() {
    let parent = "00".repeat(32);
    refuse("hashes to", |reply| reply["previousblockhash"] = json!(parent));
    refuse("hashes to", |reply| reply["time"] = json!(7));
    refuse("hashes to", |reply| reply["merkleroot"] = json!(parent));
    refuse("field bits", |reply| reply["bits"] = json!("x"));
    refuse("field previousblockhash", |reply| reply["previousblockhash"] = json!("x"));
}

#[test]
fn transactions_that_are_not_the_blocks_are_refused() {
    refuse("merkle root commits to", |reply| {
        reply["tx"].as_array_mut().expect("a list").swap(1, 2);
    });
    refuse("merkle root commits to", |reply| {
        reply["tx"].as_array_mut().expect("a list").pop();
    });
    refuse("merkle root commits to", |reply| reply["tx"] = json!([]));
    refuse("not a transaction", |reply| reply["tx"][1]["hex"] = json!("0200"));
    refuse("not the JSON expected", |reply| reply["tx"] = json!(3));
}

#[test]
fn impossible_values_are_refused() {
    let value = |text: &str| -> Value { serde_json::from_str(text).expect("a number") };
    let set = |text: &'static str| {
        move |reply: &mut Value| reply["tx"][1]["vin"][0]["prevout"]["value"] = value(text)
    };
    refuse("its outputs hold 11500 satoshi, its inputs 11000", set("0.00000000"));
    refuse("more than there can be", set("21000000.00000001"));
    refuse("more than there can be", set("1e40"));
    refuse("input 0", set("-0.00001000"));
    refuse("input 0", set("0.000000001"));
    // Told right, the fee is what the outputs leave.
    let blocks = story();
    let mut reply = told(&blocks, 3);
    set("0.00001001")(&mut reply);
    let read = whole(&reply.to_string(), asked(&blocks[3], 3)).expect("a fee of one more");
    assert_eq!(transactions(&read)[1].fee(), Some(U256::from(501)));
}

#[test]
fn what_is_told_of_inputs_must_be_of_those_inputs() {
    let id = "11".repeat(32);
    refuse("another output is told of", |reply| reply["tx"][1]["vin"][0]["txid"] = json!(id));
    refuse("another output is told of", |reply| reply["tx"][1]["vin"][2]["vout"] = json!(9));
    refuse("inputs told of", |reply| {
        reply["tx"][1]["vin"].as_array_mut().expect("a list").pop();
    });
    refuse("of other inputs it is", |reply| {
        reply["tx"][1]["vin"][3].as_object_mut().expect("an input").remove("prevout");
    });
    refuse("is not what this block made there", |reply| {
        reply["tx"][2]["vin"][0]["prevout"]["scriptPubKey"]["hex"] = json!("51");
    });
    refuse("no hex", |reply| {
        reply["tx"][1]["vin"][0]["prevout"]["scriptPubKey"]["hex"] = json!("5");
    });
}

#[test]
fn a_node_that_does_not_tell_what_was_spent_is_too_old() {
    refuse("Bitcoin Core 23", |reply| {
        for vin in reply["tx"][1]["vin"].as_array_mut().expect("a list") {
            vin.as_object_mut().expect("an input").remove("prevout");
        }
    });
}

#[test]
fn a_miner_takes_no_more_than_new_coins_and_fees() {
    let mut blocks = story();
    let last = blocks.last_mut().expect("a block");
    last.txdata[0].output[0].value += bitcoin::Amount::from_sat(501);
    *last = seal(last.clone());
    let reply = told(&blocks, 3).to_string();
    let error = whole(&reply, asked(&blocks[3], 3)).expect_err("one satoshi too many").to_string();
    assert!(
        error.contains("takes 5000000501 satoshi, new coins and fees are 5000000500"),
        "{error}"
    );
}

#[test]
fn a_block_of_too_little_work_is_none_of_the_network() {
    let blocks = story();
    let reply = told(&blocks, 3).to_string();
    let mainnet = Asked { network: BitcoinNetwork::Mainnet, ..asked(&blocks[3], 3) };
    let error = header(&reply, mainnet).expect_err("no work").to_string();
    assert!(error.contains("less than bitcoin allows"), "{error}");
}

#[test]
fn the_recorded_answers_decode_to_the_expected_rows() {
    let mut count = 0;
    for folder in ["block_0", "block_1", "block_with_transactions", "block_without_transactions"] {
        for (hash, reply) in recorded(folder) {
            let asked = Asked { network: BitcoinNetwork::Mainnet, height: None, hash };
            let block = without_previous(&reply, asked).expect(folder);
            let expected: Vec<Value> = rows(folder, "transactions")
                .into_iter()
                .filter(|row| row["block_hash"] == json!(hash.to_string()))
                .collect();
            let txs = transactions(&block);
            assert_eq!(txs.len(), expected.len(), "{folder}");
            for tx in txs {
                let row = expected.iter().find(|row| row["hash"] == json!(tx.id.hash_text()));
                check_row(tx, row.unwrap_or_else(|| panic!("{} is not expected", tx.id)));
                count += 1;
            }
        }
    }
    assert_eq!(count, 7);
}

fn check_row(tx: &UtxoTransaction, row: &Value) {
    assert_eq!(json!(tx.height), row["block_number"]);
    assert_eq!(json!(tx.time.as_second()), row["block_timestamp"]);
    assert_eq!(json!(tx.index), row["index"]);
    assert_eq!(json!(tx.is_coinbase), row["is_coinbase"]);
    let spent: Vec<Value> = tx
        .inputs
        .iter()
        .map(|input| json!([input.outpoint.tx.hash_text(), input.outpoint.index]))
        .collect();
    let list = |field: &str| row[field].as_array().expect("a list").clone();
    let expected: Vec<Value> = list("inputs")
        .iter()
        .map(|input| json!([input["spent_transaction_hash"], input["spent_output_index"]]))
        .collect();
    assert_eq!(spent, expected, "{}", tx.id);
    let made: Vec<Value> = tx
        .outputs
        .iter()
        .map(|output| json!([model::hex::encode(output.address.bytes()), output.value]))
        .collect();
    let expected: Vec<Value> = list("outputs")
        .iter()
        .map(|output| json!([output["script_hex"], output["value"]]))
        .collect();
    assert_eq!(made, expected, "{}", tx.id);
}

/// `getblock` answers of a folder, by the hash that was asked for.
fn recorded(folder: &str) -> Vec<(BlockHash, String)> {
    let path = fixture(&format!("bitcoin-etl/{folder}"));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).expect(folder) {
        let name = entry.expect(folder).file_name().into_string().expect("plain names");
        let Some(rest) = name.strip_prefix("rpc_response_getblock_") else { continue };
        // Longer names are cut off there; the answer names itself.
        let text = read_fixture(&format!("bitcoin-etl/{folder}/{name}"));
        let text = String::from_utf8(text).expect("text");
        let reply: Value = serde_json::from_str(&text).expect("JSON");
        let hash = reply["hash"].as_str().expect("a hash");
        assert!(rest.starts_with(&hash[..62]), "{name}");
        found.push((hash.parse().expect("a hash"), text));
    }
    assert!(!found.is_empty(), "{folder}");
    found
}

fn rows(folder: &str, table: &str) -> Vec<Value> {
    let text = read_fixture(&format!("bitcoin-etl/{folder}/expected_{table}.json"));
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("a row")).collect()
}

proptest! {
    #[test]
    fn any_amount_is_read_exactly(satoshi in 0..=SATOSHI_MAX) {
        prop_assert_eq!(super::satoshi(&bitcoins(satoshi).to_string()), Ok(satoshi));
    }

    /// Whatever byte changes: refused, or nothing that a block commits to is other.
    #[test]
    fn no_change_goes_unnoticed(at in 0usize..10_000, byte in any::<u8>()) {
        let blocks = story();
        let reply = told(&blocks, 3).to_string();
        let mut bytes = reply.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        let Ok(read) = whole(&text, asked(&blocks[3], 3)) else { return Ok(()) };
        let plain = without_previous(&reply, asked(&blocks[3], 3)).expect("reads");
        prop_assert_eq!(read.at, plain.at);
        for (read, plain) in transactions(&read).into_iter().zip(transactions(&plain)) {
            prop_assert_eq!(read.id, plain.id);
            prop_assert_eq!(&read.outputs, &plain.outputs);
        }
    }
}
