//! Against the plainest clusters there can be: sets united one pair after the other.

use std::collections::{BTreeMap, BTreeSet};

use entity::cluster::forest::Forest;
use entity::cluster::{Clusters, Excluded};
use entity::heuristics::{Merge, Rule};
use model::TxHash;
use proptest::collection::vec;
use proptest::prelude::*;

const MEMBERS: u32 = 24;

fn plain(pairs: impl IntoIterator<Item = (u32, u32)>) -> Vec<u32> {
    let mut of: Vec<u32> = (0..MEMBERS).collect();
    for (a, b) in pairs {
        let (one, other) = (of[a as usize], of[b as usize]);
        let low = one.min(other);
        of.iter_mut().filter(|name| **name == one || **name == other).for_each(|name| *name = low);
    }
    of
}

fn shown(clusters: &Clusters) -> Vec<u32> {
    (0..MEMBERS).map(|member| clusters.cluster(member)).collect()
}

fn hash(tx: u8) -> TxHash {
    TxHash::new(&[tx; 32])
}

fn fresh() -> Clusters {
    let mut clusters = Clusters::new(Excluded::default());
    clusters.grow(MEMBERS as usize);
    clusters
}

/// A transaction each: its number, its pairs.
fn transactions() -> impl Strategy<Value = Vec<Vec<(u32, u32)>>> {
    vec(vec((0..MEMBERS, 0..MEMBERS), 0..4), 0..14)
}

fn merges(pairs: &[(u32, u32)]) -> Vec<Merge> {
    let rule = |at: usize| if at.is_multiple_of(2) { Rule::CoSpend } else { Rule::ChangeType };
    pairs.iter().enumerate().map(|(at, (a, b))| Merge { a: *a, b: *b, rule: rule(at) }).collect()
}

fn take(clusters: &mut Clusters, all: &[Vec<(u32, u32)>], first: usize, is_final: bool) {
    for (at, pairs) in all.iter().enumerate() {
        let tx = u8::try_from(first + at).expect("few");
        clusters.merge(&merges(pairs), hash(tx), is_final);
    }
}

