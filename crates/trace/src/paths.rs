//! Ways by which value could have gone from one account to another.
//!
//! A level is a batch: every account that value of the first could have reached by then, each asked for
//! what it sent from that moment on. A way is a row of accounts, each paying the next no earlier than it
//! was paid; parallel payments are one step, with their number. Nothing is said of how much of the value
//! went there: that is the trace's question.
//!
//! Places where many people's money mixes are not walked through, nor accounts with more transfers than
//! a hub has; where the walk ended is said. On Bitcoin whoever is among the inputs counts as a payer of
//! every output.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Account, Asset, Book, Chain, Direction, Limits, Position, Role, Seek, Timestamp, Transaction,
    Transfer, TransferKind, TxId, U256, View,
};

use crate::TraceError;
use crate::gather::Stop;
use crate::report::Base;

pub const FORMAT: &str = "interdict-paths";
pub const VERSION: u32 = 1;

#[derive(Clone, Debug)]
pub struct PathSettings {
    pub source: Account,
    pub target: Account,
    /// Payments from the one to the other at most.
    pub hops_max: u32,
    /// Ways that are named at most, the shortest first.
    pub routes_max: usize,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Only this asset; none: any.
    pub asset: Option<Asset>,
    /// Payments of fewer base units are not followed.
    pub min_base: U256,
    /// Transfers gathered at most.
    pub budget: usize,
    pub hub_degree: u64,
    /// Labels below this do not stop the walk.
    pub stop_confidence: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Paths {
    pub format: &'static str,
    pub version: u32,
    pub source: Account,
    pub target: Account,
    /// The shortest first.
    pub routes: Vec<Route>,
    /// Nothing ended the walk early: no other way of so many payments is in the data.
    pub is_complete: bool,
    pub accounts: usize,
    pub transfers: usize,
    /// Where the walk ended, with why.
    pub stops: Vec<StopRow>,
    pub remarks: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Route {
    pub accounts: Vec<Account>,
    pub steps: Vec<PathStep>,
}

/// The earliest payment that can follow the one before.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PathStep {
    pub tx: TxId,
    pub position: Position,
    pub height: Option<u64>,
    pub time: Timestamp,
    pub from: Account,
    pub to: Account,
    pub asset: Asset,
    pub amount: Base,
    /// All payments between the two that the walk saw.
    pub payments: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct StopRow {
    pub account: Account,
    pub reason: Stop,
}

/// Transfers of one account that are asked for: more is a hub in all but name.
const PER_ACCOUNT: usize = 20_000;
/// Steps of the search for ways among what was gathered.
const WORK_MAX: usize = 2_000_000;
/// Places where the walk ended that are named.
const STOPS_MAX: usize = 200;

pub fn find(view: &dyn View, book: &Book, settings: &PathSettings) -> Result<Paths, TraceError> {
    let mut walk = Walk::new(view, book, settings);
    let mut routes = Vec::new();
    let mut work = 0;
    if settings.source != settings.target {
        let mut has_more = true;
        for level in 1..=settings.hops_max {
            // Where nobody is left to ask, longer ways may still lead over who was asked already.
            has_more = has_more && walk.step()?;
            routes.extend(walk.routes(level, settings.routes_max - routes.len(), &mut work));
            if routes.len() >= settings.routes_max {
                walk.is_complete = false;
                break;
            }
        }
    }
    let mut remarks = view.remarks();
    if work >= WORK_MAX {
        walk.is_complete = false;
        remarks.push("there are more ways among these accounts than were gone through".into());
    }
    if walk.is_utxo {
        remarks.push(
            "on Bitcoin an output counts as paid by everybody among the inputs of its transaction"
                .into(),
        );
    }
    let stops = walk.stops.iter().take(STOPS_MAX);
    let stops =
        stops.map(|(account, reason)| StopRow { account: account.clone(), reason: *reason });
    Ok(Paths {
        format: FORMAT,
        version: VERSION,
        source: settings.source.clone(),
        target: settings.target.clone(),
        routes,
        is_complete: walk.is_complete && walk.stops.is_empty(),
        accounts: walk.arrived.len(),
        transfers: walk.transfers,
        stops: stops.collect(),
        remarks,
    })
}

struct Walk<'a> {
    view: &'a dyn View,
    book: &'a Book,
    settings: &'a PathSettings,
    /// When value of the source could have been at an account first.
    arrived: BTreeMap<Account, Option<Timestamp>>,
    frontier: BTreeSet<Account>,
    /// By receiver and payer.
    paid: BTreeMap<Account, BTreeMap<Account, BTreeSet<Paid>>>,
    transfers: usize,
    stops: BTreeMap<Account, Stop>,
    is_complete: bool,
    is_utxo: bool,
}

/// A payment, as little of it as a way needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Paid {
    time: Timestamp,
    tx: TxId,
    position: Position,
    height: Option<u64>,
    asset: Asset,
    amount: U256,
}

