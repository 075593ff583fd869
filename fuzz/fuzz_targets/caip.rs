//! The names of things: whatever is read prints as text that reads the same.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use model::{Account, Asset, Chain, Position, TxId};

fuzz_target!(|text: &str| {
    reads_its_own_text::<Chain>(text);
    reads_its_own_text::<Account>(text);
    reads_its_own_text::<Asset>(text);
    reads_its_own_text::<TxId>(text);
    reads_its_own_text::<Position>(text);
});

fn reads_its_own_text<T: FromStr + Display + Debug + PartialEq>(text: &str) {
    let Ok(read) = text.parse::<T>() else { return };
    let again = read.to_string().parse::<T>().ok();
    assert_eq!(again, Some(read));
}
