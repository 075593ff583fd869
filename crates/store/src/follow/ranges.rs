//! Which heights of a chain are held whole.
//!
//! A range knows the hash of its last block and what its first block names as its parent. So two that
//! come to touch are known to fit, in whatever order they came, and a block that does not is refused.

use std::ops::RangeInclusive;

use model::{Chain, Timestamp, TxHash};

use crate::StoreError;
use crate::hot::FollowedBlock;

/// Blocks that are held whole, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedRange {
    pub first: u64,
    pub last: u64,
    /// Of the first block; none where a range was cut.
    pub parent: Option<TxHash>,
    /// Of the last block; none where a range was cut.
    pub hash: Option<TxHash>,
    /// Of the last block; none where a range was cut.
    pub time: Option<Timestamp>,
    /// What of these blocks the node could not see, in a few words; empty when it saw everything.
    pub unseen: String,
}

/// The ranges of one chain, ascending. Those that touch differ in what was not seen; or they meet at a
/// [`Seam`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowedRanges {
    ranges: Vec<FollowedRange>,
}

/// The lowest block that can be undone, on a chain that skips heights. What is held below it is a range of
/// its own there: else nobody would know at which height its parent is, above which everything can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seam {
    pub height: u64,
    pub parent: TxHash,
}

impl Seam {
    fn is_between(self, below: &FollowedRange, above: &FollowedRange) -> bool {
        below.hash == Some(self.parent)
            && below.last < self.height
            && (above.first..=above.last).contains(&self.height)
    }
}

impl FollowedRange {
    /// The range of one block.
    pub(crate) fn of(block: &FollowedBlock) -> FollowedRange {
        FollowedRange {
            first: block.height,
            last: block.height,
            parent: Some(block.parent),
            hash: Some(block.hash),
            time: Some(block.time),
            unseen: block.unseen.clone(),
        }
    }

    /// Blocks in order of height as ranges of consecutive ones.
    pub(crate) fn of_all(blocks: &[FollowedBlock]) -> Result<Vec<FollowedRange>, StoreError> {
        let mut ranges: Vec<FollowedRange> = Vec::new();
        for block in blocks {
            let mut one = FollowedRange::of(block);
            let follows = ranges.last().map_or(Ok(false), |last| last.is_followed_by(block))?;
            match ranges.last_mut().filter(|_| follows) {
                Some(last) if last.unseen == one.unseen => {
                    (last.last, last.hash, last.time) = (one.last, one.hash, one.time);
                }
                last => {
                    // Heights that are skipped between the two belong to the upper one.
                    one.first = last.map_or(one.first, |last| last.last + 1);
                    ranges.push(one);
                }
            }
        }
        Ok(ranges)
    }

    /// Does this block come right after? An error where it should and does not.
    fn is_followed_by(&self, block: &FollowedBlock) -> Result<bool, StoreError> {
        let Some(hash) = self.hash else { return Ok(false) };
        if skips_heights(block.chain) && block.parent == hash && block.height > self.last {
            return Ok(true);
        }
        if self.last.checked_add(1) != Some(block.height) {
            return Ok(false);
        }
        let fork = || fork(block.chain, self.last, block.parent, hash, false);
        (block.parent == hash).then_some(true).ok_or_else(fork)
    }
}

