//! A node's answers about one block in, its facts out. Pure: nothing is asked here.
//!
//! The same transfer has the same transaction, position and amount as the
//! importers give it, so that a file and a node tell one story:
//!
//! | what | transaction | position |
//! |---|---|---|
//! | value of a transaction, of calls below it | its own | `call` and the path |
//! | its fee, burnt parts and blobs included | its own | `fee` |
//! | a token moved by an event | its own | `log` and its index in the block |
//! | tokens of a batch (ERC-1155) beyond one | its own | the n-th equal one |
//! | block and uncle rewards, withdrawals | of the block ([`block_event`]) | `reward` |
//! | what of the fees reached producer and vaults | of the block, `fees` | `reward` |
//! | what a rollup's deposits brought along | of the block, `mint` | `reward` |

use alloy_consensus::Header;
use alloy_primitives::B256;
use model::{
    BlockFact, Chain, Evidence, Fact, Oddity, Position, TimeSource, Timestamp, Transfer,
    TransferKind, TxId, U256,
};

use super::calls;
use super::events::{self, Event};
use super::fees::{self, Fee};
use super::place::{InTx, block_event};
use super::replies::{self, Body, Log, Receipt, Replies, Traces, Tx};
use super::rules::{BASE_FEE_VAULT, Fees, L1_FEE_VAULT, OPERATOR_FEE_VAULT, Rules};
use super::traces::{self, Of};
use super::verify::{self, tx_hash};
use crate::nth::Nth;
use crate::source::{Block, BlockRef, Lie};

/// Withdrawals are in Gwei (EIP-4895).
const WEI_PER_GWEI: u64 = 1_000_000_000;

/// A header alone: where the block stands.
pub fn block_ref(block: &str, height: Option<u64>, rules: &Rules) -> Result<BlockRef, Lie> {
    let header = replies::header(block)?;
    let hash = replies::stated_hash(block)?;
    verify::header(&header, hash, height.unwrap_or(header.number), rules.has_plain_headers)?;
    place(&header, hash)
}

/// The block at this height, checked against itself.
pub fn block(
    chain: Chain,
    height: u64,
    rules: &Rules,
    replies: &Replies<'_>,
) -> Result<Block, Lie> {
    let header = replies::header(replies.block)?;
    let body = replies::body(replies.block)?;
    verify::header(&header, body.hash, height, rules.has_plain_headers)?;
    let at = place(&header, body.hash)?;
    let txs = replies::transactions(&body)?;
    verify::transactions(&header, &body, &txs, rules.has_roots)?;
    verify::withdrawals(&header, &body, rules)?;
    let receipts = replies::receipts(replies.receipts)?;
    verify::receipts(&header, body.hash, &txs, &receipts, rules.has_roots)?;
    let traces = read_traces(replies.traces, &at, body.hash, &txs, &receipts)?;
    let told = Told { chain, rules, header, at, body, txs, receipts };
    let mut facts = vec![told.block_fact()];
    told.withdrawals(&mut facts)?;
    told.transactions(traces.is_some(), &mut facts)?;
    if let Some(traces) = traces {
        for (index, what) in traces.odd {
            facts.push(told.odd(told.tx_at(index), what));
        }
        calls::state_block(chain, height, traces.traces, &mut |fact| {
            facts.push(fact);
            Ok::<(), Lie>(())
        })?;
    }
    Ok(Block { at, facts })
}

fn place(header: &Header, hash: B256) -> Result<BlockRef, Lie> {
    let seconds = i64::try_from(header.timestamp).ok();
    let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let time = time.ok_or_else(|| Lie::Impossible(format!("a time of {}", header.timestamp)))?;
    let (hash, parent) = (tx_hash(hash), tx_hash(header.parent_hash));
    Ok(BlockRef { height: header.number, hash, parent, time })
}

/// None where the node has none.
fn read_traces(
    replies: Traces<'_>,
    at: &BlockRef,
    hash: B256,
    txs: &[Tx],
    receipts: &[Receipt],
) -> Result<Option<traces::Read>, Lie> {
    let of = Of { height: at.height, time: at.time, hash, txs };
    let read = match replies {
        Traces::None => return Ok(None),
        Traces::Flat(text) => traces::flat(text, &of)?,
        Traces::Nested(text) => traces::nested(text, &of)?,
    };
    traces::agree(&read.traces, txs, receipts)?;
    Ok(Some(read))
}

/// A block that was found consistent.
struct Told<'a> {
    chain: Chain,
    rules: &'a Rules,
    header: Header,
    at: BlockRef,
    body: Body<'a>,
    txs: Vec<Tx>,
    receipts: Vec<Receipt>,
}

