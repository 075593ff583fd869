//! TagPacks of GraphSense. A zero byte ends a header file before the pack.

#![no_main]

use entity::labels::{Origin, tagpack};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let origin = Origin { name: "pack.yaml".to_string(), ..Origin::default() };
    let mut parts = bytes.rsplitn(2, |byte| *byte == 0);
    let pack = parts.next().unwrap_or_default();
    let _ = tagpack::read(pack, parts.next(), &origin);
});
