//! The postings of one account in several layers, as one list in order of time.
//!
//! Layers that share no time are taken one after the other, unread until it is their turn. Those that
//! do are compared entry by entry; of each only as many postings are read as are asked for.

use std::collections::VecDeque;
use std::ops::Range;

use model::Direction;

use super::expand::Filter;
use super::past::{Key, Past, Veil, Visible};
use crate::StoreError;

/// How many postings are decoded at once.
const CHUNK: u64 = 128;

/// Ascending forward, descending backward.
pub(super) struct Merge<'a> {
    direction: Direction,
    filters: &'a [Filter],
    waiting: VecDeque<Vec<Cursor<'a>>>,
    /// Those that share time with each other: mostly one.
    open: Vec<Cursor<'a>>,
}

impl<'a> Merge<'a> {
    /// Postings come by layer, ascending. `most` rows are wanted, and to know whether there is one more.
    pub fn new(
        past: &'a Past,
        direction: Direction,
        filters: &'a [Filter],
        most: usize,
        postings: impl Iterator<Item = (usize, Range<u64>)>,
    ) -> Merge<'a> {
        let chunk = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1).min(CHUNK);
        let mut merge = Merge { direction, filters, waiting: VecDeque::new(), open: Vec::new() };
        let mut end = None;
        for (at, postings) in postings {
            let layer = &past.layers[at];
            let cursor =
                Cursor { at, layer, chunk, postings, rows: Vec::new(), next: None, key: None };
            let head = layer.segment.head();
            match merge.waiting.back_mut() {
                Some(run) if head.time_first <= end => run.push(cursor),
                _ => merge.waiting.push_back(vec![cursor]),
            }
            end = end.max(head.time_last);
        }
        merge
    }

    /// The next row that passes and its layer.
    pub fn next(&mut self) -> Result<Option<(usize, u32)>, StoreError> {
        while self.open.is_empty() {
            let run = match self.direction {
                Direction::Forward => self.waiting.pop_front(),
                Direction::Backward => self.waiting.pop_back(),
            };
            let Some(run) = run else { return Ok(None) };
            for mut cursor in run {
                cursor.advance(self.direction, self.filters)?;
                if cursor.next.is_some() {
                    self.open.push(cursor);
                }
            }
        }
        let at = self.first()?;
        let cursor = &mut self.open[at];
        let next = cursor.next.map(|row| (cursor.at, row));
        cursor.advance(self.direction, self.filters)?;
        if cursor.next.is_none() {
            self.open.swap_remove(at);
        }
        Ok(next)
    }

    /// Which of the open cursors is next.
    fn first(&mut self) -> Result<usize, StoreError> {
        if self.open.len() == 1 {
            return Ok(0);
        }
        for cursor in &mut self.open {
            if let (None, Some(row)) = (&cursor.key, cursor.next) {
                cursor.key = Some(cursor.layer.key(row)?);
            }
        }
        let keys = self.open.iter().map(|cursor| &cursor.key).enumerate();
        let first = match self.direction {
            Direction::Forward => keys.min_by(|a, b| a.1.cmp(b.1)),
            Direction::Backward => keys.max_by(|a, b| a.1.cmp(b.1)),
        };
        Ok(first.map_or(0, |(at, _)| at))
    }
}

/// One layer's part, decoded in chunks.
struct Cursor<'a> {
    at: usize,
    layer: &'a Visible,
    chunk: u64,
    /// Not decoded yet.
    postings: Range<u64>,
    /// Decoded and not taken; the next one last.
    rows: Vec<u32>,
    next: Option<u32>,
    key: Option<Key>,
}

impl Cursor<'_> {
    fn advance(&mut self, direction: Direction, filters: &[Filter]) -> Result<(), StoreError> {
        (self.next, self.key) = (None, None);
        let filter = &filters[self.at];
        if filter.is_closed() {
            return Ok(());
        }
        let veil = self.layer.veil()?;
        loop {
            let Some(row) = self.rows.pop() else {
                if self.postings.is_empty() {
                    return Ok(());
                }
                self.decode(direction)?;
                continue;
            };
            let is_masked = veil.is_some_and(|veil: &Veil| veil.rows.contains(row));
            if !is_masked && filter.lets_through(self.layer, row)? {
                self.next = Some(row);
                return Ok(());
            }
        }
    }

    fn decode(&mut self, direction: Direction) -> Result<(), StoreError> {
        let Range { start, end } = self.postings;
        let count = self.chunk.min(end - start);
        let taken = match direction {
            Direction::Forward => start..start + count,
            Direction::Backward => end - count..end,
        };
        let mut neighbours = Vec::new();
        let segment = &self.layer.segment;
        segment.postings_into(direction, taken.clone(), &mut self.rows, &mut neighbours)?;
        match direction {
            Direction::Forward => {
                self.rows.reverse();
                self.postings.start = taken.end;
            }
            Direction::Backward => self.postings.end = taken.start,
        }
        Ok(())
    }
}
