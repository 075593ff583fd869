//! A chain's whole past as columns, in time order: what a sweep reads.
//!
//! A walk asks a view for a frontier; a sweep reads everything once, and wants
//! small dense numbers it can index arrays by rather than addresses it has to
//! hash. In: a view and a chain. Out: batches of equally long columns.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::{
    Account, Asset, Chain, Outpoint, Position, Timestamp, Transaction, Transfer, TransferKind,
    TxId, U256, View, ViewError,
};

/// Reads a chain from its first transfer to its last.
///
/// Numbers hold for the life of the value: accounts and assets are numbered from
/// zero without gaps. Rows come in the order of [`Transfer::cmp_time`]; their ordinals
/// name them, with gaps, and need not rise.
pub trait Columns {
    /// How many accounts are numbered: some may have no transfer.
    fn account_count(&self) -> usize;

    fn number(&self, account: &Account) -> Result<Option<u32>, ViewError>;

    fn account(&self, number: u32) -> Result<Account, ViewError>;

    /// Every asset that moved, by its number.
    fn assets(&self) -> &[Asset];

    /// The next transfers, into a batch that is emptied first. False at the end.
    fn next(&mut self, batch: &mut ColumnBatch) -> Result<bool, ViewError>;

    /// Back to the first transfer not before this time (none: the very first).
    fn rewind(&mut self, since: Option<Timestamp>) -> Result<(), ViewError>;

    /// Whole transfers by their ordinals, in that order.
    fn transfers(&self, ordinals: &[u64]) -> Result<Vec<Transfer>, ViewError>;
}

/// Some transfers in a row; every column is as long as every other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnBatch {
    pub ordinals: Vec<u64>,
    /// [`ColumnBatch::NOBODY`] where a transfer has no such end.
    pub from: Vec<u32>,
    pub to: Vec<u32>,
    pub assets: Vec<u32>,
    pub amounts: Vec<U256>,
    pub times: Vec<Timestamp>,
    pub kinds: Vec<TransferKind>,
    /// Bitcoin: a number each transaction's legs share and no other's have;
    /// account chains leave it 0.
    pub transactions: Vec<u64>,
    /// Bitcoin: the ordinal of the output that an input spends, where it is held.
    pub spends: Vec<u64>,
}

impl ColumnBatch {
    pub const NOBODY: u32 = u32::MAX;
    /// No ordinal.
    pub const NONE: u64 = u64::MAX;

    pub fn len(&self) -> usize {
        self.ordinals.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ordinals.is_empty()
    }

    pub fn clear(&mut self) {
        self.ordinals.clear();
        self.from.clear();
        self.to.clear();
        self.assets.clear();
        self.amounts.clear();
        self.times.clear();
        self.kinds.clear();
        self.transactions.clear();
        self.spends.clear();
    }
}

/// Columns of any view, read whole into memory: right for small pasts.
pub struct ScannedColumns {
    transfers: Vec<Transfer>,
    accounts: Vec<Account>,
    numbers: HashMap<Account, u32>,
    assets: Vec<Asset>,
    all: ColumnBatch,
    at: usize,
}

const BATCH: usize = 1024;

impl ScannedColumns {
    pub fn read(view: &(impl View + ?Sized), chain: Chain) -> Result<ScannedColumns, ViewError> {
        let mut transfers = Vec::new();
        view.scan(chain, None, None, &mut |transfer| {
            transfers.push(transfer.clone());
            ControlFlow::Continue(())
        })?;
        let mut columns = ScannedColumns {
            transfers: Vec::new(),
            accounts: Vec::new(),
            numbers: HashMap::new(),
            assets: Vec::new(),
            all: ColumnBatch::default(),
            at: 0,
        };
        let spends = spends(view, chain, &transfers)?;
        let mut assets: HashMap<Asset, u32> = HashMap::new();
        let mut transactions: HashMap<TxId, u64> = HashMap::new();
        for ((ordinal, transfer), spent) in (0u64..).zip(&transfers).zip(spends) {
            let from = columns.number_of(transfer.from_account());
            let to = columns.number_of(transfer.to_account());
            let next = small(assets.len());
            let asset = *assets.entry(transfer.asset.clone()).or_insert(next);
            if asset == next {
                columns.assets.push(transfer.asset.clone());
            }
            let next = transactions.len() as u64;
            let transaction = match chain.is_utxo() {
                true => *transactions.entry(transfer.tx).or_insert(next),
                false => 0,
            };
            let all = &mut columns.all;
            all.ordinals.push(ordinal);
            all.from.push(from);
            all.to.push(to);
            all.assets.push(asset);
            all.amounts.push(transfer.amount);
            all.times.push(transfer.time);
            all.kinds.push(transfer.kind);
            all.transactions.push(transaction);
            all.spends.push(spent);
        }
        columns.transfers = transfers;
        Ok(columns)
    }

