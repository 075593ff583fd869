//! A node's answer about one slot in, its facts out. Pure: nothing is asked here.
//!
//! The height of a block is its slot.
//!
//! | what | position |
//! |---|---|
//! | what an instruction moves | `call` and its path: `call_2_0_1` is what the first call of instruction 2 called second |
//! | a second thing one instruction moves | the n-th equal one |
//! | what balances show and no instruction says | the n-th equal one |
//! | the fee, priority fee included | `fee` |
//! | rewards of the block | `reward`, in a transaction of the block's own ([`block_event`]) |
//!
//! Lamports are stated between accounts, a token account's own too; tokens
//! between the owners of token accounts.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Address, Asset, AssetMeta, BlockFact, Chain, Evidence, Fact, Freezable, Freeze, FreezeAction,
    Oddity, Position, TimeSource, Timestamp, Transfer, TransferKind, TxHash, TxId, U256,
};

use super::books::{Balances, Books, Moved, TokenAccount, What};
use super::instructions::{self, Act, Program, constant};
use super::message::{Instruction, Message};
use super::replies::{self, Meta, Reward, TokenBalance, Tx};
use crate::nth::Nth;
use crate::source::{Block, BlockRef, Lie};

/// How a block is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Verify who signed each transaction.
    pub signatures: bool,
    /// State the fees of validators' votes too: most transactions are votes, and
    /// move nothing else.
    pub votes: bool,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading { signatures: true, votes: false }
    }
}

/// Where the block of this slot stands. The slot itself is not in the answer.
pub fn block_ref(slot: u64, text: &str) -> Result<BlockRef, Lie> {
    place(slot, &replies::block(text)?)
}

/// The block of this slot, checked against itself.
pub fn block(chain: Chain, slot: u64, text: &str, reading: Reading) -> Result<Block, Lie> {
    let block = replies::block(text)?;
    let at = place(slot, &block)?;
    let mut told = Told {
        chain,
        at,
        has_time: block.block_time.is_some(),
        reading,
        facts: Vec::new(),
        known: BTreeMap::new(),
        minted: BTreeMap::new(),
    };
    told.block_fact();
    told.rewards(&block.rewards)?;
    for (index, tx) in (0u32..).zip(&block.transactions) {
        told.transaction(Some(index), tx)?;
    }
    told.assets();
    Ok(Block { at, facts: told.facts })
}

/// One transaction by itself, as `getTransaction` gives it.
#[derive(Debug)]
pub struct Single {
    pub id: TxId,
    pub slot: u64,
    pub time: Option<Timestamp>,
    pub has_failed: bool,
    /// Every account it names, looked-up ones too.
    pub keys: Vec<[u8; 32]>,
    pub facts: Vec<Fact>,
}

/// One transaction, checked against itself. Its place in its block is not in the answer.
pub fn single(
    chain: Chain,
    text: &str,
    index: Option<u32>,
    reading: Reading,
) -> Result<Single, Lie> {
    let said = replies::single(text)?;
    let time = said.block_time.map(Timestamp::from_second).transpose();
    let time = time.map_err(|_| Lie::Impossible("a time that is none".into()))?;
    // Of its block only slot and time are known, and only they are stated.
    let none = TxHash::new(&[0; 32]);
    let at = BlockRef {
        height: said.slot,
        hash: none,
        parent: none,
        time: time.unwrap_or(Timestamp::UNIX_EPOCH),
    };
    let mut told = Told {
        chain,
        at,
        has_time: time.is_some(),
        reading,
        facts: Vec::new(),
        known: BTreeMap::new(),
        minted: BTreeMap::new(),
    };
    let tx = Tx { transaction: said.transaction, meta: said.meta };
    let (id, keys) = told.transaction(index, &tx)?;
    told.assets();
    let has_failed = tx.meta.as_ref().is_some_and(Meta::has_failed);
    Ok(Single { id, slot: said.slot, time, has_failed, keys, facts: told.facts })
}

fn place(slot: u64, block: &replies::Block) -> Result<BlockRef, Lie> {
    let hash = |text: &str| replies::key(text).map_err(Lie::NotJson);
    let (hash, parent) = (hash(&block.blockhash)?, hash(&block.previous_blockhash)?);
    if block.parent_slot >= slot && slot > 0 {
        return Err(Lie::WrongParent {
            height: slot,
            stated: format!("slot {}", block.parent_slot),
            expected: "one of an earlier slot".into(),
        });
    }
    let seconds = block.block_time.unwrap_or(0);
    let time = Timestamp::from_second(seconds)
        .map_err(|_| Lie::Impossible(format!("a time of {seconds}")))?;
    let (hash, parent) = (TxHash::new(&hash), TxHash::new(&parent));
    Ok(BlockRef { height: slot, hash, parent, time })
}

