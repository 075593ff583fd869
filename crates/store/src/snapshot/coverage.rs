//! Degrees, and what of a chain is held: from tables, rows only where a mask takes some away.

use std::collections::BTreeMap;

use model::{Account, Chain, Coverage, Degree, Direction, TimeSource};

use super::past::{Past, Visible};
use crate::StoreError;
use crate::segment::{EntryColumns, RowColumns, Segment, Shown};

pub(super) fn degrees(
    chains: &BTreeMap<Chain, Past>,
    accounts: &[Account],
) -> Result<Vec<Degree>, StoreError> {
    let mut degrees = vec![Degree::default(); accounts.len()];
    for past in chains.values() {
        let (at, names): (Vec<usize>, Vec<&[u8]>) = accounts
            .iter()
            .enumerate()
            .filter(|(_, account)| account.chain == past.chain)
            .filter_map(|(at, account)| Some((at, past.bytes(account)?)))
            .unzip();
        let mut numbers = Vec::new();
        for layer in &past.layers {
            numbers.clear();
            layer.segment.address_numbers(&names, &mut numbers)?;
            for (at, number) in at.iter().zip(&numbers) {
                let Some(number) = number else { continue };
                degrees[*at].sent += layer.degree(Direction::Forward, *number)?;
                degrees[*at].received += layer.degree(Direction::Backward, *number)?;
            }
        }
    }
    Ok(degrees)
}

impl Visible {
    fn degree(&self, direction: Direction, address: u32) -> Result<u64, StoreError> {
        let postings = self.segment.postings(direction, address)?;
        let lost = self.veil()?.map_or(0, |veil| veil.lost(direction, address));
        Ok((postings.end - postings.start).saturating_sub(lost))
    }
}

impl Past {
    pub fn coverage(&self) -> Result<Coverage, StoreError> {
        let mut all = Coverage::nothing(self.chain);
        for layer in &self.layers {
            let one = layer.coverage(self.chain)?;
            all.transfers += one.transfers;
            all.height_first = all.height_first.into_iter().chain(one.height_first).min();
            all.height_last = all.height_last.max(one.height_last);
            all.time_first = all.time_first.into_iter().chain(one.time_first).min();
            all.time_last = all.time_last.max(one.time_last);
        }
        Ok(all)
    }
}

impl Visible {
    fn coverage(&self, chain: Chain) -> Result<&Coverage, StoreError> {
        if self.covered.get().is_none() {
            let _ = self.covered.set(self.counted(chain)?);
        }
        Ok(self.covered.get().expect("it was set above, by this thread or another"))
    }

    /// As its head says; by reading all rows where that is old, or where a mask may have taken
    /// the first or the last.
    fn counted(&self, chain: Chain) -> Result<Coverage, StoreError> {
        let mut coverage = Coverage::nothing(chain);
        let head = self.segment.head();
        if let (Some(Shown { heights, times }), true) = (head.shown, self.masked.is_empty()) {
            coverage.transfers = u64::from(head.transfers);
            (coverage.height_first, coverage.height_last) = heights.unzip();
            (coverage.time_first, coverage.time_last) = times.unzip();
            return Ok(coverage);
        }
        let veil = self.veil()?;
        let (mut rows, mut entries) = (RowColumns::default(), EntryColumns::default());
        for group in 0..self.segment.head().rows.div_ceil(Segment::GROUP) {
            self.segment.rows(group, &mut rows)?;
            for (row, (entry, flags)) in (rows.first..).zip(rows.entries.iter().zip(&rows.flags)) {
                if flags.is_hidden || self.is_masked_row(veil, row) {
                    continue;
                }
                let page = entry / Segment::GROUP;
                if entries.times.is_empty() || entries.first != page * Segment::GROUP {
                    self.segment.entries(page, &mut entries)?;
                }
                let at = (entry - entries.first) as usize;
                coverage.transfers += 1;
                let height = entries.heights[at];
                coverage.height_first = coverage.height_first.into_iter().chain(height).min();
                coverage.height_last = coverage.height_last.max(height);
                if flags.time_source != TimeSource::Unknown {
                    let time = Some(entries.times[at]);
                    coverage.time_first = coverage.time_first.into_iter().chain(time).min();
                    coverage.time_last = coverage.time_last.max(time);
                }
            }
        }
        Ok(coverage)
    }
}
