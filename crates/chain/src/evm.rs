//! EVM chains, any by its id, from a node.
//!
//! [`Node`] is the [`Source`]: it asks by JSON-RPC over HTTP, WebSocket or a
//! local socket. [`decode`] is pure: the node's answers about one block in, its
//! facts out, after [`Lie`](crate::source::Lie)s are ruled out.
//!
//! What a node shows differs. Receipts come by block, else one by one. Calls
//! come from `trace_block`, else from `debug_traceBlockByHash`, else not at all,
//! which [`Sees`] then says.

pub mod calls;
pub mod decode;
pub mod events;
mod fees;
pub mod pending;
pub mod place;
mod replies;
mod rules;
mod running;
mod socket;
pub mod state;
mod traces;
mod verify;
mod wire;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use model::{Chain, Fact, Oddity};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::{Mutex, watch};

pub use self::replies::{Receipts, Replies, Traces};
pub use self::rules::{Fees, Rules};

use self::wire::Wire;
use crate::http::Bounds;
use crate::source::{
    Block, BlockRef, Internal, Kind, Lie, Limits, Pace, Sees, Source, SourceError,
};

/// How to reach a node, and what to expect there.
#[derive(Clone, Debug)]
pub struct Options {
    /// `http://…`, `https://…`, `ws://…`, `wss://…` or the path of a socket. May
    /// hold a key; it is never shown.
    pub url: String,
    /// The chain the node must be on; none takes what it says.
    pub chain: Option<Chain>,
    pub bounds: Bounds,
    pub limits: Limits,
    /// How often to look for a new block where the node does not tell.
    pub poll: Duration,
    /// How to read internal value; none finds out what the node offers.
    pub internal: Option<Internal>,
}

impl Options {
    pub fn new(url: impl Into<String>) -> Options {
        Options {
            url: url.into(),
            chain: None,
            bounds: Bounds::default(),
            limits: Limits::default(),
            poll: Duration::from_secs(2),
            internal: None,
        }
    }
}

/// One EVM chain as one node shows it.
pub struct Node {
    wire: Wire,
    pace: Pace,
    chain: Chain,
    rules: Rules,
    internal: Internal,
    poll: Duration,
    /// Cleared when the node turns out not to know `eth_getBlockReceipts`.
    has_block_receipts: AtomicBool,
    /// Cleared when it turns out not to know `txpool_content`.
    has_pool: AtomicBool,
    /// Does the node tell of new blocks? Else it is polled.
    tells: bool,
    /// None once the connection that told ended.
    heads: Mutex<Option<watch::Receiver<u64>>>,
}

impl Node {
    /// Connects, checks the chain, and finds out what the node shows.
    pub async fn connect(options: &Options) -> Result<Node, SourceError> {
        let wire = Wire::new(&options.url, options.bounds)?;
        let pace = Pace::new(options.limits);
        let found = pace.ask(|| wire.chain()).await?;
        let chain = options.chain.unwrap_or(found);
        wire.expect(chain);
        wire.is_on(found)?;
        let mut node = Node {
            wire,
            pace,
            chain,
            rules: Rules::of(chain),
            internal: Internal::Unseen,
            poll: options.poll,
            has_block_receipts: AtomicBool::new(true),
            has_pool: AtomicBool::new(true),
            tells: false,
            heads: Mutex::new(None),
        };
        node.internal = match options.internal {
            Some(internal) => internal,
            None => node.find_internal().await?,
        };
        let heads = node.wire.subscribe().await.unwrap_or_default();
        node.tells = heads.is_some();
        node.heads = Mutex::new(heads);
        Ok(node)
    }

    /// Asks for the traces of the newest block in both ways.
    async fn find_internal(&self) -> Result<Internal, SourceError> {
        let tip = self.tip().await?;
        let block = hex(tip.height);
        let ways = [
            (Internal::TraceBlock, "trace_block", json!([block])),
            (Internal::CallTracer, "debug_traceBlockByNumber", tracer(&block)),
        ];
        for (way, method, params) in ways {
            match self.ask(method, params).await {
                Ok(answer) if answer.get() != "null" => return Ok(way),
                // It has the method, and lacks this block's state, or is at its first block.
                Err(error) if matches!(error.kind, Kind::NotFound) => return Ok(way),
                Err(error) if error.is_transient() => return Err(error),
                _ => {}
            }
        }
        Ok(Internal::Unseen)
    }

