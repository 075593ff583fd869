//! Beside following, no command has to be remembered: what is derived goes along.

use std::time::{Duration, Instant};

use interdict::exposure::{How, marked, update};
use interdict::follow::Deriving;
use model::{Book, Chain, View};
use store::Store;
use store::provenance::Provenance;

use super::folder;
use super::world::{World, blocks};

/// Far more than it takes; a failure waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn blocks_that_are_followed_reach_exposures_and_clusters_by_themselves() {
    let chain = Chain::ETHEREUM;
    let home = folder();
    let world = World::new(chain, 5);
    let all = blocks(&world, 8);
    let store = Store::open(home.path()).expect("opens");
    let mut following = store.follow().expect("nobody else writes");
    following.append(&all[..5]).expect("follows");
    following.finalise_now(chain, all[3].height).expect("moves");
    let deriving = Deriving::start(home.path(), Duration::from_millis(10));
    let reached = || Provenance::open(home.path(), chain).ok()??.reach().ok()?.height;
    wait_for("the fifth block", || reached() == Some(all[4].height));
    following.append(&all[5..]).expect("follows");
    wait_for("the last block", || reached() == Some(all[7].height));
    let clusters = || {
        let store = Store::open_existing(home.path()).expect("opens");
        let services = interdict::clusters::services::of(&Book::default(), chain);
        interdict::clusters::read(&store, chain, services).expect("reads").is_some()
    };
    wait_for("clusters", clusters);
    assert_eq!(deriving.stop(), None);
    let mut reader = Store::open_existing(home.path()).expect("opens");
    reader.refresh().expect("reads");
    let held = reader.coverage().expect("answers").remove(0);
    let marked = marked(Book::default());
    let again = update(home.path(), &reader, &marked, &held, false, &mut |_| {}).expect("updates");
    assert_eq!(again.how, How::Nothing, "{again:?}");
}

#[test]
fn a_home_that_cannot_be_read_is_said_when_it_ends() {
    let home = folder();
    let deriving = Deriving::start(&home.path().join("nowhere"), Duration::from_millis(1));
    std::thread::sleep(Duration::from_millis(200));
    let why = deriving.stop().expect("it failed");
    assert!(why.contains("not up to date"), "{why}");
}
