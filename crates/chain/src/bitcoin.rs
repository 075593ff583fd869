//! Bitcoin and its test networks, from a node or from a node's files.
//!
//! [`Node`] is the [`Source`]: it asks by JSON-RPC and hears of new blocks by
//! ZeroMQ. [`decode`] is pure: the node's answers about one block in, its facts
//! out, after [`Lie`]s are ruled out. [`Mempool`] tells what becomes of
//! unconfirmed transactions of watched addresses. [`Files`] reads the blocks of
//! a node's data folder in the order of the chain, for a first load.
//!
//! Every transaction is stated with what it creates and which outputs it
//! spends, keyed by the output script itself, whatever its type.

pub mod block;
pub mod decode;
pub mod files;
pub mod frames;
mod mempool;
pub mod network;
mod news;
mod pool;
mod rpc;
#[cfg(test)]
pub(crate) mod testing;
pub mod zmq;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bitcoin::BlockHash;
use model::{BitcoinNetwork, Chain};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

pub use self::files::Files;
pub use self::mempool::Mempool;
pub use self::rpc::Login;

use self::decode::Asked;
use self::news::News;
use self::rpc::{Reply, Rpc};
use crate::http::Bounds;
use crate::source::{
    Block, BlockRef, Internal, Kind, Lie, Limits, Pace, Sees, Source, SourceError, shown_url,
};

/// How to reach a node, and what to expect there.
#[derive(Clone)]
pub struct Options {
    /// `http://…`; user and password may stand in it. Never shown.
    pub url: String,
    pub login: Login,
    /// The chain the node must be on; none takes what it says.
    pub chain: Option<Chain>,
    pub bounds: Bounds,
    pub limits: Limits,
    /// How often to look for a new block where the node does not tell.
    pub poll: Duration,
    /// `tcp://host:port` or `ipc:///path` of the node's ZeroMQ publisher; none
    /// uses what the node says, where that is on the node's own host.
    pub zmq: Option<String>,
    pub previous: Previous,
}

/// Whence it is known what inputs spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Previous {
    /// The node tells with each block. Right wherever following starts.
    Asked,
    /// From the blocks before, which are all held: a block is then asked for
    /// raw, at a tenth of the bytes.
    Held,
}

impl Options {
    pub fn new(url: impl Into<String>) -> Options {
        Options {
            url: url.into(),
            login: Login::default(),
            chain: None,
            bounds: Bounds::default(),
            limits: Limits::default(),
            poll: Duration::from_secs(5),
            zmq: None,
            previous: Previous::Asked,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("url", &shown_url(&self.url))
            .field("chain", &self.chain)
            .field("zmq", &self.zmq)
            .field("previous", &self.previous)
            .finish_non_exhaustive()
    }
}

/// One Bitcoin network as one node shows it.
pub struct Node {
    rpc: Rpc,
    pace: Pace,
    network: BitcoinNetwork,
    previous: Previous,
    /// Cleared when the connection broke: another node may answer next.
    is_checked: AtomicBool,
    bounds: Bounds,
    poll: Duration,
    zmq: Option<String>,
    news: Mutex<News>,
}

/// How far a node is. What it says of itself, for `status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub blocks: u64,
    pub headers: u64,
    /// It still loads the past: its newest block is not the chain's.
    pub is_catching_up: bool,
    /// The lowest block it still has, where it is pruned.
    pub pruned_below: Option<u64>,
}

#[derive(Deserialize)]
struct ChainReply {
    blocks: u64,
    headers: u64,
    initialblockdownload: bool,
    pruneheight: Option<u64>,
    signet_challenge: Option<String>,
}

/// Source: Bitcoin Core, `chainparams.cpp`. A signet of one's own has another,
/// and the same first block.
const SIGNET_CHALLENGE: &str = "512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086b\
                                e430210359ef5021964fe22d6f8e05b2463c9540ce96883fe3b278760f048f5189\
                                f2e6c452ae";

