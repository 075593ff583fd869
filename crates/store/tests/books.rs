//! Lists, labels and actors: versions kept, replaced, the same twice.

use model::{
    Account, Chain, CoinbaseTag, Confidence, Correction, Date, Fact, Identifier, Key, Label,
    LabelChange, LabelEvent, ListVersion, Listing, Standing, Subject, Tag, TagKind, TxHash, TxId,
};
use store::{Actor, FileRecord, Outcome, Store};

const A: &str = "0x47666fab8bd0ac7003bce3f5c3585383f09486e2";
const B: &str = "0xa4b2fd68593b6f34e51cb9edb66e71c1b4ab449e";

fn date(day: i8) -> Date {
    model::Date::new(2025, 3, day).expect("a day")
}

fn version(day: i8, file: &str) -> ListVersion {
    ListVersion { list: "ofac-sdn".into(), date: date(day), file_hash: file.into() }
}

fn listing(version: &ListVersion, written: &str) -> Listing {
    Listing {
        version: version.clone(),
        identifier: Identifier::parse(written),
        written: written.into(),
        asset_label: Some("ETH".into()),
        party: Some("Somebody".into()),
        party_id: None,
        programmes: vec!["DPRK3".into(), "CYBER2".into()],
        listed_on: Some(date(1)),
        expires_on: None,
        kind: model::ListingKind::Address,
    }
}

fn label(subject: Subject, name: &str) -> Label {
    Label {
        subject,
        name: name.into(),
        concepts: vec!["exchange".into()],
        actor: Some("binance".into()),
        confidence: Confidence::named("ownership").expect("a grade"),
        source: "https://example.org".into(),
        collection: "pack".into(),
        date: Some(date(4)),
        file_hash: "f1".into(),
        network: None,
        tag: Default::default(),
    }
}

fn account(text: &str) -> Account {
    Account::parse(text, Chain::ETHEREUM).expect("an address")
}

#[test]
fn every_version_of_a_list_is_kept() {
    let mut store = Store::open_in_memory().expect("opens");
    let (old, new) = (version(5, "f1"), version(20, "f2"));
    // The later one first: the order of imports does not matter.
    let later = [listing(&new, B), listing(&new, "not an address of anything")];
    let earlier = [listing(&old, A), listing(&old, B)];
    assert_eq!(store.put_list(&new, "OFAC SDN", &later, &[]).expect("keeps"), Outcome::New);
    assert_eq!(store.put_list(&old, "OFAC SDN", &earlier, &[]).expect("keeps"), Outcome::New);

    let rows = store.list_versions().expect("versions");
    assert_eq!(
        rows.iter().map(|row| (&row.version, row.entries)).collect::<Vec<_>>(),
        [(&old, 2), (&new, 2)]
    );
    assert_eq!(rows[0].name, "OFAC SDN");
    assert_eq!(store.listings().expect("listings"), [earlier, later].concat());

    let book = store.book().expect("a book");
    let hits = |text: &str| book.listings(&Key::of(&account(text))).count();
    assert_eq!((hits(A), hits(B)), (0, 1), "the latest version only");
}

#[test]
fn an_empty_version_is_known_and_empties_the_book() {
    let mut store = Store::open_in_memory().expect("opens");
    let (old, new) = (version(5, "f1"), version(20, "f2"));
    store.put_list(&old, "OFAC SDN", &[listing(&old, A)], &[]).expect("keeps");
    store.put_list(&new, "OFAC SDN", &[], &[]).expect("keeps");
    assert_eq!(store.list_versions().expect("versions")[1].entries, 0);
    assert!(store.book().expect("a book").all_listings().is_empty());
}

#[test]
fn another_file_of_the_same_day_takes_its_place() {
    let mut store = Store::open_in_memory().expect("opens");
    let (first, second) = (version(5, "f1"), version(5, "f2"));
    store.put_list(&first, "OFAC SDN", &[listing(&first, A)], &[]).expect("keeps");
    assert_eq!(store.put_list(&first, "OFAC SDN", &[], &[]).expect("keeps"), Outcome::Same);
    assert_eq!(store.listings().expect("listings"), [listing(&first, A)]);
    let outcome = store.put_list(&second, "OFAC SDN", &[listing(&second, B)], &[]).expect("keeps");
    assert_eq!(outcome, Outcome::Replaced { file_hash: "f1".into() });
    assert_eq!(store.listings().expect("listings"), [listing(&second, B)]);
}

#[test]
fn a_listing_of_another_version_is_refused() {
    let mut store = Store::open_in_memory().expect("opens");
    let stray = listing(&version(6, "f9"), A);
    assert!(store.put_list(&version(5, "f1"), "OFAC SDN", &[stray], &[]).is_err());
    assert!(store.list_versions().expect("versions").is_empty());
}

#[test]
fn labels_of_every_subject_come_back() {
    let mut store = Store::open_in_memory().expect("opens");
    let tx = TxId { chain: Chain::BITCOIN, hash: TxHash::new(&[7; 32]) };
    let labels = [
        label(Subject::Account(account(A)), "a hot wallet"),
        label(Subject::Identifier(Identifier::parse(B)), "a thief"),
        label(Subject::Identifier(Identifier::parse("no address at all: 7")), "a claim"),
        label(Subject::Transaction(tx), "the theft"),
    ];
    assert_eq!(store.put_labels("pack", "f1", &labels).expect("keeps"), Outcome::New);
    assert_eq!(store.labels().expect("labels"), labels);
    let book = store.book().expect("a book");
    assert_eq!(book.labels(&account(A))[0].name, "a hot wallet");
    assert_eq!(book.labels(&account(B))[0].name, "a thief");
}

