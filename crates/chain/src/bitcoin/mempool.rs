//! Follows the mempool of a node for watched addresses.
//!
//! Told by the topic `sequence`, transaction by transaction; without it, and
//! whenever a message was lost, the whole list is compared. What a transaction
//! spends is asked for, so no index of transactions is needed.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Transaction, Txid};
use model::{Address, Chain, Output, Timestamp, TxHash, TxId, UtxoTransaction};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Node;
use super::block::{self, Checked};
use super::decode::{self, Asked, OutputReply};
use super::news::{self, Heard, News};
use super::pool::Pool;
use super::zmq::Sequence;
use crate::source::{BlockRef, Kind, Lie, PendingEvent, Source, SourceError};

pub struct Mempool {
    node: Arc<Node>,
    pool: Pool,
    news: News,
    /// Was the whole list compared since the last loss?
    is_level: bool,
    /// Messages of a lower count were already in the list.
    level: u64,
    /// Blocks whose transactions were taken out, the newest last.
    blocks: VecDeque<BlockHash>,
    events: VecDeque<PendingEvent>,
}

#[derive(Deserialize)]
struct ListReply<'a> {
    #[serde(borrow)]
    txids: Vec<&'a str>,
    mempool_sequence: u64,
}

#[derive(Deserialize)]
struct SpendingReply<'a> {
    spendingtxid: Option<&'a str>,
}

/// Questions put into one batch.
const BATCH: usize = 200;

/// A branch longer than this is not walked back: what it confirmed is said to
/// be dropped, and the blocks themselves tell better.
const BRANCH_MAX: usize = 100;

impl Mempool {
    /// Asks nothing yet. Everything already in the mempool counts as seen when
    /// it is first looked at.
    pub async fn of(node: Arc<Node>, watched: HashSet<Address>) -> Result<Mempool, SourceError> {
        let mut news = News::new(node.poll, node.bounds.connect);
        news.listen_at(news::publisher(&node, &news::OF_MEMPOOL).await?);
        Ok(Mempool {
            node,
            pool: Pool::new(watched),
            news,
            is_level: false,
            level: 0,
            blocks: VecDeque::new(),
            events: VecDeque::new(),
        })
    }

