//! The whole bench: input, answers, then one process per contender and phase.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;

use crate::clusters;
use crate::contender::{self, ENTRIES, Entry, OURS, Work};
use crate::limits;
use crate::measure::Outcome;
use crate::report;
use crate::results::{Measured, Results};
use crate::setup;
use crate::stream::{parse_scale, scale_name};

/// Starts the line on which a measuring process hands over what it found.
pub const MARK: &str = "RESULT ";

#[derive(clap::Args, Clone, Debug)]
pub struct Plan {
    /// Where input, stores and results go.
    #[arg(long)]
    pub folder: PathBuf,
    /// Transfers, such as 1M,10M,100M.
    #[arg(long, value_delimiter = ',', default_value = "1M,10M")]
    pub scale: Vec<String>,
    /// Only these works.
    #[arg(long, value_delimiter = ',', value_parser = Work::parse)]
    pub only: Vec<Work>,
    /// Only these peers, beside Interdict.
    #[arg(long, value_delimiter = ',')]
    pub peers: Vec<String>,
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// A few thousand transfers, answers compared, no documents.
    #[arg(long)]
    pub smoke: bool,
    /// Keep the stores after they were measured.
    #[arg(long)]
    pub keep: bool,
    /// Leave the documents as they are.
    #[arg(long)]
    pub no_docs: bool,
    /// `interdict`, built for release: without it the desk is not measured.
    #[arg(long)]
    pub program: Option<PathBuf>,
}

