//! Recorded replies decode to the rows that ethereum-etl made of them, and
//! both forms of traces tell the same.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U64, U256};
use model::{AssetKind, Chain, Fact, Position, Timestamp, Transfer, TransferKind};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::calls::{self, Action, Trace};
use super::replies::Tx;
use super::traces::{self, Of};
use super::{Receipts, Replies, Rules, Traces, decode, events};
use crate::import::testing::{facts_of, on, read_fixture, settled};
use crate::import::{Format, Options};
use crate::source::{Block, Lie};

/// The `result` of a recorded answer.
fn recorded(name: &str) -> String {
    let answer: Value = serde_json::from_slice(&read_fixture(&format!("evm/{name}"))).expect(name);
    answer["result"].to_string()
}

fn decoded(
    height: u64,
    block: &str,
    receipts: &[String],
    traces: Traces<'_>,
) -> Result<Block, Lie> {
    let replies = Replies { block, receipts: Receipts::Each(receipts), traces };
    decode::block(Chain::ETHEREUM, height, &Rules::of(Chain::ETHEREUM), &replies)
}

fn block_1755635() -> Block {
    let receipts = ["receipt_0x2e3dcd.json", "receipt_0x9a5437.json"].map(recorded);
    decoded(1_755_635, &recorded("block_0x1ac9f3.json"), &receipts, Traces::None).expect("true")
}

fn imported(path: &str, options: &Options) -> Vec<Fact> {
    let bytes = read_fixture(&format!("ethereum-etl/test_stream/{path}"));
    facts_of(Format::EthereumEtl, path, &bytes, options).expect(path).0
}

/// What a node tells and files do not.
fn is_told_by_nodes_only(transfer: &Transfer) -> bool {
    transfer.tx == super::place::block_event("fees", Chain::ETHEREUM, 1_755_635)
}

#[test]
fn a_recorded_block_decodes_to_the_expected_rows_and_merges_with_them() {
    let folder = "blocks_1755634_1755635";
    let mut rows = Vec::new();
    for table in ["blocks", "transactions", "logs", "token_transfers"] {
        rows.extend(imported(&format!("{folder}/expected_{table}.json"), &on("eip155:1")));
    }
    let empty = decoded(1_755_634, &recorded("block_0x1ac9f2.json"), &[], Traces::None);
    let told = [empty.expect("true").facts, block_1755635().facts].concat();
    let of_rows = settled(&rows);
    let of_node = settled(&told);
    let without = |all: &[Transfer]| -> Vec<Transfer> {
        all.iter().filter(|transfer| !is_told_by_nodes_only(transfer)).cloned().collect()
    };
    assert_eq!(without(of_node.transfers()), of_rows.transfers());
    assert!(of_rows.transfers().len() > 3);
    let both = settled(&[rows, told].concat());
    assert_eq!(both.transfers(), of_node.transfers());
}

#[test]
fn the_producer_earned_what_the_senders_paid() {
    let facts = block_1755635().facts;
    let sum = |kind: TransferKind| -> U256 {
        facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::Transfer { transfer, .. } if transfer.kind == kind => Some(transfer.amount),
                _ => None,
            })
            .sum()
    };
    assert_eq!(sum(TransferKind::Fee), U256::from(0xe04au64) * U256::from(20_000_000_000u64));
    assert_eq!(sum(TransferKind::Reward), sum(TransferKind::Fee));
}

