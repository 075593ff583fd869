//! What of one chain is visible: its layers in order of time.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use model::{Account, Address, Chain, Coverage, Direction, Timestamp, Transfer, TxHash};
use roaring::RoaringBitmap;

use super::moments::Moments;
use super::numbering::Numbering;
use crate::StoreError;
use crate::layers::{Layer, SegmentId};
use crate::segment::{Entry, NOBODY, RowColumns, Segment, Whole};

/// One chain.
pub(super) struct Past {
    pub chain: Chain,
    /// Those that hold anything, by the time of their first transfer.
    pub layers: Vec<Arc<Visible>>,
    numbering: OnceLock<Arc<Numbering>>,
}

/// One segment without what is masked of it.
pub(super) struct Visible {
    pub id: SegmentId,
    pub segment: Arc<Segment>,
    /// Entries.
    pub masked: Arc<RoaringBitmap>,
    veil: OnceLock<Veil>,
    moments: OnceLock<Option<Moments>>,
    pub covered: OnceLock<Coverage>,
}

/// What the masks of a layer take away, worked out when first asked for.
#[derive(Default)]
pub(super) struct Veil {
    /// Masked rows.
    pub rows: RoaringBitmap,
    /// Of each address that lost any: how many transfers, sent and received.
    pub sent: HashMap<u32, u64>,
    pub received: HashMap<u32, u64>,
    /// Masked transfers: hidden rows are none.
    pub transfers: u64,
}

/// What orders rows of several layers: a transaction is visible in one of them only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub time: Timestamp,
    pub height: Option<u64>,
    pub tx_index: Option<u32>,
    pub hash: TxHash,
}

impl Past {
    pub fn new(chain: Chain, layers: &[Layer], earlier: Option<&Past>) -> Past {
        let known = |layer: &Layer| {
            let known = earlier?.layers.iter().find(|known| known.id == layer.id)?;
            let is_same =
                Arc::ptr_eq(&known.segment, &layer.segment) && known.masked == layer.masked;
            is_same.then(|| Arc::clone(known))
        };
        let mut layers: Vec<Arc<Visible>> = layers
            .iter()
            .map(|layer| known(layer).unwrap_or_else(|| Arc::new(Visible::new(layer))))
            .collect();
        layers.sort_by_key(|layer| (layer.segment.head().time_first, layer.id));
        Past { chain, layers, numbering: OnceLock::new() }
    }

    /// An address of another family is nobody here.
    pub fn bytes<'a>(&self, account: &'a Account) -> Option<&'a [u8]> {
        let is_of_family = matches!(
            (&account.address, self.chain),
            (Address::Bitcoin(_), Chain::Bitcoin(_))
                | (Address::Evm(_), Chain::Evm(_))
                | (Address::Tron(_), Chain::Tron(_))
                | (Address::Solana(_), Chain::Solana(_))
        );
        is_of_family.then(|| account.address.bytes())
    }

    /// Numbered when first asked for.
    pub fn numbering(&self) -> Result<Arc<Numbering>, StoreError> {
        if self.numbering.get().is_none() {
            let _ = self.numbering.set(Arc::new(Numbering::of(self)?));
        }
        let known = self.numbering.get();
        Ok(Arc::clone(known.expect("it was set above, by this thread or another")))
    }

    /// Runs of layers that share time, in order: layers of different runs need no comparing.
    pub fn runs<'a>(&self, layers: impl Iterator<Item = usize> + 'a) -> Vec<Vec<usize>> {
        let mut runs: Vec<Vec<usize>> = Vec::new();
        let mut end: Option<Timestamp> = None;
        for at in layers {
            let head = self.layers[at].segment.head();
            let starts_later = head.time_first > end;
            match runs.last_mut() {
                Some(run) if !starts_later => run.push(at),
                _ => runs.push(vec![at]),
            }
            end = end.max(head.time_last);
        }
        runs
    }
}

impl Visible {
    fn new(layer: &Layer) -> Visible {
        Visible {
            id: layer.id,
            segment: Arc::clone(&layer.segment),
            masked: Arc::clone(&layer.masked),
            veil: OnceLock::new(),
            moments: OnceLock::new(),
            covered: OnceLock::new(),
        }
    }

    pub fn is_visible(&self, entry: u32) -> bool {
        self.masked.is_empty() || !self.masked.contains(entry)
    }

    /// None where nothing is masked.
    pub fn veil(&self) -> Result<Option<&Veil>, StoreError> {
        if self.masked.is_empty() {
            return Ok(None);
        }
        if self.veil.get().is_none() {
            // Two threads may both work it out; they come to the same.
            let _ = self.veil.set(Veil::of(&self.segment, &self.masked)?);
        }
        Ok(self.veil.get())
    }

    /// None where rows are better asked one by one.
    pub fn moments(&self) -> Result<Option<&Moments>, StoreError> {
        if self.moments.get().is_none() {
            let _ = self.moments.set(Moments::of(&self.segment)?);
        }
        Ok(self.moments.get().and_then(Option::as_ref))
    }

