//! An exchange's money and what is watched, over HTTP, at a real server beside a real node.

mod common;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::anvil::Node;
use common::server::Server;
use common::{Home, csv, evm, hash, texts};
use serde_json::{Value, json};

const CHAIN: &str = "eip155:31337";

/// `c0` pays `d0`; `c0` is listed.
fn home() -> Home {
    let home = Home::new();
    let rows = [
        format!("{},{},{},2025-01-01T00:00:00Z,5", evm(0xc0), evm(0xd0), hash(1)),
        format!("{},{},{},2025-01-02T00:00:00Z,4", evm(0xe0), evm(0xd1), hash(2)),
    ];
    let table = home.write("moved.csv", csv(&[&rows[0], &rows[1]]));
    home.ok(&["import", "transfers-csv", &table, "--chain", "eip155:1"]);
    list(&home);
    home
}

fn list(home: &Home) {
    let notice = home.write("notice.txt", evm(0xc0));
    home.ok(&["lists", "import", "addresses", &notice, "--name", "FBI", "--date", "2025-02-26"]);
}

fn deposit(tx: u8, to: u8, user: &str) -> Value {
    json!({ "userId": user, "network": "ethereum", "asset": "ETH", "direction": "received",
            "tx": hash(tx), "outputAddress": evm(to), "assetAmount": "5" })
}

