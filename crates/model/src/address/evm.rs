//! EVM: twenty bytes of a key's or contract's Keccak hash; EIP-55 checksums.

use alloy_primitives::{Address as Evm, hex};

/// All lower or all upper case carries no checksum; mixed case must be EIP-55.
pub fn parse(text: &str) -> Result<[u8; 20], String> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .ok_or("expected 0x and 40 hex digits")?;
    // The library would strip a second `0x`; the length tells.
    let bytes: [u8; 20] = (digits.len() == 40)
        .then(|| hex::decode(digits).ok())
        .flatten()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or("expected 0x and 40 hex digits")?;
    let is_mixed = digits.bytes().any(|b| b.is_ascii_lowercase())
        && digits.bytes().any(|b| b.is_ascii_uppercase());
    if is_mixed && checksummed(&bytes)[2..] != *digits {
        return Err(format!("its EIP-55 checksum is wrong, expected {}", checksummed(&bytes)));
    }
    Ok(bytes)
}

pub fn lower(bytes: &[u8; 20]) -> String {
    format!("0x{}", hex::encode(bytes))
}

pub fn checksummed(bytes: &[u8; 20]) -> String {
    Evm::from(*bytes).to_checksum(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From EIP-55 itself.
    const VECTORS: &[&str] = &[
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0xde709f2102306220921060314715629080e2fb77",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ];

    #[test]
    fn eip55_vectors_read_and_write() {
        for text in VECTORS {
            assert_eq!(checksummed(&parse(text).expect(text)), *text);
        }
    }

    #[test]
    fn a_wrong_checksum_is_refused_and_no_checksum_is_not() {
        assert!(parse("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD").is_err());
        assert!(parse("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed").is_ok());
        assert!(parse("0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED").is_ok());
        for text in [
            "",
            "0x",
            "0x0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0x0x5aaeb6053f3e94c9b9a09f33669435e7ef1bea",
            "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaez",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1bea",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
