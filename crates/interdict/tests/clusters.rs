//! Clusters from the binary: built on from where they ended, explained, taken back, and who is behind an address.

mod common;

use std::collections::BTreeMap;

use common::{Home, evm, read, rows, texts};
use serde_json::Value;

const TOWN: [&str; 8] =
    ["drill", "owners", "--seed", "7", "--transactions", "900", "--people", "80"];

fn town(home: &Home, chain: &str) -> Value {
    home.ok(&[&["-q"], &TOWN[..], &["--chain", chain, "--out", "town"]].concat());
    serde_json::from_str(&read(home.path("town/truth.json"))).expect("JSON")
}

fn import(home: &Home, path: &str) {
    home.ok(&["-q", "import", "transfers-csv", path]);
}

fn build(home: &Home) -> Value {
    home.json(&["-q", "clusters", "build", "--format", "json"])[0].clone()
}

/// Each address's cluster, by its name.
fn clusters(home: &Home, truth: &Value) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for owner in rows(&truth["owners"]).iter().step_by(9) {
        for address in texts(&owner["addresses"], "").into_iter().take(3) {
            if all.contains_key(address) {
                continue;
            }
            let who = ["-q", "who", address, "--members", "100000", "--format", "json"];
            let who = home.json(&who);
            let id = who["cluster"]["id"].as_str().unwrap_or("none").to_string();
            for member in texts(&who["cluster"]["members"], "") {
                let bare = member.rsplit(':').next().expect("an address").to_string();
                all.insert(bare, id.clone());
            }
        }
    }
    all
}

/// The rows of a town's file up to a line that begins another block, and the rest.
fn halves(text: &str, share: usize) -> (String, String) {
    let lines: Vec<&str> = text.lines().collect();
    let block = |line: &str| line.split(',').nth(1).map(str::to_string);
    let mut cut = lines.len() * share / 100;
    while cut < lines.len() && block(lines[cut]) == block(lines[cut - 1]) {
        cut += 1;
    }
    let part = |part: &[&str]| format!("{}\n{}\n", lines[0], part.join("\n"));
    (part(&lines[1..cut]), part(&lines[cut..]))
}

#[test]
fn clusters_built_on_are_those_built_at_once() {
    for chain in ["bitcoin", "ethereum"] {
        let (once, parts) = (Home::new(), Home::new());
        let truth = town(&once, chain);
        import(&once, "town");
        build(&once);

        let text = read(once.path("town/transfers-0001.csv"));
        let (first, second) = halves(&text, 60);
        import(&parts, &parts.write("first.csv", first));
        let built = build(&parts);
        assert_eq!(built["anew"], "they were never built");
        import(&parts, &parts.write("second.csv", second));
        let shown = clusters(&parts, &truth);
        assert_eq!(shown, clusters(&once, &truth), "{chain}: what is newer is laid over");
        let built = build(&parts);
        assert_eq!(built["anew"], Value::Null, "{chain}: it went on from where it ended");
        assert!(built["transactions"].as_u64().expect("a count") > 100, "{built}");
        assert_eq!(clusters(&parts, &truth), shown, "{chain}");
        assert_eq!(build(&parts)["transactions"], 0, "nothing is new");
    }
}

#[test]
fn an_older_file_has_everything_built_anew() {
    let home = Home::new();
    town(&home, "bitcoin");
    let text = read(home.path("town/transfers-0001.csv"));
    let (first, second) = halves(&text, 50);
    import(&home, &home.write("second.csv", second));
    build(&home);
    import(&home, &home.write("first.csv", first));
    let built = build(&home);
    assert_eq!(built["anew"], "what is held of the time before has changed");
    assert_eq!(build(&home)["anew"], Value::Null);
}

#[test]
fn rounds_are_named_and_merge_nothing() {
    let home = Home::new();
    let truth = town(&home, "bitcoin");
    import(&home, "town");
    build(&home);
    let status = home.json(&["clusters", "status", "--format", "json"]);
    let found = &status["chains"][0]["rounds"];
    let count: u64 = ["wasabi1", "wasabi2", "whirlpool", "joinmarket"]
        .iter()
        .map(|family| found[*family].as_u64().unwrap_or(0))
        .sum();
    assert_eq!(count, rows(&truth["rounds"]).len() as u64, "{found}");
}

