//! A table of what issuers froze: read or refused, and what is listed is found.

#![no_main]

use screen::lists::issuer;
use screen::{ParsedList, Screen};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(events) = issuer::read(bytes) {
        issuer::lists(&events, None, "hash").iter().for_each(check);
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
