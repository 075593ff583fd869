//! Writes the block: transactions and their transfers, numbered as the chain does.

use model::{
    Address, Asset, BlockFact, Chain, Position, TimeSource, Timestamp, Transfer, TransferKind, TxId,
};

use crate::block::Block;
use crate::names::Names;
use crate::pace::Pace;
use crate::profile::Token;

pub struct Scribe {
    pub block: Block,
    pub names: Names,
    pub emitted: u64,
    pub txs: u64,
    chain: Chain,
    native: Asset,
    tokens: Vec<Asset>,
    tx: TxId,
    tx_index: u32,
    log_index: u32,
    reward_index: u32,
    height: u64,
    time: Timestamp,
}

impl Scribe {
    pub fn new(chain: Chain, names: Names, tokens: &[Token]) -> Scribe {
        let header = BlockFact {
            chain,
            hash: None,
            parent: None,
            height: None,
            time: Timestamp::UNIX_EPOCH,
            work: None,
        };
        let tx = names.tx(0);
        Scribe {
            block: Block {
                header,
                transfers: Vec::new(),
                failed: Vec::new(),
                transactions: Vec::new(),
            },
            names,
            emitted: 0,
            txs: 0,
            chain,
            native: Asset::native(chain),
            tokens: tokens.iter().map(|token| token.asset.clone()).collect(),
            tx,
            tx_index: 0,
            log_index: 0,
            reward_index: 0,
            height: 0,
            time: Timestamp::UNIX_EPOCH,
        }
    }

    pub fn open_block(&mut self, pace: &Pace) {
        self.height = pace.height;
        self.time = pace.time();
        self.tx_index = 0;
        self.log_index = 0;
        self.reward_index = 0;
        self.block.clear(BlockFact {
            chain: self.chain,
            hash: Some(self.names.block(pace.height)),
            parent: Some(self.names.block(pace.height - 1)),
            height: Some(pace.height),
            time: self.time,
            work: None,
        });
    }

    /// The next transaction: what follows is part of it.
    pub fn begin(&mut self) {
        self.txs += 1;
        self.tx_index = if self.block.transfers.is_empty() { 0 } else { self.tx_index + 1 };
        self.tx = self.names.tx(self.txs);
    }

    pub fn value(&mut self, from: Address, to: Address, amount: u128) {
        self.call(Box::default(), from, to, amount);
    }

    pub fn inner_call(&mut self, step: u32, from: Address, to: Address, amount: u128) {
        self.call(Box::new([step]), from, to, amount);
    }

    pub fn token(
        &mut self,
        token: usize,
        from: Option<Address>,
        to: Option<Address>,
        amount: u128,
    ) {
        let position = Position::Log(self.log_index);
        self.log_index += 1;
        let asset = self.tokens[token].clone();
        self.push(position, from, to, asset, amount, TransferKind::Value);
    }

    pub fn fee(&mut self, from: Address, amount: u128) {
        let asset = self.native.clone();
        self.push(Position::Fee, Some(from), None, asset, amount, TransferKind::Fee);
    }

    pub fn reward(&mut self, to: Address, amount: u128) {
        let position = Position::Reward(self.reward_index);
        self.reward_index += 1;
        let asset = self.native.clone();
        self.push(position, None, Some(to), asset, amount, TransferKind::Reward);
    }

    pub fn failed(&mut self) {
        self.block.failed.push(self.tx);
    }

    pub fn last(&self) -> &Transfer {
        self.block.transfers.last().expect("asked for right after a transfer was written")
    }

    fn call(&mut self, path: Box<[u32]>, from: Address, to: Address, amount: u128) {
        let (position, asset) = (Position::Call(path), self.native.clone());
        self.push(position, Some(from), Some(to), asset, amount, TransferKind::Value);
    }

    fn push(
        &mut self,
        position: Position,
        from: Option<Address>,
        to: Option<Address>,
        asset: Asset,
        amount: u128,
        kind: TransferKind,
    ) {
        self.emitted += 1;
        self.block.transfers.push(Transfer {
            tx: self.tx,
            position,
            height: Some(self.height),
            tx_index: Some(self.tx_index),
            time: self.time,
            time_source: TimeSource::Stated,
            from,
            to,
            asset,
            amount: model::U256::from(amount),
            kind,
        });
    }
}
