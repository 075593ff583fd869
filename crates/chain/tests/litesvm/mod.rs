//! LiteSVM behind a JSON-RPC of ours, as a Solana node for a test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Ends with the test.
pub struct Runtime {
    process: Child,
    pub url: String,
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where `cargo xtask tools` puts it, or where INTERDICT_LITESVM says.
pub fn python() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), |dir| root.join(dir));
    let python = std::env::var_os("INTERDICT_LITESVM")
        .map_or(target.join("tools/litesvm/bin/python"), PathBuf::from);
    python.is_file().then_some(python)
}

pub fn start(python: &Path, seed: u64, slots: u32) -> Runtime {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/litesvm/node.py");
    let mut process = Command::new(python)
        .arg(script)
        .args([seed.to_string(), slots.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut url = String::new();
    let said = process.stdout.take().expect("piped");
    BufReader::new(said).read_line(&mut url).expect("it says where it listens");
    Runtime { process, url: url.trim().to_string() }
}
