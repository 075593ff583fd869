use std::collections::BTreeMap;

use bitcoin::Block as Raw;
use model::headers;
use model::{BlockFact, Fact};
use proptest::prelude::*;

use super::*;
use crate::bitcoin::testing::{Miner, framed, mine, out, script, spend};

const REGTEST: Chain = Chain::Bitcoin(BitcoinNetwork::Regtest);

/// Eight blocks in a row, and two branches that lost: 3' on 2, and 6' 7' on 5.
fn story() -> (Vec<Raw>, Vec<Raw>) {
    let mut miner = Miner::new();
    let mut last = miner.mine(&script(1), vec![]).txdata.remove(0);
    for n in 2..9 {
        let paid = spend(&[out(&last, 0)], &[(script(n), 1_000 - u64::from(n))]);
        miner.mine(&script(n), vec![paid.clone()]);
        last = paid;
    }
    let stale = mine(&miner.blocks[2], Some(3), &script(90), vec![]);
    let six = mine(&miner.blocks[5], Some(6), &script(91), vec![]);
    let seven = mine(&six, Some(7), &script(92), vec![]);
    (miner.blocks, vec![stale, six, seven])
}

/// A node's folder that holds these blocks in so many files.
fn folder(blocks: &[Raw], files: usize, key: Option<Key>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("regtest/blocks");
    std::fs::create_dir_all(&inner).expect("made");
    if let Some(key) = key {
        std::fs::write(inner.join("xor.dat"), key.0).expect("written");
    }
    let each = blocks.len().div_ceil(files).max(1);
    for (n, some) in blocks.chunks(each).enumerate() {
        let mut bytes = framed(some);
        key.unwrap_or_default().apply(0, &mut bytes);
        bytes.extend([0; 500]);
        std::fs::write(inner.join(format!("blk{n:05}.dat")), bytes).expect("written");
    }
    folder
}

fn open(folder: &tempfile::TempDir) -> Files {
    Files::open(folder.path(), Some(REGTEST)).expect("opens")
}

fn read(files: &Files, threads: usize) -> Vec<Block> {
    let (first, last) = files.heights();
    files.blocks(first, last, threads).map(|block| block.expect("reads")).collect()
}

fn hashes(blocks: &[Raw]) -> Vec<TxHash> {
    blocks.iter().map(|block| block::block_hash(block.block_hash())).collect()
}

fn error(result: Result<Files, ImportError>) -> String {
    result.err().expect("refused").to_string()
}

#[test]
fn the_chain_is_read_upwards_without_the_blocks_that_lost() {
    let (chain, stale) = story();
    let all: Vec<Raw> = stale.iter().chain(chain.iter().rev()).cloned().collect();
    let folder = folder(&all, 3, Some(Key([9, 8, 7, 6, 5, 4, 3, 2])));
    let files = open(&folder);
    assert_eq!((files.heights(), files.stale(), files.oddities().len()), ((0, 8), 3, 0));
    let read = read(&files, 3);
    assert_eq!(read.iter().map(|block| block.at.hash).collect::<Vec<_>>(), hashes(&chain));
    for (height, block) in (0..).zip(&read) {
        assert_eq!(files.at(height), Some(block.at));
        assert!(matches!(&block.facts[0], Fact::Block(fact) if fact.height == Some(height)));
    }
    assert_eq!(files.at(9), None);
}

#[test]
fn the_caller_may_name_the_newest_block() {
    let (chain, stale) = story();
    let folder = folder(&[chain.clone(), stale.clone()].concat(), 2, None);
    let lost = block::block_hash(stale[2].block_hash());
    let files = open(&folder).ending_in(lost).expect("it is there");
    let expected = [hashes(&chain[..6]), hashes(&stale[1..])].concat();
    assert_eq!(read(&files, 2).iter().map(|b| b.at.hash).collect::<Vec<_>>(), expected);
    assert!(error(open(&folder).ending_in(TxHash::new(&[1; 32]))).contains("is not in the files"));
}

