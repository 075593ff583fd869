//! The settling: every event once, in order, by one taint policy.
//!
//! Value moves between purses. For a policy that conserves, and for every asset,
//! tainted in + crossed in = resting + at services + fees + cut + crossed out,
//! to the base unit; [`settle`] asserts it before it returns.

use std::collections::BTreeMap;

use model::amount::share;
use model::{
    Account, Asset, Direction, FindingKind, Outpoint, Role, Transfer, TransferKind, TxId, U256,
    UtxoTransaction,
};

use crate::Policy;
use crate::crossing::{Crossing, Leg};
use crate::gather::{At, Gathered, Stop, destination, is_large_enough, origin};
use crate::order::Event;
use crate::purse::{Flow, Purse};
use crate::settings::Settings;
use crate::split::distribute;

#[derive(Debug, Default)]
pub struct Settled {
    pub edges: Vec<Edge>,
    pub totals: BTreeMap<Asset, Totals>,
    /// Tainted value still where the walk saw it arrive.
    pub resting: BTreeMap<(Account, Asset), U256>,
    pub services: BTreeMap<(Account, Asset), U256>,
    pub cut: BTreeMap<(Cut, Option<Account>, Asset), U256>,
    /// Bitcoin: unspent tainted outputs.
    pub unspent: BTreeMap<Outpoint, U256>,
    /// By crossing: taint that went in by leg, taint that came out.
    pub crossed: BTreeMap<usize, (Vec<U256>, U256)>,
}

/// A movement that carried taint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub leg: EdgeLeg,
    pub depth: u32,
    pub tainted: U256,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeLeg {
    Transfer(At),
    Input(TxId, u32),
    Output(TxId, u32),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub tainted_in: U256,
    pub crossed_in: U256,
    pub resting: U256,
    pub at_services: U256,
    pub fees: U256,
    pub cut: U256,
    pub crossed_out: U256,
}

/// Why tainted value was not followed on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    Hops,
    Budget,
    Hub,
    MinValue,
    Dust,
    /// Sent to an address made to look like another.
    LookAlike,
    /// Destroyed, going forward.
    Burned,
    /// Newly made, going backward.
    Issued,
    /// Going backward: the spent output is not in the data.
    UnknownInput,
    /// Left before the window (backward: after it).
    Window,
    /// A destination the highest-value route did not choose.
    NotHighest,
}

pub fn settle(
    gathered: &Gathered,
    events: &[Event],
    settings: &Settings,
    policy: Policy,
) -> Settled {
    let mut books = Books {
        gathered,
        settings,
        policy,
        purses: BTreeMap::new(),
        legs: BTreeMap::new(),
        outputs: BTreeMap::new(),
        out: Settled::default(),
    };
    books.prime();
    for event in events {
        match event {
            Event::Transfer(at) => books.transfer(*at),
            Event::Cross(n) => books.cross(*n),
            Event::Bitcoin(id) => books.bitcoin(id),
        }
    }
    books.close()
}

struct Books<'a> {
    gathered: &'a Gathered,
    settings: &'a Settings,
    policy: Policy,
    purses: BTreeMap<(Account, Asset), Purse>,
    /// What each payment to a swap venue carried.
    legs: BTreeMap<At, Purse>,
    outputs: BTreeMap<Outpoint, Flow>,
    out: Settled,
}