/// What stands in no transaction: as long as a transaction's id, which is a signature.
pub fn block_event(what: &str, chain: Chain, slot: u64) -> TxId {
    use sha2::{Digest, Sha512};
    let digest = Sha512::digest(format!("{what} {chain} {slot}"));
    TxId { chain, hash: TxHash::new(&digest) }
}

struct Told {
    chain: Chain,
    at: BlockRef,
    has_time: bool,
    reading: Reading,
    facts: Vec<Fact>,
    /// Token accounts met so far, by account.
    known: BTreeMap<[u8; 32], TokenAccount>,
    /// Decimals of the mints met.
    minted: BTreeMap<[u8; 32], u8>,
}

/// A transaction's place.
#[derive(Clone, Copy)]
struct InTx {
    tx: TxId,
    index: Option<u32>,
}

impl Told {
    fn block_fact(&mut self) {
        self.facts.push(Fact::Block(BlockFact {
            chain: self.chain,
            hash: Some(self.at.hash),
            parent: Some(self.at.parent),
            height: Some(self.at.height),
            time: self.at.time,
            work: None,
        }));
    }

    /// What the leader got of the fees, what stake and votes earned; below zero,
    /// the rent that was taken.
    fn rewards(&mut self, rewards: &[Reward]) -> Result<(), Lie> {
        let tx = block_event("rewards", self.chain, self.at.height);
        let about = InTx { tx, index: None };
        for (n, reward) in (0u32..).zip(rewards).filter(|(_, reward)| reward.lamports != 0) {
            let who = Some(replies::key(&reward.pubkey).map_err(Lie::NotJson)?);
            let amount = U256::from(reward.lamports.unsigned_abs());
            let is_taken = reward.lamports < 0;
            let (from, to) = if is_taken { (who, None) } else { (None, who) };
            let mut transfer = self.transfer(&about, Position::Reward(n), from, to, amount);
            transfer.kind = if is_taken { TransferKind::Fee } else { TransferKind::Reward };
            self.facts.push(Fact::Transfer { transfer, evidence: Evidence::Trace });
        }
        Ok(())
    }

    /// Its id, and every account it names.
    fn transaction(&mut self, index: Option<u32>, tx: &Tx) -> Result<(TxId, Vec<[u8; 32]>), Lie> {
        let bytes = tx.bytes()?;
        let message = Message::read(&bytes).map_err(|what| {
            let tx = index.map_or("asked for".into(), |index| format!("{index} of the block"));
            Lie::Transaction { tx, what }
        })?;
        let id = TxId { chain: self.chain, hash: TxHash::new(&message.signatures[0]) };
        let lie = |what: String| Lie::Transaction { tx: id.hash_text(), what };
        if self.reading.signatures && !message.is_signed(&bytes) {
            return Err(lie("a signature is not of its signer".into()));
        }
        let meta = tx.meta.as_ref().ok_or_else(|| lie("nothing is said of its outcome".into()))?;
        let keys = keys(&message, meta).map_err(lie)?;
        self.money(&InTx { tx: id, index }, &message, meta, &keys).map_err(lie)?;
        Ok((id, keys))
    }

    fn money(
        &mut self,
        about: &InTx,
        message: &Message,
        meta: &Meta,
        keys: &[[u8; 32]],
    ) -> Result<(), String> {
        let before = self.balances(keys, &meta.pre_balances, meta.pre_token_balances.as_deref())?;
        let after =
            self.balances(keys, &meta.post_balances, meta.post_token_balances.as_deref())?;
        self.conserved(about, meta)?;
        let steps = steps(message, meta, keys)?;
        let is_vote = matches!(&steps[..], [step] if step.program == Some(Program::Vote) && step.acts.is_empty());
        if is_vote && !self.reading.votes && unchanged(meta) {
            return Ok(());
        }
        self.fee(about, keys, meta);
        if meta.has_failed() {
            self.facts.push(Fact::Failed { tx: about.tx });
            if !unchanged(meta) {
                self.odd(about, "it failed, and more than its fee changed".into());
            }
            return Ok(());
        }
        let wrapped = constant(instructions::WRAPPED);
        let mut known = std::mem::take(&mut self.known);
        let mut books = Books::open(keys, &mut known, wrapped, &before, meta.fee);
        for (nth, step) in steps.into_iter().enumerate() {
            for act in step.acts {
                books.act(&step.path, nth, act);
            }
        }
        books.close(&after);
        let (moved, frozen, odd) = (books.moved, books.frozen, books.odd);
        self.known = known;
        self.learn(keys, meta.post_token_balances.as_deref());
        self.state(about, moved);
        self.frozen(about, keys, &frozen);
        for what in odd {
            self.odd(about, what);
        }
        Ok(())
    }

