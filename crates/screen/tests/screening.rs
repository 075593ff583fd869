//! Stories of lists that change, and of queries that are not quite right.

use model::{Date, ListVersion, Listing};
use screen::lists::addresses;
use screen::{Answer, Match, Screen};

/// The key of `EVM` in Tron's form.
const EVM: &str = "0xa614f803b6fd780986a42c78ec9c7f77e6ded13c";
const TRON: &str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
/// One public key hash, in two encodings.
const P2PKH: &str = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2";
const P2WPKH: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
const P2PKH_OF_P2WPKH: &str = "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH";

fn day(text: &str) -> Date {
    text.parse().expect("a date")
}

/// Versions of one list, each a day and its lines.
struct Lists {
    versions: Vec<ListVersion>,
    listings: Vec<Listing>,
}

impl Lists {
    fn new() -> Lists {
        Lists { versions: Vec::new(), listings: Vec::new() }
    }

    fn with(mut self, list: &str, date: &str, lines: &[&str]) -> Lists {
        let parsed =
            addresses::read(lines.join("\n").as_bytes(), list, day(date), date).expect("a list");
        self.versions.push(parsed.version);
        self.listings.extend(parsed.listings);
        self
    }

    fn screen(self) -> Screen {
        Screen::new(&self.versions, self.listings)
    }
}

fn ask(screen: &Screen, query: &str, as_of: &str) -> Answer {
    screen.screen(query, day(as_of))
}

