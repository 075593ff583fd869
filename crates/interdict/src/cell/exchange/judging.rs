//! A look at a registered transfer: is it in the chain, is it what was said, who is behind it?

use std::collections::BTreeSet;

use anyhow::Result;
use case::alerts::{AlertKind, AlertSubject, NewAlert};
use model::amount::{format_units, parse_units};
use model::{
    Account, Asset, AssetMeta, Registry, Severity, TimeSource, Timestamp, Transaction, Transfer,
    TransferKind, U256, UtxoTransaction, View,
};
use screen::Answer;
use serde_json::json;

use super::transfers::{Asked, Judged, Look, Seen, State, Way};
use crate::cell::judge::{self, Reason, Verdict};
use crate::cell::screener::{self, Question};
use crate::cell::{Cell, Now};

/// Counterparties that are screened; a transaction may have hundreds of inputs.
const COUNTERPARTIES_MAX: usize = 100;
/// Exposures that are kept of one transfer.
const EXPOSURES_MAX: usize = 20;

/// What the chain says of it.
struct Facts {
    seen: Option<Seen>,
    counterparties: Vec<Account>,
    reasons: Vec<Reason>,
    remarks: Vec<String>,
}

/// Looks at it over a past. `is_final` says whether a block of a height can no longer be unwound;
/// `before` is what an earlier look found.
pub fn look(
    cell: &Cell,
    now: &Now,
    view: &dyn View,
    asked: &Asked,
    is_final: &dyn Fn(Option<u64>) -> bool,
    before: Option<&Judged>,
) -> Result<Look> {
    let mut facts = match view.transaction(&asked.tx)? {
        None => waiting(asked, before),
        Some(found) => found_in(view, asked, &found, is_final)?,
    };
    let left_out = facts.counterparties.len().saturating_sub(COUNTERPARTIES_MAX);
    if left_out > 0 {
        facts.counterparties.truncate(COUNTERPARTIES_MAX);
        facts.remarks.push(format!("{left_out} more counterparties were not screened"));
    }
    let mut alerts = own_alerts(asked, &facts.reasons);
    let mut reasons = std::mem::take(&mut facts.reasons);
    let (mut exposures, mut lists, mut searched) = (Vec::new(), Vec::new(), Vec::new());
    for account in &facts.counterparties {
        let answer = screener::answer(cell, now, &Question::address(account))?;
        let kept = cell.exposure(account)?;
        let (verdict, of_it) = judge::judge(&answer, kept.as_ref());
        alerts.extend(alert(asked, account, verdict, &of_it, &answer));
        lists.push((account.clone(), named_by(&answer)));
        searched = searched_of(&answer);
        let of_it = of_it.into_iter().map(|reason| named(account, reason));
        reasons.extend(of_it.filter(|reason| !reasons.contains(reason)).collect::<Vec<_>>());
        if exposures.len() < EXPOSURES_MAX {
            exposures.push(json!({ "account": account, "screened": kept }));
        }
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.verdict));
    let is_judged = !facts.counterparties.is_empty() || facts.seen.is_some();
    let gravest = reasons.first().map_or(Verdict::Allow, |gravest| gravest.verdict);
    let is_settled = facts.seen.as_ref().is_some_and(|seen| seen.is_final);
    let judged = Judged {
        state: if facts.seen.is_some() { State::Answered } else { State::Waiting },
        verdict: is_judged.then_some(gravest),
        reasons,
        counterparties: facts.counterparties,
        searched,
        seen: facts.seen,
        remarks: facts.remarks,
    };
    Ok(Look { judged, exposures: serde_json::to_string(&exposures)?, alerts, lists, is_settled })
}

/// The lists that were looked through, with the dates of their versions.
pub fn searched_of(answer: &Answer) -> Vec<String> {
    let said = |list: &screen::Searched| match list.list_date {
        Some(date) => format!("{} of {date}", list.list),
        None => format!("{} (not covered)", list.list),
    };
    answer.searched.iter().map(said).collect()
}

/// The lists that name it now.
pub fn named_by(answer: &Answer) -> Vec<String> {
    let lists: BTreeSet<&str> = answer.hits.iter().map(|hit| hit.list.as_str()).collect();
    lists.into_iter().map(str::to_string).collect()
}

fn named(account: &Account, mut reason: Reason) -> Reason {
    // What holds for all of them is said once.
    if !matches!(reason.rule.as_str(), "no-lists" | "not-covered") {
        reason.why = format!("{account}: {}", reason.why);
    }
    reason
}

/// Of what is not in the store, only what was said of its ends is known.
fn waiting(asked: &Asked, before: Option<&Judged>) -> Facts {
    let counterparties = match asked.way {
        Way::Sent => vec![asked.account.clone()],
        Way::Received => asked.senders.clone(),
    };
    let (mut reasons, mut remarks) = (Vec::new(), Vec::new());
    if let Some(seen) = before.and_then(|before| before.seen.as_ref()) {
        let height = seen.height.map_or_else(|| "unknown".into(), |height| height.to_string());
        let why =
            format!("the block that held it (height {height}) was unwound, and no other has it");
        reasons.push(reason("unwound", Verdict::Review, why));
    } else if let Some(before) = before {
        // Once unwound, that stays said until it is in a block again.
        reasons.extend(before.reasons.iter().filter(|reason| reason.rule == "unwound").cloned());
    }
    if counterparties.is_empty() {
        remarks.push("who sent it is not known before its transaction is".to_string());
    }
    Facts { seen: None, counterparties, reasons, remarks }
}

