//! A real Bitcoin node for the tests: Bitcoin Knots, a fork of Bitcoin Core with
//! the same RPC and the same rules, from Debian's `trixie-backports`.
//!
//! `apt-get` downloads and checks the packages in a state of its own below
//! `target/tools/knots`, so that no root is needed and nothing of the system
//! changes. They are unpacked beside it, with the libraries of their own suite,
//! and a script starts the node with those. The packages are kept: a suite moves
//! on, and an old version is then gone.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{place, run};

/// The node, and every library it loads.
const NODE: &str = "bitcoin-knots";
const LIBRARIES: [&str; 17] = [
    "libc6",
    "libcom-err2",
    "libevent-core-2.1-7t64",
    "libevent-extra-2.1-7t64",
    "libevent-pthreads-2.1-7t64",
    "libgcc-s1",
    "libgssapi-krb5-2",
    "libk5crypto3",
    "libkeyutils1",
    "libkrb5-3",
    "libkrb5support0",
    "libnorm1t64",
    "libpgm-5.3-0t64",
    "libsodium23",
    "libsqlite3-0",
    "libstdc++6",
    "libzmq5",
];

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const MIRROR: &str = "http://deb.debian.org/debian";

/// What to do where it cannot be had from here.
pub const ELSEWHERE: &str =
    "install Bitcoin Core 24 or later and set INTERDICT_BITCOIND=/path/to/bitcoind";

/// The script that starts it, fetched when it is not there yet.
pub fn get() -> Result<PathBuf> {
    let folder = place::tools().join("knots");
    let script = folder.join("bitcoind");
    if starts(&script) {
        return Ok(script);
    }
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
        bail!("the Bitcoin node for the tests is fetched for Linux on x86-64 only: {ELSEWHERE}");
    }
    for program in ["apt-get", "dpkg"] {
        if !run::exists(program) {
            bail!(
                "{program} is missing, which fetches the Bitcoin node for the tests: {ELSEWHERE}"
            );
        }
    }
    let packages = folder.join("packages");
    if !holds_all(&packages) {
        eprintln!("a Bitcoin node for the tests is not here; fetching it takes some ten seconds");
        download(&folder, &packages)
            .with_context(|| format!("cannot fetch the Bitcoin node for the tests: {ELSEWHERE}"))?;
    }
    unpack(&packages, &folder.join("root"))?;
    write_script(&script, &folder.join("root"))?;
    if !starts(&script) {
        bail!("the Bitcoin node in {} does not start: {ELSEWHERE}", place::shown(&folder));
    }
    Ok(script)
}

fn starts(script: &Path) -> bool {
    script.is_file() && run::listen(run::program(script).arg("--version")).is_ok_and(|(ok, _)| ok)
}

fn holds_all(packages: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(packages) else { return false };
    let names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let holds = |package: &str| names.iter().any(|name| name.starts_with(&format!("{package}_")));
    LIBRARIES.iter().all(|library| holds(library)) && holds(NODE)
}

fn download(folder: &Path, packages: &Path) -> Result<()> {
    for inner in ["lists/partial", "cache/archives/partial"] {
        make(&folder.join(inner))?;
    }
    make(packages)?;
    let list = folder.join("sources.list");
    let mirror = mirror();
    let suites = ["trixie", "trixie-backports"]
        .map(|suite| format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n"));
    std::fs::write(&list, suites.concat())
        .with_context(|| format!("cannot write {}", place::shown(&list)))?;
    run::pass_through(apt(folder, &list).args(["-qq", "update"]))?;
    let mut fetch = apt(folder, &list);
    fetch.current_dir(packages).args(["-qq", "download"]);
    fetch.arg(format!("{NODE}/trixie-backports"));
    fetch.args(LIBRARIES.map(|library| format!("{library}/trixie")));
    run::pass_through(&mut fetch)
}

/// `apt-get` that knows nothing of the system's own sources and state.
fn apt(folder: &Path, list: &Path) -> Command {
    let mut command = run::program("apt-get");
    for (name, value) in [
        ("Dir::Etc::sourcelist", list.to_path_buf()),
        ("Dir::Etc::sourceparts", "/dev/null".into()),
        ("Dir::State::lists", folder.join("lists")),
        ("Dir::Cache", folder.join("cache")),
    ] {
        command.arg("-o").arg(format!("{name}={}", value.display()));
    }
    // Who runs this need not be root, nor hand the work to apt's own user.
    command.args(["-o", "APT::Sandbox::User=", "-o", "Acquire::Languages=none"]);
    command.args(["-o", "APT::Architecture=amd64", "-o", "Debug::NoLocking=1"]);
    command
}

/// The mirror this system uses, else Debian's.
fn mirror() -> String {
    let sources = std::fs::read_to_string("/etc/apt/sources.list.d/debian.sources");
    let sources = sources.unwrap_or_default();
    let named = sources.lines().find_map(|line| line.strip_prefix("URIs:"));
    named.and_then(|line| line.split_whitespace().next()).unwrap_or(MIRROR).to_string()
}

fn unpack(packages: &Path, root: &Path) -> Result<()> {
    make(root)?;
    let entries = std::fs::read_dir(packages)
        .with_context(|| format!("cannot list {}", place::shown(packages)))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            run::pass_through(run::program("dpkg").arg("-x").arg(&path).arg(root))?;
        }
    }
    Ok(())
}

fn write_script(script: &Path, root: &Path) -> Result<()> {
    let root = root.display();
    let text = format!(
        "#!/bin/sh\n# Written by `cargo xtask tools`.\nexec '{root}/usr/lib64/ld-linux-x86-64.so.2' \
         --library-path '{root}/usr/lib/x86_64-linux-gnu' '{root}/usr/bin/bitcoind' \"$@\"\n"
    );
    let say = || format!("cannot write {}", place::shown(script));
    std::fs::write(script, text).with_context(say)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(script, std::fs::Permissions::from_mode(0o755))
            .with_context(say)?;
    }
    Ok(())
}

fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", place::shown(folder)))
}
