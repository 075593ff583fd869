//! OFAC's XML, plain or packed: read or refused, and what is listed is found.

#![no_main]

use std::io::{BufReader, Read};

use screen::Screen;
use screen::lists::{self, ofac};

/// A packed list may unpack to any size; the reader streams it, a fuzzer need not wait.
const UNPACKED_BYTES_MAX: u64 = 1 << 18;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(unpacked) = lists::open(bytes) else { return };
    let Ok(list) = ofac::read(BufReader::new(unpacked.take(UNPACKED_BYTES_MAX)), "hash") else {
        return;
    };
    let screen = Screen::new(std::slice::from_ref(&list.version), list.listings.clone());
    for listing in list.listings.iter().take(16) {
        let answer = screen.screen(&listing.written, list.version.date);
        assert!(!answer.hits.is_empty(), "{listing:?} is listed and not found");
    }
});