fn reason(rule: &str, verdict: Verdict, why: String) -> Reason {
    Reason { rule: rule.to_string(), verdict, why }
}

fn found_in(
    view: &dyn View,
    asked: &Asked,
    found: &Transaction,
    is_final: &dyn Fn(Option<u64>) -> bool,
) -> Result<Facts> {
    match found {
        Transaction::Account { transfers, .. } => in_account(view, asked, transfers, is_final),
        Transaction::Utxo(tx) => Ok(in_utxo(asked, tx, is_final)),
    }
}

fn in_account(
    view: &dyn View,
    asked: &Asked,
    transfers: &[Transfer],
    is_final: &dyn Fn(Option<u64>) -> bool,
) -> Result<Facts> {
    let pays = |transfer: &&Transfer| {
        transfer.to.as_ref() == Some(&asked.account.address)
            && matches!(
                transfer.kind,
                TransferKind::Value | TransferKind::Nft | TransferKind::Reward
            )
    };
    let paying: Vec<&Transfer> = transfers.iter().filter(pays).collect();
    let first = transfers.first();
    let (mut reasons, mut remarks) = (Vec::new(), Vec::new());
    let assets: Vec<Asset> = paying.iter().map(|transfer| transfer.asset.clone()).collect();
    let metas: Vec<AssetMeta> = view.assets(&assets)?.into_iter().map(whole).collect();
    let wanted: Vec<(&Transfer, &AssetMeta)> = paying
        .iter()
        .zip(&metas)
        .filter(|(_, meta)| is_asset(meta, &asked.asset))
        .map(|(transfer, meta)| (*transfer, meta))
        .collect();
    let meta = wanted.first().map(|(_, meta)| *meta);
    let total =
        wanted.iter().fold(U256::ZERO, |sum, (transfer, _)| sum.saturating_add(transfer.amount));
    if wanted.is_empty() {
        let why = match paying.is_empty() {
            true => format!("the transaction pays nothing to {}", asked.account),
            false => format!("the transaction pays {} no {}", asked.account, asked.asset),
        };
        reasons.push(reason("not-in-transaction", Verdict::Review, why));
    } else if let Some(meta) = meta {
        reasons.extend(amount_differs(asked, total, meta.decimals));
        reasons.extend(imitates(meta));
        if wanted.iter().any(|(_, other)| other.asset != meta.asset) {
            remarks.push("it pays several assets of that symbol; the first is shown".to_string());
        }
    }
    let counterparties = match asked.way {
        Way::Sent => vec![asked.account.clone()],
        Way::Received => {
            let of =
                if wanted.is_empty() { paying } else { wanted.iter().map(|(t, _)| *t).collect() };
            let senders: BTreeSet<Account> = of.iter().filter_map(|t| t.from_account()).collect();
            senders.into_iter().collect()
        }
    };
    let height = first.and_then(|transfer| transfer.height);
    let seen = Seen {
        height,
        time: first.filter(|t| t.time_source != TimeSource::Unknown).map(|t| t.time),
        is_final: is_final(height),
        asset: meta.map(|meta| meta.asset.clone()),
        amount: meta.map(|_| total.to_string()),
        asset_amount: meta.and_then(|meta| Some(format_units(total, meta.decimals?))),
    };
    Ok(Facts { seen: Some(seen), counterparties, reasons, remarks })
}

/// What is known of an asset, the shipped registry included.
fn whole(meta: AssetMeta) -> AssetMeta {
    if meta.symbol.is_some() && meta.decimals.is_some() {
        return meta;
    }
    Registry::shipped().get(&meta.asset).cloned().unwrap_or(meta)
}

/// Does what was said name this asset? A symbol is one that anybody may give a token: see [`imitates`].
fn is_asset(meta: &AssetMeta, said: &str) -> bool {
    if let Ok(asset) = said.parse::<Asset>() {
        return meta.asset == asset;
    }
    let registry = Registry::shipped();
    let is_said = |known: &AssetMeta| {
        known.symbol.as_deref().is_some_and(|symbol| symbol.eq_ignore_ascii_case(said))
    };
    let looks_so = |symbol: &str| registry.imitated_by(&meta.asset, symbol).is_some_and(is_said);
    match &meta.symbol {
        Some(symbol) => is_said(meta) || looks_so(symbol),
        // Of test networks nobody says what their coin is called: it is what no token is called.
        None => {
            let mut tokens = registry.iter().filter(|known| known.asset.chain == meta.asset.chain);
            meta.asset.is_native() && !tokens.any(is_said)
        }
    }
}