#[test]
fn recorded_traces_state_what_the_expected_rows_state() {
    for (height, hex) in [(508_110u64, "7c0ce"), (2_112_234, "203aea")] {
        let path = format!("blocks_{height}_{height}/expected_traces.json");
        let rows = imported(&path, &on("eip155:1"));
        let text = recorded(&format!("trace_block_0x{hex}.json"));
        let header = recorded(&format!("header_0x{hex}.json"));
        let at =
            decode::block_ref(&header, Some(height), &Rules::of(Chain::ETHEREUM)).expect("true");
        let header: Value = serde_json::from_str(&header).expect("JSON");
        let hashes = header["transactions"].as_array().expect("hashes");
        let txs: Vec<Tx> = hashes
            .iter()
            .map(|hash| tx(hash.as_str().expect("text").parse().expect("a hash")))
            .collect();
        let hash = header["hash"].as_str().expect("text").parse().expect("a hash");
        let of = Of { height, time: at.time, hash, txs: &txs };
        let traces = traces::flat(&text, &of).expect("true").traces;
        let mut told = Vec::new();
        calls::state_block(Chain::ETHEREUM, height, traces, &mut |fact| {
            told.push(fact);
            Ok::<(), ()>(())
        })
        .expect("kept");
        // The expected rows have no time.
        let block = Fact::Block(model::BlockFact {
            chain: Chain::ETHEREUM,
            hash: None,
            parent: None,
            height: Some(height),
            time: at.time,
            work: None,
        });
        let rows = settled(&[rows, vec![block]].concat());
        assert!(!rows.transfers().is_empty());
        assert_eq!(settled(&told).transfers(), rows.transfers());
    }
}

#[test]
fn recorded_headers_hash_to_what_they_say() {
    for name in ["block_0x1ac9f2", "block_0x1ac9f3", "header_0x203aea", "header_0x7c0ce"] {
        let text = recorded(&format!("{name}.json"));
        decode::block_ref(&text, None, &Rules::of(Chain::ETHEREUM)).expect(name);
        let changed = text.replacen("\"gasUsed\":\"0x", "\"gasUsed\":\"0x1", 1);
        let lie = decode::block_ref(&changed, None, &Rules::of(Chain::ETHEREUM)).expect_err(name);
        assert!(matches!(lie, Lie::WrongHash { .. }), "{lie}");
    }
}

fn tx(hash: B256) -> Tx {
    Tx {
        hash,
        block_hash: None,
        transaction_index: None,
        kind: None,
        from: Address::repeat_byte(0xf0),
        to: None,
        value: U256::ZERO,
        nonce: U64::ZERO,
        gas_price: None,
        max_fee_per_gas: None,
        mint: None,
    }
}

const HASH: B256 = B256::repeat_byte(7);

/// One transaction's traces in the nested form.
fn nested(root: &Value) -> Result<Vec<Trace>, Lie> {
    let txs = [tx(HASH)];
    let of = Of { height: 5, time: Timestamp::UNIX_EPOCH, hash: HASH, txs: &txs };
    let text = json!([{ "txHash": HASH, "result": root }]).to_string();
    traces::nested(&text, &of).map(|read| read.traces)
}

fn flat(list: &[Value]) -> Result<Vec<Trace>, Lie> {
    let txs = [tx(HASH)];
    let of = Of { height: 5, time: Timestamp::UNIX_EPOCH, hash: HASH, txs: &txs };
    traces::flat(&json!(list).to_string(), &of).map(|read| read.traces)
}

fn moves(traces: Vec<Trace>) -> Vec<Fact> {
    let mut facts = Vec::new();
    calls::state_block(Chain::ETHEREUM, 5, traces, &mut |fact| {
        facts.push(fact);
        Ok::<(), ()>(())
    })
    .expect("kept");
    facts
}

fn call(to: Address, value: u64, calls: Vec<Value>) -> Value {
    let mut call = call_of(Address::repeat_byte(0xf0), to, calls);
    call["value"] = json!(format!("{value:#x}"));
    call
}

fn call_of(from: Address, to: Address, calls: Vec<Value>) -> Value {
    json!({ "type": "CALL", "from": from, "to": to, "gasUsed": "0x10", "calls": calls })
}

#[test]
fn a_question_to_a_built_in_contract_does_not_count_among_the_calls() {
    let built_in = |n: u8| Address::with_last_byte(n);
    let someone = Address::repeat_byte(0xaa);
    let mut empty = call(built_in(5), 0, vec![]);
    empty["gasUsed"] = json!("0x0");
    let root = call(
        someone,
        0,
        vec![
            call(built_in(4), 0, vec![]),
            call(someone, 1, vec![]),
            // Value given to it, no gas used (nothing is there yet), not built in.
            call(built_in(4), 2, vec![]),
            empty,
            call(built_in(0x20), 0, vec![]),
            call(someone, 3, vec![]),
        ],
    );
    let paths: Vec<Position> = moves(nested(&root).expect("true"))
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::Transfer { transfer, .. } => Some(transfer.position),
            _ => None,
        })
        .collect();
    let path = |n: u32| Position::Call(Box::new([n]));
    assert_eq!(paths, [path(0), path(1), path(4)]);
}

