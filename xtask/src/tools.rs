//! The tools beside Rust: which, where, and how they come here.

pub mod knots;

use std::path::{Path, PathBuf};

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

/// A real EVM node for the tests, from npm.
pub fn anvil() -> Result<PathBuf> {
    let folder = place::tools().join("anvil");
    let binary = folder.join("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    from_npm("anvil", "the test node", &binary)
        .context("INTERDICT_ANVIL may name an anvil 1.7 of yours")?;
    Ok(binary)
}

/// What Tron's decoder is held against, from npm. Needs node to run.
pub fn tronweb() -> Result<PathBuf> {
    let folder = place::tools().join("tronweb");
    from_npm(
        "tronweb",
        "which Tron's decoder is compared with",
        &folder.join("node_modules/tronweb"),
    )?;
    Ok(folder)
}

/// What checks the types of the guides' TypeScript, from npm. Gives the folder of its modules.
pub fn typescript() -> Result<PathBuf> {
    let modules = place::tools().join("typescript/node_modules");
    from_npm("typescript", "which checks the guides' snippets", &modules.join("typescript"))?;
    Ok(modules)
}

/// A real pool of the Uniswap V3 kind for the tests, from npm. It may be tested with, and not be shipped.
pub fn uniswap() -> Result<PathBuf> {
    let folder = place::tools().join("uniswap");
    let wanted = folder.join("node_modules/@uniswap/v3-core");
    from_npm("uniswap", "whose pools trading is tried in", &wanted)?;
    Ok(folder)
}

/// Version and content are pinned by `xtask/<name>/package-lock.json`; npm
/// refuses what does not hash to it. `wanted` is there afterwards.
fn from_npm(name: &str, what: &str, wanted: &Path) -> Result<()> {
    let folder = place::tools().join(name);
    let given = place::root().join("xtask").join(name);
    let lock = "package-lock.json";
    let is_fresh = std::fs::read(folder.join(lock)).ok() == std::fs::read(given.join(lock)).ok();
    if is_fresh && wanted.exists() {
        return Ok(());
    }
    if !run::exists("npm") {
        bail!(
            "npm is missing, which fetches {name}, {what}. On Debian and Ubuntu: apt-get install npm"
        );
    }
    eprintln!("{name}, {what}, is not here; fetching it takes some seconds");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", place::shown(&folder)))?;
    for file in ["package.json", lock] {
        let from = given.join(file);
        std::fs::copy(&from, folder.join(file))
            .with_context(|| format!("cannot copy {}", place::shown(&from)))?;
    }
    let mut install = run::program("npm");
    // Neither needs a script to be run.
    install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(&folder);
    run::pass_through(&mut install).with_context(|| format!("cannot fetch {name}"))?;
    if !wanted.exists() {
        bail!("npm has no {name} for this machine");
    }
    Ok(())
}

/// What Solana's decoder is held against: LiteSVM, from PyPI. Gives the interpreter that has it.
pub fn litesvm() -> Result<PathBuf> {
    from_pypi("litesvm", "LiteSVM, a runtime Solana's decoder is compared with,")
}

/// What asks the API whatever its document allows, from PyPI. Gives the interpreter that has it.
pub fn schemathesis() -> Result<PathBuf> {
    from_pypi("schemathesis", "Schemathesis, which tries the API,")
}

/// GraphSense's own client, from PyPI, which reads what is served in its shape. Gives the
/// interpreter that has it.
pub fn graphsense() -> Result<PathBuf> {
    from_pypi("graphsense", "GraphSense's client")
}

/// In an environment of its own. Versions and content are pinned by
/// `xtask/<name>/requirements.txt`; pip refuses what does not hash to it.
fn from_pypi(name: &str, what: &str) -> Result<PathBuf> {
    let folder = place::tools().join(name);
    let python = folder.join("bin/python");
    let wanted = place::root().join("xtask").join(name).join("requirements.txt");
    let kept = folder.join("requirements.txt");
    if python.is_file() && std::fs::read(&kept).ok() == std::fs::read(&wanted).ok() {
        return Ok(python);
    }
    eprintln!("{what} is not here; fetching it takes some seconds");
    run::pass_through(run::program("python3").args(["-m", "venv"]).arg(&folder)).context(
        "cannot make a Python environment. On Debian and Ubuntu: apt-get install python3 python3-venv",
    )?;
    let mut install = run::program(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    install.args(["--only-binary", ":all:", "--require-hashes", "-r"]).arg(&wanted);
    run::pass_through(&mut install).with_context(|| format!("cannot fetch {what}"))?;
    std::fs::copy(&wanted, &kept)
        .with_context(|| format!("cannot write {}", place::shown(&kept)))?;
    Ok(python)
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
