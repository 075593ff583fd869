//! The widest ways from the addresses asked about to where the money ended.
//!
//! The settling tells its edges in the order of time, in the direction of the walk. So one
//! pass over them finds, for every place, the way whose narrowest transfer carried most
//! among those that time allows: what improves a place later cannot have left it earlier.

use hashbrown::HashMap;
use model::{Direction, Position, Timestamp, TransferId, U256};

use super::Path;
use crate::gather::{At, Gathered, NOBODY};
use crate::report::Base;
use crate::settle::{Edge, EdgeLeg};

/// Ways kept for one end.
const PATHS_MAX: usize = 3;
/// Transfers shown of one way.
const STEPS_MAX: usize = 64;

/// Where value is while it is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Purse(u32),
    Out(u32),
    Tx(u32),
}

/// What arrived at one account in one asset.
#[derive(Clone, Debug, Default)]
pub struct Arrived {
    pub sum: U256,
    /// Of it, by own transfers.
    pub direct: U256,
    /// Of it, on or after the day asked for.
    pub after: U256,
    /// Of it, both.
    pub after_direct: U256,
    pub hops_min: Option<u32>,
    /// Own transfers.
    pub transfers: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    widest: Vec<(U256, u32)>,
}

/// One step of a way, and the one before it.
struct Step {
    edge: u32,
    before: Option<u32>,
    /// Does the way lead here from the start without a gap?
    is_whole: bool,
}

pub struct Paths<'a> {
    gathered: &'a Gathered,
    direction: Direction,
    steps: Vec<Step>,
    edges: &'a [Edge],
    best: HashMap<Place, (U256, u32)>,
    /// What a leg behind a swap goes on from.
    behind: HashMap<At, Vec<Place>>,
    pub arrived: HashMap<(u32, u32), Arrived>,
}

