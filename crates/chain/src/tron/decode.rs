//! A node's answers about one block in, its facts out. Pure: nothing is asked here.
//!
//! | what | position |
//! |---|---|
//! | what the transaction's contract moves | `call` |
//! | a second asset sent along with a contract's call | the n-th equal one |
//! | the n-th internal transaction, counted over all from 0 | `call_n` |
//! | a further asset of one internal transaction | `call_n_m` |
//! | a token moved by an event | `log` and its index in the block, as Tron's own JSON-RPC counts |
//! | a reward withdrawn by a transaction | `reward0` |
//! | a reward withdrawn by a contract, internally | `call_n` |
//! | fee, with burnt energy and bandwidth, memo and other fees | `fee` |

use model::{
    Address, Asset, AssetKind, AssetMeta, BlockFact, Chain, Evidence, Fact, Freezable, Freeze,
    FreezeAction, Oddity, Position, TimeSource, Transfer, TransferKind, TxHash, TxId, U256,
};

use super::contracts::{self, Coin, Deed};
use super::internal;
use super::replies::{self, Info, Log, Replies};
use super::verify::{self, Checked, Checks, Outcome};
use crate::evm::events::{self, Event, Moved, What};
use crate::nth::Nth;
use crate::source::{Block, BlockRef, Lie};

/// A header alone: where the block stands. None where the node has no such block.
pub fn block_ref(text: &str, height: Option<u64>, checks: Checks) -> Result<Option<BlockRef>, Lie> {
    let block = replies::block(text)?;
    if block.id.is_none() && block.block_header.is_none() {
        return Ok(None);
    }
    verify::header(&block, height, checks).map(Some)
}

/// The block at this height, checked against itself.
pub fn block(
    chain: Chain,
    height: u64,
    replies: &Replies<'_>,
    checks: Checks,
) -> Result<Block, Lie> {
    let block = replies::block(replies.block)?;
    let at = verify::header(&block, Some(height), checks)?;
    let txs = verify::transactions(&block, checks)?;
    if checks.root {
        verify::root(&block)?;
    }
    let mut told = Told { chain, at, facts: Vec::new(), log_index: 0 };
    told.block_fact();
    if height == 0 {
        told.genesis(&txs)?;
    } else {
        let infos = verify::infos(&at, &txs, replies::infos(replies.infos)?)?;
        for (index, (tx, info)) in (0u32..).zip(txs.iter().zip(&infos)) {
            told.transaction(index, tx, info)?;
        }
    }
    Ok(Block { at, facts: told.facts })
}

struct Told {
    chain: Chain,
    at: BlockRef,
    facts: Vec<Fact>,
    /// Of the next event.
    log_index: u32,
}

/// A transaction's place.
#[derive(Clone, Copy)]
struct InTx {
    tx: TxId,
    index: u32,
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

    /// The first balances are written as transfers of an owner who is no account.
    fn genesis(&mut self, txs: &[Checked]) -> Result<(), Lie> {
        for (index, tx) in (0u32..).zip(txs) {
            let about = self.in_tx(tx, index);
            let given = contracts::genesis(tx).map_err(|what| lie(tx, &what))?;
            let Some((to, amount)) = given else { continue };
            let position = Position::Call(Box::new([]));
            let mut transfer = self.transfer(&about, position, None, Some(to), amount);
            transfer.kind = TransferKind::Reward;
            self.facts.push(Fact::Transfer { transfer, evidence: Evidence::Transaction });
        }
        Ok(())
    }

    fn transaction(&mut self, index: u32, tx: &Checked, info: &Info) -> Result<(), Lie> {
        let about = self.in_tx(tx, index);
        let deed = contracts::read(tx, info).map_err(|what| lie(tx, &what))?;
        self.fee(&about, &deed, info).map_err(|what| lie(tx, &what))?;
        if tx.outcome == Outcome::Failed || verify::has_failed(info) {
            self.facts.push(Fact::Failed { tx: about.tx });
            self.log_index = self.log_index.saturating_add(count(info.log.len()));
            return Ok(());
        }
        self.deed(&about, deed);
        self.internal(&about, info).map_err(|what| lie(tx, &what))?;
        self.events(&about, info).map_err(|what| lie(tx, &what))
    }

