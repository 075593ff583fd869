//! A Tron node's answers about one block: the block, and what its transactions
//! caused, parted by a line that holds nothing but `--`. Hashes need not fit: a
//! fuzzer finds none.

#![no_main]

use chain::tron::{Checks, Replies, decode};
use model::{Chain, Memory};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if text.len() > 64 << 10 {
        return;
    }
    let (block, infos) = text.split_once("\n--\n").unwrap_or((text, "[]"));
    let checks = Checks { ids: false, root: false };
    // With its hashes checked it may be refused, and must not fail.
    let strict = decode::block_ref(block, None, Checks::default());
    let Ok(Some(at)) = decode::block_ref(block, None, checks) else { return };
    let replies = Replies { block, infos };
    let _ = decode::block(Chain::TRON, at.height, &replies, Checks::default());
    let Ok(read) = decode::block(Chain::TRON, at.height, &replies, checks) else { return };
    assert_eq!(read.at, at);
    if let Ok(Some(strict)) = strict {
        assert_eq!(strict, at);
    }
    let once = Memory::from_facts(read.facts.iter().cloned());
    let twice = Memory::from_facts(read.facts.iter().chain(&read.facts).cloned());
    assert_eq!(once.transfers(), twice.transfers());
});
