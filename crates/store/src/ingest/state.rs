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
///
/// The whole tree is placed once. What then comes is mostly a block on top of one that stands, below the
/// lowest, or between two parts of a chain: those move no other block, and are placed alone.
#[derive(Clone, Default)]
pub struct Headers {
    told: Vec<BlockFact>,
    by_hash: HashMap<TxHash, Vec<usize>>,
    /// The blocks that name a block as their parent.
    children: HashMap<TxHash, Vec<TxHash>>,
    placed: HashMap<TxHash, Placed>,
    is_placed: bool,
    /// Has every block one parent at most, and is it told at the height where it was placed? Else the
    /// whole tree is placed each time.
    is_plain: bool,
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
        self.place_all();
        self.placed.get(block).copied()
    }

    /// Adds what is told of blocks. In: those that were told before are nothing
    /// new. Out: the new ones, and the blocks that now stand elsewhere.
    pub fn learn(&mut self, told: Vec<BlockFact>) -> (Vec<BlockFact>, BTreeSet<TxHash>) {
        self.place_all();
        let (mut new, mut moved) = (Vec::new(), BTreeSet::new());
        for block in told {
            let alone = block.hash.and_then(|hash| Some((hash, self.place_alone(hash, &block)?)));
            if !self.add(block.clone()) {
                continue;
            }
            new.push(block);
            match alone.filter(|_| self.is_placed) {
                Some((hash, placed)) => {
                    self.placed.insert(hash, placed);
                    moved.insert(hash);
                }
                None => self.is_placed = false,
            }
        }
        if !self.is_placed {
            let before = std::mem::take(&mut self.placed);
            self.place_all();
            let now = self.placed.iter();
            let elsewhere = now.filter(|(hash, placed)| before.get(*hash) != Some(*placed));
            moved.extend(elsewhere.map(|(hash, _)| *hash));
        }
        (new, moved)
    }

    fn place_all(&mut self) {
        if self.is_placed {
            return;
        }
        self.placed = headers::place(&self.told);
        self.is_placed = true;
        let is_plain = |block: &BlockFact| {
            let Some(hash) = block.hash else { return true };
            let placed = self.placed.get(&hash).and_then(|placed| placed.height);
            block.parent != Some(hash)
                && has_plain_work(block)
                && self.has_one_parent(&hash)
                && block.height.is_none_or(|height| placed == Some(height))
        };
        self.is_plain = self.told.iter().all(is_plain);
    }

    fn has_one_parent(&self, block: &TxHash) -> bool {
        let told = self.by_hash.get(block).into_iter().flatten();
        let mut parents = told.filter_map(|at| self.told[*at].parent);
        let first = parents.next();
        parents.all(|parent| Some(parent) == first)
    }

    /// Where a new block stands, where it moves no other; none where that is not plain to see.
    fn place_alone(&self, hash: TxHash, block: &BlockFact) -> Option<Placed> {
        let is_plain = self.is_placed && self.is_plain && has_plain_work(block);
        if !is_plain || block.parent == Some(hash) || self.by_hash.contains_key(&hash) {
            return None;
        }
        let parent = block.parent.and_then(|parent| Some((parent, *self.placed.get(&parent)?)));
        let child = match self.children.get(&hash).map(Vec::as_slice) {
            None => None,
            Some([child]) => Some(*self.placed.get(child)?),
            Some(_) => return None,
        };
        // Of a chain, the block that stands and has none above it has the most work.
        if let Some((parent, placed)) = parent
            && (!placed.stands || self.children.contains_key(&parent))
        {
            return None;
        }
        let height = match (parent.map(|(_, placed)| placed.height), child.map(|c| c.height)) {
            (None, None) => block.height,
            // A parent or a child without a height would learn it from this block.
            (Some(None), None) | (None, Some(None)) => block.height.is_none().then_some(None)?,
            (Some(Some(below)), None) => Some(below.checked_add(1)?),
            (None, Some(Some(above))) => Some(above.checked_sub(1)?),
            (Some(Some(below)), Some(Some(above))) => {
                let between = below.checked_add(1)?;
                (between.checked_add(1) == Some(above)).then_some(Some(between))?
            }
            (Some(_), Some(_)) => return None,
        };
        let is_as_told = block.height.is_none_or(|told| height == Some(told));
        is_as_told.then_some(Placed { height, stands: true })
    }

    /// Keeps a block with a hash, unless the same was told.
    fn add(&mut self, block: BlockFact) -> bool {
        let Some(hash) = block.hash else { return false };
        let same = self.by_hash.entry(hash).or_default();
        if same.iter().any(|at| is_same_header(&self.told[*at], &block)) {
            return false;
        }
        same.push(self.told.len());
        if let Some(parent) = block.parent {
            let children = self.children.entry(parent).or_default();
            if !children.contains(&hash) {
                children.push(hash);
            }
        }
        self.told.push(block);
        true
    }
}

