//! Drawing lots, in whole numbers: what floats come to can differ between
//! machines, and a stream must not.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// `ChaCha8Rng` promises the same numbers for the same seed in all its versions.
pub struct Draw {
    rng: ChaCha8Rng,
}

impl Draw {
    /// Streams of different names are independent.
    pub fn new(seed: u64, name: u64) -> Draw {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&name.to_le_bytes());
        key[16..].copy_from_slice(b"interdict drill\x01");
        Draw { rng: ChaCha8Rng::from_seed(key) }
    }

    pub fn bits(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// From 0 to `end`, which is excluded; uneven by less than one in 2^40.
    pub fn below(&mut self, end: u64) -> u64 {
        scale(self.bits(), end)
    }

    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("below a usize")
    }

    /// Both ends included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    pub fn permille(&mut self, chance: u64) -> bool {
        self.below(1_000) < chance
    }

    /// 0 half the time, 1 a quarter, and so on: `most` at most.
    pub fn halvings(&mut self, most: u32) -> u32 {
        self.bits().trailing_zeros().min(most)
    }

    /// A waiting time of this mean: -ln(u) by the leading zeros of `u` and a
    /// straight line between powers of two, which is exact enough for traffic.
    pub fn waiting(&mut self, mean: u64) -> u64 {
        let drawn = self.bits() | 1;
        let zeros = u64::from(drawn.leading_zeros());
        let mantissa = (drawn << zeros) >> 32;
        // -log2(u) in 2^-32: zeros + 1 - (mantissa / 2^31 - 1).
        let log2 = ((zeros + 2) << 32) - (mantissa << 1);
        const LN_2_PERMYRIAD: u128 = 6_931;
        let scaled = u128::from(mean) * u128::from(log2) * LN_2_PERMYRIAD;
        u64::try_from((scaled >> 32) / 10_000).expect("a mean of years fits")
    }

    /// An amount around `typical` with a heavy tail: half as many twice as large.
    pub fn amount(&mut self, typical: u128) -> u128 {
        let doublings = self.halvings(16);
        let fraction = self.bits() >> 32;
        let base = (typical >> 1) << doublings;
        let exact = base + binary_part(base, fraction, 32);
        self.rounded(exact).max(1)
    }

    /// People write round numbers, programs do not.
    pub fn rounded(&mut self, amount: u128) -> u128 {
        match self.below(20) {
            0..3 => round(amount, 1),
            3..8 => round(amount, 2),
            _ => amount,
        }
    }

    /// What a holder of so much sends: all of it now and then, mostly a small part.
    pub fn share_of(&mut self, held: u128) -> u128 {
        let drawn = self.bits();
        if drawn & 15 == 0 {
            return held;
        }
        let halvings = (drawn >> 4) & 3;
        let thousandths = 1 + ((drawn >> 16) & 1_023);
        let exact = binary_part(held, thousandths, 10) >> halvings;
        self.rounded(exact).clamp(1, held.max(1))
    }
}

/// `amount * numerator / denominator` without overflow for any amount here,
/// exact to one part in the denominator.
pub fn part(amount: u128, numerator: u64, denominator: u64) -> u128 {
    let (numerator, denominator) = (u128::from(numerator), u128::from(denominator));
    match amount.checked_mul(numerator) {
        Some(product) => product / denominator,
        None => amount / denominator * numerator,
    }
}

/// [`part`] of a power of two: no division.
fn binary_part(amount: u128, numerator: u64, bits: u32) -> u128 {
    match amount.checked_mul(u128::from(numerator)) {
        Some(product) => product >> bits,
        None => (amount >> bits) * u128::from(numerator),
    }
}

fn scale(bits: u64, end: u64) -> u64 {
    u64::try_from((u128::from(bits) * u128::from(end)) >> 64).expect("below a u64")
}

fn round(amount: u128, digits: u32) -> u128 {
    let Some(log) = amount.checked_ilog10() else { return amount };
    let unit = 10u128.pow((log + 1).saturating_sub(digits));
    amount / unit * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_another_does_not() {
        let drawn = |seed, name| Draw::new(seed, name).bits();
        assert_eq!(drawn(7, 0), drawn(7, 0));
        assert_ne!(drawn(7, 0), drawn(8, 0));
        assert_ne!(drawn(7, 0), drawn(7, 1));
    }

    #[test]
    fn waiting_times_have_their_mean() {
        let mut draw = Draw::new(1, 1);
        let sum: u64 = (0..100_000).map(|_| draw.waiting(600_000)).sum();
        let mean = sum / 100_000;
        assert!((560_000..640_000).contains(&mean), "{mean}");
    }

    #[test]
    fn rounding_keeps_leading_digits() {
        assert_eq!(round(123_456, 1), 100_000);
        assert_eq!(round(123_456, 2), 120_000);
        assert_eq!(round(7, 2), 7);
        assert_eq!(round(0, 2), 0);
    }

    proptest::proptest! {
        #[test]
        fn a_share_is_something_and_no_more_than_all(seed: u64, held in 1u128..u128::MAX >> 2) {
            let share = Draw::new(seed, 0).share_of(held);
            proptest::prop_assert!(share >= 1 && share <= held);
        }
    }
}
