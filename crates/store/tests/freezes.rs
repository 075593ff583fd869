//! What issuers did to holders is kept: by file and by followed block, once however many said it, and gone with
//! the block that said it.

mod common;

use std::path::Path;

use common::{account, address, file, hash, import, time, tx};
use model::{Asset, Chain, Fact, Freeze, FreezeAction, Memory, TxHash, U256};
use rusqlite::Connection;
use store::stage::{self, Stage};
use store::{FollowedBlock, Following, Gather, Store, StoreError};

const ETH: Chain = Chain::ETHEREUM;

/// What the issuer of token 10 did to a holder, in transaction `n`.
fn freeze(n: u8, holder: u8, action: FreezeAction) -> Freeze {
    Freeze {
        tx: tx(ETH, n),
        log_index: 7,
        height: Some(u64::from(n)),
        time: time(n % 10),
        asset: Asset::token(ETH, address(ETH, 10)),
        holder: address(ETH, holder),
        action,
    }
}

fn frozen(n: u8, holder: u8) -> Fact {
    Fact::Freeze(freeze(n, holder, FreezeAction::Freeze))
}

fn block(n: u8, facts: &[Fact]) -> FollowedBlock {
    on(hash(n), hash(n - 1), n, facts)
}

fn on(hash: TxHash, parent: TxHash, n: u8, facts: &[Fact]) -> FollowedBlock {
    let (height, time, facts) = (u64::from(n), time(n % 10), facts.to_vec());
    FollowedBlock { chain: ETH, height, hash, parent, time, unseen: String::new(), facts }
}

fn check(store: &Store, facts: &[Fact]) {
    let memory = Memory::from_facts(facts.iter().cloned());
    assert_eq!(store.freezes_all(None).expect("reads"), memory.freezes());
}

fn follow(home: &Path) -> Following {
    Store::open(home).and_then(Store::follow).expect("nobody else writes")
}

/// The rows of the table, however many say the same.
fn rows(home: &Path) -> u32 {
    let db = Connection::open(home.join("interdict.sqlite")).expect("opens");
    db.query_row("SELECT count(*) FROM freeze", [], |row| row.get(0)).expect("counts")
}

#[test]
fn a_file_tells_and_told_again_it_changes_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(home.path()).expect("opens");
    let destroyed = freeze(3, 2, FreezeAction::Destroy(U256::MAX));
    let facts = [
        frozen(1, 2),
        Fact::Freeze(freeze(2, 2, FreezeAction::Release)),
        Fact::Freeze(destroyed.clone()),
        frozen(4, 3),
    ];
    let counts = import(&mut store, "one", &facts);
    assert_eq!(counts.oddities, 0);
    check(&store, &facts);
    import(&mut store, "one", &facts);
    assert_eq!(rows(home.path()), 4);
    import(&mut store, "two", &facts[..2]);
    assert_eq!(rows(home.path()), 6);
    drop(store);

    let store = Store::open_existing(home.path()).expect("opens");
    check(&store, &facts);
    let of_two = store.freezes(&account(ETH, 2)).expect("reads");
    assert_eq!((of_two.len(), &of_two[2]), (3, &destroyed));
    assert_eq!(store.freezes(&account(ETH, 9)).expect("reads"), []);
    assert_eq!(store.freezes(&account(Chain::BITCOIN, 2)).expect("reads"), []);
    assert_eq!(store.freezes_of(&destroyed.asset).expect("reads").len(), 4);
    assert_eq!(store.freezes_of(&Asset::native(ETH)).expect("reads"), []);
    assert_eq!(store.freezes_all(Some(ETH)).expect("reads").len(), 4);
    assert_eq!(store.freezes_all(Some(Chain::BITCOIN)).expect("reads"), []);
}

#[test]
fn a_batch_that_is_dropped_leaves_nothing() {
    let mut store = Store::open_in_memory().expect("opens");
    let mut batch = store.begin(&file("one")).expect("begins");
    batch.put(&frozen(1, 2)).expect("puts");
    drop(batch);
    check(&store, &[]);
}

#[test]
fn what_is_of_another_chain_is_refused_and_named() {
    let mut store = Store::open_in_memory().expect("opens");
    let odd = Freeze { asset: Asset::native(Chain::BITCOIN), ..freeze(1, 2, FreezeAction::Freeze) };
    let mut batch = store.begin(&file("one")).expect("begins");
    batch.put(&Fact::Freeze(odd)).expect("puts");
    let text = batch.commit("sha").expect_err("refused").to_string();
    assert!(text.contains("log 7") && text.contains("expected an asset of eip155:1"), "{text}");
    check(&store, &[]);
}

