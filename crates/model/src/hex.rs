//! Bytes as hex digits, and back: one way to write a hash, a key, a script.

/// Lower case, two digits a byte, no prefix.
pub fn encode(bytes: &[u8]) -> String {
    alloy_primitives::hex::encode(bytes)
}

/// Digits of either case, two a byte, no prefix; anything else is none.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let nibble = |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8; 2]| Some(nibble(pair[0])? << 4 | nibble(pair[1])?);
    rest.is_empty().then(|| pairs.iter().map(byte).collect()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn bytes_come_back_in_either_case(bytes: Vec<u8>) {
            let text = encode(&bytes);
            proptest::prop_assert_eq!(decode(&text), Some(bytes.clone()));
            proptest::prop_assert_eq!(decode(&text.to_uppercase()), Some(bytes));
        }
    }

    #[test]
    fn what_is_not_pairs_of_digits_is_none() {
        for text in ["0", "0x00", "zz", " 00", "+0", "é"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
        assert_eq!(decode(""), Some(Vec::new()));
    }
}