    /// Lamports are never made, but the rent of old times is taken without a word.
    fn conserved(&mut self, about: &InTx, meta: &Meta) -> Result<(), String> {
        let sum = |all: &[u64]| all.iter().map(|n| u128::from(*n)).sum::<u128>();
        let (before, after) = (sum(&meta.pre_balances), sum(&meta.post_balances));
        let after = after + u128::from(meta.fee);
        if after > before {
            return Err(format!("{} lamports come from nowhere", after - before));
        }
        if after < before {
            self.odd(about, format!("{} lamports are gone without a word", before - after));
        }
        Ok(())
    }

    fn balances(
        &mut self,
        keys: &[[u8; 32]],
        lamports: &[u64],
        tokens: Option<&[TokenBalance]>,
    ) -> Result<Balances, String> {
        if lamports.len() != keys.len() {
            return Err(format!("{} balances for {} accounts", lamports.len(), keys.len()));
        }
        let mut held = BTreeMap::new();
        for balance in tokens.into_iter().flatten() {
            let at = balance.account_index;
            let key =
                *keys.get(at).ok_or_else(|| format!("tokens of account {at}, which it has not"))?;
            let amount: u64 = balance.ui_token_amount.amount.parse().map_err(|_| {
                format!("account {at} has {:?} tokens", balance.ui_token_amount.amount)
            })?;
            let account = account(balance)?;
            self.known.entry(key).or_insert(account);
            self.minted.entry(account.mint).or_insert(balance.ui_token_amount.decimals);
            held.insert(at, amount);
        }
        Ok(Balances { lamports: lamports.to_vec(), tokens: held })
    }

    /// Who owns what after this transaction.
    fn learn(&mut self, keys: &[[u8; 32]], tokens: Option<&[TokenBalance]>) {
        for balance in tokens.into_iter().flatten() {
            if let (Some(key), Ok(now)) = (keys.get(balance.account_index), account(balance)) {
                let known = self.known.entry(*key).or_insert(now);
                *known = TokenAccount { owner: now.owner.or(known.owner), ..now };
            }
        }
    }

    fn fee(&mut self, about: &InTx, keys: &[[u8; 32]], meta: &Meta) {
        let payer = keys.first().copied();
        if meta.fee > 0 {
            let amount = U256::from(meta.fee);
            let mut transfer = self.transfer(about, Position::Fee, payer, None, amount);
            transfer.kind = TransferKind::Fee;
            self.facts.push(Fact::Transfer { transfer, evidence: Evidence::Transaction });
        }
    }

    /// The first thing an instruction moves has its path for a position. Others are
    /// numbered among their equals, after those, which they must not meet.
    fn state(&mut self, about: &InTx, moved: Vec<Moved>) {
        let mut nth = Nth::default();
        let mut paths = BTreeSet::new();
        let mut later = Vec::new();
        for moved in moved {
            let evidence = match &moved.path {
                Some(path) if path.len() == 1 => Evidence::Transaction,
                _ => Evidence::Trace,
            };
            let first = moved.path.clone().filter(|path| paths.insert(path.clone()));
            let position = first.clone().map_or(Position::Nth(0), Position::Call);
            let amount = U256::from(moved.amount);
            let mut transfer = self.transfer(about, position, moved.from, moved.to, amount);
            if let What::Token(mint) = moved.what {
                transfer.asset = Asset::token(self.chain, Address::Solana(mint));
            }
            if moved.is_fee {
                transfer.kind = TransferKind::Fee;
            }
            if first.is_some() {
                nth.next(&transfer);
                self.facts.push(Fact::Transfer { transfer, evidence });
            } else {
                later.push((transfer, evidence));
            }
        }
        for (mut transfer, evidence) in later {
            transfer.position = nth.next(&transfer);
            self.facts.push(Fact::Transfer { transfer, evidence });
        }
    }

    fn frozen(&mut self, about: &InTx, keys: &[[u8; 32]], frozen: &[(usize, Act)]) {
        for (nth, act) in frozen {
            let Act::Freeze { account, is_frozen } = act else { continue };
            let key = keys[*account];
            let Some(known) = self.known.get(&key) else {
                self.odd(
                    about,
                    "a token account is frozen or released whose token is not said".into(),
                );
                continue;
            };
            let action = if *is_frozen { FreezeAction::Freeze } else { FreezeAction::Release };
            self.facts.push(Fact::Freeze(Freeze {
                tx: about.tx,
                log_index: u32::try_from(*nth).unwrap_or(u32::MAX),
                height: Some(self.at.height),
                time: self.at.time,
                asset: Asset::token(self.chain, Address::Solana(known.mint)),
                holder: Address::Solana(known.owner.unwrap_or(key)),
                action,
            }));
        }
    }