#[test]
fn a_block_tells_and_unwound_it_leaves_what_others_said() {
    let home = tempfile::tempdir().expect("a folder");
    let mut following = follow(home.path());
    let reader = Store::open(home.path()).expect("opens");
    let told = [frozen(21, 2), frozen(22, 3), frozen(22, 4)];
    following.append(&[block(21, &told[..1]), block(22, &told[1..])]).expect("follows");
    check(&reader, &told);
    // A file says one of them too, another source later.
    let mut store = following.into_store();
    import(&mut store, "one", &told[2..]);
    let mut following = store.follow().expect("nobody else writes");
    following.unwind(ETH, 21).expect("unwinds");
    check(&reader, &[told[0].clone(), told[2].clone()]);
    // Another branch says it in another block.
    let other = Freeze { height: Some(23), ..freeze(22, 3, FreezeAction::Freeze) };
    let blocks = [
        on(hash(92), hash(21), 22, &[]),
        on(hash(93), hash(92), 23, &[Fact::Freeze(other.clone())]),
    ];
    following.append(&blocks).expect("follows");
    let all = [told[0].clone(), told[2].clone(), Fact::Freeze(other)];
    check(&reader, &all);
    following.finalise_now(ETH, 22).expect("moves");
    check(&reader, &all);
    following.finalise_now(ETH, 23).expect("moves");
    drop(following);
    check(&Store::open(home.path()).expect("opens"), &all);
}

#[test]
fn what_is_backfilled_is_kept_when_it_is_flushed() {
    let mut following = Store::open_in_memory().and_then(Store::follow).expect("opens");
    let told = [frozen(21, 2), frozen(12, 3)];
    following.append(&[block(21, &told[..1])]).expect("follows");
    following.backfill(ETH, vec![block(12, &told[1..])]).expect("fits");
    check(following.store(), &told[..1]);
    following.flush().expect("flushes");
    check(following.store(), &told);
    following.unwind(ETH, 20).expect("unwinds");
    check(following.store(), &told[1..]);
}

/// What followed blocks tell beside transfers, as a stage.
struct Told {
    following: Following,
}

impl Stage for Told {
    fn checkpoint(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.following.recent(ETH).last().map(|(height, _)| *height))
    }

    fn execute(&mut self, blocks: &[FollowedBlock]) -> Result<(), StoreError> {
        self.following.append(blocks)
    }

    fn unwind(&mut self, to: Option<u64>) -> Result<(), StoreError> {
        self.following.unwind(ETH, to.unwrap_or(20))
    }
}

#[test]
fn as_a_stage_it_rolls_forward_and_back() {
    let again = Fact::Freeze(Freeze { height: None, ..freeze(22, 3, FreezeAction::Freeze) });
    let odd = model::Oddity { at: "block 23".into(), what: "odd".into(), transfer: None };
    let blocks = [
        block(21, &[frozen(21, 2)]),
        block(22, &[frozen(22, 3), again.clone()]),
        block(23, &[again, Fact::Oddity(odd)]),
        block(24, &[]),
        block(25, &[Fact::Freeze(freeze(25, 3, FreezeAction::Destroy(U256::from(9))))]),
    ];
    let make =
        || Told { following: Store::open_in_memory().and_then(Store::follow).expect("opens") };
    stage::check(&blocks, make, |told| {
        let store = told.following.store();
        (store.freezes_all(None).expect("reads"), store.oddities(9).expect("reads").len())
    });
}

#[test]
fn a_backup_has_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, out, back) =
        (folder.path().join("home"), folder.path().join("out"), folder.path().join("back"));
    let mut following = follow(&home);
    following.set_gather(Gather::USUAL);
    following.append(&[block(21, &[frozen(21, 2)])]).expect("follows");
    let mut store = following.into_store();
    import(&mut store, "one", &[frozen(4, 3)]);
    store.backup(&out, &[]).expect("copies");
    store::restore(&out, &back).expect("restores");
    check(&Store::open_existing(&back).expect("opens"), &[frozen(21, 2), frozen(4, 3)]);
}

/// Homes that were made before there was such a table, or any other that was added.
#[test]
fn what_a_home_lacks_is_added_when_it_is_opened() {
    let home = tempfile::tempdir().expect("a folder");
    drop(Store::open(home.path()).expect("opens"));
    let database = home.path().join("interdict.sqlite");
    let names = |db: &Connection| -> Vec<String> {
        let sql = "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name";
        let mut ask = db.prepare(sql).expect("asks");
        let names = ask.query_map([], |row| row.get(0)).expect("reads");
        names.collect::<Result<_, _>>().expect("reads")
    };
    let db = Connection::open(&database).expect("opens");
    let all = names(&db);
    let lacking = ["DROP TABLE freeze", "DROP INDEX freeze_by_file", "DROP TABLE price"];
    for sql in lacking.into_iter().chain(["DROP TABLE followed", "DROP INDEX oddity_by_height"]) {
        db.execute_batch(sql).expect("takes away");
        assert!(names(&db).len() < all.len(), "{sql}");
        drop(Store::open(home.path()).expect("opens"));
        assert_eq!(names(&db), all, "{sql}");
    }
}
