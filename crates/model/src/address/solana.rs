//! Solana: a 32-byte key in base58, without a checksum.

pub fn parse(text: &str) -> Result<[u8; 32], String> {
    if text.len() > 44 {
        return Err("expected at most 44 base58 characters".to_string());
    }
    bs58::decode(text)
        .into_vec()
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| "expected 32 bytes in base58".to_string())
}

pub fn text(bytes: &[u8; 32]) -> String {
    bs58::encode(bytes).into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_and_write() {
        for key in
            ["11111111111111111111111111111111", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"]
        {
            assert_eq!(text(&parse(key).expect(key)), key);
        }
        for bad in [
            "",
            "1111",
            "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1O",
            "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
