//! The state of one block, as one node tells it: balances, code, storage.
//!
//! A node's word is taken for it: no proof is asked for. Whoever read a while asks at the end whether
//! the block still stands.

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use model::Chain;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Options;
use super::wire::{Wire, not_json};
use crate::source::{Kind, Lie, Pace, SourceError};

/// No contract of any chain is larger; initialisation code may be twice that.
const CODE_BYTES_MAX: usize = 1 << 20;

/// Reads the state of one block.
pub struct StateReader {
    wire: Wire,
    pace: Pace,
    chain: Chain,
    block: StateBlock,
}

/// The block that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateBlock {
    pub height: u64,
    pub hash: [u8; 32],
    /// Seconds since 1970.
    pub time: u64,
    pub base_fee: u64,
}

/// An account as of the block; all zero where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateAccount {
    pub balance: U256,
    pub nonce: u64,
    pub code: Vec<u8>,
}

/// When code first stood at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstCode {
    Block(StateBlock),
    /// The node does not keep the state of blocks that old.
    NotKept {
        since: u64,
    },
    /// There is none at the block that is read.
    None,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    number: U64,
    hash: B256,
    timestamp: U64,
    #[serde(default)]
    base_fee_per_gas: Option<U256>,
}

impl StateReader {
    /// Connects and settles on a block: the newest, or the one of this height.
    pub async fn connect(
        options: &Options,
        height: Option<u64>,
    ) -> Result<StateReader, SourceError> {
        let wire = Wire::new(&options.url, options.bounds)?;
        let pace = Pace::new(options.limits);
        let found = pace.ask(|| wire.chain()).await?;
        let chain = options.chain.unwrap_or(found);
        wire.expect(chain);
        wire.is_on(found)?;
        let none = StateBlock { height: 0, hash: [0; 32], time: 0, base_fee: 0 };
        let mut reader = StateReader { wire, pace, chain, block: none };
        reader.block = reader.head(height.map_or_else(|| "latest".to_string(), hex)).await?;
        if let Some(asked) = height.filter(|asked| *asked != reader.block.height) {
            let given = reader.block.height;
            return Err(reader.error(Kind::from(Lie::WrongHeight { asked, given })));
        }
        Ok(reader)
    }

    pub fn chain(&self) -> Chain {
        self.chain
    }

    pub fn block(&self) -> &StateBlock {
        &self.block
    }

    /// As it may be shown.
    pub fn node(&self) -> &str {
        self.wire.node()
    }

    pub async fn account(&self, address: [u8; 20]) -> Result<StateAccount, SourceError> {
        let params = || json!([Address::from(address), hex(self.block.height)]);
        let (balance, nonce, code): (U256, U64, Bytes) = tokio::try_join!(
            self.read("eth_getBalance", params()),
            self.read("eth_getTransactionCount", params()),
            self.read("eth_getCode", params()),
        )?;
        self.bounded(&code)?;
        Ok(StateAccount { balance, nonce: nonce.to(), code: code.to_vec() })
    }

    pub async fn storage(&self, address: [u8; 20], slot: U256) -> Result<U256, SourceError> {
        let params =
            json!([Address::from(address), format!("{slot:#066x}"), hex(self.block.height)]);
        let word: B256 = self.read("eth_getStorageAt", params).await?;
        Ok(U256::from_be_bytes(word.0))
    }

    /// The hash of an earlier block.
    pub async fn block_hash(&self, height: u64) -> Result<[u8; 32], SourceError> {
        Ok(self.head(hex(height)).await?.hash)
    }

    /// Is the block that was read still the one of its height?
    pub async fn still_stands(&self) -> Result<bool, SourceError> {
        Ok(self.head(hex(self.block.height)).await?.hash == self.block.hash)
    }

    /// The lowest block with code at this address, by halving: a contract that removed itself and came
    /// back may be older. Some thirty questions.
    pub async fn first_code(&self, address: [u8; 20]) -> Result<FirstCode, SourceError> {
        if !self.has_code(address, self.block.height).await?.unwrap_or(false) {
            return Ok(FirstCode::None);
        }
        // Code is known at `high`; below `low` it is not.
        let (mut low, mut high) = (0, self.block.height);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.has_code(address, middle).await? {
                Some(true) => high = middle,
                Some(false) => low = middle + 1,
                None if middle + 1 >= high => return Ok(FirstCode::NotKept { since: high }),
                None => {
                    // What is kept begins above; whether the code was there before cannot be told,
                    // unless the first block that is kept lacks it.
                    low = middle + 1;
                    if self.has_code(address, low).await? == Some(true) {
                        return Ok(FirstCode::NotKept { since: low });
                    }
                }
            }
        }
        Ok(FirstCode::Block(self.head(hex(high)).await?))
    }

    /// None where the node does not keep the state of that block.
    async fn has_code(&self, address: [u8; 20], height: u64) -> Result<Option<bool>, SourceError> {
        let params = json!([Address::from(address), hex(height)]);
        match self.read::<Bytes>("eth_getCode", params).await {
            Ok(code) => Ok(Some(!code.is_empty())),
            Err(error) if error.is_transient() => Err(error),
            Err(SourceError { kind: Kind::Refused(_) | Kind::NotFound, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn head(&self, which: String) -> Result<StateBlock, SourceError> {
        let head: Head = self.read("eth_getBlockByNumber", json!([which, false])).await?;
        let base_fee = head.base_fee_per_gas.unwrap_or_default().saturating_to();
        Ok(StateBlock {
            height: head.number.to(),
            hash: head.hash.0,
            time: head.timestamp.to(),
            base_fee,
        })
    }

    async fn read<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, SourceError> {
        let answer = self.pace.ask(|| self.wire.ask(method, params.clone())).await;
        let answer = answer.map_err(|error| error.on(self.chain))?;
        if answer.get() == "null" {
            return Err(self.error(Kind::NotFound).asking(method));
        }
        serde_json::from_str(answer.get())
            .map_err(|e| self.error(Kind::from(not_json(&e))).asking(method))
    }

    fn bounded(&self, code: &Bytes) -> Result<(), SourceError> {
        if code.len() > CODE_BYTES_MAX {
            let lie = Lie::TooLarge { max: CODE_BYTES_MAX };
            return Err(self.error(Kind::from(lie)).asking("eth_getCode"));
        }
        Ok(())
    }

    fn error(&self, kind: Kind) -> SourceError {
        SourceError::new(self.wire.node(), kind).on(self.chain)
    }
}

fn hex(height: u64) -> String {
    format!("{height:#x}")
}