impl<'a> Walk<'a> {
    fn new(view: &'a dyn View, book: &'a Book, settings: &'a PathSettings) -> Walk<'a> {
        let source = settings.source.clone();
        Walk {
            view,
            book,
            settings,
            arrived: BTreeMap::from([(source.clone(), settings.since)]),
            frontier: BTreeSet::from([source]),
            paid: BTreeMap::new(),
            transfers: 0,
            stops: BTreeMap::new(),
            is_complete: true,
            is_utxo: settings.source.chain.is_utxo(),
        }
    }

    /// One level further. False: there was nothing left to ask.
    fn step(&mut self) -> Result<bool, TraceError> {
        let frontier = std::mem::take(&mut self.frontier);
        let walked = self.walked(frontier.into_iter().collect())?;
        if walked.is_empty() {
            return Ok(false);
        }
        let seek = |account: &Account| Seek {
            account: account.clone(),
            bound: self.arrived.get(account).copied().flatten(),
        };
        let seeks: Vec<Seek> = walked.iter().map(seek).collect();
        let limits = Limits {
            per_account: PER_ACCOUNT.min(self.settings.budget.saturating_sub(self.transfers) + 1),
            since: self.settings.since,
            until: self.settings.until,
            assets: self.settings.asset.clone().map(|asset| vec![asset]),
            min_base: if self.is_utxo { U256::ZERO } else { self.settings.min_base },
        };
        let expansion = self.view.expand(Direction::Forward, &seeks, &limits)?;
        for reached in expansion.reached {
            if reached.is_truncated {
                self.stops.insert(reached.account.clone(), Stop::Budget);
            }
            self.transfers += reached.transfers.len();
            let payments = match self.is_utxo {
                true => self.outputs(&reached.account, &reached.transfers)?,
                false => payments(&reached.transfers),
            };
            for (to, paid) in payments {
                self.take(&reached.account, to, paid);
            }
            if self.transfers > self.settings.budget {
                self.is_complete = false;
                self.frontier.clear();
                return Ok(true);
            }
        }
        Ok(true)
    }

    /// Those of a level that value can be followed through.
    fn walked(&mut self, accounts: Vec<Account>) -> Result<Vec<Account>, TraceError> {
        let degrees = self.view.degree(&accounts)?;
        let mut walked = Vec::with_capacity(accounts.len());
        for (account, degree) in accounts.into_iter().zip(degrees) {
            let is_source = account == self.settings.source;
            let stop = match () {
                () if is_source => None,
                () if self.is_service(&account) => Some(Stop::Service),
                () if degree.sent + degree.received > self.settings.hub_degree => Some(Stop::Hub),
                () => None,
            };
            match stop {
                Some(stop) => drop(self.stops.insert(account, stop)),
                None => walked.push(account),
            }
        }
        Ok(walked)
    }

    fn is_service(&self, account: &Account) -> bool {
        let labels = self.book.labels(account);
        labels.iter().any(|label| {
            label.confidence.level >= self.settings.stop_confidence && label.role() != Role::Other
        })
    }

    /// What the transactions that spend an account's outputs pay to others.
    fn outputs(
        &self,
        from: &Account,
        legs: &[Transfer],
    ) -> Result<Vec<(Account, Paid)>, TraceError> {
        let ids: BTreeSet<TxId> = legs.iter().map(|leg| leg.tx).collect();
        let ids: Vec<TxId> = ids.into_iter().collect();
        let mut payments = Vec::new();
        for found in self.view.transactions(&ids)?.into_iter().flatten() {
            let Transaction::Utxo(tx) = found else { continue };
            for (index, output) in (0..).zip(&tx.outputs) {
                let to = Account { chain: from.chain, address: output.address.clone() };
                let amount = U256::from(output.value);
                if to == *from || amount < self.settings.min_base || amount.is_zero() {
                    continue;
                }
                let (asset, position) = (Asset::native(from.chain), Position::Output(index));
                let (time, height) = (tx.time, tx.height);
                payments.push((to, Paid { time, tx: tx.id, position, height, asset, amount }));
            }
        }
        Ok(payments)
    }

    fn take(&mut self, from: &Account, to: Account, paid: Paid) {
        let time = paid.time;
        // An account that is asked again, from an earlier time on, tells the rest again.
        self.paid.entry(to.clone()).or_default().entry(from.clone()).or_default().insert(paid);
        let is_earlier = match self.arrived.get(&to) {
            None => true,
            Some(known) => known.is_some_and(|known| time < known),
        };
        if !is_earlier {
            return;
        }
        self.arrived.insert(to.clone(), Some(time));
        // Nothing is followed through the target: it arrived.
        if to != self.settings.target {
            self.frontier.insert(to);
        }
    }

    /// Every way of exactly so many payments, at most so many of them.
    fn routes(&self, hops: u32, max: usize, work: &mut usize) -> Vec<Route> {
        let mut search = Search { walk: self, max, work, found: Vec::new() };
        let mut way = vec![self.settings.target.clone()];
        search.back(&mut way, hops, None);
        let found = search.found;
        found.into_iter().filter_map(|accounts| self.route(accounts)).collect()
    }

    /// The earliest payments along a row of accounts.
    fn route(&self, accounts: Vec<Account>) -> Option<Route> {
        let mut steps = Vec::with_capacity(accounts.len());
        let mut after = self.settings.since;
        for pair in accounts.windows(2) {
            let [from, to] = pair else { continue };
            let between = self.paid.get(to)?.get(from)?;
            let first = between.iter().find(|paid| after.is_none_or(|after| paid.time >= after))?;
            after = Some(first.time);
            steps.push(PathStep {
                tx: first.tx,
                position: first.position.clone(),
                height: first.height,
                time: first.time,
                from: from.clone(),
                to: to.clone(),
                asset: first.asset.clone(),
                amount: Base(first.amount),
                payments: between.len(),
            });
        }
        Some(Route { accounts, steps })
    }
}

/// From the target back: whoever paid is on the way if value of the source can have been with them.
struct Search<'a> {
    walk: &'a Walk<'a>,
    max: usize,
    work: &'a mut usize,
    found: Vec<Vec<Account>>,
}

