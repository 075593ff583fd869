//! Asks a node what waits for a block, for watched addresses, and notes it.
//!
//! A task of its own beside the follower of its chain: it only ever writes what waits and the note
//! of [`pending`](super::pending), and its trouble is nobody else's.
//!
//! What the node says is held against what is stored: a transaction whose block was taken back, or that
//! left the pool while nobody looked, is settled as soon as the store is where the node is.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chain::evm::pending::Watch;
use chain::source::{self, BlockRef, PendingEvent, Source, SourceError};
use chain::{bitcoin, evm};
use model::{Account, Address, Chain, Timestamp, Transaction, TxHash, TxId, View};
use store::{Expected, Following, PENDING_MAX, PendingNews};

use super::Keeper;
use super::dial;
use super::nodes::with_causes;
use super::pending::{Ledger, OLD_NOTE, TROUBLE, noted};
use crate::config::{Follow, NodeConfig};

/// Between two times a node is asked that does not tell by itself.
const PAUSE: Duration = Duration::from_secs(1);
/// After an error, twice as long each time.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// So often one after the other a node may fail before another is asked, where there is one.
const FAILURES_MAX: u32 = 3;

/// The addresses of a file, one a line: CAIP-10, or as any of these chains writes them, and then watched
/// on each of them.
pub fn watched(path: &Path, chains: &[Chain]) -> Result<BTreeSet<Account>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut accounts = BTreeSet::new();
    for (number, line) in (1u64..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let found: Vec<Account> = match line.parse() {
            Ok(account) => vec![account],
            Err(_) => chains.iter().filter_map(|chain| Account::parse(line, *chain).ok()).collect(),
        };
        if found.is_empty() {
            bail!(
                "{}: line {number}: {line:?} is no address of a chain that is followed",
                path.display()
            );
        }
        accounts.extend(found);
    }
    Ok(accounts)
}

/// Is a node of this chain asked for what waits?
pub fn is_asked(chain: Chain) -> bool {
    matches!(chain, Chain::Evm(_) | Chain::Bitcoin(_))
}

/// Until it is dropped. One node is asked at a time; one that keeps failing gives way to the next.
pub async fn run(
    chain: Chain,
    nodes: Vec<NodeConfig>,
    follow: Follow,
    watched: Vec<Address>,
    keeper: Keeper,
) {
    if !is_asked(chain) {
        return;
    }
    let ledger = keeper.with(move |f| noted(f.store(), chain)).await.unwrap_or_default();
    // That of an earlier run is no longer so.
    let _ = keeper.with(move |f| f.note(chain, &[(TROUBLE, None), (OLD_NOTE, None)])).await;
    let (told, tip, trouble) = (Vec::new(), None, None);
    let mut watching = Watching { chain, keeper, ledger, told, tip, trouble };
    let mut pool = None;
    let mut pause = PAUSE_AFTER_ERROR;
    let (mut at, mut failures) = (0, 0);
    while let Some(node) = nodes.get(at) {
        let asked = match &mut pool {
            Some(pool) => watching.look(pool).await,
            None => match Pool::reach(chain, node, &follow, &watched).await {
                Ok(reached) => watching.look(pool.insert(reached)).await,
                Err(error) => Err(error),
            },
        };
        watching.note_trouble(asked.as_ref().err()).await;
        match (&pool, asked) {
            (Some(pool), Ok(())) => {
                (pause, failures) = (PAUSE_AFTER_ERROR, 0);
                tokio::time::sleep(pool.pause()).await;
            }
            _ => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
                failures += 1;
                if failures >= FAILURES_MAX && nodes.len() > 1 {
                    // What the last one told is in the ledger; the next tells anew what waits with it.
                    (at, failures, pause) = ((at + 1) % nodes.len(), 0, PAUSE_AFTER_ERROR);
                    pool = None;
                }
            }
        }
    }
}

/// What waits at a node.
enum Pool {
    Evm(Box<evm::Node>, Watch),
    Bitcoin(Box<bitcoin::Mempool>),
}

impl Pool {
    async fn reach(
        chain: Chain,
        node: &NodeConfig,
        follow: &Follow,
        watched: &[Address],
    ) -> Result<Pool, SourceError> {
        let watched = watched.iter().cloned();
        if matches!(chain, Chain::Bitcoin(_)) {
            let node = bitcoin::Node::connect(&dial::bitcoin_options(chain, node, follow)).await?;
            let mempool = bitcoin::Mempool::of(Arc::new(node), watched.collect()).await?;
            return Ok(Pool::Bitcoin(Box::new(mempool)));
        }
        let node = evm::Node::connect(&dial::evm_options(chain, node, follow)).await?;
        Ok(Pool::Evm(Box::new(node), Watch::of(watched)))
    }

    /// What happened since the last time. After an error nothing is forgotten.
    async fn news(&mut self) -> Result<Vec<PendingEvent>, SourceError> {
        match self {
            Pool::Evm(node, watch) => node.pending(watch).await,
            Pool::Bitcoin(mempool) => mempool.news().await,
        }
    }

    fn waiting(&self) -> BTreeSet<TxId> {
        match self {
            Pool::Evm(_, watch) => watch.waiting(),
            Pool::Bitcoin(mempool) => mempool.waiting(),
        }
    }

    async fn tip(&self) -> Result<BlockRef, SourceError> {
        match self {
            Pool::Evm(node, _) => node.tip().await,
            Pool::Bitcoin(mempool) => mempool.node().tip().await,
        }
    }