impl<'a> Paths<'a> {
    /// `ends`: accounts and assets whose ways are wanted, each with a question: did this
    /// time come on or after its day?
    pub fn find(
        gathered: &'a Gathered,
        direction: Direction,
        edges: &'a [Edge],
        ends: impl Iterator<Item = (u32, u32)>,
        is_after: impl Fn(u32, Timestamp) -> bool,
    ) -> Paths<'a> {
        let arrived = ends.map(|end| (end, Arrived::default())).collect();
        let (steps, best) = (Vec::new(), HashMap::new());
        let behind = behind(gathered, direction);
        let mut paths = Paths { gathered, direction, steps, edges, best, behind, arrived };
        for (n, edge) in (0u32..).zip(edges) {
            paths.take(n, edge, &is_after);
        }
        paths
    }

    fn take(&mut self, n: u32, edge: &Edge, is_after: &impl Fn(u32, Timestamp) -> bool) {
        let (from, to) = self.ends(edge.leg);
        let known = self.before(edge.leg, from);
        let (width, before, is_whole) = match (self.is_source(edge.leg), known) {
            (true, _) => (edge.tainted, None, true),
            (false, Some((width, step))) => {
                let is_whole = self.steps[step as usize].is_whole;
                (edge.tainted.min(width), Some(step), is_whole)
            }
            (false, None) => (edge.tainted, None, false),
        };
        let end = self.end(edge.leg);
        let is_wider = self.best.get(&to).is_none_or(|(known, _)| width > *known);
        let is_end = end.is_some_and(|end| self.arrived.contains_key(&end));
        if !is_wider && !is_end {
            return;
        }
        let step = u32::try_from(self.steps.len()).expect("memory ends before four billion steps");
        self.steps.push(Step { edge: n, before, is_whole });
        if is_wider {
            self.best.insert(to, (width, step));
        }
        let time = self.time(edge.leg);
        if let Some(end) = end
            && let Some(arrived) = self.arrived.get_mut(&end)
        {
            arrived.take(edge, time, is_after(end.0, time));
            arrived.keep(width, step);
        }
    }

    fn ends(&self, leg: EdgeLeg) -> (Place, Place) {
        let forward = self.direction == Direction::Forward;
        let utxo = |tx: u32| self.gathered.utxo[tx as usize].as_ref();
        let out = |outs: Option<&Vec<u32>>, n: u32| {
            Place::Out(outs.and_then(|outs| outs.get(n as usize)).copied().unwrap_or(NOBODY))
        };
        let (a, b) = match leg {
            EdgeLeg::Transfer(at) => {
                let row = self.gathered.row_at(at);
                return (
                    Place::Purse(row.origin_purse(self.direction)),
                    Place::Purse(row.destination_purse(self.direction)),
                );
            }
            EdgeLeg::Input(tx, n) => (out(utxo(tx).map(|utxo| &utxo.inputs), n), Place::Tx(tx)),
            EdgeLeg::Output(tx, n) => (Place::Tx(tx), out(utxo(tx).map(|utxo| &utxo.outputs), n)),
        };
        if forward { (a, b) } else { (b, a) }
    }

    fn before(&self, leg: EdgeLeg, from: Place) -> Option<(U256, u32)> {
        let swapped = match leg {
            EdgeLeg::Transfer(at) => self.behind.get(&at),
            _ => None,
        };
        match swapped {
            // Amounts of another asset cannot be compared: the way goes on, as wide as it is here.
            Some(places) => {
                let known = places.iter().filter_map(|place| self.best.get(place));
                known.max_by_key(|(width, _)| *width).map(|(_, step)| (U256::MAX, *step))
            }
            None => self.best.get(&from).copied(),
        }
    }

    fn is_source(&self, leg: EdgeLeg) -> bool {
        let (from, _) = self.ends(leg);
        match (leg, from) {
            (EdgeLeg::Transfer(at), _) => {
                let row = self.gathered.row_at(at);
                let origin = row.origin(self.direction);
                row.is_forced
                    || (origin != NOBODY && self.gathered.states[origin as usize].is_source)
            }
            (_, Place::Out(out)) if out != NOBODY => {
                self.gathered.out_states[out as usize].is_source
            }
            _ => false,
        }
    }

    /// The account and asset it arrives at, where it does at one.
    fn end(&self, leg: EdgeLeg) -> Option<(u32, u32)> {
        if let EdgeLeg::Transfer(at) = leg {
            let row = self.gathered.row_at(at);
            return Some((row.destination(self.direction), row.asset));
        }
        let (_, Place::Out(out)) = self.ends(leg) else { return None };
        let (holder, _) = self.gathered.out_states.get(out as usize)?.holder?;
        let chain = self.gathered.accounts.get(holder).chain;
        Some((holder, self.gathered.assets.find(&model::Asset::native(chain))?))
    }

    fn time(&self, leg: EdgeLeg) -> Timestamp {
        match leg {
            EdgeLeg::Transfer(at) => self.gathered.row_at(at).time,
            EdgeLeg::Input(tx, _) | EdgeLeg::Output(tx, _) => self.gathered.utxo[tx as usize]
                .as_ref()
                .map_or(Timestamp::UNIX_EPOCH, |utxo| utxo.tx.time),
        }
    }

    /// The widest ways to some ends together.
    pub fn widest<'b>(&self, ends: impl Iterator<Item = &'b Arrived>) -> Vec<Path> {
        let mut all: Vec<(U256, u32)> = ends.flat_map(|end| end.widest.iter().copied()).collect();
        all.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        all.truncate(PATHS_MAX);
        all.into_iter().map(|(width, step)| self.path(width, step)).collect()
    }

    fn path(&self, width: U256, last: u32) -> Path {
        let mut ids = Vec::new();
        let mut next = Some(last);
        let is_whole = self.steps[last as usize].is_whole;
        while let Some(step) = next {
            let Step { edge, before, .. } = &self.steps[step as usize];
            ids.push(self.id(self.edges[*edge as usize].leg).to_string());
            next = before.filter(|_| ids.len() < STEPS_MAX);
        }
        ids.reverse();
        Path { amount: Base(width), transfers: ids, is_whole }
    }

    fn id(&self, leg: EdgeLeg) -> TransferId {
        let of = |tx: u32, position| TransferId {
            tx: *self.gathered.txs.get(tx),
            position,
            equal: None,
        };
        match leg {
            EdgeLeg::Transfer(at) => self.gathered.transfer(at).id(),
            EdgeLeg::Input(tx, n) => of(tx, Position::Input(n)),
            EdgeLeg::Output(tx, n) => of(tx, Position::Output(n)),
        }
    }
}

impl Arrived {
    fn take(&mut self, edge: &Edge, time: Timestamp, is_after: bool) {
        self.sum += edge.tainted;
        if is_after {
            self.after += edge.tainted;
        }
        self.hops_min = Some(self.hops_min.map_or(edge.depth, |known| known.min(edge.depth)));
        if edge.depth == 1 {
            self.direct += edge.tainted;
            if is_after {
                self.after_direct += edge.tainted;
            }
            self.transfers += 1;
            self.first = Some(self.first.map_or(time, |known| known.min(time)));
            self.last = Some(self.last.map_or(time, |known| known.max(time)));
        }
    }

    fn keep(&mut self, width: U256, step: u32) {
        self.widest.push((width, step));
        self.widest.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        self.widest.truncate(PATHS_MAX);
    }
}

/// Forward, what a swap gave back comes from what was paid; backward, the other way.
fn behind(gathered: &Gathered, direction: Direction) -> HashMap<At, Vec<Place>> {
    let mut behind: HashMap<At, Vec<Place>> = HashMap::new();
    let purse = |at: At| Place::Purse(gathered.row_at(at).destination_purse(direction));
    for crossing in &gathered.crossings {
        let Some(back) = crossing.return_leg else { continue };
        for leg in &crossing.legs {
            match direction {
                Direction::Forward => behind.entry(back).or_default().push(purse(leg.at)),
                Direction::Backward => behind.entry(leg.at).or_default().push(purse(back)),
            }
        }
    }
    behind
}
