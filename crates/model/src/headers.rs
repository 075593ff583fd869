//! Which blocks of a header tree stand, and how high.
//!
//! Files hold blocks in any order, and blocks that lost. The chain with the most
//! work stands, as the protocol decides; heights spread from the blocks that
//! know theirs (BIP 34, or the genesis block). Where a tie leaves it open which
//! tip won, the lower hash is taken, so that the order of files never matters.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::{BlockFact, TxHash, U256};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    pub height: Option<u64>,
    /// False for a block that lost against another branch in the data.
    pub stands: bool,
}

/// Places every block that has a hash.
pub fn place<'a>(blocks: impl IntoIterator<Item = &'a BlockFact>) -> HashMap<TxHash, Placed> {
    let tree = Tree::build(blocks);
    let heights = tree.heights();
    let standing = tree.standing();
    tree.blocks
        .keys()
        .map(|hash| {
            let placed =
                Placed { height: heights.get(hash).copied(), stands: standing.contains(hash) };
            (*hash, placed)
        })
        .collect()
}

struct Tree {
    blocks: BTreeMap<TxHash, Known>,
    children: BTreeMap<TxHash, BTreeSet<TxHash>>,
}

/// What all sources together say of one block.
struct Known {
    parent: Option<TxHash>,
    height: Option<u64>,
    work: Option<[u8; 32]>,
}

impl Known {
    /// Sources that differ lie or err; the lower value is then a rule, so that
    /// their order does not matter.
    fn complete(&mut self, told: &BlockFact) {
        self.parent = self.parent.into_iter().chain(told.parent).min();
        self.height = self.height.into_iter().chain(told.height).min();
        self.work = self.work.into_iter().chain(told.work).min();
    }
}

impl Tree {
    fn build<'a>(told: impl IntoIterator<Item = &'a BlockFact>) -> Tree {
        let mut blocks: BTreeMap<TxHash, Known> = BTreeMap::new();
        for block in told {
            let Some(hash) = block.hash else { continue };
            let nothing = Known { parent: None, height: None, work: None };
            blocks.entry(hash).or_insert(nothing).complete(block);
        }
        let mut children: BTreeMap<TxHash, BTreeSet<TxHash>> = BTreeMap::new();
        for (hash, block) in &blocks {
            if let Some(parent) = block.parent.filter(|parent| blocks.contains_key(parent)) {
                children.entry(parent).or_default().insert(*hash);
            }
        }
        Tree { blocks, children }
    }

    fn children(&self, hash: &TxHash) -> impl Iterator<Item = &TxHash> {
        self.children.get(hash).into_iter().flatten()
    }

    fn parent(&self, hash: &TxHash) -> Option<TxHash> {
        self.blocks.get(hash)?.parent.filter(|parent| self.blocks.contains_key(parent))
    }

    fn roots(&self) -> impl Iterator<Item = TxHash> {
        self.blocks.keys().copied().filter(|hash| self.parent(hash).is_none())
    }

    /// Heights spread along the links in both directions.
    fn heights(&self) -> HashMap<TxHash, u64> {
        let mut heights: HashMap<TxHash, u64> = HashMap::new();
        let mut open: Vec<(TxHash, u64)> =
            self.blocks.iter().filter_map(|(hash, block)| Some((*hash, block.height?))).collect();
        while let Some((hash, height)) = open.pop() {
            if heights.contains_key(&hash) {
                continue;
            }
            heights.insert(hash, height);
            open.extend(self.children(&hash).map(|child| (*child, height.saturating_add(1))));
            if let (Some(parent), Some(below)) = (self.parent(&hash), height.checked_sub(1)) {
                open.push((parent, below));
            }
        }
        heights
    }

    /// In each connected tree, the branch with the most work.
    fn standing(&self) -> HashSet<TxHash> {
        let mut standing = HashSet::new();
        for root in self.roots() {
            let mut at = Some(self.best_tip(root));
            while let Some(hash) = at {
                standing.insert(hash);
                at = self.parent(&hash);
            }
        }
        standing
    }

    fn best_tip(&self, root: TxHash) -> TxHash {
        let mut best = (U256::ZERO, root);
        let mut open = vec![(root, self.work(&root))];
        while let Some((hash, work)) = open.pop() {
            if work > best.0 || (work == best.0 && hash < best.1) {
                best = (work, hash);
            }
            open.extend(
                self.children(&hash).map(|child| (*child, work.saturating_add(self.work(child)))),
            );
        }
        best.1
    }

    /// A block that says no work counts as one, so that longer branches win.
    fn work(&self, hash: &TxHash) -> U256 {
        self.blocks
            .get(hash)
            .and_then(|block| block.work)
            .map_or(U256::from(1), U256::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chain, Timestamp};

    fn hash(n: u8) -> TxHash {
        TxHash::new(&[n; 32])
    }

    fn block(n: u8, parent: u8, height: Option<u64>) -> BlockFact {
        BlockFact {
            chain: Chain::BITCOIN,
            hash: Some(hash(n)),
            parent: Some(hash(parent)),
            height,
            time: Timestamp::UNIX_EPOCH,
            work: None,
        }
    }

    #[test]
    fn heights_spread_both_ways_and_the_longer_branch_stands() {
        // 1 - 2 - 3 - 4      (2 knows its height)
        //      \- 9
        let blocks = [
            block(4, 3, None),
            block(1, 0, None),
            block(9, 2, None),
            block(2, 1, Some(101)),
            block(3, 2, None),
        ];
        let placed = place(&blocks);
        assert_eq!(placed[&hash(1)], Placed { height: Some(100), stands: true });
        assert_eq!(placed[&hash(4)], Placed { height: Some(103), stands: true });
        assert_eq!(placed[&hash(9)], Placed { height: Some(102), stands: false });
    }

    #[test]
    fn more_work_beats_more_blocks() {
        let heavy = BlockFact { work: Some(U256::from(10).to_be_bytes()), ..block(9, 1, None) };
        let placed = place(&[block(1, 0, Some(5)), block(2, 1, None), block(3, 2, None), heavy]);
        assert!(placed[&hash(9)].stands);
        assert!(!placed[&hash(3)].stands);
    }

    #[test]
    fn a_tie_does_not_depend_on_order() {
        let (a, b, root) = (block(2, 1, None), block(3, 1, None), block(1, 0, Some(5)));
        assert_eq!(place([&a, &b, &root]), place([&root, &b, &a]));
    }

    #[test]
    fn a_loop_of_hostile_headers_ends() {
        let placed = place(&[block(1, 2, Some(7)), block(2, 1, None)]);
        assert_eq!(placed.len(), 2);
    }
}
