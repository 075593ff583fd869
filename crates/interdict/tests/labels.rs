//! Labels at the command line: in, shown side by side, disputed, put right, out again.

mod common;

use common::{Home, rows, texts};
use serde_json::Value;

const HOT: &str = "0x7f268357A8c2552623316e2562D90e642bB538E5";

const OURS: &str = "\
address,chain,name,concepts,confidence,source,date,valid_until
0x7f268357A8c2552623316e2562D90e642bB538E5,ethereum,Our hot wallet,exchange,ownership,our books,2025-01-02,2026-01-02
";

/// Two more, from somebody else, one of which differs.
const THEIRS: &str = "
title: Their pack
creator: them
currency: ETH
confidence: web_crawl
lastmod: 2023-01-02
tags:
  - {address: '0x7f268357a8c2552623316e2562d90e642bb538e5', label: Lucky Dice, source: 'https://them', concepts: [gambling]}
  - {address: '0x3f5ce5fbfe3e9af3971dd833d26ba9b5c936f0be', label: Binance 1, source: 'https://them', concepts: [exchange]}
";

fn home() -> Home {
    let home = Home::new();
    home.ok(&["labels", "import", "own-csv", &home.write("ours.csv", OURS)]);
    home.ok(&["labels", "import", "tagpack", &home.write("theirs.yaml", THEIRS)]);
    home
}

fn show(home: &Home, more: &[&str]) -> Value {
    home.json(&[&["labels", "show", HOT, "--format", "json"], more].concat())
}

/// The claim of one collection.
fn claim(shown: &Value, collection: &str) -> Value {
    let source = rows(&shown["by_source"]).iter().find(|row| row["collection"] == collection);
    source.expect(collection)["claims"][0].clone()
}

#[test]
fn claims_stand_side_by_side_and_their_disagreements_are_named() {
    let home = home();
    let shown = show(&home, &["--on", "2025-01-02"]);
    assert_eq!(texts(&shown["by_source"], "collection"), ["Their pack", "ours.csv"]);
    assert_eq!(texts(&shown["disagreements"], "about"), ["name", "concept"]);
    // Two years on, a scraped name weighs half; what we own does not age, until it runs out.
    assert_eq!(claim(&shown, "Their pack")["effective"]["level"], 10);
    assert_eq!(claim(&shown, "Their pack")["confidence_level"], 20);
    assert_eq!(claim(&shown, "ours.csv")["effective"]["level"], 100);
    let later = show(&home, &["--on", "2026-01-03"]);
    assert_eq!(claim(&later, "ours.csv")["effective"]["level"], 0);
    assert!(home.ok(&["labels", "show", HOT]).contains("They disagree on the name"));
}

#[test]
fn a_dispute_is_shown_ends_no_walk_and_can_be_lifted_and_all_of_it_is_history() {
    let home = home();
    let id = |home: &Home| claim(&show(home, &[]), "Their pack")["id"].clone();
    let id = id(&home).as_str().expect("an id").to_string();
    home.ok(&["labels", "dispute", &id, "--by", "A", "--why", "the casino closed"]);
    let shown = claim(&show(&home, &[]), "Their pack");
    assert_eq!((&shown["is_disputed"], &shown["ends_walks"]), (&true.into(), &false.into()));
    let listed = home.json(&["labels", "list", "--disputed", "--format", "json"]);
    assert_eq!(texts(&listed["labels"], "id"), [id.as_str()]);

    home.ok(&["labels", "correct", &id, "--concepts", "market", "--by", "B", "--why", "seen"]);
    home.ok(&["labels", "dispute", &id, "--lift", "--by", "A", "--why", "settled"]);
    let shown = claim(&show(&home, &[]), "Their pack");
    assert_eq!((&shown["is_disputed"], &shown["concepts"][0]), (&false.into(), &"market".into()));
    // A newer file of the pack says it again: what was decided holds.
    home.ok(&["labels", "import", "tagpack", &home.write("theirs.yaml", format!("{THEIRS}\n"))]);
    assert_eq!(claim(&show(&home, &[]), "Their pack")["concepts"][0], "market");
    let history = home.json(&["labels", "history", HOT, "--format", "json"]);
    assert_eq!(texts(&history, "by"), ["A", "B", "A"]);
    assert_eq!(texts(&history, "why"), ["the casino closed", "seen", "settled"]);
}

