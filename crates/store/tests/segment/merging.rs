//! Merging what was split is as if it had never been.

use std::collections::{BTreeMap, BTreeSet};

use model::TxHash;
use proptest::prelude::*;
use roaring::RoaringBitmap;
use store::segment::{Segment, merge};

use crate::story::Story;
use crate::{answers, any_story, read, written};

/// Which part of a past a transaction goes to, so that each is whole in one.
fn part_of(hash: &TxHash, parts: u8) -> u8 {
    hash.bytes()[0] % parts
}

fn masked(story: &Story, hashes: &BTreeSet<TxHash>) -> RoaringBitmap {
    let entries = story.sorted().entries;
    (0u32..).zip(entries).filter(|(_, e)| hashes.contains(&e.hash)).map(|(n, _)| n).collect()
}

fn merged(parts: &[(Story, BTreeSet<TxHash>)]) -> (Story, Segment) {
    let segments: Vec<(Segment, RoaringBitmap)> =
        parts.iter().map(|(story, hashes)| (read(written(story)), masked(story, hashes))).collect();
    let inputs: Vec<(&Segment, Option<&RoaringBitmap>)> =
        segments.iter().map(|(segment, mask)| (segment, Some(mask))).collect();
    let mut bytes = Vec::new();
    let head = merge(&inputs, &mut bytes).expect("merges");
    let segment = read(bytes);
    assert_eq!(*segment.head(), head);
    let mut whole =
        Story { chain: parts[0].0.chain, entries: Vec::new(), block_times: BTreeMap::new() };
    for (story, hashes) in parts {
        whole.entries.extend(story.keep(|_, entry| !hashes.contains(&entry.hash)).entries);
        for (height, time) in &story.block_times {
            let known = whole.block_times.entry(*height).or_insert(*time);
            *known = (*time).max(*known);
        }
    }
    (whole, segment)
}

fn hashes() -> impl Strategy<Value = BTreeSet<TxHash>> {
    let hash = (0u8..12, any::<bool>())
        .prop_map(|(n, is_long)| TxHash::new(&vec![n; if is_long { 64 } else { 32 }]));
    proptest::collection::btree_set(hash, 0..8)
}

proptest! {
    #[test]
    fn what_was_split_and_masked_merges_to_what_stays(
        story in any_story(40),
        parts in 1u8..5,
        gone in hashes(),
    ) {
        let parts: Vec<(Story, BTreeSet<TxHash>)> = (0..parts)
            .map(|part| (story.keep(|_, e| part_of(&e.hash, parts) == part), gone.clone()))
            .collect();
        let (whole, segment) = merged(&parts);
        answers::check(&whole, &segment);
        // And once more, now that numbers and references went through one merge.
        let mut again = Vec::new();
        merge(&[(&segment, None)], &mut again).expect("merges");
        answers::check(&whole, &read(again));
    }

    #[test]
    fn what_is_told_anew_replaces_what_it_masks(
        stories in (0..crate::CHAINS.len()).prop_flat_map(|chain| {
            let story = || crate::stories(crate::CHAINS[chain], 30);
            (story(), story())
        }),
    ) {
        let (old, new) = stories;
        let replaced: BTreeSet<TxHash> = new.entries.iter().map(|entry| entry.hash).collect();
        let (whole, segment) = merged(&[(old, replaced), (new, BTreeSet::new())]);
        answers::check(&whole, &segment);
    }

    #[test]
    fn parts_of_one_time_after_the_other_are_put_end_to_end(story in any_story(40), at in 0usize..40) {
        let sorted = story.sorted();
        let early: BTreeSet<TxHash> = sorted.entries.iter().take(at).map(|e| e.hash).collect();
        let split = |is_early: bool| sorted.keep(|_, e| early.contains(&e.hash) == is_early);
        let none = BTreeSet::new;
        let (whole, segment) = merged(&[(split(false), none()), (split(true), none())]);
        answers::check(&whole, &segment);
    }
}

#[test]
fn an_entry_that_two_inputs_have_is_refused() {
    let story = crate::small();
    let segment = read(written(&story));
    let error = merge(&[(&segment, None), (&segment, None)], &mut Vec::new());
    assert!(error.expect_err("refused").to_string().contains("one transaction"));
}

#[test]
fn what_is_merged_has_one_chain() {
    let segment = read(written(&crate::small()));
    let other =
        Story { chain: model::Chain::TRON, entries: Vec::new(), block_times: BTreeMap::new() };
    let other = read(written(&other));
    assert!(merge(&[(&segment, None), (&other, None)], &mut Vec::new()).is_err());
    assert!(merge(&[], &mut Vec::new()).is_err());
}

/// Enough of it that old numbers are looked up in tables, not in runs.
#[test]
fn what_lies_between_each_other_merges_in_order() {
    for chain in [model::Chain::ETHEREUM, model::Chain::BITCOIN] {
        let story = crate::large(chain, 60);
        let gone: BTreeSet<TxHash> =
            story.entries.iter().map(|e| e.hash).filter(|hash| hash.bytes()[2] % 5 == 0).collect();
        let part = |n: u8| story.keep(|_, e| e.hash.bytes()[2] % 3 == n);
        let (whole, segment) =
            merged(&[(part(0), gone.clone()), (part(1), BTreeSet::new()), (part(2), gone)]);
        answers::check(&whole, &segment);
    }
}
