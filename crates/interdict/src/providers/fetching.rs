//! A view that asks providers for what a trace needs, and keeps what they tell.
//!
//! One question of the walk is one batch of requests: what of a frontier is not
//! known yet is asked for at once, put into the store with its coverage, and then
//! answered from there. So the second trace asks nothing. One address can tell of a
//! transfer what another did not (its place in the block), so a walk that asks would see
//! a transfer in two ways: the questions are asked by walks of their own, until one learns
//! nothing more, and what is answered then stays as it is. Where the budget of
//! requests ends, or a provider stops answering, the trace goes on with what is
//! known and its remarks name what was not asked for. An answer that cannot be
//! true ends the trace, and nothing of its batch is kept.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Context, Result};
use chain::history::{Ask, Budget, Cut, History, HistoryError, Horizon, Told, etherscan};
use chain::source::{Kind, Lie, SourceError};
use model::{
    Account, Asset, AssetMeta, Book, Chain, Coverage, Degree, Direction, Expansion, Fact, Limits,
    Outpoint, Role, Seek, Spend, Timestamp, Transaction, Transfer, TxId, UtxoTransaction, View,
    ViewError,
};
use sha2::{Digest, Sha256};
use store::{Fetched, FileRecord, Store};
use tokio::runtime::Runtime;
use trace::{Settings, Source, TraceError};

use super::Open;
use super::known::Known;

/// What a trace asks for.
pub struct Wants<'a> {
    pub book: &'a Book,
    pub settings: &'a Settings,
    /// Ask also of what is known what came since.
    pub refresh: bool,
    pub requests: u64,
    pub is_offline: bool,
}

pub struct Fetching<'a> {
    store: RefCell<Store>,
    runtime: Runtime,
    open: Vec<Open>,
    budget: Arc<Budget>,
    wants: Wants<'a>,
    sources: BTreeSet<Account>,
    state: RefCell<State>,
    /// Were the walks that ask begun?
    is_learning: Cell<bool>,
    /// How often something was kept.
    kept: Cell<u64>,
}

#[derive(Default)]
struct State {
    known: Known,
    /// Settled for this trace, by subject: known, or never to be.
    done: BTreeSet<String>,
    /// Of each provider that was asked.
    horizons: BTreeMap<usize, Horizon>,
    /// Providers that stopped answering, and why.
    closed: BTreeMap<usize, String>,
    /// More rows than the walk goes through.
    hubs: BTreeMap<Account, u64>,
}

/// Said of an address with more rows than were to be read.
const ROWS: &str = "more rows than an account that is walked through";

