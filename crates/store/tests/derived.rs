//! Derived files: whole or not at all, one writer, and damage refused.

use std::fs;

use model::Timestamp;
use store::{Exclusion, Store, StoreError};

fn put(store: &Store, text: &str) -> u64 {
    store.put_derived("clusters", |put| put(text.as_bytes())).expect("writes")
}

#[test]
fn content_comes_back_and_new_content_takes_its_place() {
    let home = tempfile::tempdir().expect("a folder");
    let store = Store::open(home.path()).expect("opens");
    assert_eq!(store.derived("clusters").expect("reads"), None);
    put(&store, "first, and longer");
    put(&store, "second");
    assert_eq!(store.derived("clusters").expect("reads").as_deref(), Some(&b"second"[..]));
}

#[test]
fn a_failure_leaves_what_was_there() {
    let home = tempfile::tempdir().expect("a folder");
    let store = Store::open(home.path()).expect("opens");
    put(&store, "kept");
    let failed = store.put_derived("clusters", |put| {
        put(b"half")?;
        Err(StoreError::Value { doing: "derive".into(), why: "it failed".into() })
    });
    assert!(failed.is_err());
    assert_eq!(store.derived("clusters").expect("reads").as_deref(), Some(&b"kept"[..]));
    assert_eq!(fs::read_dir(home.path().join("derived")).expect("a folder").count(), 1);
}

#[test]
fn any_changed_or_missing_byte_is_noticed() {
    let home = tempfile::tempdir().expect("a folder");
    let store = Store::open(home.path()).expect("opens");
    put(&store, "something");
    let path = home.path().join("derived/clusters");
    let whole = fs::read(&path).expect("reads");
    for at in 0..whole.len() {
        let mut bent = whole.clone();
        bent[at] ^= 1;
        fs::write(&path, &bent).expect("writes");
        assert!(store.derived("clusters").is_err(), "byte {at}");
        fs::write(&path, &whole[..at]).expect("writes");
        assert!(store.derived("clusters").is_err(), "cut at {at}");
    }
}

#[test]
fn one_at_a_time_derives() {
    let home = tempfile::tempdir().expect("a folder");
    let (one, other) =
        (Store::open(home.path()).expect("opens"), Store::open(home.path()).expect("opens"));
    let held = one.lock_derived("clusters").expect("free");
    assert!(other.lock_derived("clusters").is_err());
    drop(held);
    assert!(other.lock_derived("clusters").is_ok());
}

#[test]
fn exclusions_stay_with_their_first_reason() {
    let home = tempfile::tempdir().expect("a folder");
    let store = Store::open(home.path()).expect("opens");
    let one = |reason: &str| Exclusion {
        what: "rule:change-round".into(),
        reason: reason.into(),
        at: Timestamp::from_second(1_700_000_000).expect("a time"),
    };
    assert!(store.put_exclusion(&one("first")).expect("keeps"));
    assert!(!store.put_exclusion(&one("second")).expect("keeps"));
    assert_eq!(
        Store::open(home.path()).expect("opens").exclusions().expect("reads"),
        [one("first")]
    );
    assert!(store.remove_exclusion("rule:change-round").expect("removes"));
    assert!(!store.remove_exclusion("rule:change-round").expect("removes"));
}