/// Of such works no sum overflows, and a block has more than the one below it.
fn has_plain_work(block: &BlockFact) -> bool {
    block.work.is_none_or(|work| work[..8] == [0; 8] && work != [0; 32])
}

/// Placing asks for no time, and times are kept elsewhere.
fn is_same_header(a: &BlockFact, b: &BlockFact) -> bool {
    (a.parent, a.height, a.work) == (b.parent, b.height, b.work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hash(n: u8) -> TxHash {
        TxHash::new(&[n; 32])
    }

    /// Mostly a chain whose block `n` is at height `n`, told in any order; some others.
    fn header() -> impl Strategy<Value = BlockFact> {
        let parent = prop_oneof![8 => Just(None), 1 => (0u8..12).prop_map(Some)];
        let height = prop_oneof![5 => Just(None), 5 => Just(Some(None)), 1 => (0u64..12).prop_map(|n| Some(Some(n)))];
        let work = prop_oneof![6 => Just(None), 1 => (0u8..3).prop_map(Some)];
        (1u8..12, parent, height, work, any::<bool>()).prop_map(
            |(n, parent, height, work, has_parent)| BlockFact {
                chain: Chain::BITCOIN,
                hash: Some(hash(n)),
                parent: (has_parent || n > 3).then(|| hash(parent.unwrap_or(n - 1))),
                height: height.map(|height| height.unwrap_or(u64::from(n))),
                time: model::Timestamp::UNIX_EPOCH,
                work: work
                    .map(|work| [&[0; 31][..], &[work]].concat().try_into().expect("32 bytes")),
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn headers_learned_piece_by_piece_stand_where_all_together_do(
            pieces in prop::collection::vec(prop::collection::vec(header(), 0..4), 0..8),
        ) {
            let mut headers = Headers::default();
            let mut told = Vec::new();
            for piece in pieces {
                let before = headers::place(&told);
                told.extend(piece.iter().cloned());
                let (_, moved) = headers.learn(piece);
                let now = headers::place(&told);
                for (hash, placed) in now.iter().collect::<BTreeMap<_, _>>() {
                    prop_assert_eq!(headers.place(hash), Some(*placed));
                    let is_moved = before.get(hash) != Some(placed);
                    prop_assert!(!is_moved || moved.contains(hash));
                }
            }
        }
    }

    #[test]
    fn a_chain_that_grows_is_not_placed_again() {
        let mut headers = Headers::default();
        let block = |n: u8| BlockFact {
            chain: Chain::BITCOIN,
            hash: Some(hash(n)),
            parent: Some(hash(n - 1)),
            height: Some(u64::from(n)),
            time: model::Timestamp::UNIX_EPOCH,
            work: None,
        };
        for n in (1..20).chain(40..60).chain((21..40).rev()).chain([20, 60]) {
            let (_, moved) = headers.learn(vec![block(n)]);
            assert_eq!(moved.into_iter().collect::<Vec<_>>(), [hash(n)], "only the new one");
            assert!(headers.is_plain && headers.place_alone(hash(n), &block(n)).is_none());
        }
        assert!(headers.place(&hash(33)).is_some_and(|placed| placed.height == Some(33)));
    }

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
