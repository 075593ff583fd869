//! Measures one contender, in a process of its own.
//!
//! [`run`] is one phase: loading, warm reads, cold reads, or undoing. Answers are
//! compared with the truth before anything is said about time. What comes out are
//! [`Outcome`]s, one a work, as lines of JSON for the process that started this one.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::contender::{self, Contender, Work};
use crate::limits::median;
use crate::memory::Memory;
use crate::stream::{Blocks, Recording, from_hex};
use crate::sweep::Policy;
use crate::truth::{Trace, Truth};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    pub work: String,
    /// By name; a unit is the last part of each.
    pub numbers: BTreeMap<String, f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Phase {
    Load,
    Read,
    ColdPages,
    ColdTrace,
    Undo,
}

/// Works that take seconds are repeated as long as this lasts, and once at least.
const PATIENCE: Duration = Duration::from_secs(40);
const PASSES: usize = 5;
const COLD_PAGES: usize = 300;
const UNDO_ROUNDS: usize = 5;

pub fn run(
    name: &str,
    phase: Phase,
    input: &Path,
    store: &Path,
    works: &[Work],
) -> Result<Vec<Outcome>> {
    let head = Recording::read(input)?;
    let memory = Memory::watch();
    let mut outcomes = match phase {
        Phase::Load => load(name, input, store, &head, &memory)?,
        Phase::Read => read(name, input, store, &head, works, &memory)?,
        Phase::ColdPages => cold_pages(name, input, store, &head)?,
        Phase::ColdTrace => cold_trace(name, input, store, &head)?,
        Phase::Undo => undo(name, input, store, &head, &memory)?,
    };
    let peak = memory.peak();
    for outcome in &mut outcomes {
        outcome.add("peak_anonymous_bytes", peak.anonymous as f64);
        outcome.add("peak_resident_bytes", peak.resident as f64);
    }
    Ok(outcomes)
}

impl Outcome {
    pub fn of(work: Work, numbers: &[(&str, f64)]) -> Outcome {
        let numbers = numbers.iter().map(|(name, value)| ((*name).to_string(), *value)).collect();
        Outcome { work: work.name().into(), numbers }
    }

    fn add(&mut self, name: &str, value: f64) {
        self.numbers.insert(name.into(), value);
    }
}

fn load(
    name: &str,
    input: &Path,
    store: &Path,
    head: &Recording,
    memory: &Memory,
) -> Result<Vec<Outcome>> {
    let batch = batch_rows(head.transfers);
    let mut blocks = Blocks::open(input)?;
    let mut contender = contender::open(name, store, head)?;
    memory.also(contender.processes());
    let mut worst = Duration::ZERO;
    let started = Instant::now();
    let mut rows = 0;
    loop {
        let next = blocks.batch(batch)?;
        if next.is_empty() {
            break;
        }
        let since = Instant::now();
        contender.ingest(&next)?;
        worst = worst.max(since.elapsed());
        rows += next.iter().map(|block| block.rows.len() as u64).sum::<u64>();
        eprintln!(
            "    {name}: {rows} of {} transfers, {:.0} s",
            head.transfers,
            started.elapsed().as_secs_f64()
        );
    }
    let loaded = started.elapsed();
    contender.finish()?;
    let took = started.elapsed();
    ensure!(rows == head.transfers, "{rows} transfers were read of {}", head.transfers);
    let said = contender.bytes()?;
    drop(contender);
    let bytes = match said {
        Some(bytes) => bytes,
        None => folder_bytes(store)?,
    };
    let count = head.transfers as f64;
    Ok(vec![
        Outcome::of(
            Work::Ingest,
            &[
                ("transfers_per_second", count / took.as_secs_f64()),
                ("seconds", took.as_secs_f64()),
                ("finish_seconds", (took - loaded).as_secs_f64()),
                ("worst_batch_seconds", worst.as_secs_f64()),
                ("stored_bytes_per_second", bytes as f64 / took.as_secs_f64()),
            ],
        ),
        Outcome::of(
            Work::Bytes,
            &[("bytes_per_transfer", bytes as f64 / count), ("bytes", bytes as f64)],
        ),
    ])
}

/// Ten batches, and a million rows at most.
pub fn batch_rows(transfers: u64) -> usize {
    usize::try_from(transfers / 10).map_or(1_000_000, |rows| rows.clamp(1_000, 1_000_000))
}

