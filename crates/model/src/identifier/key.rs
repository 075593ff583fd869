//! Keys: what identifiers are matched by, and their text in the store's index.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::hex;
use bitcoin::Script;
use bitcoin::hashes::{Hash, hash160};
use bitcoin::opcodes::all::{OP_CHECKSIG, OP_EQUAL, OP_HASH256, OP_PUSHBYTES_32};

use crate::{Account, Address, Chain};

/// Canonical bytes two identifiers share exactly when the same key (or script)
/// controls both.
///
/// Its text (`pkh:<hex>`, `sh:<hex>`, `wit<version>:<hex>`, `script:<hex>`,
/// `keccak:<hex>`, `solana:<base58>`, `monero:<hex>`, `claim:<text>`) is what
/// stores keep as their index: it reads back to the same key and never changes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// HASH160 of a public key: P2PKH on any Bitcoin-like chain, P2WPKH, XRP, and
    /// P2PK, which shows the key itself.
    PublicKeyHash([u8; 20]),
    /// HASH160 of a script: P2SH.
    ScriptHash([u8; 20]),
    /// A witness program that is not a key hash.
    Witness {
        version: u8,
        program: Box<[u8]>,
    },
    /// Any other Bitcoin output script.
    Script(Box<[u8]>),
    /// Last twenty bytes of Keccak-256 of a public key: every EVM chain and Tron.
    Keccak([u8; 20]),
    Solana([u8; 32]),
    /// Spend and view key, and a payment id where there is one.
    Monero(Box<[u8]>),
    /// Text that validates nowhere: it matches only itself.
    Claim(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a key's canonical text, such as pkh:<hex> or keccak:<hex>")]
pub struct KeyError {
    pub text: String,
}

impl Key {
    /// The key of an address on any chain that is followed.
    pub fn of(account: &Account) -> Key {
        match &account.address {
            Address::Bitcoin(script) => Key::of_script(script),
            Address::Evm(bytes) | Address::Tron(bytes) => Key::Keccak(*bytes),
            Address::Solana(bytes) => Key::Solana(*bytes),
        }
    }

    /// The accounts of a chain that it is known to control: of a key hash on Bitcoin the P2PKH and
    /// the P2WPKH script. A P2PK script, which shows the key itself, cannot be told from its hash.
    pub fn accounts(&self, chain: Chain) -> Vec<Account> {
        let scripts = |scripts: &[Vec<u8>]| {
            scripts.iter().map(|script| Address::Bitcoin(script.as_slice().into())).collect()
        };
        let wrapped = |before: &[u8], hash: &[u8], after: &[u8]| [before, hash, after].concat();
        let addresses: Vec<Address> = match (self, chain) {
            (Key::Keccak(bytes), Chain::Evm(_)) => vec![Address::Evm(*bytes)],
            (Key::Keccak(bytes), Chain::Tron(_)) => vec![Address::Tron(*bytes)],
            (Key::Solana(bytes), Chain::Solana(_)) => vec![Address::Solana(*bytes)],
            (Key::PublicKeyHash(hash), Chain::Bitcoin(_)) => scripts(&[
                wrapped(&[0x76, 0xa9, 20], hash, &[0x88, 0xac]),
                wrapped(&[0, 20], hash, &[]),
            ]),
            (Key::ScriptHash(hash), Chain::Bitcoin(_)) => {
                scripts(&[wrapped(&[0xa9, 20], hash, &[0x87])])
            }
            (Key::Witness { version, program }, Chain::Bitcoin(_)) => {
                let opcode = if *version == 0 { 0 } else { 0x50 + version };
                let len = u8::try_from(program.len()).unwrap_or_default();
                scripts(&[wrapped(&[opcode, len], program, &[])])
            }
            (Key::Script(script), Chain::Bitcoin(_)) => scripts(&[script.to_vec()]),
            _ => Vec::new(),
        };
        addresses.into_iter().map(|address| Account { chain, address }).collect()
    }

    /// The key that an output script asks for.
    pub(super) fn of_script(bytes: &[u8]) -> Key {
        let script = Script::from_bytes(bytes);
        if script.is_p2pkh() {
            return Key::PublicKeyHash(array(&bytes[3..23]));
        }
        if script.is_p2sh() {
            return Key::ScriptHash(array(&bytes[2..22]));
        }
        if script.is_p2wpkh() {
            return Key::PublicKeyHash(array(&bytes[2..]));
        }
        if let Some(version) = script.witness_version() {
            return Key::Witness { version: version.to_num(), program: bytes[2..].into() };
        }
        match public_key(bytes) {
            Some(key) => Key::PublicKeyHash(hash160::Hash::hash(key).to_byte_array()),
            None => Key::Script(bytes.into()),
        }
    }

    /// Bitcoin Cash's P2SH with a 32-byte hash, known by its output script.
    pub(super) fn of_long_script_hash(hash: &[u8; 32]) -> Key {
        let before = [OP_HASH256.to_u8(), OP_PUSHBYTES_32.to_u8()];
        Key::Script([&before, hash.as_slice(), &[OP_EQUAL.to_u8()]].concat().into())
    }
}

/// The key of a P2PK script: a push of 33 or 65 bytes, then `OP_CHECKSIG`. Bytes
/// that are no point on the curve count too; nobody can spend those.
fn public_key(script: &[u8]) -> Option<&[u8]> {
    match script {
        [33, key @ .., last] if key.len() == 33 && *last == OP_CHECKSIG.to_u8() => Some(key),
        [65, key @ .., last] if key.len() == 65 && *last == OP_CHECKSIG.to_u8() => Some(key),
        _ => None,
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the script's type fixes where its hash stands")
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::PublicKeyHash(hash) => write!(f, "pkh:{}", hex::encode(hash)),
            Key::ScriptHash(hash) => write!(f, "sh:{}", hex::encode(hash)),
            Key::Witness { version, program } => write!(f, "wit{version}:{}", hex::encode(program)),
            Key::Script(script) => write!(f, "script:{}", hex::encode(script)),
            Key::Keccak(hash) => write!(f, "keccak:{}", hex::encode(hash)),
            Key::Solana(key) => write!(f, "solana:{}", bs58::encode(key).into_string()),
            Key::Monero(keys) => write!(f, "monero:{}", hex::encode(keys)),
            Key::Claim(text) => write!(f, "claim:{text}"),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Key, KeyError> {
        parse(text)
            // An index finds only what is written the one way.
            .filter(|key| key.to_string() == text)
            .ok_or_else(|| KeyError { text: text.to_string() })
    }
}

fn parse(text: &str) -> Option<Key> {
    let (kind, value) = text.split_once(':')?;
    let bytes = || hex::decode(value).ok();
    let twenty = || bytes()?.try_into().ok();
    Some(match kind {
        "pkh" => Key::PublicKeyHash(twenty()?),
        "sh" => Key::ScriptHash(twenty()?),
        "script" => Key::Script(bytes()?.into()),
        "keccak" => Key::Keccak(twenty()?),
        "solana" => Key::Solana(bs58::decode(value).into_vec().ok()?.try_into().ok()?),
        "monero" => Key::Monero(bytes()?.into()),
        "claim" => Key::Claim(value.to_string()),
        _ => {
            let version = kind.strip_prefix("wit")?.parse().ok()?;
            Key::Witness { version, program: bytes()?.into() }
        }
    })
}

crate::text::serde_as_text!(Key);

#[cfg(test)]
mod tests {
    use super::*;

    fn of_script(hex: &str) -> String {
        Key::of_script(&hex::decode(hex).expect("hex")).to_string()
    }

    /// The generator point, the best known public key of all.
    const G: &str = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    const G_HASH: &str = "751e76e8199196d454941c45d1b3a323f1433bd6";

    #[test]
    fn every_script_of_one_public_key_is_one_key() {
        let pkh = format!("pkh:{G_HASH}");
        assert_eq!(of_script(&format!("76a914{G_HASH}88ac")), pkh);
        assert_eq!(of_script(&format!("0014{G_HASH}")), pkh);
        assert_eq!(of_script(&format!("2102{G}ac")), pkh);
    }

    #[test]
    fn an_uncompressed_public_key_has_its_own_hash() {
        // The genesis block's output, and the address explorers show for it.
        let script = "4104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac";
        let address = Account::parse("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", Chain::BITCOIN);
        assert_eq!(of_script(script), Key::of(&address.expect("valid")).to_string());
    }

    #[test]
    fn other_scripts_are_told_apart() {
        assert_eq!(of_script(&format!("a914{G_HASH}87")), format!("sh:{G_HASH}"));
        assert_eq!(of_script(&format!("0020{G}")), format!("wit0:{G}"));
        assert_eq!(of_script(&format!("5120{G}")), format!("wit1:{G}"));
        assert_eq!(of_script("6002751e"), "wit16:751e");
        assert_eq!(of_script(""), "script:");
        // A data carrier, and what only begins like P2PK.
        for script in ["6a0568656c6c6f", &format!("2102{G}"), &format!("2102{G}acac")] {
            assert_eq!(of_script(script), format!("script:{script}"));
        }
    }

    #[test]
    fn every_account_of_a_key_has_that_key() {
        let twenty = || array(&hex::decode(G_HASH).expect("hex"));
        let program: Box<[u8]> = hex::decode(G).expect("hex").into();
        for (key, chain, count) in [
            (Key::PublicKeyHash(twenty()), Chain::BITCOIN, 2),
            (Key::ScriptHash(twenty()), Chain::BITCOIN, 1),
            (Key::Witness { version: 0, program: program.clone() }, Chain::BITCOIN, 1),
            (Key::Witness { version: 1, program: program.clone() }, Chain::BITCOIN, 1),
            (Key::Script([0x6a, 1, 7].into()), Chain::BITCOIN, 1),
            (Key::Keccak(twenty()), Chain::ETHEREUM, 1),
            (Key::Keccak(twenty()), Chain::TRON, 1),
            (Key::Keccak(twenty()), Chain::BITCOIN, 0),
            (Key::Solana(array(&program)), Chain::SOLANA, 1),
            (Key::Claim("x".into()), Chain::ETHEREUM, 0),
        ] {
            let accounts = key.accounts(chain);
            assert_eq!(accounts.len(), count, "{key} on {chain}");
            for account in accounts {
                assert_eq!(Key::of(&account), key, "{account}");
            }
        }
    }

    #[test]
    fn only_canonical_text_is_a_key() {
        for text in [
            "",
            "pkh",
            "pkh:",
            "pkh:751E76E8199196D454941C45D1B3A323F1433BD6",
            "keccak:0x751e76e8199196d454941c45d1b3a323f1433bd6",
            "wit01:751e",
            "wit+1:751e",
            "wit:751e",
            "solana:1111",
            "script:1",
            "other:00",
        ] {
            assert!(text.parse::<Key>().is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn text_reads_back(
            bytes in proptest::collection::vec(0u8.., 32),
            version in 0u8..17,
            claim in ".*",
        ) {
            let twenty = || array(&bytes[..20]);
            for key in [
                Key::PublicKeyHash(twenty()),
                Key::ScriptHash(twenty()),
                Key::Witness { version, program: bytes.clone().into() },
                Key::Script(bytes.clone().into()),
                Key::Script([].into()),
                Key::Keccak(twenty()),
                Key::Solana(array(&bytes)),
                Key::Monero(bytes.clone().into()),
                Key::Claim(claim.clone()),
            ] {
                proptest::prop_assert_eq!(key.to_string().parse::<Key>(), Ok(key.clone()));
                let json = serde_json::to_string(&key).expect("text");
                proptest::prop_assert_eq!(serde_json::from_str::<Key>(&json).ok(), Some(key));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*", kind in "(pkh|sh|wit1|script|keccak|solana|monero|claim):.*") {
            let _ = text.parse::<Key>();
            if let Ok(key) = kind.parse::<Key>() {
                proptest::prop_assert_eq!(key.to_string(), kind);
            }
        }
    }
}
