//! Reading columns window by window, in either direction of time.
//!
//! A window holds whole moments: what happened at one time is never torn apart, since
//! within a moment the order may not be known. Columns only go forward; backward, one
//! reading notes where windows start, and then they are read from the last to the first.

use std::ops::Range;

use model::{ColumnBatch, Columns, Direction, Timestamp, ViewError};

/// Transfers in a window, unless one moment has more.
const WINDOW: usize = 1 << 16;

/// What one reading tells of a chain.
#[derive(Default)]
pub struct Survey {
    /// Transfers of each account: those it sent and those it received.
    pub degrees: Vec<u32>,
    /// Accounts that ever paid a swap venue.
    pub pays_venue: Vec<bool>,
    /// Where windows start.
    marks: Vec<Timestamp>,
}

impl Survey {
    pub fn read(columns: &mut dyn Columns, is_venue: &[bool]) -> Result<Survey, ViewError> {
        let count = columns.account_count();
        let mut survey =
            Survey { degrees: vec![0; count], pays_venue: vec![false; count], marks: Vec::new() };
        let mut batch = ColumnBatch::default();
        let mut since_mark = 0;
        columns.rewind(None)?;
        while columns.next(&mut batch)? {
            for n in 0..batch.len() {
                let (from, to) = (batch.from[n] as usize, batch.to[n] as usize);
                for account in [from, to] {
                    if let Some(degree) = survey.degrees.get_mut(account) {
                        *degree = degree.saturating_add(1);
                    }
                }
                if is_venue.get(to) == Some(&true)
                    && let Some(pays) = survey.pays_venue.get_mut(from)
                {
                    *pays = true;
                }
                let is_new = survey.marks.last().is_none_or(|mark| *mark != batch.times[n]);
                if is_new && (survey.marks.is_empty() || since_mark >= WINDOW) {
                    survey.marks.push(batch.times[n]);
                    since_mark = 0;
                }
                since_mark += 1;
            }
        }
        Ok(survey)
    }

    /// Every window, the first in the direction first.
    pub fn each_window(
        &self,
        columns: &mut dyn Columns,
        direction: Direction,
        visit: &mut dyn FnMut(&ColumnBatch),
    ) -> Result<(), ViewError> {
        let windows = (0..self.marks.len()).map(|n| (self.marks[n], self.marks.get(n + 1)));
        let mut window = ColumnBatch::default();
        match direction {
            Direction::Forward => {
                let mut rest = ColumnBatch::default();
                columns.rewind(None)?;
                for (_, end) in windows {
                    fill(columns, end, &mut window, &mut rest)?;
                    visit(&window);
                }
            }
            Direction::Backward => {
                for (start, end) in windows.rev() {
                    let mut rest = ColumnBatch::default();
                    columns.rewind(Some(start))?;
                    fill(columns, end, &mut window, &mut rest)?;
                    visit(&window);
                }
            }
        }
        Ok(())
    }
}

/// Reads up to a time; what was read beyond it is the rest, and comes first next time.
fn fill(
    columns: &mut dyn Columns,
    end: Option<&Timestamp>,
    window: &mut ColumnBatch,
    rest: &mut ColumnBatch,
) -> Result<(), ViewError> {
    window.clear();
    let mut batch = std::mem::take(rest);
    loop {
        let inside = end.map_or(batch.len(), |end| batch.times.partition_point(|time| time < end));
        append(window, &batch, 0..inside);
        if inside < batch.len() {
            append(rest, &batch, inside..batch.len());
            return Ok(());
        }
        if !columns.next(&mut batch)? {
            return Ok(());
        }
    }
}

fn append(to: &mut ColumnBatch, from: &ColumnBatch, range: Range<usize>) {
    to.ordinals.extend_from_slice(&from.ordinals[range.clone()]);
    to.from.extend_from_slice(&from.from[range.clone()]);
    to.to.extend_from_slice(&from.to[range.clone()]);
    to.assets.extend_from_slice(&from.assets[range.clone()]);
    to.amounts.extend_from_slice(&from.amounts[range.clone()]);
    to.times.extend_from_slice(&from.times[range.clone()]);
    to.kinds.extend_from_slice(&from.kinds[range.clone()]);
    to.transactions.extend_from_slice(&from.transactions[range.clone()]);
    to.spends.extend_from_slice(&from.spends[range]);
}

/// A window's moments, the first in the direction first.
pub fn moments(window: &ColumnBatch, direction: Direction) -> Vec<Range<usize>> {
    let mut moments = Vec::new();
    let mut start = 0;
    for moment in window.times.chunk_by(|a, b| a == b) {
        moments.push(start..start + moment.len());
        start += moment.len();
    }
    if direction == Direction::Backward {
        moments.reverse();
    }
    moments
}
