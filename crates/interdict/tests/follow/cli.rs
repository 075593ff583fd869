//! The commands: what is typed wrongly is said, and what files told is listed.

use serde_json::Value;

use crate::common::{Home, csv, evm, hash};

#[test]
fn with_nothing_to_follow_it_says_what_is_missing() {
    let home = Home::new();
    home.refuses(&["follow"], &["nothing to follow", "interdict.toml", "--rpc"]);
    home.refuses(&["follow", "--chain", "ethereum"], &["ethereum has no node", "--rpc"]);
    home.refuses(&["follow", "--chain", "etherium", "--rpc", "http://n"], &["etherium"]);
    home.refuses(&["follow", "--rpc", "http://127.0.0.1:1"], &["--chain"]);
    home.refuses(
        &["follow", "--chain", "ethereum", "--rpc", "http://n", "--finality", "soon"],
        &["expected `node`, or a number of confirmations"],
    );
    assert!(!home.path("home").exists(), "a slip makes no home");
}

#[test]
fn a_node_that_is_not_there_fails_with_its_address_and_without_its_key() {
    let home = Home::new();
    // Nobody listens on port 1.
    let url = "http://me:sesame@127.0.0.1:1/v3/KEY";
    let run = home.run(&["follow", "--chain", "ethereum", "--rpc", url, "--once"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    for part in ["node http://127.0.0.1:1 of ethereum", "no connection"] {
        assert!(run.stderr.contains(part), "expected {part:?} in: {}", run.stderr);
    }
    assert!(!run.stderr.contains("sesame") && !run.stderr.contains("KEY"), "{}", run.stderr);
    let row = &home.json(&["status", "--format", "json"])["following"][0];
    assert_eq!((&row["is_running"], &row["height"]), (&Value::Bool(false), &Value::Null));
    let error = row["follower"]["last_error"]["what"].as_str().expect("an error");
    assert!(error.contains("no connection") && !error.contains("sesame"), "{error}");
    assert!(home.ok(&["status"]).contains("no process follows it"));
}

#[test]
fn the_configuration_says_where_each_value_came_from() {
    let home = Home::new();
    home.write(
        "interdict.toml",
        "[follow]\nfacts = 1000\n\n[[chain]]\nid = \"ethereum\"\nfrom = 7\nrpc = [\"http://127.0.0.1:8545\"]\n",
    );
    let said = home.ok(&["config", "check"]);
    let lines: Vec<String> =
        said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "file interdict.toml",
        "follow.facts 1000 (file)",
        "follow.at_once 32 (default)",
        "chain ethereum from 7 (file)",
        "chain ethereum node http://127.0.0.1:8545 (file)",
    ] {
        assert!(lines.iter().any(|said| said == line), "expected {line:?} in: {said}");
    }
    let mut command = home.command(&["config", "check", "--format", "json"]);
    let told = command.env("INTERDICT_ETHEREUM_FROM", "9").output().expect("it runs");
    let told: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let rows = told["values"].as_array().expect("values");
    let from = rows.iter().find(|row| row["name"] == "chain ethereum from").expect("is listed");
    assert_eq!(from["value"], "9");
    assert_eq!(from["from"], "environment INTERDICT_ETHEREUM_FROM");
    home.write("interdict.toml", "[folow]\n");
    home.refuses(&["config", "check"], &["interdict.toml", "folow"]);
}

#[test]
fn every_transfer_is_listed_once_in_order() {
    let home = Home::new();
    let header = "from,to,tx_hash,time,amount,block";
    let row = |from: u8, to: u8, tx: u8, second: u8, block: u8| {
        format!("{},{},{},2025-02-21 14:00:{second:02},1.5,{block}", evm(from), evm(to), hash(tx))
    };
    let rows = [row(3, 4, 9, 30, 12), row(1, 2, 8, 10, 10), row(2, 3, 7, 20, 11)];
    let file = home.write("theft.csv", format!("{header}\n{}\n", rows.join("\n")));
    home.ok(&["import", "transfers-csv", &file, "--chain", "ethereum"]);

    let listed = home.ok(&["transfers", "--chain", "ethereum", "--format", "json"]);
    let rows: Vec<Value> =
        listed.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let heights: Vec<u64> = rows.iter().map(|row| row["height"].as_u64().expect("told")).collect();
    assert_eq!(heights, [10, 11, 12]);
    assert_eq!(rows[0]["tx"], hash(8));
    assert_eq!((&rows[0]["from"], &rows[0]["to"]), (&evm(1).into(), &evm(2).into()));
    assert_eq!(rows[0]["amount"], "1500000000000000000");
    assert_eq!(rows[0]["asset"], "eip155:1/slip44:60");
    assert_eq!((&rows[0]["kind"], &rows[0]["final"]), (&"value".into(), &true.into()));

    let some =
        ["transfers", "--chain", "eip155:1", "--from", "11", "--to", "11", "--format", "csv"];
    let listed = home.ok(&some);
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(
        lines[0],
        "chain,tx,position,height,tx_index,time,time_source,kind,from,to,asset,amount,final"
    );
    assert_eq!(lines.len(), 2);
    assert!(lines[1].starts_with(&format!("eip155:1,{},", hash(7))), "{}", lines[1]);

    let table = home.ok(&["transfers", "--chain", "ethereum"]);
    assert!(table.contains("1500000000000000000 of eip155:1/slip44:60"), "{table}");
    assert_eq!(home.ok(&["transfers", "--chain", "bitcoin", "--format", "json"]), "");
    assert_eq!(home.ok(&["transfers", "--chain", "ethereum", "--pending"]), "");
}

#[test]
fn a_list_that_nobody_reads_to_its_end_is_no_failure() {
    let home = Home::new();
    let rows: Vec<String> = (0..200u8)
        .map(|n| format!("{},{},{},2025-02-21 14:00:00,1", evm(1), evm(2), hash(n)))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let file = home.write("many.csv", csv(&rows));
    home.ok(&["import", "transfers-csv", &file, "--chain", "ethereum"]);
    let mut list = home.spawn(&["transfers", "--chain", "ethereum", "--format", "json"]);
    drop(list.stdout.take());
    assert_eq!(list.wait().expect("it ends").code(), Some(0));
}