    /// The rows of a time range. A transfer at `until` is in it.
    pub fn rows_between(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Range<u32>, StoreError> {
        let head = self.segment.head();
        let (Some(first), Some(last)) = (head.time_first, head.time_last) else { return Ok(0..0) };
        let start = match since {
            Some(since) if since > first => self.row_at(since)?,
            _ => 0,
        };
        let end = match until {
            Some(until) if until < last => self.row_at(after(until))?,
            _ => head.rows,
        };
        Ok(start..end.max(start))
    }

    /// The first row not before this time.
    fn row_at(&self, time: Timestamp) -> Result<u32, StoreError> {
        let entry = self.segment.entry_at(time)?;
        if entry == self.segment.head().entries {
            return Ok(self.segment.head().rows);
        }
        Ok(self.segment.entry_rows(entry)?.start)
    }

    /// The first row that comes after a transfer of another layer.
    pub fn first_row_after(&self, key: &Key) -> Result<u32, StoreError> {
        let head = self.segment.head();
        let mut entry = self.segment.entry_at(key.time)?;
        while entry < head.entries {
            let known = self.segment.entry(entry)?;
            if known.key() > *key {
                return Ok(known.rows.start);
            }
            entry += 1;
        }
        Ok(head.rows)
    }

    pub fn key(&self, row: u32) -> Result<Key, StoreError> {
        Ok(self.segment.entry(self.segment.row_entry(row)?)?.key())
    }

    /// May it hold transfers in this range?
    pub fn is_between(&self, since: Option<Timestamp>, until: Option<Timestamp>) -> bool {
        let head = self.segment.head();
        let (Some(first), Some(last)) = (head.time_first, head.time_last) else { return false };
        since.is_none_or(|since| last >= since) && until.is_none_or(|until| first <= until)
    }

    /// Are all of its transfers in this range?
    pub fn is_within(&self, since: Option<Timestamp>, until: Option<Timestamp>) -> bool {
        let head = self.segment.head();
        let (Some(first), Some(last)) = (head.time_first, head.time_last) else { return true };
        since.is_none_or(|since| first >= since) && until.is_none_or(|until| last <= until)
    }

    /// Where in a list of postings the first one is that is not before this row.
    pub fn first_posting(
        &self,
        direction: Direction,
        postings: Range<u64>,
        row: u32,
    ) -> Result<u64, StoreError> {
        let Range { mut start, mut end } = postings;
        while start < end {
            let middle = start + (end - start) / 2;
            if self.segment.posting(direction, middle)?.0 < row {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        Ok(start)
    }

    /// A visible row that is not hidden, whole.
    pub fn transfer(&self, row: u32) -> Result<Transfer, StoreError> {
        self.segment.transfer(row)?.ok_or_else(|| self.hidden(row))
    }

    /// As [`Visible::transfer`], of what was read already.
    pub fn shown(&self, whole: &Whole<'_>) -> Result<Transfer, StoreError> {
        whole.transfer(&self.segment)?.ok_or_else(|| self.hidden(whole.row))
    }

    #[cold]
    fn hidden(&self, row: u32) -> StoreError {
        let doing = format!("read row {row} of segment {}", self.id);
        StoreError::value(doing, "it is listed as a transfer and marked as hidden")
    }

    /// None for nobody.
    pub fn address(&self, chain: Chain, number: u32) -> Result<Option<Address>, StoreError> {
        if number == NOBODY {
            return Ok(None);
        }
        let bytes = self.segment.address(number)?;
        let address = Address::from_bytes(bytes, chain).ok_or_else(|| {
            let doing = format!("read address {number} of segment {}", self.id);
            StoreError::value(doing, format!("{} bytes are no address of {chain}", bytes.len()))
        })?;
        Ok(Some(address))
    }

    pub fn is_masked_row(&self, veil: Option<&Veil>, row: u32) -> bool {
        veil.is_some_and(|veil| veil.rows.contains(row))
    }
}

/// The first moment after this one.
fn after(time: Timestamp) -> Timestamp {
    time.checked_add(std::time::Duration::from_nanos(1)).unwrap_or(Timestamp::MAX)
}

impl Entry {
    fn key(&self) -> Key {
        let Entry { hash, time, height, tx_index, .. } = *self;
        Key { time, height, tx_index, hash }
    }
}

impl Veil {
    fn of(segment: &Segment, masked: &RoaringBitmap) -> Result<Veil, StoreError> {
        let mut veil = Veil::default();
        for entry in masked {
            veil.rows.insert_range(segment.entry_rows(entry)?);
        }
        let mut columns = RowColumns::default();
        let mut group = None;
        for row in &veil.rows {
            if group != Some(row / Segment::GROUP) {
                group = Some(row / Segment::GROUP);
                segment.rows(row / Segment::GROUP, &mut columns)?;
            }
            let at = (row - columns.first) as usize;
            if columns.flags[at].is_hidden {
                continue;
            }
            veil.transfers += 1;
            for (counts, address) in
                [(&mut veil.sent, columns.from[at]), (&mut veil.received, columns.to[at])]
            {
                if address != NOBODY {
                    *counts.entry(address).or_default() += 1;
                }
            }
        }
        Ok(veil)
    }

    pub fn lost(&self, direction: Direction, address: u32) -> u64 {
        let counts = match direction {
            Direction::Forward => &self.sent,
            Direction::Backward => &self.received,
        };
        counts.get(&address).copied().unwrap_or(0)
    }
}
