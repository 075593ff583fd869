//! Everything of a chain in order of time.

use std::ops::{ControlFlow, Range};

use model::{Timestamp, Transfer};

use super::past::{Past, Visible};
use crate::StoreError;

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

/// Reads one layer's transfers in their order.
struct Reader<'a> {
    layer: &'a Visible,
    rows: Range<u32>,
    next: Option<Transfer>,
}

impl<'a> Reader<'a> {
    fn new(
        layer: &'a Visible,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Reader<'a>, StoreError> {
        let rows = layer.rows_between(since, until)?;
        Ok(Reader { layer, rows, next: None })
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        self.next = None;
        let veil = self.layer.veil()?;
        for row in self.rows.by_ref() {
            if self.layer.is_masked_row(veil, row) {
                continue;
            }
            self.next = self.layer.segment.transfer(row)?;
            if self.next.is_some() {
                break;
            }
        }
        Ok(())
    }
}
