//! Any text is an identifier, if only a claim; what is read stays itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use model::{Account, Identifier, Key};

fuzz_target!(|text: &str| {
    let read = Identifier::parse(text);
    let again = Identifier::parse(&read.text);
    assert_eq!(again.text, read.text, "the canonical text is its own canonical text");
    assert!(again.key == read.key, "the canonical text says the same key");
    assert_eq!(again.families, read.families);
    for account in read.accounts() {
        assert!(Key::of(&account) == read.key, "{account} has another key");
        let caip: Account = account.to_string().parse().expect("an account reads its own text");
        assert_eq!(caip, account);
    }
});
