//! From a theft to a freeze request that two people signed off, by calls of the API alone.

mod common;

use std::time::{Duration, Instant};

use common::server::{Person, Server};
use common::{Home, case_text, fixture, read};
use serde_json::{Value, json};

const RESTS: &str = "eip155:1:0x1542368a03ad1f03d96d51b414f4738961cf4443";
const CMETH: &str = "eip155:1/erc20:0xe6829d9a7ee3040e1276fa75293bde931859e8fa";
const AMOUNT: &str = "15000000000000000000000";

/// Begins a trace and waits until it is done.
fn trace(who: &Person<'_>, body: Value) -> u64 {
    let begun = who.json("POST /v1/traces", body, 202);
    let id = begun["id"].as_u64().expect("a number");
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let shown = who.get(&format!("/v1/traces/{id}"));
        match shown["state"].as_str() {
            Some("done") => return id,
            Some("running") if Instant::now() < until => {}
            _ => panic!("the trace did not end: {}", shown["error"]),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What the real theft's case file names is held; nothing else is done before the clock starts.
fn home() -> Home {
    let home = Home::new();
    for file in ["bybit/transfers_legit.csv", "bybit/transfers_spoofed_sample.csv"] {
        home.ok(&["import", "transfers-csv", &fixture(file), "--chain", "eip155:1"]);
    }
    let list = fixture("bybit/fbi_psa250226_51.txt");
    let named = ["--name", "fbi-psa250226", "--date", "2025-02-26"];
    home.ok(&[&["lists", "import", "addresses", &list], &named[..]].concat());
    home
}

#[test]
fn the_bybit_theft_goes_from_its_address_to_an_approved_packet_by_the_api_alone() {
    let home = home();
    let (ada, bo) = (added(&home, "ada", "analyst"), added(&home, "bo", "approver"));
    let server = Server::of_people(&home);
    let (ada, bo) = (server.person(&ada, None), server.person(&bo, None));

    let start = Instant::now();
    let trace = trace(&ada, json!({ "case_file": case_text() }));
    let case = json!({ "title": "Bybit", "marking": "TLP:AMBER" });
    let case = ada.json("POST /v1/cases", case, 201)["id"].clone();

    let found = ada.get(&format!("/v1/traces/{trace}/holders"));
    let first = &found["places"][0];
    assert_eq!((&first["account"], &first["asset"]), (&json!(RESTS), &json!(CMETH)), "{first}");
    assert_eq!((&first["amount"], &first["holders"][0]["id"]), (&json!(AMOUNT), &json!("mantle")));
    let stopped = found["places"].as_array().expect("places").len() as u64
        - found["of_nobody"].as_u64().expect("a number");
    assert_eq!(stopped, 1, "of ether at addresses that nobody hosts, nobody can stop any");

    let drafts = json!({
        "case": case, "title": "Bybit theft, 21 February 2025", "jurisdiction": "US",
        "legal_basis": ["18 U.S.C. § 981(b)"], "reference": "CASE-2025/0221",
    });
    let drafts = ada.json(&format!("POST /v1/traces/{trace}/freezes"), drafts, 201);
    assert_eq!(drafts.as_array().map(Vec::len), Some(1), "one holder, one request: {drafts}");
    let freeze = drafts[0]["id"].as_i64().expect("a number");
    let path = format!("/v1/freezes/{freeze}");

    let packet = json!({
        "trace": trace, "summary": "Stolen from a cold wallet; a part rests at this account.",
        "requester": { "name": "Ada", "organisation": "Cyber Crime Unit", "jurisdiction": "US",
            "authority": "Investigating officer", "contact": ["desk@example.org"] },
    });
    let made = ada.json(&format!("POST {path}/packet"), packet.clone(), 201);
    assert_eq!(made["revision"], 2, "the packet is a part of the draft");
    let missing = made["missing"].to_string();
    assert!(missing.contains("/addressee/contact") && missing.contains("from memory"), "{missing}");
    let draft = ada.get(&format!("{path}/packet"));
    assert_eq!(draft["format"], "interdict-freeze-packet-draft");
    let draft_file =
        home.write("draft.json", ada.ask(&format!("GET {path}/packet"), &Value::Null).body);
    home.refuses(&["freeze", "verify", &draft_file], &["draft", "not signed"]);

    let approve = |who: &Person<'_>, revision: u64| {
        who.ask(&format!("POST {path}/approve"), &json!({ "revision": revision })).status
    };
    assert_eq!(approve(&ada, 2), 403, "an analyst approves nothing");
    assert_eq!(approve(&bo, 1), 422, "it is not the draft with the packet");
    assert_eq!(approve(&bo, 2), 200);
    ada.json(&format!("POST {path}/packet"), packet, 409);

    let signed = bo.ask(&format!("GET {path}/packet"), &Value::Null);
    assert!(signed.head.contains(&format!("freeze-{freeze}.json")), "{}", signed.head);
    let printed = bo.ask(&format!("GET {path}/packet.pdf"), &Value::Null);
    assert!(printed.body.starts_with(b"%PDF-"));
    ada.json(&format!("POST {path}/steps"), json!({ "to": "sent" }), 200);
    let took = start.elapsed();
    println!("from the theft's address to a sent packet of two people: {took:?}");
    assert!(took < Duration::from_secs(60), "{took:?}");

    // What went out is what was approved, and is checked without the server.
    let file = home.write("packet.json", &signed.body);
    let said = home.ok(&["freeze", "verify", &file]);
    assert!(said.contains("signature holds") && said.contains("Mantle"), "{said}");
    let checked = home.json(&["freeze", "verify", &file, "--format", "json"]);
    let packet = &checked["packet"];
    assert_eq!(
        (&packet["asks"][0]["account"], &packet["asks"][0]["amount"]),
        (&json!(RESTS), &json!(AMOUNT))
    );
    assert_eq!(signed_sha256(&signed.body), made["sha256"]);
    let evidence = packet["evidence"].to_string();
    assert!(evidence.contains("signed bundle") && evidence.contains("fbi-psa250226"), "{evidence}");
    let bundle = ada.ask(&format!("GET /v1/traces/{trace}/bundle"), &Value::Null).body;
    assert!(evidence.contains(&sha256(&bundle)), "the packet names the trace's bundle");
    let changed = read(&file).replacen(AMOUNT, &AMOUNT.replacen('1', "2", 1), 1);
    home.refuses(&["freeze", "verify", &home.write("changed.json", changed)], &["hash differs"]);

    // The command takes the same bytes, and says who can stop it from the bundle alone.
    home.ok(&[
        "freeze",
        "packet",
        &freeze.to_string(),
        "--out",
        &home.path("out").to_string_lossy(),
    ]);
    let taken = home.path("out").join(format!("freeze-{freeze}.json"));
    assert_eq!(read(taken).as_bytes(), signed.body);
    let bundle = home.write("theft.bundle", bundle);
    assert!(home.ok(&["freeze", "holders", &bundle]).contains("15000 cmETH at"));
    assert!(home.ok(&["freeze", "list"]).contains("sent, revision 2"));
    drop(server);
    moves_whole(&home);
}

/// All of it into another database, and the journal checked without any.
fn moves_whole(home: &Home) {
    let text = |name: &str| home.path(name).to_string_lossy().to_string();
    let (backup, other) = (text("casework.jsonl"), text("other.sqlite"));
    home.ok(&["case", "backup", "--out", &backup]);
    home.refuses(&["case", "backup", "--out", &backup], &["cannot write"]);
    let said = home.ok(&["case", "restore", &backup, "--database", &other]);
    assert!(said.contains("the journal is whole"), "{said}");
    home.refuses(&["case", "restore", &backup, "--database", &other], &["nothing was changed"]);
    let there = home.ok(&["freeze", "list", "--database", &other]);
    assert_eq!(there, home.ok(&["freeze", "list"]));
    assert_eq!(home.ok(&["user", "list", "--database", &other]), home.ok(&["user", "list"]));

    let journal = text("journal.jsonl");
    let run = home.run(&["journal", "export", "--out", &journal]);
    let head = run.stderr.split("head ").nth(1).and_then(|text| text.split(": ").next());
    let head = head.expect("it says the head").to_string();
    let said = home.ok(&["journal", "verify", &journal, "--head", &head]);
    assert!(said.contains(&head), "{said}");
    let cut: Vec<String> = read(&journal).lines().skip(1).map(str::to_string).collect();
    let cut = home.write("cut.jsonl", cut.join("\n"));
    home.refuses(&["journal", "verify", &cut], &["entry 1", "missing"]);
    let other_head = format!("1:{}", "0".repeat(64));
    home.refuses(&["journal", "verify", &journal, "--head", &other_head], &["expected hash"]);
}

/// Adds a user and gives what is said to them, with their link.
fn added(home: &Home, name: &str, role: &str) -> String {
    home.ok(&["user", "add", name, "--role", role])
}

fn signed_sha256(file: &[u8]) -> Value {
    let file: Value = serde_json::from_slice(file).expect("JSON");
    file["seal"]["sha256"].clone()
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_packet_is_made_on_the_command_line_by_a_user_who_then_cannot_approve_it() {
    let home = home();
    let (ada, bo) = (added(&home, "ada", "approver"), added(&home, "bo", "analyst"));
    let server = Server::of_people(&home);
    let (ada, bo) = (server.person(&ada, None), server.person(&bo, None));
    let trace = trace(&ada, json!({ "case_file": case_text() }));
    let bundle = ada.ask(&format!("GET /v1/traces/{trace}/bundle"), &Value::Null).body;
    let bundle = home.write("theft.bundle", bundle);
    let drafts =
        json!({ "title": "Bybit", "jurisdiction": "US", "legal_basis": ["18 U.S.C. § 981(b)"] });
    let drafts = bo.json(&format!("POST /v1/traces/{trace}/freezes"), drafts, 201);
    let freeze = drafts[0]["id"].to_string();
    let requester = home.write(
        "desk.toml",
        "name = 'Ada'\norganisation = 'Unit'\nauthority = 'Officer'\njurisdiction = 'US'\ncontact = []\n",
    );
    let make = |by: &str| {
        let args = ["freeze", "packet", &freeze, "--bundle", &bundle, "--requester", &requester];
        home.run(&[&args[..], &["--summary", "Stolen.", "--by", by]].concat())
    };
    assert!(make("nobody").stderr.contains("no such user"));
    let made = make("ada");
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(made.stdout.contains("missing /requester/contact"), "{}", made.stdout);
    let path = format!("/v1/freezes/{freeze}/approve");
    let own = ada.json(&format!("POST {path}"), json!({ "revision": 2 }), 422);
    assert_eq!(own["field"], "approver", "{own}");
}
