//! When blocks come, and how full they are: by the hour of the day, and in bursts.

use model::Timestamp;

use crate::draw::{Draw, part};
use crate::profile::Profile;

/// 2025-01-01T00:00:00Z, in thousandths of a second.
const START_MS: u64 = 1_735_689_600_000;

/// Percent of the mean, by hour (UTC): nights of Asia are the quiet time.
const BY_HOUR: [u64; 24] = [
    84, 82, 80, 78, 76, 78, 82, 90, 98, 104, 108, 112, 118, 126, 132, 134, 130, 124, 116, 108, 102,
    98, 92, 88,
];

pub struct Pace {
    pub height: u64,
    now_ms: u64,
    block_ms: u64,
    is_mined: bool,
    txs_mean: u64,
    /// Blocks that the burst goes on for, and how many times the traffic it brings.
    burst: (u64, u64),
    /// Where the price of inclusion stands between its least and most, in thousandths.
    price_level: u64,
    price_milli: (u64, u64),
}

impl Pace {
    /// `txs` in all: a short stream has emptier blocks, so that it still has many.
    pub fn new(profile: &Profile, txs: u64) -> Pace {
        const BLOCKS_WANTED: u64 = 2_000;
        Pace {
            height: profile.first_height,
            now_ms: START_MS,
            block_ms: profile.block_ms,
            is_mined: profile.is_mined,
            txs_mean: (txs / BLOCKS_WANTED).clamp(2, profile.txs_per_block),
            burst: (0, 1),
            price_level: 300,
            price_milli: profile.price_milli,
        }
    }

    pub fn time(&self) -> Timestamp {
        let seconds = i64::try_from(self.now_ms / 1_000).expect("not that far in the future");
        Timestamp::from_second(seconds).expect("not that far in the future")
    }

    /// Moves on to the next block and says how many transactions it has room for.
    pub fn advance(&mut self, draw: &mut Draw) -> u64 {
        self.height += 1;
        self.now_ms += match self.is_mined {
            // A header's time is whole seconds, and some pass before anyone finds a block.
            true => 1_000 + draw.waiting(self.block_ms - 1_000),
            false => self.block_ms,
        };
        self.shift_price(draw);
        let hour = usize::try_from(self.now_ms / 3_600_000 % 24).expect("an hour");
        let mean = self.txs_mean * BY_HOUR[hour] * self.shift_burst(draw);
        (mean * draw.between(60, 140) / 10_000).max(1)
    }

    /// Base units for so much gas, with what the sender adds to be sooner.
    pub fn fee(&self, draw: &mut Draw, gas: u64) -> u128 {
        let (least, most) = self.price_milli;
        let price = least + (most - least) / 1_000 * self.price_level;
        let tip = draw.below(price / 8 + 1);
        (part(u128::from(gas), price + tip, 1_000)).max(1)
    }

    fn shift_price(&mut self, draw: &mut Draw) {
        let step = draw.below(21);
        self.price_level = (self.price_level + step).saturating_sub(10).clamp(1, 999);
    }

    fn shift_burst(&mut self, draw: &mut Draw) -> u64 {
        let (left, times) = self.burst;
        self.burst = match left {
            0 if draw.permille(5) => (draw.between(3, 40), draw.between(2, 6)),
            0 => (0, 1),
            left => (left - 1, times),
        };
        if self.burst.0 > 0 { self.burst.1 } else { 1 }
    }
}
