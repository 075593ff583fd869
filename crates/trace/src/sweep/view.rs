//! A view that has read ahead: what a sweep reached, held in memory.
//!
//! It answers as the view behind it, only sooner. What it does not hold it asks for, so
//! that a trace over it is the same to the byte; that it hardly ever has to is what the
//! reach is tested for. It holds no more transfers than the thefts' budgets let in: where
//! they reach more, the walk will be cut by its budget, and nothing is read ahead.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use hashbrown::{HashMap, HashSet};
use model::{
    Account, Asset, AssetMeta, Book, Chain, ColumnBatch, Columns, Coverage, Degree, Direction,
    Expansion, Limits, Outpoint, Reached, Seek, Spend, Timestamp, Transaction, Transfer, TxId,
    UtxoTransaction, View, ViewError,
};

use super::reach::{self, THEFTS_MAX};
use crate::{Method, Settings, TraceError};

/// A walk that handed out fewer transfers than this is never too slow to go on.
const WALK_MIN: u64 = 50_000;

/// A walk that asks for more than this part of the later transfers costs more than
/// reading all of them once.
const WIDE_PERCENT: u64 = 5;

/// A view over a view, that sweeps once the walks over it have become wide.
pub struct Swept<'a> {
    view: &'a dyn View,
    book: &'a Book,
    thefts: Vec<Settings>,
    /// Transfers to hand out before it sweeps; none: it never does.
    patience: Option<u64>,
    handed_out: Cell<u64>,
    asked_behind: Cell<u64>,
    held: RefCell<Option<Held>>,
}

/// What a sweep brought.
#[derive(Default)]
struct Held {
    transfers: Vec<Transfer>,
    walked: HashSet<Account>,
    sent: HashMap<Account, Vec<u32>>,
    received: HashMap<Account, Vec<u32>>,
    complete: HashMap<Chain, (bool, bool)>,
    utxo: HashMap<TxId, UtxoTransaction>,
    spends: HashMap<Outpoint, Spend>,
}

impl<'a> Swept<'a> {
    /// A view for these thefts, which all go in the direction of the first.
    pub fn new(
        view: &'a dyn View,
        book: &'a Book,
        thefts: &[Settings],
        method: Method,
    ) -> Result<Swept<'a>, ViewError> {
        let patience = match method {
            Method::Frontier => None,
            Method::Sweep => Some(0),
            Method::Auto => patience(view, thefts)?,
        };
        Ok(Swept {
            view,
            book,
            thefts: thefts.iter().take(THEFTS_MAX).cloned().collect(),
            patience,
            handed_out: Cell::new(0),
            asked_behind: Cell::new(0),
            held: RefCell::new(None),
        })
    }

    /// Ledgers, transactions and spends that only the view behind knew, after the sweep.
    pub fn asked_behind(&self) -> u64 {
        self.asked_behind.get()
    }

    pub fn has_swept(&self) -> bool {
        self.held.borrow().is_some()
    }

    fn be_patient(&self, transfers: usize) {
        self.handed_out.set(self.handed_out.get().saturating_add(transfers as u64));
    }

    fn miss(&self, count: usize) {
        if self.has_swept() {
            self.asked_behind.set(self.asked_behind.get() + count as u64);
        }
    }

    /// Sweeps, once, when the walks have gone wide.
    fn sweep_if_wide(&self) -> Result<(), ViewError> {
        let is_wide = self.patience.is_some_and(|patience| self.handed_out.get() >= patience);
        if !is_wide || self.has_swept() {
            return Ok(());
        }
        let mut chains: Vec<Chain> = self
            .thefts
            .iter()
            .flat_map(|theft| theft.sources.iter().map(Settings::source_chain))
            .collect();
        chains.sort_unstable();
        chains.dedup();
        let mut held = Held::default();
        for chain in chains {
            self.sweep(chain, &mut held).map_err(|error| match error {
                TraceError::View(error) => error,
                other => ViewError::because(format!("sweeping {chain}"), other),
            })?;
        }
        *self.held.borrow_mut() = Some(held);
        Ok(())
    }

    fn sweep(&self, chain: Chain, held: &mut Held) -> Result<(), TraceError> {
        let mut columns = self.view.columns(chain)?;
        let reached = reach::reach(self.view, &mut *columns, self.book, chain, &self.thefts)?;
        let bound = self.thefts.iter().fold(0u64, |sum, theft| {
            sum.saturating_add(u64::try_from(theft.budget).unwrap_or(u64::MAX))
        });
        if reached.transfers > bound {
            return Ok(());
        }
        if chain.is_utxo() {
            return self.hold_transactions(&*columns, &reached, held);
        }
        self.hold_ledgers(&mut *columns, chain, &reached, held)
    }

    fn hold_ledgers(
        &self,
        columns: &mut dyn Columns,
        chain: Chain,
        reached: &reach::Reached,
        held: &mut Held,
    ) -> Result<(), TraceError> {
        let is_held =
            |account: u32| reached.accounts.get(account as usize).is_some_and(|m| *m != 0);
        let mut ordinals = Vec::new();
        let mut batch = ColumnBatch::default();
        columns.rewind(None)?;
        while columns.next(&mut batch)? {
            let ends = batch.from.iter().zip(&batch.to).zip(&batch.ordinals);
            let ours = ends.filter(|((from, to), _)| is_held(**from) || is_held(**to));
            ordinals.extend(ours.map(|(_, ordinal)| *ordinal));
        }
        for (number, _) in (0u32..).zip(&reached.accounts).filter(|(_, mask)| **mask != 0) {
            held.walked.insert(columns.account(number)?);
        }
        for chunk in ordinals.chunks(1 << 16) {
            for transfer in columns.transfers(chunk)? {
                held.keep(transfer);
            }
        }
        let one = held.walked.iter().find(|account| account.chain == chain).cloned();
        if let Some(account) = one {
            // The view vouches for a chain's accounts or it does not.
            let vouches = |direction| -> Result<bool, ViewError> {
                let limits = Limits { per_account: 0, ..Limits::NONE };
                let told = self.view.expand(direction, &[Seek::all(account.clone())], &limits)?;
                Ok(told.reached.first().is_some_and(|reached| reached.is_complete))
            };
            held.complete
                .insert(chain, (vouches(Direction::Forward)?, vouches(Direction::Backward)?));
        }
        Ok(())
    }

    fn hold_transactions(
        &self,
        columns: &dyn Columns,
        reached: &reach::Reached,
        held: &mut Held,
    ) -> Result<(), TraceError> {
        let mut legs: Vec<u64> = reached.transactions.values().map(|(_, leg)| *leg).collect();
        legs.sort_unstable();
        for chunk in legs.chunks(1 << 14) {
            let ids: Vec<TxId> = columns.transfers(chunk)?.into_iter().map(|leg| leg.tx).collect();
            for transaction in self.view.transactions(&ids)?.into_iter().flatten() {
                if let Transaction::Utxo(tx) = transaction {
                    held.keep_transaction(tx);
                }
            }
        }
        Ok(())
    }
}

