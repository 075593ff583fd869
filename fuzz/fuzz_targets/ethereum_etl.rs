//! Tables of ethereum-etl, as CSV or as JSON lines.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::import(chain::import::Format::EthereumEtl, "export.csv", bytes);
});
