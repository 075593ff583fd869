//! Signed evidence: verified or refused.
//!
//! A changed bundle fails its seal, but anyone can seal what they invented. So the
//! input is checked as it is, and again as lines that somebody sealed.

#![no_main]

use ed25519_dalek::{Signer, SigningKey};
use interdict::bundle;
use sha2::{Digest, Sha256};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = bundle::verify(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = bundle::verify(sealed(text.trim_end_matches('\n')).as_bytes());
});

fn sealed(lines: &str) -> String {
    let key = SigningKey::from_bytes(&[7; 32]);
    let hashes: Vec<String> =
        lines.split('\n').map(|line| hex(&Sha256::digest(line.as_bytes()))).collect();
    let signed = format!("{} {}\n{}\n", bundle::FORMAT, bundle::VERSION, hashes.join("\n"));
    let signature = hex(&key.sign(signed.as_bytes()).to_bytes());
    let public_key = hex(key.verifying_key().as_bytes());
    let hashes = hashes.join("\",\"");
    format!(
        "{lines}\n{{\"kind\":\"seal\",\"algorithm\":\"Ed25519 over the line hashes\",\"public_key\":\"{public_key}\",\"signature\":\"{signature}\",\"lines\":[\"{hashes}\"]}}\n"
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
