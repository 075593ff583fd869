//! Evidence holds, and nothing that was changed in it does.

#[path = "common/bitcoin.rs"]
mod bitcoin;
mod common;

use std::fs;

use bitcoin::{COIN, Miner, Tx, somebody};
use common::{Home, case_file, csv, evm, hash, read};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

// -- what holds --------------------------------------------------------------------------

#[test]
fn a_bundle_verifies_with_no_home_and_says_what_it_is() {
    let home = Home::new();
    let bundle = home.path("theft.bundle");
    let bundle = bundle.to_str().expect("UTF-8");
    let run = home.run(&["trace", "--case", &case_file(), "--bundle", bundle, "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("interdict verify"), "{}", run.stderr);

    fs::remove_dir_all(home.path("home")).expect("the home goes");
    let said = home.ok(&["verify", bundle]);
    assert!(!home.path("home").exists(), "verifying needs no home and makes none");
    for part in [
        "the signature holds",
        "Bybit theft",
        "TLP:CLEAR",
        "haircut",
        "fbi-psa250226 of 2025-02-26",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let checked = home.json(&["verify", bundle, "--format", "json"]);
    assert_eq!((&checked["marking"], &checked["policy"]), (&"TLP:CLEAR".into(), &"haircut".into()));
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(checked["accounts"], report["totals"]["accounts"]);
    assert_eq!(checked["tainted_transfers"], report["totals"]["transfers"]);
    assert_eq!(
        lines(bundle).iter().find(|line| line["kind"] == "report").expect("a report")["report"],
        report
    );
}

#[test]
fn bundles_of_every_direction_policy_and_kind_of_source_verify() {
    let home = story();
    for policy in ["poison", "haircut", "fifo", "lifo", "tiho", "highest-value"] {
        verifies(&home, &[&evm(1), "--policy", policy]);
        verifies(&home, &[&evm(4), "--policy", policy, "--backward"]);
    }
    verifies(&home, &[&evm(1), "--compare"]);
    verifies(&home, &[&evm(4), "--compare", "--backward"]);
    verifies(
        &home,
        &[
            &evm(1),
            "--hops",
            "1",
            "--since",
            "2025-01-01",
            "--until",
            "2025-01-02",
            "--min-value",
            "0.1 ETH",
        ],
    );
    verifies(&home, &[&evm(1), "--budget", "3"]);
    verifies(&home, &[&hash(1)]);
    verifies(&home, &[&hash(2), &evm(1)]);
    verifies(&home, &[&evm(7)]);
}

#[test]
fn bundles_of_bitcoin_verify() {
    let mut miner = Miner::default();
    let reward = miner.mine(1, &[]);
    let theft = Tx::new(&[(&reward, 0)], &[(30 * COIN, 2), (19 * COIN, 3)]);
    miner.mine(9, std::slice::from_ref(&theft));
    let spent = Tx::new(&[(&theft, 0)], &[(29 * COIN, 4)]);
    miner.mine(9, std::slice::from_ref(&spent));
    let home = Home::new();
    let file = home.write("blk00000.dat", miner.blk());
    home.ok(&["import", "bitcoin-blocks", &file]);
    let outpoint = format!("{}:0", theft.id());
    for source in [&somebody(1), &theft.id(), &outpoint] {
        verifies(&home, &[source]);
        verifies(&home, &[source, "--compare"]);
    }
    verifies(&home, &[&somebody(4), "--backward"]);
    verifies(&home, &[&spent.id(), "--backward", "--policy", "fifo"]);
}

#[test]
fn the_case_verifies_compared_and_with_a_refused_crossing() {
    let home = Home::new();
    let case = home.write(
        "refused.toml",
        common::case_text()
            + "\n[[crossing]]\ndecision = \"refuse\"\naccount = \"eip155:1:0xa4b2fd68593b6f34e51cb9edb66e71c1b4ab449e\"\nreason = \"a test\"\n",
    );
    verifies(&home, &["--case", &case]);
    verifies(&home, &["--case", &case_file(), "--compare"]);
    verifies(&home, &["--case", &case_file(), "--policy", "highest-value", "--hops", "4"]);
}

#[test]
fn the_key_is_its_owners_alone_and_used_again() {
    let home = story();
    let first = bundle(&home, &[&evm(1)]);
    let key = home.path("home/keys/ed25519.key");
    let seed = read(&key);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| {
            fs::metadata(path).expect("there").permissions().mode() & 0o777
        };
        assert_eq!(mode(&key), 0o600);
        assert_eq!(mode(key.parent().expect("a folder")), 0o700);
    }
    let second = bundle(&home, &[&evm(1), "--policy", "fifo"]);
    assert_eq!(read(&key), seed, "the key is made once");
    let signer = |text: &str| json(text.lines().last().expect("a seal"))["public_key"].clone();
    assert_eq!(signer(&first), signer(&second));
    let other = bundle(&story(), &[&evm(1)]);
    assert_ne!(signer(&first), signer(&other), "another home, another key");

    fs::write(&key, "not a key\n").expect("a file");
    home.refuses(
        &["-q", "trace", &evm(1), "--bundle", "x.bundle", "--out", "x.json", "--format", "json"],
        &["ed25519.key", "no signing key"],
    );
    assert!(!home.path("x.bundle").exists());
}

#[test]
fn the_same_trace_gives_the_same_bundle() {
    let home = story();
    assert_eq!(bundle(&home, &[&evm(1)]), bundle(&home, &[&evm(1)]));
}

#[test]
fn an_expected_key_is_held_against_the_signer() {
    let home = story();
    let file = home.write("a.bundle", bundle(&home, &[&evm(1)]));
    let key = home.json(&["verify", &file, "--format", "json"])["public_key"]
        .as_str()
        .expect("a key")
        .to_string();
    home.ok(&["verify", &file, "--key", &key]);
    home.ok(&["verify", &file, "--key", &key.to_uppercase()]);
    home.ok(&["verify", &file, "--key", &format!(" {key} ")]);
    home.refuses(
        &["verify", &file, "--key", &"ab".repeat(32)],
        &["refused", &key, &"ab".repeat(32)],
    );
    home.refuses(&["verify", &file, "--key", ""], &["--key"]);
    home.refuses(&["verify", &file, "--key", "ab"], &["--key"]);
}

// -- what does not -----------------------------------------------------------------------

#[test]
fn a_changed_byte_in_any_line_is_refused_and_the_line_named() {
    let home = story();
    let whole = bundle(&home, &[&evm(1)]);
    let lines: Vec<&str> = whole.lines().collect();
    assert!(lines.len() > 10, "{}", lines.len());
    for n in 0..lines.len() {
        for place in [0, lines[n].len() / 2, lines[n].len() - 1] {
            let mut changed: Vec<String> = lines.iter().map(ToString::to_string).collect();
            changed[n] = flipped(&changed[n], place);
            let error = refused(&home, &(changed.join("\n") + "\n"));
            let named = format!("line {}", n + 1);
            assert!(
                error.contains(&named) || error.contains("UTF-8"),
                "byte {place} of {named}: {error}"
            );
        }
    }
}

#[test]
fn lines_taken_away_swapped_doubled_or_added_are_refused() {
    let home = story();
    let whole = bundle(&home, &[&evm(1)]);
    let lines: Vec<&str> = whole.lines().collect();
    let rebuilt = |lines: &[&str]| lines.join("\n") + "\n";
    for n in 0..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(n);
        let error = refused(&home, &rebuilt(&fewer));
        assert!(error.contains("line"), "without line {}: {error}", n + 1);
        let mut more = lines.clone();
        more.insert(n, lines[n]);
        let error = refused(&home, &rebuilt(&more));
        assert!(error.contains("line"), "line {} twice: {error}", n + 1);
        if n + 1 < lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(n, n + 1);
            let error = refused(&home, &rebuilt(&swapped));
            assert!(error.contains("line"), "lines {} and {} swapped: {error}", n + 1, n + 2);
        }
    }
    for tail in ["\n", "x\n", "{}\n", " ", lines[lines.len() - 1]] {
        refused(&home, &format!("{whole}{tail}"));
    }
    for cut in [0, 1, whole.len() / 3, whole.len() / 2, whole.len() - 2, whole.len() - 1] {
        refused(&home, &whole[..cut]);
    }
    refused(&home, &whole.replace('\n', "\r\n"));
    refused(&home, &format!("\u{feff}{whole}"));
}