    fn in_tx(&self, tx: &Checked, index: u32) -> InTx {
        InTx { tx: TxId { chain: self.chain, hash: TxHash::new(&tx.id) }, index }
    }

    fn fee(&mut self, about: &InTx, deed: &Deed, info: &Info) -> Result<(), String> {
        let paid = contracts::amount_of(Coin::Trx, info.fee)?;
        let energy = contracts::amount_of(Coin::Trx, info.receipt.energy_fee)?;
        let net = contracts::amount_of(Coin::Trx, info.receipt.net_fee)?;
        if energy + net > paid {
            let what =
                format!("its fee is {paid} sun, for energy and bandwidth it is {energy} and {net}");
            self.odd(about, what);
        }
        if paid.is_zero() {
            return Ok(());
        }
        let Some(owner) = deed.owner else {
            self.odd(about, format!("a fee of {paid} sun that nobody named paid"));
            return Ok(());
        };
        let mut transfer = self.transfer(about, Position::Fee, Some(owner), None, paid);
        transfer.kind = TransferKind::Fee;
        self.facts.push(Fact::Transfer { transfer, evidence: Evidence::Transaction });
        Ok(())
    }

    fn deed(&mut self, about: &InTx, deed: Deed) {
        let mut nth = Nth::default();
        for (n, given) in deed.moves.into_iter().enumerate() {
            let position = Position::Call(Box::new([]));
            let (from, to) = (given.from, Some(given.to));
            let mut transfer = self.transfer(about, position, from, to, given.amount);
            transfer.asset = self.asset(given.coin);
            if given.is_reward {
                transfer.kind = TransferKind::Reward;
                transfer.position = Position::Reward(0);
            } else if n > 0 {
                transfer.position = nth.next(&transfer);
            }
            self.facts.push(Fact::Transfer { transfer, evidence: Evidence::Transaction });
        }
        for what in deed.odd {
            self.odd(about, what);
        }
        if let Some(issued) = deed.issued {
            self.facts.push(Fact::Asset(AssetMeta {
                asset: self.asset(Coin::Trc10(issued.id)),
                symbol: Some(issued.symbol),
                decimals: Some(issued.decimals),
                freezable: Freezable::No,
            }));
        }
    }

    fn internal(&mut self, about: &InTx, info: &Info) -> Result<(), String> {
        let told = internal::read(&info.internal_transactions)?;
        for given in told.moves {
            let mut transfer = self.transfer(
                about,
                Position::Call(given.path),
                given.from,
                Some(given.to),
                given.amount,
            );
            transfer.asset = self.asset(given.coin);
            if given.from.is_none() {
                transfer.kind = TransferKind::Reward;
            }
            self.facts.push(Fact::Transfer { transfer, evidence: Evidence::Trace });
        }
        for what in told.odd {
            self.odd(about, what);
        }
        Ok(())
    }

    fn events(&mut self, about: &InTx, info: &Info) -> Result<(), String> {
        let mut nth = Nth::default();
        let mut batches = Vec::new();
        for log in &info.log {
            let contract = twenty(&log.address).ok_or("an event of what is no contract")?;
            match event(self.chain, &contract, log)? {
                Some(Event::Moved(moved)) => self.token(about, contract, &moved, &mut nth),
                Some(Event::Batch(moved)) if moved.len() == 1 => {
                    self.token(about, contract, &moved[0], &mut nth);
                }
                Some(Event::Batch(moved)) => {
                    let of = |moved| self.of_token(about, Position::Nth(0), contract, moved);
                    batches.extend(moved.iter().map(of));
                }
                Some(Event::Freeze { holder, action }) => {
                    self.freeze(about, contract, holder, action);
                }
                Some(Event::Odd(what)) => {
                    self.odd(about, format!("log {}: {what}", self.log_index))
                }
                None => {}
            }
            self.log_index = self.log_index.saturating_add(1);
        }
        // One event has one position. What it moves beyond that is the n-th equal
        // one, counted after those that have a position, which it must not meet.
        for mut transfer in batches {
            transfer.position = nth.next(&transfer);
            self.facts.push(Fact::Transfer { transfer, evidence: Evidence::Log });
        }
        Ok(())
    }

