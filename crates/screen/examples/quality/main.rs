//! How well names are matched, and how fast: precision, recall and F1 of each labelled set, and the time
//! a query takes.
//!
//! ```text
//! cargo run --release -p screen --example quality -- [--half 0|1] [--threshold 0.8] [pairs.csv…]
//! ```
//!
//! The sets are those of the fixtures, and what the lists say of themselves: every alias and every name
//! in its own script finds its party, whole and with errors made from a seed. Half of each set can be
//! held out. A file of pairs has the columns `query,name,match` (1 or 0), or those names in any order.
#![allow(clippy::print_stdout, reason = "it is what the example is for")]

mod errors;

use std::collections::BTreeMap;
use std::error::Error as AnyError;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use errors::{ALL, Errors};
use model::{NameKind, NameQuality, Party};
use screen::lists;
use screen::names::{NameQuery, Names, THRESHOLD};

type Result<T> = std::result::Result<T, Box<dyn AnyError>>;

/// Left the UN's list before the version that ships.
const DEPARTED: [&str; 3] = ["ANAS HASAN KHATTAB", "MUNIR AL QUBAYSI", "ABU MOHAMMED AL-JAWLANI"];
const SEED: u64 = 7;

/// Another threshold than the default one.
static LEAST: OnceLock<f64> = OnceLock::new();

fn least() -> f64 {
    *LEAST.get_or_init(|| THRESHOLD)
}

/// `EVERY=10` asks for each tenth name of the lists only.
fn every() -> usize {
    std::env::var("EVERY").ok().and_then(|every| every.parse().ok()).unwrap_or(1).max(1)
}

/// Questions with known answers, counted.
#[derive(Default)]
struct Measured {
    true_positives: usize,
    false_positives: usize,
    false_negatives: usize,
    true_negatives: usize,
    wrong: Vec<String>,
}

fn main() -> Result<()> {
    let mut half = None;
    let mut files = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--half" => half = args.next().and_then(|half| half.parse::<usize>().ok()),
            "--threshold" => {
                let asked = args.next().and_then(|threshold| threshold.parse::<f64>().ok());
                LEAST.get_or_init(|| asked.unwrap_or(THRESHOLD));
            }
            _ => files.push(PathBuf::from(arg)),
        }
    }
    let parties = parties()?;
    let began = Instant::now();
    let names = Names::new(parties);
    println!("{} parties, made ready in {:?}", names.parties().len(), began.elapsed());
    for (list, count) in names.lists() {
        println!("  {list}: {count}");
    }
    println!("threshold {}, seed {SEED}, half {half:?}\n", least());
    println!("{:<34} {:>6} {:>6} {:>6} {:>6}  precision recall F1", "set", "TP", "FP", "FN", "TN");
    let times = measure_sets(&names, half)?;
    for file in &files {
        show(&file.display().to_string(), &pairs(&names, file)?);
    }
    speed(times);
    Ok(())
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn parties() -> Result<Vec<Party>> {
    let open = |path: PathBuf| -> Result<_> {
        let file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(lists::open(BufReader::new(file))?)
    };
    let un = lists::un::read(open(fixtures().join("lists/un/UN_consolidated.xml.bz2"))?, "un")?;
    let ofac = open(fixtures().join("lists/ofac/2025-11-19/sdn_advanced.xml.bz2"))?;
    let ofac = lists::ofac::read(ofac, "ofac")?;
    Ok(un.parties.into_iter().chain(ofac.parties).collect())
}

fn is_in(half: Option<usize>, at: usize) -> bool {
    half.is_none_or(|half| at % 2 == half)
}

fn measure_sets(names: &Names, half: Option<usize>) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    show("UN positives, on the UN's list", &un_positives(names, half, &mut times)?);
    show("US negatives, name only", &us_negatives(names, half, &mut times)?);
    for list in names.lists().keys() {
        for (what, measured) in own_names(names, list, half, &mut times) {
            show(&format!("{list}: {what}"), &measured);
        }
    }
    for (error, measured) in with_errors(names, half, &mut times) {
        show(&error, &measured);
    }
    show("spellings of Putin, on OFAC's list", &putin(names, &mut times)?);
    Ok(times)
}

