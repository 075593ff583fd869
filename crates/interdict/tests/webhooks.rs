//! Webhooks of a server that runs: also when it is killed between sending an event and noting so.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

struct Running {
    child: Child,
    /// Kept open: a server whose output nobody reads any more stops.
    _said: BufReader<ChildStdout>,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn interdict(home: &Path) -> Command {
    let mut command = Command::new(cargo_bin("interdict"));
    command.arg("--home").arg(home);
    command.env("INTERDICT_WEBHOOKS_ALLOW_PRIVATE", "true");
    command.env("INTERDICT_WEBHOOKS_TIMEOUT_S", "1");
    command
}

fn start(home: &Path) -> (Running, String) {
    let mut child = interdict(home)
        .args(["serve", "--port", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    said.read_line(&mut first).unwrap();
    let address = first.trim().strip_prefix("listening on http://").unwrap().to_string();
    (Running { child, _said: said }, address)
}

fn key(home: &Path) -> String {
    let made = interdict(home)
        .args(["user", "key", "add", "exchange", "--scope", "alerts", "--scope", "metrics"])
        .output()
        .unwrap();
    String::from_utf8(made.stdout).unwrap().trim().to_string()
}

fn ask(address: &str, key: &str, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_string()
}

/// One request, and the connection to answer it on.
fn receive(listener: &TcpListener) -> (TcpStream, String, Vec<u8>) {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "a whole head");
    }
    let length = header(&head, "content-length").parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (stream, head, body)
}

fn header(head: &str, name: &str) -> String {
    let mut pairs = head.lines().filter_map(|line| line.split_once(": "));
    let found = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.unwrap_or_else(|| panic!("no {name} in {head}")).1.to_string()
}

#[test]
fn who_is_killed_between_sending_and_noting_sends_again_under_the_same_name() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (server, address) = start(&home);
    let key = key(&home);
    // The server looks for new keys twice a second.
    std::thread::sleep(Duration::from_millis(1200));
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let body = format!("{{\"url\":\"{url}\",\"events\":[\"webhook.*\"]}}");
    let added: Value =
        serde_json::from_str(&ask(&address, &key, "POST", "/v1/webhooks", &body)).unwrap();
    let secret = added["secret"].as_str().unwrap().to_string();
    ask(&address, &key, "POST", "/v1/webhooks/1/test", "");

    let (stream, first, sent) = receive(&listener);
    // It has everything and says nothing; the server dies without a goodbye (SIGKILL).
    drop(server);
    drop(stream);

    let (_server, address) = start(&home);
    let (mut stream, second, again) = receive(&listener);
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    assert_eq!(header(&first, "interdict-delivery"), header(&second, "interdict-delivery"));
    assert_eq!(sent, again);
    // The secret outlived the restart, sealed by the key in the home.
    let signature = header(&second, "interdict-signature");
    let now = share::client::now_s();
    assert!(share::sign::is_right(secret.as_bytes(), &signature, &again, now, 60));
    let is_noted = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        let deliveries = ask(&address, &key, "GET", "/v1/webhooks/1/deliveries", "");
        deliveries.contains("\"state\":\"delivered\"")
    });
    assert!(is_noted);
    let metrics = ask(&address, &key, "GET", "/metrics", "");
    assert!(metrics.contains("interdict_webhook_delivered_total 1"), "{metrics}");

    let file = home.join("keys/secrets.key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    for entry in std::fs::read_dir(&home).unwrap().flatten() {
        if entry.path().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            let is_open = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!is_open, "{}", entry.path().display());
        }
    }
}
