//! The highest-value route: at each account, on to whoever got the most.
//!
//! The plainest way an investigator follows money by hand. At every account all it
//! sent after the first arrival counts, by destination; the greatest total wins, ties go
//! to the earliest first transfer, then to the lowest address. Labelled swap venues are
//! passages, never destinations; another labelled service ends the route. Values of
//! different assets compare in USD at the day's price, and an asset without a price is
//! said so and does not count, unless there is but one asset to compare.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Account, Asset, Book, Date, Direction, Limits, Role, Seek, Timestamp, Transfer, TransferKind,
    TxId, U256, View,
};

use crate::TraceError;
use crate::gather::{At, Gathered, NOBODY, Walk, destination, is_large_enough};
use crate::settings::{Settings, Source};
use crate::settle::EdgeLeg;

#[derive(Debug, Default)]
pub struct Walked {
    pub gathered: Gathered,
    /// The accounts in order, the source first.
    pub route: Vec<u32>,
    /// Everything the route's accounts sent after the first arrival, by depth.
    pub legs: Vec<(EdgeLeg, u32, U256)>,
    pub unpriced: BTreeSet<(Asset, Date)>,
    pub end: Option<End>,
}

/// Why the route ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Hops,
    Service,
    /// It sent nothing on in the window.
    Resting,
    /// Every destination had been passed before.
    Circle,
}

pub fn walk(view: &dyn View, book: &Book, settings: &Settings) -> Result<Walked, TraceError> {
    let mut router =
        Router { view, settings, walk: Walk::new(view, book, settings), out: Walked::default() };
    let Some(source) = settings.sources.first() else { return Err(TraceError::NoSource) };
    let mut here = router.start(source)?;
    let hops_max = settings.hops_max.unwrap_or(u32::MAX);
    for hop in 0.. {
        router.out.route.push(here.account);
        if hop > 0 && router.is_service(here.account) {
            router.out.end = Some(End::Service);
            break;
        }
        if hop >= hops_max {
            router.out.end = Some(End::Hops);
            break;
        }
        match router.next(&here, hop)? {
            Ok(next) => here = next,
            Err(end) => {
                router.out.end = Some(end);
                break;
            }
        }
    }
    let mut walked = router.out;
    if let Some(first) = walked.route.first() {
        let first = router.walk.out.accounts.get(*first).clone();
        router.walk.source_account(&first);
    }
    walked.gathered = router.walk.out;
    Ok(walked)
}

/// An account of the route and when the value got there.
#[derive(Clone, Copy, Debug)]
struct Here {
    account: u32,
    since: Option<Timestamp>,
}

/// A payment that may decide the way.
struct Candidate {
    leg: EdgeLeg,
    to: u32,
    asset: Asset,
    base: U256,
    time: Timestamp,
}

struct Router<'a> {
    view: &'a dyn View,
    settings: &'a Settings,
    walk: Walk<'a>,
    out: Walked,
}

