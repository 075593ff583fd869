//! Witness programs: bech32 (BIP 173) for version 0, bech32m (BIP 350) above.
//!
//! Bitcoin and its test networks, and the two coins that kept the encoding under
//! a prefix of their own (SLIP-173).

use bech32::segwit;

use super::{Family, Identifier, Key};

const PREFIXES: &[(&str, Family)] = &[
    ("bc", Family::Bitcoin),
    ("tb", Family::BitcoinTestnet),
    ("bcrt", Family::BitcoinTestnet),
    ("ltc", Family::Litecoin),
    ("btg", Family::BitcoinGold),
];

pub fn read(text: &str) -> Option<Identifier> {
    let (prefix, version, program) = segwit::decode(text).ok()?;
    let prefix = prefix.to_lowercase();
    let (_, family) = PREFIXES.iter().find(|(known, _)| *known == prefix)?;
    Some(Identifier {
        text: text.to_ascii_lowercase(),
        families: vec![*family],
        key: key(version.to_u8(), program),
    })
}

fn key(version: u8, program: Vec<u8>) -> Key {
    match program.as_slice().try_into() {
        Ok(hash) if version == 0 => Key::PublicKeyHash(hash),
        _ => Key::Witness { version, program: program.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Account, Address, BitcoinNetwork, Chain};
    use alloy_primitives::hex;

    /// Valid addresses of BIP 350 with their output scripts.
    const VALID: &[(&str, &str)] = &[
        (
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "0014751e76e8199196d454941c45d1b3a323f1433bd6",
        ),
        (
            "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
            "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
        ),
        (
            "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
            "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
        ),
        ("BC1SW50QGDZ25J", "6002751e"),
        ("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "5210751e76e8199196d454941c45d1b3a323"),
        (
            "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
            "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
        ),
        (
            "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
            "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
        ),
        (
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
            "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        ),
    ];

    /// Invalid addresses of BIP 350 and BIP 173.
    const INVALID: &[&str] = &[
        "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
        "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
        "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
        "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
        "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
        "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
        "bc1pw5dgrnzv",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
        "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
        "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
        "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j",
        "bc1gmk9yu",
        "tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
        "BC13W508D6QEJXTDG4Y5R3ZARVARY0C5XW7KN40WF2",
        "bc1rw5uspcuh",
        "bc10w508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kw5rljs90",
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sL5k7",
        "bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du",
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3pjxtptv",
    ];

    #[test]
    fn valid_vectors_read_to_their_script_and_back() {
        for (text, script) in VALID {
            let found = read(text).unwrap_or_else(|| panic!("{text} is valid"));
            let script = hex::decode(script).expect("hex");
            assert_eq!(found.key, Key::of_script(&script), "{text}");
            let chain = match found.families[..] {
                [Family::Bitcoin] => Chain::BITCOIN,
                _ => Chain::Bitcoin(BitcoinNetwork::Testnet3),
            };
            let address = Address::Bitcoin(script.into());
            assert_eq!(Account::parse(text, chain).expect("valid").address, address);
            assert_eq!(address.text(chain), found.text);
        }
    }

    #[test]
    fn invalid_vectors_are_refused() {
        for text in INVALID {
            assert!(read(text).is_none(), "{text}");
            assert!(Account::parse(text, Chain::BITCOIN).is_err(), "{text}");
        }
    }

    #[test]
    fn other_coins_share_the_key_but_not_the_family() {
        let litecoin = read("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9").expect("valid");
        assert_eq!(litecoin.families, [Family::Litecoin]);
        assert_eq!(litecoin.key, read(VALID[0].0).expect("valid").key);
    }
}
