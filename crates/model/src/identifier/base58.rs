//! Base58check of the Bitcoin-like coins: version bytes, then a HASH160.
//!
//! Coins that split from Bitcoin kept its version bytes, and Verge took
//! Dogecoin's, so one text can belong to several families; the key is one.
//! Sources: `chainparams.cpp` of each coin's node.

use super::{Family, Identifier, Key};

struct Version {
    prefix: &'static [u8],
    families: &'static [Family],
    key: fn([u8; 20]) -> Key,
}

/// Families of one version in the order of [`Family`].
const VERSIONS: &[Version] = {
    use Family::*;
    const fn key(prefix: &'static [u8], families: &'static [Family]) -> Version {
        Version { prefix, families, key: Key::PublicKeyHash }
    }
    const fn script(prefix: &'static [u8], families: &'static [Family]) -> Version {
        Version { prefix, families, key: Key::ScriptHash }
    }
    &[
        key(&[0], &[Bitcoin, BitcoinCash, BitcoinSv]), // 1
        // Litecoin wrote its scripts so before it took M, and still reads them.
        script(&[5], &[Bitcoin, Litecoin, BitcoinCash, BitcoinSv]), // 3
        key(&[111], &[BitcoinTestnet]),                             // m, n
        script(&[196], &[BitcoinTestnet]),                          // 2
        key(&[48], &[Litecoin]),                                    // L
        script(&[50], &[Litecoin]),                                 // M
        key(&[38], &[BitcoinGold]),                                 // G
        script(&[23], &[BitcoinGold]),                              // A
        key(&[76], &[Dash]),                                        // X
        script(&[16], &[Dash]),                                     // 7
        key(&[30], &[Dogecoin, Verge]),                             // D
        script(&[22], &[Dogecoin]),                                 // 9, A
        script(&[33], &[Verge]),                                    // E
        key(&[0x1c, 0xb8], &[Zcash]),                               // t1
        script(&[0x1c, 0xbd], &[Zcash]),                            // t3
    ]
};

pub fn read(text: &str) -> Option<Identifier> {
    let bytes = bs58::decode(text).with_check(None).into_vec().ok()?;
    VERSIONS.iter().find_map(|version| {
        let hash = bytes.strip_prefix(version.prefix)?.try_into().ok()?;
        Some(Identifier {
            text: text.to_string(),
            families: version.families.to_vec(),
            key: (version.key)(hash),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Family::*;

    fn check(text: &str, families: &[Family], key: &str) {
        let found = read(text).unwrap_or_else(|| panic!("{text} is valid"));
        assert_eq!((found.text.as_str(), found.families.as_slice()), (text, families));
        assert_eq!(found.key.to_string(), key, "{text}");
    }

    /// From the cashaddr specification (legacy side) and OFAC's list.
    #[test]
    fn real_addresses_are_valid_in_their_families() {
        let pkh = "pkh:76a04053bda0a88bda5177b86a15c3b29f559873";
        check("1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu", &[Bitcoin, BitcoinCash, BitcoinSv], pkh);
        let sh = "sh:76a04053bda0a88bda5177b86a15c3b29f559873";
        check(
            "3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC",
            &[Bitcoin, Litecoin, BitcoinCash, BitcoinSv],
            sh,
        );
        for (text, family) in [
            ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", BitcoinTestnet),
            ("2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", BitcoinTestnet),
            ("LNf2JDiuunBz7GMDKFYHN4rq5meXWxiwfb", Litecoin),
            ("M8yFL6SFC6TreATegTyuSYkDfDRbisdpT3", Litecoin),
            ("GPwg61XoHqQPNmAucFACuQ5H9sGCDv9TpS", BitcoinGold),
            ("XnPFsRWTaSgiVauosEwQ6dEitGYXgwznz2", Dash),
            ("7gnwGHt17heGpG9Crfeh4KGpYNFugPhJdh", Dash),
            ("t1MMXtBrSp1XG38Lx9cePcNUCJj5vdWfUWL", Zcash),
            ("t3Vz22vK5z2LcKEdg16Yv4FFneEL1zg9ojd", Zcash),
        ] {
            assert_eq!(read(text).expect(text).families, [family], "{text}");
        }
        let verge = read("DFFJhnQNZf8rf67tYnesPu7MuGUpYtzv7Z").expect("valid");
        assert_eq!(verge.families, [Dogecoin, Verge]);
    }

    /// What each version's texts begin with, from the lowest hash to the highest.
    #[test]
    fn versions_show_in_the_first_letters() {
        for (version, firsts) in VERSIONS
            .iter()
            .zip(["1", "3", "mn", "2", "L", "M", "G", "A", "X", "7", "D", "9A", "E", "t", "t"])
        {
            for hash in [[0; 20], [255; 20]] {
                let bytes = [version.prefix, &hash].concat();
                let text = bs58::encode(bytes).with_check().into_string();
                assert!(text.starts_with(|c| firsts.contains(c)), "{text}");
                check(&text, version.families, &(version.key)(hash).to_string());
            }
        }
    }

    #[test]
    fn the_same_hash_is_the_same_key_on_every_coin() {
        let litecoin = read("M8yFL6SFC6TreATegTyuSYkDfDRbisdpT3").expect("valid");
        let Key::ScriptHash(hash) = litecoin.key else { panic!("M is a script hash") };
        let bitcoin = bs58::encode([&[5], hash.as_slice()].concat()).with_check().into_string();
        assert_eq!(read(&bitcoin).expect("valid").key, litecoin.key);
    }

    #[test]
    fn other_base58_is_refused() {
        for text in [
            "",
            "1",
            "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggv",
            "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVgg",
            "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVgg0",
            // A private key, a Tron address, a Solana key.
            "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
            "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
            "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