impl Node {
    /// Connects and checks the chain.
    pub async fn connect(options: &Options) -> Result<Node, SourceError> {
        let rpc = Rpc::new(&options.url, &options.login, options.bounds)?;
        let pace = Pace::new(options.limits);
        let found = pace.ask(|| network_of(&rpc)).await?;
        let network = match options.chain {
            None => found,
            Some(Chain::Bitcoin(expected)) if expected == found => found,
            Some(expected) => return Err(wrong_chain(&rpc, expected, found)),
        };
        let news = News::new(options.poll, options.bounds.connect);
        let node = Node {
            rpc,
            pace,
            network,
            previous: options.previous,
            is_checked: AtomicBool::new(true),
            bounds: options.bounds,
            poll: options.poll,
            zmq: options.zmq.clone(),
            news: Mutex::new(news),
        };
        let place = news::publisher(&node, &news::OF_BLOCKS).await?;
        node.news.lock().await.listen_at(place);
        Ok(node)
    }

    pub async fn progress(&self) -> Result<Progress, SourceError> {
        let reply = self.ask("getblockchaininfo", json!([])).await?;
        let told: ChainReply = self.read(&reply)?;
        Ok(Progress {
            blocks: told.blocks,
            headers: told.headers,
            is_catching_up: told.initialblockdownload,
            pruned_below: told.pruneheight,
        })
    }

    /// Asks, as often as the limits allow. After a broken connection the chain
    /// is checked anew before anything else is believed.
    async fn ask(&self, method: &'static str, params: Value) -> Result<Reply, SourceError> {
        let answer = self
            .pace
            .ask(async || {
                self.check().await?;
                self.noting(self.rpc.ask(method, params.clone()).await)
            })
            .await;
        answer.map_err(|error| error.on(self.chain()))
    }

