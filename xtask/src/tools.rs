//! The tools beside Rust: which, where, and how they come here.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{place, run};

/// A tool installed with `cargo install` at a version known to build with the
/// pinned toolchain.
pub struct Tool {
    pub name: &'static str,
    pub version: &'static str,
    /// What to tell someone who waits for it.
    pub takes: &'static str,
}

pub const NEXTEST: Tool = Tool { name: "cargo-nextest", version: "0.9.143", takes: "four minutes" };
pub const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2", takes: "two minutes" };

impl Tool {
    /// The tool, installed into `target/tools` when neither that folder nor the
    /// path has it.
    pub fn get(&self) -> Result<PathBuf> {
        let kept = place::tools().join("bin").join(self.name);
        if self.is_right(&kept) {
            return Ok(kept);
        }
        let on_path = PathBuf::from(self.name);
        if self.is_right(&on_path) {
            return Ok(on_path);
        }
        self.install()?;
        Ok(kept)
    }

    /// Same major and minor version: what its settings file is written for.
    fn is_right(&self, path: &PathBuf) -> bool {
        let Ok((true, said)) = run::listen(run::program(path).arg("--version")) else {
            return false;
        };
        let series = self.version.rsplit_once('.').map_or(self.version, |(series, _)| series);
        said.split_whitespace().nth(1).is_some_and(|found| found.starts_with(&format!("{series}.")))
    }

    fn install(&self) -> Result<()> {
        eprintln!(
            "{} {} is not here; building it takes some {}",
            self.name, self.version, self.takes
        );
        let build = place::tools().join("build");
        let mut install = run::cargo();
        install
            .args(["install", "--locked", "--root"])
            .arg(place::tools())
            .args([self.name, "--version", self.version])
            .env("CARGO_TARGET_DIR", &build);
        run::pass_through(&mut install)
            .with_context(|| format!("cannot install {} {}", self.name, self.version))?;
        // Half a gigabyte nobody needs again. Failing to free it harms nothing.
        let _ = std::fs::remove_dir_all(&build);
        Ok(())
    }
}

/// A real EVM node for the tests, from npm. Version and content are pinned by
/// `xtask/anvil/package-lock.json`; npm refuses what does not hash to it.
pub fn anvil() -> Result<PathBuf> {
    let folder = place::tools().join("anvil");
    let binary = folder.join("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    let lock = place::root().join("xtask/anvil/package-lock.json");
    let is_fresh =
        std::fs::read(folder.join("package-lock.json")).ok() == std::fs::read(&lock).ok();
    if is_fresh && binary.is_file() {
        return Ok(binary);
    }
    if !run::exists("npm") {
        bail!(
            "npm is missing, which fetches anvil, the test node. On Debian and Ubuntu: apt-get \
             install npm; or set INTERDICT_ANVIL to an anvil 1.7"
        );
    }
    eprintln!("anvil, the test node, is not here; fetching it takes some seconds");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", place::shown(&folder)))?;
    for file in ["package.json", "package-lock.json"] {
        let from = place::root().join("xtask/anvil").join(file);
        std::fs::copy(&from, folder.join(file))
            .with_context(|| format!("cannot copy {}", place::shown(&from)))?;
    }
    let mut install = run::program("npm");
    // Its binary needs no script to be run.
    install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(&folder);
    run::pass_through(&mut install).context("cannot fetch anvil")?;
    if !binary.is_file() {
        bail!("npm has no anvil for this machine: set INTERDICT_ANVIL to an anvil 1.7");
    }
    Ok(binary)
}

/// A C compiler: SQLite is built from its source.
pub fn need_c_compiler() -> Result<()> {
    need("cc", "a C compiler")
}

/// A C++ compiler: libFuzzer is built from its source.
pub fn need_cpp_compiler() -> Result<()> {
    need("c++", "a C++ compiler")
}

fn need(program: &str, what: &str) -> Result<()> {
    if !run::exists(program) {
        bail!(
            "{what} is missing (`{program}`). On Debian and Ubuntu: apt-get install build-essential"
        );
    }
    Ok(())
}
