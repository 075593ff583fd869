//! A real EVM node for one test: anvil, at a pinned version, which `cargo xtask tools` fetches.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use chain::http::{Bounds, Http};
use serde_json::{Value, json};

/// Ends with the test.
pub struct Node {
    process: Child,
    pub url: String,
    rpc: Http,
    runtime: tokio::runtime::Runtime,
}

impl Drop for Node {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Node {
    /// One that mines when it is told to. None, and said, where there is no anvil.
    #[expect(clippy::print_stderr, reason = "a test that tests nothing says so")]
    pub fn start(options: &[&str]) -> Option<Node> {
        let Some(path) = path() else {
            eprintln!("NOT TESTED: there is no anvil here, which `cargo xtask tools` fetches");
            return None;
        };
        let mut process = Command::new(path)
            .args(["--host", "127.0.0.1", "--port", "0", "--no-mining"])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("anvil starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("Listening on ").map(String::from))
            .expect("anvil says where it listens");
        // It would stop at a full pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let url = format!("http://{}", address.trim());
        let rpc = Http::new(&url, Bounds::default()).expect("an address");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Some(Node { process, url, rpc, runtime: runtime.expect("a runtime") })
    }

    pub fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = self.runtime.block_on(self.rpc.post(body.to_string())).expect(method);
        let mut answer: Value = serde_json::from_slice(&answer).expect(method);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }
}

/// Where INTERDICT_ANVIL says, or `cargo xtask tools` puts it. None where a test run found that it
/// cannot be had, which it said.
fn path() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("INTERDICT_ANVIL") {
        return (path != "none").then(|| path.into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), |dir| root.join(dir));
    let path = target.join("tools/anvil/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    assert!(
        path.exists(),
        "anvil, the test node, is not at {}: `cargo xtask tools` fetches it with npm, or \
         INTERDICT_ANVIL names another anvil 1.7",
        path.display()
    );
    Some(path)
}
