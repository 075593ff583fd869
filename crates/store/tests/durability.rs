//! What must be true of the file: all or nothing, one writer, no other
//! program's file, no later format.

mod common;

use std::fs;
use std::path::Path;

use common::{account, check_same, file, import, time};
use model::{Chain, Direction, Fact, Limits, Oddity, Position, Seek, TransferId, View};
use rusqlite::{Connection, types::Value};
use store::{Store, StoreError};

const STORY: &str = "
    chain ethereum
    thief -> a1      100 ETH   day 0
    a1    -> cash1     4 ETH   day 0 +10m
    token USDX decimals 6
    a1    -> venue   4 USDX    day 1
    chain bitcoin
    t0: coinbase => miner 50 BTC               day 0
    t1: t0:0 => a 20 BTC, b 29.9 BTC           day 0 +10m
";

fn facts() -> Vec<Fact> {
    model::sketch::parse(STORY).expect("reads").facts
}

/// Every row of every table, as another program sees them.
fn dump(home: &Path) -> Vec<(String, Vec<Vec<Value>>)> {
    let db = Connection::open(home.join("interdict.sqlite")).expect("opens");
    let tables: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .and_then(|mut ask| ask.query_map([], |row| row.get(0))?.collect())
        .expect("names its tables");
    let rows = |table: &String| {
        let mut ask = db.prepare(&format!("SELECT * FROM {table}")).expect("reads");
        let width = ask.column_count();
        let rows =
            ask.query_map([], |row| (0..width).map(|at| row.get(at)).collect()).expect("reads");
        rows.collect::<Result<Vec<Vec<Value>>, _>>().expect("reads")
    };
    tables.iter().map(|table| (table.clone(), rows(table))).collect()
}

#[test]
fn a_dropped_batch_changes_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(home.path()).expect("opens");
    import(&mut store, "one", &facts()[..3]);
    let before = dump(home.path());

    let mut batch = store.begin(&file("two")).expect("begins");
    for fact in facts() {
        batch.put(&fact).expect("puts");
    }
    batch
        .put(&Fact::Oddity(Oddity { at: "row 2".into(), what: "odd".into(), transfer: None }))
        .expect("puts");
    drop(batch);
    assert_eq!(dump(home.path()), before);

    // The numbers it gave are given anew, and nothing remembers the old ones.
    let mut twin = Store::open_in_memory().expect("opens");
    for store in [&mut store, &mut twin] {
        import(store, "three", &facts()[2..]);
    }
    import(&mut twin, "one", &facts()[..3]);
    check_same(&store, &twin);
    let seek = [Seek::all(model::sketch::parse(STORY).expect("reads").account("miner"))];
    let ask =
        |view: &dyn View| view.expand(Direction::Backward, &seek, &Limits::NONE).expect("expands");
    assert_eq!(ask(&store), ask(&twin));
}

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let home = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(home.path()).expect("opens");
    let counts = import(&mut store, "one", &facts());
    let before = dump(home.path());
    drop(store);

    let store = Store::open_existing(home.path()).expect("opens");
    assert_eq!(dump(home.path()), before);
    assert!(store.has_file("sha of one", "test").expect("looks"));
    assert!(!store.has_file("sha of one", "another purpose").expect("looks"));
    let stats = store.stats().expect("stats");
    assert_eq!((stats.transfers, stats.files), (counts.transfers_new, 1));
    assert!(stats.bytes_on_disk > 0);
}

#[test]
fn the_same_file_again_stays_one_file() {
    let mut store = Store::open_in_memory().expect("opens");
    let oddity = Oddity {
        at: "row 1".into(),
        what: "no decimals".into(),
        transfer: Some(TransferId {
            tx: common::tx(Chain::ETHEREUM, 1),
            position: Position::Log(3),
            equal: None,
        }),
    };
    let facts = [facts(), vec![Fact::Oddity(oddity.clone())]].concat();
    let first = import(&mut store, "one", &facts);
    let second = import(&mut store, "one", &facts);
    assert_eq!((second.transfers_new, second.transfers_known), (0, first.transfers_new));
    assert_eq!(store.files().expect("files").len(), 1);
    let oddities = store.oddities(10).expect("oddities");
    assert_eq!(oddities.iter().map(|row| &row.oddity).collect::<Vec<_>>(), [&oddity]);
}

