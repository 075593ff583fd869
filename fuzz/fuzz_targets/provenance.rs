//! What is kept of where value came from: bytes are read or refused, and what is read is written
//! back the same.

#![no_main]

use trace::provenance::code;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(entry) = code::decode(bytes) {
        let written = code::encode(&entry);
        assert_eq!(code::decode(&written).expect("what was written"), entry);
    }
    if let Ok(parts) = code::decode_parts(bytes) {
        let written = code::encode_parts(&parts);
        assert_eq!(code::decode_parts(&written).expect("what was written"), parts);
    }
});