const STORY: &str = "\
chain,block,time,tx_hash,tx_index,position,from,to,amount_base,prev_tx,prev_index
bitcoin,1,2024-06-01T00:00:00Z,T0,0,out0,,A1,300000000,,
bitcoin,1,2024-06-01T00:00:00Z,T0,0,out1,,A2,200000000,,
bitcoin,1,2024-06-01T00:00:00Z,T0,0,out2,,A3,100000000,,
bitcoin,2,2024-06-01T01:00:00Z,T1,1,in0,A1,,300000000,T0,0
bitcoin,2,2024-06-01T01:00:00Z,T1,1,in1,A2,,200000000,T0,1
bitcoin,2,2024-06-01T01:00:00Z,T1,1,out0,,SHOP,499000000,,
bitcoin,2,2024-06-01T01:00:00Z,T1,1,out1,,A2,900000,,
bitcoin,3,2024-06-01T02:00:00Z,T2,1,in0,A2,,900000,T1,1
bitcoin,3,2024-06-01T02:00:00Z,T2,1,in1,A3,,100000000,T0,2
bitcoin,3,2024-06-01T02:00:00Z,T2,1,out0,,SHOP,100000000,,
";

const A1: &str = "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH";
const A2: &str = "3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC";
const A3: &str = "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3";
const SHOP: &str = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0";

