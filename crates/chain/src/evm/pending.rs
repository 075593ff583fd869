//! Transactions that wait for a block, as far as they touch watched accounts.
//!
//! A transaction is [seen](PendingEvent) once, and then confirmed, replaced or
//! dropped; after a reorg it may be seen again.
//!
//! The node's pool is read as a whole with `txpool_content`, else the block it
//! would make next. What left the pool is asked for by its hash. As in a block, a
//! transaction's hash is recomputed, and who signed it is the node's word.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use alloy_primitives::{Address as Raw, B256, Bytes, U64, U256};
use model::{Address, Asset, TxId};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::verify::{self, tx_hash};
use super::wire::not_json;
use super::{Node, events};
use crate::source::{Expected, Kind, Lie, Pending, PendingEvent, SourceError};

/// A transaction that waits.
#[derive(Clone, Debug)]
struct Waiting {
    tx: TxId,
    sender: Address,
    /// Of one sender's transactions with one nonce, at most one gets into a block.
    nonce: u64,
    moves: Vec<Expected>,
}

/// Watched accounts, and what of theirs waits.
#[derive(Default)]
pub struct Watch {
    accounts: BTreeSet<Address>,
    waiting: BTreeMap<(Address, u64), Waiting>,
}

impl Watch {
    pub fn of(accounts: impl IntoIterator<Item = Address>) -> Watch {
        Watch { accounts: accounts.into_iter().collect(), waiting: BTreeMap::new() }
    }

    /// What waits now.
    pub fn waiting(&self) -> BTreeSet<TxId> {
        self.waiting.values().map(|waiting| waiting.tx).collect()
    }

    fn touches(&self, waiting: &Waiting) -> bool {
        let is_watched = |account: &Address| self.accounts.contains(account);
        let ends = waiting.moves.iter().flat_map(|moved| [&moved.from, &moved.to]);
        is_watched(&waiting.sender) || ends.flatten().any(is_watched)
    }

    /// What the pool says of those that waited.
    fn compare(&self, pool: &Pool) -> Compared {
        let mut compared = Compared::default();
        for (slot, waiting) in &self.waiting {
            match pool.get(slot) {
                Some(now) if now.tx == waiting.tx => {}
                Some(now) => {
                    let replaced = PendingEvent::Replaced { tx: waiting.tx, by: Some(now.tx) };
                    compared.left.push((slot.clone(), replaced));
                }
                None => compared.gone.push(waiting.clone()),
            }
        }
        compared
    }

    /// Takes in what was found, which is told once.
    fn settle(&mut self, pool: Pool, left: Vec<(Slot, PendingEvent)>) -> Vec<PendingEvent> {
        let mut news = Vec::new();
        for (slot, told) in left {
            self.waiting.remove(&slot);
            news.push(told);
        }
        for (slot, waiting) in pool {
            if self.touches(&waiting) && !self.waiting.contains_key(&slot) {
                news.push(PendingEvent::Seen(waiting.pending()));
                self.waiting.insert(slot, waiting);
            }
        }
        news
    }
}

impl Waiting {
    fn pending(&self) -> Pending {
        Pending { tx: self.tx, moves: self.moves.clone(), is_whole: false }
    }
}

type Slot = (Address, u64);
type Pool = BTreeMap<Slot, Waiting>;

#[derive(Default)]
struct Compared {
    left: Vec<(Slot, PendingEvent)>,
    /// No longer in the pool: the node must say what became of them.
    gone: Vec<Waiting>,
}

impl Node {
    /// What happened to waiting transactions since the last time. After an error
    /// nothing is forgotten: ask again.
    pub async fn pending(&self, watch: &mut Watch) -> Result<Vec<PendingEvent>, SourceError> {
        let pool = self.pool(watch).await?;
        let Compared { mut left, gone } = watch.compare(&pool);
        for waiting in gone {
            if let Some(fate) = self.fate(&waiting).await? {
                left.push(((waiting.sender, waiting.nonce), fate));
            }
        }
        Ok(watch.settle(pool, left))
    }

