//! A sketch is read or refused, never anything else.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = model::sketch::parse(text).map(|sketch| sketch.memory());
});
