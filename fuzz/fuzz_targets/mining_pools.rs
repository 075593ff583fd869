//! Mining pools in either form, and the tags that are found in any coinbase.

#![no_main]

use entity::labels::{Origin, mining_pools};
use entity::miners::Miners;
use model::Chain;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let origin = Origin { name: "pools.json".to_string(), ..Origin::default() };
    let Ok(pools) = mining_pools::read(bytes, Chain::BITCOIN, &origin) else { return };
    let miners = Miners::new(pools.tags.clone(), &pools.labels);
    for tag in &pools.tags {
        let mined = miners.attribute(Some(tag.text.as_bytes()), []);
        assert!(mined.by_tag.iter().any(|(pool, _)| *pool == tag.pool));
    }
});
