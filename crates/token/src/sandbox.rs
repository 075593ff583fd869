//! Running contracts over the state of a block, where nobody sees it and nothing lasts.

use std::cell::RefCell;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, TxKind, U256, keccak256};
use revm::bytecode::Bytecode;
use revm::context::result::{EVMError, ExecutionResult, Output};
use revm::context::{BlockEnv, TxEnv};
use revm::database::CacheDB;
use revm::database_interface::{DBErrorMarker, DatabaseRef};
use revm::state::AccountInfo;
use revm::{Context, DatabaseCommit, ExecuteEvm, MainBuilder, MainContext};

use crate::abi;
use crate::state::{State, StateError};

/// For one call. A transfer of the oddest token takes a tenth of it.
const GAS_MAX: u64 = 12_000_000;

/// A copy of the state that calls change.
pub struct Sandbox<'a> {
    state: &'a dyn State,
    db: CacheDB<Bridge<'a>>,
    block: BlockEnv,
}

/// What a call came to: its answer, or why it was reverted.
pub type Outcome = Result<Bytes, Refusal>;

/// A call that changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl<'a> Sandbox<'a> {
    pub fn new(state: &'a dyn State) -> Sandbox<'a> {
        let at = state.block();
        let block = BlockEnv {
            number: U256::from(at.number),
            timestamp: U256::from(at.time),
            gas_limit: u64::MAX,
            basefee: at.base_fee,
            prevrandao: Some(B256::ZERO),
            ..BlockEnv::default()
        };
        let db = CacheDB::new(Bridge { state, read: RefCell::default() });
        Sandbox { state, db, block }
    }

    /// The same state, untouched.
    pub fn afresh(&self) -> Sandbox<'a> {
        Sandbox::new(self.state)
    }

    /// So many blocks and seconds later.
    pub fn pass(&mut self, blocks: u64, seconds: u64) {
        self.block.number += U256::from(blocks);
        self.block.timestamp += U256::from(seconds);
    }

    pub fn code(&self, address: Address) -> Result<Bytes, StateError> {
        self.state.account(address).map(|account| account.code)
    }

    pub fn has_code(&self, address: Address) -> Result<bool, StateError> {
        self.code(address).map(|code| !code.is_empty())
    }

    /// As it is at the block, whatever calls changed.
    pub fn slot(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.state.storage(address, slot)
    }

    /// Asks a contract; what it would change is forgotten.
    pub fn ask(
        &mut self,
        to: Address,
        signature: &str,
        words: &[U256],
    ) -> Result<Outcome, StateError> {
        self.run(Address::ZERO, to, U256::ZERO, abi::call(signature, words), false)
    }

    /// One word of an answer; none where there is none.
    pub fn ask_word(
        &mut self,
        to: Address,
        signature: &str,
        words: &[U256],
    ) -> Result<Option<U256>, StateError> {
        let answer = self.ask(to, signature, words)?;
        Ok(answer.ok().and_then(|answer| abi::word(&answer, 0)))
    }

    pub fn balance(&mut self, token: Address, of: Address) -> Result<Option<U256>, StateError> {
        self.ask_word(token, "balanceOf(address)", &[abi::word_of(of)])
    }

    /// Sends a call; what it changes stays in this sandbox.
    pub fn send(&mut self, from: Address, to: Address, data: Bytes) -> Result<Outcome, StateError> {
        self.run(from, to, U256::ZERO, data, true)
    }

    /// Writes a word where nobody could.
    pub fn set_slot(&mut self, at: Address, slot: U256, value: U256) -> Result<(), StateError> {
        self.db.insert_account_storage(at, slot, value)
    }

    /// Puts code where there may be other code, or none.
    pub fn set_code(&mut self, at: Address, code: &'static [u8]) {
        let info = AccountInfo {
            nonce: 1,
            code_hash: keccak256(code),
            code: Some(Bytecode::new_raw(Bytes::from_static(code))),
            ..AccountInfo::default()
        };
        self.db.insert_account_info(at, info);
    }

    /// Gives somebody so much of a token by writing it into the token's books: the slot that
    /// `balanceOf` reads, and that decides its answer. False where there is no such slot.
    pub fn deal(&mut self, token: Address, to: Address, amount: U256) -> Result<bool, StateError> {
        let mut look = self.afresh();
        look.balance(token, to)?;
        let read = look.db.db.read.take();
        for (at, slot) in read {
            let mut trial = self.afresh();
            trial.set_slot(at, slot, amount)?;
            if trial.balance(token, to)? == Some(amount) {
                self.set_slot(at, slot, amount)?;
                return Ok(self.balance(token, to)? == Some(amount));
            }
        }
        Ok(false)
    }

    fn run(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        data: Bytes,
        is_kept: bool,
    ) -> Result<Outcome, StateError> {
        let tx = TxEnv {
            caller: from,
            kind: TxKind::Call(to),
            value,
            data,
            gas_limit: GAS_MAX,
            gas_price: 0,
            chain_id: None,
            ..TxEnv::default()
        };
        let chain_id = self.state.block().chain_id;
        let mut evm = Context::mainnet()
            .with_db(&mut self.db)
            .with_block(self.block.clone())
            .modify_cfg_chained(|cfg| {
                cfg.chain_id = chain_id;
                cfg.tx_chain_id_check = false;
                cfg.disable_nonce_check = true;
                cfg.disable_balance_check = true;
                cfg.disable_base_fee = true;
                // Contracts may stand in for people here.
                cfg.disable_eip3607 = true;
                cfg.tx_gas_limit_cap = Some(u64::MAX);
            })
            .build_mainnet();
        let done = match evm.transact(tx) {
            Ok(done) => done,
            Err(EVMError::Database(error)) => return Err(error),
            Err(error) => return Ok(Err(Refusal(error.to_string()))),
        };
        drop(evm);
        let outcome = outcome(done.result);
        if is_kept && outcome.is_ok() {
            self.db.commit(done.state);
        }
        Ok(outcome)
    }
}

fn outcome(result: ExecutionResult) -> Outcome {
    match result {
        ExecutionResult::Success { output: Output::Call(answer), .. } => Ok(answer),
        ExecutionResult::Success { output: Output::Create(answer, _), .. } => Ok(answer),
        ExecutionResult::Revert { output, .. } => {
            Err(Refusal(format!("reverted: {}", abi::reason(&output))))
        }
        ExecutionResult::Halt { reason, .. } => Err(Refusal(format!("halted: {reason:?}"))),
    }
}

/// A [`State`] as revm asks it. Notes which slots were read.
struct Bridge<'a> {
    state: &'a dyn State,
    read: RefCell<Vec<(Address, U256)>>,
}

impl DBErrorMarker for StateError {}

impl DatabaseRef for Bridge<'_> {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let account = self.state.account(address)?;
        let (code_hash, code) = match account.code.is_empty() {
            true => (KECCAK256_EMPTY, Bytecode::default()),
            false => {
                let code = Bytecode::new_raw_checked(account.code.clone());
                let wrong = |_| StateError(format!("the code of {address} is of no known kind"));
                (keccak256(&account.code), code.map_err(wrong)?)
            }
        };
        Ok(Some(AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash,
            code: Some(code),
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, StateError> {
        // Every account comes with its code.
        Err(StateError(format!("the code {code_hash} was asked for without its account")))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.read.borrow_mut().push((address, slot));
        self.state.storage(address, slot)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        self.state.block_hash(number)
    }
}
