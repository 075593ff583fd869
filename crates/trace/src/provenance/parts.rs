//! A balance by where it came from; what is sent takes its share of every part.

use model::U256;
use smallvec::SmallVec;

use super::{Origin, PARTS_MAX};
use crate::share::share;

/// Some of a balance that came from one place in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub origin: Origin,
    /// Fewest transfers from there, as far as kept: 1 is direct. 0 of what is no service.
    pub hops: u8,
    pub base: U256,
}

/// Parts in the order of origin, the direct one first. They add up to the balance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts(SmallVec<[Part; 1]>);

impl Parts {
    pub fn of(origin: Origin, hops: u8, base: U256) -> Parts {
        let mut parts = Parts::default();
        parts.add(Part { origin, hops, base });
        parts
    }

    pub fn iter(&self) -> impl Iterator<Item = &Part> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn total(&self) -> U256 {
        self.0.iter().fold(U256::ZERO, |sum, part| sum + part.base)
    }

    pub fn add(&mut self, part: Part) {
        if part.base.is_zero() {
            return;
        }
        let key = |part: &Part| (part.origin, part.hops > 1);
        match self.0.binary_search_by_key(&key(&part), key) {
            Ok(at) => {
                self.0[at].base += part.base;
                self.0[at].hops = self.0[at].hops.min(part.hops);
            }
            Err(at) => self.0.insert(at, part),
        }
    }

    pub fn append(&mut self, other: Parts) {
        other.0.into_iter().for_each(|part| self.add(part));
    }

    /// Takes `base` out, of every part its share; what is not held was never seen to arrive.
    /// Rounding down leaves some units: one each, from the first part on.
    pub fn take(&mut self, base: U256) -> Parts {
        let held = self.total();
        if base >= held {
            let mut all = std::mem::take(self);
            all.add(Part { origin: Origin::UNSEEN, hops: 0, base: base - held });
            return all;
        }
        let mut taken: SmallVec<[U256; 8]> =
            self.0.iter().map(|part| share(base, part.base, held)).collect();
        let mut left = base - taken.iter().fold(U256::ZERO, |sum, share| sum + *share);
        for (share, part) in taken.iter_mut().zip(&self.0) {
            let room = left.min(part.base - *share).min(U256::from(1));
            *share += room;
            left -= room;
        }
        let mut out = Parts::default();
        for (part, taken) in self.0.iter_mut().zip(taken) {
            part.base -= taken;
            if !taken.is_zero() {
                out.0.push(Part { base: taken, ..*part });
            }
        }
        self.0.retain(|part| !part.base.is_zero());
        out
    }

    /// One transfer further from where it came from: nothing of it is direct any more.
    #[must_use]
    pub fn passed_on(self) -> Parts {
        let mut further = Parts::default();
        for part in self.0 {
            let hops = if part.hops == 0 { 0 } else { part.hops.saturating_add(1) };
            further.add(Part { hops, ..part });
        }
        further
    }

    /// Keeps the largest apart; the smaller ones become one sum.
    pub fn truncate(&mut self) {
        let services = self.0.iter().filter(|part| part.origin.is_service()).count();
        if services <= PARTS_MAX {
            return;
        }
        let mut sizes: Vec<(U256, Origin, u8)> = self
            .0
            .iter()
            .filter(|part| part.origin.is_service())
            .map(|part| (part.base, part.origin, part.hops))
            .collect();
        sizes.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let dropped = &sizes[PARTS_MAX..];
        let is_dropped = |part: &Part| {
            dropped.iter().any(|(_, origin, hops)| (*origin, *hops) == (part.origin, part.hops))
        };
        self.0.retain(|part| !is_dropped(part));
        let sum = dropped.iter().fold(U256::ZERO, |sum, (base, ..)| sum + *base);
        self.add(Part { origin: Origin::OTHERS, hops: 0, base: sum });
    }
}

impl FromIterator<Part> for Parts {
    fn from_iter<T: IntoIterator<Item = Part>>(parts: T) -> Parts {
        let mut all = Parts::default();
        parts.into_iter().for_each(|part| all.add(part));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part() -> impl Strategy<Value = Part> {
        (0u64..40, 1u8..4, 1u64..1000).prop_map(|(origin, hops, base)| Part {
            origin: Origin(origin),
            hops: if origin < Origin::FIRST { 0 } else { hops },
            base: U256::from(base),
        })
    }

    proptest! {
        #[test]
        fn what_is_taken_and_what_is_left_is_what_there_was(
            parts in prop::collection::vec(part(), 0..30),
            base in 0u64..20_000,
        ) {
            let mut held: Parts = parts.iter().copied().collect();
            let before = held.clone();
            let taken = held.take(U256::from(base));
            prop_assert_eq!(taken.total(), U256::from(base));
            let missing = U256::from(base).saturating_sub(before.total());
            prop_assert_eq!(held.total(), before.total() + missing - U256::from(base));
            // No part gives more than a unit beyond its share.
            for part in before.iter().filter(|_| missing.is_zero()) {
                let key = |other: &&Part| (other.origin, other.hops) == (part.origin, part.hops);
                let got = taken.iter().find(key).map_or(U256::ZERO, |part| part.base);
                let fair = share(U256::from(base), part.base, before.total());
                prop_assert!(got == fair || got == fair + U256::from(1));
            }
        }

        #[test]
        fn truncating_and_passing_on_keep_the_sum(parts in prop::collection::vec(part(), 0..60)) {
            let mut held: Parts = parts.iter().copied().collect();
            let before = held.total();
            held.truncate();
            prop_assert!(held.iter().filter(|part| part.origin.is_service()).count() <= PARTS_MAX);
            prop_assert_eq!(held.total(), before);
            let further = held.passed_on();
            prop_assert_eq!(further.total(), before);
            prop_assert!(further.iter().all(|part| part.hops != 1));
        }
    }
}
