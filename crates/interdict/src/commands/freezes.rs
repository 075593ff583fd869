//! `interdict freezes`: what issuers of tokens did to holders, as their contracts said it.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use model::amount::format_units;
use model::{Account, Address, AssetMeta, Chain, Freeze, FreezeAction, View};
use serde::Serialize;
use store::Store;

use crate::cli::{FreezesArgs, TextFormat};
use crate::commands::transfers::Finality;
use crate::home::Home;
use crate::out::Out;
use crate::render::plain;

#[derive(Debug, Serialize)]
struct Row {
    chain: Chain,
    tx: String,
    log_index: u32,
    height: Option<u64>,
    time: model::Timestamp,
    asset: String,
    /// As sources told it: anyone can write any symbol.
    symbol: Option<String>,
    holder: String,
    action: &'static str,
    /// Base units that were destroyed, as a decimal string; null of the others.
    amount: Option<String>,
    r#final: bool,
}

pub fn run(home: &Home, args: &FreezesArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let freezes = asked(&store, args)?;
    let assets: Vec<_> = freezes.iter().map(|freeze| freeze.asset.clone()).collect();
    let metas = store.assets(&assets)?;
    let finality = Finality::of_all(&store)?;
    let rows = freezes.iter().zip(&metas).map(|(freeze, meta)| {
        let is_final = finality.covers(freeze.tx.chain, freeze.height);
        (freeze, meta, is_final)
    });
    match args.format {
        TextFormat::Json => out.json(&rows.map(row).collect::<Vec<_>>())?,
        TextFormat::Table if freezes.is_empty() => out.print(NOTHING)?,
        TextFormat::Table => {
            rows.map(line).try_for_each(|line| out.print(&line))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

const NOTHING: &str = "None is held. What issuers do is known of chains that are followed from nodes, \
                       and of the blocks that are held: `interdict status` says which.\n";

/// In time order.
fn asked(store: &Store, args: &FreezesArgs) -> Result<Vec<Freeze>> {
    let Some(text) = &args.address else { return Ok(store.freezes_all(args.chain)?) };
    let mut freezes = Vec::new();
    for account in accounts(text, args.chain)? {
        match account {
            Named::Account(account) => freezes.extend(store.freezes(&account)?),
            Named::OnAnyChain(address) => {
                let all = store.freezes_all(None)?.into_iter();
                freezes.extend(all.filter(|freeze| freeze.holder == address));
            }
        }
    }
    Ok(freezes)
}

enum Named {
    Account(Account),
    /// The same bytes are an address of every chain of the family.
    OnAnyChain(Address),
}

fn accounts(text: &str, chain: Option<Chain>) -> Result<Vec<Named>> {
    if let Ok(account) = text.parse::<Account>() {
        let is_asked = chain.is_none_or(|chain| chain == account.chain);
        let other = || anyhow!("{text} is of another chain than --chain says");
        return is_asked.then(|| vec![Named::Account(account)]).ok_or_else(other);
    }
    if let Some(chain) = chain {
        return Ok(vec![Named::Account(Account::parse(text, chain)?)]);
    }
    let families = [Chain::ETHEREUM, Chain::TRON, Chain::SOLANA, Chain::BITCOIN];
    let read = families.into_iter().filter_map(|chain| Address::parse(text, chain).ok());
    let read: Vec<Named> = read.map(Named::OnAnyChain).collect();
    let none = || anyhow!("{text:?} is no address of any chain");
    (!read.is_empty()).then_some(read).ok_or_else(none)
}

fn row((freeze, meta, is_final): (&Freeze, &AssetMeta, bool)) -> Row {
    let chain = freeze.tx.chain;
    let (action, amount) = match freeze.action {
        FreezeAction::Freeze => ("freeze", None),
        FreezeAction::Release => ("release", None),
        FreezeAction::Destroy(amount) => ("destroy", Some(amount.to_string())),
    };
    Row {
        chain,
        tx: freeze.tx.hash_text(),
        log_index: freeze.log_index,
        height: freeze.height,
        time: freeze.time,
        asset: freeze.asset.to_string(),
        symbol: meta.symbol.clone(),
        holder: freeze.holder.text(chain),
        action,
        amount,
        r#final: is_final,
    }
}

fn line((freeze, meta, is_final): (&Freeze, &AssetMeta, bool)) -> String {
    let chain = freeze.tx.chain;
    let holder = freeze.holder.checked_text(chain);
    let symbol = meta.symbol.as_deref().map_or_else(String::new, |s| format!("{} ", plain(s)));
    let asset = format!("{symbol}{}", freeze.asset);
    let what = match freeze.action {
        FreezeAction::Freeze => format!("{holder} frozen in {asset}"),
        FreezeAction::Release => format!("{holder} released in {asset}"),
        FreezeAction::Destroy(amount) => {
            let amount = match meta.decimals {
                Some(decimals) => format_units(amount, decimals),
                None => format!("{amount} base units"),
            };
            format!("{amount} of {holder} destroyed in {asset}")
        }
    };
    let height = freeze.height.map_or_else(|| "?".into(), |height| height.to_string());
    let settled = if is_final { "" } else { ", not final" };
    let (time, tx, log) = (freeze.time, freeze.tx.hash_text(), freeze.log_index);
    format!("{height}  {time}  {what}{settled}  {tx} log{log}\n")
}
