//! A Solana node's answer about one slot. Signatures need not fit: a fuzzer finds none.

#![no_main]

use chain::solana::{Reading, decode};
use model::{Chain, Memory};

const SLOT: u64 = 250_000_000;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if text.len() > 64 << 10 {
        return;
    }
    let reading = Reading { signatures: false, votes: true };
    let Ok(block) = decode::block(Chain::SOLANA, SLOT, text, reading) else { return };
    assert_eq!(decode::block_ref(SLOT, text), Ok(block.at));
    let once = Memory::from_facts(block.facts.iter().cloned());
    let twice = Memory::from_facts(block.facts.iter().chain(&block.facts).cloned());
    assert_eq!(once.transfers(), twice.transfers());
    // What was left out asks for no more than what was read.
    let strict = decode::block(Chain::SOLANA, SLOT, text, Reading::default());
    assert!(strict.is_err() || strict.is_ok_and(|strict| strict.facts.len() <= block.facts.len()));
});
