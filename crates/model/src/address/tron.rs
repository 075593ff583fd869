//! Tron: an EVM-like twenty bytes behind 0x41, in base58check or hex.
//! Source: <https://developers.tron.network/docs/account#account-address-format>.

use alloy_primitives::hex;

const PREFIX: u8 = 0x41;

pub fn parse(text: &str) -> Result<[u8; 20], String> {
    let is_hex = text.len() == 42 && text.starts_with("41");
    let bytes = if is_hex {
        hex::decode(text).map_err(|_| "expected 41 and 40 hex digits")?
    } else {
        bs58::decode(text).with_check(None).into_vec().map_err(|e| {
            format!("expected base58check starting with T, or 41 and 40 hex digits ({e})")
        })?
    };
    match bytes.split_first() {
        Some((&PREFIX, rest)) => rest.try_into().map_err(|_| "expected 21 bytes".to_string()),
        _ => Err("expected the prefix byte 0x41".to_string()),
    }
}

pub fn text(bytes: &[u8; 20]) -> String {
    let mut whole = vec![PREFIX];
    whole.extend_from_slice(bytes);
    bs58::encode(whole).with_check().into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_one_address() {
        let base58 = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
        let hex = "41a614f803b6fd780986a42c78ec9c7f77e6ded13c";
        assert_eq!(parse(base58), parse(hex));
        assert_eq!(text(&parse(hex).expect("valid")), base58);
    }

    #[test]
    fn what_is_not_tron_is_refused() {
        for text in [
            "",
            "T",
            "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6T",
            "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
            "42a614f803b6fd780986a42c78ec9c7f77e6ded13c",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
