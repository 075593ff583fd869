//! When each row of a layer was, from a small table.
//!
//! Most rows share their time with their block's, and rows are in the order of time: a table of where
//! each time begins is a few bytes a block. It is made when first asked for; a layer in which nearly
//! every row has a time of its own has none, and is read instead.

use model::Timestamp;

use crate::StoreError;
use crate::segment::{EntryColumns, Segment};

/// Tables up to this length are always made, longer ones where there are so many rows a time.
const ALWAYS: usize = 1 << 16;
const ROWS_MIN: usize = 8;

pub(super) struct Moments {
    /// The first row of each time, and the time.
    firsts: Vec<u32>,
    times: Vec<Timestamp>,
    /// By group of rows: the time its first row has. There is one more, the last time.
    groups: Vec<u32>,
}

impl Moments {
    /// None where the table would be too long.
    pub fn of(segment: &Segment) -> Result<Option<Moments>, StoreError> {
        let head = segment.head();
        let most = ALWAYS.max(head.rows as usize / ROWS_MIN);
        let (mut firsts, mut times): (Vec<u32>, Vec<Timestamp>) = (Vec::new(), Vec::new());
        let mut entries = EntryColumns::default();
        for page in 0..head.entries.div_ceil(Segment::GROUP) {
            segment.entries(page, &mut entries)?;
            for (first, time) in entries.first_rows.iter().zip(&entries.times) {
                if times.last() == Some(time) {
                    continue;
                }
                // An entry may have no rows.
                if firsts.last() == Some(first) {
                    firsts.pop();
                    times.pop();
                }
                firsts.push(*first);
                times.push(*time);
            }
            if firsts.len() > most {
                return Ok(None);
            }
        }
        let groups = groups(&firsts, head.rows);
        Ok(Some(Moments { firsts, times, groups }))
    }

    /// None for a row there is not.
    pub fn time(&self, row: u32) -> Option<Timestamp> {
        let group = (row / Segment::GROUP) as usize;
        let (low, high) = (*self.groups.get(group)?, *self.groups.get(group + 1)?);
        let (low, high) = (low as usize, high as usize + 1);
        let after = self.firsts.get(low..high)?.partition_point(|first| *first <= row);
        self.times.get((low + after).checked_sub(1)?).copied()
    }
}

fn groups(firsts: &[u32], rows: u32) -> Vec<u32> {
    let mut groups = Vec::with_capacity(rows.div_ceil(Segment::GROUP) as usize + 1);
    let (mut at, last) = (0u32, u32::try_from(firsts.len()).unwrap_or(u32::MAX).saturating_sub(1));
    for first in (0..rows).step_by(Segment::GROUP as usize) {
        while at < last && firsts[at as usize + 1] <= first {
            at += 1;
        }
        groups.push(at);
    }
    groups.push(last);
    groups
}
