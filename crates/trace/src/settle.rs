//! The settling: every event once, in order, by one taint policy.
//!
//! Value moves between purses. For a policy that conserves, and for every asset,
//! tainted in + crossed in = resting + at services + fees + cut + crossed out,
//! to the base unit; [`settle`] asserts it before it returns.

use hashbrown::HashMap;
use model::{Direction, FindingKind, Role, TransferKind, U256, UtxoTransaction};

use crate::Policy;
use crate::crossing::{Crossing, Leg};
use crate::gather::{At, Gathered, NOBODY, OutState, Row, Stop, Utxo, is_large_enough};
use crate::order::Event;
use crate::purse::{Flow, Purse};
use crate::settings::Settings;
use crate::share::share;
use crate::split::distribute;

/// What the settling says. Accounts and assets are numbers of [`Gathered`]; rows of
/// sums are in no order.
#[derive(Debug, Default)]
pub struct Settled {
    pub edges: Vec<Edge>,
    /// By asset; none where nothing of it was ever booked.
    pub totals: Vec<Option<Totals>>,
    /// Tainted value still where the walk saw it arrive: account, asset, base.
    pub resting: Vec<(u32, u32, U256)>,
    pub services: Vec<(u32, u32, U256)>,
    /// Why, account ([`NOBODY`] where there is none), asset, base.
    pub cut: Vec<(Cut, u32, u32, U256)>,
    /// By crossing: taint that went in by leg, taint that came out.
    pub crossed: Vec<(u32, Vec<U256>, U256)>,
}

/// A movement that carried taint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub leg: EdgeLeg,
    pub depth: u32,
    pub tainted: U256,
}

/// Of Bitcoin: the number of the transaction, and which input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeLeg {
    Transfer(At),
    Input(u32, u32),
    Output(u32, u32),
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
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
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
        purses: vec![Purse::new(policy); gathered.purses.len()],
        legs: HashMap::new(),
        outputs: vec![None; gathered.outs.len()],
        totals: vec![None; gathered.assets.len()],
        resting: HashMap::new(),
        services: HashMap::new(),
        cut: HashMap::new(),
        natives: Natives::default(),
        unseen: HashMap::new(),
        out: Settled::default(),
    };
    books.prime();
    if settings.counts_balances && settings.direction == Direction::Backward {
        books.balance(events);
    }
    for event in events {
        match event {
            Event::Transfer(at) => books.transfer(*at),
            Event::Cross(n) => books.cross(*n),
            Event::Bitcoin(tx) => books.bitcoin(*tx),
        }
    }
    books.close()
}

/// Sums by account and asset.
type Sums = HashMap<(u32, u32), U256>;

struct Books<'a> {
    gathered: &'a Gathered,
    settings: &'a Settings,
    policy: Policy,
    /// By the number of the purse.
    purses: Vec<Purse>,
    /// What each payment to a swap venue carried.
    legs: HashMap<At, Purse>,
    /// Bitcoin, by the number of the output.
    outputs: Vec<Option<Flow>>,
    totals: Vec<Option<Totals>>,
    resting: Sums,
    services: Sums,
    cut: HashMap<(Cut, u32, u32), U256>,
    natives: Natives,
    /// What a sender is seen to lack at a transfer: it must have arrived just before.
    unseen: HashMap<At, U256>,
    out: Settled,
}

/// Kept out of the walk, and no value moved.
fn is_no_movement(row: &Row) -> bool {
    matches!(
        row.excluded,
        Some(FindingKind::ZeroValue | FindingKind::ImitationToken | FindingKind::AbsurdAmount)
    )
}

/// The number of the last chain's native asset: there is hardly ever another.
#[derive(Default)]
struct Natives {
    last: Option<(model::Chain, u32)>,
}

