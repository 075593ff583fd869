//! What a contender must be able to do, and which there are.

use std::path::Path;

use anyhow::{Result, bail};

use crate::digest::{Reached, Rows};
use crate::peers;
use crate::stream::{Address, Block, Recording};
use crate::sweep::{Policy, Swept};

/// What a trace found: whole rows only where it was asked for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traced {
    pub rows: Rows,
    pub reached: Reached,
}

/// A store that was given the stream. Everything it answers, it answers with whole
/// addresses and hashes.
pub trait Contender {
    /// Takes in blocks, all or none, and durably: a crash after this loses nothing.
    fn ingest(&mut self, blocks: &[Block]) -> Result<()>;

    /// Finishes what is still at work behind: merges, indexes, compaction.
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }

    /// The first rows an address sent, or the latest it received: at most
    /// [`crate::truth::PAGE_ROWS`].
    fn page(&mut self, address: &Address, is_sent: bool) -> Result<Rows>;

    /// See [`crate::walk`]. `is_whole` asks for every row followed; else only who was
    /// reached, and when.
    fn trace(&mut self, source: &Address, since: i64, is_whole: bool) -> Result<Traced>;

    /// See [`crate::sweep`].
    fn sweep(&mut self, policy: Policy) -> Result<Swept>;

    /// Takes in one block at the head of the chain.
    fn follow(&mut self, block: &Block) -> Result<()> {
        self.ingest(std::slice::from_ref(block))
    }

    /// Undoes the latest blocks, as a reorganisation does.
    fn undo(&mut self, blocks: u32) -> Result<()>;

    /// What the store takes on disk, where that is not what its folder holds.
    fn bytes(&mut self) -> Result<Option<u64>> {
        Ok(None)
    }

    /// Processes beside this one whose memory counts too.
    fn processes(&self) -> Vec<u32> {
        Vec::new()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    Ingest,
    Bytes,
    Page,
    Trace,
    Reach,
    Sweep,
    Undo,
    Parse,
    Cold,
    Clusters,
    Desk,
    Listings,
}

impl Work {
    pub const ALL: [Work; 12] = [
        Work::Ingest,
        Work::Bytes,
        Work::Page,
        Work::Trace,
        Work::Reach,
        Work::Sweep,
        Work::Undo,
        Work::Parse,
        Work::Cold,
        Work::Clusters,
        Work::Desk,
        Work::Listings,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Work::Ingest => "ingest",
            Work::Bytes => "bytes",
            Work::Page => "page",
            Work::Trace => "trace",
            Work::Reach => "reach",
            Work::Sweep => "sweep",
            Work::Undo => "undo",
            Work::Parse => "parse",
            Work::Cold => "cold",
            Work::Clusters => "clusters",
            Work::Desk => "desk",
            Work::Listings => "listings",
        }
    }

    pub fn parse(text: &str) -> Result<Work> {
        match Work::ALL.into_iter().find(|work| work.name() == text) {
            Some(work) => Ok(work),
            None => {
                let names: Vec<&str> = Work::ALL.iter().map(|work| work.name()).collect();
                bail!("no work {text:?}; there are {}", names.join(", "))
            }
        }
    }
}

/// A contender by name: what it can do, up to which scale, and how it was set.
pub struct Entry {
    pub name: &'static str,
    pub title: &'static str,
    pub works: &'static [Work],
    /// Larger scales would take hours, or more memory than the host may have.
    pub transfers_max: u64,
    pub settings: &'static str,
}

const STORE: &[Work] = &[
    Work::Ingest,
    Work::Bytes,
    Work::Page,
    Work::Trace,
    Work::Reach,
    Work::Sweep,
    Work::Undo,
    Work::Cold,
];

pub const OURS: &str = "interdict";

pub const ENTRIES: &[Entry] = &[
    Entry {
        name: OURS,
        title: "Interdict",
        works: STORE,
        transfers_max: u64::MAX,
        settings: peers::ours::SETTINGS,
    },
    Entry {
        name: "sqlite",
        title: "SQLite",
        works: STORE,
        transfers_max: u64::MAX,
        settings: peers::sqlite::SETTINGS,
    },
    Entry {
        name: "fjall",
        title: "fjall",
        works: STORE,
        transfers_max: u64::MAX,
        settings: peers::fjall::SETTINGS,
    },
    Entry {
        name: "redb",
        title: "redb",
        works: STORE,
        transfers_max: 20_000_000,
        settings: peers::redb::SETTINGS,
    },
    Entry {
        name: "duckdb",
        title: "DuckDB",
        works: &[
            Work::Ingest,
            Work::Bytes,
            Work::Page,
            Work::Trace,
            Work::Reach,
            Work::Sweep,
            Work::Cold,
        ],
        transfers_max: 20_000_000,
        settings: "two threads, memory_limit 4 GB; without the optimizer top_n_window_elimination, which fails on the query of a hop; rows appended and committed in the same batches; dictionaries and the two sorted copies of the postings are made once, at the end",
    },
    Entry {
        name: "postgres",
        title: "PostgreSQL",
        works: STORE,
        transfers_max: 20_000_000,
        settings: peers::postgres::SETTINGS,
    },
    Entry {
        name: "networkx",
        title: "networkx",
        works: &[Work::Reach],
        transfers_max: crate::truth::PYTHON_ROWS_MAX as u64,
        settings: "a MultiDiGraph in memory, numbered nodes given to it for nothing; loading is not counted",
    },
    Entry {
        name: "igraph",
        title: "python-igraph",
        works: &[Work::Reach],
        transfers_max: crate::truth::PYTHON_ROWS_MAX as u64,
        settings: "a directed multigraph in memory, times in a numpy array by edge; loading is not counted",
    },
    Entry {
        name: "numpy",
        title: "numpy and a loop",
        works: &[Work::Sweep],
        transfers_max: crate::truth::PYTHON_ROWS_MAX as u64,
        settings: "numpy columns in memory and one CPython loop: each transfer depends on the one before, which no column operation expresses",
    },
];

pub fn entry(name: &str) -> Result<&'static Entry> {
    match ENTRIES.iter().find(|entry| entry.name == name) {
        Some(entry) => Ok(entry),
        None => {
            let names: Vec<&str> = ENTRIES.iter().map(|entry| entry.name).collect();
            bail!("no contender {name:?}; there are {}", names.join(", "))
        }
    }
}

/// Opens a contender's store; an empty one where there is none yet.
pub fn open(name: &str, folder: &Path, head: &Recording) -> Result<Box<dyn Contender>> {
    std::fs::create_dir_all(folder)?;
    Ok(match name {
        OURS => Box::new(peers::ours::Ours::open(folder, head)?),
        "sqlite" => peers::sqlite::open(folder, head)?,
        "fjall" => peers::fjall::open(folder, head)?,
        "redb" => peers::redb::open(folder, head)?,
        "postgres" => peers::postgres::open(folder, head)?,
        #[cfg(feature = "duckdb")]
        "duckdb" => Box::new(peers::duckdb::Duck::open(folder, head)?),
        _ => bail!("{name} has no store of its own"),
    })
}