impl Held {
    fn keep(&mut self, transfer: Transfer) {
        let at = crate::ids::number(self.transfers.len());
        if let Some(account) = transfer.from_account().filter(|from| self.walked.contains(from)) {
            self.sent.entry(account).or_default().push(at);
        }
        if let Some(account) = transfer.to_account().filter(|to| self.walked.contains(to)) {
            self.received.entry(account).or_default().push(at);
        }
        self.transfers.push(transfer);
    }

    fn keep_transaction(&mut self, tx: UtxoTransaction) {
        for (n, input) in (0u32..).zip(&tx.inputs) {
            self.spends.insert(input.outpoint, Spend { tx: tx.id, input: n });
        }
        self.utxo.insert(tx.id, tx);
    }

    /// None where the account's ledger is not held.
    fn expand(&self, direction: Direction, seek: &Seek, limits: &Limits) -> Option<Reached> {
        let account = self.walked.get(&seek.account)?;
        let (vouched, ats) = match direction {
            Direction::Forward => (self.complete.get(&account.chain)?.0, self.sent.get(account)),
            Direction::Backward => {
                (self.complete.get(&account.chain)?.1, self.received.get(account))
            }
        };
        let mut transfers: Vec<Transfer> = ats
            .into_iter()
            .flatten()
            .map(|at| &self.transfers[*at as usize])
            .filter(|transfer| {
                limits.lets_through(transfer) && seek.lets_through(direction, transfer)
            })
            .cloned()
            .collect();
        let is_truncated = limits.cut(direction, &mut transfers);
        Some(Reached { account: account.clone(), transfers, is_truncated, is_complete: vouched })
    }
}

/// How many transfers a walk may ask for before reading everything once is cheaper.
fn patience(view: &dyn View, thefts: &[Settings]) -> Result<Option<u64>, ViewError> {
    // So many hops and no more: the walk ends by itself.
    if thefts.iter().any(|theft| theft.hops_max.is_some()) {
        return Ok(None);
    }
    let chains: Vec<Chain> =
        thefts.iter().flat_map(|theft| theft.sources.iter().map(Settings::source_chain)).collect();
    let held = view.coverage()?;
    let held = held.iter().filter(|coverage| chains.contains(&coverage.chain));
    let later: u64 = held.map(|coverage| later(coverage, thefts)).sum();
    Ok(Some(WALK_MIN.max(later / 100 * WIDE_PERCENT)))
}