/// A worthless token under a known name is not what the customer is to be credited with.
fn imitates(meta: &AssetMeta) -> Option<Reason> {
    let symbol = meta.symbol.as_deref()?;
    let genuine = Registry::shipped().imitated_by(&meta.asset, symbol)?;
    let why = format!(
        "{} calls itself {symbol} and is not {}: it is worth nothing until shown otherwise",
        meta.asset, genuine.asset
    );
    Some(reason("imitation", Verdict::Block, why))
}

fn amount_differs(asked: &Asked, found: U256, decimals: Option<u8>) -> Option<Reason> {
    let decimals = decimals?;
    if parse_units(&asked.amount, decimals) == Ok(found) {
        return None;
    }
    let why = format!("{} was said, {} moved", asked.amount, format_units(found, decimals));
    Some(reason("amount-differs", Verdict::Review, why))
}

fn in_utxo(asked: &Asked, tx: &UtxoTransaction, is_final: &dyn Fn(Option<u64>) -> bool) -> Facts {
    let chain = tx.id.chain;
    let (mut reasons, mut remarks) = (Vec::new(), Vec::new());
    let pays = |(index, output): (u32, &model::Output)| {
        output.address == asked.account.address && asked.output.is_none_or(|asked| asked == index)
    };
    let mut total = None;
    for (index, output) in (0..).zip(&tx.outputs) {
        if pays((index, output)) {
            total = Some(total.unwrap_or(U256::ZERO).saturating_add(U256::from(output.value)));
        }
    }
    match total {
        None => {
            let output = asked.output.map(|n| format!(" at output {n}")).unwrap_or_default();
            let why = format!("the transaction pays nothing to {}{output}", asked.account);
            reasons.push(reason("not-in-transaction", Verdict::Review, why));
        }
        Some(total) => reasons.extend(amount_differs(asked, total, chain.native_decimals())),
    }
    let unknown = tx.unresolved().count();
    if asked.way == Way::Received && unknown > 0 {
        remarks.push(format!("{unknown} inputs spend outputs that are not in the store: who paid with them is not known"));
    }
    let counterparties = match asked.way {
        Way::Sent => vec![asked.account.clone()],
        Way::Received => {
            let of = tx.inputs.iter().filter_map(|input| input.previous.as_ref());
            let senders: BTreeSet<Account> =
                of.map(|output| Account { chain, address: output.address.clone() }).collect();
            senders.into_iter().collect()
        }
    };
    let seen = Seen {
        height: tx.height,
        time: (tx.time != Timestamp::UNIX_EPOCH).then_some(tx.time),
        is_final: is_final(tx.height),
        asset: total.map(|_| Asset::native(chain)),
        amount: total.map(|total| total.to_string()),
        asset_amount: total.and_then(|total| Some(format_units(total, chain.native_decimals()?))),
    };
    Facts { seen: Some(seen), counterparties, reasons, remarks }
}

/// Alerts of what the transfer itself is, not of who is behind it.
fn own_alerts(asked: &Asked, reasons: &[Reason]) -> Vec<NewAlert> {
    let alert = |reason: &Reason| NewAlert {
        kind: AlertKind::Screening,
        severity: match reason.verdict {
            Verdict::Block => Severity::High,
            _ if reason.rule == "unwound" => Severity::High,
            _ => Severity::Medium,
        },
        subject: AlertSubject::Transfer(format!(
            "{} to {}",
            asked.tx,
            asked.account.address_text()
        )),
        group: format!("transfer {}", reason.rule),
        title: format!("a registered transfer is not what was said: {}", cut(&reason.why)),
        evidence: json!({ "tx": asked.tx, "to": asked.account, "reason": reason }),
        team: None,
        case: None,
    };
    reasons.iter().map(alert).collect()
}

/// A title holds 500 characters.
fn cut(text: &str) -> String {
    text.chars().take(400).collect()
}

/// What a person must see: the same reasons for the same address are one alert, counted.
fn alert(
    asked: &Asked,
    account: &Account,
    verdict: Verdict,
    reasons: &[Reason],
    answer: &Answer,
) -> Option<NewAlert> {
    let severity = match verdict {
        Verdict::Allow => return None,
        Verdict::Review => Severity::Medium,
        Verdict::Block => Severity::High,
    };
    let (way, what) = match asked.way {
        Way::Received => ("received", "a deposit came from"),
        Way::Sent => ("sent", "a transfer went to"),
    };
    let rules: BTreeSet<&str> = reasons.iter().map(|reason| reason.rule.as_str()).collect();
    let rules: Vec<&str> = rules.into_iter().collect();
    Some(NewAlert {
        kind: AlertKind::Screening,
        severity,
        subject: AlertSubject::Account(account.clone()),
        group: format!("{way} {}", rules.join(" ")),
        title: format!("{what} {account}: {}", rules.join(", ")),
        // Who the customer is stays with the transfer.
        evidence: json!({ "tx": asked.tx, "reasons": reasons, "searched": searched_of(answer) }),
        team: None,
        case: None,
    })
}
