//! What a browser sends of a passkey is taken or refused, and only what was asked for is taken.

#![no_main]

use serve::access::passkeys::{Expected, NewCredential, Refused, SignedCredential};

/// As the seeds answer it.
const EXPECTED: Expected<'_> = Expected {
    challenge: &[7; 32],
    origin: "https://cell.example",
    rp_id: "cell.example",
    is_user_verified: true,
};

/// The key of the seed that signs: Ed25519 in COSE.
const KEY: &[u8] = include_bytes!("../seeds/passkey/key.cose");

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(new) = serde_json::from_str::<NewCredential>(text)
        && let Ok(made) = new.check(EXPECTED)
    {
        assert!((1..=1023).contains(&made.credential.len()));
        let other = Expected { challenge: &[8; 32], ..EXPECTED };
        assert_eq!(new.check(other), Err(Refused::Challenge));
        let other = Expected { origin: "https://other.example", ..EXPECTED };
        assert!(new.check(other).is_err());
        let other = Expected { rp_id: "other.example", ..EXPECTED };
        assert!(new.check(other).is_err());
    }
    let Ok(signed) = serde_json::from_str::<SignedCredential>(text) else { return };
    let Ok(counter) = signed.check(EXPECTED, KEY, 0) else { return };
    // It signed once, and says how often; a copy that counts no further is found.
    assert_eq!(signed.check(EXPECTED, KEY, 0), Ok(counter));
    assert_eq!(signed.check(EXPECTED, KEY, u32::MAX), Err(Refused::Counter));
    let other = Expected { challenge: &[8; 32], ..EXPECTED };
    assert!(signed.check(other, KEY, 0).is_err());
    let mut other = KEY.to_vec();
    if let Some(last) = other.last_mut() {
        *last ^= 1;
    }
    assert!(signed.check(EXPECTED, &other, 0).is_err());
});
