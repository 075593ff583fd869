//! The part of blocks that are not final: a small union-find over the forest's roots that can be undone.
//!
//! By size, without path compression, and with a log: a merge is undone in one step, the last first. Finding
//! costs the logarithm of how many were merged.

use std::collections::HashMap;

use super::forest::{Forest, Joined};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    parents: HashMap<u32, u32>,
    /// Of roots that took another in: size and lowest number.
    tops: HashMap<u32, Top>,
    log: Vec<Undo>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Top {
    size: u32,
    lowest: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Undo {
    child: u32,
    parent: u32,
    /// What was known of the parent.
    before: Option<Top>,
}

impl Overlay {
    pub fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    /// How many merges can be undone.
    pub fn merges(&self) -> usize {
        self.log.len()
    }

    /// From a root of the forest.
    pub fn find(&self, mut root: u32) -> u32 {
        while let Some(parent) = self.parents.get(&root) {
            root = *parent;
        }
        root
    }

    /// Of what [`Overlay::find`] found.
    pub fn size(&self, forest: &Forest, root: u32) -> u32 {
        self.tops.get(&root).map_or_else(|| forest.size(root), |top| top.size)
    }

    pub fn lowest(&self, root: u32) -> u32 {
        self.tops.get(&root).map_or(root, |top| top.lowest)
    }

    pub fn union(&mut self, forest: &Forest, a: u32, b: u32) -> Option<Joined> {
        let (a, b) = (self.find(forest.find(a)), self.find(forest.find(b)));
        if a == b {
            return None;
        }
        let (sizes, lowest) =
            ((self.size(forest, a), self.size(forest, b)), self.lowest(a).min(self.lowest(b)));
        let (parent, child) = if (sizes.0, b) >= (sizes.1, a) { (a, b) } else { (b, a) };
        self.parents.insert(child, parent);
        let before = self.tops.insert(parent, Top { size: sizes.0 + sizes.1, lowest });
        self.log.push(Undo { child, parent, before });
        Some(Joined { smaller: sizes.0.min(sizes.1), larger: sizes.0.max(sizes.1) })
    }

    /// Back to so many merges.
    pub fn undo_to(&mut self, merges: usize) {
        while self.log.len() > merges {
            let Some(Undo { child, parent, before }) = self.log.pop() else { return };
            self.parents.remove(&child);
            match before {
                Some(top) => self.tops.insert(parent, top),
                None => self.tops.remove(&parent),
            };
        }
    }
}
