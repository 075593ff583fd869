//! The documents: docs/benchmarks.md and docs/benchmarks.json, written from the results.
//!
//! Nothing in them is written by hand, so nothing in them can be kinder than what was
//! measured. Where a peer is faster, a section of its own says so.

mod show;

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::contender::{ENTRIES, OURS};
use crate::limits::{Limits, Memory};
use crate::results::{Measured, Results};
use crate::setup;
use Better::{Less, More, Neither};
use show::{Show, shown};

/// A number of a work, and what it is called.
struct Column {
    key: &'static str,
    heading: &'static str,
    show: Show,
    better: Better,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Better {
    Less,
    More,
    /// Said, not compared.
    Neither,
}

struct Section {
    work: &'static str,
    title: &'static str,
    what: &'static str,
    columns: &'static [Column],
    /// What share of what the host can do a result is.
    limits: &'static [Limit],
}

struct Limit {
    heading: &'static str,
    of: fn(&Limits, &Measured) -> Option<f64>,
}

const fn column(key: &'static str, heading: &'static str, show: Show, better: Better) -> Column {
    Column { key, heading, show, better }
}

/// Accounts a transfer, as the stream has them: the state a sweep keeps for each.
const STATE_BYTES_PER_TRANSFER: f64 = 0.35 * 32.0;

const SECTIONS: &[Section] = &[
    Section {
        work: "ingest",
        title: "Ingest",
        what: "The whole stream in durable batches, both directions, everything resolvable, until merges, compaction and indexes are done. The clock runs from the first row to the last merge.",
        columns: &[
            column("transfers_per_second", "transfers/s", Show::Count, More),
            column("seconds", "in all", Show::Seconds, Neither),
            column("finish_seconds", "of it at the end", Show::Seconds, Neither),
            column("worst_batch_seconds", "worst batch", Show::Seconds, Neither),
            column("peak_anonymous_bytes", "own memory", Show::Bytes, Less),
            column("peak_resident_bytes", "with files mapped", Show::Bytes, Neither),
        ],
        limits: &[Limit {
            heading: "of the disk's writing",
            of: |limits, m| {
                Some(m.get("stored_bytes_per_second")? / limits.disk.write_bytes_per_second)
            },
        }],
    },
    Section {
        work: "bytes",
        title: "Bytes",
        what: "What lies on disk afterwards, full hashes and addresses included.",
        columns: &[
            column("bytes_per_transfer", "bytes a transfer", Show::Number, Less),
            column("bytes", "in all", Show::Bytes, Neither),
        ],
        limits: &[],
    },
    Section {
        work: "page",
        title: "Address page",
        what: "Up to 100 whole transfers of one address, sent or received, warm, one address a call.",
        columns: &[
            column("median_seconds", "median", Show::Seconds, Less),
            column("p99_seconds", "p99", Show::Seconds, Less),
            column("heaviest_seconds", "heaviest", Show::Seconds, Neither),
            column("pages_per_second", "pages/s", Show::Count, More),
        ],
        limits: &[Limit {
            heading: "four dependent loads in the median",
            of: |limits, m| {
                let loads = limits.memory.last()?.dependent_ns * 4e-9;
                Some(loads / m.get("median_seconds")?)
            },
        }],
    },
    Section {
        work: "trace",
        title: "Trace",
        what: "Thirty traces of six hops, never back in time, warm; every transfer followed comes back whole.",
        columns: &[
            column("median_seconds", "median", Show::Seconds, Less),
            column("heaviest_seconds", "heaviest", Show::Seconds, Less),
            column("heaviest_rows", "its transfers", Show::Count, Neither),
            column("heaviest_rows_per_second", "transfers/s", Show::Count, Neither),
        ],
        limits: &[Limit { heading: "of prefetched random access", of: rows_of_random_access }],
    },
    Section {
        work: "reach",
        title: "Reach",
        what: "The same thirty, but only who was reached and when: what a graph library answers.",
        columns: &[
            column("median_seconds", "median", Show::Seconds, Less),
            column("heaviest_seconds", "heaviest", Show::Seconds, Less),
            column("heaviest_rows_per_second", "transfers/s", Show::Count, Neither),
        ],
        limits: &[Limit { heading: "of prefetched random access", of: rows_of_random_access }],
    },
    Section {
        work: "sweep",
        title: "Taint sweep",
        what: "Every transfer of the chain once, in order, from the first; a planted theft taints. Peers read their rows in order and run the loop a user of them would.",
        columns: &[
            column("haircut_transfers_per_second", "haircut, transfers/s", Show::Count, More),
            column("poison_transfers_per_second", "poison, transfers/s", Show::Count, More),
        ],
        limits: &[
            Limit {
                heading: "of two prefetched accesses a transfer",
                of: |limits, m| haircut_of(m, limits, |memory| Some(memory.prefetched_per_second)),
            },
            Limit {
                heading: "the same, of what pages of 4 KiB allow",
                of: |limits, m| haircut_of(m, limits, |memory| memory.prefetched_4k_per_second),
            },
        ],
    },
    Section {
        work: "undo",
        title: "Undo",
        what: "A hundred blocks followed one by one, durably, then undone at once; everything answers as before.",
        columns: &[
            column("undo_seconds", "undo 100 blocks", Show::Seconds, Less),
            column("follow_block_seconds", "follow a block", Show::Seconds, Less),
            column("rebuilds", "a rebuild takes", Show::Times, Neither),
        ],
        limits: &[],
    },
    Section {
        work: "cold",
        title: "Cold store",
        what: "A fresh process, the store's files out of the page cache: 300 address pages, one after the other, and, cold again, the trace that follows the most.",
        columns: &[
            column("page_median_seconds", "page, median", Show::Seconds, Less),
            column("page_p99_seconds", "page, p99", Show::Seconds, Less),
            column("trace_seconds", "heaviest trace", Show::Seconds, Less),
            column("trace_rows_per_second", "transfers/s", Show::Count, Neither),
        ],
        limits: &[Limit {
            heading: "one random read in the median page",
            of: |limits, m| {
                Some(1.0 / limits.disk.random_reads_per_second / m.get("page_median_seconds")?)
            },
        }],
    },
    Section {
        work: "clusters",
        title: "Clustering",
        what: "As many co-spend pairs as the scale says, over as many addresses, in batches of 100,000, then each address's cluster by its lowest address. The peer is fed Python's lists, which it converts, and Arrow arrays, which it need not convert; the mapping is apart.",
        columns: &[
            column("pairs_per_second", "pairs/s, from lists", Show::Count, More),
            column("pairs_per_second_unconverted", "pairs/s, unconverted", Show::Count, More),
            column("tolist_seconds", "making the lists", Show::Seconds, Neither),
            column("mapping_seconds", "the mapping", Show::Seconds, Less),
            column("peak_anonymous_bytes", "own memory, pairs included", Show::Bytes, Neither),
        ],
        limits: &[Limit {
            heading: "of two prefetched accesses a pair",
            of: |limits, m| {
                let accesses = 2.0 * m.get("pairs_per_second_unconverted")?;
                Some(accesses / limits.memory_at(m.transfers * 4).prefetched_per_second)
            },
        }],
    },
    Section {
        work: "parse",
        title: "Block parse",
        what: "Real Bitcoin blocks in memory, on one core, with every transaction's id. Our importer also checks them and states its facts; the libraries only parse.",
        columns: &[column("bytes_per_second", "bytes/s", Show::Bytes, More)],
        limits: &[Limit {
            heading: "of reading the disk",
            of: |limits, m| Some(m.get("bytes_per_second")? / limits.disk.read_bytes_per_second),
        }],
    },
    Section {
        work: "desk",
        title: "The desk",
        what: "`POST /v1/screen` with a key, all of OFAC's list in memory, two of a hundred addresses listed, each answer checked; requests at times fixed before, their latency counted from there. Server, asker and the server that does nothing share the machine. \"Too much\" offers 10,000 batches of a hundred a second over 3,000 connections: what is not answered must be refused with 429 or 503, and afterwards all must be well again. Listeners hold `/v1/events` open; each must hear each event.",
        columns: &[
            column("steady_p50_seconds", "at 5,000/s, median", Show::Seconds, Neither),
            column("steady_p99_seconds", "p99", Show::Seconds, Neither),
            column("steady_p999_seconds", "p99.9", Show::Seconds, Neither),
            column("full_per_second", "at 10,000/s, answered/s", Show::Count, Neither),
            column("full_p99_seconds", "p99", Show::Seconds, Neither),
            column("cpu_seconds_per_request", "processor a request", Show::Seconds, Neither),
            column("over_good_per_second", "too much: batches/s", Show::Count, Neither),
            column("over_shed_per_second", "refused/s", Show::Count, Neither),
            column("after_p99_seconds", "p99 afterwards, 5,000/s", Show::Seconds, Neither),
            column("listeners", "listeners", Show::Count, Neither),
            column("held_seconds", "held", Show::Seconds, Neither),
            column("events", "events", Show::Count, Neither),
            column("event_worst_seconds", "worst delay", Show::Seconds, Neither),
            column("peak_resident_bytes", "memory", Show::Bytes, Neither),
        ],
        limits: &[],
    },
    Section {
        work: "listings",
        title: "Listings of a large desk",
        what: "10,000 cases and a million alerts. Every listing with every filter that the API offers, turning pages of 50, and every total, as an administrator, as members of two teams and as nobody's people see them: a hundred times each. What stands here is the slowest of all listings.",
        columns: &[
            column("alerts", "alerts", Show::Count, Neither),
            column("cases", "cases", Show::Count, Neither),
            column("listings", "listings and totals", Show::Count, Neither),
            column("worst_median_seconds", "slowest median", Show::Seconds, Neither),
            column("worst_p99_seconds", "slowest p99", Show::Seconds, Neither),
            column("totals_p99_seconds", "of totals", Show::Seconds, Neither),
        ],
        limits: &[],
    },
];

/// Two accesses a transfer, of what the host does in an array as large as the state.
fn haircut_of(
    m: &Measured,
    limits: &Limits,
    per_second: fn(&Memory) -> Option<f64>,
) -> Option<f64> {
    let state = (m.transfers as f64 * STATE_BYTES_PER_TRANSFER) as u64;
    let accesses = 2.0 * m.get("haircut_transfers_per_second")?;
    Some(accesses / per_second(limits.memory_at(state))?)
}

fn rows_of_random_access(limits: &Limits, m: &Measured) -> Option<f64> {
    let all = limits.memory.last()?.prefetched_per_second;
    Some(m.get("heaviest_rows_per_second")? / all)
}

impl Measured {
    fn get(&self, key: &str) -> Option<f64> {
        self.numbers.get(key).copied()
    }
}

pub fn write_documents(folder: &Path) -> Result<()> {
    let results = Results::read(&folder.join("results.json"))?;
    let docs = setup::repository().join("docs");
    let path = docs.join("benchmarks.md");
    std::fs::write(&path, markdown(&results)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    results.write(&docs.join("benchmarks.json"))
}

fn markdown(results: &Results) -> Result<String> {
    let results = with_rebuilds(results);
    let mut out = String::new();
    head(&mut out, &results)?;
    faster_peers(&mut out, &results)?;
    for section in SECTIONS {
        section.write(&mut out, &results)?;
    }
    limits(&mut out, &results)?;
    versions(&mut out, &results)?;
    missing(&mut out, &results)?;
    Ok(out)
}

/// Undoing is compared with what one would do without it: load everything again.
fn with_rebuilds(results: &Results) -> Results {
    let mut all = results.clone();
    for measured in all.results.iter_mut().filter(|m| m.work == "undo") {
        let ingest = results.find(&measured.scale, "ingest", &measured.contender);
        let seconds = ingest.and_then(|ingest| ingest.get("seconds"));
        if let (Some(seconds), Some(undo)) = (seconds, measured.get("undo_seconds")) {
            measured.numbers.insert("rebuilds".into(), seconds / undo);
        }
    }
    all
}

fn head(out: &mut String, results: &Results) -> Result<()> {
    writeln!(out, "# Benchmarks\n")?;
    writeln!(
        out,
        "Written by `cargo xtask bench`; the numbers are also in [benchmarks.json](benchmarks.json).\n\
         [How they are measured, and what is not claimed](../bench/README.md).\n"
    )?;
    writeln!(out, "- Machine: {}", results.machine)?;
    writeln!(out, "- Last run: {}, `{}`", results.date, results.command)?;
    let mut dates: Vec<&str> = results.results.iter().filter_map(|m| m.date.get(..10)).collect();
    dates.sort_unstable();
    dates.dedup();
    if dates.len() > 1 {
        writeln!(out, "- Measured in parts, on {}", dates.join(", "))?;
    }
    let load = results.results.iter().map(|m| m.load).fold(0.0, f64::max);
    if load > 2.0 {
        writeln!(
            out,
            "- **The machine was busy** (load up to {load:.1}, of which about one is the bench's own): \
             take the ratios, not the times"
        )?;
    }
    writeln!(
        out,
        "- Every contender had the same input in the same process of its own, and gave the same answers\n\
         - `×` says how many times better Interdict is; below 1 the peer is better\n"
    )?;
    Ok(())
}

fn faster_peers(out: &mut String, results: &Results) -> Result<()> {
    writeln!(out, "## Where a peer is better\n")?;
    let mut is_any = false;
    for (_, scale) in results.scales() {
        for section in SECTIONS {
            let Some(ours) = results.find(&scale, section.work, OURS) else { continue };
            for peer in section.peers(results, &scale) {
                for column in section.columns {
                    let Some(times) = column.times(ours, peer).filter(|times| *times < 1.0) else {
                        continue;
                    };
                    is_any = true;
                    let at = if scale.is_empty() { String::new() } else { format!(" at {scale}") };
                    writeln!(
                        out,
                        "- {}{at}, {}: {} is {:.1} times better ({} against our {})",
                        section.title,
                        column.heading,
                        title(&peer.contender),
                        1.0 / times,
                        shown(peer.get(column.key), column.show),
                        shown(ours.get(column.key), column.show),
                    )?;
                }
            }
        }
    }
    if !is_any {
        writeln!(out, "In nothing that was measured here.")?;
    }
    writeln!(out)?;
    Ok(())
}

impl Column {
    /// How many times better ours is.
    fn times(&self, ours: &Measured, peer: &Measured) -> Option<f64> {
        let (ours, theirs) = (ours.get(self.key)?, peer.get(self.key)?);
        match self.better {
            Better::Less => Some(theirs / ours),
            Better::More => Some(ours / theirs),
            Better::Neither => None,
        }
    }
}

impl Section {
    fn peers<'a>(
        &'a self,
        results: &'a Results,
        scale: &'a str,
    ) -> impl Iterator<Item = &'a Measured> {
        results
            .results
            .iter()
            .filter(move |m| m.scale == scale && m.work == self.work && m.contender != OURS)
    }

