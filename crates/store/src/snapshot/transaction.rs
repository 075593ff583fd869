//! Transactions, and who spent what.
//!
//! A transaction is visible in one layer only, and all of it there. Which layer is asked of their
//! filters.

use model::{
    Address, Chain, Input, Outpoint, Output, Position, Spend, Transaction, Transfer, TxHash, TxId,
    UtxoTransaction,
};

use super::past::{Past, Visible};
use crate::StoreError;
use crate::segment::{Entry, Row};

impl Past {
    pub fn transaction(&self, id: &TxId) -> Result<Option<Transaction>, StoreError> {
        // The newest hold what is asked for most.
        for layer in self.layers.iter().rev() {
            let entries = layer.visible_entries(&id.hash)?;
            if entries.is_empty() {
                continue;
            }
            return match entries.iter().find(|entry| entry.is_utxo) {
                Some(entry) => Ok(Some(Transaction::Utxo(layer.utxo(id, entry)?))),
                None => layer.account(id, &entries),
            };
        }
        Ok(None)
    }

    /// Two that spend the same cannot both be true: the one with the higher hash is taken, and of its
    /// inputs the last, as the model does.
    pub fn spend(&self, outpoint: &Outpoint) -> Result<Option<Spend>, StoreError> {
        let mut found: Option<(TxHash, u32)> = None;
        for layer in &self.layers {
            let veil = layer.veil()?;
            let rows = layer.segment.spenders(outpoint.tx.hash.bytes(), outpoint.index)?;
            for row in rows {
                if layer.is_masked_row(veil, row) {
                    continue;
                }
                let row = layer.segment.row(row)?;
                if let Position::Input(input) = row.position {
                    found = found.max(Some((layer.segment.entry_hash(row.entry)?, input)));
                }
            }
        }
        let chain = self.chain;
        Ok(found.map(|(hash, input)| Spend { tx: TxId { chain, hash }, input }))
    }
}

impl Visible {
    fn visible_entries(&self, hash: &TxHash) -> Result<Vec<Entry>, StoreError> {
        if !self.segment.may_hold(hash.bytes())? {
            return Ok(Vec::new());
        }
        let entries = self.segment.entries_of(hash.bytes())?;
        let visible = entries.into_iter().filter(|entry| self.is_visible(*entry));
        visible.map(|entry| self.segment.entry(entry)).collect()
    }

    /// Its rows in order of position. None where it moved nothing.
    fn account(&self, id: &TxId, entries: &[Entry]) -> Result<Option<Transaction>, StoreError> {
        let mut transfers: Vec<Transfer> = Vec::new();
        for row in entries.iter().flat_map(|entry| entry.rows.clone()) {
            transfers.extend(self.segment.transfer(row)?);
        }
        transfers.sort_by(|a, b| a.position.cmp(&b.position));
        let id = *id;
        Ok((!transfers.is_empty()).then_some(Transaction::Account { id, transfers }))
    }

    /// Rows are in order of position: inputs, then outputs, none left out.
    fn utxo(&self, id: &TxId, entry: &Entry) -> Result<UtxoTransaction, StoreError> {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for at in entry.rows.clone() {
            let row = self.segment.row(at)?;
            match row.position {
                Position::Input(_) => inputs.push(self.input(id, at, &row)?),
                _ => outputs.push(self.output(id.chain, row.to, &row)?),
            }
        }
        Ok(UtxoTransaction {
            id: *id,
            height: entry.height,
            index: entry.tx_index,
            time: entry.time,
            block: entry.block,
            inputs,
            outputs,
            is_coinbase: entry.is_coinbase,
        })
    }

    fn input(&self, id: &TxId, at: u32, row: &Row) -> Result<Input, StoreError> {
        let chain = id.chain;
        let (hash, index) = self.segment.previous(at)?.ok_or_else(|| {
            let doing = format!("read row {at} of segment {}", self.id);
            StoreError::value(doing, format!("an input of {id} does not say what it spends"))
        })?;
        let previous = match row.flags.is_hidden {
            true => None,
            false => Some(self.output(chain, row.from, row)?),
        };
        Ok(Input { outpoint: Outpoint { tx: TxId { chain, hash }, index }, previous })
    }

    fn output(&self, chain: Chain, address: u32, row: &Row) -> Result<Output, StoreError> {
        let bytes = self.segment.address(address)?;
        let read = || Some((Address::from_bytes(bytes, chain)?, u64::try_from(row.amount).ok()?));
        let (address, value) = read().ok_or_else(|| {
            let doing = format!("read a coin of segment {}", self.id);
            StoreError::value(doing, "its address or its amount are none of Bitcoin")
        })?;
        Ok(Output { address, value })
    }
}
