//! Brings what is kept of a chain up to date: block by block where that is enough, else by
//! reading the whole chain once.

use std::path::Path;

use anyhow::{Context, Result};
use model::{Chain, Coverage, Timestamp, Transaction, Transfer, View};
use store::provenance::{Maker, Provenance, Reach};
use store::{HotHeight, Store};
use trace::exposure::Marked;
use trace::provenance::sweep::{self, Until};
use trace::provenance::{RULES, block, code};

use super::keep::{self, BlockPart};
use super::{files, screening};

/// Bitcoin's blocks may say a time two hours off.
const SLACK_SECONDS: i64 = 3 * 3600;

/// Transfers of final blocks that are taken in at once.
const AT_ONCE: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Updated {
    pub chain: Chain,
    pub how: How,
    pub transfers: u64,
    pub height: Option<u64>,
    /// Why the whole chain was read.
    pub why: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    Nothing,
    Blocks,
    Whole,
}

/// One chain. `whole`: read it whole, whatever is kept. `told` is called now and then with how
/// many transfers were read.
pub fn update(
    home: &Path,
    store: &Store,
    marked: &Marked,
    coverage: &Coverage,
    whole: bool,
    told: &mut dyn FnMut(u64),
) -> Result<Updated> {
    let chain = coverage.chain;
    let hot = store.hot_blocks(chain);
    let mut why = Some("asked for".to_string());
    if !whole {
        why = match Provenance::open(home, chain)? {
            None => Some("nothing was kept".into()),
            Some(mut kept) => match go_on(&mut kept, store, marked, coverage, &hot)? {
                Ok(how) => {
                    let reach = kept.reach()?;
                    return Ok(Updated {
                        chain,
                        how,
                        transfers: reach.transfers,
                        height: reach.height,
                        why: None,
                    });
                }
                Err(why) => Some(why),
            },
        };
    }
    read_whole(home, store, marked, coverage, &hot, told)?;
    let mut kept = Provenance::open(home, chain)?.context("what was just kept is gone")?;
    above(&mut kept, store, marked, &hot)?;
    let reach = kept.reach()?;
    let (transfers, height) = (reach.transfers, reach.height);
    Ok(Updated { chain, how: How::Whole, transfers, height, why })
}

/// The new blocks, over what is kept; or why that is not enough.
fn go_on(
    kept: &mut Provenance,
    store: &Store,
    marked: &Marked,
    coverage: &Coverage,
    hot: &[HotHeight],
) -> Result<Result<How, String>> {
    if let Some(why) = screening::outdated(kept, marked)? {
        return Ok(Err(why));
    }
    take_back_others(kept, hot)?;
    let reach = kept.reach()?;
    if reach.transfers == coverage.transfers && reach.height >= coverage.height_last {
        return Ok(Ok(How::Nothing));
    }
    if reach.height.is_none() {
        return Ok(Err("rows without heights were added".into()));
    }
    above(kept, store, marked, hot)?;
    let read = kept.reach()?.transfers;
    Ok(match read == coverage.transfers {
        true => Ok(How::Blocks),
        false => Err(format!(
            "{} transfers are stored and {read} were read: older ones changed",
            coverage.transfers
        )),
    })
}

/// Blocks that are not on the chain any more.
fn take_back_others(kept: &mut Provenance, hot: &[HotHeight]) -> Result<()> {
    let stands = |height: u64, hash: &model::TxHash| match hot.iter().find(|h| h.height == height) {
        Some(block) => block.hash == *hash,
        // Below the hot ones it is final; above them it is gone.
        None => hot.first().is_none_or(|first| height < first.height),
    };
    let blocks = kept.blocks()?;
    let Some(at) = blocks.iter().position(|(height, hash)| !stands(*height, hash)) else {
        return Ok(());
    };
    let to = at.checked_sub(1).map(|before| blocks[before].0);
    Ok(kept.take_back(to)?)
}

/// Takes in everything above what is kept: final blocks many at a time, others one by one.
fn above(kept: &mut Provenance, store: &Store, marked: &Marked, hot: &[HotHeight]) -> Result<()> {
    let chain = kept.chain();
    let reach = kept.reach()?;
    let Some(height) = reach.height else { return Ok(()) };
    let since = reach.time.map(|time| earlier(chain, time));
    let mut new: Vec<Transfer> = Vec::new();
    store.scan(chain, since, None, &mut |transfer| {
        if transfer.height.is_some_and(|at| at > height) {
            new.push(transfer.clone());
        }
        std::ops::ControlFlow::Continue(())
    })?;
    new.sort_by(|a, b| a.height.cmp(&b.height).then_with(|| a.cmp_time(b)));
    let first_hot = hot.first().map_or(u64::MAX, |block| block.height);
    let mut rest = new.as_slice();
    while let Some(first) = rest.first() {
        let end = match first.height.unwrap_or_default() < first_hot {
            true => end_of_final(rest, first_hot),
            false => rest.partition_point(|transfer| transfer.height == first.height),
        };
        let (block, after) = rest.split_at(end);
        put(kept, store, marked, block, hot)?;
        rest = after;
    }
    // Blocks that moved nothing stand there too: what is kept goes up to the last.
    let mut last = kept.reach()?;
    for block in hot {
        if Some(block.height) <= last.height {
            continue;
        }
        last = Reach {
            height: Some(block.height),
            hash: Some(block.hash),
            time: Some(block.time),
            ..last
        };
        kept.append(&[store::provenance::BlockChange {
            reach: last.clone(),
            ..Default::default()
        }])?;
    }
    if let Some(last_final) = first_hot.checked_sub(1) {
        kept.settle(last_final)?;
    }
    Ok(())
}

