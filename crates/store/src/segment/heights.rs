//! Which rows are near some heights, without reading the others.

use std::ops::{Range, RangeInclusive};

use super::{Segment, entries};
use crate::StoreError;

impl Segment {
    /// Ranges of rows, ascending and apart, beside which none is at one of these heights. Some of theirs are not
    /// either: a page of entries is taken whole.
    pub fn rows_near_heights(
        &self,
        heights: &RangeInclusive<u64>,
    ) -> Result<Vec<Range<u32>>, StoreError> {
        let mut found: Vec<Range<u32>> = Vec::new();
        let are_there = |low: u64, high: u64| low <= *heights.end() && high >= *heights.start();
        if !self.head.heights.is_some_and(|(low, high)| are_there(low, high)) {
            return Ok(found);
        }
        for page in 0..self.entries.groups.group_count() {
            let group = self.entries.groups.group(&self.region, page)?;
            let (low, high) = group.bounds(entries::HEIGHT)?;
            if !are_there(low, high) {
                continue;
            }
            let first = u32::try_from(page).map_or(u32::MAX, |page| page * Segment::GROUP);
            let last = first.saturating_add(Segment::GROUP).min(self.head.entries) - 1;
            let rows = self.entry_rows(first)?.start..self.entry_rows(last)?.end;
            match found.last_mut() {
                Some(before) if before.end == rows.start => before.end = rows.end,
                _ => found.push(rows),
            }
        }
        Ok(found)
    }
}
