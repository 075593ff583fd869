//! The desk under load: `interdict serve` beside a server that does nothing.
//!
//! Both are processes of their own on this machine, as is the one that asks. Requests are sent at
//! times that were fixed before, and their latency counts from there ("open loop"), so that a server
//! that falls behind cannot slow down who measures it. Every answer is held against what it should
//! be; the clean and the listed both occur.

mod ask;
mod listeners;
mod load;
mod process;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::contender::{OURS, Work};
use crate::measure::Outcome;
use ask::Ask;
use load::{Load, Told};
pub use process::serve_nothing;
use process::{Desk, Empty};

/// The server that does nothing.
pub const EMPTY: &str = "empty handler";

#[derive(clap::Args, Clone, Debug)]
pub struct Settings {
    /// Where homes are made.
    pub folder: PathBuf,
    /// The program to measure, built for release.
    pub program: PathBuf,
    /// Of each load.
    #[arg(long, default_value_t = 30)]
    pub seconds: u64,
    /// How long listeners are held.
    #[arg(long, default_value_t = 600)]
    pub hold_seconds: u64,
    #[arg(long, default_value_t = 1000)]
    pub listeners: usize,
    /// A moment of each, to see that it works.
    #[arg(long)]
    pub smoke: bool,
}

/// Requests a second.
const STEADY: u64 = 5_000;
const FULL: u64 = 10_000;
/// Batches of a hundred, and over how many connections: more than is worked on at once.
const OVER: u64 = 10_000;
const OVER_CONNECTIONS: usize = 3_000;

/// Rounds of the two servers in turn; the one with the median 99th percentile counts.
const ROUNDS: usize = 3;

pub fn run(settings: &Settings) -> Result<Vec<(&'static str, Outcome)>> {
    let mut settings = settings.clone();
    if settings.smoke {
        (settings.seconds, settings.hold_seconds, settings.listeners) = (1, 3, 50);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(&settings))
}

async fn measure(settings: &Settings) -> Result<Vec<(&'static str, Outcome)>> {
    let empty = Empty::start()?;
    let desk = Desk::start(&settings.program, &settings.folder)?;
    let lasts = Duration::from_secs(settings.seconds);
    let asks = Ask::all(&desk.key)?;
    ask::compare(&desk.address, &asks).await.context("the answers before any load")?;
    let to_desk = |rate, lasts| Load {
        address: desk.address.clone(),
        rate,
        lasts,
        asks: asks.clone(),
        connections: load::CONNECTIONS,
    };
    let nothing = vec![Ask::nothing()];
    let to_empty = |rate, lasts| Load {
        address: empty.address.clone(),
        rate,
        lasts,
        asks: nothing.clone(),
        connections: load::CONNECTIONS,
    };

    eprintln!("    warming up");
    to_desk(STEADY, lasts / 3).send().await?;
    to_empty(STEADY, lasts / 3).send().await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        eprintln!("    {STEADY} requests/s, round {round}");
        theirs.push(to_empty(STEADY, lasts).send().await?.all_good()?);
        ours.push(to_desk(STEADY, lasts).send().await?.all_good()?);
    }
    let (ours, theirs) = (Told::middle(ours), Told::middle(theirs));
    eprintln!("    {FULL} requests/s");
    let before = desk.process.cpu()?;
    let full = to_desk(FULL, lasts * 2).send().await?.all_good()?;
    let cpu_s = desk.process.cpu()? - before;
    let full_empty = to_empty(FULL, lasts).send().await?.all_good()?;

    eprintln!("    {OVER} batches/s over {OVER_CONNECTIONS} connections: more than it can");
    let over = Load {
        connections: OVER_CONNECTIONS,
        asks: vec![Ask::batch(&desk.key)],
        ..to_desk(OVER, lasts / 3)
    };
    let over = over.send().await?;
    over.only_shed().context("overload")?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = to_desk(STEADY, lasts / 3).send().await?.all_good().context("after overload")?;

    eprintln!("    {} listeners for {} s", settings.listeners, settings.hold_seconds);
    let held =
        listeners::hold(&desk, settings.listeners, Duration::from_secs(settings.hold_seconds))
            .await?;
    ensure!(full.lasted() > 0.0, "no time passed");
    let numbers = [
        ("steady_p50_seconds", ours.quantile(0.5)),
        ("steady_p99_seconds", ours.quantile(0.99)),
        ("steady_p999_seconds", ours.quantile(0.999)),
        ("full_per_second", full.good as f64 / full.lasted()),
        ("full_p99_seconds", full.quantile(0.99)),
        ("cpu_seconds_per_request", cpu_s / full.good as f64),
        ("over_good_per_second", over.good as f64 / over.lasted()),
        ("over_shed_per_second", over.shed as f64 / over.lasted()),
        ("after_p99_seconds", after.quantile(0.99)),
        ("listeners", settings.listeners as f64),
        ("held_seconds", settings.hold_seconds as f64),
        ("events", held.events as f64),
        ("event_worst_seconds", held.worst_s),
        ("peak_resident_bytes", desk.process.peak_bytes()?),
    ];
    let beside = [
        ("steady_p50_seconds", theirs.quantile(0.5)),
        ("steady_p99_seconds", theirs.quantile(0.99)),
        ("steady_p999_seconds", theirs.quantile(0.999)),
        ("full_per_second", full_empty.good as f64 / full_empty.lasted()),
        ("full_p99_seconds", full_empty.quantile(0.99)),
    ];
    desk.stop()?;
    Ok(vec![(OURS, Outcome::of(Work::Desk, &numbers)), (EMPTY, Outcome::of(Work::Desk, &beside))])
}

/// A place for one run's home.
fn fresh(folder: &Path) -> Result<PathBuf> {
    let home = folder.join("desk");
    if home.exists() {
        std::fs::remove_dir_all(&home)
            .with_context(|| format!("cannot empty {}", home.display()))?;
    }
    std::fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
    Ok(home)
}
