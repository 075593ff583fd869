//! Chains, named by CAIP-2.
//!
//! Text in and out is the CAIP-2 identifier (`eip155:1`). People may also type
//! the common names listed in [`NAMED`]; programs should not.
//! Source: <https://chainagnostic.org/CAIPs/caip-2> and the namespaces
//! `bip122`, `eip155`, `tron`, `solana` of <https://namespaces.chainagnostic.org>.

use std::fmt;
use std::str::FromStr;

/// One blockchain. Two test networks are two chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Chain {
    Bitcoin(BitcoinNetwork),
    /// Any EVM chain by its EIP-155 id.
    Evm(u64),
    Tron(TronNetwork),
    Solana(SolanaNetwork),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BitcoinNetwork {
    Mainnet,
    Testnet3,
    Testnet4,
    Signet,
    Regtest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TronNetwork {
    Mainnet,
    Shasta,
    Nile,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SolanaNetwork {
    Mainnet,
    Devnet,
    Testnet,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a chain: expected a CAIP-2 identifier such as eip155:1, or one of {names}", names = names())]
pub struct ChainError {
    pub text: String,
}

impl Chain {
    pub const BITCOIN: Chain = Chain::Bitcoin(BitcoinNetwork::Mainnet);
    pub const ETHEREUM: Chain = Chain::Evm(1);
    pub const OPTIMISM: Chain = Chain::Evm(10);
    pub const BNB: Chain = Chain::Evm(56);
    pub const POLYGON: Chain = Chain::Evm(137);
    pub const BASE: Chain = Chain::Evm(8453);
    pub const ARBITRUM: Chain = Chain::Evm(42161);
    pub const AVALANCHE: Chain = Chain::Evm(43114);
    pub const TRON: Chain = Chain::Tron(TronNetwork::Mainnet);
    pub const SOLANA: Chain = Chain::Solana(SolanaNetwork::Mainnet);

    /// The name people use; EVM chains we have no name for show their id.
    pub fn name(self) -> String {
        NAMED
            .iter()
            .find(|(_, chain)| *chain == self)
            .map_or_else(|| self.to_string(), |(name, _)| (*name).to_string())
    }

    /// Do coins live on outputs (Bitcoin) rather than on balances?
    pub fn is_utxo(self) -> bool {
        matches!(self, Chain::Bitcoin(_))
    }

    /// SLIP-44 coin type of the native asset, as CAIP-19 wants it.
    /// Source: <https://github.com/satoshilabs/slips/blob/master/slip-0044.md>.
    pub fn native_slip44(self) -> u32 {
        match self {
            Chain::Bitcoin(BitcoinNetwork::Mainnet) => 0,
            Chain::Bitcoin(_) => 1,
            Chain::BNB => 714,
            Chain::POLYGON => 966,
            Chain::AVALANCHE => 9000,
            Chain::Evm(_) => 60,
            Chain::Tron(_) => 195,
            Chain::Solana(_) => 501,
        }
    }

    /// Decimals of the native asset where all networks of the family agree, test networks
    /// too. EVM chains nearly all have 18, but each decides for itself.
    pub fn native_decimals(self) -> Option<u8> {
        match self {
            Chain::Bitcoin(_) => Some(8),
            Chain::Evm(_) => None,
            Chain::Tron(_) => Some(6),
            Chain::Solana(_) => Some(9),
        }
    }
}

/// Names accepted where a person types, most common spelling of a chain first.
pub const NAMED: &[(&str, Chain)] = &[
    ("bitcoin", Chain::BITCOIN),
    ("bitcoin-testnet", Chain::Bitcoin(BitcoinNetwork::Testnet3)),
    ("bitcoin-testnet4", Chain::Bitcoin(BitcoinNetwork::Testnet4)),
    ("bitcoin-signet", Chain::Bitcoin(BitcoinNetwork::Signet)),
    ("bitcoin-regtest", Chain::Bitcoin(BitcoinNetwork::Regtest)),
    ("ethereum", Chain::ETHEREUM),
    ("optimism", Chain::OPTIMISM),
    ("bnb", Chain::BNB),
    ("bsc", Chain::BNB),
    ("polygon", Chain::POLYGON),
    ("base", Chain::BASE),
    ("arbitrum", Chain::ARBITRUM),
    ("avalanche", Chain::AVALANCHE),
    ("tron", Chain::TRON),
    ("tron-shasta", Chain::Tron(TronNetwork::Shasta)),
    ("tron-nile", Chain::Tron(TronNetwork::Nile)),
    ("solana", Chain::SOLANA),
    ("solana-devnet", Chain::Solana(SolanaNetwork::Devnet)),
    ("solana-testnet", Chain::Solana(SolanaNetwork::Testnet)),
    ("btc", Chain::BITCOIN),
    ("eth", Chain::ETHEREUM),
    ("trx", Chain::TRON),
    ("sol", Chain::SOLANA),
];

/// The first 32 hex digits of the genesis block's hash, as `bip122` asks.
const BIP122: &[(&str, BitcoinNetwork)] = &[
    ("000000000019d6689c085ae165831e93", BitcoinNetwork::Mainnet),
    ("000000000933ea01ad0ee984209779ba", BitcoinNetwork::Testnet3),
    ("00000000da84f2bafbbc53dee25a72ae", BitcoinNetwork::Testnet4),
    ("00000008819873e925422c1ff0f99f7c", BitcoinNetwork::Signet),
    ("0f9188f13cb7b2c71f2a335e3a4fc328", BitcoinNetwork::Regtest),
];

const TRON: &[(&str, TronNetwork)] = &[
    ("0x2b6653dc", TronNetwork::Mainnet),
    ("0x94a9059e", TronNetwork::Shasta),
    ("0xcd8690dc", TronNetwork::Nile),
];

const SOLANA: &[(&str, SolanaNetwork)] = &[
    ("5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", SolanaNetwork::Mainnet),
    ("EtWTRABZaYq6iMfeYKouRu166VU2xqa1", SolanaNetwork::Devnet),
    ("4uhcVJyU9pJkvQyS88uRDiswHXSGkcY3", SolanaNetwork::Testnet),
];

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Chain::Bitcoin(network) => write!(f, "bip122:{}", reference(BIP122, network)),
            Chain::Evm(id) => write!(f, "eip155:{id}"),
            Chain::Tron(network) => write!(f, "tron:{}", reference(TRON, network)),
            Chain::Solana(network) => write!(f, "solana:{}", reference(SOLANA, network)),
        }
    }
}