proptest! {
    #[test]
    fn any_order_and_split_is_the_same(all in transactions(), cut in 0usize..15, seed: u64) {
        let expected = plain(all.iter().flatten().copied());
        let mut whole = fresh();
        take(&mut whole, &all, 0, true);
        prop_assert_eq!(shown(&whole), expected.clone());

        let cut = cut.min(all.len());
        let mut split = fresh();
        take(&mut split, &all[..cut], 0, true);
        take(&mut split, &all[cut..], cut, false);
        prop_assert_eq!(shown(&split), expected.clone());
        let end = split.mark();
        split.settle(end, &mut []);
        prop_assert_eq!(shown(&split), expected.clone());

        let mut pairs: Vec<(u32, u32)> = all.iter().flatten().copied().collect();
        let turn = usize::try_from(seed % 97).expect("small");
        if !pairs.is_empty() {
            let by = turn % pairs.len();
            pairs.rotate_left(by);
        }
        let mut forest = Forest::with_members(MEMBERS as usize);
        forest.union_batch(&pairs);
        forest.count_members();
        let found: Vec<u32> = (0..MEMBERS).map(|member| forest.find(member)).collect();
        prop_assert_eq!(&found, &expected);
        for member in 0..MEMBERS {
            let members = expected.iter().filter(|name| **name == expected[member as usize]).count();
            prop_assert_eq!(forest.size(forest.find(member)) as usize, members);
            prop_assert_eq!(whole.size(member) as usize, members);
        }
    }

    #[test]
    fn what_is_undone_never_was(all in transactions(), hot in transactions()) {
        let mut clusters = fresh();
        take(&mut clusters, &all, 0, true);
        let (before, mark) = (shown(&clusters), clusters.mark());
        take(&mut clusters, &hot, 100, false);
        let expected = plain(all.iter().chain(&hot).flatten().copied());
        prop_assert_eq!(shown(&clusters), expected);
        clusters.undo_to(mark);
        prop_assert_eq!(shown(&clusters), before.clone());
        prop_assert_eq!(clusters.mark(), mark);
        take(&mut clusters, &hot, 100, false);
        clusters.undo_to(mark);
        prop_assert_eq!(shown(&clusters), before);
    }

    /// Without a transaction, or without a rule, everything is as if it had never come; everything else stays.
    #[test]
    fn what_is_excluded_never_was(
        all in transactions(),
        hot in transactions(),
        out in 0u8..14,
        is_rule: bool,
    ) {
        let mut clusters = fresh();
        take(&mut clusters, &all, 0, true);
        let mark = clusters.mark();
        take(&mut clusters, &hot, 100, false);
        let mut marks = [mark];
        let is_kept = |tx: usize, at: usize| match is_rule {
            true => at.is_multiple_of(2),
            false => tx != usize::from(out),
        };
        match is_rule {
            true => clusters.exclude_rule(Rule::ChangeType, &mut marks),
            false => clusters.exclude(hash(out), &mut marks),
        }
        let kept = |all: &[Vec<(u32, u32)>], first: usize| -> Vec<(u32, u32)> {
            let mut pairs = Vec::new();
            for (tx, some) in all.iter().enumerate() {
                pairs.extend(some.iter().enumerate().filter(|(at, _)| is_kept(first + tx, *at)).map(|(_, pair)| *pair));
            }
            pairs
        };
        let base = kept(&all, 0);
        let both = [base.clone(), kept(&hot, 100)].concat();
        prop_assert_eq!(shown(&clusters), plain(both));
        clusters.undo_to(marks[0]);
        prop_assert_eq!(shown(&clusters), plain(base));
    }

    /// The path between two addresses is one, by merges that were made, and is there exactly when they are together.
    #[test]
    fn every_pair_together_is_explained(all in transactions(), a in 0..MEMBERS, b in 0..MEMBERS) {
        let mut clusters = fresh();
        let half = all.len() / 2;
        take(&mut clusters, &all[..half], 0, true);
        take(&mut clusters, &all[half..], half, false);
        let said: BTreeMap<u8, BTreeSet<(u32, u32)>> = (0u8..)
            .zip(&all)
            .map(|(tx, pairs)| (tx, pairs.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]).collect()))
            .collect();
        let path = clusters.explain(a, b);
        prop_assert_eq!(path.is_some(), clusters.cluster(a) == clusters.cluster(b));
        if let Some(path) = path {
            let mut at = a;
            for step in path {
                prop_assert_eq!(step.a, at);
                let tx = step.tx.bytes()[0];
                prop_assert!(said[&tx].contains(&(step.a, step.b)));
                at = step.b;
            }
            prop_assert_eq!(at, b);
        }
        let members = clusters.members(a);
        let together: Vec<u32> = (0..MEMBERS).filter(|m| clusters.cluster(*m) == clusters.cluster(a)).collect();
        prop_assert_eq!(members, together);
    }
}

#[test]
fn two_large_clusters_that_meet_are_flagged_and_joined() {
    let mut clusters = Clusters::new(Excluded::default());
    clusters.grow(4_000);
    let star = |from: u32, count: u32| -> Vec<Merge> {
        (1..count).map(|at| Merge { a: from, b: from + at, rule: Rule::CoSpend }).collect()
    };
    clusters.merge(&star(0, 1_500), hash(1), true);
    clusters.merge(&star(2_000, 1_200), hash(2), true);
    assert_eq!(clusters.alarms().count(), 0, "growing one by one is no jump");
    let bridge = [Merge { a: 3, b: 2_003, rule: Rule::CoSpend }];
    clusters.merge(&bridge, hash(3), true);
    let flagged: Vec<_> = clusters.alarms().collect();
    assert_eq!(flagged.len(), 1);
    let (alarm, rule, tx) = flagged[0];
    assert_eq!((alarm.smaller, alarm.larger, rule, tx), (1_200, 1_500, Rule::CoSpend, hash(3)));
    assert_eq!(clusters.size(5), 2_700);
    clusters.exclude(hash(3), &mut []);
    assert_eq!(
        (clusters.size(5), clusters.size(2_005), clusters.alarms().count()),
        (1_500, 1_200, 0)
    );
}
