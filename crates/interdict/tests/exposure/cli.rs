//! `interdict exposure` and `interdict risk`, as typed.

use serde_json::Value;

use super::common::{Home, csv, evm, hash};

const PACK: &str = "
title: a pack
creator: tester
network: ETH
currency: ETH
source: test
lastmod: 2025-01-01
confidence: ownership
tags:
  - address: '0x1111111111111111111111111111111111111111'
    label: a mixer
    category: mixing_service
  - address: '0x2222222222222222222222222222222222222222'
    label: an exchange
    category: exchange
";

fn transfer(n: u8, from: u8, to: u8, eth: u32) -> String {
    let time = format!("2025-02-{:02}T00:00:00Z", n + 1);
    format!("{},{},{},{time},{eth}", evm(from), evm(to), hash(n))
}

/// mixer -> a -> b -> exchange, and clean money beside it.
fn told() -> Home {
    let home = Home::new();
    let rows = [
        transfer(0, 0x11, 0xaa, 10),
        transfer(1, 0xcc, 0xbb, 30),
        transfer(2, 0xaa, 0xbb, 10),
        transfer(3, 0xbb, 0x22, 20),
    ];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let file = home.write("story.csv", csv(&rows));
    home.ok(&["-q", "import", "transfers-csv", &file, "--chain", "ethereum"]);
    let pack = home.write("pack.yaml", PACK);
    home.ok(&["-q", "labels", "import", "tagpack", &pack]);
    home
}

fn base(flows: &Value, direction: &str, basis: &str) -> Value {
    let flows = flows["flows"].as_array().expect("flows");
    let is_it = |flow: &&Value| flow["direction"] == direction && flow["basis"] == basis;
    flows.iter().find(is_it).expect("there is such a flow").clone()
}

#[test]
fn walked_then_kept_then_said_to_be_stale() {
    let home = told();
    let b = evm(0xbb);
    let walked = home.json(&["-q", "exposure", &b, "--walk", "--format", "json"]);
    assert_eq!(
        (&walked["format"], &walked["method"]),
        (&"interdict-exposure".into(), &"walk".into())
    );
    let came = base(&walked, "in", "moved");
    assert_eq!(came["services"][0]["indirect"], "10000000000000000000");
    assert_eq!(came["services"][0]["service"]["category"], "mixing_service");
    assert_eq!(came["services"][0]["paths"][0]["transfers"].as_array().map(Vec::len), Some(2));
    assert_eq!(came["unlabelled"], "30000000000000000000");

    // Nothing is kept yet: it walks, and says so.
    let run = home.run(&["exposure", &b]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("walking instead"), "{}", run.stderr);

    assert!(home.ok(&["-q", "exposure", "update"]).contains("read whole (nothing was kept)"));
    assert!(home.ok(&["-q", "exposure", "update"]).contains("up to date"));
    let kept = home.json(&["-q", "exposure", &b, "--format", "json"]);
    assert_eq!(kept["method"], "stored");
    assert_eq!(kept["as_of"]["transfers"], 4);
    assert_eq!(kept["as_of"]["stale"], Value::Null);
    let held = base(&kept, "in", "held");
    assert_eq!(held["services"][0]["indirect"], "5000000000000000000");
    let went = base(&kept, "out", "counterparties");
    assert_eq!(went["services"][0]["direct"], "20000000000000000000");
    let text = home.ok(&["-q", "exposure", &b]);
    assert!(text.contains("a mixer (mixing_service): 0 ETH direct, 5 ETH indirect"), "{text}");
    assert!(text.contains("Not found is not clean."), "{text}");

    // Where the clean money came from turns out not to be clean.
    let more = PACK.replace("a pack", "another").replace(&"1".repeat(40), &"c".repeat(40));
    let more = home.write("more.yaml", more.replace("mixing_service", "ransomware"));
    home.ok(&["-q", "labels", "import", "tagpack", &more]);
    let text = home.ok(&["-q", "exposure", &b]);
    assert!(text.contains("STALE: 1 addresses with a past were labelled"), "{text}");
    assert!(home.ok(&["-q", "exposure", "update"]).contains("labelled or listed since"));
    let text = home.ok(&["-q", "exposure", &b]);
    assert!(!text.contains("STALE") && text.contains("ransomware"), "{text}");
}