impl Router<'_> {
    fn start(&mut self, source: &Source) -> Result<Here, TraceError> {
        let unknown = || TraceError::UnknownSource { source_text: source.to_string() };
        match source {
            Source::Account(account) => Ok(self.here(account.clone(), None)),
            Source::Transaction(tx) => {
                let transfers = self.walk_transaction(tx)?;
                let largest = transfers
                    .into_iter()
                    .max_by(|a, b| a.amount.cmp(&b.amount).then(b.cmp_time(a)));
                let largest = largest.ok_or_else(unknown)?;
                let account = destination(&largest, self.settings.direction)
                    .or(largest.to_account())
                    .ok_or_else(unknown)?;
                Ok(self.here(account, Some(largest.time)))
            }
            Source::Outpoint(outpoint) => {
                let tx = self.walk.bitcoin(vec![outpoint.tx])?.into_iter().next();
                let utxo = tx.and_then(|tx| self.walk.out.utxo[tx as usize].as_ref());
                let tx = &utxo.ok_or_else(unknown)?.tx;
                let output = tx.outputs.get(outpoint.index as usize).ok_or_else(unknown)?;
                let account = Account { chain: outpoint.tx.chain, address: output.address.clone() };
                let since = Some(tx.time);
                Ok(self.here(account, since))
            }
        }
    }

    fn here(&mut self, account: Account, since: Option<Timestamp>) -> Here {
        Here { account: self.walk.out.account_id(account), since }
    }

    fn walk_transaction(&self, tx: &TxId) -> Result<Vec<Transfer>, TraceError> {
        use model::Transaction;
        Ok(match self.view.transaction(tx)? {
            None => Vec::new(),
            Some(Transaction::Account { transfers, .. }) => transfers,
            Some(Transaction::Utxo(tx)) => {
                model::memory::legs(&tx).into_iter().filter(|leg| leg.to.is_some()).collect()
            }
        })
    }

    fn is_service(&mut self, account: u32) -> bool {
        matches!(self.walk.role(account), Role::Service | Role::Mixer | Role::Bridge)
    }

    fn next(&mut self, here: &Here, hop: u32) -> Result<Result<Here, End>, TraceError> {
        let chain = self.walk.out.accounts.get(here.account).chain;
        let candidates = if chain.is_utxo() { self.outputs(here)? } else { self.transfers(here)? };
        let depth = hop + 1;
        self.out.legs.extend(candidates.iter().map(|c| (c.leg, depth, c.base)));
        if candidates.is_empty() {
            return Ok(Err(End::Resting));
        }
        let is_usd = candidates.iter().any(|c| c.asset != candidates[0].asset);
        let mut totals: BTreeMap<u32, (U256, Timestamp)> = BTreeMap::new();
        for candidate in &candidates {
            if self.walk.role(candidate.to) == Role::Swap || self.out.route.contains(&candidate.to)
            {
                continue;
            }
            let Some(value) = self.value(candidate, is_usd) else { continue };
            let total = totals.entry(candidate.to).or_insert((U256::ZERO, candidate.time));
            total.0 = total.0.saturating_add(value);
            total.1 = self.earlier(total.1, candidate.time);
        }
        let named = &self.walk.out.accounts;
        let best = totals.into_iter().max_by(|(a, (va, ta)), (b, (vb, tb))| {
            let by_address = || named.get(*b).cmp(named.get(*a));
            va.cmp(vb).then_with(|| self.order(*tb, *ta)).then_with(by_address)
        });
        Ok(best.map(|(account, (_, time))| Here { account, since: Some(time) }).ok_or(End::Circle))
    }

    fn earlier(&self, a: Timestamp, b: Timestamp) -> Timestamp {
        if self.order(a, b).is_le() { a } else { b }
    }

    /// Earlier in the direction of the walk.
    fn order(&self, a: Timestamp, b: Timestamp) -> std::cmp::Ordering {
        match self.settings.direction {
            Direction::Forward => a.cmp(&b),
            Direction::Backward => b.cmp(&a),
        }
    }

    fn value(&mut self, candidate: &Candidate, is_usd: bool) -> Option<U256> {
        if !is_usd {
            return Some(candidate.base);
        }
        let gathered = &self.walk.out;
        let decimals = gathered.decimals_known(gathered.assets.find(&candidate.asset)?)?;
        let value = self.settings.prices.value_e12(
            &candidate.asset,
            candidate.base,
            decimals,
            candidate.time,
        );
        if value.is_none() {
            self.out.unpriced.insert((candidate.asset.clone(), model::day_of(candidate.time)));
        }
        value
    }

    fn transfers(&mut self, here: &Here) -> Result<Vec<Candidate>, TraceError> {
        self.walk.fetch(&[here.account])?;
        let ledger = &self.walk.out.ledgers[here.account as usize];
        Ok(ledger.ats.iter().filter_map(|at| self.candidate(here, *at)).collect())
    }

    fn candidate(&self, here: &Here, at: At) -> Option<Candidate> {
        let gathered = &self.walk.out;
        let row = gathered.row_at(at);
        let direction = self.settings.direction;
        let to = row.destination(direction);
        let is_after = here.since.is_none_or(|since| self.order(since, row.time).is_le());
        let counts = row.origin(direction) == here.account
            && to != NOBODY
            && to != here.account
            && is_after
            && row.kind != TransferKind::Fee
            && row.excluded.is_none()
            && self.settings.is_in_window(row.time)
            && is_large_enough(at, gathered, self.settings);
        let transfer = gathered.transfer(at);
        counts.then(|| Candidate {
            leg: EdgeLeg::Transfer(at),
            to,
            asset: transfer.asset.clone(),
            base: transfer.amount,
            time: transfer.time,
        })
    }

    /// Bitcoin: the outputs of every transaction the address spent in (backward: the
    /// inputs of those it received in), its own change aside.
    fn outputs(&mut self, here: &Here) -> Result<Vec<Candidate>, TraceError> {
        let direction = self.settings.direction;
        let account = self.walk.out.accounts.get(here.account).clone();
        let asset = Asset::native(account.chain);
        let seek = Seek { account, bound: here.since };
        let limits =
            Limits { since: self.settings.since, until: self.settings.until, ..Limits::NONE };
        let expansion = self.view.expand(direction, &[seek], &limits)?;
        let ids = expansion.reached.iter().flat_map(|r| &r.transfers).map(|leg| leg.tx).collect();
        let mut candidates = Vec::new();
        for number in self.walk.bitcoin(ids)? {
            let Some(utxo) = &self.walk.out.utxo[number as usize] else { continue };
            let (tx, time) = (&utxo.tx, utxo.tx.time);
            let own: BTreeSet<_> = tx
                .inputs
                .iter()
                .filter_map(|i| Some(i.previous.as_ref()?.address.clone()))
                .collect();
            for leg in model::memory::legs(tx) {
                let Some(to) = destination(&leg, direction) else { continue };
                let is_change = direction == Direction::Forward && own.contains(&to.address);
                let Some(to) = self.walk.out.accounts.find(&to) else { continue };
                if is_change || to == here.account {
                    continue;
                }
                let place = match leg.position {
                    model::Position::Input(n) => EdgeLeg::Input(number, n),
                    model::Position::Output(n) => EdgeLeg::Output(number, n),
                    _ => continue,
                };
                let asset = asset.clone();
                candidates.push(Candidate { leg: place, to, asset, base: leg.amount, time });
            }
        }
        candidates.sort_by(|a, b| self.order(a.time, b.time));
        Ok(candidates)
    }
}
