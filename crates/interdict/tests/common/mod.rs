//! A home of its own for each story, and the real binary run in it.
#![allow(dead_code, reason = "each file of tests uses its part")]

pub mod anvil;
pub mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// An empty home beside a folder for the files of a story.
pub struct Home {
    folder: TempDir,
}

/// What one run of the binary left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Home {
    pub fn new() -> Home {
        Home { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the story and gives its path.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, bytes).expect("a file");
        path.to_str().expect("UTF-8").to_string()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.env_clear().current_dir(self.folder.path());
        command.env("INTERDICT_HOME", self.path("home")).args(args);
        command
    }

    /// Starts it, and leaves it running.
    pub fn spawn(&self, args: &[&str]) -> std::process::Child {
        let mut command = std::process::Command::new(binary());
        command.env_clear().current_dir(self.folder.path());
        command.env("INTERDICT_HOME", self.path("home")).args(args);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
        command.spawn().expect("the binary runs")
    }

    pub fn run(&self, args: &[&str]) -> Run {
        Run::of(&self.command(args).output().expect("the binary runs"))
    }

    /// Standard output of a run that succeeds.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
        run.stdout
    }

    /// The answer in JSON of a run that succeeds.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(args)).unwrap_or_else(|e| panic!("{args:?}: {e}"))
    }

    /// The error of a run that fails as errors do: code 1 or 2, no answer, no panic.
    #[track_caller]
    pub fn error(&self, args: &[&str]) -> String {
        let run = self.run(args);
        assert!(run.code == 1 || run.code == 2, "{args:?}: code {}: {}", run.code, run.stdout);
        assert_eq!(run.stdout, "", "{args:?}: an error is no answer");
        assert!(run.stderr.contains("error: "), "{args:?}: {}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{args:?}: {}", run.stderr);
        run.stderr
    }

    /// The error of a run, which says all of this.
    #[track_caller]
    pub fn refuses(&self, args: &[&str], said: &[&str]) -> String {
        let error = self.error(args);
        for part in said {
            assert!(error.contains(part), "{args:?}: expected {part:?} in: {error}");
        }
        error
    }
}

impl Run {
    pub fn of(output: &Output) -> Run {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Run {
            code: output.status.code().expect("no signal ended it"),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_interdict")
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the workspace is there")
}

pub fn fixture(name: &str) -> String {
    let path = root().join("fixtures").join(name);
    assert!(path.exists(), "no fixture {name}");
    path.to_str().expect("UTF-8").to_string()
}

pub fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn case_file() -> String {
    root().join("cases/bybit-2025.toml").to_str().expect("UTF-8").to_string()
}

/// The Bybit case with its paths made absolute, so that a copy works anywhere.
pub fn case_text() -> String {
    let fixtures = root().join("fixtures");
    read(case_file()).replace("\"../fixtures/", &format!("\"{}/", fixtures.display()))
}

/// The strings of a JSON array, or of one field of its objects.
pub fn texts<'a>(array: &'a Value, field: &str) -> Vec<&'a str> {
    let of = |value: &'a Value| if field.is_empty() { value } else { &value[field] };
    rows(array).iter().map(|value| of(value).as_str().expect("a string")).collect()
}

#[track_caller]
pub fn rows(array: &Value) -> &[Value] {
    array.as_array().unwrap_or_else(|| panic!("expected an array, found {array}"))
}

/// A table of transfers as `transfers-csv` reads it.
pub fn csv(rows: &[&str]) -> String {
    let header = "from,to,tx_hash,time,amount";
    rows.iter().fold(header.to_string(), |text, row| format!("{text}\n{row}")) + "\n"
}

/// An Ethereum address of one repeated byte.
pub fn evm(byte: u8) -> String {
    format!("0x{}", format!("{byte:02x}").repeat(20))
}

/// A transaction hash of one repeated byte, with `0x`.
pub fn hash(byte: u8) -> String {
    format!("0x{}", format!("{byte:02x}").repeat(32))
}