#[test]
fn a_changed_seal_is_refused_and_named() {
    let home = story();
    let whole = bundle(&home, &[&evm(1)]);
    let sealed = json(whole.lines().last().expect("a seal"));
    let body = body(&whole);
    let last = format!("line {}", whole.lines().count());
    let other = SigningKey::from_bytes(&[7; 32]);
    let changes: Vec<(&str, Value)> = vec![
        ("signature", json!("00".repeat(64))),
        ("signature", json!("")),
        ("signature", json!("zz")),
        ("public_key", json!(hex(other.verifying_key().as_bytes()))),
        ("public_key", json!("00".repeat(32))),
        ("public_key", json!("ab")),
        ("algorithm", json!("none")),
        ("kind", json!("note")),
        ("lines", json!([])),
    ];
    for (field, value) in changes {
        let mut seal = sealed.clone();
        seal[field] = value;
        let error = refused(&home, &with_seal(&body, &seal));
        assert!(error.contains(&last) && error.contains("seal"), "{field}: {error}");
    }
    for n in 0..body.len() {
        let mut seal = sealed.clone();
        seal["lines"][n] = json!("00".repeat(32));
        let error = refused(&home, &with_seal(&body, &seal));
        assert!(
            error.contains(&last) && error.contains(&format!("line {} ", n + 1)),
            "hash {n}: {error}"
        );
    }
    // A key of small order signs anything.
    let mut seal = sealed.clone();
    seal["public_key"] = json!(format!("01{}", "00".repeat(31)));
    seal["signature"] = json!(format!("01{}", "00".repeat(63)));
    refused(&home, &with_seal(&body, &seal));
}