/// Transfers of a chain in the window, as if they were spread evenly over its time.
fn later(coverage: &Coverage, thefts: &[Settings]) -> u64 {
    let (Some(first), Some(last)) = (coverage.time_first, coverage.time_last) else {
        return coverage.transfers;
    };
    let since = thefts.iter().map(|t| t.since.unwrap_or(first)).min().unwrap_or(first).max(first);
    let until = thefts.iter().map(|t| t.until.unwrap_or(last)).max().unwrap_or(last).min(last);
    let whole = last.as_second().abs_diff(first.as_second()).max(1);
    let part = if until < since { 0 } else { until.as_second().abs_diff(since.as_second()) };
    let share = u128::from(coverage.transfers) * u128::from(part.min(whole)) / u128::from(whole);
    u64::try_from(share).unwrap_or(coverage.transfers)
}

impl View for Swept<'_> {
    fn expand(
        &self,
        direction: Direction,
        frontier: &[Seek],
        limits: &Limits,
    ) -> Result<Expansion, ViewError> {
        self.sweep_if_wide()?;
        let held = self.held.borrow();
        let known = |seek: &Seek| held.as_ref()?.expand(direction, seek, limits);
        let mut reached: Vec<Option<Reached>> = frontier.iter().map(known).collect();
        let behind: Vec<usize> = (0..frontier.len()).filter(|n| reached[*n].is_none()).collect();
        if !behind.is_empty() {
            drop(held);
            let seeks: Vec<Seek> = behind.iter().map(|n| frontier[*n].clone()).collect();
            let told = self.view.expand(direction, &seeks, limits)?;
            for (n, told) in behind.into_iter().zip(told.reached) {
                self.be_patient(told.transfers.len());
                // Of Bitcoin transactions are held, not ledgers.
                let is_miss = !told.transfers.is_empty() && !told.account.chain.is_utxo();
                self.miss(usize::from(is_miss));
                reached[n] = Some(told);
            }
        }
        Ok(Expansion { reached: reached.into_iter().flatten().collect() })
    }

    fn spends(&self, outpoints: &[Outpoint]) -> Result<Vec<Option<Spend>>, ViewError> {
        self.sweep_if_wide()?;
        let held = self.held.borrow();
        let known = |outpoint: &Outpoint| held.as_ref()?.spends.get(outpoint).cloned();
        let mut spends: Vec<Option<Spend>> = outpoints.iter().map(known).collect();
        // Unspent, as far as the sweep saw; the view behind may know of more.
        let behind: Vec<usize> = (0..outpoints.len()).filter(|n| spends[*n].is_none()).collect();
        let asked: Vec<Outpoint> = behind.iter().map(|n| outpoints[*n]).collect();
        for (n, spend) in behind.into_iter().zip(self.view.spends(&asked)?) {
            self.miss(usize::from(spend.is_some()));
            spends[n] = spend;
        }
        Ok(spends)
    }

    fn transaction(&self, id: &TxId) -> Result<Option<Transaction>, ViewError> {
        Ok(self.transactions(std::slice::from_ref(id))?.into_iter().next().flatten())
    }

    fn transactions(&self, ids: &[TxId]) -> Result<Vec<Option<Transaction>>, ViewError> {
        self.sweep_if_wide()?;
        let held = self.held.borrow();
        let known = |id: &TxId| held.as_ref()?.utxo.get(id).cloned().map(Transaction::Utxo);
        let mut told: Vec<Option<Transaction>> = ids.iter().map(known).collect();
        drop(held);
        let behind: Vec<usize> = (0..ids.len()).filter(|n| told[*n].is_none()).collect();
        if !behind.is_empty() {
            let asked: Vec<TxId> = behind.iter().map(|n| ids[*n]).collect();
            for (n, transaction) in behind.into_iter().zip(self.view.transactions(&asked)?) {
                if let Some(Transaction::Utxo(tx)) = &transaction {
                    self.miss(1);
                    self.be_patient(tx.inputs.len() + tx.outputs.len());
                }
                told[n] = transaction;
            }
        }
        Ok(told)
    }

    fn degree(&self, accounts: &[Account]) -> Result<Vec<Degree>, ViewError> {
        self.view.degree(accounts)
    }

    fn scan(
        &self,
        chain: Chain,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
    ) -> Result<(), ViewError> {
        self.view.scan(chain, since, until, visit)
    }

    fn assets(&self, assets: &[Asset]) -> Result<Vec<AssetMeta>, ViewError> {
        self.view.assets(assets)
    }

    fn coverage(&self) -> Result<Vec<Coverage>, ViewError> {
        self.view.coverage()
    }

    fn remarks(&self) -> Vec<String> {
        self.view.remarks()
    }

    fn columns(&self, chain: Chain) -> Result<Box<dyn Columns + '_>, ViewError> {
        self.view.columns(chain)
    }
}