fn tx(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

fn story() -> Home {
    let home = Home::new();
    let mut text = STORY.to_string();
    for (name, address) in [("A1", A1), ("A2", A2), ("A3", A3), ("SHOP", SHOP)] {
        text = text.replace(name, address);
    }
    for byte in 0..3 {
        text = text.replace(&format!("T{byte},"), &format!("{},", tx(byte + 1)));
    }
    // A time ends in `T00:` and the like, which is no transaction.
    import(&home, &home.write("story.csv", text));
    build(&home);
    home
}

#[test]
fn a_merge_is_explained_and_taken_back_and_counts_again() {
    let home = story();
    let explain = ["clusters", "explain", A1, A3, "--format", "json"];
    let path = home.json(&explain);
    assert_eq!(path["is_one_cluster"], true);
    assert_eq!(texts(&path["steps"], "rule"), ["co-spend/1", "co-spend/1"]);
    let said = home.ok(&["clusters", "explain", A1, A3]);
    assert!(said.contains("PayJoin") && said.contains(&tx(2)) && said.contains(&tx(3)), "{said}");

    home.ok(&["clusters", "exclude", &tx(3), "--chain", "bitcoin", "--reason", "the shop says so"]);
    let apart = home.run(&explain);
    assert_eq!(apart.code, 1);
    let together = home.json(&["clusters", "explain", A1, A2, "--format", "json"]);
    assert_eq!(together["is_one_cluster"], true, "the other merge stays");
    build(&home);
    assert_eq!(home.run(&explain).code, 1, "it stays through a build");
    let status = home.ok(&["clusters", "status"]);
    assert!(status.contains("the shop says so"), "{status}");

    home.ok(&["clusters", "exclude", &tx(3), "--chain", "bitcoin", "--include"]);
    assert_eq!(home.json(&explain)["is_one_cluster"], true);
    home.ok(&["clusters", "exclude", "co-spend", "--reason", "none of it"]);
    assert_eq!(home.run(&explain).code, 1);
    home.refuses(&["clusters", "exclude", "co-spent", "--reason", "a slip"], &["co-spent"]);
}

#[test]
fn who_says_labels_of_any_member_and_shows_their_conflict() {
    let home = story();
    let pack = |title: &str, address: &str, label: &str| {
        format!(
            "title: {title}\ncreator: test\nsource: https://example.org\ncurrency: BTC\nconfidence: forensic\n\
             lastmod: 2024-01-01\ntags:\n- address: {address}\n  label: {label}\n"
        )
    };
    let one = home.write("one.yaml", pack("one", A1, "Alice"));
    let other = home.write("other.yaml", pack("other", A3, "Bob"));
    home.ok(&["-q", "labels", "import", "tagpack", &one, &other]);
    let notice = home.write("notice.txt", A1);
    home.ok(&[
        "-q",
        "lists",
        "import",
        "addresses",
        &notice,
        "--name",
        "notice",
        "--date",
        "2024-07-01",
    ]);

    let who = home.json(&["who", A2, "--format", "json"]);
    assert_eq!(who["cluster"]["size"], 3);
    assert!(who["cluster"]["id"].as_str().expect("an id").ends_with(A1), "{who}");
    assert_eq!(texts(&who["labels"], "name"), ["Alice", "Bob"]);
    assert_eq!(texts(&who["conflicts"], ""), ["Alice", "Bob"]);
    assert_eq!(texts(&who["listings"], "list"), ["notice"]);
    let said = home.ok(&["who", A2]);
    for part in
        ["3 addresses", "co-spend/1", "CONFLICT", "LISTED", "evidence of one owner, not proof"]
    {
        assert!(said.contains(part), "{part:?} in {said}");
    }
    let members = home.ok(&["clusters", "members", A2]);
    assert_eq!(members.lines().collect::<Vec<_>>(), [A1, A2, A3]);
    let shop = home.json(&["who", SHOP, "--format", "json"]);
    assert_eq!(shop["cluster"]["size"], 1);
}

#[test]
fn who_answers_for_an_address_nothing_is_stored_of() {
    let home = story();
    let who = home.json(&["who", &evm(7), "--chain", "ethereum", "--format", "json"]);
    assert_eq!(who["cluster"], Value::Null);
    home.refuses(&["who", "nonsense"], &["nonsense"]);
}

/// The same key on two chains is joined by its signatures: it paid a fee on both.
#[test]
fn one_key_on_two_chains_is_named() {
    let home = Home::new();
    let (key, other) = (evm(7), evm(9));
    let row = |chain: &str, tx: u8, position: &str, to: &str, amount: &str| {
        format!(
            "{chain},5,2024-06-01T00:00:00Z,{},0,{position},{key},{to},{amount}",
            common::hash(tx)
        )
    };
    let header = "chain,block,time,tx_hash,tx_index,position,from,to,amount_base";
    let rows = [
        header.to_string(),
        row("eip155:1", 1, "call", &other, "1000000"),
        row("eip155:1", 1, "fee", "", "2100"),
        row("eip155:137", 2, "call", &other, "1000000"),
        row("eip155:137", 2, "fee", "", "2100"),
    ];
    import(&home, &home.write("both.csv", rows.join("\n") + "\n"));
    home.ok(&["-q", "clusters", "build"]);
    let who = home.json(&["who", &key, "--chain", "ethereum", "--format", "json"]);
    assert_eq!(texts(&who["same_key"], "account"), [format!("eip155:137:{key}")]);
    // The other address signed nothing: two contracts could share it.
    let who = home.json(&["who", &other, "--chain", "ethereum", "--format", "json"]);
    assert!(rows_of(&who["same_key"]).is_empty());
    assert!(
        texts(&who["remarks"], "").iter().any(|remark| remark.contains("two contracts")),
        "{who}"
    );
}

fn rows_of(value: &Value) -> &[Value] {
    rows(value)
}

#[test]
fn damaged_clusters_are_refused_and_built_anew() {
    let home = story();
    let path = home.path("home/derived/clusters-bip122-000000000019d6689c085ae165831e93");
    let mut bytes = std::fs::read(&path).expect("it was built");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("writes");
    home.refuses(&["who", A1], &["not as it was written", "clusters build"]);
    home.ok(&["-q", "clusters", "build"]);
    assert_eq!(home.json(&["who", A1, "--format", "json"])["cluster"]["size"], 3);
}

#[test]
fn measuring_says_how_often_each_rule_errs() {
    let home = Home::new();
    let args = ["--seed", "3", "--transactions", "2k", "--people", "100", "--format", "json"];
    let measured =
        home.json(&[&["-q", "drill", "measure", "--chain", "bitcoin"], &args[..]].concat());
    let rules = rows(&measured["rules"]);
    let of = |name: &str| rules.iter().find(|row| row["rules"] == name).expect("a row");
    let precision = |name: &str| of(name)["precision"].as_f64().expect("a share");
    assert!(precision("usual") > 0.9, "{}", of("usual"));
    let error = |name: &str| of(name)["change"]["error"].as_f64().expect("a share");
    let alone = ["change-one-time", "change-type", "change-round", "change-optimal"];
    assert!(
        alone.iter().any(|rule| error(rule) > 0.0),
        "a town in which no rule errs measures nothing"
    );
    assert!(
        alone.iter().any(|rule| error(rule) >= error("change-agreed")),
        "agreeing errs no more"
    );
    let measured =
        home.json(&[&["-q", "drill", "measure", "--chain", "ethereum"], &args[..]].concat());
    let deposits = rows(&measured["rules"]).iter().find(|row| row["rules"] == "deposit-reuse");
    assert_eq!(deposits.expect("a row")["precision"], 1.0);
    home.refuses(&["drill", "measure", "--chain", "tron"], &["not on tron"]);
}
