//! Data derived from a followed chain that rolls forward and back with it.
//!
//! The followed blocks themselves are the first stage; balances, clusters and whatever else is kept
//! up to date are others. Every stage passes [`check`], whatever it keeps.

use std::fmt::Debug;

use crate::StoreError;
use crate::hot::FollowedBlock;

/// Something that takes in blocks in order, and gives them back in the reverse order.
pub trait Stage {
    /// The height up to which every block is taken in; none when there is none.
    fn checkpoint(&self) -> Result<Option<u64>, StoreError>;

    /// Takes in blocks, the first of which is the child of that at the checkpoint. All or none.
    fn execute(&mut self, blocks: &[FollowedBlock]) -> Result<(), StoreError>;

    /// Forgets every block above this height, or all of them: as if they had never come.
    fn unwind(&mut self, to: Option<u64>) -> Result<(), StoreError>;
}

/// The laws of a stage, on blocks that follow each other. `shows` is everything there is to see of it.
///
/// # Panics
/// When one does not hold.
pub fn check<S: Stage, T: PartialEq + Debug>(
    blocks: &[FollowedBlock],
    mut make: impl FnMut() -> S,
    shows: impl Fn(&mut S) -> T,
) {
    let mut whole = make();
    let nothing = shows(&mut whole);
    run(&mut whole, &[]);
    assert_eq!(shows(&mut whole), nothing, "an empty range changes nothing");
    run(&mut whole, blocks);
    let everything = shows(&mut whole);
    let last = blocks.last().map(|block| block.height);
    assert_eq!(checkpoint(&whole), last, "the checkpoint is the last block");

    for cut in 0..=blocks.len() {
        let (before, after) = blocks.split_at(cut);
        let mut split = make();
        run(&mut split, before);
        let half = shows(&mut split);
        run(&mut split, after);
        assert_eq!(shows(&mut split), everything, "cut at {cut}, it comes to the same");

        back(&mut split, before.last().map(|block| block.height));
        assert_eq!(shows(&mut split), half, "unwound to {cut}, it is as it was there");
        assert_eq!(checkpoint(&split), before.last().map(|block| block.height));
        run(&mut split, after);
        assert_eq!(shows(&mut split), everything, "run again from {cut}, it comes to the same");
    }
    back(&mut whole, None);
    assert_eq!(shows(&mut whole), nothing, "unwound whole, nothing is left");
    assert_eq!(checkpoint(&whole), None);
}

fn run(stage: &mut impl Stage, blocks: &[FollowedBlock]) {
    stage.execute(blocks).expect("the stage takes in blocks that follow each other");
}

fn back(stage: &mut impl Stage, to: Option<u64>) {
    stage.unwind(to).expect("the stage gives back blocks it took in");
}

fn checkpoint(stage: &impl Stage) -> Option<u64> {
    stage.checkpoint().expect("the stage knows its checkpoint")
}
