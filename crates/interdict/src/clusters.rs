//! Clusters of what the store holds: built, kept beside it, and read with what came since laid over.
//!
//! ```text
//! store ──► feed: transactions in the order of the chain ──► entity::clusterer
//!   build:  final ones, on from where the kept ones end ──► file: derived/clusters-<chain>
//!   read:   the kept ones, and over them what is newer or not final; nothing is written
//! ```
//!
//! Kept clusters hold only what is final, so a fork never touches them. A file that came in since and tells of
//! the time before their end changes what they rest on: then everything is built anew, and that is said.

pub mod feed;
mod file;
pub mod services;
pub mod stage;

use anyhow::{Result, bail};
use entity::cluster::Excluded;
use entity::clusterer::{Clusterer, Services};
use entity::heuristics::{Rule, Rules};
use model::{Chain, TxId, View};
use store::Store;

use feed::{Fed, Feed};
use file::{Head, Kept};

/// How `build` went for one chain.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Built {
    pub chain: Chain,
    /// Transactions that were taken in now.
    pub transactions: u64,
    /// Why everything was taken in, and not only what is new.
    pub anew: Option<String>,
    pub bytes: u64,
}

/// Clusters of one chain as they are to be shown now.
pub struct Shown {
    pub clusterer: Clusterer,
    /// What everyone who reads an answer must know.
    pub remarks: Vec<String>,
}

/// More than this is not laid over for one question: `build` takes it in.
const LAID_OVER_MAX: u64 = 2_000_000;

/// Brings the kept clusters of a chain up to date.
pub fn build(
    store: &Store,
    chain: Chain,
    rules: Option<Rules>,
    services: Services,
    is_anew: bool,
) -> Result<Built> {
    let _lock = store.lock_derived(&file::name(chain))?;
    let excluded = excluded(store)?;
    let kept = match is_anew {
        true => Err("it was asked for".to_string()),
        false => file::read(store, chain, &services, &excluded, rules),
    };
    let kept_rules = kept.as_ref().ok().map(|kept| kept.clusterer.rules());
    let rules = rules.or(kept_rules).or_else(|| file::rules(store, chain)).unwrap_or_default();
    let fresh = || Clusterer::new(chain, rules, services.clone(), excluded.clone());
    let (mut clusterer, mut scanned, mut anew) = match kept {
        Ok(Kept { stale: Some(why), .. }) => (fresh(), 0, Some(why.to_string())),
        Ok(kept) => (kept.clusterer, kept.scanned, None),
        Err(why) => (fresh(), 0, Some(why)),
    };
    let before = clusterer.taken().transactions;
    let mut fed = feed_final(store, &mut clusterer, scanned)?;
    if anew.is_none() && !fed.is_whole {
        anew = Some("what is held of the time before has changed".to_string());
        (clusterer, scanned) = (fresh(), 0);
        fed = feed_final(store, &mut clusterer, scanned)?;
    }
    let transactions = match anew {
        None => clusterer.taken().transactions - before,
        Some(_) => clusterer.taken().transactions,
    };
    let head = Head::of(scanned + fed.scanned, &services);
    let bytes = file::write(store, &head, &clusterer)?;
    let anew = anew.filter(|_| before > 0 || transactions > 0);
    Ok(Built { chain, transactions, anew, bytes })
}

fn feed_final(store: &Store, clusterer: &mut Clusterer, scanned: u64) -> Result<Fed> {
    let feed = Feed::new(store, clusterer.chain(), clusterer.last().cloned())?;
    feed.run(scanned, &mut |taken| {
        if taken.hot.is_none() {
            taken.give(clusterer);
        }
        Ok(())
    })
}

/// The kept clusters of a chain, with what is newer or not final laid over. None where none were built.
pub fn read(store: &Store, chain: Chain, services: Services) -> Result<Option<Shown>> {
    let excluded = excluded(store)?;
    let kept = match file::read(store, chain, &services, &excluded, None) {
        Ok(kept) => kept,
        Err(why) if why == file::NEVER => return Ok(None),
        Err(why) => bail!(
            "the clusters of {} cannot be used: {why}; `interdict clusters build` builds them anew",
            chain.name()
        ),
    };
    let mut clusterer = kept.clusterer;
    let feed = Feed::new(store, chain, clusterer.last().cloned())?;
    let name = chain.name();
    let stale = kept.stale.map(|why| {
        format!("{name}: {why} since its clusters were built: `interdict clusters build`")
    });
    let mut remarks: Vec<String> = stale.into_iter().collect();
    let (mut laid, mut open) = (0u64, None);
    let fed = feed.run(kept.scanned, &mut |taken| {
        laid += 1;
        if laid > LAID_OVER_MAX {
            return Ok(());
        }
        // What is final and not kept yet is one block that can be undone, hot ones one each.
        let height = taken.hot.unwrap_or(0);
        if open != Some(height) {
            clusterer.begin_hot(height);
            open = Some(height);
        }
        taken.give(&mut clusterer);
        Ok(())
    })?;
    if laid > LAID_OVER_MAX {
        let left = laid - LAID_OVER_MAX;
        remarks.push(format!(
            "{left} transactions of {} are newer than these clusters: `interdict clusters build`",
            chain.name()
        ));
    }
    if !fed.is_whole {
        remarks.push(format!(
            "what is held of {} from before these clusters' end has changed since they were built: `interdict clusters build`",
            chain.name()
        ));
    }
    Ok(Some(Shown { clusterer, remarks }))
}

/// What analysts took back.
pub fn excluded(store: &Store) -> Result<Excluded> {
    let mut excluded = Excluded::default();
    for exclusion in store.exclusions()? {
        match exclusion.what.split_once(':') {
            Some(("rule", name)) => drop(excluded.rules.insert(name.parse::<Rule>()?)),
            Some(("tx", tx)) => drop(excluded.transactions.insert(tx.parse::<TxId>()?.hash)),
            _ => {
                bail!("{:?} is excluded, which is neither a rule nor a transaction", exclusion.what)
            }
        }
    }
    Ok(excluded)
}

/// Chains that are held.
pub fn chains(store: &Store) -> Result<Vec<Chain>> {
    Ok(store.coverage()?.into_iter().map(|coverage| coverage.chain).collect())
}