#[test]
fn a_payment_under_a_thousand_calls_is_found_and_a_deeper_tree_is_refused() {
    let someone = Address::repeat_byte(0xaa);
    // Built as text: a value this deep could not be dropped or written on this stack.
    let tree = |depth: usize| {
        let open = format!(
            r#"{{"type":"CALL","from":"{someone}","to":"{someone}","value":"0x0","gasUsed":"0x1","calls":["#
        );
        let last = call(someone, 7, vec![]).to_string();
        format!("[{{\"result\":{}{last}{}}}]", open.repeat(depth), "]}".repeat(depth))
    };
    let read = |depth| {
        let txs = [tx(HASH)];
        let of = Of { height: 5, time: Timestamp::UNIX_EPOCH, hash: HASH, txs: &txs };
        traces::nested(&tree(depth), &of).map(|read| read.traces)
    };
    let traces = read(1000).expect("true");
    let last = traces.iter().find(|trace| !trace.value.is_zero()).expect("found");
    assert_eq!(last.path.as_ref().map(|path| path.len()), Some(1000));
    for depth in [1100, 100_000] {
        assert!(matches!(read(depth), Err(Lie::Traces(_))));
    }
}

#[test]
fn a_list_that_holds_questions_to_built_in_contracts_gives_the_same_paths() {
    let call = |path: &[u32], to: Address, value: u64, gas: &str| {
        json!({
            "action": {
                "from": Address::repeat_byte(0xf0), "to": to, "callType": "call",
                "value": format!("{value:#x}"),
            },
            "blockHash": HASH, "transactionHash": HASH, "type": "call",
            "traceAddress": path, "result": { "gasUsed": gas },
        })
    };
    let (someone, identity) = (Address::repeat_byte(0xf0), Address::with_last_byte(4));
    let list = [
        call(&[], someone, 0, "0x99"),
        call(&[0], identity, 0, "0x12"),
        call(&[1], someone, 1, "0x0"),
        call(&[1, 0], identity, 0, "0x12"),
        call(&[1, 1], someone, 2, "0x0"),
        call(&[2], someone, 3, "0x0"),
    ];
    let paths: Vec<_> = flat(&list).expect("true").into_iter().map(|trace| trace.path).collect();
    let path = |path: &[u32]| Some(Box::from(path));
    assert_eq!(paths, [path(&[]), path(&[0]), path(&[0, 0]), path(&[1])]);
}

#[test]
fn value_that_leaves_an_account_that_did_not_run_is_odd() {
    let [sender, contract, other] = [0xf0, 0xaa, 0xbb].map(Address::repeat_byte);
    let inner = |kind: &str, from: Address, to: Address| {
        let call = json!({ "type": kind, "from": from, "to": to, "value": "0x5" });
        let root = call_of(sender, contract, vec![call]);
        let txs = [tx(HASH)];
        let of = Of { height: 5, time: Timestamp::UNIX_EPOCH, hash: HASH, txs: &txs };
        let text = json!([{ "txHash": HASH, "result": root }]).to_string();
        let read = traces::nested(&text, &of).expect("true");
        (read.traces.len(), read.odd.len())
    };
    assert_eq!(inner("CALL", contract, other), (2, 0));
    assert_eq!(inner("CALL", sender, other), (2, 1));
    assert_eq!(inner("SELFDESTRUCT", contract, other), (2, 0));
    assert_eq!(inner("SELFDESTRUCT", sender, other), (2, 1));
    // What revm says of a contract that destroys itself in its own favour.
    assert_eq!(inner("SELFDESTRUCT", sender, contract), (1, 0));
}

