//! A drill from the binary to a trace: made, imported, labelled, followed to where its
//! truth says.

mod common;

use std::fs;

use common::Home;
use serde_json::Value;

fn generate(home: &Home, chain: &str, folder: &str, more: &[&str]) {
    let out = ["drill", "generate", "--transfers", "2k", "--seed", "7", "--chain", chain];
    home.ok(&[&["-q"], &out[..], &["--out", folder], more].concat());
}

fn truth(home: &Home, folder: &str) -> Value {
    let text = fs::read_to_string(home.path(folder).join("truth.json")).expect("a truth");
    serde_json::from_str(&text).expect("JSON")
}

fn imported(home: &Home, format: &str, folder: &str) -> Value {
    let said = home.json(&["-q", "import", format, folder, "--report", "json"]);
    said[0].clone()
}

#[test]
fn both_forms_of_a_drill_say_the_same() {
    for chain in ["ethereum", "bitcoin", "tron", "solana"] {
        let home = Home::new();
        generate(&home, chain, "rows", &[]);
        generate(&home, chain, "columns", &["--columnar"]);
        assert_eq!(truth(&home, "rows"), truth(&home, "columns"));
        let transfers = &truth(&home, "rows")["transfers"];
        let first = imported(&home, "transfers-csv", "rows");
        assert_eq!(first["transfers_new"], *transfers, "{chain}: {first}");
        assert_eq!(first["oddities"], 0, "{chain}: {first}");
        let again = imported(&home, "transfers-parquet", "columns");
        assert_eq!((&again["transfers_new"], &again["transfers_known"]), (&0.into(), transfers));
    }
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let home = Home::new();
    for more in [&[][..], &["--columnar"]] {
        let read = || {
            generate(&home, "ethereum", "drill", more);
            let files = fs::read_dir(home.path("drill")).expect("a folder");
            let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
            files.sort();
            assert_eq!(files.len(), 3, "{files:?}");
            files.into_iter().map(|file| fs::read(file).expect("bytes")).collect::<Vec<_>>()
        };
        assert_eq!(read(), read());
    }
}

#[test]
fn a_trace_finds_what_services_got_of_a_planted_theft() {
    for chain in ["ethereum", "bitcoin"] {
        let home = Home::new();
        generate(&home, chain, "drill", &[]);
        home.ok(&["-q", "import", "transfers-csv", "drill"]);
        home.ok(&["-q", "labels", "import", "tagpack", "drill/labels.yaml"]);
        let truth = truth(&home, "drill");
        let thief = truth["thefts"][0]["thief"].as_str().expect("an address");
        let trace = ["trace", thief, "--chain", chain, "--hops", "60"];
        let found = home.ok(&[&["-q"], &trace[..], &["--format", "json"]].concat());
        for served in truth["thefts"][0]["served"].as_array().expect("services") {
            let address = served["address"].as_str().expect("an address");
            assert!(found.contains(address), "{chain}: {address} is not reached");
        }
    }
}

#[test]
fn a_folder_with_other_files_is_left_alone() {
    let home = Home::new();
    home.write("mine/notes.txt", "keep");
    let generate = ["drill", "generate", "--transfers", "1k", "--chain", "ethereum"];
    home.refuses(&[&generate[..], &["--out", "mine"]].concat(), &["notes.txt", "empty folder"]);
    assert_eq!(fs::read_dir(home.path("mine")).expect("a folder").count(), 1);
    let few = ["drill", "generate", "--transfers", "10", "--chain", "ethereum", "--out", "few"];
    home.refuses(&few, &["10 transfers are too few"]);
    assert!(!home.path("few").exists());
    let odd = ["drill", "generate", "--transfers", "many", "--chain", "ethereum", "--out", "few"];
    home.refuses(&odd, &["is no count"]);
}
