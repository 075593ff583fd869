//! A stranger's table of transfers in Parquet.
//!
//! The importer catches what the Parquet library panics over. libFuzzer's own
//! hook would abort before it could, so it is put away: a panic that is not
//! caught still ends the run.

#![no_main]

use std::sync::Once;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    fuzz::import(chain::import::Format::TransfersParquet, "transfers.parquet", bytes);
});
