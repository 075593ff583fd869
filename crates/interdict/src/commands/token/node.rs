//! A node's state, asked as a check goes along: each thing once, within a budget.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;

use alloy_primitives::{Address, B256, U256};
use anyhow::{Result, bail};
use chain::evm::Options;
use chain::evm::state::{FirstCode, StateReader};
use chain::source::SourceError;
use model::{Asset, Chain};
use token::{AccountState, Age, BlockContext, State, StateError};
use tokio::runtime::Runtime;

use crate::cli::TokenArgs;
use crate::out::Out;

pub struct Node {
    runtime: Runtime,
    reader: StateReader,
    block: BlockContext,
    left: Cell<u64>,
    accounts: RefCell<HashMap<Address, AccountState>>,
    slots: RefCell<HashMap<(Address, U256), U256>>,
}

impl Node {
    pub fn connect(url: &str, args: &TokenArgs) -> Result<Node> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let options = Options { chain: args.chain, ..Options::new(url) };
        let reader = runtime.block_on(StateReader::connect(&options, args.at))?;
        let Chain::Evm(chain_id) = reader.chain() else {
            bail!("{} is no EVM chain", reader.chain().name());
        };
        let at = reader.block();
        let block = BlockContext {
            chain_id,
            number: at.height,
            hash: B256::from(at.hash),
            time: at.time,
            base_fee: at.base_fee,
        };
        Ok(Node {
            runtime,
            reader,
            block,
            left: Cell::new(args.requests),
            accounts: RefCell::default(),
            slots: RefCell::default(),
        })
    }

    pub fn chain(&self) -> Chain {
        self.reader.chain()
    }

    /// # Errors
    /// When the chain reorganised meanwhile: what was read may be of two blocks.
    pub fn must_still_stand(&self) -> Result<()> {
        if self.runtime.block_on(self.reader.still_stands())? {
            return Ok(());
        }
        let height = self.block.number;
        bail!(
            "block {height} was replaced while it was read: what was found may be of two blocks; ask again"
        )
    }

    pub fn age(&self, asset: &Asset, out: &Out) -> Age {
        let Some(model::Address::Evm(address)) = asset.contract() else {
            return Age::Unknown { why: "it is no contract of an EVM chain".into() };
        };
        let spinner = out.spinner("looking for its first block");
        let found = self.runtime.block_on(self.reader.first_code(*address));
        spinner.finish_and_clear();
        match found {
            Ok(FirstCode::Block(block)) => Age::Block {
                height: block.height,
                time: block.time,
                how: "the lowest block in whose state the node has its code".into(),
            },
            Ok(FirstCode::NotKept { since }) => {
                let why = format!("the node keeps no state from before block {since}, where it is");
                Age::Unknown { why }
            }
            Ok(FirstCode::None) => Age::Unknown { why: "there is no code".into() },
            Err(error) => Age::Unknown { why: error.to_string() },
        }
    }

    fn ask<T>(
        &self,
        questions: u64,
        asked: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, StateError> {
        let Some(left) = self.left.get().checked_sub(questions) else {
            let why = "the questions to the node are used up: --requests allows more";
            return Err(StateError(why.into()));
        };
        self.left.set(left);
        self.runtime.block_on(asked).map_err(|error| StateError(error.to_string()))
    }
}

impl State for Node {
    fn block(&self) -> &BlockContext {
        &self.block
    }

    fn account(&self, address: Address) -> Result<AccountState, StateError> {
        if let Some(known) = self.accounts.borrow().get(&address) {
            return Ok(known.clone());
        }
        let found = self.ask(3, self.reader.account(address.0.0))?;
        let account =
            AccountState { balance: found.balance, nonce: found.nonce, code: found.code.into() };
        self.accounts.borrow_mut().insert(address, account.clone());
        Ok(account)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        if let Some(known) = self.slots.borrow().get(&(address, slot)) {
            return Ok(*known);
        }
        let word = self.ask(1, self.reader.storage(address.0.0, slot))?;
        self.slots.borrow_mut().insert((address, slot), word);
        Ok(word)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.ask(1, self.reader.block_hash(number)).map(B256::from)
    }
}
