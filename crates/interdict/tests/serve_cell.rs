//! The routes over chains and lists, asked of a real server as a program asks.

mod common;

use std::time::{Duration, Instant};

use common::server::Server;
use common::{Home, csv, evm, hash};
use serde_json::{Value, json};

/// `a0` pays `b0`, who pays `c0`; `c0` is listed.
fn home() -> Home {
    let home = Home::new();
    let (a, b, c) = (evm(0xa0), evm(0xb0), evm(0xc0));
    let rows = [
        format!("{a},{b},{},2025-01-01T00:00:00Z,5", hash(1)),
        format!("{b},{c},{},2025-01-02T00:00:00Z,4", hash(2)),
    ];
    let table = home.write("theft.csv", csv(&[&rows[0], &rows[1]]));
    home.ok(&["import", "transfers-csv", &table, "--chain", "eip155:1"]);
    let notice = home.write("notice.txt", c);
    home.ok(&["lists", "import", "addresses", &notice, "--name", "FBI", "--date", "2025-02-26"]);
    home
}

#[test]
fn an_exchange_screens_and_asks_before_it_signs() {
    let home = home();
    let server = Server::start(&home);
    let (status, _) = server.ask("POST /v1/screen", "no key", &json!({ "address": evm(0xc0) }));
    assert_eq!(status, 401);

    let listed = server.json("POST /v1/screen", json!({ "address": evm(0xc0) }), 200);
    assert_eq!(listed["hits"][0]["list"], "FBI", "{listed}");
    let run = home.run(&["screen", &evm(0xc0), "--format", "json"]);
    let theirs: Value = serde_json::from_str(&run.stdout).expect("the server answers");
    assert_eq!(listed["hits"], theirs[0]["hits"], "the command says the same");
    let before = json!({ "address": evm(0xc0), "as_of": "2025-01-01" });
    assert_eq!(server.json("POST /v1/screen", before, 200)["covered"], false);
    let asks = json!({ "asks": [{ "address": evm(0xc0) }, { "name": "Ivan" }, { "transaction": hash(2) }] });
    let all = server.json("POST /v1/screen/batch", asks, 200);
    assert_eq!(all[1]["kind"], "name");
    assert_eq!(all[2]["hits"].as_array().expect("the server answers").len(), 1, "{all}");
    server.json("POST /v1/screen", json!({}), 422);
    server.json("POST /v1/screen", json!({ "address": "x", "name": "y" }), 422);

    let attempt = |to: &str, name: &str, amount: &str| {
        json!({ "userId": "u-1", "network": "Ethereum", "asset": "ETH", "address": to,
                "attemptIdentifier": name, "assetAmount": amount })
    };
    let stopped =
        server.json("POST /v1/withdrawal-attempts", attempt(&evm(0xc0), "w-1", "1.5"), 200);
    assert_eq!(stopped["verdict"], "block", "{stopped}");
    assert_eq!(stopped["reasons"][0]["rule"], "listed");
    let again = server.json("POST /v1/withdrawal-attempts", attempt(&evm(0xc0), "w-1", "1.5"), 200);
    assert_eq!(again, stopped, "the same attempt is answered once");
    server.json("POST /v1/withdrawal-attempts", attempt(&evm(0xc0), "w-1", "2"), 409);
    let fine = server.json("POST /v1/withdrawal-attempts", attempt(&evm(0xd0), "w-2", "1"), 200);
    assert_eq!(fine["verdict"], "allow", "{fine}");
    server.json("POST /v1/withdrawal-attempts", attempt("0x12", "w-3", "1"), 422);
    let id = stopped["id"].as_str().expect("the server answers");
    let stopped_key = server.key.clone();
    drop(server);
    // It outlives the server.
    let other = home.ok(&["user", "key", "add", "other", "--scope", "transfers"]);
    let server = Server::with_key(&home, &stopped_key);
    let request = format!("GET /v1/withdrawal-attempts/{id}");
    assert_eq!(server.json(&request, Value::Null, 200), stopped);
    let (status, _) = server.ask(&request, other.trim(), &Value::Null);
    assert_eq!(status, 404, "another key's attempt");
}

