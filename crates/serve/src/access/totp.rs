//! Codes of six digits that change every half minute (RFC 6238), beside the password.

use totp_rs::{Algorithm, Builder, Totp};

/// 160 bits, as RFC 4226 recommends.
pub fn make_secret() -> Vec<u8> {
    let mut bytes = vec![0_u8; 20];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

/// As people type it into their device.
pub fn shown(secret: &[u8]) -> String {
    totp_rs::Secret::from(secret.to_vec()).to_base32()
}

/// What [`shown`] showed.
pub fn read(shown: &str) -> Option<Vec<u8>> {
    let secret = totp_rs::Secret::try_from_base32(shown).ok()?;
    Some(secret.as_bytes().to_vec())
}

/// As a device reads it from a picture.
pub fn url(secret: &[u8], name: &str) -> String {
    let name = name.replace('@', "%40").replace('+', "%2B");
    format!("otpauth://totp/Interdict:{name}?secret={}&issuer=Interdict", shown(secret))
}

/// The step of the code, if it is right now and later than the last one used: each counts once.
pub fn check(secret: &[u8], code: &str, now: i64, last_step: i64) -> Option<i64> {
    let is_code = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
    let now = u64::try_from(now).ok()?;
    let step = totp(secret).check(code, now).filter(|_| is_code)?;
    i64::try_from(step).ok().filter(|step| *step > last_step)
}

/// What a device shows. For tests.
pub fn code(secret: &[u8], now: i64) -> String {
    totp(secret).generate(u64::try_from(now).unwrap_or(0)).to_string()
}

fn totp(secret: &[u8]) -> Totp {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(30)
        .with_secret(secret.to_vec())
        .build_noncompliant()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_rfc() {
        let secret = b"12345678901234567890";
        // RFC 6238, appendix B, its last six digits.
        for (now, expected) in
            [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")]
        {
            assert_eq!(code(secret, now), expected);
            assert_eq!(check(secret, expected, now, 0), Some(now / 30));
        }
    }

    #[test]
    fn a_code_counts_once_and_only_around_its_time() {
        let secret = make_secret();
        let shown = code(&secret, 60_000);
        assert_eq!(check(&secret, &shown, 60_000, 0), Some(2000));
        assert_eq!(check(&secret, &shown, 60_000, 2000), None);
        assert_eq!(check(&secret, &shown, 60_000 + 90, 0), None);
        for hostile in ["", "12345", "1234567", "١٢٣٤٥٦", "abcdef"] {
            assert_eq!(check(&secret, hostile, 60_000, 0), None);
        }
    }
}