    fn number_of(&mut self, account: Option<Account>) -> u32 {
        let Some(account) = account else { return ColumnBatch::NOBODY };
        let next = small(self.accounts.len());
        let number = *self.numbers.entry(account.clone()).or_insert(next);
        if number == next {
            self.accounts.push(account);
        }
        number
    }
}

/// The ordinal each input spends.
fn spends(
    view: &(impl View + ?Sized),
    chain: Chain,
    transfers: &[Transfer],
) -> Result<Vec<u64>, ViewError> {
    let mut spends = vec![ColumnBatch::NONE; transfers.len()];
    if !chain.is_utxo() {
        return Ok(spends);
    }
    let outputs: HashMap<Outpoint, u64> = (0u64..)
        .zip(transfers)
        .filter_map(|(ordinal, leg)| match leg.position {
            Position::Output(index) => Some((Outpoint { tx: leg.tx, index }, ordinal)),
            _ => None,
        })
        .collect();
    for (spent, leg) in spends.iter_mut().zip(transfers) {
        if let Position::Input(n) = leg.position
            && let Some(Transaction::Utxo(tx)) = view.transaction(&leg.tx)?
            && let Some(input) = tx.inputs.get(n as usize)
        {
            *spent = outputs.get(&input.outpoint).copied().unwrap_or(ColumnBatch::NONE);
        }
    }
    Ok(spends)
}

fn small(number: usize) -> u32 {
    u32::try_from(number).expect("what is read whole into memory is fewer than 2^32")
}

impl Columns for ScannedColumns {
    fn account_count(&self) -> usize {
        self.accounts.len()
    }

    fn number(&self, account: &Account) -> Result<Option<u32>, ViewError> {
        Ok(self.numbers.get(account).copied())
    }

    fn account(&self, number: u32) -> Result<Account, ViewError> {
        let found = self.accounts.get(number as usize).cloned();
        found.ok_or_else(|| ViewError::new(format!("there is no account numbered {number}")))
    }

    fn assets(&self) -> &[Asset] {
        &self.assets
    }

    fn next(&mut self, batch: &mut ColumnBatch) -> Result<bool, ViewError> {
        batch.clear();
        let range = self.at..self.all.len().min(self.at + BATCH);
        self.at = range.end;
        batch.ordinals.extend_from_slice(&self.all.ordinals[range.clone()]);
        batch.from.extend_from_slice(&self.all.from[range.clone()]);
        batch.to.extend_from_slice(&self.all.to[range.clone()]);
        batch.assets.extend_from_slice(&self.all.assets[range.clone()]);
        batch.amounts.extend_from_slice(&self.all.amounts[range.clone()]);
        batch.times.extend_from_slice(&self.all.times[range.clone()]);
        batch.kinds.extend_from_slice(&self.all.kinds[range.clone()]);
        batch.transactions.extend_from_slice(&self.all.transactions[range.clone()]);
        batch.spends.extend_from_slice(&self.all.spends[range]);
        Ok(!batch.is_empty())
    }

    fn rewind(&mut self, since: Option<Timestamp>) -> Result<(), ViewError> {
        self.at = since.map_or(0, |since| self.all.times.partition_point(|time| *time < since));
        Ok(())
    }

    fn transfers(&self, ordinals: &[u64]) -> Result<Vec<Transfer>, ViewError> {
        let one = |ordinal: &u64| {
            let found = usize::try_from(*ordinal).ok().and_then(|at| self.transfers.get(at));
            let found = found.cloned();
            found.ok_or_else(|| ViewError::new(format!("there is no transfer numbered {ordinal}")))
        };
        ordinals.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_say_what_a_scan_says() {
        let text = "
            chain bitcoin
            t0: coinbase => miner 50 BTC      day 0
            t1: t0:0 => a 20 BTC, b 29.9 BTC  day 1
        ";
        let sketch = crate::sketch::parse(text).expect("reads");
        let memory = sketch.memory();
        let mut columns = memory.columns(Chain::BITCOIN).expect("reads");
        let mut batch = ColumnBatch::default();
        assert!(columns.next(&mut batch).expect("reads"));
        assert_eq!(batch.ordinals, [0, 1, 2, 3]);
        assert_eq!(batch.spends, [ColumnBatch::NONE, 0, ColumnBatch::NONE, ColumnBatch::NONE]);
        assert_eq!(batch.transactions, [0, 1, 1, 1]);
        assert_eq!(batch.from, [ColumnBatch::NOBODY, 0, ColumnBatch::NOBODY, ColumnBatch::NOBODY]);
        assert_eq!(batch.to, [0, ColumnBatch::NOBODY, 1, 2]);
        assert_eq!(columns.account(1).expect("is there"), sketch.account("a"));
        assert_eq!(columns.transfers(&[2]).expect("is there")[0].amount, batch.amounts[2]);
        assert!(!columns.next(&mut batch).expect("reads"));

        columns.rewind(Some(memory.transfers()[1].time)).expect("rewinds");
        assert!(columns.next(&mut batch).expect("reads"));
        assert_eq!(batch.ordinals, [1, 2, 3]);
    }
}
