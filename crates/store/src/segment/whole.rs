//! Many rows whole, in the order of the file.
//!
//! Whoever wants many rows wants several of most groups. A group is unpacked column by column where
//! enough of it is wanted, and value by value where not; entries likewise. The addresses and hashes a
//! group's rows name are asked of memory together, so that it is waited for once a group rather than
//! three times a row. Nothing is copied that the visitor does not take.

use std::borrow::Cow;

use model::{Address, Asset, Position, Timestamp, Transfer, TxHash, TxId, U256};

use super::bytes::Checked;
use super::entries::{EntryPage, EntryRecord};
use super::rows::{RawRow, RowScratch};
use super::{NOBODY, RowFlags, Segment};
use crate::StoreError;

/// A row with all that it names, as it lies in its segment.
#[derive(Clone, Debug)]
pub struct Whole<'a> {
    pub row: u32,
    /// 32 bytes, or 64.
    pub hash: &'a [u8],
    pub time: Timestamp,
    pub height: Option<u64>,
    pub tx_index: Option<u32>,
    pub from: Option<&'a [u8]>,
    pub to: Option<&'a [u8]>,
    pub asset: Cow<'a, Asset>,
    pub amount: U256,
    pub position: Position,
    pub flags: RowFlags,
}

/// From so many rows of a group on, its columns are unpacked whole.
const MANY: usize = 96;

impl Segment {
    /// Calls back with each of these rows and its place among them. Rows must not descend; one that
    /// is asked for twice is told twice. Hidden rows are told too: see [`RowFlags::is_hidden`].
    pub fn each_whole(
        &self,
        rows: &[u32],
        mut visit: impl FnMut(usize, &Whole<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        debug_assert!(rows.is_sorted(), "groups are read once, one after the other");
        let mut reading = Reading::default();
        let mut at = 0;
        for rows in rows.chunk_by(|a, b| a / Segment::GROUP == b / Segment::GROUP) {
            reading.load(self, rows)?;
            for (n, row) in rows.iter().enumerate() {
                let whole = reading.whole(self, n, *row)?;
                visit(at + n, &whole)?;
            }
            at += rows.len();
        }
        Ok(())
    }

    /// As [`Segment::asset`], without a copy where it is kept decoded.
    pub fn kept_asset(&self, number: u32) -> Result<Cow<'_, Asset>, StoreError> {
        let kept = self.assets.get(number as usize);
        match kept.and_then(std::sync::OnceLock::get) {
            Some(asset) => Ok(Cow::Borrowed(asset)),
            None => self.asset(number).map(Cow::Owned),
        }
    }

    /// Has the cache fetch what a row names.
    fn prefetch_named(&self, row: &RawRow) {
        self.addresses.prefetch(&self.region, row.from);
        self.addresses.prefetch(&self.region, row.to);
    }
}

/// Memory that groups are decoded into.
#[derive(Default)]
struct Reading {
    columns: RowScratch,
    rows: Vec<(RawRow, Position)>,
    is_dense: bool,
    page: EntryPage,
    /// Rows of an entry lie together.
    entry: Option<(u32, EntryRecord)>,
}

impl Reading {
    /// Decodes rows of one group.
    fn load(&mut self, segment: &Segment, rows: &[u32]) -> Result<(), StoreError> {
        self.is_dense = rows.len() >= MANY;
        let Reading { columns, rows: out, is_dense, .. } = self;
        segment.rows.some(&segment.region, rows, *is_dense, columns, out)?;
        out.iter().for_each(|(row, _)| segment.prefetch_named(row));
        Ok(())
    }

    fn whole<'a>(
        &mut self,
        segment: &'a Segment,
        n: usize,
        number: u32,
    ) -> Result<Whole<'a>, StoreError> {
        let entry = self.rows[n].0.entry;
        let record = match self.entry {
            Some((known, record)) if known == entry => record,
            _ => self.record(segment, entry)?,
        };
        self.entry = Some((entry, record));
        let (row, position) = &mut self.rows[n];
        let address = |number: u32| match number {
            NOBODY => Ok(None),
            number => segment.addresses.get(&segment.region, number).map(Some),
        };
        Ok(Whole {
            row: number,
            hash: segment.hash(entry)?,
            time: record.time,
            height: record.height,
            tx_index: record.tx_index,
            from: address(row.from)?,
            to: address(row.to)?,
            asset: segment.kept_asset(row.asset)?,
            amount: row
                .amount
                .amount()
                .ok_or_else(|| segment.odd("an amount is beyond 256 bits"))?,
            position: std::mem::replace(position, Position::Fee),
            flags: row.flags,
        })
    }

    fn record(&mut self, segment: &Segment, entry: u32) -> Checked<EntryRecord> {
        match self.is_dense {
            true => segment.entries.record_of_page(&segment.region, entry, &mut self.page),
            false => segment.entries.record(&segment.region, entry),
        }
    }
}

impl Whole<'_> {
    /// The same as a value of its own. None where the row is hidden.
    ///
    /// # Errors
    /// When an address or hash has a length its chain does not know.
    pub fn transfer(&self, segment: &Segment) -> Result<Option<Transfer>, StoreError> {
        if self.flags.is_hidden {
            return Ok(None);
        }
        let chain = segment.head.chain;
        let address = |bytes: Option<&[u8]>| -> Checked<Option<Address>> {
            let Some(bytes) = bytes else { return Ok(None) };
            let address = Address::from_bytes(bytes, chain);
            address.map(Some).ok_or_else(|| segment.odd("an address is none of its chain"))
        };
        let hash: TxHash = segment.tx_hash(self.hash)?;
        Ok(Some(Transfer {
            tx: TxId { chain, hash },
            position: self.position.clone(),
            height: self.height,
            tx_index: self.tx_index,
            time: self.time,
            time_source: self.flags.time_source,
            from: address(self.from)?,
            to: address(self.to)?,
            asset: self.asset.clone().into_owned(),
            amount: self.amount,
            kind: self.flags.kind,
        }))
    }
}