#[test]
fn a_packs_later_file_replaces_its_labels() {
    let mut store = Store::open_in_memory().expect("opens");
    let (a, b) =
        (label(Subject::Account(account(A)), "a"), label(Subject::Account(account(B)), "b"));
    store.put_labels("pack", "f1", std::slice::from_ref(&a)).expect("keeps");
    store.put_labels("another pack", "f1", std::slice::from_ref(&b)).expect("keeps");
    assert_eq!(store.put_labels("pack", "f1", &[]).expect("keeps"), Outcome::Same);
    assert_eq!(store.labels().expect("labels"), [b.clone(), a]);
    let outcome = store.put_labels("pack", "f2", &[]).expect("keeps");
    assert_eq!(outcome, Outcome::Replaced { file_hash: "f1".into() });
    assert_eq!(store.labels().expect("labels"), [b]);
}

#[test]
fn actors_come_back() {
    let mut store = Store::open_in_memory().expect("opens");
    let actor = Actor {
        id: "binance".into(),
        label: "Binance".into(),
        uri: Some("https://binance.com".into()),
        categories: vec!["exchange".into()],
        jurisdictions: vec!["MT".into(), "KY".into()],
    };
    let keep = |store: &mut Store| {
        store.put_actors("pack", "f1", std::slice::from_ref(&actor)).expect("keeps")
    };
    assert_eq!((keep(&mut store), keep(&mut store)), (Outcome::New, Outcome::Same));
    assert_eq!(store.actors().expect("actors"), [actor]);
    assert!(store.labels().expect("labels").is_empty());
}

#[test]
fn what_belongs_to_a_label_comes_back_and_its_standing_is_not_stored() {
    let mut store = Store::open_in_memory().expect("opens");
    let mut full = label(Subject::Account(account(A)), "a");
    full.tag = Tag {
        kind: TagKind::Mention,
        is_cluster_definer: true,
        context: Some("{\"case\":7}".into()),
        valid_until: Some(date(9)),
        is_own: true,
        standing: Standing::Undisputed,
    };
    let mut disputed = full.clone();
    disputed.tag.standing = Standing::Disputed { stops_walks: true };
    store.put_labels("pack", "f1", &[disputed]).expect("keeps");
    assert_eq!(store.labels().expect("labels"), [full]);
    // They go with their pack.
    store.put_labels("pack", "f2", &[label(Subject::Account(account(B)), "b")]).expect("keeps");
    assert_eq!(store.labels().expect("labels")[0].tag, Tag::default());
}

#[test]
fn what_was_decided_stays_when_its_label_is_gone_and_cannot_be_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(folder.path()).expect("opens");
    let label = label(Subject::Account(account(A)), "a");
    store.put_labels("pack", "f1", std::slice::from_ref(&label)).expect("keeps");
    let event = |why: &str, change| LabelEvent {
        label: label.id(),
        subject: label.subject.to_string(),
        name: label.name.clone(),
        at: "2025-03-05T12:00:00.000000007Z".parse().expect("a time"),
        by: "me".into(),
        why: why.into(),
        change,
    };
    let correct = Correction { concepts: Some(vec!["market".into()]), ..Correction::default() };
    let events = [
        event("denied", LabelChange::Dispute { stops_walks: false }),
        event("seen", LabelChange::Correct(correct)),
        event("over", LabelChange::Lift),
    ];
    for one in &events {
        store.add_label_event(one).expect("keeps");
    }
    store.put_labels("pack", "f2", &[]).expect("keeps");
    assert_eq!(store.label_events().expect("events"), events);
    drop(store);
    let db = rusqlite::Connection::open(folder.path().join("interdict.sqlite")).expect("opens");
    for sql in ["UPDATE label_event SET why = 'x'", "DELETE FROM label_event"] {
        let error = db.execute(sql, []).expect_err(sql);
        assert!(error.to_string().contains("only added to"), "{error}");
    }
}

#[test]
fn what_miners_wrote_is_kept_by_their_transactions() {
    let mut store = Store::open_in_memory().expect("opens");
    let tx = |n: u8| TxId { chain: Chain::BITCOIN, hash: TxHash::new(&[n; 32]) };
    let record = FileRecord { name: "blk".into(), purpose: "test".into(), bytes: 1 };
    let mut batch = store.begin(&record).expect("begins");
    for n in [1, 2, 1] {
        let script: Box<[u8]> = vec![n; 3].into();
        batch.put(&Fact::Coinbase { tx: tx(n), script }).expect("keeps");
    }
    batch.commit("hash").expect("commits");
    assert_eq!(store.coinbase(&tx(1)).expect("asks"), Some(vec![1; 3]));
    assert_eq!(store.coinbase(&tx(9)).expect("asks"), None);
    assert_eq!(store.coinbase_count(Chain::BITCOIN).expect("counts"), 2);
    let tag = CoinbaseTag { text: "/X/".into(), pool: "X".into(), link: "https://x".into() };
    store.put_coinbase_tags("pools", "f1", std::slice::from_ref(&tag)).expect("keeps");
    assert_eq!(store.coinbase_tags().expect("tags"), [tag]);
}
