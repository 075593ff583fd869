//! Segments against the plain telling of what is in them.

#![allow(clippy::cast_possible_truncation, reason = "stories are small")]

mod answers;
mod damage;
mod merging;
mod plug;
mod story;

use model::{Address, BitcoinNetwork, Chain, SolanaNetwork, TxHash};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use store::segment::Segment;
use store::segment::told::Told;
use story::{Story, stories, told};

const CHAINS: [Chain; 4] = [
    Chain::ETHEREUM,
    Chain::TRON,
    Chain::Solana(SolanaNetwork::Mainnet),
    Chain::Bitcoin(BitcoinNetwork::Mainnet),
];

fn any_story(most: usize) -> impl Strategy<Value = Story> {
    (0..CHAINS.len()).prop_flat_map(move |chain| stories(CHAINS[chain], most))
}

fn written(story: &Story) -> Vec<u8> {
    let mut bytes = Vec::new();
    let head = Segment::write(story.draft(), &mut bytes).expect("writes");
    let segment = Segment::from_bytes(bytes.clone(), "test").expect("opens");
    assert_eq!(segment.head(), &head);
    bytes
}

fn read(bytes: Vec<u8>) -> Segment {
    Segment::from_bytes(bytes, "test").expect("opens")
}

proptest! {
    #[test]
    fn a_segment_answers_as_its_draft_was_told(story in any_story(30)) {
        answers::check(&story, &read(written(&story)));
    }

    #[test]
    fn told_claims_come_back(told in (0..CHAINS.len()).prop_flat_map(|n| told(CHAINS[n]).prop_map(move |t| (CHAINS[n], t)))) {
        let (chain, told) = told;
        prop_assert_eq!(Told::decode(&told.encode(), chain).expect("decodes"), told);
    }
}

/// A payment, its fee, and a token that is handed on.
fn small() -> Story {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let stories = stories(Chain::ETHEREUM, 12);
    let story = (0..100).map(|_| stories.new_tree(&mut runner).expect("a story").current());
    let mut story = story.filter(|story| story.entries.len() > 6);
    story.next().expect("one of a hundred has some entries")
}

/// So many stories on top of each other, each with transactions and addresses of its own: enough for
/// several groups, pages and radix places.
fn large(chain: Chain, count: u16) -> Story {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let stories = stories(chain, 40);
    let mut all = Story { chain, entries: Vec::new(), block_times: Default::default() };
    for n in 0..count {
        let story = stories.new_tree(&mut runner).expect("a story").current();
        let [high, low] = n.to_be_bytes();
        let renamed = |hash: TxHash| {
            let mut bytes = hash.bytes().to_vec();
            (bytes[1], bytes[2]) = (high, low);
            TxHash::new(&bytes)
        };
        for mut entry in story.entries {
            entry.hash = renamed(entry.hash);
            for row in &mut entry.rows {
                // Half of the spent ones are of another story, or of none.
                row.previous = row.previous.map(|(hash, at)| (renamed(hash), at % 2));
                for end in [&mut row.from, &mut row.to].into_iter().flatten() {
                    let mut bytes = end.bytes().to_vec();
                    bytes.iter_mut().skip(1).take(1).for_each(|byte| *byte = low % 60);
                    *end = Address::from_bytes(&bytes, chain).expect("as long as before");
                }
            }
            all.entries.push(entry);
        }
        all.block_times.extend(story.block_times);
    }
    all
}

#[test]
fn a_larger_past_has_several_groups_and_answers_alike() {
    for chain in [Chain::ETHEREUM, Chain::BITCOIN] {
        let story = large(chain, 120);
        assert!(story.rows().count() > 4096);
        answers::check(&story, &read(written(&story)));
    }
}
