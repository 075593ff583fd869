//! A stranger's table of transfers.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::import(chain::import::Format::TransfersCsv, "transfers.csv", bytes);
});
