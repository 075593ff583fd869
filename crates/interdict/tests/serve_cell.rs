//! The routes over chains and lists, asked of a real server as a program asks.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout};
use std::time::{Duration, Instant};

use common::{Home, csv, evm, hash};
use serde_json::{Value, json};

struct Server {
    child: Child,
    /// Kept open: a server whose output nobody reads any more stops.
    _said: BufReader<ChildStdout>,
    address: String,
    key: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    fn start(home: &Home) -> Server {
        let key = home.ok(&[
            "user",
            "key",
            "add",
            "exchange",
            "--scope",
            "screen",
            "--scope",
            "transfers",
            "--scope",
            "investigate",
        ]);
        Server::with_key(home, key.trim())
    }

    fn with_key(home: &Home, key: &str) -> Server {
        let mut child = home.spawn(&["serve", "--port", "0"]);
        let mut said = BufReader::new(child.stdout.take().expect("the server answers"));
        let mut line = String::new();
        said.read_line(&mut line).expect("the server answers");
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .expect("the server answers")
            .to_string();
        Server { child, _said: said, address, key: key.to_string() }
    }

    /// A machine that is busy with other tests sheds: then it is asked again, as it says.
    fn ask(&self, request: &str, key: &str, body: &Value) -> (u16, String) {
        let mut answer = self.ask_once(request, key, body);
        for _ in 0..60 {
            if answer.0 != 503 {
                break;
            }
            std::thread::sleep(Duration::from_millis(500));
            answer = self.ask_once(request, key, body);
        }
        answer
    }

    fn ask_once(&self, request: &str, key: &str, body: &Value) -> (u16, String) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(&self.address).expect("the server answers");
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .expect("the server answers");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the server answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("the server answers");
        (
            head.split(' ')
                .nth(1)
                .expect("the server answers")
                .parse()
                .expect("the server answers"),
            body.to_string(),
        )
    }

    #[track_caller]
    fn json(&self, request: &str, body: Value, status: u16) -> Value {
        let (found, text) = self.ask(request, &self.key, &body);
        assert_eq!(found, status, "{request} {body}: {text}");
        serde_json::from_str(&text).expect("the server answers")
    }
}

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
