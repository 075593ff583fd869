//! Queues for whole numbers, and sorting by them.

/// Numbers below a bound, the least first: a tree of 64-bit words in which a bit says
/// that something is below it. Taking the least looks at one word a level, four for
/// sixteen million numbers, where a binary heap moves along twenty-four.
#[derive(Clone, Debug, Default)]
pub struct Least {
    /// The leaves first; each word of a level stands for 64 of the one before.
    levels: Vec<Vec<u64>>,
}

impl Least {
    pub fn below(bound: usize) -> Least {
        let mut levels = Vec::new();
        let mut words = bound.div_ceil(64).max(1);
        loop {
            levels.push(vec![0; words]);
            if words == 1 {
                return Least { levels };
            }
            words = words.div_ceil(64);
        }
    }

    pub fn insert(&mut self, number: u32) {
        let mut at = number as usize;
        for level in &mut self.levels {
            let word = &mut level[at / 64];
            let was_empty = *word == 0;
            *word |= 1 << (at % 64);
            if !was_empty {
                return;
            }
            at /= 64;
        }
    }

    pub fn pop(&mut self) -> Option<u32> {
        let mut at = 0;
        for level in self.levels.iter().rev() {
            let word = level[at];
            if word == 0 {
                return None;
            }
            at = at * 64 + word.trailing_zeros() as usize;
        }
        let least = at;
        for level in &mut self.levels {
            level[at / 64] &= !(1 << (at % 64));
            if level[at / 64] != 0 {
                break;
            }
            at /= 64;
        }
        u32::try_from(least).ok()
    }
}

/// Below so many a comparing sort is faster than counting.
const RADIX_MIN: usize = 256;
const DIGIT_BITS: u32 = 11;

/// Sorts by key, least significant digit first; equals keep their order.
pub fn radix_sort(pairs: &mut Vec<(u64, u32)>) {
    if pairs.len() < RADIX_MIN {
        pairs.sort_by_key(|(key, _)| *key);
        return;
    }
    let bits = u64::BITS - pairs.iter().fold(0, |all, (key, _)| all | key).leading_zeros();
    let mut other = vec![(0, 0); pairs.len()];
    for shift in (0..bits).step_by(DIGIT_BITS as usize) {
        let digit = |key: u64| ((key >> shift) & ((1 << DIGIT_BITS) - 1)) as usize;
        let mut starts = [0usize; 1 << DIGIT_BITS];
        for (key, _) in pairs.iter() {
            starts[digit(*key)] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            (*start, sum) = (sum, sum + *start);
        }
        for pair in pairs.iter() {
            let start = &mut starts[digit(pair.0)];
            other[*start] = *pair;
            *start += 1;
        }
        std::mem::swap(pairs, &mut other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_least_comes_first(numbers in prop::collection::btree_set(0u32..300_000, 0..200)) {
            let mut queue = Least::below(300_000);
            numbers.iter().rev().for_each(|number| queue.insert(*number));
            for number in numbers {
                prop_assert_eq!(queue.pop(), Some(number));
            }
            prop_assert_eq!(queue.pop(), None);
        }

        #[test]
        fn what_comes_in_later_still_comes_in_order(steps in prop::collection::vec(prop::option::of(0u32..5000), 0..400)) {
            let mut queue = Least::below(5000);
            let mut plain = std::collections::BTreeSet::new();
            for step in steps {
                match step {
                    Some(number) => {
                        queue.insert(number);
                        plain.insert(number);
                    }
                    None => prop_assert_eq!(queue.pop(), plain.pop_first()),
                }
            }
        }

        #[test]
        fn a_radix_sort_is_a_stable_sort(keys in prop::collection::vec(0u64..5000, 0..2000), shift in 0u32..52) {
            let mut pairs: Vec<(u64, u32)> =
                keys.into_iter().map(|key| key << shift).zip(0u32..).collect();
            let mut plain = pairs.clone();
            plain.sort_by_key(|(key, _)| *key);
            radix_sort(&mut pairs);
            prop_assert_eq!(pairs, plain);
        }
    }
}
