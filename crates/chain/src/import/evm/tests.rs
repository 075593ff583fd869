//! `ethereum-etl`: real rows, and small stories told in its terms.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use model::{
    AssetKind, Chain, Fact, FreezeAction, Memory, Position, TimeSource, Transfer, TransferKind,
    U256, View,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Table;
use crate::import::testing::{
    facts_in_chunks, facts_of, fixture, oddities, on, read_fixture, settled,
};
use crate::import::{Format, ImportError, Summary, import_file, plan};

const STREAM: &str = "ethereum-etl/test_stream/blocks_17173049_17173050";
const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

fn read(bytes: &[u8]) -> Result<(Vec<Fact>, Summary), ImportError> {
    facts_of(Format::EthereumEtl, "etl.json", bytes, &on("eip155:1"))
}

fn lines(rows: &[Value]) -> Vec<u8> {
    rows.iter().flat_map(|row| format!("{row}\n").into_bytes()).collect()
}

/// What a store holds after these rows.
fn story(rows: &[Value]) -> Memory {
    settled(&read(&lines(rows)).expect("imports").0)
}

fn rows_of(path: &str) -> Vec<Value> {
    let text = String::from_utf8(read_fixture(path)).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn transfers(facts: &[Fact]) -> Vec<Transfer> {
    let transfer = |fact: &Fact| match fact {
        Fact::Transfer { transfer, .. } => Some(transfer.clone()),
        _ => None,
    };
    facts.iter().filter_map(transfer).collect()
}

fn hash(n: u8) -> String {
    format!("0x{}", format!("{n:02x}").repeat(32))
}

/// An address: `a` is 0xaaaa…
fn address(name: char) -> String {
    format!("0x{}", name.to_string().repeat(40))
}

fn transaction(n: u8, from: char, to: char, value: u64, status: u8) -> Value {
    json!({"type": "transaction", "hash": hash(n), "nonce": 0, "transaction_index": n, "from_address": address(from),
        "to_address": address(to), "value": value, "gas_price": 7, "receipt_gas_used": 3, "receipt_status": status,
        "block_number": 100, "block_timestamp": 1_700_000_000})
}

fn call(n: u8, path: &[u32], from: char, to: char, value: u64, status: u8) -> Value {
    json!({"type": "trace", "trace_type": "call", "call_type": "call", "transaction_hash": hash(n), "transaction_index": n,
        "trace_address": path, "from_address": address(from), "to_address": address(to), "value": value, "status": status,
        "error": null, "block_number": 100, "block_timestamp": 1_700_000_000})
}

/// Transfers as `a>b 5 call_0`, fees left out.
fn told(memory: &Memory) -> Vec<String> {
    let end = |address: &Option<model::Address>| match address {
        Some(address) => address.text(Chain::ETHEREUM)[2..3].to_string(),
        None => "-".to_string(),
    };
    let tell =
        |t: &Transfer| format!("{}>{} {} {}", end(&t.from), end(&t.to), t.amount, t.position);
    let mut told: Vec<String> =
        memory.transfers().iter().filter(|t| t.kind != TransferKind::Fee).map(tell).collect();
    told.sort();
    told
}

#[test]
fn token_transfers_import_exactly() {
    for (path, count) in [
        ("ethereum-etl/test_stream/blocks_17173049_17173050/expected_token_transfers.json", 291),
        ("ethereum-etl/test_stream/blocks_1755634_1755635/expected_token_transfers.json", 1),
    ] {
        let (facts, summary) = read(&read_fixture(path)).expect(path);
        assert_eq!((summary.rows, summary.transfers), (count, count));
        for (transfer, row) in transfers(&facts).iter().zip(rows_of(path)) {
            let text = |field: &str| row[field].as_str().expect(field).to_string();
            let address = |address: &Option<model::Address>| {
                address.as_ref().expect("stated").text(Chain::ETHEREUM)
            };
            assert_eq!(transfer.tx.hash_text(), text("transaction_hash"));
            assert_eq!(
                transfer.asset.to_string(),
                format!("eip155:1/erc20:{}", text("token_address"))
            );
            assert_eq!(address(&transfer.from), text("from_address"));
            assert_eq!(address(&transfer.to), text("to_address"));
            assert_eq!(transfer.amount.to_string(), row["value"].to_string());
            assert_eq!(
                transfer.position,
                Position::Log(row["log_index"].to_string().parse().expect("a number"))
            );
            assert_eq!(transfer.height, row["block_number"].as_u64());
            assert_eq!(
                transfer.time.as_second(),
                row["block_timestamp"].as_i64().expect("a number")
            );
        }
    }
}

#[test]
fn transactions_import_exactly() {
    let path = format!("{STREAM}/expected_transactions.json");
    let (facts, summary) = read(&read_fixture(&path)).expect("imports");
    let rows = rows_of(&path);
    assert_eq!((summary.rows, summary.transactions), (298, 298));

    let failed = facts.iter().filter(|fact| matches!(fact, Fact::Failed { .. })).count();
    assert_eq!(failed, 9);
    let fees: Vec<Transfer> =
        transfers(&facts).into_iter().filter(|t| t.kind == TransferKind::Fee).collect();
    assert_eq!(fees.len(), 298);
    for (fee, row) in fees.iter().zip(&rows) {
        let number = |field: &str| row[field].as_u64().expect(field);
        let expected = U256::from(number("receipt_gas_used"))
            * U256::from(number("receipt_effective_gas_price"));
        assert_eq!((fee.amount, fee.to.clone()), (expected, None));
    }
    let moved = |row: &&Value| row["receipt_status"] == 1 && row["value"] != 0;
    let expected: BTreeMap<String, String> = rows
        .iter()
        .filter(moved)
        .map(|row| (row["hash"].as_str().expect("a hash").to_string(), row["value"].to_string()))
        .collect();
    let found: BTreeMap<String, String> = transfers(&facts)
        .into_iter()
        .filter(|t| t.position == Position::Call(Box::new([])))
        .map(|t| (t.tx.hash_text(), t.amount.to_string()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn the_same_events_decoded_or_raw_are_the_same_transfers() {
    let decoded =
        read(&read_fixture(&format!("{STREAM}/expected_token_transfers.json"))).expect("imports").0;
    let raw = read(&read_fixture(&format!("{STREAM}/expected_logs.json"))).expect("imports").0;
    let nfts = raw.iter().filter(|fact| matches!(fact, Fact::NftLog { .. })).count();
    assert_eq!(nfts, 9);

    let both = settled(&[decoded, raw].concat());
    assert_eq!(both.transfers().len(), 291, "each event once");
    let nft = both.transfers().iter().filter(|t| t.asset.is_nft()).collect::<Vec<_>>();
    assert_eq!(nft.len(), 9);
    assert!(nft.iter().all(|t| t.amount == U256::from(1) && t.kind == TransferKind::Nft));
    let id =
        |t: &&&Transfer| matches!(t.asset.kind, AssetKind::Nft { id, .. } if id == U256::from(894));
    assert!(nft.iter().any(|t| id(&t)), "the id that looked like an amount of 894");
}

#[test]
fn csv_tables_read_as_json_lines_do() {
    let folder = "ethereum-etl/test_export_receipts_job/receipts_with_logs";
    let csv = read(&read_fixture(&format!("{folder}/expected_logs.csv"))).expect("imports").0;
    let json = read(&read_fixture(&format!("{folder}/expected_logs.json"))).expect("imports").0;
    let exported = "ethereum-etl/test_export_token_transfers_job/block_with_transfers/expected_token_transfers.csv";
    let decoded = read(&read_fixture(exported)).expect("imports").0;
    assert_eq!(transfers(&csv), transfers(&json));
    assert_eq!(csv.len(), 2);
    let all = settled(&[csv, decoded].concat());
    assert_eq!(all.transfers().len(), 2, "the exported transfers are those of the logs");
    assert!(
        all.transfers()
            .iter()
            .all(|t| t.time_source == TimeSource::Unknown && t.height == Some(483_920))
    );

    let folder = "ethereum-etl/test_extract_token_transfers_job/logs";
    let logs = read(&read_fixture(&format!("{folder}/logs.csv"))).expect("imports").0;
    let decoded =
        read(&read_fixture(&format!("{folder}/expected_token_transfers.csv"))).expect("imports").0;
    let parts = |facts: &[Fact]| -> Vec<_> {
        let all = transfers(facts).into_iter();
        all.map(|t| (t.tx, t.position, t.from, t.to, t.asset, t.amount, t.height)).collect()
    };
    assert_eq!(parts(&logs), parts(&decoded));
}

#[test]
fn blocks_state_times_and_withdrawals() {
    let (facts, summary) =
        read(&read_fixture(&format!("{STREAM}/expected_blocks.json"))).expect("imports");
    assert_eq!(summary.blocks, 2);
    let first = transfers(&facts).remove(0);
    assert_eq!(first.amount.to_string(), "45762059000000000", "Gwei as wei");
    assert_eq!(
        (first.kind, first.position.clone(), first.from.clone()),
        (TransferKind::Reward, Position::Reward(0), None)
    );

    let folder = "ethereum-etl/test_export_token_transfers_job/block_with_transfers/expected_token_transfers.csv";
    let mut trace = call(1, &[], 'a', 'b', 5, 1);
    trace["block_number"] = first.height.into();
    let covered = settled(&[facts, read(&lines(&[trace])).expect("imports").0].concat());
    assert_eq!(
        covered.transfers().len() as u64,
        summary.transfers + 1,
        "traces do not list withdrawals"
    );

    let block =
        json!({"type": "block", "number": 483_920, "hash": hash(1), "timestamp": 1_446_000_000});
    let facts = [
        read(&read_fixture(folder)).expect("imports").0,
        read(&lines(&[block])).expect("imports").0,
    ]
    .concat();
    assert!(settled(&facts).transfers().iter().all(|t| t.time.as_second() == 1_446_000_000));
}

#[test]
fn real_traces_state_calls_and_rewards() {
    let path = "ethereum-etl/test_stream/blocks_508110_508110/expected_traces.json";
    let (facts, _) = read(&read_fixture(path)).expect("imports");
    let mut amounts: Vec<(String, String)> = transfers(&facts)
        .into_iter()
        .map(|t| (t.position.to_string(), t.amount.to_string()))
        .collect();
    amounts.sort();
    let expected = [
        ("call", "4949989500000000000"),
        ("reward0", "5156250000000000000"),
        ("reward1", "3750000000000000000"),
    ];
    assert_eq!(amounts, expected.map(|(a, b)| (a.to_string(), b.to_string())));
    assert!(facts.contains(&Fact::TracesCover { chain: Chain::ETHEREUM, height: 508_110 }));
}

#[test]
fn traces_replace_what_transactions_say_of_value() {
    let tx = transaction(1, 'a', 'b', 50, 1);
    assert_eq!(told(&story(std::slice::from_ref(&tx))), ["a>b 50 call"]);
    let rows = [
        tx,
        call(1, &[], 'a', 'b', 50, 1),
        call(1, &[0], 'b', 'c', 30, 1),
        call(1, &[1], 'b', 'd', 0, 1),
    ];
    let memory = story(&rows);
    assert_eq!(told(&memory), ["a>b 50 call", "b>c 30 call_0"]);
    let fee =
        memory.transfers().iter().find(|t| t.kind == TransferKind::Fee).expect("the fee stays");
    assert_eq!(fee.amount, U256::from(21));
}

#[test]
fn what_a_failed_call_did_is_undone() {
    let rows = [
        call(1, &[], 'a', 'b', 50, 1),
        call(1, &[0], 'b', 'c', 40, 0),
        call(1, &[0, 0], 'c', 'd', 30, 1),
        call(1, &[0, 0, 7], 'd', 'e', 20, 1),
        call(1, &[1], 'b', 'd', 10, 1),
        call(1, &[10], 'b', 'f', 5, 1),
        // The same path of another transaction, which did not fail.
        call(2, &[], 'a', 'b', 3, 1),
        call(2, &[0], 'b', 'c', 2, 1),
    ];
    assert_eq!(
        told(&story(&rows)),
        ["a>b 3 call", "a>b 50 call", "b>c 2 call_0", "b>d 10 call_1", "b>f 5 call_10"]
    );
}

#[test]
fn a_failed_transaction_moves_only_its_fee() {
    let memory = story(&[transaction(1, 'a', 'b', 50, 0)]);
    assert!(told(&memory).is_empty());
    assert_eq!(memory.transfers().len(), 1);

    // Known to have failed from its trace only: a table without receipts says nothing of it.
    let mut tx = transaction(1, 'a', 'b', 50, 1);
    tx.as_object_mut().expect("an object").remove("receipt_status");
    let (facts, _) = read(&lines(std::slice::from_ref(&tx))).expect("imports");
    assert!(oddities(&facts)[0].contains("do not say which failed"));
    assert!(told(&story(&[tx.clone(), call(1, &[], 'a', 'b', 50, 0)])).is_empty());
    let receipt =
        json!({"transaction_hash": hash(1), "cumulative_gas_used": 1, "gas_used": 1, "status": 0});
    assert!(told(&story(&[tx, receipt])).is_empty(), "nor does it say from a receipt");
}

#[test]
fn only_real_calls_move_value() {
    let of_kind = |kind: &str| {
        let mut row = call(1, &[0], 'a', 'b', 5, 1);
        row["call_type"] = kind.into();
        told(&story(&[row]))
    };
    assert_eq!(of_kind("call"), ["a>b 5 call_0"]);
    for kind in ["delegatecall", "callcode", "staticcall"] {
        assert!(of_kind(kind).is_empty(), "{kind}");
    }
    let mut create = call(1, &[0], 'a', 'c', 5, 1);
    create["trace_type"] = "create".into();
    create["call_type"] = Value::Null;
    assert_eq!(told(&story(&[create.clone()])), ["a>c 5 call_0"]);
    create["trace_type"] = "suicide".into();
    assert_eq!(told(&story(&[create])), ["a>c 5 call_0"]);
}

#[test]
fn rewards_and_genesis_stand_in_no_transaction() {
    let outside = |kind: &str, to: char, value: u64, height: u64| {
        json!({"type": "trace", "trace_type": kind, "to_address": address(to), "value": value, "block_number": height,
            "trace_address": [], "status": 1, "transaction_hash": null, "from_address": null})
    };
    let rows =
        [outside("reward", 'b', 3, 9), outside("reward", 'a', 5, 9), outside("genesis", 'c', 7, 0)];
    let memory = story(&rows);
    assert_eq!(told(&memory), ["->a 5 reward0", "->b 3 reward1", "->c 7 reward0"]);
    let ids: BTreeSet<_> = memory.transfers().iter().map(|t| t.tx).collect();
    assert_eq!(ids.len(), 2, "one for each block");
}

#[test]
fn a_created_contract_receives() {
    let mut row = transaction(1, 'a', 'b', 5, 1);
    row["to_address"] = Value::Null;
    row["receipt_contract_address"] = address('c').into();
    assert_eq!(told(&story(&[row])), ["a>c 5 call"]);
}

#[test]
fn a_rollup_takes_more_than_gas() {
    let mut row = transaction(1, 'a', 'b', 0, 1);
    row["receipt_l1_fee"] = 100.into();
    row["receipt_effective_gas_price"] = 2.into();
    let memory = story(&[row]);
    assert_eq!(memory.transfers()[0].amount, U256::from(106));
}

#[test]
fn contracts_of_the_plan_tell_nfts() {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, rows: &[Value]| {
        std::fs::write(directory.path().join(name), lines(rows)).expect("written");
    };
    let moved = |token: char, log: u32| {
        json!({"token_address": address(token), "from_address": address('a'), "to_address": address('b'), "value": 7,
            "transaction_hash": hash(1), "log_index": log, "block_number": 1})
    };
    write("a_token_transfers.json", &[moved('c', 0), moved('d', 1)]);
    let contract = |token: char, is: bool| json!({"address": address(token), "bytecode": "0x", "is_erc20": !is, "is_erc721": is});
    write("z_contracts.json", &[contract('c', true), contract('d', false)]);
    write(
        "tokens.json",
        &[json!({"address": address('d'), "symbol": "DDD", "name": "D", "decimals": 6})],
    );

    let options = on("eip155:1");
    let files =
        plan(Format::EthereumEtl, &[directory.path().to_path_buf()], &options).expect("a plan");
    let tables: Vec<_> = files.iter().filter_map(|file| file.table).collect();
    assert_eq!(tables, [Table::Tokens, Table::Contracts, Table::TokenTransfers]);
    let mut facts = Vec::new();
    for file in &files {
        import_file(Format::EthereumEtl, file, &options, &mut |_| {}, &mut |fact| {
            facts.push(fact);
            Ok(())
        })
        .expect("imports");
    }
    let memory = settled(&facts);
    let amounts: BTreeMap<bool, U256> =
        memory.transfers().iter().map(|t| (t.asset.is_nft(), t.amount)).collect();
    assert_eq!(amounts, BTreeMap::from([(true, U256::from(1)), (false, U256::from(7))]));
    let token = memory.transfers().iter().find(|t| !t.asset.is_nft()).expect("one").asset.clone();
    let meta = memory.assets(&[token]).expect("in memory").remove(0);
    assert_eq!((meta.symbol.as_deref(), meta.decimals), (Some("DDD"), Some(6)));
}

#[test]
fn a_plan_does_not_depend_on_how_paths_are_given() {
    let folder = fixture(STREAM);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("a file").path())
        .collect();
    paths.sort();
    let options = on("eip155:1");
    let expected = plan(Format::EthereumEtl, &paths, &options).expect("a plan");
    assert_eq!(expected.len(), 4);
    paths.reverse();
    paths.extend(paths.clone());
    assert_eq!(plan(Format::EthereumEtl, &paths, &options).expect("a plan"), expected);
    assert_eq!(plan(Format::EthereumEtl, &[folder], &options).expect("a plan"), expected);
    let missing =
        plan(Format::EthereumEtl, &["no/such/file.csv".into()], &options).expect_err("missing");
    assert_eq!(missing.to_string(), "no/such/file.csv: cannot be read");
    let empty = tempfile::tempdir().expect("a directory");
    let nothing =
        plan(Format::Cryo, &[empty.path().to_path_buf()], &options).expect_err("empty").to_string();
    assert!(nothing.ends_with("a directory without any file of cryo"), "{nothing}");
    let other = plan(Format::Cryo, &[], &on("bitcoin")).expect_err("no EVM chain").to_string();
    assert_eq!(other, "--chain: cryo files are not of bitcoin");
}

#[test]
fn every_wrong_field_is_named() {
    let wrong = |mut row: Value, field: &str, value: Value, expected: &str| {
        row[field] = value;
        let error =
            read(&lines(&[transaction(9, 'a', 'b', 1, 1), row])).expect_err(expected).to_string();
        assert!(error.starts_with("etl.json: line 2: "), "{error}");
        assert!(error.contains(expected), "{error}\n does not say: {expected}");
    };
    let tx = || transaction(1, 'a', 'b', 5, 1);
    wrong(tx(), "hash", "0x12".into(), r#"field hash: "0x12" is not a hash of 32 bytes"#);
    wrong(tx(), "hash", Value::Null, "field hash: nothing there");
    wrong(tx(), "from_address", "0xzz".into(), r#"field from_address: "0xzz" is not hex"#);
    wrong(tx(), "value", "1.5".into(), r#"field value: "1.5" is not a whole number of base units"#);
    wrong(tx(), "value", Value::Null, "field value: nothing there");
    wrong(tx(), "block_number", (-1).into(), "field block_number: ");
    wrong(tx(), "block_timestamp", "soon".into(), r#"field block_timestamp: "soon" is not a time"#);
    wrong(tx(), "receipt_status", 7.into(), "field receipt_status: ");
    wrong(tx(), "receipt_gas_used", "many".into(), "field receipt_gas_used: ");
    wrong(tx(), "gas_price", "9".repeat(78).into(), "field gas_price: ");
    let trace = || call(1, &[0], 'a', 'b', 5, 1);
    wrong(trace(), "trace_type", "jump".into(), r#"field trace_type: "jump" is not call, create"#);
    wrong(trace(), "call_type", "jump".into(), "field call_type: ");
    wrong(trace(), "trace_address", json!(["x"]), "field trace_address: ");
    wrong(trace(), "trace_address", json!(vec![0; 2000]), "at most 1024");
    wrong(trace(), "transaction_hash", Value::Null, "field transaction_hash: nothing there");
    wrong(trace(), "to_address", Value::Null, "field to_address: nothing there");
    wrong(trace(), "block_number", Value::Null, "field block_number: nothing there");
    let log = || {
        json!({"type": "log", "address": address('c'), "topics": [TRANSFER, hash(0), hash(0)], "data": hash(1),
        "log_index": 1, "transaction_hash": hash(1), "block_number": 1})
    };
    wrong(log(), "topics", json!(["0x12"]), "field topics: ");
    wrong(log(), "data", "0x1".into(), r#"field data: "0x1" is not hex"#);
    wrong(log(), "log_index", Value::Null, "field log_index: nothing there");
    wrong(log(), "address", Value::Null, "field address: nothing there");
}

#[test]
fn what_issuers_did_to_holders_is_kept() {
    // keccak256 of AddedBlackList(address), DestroyedBlackFunds(address,uint256) and
    // UnBlacklisted(address), the last with its holder indexed.
    const ADDED: &str = "0x42e160154868087d6bfdc0ca23d96a1c1cfa32f1b72ba9ba27b69b98a0d819dc";
    const DESTROYED: &str = "0x61e6e66b0d6339b2980aecc6ccc0039736791f0ccde9ed512e789a7fbdd698c6";
    const RELEASED: &str = "0x117e3210bb9aa7d9baff172026820255c6f6c30ba8999d1c2fd88e2848137c4e";
    let word = |address: String| format!("0x{}{}", "0".repeat(24), &address[2..]);
    let log = |n: u32, topics: Value, data: String, time: Value| {
        json!({"type": "log", "address": address('c'), "topics": topics, "data": data, "log_index": n,
            "transaction_hash": hash(1), "block_number": 7, "block_timestamp": time})
    };
    let stated = || json!(1_700_000_000);
    let destroyed = format!("{}{:064x}", word(address('a')), 250);
    let rows = [
        log(1, json!([ADDED]), word(address('a')), stated()),
        log(2, json!([DESTROYED]), destroyed, stated()),
        log(3, json!([RELEASED, word(address('b'))]), "0x".into(), stated()),
        log(4, json!([ADDED]), word(address('d')), Value::Null),
        // Of no concern, so that its data is not even read.
        log(5, json!([hash(9)]), "not hex".into(), stated()),
    ];
    let (facts, summary) = read(&lines(&rows)).expect("imports");
    let told: Vec<(u32, String, FreezeAction)> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Freeze(of) => Some((of.log_index, of.holder.text(Chain::ETHEREUM), of.action)),
            _ => None,
        })
        .collect();
    let expected = [
        (1, address('a'), FreezeAction::Freeze),
        (2, address('a'), FreezeAction::Destroy(U256::from(250))),
        (3, address('b'), FreezeAction::Release),
    ];
    assert!(told.iter().zip(&expected).all(|(told, expected)| {
        (told.0, told.1.to_lowercase(), told.2) == (expected.0, expected.1.clone(), expected.2)
    }));
    assert_eq!(told.len(), expected.len());
    let burnt = transfers(&facts);
    assert_eq!(burnt.len(), 1, "Tether's event is the only word of what it destroys");
    assert_eq!((burnt[0].amount, &burnt[0].to), (U256::from(250), &None));
    assert_eq!(summary.oddities, 1, "since when the fourth is frozen, nobody says");
}

#[test]
fn hostile_bytes_are_errors() {
    let long = [b"{\"a\":\"".to_vec(), vec![b'a'; 17 << 20]].concat();
    let deep = [b"{\"topics\":".to_vec(), vec![b'['; 100_000]].concat();
    let number = format!(
        "{{\"type\":\"transaction\",\"hash\":\"{}\",\"from_address\":\"{}\",\"value\":{}}}",
        hash(1),
        address('a'),
        "9".repeat(1 << 20)
    );
    let cases: [(&[u8], &str); 8] = [
        (&long, "line 1: longer than"),
        (&deep, "line 1: expected a JSON object"),
        (number.as_bytes(), "line 1: field value: "),
        (b"{\"type\":\"transaction\"", "line 1: expected a JSON object"),
        (b"{\"x\":1}\n", "line 1: not a row of this format"),
        (b"[{}]", "line 1: a JSON list"),
        (b"x,y\n1,2\n", "line 1: not a table of this format"),
        (b"{\"hash\":\"\xff\"}", "line 1: expected a JSON object"),
    ];
    for (bytes, expected) in cases {
        let error = read(bytes).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}\n does not say: {expected}");
        assert!(error.len() < 400, "{} bytes", error.len());
    }
}

#[test]
fn a_file_without_a_chain_is_ethereum_and_says_so() {
    let bytes = lines(&[transaction(1, 'a', 'b', 5, 1)]);
    let (facts, summary) =
        facts_of(Format::EthereumEtl, "t.json", &bytes, &Default::default()).expect("imports");
    assert!(oddities(&facts)[0].contains("Ethereum (eip155:1) assumed"));
    assert!(summary.chains.contains(&Chain::ETHEREUM));
    let error =
        facts_of(Format::EthereumEtl, "t.json", &bytes, &on("bitcoin")).expect_err("no EVM chain");
    assert!(error.to_string().contains("is not an EVM chain"), "{error}");
}

prop_compose! {
    fn any_row()(kind in 0u8..3, tx in 1u8..4, path in proptest::collection::vec(0u32..2, 0..3), from in 0usize..3,
        to in 0usize..3, value in 0u64..3, status in 0u8..2) -> Value {
        let (from, to) = (['a', 'b', 'c'][from], ['a', 'b', 'c'][to]);
        match kind {
            0 => transaction(tx, 'a', 'b', 2, 1),
            1 => call(tx, &path, from, to, value, status),
            _ => json!({"type": "token_transfer", "token_address": address('d'), "from_address": address(from),
                "to_address": address(to), "value": value, "transaction_hash": hash(tx),
                "log_index": from as u64 * 9 + to as u64 * 3 + value, "block_number": 100}),
        }
    }
}

proptest! {
    #[test]
    fn order_repetition_and_chunks_do_not_matter(
        rows in proptest::collection::vec(any_row(), 0..12)
            .prop_map(one_for_each_place)
            .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        chunk in 1usize..64,
    ) {
        let (facts, summary) = read(&lines(&rows.0)).expect("imports");
        let expected = settled(&facts).transfers().to_vec();
        prop_assert_eq!(story(&rows.1).transfers().to_vec(), expected.clone());
        let twice = [facts.clone(), facts.clone()].concat();
        prop_assert_eq!(settled(&twice).transfers().to_vec(), expected);
        let chunked = facts_in_chunks(Format::EthereumEtl, "etl.json", &lines(&rows.0), &on("eip155:1"), chunk);
        prop_assert_eq!(chunked.expect("imports"), (facts, summary));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..3000, flip in any::<u8>()) {
        let _ = read(&bytes);
        let mut line = lines(&[transaction(1, 'a', 'b', 5, 1), call(1, &[0, 1], 'a', 'b', 5, 1)]);
        if let Some(byte) = line.get_mut(at) {
            *byte = flip;
        }
        let _ = read(&line);
    }
}

/// A chain holds one thing in one place: the first row of each is kept.
fn one_for_each_place(rows: Vec<Value>) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for row in rows {
        let tx = row.get("hash").or(row.get("transaction_hash")).map(Value::to_string);
        if seen.insert((
            row["type"].to_string(),
            tx,
            row["trace_address"].to_string(),
            row["log_index"].to_string(),
        )) {
            kept.push(row);
        }
    }
    kept
}
