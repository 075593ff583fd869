//! How right clusters are, where the owners are known.
//!
//! Pairwise: of two addresses in one cluster, do they have one owner (precision); of two addresses of one owner, are
//! they in one cluster (recall). Counted by the sizes of overlaps, never pair by pair. Only addresses whose owner is
//! known count.

use std::collections::HashMap;
use std::hash::Hash;

#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Pairs {
    /// Pairs in one cluster and of one owner.
    pub right: u64,
    /// Pairs in one cluster.
    pub clustered: u64,
    /// Pairs of one owner.
    pub owned: u64,
}

impl Pairs {
    /// Of each known address: its cluster and its owner.
    pub fn count<C: Eq + Hash + Copy, O: Eq + Hash + Copy>(
        known: impl IntoIterator<Item = (C, O)>,
    ) -> Pairs {
        let mut both: HashMap<(C, O), u64> = HashMap::new();
        let mut clusters: HashMap<C, u64> = HashMap::new();
        let mut owners: HashMap<O, u64> = HashMap::new();
        for (cluster, owner) in known {
            *both.entry((cluster, owner)).or_default() += 1;
            *clusters.entry(cluster).or_default() += 1;
            *owners.entry(owner).or_default() += 1;
        }
        Pairs {
            right: pairs(both.into_values()),
            clustered: pairs(clusters.into_values()),
            owned: pairs(owners.into_values()),
        }
    }

    /// None where nothing was clustered.
    pub fn precision(&self) -> Option<f64> {
        share(self.right, self.clustered)
    }

    /// None where no owner has two addresses.
    pub fn recall(&self) -> Option<f64> {
        share(self.right, self.owned)
    }
}

fn pairs(sizes: impl Iterator<Item = u64>) -> u64 {
    sizes.map(|size| size * (size - 1) / 2).sum()
}

/// For display only.
#[expect(clippy::cast_precision_loss, reason = "a share of counts, for people")]
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_those_one_would_count_by_hand() {
        // Cluster 1: a a b. Cluster 2: b. Cluster 3: a.
        let found = Pairs::count([(1, 'a'), (1, 'a'), (1, 'b'), (2, 'b'), (3, 'a')]);
        assert_eq!(found, Pairs { right: 1, clustered: 3, owned: 4 });
        assert_eq!(found.recall(), Some(0.25));
        assert_eq!(Pairs::count([(1, 'a')]).precision(), None);
    }
}
