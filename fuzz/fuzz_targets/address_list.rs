//! A plain list of addresses: read or refused, and what is listed is found.

#![no_main]

use model::Date;
use screen::Screen;
use screen::lists::addresses;

const DAY: Date = Date::constant(2025, 2, 26);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(list) = addresses::read(bytes, "list", DAY, "hash") else { return };
    let screen = Screen::new(std::slice::from_ref(&list.version), list.listings.clone());
    for listing in list.listings.iter().take(16) {
        let answer = screen.screen(&listing.written, DAY);
        assert!(!answer.hits.is_empty(), "{listing:?} is listed and not found");
    }
});
