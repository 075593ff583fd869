//! Exposure by following the money: the trace's walk and settling, from the address outward.
//!
//! What came in is walked backward and what went out forward, by haircut unless another
//! policy is asked for. The walk ends at the first marked account on every way, and at the
//! caps. Nothing is walked that [`crate::gather`] would not, so that an exposure and a trace
//! of the same address agree.

use std::collections::BTreeMap;

use model::{
    Account, Asset, Direction, Limits, Prices, Registry, Seek, Timestamp, Transfer, TransferKind,
    U256, View, ViewError, amount,
};

use super::marks::{Marked, ServiceKey};
use super::paths::{Arrived, Paths};
use super::{
    Basis, Cap, Caps, CutRow, Designation, Exposure, ExposureMethod, FORMAT, Flow, ServiceRow,
    VERSION, Way,
};
use crate::gather::Gathered;
use crate::report::Base;
use crate::settings::MinValue;
use crate::settle::{Cut, Settled, Totals};
use crate::{Method, Policy, Settings, Source, TraceError, gather, order, settle};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    /// One address, or those of one cluster; all of one chain.
    pub accounts: Vec<Account>,
    pub ways: Vec<Way>,
    pub policy: Policy,
    pub caps: Caps,
    pub prices: Prices,
    pub registry: Registry,
}

impl Ask {
    pub fn of(accounts: Vec<Account>) -> Ask {
        Ask {
            accounts,
            ways: vec![Way::In, Way::Out],
            policy: Policy::Haircut,
            caps: Caps::USUAL,
            prices: Prices::default(),
            registry: Registry::shipped().clone(),
        }
    }
}

/// Walks, and says what the accounts are exposed to.
///
/// # Errors
/// When the view cannot answer, no account is given, or the policy does not conserve
/// value, so that nothing would add up.
pub fn of(view: &dyn View, marked: &Marked, ask: &Ask) -> Result<Exposure, TraceError> {
    if ask.accounts.is_empty() {
        return Err(TraceError::NoSource);
    }
    if !ask.policy.conserves() {
        return Err(TraceError::NotConserved { policy: ask.policy });
    }
    let mut accounts = ask.accounts.clone();
    accounts.sort();
    accounts.dedup();
    let mut exposure = Exposure {
        format: FORMAT,
        version: VERSION,
        accounts,
        method: ExposureMethod::Walk,
        policy: ask.policy,
        caps: Some(ask.caps.clone()),
        as_of: None,
        own: marked.own(&ask.accounts),
        flows: Vec::new(),
        remarks: view.remarks(),
    };
    for way in &ask.ways {
        one_way(view, marked, ask, *way, &mut exposure)?;
    }
    Ok(exposure)
}

fn one_way(
    view: &dyn View,
    marked: &Marked,
    ask: &Ask,
    way: Way,
    exposure: &mut Exposure,
) -> Result<(), TraceError> {
    let own = own_transfers(view, ask, way)?;
    let settings = settings(ask, marked, way, &own);
    let gathered = gather::gather(view, marked.book(), &settings)?;
    let events = order::events(&gathered, settings.direction);
    let settled = settle::settle(&gathered, &events, &settings, settings.policy);
    let writer =
        Writer { gathered: &gathered, settled: &settled, settings: &settings, marked, way };
    exposure.flows.extend(writer.flows(&ask.prices));
    exposure.remarks.extend(writer.remarks());
    Ok(())
}

/// What the addresses themselves moved, as far as the budget allows.
fn own_transfers(view: &dyn View, ask: &Ask, way: Way) -> Result<Vec<Transfer>, ViewError> {
    let seeks: Vec<Seek> = ask.accounts.iter().cloned().map(Seek::all).collect();
    let limits = Limits { per_account: ask.caps.transfers, ..Limits::NONE };
    let expansion = view.expand(direction(way), &seeks, &limits)?;
    let all = expansion.reached.into_iter().flat_map(|reached| reached.transfers);
    Ok(all.filter(|transfer| transfer.kind != TransferKind::Fee).collect())
}

fn direction(way: Way) -> Direction {
    match way {
        Way::In => Direction::Backward,
        Way::Out => Direction::Forward,
    }
}

