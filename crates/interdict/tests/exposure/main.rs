//! Where balances came from, kept as a chain is followed: whatever comes and is taken back, it is
//! what one reading of the whole chain comes to.

mod cli;
#[path = "../common/mod.rs"]
mod common;
mod derive;
mod measure;
mod world;

use interdict::exposure::{How, ProvenanceStage, Screening, marked, update};
use model::{Chain, View};
use store::provenance::Provenance;
use store::{FollowedBlock, Gather, Store, stage};
use trace::exposure::Marked;
use trace::risk::Rules;

use world::{World, blocks};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

const CHAINS: [Chain; 2] = [Chain::ETHEREUM, Chain::BITCOIN];

#[test]
fn what_is_kept_is_a_stage() {
    for chain in CHAINS {
        for seed in 0..12 {
            let world = World::new(chain, seed);
            let marked = marked(world.book());
            let blocks = blocks(&world, 5);
            let make = || {
                let kept = Provenance::in_memory(chain).expect("opens");
                ProvenanceStage::new(kept, &marked)
            };
            stage::check(&blocks, make, |stage| stage.kept().shown().expect("reads"));
        }
    }
}

/// Everything that is kept then, and how it was brought up to date.
fn updated(
    home: &std::path::Path,
    store: &Store,
    marked: &Marked,
    whole: bool,
) -> (Vec<String>, Vec<How>) {
    let (mut shown, mut how) = (Vec::new(), Vec::new());
    for coverage in store.coverage().expect("answers") {
        let done = update(home, store, marked, &coverage, whole, &mut |_| {}).expect("updates");
        assert_eq!(done.transfers, coverage.transfers, "{done:?}");
        let kept = Provenance::open(home, coverage.chain).expect("opens").expect("is kept");
        shown.extend(kept.shown().expect("reads"));
        how.push(done.how);
    }
    (shown, how)
}

/// Blocks come, some are taken back, some become final; after each step what was brought up to
/// date is what reading everything comes to.
#[test]
fn bringing_up_to_date_comes_to_what_reading_everything_comes_to() {
    let mut by_blocks = 0;
    for chain in CHAINS {
        for seed in 0..8u64 {
            let (home, other) = (folder(), folder());
            let world = World::new(chain, seed);
            let marked = marked(world.book());
            let store = Store::open(home.path()).expect("opens");
            let mut following = store.follow().expect("follows");
            following.set_gather(Gather { blocks: 2, transfers: 4, facts: 20 });
            let mut stands: Vec<FollowedBlock> = Vec::new();
            let mut is_kept = false;
            let all = blocks(&world, 9);
            for (n, block) in all.iter().enumerate() {
                following.append(std::slice::from_ref(block)).expect("appends");
                stands.push(block.clone());
                if (n as u64 + seed).is_multiple_of(4) && n > 1 {
                    let to = stands[stands.len() - 2].height;
                    following.unwind(chain, to).expect("unwinds");
                    stands.pop();
                    let again = world::again(&world, &stands, seed + 100);
                    following.append(std::slice::from_ref(&again)).expect("appends");
                    stands.push(again);
                    // The rest were children of the one that is gone.
                }
                if n == 4 {
                    following.finalise(chain, stands[2].height).expect("finalises");
                }
                let store = following.store();
                let (step, how) = updated(home.path(), store, &marked, false);
                let (whole, _) = updated(other.path(), store, &marked, true);
                by_blocks += usize::from(how.contains(&How::Blocks));
                // Once there is something to go on from, it never reads all again.
                assert!(!is_kept || !how.contains(&How::Whole), "{chain}, seed {seed}: {how:?}");
                is_kept |= !how.is_empty();
                assert!(step == whole, "{chain}, seed {seed}, after block {n}");
                if stands.last().map(|last| last.hash) != Some(block.hash) {
                    break;
                }
            }
        }
    }
    assert!(by_blocks > 20, "{by_blocks} are too few");
}

#[test]
fn a_new_label_on_an_old_address_is_said_and_then_taken_in() {
    let home = folder();
    let world = World::new(Chain::ETHEREUM, 3);
    let store = Store::open(home.path()).expect("opens");
    let mut following = store.follow().expect("follows");
    following.append(&blocks(&world, 6)).expect("appends");
    let store = following.store();
    let before = marked(world.book());
    updated(home.path(), store, &before, false);
    let plain = world.address(5);
    let open =
        |book| Screening::open(home.path(), store, marked(book), Rules::shipped()).expect("opens");
    let stale = |screening: &Screening| {
        let exposure = screening.screen(&plain).expect("answers").exposure.expect("is kept");
        exposure.as_of.expect("it is stored").stale
    };
    assert_eq!(stale(&open(world.book())), None);
    let mut more = world.book();
    more.add_label(world::label(&plain, "ransomware"));
    let said = stale(&open(more.clone())).expect("it is stale");
    assert!(said.contains("labelled or listed since"), "{said}");
    assert_eq!(stale(&open(more.clone())), Some(said), "remembered");
    // Another category of what is marked already changes nothing.
    let mut renamed = world.book();
    renamed.add_label(world::label(&world.address(0), "gambling"));
    assert_eq!(stale(&open(renamed)), None);
    updated(home.path(), store, &marked(more.clone()), false);
    assert_eq!(stale(&open(more)), None);
}

#[test]
fn what_is_not_kept_is_said() {
    let home = folder();
    let world = World::new(Chain::ETHEREUM, 1);
    let store = Store::open(home.path()).expect("opens");
    let mut following = store.follow().expect("follows");
    following.append(&blocks(&world, 2)).expect("appends");
    let screening =
        Screening::open(home.path(), following.store(), marked(world.book()), Rules::shipped());
    let screened = screening.expect("opens").screen(&world.address(4)).expect("answers");
    assert!(screened.exposure.is_none() && screened.risk.is_none());
    assert!(screened.unknown.expect("says why").contains("interdict exposure update"));
}
