//! Lists, labels and actors: versions kept, replaced, the same twice.

use model::{
    Account, Chain, Confidence, Date, Identifier, Key, Label, ListVersion, Listing, Subject,
    TxHash, TxId,
};
use store::{Actor, Outcome, Store};

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
