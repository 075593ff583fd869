//! Everything of a chain in order of time.

use std::ops::{ControlFlow, Range};

use model::{Timestamp, Transfer};

use super::past::{Past, Visible};
use crate::StoreError;
use crate::segment::Segment;

impl Past {
    pub fn scan(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let asked = |at: &usize| self.layers[*at].is_between(since, until);
        for run in self.runs((0..self.layers.len()).filter(asked)) {
            let readers = run.iter().map(|at| Reader::new(&self.layers[*at], since, until));
            let readers: Result<Vec<Reader>, StoreError> = readers.collect();
            if scan_run(readers?, visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Layers that share time, merged.
fn scan_run(
    mut readers: Vec<Reader>,
    visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, StoreError> {
    for reader in &mut readers {
        reader.advance()?;
    }
    loop {
        readers.retain(|reader| reader.next.is_some());
        let earliest_first = |a: &Reader, b: &Reader| match (&a.next, &b.next) {
            (Some(a), Some(b)) => a.cmp_time(b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        readers.sort_by(earliest_first);
        let Some((first, others)) = readers.split_first_mut() else {
            return Ok(ControlFlow::Continue(()));
        };
        let bound = others.first().and_then(|other| other.next.as_ref());
        while let Some(transfer) = &first.next {
            if bound.is_some_and(|bound| transfer.cmp_time(bound).is_gt()) {
                break;
            }
            if visit(transfer).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            first.advance()?;
        }
    }
}

/// Reads one layer's transfers in their order, some at a time.
struct Reader<'a> {
    layer: &'a Visible,
    rows: Range<u32>,
    /// How many rows are read next: few at first, for whoever wants few.
    some: u32,
    ready: std::vec::IntoIter<Transfer>,
    next: Option<Transfer>,
}

impl<'a> Reader<'a> {
    const LEAST: u32 = 16;

    fn new(
        layer: &'a Visible,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Reader<'a>, StoreError> {
        let rows = layer.rows_between(since, until)?;
        Ok(Reader { layer, rows, some: Self::LEAST, ready: Vec::new().into_iter(), next: None })
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        self.next = self.ready.next();
        while self.next.is_none() && !self.rows.is_empty() {
            self.read()?;
            self.next = self.ready.next();
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), StoreError> {
        let veil = self.layer.veil()?;
        // A group is unpacked once where all of it is wanted.
        let start = self.rows.start;
        let group_end = (start / Segment::GROUP + 1).saturating_mul(Segment::GROUP);
        let end = self.rows.end.min(group_end).min(start.saturating_add(self.some));
        let is_shown = |row: &u32| !self.layer.is_masked_row(veil, *row);
        let rows: Vec<u32> = (start..end).filter(is_shown).collect();
        self.rows.start = end;
        self.some = (self.some * 2).min(Segment::GROUP);
        let segment = &self.layer.segment;
        let mut ready = Vec::with_capacity(rows.len());
        segment.each_whole(&rows, |_, whole| {
            ready.extend(whole.transfer(segment)?);
            Ok(())
        })?;
        self.ready = ready.into_iter();
        Ok(())
    }
}
