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

pub fn parse(text: &str, network: BitcoinNetwork) -> Result<Arc<[u8]>, String> {
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
