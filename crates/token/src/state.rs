//! The state of one EVM chain at one block.

use alloy_primitives::{Address, B256, Bytes, U256};

/// Answers about one block, whoever reads them. Synchronous and fallible, like
/// [`model::View`]: a node may block behind it.
pub trait State {
    fn block(&self) -> &BlockContext;

    fn account(&self, address: Address) -> Result<AccountState, StateError>;

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError>;

    /// Of one of the last 256 blocks.
    fn block_hash(&self, number: u64) -> Result<B256, StateError>;
}

/// The block whose state is read, and whose number and time contracts see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockContext {
    pub chain_id: u64,
    pub number: u64,
    pub hash: B256,
    /// Seconds since 1970.
    pub time: u64,
    pub base_fee: u64,
}

/// An account as of that block; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountState {
    pub balance: U256,
    pub nonce: u64,
    pub code: Bytes,
}

/// What could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StateError(pub String);

/// A state told in full, for tests and for what is known beforehand.
#[derive(Clone, Debug)]
pub struct Told {
    pub block: BlockContext,
    pub accounts: std::collections::BTreeMap<Address, AccountState>,
    pub slots: std::collections::BTreeMap<(Address, U256), U256>,
}

impl Told {
    pub fn new(block: BlockContext) -> Told {
        Told { block, accounts: Default::default(), slots: Default::default() }
    }

    pub fn code(&mut self, address: Address, code: impl Into<Bytes>) {
        self.accounts.entry(address).or_default().code = code.into();
    }

    pub fn slot(&mut self, address: Address, slot: U256, value: U256) {
        self.slots.insert((address, slot), value);
    }
}

impl State for Told {
    fn block(&self) -> &BlockContext {
        &self.block
    }

    fn account(&self, address: Address) -> Result<AccountState, StateError> {
        Ok(self.accounts.get(&address).cloned().unwrap_or_default())
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        Ok(self.slots.get(&(address, slot)).copied().unwrap_or_default())
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        Ok(alloy_primitives::keccak256(number.to_be_bytes()))
    }
}
