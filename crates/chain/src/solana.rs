//! Solana, from a node's JSON-RPC interface.
//!
//! [`Node`] is the [`Source`]: one question makes a block (`getBlock`).
//! [`decode`] is pure: its answer in, facts out, after [`Lie`]s are ruled out.
//!
//! Heights are slots: what every explorer and every method of a node goes by.
//! Not every slot has a block. A slot without one is [`Kind::Skipped`], and the
//! next block's parent is the last one before it.

mod books;
pub mod decode;
pub(crate) mod instructions;
mod message;
mod replies;
pub(crate) mod wire;

use std::time::Duration;

use model::Chain;
use serde_json::value::RawValue;
use serde_json::{Value, json};

pub use self::decode::Reading;

use self::wire::Wire;
use crate::http::Bounds;
use crate::source::{
    Block, BlockRef, Internal, Kind, Lie, Limits, Pace, Sees, Source, SourceError,
};

/// How to reach a node, and what to expect there.
#[derive(Clone, Debug)]
pub struct Options {
    /// `http://…` or `https://…`. May hold a key; it is never shown.
    pub url: String,
    /// The chain the node must be on; none takes what it says.
    pub chain: Option<Chain>,
    pub commitment: Commitment,
    pub bounds: Bounds,
    pub limits: Limits,
    /// How often to look for a new block. There is a slot every 400 ms.
    pub poll: Duration,
    pub reading: Reading,
}

/// How sure a block must be before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commitment {
    /// Two thirds of the stake voted for it: seconds.
    Confirmed,
    /// And for 31 blocks on top of it: some thirteen seconds.
    Finalized,
}

impl Commitment {
    fn text(self) -> &'static str {
        match self {
            Commitment::Confirmed => "confirmed",
            Commitment::Finalized => "finalized",
        }
    }
}

impl Options {
    pub fn new(url: impl Into<String>) -> Options {
        Options {
            url: url.into(),
            chain: None,
            commitment: Commitment::Confirmed,
            bounds: Bounds::default(),
            limits: Limits::default(),
            poll: Duration::from_millis(400),
            reading: Reading::default(),
        }
    }
}

/// Solana or one of its test networks as one node shows it.
pub struct Node {
    wire: Wire,
    pace: Pace,
    chain: Chain,
    commitment: Commitment,
    poll: Duration,
    reading: Reading,
}

impl Node {
    /// Checks the chain.
    pub async fn connect(options: &Options) -> Result<Node, SourceError> {
        let mut node = Node {
            wire: Wire::new(&options.url, options.bounds)?,
            pace: Pace::new(options.limits),
            chain: options.chain.unwrap_or(Chain::SOLANA),
            commitment: options.commitment,
            poll: options.poll,
            reading: options.reading,
        };
        let found = node.found().await?;
        node.chain = options.chain.unwrap_or(found);
        node.is_on(found)?;
        Ok(node)
    }

    async fn found(&self) -> Result<Chain, SourceError> {
        let method = "getGenesisHash";
        let hash: String = self.read(method, &self.ask(method, json!([])).await?)?;
        chain_of(&hash).map_err(|what| self.error(Kind::Refused(what)).asking(method))
    }

    fn is_on(&self, found: Chain) -> Result<(), SourceError> {
        if found == self.chain {
            return Ok(());
        }
        let kind = Kind::WrongChain { expected: self.chain, found };
        Err(self.error(kind).asking("getGenesisHash"))
    }

    async fn ask(&self, method: &'static str, params: Value) -> Result<Box<RawValue>, SourceError> {
        let answer = self.pace.ask(|| self.wire.ask(method, &params)).await;
        answer.map_err(|error| error.on(self.chain))
    }

    fn read<T: serde::de::DeserializeOwned>(
        &self,
        method: &'static str,
        answer: &RawValue,
    ) -> Result<T, SourceError> {
        serde_json::from_str(answer.get())
            .map_err(|e| self.error(Kind::from(wire::not_json(&e))).asking(method))
    }

