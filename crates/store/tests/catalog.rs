//! The catalog: one commit at a time, all of it or nothing, seen by everybody.

mod common;

use std::fs;
use std::sync::Arc;

use common::{file, hash, time};
use model::headers::Placed;
use model::{Asset, AssetMeta, BlockFact, Chain, Freezable, U256};
use proptest::prelude::*;
use roaring::RoaringBitmap;
use store::StoreError;
use store::catalog::{Catalog, HotRow, MaskRow, SegmentId, SegmentRow};

const BTC: Chain = Chain::BITCOIN;

fn segment(id: SegmentId) -> SegmentRow {
    SegmentRow {
        id,
        chain: BTC,
        file: Some(format!("bitcoin-{id}.seg")),
        entries: 3,
        rows: 7,
        transfers: 6,
        addresses: 5,
        bytes: 4096,
        time_first: Some(time(1)),
        time_last: Some(time(3)),
        height_first: Some(100),
        height_last: None,
    }
}

fn mask(by: SegmentId, on: SegmentId, entries: &[u32]) -> MaskRow {
    let entries: RoaringBitmap = entries.iter().collect();
    MaskRow { by, on, transfers: entries.len() * 2, unresolved: 1, entries }
}

fn hot(id: SegmentId) -> HotRow {
    HotRow {
        segment: SegmentRow { file: None, ..segment(id) },
        height: 101,
        hash: hash(1),
        parent: hash(0),
        time: time(3),
        assets: Some(vec![1, 2]),
        content: vec![3],
    }
}

#[test]
fn what_is_committed_is_seen_whole_by_every_connection() {
    let home = tempfile::tempdir().expect("a folder");
    let catalog = Catalog::open(home.path()).expect("opens");
    let reader = Catalog::open_existing(home.path()).expect("opens");
    let writer = catalog.writer("test").expect("the right to write");
    let (first, second) = (writer.next_segment(), writer.next_segment());

    let mut commit = catalog.commit(&writer).expect("starts");
    let named = commit.add_file(&file("one"), "sha").expect("adds");
    commit.add_segment(&segment(first), &[named]).expect("adds");
    commit.add_segment(&segment(second), &[named]).expect("adds");
    commit.set_mask(&mask(second, first, &[0, 2])).expect("masks");
    assert_eq!(reader.state().expect("reads").segments, []);
    let generation = commit.finish().expect("commits");

    let state = reader.state().expect("reads");
    assert_eq!((state.generation, reader.generation().expect("reads")), (generation, generation));
    assert_eq!(state.segments, [segment(first), segment(second)]);
    assert_eq!(state.masks, [mask(second, first, &[0, 2])]);
    let files = reader.files_of(second).expect("reads");
    assert_eq!(files, catalog.files().expect("reads"));
}

#[test]
fn a_dropped_commit_leaves_nothing_and_its_numbers_are_not_lost() {
    let catalog = Catalog::open_in_memory().expect("opens");
    let writer = catalog.writer("test").expect("the right to write");
    let mut commit = catalog.commit(&writer).expect("starts");
    commit.add_segment(&segment(writer.next_segment()), &[]).expect("adds");
    drop(commit);
    let state = catalog.state().expect("reads");
    assert_eq!((state.generation, state.segments.len()), (0, 0));
    assert_eq!(writer.next_segment(), 2);
}

#[test]
fn a_number_is_never_given_twice() {
    let home = tempfile::tempdir().expect("a folder");
    let catalog = Catalog::open(home.path()).expect("opens");
    let writer = catalog.writer("test").expect("the right to write");
    let id = writer.next_segment();
    let mut commit = catalog.commit(&writer).expect("starts");
    commit.add_segment(&segment(id), &[]).expect("adds");
    commit.finish().expect("commits");
    let mut commit = catalog.commit(&writer).expect("starts");
    commit.remove_segment(id).expect("removes");
    commit.finish().expect("commits");
    drop((writer, catalog));

    let catalog = Catalog::open(home.path()).expect("opens");
    let writer = catalog.writer("test").expect("the right to write");
    assert_eq!(writer.next_segment(), id + 1);
}