#[test]
fn an_oddity_keeps_which_transfer_it_is_about() {
    let mut store = Store::open_in_memory().expect("opens");
    let Some(Fact::Transfer { transfer, .. }) =
        facts().into_iter().find(|fact| matches!(fact, Fact::Transfer { .. }))
    else {
        panic!("the story has a transfer")
    };
    let nth = model::Transfer { position: Position::Nth(0), ..transfer };
    let oddity = Oddity { at: "row 1".into(), what: "odd".into(), transfer: Some(nth.id()) };
    import(&mut store, "one", &[Fact::Oddity(oddity.clone())]);
    assert_eq!(store.oddities(1).expect("oddities")[0].oddity, oddity);
    assert_eq!(store.oddities(0).expect("oddities"), []);
}

#[test]
fn a_second_writer_is_told_who_writes() {
    let home = tempfile::tempdir().expect("a folder");
    let mut first = Store::open(home.path()).expect("opens");
    let mut second = Store::open(home.path()).expect("opens");
    let batch = first.begin(&file("bybit.csv")).expect("begins");

    let error = second.begin(&file("other.csv")).err().expect("refused");
    let text = error.to_string();
    assert!(error.is_transient());
    assert!(text.contains("import bybit.csv"), "{text}");
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    // Readers are not kept waiting.
    assert_eq!(second.coverage().expect("answers"), []);
    Store::open_existing(home.path()).expect("a reader opens");

    drop(batch);
    second.begin(&file("other.csv")).expect("begins now");
    assert!(!home.path().join("writer").exists());
}

#[test]
fn a_later_format_is_refused() {
    let home = tempfile::tempdir().expect("a folder");
    drop(Store::open(home.path()).expect("opens"));
    let db = Connection::open(home.path().join("interdict.sqlite")).expect("opens");
    db.pragma_update(None, "user_version", 99).expect("updates");
    drop(db);
    let error = Store::open(home.path()).err().expect("refused");
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("use the version that wrote it"), "{error}");
}

#[test]
fn another_programs_file_is_refused_and_left_alone() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("interdict.sqlite");
    let db = Connection::open(&path).expect("opens");
    db.execute_batch("CREATE TABLE bookmark (url TEXT)").expect("creates");
    drop(db);
    let before = fs::read(&path).expect("reads");
    let error = Store::open(home.path()).err().expect("refused");
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    assert_eq!(fs::read(&path).expect("reads"), before);
}

#[test]
fn a_damaged_file_is_named() {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("interdict.sqlite"), "no database, ".repeat(500)).expect("writes");
    let text = Store::open(home.path()).err().expect("refused").to_string();
    assert!(text.contains("interdict.sqlite: the file is damaged or no database"), "{text}");
}

#[test]
fn a_home_without_a_store_says_what_to_do() {
    let home = tempfile::tempdir().expect("a folder");
    let error = Store::open_existing(home.path()).err().expect("refused");
    assert!(error.to_string().contains("import something first"), "{error}");
    assert_eq!(fs::read_dir(home.path()).expect("reads").count(), 0, "nothing is made");
}

#[test]
fn a_home_that_is_a_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("home");
    fs::write(&home, "").expect("writes");
    let text = Store::open(&home).err().expect("refused").to_string();
    assert!(text.contains(&home.display().to_string()), "{text}");
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_a_home() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("deep").join("home");
    let mut store = Store::open(&home).expect("opens");
    import(&mut store, "one", &facts());
    let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    let mut folders = vec![home];
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(&folder).expect("reads") {
            let path = entry.expect("reads").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    }
}

#[test]
fn what_cannot_be_kept_exactly_is_refused() {
    let mut store = Store::open_in_memory().expect("opens");
    let mut batch = store.begin(&file("one")).expect("begins");
    let block = model::BlockFact {
        chain: Chain::ETHEREUM,
        hash: None,
        parent: None,
        height: Some(u64::MAX),
        time: time(0),
        work: None,
    };
    batch.put(&Fact::Block(block)).expect("puts");
    let text = batch.commit("f1").expect_err("refused").to_string();
    assert!(text.contains("18446744073709551615"), "{text}");
}

#[test]
fn an_unknown_account_has_nothing() {
    let store = Store::open_in_memory().expect("opens");
    let seek = [Seek::all(account(Chain::ETHEREUM, 1))];
    let expansion = store.expand(Direction::Forward, &seek, &Limits::NONE).expect("expands");
    assert!(expansion.reached[0].transfers.is_empty());
}