#[test]
fn an_exchange_registers_what_came_and_is_answered_at_once_where_the_store_knows() {
    let home = home();
    let server = Server::start(&home);
    let bad = server.json("POST /v1/transfers", deposit(1, 0xd0, "u-1"), 202);
    assert_eq!((&bad["state"], &bad["verdict"]), (&json!("answered"), &json!("block")), "{bad}");
    assert_eq!(bad["reasons"][0]["rule"], "listed");
    assert_eq!(bad["seen"]["assetAmount"], "5");
    assert_eq!(bad["seen"]["isFinal"], true, "a file's rows are not unwound");
    assert!(!bad.to_string().contains("u-1"), "whose it is is not said back: {bad}");
    let again = server.json("POST /v1/transfers", deposit(1, 0xd0, "u-1"), 202);
    assert_eq!(again, bad, "registered once");
    server.json("POST /v1/transfers", deposit(1, 0xd0, "u-2"), 409);
    let reference = json!({ "userId": "u-1", "network": "eip155:1", "asset": "ETH",
        "direction": "received", "assetAmount": "4",
        "transferReference": format!("{}:{}", hash(2), evm(0xd1)) });
    let fine = server.json("POST /v1/transfers", reference, 202);
    assert_eq!((&fine["verdict"], &fine["reasons"]), (&json!("allow"), &json!([])), "{fine}");
    let waits = server.json("POST /v1/transfers", deposit(9, 0xd0, "u-1"), 202);
    assert_eq!((&waits["state"], &waits["verdict"]), (&json!("waiting"), &Value::Null));
    let mut less = deposit(2, 0xd1, "u-3");
    less["inputAddresses"] = json!([evm(0xe0)]);
    let less = server.json("POST /v1/transfers", less, 409);
    assert_eq!(less["type"], "conflict", "the same transfer with other fields");

    let id = bad["id"].as_str().expect("a name");
    let got = server.json(&format!("GET /v1/transfers/{id}"), Value::Null, 200);
    assert_eq!(got, bad);
    let alerts = server.json(&format!("GET /v1/transfers/{id}/alerts"), Value::Null, 200);
    assert_eq!(alerts["alerts"][0]["evidence"]["transfer"], id, "{alerts}");
    let exposures = server.json(&format!("GET /v1/transfers/{id}/exposures"), Value::Null, 200);
    let account = format!("eip155:1:{}", evm(0xc0));
    let exposed = exposures["exposures"][0]["account"].as_str().expect("an account");
    assert_eq!(exposed.to_lowercase(), account);

    let attempt = json!({ "userId": "u-1", "network": "ethereum", "asset": "ETH",
        "address": evm(0xc0), "attemptIdentifier": "w-1", "assetAmount": "1" });
    let stopped = server.json("POST /v1/withdrawal-attempts", attempt, 200);
    let of =
        |what: &str, status| server.json(&format!("GET /v1/users/{what}"), Value::Null, status);
    let mine = of("u-1/transfers?limit=2", 200);
    assert_eq!(mine["items"].as_array().expect("rows").len(), 2);
    let cursor = mine["next"].as_str().expect("there is one more");
    let rest = of(&format!("u-1/transfers?limit=2&cursor={cursor}"), 200);
    assert_eq!(rest["items"].as_array().expect("rows").len(), 1);
    assert_eq!(of("u-1/withdrawal-attempts", 200)["items"], json!([stopped]));
    assert_eq!(of("u-1/alerts", 200)["items"].as_array().expect("rows").len(), 2);
    of("u-9/transfers", 404);
    // Another key sees nothing of it.
    let other = home.ok(&["user", "key", "add", "other", "--scope", "transfers"]);
    // A server sees within half a second what was changed beside it.
    std::thread::sleep(Duration::from_secs(2));
    let (status, _) = server.ask(&format!("GET /v1/transfers/{id}"), other.trim(), &Value::Null);
    assert_eq!(status, 404);
    let (_, text) = server.ask("GET /v1/users/u-1/transfers", other.trim(), &Value::Null);
    assert!(text.contains(r#""items":[]"#), "{text}");
}

#[test]
fn what_no_exchange_would_send_is_refused_with_the_field() {
    let home = home();
    let server = Server::start(&home);
    let with = |field: &str, value: Value| {
        let mut body = deposit(1, 0xd0, "u-1");
        body[field] = value;
        body
    };
    let long = "9".repeat(100_000);
    let cases = [
        ("userId", json!("")),
        ("userId", json!("a\u{0}b")),
        ("userId", json!(long)),
        ("network", json!("etherium")),
        ("network", json!(long)),
        ("asset", json!("eip155:10/slip44:60")),
        ("direction", json!("sideways")),
        ("tx", json!("0x12")),
        ("tx", json!(long)),
        ("outputAddress", json!("0x12")),
        ("outputAddress", json!(long)),
        ("outputIndex", json!(0)),
        ("outputIndex", json!(-1)),
        ("assetAmount", json!("-1")),
        ("assetAmount", json!(long)),
        ("assetAmount", json!("1e999999999")),
        ("assetAmount", json!(1.5)),
        ("transferTimestamp", json!("yesterday")),
        ("inputAddresses", json!(vec![evm(1); 101])),
        ("inputAddresses", json!(["x"])),
        ("transferReference", json!("both")),
        ("surprise", json!(1)),
    ];
    for (field, value) in cases {
        let refused = server.json("POST /v1/transfers", with(field, value.clone()), 422);
        assert!(refused["type"] == "invalid-field", "{field}: {refused}");
    }
    let none = server.json("GET /v1/users/u-1/transfers", Value::Null, 404);
    assert_eq!(none["type"], "not-found", "nothing was kept: {none}");
    for path in ["tr_x", "%00", "..%2f..", &"x".repeat(5000)] {
        server.json(&format!("GET /v1/transfers/{path}"), Value::Null, 404);
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn follow(home: &Home, node: &Node) -> Running {
    let mut command = Command::new(common::binary());
    command.env_clear().env("INTERDICT_HOME", home.path("home"));
    command.args(["follow", "--chain", CHAIN, "--rpc", &node.url]);
    Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs"))
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(120), "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
    began.elapsed()
}

#[test]
fn a_payment_to_a_watched_address_is_heard_of_and_a_deposit_is_answered_in_seconds() {
    let Some(node) = Node::start(&["--order", "fifo"]) else { return };
    let home = Home::new();
    list(&home);
    let accounts = node.ask("eth_accounts", json!([]));
    let accounts = texts(&accounts, "");
    let (from, to) = (accounts[0], accounts[1]);
    node.ask("anvil_mine", json!(["0x3"]));
    let _follow = follow(&home, &node);
    let stored = || {
        let run = home.run(&["status", "--format", "json"]);
        let status: Value = serde_json::from_str(&run.stdout).unwrap_or_default();
        status["following"][0]["height"].as_u64()
    };
    wait_until("block 3", || stored() == Some(3));
    let server = Server::start(&home);
    let watch = json!({ "name": "a victim's wallet", "severity": "high",
        "target": { "account": { "account": format!("{CHAIN}:{to}") } } });
    let watch = server.json("POST /v1/watches", watch, 201);
    // The server begins at the tip: it must have looked once.
    std::thread::sleep(Duration::from_secs(2));
    let tx = json!({ "from": from, "to": to, "value": "0x4d", "gas": "0x5208" });
    let tx = node.ask("eth_sendTransaction", json!([tx]));
    let registered = json!({ "userId": "u-7", "network": CHAIN, "asset": "ETH", "tx": tx,
        "direction": "received", "outputAddress": to, "assetAmount": "0.000000000000000077" });
    let registered = server.json("POST /v1/transfers", registered, 202);
    assert_eq!(registered["state"], "waiting");
    node.ask("anvil_mine", json!(["0x1"]));
    let began = Instant::now();
    let told = server.event(0, "alert.raised");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}");
    let alert = &told["body"]["alert"];
    assert_eq!((&alert["kind"], &alert["severity"]), (&json!("watch"), &json!("high")), "{told}");
    assert_eq!(alert["group"], format!("watch:{}", watch["id"]));
    let answered = server.event(0, "transfer.answered");
    assert_eq!(answered["body"]["id"], registered["id"]);
    let request = format!("GET /v1/transfers/{}", registered["id"].as_str().expect("a name"));
    let shown = server.json(&request, Value::Null, 200);
    assert_eq!(
        (&shown["seen"]["height"], &shown["verdict"]),
        (&json!(4), &json!("allow")),
        "{shown}"
    );
    assert_eq!(shown["seen"]["isFinal"], false, "it can still be unwound");
    assert_eq!(shown["counterparties"].as_array().expect("rows").len(), 1);
    server.json(&format!("DELETE /v1/watches/{}", watch["id"]), Value::Null, 204);
}

#[test]
fn what_a_look_back_of_lists_found_is_an_alert() {
    let home = home();
    let server = Server::start(&home);
    let told = server.event(0, "alert.raised");
    let alert = &told["body"]["alert"];
    assert_eq!(alert["kind"], "look_back", "{told}");
    assert_eq!(alert["subject"], format!("account:eip155:1:{}", evm(0xc0)));
    assert_eq!(alert["evidence"]["found"]["transfers_count"], 1);
    let key = server.key.clone();
    drop(server);
    // Another start raises nothing again.
    let server = Server::with_key(&home, &key);
    std::thread::sleep(Duration::from_secs(2));
    let queue = server.json("GET /v1/alerts", Value::Null, 200);
    assert_eq!((&queue["items"][0]["times"], &queue["next"]), (&json!(1), &Value::Null), "{queue}");
}
