//! A registry of genuine assets: read or refused, and no asset imitates itself.

#![no_main]

use model::Registry;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(registry) = Registry::parse(text) else { return };
    for meta in registry.iter() {
        let symbol = meta.symbol.as_deref().unwrap_or_default();
        assert!(registry.imitated_by(&meta.asset, symbol).is_none());
        registry.dust(&meta.asset);
    }
});
