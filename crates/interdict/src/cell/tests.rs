//! What is answered from memory is what the command answers, and soon after lists change.

use std::time::Instant;

use model::{Date, Identifier, ListVersion, Listing, ListingKind};
use screen::names::Thresholds;

use super::screener::{self, Question};
use super::*;
use crate::cli::ScreenKind;
use crate::commands::screen::{Ask, Desk};

fn address(number: u64) -> String {
    // Spread, so that neither filter nor index is met in order.
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("0x{mixed:016x}{:024x}", u128::from(number) << 3)
}

fn listing(version: &ListVersion, text: &str) -> Listing {
    Listing {
        version: version.clone(),
        identifier: Identifier::parse(text),
        written: text.to_string(),
        asset_label: Some("ETH".into()),
        party: Some("Somebody".into()),
        party_id: Some("1".into()),
        programmes: vec!["CYBER2".into()],
        listed_on: None,
        expires_on: None,
        kind: ListingKind::Address,
    }
}

fn put(store: &mut Store, list: &str, date: &str, numbers: std::ops::Range<u64>) {
    let date: Date = date.parse().unwrap();
    let version = ListVersion { list: list.into(), date, file_hash: format!("{list}{date}") };
    let listings: Vec<Listing> =
        numbers.map(|number| listing(&version, &address(number))).collect();
    store.put_list(&version, list, &listings, &[]).unwrap();
}

fn question(text: &str, as_of: Option<&str>) -> Question {
    let ask = Ask::new(text, ScreenKind::Auto);
    Question { ask, as_of: as_of.map(|day| day.parse().unwrap()), weighs: false }
}

#[test]
fn memory_answers_as_the_command_does_on_every_day() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::choose(Some(folder.path().to_path_buf()));
    let mut store = home.open().unwrap();
    put(&mut store, "one", "2025-01-01", 0..40);
    put(&mut store, "one", "2025-03-01", 20..60);
    put(&mut store, "two", "2025-02-01", 30..50);
    let cell = Cell::open(folder.path()).unwrap();
    let now = cell.now();
    let mut texts: Vec<String> = (0..80).map(address).collect();
    texts.extend([
        "1BoatSLRHtKNngkdXEeobR76b53LETtpyT".into(),
        "nonsense".into(),
        "Ivan Petrov".into(),
    ]);
    let mut hits = 0;
    for day in ["2024-12-31", "2025-01-15", "2025-02-15", "2025-04-01"] {
        let as_of = day.parse().unwrap();
        let desk =
            Desk::open(&store, &home, Thresholds::default(), as_of, screener::today()).unwrap();
        for text in &texts {
            let question = question(text, Some(day));
            let theirs = serde_json::to_value(desk.answer(&question.ask).unwrap()).unwrap();
            let ours = screener::answer(&cell, &now, &question).unwrap();
            hits += ours.hits.len();
            assert_eq!(serde_json::to_value(&ours).unwrap(), theirs, "{text} on {day}");
        }
    }
    assert!(hits > 100, "{hits}");
}

#[test]
fn a_list_that_comes_in_is_seen_at_the_next_look() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::choose(Some(folder.path().to_path_buf()));
    let mut store = home.open().unwrap();
    put(&mut store, "one", "2025-01-01", 0..1);
    let cell = Cell::open(folder.path()).unwrap();
    assert!(!cell.refresh().unwrap(), "nothing changed");
    let hits = |cell: &Cell| {
        let answer = cell.now().screener.at_once(&question(&address(7), None)).unwrap();
        answer.hits.len()
    };
    assert_eq!(hits(&cell), 0);
    put(&mut store, "one", "2025-02-01", 0..10);
    assert!(cell.refresh().unwrap());
    assert_eq!(hits(&cell), 1);
}

#[test]
#[ignore = "a measurement: run it alone, with --release and --no-capture"]
fn microseconds_of_a_screening() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Home::choose(Some(folder.path().to_path_buf())).open().unwrap();
    for list in 0..20 {
        put(&mut store, &format!("list-{list}"), "2025-01-01", list * 10_000..(list + 1) * 10_000);
    }
    let cell = Cell::open(folder.path()).unwrap();
    let now = cell.now();
    let questions: Vec<Question> =
        (0..50_000).map(|number| question(&address(number * 17), None)).collect();
    let begun = Instant::now();
    let mut bytes = 0;
    for question in &questions {
        bytes += serde_json::to_vec(&now.screener.at_once(question).unwrap()).unwrap().len();
    }
    let each = begun.elapsed() / 50_000;
    #[allow(clippy::print_stderr, reason = "it is there to be read")]
    {
        eprintln!("{each:?} a screening, its {} bytes of JSON included", bytes / 50_000);
    }
    assert!(bytes > 0);
}