impl FromStr for Chain {
    type Err = ChainError;

    fn from_str(text: &str) -> Result<Chain, ChainError> {
        let unknown = || ChainError { text: text.to_string() };
        let Some((namespace, id)) = text.split_once(':') else {
            let lower = text.to_ascii_lowercase();
            return NAMED
                .iter()
                .find(|(name, _)| *name == lower)
                .map(|(_, chain)| *chain)
                .ok_or_else(unknown);
        };
        match namespace {
            "bip122" => network(BIP122, id).map(Chain::Bitcoin),
            "eip155" => parse_eip155(id).map(Chain::Evm),
            "tron" => network(TRON, id).map(Chain::Tron),
            "solana" => network(SOLANA, id).map(Chain::Solana),
            _ => None,
        }
        .ok_or_else(unknown)
    }
}

/// Decimal without sign or leading zero, so that one chain has one text.
fn parse_eip155(id: &str) -> Option<u64> {
    let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) && !id.starts_with('0');
    plain.then(|| id.parse().ok()).flatten()
}

fn reference<N: PartialEq>(table: &'static [(&'static str, N)], network: &N) -> &'static str {
    table
        .iter()
        .find(|(_, known)| known == network)
        .map(|(text, _)| *text)
        .expect("every network has its reference in the table beside its type")
}

fn network<N: Copy>(table: &[(&str, N)], id: &str) -> Option<N> {
    table.iter().find(|(text, _)| *text == id).map(|(_, known)| *known)
}

fn names() -> String {
    NAMED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

crate::text::serde_as_text!(Chain);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_chain_reads_its_own_text() {
        for (name, chain) in NAMED {
            assert_eq!(name.parse::<Chain>().as_ref(), Ok(chain));
            assert_eq!(chain.to_string().parse::<Chain>().as_ref(), Ok(chain));
        }
    }

    #[test]
    fn an_evm_chain_without_a_name_keeps_its_id() {
        let gnosis: Chain = "eip155:100".parse().expect("a valid CAIP-2 text");
        assert_eq!(gnosis, Chain::Evm(100));
        assert_eq!(gnosis.name(), "eip155:100");
    }

    #[test]
    fn what_is_not_a_chain_is_refused() {
        for text in [
            "",
            "eip155:",
            "eip155:01",
            "eip155:+1",
            "eip155:x",
            "bip122:00",
            "cosmos:hub",
            "etherium",
        ] {
            assert!(text.parse::<Chain>().is_err(), "{text:?}");
        }
    }
}
