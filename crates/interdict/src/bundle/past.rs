//! The part of the past a trace asked for, and nothing else.
//!
//! A [`Recorder`] passes every question on and keeps the answers; the [`Past`] it leaves
//! answers the same questions the same way, with no store behind it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use model::{
    Account, Asset, AssetMeta, Chain, Coverage, Degree, Direction, Expansion, Limits, Memory,
    Outpoint, Seek, Spend, Timestamp, Transaction, Transfer, TransferId, TxId, UtxoTransaction,
    View, ViewError,
};

/// A view that remembers what it was asked.
pub struct Recorder<'a> {
    view: &'a dyn View,
    kept: RefCell<Kept>,
}

#[derive(Default)]
struct Kept {
    transfers: BTreeMap<TransferId, Transfer>,
    utxo: BTreeMap<TxId, UtxoTransaction>,
    degrees: BTreeMap<Account, Degree>,
    assets: BTreeMap<Asset, AssetMeta>,
    coverage: Vec<Coverage>,
    /// As they were when the report was written: the first time they were asked for.
    remarks: Option<Vec<String>>,
}

/// What was asked, answered again.
#[derive(Default)]
pub struct Past {
    memory: Memory,
    pub transfers: Vec<Transfer>,
    pub utxo: Vec<UtxoTransaction>,
    pub degrees: BTreeMap<Account, Degree>,
    pub assets: Vec<AssetMeta>,
    pub coverage: Vec<Coverage>,
    pub remarks: Vec<String>,
}

impl<'a> Recorder<'a> {
    pub fn new(view: &'a dyn View) -> Recorder<'a> {
        Recorder { view, kept: RefCell::default() }
    }

    pub fn into_past(self) -> Past {
        let kept = self.kept.into_inner();
        let remarks = kept.remarks.unwrap_or_default();
        let past = Past::new(
            kept.transfers.into_values().collect(),
            kept.utxo.into_values().collect(),
            kept.degrees,
            kept.assets.into_values().collect(),
            kept.coverage,
        );
        Past { remarks, ..past }
    }

    fn keep_transaction(&self, transaction: Option<&Transaction>) {
        let mut kept = self.kept.borrow_mut();
        match transaction {
            Some(Transaction::Utxo(tx)) => drop(kept.utxo.insert(tx.id, tx.clone())),
            Some(Transaction::Account { transfers, .. }) => {
                kept.transfers
                    .extend(transfers.iter().map(|transfer| (transfer.id(), transfer.clone())));
            }
            None => {}
        }
    }
}

impl View for Recorder<'_> {
    fn expand(
        &self,
        direction: Direction,
        frontier: &[Seek],
        limits: &Limits,
    ) -> Result<Expansion, ViewError> {
        let expansion = self.view.expand(direction, frontier, limits)?;
        let transfers = || expansion.reached.iter().flat_map(|reached| &reached.transfers);
        // Bitcoin's legs are parts of transactions, which are kept whole.
        for leg in transfers().filter(|transfer| transfer.tx.chain.is_utxo()) {
            self.transaction(&leg.tx)?;
        }
        let mut kept = self.kept.borrow_mut();
        for transfer in transfers().filter(|transfer| !transfer.tx.chain.is_utxo()) {
            kept.transfers.insert(transfer.id(), transfer.clone());
        }
        drop(kept);
        Ok(expansion)
    }

    fn spends(&self, outpoints: &[Outpoint]) -> Result<Vec<Option<Spend>>, ViewError> {
        let spends = self.view.spends(outpoints)?;
        for spend in spends.iter().flatten() {
            self.transaction(&spend.tx)?;
        }
        Ok(spends)
    }

    fn transaction(&self, id: &TxId) -> Result<Option<Transaction>, ViewError> {
        let transaction = self.view.transaction(id)?;
        self.keep_transaction(transaction.as_ref());
        Ok(transaction)
    }

    fn transactions(&self, ids: &[TxId]) -> Result<Vec<Option<Transaction>>, ViewError> {
        let transactions = self.view.transactions(ids)?;
        transactions.iter().for_each(|transaction| self.keep_transaction(transaction.as_ref()));
        Ok(transactions)
    }

    fn degree(&self, accounts: &[Account]) -> Result<Vec<Degree>, ViewError> {
        let degrees = self.view.degree(accounts)?;
        self.kept
            .borrow_mut()
            .degrees
            .extend(accounts.iter().cloned().zip(degrees.iter().copied()));
        Ok(degrees)
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
        let metas = self.view.assets(assets)?;
        self.kept
            .borrow_mut()
            .assets
            .extend(metas.iter().map(|meta| (meta.asset.clone(), meta.clone())));
        Ok(metas)
    }

    fn coverage(&self) -> Result<Vec<Coverage>, ViewError> {
        let coverage = self.view.coverage()?;
        self.kept.borrow_mut().coverage.clone_from(&coverage);
        Ok(coverage)
    }

    fn remarks(&self) -> Vec<String> {
        let mut kept = self.kept.borrow_mut();
        kept.remarks.get_or_insert_with(|| self.view.remarks()).clone()
    }
}

impl Past {
    pub fn new(
        transfers: Vec<Transfer>,
        utxo: Vec<UtxoTransaction>,
        degrees: BTreeMap<Account, Degree>,
        assets: Vec<AssetMeta>,
        coverage: Vec<Coverage>,
    ) -> Past {
        let memory = Memory::settled(transfers.clone(), utxo.clone(), assets.clone());
        Past { memory, transfers, utxo, degrees, assets, coverage, remarks: Vec::new() }
    }

    /// Transfers and Bitcoin transactions held.
    pub fn count(&self) -> usize {
        self.transfers.len() + self.utxo.len()
    }

    /// Every account any of them names.
    pub fn accounts(&self) -> std::collections::BTreeSet<Account> {
        let ends = self.memory.transfers().iter().flat_map(|t| [t.from_account(), t.to_account()]);
        ends.flatten().chain(self.degrees.keys().cloned()).collect()
    }
}

impl View for Past {
    fn expand(
        &self,
        direction: Direction,
        frontier: &[Seek],
        limits: &Limits,
    ) -> Result<Expansion, ViewError> {
        self.memory.expand(direction, frontier, limits)
    }

    fn spends(&self, outpoints: &[Outpoint]) -> Result<Vec<Option<Spend>>, ViewError> {
        self.memory.spends(outpoints)
    }

    fn transaction(&self, id: &TxId) -> Result<Option<Transaction>, ViewError> {
        self.memory.transaction(id)
    }

    /// As the whole store counted: the past here is but a part of it.
    fn degree(&self, accounts: &[Account]) -> Result<Vec<Degree>, ViewError> {
        Ok(accounts
            .iter()
            .map(|account| self.degrees.get(account).copied().unwrap_or_default())
            .collect())
    }

    fn scan(
        &self,
        chain: Chain,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
    ) -> Result<(), ViewError> {
        self.memory.scan(chain, since, until, visit)
    }

    fn assets(&self, assets: &[Asset]) -> Result<Vec<AssetMeta>, ViewError> {
        self.memory.assets(assets)
    }

    fn coverage(&self) -> Result<Vec<Coverage>, ViewError> {
        Ok(self.coverage.clone())
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}
