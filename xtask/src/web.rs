//! The page: built from `web/` by npm, and walked through in a browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::{place, run};

/// What walks through the page; the first that is there.
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];
pub const NEED_NODE: &str = "node and npm are missing, which build the page. On Debian and Ubuntu: apt-get install nodejs npm";
pub const NEED_BROWSER: &str =
    "no Chromium is here, which walks through the page. On Debian: apt-get install chromium";

fn folder() -> PathBuf {
    place::root().join("web")
}

pub fn has_node() -> bool {
    run::exists("node") && run::exists("npm")
}

fn npm(args: &[&str]) -> Result<()> {
    run::pass_through(Command::new("npm").args(args).current_dir(folder()))
}

/// Builds what the server embeds. What is built and fresh stays.
pub fn build() -> Result<()> {
    if !has_node() {
        bail!("{NEED_NODE}");
    }
    install()?;
    if is_fresh()? {
        println!("the page is built");
        return Ok(());
    }
    npm(&["run", "build"]).context("cannot build the page")
}

/// A server without the page works, and says so.
pub fn build_if_possible() -> Result<()> {
    if has_node() {
        return build();
    }
    eprintln!("NOT BUILT, the page: {NEED_NODE}\ngoing on: the server will show a plain one");
    Ok(())
}

/// What the lock file pins, and nothing else.
fn install() -> Result<()> {
    let lock = modified(&folder().join("package-lock.json"))?;
    if modified(&folder().join("node_modules/.package-lock.json")).is_ok_and(|had| had >= lock) {
        return Ok(());
    }
    npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .context("cannot fetch what the page is built from")
}

fn modified(path: &Path) -> Result<SystemTime> {
    let metadata = fs::metadata(path).and_then(|metadata| metadata.modified());
    metadata.with_context(|| format!("cannot look at {}", place::shown(path)))
}

/// Is the page newer than all it is built from?
fn is_fresh() -> Result<bool> {
    let Ok(built) = modified(&folder().join("dist/index.html")) else { return Ok(false) };
    let mut newest = SystemTime::UNIX_EPOCH;
    for name in ["index.html", "package-lock.json", "package.json", "vite.config.ts"] {
        newest = newest.max(modified(&folder().join(name))?);
    }
    for part in ["src", "scripts"] {
        newest = newest.max(newest_in(&folder().join(part))?);
    }
    Ok(built > newest)
}

fn newest_in(folder: &Path) -> Result<SystemTime> {
    let mut newest = modified(folder)?;
    let entries = fs::read_dir(folder);
    for entry in entries.with_context(|| format!("cannot look into {}", place::shown(folder)))? {
        let path = entry?.path();
        let one = if path.is_dir() { newest_in(&path)? } else { modified(&path)? };
        newest = newest.max(one);
    }
    Ok(newest)
}

/// Types and the pure parts.
pub fn check() -> Result<()> {
    build()?;
    npm(&["run", "check"])?;
    npm(&["test"])
}

pub fn browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("INTERDICT_CHROMIUM") {
        return Some(named.into());
    }
    // What drives it does not look through PATH.
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let path = |name: &&str| folders.iter().map(|of| of.join(name)).find(|path| path.is_file());
    BROWSERS.iter().filter(|name| run::exists(name)).find_map(path)
}

/// Every page and role of a real server, in a browser; the last line it says.
pub fn walk(binary: &Path, browser: &Path) -> Result<Option<String>> {
    let mut command = Command::new("node");
    command.arg("tests/e2e/run.mjs").arg(binary).current_dir(folder());
    command.env("INTERDICT_CHROMIUM", browser);
    run::watch(&mut command, " passed, ")
}
