//! An ID token of a provider: the keys it publishes in the first line, the token in the second. It is
//! refused, or it says what was asked for and is signed by one of those keys.

#![no_main]

use serve::access::oidc::token::{Expected, Keys, claims};

/// As the seeds are made out.
const EXPECTED: Expected<'_> = Expected {
    issuer: "https://login.example",
    client: "interdict",
    nonce: "n-1",
    now_s: 1_772_000_000,
};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Some((keys, token)) = text.split_once('\n') else { return };
    let Ok(keys) = serde_json::from_str::<Keys>(keys) else { return };
    let token = token.trim_end();
    let Ok(found) = claims(token, &keys, EXPECTED) else { return };
    assert_eq!(found["iss"], EXPECTED.issuer);
    assert_eq!(found["nonce"], EXPECTED.nonce);
    assert!(found["sub"].as_str().is_some_and(|sub| !sub.is_empty()));
    // Nobody else's, of no other time, and with no other key.
    for other in [
        Expected { issuer: "https://other.example", ..EXPECTED },
        Expected { client: "other", ..EXPECTED },
        Expected { nonce: "n-2", ..EXPECTED },
        Expected { now_s: i64::MAX, ..EXPECTED },
    ] {
        assert!(claims(token, &keys, other).is_err(), "{other:?}");
    }
    assert!(claims(token, &Keys::default(), EXPECTED).is_err());
    // What is signed is whole: a character more in what it says, and it is no one's.
    let (signed, signature) = token.rsplit_once('.').expect("it was read");
    assert!(claims(&format!("{signed}A.{signature}"), &keys, EXPECTED).is_err());
});
