//! Answers of a Bitcoin node about a block.
//!
//! The block asked for is the one the answer names: a changed header or
//! transaction is refused for its hash, what inputs spent has none.

#![no_main]

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Txid};
use chain::bitcoin::decode::{self, Asked};
use model::{BitcoinNetwork, Fact};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let network = BitcoinNetwork::Regtest;
    let named = text.split("\"hash\":\"").nth(1).and_then(|rest| rest.get(..64)?.parse().ok());
    let hash = named.unwrap_or(BlockHash::all_zeros());
    let asked = Asked { network, height: None, hash };
    let _ = decode::header(text, asked);
    let _ = decode::without_previous(text, asked);
    let _ = decode::raw(text, asked);
    let _ = decode::transaction(text, Txid::all_zeros());
    let Ok(block) = decode::whole(text, asked) else { return };
    for fact in &block.facts {
        let Fact::Utxo(tx) = fact else { continue };
        assert!(tx.fee().is_some(), "what was spent is known");
    }
});