fn read(
    name: &str,
    input: &Path,
    store: &Path,
    head: &Recording,
    works: &[Work],
    memory: &Memory,
) -> Result<Vec<Outcome>> {
    let truth = Truth::read(input)?;
    let mut contender = contender::open(name, store, head)?;
    memory.also(contender.processes());
    let contender = &mut *contender;
    let mut outcomes = Vec::new();
    for work in works {
        eprintln!("    {name}: {}", work.name());
        outcomes.extend(match work {
            Work::Page => Some(pages(contender, &truth)?),
            Work::Trace => Some(traces(contender, &truth, true)?),
            Work::Reach => Some(traces(contender, &truth, false)?),
            Work::Sweep => Some(sweeps(contender, &truth, head)?),
            _ => None,
        });
    }
    Ok(outcomes)
}

fn pages(contender: &mut dyn Contender, truth: &Truth) -> Result<Outcome> {
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); truth.pages.len()];
    let mut rates = Vec::new();
    let started = Instant::now();
    // The first pass warms up, and compares every answer.
    for page in &truth.pages {
        ask_page(contender, page)?;
    }
    for _ in 0..PASSES {
        let since = Instant::now();
        let mut asked = 0;
        for (seconds, page) in seconds.iter_mut().zip(&truth.pages) {
            seconds.push(ask_page(contender, page)?);
            asked += 1;
            // The slowest are not asked all of them, all the time.
            if started.elapsed() > PATIENCE {
                break;
            }
        }
        rates.push(f64::from(asked) / since.elapsed().as_secs_f64());
        if started.elapsed() > PATIENCE {
            break;
        }
    }
    // Of each page the median of its passes: what the system does in between is none of its own.
    let asked = seconds.into_iter().filter(|seconds| !seconds.is_empty());
    let mut seconds: Vec<f64> = asked.map(median).collect();
    seconds.sort_by(f64::total_cmp);
    let rows: u64 = truth.pages.iter().map(|page| page.rows.count).sum();
    Ok(Outcome::of(
        Work::Page,
        &[
            ("median_seconds", at_share(&seconds, 0.5)),
            ("p99_seconds", at_share(&seconds, 0.99)),
            ("heaviest_seconds", at_share(&seconds, 1.0)),
            ("pages_per_second", median(rates)),
            ("mean_rows", rows as f64 / truth.pages.len() as f64),
        ],
    ))
}

fn ask_page(contender: &mut dyn Contender, page: &crate::truth::Page) -> Result<f64> {
    let since = Instant::now();
    let rows = contender.page(&from_hex(&page.address), page.is_sent)?;
    let took = since.elapsed().as_secs_f64();
    if rows != page.rows {
        let direction = if page.is_sent { "sent" } else { "received" };
        bail!("what {} {direction}: {rows:?}, should be {:?}", page.address, page.rows);
    }
    Ok(took)
}

/// Of sorted values, the one this share of all are not above.
fn at_share(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * share).round();
    sorted.iter().copied().nth(at as usize).unwrap_or(f64::NAN)
}

fn traces(contender: &mut dyn Contender, truth: &Truth, is_whole: bool) -> Result<Outcome> {
    let started = Instant::now();
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); truth.traces.len()];
    // The first pass warms up; it counts only where there is no time for another.
    for pass in 0..=PASSES {
        for (seconds, trace) in seconds.iter_mut().zip(&truth.traces) {
            seconds.push(ask_trace(contender, trace, is_whole)?);
        }
        if pass > 0 && started.elapsed() > PATIENCE || started.elapsed() > 3 * PATIENCE {
            break;
        }
    }
    for seconds in seconds.iter_mut().filter(|seconds| seconds.len() > 1) {
        seconds.remove(0);
    }
    let passes = seconds[0].len();
    let each: Vec<f64> = seconds.into_iter().map(median).collect();
    let (mut heaviest, mut rows) = (0.0, 0);
    for (seconds, trace) in each.iter().zip(&truth.traces) {
        if *seconds > heaviest {
            (heaviest, rows) = (*seconds, trace.rows.count);
        }
    }
    let work = if is_whole { Work::Trace } else { Work::Reach };
    Ok(Outcome::of(
        work,
        &[
            ("median_seconds", median(each)),
            ("heaviest_seconds", heaviest),
            ("heaviest_rows", rows as f64),
            ("heaviest_rows_per_second", rows as f64 / heaviest),
            ("passes", passes as f64),
        ],
    ))
}