fn settings(ask: &Ask, marked: &Marked, way: Way, own: &[Transfer]) -> Settings {
    let sources = ask.accounts.iter().cloned().map(Source::Account).collect();
    let mut settings = Settings::forward(sources, ask.policy);
    settings.sources.sort();
    settings.sources.dedup();
    settings.direction = direction(way);
    settings.hops_max = Some(ask.caps.hops);
    settings.budget = ask.caps.transfers;
    settings.hub_degree = ask.caps.hub_degree;
    settings.stop_confidence = marked.confidence_min();
    settings.prices = ask.prices.clone();
    settings.registry = ask.registry.clone();
    settings.method = Method::Frontier;
    settings.counts_balances = true;
    if is_utxo(ask) {
        return settings;
    }
    settings.min_value = Some(MinValue::BeyondSources(floors(own, ask.caps.share_e6)));
    if let Some(days) = ask.caps.days {
        let seconds = i64::from(days) * 24 * 3600;
        let times = || own.iter().map(|transfer| transfer.time.as_second());
        let at = |second: i64| Timestamp::from_second(second).ok();
        match way {
            Way::In => settings.since = times().min().and_then(|first| at(first - seconds)),
            Way::Out => settings.until = times().max().and_then(|last| at(last + seconds)),
        }
    }
    settings
}

fn is_utxo(ask: &Ask) -> bool {
    ask.accounts.iter().any(|account| account.chain.is_utxo())
}

/// A transfer smaller than this carries less than the share asked for, whatever it carries.
fn floors(own: &[Transfer], share_e6: u32) -> BTreeMap<Asset, U256> {
    let mut totals: BTreeMap<Asset, U256> = BTreeMap::new();
    for transfer in own {
        let total = totals.entry(transfer.asset.clone()).or_default();
        *total = total.saturating_add(transfer.amount);
    }
    let (part, whole) = (U256::from(share_e6), U256::from(1_000_000u64));
    totals.values_mut().for_each(|total| *total = amount::share(*total, part, whole));
    totals
}

struct Writer<'a> {
    gathered: &'a Gathered,
    settled: &'a Settled,
    settings: &'a Settings,
    marked: &'a Marked,
    way: Way,
}