    async fn ask(
        &self,
        method: &'static str,
        params: serde_json::Value,
    ) -> Result<Box<RawValue>, SourceError> {
        let answer = self.pace.ask(|| self.wire.ask(method, params.clone())).await;
        answer.map_err(|error| error.on(self.chain))
    }

    /// As [`Node::ask`]; null means that there is no such thing.
    async fn ask_for(
        &self,
        method: &'static str,
        params: serde_json::Value,
    ) -> Result<Box<RawValue>, SourceError> {
        let answer = self.ask(method, params).await?;
        if answer.get() == "null" {
            return Err(self.error(Kind::NotFound).asking(method));
        }
        Ok(answer)
    }

    async fn block_text(&self, which: &str, is_whole: bool) -> Result<Box<RawValue>, SourceError> {
        self.ask_for("eth_getBlockByNumber", json!([which, is_whole])).await
    }

    async fn read_block(&self, height: u64) -> Result<Block, SourceError> {
        let block = self.block_text(&hex(height), true).await?;
        let hash = replies::stated_hash(block.get()).map_err(|lie| self.error(Kind::from(lie)))?;
        let hash = hash.to_string();
        let (receipts, traces) =
            tokio::try_join!(self.receipts(&block, &hash), self.traces(&hash, height))?;
        let (chain, rules, internal) = (self.chain, self.rules, self.internal);
        let refused = match &traces {
            Traced::Refused(why) => Some(why.clone()),
            Traced::None | Traced::Some(_) => None,
        };
        // Hashing and reading a large block takes milliseconds others wait for.
        let decoded = tokio::task::spawn_blocking(move || {
            let replies = Replies {
                block: block.get(),
                receipts: receipts.as_replies(),
                traces: match (&traces, internal) {
                    (Traced::Some(traces), Internal::TraceBlock) => Traces::Flat(traces.get()),
                    (Traced::Some(traces), _) => Traces::Nested(traces.get()),
                    (Traced::None | Traced::Refused(_), _) => Traces::None,
                },
            };
            decode::block(chain, height, &rules, &replies)
        });
        let decoded = decoded.await.map_err(|e| {
            self.error(Kind::from(Lie::Impossible("the block could not be read".into()))).because(e)
        })?;
        let mut block = decoded.map_err(|lie| self.error(Kind::from(lie)))?;
        if let Some(why) = refused {
            let at = format!("block {height} of {chain}");
            let what = format!("its internal value is not seen: the node says {why:?}");
            block.facts.push(Fact::Oddity(Oddity { at, what, transfer: None }));
        }
        Ok(block)
    }

