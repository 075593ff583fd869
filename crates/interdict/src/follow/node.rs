//! A node of any chain.
//!
//! [`Source`] is made for one chain's types. A follower holds several nodes side by side and does not
//! care which, so it holds this: the same questions, with boxed answers.

use std::pin::Pin;
use std::sync::Arc;

use chain::source::{Block, BlockRef, Internal, Sees, Source, SourceError};
use model::Chain;
use tokio::sync::Mutex;

/// An answer that is waited for.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, SourceError>> + Send + 'a>>;

pub trait Node: Send + Sync {
    /// Its address as it may be shown.
    fn name(&self) -> &str;
    /// None until it was reached once.
    fn sees(&self) -> Option<Sees>;
    fn tip(&self) -> Answer<'_, BlockRef>;
    fn header(&self, height: u64) -> Answer<'_, BlockRef>;
    fn block(&self, height: u64) -> Answer<'_, Block>;
    fn finalized(&self) -> Answer<'_, Option<u64>>;
    fn changed(&self) -> Answer<'_, ()>;
}

/// A source that is reached when it is first needed, and again until it is.
pub struct Dialled<S, D> {
    name: String,
    dial: D,
    reached: Mutex<Option<Arc<S>>>,
    sees: std::sync::Mutex<Option<Sees>>,
}

impl<S, D, F> Dialled<S, D>
where
    S: Source,
    D: Fn() -> F + Send + Sync,
    F: Future<Output = Result<S, SourceError>> + Send,
{
    pub fn new(name: String, dial: D) -> Dialled<S, D> {
        Dialled { name, dial, reached: Mutex::new(None), sees: std::sync::Mutex::new(None) }
    }

    async fn source(&self) -> Result<Arc<S>, SourceError> {
        let mut reached = self.reached.lock().await;
        if let Some(source) = &*reached {
            return Ok(source.clone());
        }
        let source = Arc::new((self.dial)().await?);
        *self.sees.lock().expect("nothing panics while it holds the lock") = Some(source.sees());
        *reached = Some(source.clone());
        Ok(source)
    }
}

impl<S, D, F> Node for Dialled<S, D>
where
    S: Source + 'static,
    D: Fn() -> F + Send + Sync,
    F: Future<Output = Result<S, SourceError>> + Send,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn sees(&self) -> Option<Sees> {
        *self.sees.lock().expect("nothing panics while it holds the lock")
    }

    fn tip(&self) -> Answer<'_, BlockRef> {
        Box::pin(async { self.source().await?.tip().await })
    }

    fn header(&self, height: u64) -> Answer<'_, BlockRef> {
        Box::pin(async move { self.source().await?.header(height).await })
    }

    fn block(&self, height: u64) -> Answer<'_, Block> {
        Box::pin(async move { self.source().await?.block(height).await })
    }

    fn finalized(&self) -> Answer<'_, Option<u64>> {
        Box::pin(async { self.source().await?.finalized().await })
    }

    fn changed(&self) -> Answer<'_, ()> {
        Box::pin(async { self.source().await?.changed().await })
    }
}

/// What of a block this node cannot see, in a few words; empty when it sees everything.
pub fn unseen(sees: Sees) -> String {
    let mut unseen = Vec::new();
    match sees.internal {
        Internal::Plain | Internal::TraceBlock | Internal::CallTracer | Internal::Told => {}
        Internal::Unseen => unseen.push("value that contracts move"),
    }
    if !sees.tips {
        unseen.push("fees that reach a block's producer");
    }
    unseen.join(", ")
}

/// Heights of a chain that may have no block: Solana counts slots.
pub fn skips_heights(chain: Chain) -> bool {
    matches!(chain, Chain::Solana(_))
}
