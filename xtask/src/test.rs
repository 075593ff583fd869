//! `cargo xtask test`: everything a change must pass, quick steps first.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tools::{DENY, NEXTEST};
use crate::{bench, fuzz, run, tidy, tools};

/// What a step came to.
enum Outcome {
    Passed(String),
    /// Could not be looked at from here; said, and no failure.
    NotChecked(String),
}

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<Outcome>,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", what: "every file is formatted", run: fmt },
    Step { name: "tidy", what: "the house rules of the tree hold", run: house_rules },
    Step { name: "clippy", what: "no warning in any target", run: clippy },
    Step { name: "tests", what: "unit, property, snapshot and end-to-end tests", run: tests },
    Step { name: "doc-tests", what: "examples in the documentation", run: doc_tests },
    Step { name: "deny", what: "licences, bans and sources of dependencies", run: deny },
    Step { name: "advisories", what: "no known hole in a dependency", run: advisories },
    Step { name: "fuzz", what: "every fuzz target builds", run: fuzz_builds },
    Step { name: "bench", what: "the lock file of the bench is fresh", run: bench_is_locked },
];

pub fn run(args: &[String]) -> Result<ExitCode> {
    let plan = Plan::parse(args)?;
    tools::need_c_compiler()?;
    let mut rows = Vec::new();
    for step in &plan.steps {
        println!("\n── {}: {}", step.name, step.what);
        let started = Instant::now();
        let outcome = (step.run)();
        let took = started.elapsed();
        if let Err(error) = &outcome {
            eprintln!("\nerror in {}: {error:#}", step.name);
        }
        let has_failed = outcome.is_err();
        rows.push(Row { name: step.name, outcome, took });
        if has_failed && !plan.keep_going {
            break;
        }
    }
    Ok(sum_up(&rows, &plan))
}

struct Plan {
    steps: Vec<&'static Step>,
    keep_going: bool,
}

impl Plan {
    fn parse(args: &[String]) -> Result<Plan> {
        let mut plan = Plan { steps: Vec::new(), keep_going: false };
        for arg in args {
            if arg == "--keep-going" {
                plan.keep_going = true;
                continue;
            }
            let Some(step) = STEPS.iter().find(|step| step.name == arg) else {
                let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
                bail!("no step {arg:?}; there are {} and --keep-going", names.join(", "));
            };
            plan.steps.push(step);
        }
        if plan.steps.is_empty() {
            plan.steps = STEPS.iter().collect();
        }
        Ok(plan)
    }
}

struct Row {
    name: &'static str,
    outcome: Result<Outcome>,
    took: Duration,
}

fn sum_up(rows: &[Row], plan: &Plan) -> ExitCode {
    println!("\n── summary");
    for row in rows {
        let (word, note) = match &row.outcome {
            Ok(Outcome::Passed(note)) => ("ok", note.clone()),
            Ok(Outcome::NotChecked(why)) => ("not checked", why.clone()),
            Err(error) => ("FAILED", error.root_cause().to_string()),
        };
        println!("{:<11} {word:<12} {:>7.1} s  {note}", row.name, row.took.as_secs_f64());
    }
    for step in plan.steps.iter().skip(rows.len()) {
        println!("{:<11} not run", step.name);
    }
    let failed = rows.iter().filter(|row| row.outcome.is_err()).count();
    if failed > 0 {
        println!("\n{failed} of {} steps failed", plan.steps.len());
        return ExitCode::FAILURE;
    }
    println!("\nall well");
    ExitCode::SUCCESS
}

fn passed() -> Result<Outcome> {
    Ok(Outcome::Passed(String::new()))
}

fn fmt() -> Result<Outcome> {
    run::pass_through(run::cargo().args(["fmt", "--all", "--check"]))?;
    for manifest in [fuzz::MANIFEST, bench::MANIFEST] {
        run::pass_through(run::cargo().args(["fmt", "--manifest-path", manifest, "--check"]))?;
    }
    passed()
}

fn house_rules() -> Result<Outcome> {
    let faults = tidy::check(&crate::place::root())?;
    for fault in &faults {
        eprintln!("{fault}");
    }
    if !faults.is_empty() {
        bail!("{} broken", tidy::count(&faults));
    }
    passed()
}

fn clippy() -> Result<Outcome> {
    run::pass_through(run::cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))?;
    passed()
}

