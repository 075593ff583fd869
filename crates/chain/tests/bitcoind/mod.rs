//! A real node in regtest for one test, and coins to spend on it.

#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::print_stderr, reason = "what is not tested is said loudly")]

pub mod coins;
pub mod line;
pub mod story;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chain::bitcoin::{Login, Options};
use chain::http::{Bounds, Http};
use chain::source::Limits;
use serde_json::{Value, json};

/// Ends with the test.
pub struct Bitcoind {
    process: Child,
    folder: tempfile::TempDir,
    port: u16,
    zmq: Option<u16>,
}

impl Drop for Bitcoind {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where `cargo xtask tools` puts it, or where INTERDICT_BITCOIND says. None,
/// with a loud word, where it says `none`: this machine cannot have one.
fn path() -> Option<PathBuf> {
    let elsewhere = "install Bitcoin Core 24 or later and set INTERDICT_BITCOIND=/path/to/bitcoind";
    if let Some(path) = std::env::var_os("INTERDICT_BITCOIND") {
        if path == "none" {
            eprintln!("\n*** NOT TESTED against a real Bitcoin node: {elsewhere}\n");
            return None;
        }
        return Some(path.into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), |dir| root.join(dir));
    let path = target.join("tools/knots/bitcoind");
    assert!(
        path.exists(),
        "no Bitcoin node at {}: `cargo xtask tools` fetches one on Debian; elsewhere {elsewhere}",
        path.display()
    );
    Some(path)
}

impl Bitcoind {
    /// None where there is no node to test with, which was said.
    pub async fn start() -> Option<Bitcoind> {
        Bitcoind::start_with(true).await
    }

    pub async fn start_with(publishes: bool) -> Option<Bitcoind> {
        let path = path()?;
        let folder = tempfile::tempdir().expect("a folder");
        let (port, zmq) = (free_port(), publishes.then(free_port));
        let process = spawn(&path, folder.path(), port, zmq);
        let node = Bitcoind { process, folder, port, zmq };
        node.wait().await;
        Some(node)
    }

    pub async fn stop(&mut self) {
        self.ask("stop", json!([])).await;
        self.process.wait().expect("the node ends");
    }

    /// On the same folder and port; the cookie is another.
    pub async fn start_again(&mut self) {
        let path = path().expect("it was there before");
        self.process = spawn(&path, self.folder.path(), self.port, self.zmq);
        self.wait().await;
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn cookie(&self) -> PathBuf {
        self.folder.path().join("regtest/.cookie")
    }

    pub fn options(&self) -> Options {
        self.options_at(self.port)
    }

    /// As if the node were at another port.
    pub fn options_at(&self, port: u16) -> Options {
        Options {
            login: Login::File(self.cookie()),
            poll: Duration::from_millis(50),
            limits: Limits {
                tries_max: 12,
                wait: Duration::from_millis(20),
                wait_max: Duration::from_secs(2),
                ..Limits::default()
            },
            ..Options::new(format!("http://127.0.0.1:{port}"))
        }
    }

    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let answer = self.try_ask(method, params).await.expect(method);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// None where the node refuses.
    pub async fn may_ask(&self, method: &str, params: Value) -> Option<Value> {
        let answer = self.try_ask(method, params).await?;
        answer.get("error").is_none().then(|| answer["result"].clone())
    }

    async fn try_ask(&self, method: &str, params: Value) -> Option<Value> {
        let login = std::fs::read_to_string(self.cookie()).ok()?;
        let url = format!("http://{login}@127.0.0.1:{}", self.port);
        let http = Http::new(&url, Bounds::default()).expect("an address");
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = http.post(body.to_string()).await.ok()?;
        serde_json::from_slice(&answer).ok()
    }

    async fn wait(&self) {
        for _ in 0..1200 {
            let answer = self.try_ask("getblockcount", json!([])).await;
            if answer.is_some_and(|answer| answer.get("error").is_none()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the node does not answer within a minute");
    }
}

fn spawn(path: &Path, folder: &Path, port: u16, zmq: Option<u16>) -> Child {
    let mut command = Command::new(path);
    command
        .args(["-regtest", "-listen=0", "-connect=0", "-dnsseed=0", "-printtoconsole=0"])
        .args(["-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", "-acceptnonstdtxn=1"])
        .args(["-fallbackfee=0.0002", "-persistmempool=0", "-dbcache=32"])
        .arg(format!("-rpcport={port}"))
        .arg(format!("-datadir={}", folder.display()));
    if is_knots(path) {
        command.arg("-corepolicy=1");
    }
    if let Some(zmq) = zmq {
        for topic in ["sequence", "hashblock"] {
            command.arg(format!("-zmqpub{topic}=tcp://127.0.0.1:{zmq}"));
        }
    }
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("bitcoind starts")
}

/// Knots filters more than Core does, unless told not to.
fn is_knots(path: &Path) -> bool {
    let said = Command::new(path).arg("--version").output().expect("bitcoind tells its version");
    String::from_utf8_lossy(&said.stdout).contains("Knots")
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}