    fn transfer(
        &self,
        about: &InTx,
        position: Position,
        from: Option<[u8; 32]>,
        to: Option<[u8; 32]>,
        amount: U256,
    ) -> Transfer {
        Transfer {
            tx: about.tx,
            position,
            height: Some(self.at.height),
            tx_index: about.index,
            time: self.at.time,
            time_source: if self.has_time { TimeSource::Stated } else { TimeSource::Unknown },
            from: from.map(Address::Solana),
            to: to.map(Address::Solana),
            asset: Asset::native(self.chain),
            amount,
            kind: TransferKind::Value,
        }
    }

    /// Nobody else says how many decimals a token has.
    fn assets(&mut self) {
        for (mint, decimals) in std::mem::take(&mut self.minted) {
            self.facts.push(Fact::Asset(AssetMeta {
                asset: Asset::token(self.chain, Address::Solana(mint)),
                symbol: None,
                decimals: Some(decimals),
                freezable: Freezable::Unknown,
            }));
        }
    }

    fn odd(&mut self, about: &InTx, what: String) {
        let tx = about.tx.hash_text();
        let at = format!("slot {} of {}, transaction {tx}", self.at.height, self.chain);
        self.facts.push(Fact::Oddity(Oddity { at, what, transfer: None }));
    }
}

/// The message's keys, then those looked up to write, then those to read.
fn keys(message: &Message, meta: &Meta) -> Result<Vec<[u8; 32]>, String> {
    let mut keys = message.keys.clone();
    let none = Vec::new();
    let (writable, readonly) = match &meta.loaded_addresses {
        Some(loaded) => (&loaded.writable, &loaded.readonly),
        None => (&none, &none),
    };
    if (writable.len(), readonly.len()) != message.looked_up {
        return Err("the addresses looked up are not as many as it names".into());
    }
    // Instructions name them by one byte.
    let count = keys.len() + writable.len() + readonly.len();
    if count > 256 {
        return Err(format!("{count} accounts, where 256 can be named"));
    }
    for text in writable.iter().chain(readonly) {
        keys.push(replies::key(text)?);
    }
    Ok(keys)
}

/// One instruction, wherever it stands, and what it does.
struct Step {
    path: Box<[u32]>,
    program: Option<Program>,
    acts: Vec<Act>,
}

/// Every instruction in the order they were carried out.
fn steps(message: &Message, meta: &Meta, keys: &[[u8; 32]]) -> Result<Vec<Step>, String> {
    /// Programs may call five deep. A path no longer than this stays small.
    const DEPTH_MAX: usize = 16;
    let mut inner: BTreeMap<usize, Vec<&replies::Instruction>> = BTreeMap::new();
    for group in meta.inner_instructions.iter().flatten() {
        if group.index >= message.instructions.len() {
            return Err(format!("calls of instruction {}, which it has not", group.index));
        }
        inner.entry(group.index).or_default().extend(&group.instructions);
    }
    let mut steps = Vec::new();
    for (n, outer) in (0u32..).zip(&message.instructions) {
        let mut path = vec![n];
        let mut next = vec![0u32];
        steps.push(step(&path, outer, keys)?);
        let called = inner.remove(&usize::try_from(n).expect("a few")).unwrap_or_default();
        for said in called {
            let depth = said.stack_height.unwrap_or(2).saturating_sub(1).max(1);
            let depth = depth.min(path.len()).min(DEPTH_MAX);
            path.truncate(depth);
            next.truncate(depth);
            path.push(next[depth - 1]);
            next[depth - 1] += 1;
            next.push(0);
            let data = replies::data(&said.data)?;
            let accounts = said.accounts.clone();
            let called = Instruction { program: said.program_id_index, accounts, data };
            steps.push(step(&path, &called, keys)?);
        }
    }
    Ok(steps)
}

fn step(path: &[u32], instruction: &Instruction, keys: &[[u8; 32]]) -> Result<Step, String> {
    let is_there = |at: &usize| *at < keys.len();
    if !is_there(&instruction.program) || !instruction.accounts.iter().all(is_there) {
        return Err("an instruction names an account it has not".into());
    }
    let program = Program::of(&keys[instruction.program]);
    let acts = program.map(|program| instructions::read(program, instruction)).unwrap_or_default();
    Ok(Step { path: path.into(), program, acts })
}

fn account(balance: &TokenBalance) -> Result<TokenAccount, String> {
    let mint = replies::key(&balance.mint)?;
    let owner = balance.owner.as_deref().map(replies::key).transpose()?;
    Ok(TokenAccount { mint, owner })
}

/// Did nothing change but for the fee?
fn unchanged(meta: &Meta) -> bool {
    let mut before = meta.pre_balances.clone();
    if let Some(payer) = before.first_mut() {
        *payer = payer.saturating_sub(meta.fee);
    }
    before == meta.post_balances
}