fn ask_trace(contender: &mut dyn Contender, trace: &Trace, is_whole: bool) -> Result<f64> {
    let since = Instant::now();
    let traced = contender.trace(&from_hex(&trace.source), trace.since, is_whole)?;
    let took = since.elapsed().as_secs_f64();
    if traced.reached != trace.reached || is_whole && traced.rows != trace.rows {
        bail!(
            "the trace from {} since {}: {traced:?}, should be {:?} and {:?}",
            trace.source,
            trace.since,
            trace.rows,
            trace.reached
        );
    }
    Ok(took)
}

fn sweeps(contender: &mut dyn Contender, truth: &Truth, head: &Recording) -> Result<Outcome> {
    let mut numbers = Vec::new();
    for (policy, should, name, rate) in [
        (Policy::Haircut, &truth.haircut, "haircut_seconds", "haircut_transfers_per_second"),
        (Policy::Poison, &truth.poison, "poison_seconds", "poison_transfers_per_second"),
    ] {
        let started = Instant::now();
        let mut seconds = Vec::new();
        while seconds.len() <= PASSES && (seconds.is_empty() || started.elapsed() < PATIENCE) {
            let since = Instant::now();
            let swept = contender.sweep(policy)?;
            seconds.push(since.elapsed().as_secs_f64());
            if swept != *should {
                bail!("the {policy:?} sweep: {swept:?}, should be {should:?}");
            }
        }
        if seconds.len() > 1 {
            seconds.remove(0);
        }
        let seconds = median(seconds);
        numbers.push((name, seconds));
        numbers.push((rate, head.transfers as f64 / seconds));
    }
    Ok(Outcome::of(Work::Sweep, &numbers))
}

/// The page cache was emptied before this process started.
fn cold_pages(name: &str, input: &Path, store: &Path, head: &Recording) -> Result<Vec<Outcome>> {
    let truth = Truth::read(input)?;
    let mut contender = contender::open(name, store, head)?;
    let mut seconds = Vec::new();
    // An address once: the second time it is warm.
    let mut asked = std::collections::BTreeSet::new();
    for page in truth.pages.iter().filter(|page| page.rows.count > 0) {
        if asked.len() < COLD_PAGES && asked.insert(&page.address) {
            seconds.push(ask_page(&mut *contender, page)?);
        }
    }
    seconds.sort_by(f64::total_cmp);
    Ok(vec![Outcome::of(
        Work::Cold,
        &[
            ("page_median_seconds", at_share(&seconds, 0.5)),
            ("page_p99_seconds", at_share(&seconds, 0.99)),
        ],
    )])
}

fn cold_trace(name: &str, input: &Path, store: &Path, head: &Recording) -> Result<Vec<Outcome>> {
    let truth = Truth::read(input)?;
    let mut contender = contender::open(name, store, head)?;
    let heaviest = truth.heaviest();
    let seconds = ask_trace(&mut *contender, heaviest, true)?;
    let rows = heaviest.rows.count as f64;
    let numbers = [("trace_seconds", seconds), ("trace_rows_per_second", rows / seconds)];
    Ok(vec![Outcome::of(Work::Cold, &numbers)])
}

/// Takes in the blocks that follow, undoes them, and looks whether all is as before.
fn undo(
    name: &str,
    input: &Path,
    store: &Path,
    head: &Recording,
    memory: &Memory,
) -> Result<Vec<Outcome>> {
    let truth = Truth::read(input)?;
    let tail = Blocks::tail(input)?;
    let mut contender = contender::open(name, store, head)?;
    memory.also(contender.processes());
    let (mut follows, mut undos) = (Vec::new(), Vec::new());
    for _ in 0..UNDO_ROUNDS {
        let since = Instant::now();
        for block in &tail {
            contender.follow(block)?;
        }
        follows.push(since.elapsed().as_secs_f64() / tail.len() as f64);
        let since = Instant::now();
        contender.undo(head.tail_blocks)?;
        undos.push(since.elapsed().as_secs_f64());
        for page in truth.pages.iter().take(500) {
            ask_page(&mut *contender, page)?;
        }
    }
    Ok(vec![Outcome::of(
        Work::Undo,
        &[
            ("undo_seconds", median(undos)),
            ("blocks", f64::from(head.tail_blocks)),
            ("follow_block_seconds", median(follows)),
        ],
    )])
}

fn folder_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        // What is allocated: a file may be longer than what it holds.
        bytes += if found.is_dir() { folder_bytes(&entry.path())? } else { found.blocks() * 512 };
    }
    Ok(bytes)
}
