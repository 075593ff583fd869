//! Case files: read or refused, with everything in them that is parsed later.

#![no_main]

use interdict::case;
use model::Book;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(case) = case::parse(text) else { return };
    let _ = case.add_labels(&mut Book::default());
    let _ = case.prices();
    let _ = case.crossings();
    let _ = case.since();
    let _ = case.until();
});
