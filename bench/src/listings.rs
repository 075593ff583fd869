//! Listings and totals of a large desk: 10,000 cases and a million alerts, on SQLite and on PostgreSQL.
//!
//! What is filled and asked is `case::trial::listings`, the same that the crate's own test asks. Each
//! listing is asked a hundred times, turning pages; what counts is the slowest 99th percentile of all.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use case::db::Place;
use case::trial::Server;
use case::trial::listings::{self, Size, Timed};

use crate::contender::{OURS, Work};
use crate::measure::Outcome;
use crate::peers::postgres;

/// The same casework in the other database.
const ON_POSTGRES: &str = "interdict on PostgreSQL";

const SMALL: Size = Size { alerts: 1_000, cases: 100, samples: 3 };

pub fn run(folder: &Path, smoke: bool) -> Result<Vec<(&'static str, Outcome)>> {
    let size = if smoke { SMALL } else { Size::LARGE };
    let file = folder.join("listings.sqlite");
    forget(&file)?;
    let mut outcomes = vec![(OURS, of(&Place::Sqlite(file.clone()), &size)?)];
    forget(&file)?;
    match postgres::programs() {
        None => eprintln!("left out: PostgreSQL, which is not installed here"),
        Some(_) => {
            let server = Server::start();
            outcomes.push((ON_POSTGRES, of(&server.place("listings"), &size)?));
        }
    }
    Ok(outcomes)
}

fn of(place: &Place, size: &Size) -> Result<Outcome> {
    let db = case::open(place)?;
    listings::fill(&db, size).context("filling casework")?;
    let mut timed = listings::measure(&db, size.samples).context("asking casework")?;
    timed.sort_by_key(|one| one.p99);
    for Timed { name, median, p99 } in timed.iter().rev() {
        eprintln!("   {name:<44} median {median:>10.1?}  p99 {p99:>10.1?}");
    }
    let slowest = |is_of: fn(&Timed) -> bool| {
        let p99 = timed.iter().filter(|one| is_of(one)).map(|one| one.p99).max();
        p99.unwrap_or(Duration::ZERO).as_secs_f64()
    };
    let median = timed.iter().map(|one| one.median).max().unwrap_or(Duration::ZERO);
    let is_total: fn(&Timed) -> bool = |one| one.name.starts_with("counts of");
    Ok(Outcome::of(
        Work::Listings,
        &[
            ("alerts", size.alerts as f64),
            ("cases", size.cases as f64),
            ("listings", timed.len() as f64),
            ("worst_median_seconds", median.as_secs_f64()),
            ("worst_p99_seconds", slowest(|_| true)),
            ("totals_p99_seconds", slowest(is_total)),
        ],
    ))
}

/// What a run that was broken off left.
fn forget(file: &Path) -> Result<()> {
    for ending in ["", "-wal", "-shm"] {
        let mut path = file.as_os_str().to_owned();
        path.push(ending);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}
