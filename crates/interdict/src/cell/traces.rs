//! Traces that run beside requests: few at once, watched and cancelled through the view they read.
//!
//! They are kept in memory, the latest ones; what must last is the bundle, which whoever asked takes.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use model::{
    Account, Asset, AssetMeta, Chain, Columns, Coverage, Degree, Direction, Expansion, Limits,
    Outpoint, Seek, Spend, Timestamp, Transaction, Transfer, TxId, View, ViewError,
};

/// Traces that run at once; more are refused.
pub const RUNNING_MAX: usize = 2;
/// Traces that are remembered.
const KEPT_MAX: usize = 32;

#[derive(Default)]
pub struct Traces {
    all: Mutex<BTreeMap<u64, Arc<Trace>>>,
    last: AtomicU64,
}

pub struct Trace {
    pub id: u64,
    pub actor: String,
    pub begun: Timestamp,
    pub progress: Progress,
    outcome: Mutex<Outcome>,
}

#[derive(Clone, Debug)]
pub enum Outcome {
    Running,
    /// The report and the bundle.
    Done(Arc<Done>),
    Cancelled,
    Failed(String),
}

#[derive(Debug)]
pub struct Done {
    pub title: String,
    pub report: serde_json::Value,
    pub bundle: String,
}

/// How far the walk is.
#[derive(Debug, Default)]
pub struct Progress {
    pub questions: AtomicU64,
    pub accounts: AtomicU64,
    pub transfers: AtomicU64,
    is_cancelled: AtomicBool,
}

impl Traces {
    /// None where as many run as may.
    pub fn begin(&self, actor: String) -> Option<Arc<Trace>> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let running = all.values().filter(|trace| matches!(trace.outcome(), Outcome::Running));
        if running.count() >= RUNNING_MAX {
            return None;
        }
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let trace = Arc::new(Trace {
            id,
            actor,
            begun: Timestamp::now(),
            progress: Progress::default(),
            outcome: Mutex::new(Outcome::Running),
        });
        all.insert(id, trace.clone());
        while all.len() > KEPT_MAX {
            let done = all.iter().find(|(_, trace)| !matches!(trace.outcome(), Outcome::Running));
            let Some(oldest) = done.map(|(id, _)| *id) else { break };
            all.remove(&oldest);
        }
        Some(trace)
    }

    pub fn get(&self, id: u64) -> Option<Arc<Trace>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}

impl Trace {
    pub fn outcome(&self) -> Outcome {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// It stops at its next question to the past.
    pub fn cancel(&self) {
        self.progress.is_cancelled.store(true, Ordering::Relaxed);
    }

    pub fn end(&self, ended: Result<Done, String>) {
        let is_cancelled = self.progress.is_cancelled.load(Ordering::Relaxed);
        let outcome = match ended {
            Ok(done) => Outcome::Done(Arc::new(done)),
            Err(_) if is_cancelled => Outcome::Cancelled,
            Err(why) => Outcome::Failed(why),
        };
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
    }
}

/// A past whose reader is watched.
pub struct Watched<'a> {
    pub past: &'a dyn View,
    pub progress: &'a Progress,
}

impl Watched<'_> {
    fn go_on(&self) -> Result<(), ViewError> {
        self.progress.questions.fetch_add(1, Ordering::Relaxed);
        match self.progress.is_cancelled.load(Ordering::Relaxed) {
            true => Err(ViewError::new("the trace was cancelled")),
            false => Ok(()),
        }
    }
}

impl View for Watched<'_> {
    fn expand(
        &self,
        direction: Direction,
        frontier: &[Seek],
        limits: &Limits,
    ) -> Result<Expansion, ViewError> {
        self.go_on()?;
        let expansion = self.past.expand(direction, frontier, limits)?;
        let transfers: usize = expansion.reached.iter().map(|one| one.transfers.len()).sum();
        self.progress.accounts.fetch_add(frontier.len() as u64, Ordering::Relaxed);
        self.progress.transfers.fetch_add(transfers as u64, Ordering::Relaxed);
        Ok(expansion)
    }

    fn spends(&self, outpoints: &[Outpoint]) -> Result<Vec<Option<Spend>>, ViewError> {
        self.go_on()?;
        self.past.spends(outpoints)
    }

    fn transaction(&self, id: &TxId) -> Result<Option<Transaction>, ViewError> {
        self.go_on()?;
        self.past.transaction(id)
    }

    fn transactions(&self, ids: &[TxId]) -> Result<Vec<Option<Transaction>>, ViewError> {
        self.go_on()?;
        self.past.transactions(ids)
    }

    fn degree(&self, accounts: &[Account]) -> Result<Vec<Degree>, ViewError> {
        self.go_on()?;
        self.past.degree(accounts)
    }

    fn scan(
        &self,
        chain: Chain,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
    ) -> Result<(), ViewError> {
        self.go_on()?;
        self.past.scan(chain, since, until, visit)
    }

    fn assets(&self, assets: &[Asset]) -> Result<Vec<AssetMeta>, ViewError> {
        self.go_on()?;
        self.past.assets(assets)
    }

    fn coverage(&self) -> Result<Vec<Coverage>, ViewError> {
        self.past.coverage()
    }

    fn remarks(&self) -> Vec<String> {
        self.past.remarks()
    }

    fn columns(&self, chain: Chain) -> Result<Box<dyn Columns + '_>, ViewError> {
        self.go_on()?;
        self.past.columns(chain)
    }
}
