//! The real server, asked as a program or a person at their browser asks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout};
use std::time::Duration;

use serde_json::{Value, json};

use super::Home;

pub const PASSWORD: &str = "a sentence of some length";
const JSON: &str = "content-type: application/json\r\n";

/// A server that ends with the test, and a key to ask it with.
pub struct Server {
    child: Child,
    /// Kept open: a server whose output nobody reads any more stops.
    said: BufReader<ChildStdout>,
    pub address: String,
    pub key: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
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
        Server { child, said, address, key: key.to_string() }
    }

    /// For people alone: nobody has a key.
    pub fn of_people(home: &Home) -> Server {
        Server::with_key(home, "")
    }

    /// What the server says next on its standard output.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("the server says more");
        line
    }

    /// A machine that is busy with other tests sheds: then it is asked again, as it says.
    pub fn answer(&self, request: &str, headers: &str, body: &[u8]) -> Answer {
        let mut answer = self.answer_once(request, headers, body);
        for _ in 0..60 {
            if answer.status != 503 {
                break;
            }
            std::thread::sleep(Duration::from_millis(500));
            answer = self.answer_once(request, headers, body);
        }
        answer
    }

    fn answer_once(&self, request: &str, headers: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("the server answers");
        let length = body.len();
        let head = format!(
            "{request} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {length}\r\n\
             {headers}\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).expect("the server answers");
        stream.write_all(body).expect("the server answers");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the server answers");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&answer[..end]).to_string();
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        Answer { status, head, body: answer[end + 4..].to_vec() }
    }

    /// As a program asks, with a key.
    pub fn ask(&self, request: &str, key: &str, body: &Value) -> (u16, String) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = format!("authorization: Bearer {key}\r\n{JSON}");
        let answer = self.answer(request, &headers, body.as_bytes());
        (answer.status, answer.text())
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

    /// A user who chooses a password by their link; a name where there is nobody yet.
    pub fn person(&self, link: &str, name: Option<&str>) -> Person<'_> {
        let secret = link.trim().rsplit_once("#welcome=").expect("a link").1;
        let mut body = json!({ "secret": secret, "password": PASSWORD });
        if let Some(name) = name {
            body["name"] = name.into();
        }
        let answer = self.answer("POST /v1/welcome", JSON, body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cookie = answer.head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            let is_set = name.eq_ignore_ascii_case("set-cookie");
            is_set.then(|| value.split(';').next().unwrap_or_default().to_string())
        });
        let csrf = answer.json()["csrf"].as_str().expect("a token").to_string();
        Person { server: self, cookie: cookie.expect("a cookie"), csrf }
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

/// Somebody at their browser.
pub struct Person<'a> {
    server: &'a Server,
    cookie: String,
    csrf: String,
}

impl Person<'_> {
    pub fn ask(&self, request: &str, body: &Value) -> Answer {
        let headers = format!("cookie: {}\r\nx-csrf-token: {}\r\n{JSON}", self.cookie, self.csrf);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.server.answer(request, &headers, body.as_bytes())
    }

    #[track_caller]
    pub fn json(&self, request: &str, body: Value, status: u16) -> Value {
        let answer = self.ask(request, &body);
        assert_eq!(answer.status, status, "{request} {body}: {}", answer.text());
        answer.json()
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.json(&format!("GET {path}"), Value::Null, 200)
    }
}