fn ask<'a>(names: &'a Names, text: &str, times: &mut Vec<Duration>) -> Vec<&'a Party> {
    let began = Instant::now();
    let found = names.search(&NameQuery::new(text), &|_| Some(least()));
    times.push(began.elapsed());
    found.iter().map(|found| found.party).collect()
}

/// Found where the party itself is: one that has this very name.
fn un_positives(names: &Names, half: Option<usize>, times: &mut Vec<Duration>) -> Result<Measured> {
    let mut measured = Measured::default();
    let is_un = |party: &Party| party.version.list.starts_with("un");
    for (at, row) in rows(&fixtures().join("names/un_positives.csv"))?.iter().enumerate() {
        let text = &row["full_name"];
        if !is_in(half, at) {
            continue;
        }
        let found = ask(names, text, times);
        let words = screen::names::fold::fold(text).words;
        let is_so_named = |party: &&&Party| {
            party.names.iter().any(|name| screen::names::fold::fold(&name.text).words == words)
        };
        if DEPARTED.contains(&text.as_str()) {
            measured.negative(!found.iter().any(|party| is_un(party)), text);
        } else {
            let own = found.iter().filter(|party| is_un(party)).find(is_so_named);
            measured.positive(own.is_some(), text);
        }
    }
    Ok(measured)
}

fn us_negatives(names: &Names, half: Option<usize>, times: &mut Vec<Duration>) -> Result<Measured> {
    let mut measured = Measured::default();
    for (at, row) in rows(&fixtures().join("names/us_negatives.csv"))?.iter().enumerate() {
        if is_in(half, at) {
            let query = NameQuery::new(&row["full_name"]);
            let found = ask(names, &row["full_name"], times);
            let best = names.search(&query, &|_| Some(least())).into_iter().next();
            let by =
                best.map_or(String::new(), |best| format!(" = {} {}", best.text(), best.score));
            measured.negative(found.is_empty(), &format!("{}{by}", row["full_name"]));
        }
    }
    Ok(measured)
}

/// Each name of a list finds its party. Found first is right, another party before it is false.
fn own_names(
    names: &Names,
    list: &str,
    half: Option<usize>,
    times: &mut Vec<Duration>,
) -> BTreeMap<&'static str, Measured> {
    let mut sets: BTreeMap<&str, Measured> = BTreeMap::new();
    let of_list = names.parties().iter().filter(|party| party.version.list == list);
    for (at, (party, name)) in
        of_list.flat_map(|party| party.names.iter().map(move |name| (party, name))).enumerate()
    {
        let set = match (name.kind, name.quality) {
            (_, NameQuality::Low) => "weak aliases",
            (NameKind::Original, _) => "names in their own script",
            (NameKind::Primary, _) => "primary names",
            _ => "aliases",
        };
        if is_in(half, at) && at % every() == 0 {
            let found = ask(names, &name.text, times);
            sets.entry(set).or_default().own(&found, party, &name.text);
        }
    }
    sets
}

/// The primary names and good aliases, each with every error it has room for.
fn with_errors(
    names: &Names,
    half: Option<usize>,
    times: &mut Vec<Duration>,
) -> Vec<(String, Measured)> {
    let mut errors = Errors::new(SEED);
    let mut sets: BTreeMap<_, Measured> = BTreeMap::new();
    let is_good = |name: &&model::PartyName| name.quality != NameQuality::Low;
    for (at, party) in names.parties().iter().enumerate() {
        // A third of the parties is enough of them.
        if at % (3 * every()) != 0 || !is_in(half, at / (3 * every())) {
            continue;
        }
        let Some(name) = party.names.iter().find(is_good) else { continue };
        for error in ALL {
            let Some(text) = errors.make(error, &name.text) else { continue };
            let found = ask(names, &text, times);
            sets.entry(error).or_default().own(&found, party, &format!("{text} ({})", name.text));
        }
    }
    let mut all = Measured::default();
    sets.values().for_each(|set| all.add(set));
    let of = |(error, set): (errors::Error, Measured)| (format!("errors: {error:?}"), set);
    sets.into_iter().map(of).chain([("errors: all".to_string(), all)]).collect()
}