impl Search<'_> {
    fn back(&mut self, way: &mut Vec<Account>, hops: u32, until: Option<Timestamp>) {
        let Some(at) = way.last().cloned() else { return };
        for (from, between) in self.walk.paid.get(&at).into_iter().flatten() {
            *self.work += 1;
            if *self.work >= WORK_MAX || self.found.len() >= self.max {
                return;
            }
            let times = between.iter().map(|paid| paid.time);
            let latest = times.filter(|time| until.is_none_or(|until| *time <= until)).max();
            let Some(latest) = latest else { continue };
            let is_source = *from == self.walk.settings.source;
            if hops == 1 && is_source {
                let mut accounts = way.clone();
                accounts.push(from.clone());
                accounts.reverse();
                self.found.push(accounts);
            }
            let arrived = self.walk.arrived.get(from).copied().flatten();
            let is_in_time = arrived.is_none_or(|arrived| arrived <= latest);
            if hops > 1 && !is_source && is_in_time && !way.contains(from) {
                way.push(from.clone());
                self.back(way, hops - 1, Some(latest));
                way.pop();
            }
        }
    }
}

fn payments(transfers: &[Transfer]) -> Vec<(Account, Paid)> {
    let is_payment = |transfer: &&Transfer| {
        matches!(transfer.kind, TransferKind::Value | TransferKind::Nft)
            && !transfer.amount.is_zero()
            && transfer.to != transfer.from
    };
    let payment = |transfer: &Transfer| {
        let paid = Paid {
            time: transfer.time,
            tx: transfer.tx,
            position: transfer.position.clone(),
            height: transfer.height,
            asset: transfer.asset.clone(),
            amount: transfer.amount,
        };
        Some((transfer.to_account()?, paid))
    };
    transfers.iter().filter(is_payment).filter_map(payment).collect()
}

impl PathSettings {
    pub const HOPS_MAX: u32 = 10;
    pub const ROUTES_MAX: usize = 100;

    pub fn new(source: Account, target: Account) -> PathSettings {
        PathSettings {
            source,
            target,
            hops_max: 4,
            routes_max: 20,
            since: None,
            until: None,
            asset: None,
            min_base: U256::ZERO,
            budget: crate::Settings::BUDGET,
            hub_degree: crate::Settings::HUB_DEGREE,
            stop_confidence: crate::Settings::STOP_CONFIDENCE,
        }
    }

    pub fn chain(&self) -> Chain {
        self.source.chain
    }
}

#[cfg(test)]
mod tests;
