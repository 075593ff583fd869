//! The bytes of a contract: any are read, and what is found stands where it is said to.

#![no_main]

use token::code::Code;
use token::{abi, proxy};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let code = Code::read(bytes);
    for (selector, at) in &code.functions {
        let pushed = &bytes[at + 1..];
        assert!(pushed.starts_with(selector) || pushed.starts_with(&selector[1..]));
    }
    let _ = proxy::minimal(bytes);
    // The same bytes as an answer.
    let _ = (abi::text(bytes), abi::address(bytes), abi::reason(bytes), abi::is_yes(bytes));
});
