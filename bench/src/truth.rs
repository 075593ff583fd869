//! The questions of a scale and their answers, found with plain arrays in memory.
//!
//! Every contender is asked these, and an answer that differs fails the bench.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::digest::{Reached, Rows};
use crate::random::Random;
use crate::stream::{Address, Block, Blocks, Recording, to_hex};
use crate::sweep::{Move, NOBODY, Policy, Sweep, Swept};
use crate::walk::{PER_ACCOUNT, Step, walk};

pub const PAGE_ROWS: usize = 100;
const PAGES: usize = 5_000;
const TRACES: usize = 30;

#[derive(Serialize, Deserialize)]
pub struct Truth {
    pub addresses: u64,
    pub pages: Vec<Page>,
    pub traces: Vec<Trace>,
    pub haircut: Swept,
    pub poison: Swept,
}

/// Up to [`PAGE_ROWS`] of what an address sent, from the first on, or of what it
/// received, the latest.
#[derive(Serialize, Deserialize)]
pub struct Page {
    pub address: String,
    pub is_sent: bool,
    pub rows: Rows,
}

#[derive(Serialize, Deserialize)]
pub struct Trace {
    pub source: String,
    pub since: i64,
    /// Every row a hop returned, as often as one did.
    pub rows: Rows,
    pub reached: Reached,
}

fn file(folder: &Path) -> PathBuf {
    folder.join("truth.json")
}

impl Truth {
    pub fn read(folder: &Path) -> Result<Truth> {
        let path = file(folder);
        let text =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is broken", path.display()))
    }

    /// The trace that follows the most rows.
    pub fn heaviest(&self) -> &Trace {
        let heaviest = self.traces.iter().max_by_key(|trace| trace.rows.count);
        heaviest.expect("there are thirty traces")
    }
}

/// Answers the questions of a recording, unless that was done.
pub fn establish(folder: &Path) -> Result<()> {
    let (recorded, answered) = (crate::stream::rows_file(folder), file(folder));
    let written = |path: &Path| std::fs::metadata(path).and_then(|found| found.modified());
    if let (Ok(recorded), Ok(answered)) = (written(&recorded), written(&answered))
        && recorded < answered
    {
        return Ok(());
    }
    let head = Recording::read(folder)?;
    let past = Past::read(folder, &head)?;
    let mut random = Random(head.seed ^ 0x7275_7468);
    let truth = Truth {
        addresses: past.addresses.len() as u64,
        pages: (0..PAGES).map(|n| past.page(n, &mut random)).collect(),
        traces: past.traces(&mut random)?,
        haircut: past.sweep(Policy::Haircut)?,
        poison: past.sweep(Policy::Poison)?,
    };
    past.write_columns(folder)?;
    std::fs::write(&answered, serde_json::to_vec(&truth)?)
        .with_context(|| format!("cannot write {}", answered.display()))
}

/// The whole stream as plain arrays.
struct Past {
    addresses: Vec<Address>,
    numbers: HashMap<Address, u32>,
    services: HashSet<u32>,
    thief: u32,
    stolen_at: i64,
    rows: Vec<Row>,
    /// By account: where its part of `sent` starts.
    sent: Postings,
    received: Postings,
}

struct Row {
    from: u32,
    to: u32,
    asset: u8,
    time: i64,
    amount: u128,
    digest: u64,
}