/// As many whole blocks as are taken in at once.
fn end_of_final(rest: &[Transfer], first_hot: u64) -> usize {
    let finals = rest.partition_point(|transfer| transfer.height < Some(first_hot));
    let wanted = finals.min(AT_ONCE);
    let last = rest[wanted - 1].height;
    rest.partition_point(|transfer| transfer.height <= last)
}

fn put(
    kept: &mut Provenance,
    store: &Store,
    marked: &Marked,
    rows: &[Transfer],
    hot: &[HotHeight],
) -> Result<()> {
    let Some(last) = rows.last() else { return Ok(()) };
    let hash = hot.iter().find(|known| Some(known.height) == last.height).map(|known| known.hash);
    let reach = Reach {
        height: last.height,
        hash: Some(hash.unwrap_or_else(keep::no_hash)),
        time: rows.iter().map(|transfer| transfer.time).max(),
        transfers: kept.reach()?.transfers,
    };
    let part = match kept.chain().is_utxo() {
        false => BlockPart { transfers: rows.to_vec(), transactions: Vec::new() },
        true => {
            let mut ids: Vec<_> = rows.iter().map(|transfer| transfer.tx).collect();
            ids.sort_unstable();
            ids.dedup();
            let found = store.transactions(&ids)?.into_iter().flatten();
            let transactions = found.filter_map(|tx| match tx {
                Transaction::Utxo(tx) => Some(tx),
                Transaction::Account { .. } => None,
            });
            let transactions = block::in_order(transactions.collect());
            BlockPart { transfers: Vec::new(), transactions }
        }
    };
    let change = keep::change(kept, marked, &part, reach)?;
    Ok(kept.append(&[change])?)
}

/// Sweeps the final part of a chain, and keeps what comes of it in a new file.
fn read_whole(
    home: &Path,
    store: &Store,
    marked: &Marked,
    coverage: &Coverage,
    hot: &[HotHeight],
    told: &mut dyn FnMut(u64),
) -> Result<()> {
    let chain = coverage.chain;
    let below = below(chain, hot);
    let mut columns = store.columns(chain)?;
    let (books, read) = sweep::sweep(columns.as_mut(), marked, below, told)?;
    let maker = Maker::start(home, chain)?;
    sweep::resolve(&books, columns.as_ref(), &mut |kept| {
        let put = || -> Result<()> {
            for (account, entry) in &kept.entries {
                maker.put_entry(account.address.bytes(), &code::encode(entry))?;
            }
            for (id, output) in &kept.outputs {
                maker.put_output(&keep::output_key(id), &keep::output_row(output))?;
            }
            Ok(())
        };
        put().map_err(|error| {
            let error: Box<dyn std::error::Error + Send + Sync> = error.into();
            model::ViewError::because("keep what was read", error)
        })
    })?;
    maker.put_names(&keep::names(books.names()))?;
    for (account, said) in books.met() {
        maker.put_mark(account.address.bytes(), &said)?;
    }
    maker.put_note("rules", &RULES.to_string())?;
    maker.put_note("files", &files(marked))?;
    maker.put_note("marks", &marked.digest(chain))?;
    let height = match hot.first() {
        Some(first) => first.height.checked_sub(1),
        None => coverage.height_last,
    };
    let has_heights = coverage.height_first.is_some();
    maker.finish(&Reach {
        height: height.filter(|_| has_heights),
        hash: None,
        time: read.time_last,
        transfers: read.transfers,
    })?;
    Ok(())
}

fn below(chain: Chain, hot: &[HotHeight]) -> Option<Until> {
    let first = hot.first()?;
    Some(Until::Block { time: earlier(chain, first.time), height: first.height })
}

/// The earliest time that what comes after a block may say.
fn earlier(chain: Chain, time: Timestamp) -> Timestamp {
    let slack = if chain.is_utxo() { SLACK_SECONDS } else { 0 };
    Timestamp::from_second(time.as_second().saturating_sub(slack)).unwrap_or(Timestamp::MIN)
}