#[test]
fn a_pruned_node_begins_where_its_first_block_says() {
    let (chain, _) = story();
    let whole = folder(&chain[4..], 1, None);
    let files = open(&whole);
    assert_eq!(files.heights(), (4, 8));
    assert_eq!(read(&files, 2)[0].at.height, 4);
    let nameless = mine(&chain[3], None, &script(1), vec![]);
    let refused = error(Files::open(folder(&[nameless], 1, None).path(), None));
    assert!(refused.contains("does not state its height"), "{refused}");
}

#[test]
fn what_is_no_folder_of_blocks_is_refused() {
    let empty = tempfile::tempdir().expect("a folder");
    assert!(error(Files::open(empty.path(), None)).contains("expected a node's data folder"));
    let (chain, _) = story();
    let folder = folder(&chain, 1, None);
    let refused = error(Files::open(folder.path(), Some(Chain::BITCOIN)));
    assert!(refused.contains("are of bitcoin-regtest, expected bitcoin"), "{refused}");
    let inner = folder.path().join("regtest/blocks");
    assert_eq!(Files::open(&inner, None).expect("the folder itself").heights(), (0, 8));
    std::fs::write(inner.join("xor.dat"), [1; 8]).expect("written");
    assert!(error(Files::open(folder.path(), None)).contains("expected a network's magic"));
}

#[test]
fn a_damaged_block_ends_the_reading_and_is_named() {
    let (chain, _) = story();
    let folder = folder(&chain, 1, None);
    let path = folder.path().join("regtest/blocks/blk00000.dat");
    let mut bytes = std::fs::read(&path).expect("read");
    let files = open(&folder);
    // The last byte but the zeros is of the last transaction's value or lock.
    let end = bytes.len() - 500 - 8;
    bytes[end] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    let read: Vec<_> = files.blocks(0, 8, 2).collect();
    assert_eq!(read.len(), 9);
    let what = read[8].as_ref().expect_err("damaged").to_string();
    assert!(what.contains("blk00000.dat: byte") && what.contains("merkle root"), "{what}");
}

#[test]
fn a_block_without_work_is_left_out_with_a_word() {
    let (mut chain, _) = story();
    let mut made_up = mine(&chain[8], Some(9), &script(1), vec![]);
    while made_up.header.validate_pow(made_up.header.target()).is_ok() {
        made_up.header.nonce += 1;
    }
    chain.push(made_up);
    let files = open(&folder(&chain, 1, None));
    assert_eq!(files.heights(), (0, 8));
    assert!(files.oddities()[0].contains("proof of work"), "{:?}", files.oddities());
}

/// A tree of blocks: each on any one before it.
fn tree() -> impl Strategy<Value = Vec<Raw>> {
    proptest::collection::vec(any::<proptest::sample::Index>(), 1..12).prop_map(|parents| {
        let mut blocks = Miner::new().blocks;
        let mut heights = vec![0];
        for (n, parent) in (1u8..).zip(parents) {
            let parent = parent.index(blocks.len());
            let height = heights[parent] + 1;
            blocks.push(mine(&blocks[parent], Some(height), &script(n), vec![]));
            heights.push(height);
        }
        blocks
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The chain is the one the model settles on, however the blocks lie.
    #[test]
    fn the_chain_is_that_of_the_model(
        blocks in tree().prop_flat_map(|blocks| Just(blocks).prop_shuffle()),
        cut in 1usize..4,
        threads in 1usize..5,
    ) {
        let facts: Vec<BlockFact> = blocks.iter().map(|raw| {
            let checked = Checked::new(raw.clone(), BitcoinNetwork::Regtest).expect("mined");
            match checked.facts(checked.stated_height()).next() {
                Some(Fact::Block(fact)) => fact,
                _ => panic!("a block comes first"),
            }
        }).collect();
        let placed = headers::place(&facts);
        let expected: BTreeMap<u64, TxHash> = facts
            .iter()
            .filter_map(|fact| fact.hash)
            .filter(|hash| placed[hash].stands)
            .map(|hash| (placed[&hash].height.expect("stated"), hash))
            .collect();
        let folder = folder(&blocks, cut, None);
        let files = open(&folder);
        let read: BTreeMap<u64, TxHash> =
            read(&files, threads).iter().map(|block| (block.at.height, block.at.hash)).collect();
        prop_assert_eq!(read, expected);
    }
}