fn on(screen: &Screen, query: &str, as_of: &str) -> Vec<(String, Match)> {
    ask(screen, query, as_of).hits.into_iter().map(|hit| (hit.written, hit.r#match)).collect()
}

#[test]
fn a_listing_comes_and_goes() {
    let screen = Lists::new()
        .with("fbi", "2025-01-01", &[])
        .with("fbi", "2025-02-01", &[EVM])
        .with("fbi", "2025-03-01", &[EVM])
        .with("fbi", "2025-04-01", &[])
        .screen();
    assert!(ask(&screen, EVM, "2025-01-31").hits.is_empty());
    let during = ask(&screen, EVM, "2025-03-31");
    assert_eq!(during.hits.len(), 1);
    assert_eq!(during.hits[0].list_date, day("2025-03-01"));
    assert_eq!(during.hits[0].first_seen, day("2025-02-01"));
    assert_eq!(during.hits[0].last_seen, day("2025-03-01"));
    assert_eq!(during.hits[0].absent_since, Some(day("2025-04-01")));
    assert_eq!(during.hits[0].delisted_on, None);
    let after = ask(&screen, EVM, "2025-04-01");
    assert!(after.hits.is_empty() && after.covered);
    assert_eq!(after.former.len(), 1);
    // It was not known yet: neither a hit nor former.
    assert!(ask(&screen, EVM, "2025-01-31").former.is_empty());
}

#[test]
fn a_day_before_the_first_version_is_not_covered() {
    let screen =
        Lists::new().with("a", "2025-01-01", &[EVM]).with("b", "2025-03-01", &[EVM]).screen();
    let between = ask(&screen, EVM, "2025-02-01");
    assert!(!between.covered);
    let covered: Vec<_> =
        between.searched.iter().map(|s| (s.list.as_str(), s.covered, s.entries)).collect();
    assert_eq!(covered, [("a", true, 1), ("b", false, 0)]);
    assert_eq!(between.hits.len(), 1);
    assert!(ask(&screen, EVM, "2025-03-01").covered);
    assert!(!ask(&Screen::default(), EVM, "2025-03-01").covered);
}

#[test]
fn every_text_of_a_key_is_found() {
    let screen = Lists::new().with("l", "2025-01-01", &[EVM, P2PKH_OF_P2WPKH]).screen();
    let (same, key) = (Match::Address, Match::Key);
    let check = |query: &str, written: &str, expected: Match| {
        assert_eq!(on(&screen, query, "2025-01-01"), [(written.to_string(), expected)], "{query}");
    };
    check(EVM, EVM, same);
    check(&EVM.to_uppercase().replace("0X", "0x"), EVM, same);
    check(&format!("  {EVM}\u{200b}\n"), EVM, same);
    check(&format!("eip155:56:{EVM}"), EVM, same);
    check(TRON, EVM, key);
    check(&format!("tron:0x2b6653dc:{TRON}"), EVM, key);
    check(P2WPKH, P2PKH_OF_P2WPKH, key);
    check(&P2WPKH.to_uppercase(), P2PKH_OF_P2WPKH, key);
    assert!(on(&screen, P2PKH, "2025-01-01").is_empty());
}

/// One wrong capital must not read as "not listed".
#[test]
fn a_wrong_checksum_is_looked_up_and_said() {
    let screen = Lists::new()
        .with("l", "2025-01-01", &["0x098B716B8Aaf21512996dC57EB0615e2383E2f96"])
        .screen();
    for query in [
        "0x098b716B8Aaf21512996dC57EB0615e2383E2f96",
        "eip155:1:0x098b716B8Aaf21512996dC57EB0615e2383E2f96",
    ] {
        let answer = ask(&screen, query, "2025-01-01");
        assert!(!answer.valid);
        assert_eq!(answer.hits.len(), 1, "{answer:?}");
        assert_eq!(answer.hits[0].r#match, Match::Address);
        let note = answer.note.expect("it is said");
        assert!(note.contains("0x098B716B8Aaf21512996dC57EB0615e2383E2f96"), "{note}");
    }
}

#[test]
fn a_listing_with_a_wrong_checksum_is_found_by_its_bytes() {
    let wrong = "0x098b716B8Aaf21512996dC57EB0615e2383E2f96";
    let screen = Lists::new().with("l", "2025-01-01", &[wrong]).screen();
    assert_eq!(
        on(&screen, &wrong.to_lowercase(), "2025-01-01"),
        [(wrong.to_string(), Match::Address)]
    );
}

#[test]
fn a_claim_matches_only_its_own_text() {
    let screen = Lists::new().with("l", "2025-01-01", &["UID 4711"]).screen();
    let answer = ask(&screen, " UID 4711 ", "2025-01-01");
    assert_eq!(answer.hits.len(), 1);
    assert!(!answer.valid && answer.note.is_some());
    assert!(on(&screen, "UID 4712", "2025-01-01").is_empty());
    assert!(on(&screen, "", "2025-01-01").is_empty());
}

#[test]
fn two_parties_and_two_lists_are_hits_of_their_own_in_one_order() {
    let lines = [format!("{EVM},Bravo"), format!("{EVM},Alfa")];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let parties = |lists: Lists| -> Vec<_> {
        let hits = ask(&lists.screen(), EVM, "2025-01-02").hits;
        hits.into_iter().map(|hit| (hit.list, hit.party)).collect()
    };
    let forward =
        parties(Lists::new().with("x", "2025-01-01", &lines).with("a", "2025-01-02", &[EVM]));
    assert_eq!(forward.len(), 3);
    assert_eq!(forward[0], ("a".to_string(), None));
    let mut backward = Lists::new().with("a", "2025-01-02", &[EVM]).with("x", "2025-01-01", &lines);
    backward.listings.reverse();
    assert_eq!(parties(backward), forward);
}

#[test]
fn of_two_versions_of_one_day_the_later_import_is_in_force() {
    let mut lists = Lists::new().with("l", "2025-01-01", &[EVM]).with("l", "2025-01-01", &[]);
    lists.versions[1].file_hash = "corrected".to_string();
    assert!(on(&lists.screen(), EVM, "2025-01-01").is_empty());
}

/// The fields others read, in the shape they were promised.
#[test]
fn the_answer_keeps_its_contract() {
    let screen = Lists::new().with("l", "2025-01-01", &[&format!("{EVM},Alfa")]).screen();
    let json =
        serde_json::to_string_pretty(&ask(&screen, TRON, "2025-01-02")).expect("an answer is JSON");
    insta::assert_snapshot!(json);
}
