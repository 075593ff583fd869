//! Registered transfers: answered once their transaction is stored, and again when its block is final or
//! unwound.

use std::sync::Arc;

use anyhow::Result;
use model::Chain;

use super::Beside;
use crate::cell::exchange::judging;
use crate::cell::exchange::transfers::{self, Judged, Kept, Look, State};
use crate::cell::{Cell, Now};
use crate::commands::transfers::Finality;

const PAGE: usize = 500;
/// Of one chain, at one look: the newest.
const LOOKED_AT_MAX: usize = 20_000;

pub fn look(beside: &Beside, cell: &Arc<Cell>) -> Result<()> {
    let now = cell.now();
    if now.screener.is_empty() {
        return Ok(());
    }
    let chains = transfers::chains(&beside.db)?;
    if chains.is_empty() {
        return Ok(());
    }
    let finality = Finality::of_all(&beside.store)?;
    chains.into_iter().try_for_each(|chain| of_chain(beside, cell, &now, &finality, chain))
}

fn of_chain(
    beside: &Beside,
    cell: &Cell,
    now: &Now,
    finality: &Finality,
    chain: Chain,
) -> Result<()> {
    let mut before = None;
    for _ in 0..LOOKED_AT_MAX / PAGE {
        let page = transfers::unsettled(&beside.db, chain, before.take(), PAGE)?;
        for kept in &page {
            again(beside, cell, now, finality, kept)?;
        }
        match page.last() {
            Some(last) if page.len() == PAGE => {
                before = Some((last.registered_at, last.id.clone()));
            }
            _ => break,
        }
    }
    Ok(())
}

fn again(beside: &Beside, cell: &Cell, now: &Now, finality: &Finality, kept: &Kept) -> Result<()> {
    let view = beside.store.snapshot();
    let chain = kept.asked.tx.chain;
    let is_final = |height| finality.covers(chain, height);
    if !is_worth_a_look(&view, kept, &is_final)? {
        return Ok(());
    }
    let look = judging::look(cell, now, &view, &kept.asked, &is_final, Some(&kept.judged))?;
    let event = event(&kept.judged, &look);
    if event.is_some() || look.is_settled != kept.is_settled {
        transfers::change(&beside.db, &Beside::by(), kept, &look, event)?;
    }
    Ok(())
}

/// Whether the chain says something else of it than it did: screening it again costs more than that.
fn is_worth_a_look(
    view: &dyn model::View,
    kept: &Kept,
    is_final: &dyn Fn(Option<u64>) -> bool,
) -> Result<bool> {
    let found = view.transaction(&kept.asked.tx)?;
    let height = match &found {
        None => return Ok(kept.judged.seen.is_some()),
        Some(model::Transaction::Account { transfers, .. }) => {
            transfers.first().and_then(|transfer| transfer.height)
        }
        Some(model::Transaction::Utxo(tx)) => tx.height,
    };
    Ok(kept.judged.seen.as_ref().is_none_or(|seen| seen.height != height) || is_final(height))
}

/// What is told of it, where anything of it is news.
fn event(before: &Judged, look: &Look) -> Option<&'static str> {
    let is_back = before.reasons.iter().any(|reason| reason.rule == "unwound");
    match (before.state, look.judged.state) {
        (State::Waiting, State::Answered) => Some("transfer.answered"),
        (State::Answered, State::Waiting) => Some("transfer.unwound"),
        (State::Answered, State::Answered) if is_back || before.verdict != look.judged.verdict => {
            Some("transfer.answered")
        }
        _ => None,
    }
}
