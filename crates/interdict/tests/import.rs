//! Files in through the binary: real and hand-built ones, in any order, whole or not
//! at all.

#[path = "common/bitcoin.rs"]
mod bitcoin;
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use bitcoin::{COIN, Miner, REWARD, Tx, somebody};
use common::{Home, csv, evm, fixture, hash, rows, texts};
use model::{Chain, Transaction, TxId, View};
use serde_json::Value;
use store::Store;

// -- Bitcoin blocks ----------------------------------------------------------------------

#[test]
fn the_real_blocks_keep_value_where_inputs_are_known_and_name_the_rest() {
    let apart: Vec<(usize, usize)> = raw_blocks("bitcoin")
        .iter()
        .map(|block| {
            let home = Home::new();
            home.ok(&["-q", "import", "bitcoin-blocks", block]);
            known_and_unknown(&home)
        })
        .collect();
    assert_eq!(apart.len(), 3);
    let sum = |of: fn(&(usize, usize)) -> usize| apart.iter().map(of).sum::<usize>();
    assert_eq!((sum(|(known, _)| *known), sum(|(_, unknown)| *unknown)), (248, 1618));

    // The later block spends an output of the earlier: together they know one more.
    let home = Home::new();
    let run = home.run(&["import", "bitcoin-blocks", &fixture("bitcoin"), "--report", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let imported: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!((rows(&imported).len(), total(&imported, "blocks")), (3, 3));
    assert_eq!(total(&imported, "transactions"), bitcoin_transactions(&home).len() as u64);
    assert_eq!(known_and_unknown(&home), (249, 1617));

    let again = home.ok(&["import", "bitcoin-blocks", &fixture("bitcoin")]);
    assert_eq!(again.matches("known, nothing changed").count(), 3, "{again}");
    assert_eq!(known_and_unknown(&home), (249, 1617));
}

/// Transactions whose inputs are known, none of which makes money, and those of which an
/// oddity says what is missing.
fn known_and_unknown(home: &Home) -> (usize, usize) {
    let status = home.json(&["status", "--format", "json"]);
    let oddities = rows(&status["oddities"]).iter();
    let said: BTreeMap<&str, &str> =
        oddities.map(|odd| (text(&odd["at"]), text(&odd["what"]))).collect();
    let (mut known, mut unknown) = (0, 0);
    for tx in bitcoin_transactions(home).iter().filter(|tx| !tx.is_coinbase) {
        let missing: Vec<String> = tx
            .unresolved()
            .map(|outpoint| format!("{}:{}", outpoint.tx.hash_text(), outpoint.index))
            .collect();
        let Some(first) = missing.first() else {
            let value = tx.value_in().expect("every input is known");
            assert!(value >= tx.value_out(), "{} makes money", tx.id);
            known += 1;
            continue;
        };
        let count = format!("{} of {} inputs", missing.len(), tx.inputs.len());
        let what = said.get(tx.id.to_string().as_str());
        let what = what.unwrap_or_else(|| panic!("nobody speaks of {}", tx.id));
        assert!(what.contains(&count) && what.contains(first.as_str()), "{}: {what}", tx.id);
        unknown += 1;
    }
    let about = said.values().filter(|what| what.contains("not in the data")).count();
    assert_eq!(about, unknown, "one oddity a transaction");
    (known, unknown)
}

#[test]
fn blocks_of_a_node_are_followed_from_an_output_a_transaction_and_an_address() {
    let (home, theft, sale) = regtest();
    // The theft pays Bob 30 and Carol 19.9, the miner gets 0.1; Bob's go on to Dave.
    let from_output = home.json(&["trace", &format!("{}:0", theft.id()), "--format", "json"]);
    assert_eq!(met(&from_output), named(&["bob", "dave"]));
    assert_books(&from_output, 30 * COIN, 29 * COIN, COIN);

    assert_eq!(from_output["assets"][0]["decimals"], 8, "a coin of a test network is one too");

    let from_tx = home.json(&["trace", &theft.id(), "--format", "json"]);
    assert_eq!(met(&from_tx), named(&["bob", "carol", "dave"]));
    assert_books(&from_tx, 49 * COIN + COIN / 10 * 9, 48 * COIN + COIN / 10 * 9, COIN);

    let from_address = home.json(&["trace", &somebody(ALICE), "--format", "json"]);
    assert_eq!(met(&from_address), named(&["alice", "bob", "carol", "dave"]));
    assert_books(&from_address, REWARD, 48 * COIN + COIN / 10 * 9, COIN + COIN / 10);

    let back = home.json(&["trace", &somebody(DAVE), "--backward", "--format", "json"]);
    assert!(met(&back).is_superset(&named(&["bob", "alice"])), "{:?}", met(&back));
    assert!(!met(&back).contains(&somebody(CAROL)));

    let whole = format!("{}:{}:0", bitcoin::chain(), sale.id());
    let sold = home.json(&["trace", &whole, "--format", "json"]);
    assert_eq!(texts(&sold["sources"], ""), [whole]);
    assert_eq!(met(&sold), named(&["dave"]));
    home.refuses(&["trace", &format!("{}:9", theft.id())], &["9"]);
}

#[test]
fn the_node_files_may_come_in_any_order_and_twice() {
    let mut miner = Miner::default();
    let coinbase = miner.mine(ALICE, &[]);
    let first = miner.blk();
    let spend = Tx::new(&[(&coinbase, 0)], &[(30 * COIN, BOB)]);
    miner.mine(MINER, std::slice::from_ref(&spend));
    let second = miner.blk()[first.len()..].to_vec();
    let home = Home::new();
    let (first, second) = (home.write("blk00000.dat", first), home.write("blk00001.dat", second));
    let said = home.run(&["import", "bitcoin-blocks", &second]);
    assert!(said.stderr.contains("not in the data"), "{}", said.stderr);
    home.ok(&["import", "bitcoin-blocks", &first]);
    let status = home.json(&["status", "--format", "json"]);
    assert_eq!(rows(&status["oddities"]), [] as [Value; 0], "what was missing has come");
    let trace = home.json(&["trace", &spend.id(), "--format", "json"]);
    assert_eq!(trace["coverage"]["inputs_unresolved"], 0);
    let again = home.ok(&["import", "bitcoin-blocks", &second, &first]);
    assert_eq!(again.matches("known, nothing changed").count(), 2, "{again}");
    assert_eq!(home.json(&["status", "--format", "json"]), status);
}

#[test]
fn blocks_of_another_chain_or_cut_short_are_refused() {
    let mut miner = Miner::default();
    miner.mine(ALICE, &[]);
    let home = Home::new();
    let file = home.write("blk00000.dat", miner.blk());
    home.refuses(
        &["import", "bitcoin-blocks", &file, "--chain", "bitcoin"],
        &["blk00000.dat", "bitcoin-regtest"],
    );
    home.refuses(
        &["import", "bitcoin-blocks", &file, "--chain", "ethereum"],
        &["--chain", "ethereum"],
    );
    let raw = fs::read(fixture("bitcoin/testnet_0045e0b1.raw")).expect("a block");
    let half = home.write("half.raw", &raw[..raw.len() / 2]);
    home.refuses(&["import", "bitcoin-blocks", &half], &["half.raw", "ends"]);
    let mut changed = raw;
    changed[200] ^= 1;
    let changed = home.write("changed.raw", changed);
    home.refuses(&["import", "bitcoin-blocks", &changed], &["changed.raw"]);
    assert_eq!(transfers(&home), 0);
}

#[test]
fn rows_of_bitcoin_are_kept_and_say_that_a_trace_needs_blocks() {
    let home = Home::new();
    let (alice, bob) = (somebody(ALICE), somebody(BOB));
    let text = format!(
        "from,to,tx_hash,time,amount,position\n,{alice},{a},2020-01-01 00:00:00,5,out0\n{alice},,{b},2020-01-02 00:00:00,5,in0\n,{bob},{b},2020-01-02 00:00:00,4,out0\n",
        a = "11".repeat(32),
        b = "22".repeat(32)
    );
    let file = home.write("legs.csv", text);
    let run = home.run(&["import", "transfers-csv", &file, "--chain", "bitcoin-regtest"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("3 transfers new"), "{}", run.stdout);
    assert!(run.stderr.contains("bitcoin-blocks"), "{}", run.stderr);
    let loose = home.write(
        "loose.csv",
        csv(&[&format!("{alice},{bob},{},2020-01-01 00:00:00,5", "33".repeat(32))]),
    );
    home.refuses(
        &["import", "transfers-csv", &loose, "--chain", "bitcoin-regtest"],
        &["loose.csv", "line 2", "position"],
    );
}

// -- ethereum-etl ------------------------------------------------------------------------

#[test]
fn ethereum_rows_give_the_same_in_any_order_and_twice() {
    let mut files = Vec::new();
    find_files(PathBuf::from(fixture("ethereum-etl")), &mut files);
    assert!(files.len() >= 15, "{files:?}");
    let import = |files: &[String]| {
        let home = Home::new();
        for file in files {
            home.ok(&["import", "ethereum-etl", file, "--chain", "ethereum"]);
        }
        home
    };
    let forth = import(&files);
    files.reverse();
    let back = import(&files);
    let together = Home::new();
    together.ok(&["import", "ethereum-etl", &fixture("ethereum-etl"), "--chain", "ethereum"]);
    let all = ethereum_transfers(&forth);
    assert!(all.len() > 700, "{}", all.len());
    assert_eq!(difference(&all, &ethereum_transfers(&back)), [] as [String; 0]);
    assert_eq!(difference(&all, &ethereum_transfers(&together)), [] as [String; 0]);
    let again =
        together.ok(&["import", "ethereum-etl", &fixture("ethereum-etl"), "--chain", "ethereum"]);
    assert_eq!(again.lines().count(), again.matches("known, nothing changed").count(), "{again}");
    assert_eq!(difference(&all, &ethereum_transfers(&together)), [] as [String; 0]);
}

#[test]
fn ethereum_values_are_exact() {
    let home = Home::new();
    let folder = fixture("ethereum-etl/test_stream/blocks_17173049_17173050");
    home.ok(&["import", "ethereum-etl", &folder, "--chain", "ethereum"]);
    let kept: BTreeSet<String> = ethereum_transfers(&home).into_iter().collect();
    let read = common::read(format!("{folder}/expected_token_transfers.json"));
    let mut checked = 0;
    for line in read.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let amount = row["value"].as_str().map_or_else(|| row["value"].to_string(), str::to_string);
        let wanted = format!(
            "{} log{} {} -> {} {} of eip155:1/erc20:{}",
            text(&row["transaction_hash"]),
            row["log_index"],
            text(&row["from_address"]),
            text(&row["to_address"]),
            amount,
            text(&row["token_address"]),
        );
        // An ERC-721 token is not an amount.
        if kept.contains(&wanted) {
            checked += 1;
        }
    }
    assert!(checked > 250, "{checked} of {}", read.lines().count());
    let whole = common::read(format!("{folder}/expected_transactions.json"));
    for line in whole.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let amount = row["value"].to_string();
        if amount == "0" || row["receipt_status"] == 0 {
            continue;
        }
        let (from, to) = (text(&row["from_address"]), text(&row["to_address"]));
        let wanted =
            format!("{} call {from} -> {to} {amount} of eip155:1/slip44:60", text(&row["hash"]));
        assert!(kept.contains(&wanted), "{wanted}");
    }
}

#[test]
fn a_chain_that_nobody_names_is_assumed_aloud() {
    let home = Home::new();
    let folder = fixture("ethereum-etl/test_stream/blocks_508110_508110");
    let run = home.run(&["import", "ethereum-etl", &folder]);
    assert_eq!(run.code, 0);
    assert!(
        run.stderr.contains("does not say its chain") && run.stderr.contains("--chain"),
        "{}",
        run.stderr
    );
    home.refuses(
        &["import", "ethereum-etl", &folder, "--chain", "bitcoin"],
        &["--chain", "bitcoin"],
    );
}

// -- transfers-csv -----------------------------------------------------------------------

#[test]
fn a_malformed_row_keeps_nothing_of_its_file_and_all_before_it() {
    let home = Home::new();
    let good = |tx: u8| format!("{},{},{},2025-01-01 00:00:00,1.5", evm(1), evm(2), hash(tx));
    let first = home.write("a.csv", csv(&[&good(1), &good(2)]));
    home.ok(&["import", "transfers-csv", &first, "--chain", "ethereum"]);
    let before = home.json(&["status", "--format", "json"]);
    assert_eq!(transfers(&home), 2);

    let bad = |cell: &str| format!("{},{},{},2025-01-01 00:00:00,{cell}", evm(1), evm(2), hash(5));
    let cases = [
        (bad("one"), "field amount: \"one\" is not a decimal number"),
        (bad("-1"), "field amount: \"-1\" is not"),
        (bad("1.0000000000000000001"), "at most 18 decimals"),
        (bad("\"1,5\""), "field amount: \"1,5\" is not"),
        (bad(""), "field amount: nothing there: expected an amount"),
        (good(5).replace(&evm(2), "0x12"), "field to: \"0x12\" is not an address of ethereum"),
        (
            good(5).replace(&hash(5), "0x05"),
            "field tx_hash: \"0x05\" is not a transaction hash of ethereum",
        ),
        (
            good(5).replace("2025-01-01 00:00:00", "yesterday"),
            "field time: \"yesterday\" is not a time",
        ),
        (
            good(5).replace("2025-01-01 00:00:00", "2025-01-01"),
            "field time: \"2025-01-01\" is not a time",
        ),
        (evm(1), "1 fields, expected 5"),
    ];
    for (row, expected) in cases {
        let file = home.write("b.csv", csv(&[&good(3), &row, &good(4)]));
        home.refuses(
            &["import", "transfers-csv", &file, "--chain", "ethereum"],
            &["b.csv: line 3: ", expected],
        );
        assert_eq!(
            home.json(&["status", "--format", "json"]),
            before,
            "{expected}: something was kept"
        );
    }

    // Several at once: those before the bad one stay.
    let third = home.write("c.csv", csv(&["what"]));
    let second = home.write("b.csv", csv(&[&good(3)]));
    home.refuses(
        &["import", "transfers-csv", &second, &third, "--chain", "ethereum"],
        &["c.csv: line 2"],
    );
    assert_eq!(transfers(&home), 3);
}

#[test]
fn a_file_that_is_none_is_refused() {
    let home = Home::new();
    let refuses = |name: &str, bytes: &[u8], said: &[&str]| {
        let file = home.write(name, bytes);
        home.refuses(&["import", "transfers-csv", &file, "--chain", "ethereum"], said);
    };
    refuses("empty.csv", b"", &["empty.csv", "empty"]);
    refuses("utf16.csv", b"\xff\xfea\0", &["UTF-16"]);
    refuses("gzip.csv", b"\x1f\x8b\x08\0", &["compressed"]);
    refuses("columns.csv", b"a,b\n1,2\n", &["line 1", "field from", "expected a column"]);
    home.refuses(
        &["import", "transfers-csv", "nowhere.csv", "--chain", "ethereum"],
        &["nowhere.csv", "No such file"],
    );
    let folder = home.path("nothing");
    fs::create_dir(&folder).expect("a folder");
    let folder = folder.to_str().expect("UTF-8");
    home.refuses(
        &["import", "transfers-csv", folder, "--chain", "ethereum"],
        &["nothing", "without any file"],
    );
    home.refuses(&["import", "transfers-csv"], &["required"]);
}

#[test]
fn unknown_formats_and_chains_name_the_known_ones() {
    let home = Home::new();
    home.refuses(&["import", "excel", "a.xlsx"], &["excel", "transfers-csv", "bitcoin-blocks"]);
    home.refuses(
        &["import", "transfers-csv", "a.csv", "--chain", "etherium"],
        &["etherium", "ethereum", "eip155:1"],
    );
    let file = home.write(
        "a.csv",
        csv(&[&format!("{},{},{},2025-01-01 00:00:00,1", evm(1), evm(2), hash(1))]),
    );
    home.refuses(&["import", "transfers-csv", &file], &["a.csv", "field chain", "--chain"]);
    home.refuses(&["lists", "import", "interpol", "a.csv"], &["interpol", "ofac", "addresses"]);
    home.refuses(&["labels", "import", "stickers", "a.csv"], &["stickers", "tagpack", "name-tags"]);
}

#[test]
fn a_folder_is_its_files_of_the_format() {
    let home = Home::new();
    let row = |tx: u8| format!("{},{},{},2025-01-01 00:00:00,1", evm(1), evm(2), hash(tx));
    home.write("data/b.csv", csv(&[&row(2)]));
    home.write("data/deeper/a.csv", csv(&[&row(1)]));
    home.write("data/readme.txt", "not a table");
    home.write("data/.hidden.csv", "not a table");
    let folder = home.path("data").to_str().expect("UTF-8").to_string();
    let said = home.ok(&["import", "transfers-csv", &folder, "--chain", "ethereum"]);
    assert_eq!(said.lines().count(), 2, "{said}");
    assert_eq!(transfers(&home), 2);
    // Named twice, taken once.
    let again = Home::new();
    let said = again.ok(&["import", "transfers-csv", &folder, &folder, "--chain", "ethereum"]);
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[test]
fn a_row_with_a_position_and_one_without_are_one_transfer() {
    let (header, tail) = ("from,to,tx_hash,time,amount,token_contract,decimals", "6");
    let usdt = "0xdac17f958d2ee523a2206206994597c13d831ec7";
    let row = format!("{},{},{},2025-01-01 00:00:00,7,{usdt},{tail}", evm(1), evm(2), hash(1));
    let plain = format!("{header}\n{row}\n");
    let placed = format!("{header},log_index\n{row},12\n");
    for (first, second) in [(&plain, &placed), (&placed, &plain)] {
        let home = Home::new();
        let (first, second) = (home.write("first.csv", first), home.write("second.csv", second));
        home.ok(&["import", "transfers-csv", &first, "--chain", "ethereum"]);
        let said = home.ok(&["import", "transfers-csv", &second, "--chain", "ethereum"]);
        assert!(said.contains("0 transfers new, 1 known"), "{said}");
        assert_eq!(transfers(&home), 1);
        let report = home.json(&["trace", &evm(1), "--format", "json"]);
        assert_eq!(texts(&report["edges"], "position"), ["log12"]);
    }
    // Two equal ones without a position are two, and so they stay.
    let home = Home::new();
    let twice = home.write("twice.csv", format!("{header}\n{row}\n{row}\n"));
    home.ok(&["import", "transfers-csv", &twice, "--chain", "ethereum"]);
    let placed = home.write("placed.csv", placed);
    home.ok(&["import", "transfers-csv", &placed, "--chain", "ethereum"]);
    assert_eq!(transfers(&home), 2);
}

#[test]
fn the_same_bytes_under_another_name_change_nothing() {
    let home = Home::new();
    let text = csv(&[&format!("{},{},{},2025-01-01 00:00:00,1", evm(1), evm(2), hash(1))]);
    let (one, other) = (home.write("one.csv", &text), home.write("other.csv", &text));
    home.ok(&["import", "transfers-csv", &one, "--chain", "ethereum"]);
    let before = home.json(&["status", "--format", "json"]);
    let said = home.ok(&["import", "transfers-csv", &other, "--chain", "eip155:1"]);
    assert!(said.contains("other.csv: known, nothing changed"), "{said}");
    assert_eq!(home.json(&["status", "--format", "json"]), before);
}

#[test]
fn the_report_in_json_counts_what_was_new() {
    let home = Home::new();
    let row = |tx: u8| format!("{},{},{},2025-01-01 00:00:00,1", evm(1), evm(2), hash(tx));
    let one = home.write("one.csv", csv(&[&row(1), &row(2)]));
    let two = home.write("two.csv", csv(&[&row(2), &row(3)]));
    let said = home.json(&[
        "import",
        "transfers-csv",
        &one,
        &two,
        "--chain",
        "ethereum",
        "--report",
        "json",
    ]);
    let counts =
        |field: &str| rows(&said).iter().map(|file| file[field].as_u64()).collect::<Vec<_>>();
    assert_eq!(counts("rows"), [Some(2), Some(2)]);
    assert_eq!(counts("transfers_new"), [Some(2), Some(1)]);
    assert_eq!(counts("transfers_known"), [Some(0), Some(1)]);
    assert!(
        rows(&said)
            .iter()
            .all(|file| file["is_known"] == false && text(&file["sha256"]).len() == 64)
    );
}

#[test]
fn a_parquet_that_is_none_is_refused() {
    let home = Home::new();
    let file = home.write("blocks.parquet", "PAR1 and so on");
    home.refuses(&["import", "cryo", &file, "--chain", "ethereum"], &["blocks.parquet", "Parquet"]);
}

// -- labels ------------------------------------------------------------------------------

#[test]
fn published_packs_are_kept_once_and_name_who_is_met() {
    let home = Home::new();
    let packs = fs::read_dir(fixture("labels/tagpacks/packs")).expect("packs");
    let packs: Vec<String> = packs
        .map(|pack| pack.expect("a pack").path().display().to_string())
        .filter(|pack| !pack.ends_with("header.yaml"))
        .collect();
    let args: Vec<&str> = ["labels", "import", "tagpack"]
        .into_iter()
        .chain(packs.iter().map(String::as_str))
        .collect();
    let said = home.ok(&args);
    assert_eq!(said.lines().count(), packs.len(), "{said}");
    let status = home.ok(&["labels", "status"]);
    assert!(!status.is_empty());
    let again = home.ok(&args);
    assert_eq!(again.matches("known, nothing changed").count(), packs.len(), "{again}");
    assert_eq!(home.ok(&["labels", "status"]), status);

    let folder = home.ok(&["labels", "import", "tagpack", &fixture("labels/tagpacks/packs")]);
    assert_eq!(folder.matches("known, nothing changed").count(), packs.len(), "{folder}");
    let empty = home.path("empty");
    fs::create_dir(&empty).expect("makes");
    let empty = empty.display().to_string();
    home.refuses(&["labels", "import", "tagpack", &empty], &["no .yaml or .yml file"]);

    let pack = home.write("bad.yaml", "title: [unclosed\n");
    home.refuses(&["labels", "import", "tagpack", &pack], &["bad.yaml"]);
    assert_eq!(home.ok(&["labels", "status"]), status);
}

#[test]
fn a_labelled_service_ends_the_walk_and_is_named() {
    let home = Home::new();
    let rows_of = [(1, 2, 1), (2, 3, 2), (3, 4, 3)].map(|(from, to, tx): (u8, u8, u8)| {
        format!("{},{},{},2025-01-0{tx} 00:00:00,1", evm(from), evm(to), hash(tx))
    });
    let file = home.write("t.csv", csv(&rows_of.each_ref().map(String::as_str)));
    home.ok(&["import", "transfers-csv", &file, "--chain", "ethereum"]);
    let tags = home.write(
        "tags.json",
        format!(r#"{{"{}": {{"name": "Some Exchange 7", "labels": ["exchange"]}}}}"#, evm(3)),
    );
    home.ok(&[
        "labels",
        "import",
        "name-tags",
        &tags,
        "--chain",
        "ethereum",
        "--date",
        "2024-01-01",
    ]);
    let report = home.json(&["trace", &evm(1), "--format", "json"]);
    let nodes = texts(&report["nodes"], "account");
    assert!(
        !nodes.contains(&format!("eip155:1:{}", evm(4)).as_str()),
        "the walk went through a service"
    );
    let end =
        rows(&report["endpoints"]).iter().find(|end| end["kind"] == "service").expect("a service");
    assert_eq!(
        (text(&end["account"]), text(&end["name"])),
        (format!("eip155:1:{}", evm(3)).as_str(), "Some Exchange 7")
    );
}

// -- helpers -----------------------------------------------------------------------------

const ALICE: u8 = 0xa1;
const BOB: u8 = 0xb0;
const CAROL: u8 = 0xca;
const DAVE: u8 = 0xda;
const MINER: u8 = 0x99;

/// Alice's reward goes to Bob and Carol, Bob's part to Dave, fees at both steps.
fn regtest() -> (Home, Tx, Tx) {
    let mut miner = Miner::default();
    let reward = miner.mine(ALICE, &[]);
    let theft = Tx::new(&[(&reward, 0)], &[(30 * COIN, BOB), (19 * COIN + COIN / 10 * 9, CAROL)]);
    miner.mine(MINER, std::slice::from_ref(&theft));
    let sale = Tx::new(&[(&theft, 0)], &[(29 * COIN, DAVE)]);
    miner.mine(MINER, std::slice::from_ref(&sale));
    let home = Home::new();
    let file = home.write("blocks/blk00000.dat", miner.blk());
    let said = home.ok(&["import", "bitcoin-blocks", &file]);
    assert!(said.contains("3 blocks"), "{said}");
    (home, theft, sale)
}

fn named(names: &[&str]) -> BTreeSet<String> {
    let byte = |name: &&str| match *name {
        "alice" => ALICE,
        "bob" => BOB,
        "carol" => CAROL,
        "dave" => DAVE,
        _ => panic!("nobody is called {name}"),
    };
    names.iter().map(byte).map(somebody).collect()
}

/// Everybody on the way, the source included.
fn met(report: &Value) -> BTreeSet<String> {
    let accounts = texts(&report["nodes"], "account").into_iter();
    accounts.map(|account| account.rsplit(':').next().expect("an address").to_string()).collect()
}

#[track_caller]
fn assert_books(report: &Value, tainted_in: u64, resting: u64, fees: u64) {
    let [totals] = rows(&report["totals"]["by_asset"]) else { panic!("{}", report["totals"]) };
    let said = ["tainted_in", "resting", "fees"].map(|field| text(&totals[field]).to_string());
    assert_eq!(said, [tainted_in, resting, fees].map(|base| base.to_string()), "{totals}");
}

fn store(home: &Home) -> Store {
    Store::open_existing(&home.path("home")).expect("a store")
}

fn bitcoin_transactions(home: &Home) -> Vec<model::UtxoTransaction> {
    let store = store(home);
    let mut ids: BTreeSet<TxId> = BTreeSet::new();
    for coverage in store.coverage().expect("coverage") {
        let mut visit = |transfer: &model::Transfer| {
            ids.insert(transfer.tx);
            ControlFlow::Continue(())
        };
        store.scan(coverage.chain, None, None, &mut visit).expect("a scan");
    }
    let of = |id: TxId| match store.transaction(&id).expect("a transaction") {
        Some(Transaction::Utxo(tx)) => tx,
        other => panic!("{id}: {other:?}"),
    };
    ids.into_iter().map(of).collect()
}

/// Every transfer as a line that says what it is.
fn ethereum_transfers(home: &Home) -> Vec<String> {
    let mut lines = Vec::new();
    let mut visit = |transfer: &model::Transfer| {
        let end = |address: &Option<model::Address>| {
            address.as_ref().map_or("-".to_string(), |a| a.text(Chain::ETHEREUM))
        };
        lines.push(format!(
            "{} {} {} -> {} {} of {}",
            transfer.tx.hash_text(),
            transfer.position,
            end(&transfer.from),
            end(&transfer.to),
            transfer.amount,
            transfer.asset
        ));
        ControlFlow::Continue(())
    };
    store(home).scan(Chain::ETHEREUM, None, None, &mut visit).expect("a scan");
    lines.sort();
    lines
}

/// What only one of the two has.
fn difference(one: &[String], other: &[String]) -> Vec<String> {
    let (one, other): (BTreeSet<_>, BTreeSet<_>) = (one.iter().collect(), other.iter().collect());
    one.symmetric_difference(&other).map(ToString::to_string).collect()
}

fn raw_blocks(name: &str) -> Vec<String> {
    let entries = fs::read_dir(fixture(name)).expect("a folder");
    let mut files: Vec<String> =
        entries.map(|entry| entry.expect("a file").path().display().to_string()).collect();
    files.retain(|file| file.ends_with(".raw"));
    files.sort();
    files
}

fn find_files(folder: PathBuf, found: &mut Vec<String>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        let is_table =
            path.extension().is_some_and(|extension| extension == "json" || extension == "csv");
        if path.is_dir() {
            find_files(path, found);
        } else if is_table {
            found.push(path.to_str().expect("UTF-8").to_string());
        }
    }
}

fn transfers(home: &Home) -> u64 {
    home.json(&["status", "--format", "json"])["stats"]["transfers"].as_u64().expect("a number")
}

fn total(imported: &Value, field: &str) -> u64 {
    rows(imported).iter().map(|file| file[field].as_u64().expect("a number")).sum()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("expected text, found {value}"))
}