    /// What waits, of any sender.
    async fn pool(&self, watch: &Watch) -> Result<Pool, SourceError> {
        if self.has_pool.load(Ordering::Relaxed) {
            let method = "txpool_content";
            match self.ask(method, json!([])).await {
                Ok(text) => {
                    let content: Result<Content<'_>, _> = serde_json::from_str(text.get());
                    let read = content.map_err(|e| not_json(&e)).and_then(|content| {
                        let lists = [content.pending, content.queued];
                        let txs = lists.into_iter().flatten().flat_map(BTreeMap::into_values);
                        self.read_pool(txs.flat_map(BTreeMap::into_values), watch)
                    });
                    return read.map_err(|lie| self.error(Kind::from(lie)).asking(method));
                }
                Err(error) if matches!(error.kind, Kind::NoMethod(_)) => {
                    self.has_pool.store(false, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
        }
        let method = "eth_getBlockByNumber";
        let block = self.ask_for(method, json!(["pending", true])).await?;
        let read = pending_body(&block).and_then(|txs| self.read_pool(txs.into_iter(), watch));
        read.map_err(|lie| self.error(Kind::from(lie)).asking(method))
    }

    fn read_pool<'a>(
        &self,
        txs: impl Iterator<Item = &'a RawValue>,
        watch: &Watch,
    ) -> Result<Pool, Lie> {
        let mut pool = Pool::new();
        for raw in txs {
            let tx: PoolTx = serde_json::from_str(raw.get()).map_err(|e| not_json(&e))?;
            let waiting = self.read_waiting(&tx);
            // Thousands wait that touch nobody watched.
            if watch.touches(&waiting) {
                verify::hashes_to(raw, tx.kind, tx.hash, self.rules.has_roots)?;
            }
            pool.insert((waiting.sender.clone(), waiting.nonce), waiting);
        }
        Ok(pool)
    }

    fn read_waiting(&self, tx: &PoolTx) -> Waiting {
        let sender = Address::Evm(tx.from.into_array());
        let nonce = tx.nonce.to::<u64>();
        let mut moves = Vec::new();
        if !tx.value.is_zero() {
            let to = tx.to.unwrap_or_else(|| tx.from.create(nonce));
            moves.push(Expected {
                position: None,
                from: Some(sender.clone()),
                to: Some(Address::Evm(to.into_array())),
                asset: Asset::native(self.chain),
                amount: tx.value,
            });
        }
        if let Some(token) = tx.to
            && let Some(asked) = events::asked(tx.from.into_array(), &tx.input)
        {
            let asset = Asset::token(self.chain, Address::Evm(token.into_array()));
            let (from, to) = (Some(Address::Evm(asked.from)), Some(Address::Evm(asked.to)));
            moves.push(Expected { position: None, from, to, asset, amount: asked.amount });
        }
        let tx = TxId { chain: self.chain, hash: tx_hash(tx.hash) };
        Waiting { tx, sender, nonce, moves }
    }

    /// What became of one that left the pool; none where it waits after all.
    async fn fate(&self, waiting: &Waiting) -> Result<Option<PendingEvent>, SourceError> {
        let tx = waiting.tx;
        let method = "eth_getTransactionByHash";
        let answer = self.ask(method, json!([tx.hash_text()])).await?;
        let lie = |e: serde_json::Error| self.error(Kind::from(not_json(&e)));
        let found: Option<Found> =
            serde_json::from_str(answer.get()).map_err(|e| lie(e).asking(method))?;
        if let Some(found) = found {
            let place = found.block_number.zip(found.block_hash);
            let confirmed = place.map(|(height, block)| {
                let (height, block) = (height.to(), tx_hash(block));
                PendingEvent::Confirmed { tx, height, block }
            });
            return Ok(confirmed);
        }
        let method = "eth_getTransactionCount";
        let sender = waiting.sender.text(self.chain);
        let answer = self.ask(method, json!([sender, "latest"])).await?;
        let used: U64 = serde_json::from_str(answer.get()).map_err(|e| lie(e).asking(method))?;
        Ok(Some(match used.to::<u64>() > waiting.nonce {
            true => PendingEvent::Replaced { tx, by: None },
            false => PendingEvent::Dropped { tx },
        }))
    }
}

/// `txpool_content`: by sender and nonce.
#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    pending: Option<BySender<'a>>,
    /// They wait for one of a lower nonce.
    #[serde(borrow, default)]
    queued: Option<BySender<'a>>,
}

type BySender<'a> = BTreeMap<String, BTreeMap<String, &'a RawValue>>;

#[derive(Deserialize)]
struct PoolTx {
    hash: B256,
    from: Raw,
    to: Option<Raw>,
    value: U256,
    nonce: U64,
    input: Bytes,
    #[serde(rename = "type", default)]
    kind: Option<U64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    block_number: Option<U64>,
    block_hash: Option<B256>,
}

fn pending_body(block: &RawValue) -> Result<Vec<&RawValue>, Lie> {
    #[derive(Deserialize)]
    struct Next<'a> {
        #[serde(borrow)]
        transactions: Vec<&'a RawValue>,
    }
    let next: Next<'_> = serde_json::from_str(block.get()).map_err(|e| not_json(&e))?;
    Ok(next.transactions)
}