#[test]
fn what_is_sealed_again_by_another_key_is_refused_where_it_differs() {
    let home = story();
    let whole = bundle(&home, &[&evm(1)]);
    // Untouched, another seal is another signer and no more.
    let again = home.write("again.bundle", resealed(&body(&whole)));
    let said = home.json(&["verify", &again, "--format", "json"]);
    assert_eq!(
        said["public_key"],
        hex(SigningKey::from_bytes(&[7; 32]).verifying_key().as_bytes())
    );

    let tampered = |kind: &str, change: &dyn Fn(&str) -> String| {
        let mut lines = body(&whole);
        let is_kind = |line: &&mut String| json(line)["kind"] == kind;
        let line = lines.iter_mut().find(is_kind).expect("a line of that kind");
        let changed = change(line);
        assert_ne!(*line, changed, "{kind}");
        *line = changed;
        refused(&home, &resealed(&lines))
    };
    let report = |change: &dyn Fn(&mut Value), path: &str| {
        let error = tampered("report", &|line| {
            let mut row = json(line);
            change(&mut row["report"]);
            row.to_string()
        });
        assert!(error.contains("differs") && error.contains(path), "{path}: {error}");
    };
    report(&|report| report["totals"]["accounts"] = json!(99), "/totals/accounts");
    report(&|report| report["nodes"][1]["account"] = json!("eip155:1:0x"), "/nodes/1/account");
    report(&|report| report["edges"][0]["amount"] = json!("1"), "/edges/0/amount");
    report(&|report| drop(report["edges"].as_array_mut().expect("edges").pop()), "/edges");
    report(&|report| report["more"] = json!(1), "/more");
    report(&|report| drop(report.as_object_mut().expect("fields").remove("cut")), "/cut");

    let cases = [
        ("transfer", "000\",", "001\",", "differs"),
        ("transfer", "2025-01-0", "2025-02-0", "differs"),
        ("settings", "haircut", "fifo", "differs"),
        ("label", "Some Exchange", "Somebody else", "differs"),
        ("listing", "Mallory", "Somebody else", "differs"),
        ("transfer", "}", ",\"extra\":1}", "extra"),
        ("head", "\"version\":1", "\"version\":2", "expected interdict-bundle 1"),
        ("head", "\"kind\"", " \"kind\"", "line 1"),
        ("transfer", "\"kind\":\"transfer\"", "\"kind\":\"rumour\"", "rumour"),
    ];
    for (kind, from, to, said) in cases {
        let error = tampered(kind, &|line| line.replacen(from, to, 1));
        assert!(error.contains(said), "{kind}: {from} to {to}: {error}");
    }
}

#[test]
fn sealed_lines_that_say_a_thing_twice_or_not_at_all_are_refused() {
    let home = story();
    let whole = bundle(&home, &[&evm(1)]);
    let lines = body(&whole);
    for kind in ["head", "settings", "registry", "report"] {
        let without: Vec<String> =
            lines.iter().filter(|line| json(line)["kind"] != kind).cloned().collect();
        refused(&home, &resealed(&without));
        // Two heads, two reports: which of them was shown to the reader?
        let mut twice = lines.clone();
        let again = lines.iter().find(|line| json(line)["kind"] == kind).expect("one");
        twice.push(again.clone());
        let error = refused(&home, &resealed(&twice));
        assert!(error.contains("twice") || error.contains("second"), "{kind} twice: {error}");
    }
    let doubled = lines.iter().map(|line| match json(line)["kind"].as_str() {
        Some("report") => {
            line.replacen("\"conserves\":true", "\"conserves\":false,\"conserves\":true", 1)
        }
        _ => line.clone(),
    });
    let doubled: Vec<String> = doubled.collect();
    assert_ne!(doubled, lines);
    assert!(refused(&home, &resealed(&doubled)).contains(&format!("line {}", lines.len())));
    let mut reordered = lines;
    reordered.rotate_left(1);
    refused(&home, &resealed(&reordered));
}