    fn write(&self, out: &mut String, results: &Results) -> Result<()> {
        if !results.results.iter().any(|m| m.work == self.work) {
            return Ok(());
        }
        writeln!(out, "## {}\n\n{}\n", self.title, self.what)?;
        for (_, scale) in results.scales() {
            let ours = results.find(&scale, self.work, OURS);
            let rows: Vec<&Measured> =
                ours.into_iter().chain(self.peers(results, &scale)).collect();
            if rows.is_empty() {
                continue;
            }
            if !scale.is_empty() {
                writeln!(out, "**{scale} transfers**\n")?;
            }
            self.write_head(out)?;
            for row in rows {
                self.write_row(out, results, ours, row)?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    fn write_head(&self, out: &mut String) -> Result<()> {
        let mut cells = vec![""];
        for column in self.columns {
            cells.push(column.heading);
            if column.better != Better::Neither {
                cells.push("×");
            }
        }
        cells.extend(self.limits.iter().map(|limit| limit.heading));
        writeln!(out, "| {} |", cells.join(" | "))?;
        writeln!(out, "|---|{}", "--:|".repeat(cells.len() - 1))?;
        Ok(())
    }

    fn write_row(
        &self,
        out: &mut String,
        results: &Results,
        ours: Option<&Measured>,
        row: &Measured,
    ) -> Result<()> {
        let mut cells = vec![title(&row.contender).to_string()];
        if row.failure.is_some() {
            cells.push("not measured".into());
        }
        for column in self.columns.iter().filter(|_| row.failure.is_none()) {
            cells.push(shown(row.get(column.key), column.show));
            if column.better != Better::Neither {
                let times = ours.filter(|_| row.contender != OURS);
                let times = times.and_then(|ours| column.times(ours, row));
                cells.push(times.map(show::times).unwrap_or_default());
            }
        }
        if let (Some(limits), None) = (&results.limits, &row.failure) {
            let share = |limit: &Limit| shown((limit.of)(limits, row), Show::Percent);
            cells.extend(self.limits.iter().map(share));
        }
        writeln!(out, "| {} |", cells.join(" | "))?;
        Ok(())
    }
}

fn title(contender: &str) -> &str {
    let found = ENTRIES.iter().find(|entry| entry.name == contender);
    found.map_or(contender, |entry| entry.title)
}

fn limits(out: &mut String, results: &Results) -> Result<()> {
    let Some(limits) = &results.limits else { return Ok(()) };
    writeln!(out, "## What this machine can do\n\nMeasured by the bench when it starts.\n")?;
    writeln!(
        out,
        "| random access in | each waits for the last | prefetched, written back | the same, pages of 4 KiB |"
    )?;
    writeln!(out, "|---|--:|--:|--:|")?;
    for memory in &limits.memory {
        writeln!(
            out,
            "| {} | {:.0} ns | {} | {} |",
            shown(Some(memory.bytes as f64), Show::Bytes),
            memory.dependent_ns,
            shown(Some(memory.prefetched_per_second), Show::Count),
            shown(memory.prefetched_4k_per_second, Show::Count)
        )?;
    }
    let disk = &limits.disk;
    let past = if disk.is_direct {
        "past the page cache"
    } else {
        "the file system allows no reads past its cache"
    };
    let bytes = |rate| shown(Some(rate), Show::Bytes);
    let count = |rate| shown(Some(rate), Show::Count);
    writeln!(out, "\n| | a second |\n|---|--:|")?;
    writeln!(
        out,
        "| memory, in order, one core | {} |",
        bytes(limits.sequential_bytes_per_second)
    )?;
    writeln!(out, "| disk, writing and fsync | {} |", bytes(disk.write_bytes_per_second))?;
    writeln!(out, "| disk, reading in order | {} |", bytes(disk.read_bytes_per_second))?;
    writeln!(
        out,
        "| disk, 4 KiB at random ({past}), one thread | {} |",
        count(disk.random_reads_per_second)
    )?;
    writeln!(out, "| the same, 32 threads | {} |\n", count(disk.random_reads_per_second_32))?;
    Ok(())
}

fn versions(out: &mut String, results: &Results) -> Result<()> {
    writeln!(out, "## Versions and settings\n\n| | version | settings |\n|---|---|---|")?;
    for (name, version) in &results.versions {
        let entry = ENTRIES.iter().find(|entry| entry.name == name);
        let settings = entry.map_or("", |entry| entry.settings);
        writeln!(out, "| {} | {version} | {settings} |", title(name))?;
    }
    writeln!(out)?;
    Ok(())
}

fn missing(out: &mut String, results: &Results) -> Result<()> {
    let failed: Vec<&Measured> = results.results.iter().filter(|m| m.failure.is_some()).collect();
    if results.missing.is_empty() && failed.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Not measured\n")?;
    for (name, why) in &results.missing {
        writeln!(out, "- {}: {why}", title(name))?;
    }
    for measured in failed {
        let why = measured.failure.as_deref().unwrap_or_default();
        writeln!(
            out,
            "- {} at {}, {}: {why}",
            title(&measured.contender),
            measured.scale,
            measured.work
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(contender: &str, rate: f64) -> Measured {
        Measured {
            scale: "1M".into(),
            transfers: 1_000_000,
            work: "ingest".into(),
            contender: contender.into(),
            date: "2026-11-20 20:00 UTC".into(),
            load: 0.5,
            failure: None,
            numbers: [("transfers_per_second".to_string(), rate)].into(),
        }
    }

    fn text(peer: f64) -> String {
        let mut results = Results::default();
        results.put(measured(OURS, 100.0));
        results.put(measured("sqlite", peer));
        markdown(&results).expect("text can be written to a string")
    }

    #[test]
    fn a_faster_peer_is_named_and_a_slower_one_is_not() {
        assert!(text(50.0).contains("In nothing that was measured here."));
        let text = text(250.0);
        assert!(text.contains("SQLite is 2.5 times better"), "{text}");
    }

    #[test]
    fn a_new_result_takes_the_place_of_an_old_one() {
        let mut results = Results::default();
        results.put(measured(OURS, 1.0));
        results.put(measured(OURS, 2.0));
        assert_eq!(results.results.len(), 1);
        assert_eq!(results.results[0].get("transfers_per_second"), Some(2.0));
    }
}
