//! Kept clusters: bytes that no clusterer wrote are refused, and what is read can be asked.

#![no_main]

use entity::cluster::Excluded;
use entity::clusterer::{Clusterer, Services};
use model::Chain;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for chain in [Chain::BITCOIN, Chain::ETHEREUM] {
        let read = Clusterer::decode(bytes, chain, Services::default(), Excluded::default());
        if let Ok(read) = read {
            let _ = read.clusters().count();
            let _ = read.clusters().largest(5);
            let _ = read.rounds();
        }
    }
});
