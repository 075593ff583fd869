//! Backing up, restoring and upgrading a home fails, at every call there is, of files and of SQLite: afterwards
//! there is the old one or the new one, whole, and the next attempt comes to its end by itself.

mod common;
#[path = "common/failing.rs"]
#[allow(dead_code, reason = "each file of tests uses its part")]
mod failing;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use common::{check_same, copy_folder, import};
use failing::{Full, at_calls};
use model::{Chain, Fact, Memory};
use rusqlite::Connection;
use store::reference::Reference;
use store::{FollowedBlock, Store};

const STORY: &str = "
    chain ethereum
    thief -> a1      100 ETH   day 0
    a1    -> cash1     4 ETH   day 0 +10m
    a1    -> venue    40 ETH   day 1
    chain bitcoin
    t0: coinbase => miner 50 BTC               day 0
    t1: t0:0 => a 20 BTC, b 29.9 BTC           day 0 +10m
";
const KEY: &str = "a key";

fn facts() -> Vec<Fact> {
    model::sketch::parse(STORY).expect("reads").facts
}

fn block() -> FollowedBlock {
    let (hash, parent, time) = (common::hash(41), common::hash(40), common::time(1));
    let row = facts().into_iter().find(|fact| matches!(fact, Fact::Transfer { .. }));
    let facts = row.into_iter().collect();
    let (chain, height, unseen) = (Chain::ETHEREUM, 41, String::new());
    FollowedBlock { chain, height, hash, parent, time, unseen, facts }
}

/// Two files, a block on top, a key beside.
fn home(path: &Path) {
    let mut store = Store::open(path).expect("opens");
    let all = facts();
    let (one, two) = all.split_at(2);
    import(&mut store, "one", one);
    import(&mut store, "two", two);
    store.follow().expect("nobody else writes").append(&[block()]).expect("follows");
    fs::create_dir(path.join("keys")).expect("makes");
    fs::write(path.join("keys/seal"), KEY).expect("writes");
}

fn is_home(path: &Path) {
    check_same(&Store::open_existing(path).expect("opens"), &Memory::from_facts(facts()));
    let checked = store::check(path, &mut |_| {}).expect("looks");
    assert!(checked.is_whole(), "{:?}", checked.damages);
    assert_eq!(fs::read_to_string(path.join("keys/seal")).expect("reads"), KEY);
}

/// What is beside the homes there should be.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("reads");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("reads").file_name();
    let mut names: Vec<String> =
        entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_backup() {
    let made = tempfile::tempdir().expect("a folder");
    home(made.path());
    at_calls(|calls| {
        let folder = tempfile::tempdir().expect("a folder");
        let (home, out) = (folder.path().join("home"), folder.path().join("out"));
        copy_folder(made.path(), &home);
        let mut store = Store::open(&home).expect("opens");
        store.set_disk(Arc::new(Full::new(calls)));
        let failing = failing::sqlite(calls);
        let done = store.backup(&out, &["keys"]);
        drop(store);
        drop(failing);
        is_home(&home);
        assert!(done.is_err() || out.exists());
        if out.exists() {
            is_home(&out);
        } else {
            let store = Store::open(&home).expect("opens");
            store.backup(&out, &["keys"]).expect("there is room again");
            is_home(&out);
        }
        assert_eq!(names(folder.path()), ["home", "out"]);
    });
}

#[test]
fn restoring() {
    let made = tempfile::tempdir().expect("a folder");
    home(made.path());
    at_calls(|calls| {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, home) = (folder.path().join("from"), folder.path().join("home"));
        copy_folder(made.path(), &from);
        let failing = failing::sqlite(calls);
        let done = store::restore_through(&Full::new(calls), &from, &home);
        drop(failing);
        is_home(&from);
        assert!(done.is_err() || home.exists());
        if !home.exists() {
            store::restore(&from, &home).expect("there is room again");
        }
        is_home(&home);
        assert_eq!(names(folder.path()), ["from", "home"]);
    });
}

#[test]
fn an_upgrade() {
    let made = tempfile::tempdir().expect("a folder");
    let database = |home: &Path| home.join("interdict.sqlite");
    let db = Connection::open(database(made.path())).expect("opens");
    db.execute_batch(include_str!("format-1.sql")).expect("fills");
    drop(db);
    let beside = tempfile::tempdir().expect("a folder");
    copy_folder(made.path(), beside.path());
    let reference = Reference::open(&database(beside.path())).expect("opens");
    at_calls(|calls| {
        let folder = tempfile::tempdir().expect("a folder");
        copy_folder(made.path(), folder.path());
        let failing = failing::sqlite(calls);
        let done = Store::open_through(folder.path(), Arc::new(Full::new(calls))).map(drop);
        drop(failing);
        let db = Connection::open(database(folder.path())).expect("opens");
        let format: u32 =
            db.pragma_query_value(None, "user_version", |row| row.get(0)).expect("reads");
        drop(db);
        if format == 1 {
            assert!(done.is_err());
            let old = Reference::open(&database(folder.path())).expect("it is what it was");
            check_same(&old, &reference);
        }
        let store = Store::open(folder.path()).expect("there is room again");
        check_same(&store, &reference);
        assert_eq!(store.files().expect("reads").len(), 5);
        drop(store);
        let checked = store::check(folder.path(), &mut |_| {}).expect("looks");
        assert!(checked.is_whole(), "{:?}", checked.damages);
        assert!(!folder.path().join("upgrade").exists());
    });
}
