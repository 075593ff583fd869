//! What is derived from followed blocks, kept up to date beside following: where value came from, and
//! clusters.
//!
//! A thread of its own reads the store like any other reader, so that following never waits for it. Every
//! step is one commit of its own file: whenever it is stopped, what is kept is whole, only older. Two
//! processes that derive take turns by the locks of those files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use model::{Book, Chain, View};
use store::Store;

use crate::clusters::{self, services};
use crate::commands::labels::book;
use crate::exposure;

/// How often labels and lists are read again.
const LABELS_EVERY: Duration = Duration::from_secs(60);

/// Clusters are read and written whole: of a large chain that is rested from so many times as long.
const CLUSTERS_REST: u32 = 20;

pub struct Deriving {
    stop: Sender<()>,
    thread: JoinHandle<Option<String>>,
}

impl Deriving {
    pub fn start(home: &Path, every: Duration) -> Deriving {
        let (stop, stopped) = mpsc::channel();
        let path = home.to_path_buf();
        let thread = std::thread::spawn(move || {
            let mut trouble = None;
            let mut deriver = None;
            // Whoever stops hangs up or sends; both end the wait at once.
            while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                trouble = round(&path, &mut deriver).err().map(|error| format!("{error:#}"));
            }
            trouble
        });
        Deriving { stop, thread }
    }

    /// Ends after the step that runs. Why the last round failed, if it did.
    pub fn stop(self) -> Option<String> {
        drop(self.stop);
        let why = self.thread.join().unwrap_or_else(|_| Some("it broke".to_string()))?;
        Some(format!("clusters and exposures are not up to date: {why}"))
    }
}

struct Deriver {
    home: PathBuf,
    store: Store,
    book: Book,
    read_at: Instant,
    is_new: bool,
    /// When a chain's clusters may be taken up again.
    clusters_at: BTreeMap<Chain, Instant>,
}

/// One round over all chains. A round that fails is tried again with everything opened anew.
fn round(home: &Path, deriver: &mut Option<Deriver>) -> Result<()> {
    let mut one = match deriver.take() {
        Some(one) => one,
        None => Deriver::open(home.to_path_buf())?,
    };
    one.round()?;
    *deriver = Some(one);
    Ok(())
}

impl Deriver {
    fn open(home: PathBuf) -> Result<Deriver> {
        let store = Store::open_existing(&home)?;
        let book = book(&store)?;
        Ok(Deriver {
            home,
            store,
            book,
            read_at: Instant::now(),
            is_new: true,
            clusters_at: BTreeMap::new(),
        })
    }

    fn round(&mut self) -> Result<()> {
        let is_old = self.read_at.elapsed() >= LABELS_EVERY;
        if is_old {
            (self.book, self.read_at) = (book(&self.store)?, Instant::now());
        }
        let has_changed = self.store.refresh()?;
        if !(has_changed || is_old || self.is_new) {
            return Ok(());
        }
        let marked = exposure::marked(self.book.clone());
        for coverage in self.store.coverage()? {
            let chain = coverage.chain;
            exposure::update(&self.home, &self.store, &marked, &coverage, false, &mut |_| {})
                .with_context(|| format!("where value of {} came from", chain.name()))?;
            if self.clusters_at.get(&chain).is_none_or(|at| *at <= Instant::now()) {
                self.cluster(chain).with_context(|| format!("clusters of {}", chain.name()))?;
            }
        }
        self.is_new = false;
        Ok(())
    }

    fn cluster(&mut self, chain: Chain) -> Result<()> {
        let begun = Instant::now();
        let services = services::of(&self.book, chain);
        clusters::build(&self.store, chain, None, services, false)?;
        self.clusters_at.insert(chain, Instant::now() + begun.elapsed() * CLUSTERS_REST);
        Ok(())
    }
}