    async fn receipts(&self, block: &RawValue, hash: &str) -> Result<Given, SourceError> {
        if self.has_block_receipts.load(Ordering::Relaxed) {
            match self.ask_for("eth_getBlockReceipts", json!([hash])).await {
                Ok(receipts) => return Ok(Given::Block(receipts)),
                Err(error) if matches!(error.kind, Kind::NoMethod(_)) => {
                    self.has_block_receipts.store(false, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
        }
        let body = replies::body(block.get()).map_err(|lie| self.error(Kind::from(lie)))?;
        let txs = replies::transactions(&body).map_err(|lie| self.error(Kind::from(lie)))?;
        let mut each = Vec::with_capacity(txs.len());
        for some in txs.chunks(self.pace.at_once().max(1)) {
            let asked =
                some.iter().map(|tx| self.ask_for("eth_getTransactionReceipt", json!([tx.hash])));
            for receipt in join_all(asked).await {
                each.push(String::from(Box::<str>::from(receipt?)));
            }
        }
        Ok(Given::Each(each))
    }

    async fn traces(&self, hash: &str, height: u64) -> Result<Traced, SourceError> {
        // Before the first transaction there is nothing to trace, and nodes refuse it.
        if height == 0 {
            return Ok(Traced::None);
        }
        let answer = match self.internal {
            Internal::TraceBlock => self.ask_for("trace_block", json!([hex(height)])).await,
            Internal::CallTracer => self.ask_for("debug_traceBlockByHash", tracer(hash)).await,
            Internal::Unseen | Internal::Plain | Internal::Told => return Ok(Traced::None),
        };
        match answer {
            Ok(traces) => Ok(Traced::Some(traces)),
            // A node that keeps no old state still has old blocks.
            Err(SourceError { kind: Kind::Refused(why), .. }) => Ok(Traced::Refused(why)),
            Err(error) => Err(error),
        }
    }

    fn error(&self, kind: Kind) -> SourceError {
        SourceError::new(self.wire.node(), kind).on(self.chain)
    }

    fn decoded(&self, block: &RawValue, height: Option<u64>) -> Result<BlockRef, SourceError> {
        decode::block_ref(block.get(), height, &self.rules)
            .map_err(|lie| self.error(Kind::from(lie)).asking("eth_getBlockByNumber"))
    }
}

impl Source for Node {
    fn chain(&self) -> Chain {
        self.chain
    }

    fn sees(&self) -> Sees {
        Sees { internal: self.internal, tips: self.rules.fees != Fees::Unknown }
    }

    /// The chain is checked each time: a node may be another one since.
    async fn tip(&self) -> Result<BlockRef, SourceError> {
        let chain = self.pace.ask(|| self.wire.chain());
        let (found, block) = tokio::try_join!(chain, self.block_text("latest", false))?;
        self.wire.is_on(found)?;
        self.decoded(&block, None)
    }

    async fn header(&self, height: u64) -> Result<BlockRef, SourceError> {
        let block = self.block_text(&hex(height), false).await.map_err(|e| e.at(height))?;
        self.decoded(&block, Some(height)).map_err(|e| e.at(height))
    }

    async fn block(&self, height: u64) -> Result<Block, SourceError> {
        let mut tried = 0;
        loop {
            tried += 1;
            match self.read_block(height).await {
                // Between two questions another block may have come to this height.
                Err(error) if tried < 3 && was_replaced(&error) => {}
                answer => return answer.map_err(|error| error.at(height)),
            }
        }
    }

    async fn finalized(&self) -> Result<Option<u64>, SourceError> {
        match self.block_text("finalized", false).await {
            Ok(block) => Ok(Some(self.decoded(&block, None)?.height)),
            Err(error) if error.is_transient() => Err(error),
            // Chains without finality know no such block.
            Err(_) => Ok(None),
        }
    }

    async fn changed(&self) -> Result<(), SourceError> {
        if !self.tells {
            tokio::time::sleep(self.poll).await;
            return Ok(());
        }
        let mut heads = self.heads.lock().await;
        let Some(news) = heads.as_mut() else {
            match self.wire.subscribe().await {
                // There may have been news in between.
                Ok(news) => *heads = news,
                // Whoever asks for the tip hears why.
                Err(_) => tokio::time::sleep(self.poll).await,
            }
            return Ok(());
        };
        // A connection may fall silent without a word: look now and then.
        if let Ok(Err(_)) = tokio::time::timeout(self.poll * 10, news.changed()).await {
            *heads = None;
        }
        Ok(())
    }
}

fn was_replaced(error: &SourceError) -> bool {
    matches!(error.lie(), Some(Lie::WrongBlock { .. }))
        || matches!(error.kind, Kind::NotFound) && error.method != Some("eth_getBlockByNumber")
}

enum Traced {
    None,
    Some(Box<RawValue>),
    /// The node has the method, and will not answer it for this block.
    Refused(String),
}

enum Given {
    Block(Box<RawValue>),
    Each(Vec<String>),
}

impl Given {
    fn as_replies(&self) -> Receipts<'_> {
        match self {
            Given::Block(text) => Receipts::Block(text.get()),
            Given::Each(texts) => Receipts::Each(texts),
        }
    }
}

fn hex(height: u64) -> String {
    format!("{height:#x}")
}

/// Calls without their events: those come with the receipts.
fn tracer(block: &str) -> serde_json::Value {
    let config = json!({ "onlyTopCall": false, "withLog": false });
    // Five seconds for a transaction, as geth has it, are not enough for some.
    json!([block, { "tracer": "callTracer", "tracerConfig": config, "timeout": "60s" }])
}

#[cfg(test)]
mod tests;