impl Books<'_> {
    /// Bitcoin sources are tainted from the start, each output whole.
    fn prime(&mut self) {
        for outpoint in &self.gathered.source_outpoints {
            if let Some(output) = self.gathered.holders.get(outpoint) {
                let value = U256::from(output.value);
                self.totals(&Asset::native(outpoint.tx.chain)).tainted_in += value;
                self.outputs.insert(*outpoint, Flow::tainted(value));
            }
        }
    }

    fn transfer(&mut self, at: At) {
        let transfer = &self.gathered.transfers[at];
        let excluded = self.gathered.excluded.get(&at);
        if matches!(
            excluded,
            Some(FindingKind::ZeroValue | FindingKind::ImitationToken | FindingKind::AbsurdAmount)
        ) || self.is_after_window(transfer)
        {
            return;
        }
        let flow = self.take(at, transfer);
        match self.fate(at, transfer, excluded) {
            Fate::Fee => self.pay_fee(transfer, flow),
            Fate::Cut(cut) => self.cut_off(cut, transfer, flow),
            Fate::Move => self.pass(at, transfer, flow),
        }
    }

    /// Beyond the far end of the window value rests where it is.
    fn is_after_window(&self, transfer: &Transfer) -> bool {
        match self.settings.direction {
            Direction::Forward => self.settings.until.is_some_and(|until| transfer.time > until),
            Direction::Backward => self.settings.since.is_some_and(|since| transfer.time < since),
        }
    }

    fn take(&mut self, at: At, transfer: &Transfer) -> Flow {
        if self.settings.direction == Direction::Backward
            && let Some(purse) = self.legs.get_mut(&at)
        {
            return purse.take(transfer.amount);
        }
        let Some(from) = origin(transfer, self.settings.direction) else {
            return Flow::clean(transfer.amount);
        };
        let flow = if self.gathered.ledgers.contains_key(&from) {
            self.purse(from.clone(), transfer.asset.clone()).take(transfer.amount)
        } else {
            Flow::clean(transfer.amount)
        };
        if self.is_source(at, transfer, &from) { self.taint(transfer, flow) } else { flow }
    }

    fn is_source(&self, at: At, transfer: &Transfer, from: &Account) -> bool {
        let sends = self.gathered.source_accounts.contains(from)
            && transfer.kind != TransferKind::Fee
            && !self.gathered.excluded.contains_key(&at)
            && self.settings.is_in_window(transfer.time)
            && is_large_enough(transfer, &self.gathered.metas, self.settings)
            && self.gathered.depths.contains_key(&at);
        sends || self.gathered.forced.contains(&at)
    }

    /// A source's payment is tainted whole; what was not yet counts as tainted in.
    fn taint(&mut self, transfer: &Transfer, flow: Flow) -> Flow {
        let new = transfer.amount - flow.taint();
        self.totals(&transfer.asset).tainted_in += new;
        Flow::tainted(transfer.amount)
    }

    fn fate(&self, at: At, transfer: &Transfer, excluded: Option<&FindingKind>) -> Fate {
        let direction = self.settings.direction;
        if transfer.kind == TransferKind::Fee && direction == Direction::Forward {
            return Fate::Fee;
        }
        match excluded {
            Some(FindingKind::LookAlike) => return Fate::Cut(Cut::LookAlike),
            Some(_) => return Fate::Cut(Cut::Dust),
            None => {}
        }
        if destination(transfer, direction).is_none() {
            return Fate::Cut(if direction == Direction::Forward {
                Cut::Burned
            } else {
                Cut::Issued
            });
        }
        Fate::Move.unless_unfollowed(at, transfer, self)
    }

    fn pass(&mut self, at: At, transfer: &Transfer, flow: Flow) {
        let taint = flow.taint();
        let is_moved = !taint.is_zero()
            && origin(transfer, self.settings.direction)
                != destination(transfer, self.settings.direction);
        if is_moved {
            let depth = self.gathered.depths.get(&at).copied().unwrap_or_default();
            self.out.edges.push(Edge { leg: EdgeLeg::Transfer(at), depth, tainted: taint });
        }
        let Some(to) = destination(transfer, self.settings.direction) else { return };
        if self.gathered.roles.get(&to) == Some(&Role::Swap)
            && !self.gathered.ledgers.contains_key(&to)
        {
            self.leg(at).put(flow);
        } else if self.gathered.ledgers.contains_key(&to) {
            self.purse(to, transfer.asset.clone()).put(flow);
        } else {
            self.stop(to, &transfer.asset, taint);
        }
    }

    /// The taint goes no further, but the value itself arrived and dilutes.
    fn cut_off(&mut self, cut: Cut, transfer: &Transfer, flow: Flow) {
        let to = destination(transfer, self.settings.direction);
        self.cut(cut, to.clone(), &transfer.asset, flow.taint());
        if let Some(to) = to.filter(|to| self.gathered.ledgers.contains_key(to)) {
            self.purse(to, transfer.asset.clone()).put(Flow::clean(flow.total()));
        }
    }

    /// Value arrived where the walk does not go on.
    fn stop(&mut self, account: Account, asset: &Asset, taint: U256) {
        match self.gathered.stops.get(&account) {
            Some(Stop::Service) => self.serve(account, asset, taint),
            Some(Stop::Hops) => self.cut(Cut::Hops, Some(account), asset, taint),
            Some(Stop::Budget) => self.cut(Cut::Budget, Some(account), asset, taint),
            Some(Stop::Hub) => self.cut(Cut::Hub, Some(account), asset, taint),
            Some(Stop::Dust) => self.cut(Cut::Dust, Some(account), asset, taint),
            None => self.rest(account, asset, taint),
        }
    }

    fn pay_fee(&mut self, transfer: &Transfer, flow: Flow) {
        let taint = flow.taint();
        self.totals(&transfer.asset).fees += taint;
    }

    fn cross(&mut self, n: usize) {
        let crossing = &self.gathered.crossings[n];
        let (legs, out) = match self.settings.direction {
            Direction::Forward => self.cross_forward(crossing),
            Direction::Backward => self.cross_backward(crossing),
        };
        if let Some(at) = crossing.return_leg.filter(|_| !out.is_zero()) {
            let depth = self.gathered.depths.get(&at).copied().unwrap_or_default();
            self.out.edges.push(Edge { leg: EdgeLeg::Transfer(at), depth, tainted: out });
        }
        self.out.crossed.insert(n, (legs, out));
    }

    fn cross_forward(&mut self, crossing: &Crossing) -> (Vec<U256>, U256) {
        let taints: Vec<U256> =
            crossing.legs.iter().map(|leg| self.leg(leg.at).take(leg.base).taint()).collect();
        for (leg, taint) in crossing.legs.iter().zip(&taints) {
            self.totals(&leg.asset).crossed_out += *taint;
        }
        let out = self.tainted_share(crossing, &taints);
        self.totals(&crossing.out_asset).crossed_in += out;
        let flow = Flow::of(out, crossing.out_base - out);
        self.purse(crossing.account.clone(), crossing.out_asset.clone()).put(flow);
        (taints, out)
    }

    /// The part of what came back that is tainted: in proportion to value.
    fn tainted_share(&self, crossing: &Crossing, taints: &[U256]) -> U256 {
        let weights: Vec<(U256, U256)> = crossing
            .legs
            .iter()
            .zip(taints)
            .map(|(leg, taint)| self.weigh(crossing, leg, *taint))
            .collect();
        let tainted = weights.iter().fold(U256::ZERO, |sum, (taint, _)| sum.saturating_add(*taint));
        let whole = weights.iter().fold(U256::ZERO, |sum, (_, whole)| sum.saturating_add(*whole));
        if tainted.is_zero() || whole.is_zero() {
            return U256::ZERO;
        }
        if self.policy == Policy::Poison {
            return crossing.out_base;
        }
        share(crossing.out_base, tainted.min(whole), whole)
    }

    /// Taint and whole of one leg on a common scale: base units where all legs are of
    /// one asset, else USD of the day, else each leg for an equal part.
    fn weigh(&self, crossing: &Crossing, leg: &Leg, taint: U256) -> (U256, U256) {
        const EQUAL: u64 = 1_000_000_000_000;
        if crossing.legs.iter().all(|other| other.asset == leg.asset) {
            return (taint, leg.base);
        }
        let date = model::day_of(self.gathered.transfers[leg.at].time);
        let decimals = self.gathered.decimals(&leg.asset);
        let price = |base| self.settings.prices.value_e12(&leg.asset, base, decimals, date);
        let all_priced =
            crossing.legs.iter().all(|leg| self.settings.prices.get(&leg.asset, date).is_some());
        match (price(taint), price(leg.base)) {
            (Some(taint), Some(whole)) if all_priced => (taint, whole),
            _ if leg.base.is_zero() => (U256::ZERO, U256::ZERO),
            _ => (share(U256::from(EQUAL), taint, leg.base), U256::from(EQUAL)),
        }
    }

    fn cross_backward(&mut self, crossing: &Crossing) -> (Vec<U256>, U256) {
        let account = crossing.account.clone();
        let out = self.purse(account, crossing.out_asset.clone()).take(crossing.out_base).taint();
        self.totals(&crossing.out_asset).crossed_out += out;
        let mut legs = Vec::new();
        for leg in &crossing.legs {
            let taint = if crossing.out_base.is_zero() {
                U256::ZERO
            } else {
                share(leg.base, out, crossing.out_base)
            };
            self.totals(&leg.asset).crossed_in += taint;
            self.leg(leg.at).put(Flow::of(taint, leg.base - taint));
            legs.push(taint);
        }
        (legs, out)
    }

    fn bitcoin(&mut self, id: &TxId) {
        let Some(tx) = self.gathered.utxo.get(id) else { return };
        let asset = Asset::native(id.chain);
        let depth = self.gathered.utxo_depths.get(id).copied().unwrap_or_default();
        let sides = match self.settings.direction {
            Direction::Forward => self.forward_sides(tx),
            Direction::Backward => self.backward_sides(tx),
        };
        let (into, fee_flow) = distribute(self.policy, sides.from, &sides.into, sides.fee);
        self.edges_from(tx, &sides.taints, depth);
        self.totals(&asset).fees += fee_flow.taint();
        for (place, flow) in sides.places.into_iter().zip(into) {
            self.arrive(tx, place, flow, depth);
        }
    }

    fn edges_from(&mut self, tx: &UtxoTransaction, taints: &[U256], depth: u32) {
        let is_forward = self.settings.direction == Direction::Forward;
        for (n, taint) in (0u32..).zip(taints) {
            if taint.is_zero() {
                continue;
            }
            let leg = if is_forward { EdgeLeg::Input(tx.id, n) } else { EdgeLeg::Output(tx.id, n) };
            self.out.edges.push(Edge { leg, depth, tainted: *taint });
        }
    }

    fn arrive(&mut self, tx: &UtxoTransaction, place: UtxoPlace, flow: Flow, depth: u32) {
        let taint = flow.taint();
        let asset = Asset::native(tx.id.chain);
        let outpoint = match place {
            UtxoPlace::Unknown => return self.cut(Cut::UnknownInput, None, &asset, taint),
            UtxoPlace::Issued => return self.cut(Cut::Issued, None, &asset, taint),
            UtxoPlace::Input(n) => tx.inputs[n as usize].outpoint,
            UtxoPlace::Output(n) => Outpoint { tx: tx.id, index: n },
        };
        if !taint.is_zero() {
            let leg = match place {
                UtxoPlace::Input(n) => EdgeLeg::Input(tx.id, n),
                _ => EdgeLeg::Output(tx.id, outpoint.index),
            };
            self.out.edges.push(Edge { leg, depth, tainted: taint });
        }
        self.hold_output(outpoint, flow);
    }

    /// A source's output that taint comes back to is tainted already.
    fn hold_output(&mut self, outpoint: Outpoint, flow: Flow) {
        match self.outputs.get(&outpoint) {
            Some(_) if self.gathered.source_outpoints.contains(&outpoint) => {
                self.totals(&Asset::native(outpoint.tx.chain)).tainted_in -= flow.taint();
            }
            _ => drop(self.outputs.insert(outpoint, flow)),
        }
    }

    /// Inputs to outputs and fee; an unresolved input holds what the others lack.
    fn forward_sides(&mut self, tx: &UtxoTransaction) -> Sides {
        let into: Vec<U256> = tx.outputs.iter().map(|output| U256::from(output.value)).collect();
        let value_out: U256 = tx.value_out();
        let known: U256 = known_in(tx);
        let mut unseen = value_out.saturating_sub(known);
        let fee = known.saturating_sub(value_out);
        let mut from = Vec::new();
        let mut taints = Vec::new();
        for input in &tx.inputs {
            let flow = match (&input.previous, self.outputs.remove(&input.outpoint)) {
                (_, Some(flow)) => flow,
                (Some(output), None) => Flow::clean(U256::from(output.value)),
                (None, None) => Flow::clean(std::mem::take(&mut unseen)),
            };
            taints.push(flow.taint());
            from.push(flow);
        }
        from.push(Flow::clean(unseen));
        let places = (0u32..).take(tx.outputs.len()).map(UtxoPlace::Output).collect();
        Sides { from, taints, into, places, fee }
    }

    /// Outputs and fee to inputs.
    fn backward_sides(&mut self, tx: &UtxoTransaction) -> Sides {
        let mut from = Vec::new();
        let mut taints = Vec::new();
        for (outpoint, output) in crate::order::outpoints(tx).zip(&tx.outputs) {
            let flow = self
                .outputs
                .remove(&outpoint)
                .unwrap_or_else(|| Flow::clean(U256::from(output.value)));
            taints.push(flow.taint());
            from.push(flow);
        }
        let known = known_in(tx);
        let value_out = tx.value_out();
        from.push(Flow::clean(known.saturating_sub(value_out)));
        let mut unseen = value_out.saturating_sub(known);
        let mut into = Vec::new();
        let mut places = Vec::new();
        for (n, input) in (0u32..).zip(&tx.inputs) {
            match &input.previous {
                Some(output) => {
                    into.push(U256::from(output.value));
                    places.push(UtxoPlace::Input(n));
                }
                None => {
                    into.push(std::mem::take(&mut unseen));
                    places.push(UtxoPlace::Unknown);
                }
            }
        }
        into.push(unseen);
        places.push(if tx.is_coinbase { UtxoPlace::Issued } else { UtxoPlace::Unknown });
        Sides { from, taints, into, places, fee: U256::ZERO }
    }

    fn close(mut self) -> Settled {
        for ((account, asset), purse) in std::mem::take(&mut self.purses) {
            self.rest(account, &asset, purse.taint());
        }
        for (at, purse) in std::mem::take(&mut self.legs) {
            let transfer = &self.gathered.transfers[at];
            if let Some(venue) = destination(transfer, self.settings.direction) {
                self.serve(venue, &transfer.asset, purse.taint());
            }
        }
        for (outpoint, flow) in std::mem::take(&mut self.outputs) {
            self.close_output(outpoint, flow.taint());
        }
        if self.policy.conserves() {
            for (asset, totals) in &self.out.totals {
                assert!(
                    totals.balance(),
                    "taint of {asset} is not conserved under {}: {totals:?}",
                    self.policy
                );
            }
        }
        self.out
    }

    fn close_output(&mut self, outpoint: Outpoint, taint: U256) {
        let Some(output) = self.gathered.holders.get(&outpoint).filter(|_| !taint.is_zero()) else {
            return;
        };
        let chain = outpoint.tx.chain;
        let holder = Account { chain, address: output.address.clone() };
        let asset = Asset::native(chain);
        match self.gathered.outpoint_stops.get(&outpoint) {
            Some(Stop::Service) => self.serve(holder, &asset, taint),
            Some(Stop::Hops) => self.cut(Cut::Hops, Some(holder), &asset, taint),
            Some(Stop::Budget | Stop::Hub) => self.cut(Cut::Budget, Some(holder), &asset, taint),
            Some(Stop::Dust) => self.cut(Cut::Dust, Some(holder), &asset, taint),
            None => {
                self.out.unspent.insert(outpoint, taint);
                self.rest(holder, &asset, taint);
            }
        }
    }

    fn rest(&mut self, account: Account, asset: &Asset, taint: U256) {
        if taint.is_zero() {
            return;
        }
        self.totals(asset).resting += taint;
        *self.out.resting.entry((account, asset.clone())).or_default() += taint;
    }

    fn serve(&mut self, account: Account, asset: &Asset, taint: U256) {
        if taint.is_zero() {
            return;
        }
        self.totals(asset).at_services += taint;
        *self.out.services.entry((account, asset.clone())).or_default() += taint;
    }

    fn cut(&mut self, cut: Cut, account: Option<Account>, asset: &Asset, taint: U256) {
        if taint.is_zero() {
            return;
        }
        self.totals(asset).cut += taint;
        *self.out.cut.entry((cut, account, asset.clone())).or_default() += taint;
    }

    fn totals(&mut self, asset: &Asset) -> &mut Totals {
        self.out.totals.entry(asset.clone()).or_default()
    }

    fn purse(&mut self, account: Account, asset: Asset) -> &mut Purse {
        let policy = self.policy;
        self.purses.entry((account, asset)).or_insert_with(|| Purse::new(policy))
    }

    fn leg(&mut self, at: At) -> &mut Purse {
        let policy = self.policy;
        self.legs.entry(at).or_insert_with(|| Purse::new(policy))
    }
}

