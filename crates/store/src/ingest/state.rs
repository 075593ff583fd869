//! What is known of a chain beyond single transactions, while facts are settled
//! over it: the heights that traces cover, and where Bitcoin's blocks stand.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use model::headers::{self, Placed};
use model::{BlockFact, Chain, TxHash};

use crate::StoreError;
use crate::catalog::Catalog;

/// Heights, as ranges: a node's export covers them one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heights {
    /// First to last, both inside; no two touch.
    ranges: BTreeMap<u64, u64>,
}

/// One chain's state, as of all facts settled so far.
#[derive(Clone, Default)]
pub struct ChainState {
    pub covered: Heights,
    pub headers: Headers,
}

/// The blocks of a header tree, and where each stands.
#[derive(Clone, Default)]
pub struct Headers {
    told: Vec<BlockFact>,
    by_hash: HashMap<TxHash, Vec<usize>>,
    placed: HashMap<TxHash, Placed>,
    is_placed: bool,
}

impl ChainState {
    /// As the catalog has it.
    pub fn read(catalog: &Catalog, chain: Chain) -> Result<ChainState, StoreError> {
        let headers = if chain.is_utxo() { catalog.blocks(chain)? } else { Vec::new() };
        let covered = Heights::of_ranges(catalog.traces_cover(chain)?);
        Ok(ChainState { covered, headers: Headers::of(headers) })
    }
}

impl Heights {
    pub fn of_ranges(ranges: impl IntoIterator<Item = RangeInclusive<u64>>) -> Heights {
        let mut heights = Heights::default();
        for range in ranges {
            heights.insert_range(*range.start(), *range.end());
        }
        heights
    }

    pub fn contains(&self, height: u64) -> bool {
        self.ranges.range(..=height).next_back().is_some_and(|(_, last)| *last >= height)
    }

    /// False when it was there.
    pub fn insert(&mut self, height: u64) -> bool {
        let is_new = !self.contains(height);
        if is_new {
            self.insert_range(height, height);
        }
        is_new
    }

    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u64>> {
        self.ranges.iter().map(|(first, last)| *first..=*last)
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    fn insert_range(&mut self, mut first: u64, mut last: u64) {
        // What overlaps or touches becomes part of it.
        while let Some((&from, &to)) = self.ranges.range(..=last.saturating_add(1)).next_back() {
            if to.saturating_add(1) < first {
                break;
            }
            self.ranges.remove(&from);
            first = first.min(from);
            last = last.max(to);
        }
        self.ranges.insert(first, last);
    }
}

impl Headers {
    pub fn of(told: Vec<BlockFact>) -> Headers {
        let mut headers = Headers::default();
        for block in told {
            headers.add(block);
        }
        headers
    }

    /// Where this block is, as far as its tree tells.
    pub fn place(&mut self, block: &TxHash) -> Option<Placed> {
        if !self.is_placed {
            self.placed = headers::place(&self.told);
            self.is_placed = true;
        }
        self.placed.get(block).copied()
    }

    /// Adds what is told of blocks. In: those that were told before are nothing
    /// new. Out: the new ones, and the blocks that now stand elsewhere.
    pub fn learn(&mut self, told: Vec<BlockFact>) -> (Vec<BlockFact>, BTreeSet<TxHash>) {
        let new: Vec<BlockFact> =
            told.into_iter().filter(|block| self.add(block.clone())).collect();
        if new.is_empty() {
            return (new, BTreeSet::new());
        }
        let before = std::mem::take(&mut self.placed);
        self.placed = headers::place(&self.told);
        let now = self.placed.iter();
        let moved = now.filter(|(hash, placed)| before.get(*hash) != Some(*placed));
        let moved = moved.map(|(hash, _)| *hash).collect();
        self.is_placed = true;
        (new, moved)
    }

    /// Keeps a block with a hash, unless the same was told.
    fn add(&mut self, block: BlockFact) -> bool {
        let Some(hash) = block.hash else { return false };
        let same = self.by_hash.entry(hash).or_default();
        if same.iter().any(|at| is_same_header(&self.told[*at], &block)) {
            return false;
        }
        same.push(self.told.len());
        self.told.push(block);
        true
    }
}

/// Placing asks for no time, and times are kept elsewhere.
fn is_same_header(a: &BlockFact, b: &BlockFact) -> bool {
    (a.parent, a.height, a.work) == (b.parent, b.height, b.work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_that_touch_are_one_range() {
        let mut heights = Heights::default();
        for height in [5, 3, 9, 4, 0, 10, 1, u64::MAX] {
            assert!(heights.insert(height));
        }
        assert!(!heights.insert(4));
        let ranges: Vec<_> = heights.ranges().collect();
        assert_eq!(ranges, [0..=1, 3..=5, 9..=10, u64::MAX..=u64::MAX]);
        assert!(heights.contains(3) && !heights.contains(2) && !heights.contains(6));
        assert_eq!(Heights::of_ranges([9..=10, 0..=5, 4..=8]).ranges().count(), 1);
    }
}
