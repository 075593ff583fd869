//! ActorPacks of GraphSense, and labels made richer by them.

#![no_main]

use entity::labels::{Origin, actorpack};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let origin = Origin { name: "actors.yaml".to_string(), ..Origin::default() };
    let _ = actorpack::read(bytes, &origin);
});
