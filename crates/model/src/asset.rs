//! Assets, named by CAIP-19.
//!
//! Source: <https://chainagnostic.org/CAIPs/caip-19>. Text is
//! `eip155:1/slip44:60` (native), `eip155:1/erc20:0x…`, `eip155:1/erc721:0x…/7`,
//! `tron:0x2b6653dc/trc20:T…`, `tron:0x2b6653dc/trc10:1002000`,
//! `solana:5eykt…/token:mint`. EVM contracts are written in lower case.

use std::fmt;
use std::str::FromStr;

use crate::{Address, Chain, U256};

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Asset {
    pub chain: Chain,
    pub kind: AssetKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AssetKind {
    Native,
    /// A fungible token by its contract (ERC-20, TRC-20) or mint (SPL).
    Token(Address),
    /// One non-fungible token; an amount of it is 0 or 1.
    Nft {
        contract: Address,
        id: U256,
    },
    /// A TRC-10 token by its number.
    Trc10(u64),
}

/// What is known of an asset beside its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetMeta {
    pub asset: Asset,
    /// As the source wrote it. Anyone can write any symbol: see [`crate::Registry`].
    pub symbol: Option<String>,
    pub decimals: Option<u8>,
    pub freezable: Freezable,
}

/// Can the issuer freeze a holder's units?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freezable {
    Yes,
    No,
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an asset: expected a CAIP-19 identifier such as eip155:1/slip44:60")]
pub struct AssetError {
    pub text: String,
}

impl Asset {
    pub fn native(chain: Chain) -> Asset {
        Asset { chain, kind: AssetKind::Native }
    }

    pub fn token(chain: Chain, contract: Address) -> Asset {
        Asset { chain, kind: AssetKind::Token(contract) }
    }

    pub fn is_native(&self) -> bool {
        self.kind == AssetKind::Native
    }

    pub fn is_nft(&self) -> bool {
        matches!(self.kind, AssetKind::Nft { .. })
    }

    /// The contract or mint that keeps this asset's books.
    pub fn contract(&self) -> Option<&Address> {
        match &self.kind {
            AssetKind::Token(contract) | AssetKind::Nft { contract, .. } => Some(contract),
            AssetKind::Native | AssetKind::Trc10(_) => None,
        }
    }
}

impl AssetMeta {
    /// Nothing known but the name, and what every native coin of its family has in common.
    pub fn unknown(asset: Asset) -> AssetMeta {
        let decimals = asset.is_native().then(|| asset.chain.native_decimals()).flatten();
        AssetMeta { asset, symbol: None, decimals, freezable: Freezable::Unknown }
    }
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chain = self.chain;
        match &self.kind {
            AssetKind::Native => write!(f, "{chain}/slip44:{}", chain.native_slip44()),
            AssetKind::Token(contract) => {
                write!(f, "{chain}/{}:{}", fungible(chain), contract.text(chain))
            }
            AssetKind::Nft { contract, id } => {
                write!(f, "{chain}/{}:{}/{id}", non_fungible(chain), contract.text(chain))
            }
            AssetKind::Trc10(id) => write!(f, "{chain}/trc10:{id}"),
        }
    }
}

impl FromStr for Asset {
    type Err = AssetError;

    fn from_str(text: &str) -> Result<Asset, AssetError> {
        parse(text).ok_or_else(|| AssetError { text: text.to_string() })
    }
}

fn parse(text: &str) -> Option<Asset> {
    let (chain, rest) = text.split_once('/')?;
    let chain: Chain = chain.parse().ok()?;
    let (namespace, reference) = rest.split_once(':')?;
    let contract = |text: &str| Address::parse(text, chain).ok();
    let kind = match namespace {
        "slip44" => {
            (reference == chain.native_slip44().to_string()).then_some(AssetKind::Native)?
        }
        "trc10" => AssetKind::Trc10(reference.parse().ok()?),
        fungible_ns if fungible_ns == fungible(chain) => AssetKind::Token(contract(reference)?),
        nft_ns if nft_ns == non_fungible(chain) => {
            let (address, id) = reference.split_once('/')?;
            let id = crate::amount::parse_base(id).ok()?;
            AssetKind::Nft { contract: contract(address)?, id }
        }
        _ => return None,
    };
    Some(Asset { chain, kind })
}

fn fungible(chain: Chain) -> &'static str {
    match chain {
        Chain::Evm(_) => "erc20",
        Chain::Tron(_) => "trc20",
        Chain::Solana(_) | Chain::Bitcoin(_) => "token",
    }
}

fn non_fungible(chain: Chain) -> &'static str {
    match chain {
        Chain::Evm(_) => "erc721",
        Chain::Tron(_) => "trc721",
        Chain::Solana(_) | Chain::Bitcoin(_) => "nft",
    }
}

crate::text::serde_as_text!(Asset);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_read_their_own_text() {
        for text in [
            "eip155:1/slip44:60",
            "eip155:56/slip44:714",
            "eip155:1/erc20:0xae7ab96520de3a18e5e111b5eaab095312d7fe84",
            "eip155:1/erc721:0xae7ab96520de3a18e5e111b5eaab095312d7fe84/771769",
            "bip122:000000000019d6689c085ae165831e93/slip44:0",
            "tron:0x2b6653dc/trc20:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
            "tron:0x2b6653dc/trc10:1002000",
            "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
        ] {
            let asset: Asset = text.parse().expect(text);
            assert_eq!(asset.to_string(), text);
        }
    }

    #[test]
    fn what_is_not_an_asset_is_refused() {
        for text in [
            "",
            "eip155:1",
            "eip155:1/slip44:0",
            "eip155:1/erc20:0x12",
            "eip155:1/trc20:x",
            "eip155:1/erc721:0xae7ab96520de3a18e5e111b5eaab095312d7fe84",
        ] {
            assert!(text.parse::<Asset>().is_err(), "{text:?}");
        }
    }
}
