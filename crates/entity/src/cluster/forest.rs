//! The final part: a union-find whose clusters are named by their lowest number.
//!
//! Parents are 32 bits. Uniting many pairs at once asks memory for cells some pairs ahead, since
//! waiting for memory is what it costs. Sizes lie apart, so that a batch touches parents only; they are counted
//! afterwards.

use prefetch_index::prefetch_index;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forest {
    parents: Vec<u32>,
    /// Of roots.
    sizes: Vec<u32>,
}

/// Two clusters that became one: how many each had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    pub smaller: u32,
    pub larger: u32,
}

/// Measured best of 8 to 48 in batches over 100 M addresses.
const AHEAD: usize = 24;

impl Forest {
    pub fn with_members(count: usize) -> Forest {
        let mut forest = Forest::default();
        forest.grow(count);
        forest
    }

    pub fn len(&self) -> usize {
        self.parents.len()
    }

    pub fn is_empty(&self) -> bool {
        self.parents.is_empty()
    }

    pub fn grow(&mut self, count: usize) {
        let (from, to) = (number(self.len()), number(count));
        self.parents.extend(from..to);
        self.sizes.resize(self.parents.len(), 1);
    }

    /// Forgets the last members, of which none was united.
    pub fn shrink(&mut self, count: usize) {
        self.parents.truncate(count);
        self.sizes.truncate(count);
    }

    pub fn find(&self, mut member: u32) -> u32 {
        loop {
            let parent = self.parents[member as usize];
            if parent == member {
                return member;
            }
            member = parent;
        }
    }

    fn find_halving(&mut self, mut member: u32) -> u32 {
        loop {
            let parent = self.parents[member as usize];
            if parent == member {
                return member;
            }
            let above = self.parents[parent as usize];
            if above == parent {
                return parent;
            }
            self.parents[member as usize] = above;
            member = above;
        }
    }

    /// Of a root.
    pub fn size(&self, root: u32) -> u32 {
        self.sizes[root as usize]
    }

    /// None where they were one already.
    pub fn union(&mut self, a: u32, b: u32) -> Option<Joined> {
        let (a, b) = (self.find_halving(a), self.find_halving(b));
        if a == b {
            return None;
        }
        let (low, high) = (a.min(b), a.max(b));
        self.parents[high as usize] = low;
        let (one, other) = (self.sizes[low as usize], self.sizes[high as usize]);
        self.sizes[low as usize] = one + other;
        Some(Joined { smaller: one.min(other), larger: one.max(other) })
    }

    /// Unites many pairs. Sizes are wrong until [`Forest::count_members`].
    pub fn union_batch(&mut self, pairs: &[(u32, u32)]) {
        for (at, (a, b)) in pairs.iter().enumerate() {
            if let Some((a, b)) = pairs.get(at + AHEAD) {
                prefetch_index(&self.parents, *a as usize);
                prefetch_index(&self.parents, *b as usize);
            }
            // By now their own cells are there, and say whose are needed next.
            if let Some((a, b)) = pairs.get(at + AHEAD / 2) {
                prefetch_index(&self.parents, self.parents[*a as usize] as usize);
                prefetch_index(&self.parents, self.parents[*b as usize] as usize);
            }
            let (a, b) = (self.find_halving(*a), self.find_halving(*b));
            if a != b {
                self.parents[a.max(b) as usize] = a.min(b);
            }
        }
    }

    /// Counts every cluster anew, and makes every member know its root.
    pub fn count_members(&mut self) {
        self.sizes.fill(0);
        // A parent is never above its child, so it knows its root already.
        for member in 0..self.parents.len() {
            let root = self.parents[self.parents[member] as usize];
            self.parents[member] = root;
            self.sizes[root as usize] += 1;
        }
    }

    /// Makes each of these alone again. They must be whole clusters.
    pub fn scatter(&mut self, members: &[u32]) {
        for member in members {
            self.parents[*member as usize] = *member;
            self.sizes[*member as usize] = 1;
        }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("addresses are numbered in 32 bits")
}
