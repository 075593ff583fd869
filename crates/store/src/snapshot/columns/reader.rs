//! One layer's rows, decoded a group at a time.

use std::ops::Range;

use model::{ColumnBatch, Timestamp};

use super::names::Names;
use crate::StoreError;
use crate::segment::{NOBODY, Segment, SweepColumns};
use crate::snapshot::past::{Key, Past, Veil, Visible};

pub(super) struct Reader<'a> {
    at: usize,
    layer: &'a Visible,
    veil: Option<&'a Veil>,
    /// Not put yet.
    left: Range<u32>,
    /// The group that is decoded.
    group: Option<u32>,
    rows: SweepColumns,
    /// The page of entries whose times are decoded.
    page: Option<u32>,
    times: Vec<Timestamp>,
    /// Of the entry that the next row is in.
    pub key: Option<Key>,
    /// An entry and the number of its transaction.
    transaction: Option<(u32, u64)>,
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
            group: None,
            rows: SweepColumns::default(),
            page: None,
            times: Vec::new(),
            key: None,
            transaction: None,
        })
    }

    pub fn is_done(&self) -> bool {
        self.left.is_empty()
    }

    /// Has the group of the next row decoded. False at the end.
    pub fn load(&mut self) -> Result<bool, StoreError> {
        if self.left.is_empty() {
            return Ok(false);
        }
        let group = self.left.start / Segment::GROUP;
        if self.group != Some(group) {
            self.layer.segment.sweep(group, &mut self.rows)?;
            self.group = Some(group);
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
        let is_whole = start == 0 && end == self.rows.entries.len();
        let is_shown = self.veil.is_none() && !self.rows.has_hidden;
        if is_whole && is_shown && batch.is_empty() {
            return self.give_group(names, batch);
        }
        self.put(start..end, names, batch)
    }

    /// A whole group of which all is shown: its columns are handed over rather than copied.
    fn give_group(&mut self, names: &Names<'_>, batch: &mut ColumnBatch) -> Result<(), StoreError> {
        let rows = 0..self.rows.entries.len();
        let first_row = self.left.start;
        self.left.start += u32::try_from(rows.len()).expect("a group has 1024 rows");
        std::mem::swap(&mut batch.amounts, &mut self.rows.amounts);
        std::mem::swap(&mut batch.kinds, &mut self.rows.kinds);
        self.group = None;
        self.put_rest(rows, first_row, names, batch)
    }

    /// The rest of the entry that the next row is in, as far as this group holds it.
    pub fn put_entry(
        &mut self,
        names: &Names<'_>,
        batch: &mut ColumnBatch,
    ) -> Result<(), StoreError> {
        let start = self.index();
        let entry = self.rows.entries[start];
        let same = self.rows.entries[start..].partition_point(|other| *other == entry);
        self.key = None;
        self.put(start..start + same.min(self.left.len()), names, batch)
    }

    /// The next row's place in its group.
    fn index(&self) -> usize {
        (self.left.start % Segment::GROUP) as usize
    }

    /// Rows of the group. Those that are shown next to each other go together.
    fn put(
        &mut self,
        rows: Range<usize>,
        names: &Names<'_>,
        batch: &mut ColumnBatch,
    ) -> Result<(), StoreError> {
        let first_row = self.left.start;
        self.left.start += u32::try_from(rows.len()).expect("a group has 1024 rows");
        if self.veil.is_none() && !self.rows.has_hidden {
            return self.put_shown(rows, first_row, names, batch);
        }
        let mut shown = rows.start..rows.start;
        for (row, at) in (first_row..).zip(rows.clone()) {
            if self.rows.flags[at].is_hidden || self.layer.is_masked_row(self.veil, row) {
                self.put_shown(shown.clone(), row_of(first_row, &rows, &shown), names, batch)?;
                shown.start = at + 1;
            }
            shown.end = at + 1;
        }
        self.put_shown(shown.clone(), row_of(first_row, &rows, &shown), names, batch)
    }

    fn put_shown(
        &mut self,
        rows: Range<usize>,
        first_row: u32,
        names: &Names<'_>,
        batch: &mut ColumnBatch,
    ) -> Result<(), StoreError> {
        batch.amounts.extend_from_slice(&self.rows.amounts[rows.clone()]);
        batch.kinds.extend_from_slice(&self.rows.kinds[rows.clone()]);
        self.put_rest(rows, first_row, names, batch)
    }

    /// All columns but amounts and kinds.
    fn put_rest(
        &mut self,
        rows: Range<usize>,
        first_row: u32,
        names: &Names<'_>,
        batch: &mut ColumnBatch,
    ) -> Result<(), StoreError> {
        let known = names.layer(self.at);
        let number = |local: &u32| names.known.numbering.number(self.at, *local);
        let first = known.first_row + u64::from(first_row);
        batch.ordinals.extend(first..first + rows.len() as u64);
        match names.known.numbering.is_plain() {
            true => {
                batch.from.extend_from_slice(&self.rows.from[rows.clone()]);
                batch.to.extend_from_slice(&self.rows.to[rows.clone()]);
            }
            false => {
                batch.from.extend(self.rows.from[rows.clone()].iter().map(number));
                batch.to.extend(self.rows.to[rows.clone()].iter().map(number));
            }
        }
        let assets = self.rows.assets[rows.clone()].iter();
        batch.assets.extend(assets.map(|asset| known.assets[*asset as usize]));
        self.put_times(rows.clone(), batch)?;
        if names.past.chain.is_utxo() {
            return self.put_spends(rows, first_row, names, batch);
        }
        batch.transactions.resize(batch.ordinals.len(), 0);
        batch.spends.resize(batch.ordinals.len(), ColumnBatch::NONE);
        Ok(())
    }

    fn put_times(&mut self, rows: Range<usize>, batch: &mut ColumnBatch) -> Result<(), StoreError> {
        let mut at = rows.start;
        while at < rows.end {
            let page = self.rows.entries[at] / Segment::GROUP;
            if self.page != Some(page) {
                self.layer.segment.entry_times(page, &mut self.times)?;
                self.page = Some(page);
            }
            let entries = &self.rows.entries[at..rows.end];
            let same = entries.partition_point(|entry| entry / Segment::GROUP == page);
            let time = |entry: &u32| self.times[(entry % Segment::GROUP) as usize];
            batch.times.extend(entries[..same].iter().map(time));
            at += same;
        }
        Ok(())
    }

    /// Bitcoin: which rows are one transaction, and which output an input spends.
    fn put_spends(
        &mut self,
        rows: Range<usize>,
        first_row: u32,
        names: &Names<'_>,
        batch: &mut ColumnBatch,
    ) -> Result<(), StoreError> {
        for (row, at) in (first_row..).zip(rows) {
            let entry = self.rows.entries[at];
            let number = match self.transaction {
                Some((known, number)) if known == entry => number,
                _ => names.transaction(self.at, entry)?,
            };
            self.transaction = Some((entry, number));
            batch.transactions.push(number);
            batch.spends.push(match self.rows.flags[at].has_previous {
                true => names.spent(self.at, row)?,
                false => ColumnBatch::NONE,
            });
        }
        Ok(())
    }
}

fn row_of(first_row: u32, rows: &Range<usize>, shown: &Range<usize>) -> u32 {
    first_row + u32::try_from(shown.start - rows.start).expect("a group has 1024 rows")
}

const _: () = assert!(NOBODY == ColumnBatch::NOBODY, "nobody is nobody in columns too");
