//! Asks a node what waits for a block, for watched addresses, and notes it.
//!
//! A task of its own beside the follower of its chain: it only ever writes the note of
//! [`pending`](super::pending), and its trouble is nobody else's.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chain::evm;
use chain::evm::pending::{News, Watch};
use model::{Account, Address, Chain, Timestamp, Transaction, TxId, View};
use store::Following;

use super::Keeper;
use super::dial;
use super::pending::{Ledger, NOTE, PendingTransfer, State, noted};
use crate::config::{Follow, NodeConfig};

/// Between two times the node is asked.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(10);

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

/// Until it is dropped. Only EVM nodes are asked so far.
pub async fn run(
    chain: Chain,
    node: NodeConfig,
    follow: Follow,
    watched: Vec<Address>,
    keeper: Keeper,
) {
    if !matches!(chain, Chain::Evm(_)) {
        return;
    }
    let options = dial::evm_options(chain, &node, &follow);
    let mut ledger = keeper.with(move |f| noted(f.store(), chain)).await.unwrap_or_default();
    let mut watch = Watch::of(watched);
    let mut node = None;
    let mut is_level = false;
    loop {
        if node.is_none() {
            node = evm::Node::connect(&options).await.ok();
        }
        let news = match &node {
            Some(node) => node.pending(&mut watch).await.ok(),
            None => None,
        };
        let Some(news) = news else {
            tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            continue;
        };
        let before = ledger.clone();
        let now = Timestamp::now();
        news.into_iter().for_each(|news| take(&mut ledger, news, now));
        if !is_level {
            catch_up(&mut ledger, &watch, chain, &keeper).await;
            is_level = true;
        }
        if ledger != before {
            note(chain, &ledger, &keeper).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn take(ledger: &mut Ledger, news: News, now: Timestamp) {
    match news {
        News::Seen(waiting) => {
            let tx = waiting.tx;
            let rows = waiting.expected.into_iter().map(|row| PendingTransfer {
                tx: tx.hash_text(),
                // It has none before it runs.
                position: None,
                from: Some(row.from.text(tx.chain)),
                to: Some(row.to.text(tx.chain)),
                asset: row.asset.to_string(),
                amount: row.amount.to_string(),
                seen: now,
                state: State::Seen,
            });
            ledger.seen(tx, rows.collect());
        }
        News::Replaced { tx, by } => ledger.replaced(tx, by, now),
        News::Dropped { tx } => ledger.dropped(tx, now),
        News::Confirmed { tx, height } => ledger.confirmed(tx, height, now),
    }
}

/// What waited when an earlier run ended, and does not wait now, is in a block that is stored, or gone.
async fn catch_up(ledger: &mut Ledger, watch: &Watch, chain: Chain, keeper: &Keeper) {
    let waits: BTreeSet<TxId> = watch.waiting().map(|waiting| waiting.tx).collect();
    for tx in ledger.open(chain).into_iter().filter(|tx| !waits.contains(tx)) {
        let found = keeper.with(move |f| f.store().transaction(&tx)).await;
        let Ok(found) = found else { continue };
        match found.as_ref().and_then(height_of) {
            Some(height) => ledger.confirmed(tx, height, Timestamp::now()),
            None => ledger.dropped(tx, Timestamp::now()),
        }
    }
}

fn height_of(transaction: &Transaction) -> Option<u64> {
    match transaction {
        Transaction::Account { transfers, .. } => transfers.first()?.height,
        Transaction::Utxo(tx) => tx.height,
    }
}

async fn note(chain: Chain, ledger: &Ledger, keeper: &Keeper) {
    let text = ledger.text();
    let note = move |following: &mut Following| following.note(chain, &[(NOTE, Some(&text))]);
    // What could not be noted now is noted with the next change.
    let _ = keeper.with(note).await;
}