    async fn slot(&self, commitment: Commitment) -> Result<u64, SourceError> {
        let method = "getSlot";
        let answer = self.ask(method, json!([{ "commitment": commitment.text() }])).await?;
        self.read(method, &answer)
    }

    /// `details` is `full` or `none`.
    async fn block_text(&self, slot: u64, details: &str) -> Result<Box<RawValue>, SourceError> {
        let method = "getBlock";
        let how = json!({
            "encoding": "base64", "transactionDetails": details, "rewards": details == "full",
            "maxSupportedTransactionVersion": 0, "commitment": self.commitment.text(),
        });
        let answer = self.ask(method, json!([slot, how])).await?;
        if answer.get() == "null" {
            // Old nodes say so of a slot that is not confirmed yet.
            return Err(self.error(Kind::NotFound).asking(method));
        }
        Ok(answer)
    }

    async fn header_of(&self, slot: u64) -> Result<BlockRef, SourceError> {
        let text = self.block_text(slot, "none").await?;
        decode::block_ref(slot, text.get())
            .map_err(|lie| self.error(Kind::from(lie)).asking("getBlock"))
    }

    async fn read_block(&self, slot: u64) -> Result<Block, SourceError> {
        let text = self.block_text(slot, "full").await?;
        let (chain, reading) = (self.chain, self.reading);
        // Verifying a thousand signatures takes tens of milliseconds others wait for.
        let decoded =
            tokio::task::spawn_blocking(move || decode::block(chain, slot, text.get(), reading));
        let decoded = decoded.await.map_err(|e| {
            self.error(Kind::from(Lie::Impossible("the block could not be read".into()))).because(e)
        })?;
        decoded.map_err(|lie| self.error(Kind::from(lie)).asking("getBlock"))
    }

    fn error(&self, kind: Kind) -> SourceError {
        SourceError::new(self.wire.node(), kind).on(self.chain)
    }
}

/// A chain is named by the beginning of its first block's hash (CAIP-2, `solana`).
pub(crate) fn chain_of(hash: &str) -> Result<Chain, String> {
    let name: String = hash.chars().take(32).collect();
    let chain = format!("solana:{name}").parse();
    chain.map_err(|_| format!("its first block is {name}…, of no network known"))
}

impl Source for Node {
    fn chain(&self) -> Chain {
        self.chain
    }

    fn sees(&self) -> Sees {
        Sees { internal: Internal::Told, tips: true }
    }

    /// The chain is checked each time: a node may be another one since.
    async fn tip(&self) -> Result<BlockRef, SourceError> {
        let (found, slot) = tokio::try_join!(self.found(), self.slot(self.commitment))?;
        self.is_on(found)?;
        // The newest slot may not be readable yet, or have no block.
        const BACK: u64 = 32;
        let mut last = None;
        for slot in (slot.saturating_sub(BACK)..=slot).rev() {
            match self.header_of(slot).await {
                Err(error) if matches!(error.kind, Kind::Skipped | Kind::NotFound) => {
                    last = Some(error.at(slot));
                }
                answer => return answer.map_err(|error| error.at(slot)),
            }
        }
        Err(last.expect("at least one slot was asked for"))
    }

    async fn header(&self, height: u64) -> Result<BlockRef, SourceError> {
        self.header_of(height).await.map_err(|error| error.at(height))
    }

    async fn block(&self, height: u64) -> Result<Block, SourceError> {
        self.read_block(height).await.map_err(|error| error.at(height))
    }

    async fn finalized(&self) -> Result<Option<u64>, SourceError> {
        self.slot(Commitment::Finalized).await.map(Some)
    }

    async fn changed(&self) -> Result<(), SourceError> {
        tokio::time::sleep(self.poll).await;
        Ok(())
    }
}
