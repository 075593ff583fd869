//! How fast it went of late.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Over this long.
const WINDOW: Duration = Duration::from_secs(20);

/// Counts over a window that moves.
#[derive(Default)]
pub(super) struct Rate {
    counted: VecDeque<(Instant, u64)>,
}

impl Rate {
    pub(super) fn start(&mut self) {
        self.counted.clear();
        self.count(0);
    }

    pub(super) fn count(&mut self, blocks: usize) {
        let now = Instant::now();
        self.counted.push_back((now, blocks as u64));
        while self.counted.len() > 2
            && self.counted.front().is_some_and(|(at, _)| now - *at > WINDOW)
        {
            self.counted.pop_front();
        }
    }

    /// What came after the first moment that is still counted.
    pub(super) fn per_second(&self) -> Option<f64> {
        let (first, _) = self.counted.front()?;
        let seconds = first.elapsed().as_secs_f64();
        let blocks: u64 = self.counted.iter().skip(1).map(|(_, blocks)| blocks).sum();
        // For reading only.
        (seconds > 0.0 && blocks > 0).then(|| (blocks as f64 / seconds * 10.0).round() / 10.0)
    }

    pub(super) fn seconds_left(&self, blocks: u64) -> Option<u64> {
        let rate = self.per_second().filter(|rate| *rate > 0.0)?;
        // For reading only: far below where floats lose count.
        Some(Duration::try_from_secs_f64(blocks as f64 / rate).ok()?.as_secs())
    }
}