#[test]
fn what_a_chain_does_to_itself_need_not_be_traced() {
    let own = Tx { from: Address::ZERO, to: Some(Address::ZERO), ..tx(B256::repeat_byte(9)) };
    let txs = [tx(HASH), own];
    let of = Of { height: 5, time: Timestamp::UNIX_EPOCH, hash: HASH, txs: &txs };
    let root = json!({ "result": call(Address::repeat_byte(0xaa), 1, vec![]) });
    let count = |roots: &[Value]| {
        traces::nested(&json!(roots).to_string(), &of).ok().map(|read| read.traces.len())
    };
    assert_eq!(count(std::slice::from_ref(&root)), Some(1));
    assert_eq!(count(&[root.clone(), root]), Some(2));
    assert_eq!(count(&[]), None);
}

/// A tree of calls, some failed, in both forms.
#[derive(Clone, Debug)]
struct Tree {
    kind: usize,
    value: u64,
    has_failed: bool,
    calls: Vec<Tree>,
}

const KINDS: [(&str, &str); 6] = [
    ("CALL", "call"),
    ("DELEGATECALL", "delegatecall"),
    ("STATICCALL", "staticcall"),
    ("CREATE2", "create"),
    ("SELFDESTRUCT", "suicide"),
    ("CALLCODE", "callcode"),
];

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = (0..KINDS.len(), 0u64..4, prop::bool::weighted(0.2))
        .prop_map(|(kind, value, has_failed)| Tree { kind, value, has_failed, calls: vec![] });
    leaf.prop_recursive(5, 40, 4, |inner| {
        let parts =
            (0..4usize, 0u64..4, prop::bool::weighted(0.2), prop::collection::vec(inner, 0..4));
        parts.prop_map(|(kind, value, has_failed, calls)| Tree { kind, value, has_failed, calls })
    })
}

impl Tree {
    fn nested(&self) -> Value {
        let someone = Address::repeat_byte(0xaa);
        let mut call = call(someone, self.value, self.calls.iter().map(Tree::nested).collect());
        call["type"] = json!(KINDS[self.kind].0);
        if self.has_failed {
            call["error"] = json!("execution reverted");
        }
        call
    }

    fn flat(&self, path: &[u32], into: &mut Vec<Value>) {
        let (from, to) = (Address::repeat_byte(0xf0), Address::repeat_byte(0xaa));
        let value = format!("{:#x}", self.value);
        let name = KINDS[self.kind].1;
        let action = match name {
            "create" => json!({ "from": from, "value": value }),
            "suicide" => json!({ "address": from, "refundAddress": to, "balance": value }),
            _ => json!({ "from": from, "to": to, "value": value, "callType": name }),
        };
        let kind = if matches!(name, "create" | "suicide") { name } else { "call" };
        let mut trace = json!({
            "action": action, "blockHash": HASH, "transactionHash": HASH, "type": kind,
            "traceAddress": path, "result": { "address": to },
        });
        if self.has_failed {
            trace["error"] = json!("Reverted");
        }
        into.push(trace);
        for (n, call) in (0u32..).zip(&self.calls) {
            call.flat(&[path, &[n]].concat(), into);
        }
    }
}

proptest! {
    #[test]
    fn both_forms_of_traces_tell_the_same(tree in trees()) {
        let mut list = Vec::new();
        tree.flat(&[], &mut list);
        let (a, b) = (flat(&list).expect("true"), nested(&tree.nested()).expect("true"));
        prop_assert_eq!(moves(a), moves(b));
    }
}

#[test]
fn a_reward_is_of_the_block_and_a_call_needs_a_transaction() {
    let reward = json!({
        "action": { "author": Address::repeat_byte(1), "rewardType": "block", "value": "0x5" },
        "blockHash": HASH, "traceAddress": [], "type": "reward",
    });
    let traces = flat(std::slice::from_ref(&reward)).expect("true");
    assert_eq!(traces[0].action, Action::Reward);
    let mut call = reward;
    call["type"] = json!("call");
    assert!(flat(&[call]).is_err());
}