impl<'a> Fetching<'a> {
    pub fn new(
        store: Store,
        open: Vec<Open>,
        budget: Arc<Budget>,
        wants: Wants<'a>,
    ) -> Result<Fetching<'a>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let sources = wants.settings.sources.iter().filter_map(|source| match source {
            Source::Account(account) => Some(account.clone()),
            _ => None,
        });
        Ok(Fetching {
            store: RefCell::new(store),
            runtime: runtime.context("cannot start asking providers")?,
            open,
            budget,
            sources: sources.collect(),
            wants,
            state: RefCell::default(),
            is_learning: Cell::default(),
            kept: Cell::default(),
        })
    }

    /// How many requests were made.
    pub fn requests(&self) -> u64 {
        self.budget.made()
    }

    /// Walks until nothing more is learned on the way, so that the walk that asked this
    /// is over one past. Each walk but the last of these kept something, and no address
    /// is asked about twice.
    fn learn(&self) -> Result<(), ViewError> {
        if self.is_learning.replace(true) || self.open.is_empty() {
            return Ok(());
        }
        loop {
            let before = self.kept.get();
            // Whatever else is wrong with it, the walk itself will find.
            if let Err(TraceError::View(error)) =
                trace::run(self, self.wants.book, self.wants.settings)
            {
                return Err(error);
            }
            if self.kept.get() == before {
                return Ok(());
            }
        }
    }

    /// Sees to it that these are known as far as they can be.
    fn ensure(&self, accounts: impl Iterator<Item = Account>) -> Result<(), ViewError> {
        let mut by_chain: BTreeMap<Chain, BTreeSet<Account>> = BTreeMap::new();
        for account in accounts.filter(|account| self.may_ask_about(account)) {
            by_chain.entry(account.chain).or_default().insert(account);
        }
        for (chain, accounts) in by_chain {
            self.ensure_on(chain, accounts.into_iter().collect())?;
        }
        Ok(())
    }

    /// Whatever is a service is not looked into, and so not asked about.
    fn may_ask_about(&self, account: &Account) -> bool {
        let confidence = self.wants.settings.stop_confidence;
        let is_done = self.state.borrow().done.contains(&account.to_string());
        !is_done
            && (self.sources.contains(account)
                || trace::gather::role_of(self.wants.book, account, confidence) == Role::Other)
    }

    fn ensure_on(&self, chain: Chain, accounts: Vec<Account>) -> Result<(), ViewError> {
        let mut wanted = Vec::new();
        for account in accounts {
            let rows_max = self.rows_max(&account);
            match self.need(&account.to_string(), rows_max)? {
                Need::Nothing(fetched) => self.settle(&account, *fetched),
                Need::Ask(after) => wanted.push((account, after)),
            }
        }
        while !wanted.is_empty() {
            let texts = || wanted.iter().map(|(account, _)| account.to_string());
            let Some((at, until)) = self.ready(chain, texts())? else { return Ok(()) };
            let asks: Vec<Ask> = wanted
                .iter()
                .map(|(account, after)| Ask {
                    account: account.clone(),
                    after: *after,
                    until,
                    rows_max: self.rows_max(account),
                })
                .collect();
            let open = &self.open[at];
            let answers = self.runtime.block_on(open.provider.read_all(&asks, open.at_once));
            let mut told = Vec::new();
            let mut is_over = false;
            for answer in answers {
                match answer {
                    Ok(one) => told.push(one),
                    Err(error) => is_over |= self.trouble(at, error)?,
                }
            }
            let known: BTreeSet<Account> = told.iter().map(|one| one.account.clone()).collect();
            self.keep_told(at, told)?;
            wanted.retain(|(account, _)| !known.contains(account));
            if !is_over && !wanted.is_empty() && !self.budget.is_used_up() {
                return Err(ViewError::new(format!("{} left addresses out", open.provider.name())));
            }
        }
        Ok(())
    }

    fn rows_max(&self, account: &Account) -> u64 {
        let mut budget = u64::try_from(self.wants.settings.budget).unwrap_or(u64::MAX);
        // A row is a request there: no one account is to use up what all have.
        if matches!(account.chain, Chain::Solana(_)) {
            let share = if self.sources.contains(account) { 2 } else { 5 };
            budget = budget.min((self.wants.requests / share).max(1));
        }
        if self.sources.contains(account) {
            return budget;
        }
        self.wants.settings.hub_degree.min(budget)
    }

    /// What the store says of a subject: is it to be asked for, and from where on?
    fn need(&self, subject: &str, rows_max: u64) -> Result<Need, ViewError> {
        let fetched = self.store.borrow().fetched(&[subject.to_string()]).map_err(unkept)?;
        let best = fetched.into_iter().max_by_key(|one| (one.cut.is_none(), one.height, one.rows));
        let Some(best) = best else { return Ok(Need::Ask(None)) };
        let is_short = best.cut.as_deref() == Some(ROWS) && best.rows <= rows_max;
        if is_short && !self.wants.is_offline {
            return Ok(Need::Ask(None));
        }
        if self.wants.refresh && best.cut.is_none() && !self.wants.is_offline {
            return Ok(Need::Ask(Some(Horizon { height: best.height, time: best.time })));
        }
        Ok(Need::Nothing(Box::new(best)))
    }

    /// A provider of this chain that answers, and up to where; else these are missed.
    fn ready(
        &self,
        chain: Chain,
        subjects: impl Iterator<Item = String>,
    ) -> Result<Option<(usize, Horizon)>, ViewError> {
        let why = match self.open_on(chain) {
            _ if self.budget.is_used_up() => self.budget_ended(),
            Some(at) => match self.horizon(at)? {
                Some(horizon) => return Ok(Some((at, horizon))),
                None => self.budget_ended(),
            },
            None if self.wants.is_offline => "nobody was asked (--offline)".to_string(),
            None => {
                let state = self.state.borrow();
                let of_chain = |at: &&usize| self.open[**at].chain == chain;
                let closed = state.closed.keys().find(of_chain).map(|at| state.closed[at].clone());
                closed.unwrap_or_else(|| format!("no provider of {} is set up", chain.name()))
            }
        };
        let mut state = self.state.borrow_mut();
        for subject in subjects {
            state.known.miss(&why, &subject);
            state.done.insert(subject);
        }
        Ok(None)
    }

    fn budget_ended(&self) -> String {
        format!("the budget of {} requests ended (--requests)", self.wants.requests)
    }

    fn open_on(&self, chain: Chain) -> Option<usize> {
        let state = self.state.borrow();
        (0..self.open.len())
            .find(|at| self.open[*at].chain == chain && !state.closed.contains_key(at))
    }

    /// Once a trace. None when the budget does not reach.
    fn horizon(&self, at: usize) -> Result<Option<Horizon>, ViewError> {
        if let Some(horizon) = self.state.borrow().horizons.get(&at) {
            return Ok(Some(*horizon));
        }
        let provider = &self.open[at].provider;
        let horizon = match self.runtime.block_on(provider.horizon()) {
            Ok(horizon) => horizon,
            Err(HistoryError::Budget) => return Ok(None),
            Err(HistoryError::Source(error)) => {
                return Err(ViewError::because(format!("cannot ask {}", provider.name()), error));
            }
        };
        self.state.borrow_mut().horizons.insert(at, horizon);
        Ok(Some(horizon))
    }

    /// Can the trace go on without this answer? True when its provider is asked no more.
    fn trouble(&self, at: usize, error: HistoryError) -> Result<bool, ViewError> {
        let HistoryError::Source(error) = error else { return Ok(false) };
        let is_quota =
            matches!(&error.kind, Kind::Refused(what) if what.starts_with(etherscan::QUOTA));
        if !error.is_transient() && !is_quota {
            let doing = format!("asking {}", self.open[at].provider.name());
            return Err(ViewError::because(doing, error));
        }
        let why = format!("{} stopped answering ({})", self.open[at].provider.name(), error.kind);
        self.state.borrow_mut().closed.insert(at, why);
        Ok(true)
    }

    fn keep_told(&self, at: usize, told: Vec<Told>) -> Result<(), ViewError> {
        let provider = self.open[at].provider.name();
        let asked_at = Timestamp::now();
        let mut rows = Vec::new();
        let mut facts = Vec::new();
        for one in told {
            let subject = one.account.to_string();
            let before = self.store.borrow().fetched(std::slice::from_ref(&subject));
            // What is asked for on top of what was known counts with it.
            let before = before.map_err(unkept)?.into_iter().find(|known| {
                known.provider == provider && known.cut.is_none() && self.wants.refresh
            });
            let fetched = Fetched {
                subject,
                provider: provider.clone(),
                height: one.until.height,
                time: one.until.time,
                rows: one.rows + before.map_or(0, |known| known.rows),
                cut: one.cut.map(|cut| match cut {
                    Cut::Rows => ROWS.to_string(),
                    Cut::Provider(why) => why.to_string(),
                }),
                asked_at,
            };
            self.settle(&one.account, fetched.clone());
            rows.push(fetched);
            facts.extend(one.facts);
        }
        self.keep(at, facts, &rows)
    }

    fn settle(&self, account: &Account, fetched: Fetched) {
        let mut state = self.state.borrow_mut();
        if fetched.cut.as_deref() == Some(ROWS) && !self.sources.contains(account) {
            state.hubs.insert(account.clone(), fetched.rows);
        }
        state.done.insert(fetched.subject.clone());
        state.known.tell(fetched);
    }

    /// First the facts, then that they are all: what a crash leaves is asked for again.
    fn keep(&self, at: usize, facts: Vec<Fact>, fetched: &[Fetched]) -> Result<(), ViewError> {
        let mut store = self.store.borrow_mut();
        if !facts.is_empty() {
            self.kept.set(self.kept.get() + 1);
            let open = &self.open[at];
            let mut digest = Sha256::new();
            for fact in &facts {
                digest.update(format!("{fact:?}\n"));
            }
            let record = FileRecord {
                name: format!("{}, {} facts", open.provider.name(), facts.len()),
                purpose: format!("provider {}", open.chain),
                bytes: 0,
            };
            let mut batch = store.begin(&record).map_err(unkept)?;
            for fact in &facts {
                batch.put(fact).map_err(unkept)?;
            }
            batch.commit(&model::hex::encode(&digest.finalize())).map_err(unkept)?;
        }
        store.put_fetched(fetched).map_err(unkept)
    }

    /// Bitcoin: sees to it that whoever spent these is known.
    fn ensure_spends(&self, outpoints: &[Outpoint]) -> Result<(), ViewError> {
        let known = self.store.borrow().spends(outpoints)?;
        let mut by_chain: BTreeMap<Chain, BTreeSet<Outpoint>> = BTreeMap::new();
        for (outpoint, known) in outpoints.iter().zip(known) {
            let subject = outpoint.to_string();
            if known.is_some() || self.state.borrow().done.contains(&subject) {
                continue;
            }
            match self.need(&subject, u64::MAX)? {
                Need::Nothing(fetched) => {
                    let mut state = self.state.borrow_mut();
                    state.done.insert(subject);
                    state.known.tell(*fetched);
                }
                Need::Ask(_) => {
                    by_chain.entry(outpoint.tx.chain).or_default().insert(*outpoint);
                }
            }
        }
        for (chain, outpoints) in by_chain {
            self.ensure_spends_on(chain, &outpoints)?;
        }
        Ok(())
    }

    fn ensure_spends_on(
        &self,
        chain: Chain,
        outpoints: &BTreeSet<Outpoint>,
    ) -> Result<(), ViewError> {
        let texts = || outpoints.iter().map(ToString::to_string);
        let Some((at, until)) = self.ready(chain, texts())? else { return Ok(()) };
        let open = &self.open[at];
        let txs: Vec<TxId> =
            outpoints.iter().map(|o| o.tx).collect::<BTreeSet<_>>().into_iter().collect();
        let answers = self.runtime.block_on(open.provider.spenders(&txs, &until, open.at_once));
        let mut spenders: BTreeMap<Outpoint, Option<TxId>> = BTreeMap::new();
        for (tx, answer) in txs.iter().zip(answers) {
            let of_tx: Vec<Outpoint> = outpoints.iter().filter(|o| o.tx == *tx).copied().collect();
            match answer {
                Ok(lines) => {
                    for outpoint in of_tx {
                        let line = lines.get(outpoint.index as usize);
                        let what = || format!("{outpoint} is not among the outputs");
                        spenders.insert(outpoint, *line.ok_or_else(|| self.lie(at, what()))?);
                    }
                }
                Err(error) => self.missed(at, error, of_tx.iter().map(ToString::to_string))?,
            }
        }
        let wanted: BTreeSet<TxId> = spenders.values().flatten().copied().collect();
        let (found, missing) = self.fetch_transactions(at, &until, wanted)?;
        let mut fetched = Vec::new();
        for (outpoint, spender) in spenders {
            if let Some(tx) = spender.and_then(|id| found.get(&id))
                && !tx.inputs.iter().any(|input| input.outpoint == outpoint)
            {
                let what = format!("{} is said to spend {outpoint} and does not", tx.id);
                return Err(self.lie(at, what));
            }
            if spender.is_some_and(|id| missing.contains(&id)) {
                self.state.borrow_mut().done.insert(outpoint.to_string());
                continue;
            }
            fetched.push(Fetched {
                subject: outpoint.to_string(),
                provider: open.provider.name(),
                height: until.height,
                time: until.time,
                rows: u64::from(spender.is_some()),
                cut: None,
                asked_at: Timestamp::now(),
            });
        }
        let facts = found.into_values().map(Fact::Utxo).collect();
        self.keep(at, facts, &fetched)?;
        let mut state = self.state.borrow_mut();
        for one in fetched {
            state.done.insert(one.subject.clone());
            state.known.tell(one);
        }
        Ok(())
    }

    /// Those found, and those that could not be asked for or are not there.
    fn fetch_transactions(
        &self,
        at: usize,
        until: &Horizon,
        wanted: BTreeSet<TxId>,
    ) -> Result<(BTreeMap<TxId, UtxoTransaction>, BTreeSet<TxId>), ViewError> {
        let open = &self.open[at];
        let ids: Vec<TxId> = wanted.into_iter().collect();
        let answers = self.runtime.block_on(open.provider.transactions(&ids, until, open.at_once));
        let mut found = BTreeMap::new();
        let mut missing = BTreeSet::new();
        for (id, answer) in ids.iter().zip(answers) {
            match answer {
                Ok(Some(tx)) => drop(found.insert(*id, tx)),
                Ok(None) => {
                    missing.insert(*id);
                    let why = format!("{} does not have it", open.provider.name());
                    self.state.borrow_mut().known.miss(&why, &id.to_string());
                }
                Err(error) => {
                    missing.insert(*id);
                    self.missed(at, error, std::iter::once(id.to_string()))?;
                }
            }
        }
        Ok((found, missing))
    }

    /// Bitcoin: sees to it that these are held, with what their inputs spend.
    fn ensure_transactions(&self, ids: &[TxId]) -> Result<(), ViewError> {
        let utxo: Vec<TxId> = ids.iter().filter(|id| id.chain.is_utxo()).copied().collect();
        let known = self.store.borrow().transactions(&utxo)?;
        let mut by_chain: BTreeMap<Chain, BTreeSet<TxId>> = BTreeMap::new();
        for (id, known) in utxo.iter().zip(known) {
            let is_whole =
                matches!(&known, Some(Transaction::Utxo(tx)) if tx.unresolved().next().is_none());
            if !is_whole && !self.state.borrow().done.contains(&id.to_string()) {
                by_chain.entry(id.chain).or_default().insert(*id);
            }
        }
        for (chain, ids) in by_chain {
            let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let Some((at, until)) = self.ready(chain, texts.iter().cloned())? else { continue };
            let (found, _) = self.fetch_transactions(at, &until, ids)?;
            self.keep(at, found.into_values().map(Fact::Utxo).collect(), &[])?;
            self.state.borrow_mut().done.extend(texts);
        }
        Ok(())
    }

    fn missed(
        &self,
        at: usize,
        error: HistoryError,
        subjects: impl Iterator<Item = String>,
    ) -> Result<(), ViewError> {
        let is_budget = matches!(error, HistoryError::Budget);
        self.trouble(at, error)?;
        let mut state = self.state.borrow_mut();
        let closed = state.closed.get(&at).cloned().filter(|_| !is_budget);
        let why = closed.unwrap_or_else(|| self.budget_ended());
        for subject in subjects {
            state.known.miss(&why, &subject);
            state.done.insert(subject);
        }
        Ok(())
    }

    fn lie(&self, at: usize, what: String) -> ViewError {
        let provider = &self.open[at].provider;
        let error = SourceError::new(&provider.name(), Kind::from(Lie::Impossible(what)));
        ViewError::because(format!("asking {}", provider.name()), error.on(provider.chain()))
    }
}