#[test]
fn a_segment_whose_masks_nobody_took_over_cannot_go() {
    let catalog = Catalog::open_in_memory().expect("opens");
    let writer = catalog.writer("test").expect("the right to write");
    let mut commit = catalog.commit(&writer).expect("starts");
    for id in [1, 2, 3] {
        commit.add_segment(&segment(id), &[]).expect("adds");
    }
    commit.set_mask(&mask(2, 1, &[1])).expect("masks");
    commit.remove_segment(2).expect_err("its mask would be lost");
    // A merge of 2 into 3: the mask is 3's now.
    commit.remove_mask(2, 1).expect("unmasks");
    commit.set_mask(&mask(3, 1, &[1])).expect("masks");
    commit.remove_segment(2).expect("goes");
    assert_eq!(commit.masks_on(1).expect("reads"), [mask(3, 1, &[1])]);
    assert!(!commit.has_segment(2).expect("looks"));
    commit.finish().expect("commits");
}

#[test]
fn who_masks_a_segment_holds_something_of_its_files() {
    let catalog = Catalog::open_in_memory().expect("opens");
    let writer = catalog.writer("test").expect("the right to write");
    let mut commit = catalog.commit(&writer).expect("starts");
    let [one, two] = ["one", "two"].map(|name| commit.add_file(&file(name), name).expect("adds"));
    commit.add_segment(&segment(1), &[one]).expect("adds");
    commit.add_segment(&segment(2), &[two]).expect("adds");
    commit.set_mask(&mask(2, 1, &[0])).expect("masks");
    commit.finish().expect("commits");
    assert_eq!(catalog.files_of(2).expect("reads").len(), 2);

    // Lost with its segment, a file is not known until it is read again.
    let mut commit = catalog.commit(&writer).expect("starts");
    commit.drop_damaged(2).expect("drops");
    commit.finish().expect("commits");
    assert_eq!(catalog.state().expect("reads").masks, []);
    assert!(!catalog.has_file("two", "test").expect("looks"));
    assert!(catalog.files().expect("reads").iter().all(|file| file.is_lost));
    let mut commit = catalog.commit(&writer).expect("starts");
    assert_eq!(commit.add_file(&file("two"), "two").expect("adds"), two);
    commit.finish().expect("commits");
    assert!(catalog.has_file("two", "test").expect("looks"));
}

#[test]
fn a_hot_block_takes_its_masks_with_it() {
    let catalog = Catalog::open_in_memory().expect("opens");
    let writer = catalog.writer("follow").expect("the right to write");
    let mut commit = catalog.commit(&writer).expect("starts");
    commit.add_segment(&segment(1), &[]).expect("adds");
    commit.add_hot_block(&hot(2), &[4]).expect("adds");
    commit.set_mask(&mask(2, 1, &[0])).expect("masks");
    commit.finish().expect("commits");
    let state = catalog.state().expect("reads");
    assert_eq!((state.hot, state.segments), (vec![hot(2)], vec![segment(1)]));

    let mut commit = catalog.commit(&writer).expect("starts");
    commit.remove_hot_block(2).expect("drops");
    commit.finish().expect("commits");
    let state = catalog.state().expect("reads");
    assert_eq!((state.hot.len(), state.masks.len(), state.segments.len()), (0, 0, 1));
}

#[test]
fn the_right_to_write_is_shared_within_and_refused_without() {
    let home = tempfile::tempdir().expect("a folder");
    let ours = Catalog::open(home.path()).expect("opens");
    let mut theirs = Catalog::open(home.path()).expect("opens");
    let batch = ours.writer("import a").expect("the right to write");
    let merge = ours.writer("merge").expect("shared");
    assert!(Arc::ptr_eq(&batch, &merge));
    drop(batch);

    let error = theirs.writer("import b").err().expect("refused");
    assert!(
        matches!(&error, StoreError::Busy { holder, .. } if holder.contains("merge")),
        "{error}"
    );
    // What touches no segment goes through meanwhile.
    theirs.put_labels("pack", "f1", &[]).expect("keeps");
    drop(merge);
    theirs.writer("import b").expect("the right to write");
}