#[test]
fn what_is_no_bundle_is_refused() {
    let home = Home::new();
    home.refuses(&["verify", "nowhere.bundle"], &["nowhere.bundle", "No such file"]);
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("text", b"hello\n"),
        ("bytes", b"\xff\xfe\n"),
        ("json", b"{}\n"),
        ("nul", b"\0\n"),
    ] {
        let file = home.write(name, bytes);
        home.refuses(&["verify", &file], &["is refused"]);
    }
    home.refuses(&["verify"], &["required"]);
}

// -- helpers -----------------------------------------------------------------------------

/// Two thefts that meet, an exchange, a listed address and a spoofed transfer.
fn story() -> Home {
    let home = Home::new();
    let row = |from, to, tx: u8, day: u8, amount: &str| {
        format!("{},{},{},2025-01-0{day} 12:00:00,{amount}", evm(from), evm(to), hash(tx))
    };
    let rows = [
        row(1, 2, 1, 1, "5"),
        row(9, 2, 2, 1, "5"),
        row(2, 3, 3, 2, "6"),
        row(3, 4, 4, 3, "2"),
        row(3, 5, 5, 4, "0"),
    ];
    let file = home.write("t.csv", csv(&rows.each_ref().map(String::as_str)));
    home.ok(&["import", "transfers-csv", &file, "--chain", "ethereum"]);
    let tags = format!(r#"{{"{}": {{"name": "Some Exchange", "labels": ["exchange"]}}}}"#, evm(4));
    let tags = home.write("tags.json", tags);
    home.ok(&["labels", "import", "name-tags", &tags, "--date", "2024-01-01"]);
    let list = home.write("police.txt", format!("{}, Mallory\n", evm(3)));
    home.ok(&["lists", "import", "addresses", &list, "--name", "police", "--date", "2025-01-05"]);
    let more = home.write("more.csv", csv(&[&row(7, 8, 7, 1, "1")]));
    home.ok(&["import", "transfers-csv", &more, "--chain", "ethereum"]);
    home
}

/// The bundle of a trace, as text.
fn bundle(home: &Home, args: &[&str]) -> String {
    let path = home.path("bundle");
    let to = path.to_str().expect("UTF-8").to_string();
    home.ok(&[&["-q", "trace"], args, &["--bundle", &to, "--format", "json"]].concat());
    read(path)
}

#[track_caller]
fn verifies(home: &Home, args: &[&str]) {
    let file = home.write("checked.bundle", bundle(home, args));
    let run = home.run(&["verify", &file]);
    assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
}

/// Why a bundle is refused.
#[track_caller]
fn refused(home: &Home, text: &str) -> String {
    let file = home.write("changed.bundle", text);
    home.refuses(&["verify", &file], &["changed.bundle is refused"])
}

fn lines(bundle: &str) -> Vec<Value> {
    read(bundle).lines().map(json).collect()
}

/// Every line but the seal.
fn body(bundle: &str) -> Vec<String> {
    let mut lines: Vec<String> = bundle.lines().map(str::to_string).collect();
    lines.pop();
    lines
}

fn with_seal(body: &[String], seal: &Value) -> String {
    // The seal's own order of fields: nothing else may have changed.
    let ordered = format!(
        r#"{{"kind":{},"algorithm":{},"public_key":{},"signature":{},"lines":{}}}"#,
        seal["kind"], seal["algorithm"], seal["public_key"], seal["signature"], seal["lines"]
    );
    format!("{}\n{ordered}\n", body.join("\n"))
}

/// As a forger would seal it: with a key of their own, and well.
fn resealed(body: &[String]) -> String {
    let key = SigningKey::from_bytes(&[7; 32]);
    let hashes: Vec<String> =
        body.iter().map(|line| hex(&Sha256::digest(line.as_bytes()))).collect();
    let message = format!("interdict-bundle 1\n{}\n", hashes.join("\n"));
    let seal = json!({
        "kind": "seal",
        "algorithm": "Ed25519 over the line hashes",
        "public_key": hex(key.verifying_key().as_bytes()),
        "signature": hex(&key.sign(message.as_bytes()).to_bytes()),
        "lines": hashes,
    });
    with_seal(body, &seal)
}

/// One byte changed to another that is text too.
fn flipped(line: &str, place: usize) -> String {
    let mut bytes = line.as_bytes().to_vec();
    bytes[place] = if bytes[place] == b'x' { b'y' } else { b'x' };
    String::from_utf8_lossy(&bytes).into_owned()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
