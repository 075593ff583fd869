//! The real server, asked as a program asks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout};
use std::time::Duration;

use serde_json::Value;

use super::Home;

/// A server that ends with the test, and a key to ask it with.
pub struct Server {
    child: Child,
    /// Kept open: a server whose output nobody reads any more stops.
    _said: BufReader<ChildStdout>,
    pub address: String,
    pub key: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    pub fn start(home: &Home) -> Server {
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
            "--scope",
            "alerts",
            "--scope",
            "cases",
        ]);
        Server::with_key(home, key.trim())
    }

    pub fn with_key(home: &Home, key: &str) -> Server {
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
    pub fn ask(&self, request: &str, key: &str, body: &Value) -> (u16, String) {
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
    pub fn json(&self, request: &str, body: Value, status: u16) -> Value {
        let (found, text) = self.ask(request, &self.key, &body);
        assert_eq!(found, status, "{request} {body}: {text}");
        if text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&text).expect("the server answers")
    }

    /// Reads the stream of events until one is of this kind; what it says.
    pub fn event(&self, after: i64, kind: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).expect("the server answers");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
        write!(
            stream,
            "GET /v1/events?after={after} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
            self.key
        )
        .expect("the server answers");
        let lines = BufReader::new(stream).lines().map(|line| line.expect("an event comes"));
        let mut is_it = false;
        for line in lines {
            if let Some(found) = line.strip_prefix("event: ") {
                is_it = found == kind;
            } else if let (true, Some(data)) = (is_it, line.strip_prefix("data: ")) {
                return serde_json::from_str(data).expect("JSON");
            }
        }
        panic!("the stream ended without {kind}");
    }
}