    /// A token moved by the event whose turn it is.
    fn token(&mut self, about: &InTx, contract: [u8; 20], moved: &Moved, nth: &mut Nth) {
        let log_index = self.log_index;
        let transfer = self.of_token(about, Position::Log(log_index), contract, moved);
        if transfer.kind == TransferKind::Nft {
            nth.next(&transfer);
            self.facts.push(Fact::NftLog { tx: about.tx, log_index });
        }
        self.facts.push(Fact::Transfer { transfer, evidence: Evidence::Log });
    }

    fn of_token(
        &self,
        about: &InTx,
        position: Position,
        contract: [u8; 20],
        moved: &Moved,
    ) -> Transfer {
        let (chain, contract) = (self.chain, Address::Tron(contract));
        let mut transfer = self.transfer(about, position, moved.from, moved.to, U256::ZERO);
        match moved.what {
            What::Amount(amount) => {
                transfer.asset = Asset::token(chain, contract);
                transfer.amount = amount;
            }
            What::Nft { id, count } => {
                transfer.asset = Asset { chain, kind: AssetKind::Nft { contract, id } };
                transfer.amount = count;
                transfer.kind = TransferKind::Nft;
            }
        }
        transfer
    }

    fn freeze(&mut self, about: &InTx, contract: [u8; 20], holder: [u8; 20], action: FreezeAction) {
        let asset = Asset::token(self.chain, Address::Tron(contract));
        if let FreezeAction::Destroy(amount) = action {
            // Tether says no Transfer beside it.
            let position = Position::Log(self.log_index);
            let mut transfer = self.transfer(about, position, Some(holder), None, amount);
            transfer.asset = asset.clone();
            self.facts.push(Fact::Transfer { transfer, evidence: Evidence::Log });
        }
        self.facts.push(Fact::Freeze(Freeze {
            tx: about.tx,
            log_index: self.log_index,
            height: Some(self.at.height),
            time: self.at.time,
            asset,
            holder: Address::Tron(holder),
            action,
        }));
    }

    fn transfer(
        &self,
        about: &InTx,
        position: Position,
        from: Option<[u8; 20]>,
        to: Option<[u8; 20]>,
        amount: U256,
    ) -> Transfer {
        Transfer {
            tx: about.tx,
            position,
            height: Some(self.at.height),
            tx_index: Some(about.index),
            time: self.at.time,
            time_source: TimeSource::Stated,
            from: from.map(Address::Tron),
            to: to.map(Address::Tron),
            asset: Asset::native(self.chain),
            amount,
            kind: TransferKind::Value,
        }
    }

    fn asset(&self, coin: Coin) -> Asset {
        match coin {
            Coin::Trx => Asset::native(self.chain),
            Coin::Trc10(id) => Asset { chain: self.chain, kind: AssetKind::Trc10(id) },
        }
    }

    fn odd(&mut self, about: &InTx, what: String) {
        let tx = about.tx.hash_text();
        let at = format!("block {} of {}, transaction {tx}", self.at.height, self.chain);
        self.facts.push(Fact::Oddity(Oddity { at, what, transfer: None }));
    }
}

fn lie(tx: &Checked, what: &str) -> Lie {
    Lie::Transaction { tx: model::hex::encode(&tx.id), what: what.into() }
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// What an event says.
pub(super) fn event(chain: Chain, contract: &[u8; 20], log: &Log) -> Result<Option<Event>, String> {
    let topics = log.topics.iter().map(|topic| replies::hash(topic, "topics"));
    let topics = topics.collect::<Result<Vec<_>, _>>().map_err(|lie| lie.to_string())?;
    let topics: Vec<[u8; 32]> = topics.into_iter().map(without_prefix).collect();
    let data = replies::bytes(&log.data, "data").map_err(|lie| lie.to_string())?;
    Ok(events::read(chain, contract, &topics, &data))
}

/// A contract's address in an event has no 41 before it. Some providers add it.
pub(super) fn twenty(text: &str) -> Option<[u8; 20]> {
    let bytes = model::hex::decode(text)?;
    bytes.as_slice().try_into().ok().or_else(|| replies::address(&bytes))
}

/// Contracts of Tron's early compilers put their 41 before an address in a topic.
fn without_prefix(mut topic: [u8; 32]) -> [u8; 32] {
    if topic[..11] == [0; 11] && topic[11] == 0x41 {
        topic[11] = 0;
    }
    topic
}