impl Books<'_> {
    /// Bitcoin sources are tainted from the start, each output whole.
    fn prime(&mut self) {
        for out in &self.gathered.source_outs {
            if let Some((holder, value)) = self.gathered.out_states[*out as usize].holder {
                let value = U256::from(value);
                let asset = self.native(self.gathered.accounts.get(holder).chain);
                self.totals(asset).tainted_in += value;
                self.outputs[*out as usize] = Some(Flow::tainted(value));
            }
        }
    }

    /// Account chains, backward: every purse starts with what it holds in the end, and gives
    /// up what nobody saw arrive where it was first needed.
    fn balance(&mut self, events: &[Event]) {
        let mut held = vec![U256::ZERO; self.purses.len()];
        for event in events.iter().rev() {
            match event {
                Event::Transfer(at) => {
                    let row = self.gathered.row_at(*at);
                    if is_no_movement(row) || row.from == row.to {
                        continue;
                    }
                    let amount = self.gathered.transfer(*at).amount;
                    if self.gathered.is_walked(row.from) {
                        let held = &mut held[row.from_purse as usize];
                        if amount > *held {
                            self.unseen.insert(*at, amount - *held);
                        }
                        *held = held.saturating_sub(amount);
                    }
                    if self.gathered.is_walked(row.to) {
                        held[row.to_purse as usize] += amount;
                    }
                }
                Event::Cross(n) => {
                    let crossing = &self.gathered.crossings[*n as usize];
                    held[crossing.purse as usize] += crossing.out_base;
                }
                Event::Bitcoin(_) => {}
            }
        }
        for (purse, held) in self.purses.iter_mut().zip(held) {
            purse.put(Flow::clean(held));
        }
    }

    /// What was not seen to arrive before this transfer leads no further back.
    fn give_up_unseen(&mut self, at: At, row: &Row) {
        let Some(base) = self.unseen.remove(&at) else { return };
        let taint = self.purses[row.from_purse as usize].take(base).taint();
        self.rest(row.from, row.asset, taint);
    }

    fn native(&mut self, chain: model::Chain) -> u32 {
        if let Some((_, asset)) = self.natives.last.filter(|(known, _)| *known == chain) {
            return asset;
        }
        let asset = self.gathered.assets.find(&model::Asset::native(chain));
        let asset = asset.expect("the walk numbers the asset of every output it keeps");
        self.natives.last = Some((chain, asset));
        asset
    }

    fn transfer(&mut self, at: At) {
        let row = self.gathered.row_at(at);
        if is_no_movement(row) || self.is_after_window(row) {
            return;
        }
        // What one sends oneself moves nothing. A trace with a limit on hops books it as cut.
        if self.settings.counts_balances && row.from != NOBODY && row.from == row.to {
            return;
        }
        let flow = self.take(at, row);
        match self.fate(at, row) {
            Fate::Fee => self.totals(row.asset).fees += flow.taint(),
            Fate::Cut(cut) => self.cut_off(cut, row, flow),
            Fate::Move => self.pass(at, row, flow),
        }
        self.give_up_unseen(at, row);
    }

    /// Beyond the far end of the window value rests where it is.
    fn is_after_window(&self, row: &Row) -> bool {
        match self.settings.direction {
            Direction::Forward => self.settings.until.is_some_and(|until| row.time > until),
            Direction::Backward => self.settings.since.is_some_and(|since| row.time < since),
        }
    }

    fn take(&mut self, at: At, row: &Row) -> Flow {
        let amount = self.gathered.transfer(at).amount;
        if self.settings.direction == Direction::Backward
            && let Some(purse) = self.legs.get_mut(&at)
        {
            return purse.take(amount);
        }
        let from = row.origin(self.settings.direction);
        if from == NOBODY {
            return Flow::clean(amount);
        }
        let flow = if self.gathered.is_walked(from) {
            self.purses[row.origin_purse(self.settings.direction) as usize].take(amount)
        } else {
            Flow::clean(amount)
        };
        if self.is_source(at, row, from) { self.taint(row, amount, flow) } else { flow }
    }

    fn is_source(&self, at: At, row: &Row, from: u32) -> bool {
        let sends = self.gathered.states[from as usize].is_source
            && row.kind != TransferKind::Fee
            && row.excluded.is_none()
            && self.settings.is_in_window(row.time)
            && is_large_enough(at, self.gathered, self.settings)
            && (row.depth != 0 || self.is_cut_at_once(row));
        sends || row.is_forced
    }

    /// With no hops at all, what a source sends is tainted and cut where it arrives.
    fn is_cut_at_once(&self, row: &Row) -> bool {
        self.settings.hops_max == Some(0) && row.from != row.to
    }

    /// A source's payment is tainted whole; what was not yet counts as tainted in.
    fn taint(&mut self, row: &Row, amount: U256, flow: Flow) -> Flow {
        self.totals(row.asset).tainted_in += amount - flow.taint();
        Flow::tainted(amount)
    }

    fn fate(&self, at: At, row: &Row) -> Fate {
        let direction = self.settings.direction;
        if row.kind == TransferKind::Fee && direction == Direction::Forward {
            return Fate::Fee;
        }
        match row.excluded {
            Some(FindingKind::LookAlike) => return Fate::Cut(Cut::LookAlike),
            Some(_) => return Fate::Cut(Cut::Dust),
            None => {}
        }
        if row.destination(direction) == NOBODY {
            return Fate::Cut(if direction == Direction::Forward {
                Cut::Burned
            } else {
                Cut::Issued
            });
        }
        Fate::Move.unless_unfollowed(at, row, self)
    }

    fn pass(&mut self, at: At, row: &Row, flow: Flow) {
        let taint = flow.taint();
        let direction = self.settings.direction;
        if !taint.is_zero() && row.from != row.to {
            let leg = EdgeLeg::Transfer(at);
            self.out.edges.push(Edge { leg, depth: row.depth, tainted: taint });
        }
        let to = row.destination(direction);
        if to == NOBODY {
            return;
        }
        if self.gathered.is_walked(to) {
            self.purses[row.destination_purse(direction) as usize].put(flow);
        } else if self.gathered.states[to as usize].role == Some(Role::Swap) {
            self.leg(at).put(flow);
        } else {
            self.stop(to, row.asset, taint);
        }
    }

    /// The taint goes no further, but the value itself arrived and dilutes.
    fn cut_off(&mut self, cut: Cut, row: &Row, flow: Flow) {
        let to = row.destination(self.settings.direction);
        self.cut(cut, to, row.asset, flow.taint());
        if self.gathered.is_walked(to) {
            let purse = row.destination_purse(self.settings.direction);
            self.purses[purse as usize].put(Flow::clean(flow.total()));
        }
    }

    /// Value arrived where the walk does not go on.
    fn stop(&mut self, account: u32, asset: u32, taint: U256) {
        match self.gathered.states[account as usize].stop {
            Some(Stop::Service) => self.serve(account, asset, taint),
            Some(Stop::Hops) => self.cut(Cut::Hops, account, asset, taint),
            Some(Stop::Budget) => self.cut(Cut::Budget, account, asset, taint),
            Some(Stop::Hub) => self.cut(Cut::Hub, account, asset, taint),
            Some(Stop::Dust) => self.cut(Cut::Dust, account, asset, taint),
            None => self.rest(account, asset, taint),
        }
    }

    fn cross(&mut self, n: u32) {
        let crossing = &self.gathered.crossings[n as usize];
        let (legs, out) = match self.settings.direction {
            Direction::Forward => self.cross_forward(crossing),
            Direction::Backward => self.cross_backward(crossing),
        };
        if let Some(at) = crossing.return_leg.filter(|_| !out.is_zero()) {
            let depth = self.gathered.row_at(at).depth;
            self.out.edges.push(Edge { leg: EdgeLeg::Transfer(at), depth, tainted: out });
        }
        self.out.crossed.push((n, legs, out));
    }

    fn cross_forward(&mut self, crossing: &Crossing) -> (Vec<U256>, U256) {
        let taints: Vec<U256> =
            crossing.legs.iter().map(|leg| self.leg(leg.at).take(leg.base).taint()).collect();
        for (leg, taint) in crossing.legs.iter().zip(&taints) {
            self.totals(leg.asset).crossed_out += *taint;
        }
        let out = self.tainted_share(crossing, &taints);
        self.totals(crossing.out_asset).crossed_in += out;
        let flow = Flow::of(out, crossing.out_base - out);
        self.purses[crossing.purse as usize].put(flow);
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
        let time = self.gathered.row_at(leg.at).time;
        let decimals = self.gathered.decimals(leg.asset);
        let named = |asset| self.gathered.assets.get(asset);
        let prices = &self.settings.prices;
        let price = |base| prices.value_e12(named(leg.asset), base, decimals, time);
        let all_priced =
            crossing.legs.iter().all(|leg| prices.at(named(leg.asset), time).is_some());
        match (price(taint), price(leg.base)) {
            (Some(taint), Some(whole)) if all_priced => (taint, whole),
            _ if leg.base.is_zero() => (U256::ZERO, U256::ZERO),
            _ => (share(U256::from(EQUAL), taint, leg.base), U256::from(EQUAL)),
        }
    }

    fn cross_backward(&mut self, crossing: &Crossing) -> (Vec<U256>, U256) {
        let out = self.purses[crossing.purse as usize].take(crossing.out_base).taint();
        self.totals(crossing.out_asset).crossed_out += out;
        let mut legs = Vec::new();
        for leg in &crossing.legs {
            let taint = if crossing.out_base.is_zero() {
                U256::ZERO
            } else {
                share(leg.base, out, crossing.out_base)
            };
            self.totals(leg.asset).crossed_in += taint;
            self.leg(leg.at).put(Flow::of(taint, leg.base - taint));
            legs.push(taint);
        }
        (legs, out)
    }

    fn bitcoin(&mut self, tx: u32) {
        let Some(utxo) = &self.gathered.utxo[tx as usize] else { return };
        let asset = self.native(utxo.tx.id.chain);
        let sides = match self.settings.direction {
            Direction::Forward => self.forward_sides(utxo),
            Direction::Backward => self.backward_sides(utxo),
        };
        let (into, fee_flow) = distribute(self.policy, sides.from, &sides.into, sides.fee);
        self.edges_from(tx, &sides.taints, utxo.depth);
        self.totals(asset).fees += fee_flow.taint();
        for (place, flow) in sides.places.into_iter().zip(into) {
            self.arrive(tx, utxo, asset, place, flow);
        }
    }

    fn edges_from(&mut self, tx: u32, taints: &[U256], depth: u32) {
        let is_forward = self.settings.direction == Direction::Forward;
        for (n, taint) in (0u32..).zip(taints) {
            if taint.is_zero() {
                continue;
            }
            let leg = if is_forward { EdgeLeg::Input(tx, n) } else { EdgeLeg::Output(tx, n) };
            self.out.edges.push(Edge { leg, depth, tainted: *taint });
        }
    }

    fn arrive(&mut self, tx: u32, utxo: &Utxo, asset: u32, place: UtxoPlace, flow: Flow) {
        let taint = flow.taint();
        let (out, leg) = match place {
            UtxoPlace::Unknown => return self.cut(Cut::UnknownInput, NOBODY, asset, taint),
            UtxoPlace::Issued => return self.cut(Cut::Issued, NOBODY, asset, taint),
            UtxoPlace::Input(n) => (utxo.inputs[n as usize], EdgeLeg::Input(tx, n)),
            UtxoPlace::Output(n) => (utxo.outputs[n as usize], EdgeLeg::Output(tx, n)),
        };
        if !taint.is_zero() {
            self.out.edges.push(Edge { leg, depth: utxo.depth, tainted: taint });
        }
        self.hold_output(out, asset, flow);
    }

    /// A source's output that taint comes back to is tainted already.
    fn hold_output(&mut self, out: u32, asset: u32, flow: Flow) {
        let is_source = self.gathered.out_states[out as usize].is_source;
        if is_source && self.outputs[out as usize].is_some() {
            self.totals(asset).tainted_in -= flow.taint();
        } else {
            self.outputs[out as usize] = Some(flow);
        }
    }

    /// Inputs to outputs and fee; an unresolved input holds what the others lack.
    fn forward_sides(&mut self, utxo: &Utxo) -> Sides {
        let tx = &utxo.tx;
        let into: Vec<U256> = tx.outputs.iter().map(|output| U256::from(output.value)).collect();
        let value_out: U256 = tx.value_out();
        let known: U256 = known_in(tx);
        let mut unseen = value_out.saturating_sub(known);
        let fee = known.saturating_sub(value_out);
        let mut from = Vec::new();
        let mut taints = Vec::new();
        for (input, out) in tx.inputs.iter().zip(&utxo.inputs) {
            let flow = match (&input.previous, self.outputs[*out as usize].take()) {
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
    fn backward_sides(&mut self, utxo: &Utxo) -> Sides {
        let tx = &utxo.tx;
        let mut from = Vec::new();
        let mut taints = Vec::new();
        for (out, output) in utxo.outputs.iter().zip(&tx.outputs) {
            let held = self.outputs[*out as usize].take();
            let flow = held.unwrap_or_else(|| Flow::clean(U256::from(output.value)));
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
        for (purse, held) in (0u32..).zip(std::mem::take(&mut self.purses)) {
            let (account, asset) = *self.gathered.purses.get(purse);
            self.rest(account, asset, held.taint());
        }
        let legs: Vec<(At, Purse)> = std::mem::take(&mut self.legs).into_iter().collect();
        for (at, purse) in legs {
            let row = self.gathered.row_at(at);
            let venue = row.destination(self.settings.direction);
            if venue != NOBODY {
                self.serve(venue, row.asset, purse.taint());
            }
        }
        for (out, flow) in (0u32..).zip(std::mem::take(&mut self.outputs)) {
            if let Some(flow) = flow {
                self.close_output(out, flow.taint());
            }
        }
        if self.policy.conserves() {
            self.check_books();
        }
        let rows =
            |sums: Sums| sums.into_iter().map(|((account, asset), base)| (account, asset, base));
        self.out.crossed.sort_unstable_by_key(|(n, ..)| *n);
        Settled {
            totals: self.totals,
            resting: rows(self.resting).collect(),
            services: rows(self.services).collect(),
            cut: self
                .cut
                .into_iter()
                .map(|((cut, account, asset), base)| (cut, account, asset, base))
                .collect(),
            ..self.out
        }
    }

    fn check_books(&self) {
        for (asset, totals) in (0u32..).zip(&self.totals) {
            if let Some(totals) = totals {
                assert!(
                    totals.balance(),
                    "taint of {} is not conserved under {}: {totals:?}",
                    self.gathered.assets.get(asset),
                    self.policy
                );
            }
        }
    }

    fn close_output(&mut self, out: u32, taint: U256) {
        let OutState { holder, stop, .. } = self.gathered.out_states[out as usize];
        let Some((holder, _)) = holder.filter(|_| !taint.is_zero()) else { return };
        let asset = self.native(self.gathered.accounts.get(holder).chain);
        match stop {
            Some(Stop::Service) => self.serve(holder, asset, taint),
            Some(Stop::Hops) => self.cut(Cut::Hops, holder, asset, taint),
            Some(Stop::Budget | Stop::Hub) => self.cut(Cut::Budget, holder, asset, taint),
            Some(Stop::Dust) => self.cut(Cut::Dust, holder, asset, taint),
            None => self.rest(holder, asset, taint),
        }
    }

    fn rest(&mut self, account: u32, asset: u32, taint: U256) {
        if taint.is_zero() {
            return;
        }
        self.totals(asset).resting += taint;
        *self.resting.entry((account, asset)).or_default() += taint;
    }

    fn serve(&mut self, account: u32, asset: u32, taint: U256) {
        if taint.is_zero() {
            return;
        }
        self.totals(asset).at_services += taint;
        *self.services.entry((account, asset)).or_default() += taint;
    }

    fn cut(&mut self, cut: Cut, account: u32, asset: u32, taint: U256) {
        if taint.is_zero() {
            return;
        }
        self.totals(asset).cut += taint;
        *self.cut.entry((cut, account, asset)).or_default() += taint;
    }

    fn totals(&mut self, asset: u32) -> &mut Totals {
        self.totals[asset as usize].get_or_insert_default()
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
    fn unless_unfollowed(self, at: At, row: &Row, books: &Books<'_>) -> Fate {
        let settings = books.settings;
        if row.depth != 0 || !books.gathered.is_walked(row.origin(settings.direction)) {
            return self;
        }
        if !is_large_enough(at, books.gathered, settings) {
            return Fate::Cut(Cut::MinValue);
        }
        if !settings.is_in_window(row.time) {
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