    async fn ask_each(
        &self,
        method: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<Result<Box<serde_json::value::RawValue>, i64>>, SourceError> {
        let answer = self
            .pace
            .ask(async || {
                self.check().await?;
                self.noting(self.rpc.ask_each(method, params.clone()).await)
            })
            .await;
        answer.map_err(|error| error.on(self.chain()))
    }

    async fn check(&self) -> Result<(), SourceError> {
        if self.is_checked.load(Ordering::Relaxed) {
            return Ok(());
        }
        let found = network_of(&self.rpc).await?;
        if found != self.network {
            return Err(wrong_chain(&self.rpc, self.chain(), found));
        }
        self.is_checked.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn noting<T>(&self, answer: Result<T, SourceError>) -> Result<T, SourceError> {
        if matches!(&answer, Err(error) if matches!(error.kind, Kind::Transient(_))) {
            self.is_checked.store(false, Ordering::Relaxed);
        }
        answer
    }

    async fn hash_at(&self, height: u64) -> Result<BlockHash, SourceError> {
        let reply = self.ask("getblockhash", json!([height])).await?;
        self.hash(&reply).map_err(|error| error.asking("getblockhash"))
    }

    async fn newest_hash(&self) -> Result<BlockHash, SourceError> {
        let reply = self.ask("getbestblockhash", json!([])).await?;
        self.hash(&reply).map_err(|error| error.asking("getbestblockhash"))
    }

    fn hash(&self, reply: &Reply) -> Result<BlockHash, SourceError> {
        hash_in(reply).map_err(|lie| self.lie(lie))
    }

    async fn header_of(
        &self,
        hash: BlockHash,
        height: Option<u64>,
    ) -> Result<BlockRef, SourceError> {
        let method = "getblockheader";
        let reply = self.ask(method, json!([hash.to_string(), true])).await?;
        decode::header(reply.text(), Asked { network: self.network, height, hash })
            .map_err(|lie| self.lie(lie).asking(method))
    }

    async fn read_block(&self, height: u64) -> Result<Block, SourceError> {
        let hash = self.hash_at(height).await?;
        let method = "getblock";
        let verbosity = match self.previous {
            Previous::Asked => 3,
            Previous::Held => 0,
        };
        let reply = self.ask(method, json!([hash.to_string(), verbosity])).await?;
        let (network, previous) = (self.network, self.previous);
        // Hashing and reading a large block takes milliseconds others wait for.
        let decoded = tokio::task::spawn_blocking(move || {
            let asked = Asked { network, height: Some(height), hash };
            match previous {
                Previous::Asked => decode::whole(reply.text(), asked),
                Previous::Held => Ok(decode::raw(reply.read()?, asked)?),
            }
        });
        let decoded = decoded.await.map_err(|e| {
            self.lie(Lie::Impossible("the block could not be read".into())).because(e)
        })?;
        decoded.map_err(|kind| self.error(kind).asking(method))
    }

    fn read<'a, T: Deserialize<'a>>(&self, reply: &'a Reply) -> Result<T, SourceError> {
        reply.read().map_err(|lie| self.lie(lie))
    }

    fn lie(&self, lie: Lie) -> SourceError {
        self.error(Kind::from(lie))
    }

    fn error(&self, kind: Kind) -> SourceError {
        SourceError::new(self.rpc.node(), kind).on(self.chain())
    }
}

impl Source for Node {
    fn chain(&self) -> Chain {
        Chain::Bitcoin(self.network)
    }

    fn sees(&self) -> Sees {
        Sees { internal: Internal::Plain, tips: true }
    }

    async fn tip(&self) -> Result<BlockRef, SourceError> {
        let hash = self.newest_hash().await?;
        self.header_of(hash, None).await
    }

    async fn header(&self, height: u64) -> Result<BlockRef, SourceError> {
        let hash = self.hash_at(height).await.map_err(|error| error.at(height))?;
        self.header_of(hash, Some(height)).await.map_err(|error| error.at(height))
    }

    async fn block(&self, height: u64) -> Result<Block, SourceError> {
        self.read_block(height).await.map_err(|error| error.at(height))
    }

    /// Bitcoin has no finality but depth.
    async fn finalized(&self) -> Result<Option<u64>, SourceError> {
        Ok(None)
    }

    async fn changed(&self) -> Result<(), SourceError> {
        self.news.lock().await.of_blocks().await;
        Ok(())
    }
}

/// By its first block.
async fn network_of(rpc: &Rpc) -> Result<BitcoinNetwork, SourceError> {
    let error = |kind| SourceError::new(rpc.node(), kind).asking("getblockhash");
    let reply = rpc.ask("getblockhash", json!([0])).await?;
    let hash = hash_in(&reply).map_err(|lie| error(Kind::from(lie)))?;
    let Some(network) = network::of_genesis(hash) else {
        let what = format!("its first block is {hash}, that of no Bitcoin network known here");
        return Err(error(Kind::Refused(what)));
    };
    if network == BitcoinNetwork::Signet {
        let error = |kind| SourceError::new(rpc.node(), kind).asking("getblockchaininfo");
        let reply = rpc.ask("getblockchaininfo", json!([])).await?;
        let told: ChainReply = reply.read().map_err(|lie| error(Kind::from(lie)))?;
        if told.signet_challenge.is_some_and(|challenge| challenge != SIGNET_CHALLENGE) {
            let what = "a signet of its own: only the default signet is known here";
            return Err(error(Kind::Refused(what.into())));
        }
    }
    Ok(network)
}

fn wrong_chain(rpc: &Rpc, expected: Chain, found: BitcoinNetwork) -> SourceError {
    let kind = Kind::WrongChain { expected, found: Chain::Bitcoin(found) };
    SourceError::new(rpc.node(), kind).asking("getblockhash")
}

fn hash_in(reply: &Reply) -> Result<BlockHash, Lie> {
    let text: &str = reply.read()?;
    text.parse().map_err(|_| Lie::NotJson(format!("expected a block's hash, found {text:?}")))
}