fn tests() -> Result<Outcome> {
    let (anvil, bitcoind) = (anvil(), bitcoind());
    let nextest = match NEXTEST.get() {
        Ok(nextest) => nextest,
        Err(error) => {
            eprintln!("{error:#}\ngoing on with cargo's own runner");
            run::pass_through(run::cargo().args([
                "test",
                "--workspace",
                "--locked",
                "--all-targets",
            ]))?;
            return Ok(Outcome::Passed(
                "by cargo test; cargo-nextest could not be installed".into(),
            ));
        }
    };
    let mut command = run::program(nextest);
    command.args(["nextest", "run", "--workspace", "--locked"]);
    command.env("INTERDICT_ANVIL", &anvil).env("INTERDICT_BITCOIND", &bitcoind);
    command.env("INTERDICT_TYPESCRIPT", typescript());
    command.env("INTERDICT_GRAPHSENSE", graphsense());
    let summary = run::watch(&mut command, "Summary [")?;
    Ok(Outcome::Passed(summary.map(|line| without_colour(line.trim())).unwrap_or_default()))
}

/// The real EVM node the tests start. A machine that cannot have it tests the
/// rest, and says what it left out.
fn anvil() -> PathBuf {
    // One that is named need not be fetched.
    if let Some(named) = std::env::var_os("INTERDICT_ANVIL") {
        return named.into();
    }
    tools::anvil().unwrap_or_else(|error| {
        println!("NOT TESTED against a real EVM node: {error:#}");
        "none".into()
    })
}

/// The same for a real Bitcoin node.
fn bitcoind() -> PathBuf {
    if let Some(named) = std::env::var_os("INTERDICT_BITCOIND") {
        return named.into();
    }
    tools::knots::get().unwrap_or_else(|error| {
        println!("NOT TESTED against a real Bitcoin node: {error:#}");
        "none".into()
    })
}

/// The same for GraphSense's client.
fn graphsense() -> PathBuf {
    if let Some(named) = std::env::var_os("INTERDICT_GRAPHSENSE") {
        return named.into();
    }
    tools::graphsense().unwrap_or_else(|error| {
        println!("NOT TESTED with GraphSense's client: {error:#}");
        "none".into()
    })
}

/// The same for what checks the TypeScript of the guides.
fn typescript() -> PathBuf {
    if let Some(named) = std::env::var_os("INTERDICT_TYPESCRIPT") {
        return named.into();
    }
    tools::typescript().unwrap_or_else(|error| {
        println!("NOT TESTED: the TypeScript of the guides: {error:#}");
        "none".into()
    })
}

fn doc_tests() -> Result<Outcome> {
    run::pass_through(run::cargo().args(["test", "--doc", "--workspace", "--locked"]))?;
    passed()
}

fn deny() -> Result<Outcome> {
    let mut command = run::program(DENY.get()?);
    command.args(["--locked", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]);
    run::pass_through(&mut command)?;
    passed()
}

/// The database of advisories lies on the network. A machine without one can
/// still test everything else, so that is said and not a failure.
fn advisories() -> Result<Outcome> {
    let mut command = run::program(DENY.get()?);
    command.args(["--locked", "check", "advisories"]);
    let (is_clean, said) = run::listen(&mut command)?;
    if !is_clean && could_not_reach(&said) {
        let why = "could not reach the advisory database";
        println!("not checked: {why}");
        return Ok(Outcome::NotChecked(why.into()));
    }
    eprint!("{said}");
    if !is_clean {
        bail!("`{}` failed", run::shown(&command));
    }
    passed()
}

/// A fetch that failed gives one error of its own and looks at no dependency.
fn could_not_reach(said: &str) -> bool {
    said.contains("failed to fetch advisory database")
        || said.contains("failed to load advisory database")
}

fn fuzz_builds() -> Result<Outcome> {
    tools::need_cpp_compiler()?;
    let mut command = run::cargo();
    command.args(["check", "--locked", "--manifest-path", fuzz::MANIFEST, "--target-dir"]);
    run::pass_through(command.arg(fuzz::target_dir()))
        .context("if its lock file is not fresh, `cargo xtask gen` writes it anew")?;
    Ok(Outcome::Passed(format!("{} targets", fuzz::targets()?.len())))
}

/// Its peers are not built here: they take minutes, and are no part of what ships.
fn bench_is_locked() -> Result<Outcome> {
    let mut command = run::cargo();
    command.args(["update", "--workspace", "--locked", "--quiet", "--manifest-path"]);
    run::pass_through(command.arg(bench::MANIFEST))
        .context("`cargo xtask gen` writes its lock file anew")?;
    passed()
}

fn without_colour(line: &str) -> String {
    let mut plain = String::new();
    let mut parts = line.split('\u{1b}');
    plain.extend(parts.next());
    for part in parts {
        plain.extend(part.split_once('m').map(|(_, text)| text));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_taken_off_the_summary() {
        assert_eq!(
            without_colour("\u{1b}[32;1mSummary\u{1b}[0m [ 1s] 3 tests"),
            "Summary [ 1s] 3 tests"
        );
    }

    #[test]
    fn an_unknown_step_is_refused_and_the_steps_are_named() {
        let error = Plan::parse(&["clipy".to_string()]).err().expect("no such step").to_string();
        assert!(error.contains("clippy"), "{error}");
    }
}