    /// The next thing that happens to a transaction of a watched address. An
    /// error loses nothing: the list is compared anew with the next call.
    pub async fn next(&mut self) -> Result<PendingEvent, SourceError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            self.step().await?;
        }
    }

    /// What happened since the last time, in order; nothing, now and then. The
    /// first call tells everything that waits. Errors as of [`Mempool::next`].
    pub async fn news(&mut self) -> Result<Vec<PendingEvent>, SourceError> {
        if self.events.is_empty() {
            self.step().await?;
        }
        Ok(self.events.drain(..).collect())
    }

    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Those of watched addresses that wait, as far as they were told.
    pub fn waiting(&self) -> BTreeSet<TxId> {
        self.pool.waiting(self.node.chain())
    }

    async fn step(&mut self) -> Result<(), SourceError> {
        let step = match self.is_level {
            true => self.hear().await,
            false => self.compare().await,
        };
        if step.is_err() {
            self.is_level = false;
        }
        step
    }

    async fn hear(&mut self) -> Result<(), SourceError> {
        let notice = match self.news.next().await {
            Heard::Notice(notice) if !notice.has_gap => notice,
            Heard::Notice(_) | Heard::Unknown => {
                self.is_level = false;
                return Ok(());
            }
        };
        match notice.sequence() {
            Some(Sequence::Added(id, count)) if count >= self.level => self.add(&[txid(id)]).await,
            Some(Sequence::Removed(id, count)) if count >= self.level => {
                self.remove(&[block::tx_hash(txid(id))]).await
            }
            Some(Sequence::Connected(hash)) => {
                let mut hash = hash;
                hash.reverse();
                self.confirm(BlockHash::from_byte_array(hash)).await.map(|_| ())
            }
            // Its transactions come back one by one.
            Some(Sequence::Disconnected(_)) => Ok(()),
            _ => Ok(()),
        }
    }

    /// Brings what is known level with the node's own list.
    async fn compare(&mut self) -> Result<(), SourceError> {
        // What changes from here on is heard.
        self.news.open().await;
        let reply = self.node.ask("getrawmempool", json!([false, true])).await?;
        let list: ListReply<'_> = self.node.read(&reply)?;
        let ids = list.txids.iter().map(|id| self.txid(id)).collect::<Result<Vec<_>, _>>()?;
        let confirmed = self.confirm_new().await?;
        let given: HashSet<TxHash> = ids.iter().map(|id| block::tx_hash(*id)).collect();
        let gone = self.pool.missing_from(&given);
        self.remove(&gone).await?;
        let mut fresh = ids;
        fresh.retain(|id| {
            let hash = block::tx_hash(*id);
            !self.pool.knows(&hash) && !confirmed.contains(&hash)
        });
        for some in fresh.chunks(BATCH) {
            self.add(some).await?;
        }
        self.level = list.mempool_sequence;
        self.is_level = true;
        Ok(())
    }

    async fn add(&mut self, ids: &[Txid]) -> Result<(), SourceError> {
        let ids: Vec<Txid> =
            ids.iter().copied().filter(|id| !self.pool.knows(&block::tx_hash(*id))).collect();
        let txs = self.transactions(&ids).await?;
        let previous = self.previous_of(&txs).await?;
        let seen = Timestamp::now();
        for (id, tx) in ids.iter().zip(&txs) {
            // Gone again since it was announced.
            let Some(tx) = tx else { continue };
            let mut stated = block::transaction(tx, *id, self.node.chain(), seen);
            for (input, spent) in stated.inputs.iter_mut().zip(&tx.input) {
                input.previous = previous.get(&spent.previous_output).cloned();
            }
            self.events.extend(self.pool.add(&stated));
        }
        Ok(())
    }

    async fn transactions(&self, ids: &[Txid]) -> Result<Vec<Option<Transaction>>, SourceError> {
        let method = "getrawtransaction";
        let params = ids.iter().map(|id| json!([id.to_string(), false])).collect();
        let answers = self.node.ask_each(method, params).await?;
        let read = |(id, answer): (&Txid, Result<Box<serde_json::value::RawValue>, i64>)| {
            let Ok(answer) = answer else { return Ok(None) };
            let hex: &str = serde_json::from_str(answer.get()).map_err(|e| decode::not_json(&e))?;
            decode::transaction(hex, *id).map(Some)
        };
        let txs: Result<Vec<_>, Lie> = ids.iter().zip(answers).map(read).collect();
        txs.map_err(|lie| self.node.lie(lie).asking(method))
    }

    fn txid(&self, text: &str) -> Result<Txid, SourceError> {
        text.parse().map_err(|_| self.node.lie(Lie::NotJson("expected a transaction's id".into())))
    }

    /// What these transactions spend: outputs of blocks, and of others that wait.
    async fn previous_of(
        &self,
        txs: &[Option<Transaction>],
    ) -> Result<HashMap<bitcoin::OutPoint, Output>, SourceError> {
        let inputs = txs.iter().flatten().flat_map(|tx| &tx.input);
        let spent: Vec<bitcoin::OutPoint> = inputs.map(|input| input.previous_output).collect();
        let mut known = HashMap::new();
        for some in spent.chunks(BATCH) {
            let params: Vec<Value> =
                some.iter().map(|out| json!([out.txid.to_string(), out.vout, false])).collect();
            let answers = self.node.ask_each("gettxout", params).await?;
            for (out, answer) in some.iter().zip(answers) {
                let Ok(answer) = answer else { continue };
                let told: Option<OutputReply<'_>> = serde_json::from_str(answer.get())
                    .map_err(|e| self.node.lie(decode::not_json(&e)).asking("gettxout"))?;
                let Some(told) = told else { continue };
                let output = told.read().map_err(|what| {
                    let lie = Lie::Transaction { tx: out.txid.to_string(), what };
                    self.node.lie(lie).asking("gettxout")
                })?;
                known.insert(*out, output);
            }
        }
        let unknown: Vec<bitcoin::OutPoint> =
            spent.into_iter().filter(|out| !known.contains_key(out)).collect();
        let parents: Vec<Txid> = unknown.iter().map(|out| out.txid).collect();
        for (some, outs) in parents.chunks(BATCH).zip(unknown.chunks(BATCH)) {
            for (out, parent) in outs.iter().zip(self.transactions(some).await?) {
                let index = usize::try_from(out.vout).unwrap_or(usize::MAX);
                let Some(made) = parent.as_ref().and_then(|tx| tx.output.get(index)) else {
                    continue;
                };
                known.insert(*out, block::output(&made.script_pubkey, made.value.to_sat()));
            }
        }
        Ok(known)
    }

    /// These are no longer in the mempool, and in no block that was looked at.
    async fn remove(&mut self, hashes: &[TxHash]) -> Result<(), SourceError> {
        for hash in hashes {
            let tx = TxId { chain: self.node.chain(), hash: *hash };
            let by = match self.pool.spent_by(hash) {
                Some(spent) => self.spender(spent).await?.filter(|by| *by != tx),
                None => None,
            };
            if by.is_none() && self.pool.spent_by(hash).is_some() {
                // What a block replaces is told before the block is.
                self.confirm_new().await?;
            }
            self.events.extend(self.pool.remove(tx, by));
        }
        Ok(())
    }

    /// Which transaction of the mempool spends one of these now.
    async fn spender(&self, spent: &[model::Outpoint]) -> Result<Option<TxId>, SourceError> {
        let asked: Vec<Value> = spent
            .iter()
            .map(|out| json!({ "txid": out.tx.hash_text(), "vout": out.index }))
            .collect();
        let chain: Chain = self.node.chain();
        match self.node.ask("gettxspendingprevout", json!([asked])).await {
            Ok(reply) => {
                let told: Vec<SpendingReply<'_>> = self.node.read(&reply)?;
                let by = told.into_iter().find_map(|reply| reply.spendingtxid);
                let by = by.map(|id| self.txid(id)).transpose()?;
                Ok(by.map(|id| TxId { chain, hash: block::tx_hash(id) }))
            }
            // Bitcoin Core before 24.
            Err(error) if matches!(error.kind, Kind::NoMethod(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the transactions of all blocks out that came since.
    async fn confirm_new(&mut self) -> Result<HashSet<TxHash>, SourceError> {
        let mut hash = self.node.newest_hash().await?;
        let is_first = self.blocks.is_empty();
        let mut branch = Vec::new();
        while !self.blocks.contains(&hash) && branch.len() < BRANCH_MAX {
            branch.push(hash);
            let at = self.node.header_of(hash, None).await?;
            if is_first || at.height == 0 {
                break;
            }
            hash = block::library_hash(at.parent);
        }
        let mut confirmed = HashSet::new();
        for hash in branch.into_iter().rev() {
            confirmed.extend(self.confirm(hash).await?);
        }
        Ok(confirmed)
    }

    async fn confirm(&mut self, hash: BlockHash) -> Result<Vec<TxHash>, SourceError> {
        if self.blocks.contains(&hash) {
            return Ok(Vec::new());
        }
        let (at, txs) = self.read_block(hash).await?;
        self.events.extend(self.pool.confirm(at, &txs));
        self.blocks.push_back(hash);
        if self.blocks.len() > BRANCH_MAX {
            self.blocks.pop_front();
        }
        Ok(txs.into_iter().map(|tx| tx.id.hash).collect())
    }

    async fn read_block(
        &self,
        hash: BlockHash,
    ) -> Result<(BlockRef, Vec<UtxoTransaction>), SourceError> {
        let method = "getblock";
        let at = self.node.header_of(hash, None).await?;
        let reply = self.node.ask(method, json!([hash.to_string(), 0])).await?;
        let asked = Asked { network: self.node.network, height: Some(at.height), hash };
        let checked: Checked = decode::raw_checked(self.node.read(&reply)?, asked)
            .map_err(|lie| self.node.lie(lie).asking(method))?;
        let txs = checked.facts(Some(at.height)).filter_map(|fact| match fact {
            model::Fact::Utxo(tx) => Some(tx),
            _ => None,
        });
        Ok((at, txs.collect()))
    }
}

/// Messages write a hash as it is printed, the library as it is hashed.
fn txid(mut bytes: [u8; 32]) -> Txid {
    bytes.reverse();
    Txid::from_byte_array(bytes)
}
