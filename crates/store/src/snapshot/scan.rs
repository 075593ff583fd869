//! Everything of a chain in order of time.

use std::collections::VecDeque;
use std::ops::{ControlFlow, Range, RangeInclusive};

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
            let reader = |at: &usize| {
                let layer = &self.layers[*at];
                Ok(Reader::new(layer, [layer.rows_between(since, until)?]))
            };
            let readers: Result<Vec<Reader>, StoreError> = run.iter().map(reader).collect();
            if scan_run(readers?, visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The same of these heights. Pages that hold none of them are not read.
    pub fn scan_heights(
        &self,
        heights: &RangeInclusive<u64>,
        visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut visit = |transfer: &Transfer| match transfer.height {
            Some(height) if heights.contains(&height) => visit(transfer),
            _ => ControlFlow::Continue(()),
        };
        let asked = |at: &usize| self.layers[*at].segment.head().heights.is_some();
        for run in self.runs((0..self.layers.len()).filter(asked)) {
            let reader = |at: &usize| {
                let layer = &self.layers[*at];
                Ok(Reader::new(layer, layer.segment.rows_near_heights(heights)?))
            };
            let readers: Result<Vec<Reader>, StoreError> = run.iter().map(reader).collect();
            if scan_run(readers?, &mut visit)?.is_break() {
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
    /// Those that are left, ascending.
    rows: VecDeque<Range<u32>>,
    /// How many rows are read next: few at first, for whoever wants few.
    some: u32,
    ready: std::vec::IntoIter<Transfer>,
    next: Option<Transfer>,
}

impl<'a> Reader<'a> {
    const LEAST: u32 = 16;

    fn new(layer: &'a Visible, rows: impl IntoIterator<Item = Range<u32>>) -> Reader<'a> {
        let rows = rows.into_iter().filter(|rows| !rows.is_empty()).collect();
        Reader { layer, rows, some: Self::LEAST, ready: Vec::new().into_iter(), next: None }
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
        let Some(wanted) = self.rows.front_mut() else { return Ok(()) };
        let veil = self.layer.veil()?;
        // A group is unpacked once where all of it is wanted.
        let start = wanted.start;
        let group_end = (start / Segment::GROUP + 1).saturating_mul(Segment::GROUP);
        let end = wanted.end.min(group_end).min(start.saturating_add(self.some));
        let is_shown = |row: &u32| !self.layer.is_masked_row(veil, *row);
        let rows: Vec<u32> = (start..end).filter(is_shown).collect();
        wanted.start = end;
        if wanted.start >= wanted.end {
            self.rows.pop_front();
        }
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