pub fn run(plan: &Plan) -> Result<ExitCode> {
    ensure!(cfg!(target_os = "linux"), "the bench reads /proc and drops caches: it needs Linux");
    let started = Instant::now();
    let plan = plan.clone().checked()?;
    std::fs::create_dir_all(&plan.folder)
        .with_context(|| format!("cannot make {}", plan.folder.display()))?;
    setup::forget_failures(&plan.folder);
    let kept = plan.folder.join(if plan.smoke { "smoke.json" } else { "results.json" });
    let mut results = if plan.smoke { Results::default() } else { Results::read(&kept)? };
    results.format = "interdict-bench/1".into();
    results.machine = setup::machine();
    results.command = plan.command();
    results.date = now();
    let here = plan.find_contenders(&mut results);
    plan.say(&here);
    eprintln!("── limits of this machine");
    results.limits = Some(limits::measure(&plan.folder, plan.smoke)?);
    let mut failures = Vec::new();
    for transfers in plan.transfers()? {
        plan.measure_scale(transfers, &here, &mut results, &mut failures, &kept)?;
    }
    for transfers in plan.transfers()? {
        if plan.wants(Work::Clusters) {
            plan.measure_clusters(transfers, &mut results, &mut failures)?;
            results.write(&kept)?;
        }
    }
    if plan.wants(Work::Parse) {
        plan.measure_parsing(&mut results, &mut failures);
    }
    if plan.wants(Work::Desk) {
        plan.measure_desk(&mut results, &mut failures);
    }
    if plan.wants(Work::Listings) {
        plan.measure_listings(&mut results, &mut failures);
    }
    results.write(&kept)?;
    if !plan.smoke && !plan.no_docs {
        report::write_documents(&plan.folder)?;
    }
    eprintln!("── done in {:.0} s", started.elapsed().as_secs_f64());
    for failure in &failures {
        eprintln!("failed: {failure}");
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Plan {
    fn checked(mut self) -> Result<Plan> {
        for name in &self.peers {
            let is_clusterer = clusters::CONTENDERS.iter().any(|(known, _)| known == name);
            if !PARSERS.contains(&name.as_str()) && !is_clusterer {
                contender::entry(name)?;
            }
        }
        if self.smoke {
            self.scale = vec!["10k".into()];
        }
        self.transfers()?;
        Ok(self)
    }

    fn transfers(&self) -> Result<Vec<u64>> {
        self.scale.iter().map(|scale| parse_scale(scale)).collect()
    }

    fn wants(&self, work: Work) -> bool {
        self.only.is_empty() || self.only.contains(&work)
    }

    fn takes_part(&self, name: &str) -> bool {
        name == OURS || self.peers.is_empty() || self.peers.iter().any(|peer| peer == name)
    }

    /// As one would type it.
    fn command(&self) -> String {
        let mut words = vec!["cargo xtask bench --scale".to_string(), self.scale.join(",")];
        if !self.only.is_empty() {
            let only: Vec<&str> = self.only.iter().map(|work| work.name()).collect();
            words.extend(["--only".into(), only.join(",")]);
        }
        if !self.peers.is_empty() {
            words.extend(["--peers".into(), self.peers.join(",")]);
        }
        words.join(" ")
    }

    fn find_contenders(&self, results: &mut Results) -> Vec<&'static Entry> {
        let asked = ENTRIES.iter().filter(|entry| self.takes_part(entry.name));
        // A smoke run is quick, and fetches nothing unless told to.
        let is_quick = |entry: &&Entry| is_rust(entry.name) || !self.peers.is_empty();
        let asked = asked.filter(|entry| !self.smoke || is_quick(entry));
        let mut here = Vec::new();
        for entry in asked {
            match setup::version(entry.name, &self.folder) {
                Ok(version) => {
                    results.missing.remove(entry.name);
                    results.versions.insert(entry.name.into(), version);
                    here.push(entry);
                }
                Err(why) => {
                    eprintln!("left out: {}: {why:#}", entry.title);
                    results.missing.insert(entry.name.into(), format!("{why:#}"));
                }
            }
        }
        here
    }

    fn say(&self, here: &[&Entry]) {
        let names: Vec<&str> = here.iter().map(|entry| entry.title).collect();
        eprintln!("scales {}, {}", self.scale.join(", "), names.join(", "));
        if !self.smoke {
            eprintln!(
                "about 10 minutes at 1M, 60 at 10M and several hours at 100M with all peers; \
                 some 1.5 kB of disk a transfer at the widest point; stores are removed after use"
            );
        }
        let load = setup::load();
        if load > 1.0 {
            eprintln!("note: the machine is busy (load {load:.1}); times will say so");
        }
    }

    fn measure_scale(
        &self,
        transfers: u64,
        here: &[&Entry],
        results: &mut Results,
        failures: &mut Vec<String>,
        kept: &Path,
    ) -> Result<()> {
        let scale = scale_name(transfers);
        let is_wanted = |work: &Work| {
            !matches!(work, Work::Parse | Work::Clusters | Work::Desk | Work::Listings)
                && self.wants(*work)
        };
        if !Work::ALL.iter().any(is_wanted) {
            return Ok(());
        }
        let input = self.folder.join("input").join(&scale);
        eprintln!("── {scale}: the input");
        let (count, seed) = (transfers.to_string(), self.seed.to_string());
        self.child(&["record", &count, &seed], &[&input])?;
        eprintln!("── {scale}: the answers");
        self.child(&["truth"], &[&input])?;
        for entry in here {
            let works: Vec<Work> =
                entry.works.iter().copied().filter(|work| self.wants(*work)).collect();
            if works.is_empty() {
                continue;
            }
            let one = One { plan: self, entry, scale: &scale, transfers, input: &input };
            if transfers > entry.transfers_max {
                let why =
                    format!("not measured above {} transfers", scale_name(entry.transfers_max));
                for work in works {
                    one.put(results, work, Err(why.clone()));
                }
                continue;
            }
            eprintln!("── {scale}: {}", entry.title);
            one.measure(&works, results, failures);
            // So that an interrupted run keeps what it has.
            results.write(kept)?;
        }
        Ok(())
    }

    fn measure_parsing(&self, results: &mut Results, failures: &mut Vec<String>) {
        eprintln!("── parsing blocks");
        for name in PARSERS {
            let is_fetched = !is_rust(name) && self.peers.is_empty();
            if !self.takes_part(name) || self.smoke && is_fetched {
                continue;
            }
            let version = match setup::version(name, &self.folder) {
                Ok(version) => version,
                Err(why) => {
                    results.missing.insert((*name).into(), format!("{why:#}"));
                    continue;
                }
            };
            results.missing.remove(*name);
            results.versions.insert((*name).into(), version);
            let (date, load) = (now(), setup::load());
            let found = if is_rust(name) {
                let smoke: &[&str] = if self.smoke { &["--smoke"] } else { &[] };
                self.child(&[&["parse", name], smoke].concat(), &[])
            } else {
                crate::parse::files().and_then(|files| {
                    let mut command = setup::python_command(name, &self.folder, &self.folder);
                    listen(command.args(files))
                })
            };
            let mut measured = Measured {
                scale: String::new(),
                transfers: 0,
                work: Work::Parse.name().into(),
                contender: (*name).into(),
                date,
                load,
                failure: None,
                numbers: Default::default(),
            };
            match found {
                Ok(outcomes) => {
                    outcomes.into_iter().for_each(|o| measured.numbers.extend(o.numbers))
                }
                Err(error) => {
                    failures.push(format!("parsing with {name}: {error:#}"));
                    measured.failure = Some(format!("{error:#}"));
                }
            }
            results.put(measured);
        }
    }

    fn measure_clusters(
        &self,
        pairs: u64,
        results: &mut Results,
        failures: &mut Vec<String>,
    ) -> Result<()> {
        let scale = scale_name(pairs);
        let input = self.folder.join("input").join(&scale);
        eprintln!("── {scale}: pairs to cluster");
        let (count, seed) = (pairs.to_string(), self.seed.to_string());
        self.child(&["record-pairs", &count, &seed], &[&input])?;
        for (name, pairs_max) in clusters::CONTENDERS {
            let is_fetched = *name != OURS && self.peers.is_empty();
            if !self.takes_part(name) || self.smoke && is_fetched {
                continue;
            }
            let version = match setup::version(name, &self.folder) {
                Ok(version) => version,
                Err(why) => {
                    results.missing.insert((*name).into(), format!("{why:#}"));
                    continue;
                }
            };
            results.missing.remove(*name);
            results.versions.insert((*name).into(), version);
            let mut measured = Measured {
                scale: scale.clone(),
                transfers: pairs,
                work: Work::Clusters.name().into(),
                contender: (*name).into(),
                date: now(),
                load: setup::load(),
                failure: None,
                numbers: Default::default(),
            };
            let found = match *name {
                _ if pairs > *pairs_max => {
                    measured.failure =
                        Some(format!("not measured above {} pairs", scale_name(*pairs_max)));
                    Ok(Vec::new())
                }
                OURS => self.child(&["clusters"], &[&input]),
                name => listen(&mut setup::python_command(name, &self.folder, &input)),
            };
            match found {
                Ok(found) => found.into_iter().for_each(|o| measured.numbers.extend(o.numbers)),
                Err(error) => {
                    failures.push(format!("clustering with {name}: {error:#}"));
                    measured.failure = Some(format!("{error:#}"));
                }
            }
            results.put(measured);
        }
        Ok(())
    }

    /// One run measures both servers.
    fn measure_desk(&self, results: &mut Results, failures: &mut Vec<String>) {
        let Some(program) = &self.program else { return };
        eprintln!("── the desk under load");
        let told = self.told("desk", &[&self.folder, program], results);
        failures.extend(told.err().map(|error| format!("the desk: {error:#}")));
    }

    /// One run measures both databases.
    fn measure_listings(&self, results: &mut Results, failures: &mut Vec<String>) {
        eprintln!("── listings of a large desk");
        let told = self.told("listings", &[&self.folder], results);
        failures.extend(told.err().map(|error| format!("listings: {error:#}")));
    }

    /// Runs this program again, for what says itself whom it measured.
    fn told(&self, work: &str, paths: &[&PathBuf], results: &mut Results) -> Result<()> {
        let (date, load) = (now(), setup::load());
        let mut this = Command::new(std::env::current_exe()?);
        this.arg(work).args(paths);
        if self.smoke {
            this.arg("--smoke");
        }
        let told: Vec<(String, Outcome)> = listen(&mut this)?;
        for (contender, outcome) in told {
            results.put(Measured {
                scale: String::new(),
                transfers: 0,
                work: outcome.work,
                contender,
                date: date.clone(),
                load,
                failure: None,
                numbers: outcome.numbers,
            });
        }
        Ok(())
    }

    /// Runs this program again, for one thing.
    fn child(&self, words: &[&str], paths: &[&Path]) -> Result<Vec<Outcome>> {
        let mut command = Command::new(std::env::current_exe()?);
        listen(command.args(words).args(paths))
    }
}

const PARSERS: &[&str] = &[OURS, "rust-bitcoin", "python-bitcoinlib"];

fn is_rust(name: &str) -> bool {
    [OURS, "sqlite", "fjall", "redb", "duckdb", "rust-bitcoin"].contains(&name)
}

/// One contender at one scale.
struct One<'a> {
    plan: &'a Plan,
    entry: &'a Entry,
    scale: &'a str,
    transfers: u64,
    input: &'a Path,
}

