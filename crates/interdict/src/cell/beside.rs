//! What a server does beside requests: it looks at what blocks and lists bring.
//!
//! ```text
//! store ──► every half second: did anything change?
//!    ├─ transfers   a registered transfer is in a block now, or is not any more
//!    ├─ watches     new blocks of followed chains meet watches
//!    └─ look_backs  lists changed: what was stored, and whom the exchange dealt with
//!                                           └──► alerts ──► events, webhooks
//! ```
//!
//! Up to where each looked is kept in casework, in the transaction that raises what was found, so that a
//! stop loses nothing and tells nothing twice. Another process writes the store (`interdict follow`).

mod known;
mod look_backs;
mod transfers;
mod watches;

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use anyhow::Result;
use case::By;
use case::db::Db;
use model::Timestamp;
use store::Store;

use super::Cell;
use crate::home::Home;

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What was registered just after its block came would otherwise wait for the next one.
const ANYWAY_EVERY: Duration = Duration::from_secs(5);

/// As the journal names it.
pub const ACTOR: &str = "system";

pub struct Beside {
    db: Arc<Db>,
    store: Store,
    known: known::Kept,
    /// The lists and labels that were looked at last.
    said: Option<String>,
    looked: Option<Instant>,
}

impl Beside {
    pub fn open(home: &Path, db: Arc<Db>) -> Result<Beside> {
        let store = Home::choose(Some(home.to_path_buf())).open_existing()?;
        let known = known::Kept::default();
        Ok(Beside { db, store, known, said: None, looked: None })
    }

    /// One look at everything that may have changed.
    ///
    /// # Errors
    /// What the first of the looks failed at; the others were done all the same.
    pub fn look(&mut self, cell: &Arc<Cell>) -> Result<()> {
        let is_moved = self.store.refresh()?;
        let is_time = self.looked.is_none_or(|at| at.elapsed() >= ANYWAY_EVERY);
        if !is_moved && !is_time {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        let all = [transfers::look(self, cell), watches::look(self, cell), self.look_back(cell)];
        super::exchange::customers::forget_erased(&self.db)?;
        all.into_iter().collect()
    }

    fn look_back(&mut self, cell: &Arc<Cell>) -> Result<()> {
        look_backs::findings(self)?;
        let now = cell.now();
        if now.screener.is_empty() || self.said.as_deref() == Some(now.screener.said()) {
            return Ok(());
        }
        look_backs::parties(self, &now)?;
        self.said = Some(now.screener.said().to_string());
        Ok(())
    }

    fn by() -> By {
        By::new(ACTOR, Timestamp::now())
    }
}

/// Looks again and again, for as long as anybody holds the cell.
pub fn run(cell: &Arc<Cell>, db: Arc<Db>, mut failed: impl FnMut(&anyhow::Error) + Send + 'static) {
    let (home, cell): (_, Weak<Cell>) = (cell.home().to_path_buf(), Arc::downgrade(cell));
    std::thread::spawn(move || {
        let mut beside = None;
        let mut said = String::new();
        loop {
            let Some(cell) = cell.upgrade() else { return };
            let look = std::panic::AssertUnwindSafe(|| match &mut beside {
                Some(beside) => Beside::look(beside, &cell),
                None => Beside::open(&home, db.clone()).map(|opened| beside = Some(opened)),
            });
            // A look that broke must not be the last one.
            let done = std::panic::catch_unwind(look).unwrap_or_else(|_| {
                beside = None;
                Err(anyhow::anyhow!("a look at what is new broke: this is an error of ours"))
            });
            drop(cell);
            match done {
                Ok(()) => said.clear(),
                // The same trouble twice a second would drown the log.
                Err(error) => {
                    let text = format!("{error:#}");
                    if text != said {
                        failed(&error);
                        said = text;
                    }
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
    });
}

#[cfg(test)]
mod tests;