/// A block made for the test, on a chain whose headers are not recomputed.
fn made(logs: Value) -> Result<Block, Lie> {
    let header: Value = serde_json::from_str(&recorded("block_0x1ac9f3.json")).expect("JSON");
    let hash = header["hash"].clone();
    let mut receipts = ["receipt_0x2e3dcd.json", "receipt_0x9a5437.json"].map(recorded);
    let mut receipt: Value = serde_json::from_str(&receipts[0]).expect("JSON");
    let tx = receipt["transactionHash"].clone();
    let mut logs = logs;
    for (n, log) in logs.as_array_mut().expect("a list").iter_mut().enumerate() {
        log["logIndex"] = json!(format!("{n:#x}"));
        log["blockHash"] = hash.clone();
        log["transactionHash"] = tx.clone();
    }
    receipt["logs"] = logs;
    receipts[0] = receipt.to_string();
    let rules = Rules { has_roots: false, has_plain_headers: false, ..Rules::of(Chain::ETHEREUM) };
    let replies = Replies {
        block: &header.to_string(),
        receipts: Receipts::Each(&receipts),
        traces: Traces::None,
    };
    decode::block(Chain::ETHEREUM, 1_755_635, &rules, &replies)
}

#[test]
fn every_token_of_a_batch_is_a_transfer_even_where_some_are_equal() {
    let word = |n: u64| B256::from(U256::from(n)).to_string();
    let address = |n: u8| Address::repeat_byte(n).into_word().to_string();
    let name = |text: &str| alloy_primitives::keccak256(text).to_string();
    let join = |words: &[u64]| -> String {
        let hex: String = words.iter().map(|n| word(*n)[2..].to_string()).collect();
        format!("0x{hex}")
    };
    let emitter = Address::repeat_byte(0xcc);
    let topics = |event: &str| json!([name(event), address(9), address(1), address(2)]);
    let single = json!({
        "address": emitter, "data": join(&[5, 50]),
        "topics": topics("TransferSingle(address,address,address,uint256,uint256)"),
    });
    let batch = json!({
        "address": emitter, "data": join(&[64, 192, 3, 5, 6, 5, 3, 50, 60, 50]),
        "topics": topics("TransferBatch(address,address,address,uint256[],uint256[])"),
    });
    let block = made(json!([batch, single])).expect("true");
    let tokens: Vec<Transfer> = settled(&block.facts)
        .transfers()
        .iter()
        .filter(|transfer| matches!(transfer.asset.kind, AssetKind::Nft { .. }))
        .cloned()
        .collect();
    assert_eq!(tokens.len(), 4);
    let total: U256 = tokens.iter().map(|transfer| transfer.amount).sum();
    assert_eq!(total, U256::from(50 + 60 + 50 + 50));
    let ids: BTreeSet<_> = tokens.iter().map(Transfer::id).collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn destroyed_funds_leave_their_holder_and_the_freeze_is_a_fact() {
    let holder = Address::repeat_byte(1).into_word();
    let amount = B256::from(U256::from(77));
    let data = format!("{holder}{}", &amount.to_string()[2..]);
    let log = json!({
        "address": Address::repeat_byte(0xcc), "data": data,
        "topics": [alloy_primitives::keccak256("DestroyedBlackFunds(address,uint256)")],
    });
    let block = made(json!([log])).expect("true");
    let froze = block.facts.iter().any(|fact| {
        matches!(fact, Fact::Freeze(freeze)
            if freeze.action == model::FreezeAction::Destroy(U256::from(77)))
    });
    assert!(froze);
    let destroyed = settled(&block.facts);
    let gone = destroyed.transfers().iter().find(|transfer| !transfer.asset.is_native());
    assert_eq!(
        gone.map(|transfer| (transfer.amount, transfer.to.clone())),
        Some((U256::from(77), None))
    );
}

#[test]
fn no_bytes_make_the_reader_of_events_fail() {
    proptest!(|(topics in prop::collection::vec(any::<[u8; 32]>(), 0..5), data: Vec<u8>)| {
        let _ = events::read(Chain::ETHEREUM, &[1; 20], &topics, &data);
    });
}