impl Told<'_> {
    fn block_fact(&self) -> Fact {
        Fact::Block(BlockFact {
            chain: self.chain,
            hash: Some(self.at.hash),
            parent: Some(self.at.parent),
            height: Some(self.at.height),
            time: self.at.time,
            work: None,
        })
    }

    fn in_tx(&self, tx: TxId, tx_index: Option<u32>) -> InTx {
        InTx {
            tx,
            height: Some(self.at.height),
            tx_index,
            time: self.at.time,
            time_source: TimeSource::Stated,
        }
    }

    /// Paid out by the consensus layer: new to the accounts that receive them.
    fn withdrawals(&self, facts: &mut Vec<Fact>) -> Result<(), Lie> {
        let about = self.beside("withdrawals");
        for (n, withdrawal) in (0u32..).zip(self.body.withdrawals.iter().flatten()) {
            // 64 bits of Gwei fit 256 bits of wei.
            let wei = U256::from(withdrawal.amount) * U256::from(WEI_PER_GWEI);
            reward(&about, n, withdrawal.address.into_array(), wei, facts);
        }
        Ok(())
    }

    /// What stands in no transaction.
    fn beside(&self, what: &str) -> InTx {
        self.in_tx(block_event(what, self.chain, self.at.height), None)
    }

    fn transactions(&self, has_traces: bool, facts: &mut Vec<Fact>) -> Result<(), Lie> {
        let mut total = Fee::default();
        let (mut gas, mut blob_gas, mut minted) = (0u64, 0u64, 0);
        let mint = self.beside("mint");
        for (index, (tx, receipt)) in (0u32..).zip(self.txs.iter().zip(&self.receipts)) {
            let id = TxId { chain: self.chain, hash: tx_hash(tx.hash) };
            let about = self.in_tx(id, Some(index));
            let fee = self.fee(&about, tx, receipt, facts)?;
            total = total
                .checked_add(fee)
                .ok_or_else(|| Lie::Impossible("the fees of the block exceed 256 bits".into()))?;
            gas = gas.saturating_add(receipt.gas_used.to());
            blob_gas = blob_gas.saturating_add(receipt.blob_gas_used.unwrap_or_default().to());
            // It stays even where the deposit fails, so it is not of the transaction.
            if let Some(amount) = tx.mint.filter(|amount| !amount.is_zero()) {
                reward(&mint, minted, tx.from.into_array(), amount, facts);
                minted += 1;
            }
            if !has_traces {
                self.value(&about, tx, receipt, facts)?;
            }
            self.events(&about, receipt, facts);
        }
        for what in fees::of_block(&self.header, &total, gas, blob_gas) {
            facts.push(self.odd(None, what));
        }
        self.earnings(&total, facts);
        Ok(())
    }

    fn fee(
        &self,
        about: &InTx,
        tx: &Tx,
        receipt: &Receipt,
        facts: &mut Vec<Fact>,
    ) -> Result<Fee, Lie> {
        let (fee, odd) = fees::of(&self.header, tx, receipt)?;
        facts.extend(odd.map(|what| self.odd(Some(about.tx), what)));
        if !tx.is_deposit() && !tx.is_system() {
            let payer = Some(tx.from.into_array());
            let mut transfer = about.native(Position::Fee, payer, None, fee.paid);
            transfer.kind = TransferKind::Fee;
            facts.push(Fact::Transfer { transfer, evidence: Evidence::Transaction });
        }
        Ok(fee)
    }

    /// What the transaction itself moved, where no traces tell it.
    fn value(
        &self,
        about: &InTx,
        tx: &Tx,
        receipt: &Receipt,
        facts: &mut Vec<Fact>,
    ) -> Result<(), Lie> {
        if receipt.status.is_some_and(|status| status.is_zero()) {
            facts.push(Fact::Failed { tx: about.tx });
            return Ok(());
        }
        if tx.value.is_zero() {
            return Ok(());
        }
        if receipt.status.is_none() {
            let what = "its receipt does not say whether it failed: its value counts as moved, until traces say otherwise";
            facts.push(self.odd(Some(about.tx), what.into()));
        }
        let to = tx.to.unwrap_or_else(|| tx.from.create(tx.nonce.to()));
        if tx.to.is_none() && receipt.contract_address.is_some_and(|stated| stated != to) {
            let what = "its receipt names another created contract than sender and nonce make";
            return Err(Lie::Transaction { tx: tx.hash.to_string(), what: what.into() });
        }
        let call = Position::Call(Box::new([]));
        let (from, to) = (Some(tx.from.into_array()), Some(to.into_array()));
        let transfer = about.native(call, from, to, tx.value);
        facts.push(Fact::Transfer { transfer, evidence: Evidence::Transaction });
        Ok(())
    }

    fn events(&self, about: &InTx, receipt: &Receipt, facts: &mut Vec<Fact>) {
        let mut nth = Nth::default();
        let mut batches = Vec::new();
        for log in &receipt.logs {
            let log_index = u32::try_from(log.log_index.to::<u64>()).unwrap_or(u32::MAX);
            let contract = log.address.into_array();
            let Some(event) = self.event(log) else { continue };
            match event {
                Event::Moved(moved) => {
                    let transfer = about.token(contract, log_index, &moved);
                    if transfer.kind == TransferKind::Nft {
                        nth.next(&transfer);
                    }
                    self.state_token(transfer, is_erc721(log), facts);
                }
                Event::Batch(moved) => {
                    let one = moved.len() == 1;
                    for moved in &moved {
                        let transfer = about.token(contract, log_index, moved);
                        if one {
                            nth.next(&transfer);
                            self.state_token(transfer, false, facts);
                        } else {
                            batches.push(transfer);
                        }
                    }
                }
                Event::Freeze { holder, action } => {
                    facts.extend(about.freeze(contract, log_index, holder, action));
                }
                Event::Odd(what) => {
                    facts.push(self.odd(Some(about.tx), format!("log {log_index}: {what}")));
                }
            }
        }
        // One event has one position. What it moves beyond that is the n-th equal
        // one, counted after those that have a position, which it must not meet.
        for mut transfer in batches {
            transfer.position = nth.next(&transfer);
            self.state_token(transfer, false, facts);
        }
    }

    fn event(&self, log: &Log) -> Option<Event> {
        let topics: Vec<[u8; 32]> = log.topics.iter().map(|topic| topic.0).collect();
        events::read(self.chain, &log.address.into_array(), &topics, &log.data)
    }

    fn state_token(&self, transfer: Transfer, is_erc721: bool, facts: &mut Vec<Fact>) {
        if let Position::Log(log_index) = transfer.position
            && is_erc721
        {
            facts.push(Fact::NftLog { tx: transfer.tx, log_index });
        }
        facts.push(Fact::Transfer { transfer, evidence: Evidence::Log });
    }

    /// What of the fees came to somebody.
    fn earnings(&self, total: &Fee, facts: &mut Vec<Fact>) {
        let producer = self.header.beneficiary.into_array();
        let earned = match self.rules.fees {
            Fees::Producer => vec![(producer, total.tip)],
            Fees::Account(account) => vec![(account, total.paid)],
            Fees::OpStack => {
                vec![
                    (producer, total.tip),
                    (BASE_FEE_VAULT, total.base),
                    (L1_FEE_VAULT, total.l1),
                    (OPERATOR_FEE_VAULT, total.operator),
                ]
            }
            Fees::Unknown => return,
        };
        let about = self.beside("fees");
        for (n, (account, amount)) in (0u32..).zip(earned) {
            reward(&about, n, account, amount, facts);
        }
    }

    fn tx_at(&self, index: u32) -> Option<TxId> {
        let tx = self.txs.get(index as usize)?;
        Some(TxId { chain: self.chain, hash: tx_hash(tx.hash) })
    }

    fn odd(&self, tx: Option<TxId>, what: String) -> Fact {
        let at = match tx {
            Some(tx) => {
                format!(
                    "block {} of {}, transaction {}",
                    self.at.height,
                    self.chain,
                    tx.hash_text()
                )
            }
            None => format!("block {} of {}", self.at.height, self.chain),
        };
        Fact::Oddity(Oddity { at, what, transfer: None })
    }
}

fn is_erc721(log: &Log) -> bool {
    log.topics.first().is_some_and(|name| name.0 == events::TRANSFER)
        && !(log.topics.len() == 3 && log.data.len() == 32)
}

/// New to whoever receives it, and of no transaction: traces, which do not list
/// it, must not replace it.
fn reward(about: &InTx, n: u32, to: [u8; 20], amount: U256, facts: &mut Vec<Fact>) {
    if amount.is_zero() {
        return;
    }
    let mut transfer = about.native(Position::Reward(n), None, Some(to), amount);
    transfer.kind = TransferKind::Reward;
    facts.push(Fact::Transfer { transfer, evidence: Evidence::Trace });
}
