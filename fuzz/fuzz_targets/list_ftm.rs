//! OpenSanctions' entities: read or refused, and what is listed is found.

#![no_main]

use screen::lists::ftm;
use screen::{ParsedList, Screen};

const DAY: model::Date = model::Date::constant(2026, 3, 1);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(list) = ftm::read(bytes, "entities", Some(DAY), "hash") {
        check(&list);
    }
});

fn check(list: &ParsedList) {
    let screen = Screen::new(std::slice::from_ref(&list.version), list.listings.clone());
    for listing in list.listings.iter().take(16) {
        let answer = screen.screen(&listing.written, list.version.date);
        let found = answer.hits.len() + answer.former.len();
        assert!(found > 0, "{listing:?} is listed and not found");
    }
}
