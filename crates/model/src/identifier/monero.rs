//! Monero: two public keys in block-wise base58 with a Keccak checksum.
//!
//! Main network only: standard addresses begin with 4, subaddresses with 8, and
//! integrated ones, which carry an eight-byte payment id, are longer.
//! Source: <https://docs.getmonero.org/public-address/standard-address>.

use alloy_primitives::keccak256;

use super::{Family, Identifier, Key};

const STANDARD: u8 = 18;
const INTEGRATED: u8 = 19;
const SUBADDRESS: u8 = 42;
const KEYS_LEN: usize = 64;
const PAYMENT_ID_LEN: usize = 8;

pub fn read(text: &str) -> Option<Identifier> {
    let bytes = base58_monero::decode(text).ok()?;
    let (body, checksum) = bytes.split_last_chunk::<4>()?;
    if keccak256(body)[..4] != checksum[..] {
        return None;
    }
    let (network, keys) = body.split_first()?;
    let len = match *network {
        STANDARD | SUBADDRESS => KEYS_LEN,
        INTEGRATED => KEYS_LEN + PAYMENT_ID_LEN,
        _ => return None,
    };
    (keys.len() == len).then(|| Identifier {
        text: text.to_string(),
        families: vec![Family::Monero],
        key: Key::Monero(keys.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tests of `monero-rs`.
    const STANDARD: &str = "4ADT1BtbxqEWeMKp9GgPr2NeyJXXtNxvoDawpyA4WpzFcGcoHUvXeijE66DNfohE9r1bQYaBiQjEtKE7CtkTdLwiDznFzra";
    const INTEGRATED: &str = "4Byr22j9M2878Mtyb3fEPcBNwBZf5EXqn1Yi6VzR46618SFBrYysab2Cs1474CVDbsh94AJq7vuV3Z2DRq4zLcY3LHzo1Nbv3d8J6VhvCV";
    /// From OFAC's list.
    const SUBADDRESS: &str = "8ANG5NBnApL94YAKRfCSaS7g2fjEi1DWVcFNTn3wQ5HpfsgtnusgxaXE24bbhXukTgF8esRnMsWaReRiqNbSBSbmRE5Nm5M";

    fn keys(text: &str) -> Box<[u8]> {
        match read(text).unwrap_or_else(|| panic!("{text} is valid")).key {
            Key::Monero(keys) => keys,
            other => panic!("{other} is no Monero key"),
        }
    }

    #[test]
    fn the_three_kinds_are_valid() {
        assert_eq!(keys(STANDARD).len(), KEYS_LEN);
        assert_eq!(keys(SUBADDRESS).len(), KEYS_LEN);
        let payment_id = [88, 118, 184, 183, 41, 150, 255, 151];
        assert_eq!(keys(INTEGRATED)[KEYS_LEN..], payment_id);
        assert_eq!(keys(STANDARD)[..4], [0xe2, 0xbb, 0x11, 0x75]);
    }

    #[test]
    fn other_networks_and_broken_text_are_refused() {
        let (last, short) = (STANDARD.replace("zra", "zrb"), &STANDARD[1..]);
        for text in [
            "",
            "4",
            &last,
            short,
            // Test network.
            "9ujeXrjzf7bfeK3KZdCqnYaMwZVFuXemPU8Ubw335rj2FN1CdMiWNyFV3ksEfMFvRp9L9qum5UxkP5rN9aLcPxbH1au4WAB",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
