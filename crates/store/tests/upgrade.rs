//! A home of format 1 is brought to this format: whole, and once.

mod common;

use std::fs;
use std::path::Path;

use common::{check_same, file, hash, time, tx};
use model::{BlockFact, Chain, Fact, Memory, Position, TransferId, View};
use rusqlite::Connection;
use store::reference::Reference;
use store::{Store, StoreError};

/// Written by the last version of format 1: several files of transfers, blocks that
/// fork, a list, labels and actors.
const FORMAT_1: &str = include_str!("format-1.sql");

fn old_home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    let db = Connection::open(home.path().join("interdict.sqlite")).expect("opens");
    db.execute_batch(FORMAT_1).expect("fills");
    home
}

/// What the version that wrote it answered: its tables are the reference's.
fn old_answers() -> (tempfile::TempDir, Reference) {
    let home = old_home();
    let reference = Reference::open(&home.path().join("interdict.sqlite")).expect("opens");
    (home, reference)
}

fn format_of(home: &Path) -> u32 {
    let db = Connection::open(home.join("interdict.sqlite")).expect("opens");
    db.pragma_query_value(None, "user_version", |row| row.get(0)).expect("reads")
}

#[test]
fn an_old_home_answers_as_before() {
    let home = old_home();
    let (_old, reference) = old_answers();
    let store = Store::open(home.path()).expect("upgrades");
    check_same(&store, &reference);
    for chain in common::CHAINS {
        let of = |view: &dyn View| common::scan(view, chain, None, None);
        assert_eq!(of(&store), of(&reference));
        assert!(of(&store).len() > 3, "{chain}");
    }
    assert_eq!(format_of(home.path()), 2);
    assert!(!home.path().join("upgrade").exists());

    let names: Vec<String> =
        store.files().expect("files").into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["account.csv", "rows.csv", "logs.json", "blocks.dat", "fork.dat"]);
    assert!(store.has_file("sha of rows.csv", "test").expect("looks"));
    let oddities = store.oddities(9).expect("oddities");
    assert_eq!(oddities.len(), 2);
    let about = oddities[0].oddity.transfer.as_ref().expect("a transfer");
    assert!(matches!(about, TransferId { position: Position::Nth(0), equal: Some(_), .. }));
    assert_eq!(
        (store.listings().expect("reads").len(), store.labels().expect("reads").len()),
        (1, 1)
    );
    assert_eq!(store.actors().expect("reads").len(), 1);
    assert_eq!(store.unresolved(9).expect("reads"), reference.unresolved(9).expect("reads"));
}

#[test]
fn what_comes_later_settles_with_what_was_told_before() {
    let (_old, mut reference) = old_answers();
    let home = old_home();
    let mut store = Store::open_existing(home.path()).expect("upgrades");
    // Traces cover a block, a transaction turns out to have failed, a branch grows.
    let facts = [
        Fact::TracesCover { chain: Chain::ETHEREUM, height: 1 },
        Fact::Failed { tx: tx(Chain::ETHEREUM, 1) },
        Fact::NftLog { tx: tx(Chain::ETHEREUM, 1), log_index: 0 },
        Fact::Block(BlockFact {
            chain: Chain::BITCOIN,
            hash: Some(hash(4)),
            parent: Some(hash(2)),
            height: None,
            time: time(5),
            work: Some(model::U256::from(9).to_be_bytes()),
        }),
        Fact::Block(BlockFact {
            chain: Chain::ETHEREUM,
            hash: None,
            parent: None,
            height: Some(3),
            time: time(5),
            work: None,
        }),
    ];
    common::import(&mut store, "later", &facts);
    common::import(&mut reference, "later", &facts);
    check_same(&store, &reference);
}

#[test]
fn an_upgrade_that_did_not_finish_starts_again() {
    let home = old_home();
    let left = home.path().join("upgrade");
    fs::create_dir(&left).expect("makes");
    fs::write(left.join("interdict.sqlite"), "half of one").expect("writes");
    let segments = home.path().join("segments");
    fs::create_dir(&segments).expect("makes");
    fs::write(segments.join("eip155-1-1.seg"), "left by a crash").expect("writes");
    let (_old, reference) = old_answers();
    check_same(&Store::open(home.path()).expect("upgrades"), &reference);
}

#[test]
fn an_old_home_that_cannot_be_read_back_stays_what_it_was() {
    let home = old_home();
    let db = Connection::open(home.path().join("interdict.sqlite")).expect("opens");
    db.execute("UPDATE claim SET evidence = 9 WHERE id = 2", []).expect("damages");
    drop(db);
    let error = Store::open(home.path()).err().expect("refused");
    assert!(error.to_string().contains("evidence of no kind"), "{error}");
    assert_eq!(format_of(home.path()), 1);
    Reference::open(&home.path().join("interdict.sqlite")).expect("still opens");
}

#[test]
fn a_later_format_names_both_versions() {
    let home = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(home.path()).expect("opens");
    store.begin(&file("one")).expect("begins").commit("f1").expect("commits");
    drop(store);
    let db = Connection::open(home.path().join("interdict.sqlite")).expect("opens");
    db.pragma_update(None, "user_version", 3).expect("updates");
    drop(db);
    let error = Store::open(home.path()).err().expect("refused");
    assert!(matches!(error, StoreError::Newer { found: 3, known: 2, .. }), "{error}");
    assert!(error.to_string().contains("has format 3, newer than the 2"), "{error}");
}

#[test]
fn an_empty_old_home_is_an_empty_new_one() {
    let home = old_home();
    let db = Connection::open(home.path().join("interdict.sqlite")).expect("opens");
    let tables = [
        "oddity",
        "transfer",
        "height_time",
        "placed",
        "utxo_output",
        "utxo_input",
        "utxo_claim",
        "block",
        "nft_log",
        "traces_cover",
        "claim",
        "file",
        "asset",
        "tx",
        "account",
        "chain",
    ];
    for table in tables {
        db.execute(&format!("DELETE FROM {table}"), []).expect("empties");
    }
    drop(db);
    let store = Store::open(home.path()).expect("upgrades");
    check_same(&store, &Memory::from_facts([]));
    assert_eq!(store.coverage().expect("answers"), []);
    assert_eq!(store.labels().expect("reads").len(), 1);
}
