//! When a block was, as far as any source states it: what dates a transfer that
//! has a height and no time.

use model::{TimeSource, Timestamp, Transfer};

use crate::StoreError;
use crate::layers::Layer;

/// The stated times of the older layers and of the run that is settled.
pub(super) struct Times<'a> {
    layers: &'a [Layer],
    /// Sorted by height, one each: the latest, as in memory.
    run: Vec<(u64, Timestamp)>,
    /// Those of the run that no older layer knew, sorted.
    pub(super) news: Vec<(u64, Timestamp)>,
    last: Option<(u64, Option<(u64, Timestamp)>)>,
}

impl<'a> Times<'a> {
    pub(super) fn new(
        layers: &'a [Layer],
        mut told: Vec<(u64, Timestamp)>,
    ) -> Result<Times<'a>, StoreError> {
        told.sort_unstable();
        // The last of each height is the latest.
        let mut run: Vec<(u64, Timestamp)> = Vec::with_capacity(told.len());
        for (height, time) in told {
            match run.last_mut() {
                Some(last) if last.0 == height => last.1 = time,
                _ => run.push((height, time)),
            }
        }
        let mut times = Times { layers, run, news: Vec::new(), last: None };
        for at in 0..times.run.len() {
            let (height, time) = times.run[at];
            if times.in_layers(height)?.is_none_or(|known| known < (height, time)) {
                times.news.push((height, time));
            }
        }
        Ok(times)
    }

    /// The latest height up to this one whose time is stated, and the time.
    pub(super) fn at(&mut self, height: u64) -> Result<Option<(u64, Timestamp)>, StoreError> {
        if let Some((asked, answer)) = self.last
            && asked == height
        {
            return Ok(answer);
        }
        let after = self.run.partition_point(|(at, _)| *at <= height);
        let in_run = after.checked_sub(1).map(|at| self.run[at]);
        let answer = in_run.max(self.in_layers(height)?);
        self.last = Some((height, answer));
        Ok(answer)
    }

    /// The time a block gives to a claim at this height, and how sure that makes it.
    pub(super) fn given(
        &mut self,
        height: u64,
    ) -> Result<Option<(Timestamp, TimeSource)>, StoreError> {
        Ok(self.at(height)?.map(|(at, time)| {
            let is_exact = at == height;
            (time, if is_exact { TimeSource::Stated } else { TimeSource::Estimated })
        }))
    }

    /// Dates a settled transfer where its sources do not. True when it did.
    pub(super) fn date(&mut self, transfer: &mut Transfer) -> Result<bool, StoreError> {
        if transfer.time_source == TimeSource::Stated {
            return Ok(false);
        }
        let Some(height) = transfer.height else { return Ok(false) };
        let Some((time, source)) = self.given(height)? else { return Ok(false) };
        (transfer.time, transfer.time_source) = (time, source);
        Ok(true)
    }

    /// The heights whose transfers the run's news may date, as ranges.
    pub(super) fn dated_anew(&self) -> Result<Vec<(u64, u64)>, StoreError> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for (height, _) in &self.news {
            let end = self.after(*height)?.map_or(u64::MAX, |next| next - 1);
            match ranges.last_mut() {
                Some(last) if last.1.saturating_add(1) >= *height => last.1 = last.1.max(end),
                _ => ranges.push((*height, end)),
            }
        }
        Ok(ranges)
    }

    /// The lowest height above this whose time is stated.
    fn after(&self, height: u64) -> Result<Option<u64>, StoreError> {
        let at = self.run.partition_point(|(at, _)| *at <= height);
        let mut next = self.run.get(at).map(|(at, _)| *at);
        for layer in self.layers {
            let here = layer.segment.block_time_after(height)?;
            next = next.into_iter().chain(here).min();
        }
        Ok(next)
    }

    fn in_layers(&self, height: u64) -> Result<Option<(u64, Timestamp)>, StoreError> {
        let mut latest = None;
        for layer in self.layers {
            latest = latest.max(layer.segment.block_time(height)?);
        }
        Ok(latest)
    }
}
