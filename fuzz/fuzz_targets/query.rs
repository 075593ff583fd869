//! Whatever somebody pastes is a question, and finds itself where it is listed.

#![no_main]

use model::{Date, Identifier, ListVersion, Listing};
use screen::{Query, Screen};

const DAY: Date = Date::constant(2025, 2, 26);

libfuzzer_sys::fuzz_target!(|text: &str| {
    let query = Query::parse(text);
    let screen = Screen::new(&[], vec![listing(text.trim()), listing(&query.identifier.text)]);
    let answer = screen.screen(text, DAY);
    assert!(!answer.hits.is_empty(), "{text:?} is listed and not found");
    assert!(screen.is_listed(&query.key, DAY));
    assert!(screen.screen(text, DAY.yesterday().expect("a day before")).hits.is_empty());
});

fn listing(written: &str) -> Listing {
    Listing {
        version: ListVersion { list: "list".to_string(), date: DAY, file_hash: "hash".to_string() },
        identifier: Identifier::parse(written),
        written: written.to_string(),
        asset_label: None,
        party: None,
        party_id: None,
        programmes: Vec::new(),
        listed_on: None,
        expires_on: None,
        kind: model::ListingKind::Address,
    }
}
