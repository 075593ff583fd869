//! The signature of a webhook: who has the secret knows that it is from us, and of now.
//!
//! `Interdict-Signature: t=<seconds since 1970>,v1=<hex of HMAC-SHA256(secret, "<t>.<body>")>`. While a
//! secret is being changed there are two `v1`, the new one's first.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The value of the header.
pub fn header(secrets: &[Vec<u8>], at_s: i64, body: &[u8]) -> String {
    let mut text = format!("t={at_s}");
    for secret in secrets {
        text.push_str(",v1=");
        text.push_str(&case::check::hex(&mac(secret, at_s, body)));
    }
    text
}

fn mac(secret: &[u8], at_s: i64, body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(format!("{at_s}.").as_bytes());
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

/// As a receiver checks it: one of the signatures is right, and it is not older or newer than that.
pub fn is_right(secret: &[u8], header: &str, body: &[u8], now_s: i64, tolerance_s: i64) -> bool {
    let mut parts = header.split(',').filter_map(|part| part.split_once('='));
    let Some(at_s) = parts.clone().find(|(name, _)| *name == "t") else { return false };
    let Ok(at_s) = at_s.1.parse::<i64>() else { return false };
    if at_s.abs_diff(now_s) > tolerance_s.unsigned_abs() {
        return false;
    }
    parts.any(|(name, value)| {
        let Some(sent) = case::check::unhex(value).filter(|_| name == "v1") else { return false };
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
        mac.update(format!("{at_s}.").as_bytes());
        mac.update(body);
        mac.verify_slice(&sent).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_what_openssl_says() {
        // printf '1750000000.{"id":1}' | openssl dgst -sha256 -hmac secret
        let header = header(&[b"secret".to_vec()], 1_750_000_000, br#"{"id":1}"#);
        assert_eq!(header, EXPECTED);
    }

    const EXPECTED: &str =
        "t=1750000000,v1=b929ec23a220269e3459ec074d53380e8374149737b4378a26baa80019ef47b7";

    #[test]
    fn either_secret_is_right_and_nothing_else() {
        let both = [b"new".to_vec(), b"old".to_vec()];
        let header = header(&both, 100, b"body");
        let is_right = |secret: &[u8], body: &[u8], now| is_right(secret, &header, body, now, 300);
        assert!(is_right(b"new", b"body", 100) && is_right(b"old", b"body", 400));
        assert!(!is_right(b"other", b"body", 100));
        assert!(!is_right(b"new", b"bodY", 100));
        assert!(!is_right(b"new", b"body", 401));
        for hostile in ["", "t=", "v1=00", "t=x,v1=00", "t=100", "t=100,v1=", "t=100,v1=zz"] {
            assert!(!super::is_right(b"new", hostile, b"body", 100, 300), "{hostile}");
        }
    }
}