    fn pause(&self) -> Duration {
        match self {
            Pool::Evm(..) => PAUSE,
            // It waits by itself.
            Pool::Bitcoin(_) => Duration::ZERO,
        }
    }
}

/// What was told of one chain, and who keeps it.
struct Watching {
    chain: Chain,
    keeper: Keeper,
    ledger: Ledger,
    /// What the store was not told yet.
    told: Vec<(TxId, PendingNews)>,
    /// The last stored block when the ledger was read.
    tip: Option<TxHash>,
    /// What was noted last of what went wrong.
    trouble: Option<String>,
}

/// What the store has of a transaction, and where the store is.
struct Stored {
    height: Option<u64>,
    tip: Option<TxHash>,
}

impl Watching {
    async fn look(&mut self, pool: &mut Pool) -> Result<(), SourceError> {
        let news = pool.news().await?;
        self.read_again().await;
        for event in news {
            let (tx, news) = told(event);
            self.take(tx, news);
        }
        let settled = self.settle(pool).await;
        self.tell().await;
        settled
    }

    /// Blocks that were taken back took their confirmations with them.
    async fn read_again(&mut self) {
        let (chain, last) = (self.chain, self.tip);
        let read = move |f: &mut Following| {
            let tip = f.tip(chain).map(|tip| tip.hash);
            (tip != last).then(|| (tip, noted(f.store(), chain)))
        };
        let read = self.keeper.with(read).await;
        if let (true, Some((tip, Ok(ledger)))) = (self.told.is_empty(), read) {
            (self.tip, self.ledger) = (tip, ledger);
        }
    }

    fn take(&mut self, tx: TxId, news: PendingNews) {
        self.ledger.take(tx, &news, Timestamp::now());
        self.told.push((tx, news));
    }

    /// What cannot be kept now is kept with the next news.
    async fn tell(&mut self) {
        let told = std::mem::take(&mut self.told);
        if told.is_empty() {
            return;
        }
        let over = told.len().saturating_sub(PENDING_MAX as usize);
        let tell = move |f: &mut Following| {
            let kept = f.store().tell_pending(&told, Timestamp::now());
            kept.err().map(|_| told)
        };
        if let Some(mut told) = self.keeper.with(tell).await {
            told.drain(..over);
            self.told = told;
        }
    }

    /// What waited when an earlier run ended, and does not wait now, is in a block that is stored, or gone.
    /// What was confirmed by a block that is no longer there is in another one, waits again, or is gone.
    async fn settle(&mut self, pool: &Pool) -> Result<(), SourceError> {
        let chain = self.chain;
        let hot =
            self.keeper.with(move |f| Some(f.recent(chain).first()?.0..=f.tip(chain)?.height));
        let hot = hot.await;
        let waits = pool.waiting();
        let mut doubtful: Vec<TxId> =
            self.ledger.open(chain).into_iter().filter(|tx| !waits.contains(tx)).collect();
        doubtful.extend(hot.map(|hot| self.ledger.confirmed_at(chain, hot)).unwrap_or_default());
        if doubtful.is_empty() {
            return Ok(());
        }
        let node = pool.tip().await?.hash;
        for tx in doubtful {
            let Some(stored) = self.stored(tx).await else { continue };
            match stored.height {
                Some(height) if self.ledger.is_confirmed(tx, height) => {}
                Some(height) => self.take(tx, PendingNews::Confirmed { height }),
                None if waits.contains(&tx) => {
                    self.take(tx, PendingNews::Seen { moves: Vec::new(), is_whole: false });
                }
                // Else the follower is still behind, or on a branch that lost.
                None if stored.tip == Some(node) => self.take(tx, PendingNews::Gone),
                None => {}
            }
        }
        Ok(())
    }

    /// None where the store cannot say just now.
    async fn stored(&self, tx: TxId) -> Option<Stored> {
        let chain = self.chain;
        let look = move |f: &mut Following| {
            let found = f.store().transaction(&tx).ok()?;
            let tip = f.tip(chain).map(|tip| tip.hash);
            Some(Stored { height: found.as_ref().and_then(height_of), tip })
        };
        self.keeper.with(look).await
    }

    async fn note_trouble(&mut self, error: Option<&SourceError>) {
        let trouble = error.map(|error| with_causes(error));
        if trouble == self.trouble {
            return;
        }
        self.trouble.clone_from(&trouble);
        let chain = self.chain;
        let note = move |following: &mut Following| {
            following.note(chain, &[(TROUBLE, trouble.as_deref())])
        };
        let _ = self.keeper.with(note).await;
    }
}

/// As the store keeps it.
fn told(event: PendingEvent) -> (TxId, PendingNews) {
    let expected = |moved: source::Expected| {
        let source::Expected { position, from, to, asset, amount } = moved;
        Expected { position, from, to, asset, amount }
    };
    match event {
        PendingEvent::Seen(source::Pending { tx, moves, is_whole }) => {
            let moves = moves.into_iter().map(expected).collect();
            (tx, PendingNews::Seen { moves, is_whole })
        }
        PendingEvent::Replaced { tx, by } => (tx, PendingNews::Replaced { by }),
        PendingEvent::Dropped { tx } => (tx, PendingNews::Dropped),
        PendingEvent::Confirmed { tx, height, .. } => (tx, PendingNews::Confirmed { height }),
    }
}

fn height_of(transaction: &Transaction) -> Option<u64> {
    match transaction {
        Transaction::Account { transfers, .. } => transfers.first()?.height,
        Transaction::Utxo(tx) => tx.height,
    }
}
