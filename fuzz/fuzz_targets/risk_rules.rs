//! A file of risk rules: read or refused with a place, and it judges nothing into nothing.

#![no_main]

use trace::risk::Rules;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match Rules::parse("own.toml", text) {
        Ok(rules) => assert!(rules.rules.iter().all(|rule| !rule.categories.is_empty())),
        Err(error) => assert!(error.to_string().starts_with("own.toml: ")),
    }
});
