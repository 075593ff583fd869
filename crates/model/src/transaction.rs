//! Transactions, and on Bitcoin the outputs they make and spend.

use std::fmt;
use std::str::FromStr;

use crate::{Address, Chain, Timestamp, Transfer, U256};

/// A transaction's hash, bytes in the order they are printed: Bitcoin's are
/// therefore the reverse of what is hashed. 32 bytes, or Solana's 64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TxHash {
    len: u8,
    bytes: [u8; 64],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TxId {
    pub chain: Chain,
    pub hash: TxHash,
}

/// One output of a Bitcoin transaction, spent or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Outpoint {
    pub tx: TxId,
    pub index: u32,
}

/// What a view knows of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// Account chains: the value it moved, in order of position.
    Account { id: TxId, transfers: Vec<Transfer> },
    /// Bitcoin: one node with its inputs and outputs.
    Utxo(UtxoTransaction),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UtxoTransaction {
    pub id: TxId,
    pub height: Option<u64>,
    /// Its place in the block.
    pub index: Option<u32>,
    pub time: Timestamp,
    /// The block that holds it, where the source says.
    pub block: Option<TxHash>,
    /// Empty for a coinbase transaction: its value is new.
    pub inputs: Vec<Input>,
    pub outputs: Vec<Output>,
    pub is_coinbase: bool,
}

/// A spent output. What it held is known once its transaction is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    pub outpoint: Outpoint,
    pub previous: Option<Output>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub address: Address,
    /// Satoshi.
    pub value: u64,
}

impl TxHash {
    /// # Panics
    /// When `bytes` is neither 32 nor 64 long; callers parse first.
    pub fn new(bytes: &[u8]) -> TxHash {
        assert!(matches!(bytes.len(), 32 | 64), "a transaction hash has 32 or 64 bytes");
        let mut kept = [0; 64];
        kept[..bytes.len()].copy_from_slice(bytes);
        TxHash { len: if bytes.len() == 32 { 32 } else { 64 }, bytes: kept }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// As explorers of this chain print it.
    pub fn text(&self, chain: Chain) -> String {
        match chain {
            Chain::Evm(_) => format!("0x{}", alloy_primitives::hex::encode(self.bytes())),
            Chain::Solana(_) => bs58::encode(self.bytes()).into_string(),
            Chain::Bitcoin(_) | Chain::Tron(_) => alloy_primitives::hex::encode(self.bytes()),
        }
    }

    /// Reads a hash as this chain writes it; `0x` may stand before any hex.
    pub fn parse(text: &str, chain: Chain) -> Option<TxHash> {
        if matches!(chain, Chain::Solana(_)) {
            let bytes = bs58::decode(text).into_vec().ok()?;
            return (bytes.len() == 64).then(|| TxHash::new(&bytes));
        }
        let hex = text.strip_prefix("0x").unwrap_or(text);
        // The library would strip a second `0x`; the length tells.
        let bytes: [u8; 32] = alloy_primitives::hex::decode(hex).ok()?.try_into().ok()?;
        (hex.len() == 64).then(|| TxHash::new(&bytes))
    }
}

impl fmt::Debug for TxHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", alloy_primitives::hex::encode(self.bytes()))
    }
}

impl TxId {
    pub fn parse(text: &str, chain: Chain) -> Option<TxId> {
        TxHash::parse(text, chain).map(|hash| TxId { chain, hash })
    }

    /// The hash alone, as explorers print it.
    pub fn hash_text(&self) -> String {
        self.hash.text(self.chain)
    }
}

impl fmt::Display for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.chain, self.hash_text())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a transaction: expected <CAIP-2 chain>:<hash>")]
pub struct TxIdError {
    pub text: String,
}

impl FromStr for TxId {
    type Err = TxIdError;

    fn from_str(text: &str) -> Result<TxId, TxIdError> {
        let error = || TxIdError { text: text.to_string() };
        let (chain, hash) = text.rsplit_once(':').ok_or_else(error)?;
        let chain: Chain = chain.parse().map_err(|_| error())?;
        TxId::parse(hash, chain).ok_or_else(error)
    }
}

crate::text::serde_as_text!(TxId);

impl fmt::Display for Outpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.tx, self.index)
    }
}

impl UtxoTransaction {
    /// The value that came in, if every input is known. A coinbase has none.
    pub fn value_in(&self) -> Option<U256> {
        self.inputs.iter().try_fold(U256::ZERO, |sum, input| {
            input.previous.as_ref().map(|output| sum + U256::from(output.value))
        })
    }

    pub fn value_out(&self) -> U256 {
        self.outputs.iter().map(|output| U256::from(output.value)).sum()
    }

    /// What the miner got, where every input is known.
    pub fn fee(&self) -> Option<U256> {
        if self.is_coinbase {
            return Some(U256::ZERO);
        }
        self.value_in()?.checked_sub(self.value_out())
    }

    /// Inputs whose previous output is not in the data.
    pub fn unresolved(&self) -> impl Iterator<Item = &Outpoint> {
        self.inputs.iter().filter(|input| input.previous.is_none()).map(|input| &input.outpoint)
    }
}
