//! Segments against the plain telling of what is in them.

#![allow(clippy::cast_possible_truncation, reason = "stories are small")]

mod answers;
mod damage;
mod merging;
mod plug;
mod story;

use model::{BitcoinNetwork, Chain, SolanaNetwork};
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