enum Fate {
    Fee,
    Cut(Cut),
    Move,
}

impl Fate {
    /// A movement the walk did not follow keeps its taint on the books as cut. A clean
    /// one moves all the same: it dilutes.
    fn unless_unfollowed(self, at: At, transfer: &Transfer, books: &Books<'_>) -> Fate {
        let settings = books.settings;
        let direction = settings.direction;
        let from_walked = origin(transfer, direction)
            .is_some_and(|from| books.gathered.ledgers.contains_key(&from));
        if books.gathered.depths.contains_key(&at) || !from_walked {
            return self;
        }
        if !is_large_enough(transfer, &books.gathered.metas, settings) {
            return Fate::Cut(Cut::MinValue);
        }
        if !settings.is_in_window(transfer.time) {
            return Fate::Cut(Cut::Window);
        }
        if settings.hops_max.is_some() { Fate::Cut(Cut::Hops) } else { self }
    }
}

struct Sides {
    from: Vec<Flow>,
    taints: Vec<U256>,
    into: Vec<U256>,
    places: Vec<UtxoPlace>,
    fee: U256,
}

#[derive(Clone, Copy)]
enum UtxoPlace {
    Input(u32),
    Output(u32),
    Unknown,
    Issued,
}

fn known_in(tx: &UtxoTransaction) -> U256 {
    tx.inputs
        .iter()
        .filter_map(|input| input.previous.as_ref())
        .map(|output| U256::from(output.value))
        .sum()
}

impl Totals {
    /// Does what came in equal what is accounted for?
    pub fn balance(&self) -> bool {
        self.tainted_in + self.crossed_in
            == self.resting + self.at_services + self.fees + self.cut + self.crossed_out
    }
}