impl FollowedRanges {
    /// Of ranges as the catalog keeps them.
    pub(crate) fn of_kept(ranges: Vec<FollowedRange>) -> FollowedRanges {
        FollowedRanges { ranges }
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &FollowedRange> {
        self.ranges.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The highest range.
    pub fn last(&self) -> Option<&FollowedRange> {
        self.ranges.last()
    }

    /// The range that holds a height.
    pub fn at(&self, height: u64) -> Option<&FollowedRange> {
        self.ranges.iter().find(|range| range.first <= height && height <= range.last)
    }

    /// The highest range that ends at or below a height.
    pub(crate) fn below(&self, height: u64) -> Option<&FollowedRange> {
        self.ranges.iter().rev().find(|range| range.last <= height)
    }

    /// The heights of these that are not held, as ranges.
    pub fn missing(&self, heights: RangeInclusive<u64>) -> Vec<RangeInclusive<u64>> {
        let (mut next, last) = heights.into_inner();
        let mut missing = Vec::new();
        for range in &self.ranges {
            if next > last || range.first > last {
                break;
            }
            if range.first > next {
                missing.push(next..=range.first - 1);
            }
            next = next.max(range.last.saturating_add(1));
        }
        if next <= last {
            missing.push(next..=last);
        }
        missing
    }

    /// Is everything from one height to another held, and was all of it seen?
    pub fn are_whole(&self, heights: RangeInclusive<u64>) -> bool {
        let whole = self.ranges.iter().filter(|range| range.unseen.is_empty());
        let whole = FollowedRanges { ranges: whole.cloned().collect() };
        whole.missing(heights).is_empty()
    }

    /// Refuses a block that does not fit what is held beside it, or of it.
    pub(crate) fn check(&self, block: &FollowedBlock) -> Result<(), StoreError> {
        let FollowedBlock { chain, height, hash, parent, .. } = block;
        let same = |at: u64, told: TxHash, held: Option<TxHash>| match held {
            Some(held) if held != told => Err(fork(*chain, at, told, held, true)),
            _ => Ok(()),
        };
        for range in &self.ranges {
            if range.last.checked_add(1) == Some(*height) {
                same(range.last, *parent, range.hash)?;
            }
            if range.last == *height && !skips_heights(*chain) {
                same(*height, *hash, range.hash)?;
            }
            if range.first == *height && !skips_heights(*chain) {
                same(height.saturating_sub(1), *parent, range.parent)?;
            }
            if height.checked_add(1) == Some(range.first) {
                same(*height, *hash, range.parent)?;
            }
        }
        Ok(())
    }

    /// Adds blocks that fit. What was once seen whole stays so.
    pub(crate) fn add(&mut self, chain: Chain, mut new: FollowedRange, seam: Option<Seam>) {
        if skips_heights(chain) {
            self.reach(&mut new);
        }
        let is_better = |old: &FollowedRange| old.unseen.is_empty() && !new.unseen.is_empty();
        let (better, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.ranges).into_iter().partition(is_better);
        let mut pieces = vec![new.clone()];
        for old in &better {
            pieces = pieces.into_iter().flat_map(|piece| piece.without(old)).collect();
        }
        let others = others.into_iter().flat_map(|old| old.without(&new));
        let mut all: Vec<FollowedRange> = others.chain(better).chain(pieces).collect();
        all.sort_by_key(|range| range.first);
        self.join(all, seam);
    }

    fn join(&mut self, all: Vec<FollowedRange>, seam: Option<Seam>) {
        for range in all {
            match self.ranges.last_mut() {
                Some(last)
                    if last.touches(&range)
                        && last.unseen == range.unseen
                        && !seam.is_some_and(|seam| seam.is_between(last, &range)) =>
                {
                    (last.last, last.hash, last.time) = (range.last, range.hash, range.time);
                }
                _ => self.ranges.push(range),
            }
        }
    }

    /// The same without a seam: as they are shown.
    pub(crate) fn joined(mut self) -> FollowedRanges {
        let all = std::mem::take(&mut self.ranges);
        self.join(all, None);
        self
    }

    /// The lowest block that can be undone is another one from now on: the child of this one.
    pub(crate) fn part(&mut self, height: u64, hash: TxHash, time: Timestamp) {
        let all = std::mem::take(self).joined().ranges;
        for range in all {
            if range.first <= height && height < range.last {
                let above =
                    FollowedRange { first: height + 1, parent: Some(hash), ..range.clone() };
                let below =
                    FollowedRange { last: height, hash: Some(hash), time: Some(time), ..range };
                self.ranges.extend([below, above]);
            } else {
                self.ranges.push(range);
            }
        }
    }

    /// Where heights are skipped, a range reaches the one whose last block is its first one's parent.
    fn reach(&mut self, new: &mut FollowedRange) {
        let below = self.ranges.iter().rev().find(|range| range.last < new.first);
        if let Some(below) = below.filter(|below| below.hash.is_some() && below.hash == new.parent)
        {
            new.first = below.last + 1;
        }
        let above = self.ranges.iter_mut().find(|range| range.first > new.last);
        if let Some(above) =
            above.filter(|above| above.parent.is_some() && above.parent == new.hash)
        {
            above.first = new.last + 1;
        }
    }

    /// Forgets what is above a block, which is the last from now on; none forgets everything.
    pub(crate) fn cut_above(&mut self, tip: Option<(u64, TxHash, Option<Timestamp>)>) {
        let Some((height, hash, time)) = tip else { return self.ranges.clear() };
        self.ranges.retain(|range| range.first <= height);
        if let Some(last) = self.ranges.last_mut().filter(|last| last.last >= height) {
            (last.last, last.hash, last.time) = (height, Some(hash), time);
        }
    }

    /// Forgets these heights: they have to be followed again.
    pub(crate) fn remove(&mut self, first: u64, last: u64) {
        let hole = FollowedRange {
            first,
            last,
            parent: None,
            hash: None,
            time: None,
            unseen: String::new(),
        };
        let ranges = std::mem::take(&mut self.ranges);
        self.ranges = ranges.into_iter().flat_map(|range| range.without(&hole)).collect();
    }
}

impl FollowedRange {
    fn touches(&self, next: &FollowedRange) -> bool {
        self.last.checked_add(1) == Some(next.first)
    }

    /// What is left of it beside another.
    fn without(&self, other: &FollowedRange) -> Vec<FollowedRange> {
        if other.last < self.first || other.first > self.last {
            return vec![self.clone()];
        }
        let mut left = Vec::new();
        if self.first < other.first {
            let last = other.first - 1;
            left.push(FollowedRange { last, hash: other.parent, time: None, ..self.clone() });
        }
        if self.last > other.last {
            left.push(FollowedRange { first: other.last + 1, parent: other.hash, ..self.clone() });
        }
        left
    }
}

/// Solana counts slots, of which some have no block.
pub(crate) fn skips_heights(chain: Chain) -> bool {
    matches!(chain, Chain::Solana(_))
}

pub(crate) fn fork(
    chain: Chain,
    height: u64,
    told: TxHash,
    held: TxHash,
    is_final: bool,
) -> StoreError {
    let (told, held) = (told.text(chain), held.text(chain));
    StoreError::Fork { chain, height, told, held, is_final }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHAIN: Chain = Chain::ETHEREUM;

    fn hash(n: u64) -> TxHash {
        TxHash::new(&[u8::try_from(n).expect("small"); 32])
    }

    fn block(height: u64, unseen: &str) -> FollowedBlock {
        FollowedBlock {
            chain: CHAIN,
            height,
            hash: hash(height),
            parent: hash(height.saturating_sub(1)),
            time: Timestamp::from_second(height.cast_signed()).expect("in range"),
            unseen: unseen.into(),
            facts: Vec::new(),
        }
    }

    fn add(ranges: &mut FollowedRanges, first: u64, last: u64, unseen: &str) {
        let blocks: Vec<FollowedBlock> = (first..=last).map(|n| block(n, unseen)).collect();
        blocks.iter().for_each(|block| ranges.check(block).expect("fits"));
        for range in FollowedRange::of_all(&blocks).expect("follow each other") {
            ranges.add(CHAIN, range, None);
        }
    }

    proptest! {
        #[test]
        fn ranges_are_the_heights_that_were_added(
            moves in prop::collection::vec((0u8..4, 0u64..40, 0u64..9), 0..20),
        ) {
            let mut ranges = FollowedRanges::default();
            let mut held = std::collections::BTreeMap::new();
            for (what, first, more) in moves {
                match what {
                    0 | 1 => {
                        let unseen = if what == 0 { "" } else { "calls" };
                        add(&mut ranges, first, first + more, unseen);
                        for height in first..=first + more {
                            let known = held.entry(height).or_insert(unseen);
                            *known = if known.is_empty() { "" } else { unseen };
                        }
                    }
                    2 => {
                        ranges.cut_above(Some((first, hash(first), None)));
                        held.retain(|height, _| *height <= first);
                    }
                    _ => {
                        ranges.remove(first, first + more);
                        held.retain(|height, _| !(first..=first + more).contains(height));
                    }
                }
                for height in 0u64..60 {
                    let at = ranges.at(height).map(|range| range.unseen.as_str());
                    prop_assert_eq!(at, held.get(&height).copied(), "{}", height);
                }
                let missing: Vec<u64> = ranges.missing(3..=50).into_iter().flatten().collect();
                let expected: Vec<u64> = (3..=50).filter(|n| !held.contains_key(n)).collect();
                prop_assert_eq!(missing, expected);
                for range in ranges.iter() {
                    let parent = range.first.saturating_sub(1);
                    prop_assert!(range.parent.is_none_or(|known| known == hash(parent)));
                    prop_assert!(range.hash.is_none_or(|known| known == hash(range.last)));
                }
                for pair in ranges.ranges.windows(2) {
                    prop_assert!(pair[0].last < pair[1].first);
                    prop_assert!(!pair[0].touches(&pair[1]) || pair[0].unseen != pair[1].unseen);
                }
            }
        }
    }

    #[test]
    fn a_block_beside_a_range_must_fit_it() {
        let mut ranges = FollowedRanges::default();
        add(&mut ranges, 5, 9, "");
        let other =
            |height| FollowedBlock { hash: hash(99), parent: hash(98), ..block(height, "") };
        for height in [4, 5, 9, 10] {
            let error = ranges.check(&other(height)).expect_err("another chain");
            assert!(error.to_string().contains("which is final"), "{height}: {error}");
        }
        ranges.check(&other(7)).expect("the hashes between are not kept");
        ranges.check(&other(12)).expect("nothing is known of it");
        let error = FollowedRange::of_all(&[block(1, ""), other(2)]).expect_err("no child of it");
        assert!(error.to_string().contains("block 1 is told as"), "{error}");
    }

    #[test]
    fn skipped_slots_are_between_parent_and_child() {
        let slot = |height, parent| FollowedBlock {
            chain: Chain::Solana(model::chain::SolanaNetwork::Mainnet),
            parent: hash(parent),
            ..block(height, "")
        };
        let chain = slot(1, 0).chain;
        let mut ranges = FollowedRanges::default();
        for blocks in
            [[slot(3, 2), slot(6, 3)], [slot(20, 11), slot(21, 20)], [slot(9, 6), slot(11, 9)]]
        {
            for range in FollowedRange::of_all(&blocks).expect("follow each other") {
                ranges.add(chain, range, None);
            }
        }
        let all: Vec<_> = ranges.iter().map(|range| (range.first, range.last)).collect();
        assert_eq!(all, [(3, 21)]);
        assert!(FollowedRange::of_all(&[block(3, ""), block(5, "")]).expect("two").len() == 2);
    }

    #[test]
    fn below_what_can_be_undone_a_range_ends_at_its_last_block() {
        let slot = |height, parent| FollowedBlock {
            chain: Chain::Solana(model::chain::SolanaNetwork::Mainnet),
            parent: hash(parent),
            ..block(height, "")
        };
        let add = |ranges: &mut FollowedRanges, blocks: &[FollowedBlock], seam| {
            let chain = blocks[0].chain;
            for range in FollowedRange::of_all(blocks).expect("follow each other") {
                ranges.add(chain, range, seam);
            }
        };
        let ends = |ranges: &FollowedRanges| -> Vec<_> {
            ranges.iter().map(|range| (range.first, range.last, range.hash)).collect()
        };
        let seam = Some(Seam { height: 9, parent: hash(5) });
        let apart = [(3, 5, Some(hash(5))), (6, 12, Some(hash(12)))];
        // From below upwards, and downwards.
        let (below, above) = ([slot(3, 2), slot(5, 3)], [slot(9, 5), slot(12, 9)]);
        let mut ranges = FollowedRanges::default();
        add(&mut ranges, &below, None);
        add(&mut ranges, &above, seam);
        assert_eq!(ends(&ranges), apart);
        let mut ranges = FollowedRanges::default();
        add(&mut ranges, &above, seam);
        add(&mut ranges, &below, seam);
        assert_eq!(ends(&ranges), apart);
        ranges.part(9, hash(9), block(9, "").time);
        assert_eq!(ends(&ranges), [(3, 9, Some(hash(9))), (10, 12, Some(hash(12)))]);
        assert_eq!(ends(&ranges.joined()), [(3, 12, Some(hash(12)))]);
    }
}
