//! What people declare of a token.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = token::declared::read("token.toml", text);
});
