//! Raw blocks and `blk*.dat` files of a node.
//!
//! A changed block fails its merkle root or its proof of work. So that more than
//! these checks is reached, a block that decodes is also imported as if it had
//! been mined for regtest, where that costs two hashes.

#![no_main]

use bitcoin::consensus::{deserialize, serialize};
use bitcoin::{Block, CompactTarget};
use chain::import::Format;

const NAMES: [&str; 2] = ["block.raw", "blk00000.dat"];
const REGTEST: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, file)) = bytes.split_first() else { return };
    fuzz::import(Format::BitcoinBlocks, NAMES[usize::from(choice >> 7)], bytes);
    if let Some(block) = mined(file) {
        let len = u32::try_from(block.len()).expect("the input is small");
        let framed = [&[choice][..], &REGTEST, &len.to_le_bytes(), &block].concat();
        fuzz::import(Format::BitcoinBlocks, NAMES[1], &framed);
    }
});

fn mined(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut block: Block = deserialize(bytes).ok()?;
    block.header.merkle_root = block.compute_merkle_root()?;
    block.header.bits = CompactTarget::from_consensus(0x207f_ffff);
    let target = block.header.target();
    while block.header.validate_pow(target).is_err() {
        block.header.nonce = block.header.nonce.wrapping_add(1);
    }
    Some(serialize(&block))
}
