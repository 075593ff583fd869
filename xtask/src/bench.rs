//! `cargo xtask bench`: Interdict beside its peers.
//!
//! The bench is a workspace of its own (`bench/`), built only here. What it needs
//! beside crates comes into `target/bench`: DuckDB's library through npm, Python's
//! packages through pip. What cannot be had is left out and said.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::{place, run, tools};

pub const MANIFEST: &str = "bench/Cargo.toml";

/// Goes with the version of the crate `duckdb` in the bench's manifest.
const DUCKDB_PACKAGE: &str = "1.5.6-r.1";

pub fn run(args: &[String]) -> Result<ExitCode> {
    tools::need_c_compiler()?;
    let folder = place::target().join("bench");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", place::shown(&folder)))?;
    let duckdb = if wants_duckdb(args) { duckdb_library(&folder) } else { None };
    let binary = build(&folder, duckdb.as_deref())?;
    let mut command = run::program(binary);
    command.args(["run", "--folder"]).arg(&folder).args(args);
    if wants_desk(args) {
        command.arg("--program").arg(build_product()?);
    }
    if let Some(library) = &duckdb {
        command.env("LD_LIBRARY_PATH", library);
    }
    run::pass_through(&mut command)?;
    Ok(ExitCode::SUCCESS)
}

/// Only then the product itself is built.
fn wants_desk(args: &[String]) -> bool {
    let only = args.iter().position(|arg| arg == "--only").and_then(|at| args.get(at + 1));
    only.map_or(!args.iter().any(|arg| arg == "--smoke"), |only| {
        only.split(',').any(|work| work == "desk")
    })
}

fn build_product() -> Result<PathBuf> {
    eprintln!("── build interdict for release");
    let mut command = run::cargo();
    command.args(["build", "--release", "--locked", "-p", "interdict"]);
    run::pass_through(&mut command)?;
    Ok(place::target().join("release/interdict"))
}

/// A smoke run should take seconds and fetch nothing.
fn wants_duckdb(args: &[String]) -> bool {
    let peers = args.iter().position(|arg| arg == "--peers").and_then(|at| args.get(at + 1));
    let is_asked = peers.is_none_or(|peers| peers.split(',').any(|peer| peer == "duckdb"));
    // Nobody but the product has listings.
    let is_of_us = args.windows(2).any(|two| two[0] == "--only" && two[1] == "listings");
    is_asked && !is_of_us && !args.iter().any(|arg| arg == "--smoke")
}

fn build(folder: &Path, duckdb: Option<&Path>) -> Result<PathBuf> {
    // Two builds, or each run with DuckDB would undo the one without.
    let target = folder.join(if duckdb.is_some() { "build-duckdb" } else { "build" });
    eprintln!("── build the bench and its peers (five minutes the first time)");
    let mut command = run::cargo();
    command.args(["build", "--release", "--locked", "--manifest-path", MANIFEST, "--target-dir"]);
    command.arg(&target);
    if let Some(library) = duckdb {
        command.args(["--features", "duckdb"]).env("DUCKDB_LIB_DIR", library);
    }
    run::pass_through(&mut command)
        .context("if its lock file is not fresh, `cargo xtask gen` writes it anew")?;
    Ok(target.join("release/bench"))
}

/// The folder of DuckDB's library, fetched once; none where npm cannot.
fn duckdb_library(folder: &Path) -> Option<PathBuf> {
    match fetch_duckdb(folder) {
        Ok(library) => Some(library),
        Err(error) => {
            eprintln!("left out: DuckDB: {error:#}");
            None
        }
    }
}

fn fetch_duckdb(folder: &Path) -> Result<PathBuf> {
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        (os, arch) => bail!("its npm package for {os} on {arch} is not known to us"),
    };
    let kept = folder.join(format!("duckdb-{DUCKDB_PACKAGE}"));
    let library = kept.join("package");
    if library.join("libduckdb.so").exists() {
        return Ok(library);
    }
    if !run::exists("npm") {
        bail!("npm is not installed, which has its library");
    }
    std::fs::create_dir_all(&kept)?;
    let package = format!("@duckdb/node-bindings-{platform}@{DUCKDB_PACKAGE}");
    eprintln!("── fetch {package}");
    // Packing downloads the archive and runs none of its scripts.
    let mut pack = run::program("npm");
    let (is_there, said) =
        run::listen(pack.args(["pack", "--silent", &package]).current_dir(&kept))?;
    if !is_there {
        bail!("npm cannot fetch {package}: {}", said.trim());
    }
    let archive = archive_in(&kept)?;
    run::pass_through(run::program("tar").arg("-xzf").arg(&archive).arg("-C").arg(&kept))?;
    std::fs::remove_file(&archive)?;
    if !library.join("libduckdb.so").exists() {
        bail!("{package} has no libduckdb.so");
    }
    Ok(library)
}

fn archive_in(folder: &Path) -> Result<PathBuf> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            return Ok(path);
        }
    }
    bail!("npm left no archive in {}", place::shown(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_is_built_only_where_the_desk_is_measured() {
        let wants =
            |args: &str| wants_desk(&args.split_whitespace().map(String::from).collect::<Vec<_>>());
        assert!(wants("") && wants("--only sweep,desk") && wants("--smoke --only desk"));
        assert!(!wants("--only sweep") && !wants("--smoke") && !wants("--only listings"));
    }

    #[test]
    fn duckdb_is_fetched_only_where_it_is_measured() {
        let wants = |args: &str| {
            wants_duckdb(&args.split_whitespace().map(String::from).collect::<Vec<_>>())
        };
        assert!(wants("--scale 1M"));
        assert!(wants("--peers sqlite,duckdb"));
        assert!(!wants("--peers sqlite"));
        assert!(!wants("--smoke"));
        assert!(wants("--only page") && !wants("--only listings"));
    }
}
