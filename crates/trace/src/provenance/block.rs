//! A block at a time, over what was kept before it.

use std::collections::{BTreeMap, BTreeSet};

use model::{Account, Asset, Outpoint, Position, Transfer, TransferId, TxId, UtxoTransaction};

use super::Books;
use super::apply::{Moved, Spending};

impl Books<'_, TransferId> {
    /// Takes in the transfers of a block, in the order of time ([`Transfer::cmp_time`]).
    /// Whoever calls has loaded what is kept of [`accounts`].
    pub fn block(&mut self, transfers: &[Transfer]) {
        for transfer in transfers {
            let from = transfer.from_account().map(|account| self.account(account));
            let to = transfer.to_account().map(|account| self.account(account));
            self.transfer(&Moved {
                id: transfer.id(),
                from,
                to,
                asset: &transfer.asset,
                base: transfer.amount,
                time: transfer.time,
                kind: transfer.kind,
            });
        }
    }

    /// Takes in Bitcoin's transactions of a block, parents first. Whoever calls has loaded what
    /// is kept of [`utxo_accounts`] and [`utxo_spends`].
    pub fn utxo_block(&mut self, transactions: &[UtxoTransaction]) {
        for tx in transactions {
            let chain = tx.id.chain;
            let own = |address: &model::Address| Account { chain, address: address.clone() };
            let mut inputs = Vec::new();
            for input in &tx.inputs {
                let Some(previous) = &input.previous else { continue };
                let owner = self.account(own(&previous.address));
                let id = output_id(&input.outpoint);
                inputs.push((Some(id), owner, model::U256::from(previous.value)));
            }
            let mut outputs = Vec::new();
            for (index, output) in (0u32..).zip(&tx.outputs) {
                let owner = self.account(own(&output.address));
                let id = output_id(&Outpoint { tx: tx.id, index });
                outputs.push((id, owner, model::U256::from(output.value)));
            }
            self.spending(&Spending {
                asset: &Asset::native(chain),
                time: tx.time,
                is_coinbase: tx.is_coinbase,
                inputs: &inputs,
                outputs: &outputs,
            });
        }
    }
}

/// Everyone whose entry a block may change.
pub fn accounts(transfers: &[Transfer]) -> BTreeSet<Account> {
    let ends = |transfer: &Transfer| [transfer.from_account(), transfer.to_account()];
    transfers.iter().flat_map(ends).flatten().collect()
}

pub fn utxo_accounts(transactions: &[UtxoTransaction]) -> BTreeSet<Account> {
    let ends = |tx: &UtxoTransaction| {
        let spent = tx.inputs.iter().filter_map(|input| input.previous.as_ref());
        let own = |output: &model::Output| Account {
            chain: tx.id.chain,
            address: output.address.clone(),
        };
        spent.chain(&tx.outputs).map(own).collect::<Vec<_>>()
    };
    transactions.iter().flat_map(ends).collect()
}

/// The outputs a block spends.
pub fn utxo_spends(transactions: &[UtxoTransaction]) -> BTreeSet<TransferId> {
    let inputs = transactions.iter().flat_map(|tx| &tx.inputs);
    inputs.map(|input| output_id(&input.outpoint)).collect()
}

pub fn output_id(outpoint: &Outpoint) -> TransferId {
    TransferId { tx: outpoint.tx, position: Position::Output(outpoint.index), equal: None }
}

/// Bitcoin transactions, parents before children.
pub fn in_order(mut transactions: Vec<UtxoTransaction>) -> Vec<UtxoTransaction> {
    transactions.sort_by_key(|tx| (tx.height, tx.index, tx.id));
    let mut places: BTreeMap<TxId, usize> = BTreeMap::new();
    for (at, tx) in transactions.iter().enumerate() {
        places.insert(tx.id, at);
    }
    // Within a block, places say the order; where no source gave them, what is spent decides.
    let mut done = vec![false; transactions.len()];
    let mut order = Vec::with_capacity(transactions.len());
    for start in 0..transactions.len() {
        let mut open = vec![start];
        while let Some(at) = open.last().copied() {
            if done[at] {
                open.pop();
                continue;
            }
            let parents = transactions[at].inputs.iter();
            let parent = parents
                .filter_map(|input| places.get(&input.outpoint.tx).copied())
                .find(|parent| !done[*parent] && !open.contains(parent));
            match parent {
                Some(parent) => open.push(parent),
                None => {
                    done[at] = true;
                    order.push(at);
                    open.pop();
                }
            }
        }
    }
    let mut all: Vec<Option<UtxoTransaction>> = transactions.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| all[at].take()).collect()
}