fn putin(names: &Names, times: &mut Vec<Duration>) -> Result<Measured> {
    let mut measured = Measured::default();
    let text = std::fs::read_to_string(fixtures().join("names/putin_names.txt"))?;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let found = ask(names, line, times);
        let is_own =
            |party: &&Party| party.names[0].text.to_uppercase().starts_with("PUTIN, VLADIMIR");
        measured.positive(found.iter().any(is_own), line);
    }
    Ok(measured)
}

/// Pairs of names with a verdict, from another source.
fn pairs(names: &Names, file: &Path) -> Result<Measured> {
    let mut measured = Measured::default();
    for row in rows(file)? {
        let (query, name) = (&row["query"], &row["name"]);
        let is_match = names.compare(&NameQuery::new(query), name) >= least();
        let shown = format!("{query} = {name}");
        match matches!(row["match"].to_lowercase().as_str(), "1" | "true" | "yes") {
            true => measured.positive(is_match, &shown),
            false => measured.negative(!is_match, &shown),
        }
    }
    Ok(measured)
}

fn rows(file: &Path) -> Result<Vec<BTreeMap<String, String>>> {
    let mut reader =
        csv::Reader::from_path(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let rows: std::result::Result<Vec<_>, _> = reader.deserialize().collect();
    Ok(rows?)
}

impl Measured {
    fn positive(&mut self, is_found: bool, text: &str) {
        match is_found {
            true => self.true_positives += 1,
            false => {
                self.false_negatives += 1;
                self.wrong.push(text.to_string());
            }
        }
    }

    fn negative(&mut self, is_clean: bool, text: &str) {
        match is_clean {
            true => self.true_negatives += 1,
            false => {
                self.false_positives += 1;
                self.wrong.push(text.to_string());
            }
        }
    }

    /// Is it among those found, and does no party of another name stand before it?
    fn own(&mut self, found: &[&Party], own: &Party, text: &str) {
        let is_own = |party: &&Party| party.id == own.id && party.version == own.version;
        self.positive(found.iter().any(is_own), text);
        self.false_positives += usize::from(found.first().is_some_and(|first| !is_own(first)));
    }

    fn add(&mut self, other: &Measured) {
        self.true_positives += other.true_positives;
        self.false_positives += other.false_positives;
        self.false_negatives += other.false_negatives;
        self.true_negatives += other.true_negatives;
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of names")]
fn show(set: &str, measured: &Measured) {
    let (tp, fp) = (measured.true_positives as f64, measured.false_positives as f64);
    let relevant = tp + measured.false_negatives as f64;
    let share =
        |part: f64, of: f64| if of > 0.0 { format!("{:.4}", part / of) } else { "-".into() };
    let f1 = share(2.0 * tp, tp + fp + relevant);
    println!(
        "{set:<34} {:>6} {:>6} {:>6} {:>6}  {:<9} {:<6} {}",
        measured.true_positives,
        measured.false_positives,
        measured.false_negatives,
        measured.true_negatives,
        share(tp, tp + fp),
        share(tp, relevant),
        if relevant > 0.0 { f1 } else { "-".into() },
    );
    let shown = std::env::var("SHOW").ok().and_then(|shown| shown.parse().ok()).unwrap_or(0);
    for wrong in measured.wrong.iter().take(shown) {
        println!("    {wrong}");
    }
}

fn speed(mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| {
        times.get(times.len().saturating_sub(1) * share / 1000).copied().unwrap_or_default()
    };
    let whole: Duration = times.iter().sum();
    println!("\n{} queries on one core in {whole:.2?}", times.len());
    println!(
        "p50 {:.2?}, p99 {:.2?}, p99.9 {:.2?}, longest {:.2?}",
        at(500),
        at(990),
        at(999),
        at(1000)
    );
}