/// What the store lacks of a subject.
enum Need {
    Nothing(Box<Fetched>),
    /// Everything after this block.
    Ask(Option<Horizon>),
}

fn unkept(error: store::StoreError) -> ViewError {
    ViewError::because("cannot keep what providers tell", error)
}

impl View for Fetching<'_> {
    fn expand(
        &self,
        direction: Direction,
        frontier: &[Seek],
        limits: &Limits,
    ) -> Result<Expansion, ViewError> {
        self.learn()?;
        self.ensure(frontier.iter().map(|seek| seek.account.clone()))?;
        self.store.borrow().expand(direction, frontier, limits)
    }

    fn spends(&self, outpoints: &[Outpoint]) -> Result<Vec<Option<Spend>>, ViewError> {
        self.learn()?;
        self.ensure_spends(outpoints)?;
        self.store.borrow().spends(outpoints)
    }

    fn transaction(&self, id: &TxId) -> Result<Option<Transaction>, ViewError> {
        Ok(self.transactions(std::slice::from_ref(id))?.into_iter().next().flatten())
    }

    fn transactions(&self, ids: &[TxId]) -> Result<Vec<Option<Transaction>>, ViewError> {
        self.learn()?;
        self.ensure_transactions(ids)?;
        self.store.borrow().transactions(ids)
    }

    /// Of an address with more rows than are read, so many that it is taken for a hub.
    fn degree(&self, accounts: &[Account]) -> Result<Vec<Degree>, ViewError> {
        self.ensure(accounts.iter().cloned())?;
        let mut degrees = self.store.borrow().degree(accounts)?;
        let state = self.state.borrow();
        for (account, degree) in accounts.iter().zip(&mut degrees) {
            let rows = state.hubs.get(account).copied().unwrap_or(0);
            degree.received = degree.received.max(rows);
        }
        Ok(degrees)
    }

    fn scan(
        &self,
        chain: Chain,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
    ) -> Result<(), ViewError> {
        self.store.borrow().scan(chain, since, until, visit)
    }

    fn assets(&self, assets: &[Asset]) -> Result<Vec<AssetMeta>, ViewError> {
        self.store.borrow().assets(assets)
    }

    fn coverage(&self) -> Result<Vec<Coverage>, ViewError> {
        self.store.borrow().coverage()
    }

    fn remarks(&self) -> Vec<String> {
        self.state.borrow().known.remarks()
    }
}
