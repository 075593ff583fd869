//! Tron, from a node's HTTP interface.
//!
//! [`Node`] is the [`Source`]: it asks a full node (java-tron) or a service in
//! front of some (TronGrid). [`decode`] is pure: the answers about one block
//! in, its facts out, after [`Lie`]s are ruled out. Two questions make a block:
//! the block itself, and what its transactions caused.

mod contracts;
pub mod decode;
pub(crate) mod inside;
mod internal;
mod proto;
mod replies;
mod verify;
mod wire;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::Chain;
use serde_json::{Value, json};

pub use self::replies::Replies;
pub use self::verify::Checks;

use self::wire::{BLOCK, BLOCK_BY_NUM, INFOS, NODE_INFO, NOW_BLOCK, SOLID_BLOCK, Wire};
use crate::http::Bounds;
use crate::secret::Secret;
use crate::source::{
    Block, BlockRef, Internal, Kind, Lie, Limits, Pace, Sees, Source, SourceError,
};

/// How to reach a node, and what to expect there.
#[derive(Clone, Debug)]
pub struct Options {
    /// What stands before `/wallet`: `http://127.0.0.1:8090`, `https://api.trongrid.io`.
    pub url: String,
    /// What stands before `/walletsolidity`, where that is elsewhere: a full
    /// node has it on port 8091.
    pub solidity: Option<String>,
    /// The chain the node must be on; none takes what it says.
    pub chain: Option<Chain>,
    /// TronGrid's, by file or environment.
    pub key: Option<Secret>,
    pub bounds: Bounds,
    pub limits: Limits,
    /// How often to look for a new block. One is made every three seconds.
    pub poll: Duration,
    /// Does the node keep internal transactions? None finds out.
    pub internal: Option<Internal>,
    /// What is recomputed of each block.
    pub checks: Checks,
}

impl Options {
    pub fn new(url: impl Into<String>) -> Options {
        Options {
            url: url.into(),
            solidity: None,
            chain: None,
            key: None,
            bounds: Bounds::default(),
            limits: Limits::default(),
            poll: Duration::from_secs(1),
            internal: None,
            checks: Checks::default(),
        }
    }
}

/// Tron or one of its test networks as one node shows it.
pub struct Node {
    wire: Wire,
    pace: Pace,
    chain: Chain,
    internal: Internal,
    poll: Duration,
    checks: Checks,
    /// Cleared when the node turns out not to know `getblock` (before 4.7).
    has_headers: AtomicBool,
}

impl Node {
    /// Checks the chain, and finds out what the node shows.
    pub async fn connect(options: &Options) -> Result<Node, SourceError> {
        let solidity = options.solidity.as_deref();
        let wire = Wire::new(&options.url, solidity, options.key.as_ref(), options.bounds)?;
        let pace = Pace::new(options.limits);
        let mut node = Node {
            wire,
            pace,
            chain: options.chain.unwrap_or(Chain::TRON),
            internal: Internal::Unseen,
            poll: options.poll,
            checks: options.checks,
            has_headers: AtomicBool::new(true),
        };
        let found = node.found().await?;
        node.chain = options.chain.unwrap_or(found);
        node.is_on(found)?;
        node.internal = match options.internal {
            Some(internal) => internal,
            None => node.find_internal().await?,
        };
        Ok(node)
    }

    /// A chain is named by the end of its first block's id (CAIP-2, `tron`).
    async fn found(&self) -> Result<Chain, SourceError> {
        let short = json!({ "id_or_num": "0", "detail": false });
        let (path, text) = self.short_or(BLOCK, short, BLOCK_BY_NUM, json!({ "num": 0 })).await?;
        // Only its id counts: with another one it would be another chain.
        let first = self.placed(path, &text, Some(0), Checks { ids: false, ..self.checks })?;
        let bytes = first.hash.bytes();
        let end = model::hex::encode(&bytes[bytes.len() - 4..]);
        let chain: Option<Chain> = format!("tron:0x{end}").parse().ok();
        chain.ok_or_else(|| {
            let what =
                format!("its first block is {}, of no network known", first.hash.text(self.chain));
            self.error(Kind::Refused(what))
        })
    }

    fn is_on(&self, found: Chain) -> Result<(), SourceError> {
        if found == self.chain {
            return Ok(());
        }
        Err(self.error(Kind::WrongChain { expected: self.chain, found }))
    }

    /// Nodes keep internal transactions only where told to (`vm.saveInternalTx`),
    /// and say nothing about it. On the main network few blocks have none.
    async fn find_internal(&self) -> Result<Internal, SourceError> {
        const BLOCKS: u64 = 12;
        let tip = self.tip_of(NOW_BLOCK).await?.height;
        for height in (1..=tip).rev().take(usize::try_from(BLOCKS).expect("few")) {
            let infos = self.ask(INFOS, json!({ "num": height })).await?;
            let infos = replies::infos(&infos).map_err(|lie| self.error(Kind::from(lie)))?;
            if infos.iter().any(|info| !info.internal_transactions.is_empty()) {
                return Ok(Internal::Told);
            }
        }
        Ok(Internal::Unseen)
    }

    async fn ask(&self, path: &'static str, body: Value) -> Result<String, SourceError> {
        let answer = self.pace.ask(|| self.wire.ask(path, &body)).await;
        answer.map_err(|error| error.on(self.chain))
    }

    /// The header of this height, without transactions where the node can.
    async fn header_of(&self, height: u64) -> Result<BlockRef, SourceError> {
        let short = json!({ "id_or_num": height.to_string(), "detail": false });
        let (path, text) =
            self.short_or(BLOCK, short, BLOCK_BY_NUM, json!({ "num": height })).await?;
        self.placed(path, &text, Some(height), self.checks)
    }

