//! The cell at work: what a server answers from, held in memory and swapped whole when it changes.
//!
//! ```text
//! store ──► watch, once a second ──► Now { snapshot, Screener }      swapped whole
//!                                        │
//!        a screening of an address: memory alone
//!        a name, a transaction, an exposure, a trace: a thread of its own, and a Store of the pool
//! ```
//!
//! [`screener`] answers screenings, [`judge`] says what they mean for a withdrawal, [`withdrawals`] keeps
//! what an exchange asked before it signed, [`traces`] runs traces, [`freezing`] sees who runs from a
//! freeze.

pub mod freezing;
pub mod judge;
pub mod screener;
pub mod traces;
pub mod withdrawals;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use anyhow::Result;
use model::View;
use screen::names::{Names, Thresholds};
use store::Store;
use store::provenance::{FOLDER, Provenance};
use store::snapshot::Snapshot;

use crate::commands::screen::in_force;
use crate::exposure::{self, Screened, Screening};
use crate::home::Home;
use screener::Screener;
use traces::Traces;

/// How often the store is asked whether anything changed.
const POLL: Duration = Duration::from_secs(1);
/// What is kept of where value came from is opened anew at most so often.
const SCREENING_EVERY: Duration = Duration::from_secs(10);
/// Stores that are kept open for whoever needs one next.
const POOL_MAX: usize = 8;
/// Days of which the names are kept ready.
const DAYS_MAX: usize = 4;

/// What everything is answered from at one moment.
pub struct Now {
    pub snapshot: Snapshot,
    pub screener: Arc<Screener>,
}

pub struct Cell {
    home: PathBuf,
    now: RwLock<Arc<Now>>,
    /// The one that [`Cell::refresh`] looks with.
    looking: Mutex<Store>,
    pool: Mutex<Vec<Store>>,
    names: Mutex<Vec<Ready>>,
    kept: Mutex<Option<Opened>>,
    pub traces: Traces,
}

/// Names of everybody in force on a day, by the lists as they were said then.
struct Ready {
    said: String,
    day: model::Date,
    names: Arc<Names>,
}

/// What is kept of where value came from, as it was opened.
struct Opened {
    screening: Screening,
    of: String,
    at: Instant,
}

impl Cell {
    /// Reads all lists and labels into memory: seconds where there are millions.
    pub fn open(home: &Path) -> Result<Arc<Cell>> {
        let store = Home::choose(Some(home.to_path_buf())).open()?;
        let now = Now { snapshot: store.snapshot(), screener: Arc::new(Screener::read(&store)?) };
        Ok(Arc::new(Cell {
            home: home.to_path_buf(),
            now: RwLock::new(Arc::new(now)),
            looking: Mutex::new(store),
            pool: Mutex::default(),
            names: Mutex::default(),
            kept: Mutex::default(),
            traces: Traces::default(),
        }))
    }

    pub fn now(&self) -> Arc<Now> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Sees what others committed since. True where there was anything.
    pub fn refresh(&self) -> Result<bool> {
        let mut store = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let is_moved = store.refresh()?;
        let now = self.now();
        let is_said = store.said()? != now.screener.said();
        if !is_moved && !is_said {
            return Ok(false);
        }
        let screener = match is_said {
            true => Arc::new(Screener::read(&store)?),
            false => now.screener.clone(),
        };
        let next = Now { snapshot: store.snapshot(), screener };
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(true)
    }

    /// Does this with a store of its own, which sees everything that is committed.
    pub fn with_store<T>(&self, ask: impl FnOnce(&Store) -> Result<T>) -> Result<T> {
        let pooled = self.pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let store = match pooled {
            Some(mut store) => {
                store.refresh()?;
                store
            }
            None => Home::choose(Some(self.home.clone())).open_existing()?,
        };
        let answer = ask(&store)?;
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < POOL_MAX {
            pool.push(store);
        }
        Ok(answer)
    }

    /// Names of everybody in force on a day. The first question of a day takes a second.
    pub fn names(&self, screener: &Screener, day: model::Date) -> Result<Arc<Names>> {
        let ready = |all: &[Ready]| {
            let of = all.iter().find(|ready| ready.day == day && ready.said == screener.said());
            of.map(|ready| ready.names.clone())
        };
        let mut all = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = ready(&all) {
            return Ok(names);
        }
        let names = self.with_store(|store| in_force(store, &Thresholds::default(), day))?;
        let names = Arc::new(names);
        all.retain(|ready| ready.said == screener.said());
        if all.len() >= DAYS_MAX {
            all.remove(0);
        }
        all.push(Ready { said: screener.said().to_string(), day, names: names.clone() });
        Ok(names)
    }

    /// Exposure and risk of an account from what is kept; none where nothing is kept of any chain.
    pub fn exposure(&self, account: &model::Account) -> Result<Option<Screened>> {
        self.with_screening(|screening| screening.screen(account))
    }

    /// Does this with what is kept of where value came from, where anything is.
    pub fn with_screening<T>(
        &self,
        ask: impl FnOnce(&Screening) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_young = kept.as_ref().is_some_and(|kept| kept.at.elapsed() < SCREENING_EVERY);
        if !is_young {
            self.reopen(&mut kept)?;
        }
        kept.as_ref().map(|kept| ask(&kept.screening)).transpose()
    }

    fn reopen(&self, kept: &mut Option<Opened>) -> Result<()> {
        let now = self.now();
        let of =
            format!("{}\n{:?}\n{}", now.screener.said(), now.snapshot.coverage()?, self.files());
        if let Some(kept) = kept.as_mut().filter(|kept| kept.of == of) {
            kept.at = Instant::now();
            return Ok(());
        }
        let mut is_any = false;
        for coverage in now.snapshot.coverage()? {
            is_any |= Provenance::open(&self.home, coverage.chain)?.is_some();
        }
        if !is_any {
            *kept = None;
            return Ok(());
        }
        let screening = self.with_store(|store| {
            let marked = now.screener.marked();
            Screening::open(&self.home, store, marked, exposure::rules(&self.home, None)?)
        })?;
        *kept = Some(Opened { screening, of, at: Instant::now() });
        Ok(())
    }

    /// The files of provenance, and when they were written last.
    fn files(&self) -> String {
        let Ok(entries) = std::fs::read_dir(self.home.join(FOLDER)) else { return String::new() };
        let of = |entry: std::fs::DirEntry| {
            let told = entry.metadata().ok()?;
            Some(format!("{:?} {} {:?}", entry.file_name(), told.len(), told.modified().ok()?))
        };
        let mut files: Vec<String> = entries.flatten().filter_map(of).collect();
        files.sort();
        files.join("\n")
    }
}

/// Looks once a second what changed, for as long as anybody holds the cell.
pub fn watch(cell: &Arc<Cell>, mut failed: impl FnMut(&anyhow::Error) + Send + 'static) {
    let cell: Weak<Cell> = Arc::downgrade(cell);
    std::thread::spawn(move || {
        loop {
            let Some(cell) = cell.upgrade() else { return };
            let done = cell.refresh().and_then(|_| {
                // Ready before somebody asks.
                let now = cell.now();
                cell.names(&now.screener, screener::today()).map(drop)
            });
            if let Err(error) = done {
                failed(&error);
            }
            drop(cell);
            std::thread::sleep(POLL);
        }
    });
}

#[cfg(test)]
mod tests;
