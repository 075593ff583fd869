//! Who mined the blocks that are held.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::{Result, bail};
use entity::miners::{Mined, Miners};
use model::{Address, Chain, Position, Transfer, TransferKind, TxId, View};
use serde_json::json;
use store::Store;

use crate::cli::{LabelMinersArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;

/// One reward transaction.
#[derive(Default)]
struct Reward {
    height: Option<u64>,
    /// By their place in the transaction.
    outputs: BTreeMap<u32, Address>,
}

pub fn run(home: &Home, args: &LabelMinersArgs, out: &Out) -> Result<ExitCode> {
    if !matches!(args.chain, Chain::Bitcoin(_)) {
        bail!("{} is no Bitcoin chain: only there miners leave a text", args.chain.name());
    }
    let store = home.open_existing()?;
    let miners = Miners::new(store.coinbase_tags()?, store.labels()?.iter());
    let rewards = rewards(&store, args)?;
    let mut rows: Vec<(TxId, Reward, bool, Mined)> = Vec::with_capacity(rewards.len());
    for (tx, reward) in rewards {
        let script = store.coinbase(&tx)?;
        let mined = miners.attribute(script.as_deref(), reward.outputs.values());
        rows.push((tx, reward, script.is_some(), mined));
    }
    rows.sort_by_key(|(tx, reward, ..)| (reward.height, *tx));
    match args.format {
        TextFormat::Json => out.json(&rows.iter().map(row_json).collect::<Vec<_>>())?,
        TextFormat::Table => table(&rows, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn rewards(store: &Store, args: &LabelMinersArgs) -> Result<BTreeMap<TxId, Reward>> {
    let mut rewards: BTreeMap<TxId, Reward> = BTreeMap::new();
    let is_in = |height: Option<u64>| {
        args.from.is_none_or(|from| height.is_some_and(|height| height >= from))
            && args.to.is_none_or(|to| height.is_some_and(|height| height <= to))
    };
    let mut take = |transfer: &Transfer| {
        if let (TransferKind::Reward, Position::Output(at), Some(to)) =
            (transfer.kind, &transfer.position, &transfer.to)
            && is_in(transfer.height)
        {
            let reward = rewards.entry(transfer.tx).or_default();
            reward.height = transfer.height;
            reward.outputs.insert(*at, to.clone());
        }
        ControlFlow::Continue(())
    };
    store.scan(args.chain, None, None, &mut take)?;
    Ok(rewards)
}

fn row_json((tx, reward, is_kept, mined): &(TxId, Reward, bool, Mined)) -> serde_json::Value {
    json!({
        "height": reward.height, "tx": tx.to_string(), "pool": mined.pool(),
        "by_tag": mined.by_tag.iter().map(|(pool, tag)| json!({ "pool": pool, "tag": tag }))
            .collect::<Vec<_>>(),
        "by_payout": mined.by_payout.iter().map(|(pool, at)| json!({ "pool": pool, "output": at }))
            .collect::<Vec<_>>(),
        "is_contradictory": mined.is_contradictory(), "coinbase_known": is_kept,
    })
}

fn table(rows: &[(TxId, Reward, bool, Mined)], out: &Out) -> Result<()> {
    let (mut pools, mut unknown): (BTreeMap<&str, u64>, u64) = (BTreeMap::new(), 0);
    for (tx, reward, is_kept, mined) in rows {
        let height = reward.height.map_or_else(|| "?".into(), |height| height.to_string());
        let who = match mined.pool() {
            Some(pool) => pool.to_string(),
            None if mined.is_contradictory() => "contradictory".to_string(),
            None => "unknown".to_string(),
        };
        match mined.pool() {
            Some(pool) => *pools.entry(pool).or_default() += 1,
            None => unknown += 1,
        }
        let mut why: Vec<String> =
            mined.by_tag.iter().map(|(pool, tag)| format!("{pool} by its tag {tag:?}")).collect();
        let paid = mined.by_payout.iter();
        why.extend(paid.map(|(pool, at)| format!("{pool} by whom output {at} pays")));
        if !is_kept {
            why.push("what the miner wrote is not kept".into());
        }
        out.print(&format!("{height:>9}  {}  {who}  {}\n", tx.hash_text(), why.join("; ")))?;
    }
    for (pool, count) in &pools {
        out.print(&format!("{count:>9}  {pool}\n"))?;
    }
    if unknown > 0 || rows.is_empty() {
        out.print(&format!("{unknown:>9}  unknown\n"))?;
    }
    Ok(())
}
