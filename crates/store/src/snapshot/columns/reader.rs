//! One layer's rows, decoded a group at a time.

use std::ops::Range;

use model::ColumnBatch;
use model::Timestamp;

use super::names::Names;
use crate::StoreError;
use crate::segment::{EntryColumns, NOBODY, RowColumns, Segment};
use crate::snapshot::past::{Key, Past, Veil, Visible};

pub(super) struct Reader<'a> {
    at: usize,
    layer: &'a Visible,
    veil: Option<&'a Veil>,
    /// Not put yet.
    left: Range<u32>,
    rows: RowColumns,
    entries: EntryColumns,
    /// Of the entry that the next row is in.
    pub key: Option<Key>,
}

impl<'a> Reader<'a> {
    pub fn new(
        past: &'a Past,
        at: usize,
        since: Option<Timestamp>,
    ) -> Result<Reader<'a>, StoreError> {
        let layer = &past.layers[at];
        Ok(Reader {
            at,
            layer,
            veil: layer.veil()?,
            left: layer.rows_between(since, None)?,
            rows: RowColumns::default(),
            entries: EntryColumns::default(),
            key: None,
        })
    }

    pub fn is_done(&self) -> bool {
        self.left.is_empty()
    }

    /// Has the group of the next row in `rows`. False at the end.
    pub fn load(&mut self) -> Result<bool, StoreError> {
        if self.left.is_empty() {
            return Ok(false);
        }
        let group = self.left.start / Segment::GROUP;
        if self.rows.entries.is_empty() || self.rows.first != group * Segment::GROUP {
            self.layer.segment.rows(group, &mut self.rows)?;
        }
        Ok(true)
    }

    pub fn find_key(&mut self) -> Result<(), StoreError> {
        if self.key.is_none() {
            self.key = Some(self.layer.key(self.left.start)?);
        }
        Ok(())
    }

    /// The rest of the group.
    pub fn put_group(
        &mut self,
        names: &Names<'_>,
        batch: &mut ColumnBatch,
    ) -> Result<(), StoreError> {
        let start = self.index();
        let end = self.rows.entries.len().min(start + self.left.len());
        self.put(start..end, names, batch)
    }

    /// The rest of the entry that the next row is in, as far as this group holds it.
    pub fn put_entry(
        &mut self,
        names: &Names<'_>,
        batch: &mut ColumnBatch,
    ) -> Result<(), StoreError> {
        let start = self.index();
        let same = self.rows.entries[start..].partition_point(|e| *e <= self.rows.entries[start]);
        self.key = None;
        self.put(start..start + same.min(self.left.len()), names, batch)
    }

    fn index(&self) -> usize {
        (self.left.start - self.rows.first) as usize
    }

    fn put(
        &mut self,
        rows: Range<usize>,
        names: &Names<'_>,
        batch: &mut ColumnBatch,
    ) -> Result<(), StoreError> {
        for at in rows {
            let row = self.left.start;
            self.left.start += 1;
            if self.rows.flags[at].is_hidden || self.layer.is_masked_row(self.veil, row) {
                continue;
            }
            self.put_row(at, row, names, batch)?;
        }
        Ok(())
    }

    fn put_row(
        &mut self,
        at: usize,
        row: u32,
        names: &Names<'_>,
        batch: &mut ColumnBatch,
    ) -> Result<(), StoreError> {
        let entry = self.rows.entries[at];
        let time = self.time(entry)?;
        let known = names.layer(self.at);
        let is_utxo = names.past.chain.is_utxo();
        batch.ordinals.push(known.first_row + u64::from(row));
        batch.from.push(names.numbering.number(self.at, self.rows.from[at]));
        batch.to.push(names.numbering.number(self.at, self.rows.to[at]));
        batch.assets.push(known.assets[self.rows.assets[at] as usize]);
        batch.amounts.push(self.rows.amounts[at]);
        batch.times.push(time);
        batch.kinds.push(self.rows.flags[at].kind);
        batch.transactions.push(match is_utxo {
            true => names.transaction(self.at, entry)?,
            false => 0,
        });
        batch.spends.push(match self.rows.flags[at].has_previous {
            true => names.spent(self.at, row)?,
            false => ColumnBatch::NONE,
        });
        Ok(())
    }

    fn time(&mut self, entry: u32) -> Result<Timestamp, StoreError> {
        let page = entry / Segment::GROUP;
        if self.entries.times.is_empty() || self.entries.first != page * Segment::GROUP {
            self.layer.segment.entries(page, &mut self.entries)?;
        }
        Ok(self.entries.times[(entry - self.entries.first) as usize])
    }
}

const _: () = assert!(NOBODY == ColumnBatch::NOBODY, "nobody is nobody in columns too");
