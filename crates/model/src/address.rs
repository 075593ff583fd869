//! Addresses of the chains that are followed, in canonical bytes.
//!
//! Two texts of one address (EIP-55 and lower case, base58 and hex, upper- and
//! lower-case bech32) are one [`Address`]. What lists name on other chains is an
//! [`crate::Identifier`]. One file per family holds its codec.

mod bitcoin;
mod evm;
mod solana;
mod tron;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::Chain;

pub use self::bitcoin::Network as BitcoinEncoding;

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// The output script itself, whatever its type: it is what coins are locked to.
    Bitcoin(Arc<[u8]>),
    Evm([u8; 20]),
    /// Without the leading 0x41.
    Tron([u8; 20]),
    Solana([u8; 32]),
}

/// An address on one chain: CAIP-10.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    pub chain: Chain,
    pub address: Address,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an address of {chain}: {why}")]
pub struct AddressError {
    pub text: String,
    pub chain: String,
    pub why: String,
}

impl Address {
    /// Reads an address as people write it on this chain. Checksums are
    /// verified wherever the text carries one.
    pub fn parse(text: &str, chain: Chain) -> Result<Address, AddressError> {
        let parsed = match chain {
            Chain::Bitcoin(network) => bitcoin::parse(text, network).map(Address::Bitcoin),
            Chain::Evm(_) => evm::parse(text).map(Address::Evm),
            Chain::Tron(_) => tron::parse(text).map(Address::Tron),
            Chain::Solana(_) => solana::parse(text).map(Address::Solana),
        };
        parsed.map_err(|why| AddressError { text: text.to_string(), chain: chain.name(), why })
    }

    /// The text for programs: lower case on EVM chains, else the usual one.
    /// A Bitcoin script that has no address is its bytes in hex.
    pub fn text(&self, chain: Chain) -> String {
        match (self, chain) {
            (Address::Bitcoin(script), Chain::Bitcoin(network)) => bitcoin::text(script, network),
            (Address::Bitcoin(script), _) => bitcoin::text(script, crate::BitcoinNetwork::Mainnet),
            (Address::Evm(bytes), _) => evm::lower(bytes),
            (Address::Tron(bytes), _) => tron::text(bytes),
            (Address::Solana(bytes), _) => solana::text(bytes),
        }
    }

    /// The text for people: with its checksum wherever the family has one.
    pub fn checked_text(&self, chain: Chain) -> String {
        match self {
            Address::Evm(bytes) => evm::checksummed(bytes),
            _ => self.text(chain),
        }
    }

    /// Bytes that say the same address and nothing else, for keys and hashes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Address::Bitcoin(script) => script,
            Address::Evm(bytes) | Address::Tron(bytes) => bytes,
            Address::Solana(bytes) => bytes,
        }
    }

    /// The inverse of [`Address::bytes`] on a chain of this family.
    pub fn from_bytes(bytes: &[u8], chain: Chain) -> Option<Address> {
        Some(match chain {
            Chain::Bitcoin(_) => Address::Bitcoin(bytes.into()),
            Chain::Evm(_) => Address::Evm(bytes.try_into().ok()?),
            Chain::Tron(_) => Address::Tron(bytes.try_into().ok()?),
            Chain::Solana(_) => Address::Solana(bytes.try_into().ok()?),
        })
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chain = match self {
            Address::Bitcoin(_) => Chain::BITCOIN,
            Address::Evm(_) => Chain::ETHEREUM,
            Address::Tron(_) => Chain::TRON,
            Address::Solana(_) => Chain::SOLANA,
        };
        f.write_str(&self.text(chain))
    }
}

impl Account {
    pub fn parse(text: &str, chain: Chain) -> Result<Account, AddressError> {
        Ok(Account { chain, address: Address::parse(text, chain)? })
    }

    /// The address alone, for people.
    pub fn address_text(&self) -> String {
        self.address.checked_text(self.chain)
    }

    /// Head and tail, the same everywhere: `0xa4b2…449e`, `bc1qxy2k…x0wlh`.
    pub fn short(&self) -> String {
        let text = self.address.text(self.chain);
        let (head, tail) = if text.starts_with("0x") { (6, 4) } else { (8, 5) };
        if text.len() <= head + tail + 1 {
            return text;
        }
        format!("{}…{}", &text[..head], &text[text.len() - tail..])
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.chain, self.address.text(self.chain))
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Account {
    type Err = AddressError;

    /// Reads CAIP-10: `eip155:1:0x…`.
    fn from_str(text: &str) -> Result<Account, AddressError> {
        let error =
            |why: String| AddressError { text: text.to_string(), chain: "any chain".into(), why };
        let (chain, address) = text
            .rsplit_once(':')
            .ok_or_else(|| error("expected CAIP-10, <chain>:<address>".into()))?;
        let chain: Chain = chain.parse().map_err(|e: crate::ChainError| error(e.to_string()))?;
        Account::parse(address, chain)
    }
}

crate::text::serde_as_text!(Account);
