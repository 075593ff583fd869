//! OFAC's enhanced XML, and delta files, which share its shape: read or refused; what is listed is found, and
//! nothing is both a list and a delta.

#![no_main]

use std::io::{BufReader, Read};

use screen::Screen;
use screen::lists::{self, ofac};

const UNPACKED_BYTES_MAX: u64 = 1 << 18;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = ofac::delta::history(bytes);
    let Ok(unpacked) = lists::open(bytes) else { return };
    let mut text = Vec::new();
    if unpacked.take(UNPACKED_BYTES_MAX).read_to_end(&mut text).is_err() {
        return;
    }
    let delta = ofac::delta::read(text.as_slice());
    let Ok(list) = ofac::read(BufReader::new(text.as_slice()), "hash") else { return };
    assert!(delta.is_err(), "a delta file was read as a whole list");
    let screen = Screen::new(std::slice::from_ref(&list.version), list.listings.clone());
    for listing in list.listings.iter().take(16) {
        let answer = screen.screen(&listing.written, list.version.date);
        assert!(!answer.hits.is_empty(), "{listing:?} is listed and not found");
    }
});
