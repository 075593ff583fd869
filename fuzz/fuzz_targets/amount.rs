//! Amounts are exact: what was read prints as text that reads the same.
//! The first byte is the number of decimals, the rest the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use model::amount::{format_rounded, format_units, parse_base, parse_units};

fuzz_target!(|bytes: &[u8]| {
    let Some((&decimals, text)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    if let Ok(amount) = parse_units(text, decimals) {
        assert_eq!(parse_units(&format_units(amount, decimals), decimals), Ok(amount));
        format_rounded(amount, decimals, 2);
    }
    if let Ok(amount) = parse_base(text) {
        assert_eq!(parse_base(&amount.to_string()), Ok(amount));
        assert_eq!(parse_units(text, 0), Ok(amount));
    }
});