struct Postings {
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Past {
    fn read(folder: &Path, head: &Recording) -> Result<Past> {
        let mut past = Past {
            addresses: Vec::new(),
            numbers: HashMap::new(),
            services: HashSet::new(),
            thief: 0,
            stolen_at: head.stolen_at,
            rows: Vec::with_capacity(usize::try_from(head.transfers)?),
            sent: Postings { starts: Vec::new(), rows: Vec::new() },
            received: Postings { starts: Vec::new(), rows: Vec::new() },
        };
        let mut blocks = Blocks::open(folder)?;
        while let Some(block) = blocks.next()? {
            past.add(&block)?;
        }
        past.thief = past.number(Some(head.thief()))?;
        let services: Result<_> =
            head.services().into_iter().map(|address| past.number(Some(address))).collect();
        past.services = services?;
        past.sent = Postings::of(past.addresses.len(), past.rows.iter().map(|row| row.from))?;
        past.received = Postings::of(past.addresses.len(), past.rows.iter().map(|row| row.to))?;
        Ok(past)
    }

    fn add(&mut self, block: &Block) -> Result<()> {
        for (_, tx, row) in block.each() {
            let digest = block.seen(tx, row).digest();
            let (from, to) = (self.number(row.from)?, self.number(row.to)?);
            let (asset, amount) = (row.asset, row.amount);
            self.rows.push(Row { from, to, asset, time: block.time, amount, digest });
        }
        Ok(())
    }

    fn number(&mut self, address: Option<Address>) -> Result<u32> {
        let Some(address) = address else { return Ok(NOBODY) };
        let next = u32::try_from(self.addresses.len()).context("too many addresses")?;
        let number = *self.numbers.entry(address).or_insert(next);
        if number == next {
            self.addresses.push(address);
        }
        Ok(number)
    }

    /// Of a random end of a random transfer, or of a random address.
    fn page(&self, n: usize, random: &mut Random) -> Page {
        let is_sent = n.is_multiple_of(2);
        let row = &self.rows[random.index(self.rows.len())];
        let picked = if is_sent { row.from } else { row.to };
        let is_any = n % 4 < 2 || picked == NOBODY;
        let account = if is_any { random.index(self.addresses.len()) } else { picked as usize };
        let postings = if is_sent { &self.sent } else { &self.received };
        let all = postings.of_account(account);
        let part = match is_sent {
            true => &all[..all.len().min(PAGE_ROWS)],
            false => &all[all.len().saturating_sub(PAGE_ROWS)..],
        };
        let rows = self.digest(part);
        Page { address: to_hex(&self.addresses[account]), is_sent, rows }
    }

    fn digest(&self, rows: &[u32]) -> Rows {
        let digest = rows.iter().map(|row| self.rows[*row as usize].digest);
        Rows { count: rows.len() as u64, digest: digest.fold(0, u64::wrapping_add) }
    }

    /// The theft, and the ends of random transfers of the first half.
    fn traces(&self, random: &mut Random) -> Result<Vec<Trace>> {
        let mut traces = vec![self.trace(self.thief, self.stolen_at)?];
        while traces.len() < TRACES {
            let row = &self.rows[random.index(self.rows.len() / 2)];
            let source = row.to;
            if source != NOBODY && !self.services.contains(&source) {
                traces.push(self.trace(source, row.time)?);
            }
        }
        Ok(traces)
    }

    fn trace(&self, source: u32, since: i64) -> Result<Trace> {
        let mut rows = Rows::default();
        let arrivals = walk(source, since, &self.services, |frontier, steps| {
            for (account, since) in frontier {
                let all = self.sent.of_account(*account as usize);
                let first = all.partition_point(|row| self.rows[*row as usize].time < *since);
                let part = &all[first..all.len().min(first + PER_ACCOUNT)];
                let part_rows = self.digest(part);
                rows.count += part_rows.count;
                rows.digest = rows.digest.wrapping_add(part_rows.digest);
                steps.extend(part.iter().map(|row| {
                    let row = &self.rows[*row as usize];
                    Step { to: (row.to != NOBODY).then_some(row.to), time: row.time }
                }));
            }
            Ok(())
        })?;
        let mut reached = Reached::default();
        for (account, time) in arrivals {
            reached.add(&self.addresses[account as usize], time);
        }
        Ok(Trace { source: to_hex(&self.addresses[source as usize]), since, rows, reached })
    }

    fn sweep(&self, policy: Policy) -> Result<Swept> {
        let services = self.services.iter().copied();
        let mut sweep = Sweep::new(policy, self.addresses.len(), self.thief, services);
        for row in self.rows.iter().filter(|row| row.asset == 0) {
            let next = Move { from: row.from, to: row.to, amount: row.amount };
            sweep.step(next, row.time >= self.stolen_at);
        }
        sweep.finish()
    }

    /// For the peers in Python, numbers in place of addresses: they get the work of
    /// resolving them as a present.
    fn write_columns(&self, folder: &Path) -> Result<()> {
        if self.rows.len() > PYTHON_ROWS_MAX {
            return Ok(());
        }
        let mut columns = [Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new()];
        for row in &self.rows {
            columns[0].extend(row.from.to_le_bytes());
            columns[1].extend(row.to.to_le_bytes());
            columns[2].extend(row.time.to_le_bytes());
            columns[3].push(row.asset);
            columns[4].extend(row.amount.to_le_bytes());
        }
        columns[5].extend(self.addresses.iter().flatten());
        let names = ["from", "to", "time", "asset", "amount", "addresses"];
        for (name, bytes) in names.iter().zip(columns) {
            let path = folder.join(format!("column-{name}.bin"));
            std::fs::write(&path, bytes)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// Python's graphs take a kilobyte an edge.
pub const PYTHON_ROWS_MAX: usize = 2_000_000;

impl Postings {
    fn of(accounts: usize, ends: impl Iterator<Item = u32> + Clone) -> Result<Postings> {
        let mut starts = vec![0u32; accounts + 1];
        for end in ends.clone().filter(|end| *end != NOBODY) {
            starts[end as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut rows = vec![0u32; starts[accounts] as usize];
        for (row, end) in ends.enumerate().filter(|(_, end)| *end != NOBODY) {
            rows[next[end as usize] as usize] = u32::try_from(row).context("too many rows")?;
            next[end as usize] += 1;
        }
        Ok(Postings { starts, rows })
    }

    fn of_account(&self, account: usize) -> &[u32] {
        &self.rows[self.starts[account] as usize..self.starts[account + 1] as usize]
    }
}
