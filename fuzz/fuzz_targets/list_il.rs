//! Israel's tables of wallets, and of orders: read or refused, and what is listed is found.

#![no_main]

use screen::lists::il;
use screen::{ParsedList, Screen};

const DAY: model::Date = model::Date::constant(2026, 3, 1);

libfuzzer_sys::fuzz_target!(|tables: (&[u8], &[u8])| {
    if let Ok(list) = il::read(tables.0, Some(tables.1), DAY, "hash") {
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