#[test]
fn a_note_left_by_a_crash_stops_nobody() {
    let home = tempfile::tempdir().expect("a folder");
    let catalog = Catalog::open(home.path()).expect("opens");
    fs::write(home.path().join("writer"), "process 1 (import x)").expect("writes");
    fs::write(home.path().join("writer.lock"), "").expect("writes");
    catalog.writer("import y").expect("the right to write");
}

#[test]
fn blocks_come_back_and_the_same_is_nothing_new() {
    let catalog = Catalog::open_in_memory().expect("opens");
    let writer = catalog.writer("test").expect("the right to write");
    let block = BlockFact {
        chain: BTC,
        hash: Some(hash(1)),
        parent: None,
        height: Some(5),
        time: time(3),
        work: Some(U256::from(7).to_be_bytes()),
    };
    let other = BlockFact { parent: Some(hash(0)), ..block.clone() };
    let mut commit = catalog.commit(&writer).expect("starts");
    assert!(commit.add_block(&block).expect("adds"));
    assert!(commit.add_block(&other).expect("adds"));
    assert!(!commit.add_block(&block).expect("adds"));
    let placed = Placed { height: Some(5), stands: true };
    commit.place(BTC, &hash(1), &placed).expect("places");
    commit.add_block_heights(BTC, &(5..=5)).expect("notes");
    commit.add_block_heights(Chain::ETHEREUM, &(7..=9)).expect("notes");
    commit.finish().expect("commits");
    assert_eq!(catalog.blocks(BTC).expect("reads"), [block, other]);
    assert_eq!(catalog.placed(BTC).expect("reads"), [(hash(1), placed)].into());
    assert_eq!(catalog.block_count().expect("counts"), 1 + 3);
    assert_eq!(catalog.blocks(Chain::ETHEREUM).expect("reads"), []);
}

#[test]
fn assets_merge_as_memory_merges_them() {
    let catalog = Catalog::open_in_memory().expect("opens");
    let writer = catalog.writer("test").expect("the right to write");
    let asset = Asset::token(Chain::ETHEREUM, common::address(Chain::ETHEREUM, 10));
    let told = |symbol: &str, decimals, freezable| AssetMeta {
        asset: asset.clone(),
        symbol: Some(symbol.into()),
        decimals,
        freezable,
    };
    let all = [
        told("B", Some(18), Freezable::No),
        told("A", None, Freezable::Yes),
        told("C", Some(6), Freezable::Unknown),
    ];
    let mut commit = catalog.commit(&writer).expect("starts");
    all.iter().for_each(|meta| commit.merge_asset(meta).expect("merges"));
    commit.finish().expect("commits");
    let known = told("A", Some(6), Freezable::Yes);
    assert_eq!(catalog.asset(&asset).expect("reads"), known);
    assert_eq!(catalog.state().expect("reads").assets.get(&asset), Some(&known));
}

proptest! {
    #[test]
    fn covered_heights_are_the_union_of_what_was_told(
        told in prop::collection::vec((0u64..60, 0u64..5), 0..30),
    ) {
        let catalog = Catalog::open_in_memory().expect("opens");
        let writer = catalog.writer("test").expect("the right to write");
        let mut commit = catalog.commit(&writer).expect("starts");
        let mut expected = std::collections::BTreeSet::new();
        for (first, more) in told {
            commit.cover(BTC, &(first..=first + more)).expect("covers");
            expected.extend(first..=first + more);
        }
        commit.finish().expect("commits");
        let ranges = catalog.traces_cover(BTC).expect("reads");
        let touch = ranges.windows(2).any(|pair| pair[0].end() + 1 >= *pair[1].start());
        prop_assert!(!touch, "{ranges:?}");
        prop_assert_eq!(ranges.into_iter().flatten().collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
    }
}
