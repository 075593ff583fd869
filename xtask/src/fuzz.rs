//! `cargo xtask fuzz`: libFuzzer over every parser of outside bytes.
//!
//! Coverage counters are ordinary code generation flags, so the pinned stable
//! toolchain runs the targets. Where a nightly one is installed it is used, and
//! adds the address sanitizer. The layout is that of cargo-fuzz, which works too.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::{place, run, tools};

pub const MANIFEST: &str = "fuzz/Cargo.toml";

/// As cargo-fuzz sets them: <https://github.com/rust-fuzz/cargo-fuzz>.
const COVERAGE: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=1",
];

pub fn run(args: &[String]) -> Result<ExitCode> {
    let known = targets()?;
    let mut seconds: u64 = 300;
    let mut chosen = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--seconds" {
            let text = args.next().context("--seconds wants a number")?;
            seconds =
                text.parse().with_context(|| format!("--seconds wants a number, not {text:?}"))?;
        } else if known.contains(arg) {
            chosen.push(arg.clone());
        } else {
            bail!("no fuzz target {arg:?}; there are {}", known.join(", "));
        }
    }
    tools::need_cpp_compiler()?;
    let chosen = if chosen.is_empty() { known } else { chosen };
    let build = Build::choose()?;
    println!("── build with {}", build.said());
    build.run(&chosen)?;
    let failed: Vec<&String> =
        chosen.iter().filter(|target| !attack(&build, target, seconds)).collect();
    println!(
        "\n── summary: {} targets, {seconds} s each, {} found something",
        chosen.len(),
        failed.len()
    );
    for target in &failed {
        println!("{target}: see fuzz/artifacts/{target}");
    }
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every file of `fuzz/fuzz_targets`, by name.
pub fn targets() -> Result<Vec<String>> {
    targets_in(&place::root())
}

pub fn targets_in(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("fuzz/fuzz_targets");
    let files =
        std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut names = Vec::new();
    for file in files {
        let path = file?.path();
        if path.extension().is_some_and(|ext| ext == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

pub fn target_dir() -> PathBuf {
    place::target().join("fuzz")
}

struct Build {
    has_nightly: bool,
    host: String,
}

impl Build {
    fn choose() -> Result<Build> {
        let nightly =
            run::listen(run::program("rustup").args(["run", "nightly", "rustc", "--version"]));
        let (_, said) = run::listen(run::program("rustc").arg("-vV"))?;
        let host = said.lines().find_map(|line| line.strip_prefix("host: "));
        Ok(Build {
            has_nightly: nightly.is_ok_and(|(is_there, _)| is_there),
            host: host.context("`rustc -vV` does not name its host")?.to_string(),
        })
    }

    fn said(&self) -> &'static str {
        if self.has_nightly {
            return "nightly and the address sanitizer";
        }
        "the pinned toolchain; `rustup toolchain install nightly` adds the address sanitizer"
    }

    fn run(&self, targets: &[String]) -> Result<()> {
        let mut flags: Vec<&str> = COVERAGE.to_vec();
        let mut command = run::cargo();
        if self.has_nightly {
            command = run::program("rustup");
            command.args(["run", "nightly", "cargo"]);
            command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env_remove("RUSTC");
            flags.push("-Zsanitizer=address");
        }
        // Naming the host as target keeps the flags away from build scripts.
        command.args([
            "build",
            "--release",
            "--locked",
            "--manifest-path",
            MANIFEST,
            "--target",
            &self.host,
        ]);
        command.arg("--target-dir").arg(target_dir());
        for target in targets {
            command.args(["--bin", target]);
        }
        // The separator cargo uses itself, so that no flag is split at a space.
        run::pass_through(command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")))
    }

    fn binary(&self, target: &str) -> PathBuf {
        target_dir().join(&self.host).join("release").join(target)
    }
}

/// Runs one target. False when it found something, or could not run.
fn attack(build: &Build, target: &str, seconds: u64) -> bool {
    println!("\n── fuzz {target} for {seconds} s");
    match attack_command(build, target, seconds)
        .and_then(|mut command| run::pass_through(&mut command))
    {
        Ok(()) => true,
        Err(error) => {
            eprintln!("error: {error:#}");
            false
        }
    }
}

fn attack_command(build: &Build, target: &str, seconds: u64) -> Result<Command> {
    let fuzz = place::root().join("fuzz");
    let corpus = fuzz.join("corpus").join(target);
    let artifacts = fuzz.join("artifacts").join(target);
    for folder in [&corpus, &artifacts] {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut command = run::program(build.binary(target));
    // SQLite is C in one file and has constants of one name in two functions.
    command.env("ASAN_OPTIONS", "detect_odr_violation=0");
    command.arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.args(["-verbosity=0", "-print_final_stats=1", "-timeout=10", "-rss_limit_mb=2048"]);
    command.arg(corpus);
    let seeds = fuzz.join("seeds").join(target);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    Ok(command)
}
