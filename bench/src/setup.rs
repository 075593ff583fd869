//! Who is there to be measured, and where everything lies.
//!
//! Peers that are not Rust crates are fetched into the bench's own folder or used
//! where the host has them. One that cannot be had is named with the reason.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::contender::OURS;
use crate::peers;

pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the bench lies in the repository").to_path_buf()
}

/// `Ok` with the version, or why it is not there.
pub fn version(name: &str, folder: &Path) -> Result<String> {
    match name {
        OURS => Ok(commit()),
        "sqlite" => Ok(rusqlite::version().into()),
        "fjall" | "redb" => locked(name),
        "rust-bitcoin" => locked("bitcoin"),
        "postgres" => peers::postgres::version()
            .context("not installed; on Debian and Ubuntu: apt-get install postgresql"),
        #[cfg(feature = "duckdb")]
        "duckdb" => {
            let db = ::duckdb::Connection::open_in_memory()?;
            Ok(db.query_row("SELECT version()", [], |row| row.get(0))?)
        }
        #[cfg(not(feature = "duckdb"))]
        "duckdb" => bail!("its library could not be fetched (npm is needed for that)"),
        _ => python_version(name, folder),
    }
}

/// The commit that is measured, and whether the tree differs from it.
fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(repository()).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".into());
    let changed = git(&["status", "--porcelain", "--untracked-files=no", "crates", "bench/src"]);
    match changed {
        Some(changed) if !changed.is_empty() => format!("{commit} with changes"),
        _ => commit,
    }
}

fn locked(name: &str) -> Result<String> {
    let lock = include_str!("../Cargo.lock");
    let package = format!("name = \"{name}\"\nversion = \"");
    let (_, rest) = lock.split_once(&package).with_context(|| format!("{name} is not locked"))?;
    Ok(rest.split('"').next().unwrap_or_default().to_string())
}

pub fn python(folder: &Path) -> PathBuf {
    folder.join("venv/bin/python")
}

fn script(name: &str) -> PathBuf {
    repository().join("bench/python").join(name)
}

/// A virtual environment of its own, made once.
fn make_python(folder: &Path) -> Result<()> {
    let ready = folder.join("venv/ready");
    let wanted = std::fs::read_to_string(script("requirements.txt"))?;
    if std::fs::read_to_string(&ready).is_ok_and(|has| has == wanted) {
        return Ok(());
    }
    let failed = folder.join("venv-failed");
    if failed.exists() {
        bail!("{}", std::fs::read_to_string(&failed)?.trim());
    }
    eprintln!("  networkx, igraph, numpy and others go into {}", folder.join("venv").display());
    let mut make = Command::new("python3");
    let made = quiet(make.args(["-m", "venv"]).arg(folder.join("venv")))
        .context("python3 with venv is needed; on Debian: apt-get install python3-venv")?;
    let mut install = Command::new(python(folder));
    install.args(["-m", "pip", "install", "--quiet", "-r"]).arg(script("requirements.txt"));
    let installed = made && quiet(&mut install)?;
    if !installed {
        let why = "pip could not fetch its Python packages";
        // Once a run is enough; a new run tries again.
        std::fs::write(&failed, why)?;
        bail!(why);
    }
    Ok(std::fs::write(ready, wanted)?)
}

pub fn forget_failures(folder: &Path) {
    let _ = std::fs::remove_file(folder.join("venv-failed"));
}

fn python_version(name: &str, folder: &Path) -> Result<String> {
    make_python(folder)?;
    let code = format!("from importlib.metadata import version; print(version('{name}'))");
    let output = Command::new(python(folder)).args(["-c", &code]).output()?;
    if !output.status.success() {
        bail!("not in the virtual environment");
    }
    let python = Command::new(python(folder)).arg("--version").output()?;
    let python = String::from_utf8_lossy(&python.stdout).trim().to_string();
    Ok(format!("{}, {python}", String::from_utf8_lossy(&output.stdout).trim()))
}

fn quiet(command: &mut Command) -> Result<bool> {
    Ok(command.stdout(Stdio::null()).status()?.success())
}

/// The command that measures a peer in Python.
pub fn python_command(name: &str, folder: &Path, input: &Path) -> Command {
    let mut command = Command::new(python(folder));
    command.arg(script("peers.py")).arg(name).arg(input);
    command
}

/// What is measured on: processor, cores, memory, kernel.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_string())
    };
    let processor = field(&read("/proc/cpuinfo"), "model name");
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let gib = memory.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    format!(
        "{}, {} cores, {:.1} GiB memory, Linux {}",
        processor.unwrap_or_else(|| std::env::consts::ARCH.into()),
        std::thread::available_parallelism().map_or(1, usize::from),
        gib.unwrap_or(0) as f64 / f64::from(1 << 20),
        read("/proc/sys/kernel/osrelease").trim(),
    )
}

/// Programs that want a processor, over the last minute.
pub fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(f64::NAN)
}