impl One<'_> {
    fn measure(&self, works: &[Work], results: &mut Results, failures: &mut Vec<String>) {
        let has_store = self.entry.works.contains(&Work::Ingest);
        let outcome = if has_store {
            self.measure_store(works, results)
        } else {
            self.measure_python(works, results)
        };
        if let Err(error) = outcome {
            let what = format!("{} at {}: {error:#}", self.entry.title, self.scale);
            eprintln!("    failed: {what}");
            failures.push(what);
        }
    }

    fn measure_python(&self, works: &[Work], results: &mut Results) -> Result<()> {
        for work in works {
            let mut command = setup::python_command(self.entry.name, &self.plan.folder, self.input);
            let found = listen(&mut command);
            self.put_all(results, &[*work], found)?;
        }
        Ok(())
    }

    fn measure_store(&self, works: &[Work], results: &mut Results) -> Result<()> {
        let store = self.plan.folder.join("stores").join(self.scale).join(self.entry.name);
        let has = |work: Work| works.contains(&work);
        // Loaded for this run, whether or not loading is asked for: what is read
        // should be what this program wrote.
        if store.exists() {
            std::fs::remove_dir_all(&store)?;
        }
        let loaded = self.phase("load", &store, &[]);
        let load_works: Vec<Work> =
            works.iter().copied().filter(|w| matches!(w, Work::Ingest | Work::Bytes)).collect();
        self.put_all(results, &load_works, loaded)?;
        let warm = |w: &Work| matches!(w, Work::Page | Work::Trace | Work::Reach | Work::Sweep);
        let mut failed = None;
        // A process each: what one leaves in its caches is no help to the next.
        for work in works.iter().copied().filter(warm) {
            let found = self.phase("read", &store, &[work.name()]);
            failed = self.put_all(results, &[work], found).err().or(failed);
        }
        if has(Work::Cold) {
            let found = self.cold(&store);
            failed = self.put_all(results, &[Work::Cold], found).err().or(failed);
        }
        if has(Work::Undo) {
            let found = self.phase("undo", &store, &[]);
            failed = self.put_all(results, &[Work::Undo], found).err().or(failed);
        }
        if !self.plan.keep {
            std::fs::remove_dir_all(&store)?;
        }
        failed.map_or(Ok(()), Err)
    }

    fn cold(&self, store: &Path) -> Result<Vec<Outcome>> {
        limits::drop_cached(store)?;
        let mut outcomes = self.phase("cold-pages", store, &[])?;
        limits::drop_cached(store)?;
        outcomes.extend(self.phase("cold-trace", store, &[])?);
        Ok(outcomes)
    }

    fn phase(&self, phase: &str, store: &Path, works: &[&str]) -> Result<Vec<Outcome>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["measure", self.entry.name, phase]).arg(self.input).arg(store).args(works);
        listen(&mut command)
    }

    /// Keeps what was found of these works, or why nothing was.
    fn put_all(
        &self,
        results: &mut Results,
        works: &[Work],
        found: Result<Vec<Outcome>>,
    ) -> Result<()> {
        match found {
            Ok(outcomes) => {
                for work in works {
                    let mut numbers = std::collections::BTreeMap::new();
                    for outcome in outcomes.iter().filter(|o| o.work == work.name()) {
                        numbers.extend(outcome.numbers.clone());
                    }
                    self.put(results, *work, Ok(numbers));
                }
                Ok(())
            }
            Err(error) => {
                for work in works {
                    self.put(results, *work, Err(format!("{error:#}")));
                }
                Err(error)
            }
        }
    }

    fn put(
        &self,
        results: &mut Results,
        work: Work,
        found: Result<std::collections::BTreeMap<String, f64>, String>,
    ) {
        let (numbers, failure) = match found {
            Ok(numbers) => (numbers, None),
            Err(why) => (Default::default(), Some(why)),
        };
        results.put(Measured {
            scale: self.scale.into(),
            transfers: self.transfers,
            work: work.name().into(),
            contender: self.entry.name.into(),
            date: now(),
            load: setup::load(),
            failure,
            numbers,
        });
    }
}

/// Runs a measuring process; its stderr is ours, and so are its results.
fn listen<T: DeserializeOwned>(command: &mut Command) -> Result<Vec<T>> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::piped());
    let mut child = output.spawn().context("cannot start a measuring process")?;
    let said = child.stderr.take().expect("stderr was piped two lines above");
    let echo = std::thread::spawn(move || {
        let mut last = String::new();
        for line in std::io::BufRead::lines(std::io::BufReader::new(said)).map_while(Result::ok) {
            eprintln!("{line}");
            // An error may go on for many lines; its first one says what it is.
            if !last.starts_with("error: ") {
                last = line;
            }
        }
        last
    });
    let output = child.wait_with_output()?;
    let last = echo.join().unwrap_or_default();
    if !output.status.success() {
        bail!("{}", last.trim_start_matches("error: "));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().find_map(|line| line.strip_prefix(MARK)) {
        Some(found) => Ok(serde_json::from_str(found)?),
        None => Ok(Vec::new()),
    }
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string()
}
