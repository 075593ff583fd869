//! Name tags of a block explorer, for a chain the first byte chooses.

#![no_main]

use entity::labels::{Origin, name_tags};
use model::Chain;

const CHAINS: [Chain; 4] = [Chain::ETHEREUM, Chain::BITCOIN, Chain::TRON, Chain::SOLANA];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, tags)) = bytes.split_first() else { return };
    let origin = Origin { name: "tags.json".to_string(), ..Origin::default() };
    let _ = name_tags::read(tags, CHAINS[usize::from(choice) % CHAINS.len()], &origin);
});
