//! `interdict serve` and `interdict user`, as a person uses them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use assert_cmd::cargo::cargo_bin;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn interdict(home: &std::path::Path, args: &[&str]) -> (bool, String) {
    let done =
        Command::new(cargo_bin("interdict")).arg("--home").arg(home).args(args).output().unwrap();
    let text = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8(text).unwrap())
}

/// The address it listens on, and the link.
fn start(home: &std::path::Path) -> (Running, String, Option<String>) {
    let mut child = Command::new(cargo_bin("interdict"))
        .arg("--home")
        .arg(home)
        .args(["serve", "--port", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    let address = next().strip_prefix("listening on http://").unwrap().to_string();
    let is_first = interdict(home, &["user", "list"]).1.contains("nobody");
    let link = is_first.then(|| {
        next();
        next().split_once("#welcome=").unwrap().1.to_string()
    });
    (Running(child), address, link)
}

fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let head = head.replace('\n', "\r\n");
    let length = body.len();
    write!(stream, "{head}\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_first_start_makes_an_administrator_and_a_key_works_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let (server, address, link) = start(&home);
    let secret = link.unwrap();
    assert!(ask(&address, "GET /v1/health HTTP/1.1").starts_with("HTTP/1.1 200"));
    assert!(ask(&address, "GET /v1/cases HTTP/1.1").starts_with("HTTP/1.1 401"));
    let welcome = format!(
        "POST /v1/welcome HTTP/1.1\n\n{{\"secret\":\"{secret}\",\"name\":\"ada\",\"password\":\"a sentence of some length\"}}"
    );
    assert!(ask(&address, &welcome).starts_with("HTTP/1.1 200"));
    assert!(ask(&address, &welcome).starts_with("HTTP/1.1 401"));

    let made = Command::new(cargo_bin("interdict"))
        .arg("--home")
        .arg(&home)
        .args(["user", "key", "add", "exchange", "--scope", "metrics"])
        .output()
        .unwrap();
    let key = String::from_utf8(made.stdout).unwrap().trim().to_string();
    let asked = format!("GET /metrics HTTP/1.1\nauthorization: Bearer {key}");
    let becomes = |expected: &str| {
        (0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            ask(&address, &asked).starts_with(expected)
        })
    };
    assert!(becomes("HTTP/1.1 200"), "a key made beside the server is soon known to it");
    assert!(interdict(&home, &["user", "key", "revoke", "exchange"]).0);
    assert!(becomes("HTTP/1.1 401"), "and soon refused when revoked");
    assert!(interdict(&home, &["user", "list"]).1.contains("ada"));
    let (is_done, text) = interdict(&home, &["user", "lock", "ada"]);
    assert!(!is_done && text.contains("last administrator"), "{text}");
    drop(server);
    let (_server, address, link) = start(&home);
    assert!(link.is_none(), "a second start has no link");
    assert!(ask(&address, "GET / HTTP/1.1").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_password_in_the_address_of_the_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = "postgres://cell:secret@localhost/interdict";
    let (is_done, text) = interdict(folder.path(), &["user", "list", "--database", database]);
    assert!(!is_done && text.contains("INTERDICT_DATABASE") && !text.contains("secret"), "{text}");
}