#[test]
fn a_disputed_label_no_longer_stops_a_walk() {
    let home = Home::new();
    home.ok(&["labels", "import", "own-csv", &home.write("ours.csv", OURS)]);
    let hash = |n: u8| format!("0x{}", format!("{n:02x}").repeat(32));
    let table = format!(
        "tx_hash,time,from,to,amount\n\
         {},2025-01-01 00:00:00,0x{a},{HOT},5\n\
         {},2025-01-01 00:01:00,{HOT},0x{b},5\n",
        hash(1),
        hash(2),
        a = "aa".repeat(20),
        b = "bb".repeat(20),
    );
    home.ok(&["import", "transfers-csv", &home.write("t.csv", table), "--chain", "ethereum"]);
    let source = format!("eip155:1:0x{}", "aa".repeat(20));
    let trace = || home.ok(&["trace", &source, "--format", "csv", "--offline"]);
    let reaches = |text: &str| text.contains(&"bb".repeat(20));
    assert!(!reaches(&trace()), "the exchange ends it");
    let id = claim(&show(&home, &[]), "ours.csv")["id"].as_str().expect("an id").to_string();
    home.ok(&["labels", "dispute", &id, "--by", "A", "--why", "sold", "--stops-walks"]);
    assert!(!reaches(&trace()), "it was set to go on ending walks");
    home.ok(&["labels", "dispute", &id, "--by", "A", "--why", "sold"]);
    assert!(reaches(&trace()), "disputed, it ends none");
    // Whoever checks the evidence walks with the same labels, disputes and all.
    home.ok(&["trace", &source, "--offline", "--bundle", "theft.bundle"]);
    home.ok(&["verify", "theft.bundle"]);
}

#[test]
fn labels_are_found_by_name_the_best_fit_first() {
    let home = home();
    let found = |name: &str| {
        let found = home.json(&["labels", "list", "--name", name, "--format", "json"]);
        texts(&found["labels"], "name").iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(found("BINANCE"), ["Binance 1"]);
    assert_eq!(found("dice"), ["Lucky Dice"]);
    assert!(found("kraken").is_empty());
    let services = home.json(&["labels", "list", "--concept", "service", "--format", "json"]);
    assert_eq!(services["found"], 3);
    let few = home.ok(&["labels", "list", "--limit", "1"]);
    assert!(few.contains("1 of 3"), "{few}");
}

#[test]
fn own_labels_go_out_and_come_back() {
    let home = home();
    let table = home.ok(&["labels", "export", "own-csv"]);
    let other = Home::new();
    other.ok(&["labels", "import", "own-csv", &other.write("ours.csv", &table)]);
    let of = |home: &Home| claim(&show(home, &["--on", "2025-01-02"]), "ours.csv");
    let (mut ours, mut theirs) = (of(&home), of(&other));
    (ours["file_hash"], theirs["file_hash"]) = (Value::Null, Value::Null);
    assert_eq!(ours, theirs);
    let pack = home.ok(&["labels", "export", "tagpack", "--title", "Cell", "--creator", "us"]);
    other.ok(&["labels", "import", "tagpack", &other.write("cell.yaml", &pack)]);
    assert_eq!(claim(&show(&other, &[]), "Cell")["name"], "Our hot wallet");
}

#[test]
fn a_slip_at_the_command_line_is_said() {
    let home = home();
    let error = home.error(&["labels", "dispute", "zz", "--by", "A", "--why", "x"]);
    assert!(error.contains("is no id of a label"), "{error}");
    let error = home.error(&["labels", "dispute", "abcdef12", "--by", "A", "--why", "x"]);
    assert!(error.contains("no label has the id"), "{error}");
    let id = claim(&show(&home, &[]), "ours.csv")["id"].as_str().expect("an id").to_string();
    let error = home.error(&["labels", "dispute", &id, "--by", " ", "--why", "x"]);
    assert!(error.contains("--by and --why must not be empty"), "{error}");
    let error = home.error(&["labels", "correct", &id, "--by", "A", "--why", "x"]);
    assert!(error.contains("nothing to put right"), "{error}");
    let sure = ["labels", "correct", &id, "--by", "A", "--why", "x", "--confidence", "sure"];
    assert!(home.error(&sure).contains("no grade of confidence"));
}

#[test]
fn a_real_block_says_what_its_miner_wrote() {
    let home = Home::new();
    let pools = common::fixture("labels/mining-pools/pools.json");
    home.ok(&["labels", "import", "mining-pools", &pools]);
    home.ok(&["import", "bitcoin-blocks", &home.write("blk00000.dat", framed())]);
    let mined = home.json(&["labels", "miners", "--format", "json"]);
    let mined = rows(&mined);
    assert_eq!(mined.len(), 2);
    assert!(mined.iter().all(|row| row["coinbase_known"] == true), "{mined:?}");
    let mut found: Vec<String> = mined.iter().map(|row| row["pool"].to_string()).collect();
    found.sort();
    assert_eq!(found, POOLS);
}

/// Who mined the two mainnet blocks of `fixtures/bitcoin`.
const POOLS: [&str; 2] = ["\"F2Pool\"", "\"ViaBTC\""];

/// The blocks as a node keeps them in a file.
fn framed() -> Vec<u8> {
    let folder = std::path::PathBuf::from(common::fixture("bitcoin"));
    let names = [
        "electrs_00000000000000001203c1ea455e38612bdf36e9967fdead11935c8e22283ecc.raw",
        "electrs_000000000000000002d249a3d89f63ef3fee203adcca7c24008c13fd854513f2.raw",
    ];
    let mut bytes = Vec::new();
    for name in names {
        let block = std::fs::read(folder.join(name)).expect("the fixture is there");
        bytes.extend([0xf9, 0xbe, 0xb4, 0xd9]);
        bytes.extend(u32::try_from(block.len()).expect("small").to_le_bytes());
        bytes.extend(block);
    }
    bytes
}