#[test]
fn an_investigator_traces_and_takes_the_evidence_away() {
    let home = home();
    let server = Server::start(&home);
    let account = format!("eip155:1:{}", evm(0xb0));
    let who = server.json(&format!("GET /v1/entities/{account}"), Value::Null, 200);
    assert_eq!(who["account"], account);
    let exposure = server.json(&format!("GET /v1/addresses/{account}/exposure"), Value::Null, 200);
    assert_eq!(exposure, Value::Null, "nothing is kept yet");

    let body = json!({ "sources": [evm(0xa0)], "policy": "fifo" });
    let begun = server.json("POST /v1/traces", body, 202);
    let request = format!("GET /v1/traces/{}", begun["id"]);
    let until = Instant::now() + Duration::from_secs(60);
    let done = loop {
        let shown = server.json(&request, Value::Null, 200);
        if shown["state"] != "running" || Instant::now() > until {
            break shown;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(done["state"], "done", "{done}");
    let theirs = home.json(&["trace", &evm(0xa0), "--policy", "fifo", "--format", "json"]);
    assert_eq!(done["report"], theirs, "the command says the same");
    let (status, bundle) = server.ask(&format!("{request}/bundle"), &server.key, &Value::Null);
    assert_eq!(status, 200);
    let file = home.write("theft.bundle", bundle);
    assert!(home.ok(&["verify", &file]).contains("signature holds"));
    server.json("POST /v1/traces", json!({ "sources": [evm(0xee)] }), 422);
    server.json("GET /v1/traces/999", Value::Null, 404);
}

/// Asks until work is done; what it came to.
fn wait_for(server: &Server, request: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let shown = server.json(request, Value::Null, 200);
        if shown["state"] != "running" || Instant::now() > until {
            return shown;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_investigator_sees_an_address_its_transfers_and_with_whom_it_dealt() {
    let home = home();
    let server = Server::start(&home);
    let account = |byte| format!("eip155:1:{}", evm(byte));
    let get = |path: &str| server.json(&format!("GET {path}"), Value::Null, 200);
    let lower = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();

    let shown = get(&format!("/v1/addresses/{}", account(0xb0)));
    assert_eq!((&shown["sent"], &shown["received"]), (&json!(1), &json!(1)), "{shown}");
    assert_eq!(shown["first"]["tx"], hash(1));
    assert_eq!(shown["last"]["tx"], hash(2));
    assert_eq!(shown["is_listed"], false);
    assert_eq!(get(&format!("/v1/addresses/{}", account(0xc0)))["is_listed"], true);

    let path = format!("/v1/addresses/{}/transfers", account(0xb0));
    let first = get(&format!("{path}?limit=1"));
    assert_eq!(first["items"][0]["tx"], hash(2), "the newest first: {first}");
    assert_eq!(first["items"][0]["amount_units"], "4");
    let cursor = first["next"].as_str().expect("there is one more");
    let rest = get(&format!("{path}?limit=1&cursor={cursor}"));
    assert_eq!((&rest["items"][0]["tx"], &rest["next"]), (&json!(hash(1)), &Value::Null));
    let only = get(&format!("{path}?direction=in"));
    assert_eq!(only["items"].as_array().expect("rows").len(), 1);
    let asset = "asset=eip155:1/slip44:60";
    let large = get(&format!("{path}?{asset}&min=4500000000000000000"));
    assert_eq!(large["items"][0]["tx"], hash(1));
    let refused = [
        "direction=sideways",
        "min=1",
        "min=x&asset=eip155:1/slip44:60",
        "asset=ETH",
        "asset=eip155:10/slip44:60",
        "limit=0",
        "cursor=x",
        "since=yesterday",
        "since=2025-02-01T00:00:00Z&until=2025-01-01T00:00:00Z",
    ];
    for query in refused {
        server.json(&format!("GET {path}?{query}"), Value::Null, 422);
    }
    server.json("GET /v1/addresses/0x12/transfers", Value::Null, 422);

    let found = get(&format!("/v1/addresses/{}/neighbors", account(0xb0)));
    assert_eq!((&found["total"], &found["is_truncated"]), (&json!(2), &json!(false)), "{found}");
    let out = get(&format!("/v1/addresses/{}/neighbors?direction=out", account(0xb0)));
    assert_eq!(lower(&out["items"][0]["account"]), account(0xc0));
    assert_eq!(out["items"][0]["is_listed"], true);
    assert_eq!(out["items"][0]["values"][0]["amount_units"], "4");

    let tx = get(&format!("/v1/transactions/ethereum/{}", hash(2)));
    assert_eq!(tx["transfers"].as_array().expect("rows").len(), 1, "{tx}");
    assert_eq!(lower(&tx["known"][0]["account"]), account(0xc0));
    server.json(&format!("GET /v1/transactions/ethereum/{}", hash(9)), Value::Null, 404);
    server.json("GET /v1/transactions/nowhere/0x12", Value::Null, 422);
}

#[test]
fn ways_from_here_to_there_are_found_and_told_as_they_are_looked_for() {
    let home = home();
    let server = Server::start(&home);
    let body = json!({ "source": format!("eip155:1:{}", evm(0xa0)), "target": evm(0xc0) });
    let begun = server.json("POST /v1/paths", body.clone(), 202);
    let done = wait_for(&server, &format!("GET /v1/paths/{}", begun["id"]));
    assert_eq!(done["state"], "done", "{done}");
    let routes = done["paths"]["routes"].as_array().expect("routes");
    assert_eq!(routes.len(), 1, "{done}");
    assert_eq!(routes[0]["steps"].as_array().expect("steps").len(), 2);
    assert_eq!(done["paths"]["is_complete"], true);
    let request = format!("GET /v1/paths/{}/events", begun["id"]);
    let (status, events) = server.ask(&request, &server.key, &Value::Null);
    assert_eq!(status, 200);
    assert!(events.contains("event: done"), "{events}");
    server.json(&format!("DELETE /v1/paths/{}", begun["id"]), Value::Null, 200);
    let other = home.ok(&["user", "key", "add", "other", "--scope", "investigate"]);
    // A server sees within half a second what was changed beside it.
    std::thread::sleep(Duration::from_secs(2));
    let (status, _) =
        server.ask(&format!("GET /v1/paths/{}", begun["id"]), other.trim(), &Value::Null);
    assert_eq!(status, 404, "another key's");
    let with = |field: &str, value: Value| {
        let mut body = body.clone();
        body[field] = value;
        body
    };
    let refused = [
        ("target", json!(format!("eip155:10:{}", evm(0xc0)))),
        ("target", json!(evm(0xa0))),
        ("target", json!("x")),
        ("hops", json!(11)),
        ("hops", json!(0)),
        ("routes", json!(101)),
        ("min", json!("1")),
        ("asset", json!("ETH")),
        ("since", json!("soon")),
        ("surprise", json!(1)),
    ];
    for (field, value) in refused {
        server.json("POST /v1/paths", with(field, value), 422);
    }
}

#[test]
fn a_trace_is_a_graph_that_can_be_gone_on_from() {
    let home = home();
    let server = Server::start(&home);
    let trace = |body: Value| {
        let begun = server.json("POST /v1/traces", body, 202);
        let request = format!("GET /v1/traces/{}", begun["id"]);
        assert_eq!(wait_for(&server, &request)["state"], "done");
        request
    };
    let first = trace(json!({ "sources": [evm(0xa0)], "hops": 1, "compare": true }));
    let graph = server.json(&format!("{first}/graph"), Value::Null, 200);
    let edges = graph["edges"].as_array().expect("edges");
    assert_eq!((edges.len(), &edges[0]["tainted"]), (1, &json!("5000000000000000000")), "{graph}");
    let nodes = graph["nodes"].as_array().expect("nodes");
    let source = nodes.iter().find(|node| node["is_source"] == true).expect("the source");
    let next = nodes.iter().find(|node| node["is_source"] == false).expect("who was paid");
    assert_eq!(edges[0]["from"], source["id"]);
    assert_eq!(edges[0]["to"], next["id"]);
    assert_eq!(next["tainted"][0]["by_policy"]["fifo"], "5000000000000000000");
    // A hop on from there.
    let body = json!({ "sources": [next["id"]], "hops": 1, "since": next["first_seen"] });
    let second = trace(body);
    let further = server.json(&format!("{second}/graph"), Value::Null, 200);
    let listed = further["nodes"].as_array().expect("nodes").iter();
    let listed: Vec<&Value> = listed.filter(|node| node["is_listed"] == true).collect();
    assert_eq!((listed.len(), &listed[0]["category"]), (1, &json!("listed")), "{further}");
    let (status, events) = server.ask(&format!("{second}/events"), &server.key, &Value::Null);
    assert_eq!(status, 200);
    assert!(events.contains("event: done"), "{events}");

    // What is too small is not followed, and what was said of swaps is taken.
    let small = json!({ "sources": [evm(0xa0)],
        "min_value": { "asset": "eip155:1/slip44:60", "base": "6000000000000000000" },
        "crossings": [{ "decision": "refuse", "account": format!("eip155:1:{}", evm(0xb0)), "reason": "no swap" }] });
    let none = server.json(&format!("{}/graph", trace(small)), Value::Null, 200);
    assert_eq!(none["edges"], json!([]), "{none}");
    let refused = [
        json!({ "min_value": { "usd": "x" } }),
        json!({ "min_value": { "usd": "1", "base": "1" } }),
        json!({ "min_value": {} }),
        json!({ "crossings": [{ "decision": "perhaps" }] }),
        json!({ "crossings": [{ "decision": "refuse", "account": "x", "reason": "r" }] }),
        json!({ "since": "2025-02-01T00:00:00Z", "until": "2025-01-01T00:00:00Z" }),
    ];
    for mut body in refused {
        body["sources"] = json!([evm(0xa0)]);
        server.json("POST /v1/traces", body, 422);
    }
}
