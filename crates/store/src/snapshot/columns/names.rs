//! What the numbers in columns stand for, over all layers.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use model::ColumnBatch;
use model::{Account, Asset, Position, Transfer, TxHash};

use crate::StoreError;
use crate::snapshot::numbering::Numbering;
use crate::snapshot::past::{Past, Visible};

pub(super) struct Names<'a> {
    pub past: &'a Past,
    pub known: Known,
}

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Known {
    pub numbering: Arc<Numbering>,
    pub assets: Arc<[Asset]>,
    layers: Arc<[LayerNames]>,
}

/// Where a layer's own numbers begin in ours.
pub(super) struct LayerNames {
    pub first_row: u64,
    pub first_entry: u64,
    pub assets: Vec<u32>,
}

impl<'a> Names<'a> {
    pub fn new(past: &'a Past) -> Result<Names<'a>, StoreError> {
        let numbering = past.numbering()?;
        let (mut all, mut layers) = (Vec::new(), Vec::new());
        let mut known: HashMap<Asset, u32> = HashMap::new();
        let (mut first_row, mut first_entry) = (0, 0);
        for layer in &past.layers {
            let head = layer.segment.head();
            let mut assets = Vec::with_capacity(head.assets as usize);
            for number in 0..head.assets {
                let asset = layer.segment.asset(number)?;
                let next = u32::try_from(known.len()).expect("assets are numbered in 32 bits");
                let number = *known.entry(asset.clone()).or_insert(next);
                if number == next {
                    all.push(asset);
                }
                assets.push(number);
            }
            layers.push(LayerNames { first_row, first_entry, assets });
            first_row += u64::from(head.rows);
            first_entry += u64::from(head.entries);
        }
        Ok(Names { past, known: Known { numbering, assets: all.into(), layers: layers.into() } })
    }

    pub fn layer(&self, at: usize) -> &LayerNames {
        &self.known.layers[at]
    }

    pub fn number(&self, account: &Account) -> Result<Option<u32>, StoreError> {
        if account.chain != self.past.chain {
            return Ok(None);
        }
        let Some(bytes) = self.past.bytes(account) else { return Ok(None) };
        for (at, layer) in self.past.layers.iter().enumerate() {
            if let Some(local) = layer.segment.address_number(bytes)? {
                return Ok(Some(self.known.numbering.number(at, local)));
            }
        }
        Ok(None)
    }

    pub fn account(&self, number: u32) -> Result<Option<Account>, StoreError> {
        let chain = self.past.chain;
        for (at, layer) in self.past.layers.iter().enumerate() {
            if let Some(local) = self.known.numbering.local(at, number) {
                let address = layer.address(chain, local)?;
                return Ok(address.map(|address| Account { chain, address }));
            }
        }
        Ok(None)
    }

    pub fn transfer(&self, ordinal: u64) -> Result<Option<Transfer>, StoreError> {
        let after = self.known.layers.partition_point(|layer| layer.first_row <= ordinal);
        let Some(at) = after.checked_sub(1) else { return Ok(None) };
        let layer = &self.past.layers[at];
        let Ok(row) = u32::try_from(ordinal - self.known.layers[at].first_row) else {
            return Ok(None);
        };
        if row >= layer.segment.head().rows || layer.is_masked_row(layer.veil()?, row) {
            return Ok(None);
        }
        layer.segment.transfer(row)
    }

    /// Bitcoin: one number for all rows of a transaction, wherever its entries are.
    pub fn transaction(&self, at: usize, entry: u32) -> Result<u64, StoreError> {
        let segment = &self.past.layers[at].segment;
        let known = segment.entry(entry)?;
        let first = match known.is_utxo {
            true => entry,
            false => segment.entries_of(known.hash.bytes())?.first().copied().unwrap_or(entry),
        };
        Ok(self.known.layers[at].first_entry + u64::from(first))
    }

    /// Bitcoin: the ordinal of the output an input row spends, where that is visible.
    pub fn spent(&self, at: usize, row: u32) -> Result<u64, StoreError> {
        let own = &self.past.layers[at];
        if let Some((entry, index)) = own.segment.previous_entry(row)?
            && own.is_visible(entry)
            && let Some(row) = own.output_in(entry, index)?
        {
            return Ok(self.known.layers[at].first_row + u64::from(row));
        }
        let Some((hash, index)) = own.segment.previous(row)? else {
            return Ok(ColumnBatch::NONE);
        };
        for (at, layer) in self.past.layers.iter().enumerate() {
            if let Some(row) = layer.output_row(&hash, index)? {
                return Ok(self.known.layers[at].first_row + u64::from(row));
            }
        }
        Ok(ColumnBatch::NONE)
    }
}

impl Visible {
    /// The row of a visible transaction's output.
    fn output_row(&self, hash: &TxHash, index: u32) -> Result<Option<u32>, StoreError> {
        if !self.segment.may_hold(hash.bytes())? {
            return Ok(None);
        }
        for entry in self.segment.entries_of(hash.bytes())? {
            if self.is_visible(entry)
                && let Some(row) = self.output_in(entry, index)?
            {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// Rows of an entry are in order of position.
    fn output_in(&self, entry: u32, index: u32) -> Result<Option<u32>, StoreError> {
        let wanted = Some(Position::Output(index));
        let Range { mut start, mut end } = self.segment.entry_rows(entry)?;
        while start < end {
            let middle = start + (end - start) / 2;
            // A call's path sorts after every output, whether or not it is short.
            let found = self.segment.short_position(middle)?;
            match found.is_none() || found > wanted {
                true => end = middle,
                false if found == wanted => return Ok(Some(middle)),
                false => start = middle + 1,
            }
        }
        Ok(None)
    }
}