impl Writer<'_> {
    fn flows(&self, prices: &Prices) -> Vec<Flow> {
        let paths = Paths::find(
            self.gathered,
            self.settings.direction,
            &self.settled.edges,
            self.settled.services.iter().map(|(account, asset, _)| (*account, *asset)),
            |account, time| {
                let named = ServiceKey::Account(self.gathered.accounts.get(account).clone());
                self.marked.is_after_listing(&named, time) == Some(true)
            },
        );
        let mut flows: Vec<Flow> = (0u32..)
            .zip(&self.settled.totals)
            .filter_map(|(asset, totals)| Some((asset, totals.as_ref()?)))
            .map(|(asset, totals)| self.flow(asset, totals, &paths, prices))
            .collect();
        flows.sort_by(|a, b| a.asset.cmp(&b.asset));
        flows
    }

    fn flow(&self, asset: u32, totals: &Totals, paths: &Paths<'_>, prices: &Prices) -> Flow {
        let named = self.gathered.assets.get(asset);
        let mut flow = Flow::new(self.way, Basis::Moved, named.clone());
        let state = &self.gathered.asset_states[asset as usize];
        flow.symbol = state.meta.as_ref().and_then(|meta| meta.symbol.clone());
        flow.decimals = self.gathered.decimals_known(asset);
        flow.is_imitation = state.imitation.is_some();
        flow.price = super::price(prices, named, None);
        flow.total = Base(totals.tainted_in);
        flow.crossed_in = Base(totals.crossed_in);
        flow.crossed_out = Base(totals.crossed_out);
        flow.fees = Base(totals.fees);
        flow.services = self.services(asset, paths);
        self.rest(asset, &mut flow);
        self.cut(asset, &mut flow);
        flow.close();
        flow
    }

    fn services(&self, asset: u32, paths: &Paths<'_>) -> Vec<ServiceRow> {
        let mut by_key: BTreeMap<ServiceKey, Vec<(u32, U256)>> = BTreeMap::new();
        for (account, of, base) in &self.settled.services {
            if *of == asset {
                let named = self.gathered.accounts.get(*account);
                let key = self.marked.key(named);
                let key = key.unwrap_or_else(|| ServiceKey::Account(named.clone()));
                by_key.entry(key).or_default().push((*account, *base));
            }
        }
        by_key.into_iter().map(|(key, all)| self.service(&key, &all, asset, paths)).collect()
    }

    fn service(
        &self,
        key: &ServiceKey,
        all: &[(u32, U256)],
        asset: u32,
        paths: &Paths<'_>,
    ) -> ServiceRow {
        let mut row = ServiceRow::new(self.marked.who(key));
        let (mut whole, mut after, mut after_direct) = (U256::ZERO, U256::ZERO, U256::ZERO);
        for (account, base) in all {
            let arrived = &paths.arrived[&(*account, asset)];
            let [direct, late, late_direct] = arrived.split(*base);
            row.direct.0 += direct;
            row.indirect.0 += *base - direct;
            whole += *base;
            after += late;
            after_direct += late_direct;
            row.add(arrived);
        }
        row.designation = self.marked.listed_on(key).map(|date| Designation {
            date,
            before: Base(whole - after),
            after: Base(after),
            after_direct: Base(after_direct),
        });
        row.paths = paths.widest(all.iter().map(|(account, _)| &paths.arrived[&(*account, asset)]));
        row
    }

    /// What stayed with addresses that nothing marks.
    fn rest(&self, asset: u32, flow: &mut Flow) {
        let mut late = U256::ZERO;
        for (account, of, base) in &self.settled.resting {
            if *of != asset {
                continue;
            }
            if self.gathered.states[*account as usize].is_source {
                flow.internal.0 += *base;
            } else if self.goes_on_outside(*account, asset) {
                late += *base;
            } else {
                flow.unlabelled.0 += *base;
            }
        }
        flow.cut.push(CutRow { cap: Cap::Time, amount: Base(late) });
    }

    /// Does the ledger have more of it beyond the window? Then time ended the walk, not the money.
    fn goes_on_outside(&self, account: u32, asset: u32) -> bool {
        let Settings { since, until, direction, .. } = self.settings;
        let is_beyond = |time: Timestamp| match direction {
            Direction::Forward => until.is_some_and(|until| time > until),
            Direction::Backward => since.is_some_and(|since| time < since),
        };
        self.gathered.ledgers[account as usize].ats.iter().any(|at| {
            let row = self.gathered.row_at(*at);
            row.asset == asset && row.origin(*direction) == account && is_beyond(row.time)
        })
    }

    fn cut(&self, asset: u32, flow: &mut Flow) {
        let mut sums: BTreeMap<Cap, U256> = BTreeMap::new();
        for (cut, _, of, base) in &self.settled.cut {
            if *of != asset {
                continue;
            }
            let cap = match cut {
                Cut::Issued | Cut::Burned => {
                    flow.issued.0 += *base;
                    continue;
                }
                Cut::UnknownInput => {
                    flow.unlabelled.0 += *base;
                    continue;
                }
                Cut::Hops => Cap::Hops,
                Cut::Budget => Cap::Work,
                Cut::Hub => Cap::Hub,
                Cut::MinValue => Cap::Share,
                Cut::Dust | Cut::LookAlike => Cap::Dust,
                Cut::Window | Cut::NotHighest => Cap::Time,
            };
            *sums.entry(cap).or_default() += *base;
        }
        flow.cut.extend(sums.into_iter().map(|(cap, base)| CutRow { cap, amount: Base(base) }));
    }

    fn remarks(&self) -> Vec<String> {
        let states = || self.gathered.states.iter();
        let walked = states().filter(|state| state.is_walked).count();
        let incomplete = states().filter(|state| state.is_walked && state.is_incomplete).count();
        let truncated = states().filter(|state| state.is_truncated).count();
        let way = match self.way {
            Way::In => "Incoming",
            Way::Out => "Outgoing",
        };
        let mut remarks = Vec::new();
        if incomplete > 0 {
            remarks.push(format!(
                "{way}: the data does not vouch for the whole history of {incomplete} of {walked} addresses walked through"
            ));
        }
        if truncated > 0 {
            remarks.push(format!(
                "{way}: {truncated} addresses have more transfers than the cap on work let in"
            ));
        }
        remarks
    }
}

impl Arrived {
    /// Of what this end kept: what came by own transfers, what on or after its day, and both.
    /// Where some of what arrived went on (a swap that gave it back), in proportion.
    fn split(&self, kept: U256) -> [U256; 3] {
        if self.sum == kept {
            return [self.direct, self.after, self.after_direct];
        }
        if self.sum.is_zero() {
            return [U256::ZERO; 3];
        }
        let of = |part: U256| amount::share(kept, part, self.sum);
        [of(self.direct), of(self.after), of(self.after_direct)]
    }
}

impl ServiceRow {
    pub(super) fn new(service: super::Who) -> ServiceRow {
        ServiceRow {
            service,
            direct: Base::default(),
            indirect: Base::default(),
            share: 0.0,
            usd: None,
            hops_min: None,
            transfers: Some(0),
            first: None,
            last: None,
            designation: None,
            paths: Vec::new(),
        }
    }

    fn add(&mut self, arrived: &Arrived) {
        self.hops_min = self.hops_min.into_iter().chain(arrived.hops_min).min();
        self.transfers = self.transfers.map(|known| known + arrived.transfers);
        self.first = self.first.into_iter().chain(arrived.first).min();
        self.last = self.last.into_iter().chain(arrived.last).max();
    }
}