    async fn tip_of(&self, otherwise: &'static str) -> Result<BlockRef, SourceError> {
        let short = json!({ "detail": false });
        let (path, text) = self.short_or(BLOCK, short, otherwise, json!({})).await?;
        self.placed(path, &text, None, self.checks)
    }

    /// Asks the short way, and the long way where the node does not know it.
    async fn short_or(
        &self,
        path: &'static str,
        short: Value,
        otherwise: &'static str,
        long: Value,
    ) -> Result<(&'static str, String), SourceError> {
        if self.has_headers.load(Ordering::Relaxed) {
            match self.ask(path, short).await {
                Ok(text) => return Ok((path, text)),
                Err(error) if is_unknown(&error) => {
                    self.has_headers.store(false, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
        }
        Ok((otherwise, self.ask(otherwise, long).await?))
    }

    fn placed(
        &self,
        path: &'static str,
        text: &str,
        height: Option<u64>,
        checks: Checks,
    ) -> Result<BlockRef, SourceError> {
        let placed = decode::block_ref(text, height, checks);
        let placed = placed.map_err(|lie| self.error(Kind::from(lie)).asking(path))?;
        placed.ok_or_else(|| self.error(Kind::NotFound).asking(path))
    }

    async fn read_block(&self, height: u64) -> Result<Block, SourceError> {
        let num = json!({ "num": height });
        let (block, infos) =
            tokio::try_join!(self.ask(BLOCK_BY_NUM, num.clone()), self.infos(height, num))?;
        if block.trim() == "{}" {
            return Err(self.error(Kind::NotFound).asking(BLOCK_BY_NUM));
        }
        let (chain, checks) = (self.chain, self.checks);
        // Hashing and reading a large block takes milliseconds others wait for.
        let decoded = tokio::task::spawn_blocking(move || {
            decode::block(chain, height, &Replies { block: &block, infos: &infos }, checks)
        });
        let decoded = decoded.await.map_err(|e| {
            self.error(Kind::from(Lie::Impossible("the block could not be read".into()))).because(e)
        })?;
        decoded.map_err(|lie| self.error(Kind::from(lie)))
    }

    /// The first block caused nothing a node keeps.
    async fn infos(&self, height: u64, num: Value) -> Result<String, SourceError> {
        if height == 0 {
            return Ok("[]".into());
        }
        self.ask(INFOS, num).await
    }

    /// The last block that two thirds of the producers built on.
    async fn solid(&self) -> Result<Option<u64>, SourceError> {
        match self.ask(SOLID_BLOCK, json!({ "detail": false })).await {
            Ok(text) => {
                let placed = decode::block_ref(&text, None, self.checks);
                let placed = placed.map_err(|lie| self.error(Kind::from(lie)).asking(SOLID_BLOCK));
                return Ok(placed?.map(|at| at.height));
            }
            Err(error) if !is_unknown(&error) && !error.is_transient() => return Err(error),
            // The other port may be closed: the node's own word will do.
            Err(_) => {}
        }
        match self.ask(NODE_INFO, json!({})).await {
            Ok(text) => Ok(solid_of(&text)),
            Err(error) if error.is_transient() => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn error(&self, kind: Kind) -> SourceError {
        SourceError::new(self.wire.node(), kind).on(self.chain)
    }
}

impl Source for Node {
    fn chain(&self) -> Chain {
        self.chain
    }

    /// No fee reaches an account by itself: fees are burnt, or add to what a producer may withdraw, as block
    /// and vote rewards do. A withdrawal is a transaction of its own, whose amount is stated.
    fn sees(&self) -> Sees {
        Sees { internal: self.internal, tips: true }
    }

    /// The chain is checked each time: a node may be another one since.
    async fn tip(&self) -> Result<BlockRef, SourceError> {
        let (found, tip) = tokio::try_join!(self.found(), self.tip_of(NOW_BLOCK))?;
        self.is_on(found)?;
        Ok(tip)
    }

    async fn header(&self, height: u64) -> Result<BlockRef, SourceError> {
        self.header_of(height).await.map_err(|error| error.at(height))
    }

    async fn block(&self, height: u64) -> Result<Block, SourceError> {
        let mut tried = 0;
        loop {
            tried += 1;
            match self.read_block(height).await {
                // Between two questions another block may have come to this height,
                // and a node behind a service may be a block behind its neighbour.
                Err(error) if tried < 3 && may_be_between_blocks(&error) => {
                    tokio::time::sleep(self.poll / 4).await;
                }
                answer => return answer.map_err(|error| error.at(height)),
            }
        }
    }

    async fn finalized(&self) -> Result<Option<u64>, SourceError> {
        self.solid().await
    }

    async fn changed(&self) -> Result<(), SourceError> {
        tokio::time::sleep(self.poll).await;
        Ok(())
    }
}

fn is_unknown(error: &SourceError) -> bool {
    matches!(error.kind, Kind::NoMethod(_) | Kind::Refused(_))
}

fn may_be_between_blocks(error: &SourceError) -> bool {
    matches!(error.lie(), Some(Lie::ReceiptCount { .. } | Lie::ReceiptOrder { .. }))
}

/// `"solidityBlock": "Num:81234567,ID:…"`.
fn solid_of(text: &str) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Info {
        #[serde(rename = "solidityBlock")]
        solid: String,
    }
    let info: Info = serde_json::from_str(text).ok()?;
    info.solid.strip_prefix("Num:")?.split(',').next()?.parse().ok()
}
