//! Bitcoin: an output script, and its address where its type has one.
//!
//! P2PKH and P2SH in base58check (version bytes of Bitcoin Core's
//! `chainparams.cpp`), witness programs in bech32 (BIP 173) and bech32m
//! (BIP 350). Every other script (public keys, bare multisig, `OP_RETURN`) is
//! written as its bytes in hex, and any script may be read so.

use std::sync::Arc;

use alloy_primitives::hex;
use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Script};

use crate::BitcoinNetwork;

pub type Network = bitcoin::Network;

/// What an output locked to nothing is called: it has no bytes to print.
const EMPTY: &str = "empty-script";

pub fn parse(text: &str, network: BitcoinNetwork) -> Result<Arc<[u8]>, String> {
    if text == EMPTY {
        return Ok(Arc::from([]));
    }
    match text.parse::<Address<NetworkUnchecked>>() {
        Ok(address) => address
            .require_network(library(network))
            .map(|address| address.script_pubkey().as_bytes().into())
            .map_err(|_| "it belongs to another Bitcoin network".to_string()),
        Err(error) => script_hex(text).ok_or_else(|| error.to_string()),
    }
}

/// Plain hex without a prefix; an empty script is no address.
fn script_hex(text: &str) -> Option<Arc<[u8]>> {
    let is_hex = !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex.then(|| hex::decode(text).ok()).flatten().map(Arc::from)
}

pub fn text(script: &[u8], network: BitcoinNetwork) -> String {
    if script.is_empty() {
        return EMPTY.to_string();
    }
    let script = Script::from_bytes(script);
    Address::from_script(script, library(network))
        .map_or_else(|_| hex::encode(script.as_bytes()), |address| address.to_string())
}

pub fn library(network: BitcoinNetwork) -> Network {
    match network {
        BitcoinNetwork::Mainnet => Network::Bitcoin,
        BitcoinNetwork::Testnet3 => Network::Testnet,
        BitcoinNetwork::Testnet4 => Network::Testnet4,
        BitcoinNetwork::Signet => Network::Signet,
        BitcoinNetwork::Regtest => Network::Regtest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BitcoinNetwork::{Mainnet, Regtest, Signet, Testnet3, Testnet4};

    /// The generator point and its hash, as in BIP 173's and BIP 350's vectors.
    const G: &str = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    const HASH: &str = "751e76e8199196d454941c45d1b3a323f1433bd6";

    fn check(script: &str, expected: &str) {
        let bytes = hex::decode(script).expect("hex");
        assert_eq!(text(&bytes, Mainnet), expected);
        assert_eq!(parse(expected, Mainnet).as_deref(), Ok(&bytes[..]));
        assert_eq!(parse(script, Mainnet).as_deref(), Ok(&bytes[..]));
    }

    #[test]
    fn scripts_with_an_address_read_and_write() {
        check(&format!("76a914{HASH}88ac"), "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH");
        check(
            "a91476a04053bda0a88bda5177b86a15c3b29f55987387",
            "3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC",
        );
        check(&format!("0014{HASH}"), "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4");
        check(
            "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
            "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
        );
        check(
            &format!("5120{G}"),
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        );
        // A witness version nobody uses yet, and the anchor output.
        check("6002751e", "bc1sw50qgdz25j");
        check("51024e73", "bc1pfeessrawgf");
    }

    #[test]
    fn scripts_without_an_address_are_their_hex() {
        for script in [
            format!("2102{G}ac"),
            format!("4104{G}{G}ac"),
            format!("512102{G}2103{G}52ae"),
            "6a0568656c6c6f".to_string(),
            // Version 0 with a length that has no meaning; a lone opcode.
            "000400112233".to_string(),
            "51".to_string(),
        ] {
            check(&script, &script);
        }
    }

    #[test]
    fn an_empty_script_has_a_name_of_its_own() {
        assert_eq!(parse(&text(&[], Mainnet), Mainnet), Ok(Arc::from([])));
        assert!(parse("", Mainnet).is_err());
    }

    #[test]
    fn an_address_belongs_to_its_network() {
        let script = hex::decode(format!("0014{HASH}")).expect("hex");
        for (network, others) in [
            (Mainnet, &[Testnet3, Testnet4, Signet, Regtest][..]),
            (Regtest, &[Mainnet, Testnet3, Testnet4, Signet]),
            (Testnet3, &[Mainnet, Regtest]),
        ] {
            let text = text(&script, network);
            assert_eq!(parse(&text, network).as_deref(), Ok(&script[..]), "{text}");
            for other in others {
                assert!(parse(&text, *other).is_err(), "{text} on {other:?}");
            }
        }
        let legacy = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn";
        for network in [Testnet3, Testnet4, Signet, Regtest] {
            let script = parse(legacy, network).expect("every test network shares base58");
            assert_eq!(super::text(&script, network), legacy);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMI", "abc", "0x00", " 51", "51 ", "xyz"] {
            assert!(parse(text, Mainnet).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_script_reads_its_own_text(script in proptest::collection::vec(0u8.., 1..80)) {
            for network in [Mainnet, Testnet3, Testnet4, Signet, Regtest] {
                let text = text(&script, network);
                proptest::prop_assert_eq!(parse(&text, network), Ok(script.clone().into()));
            }
        }

        #[test]
        fn every_program_reads_its_own_text(version in 0u8..17, program in proptest::collection::vec(0u8.., 0..45)) {
            let opcode = if version == 0 { 0 } else { 0x50 + version };
            let push = u8::try_from(program.len()).expect("short");
            let script = [&[opcode, push], &program[..]].concat();
            let text = text(&script, Mainnet);
            proptest::prop_assert_eq!(parse(&text, Mainnet), Ok(script.into()));
        }
    }
}