/// How many transfers what is kept of an address rests on, once it is this many.
#[track_caller]
fn wait_for(home: &Home, address: &str, transfers: u64) {
    for _ in 0..600 {
        let kept = home.json(&["-q", "exposure", address, "--format", "json"]);
        if kept["as_of"]["transfers"] == transfers && kept["as_of"]["stale"] == Value::Null {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("{transfers} transfers were never taken in");
}

#[test]
fn an_update_that_goes_on_takes_in_what_comes() {
    let home = told();
    let mut child = home.spawn(&["exposure", "update", "--every", "1"]);
    wait_for(&home, &evm(0xbb), 4);
    let file = home.write("more.csv", csv(&[transfer(7, 0x11, 0xbb, 5).as_str()]));
    home.ok(&["-q", "import", "transfers-csv", &file, "--chain", "ethereum"]);
    wait_for(&home, &evm(0xbb), 5);
    assert!(child.try_wait().expect("it can be asked").is_none(), "it goes on");
    child.kill().expect("it can be stopped");
    child.wait().expect("it ends");
}

#[test]
fn a_severity_comes_with_its_reasons() {
    let home = told();
    home.ok(&["-q", "exposure", "update"]);
    let run = home.run(&["-q", "risk", &evm(0xaa), "--format", "json"]);
    assert_eq!(run.code, 10, "{}", run.stderr);
    let answer: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let risk = &answer["risk"];
    assert_eq!(risk["severity"], "medium");
    let reason = &risk["reasons"][0];
    assert_eq!(reason["rule"], "mixing-direct");
    assert_eq!(reason["version"], 1);
    assert_eq!(reason["figures"][0]["amount"], "10000000000000000000");
    assert_eq!(reason["figures"][0]["share"], 1.0);
    assert!(reason["evidence"][0].as_str().is_some_and(|id| id.contains("eip155:1")), "{reason}");
    assert!(reason["basis"].as_str().is_some_and(|basis| basis.contains("FATF")));
    // Its customer, a fifth of whose money was mixed, is left alone.
    let run = home.run(&["-q", "risk", &evm(0xbb)]);
    assert_eq!((run.code, run.stdout.contains("no rule fired")), (0, true), "{}", run.stdout);

    let none = "format = \"interdict-risk\"\nname = \"own\"\nversion = \"7\"\n";
    let own = home.write("own.toml", none);
    let run = home.run(&["-q", "risk", &evm(0xaa), "--rules", &own]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("Rules own version 7"), "{}", run.stdout);
    home.write("interdict.toml", "[risk]\nrules = \"own.toml\"\n");
    let run = home.run(&["-q", "risk", &evm(0xaa)]);
    assert!(run.stdout.contains("Rules own version 7"), "{}", run.stdout);
    assert!(home.ok(&["config", "check"]).contains("own.toml  (file)"));
    home.write("own.toml", none.replace("version", "varsion"));
    home.refuses(&["-q", "risk", &evm(0xaa)], &["own.toml", "varsion"]);
    home.refuses(&["-q", "risk", "rules", "--rules", "absent.toml"], &["absent.toml"]);
}

#[test]
fn the_rules_can_be_read_and_taken_as_a_start() {
    let home = Home::new();
    let toml = home.ok(&["risk", "rules", "--toml"]);
    let own = home.write("own.toml", toml);
    let shown = home.ok(&["risk", "rules", "--rules", &own]);
    assert_eq!(shown, home.ok(&["risk", "rules"]));
    assert!(shown.contains("listed-direct-after version 1") && shown.contains("basis: OFAC"));
}

#[test]
fn two_files_of_rules_are_compared_over_the_past() {
    let home = told();
    let toml = home.ok(&["risk", "rules", "--toml"]);
    let own =
        home.write("own.toml", toml.replace("share_min = 0.50\nhops_max = 4", "share_min = 0.20"));
    let args =
        ["-q", "risk", "backtest", "--rules", "shipped", "--against", &own, "--format", "json"];
    let answer = home.json(&args);
    let raised = |set: usize, rule: &str| {
        let rows = answer["sets"][set]["by_rule"].as_array().expect("rows");
        rows.iter().find(|row| row["rule"] == rule).expect("the rule")["raised"].clone()
    };
    assert_eq!((raised(0, "mixing-direct"), raised(1, "mixing-direct")), (1.into(), 1.into()));
    assert_eq!((raised(0, "mixing-indirect"), raised(1, "mixing-indirect")), (0.into(), 1.into()));
    assert_eq!(answer["compared"]["only_second"], 1);
    // Before the mixed money came to b there was nothing to raise there.
    let early = [
        "-q",
        "risk",
        "backtest",
        "--rules",
        &own,
        "--to",
        "2025-02-02T12:00:00Z",
        "--format",
        "json",
    ];
    assert_eq!(home.json(&early)["sets"][0]["raised"], 1);
    let late = [
        "-q",
        "risk",
        "backtest",
        "--rules",
        &own,
        "--from",
        "2025-02-02T12:00:00Z",
        "--format",
        "json",
    ];
    assert_eq!(home.json(&late)["sets"][0]["raised"], 1);
}

#[test]
fn a_drill_tells_right_from_wrong() {
    let home = Home::new();
    let args =
        ["-q", "drill", "generate", "--transfers", "3000", "--seed", "7", "--chain", "ethereum"];
    home.ok(&[&args[..], &["--out", "drill"]].concat());
    home.ok(&["-q", "import", "transfers-csv", "drill", "--chain", "ethereum"]);
    home.ok(&["-q", "labels", "import", "tagpack", "drill/labels.yaml"]);
    let args = ["-q", "risk", "backtest", "--truth", "drill/truth.json", "--format", "json"];
    let answer = home.json(&args);
    let rows = answer["sets"][0]["by_rule"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["rule"] == "stolen-indirect").expect("the rule");
    assert!(answer["stolen"].as_u64() > Some(0), "{answer}");
    let right: u64 = rows.iter().filter_map(|row| row["truth"]["right"].as_u64()).sum();
    assert!(right > 0, "{row}");
    home.refuses(&["-q", "risk", "backtest", "--truth", "drill/labels.yaml"], &["labels.yaml"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let home = told();
    home.refuses(&["-q", "exposure", "nonsense"], &["nonsense"]);
    home.refuses(
        &["-q", "exposure", &evm(0xbb), "--walk", "--policy", "poison"],
        &["poison", "haircut"],
    );
    home.refuses(&["-q", "exposure", &evm(0xbb), "--walk", "--share", "101"], &["--share"]);
    home.refuses(&["-q", "exposure", &hash(0)], &["is no address"]);
    home.refuses(&["-q", "exposure", &evm(0xbb), "--hops", "3"], &["--walk"]);
    let backward = [
        "-q",
        "risk",
        "backtest",
        "--from",
        "2025-03-01T00:00:00Z",
        "--to",
        "2025-02-01T00:00:00Z",
    ];
    home.refuses(&backward, &["nothing lies between"]);
}

#[test]
fn a_screening_says_the_exposure_that_is_kept_and_null_without() {
    let home = told();
    let list = home.write("list.txt", evm(0x77));
    home.ok(&["-q", "lists", "import", "addresses", &list, "--name", "l", "--date", "2025-01-01"]);
    let a = evm(0xaa);
    let screen = || home.json(&["-q", "screen", &a, "--as-of", "2025-03-01", "--format", "json"]);
    let before = screen();
    assert!(before[0]["exposure"].is_null() && before[0]["risk"].is_null(), "nothing is kept");
    home.ok(&["-q", "exposure", "update"]);
    let after = screen();
    let exposure = &after[0]["exposure"][0];
    let alone = home.json(&["-q", "exposure", &a, "--format", "json"]);
    assert_eq!(exposure["flows"], alone["flows"], "what the command of its own says");
    assert!(exposure["flows"].as_array().is_some_and(|flows| !flows.is_empty()), "{exposure}");
    let kept = home.run(&["-q", "risk", &a, "--format", "json"]);
    let kept: Value = serde_json::from_str(&kept.stdout).expect("JSON");
    assert_eq!(after[0]["risk"][0], kept["risk"], "{kept}");
    assert_eq!(kept["risk"]["reasons"][0]["rule"], "mixing-direct");
}
