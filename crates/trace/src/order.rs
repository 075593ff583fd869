//! The order of time, as far as the data knows it.
//!
//! Where every transfer of a block says its place, that place decides. Where some do
//! not (files without transaction indexes), what a transfer needs comes before it:
//! value that arrives in the same second may leave in it. Ties that nothing decides
//! go by transaction hash and position, so that the order of input never matters.

use std::collections::{BTreeMap, BTreeSet};

use model::{Account, Asset, Direction, Outpoint, Position, Transfer, TxId, UtxoTransaction};

use crate::gather::{At, Gathered};

/// One thing that moves value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Transfer(At),
    /// A crossing, by its place in [`Gathered::crossings`].
    Cross(usize),
    Bitcoin(TxId),
}

/// What happens to one account, in the direction of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Arrive(At),
    Cross(usize),
    Leave(At),
}

/// Every gathered event, in the direction of the walk.
pub fn events(gathered: &Gathered, direction: Direction) -> Vec<Event> {
    let all: BTreeSet<At> =
        gathered.ledgers.values().flatten().chain(&gathered.forced).copied().collect();
    let crossings = Crossings::of(gathered, 0..gathered.crossings.len());
    let ordered = in_need(all.into_iter().collect(), gathered, &crossings);
    let mut events = Vec::with_capacity(ordered.len());
    for at in ordered {
        events.extend(crossings.before(at).map(Event::Cross));
        if !crossings.is_return(at) {
            events.push(Event::Transfer(at));
        }
    }
    events.extend(crossings.at_end.iter().copied().map(Event::Cross));
    events.extend(bitcoin(gathered).into_iter().map(Event::Bitcoin));
    if direction == Direction::Backward {
        events.reverse();
    }
    events
}

/// One account's ledger as steps, in the direction of the walk.
pub fn steps(
    account: &Account,
    ledger: &[At],
    gathered: &Gathered,
    direction: Direction,
) -> Vec<Step> {
    let own = gathered.crossings_at.get(account).into_iter().flatten().copied();
    let crossings = Crossings::of(gathered, own);
    let mut steps = Vec::with_capacity(ledger.len());
    for at in ledger {
        steps.extend(crossings.before(*at).map(Step::Cross));
        if crossings.is_return(*at) {
            continue;
        }
        let transfer = &gathered.transfers[*at];
        let is_in = transfer.to.as_ref() == Some(&account.address);
        let is_out = transfer.from.as_ref() == Some(&account.address);
        match (is_in, is_out, direction) {
            (true, false, Direction::Forward) | (false, true, Direction::Backward) => {
                steps.push(Step::Arrive(*at))
            }
            (false, true, Direction::Forward) | (true, false, Direction::Backward) => {
                steps.push(Step::Leave(*at))
            }
            _ => {}
        }
    }
    steps.extend(crossings.at_end.iter().copied().map(Step::Cross));
    if direction == Direction::Backward {
        steps.reverse();
    }
    steps
}

/// Orders one account's ledger: arrivals before departures where nothing else decides.
pub fn in_time(ledger: &mut [At], transfers: &[Transfer], account: &Account) {
    ledger.sort_by(|a, b| transfers[*a].cmp_time(&transfers[*b]));
    for group in groups(ledger, transfers) {
        let group = &mut ledger[group];
        if !is_order_known(group, transfers) {
            group.sort_by_key(|at| transfers[*at].from.as_ref() == Some(&account.address));
        }
    }
}

pub fn outpoints(tx: &UtxoTransaction) -> impl Iterator<Item = Outpoint> + use<> {
    let id = tx.id;
    (0u32..).take(tx.outputs.len()).map(move |index| Outpoint { tx: id, index })
}

struct Crossings {
    before: BTreeMap<At, Vec<usize>>,
    returns: BTreeSet<At>,
    at_end: Vec<usize>,
}

impl Crossings {
    fn of(gathered: &Gathered, chosen: impl IntoIterator<Item = usize>) -> Crossings {
        let mut crossings =
            Crossings { before: BTreeMap::new(), returns: BTreeSet::new(), at_end: Vec::new() };
        for n in chosen {
            let crossing = &gathered.crossings[n];
            crossings.returns.extend(crossing.return_leg);
            match crossing.before {
                Some(at) => crossings.before.entry(at).or_default().push(n),
                None => crossings.at_end.push(n),
            }
        }
        crossings
    }

    fn before(&self, at: At) -> impl Iterator<Item = usize> {
        self.before.get(&at).into_iter().flatten().copied()
    }

    fn is_return(&self, at: At) -> bool {
        self.returns.contains(&at)
    }
}

/// All transfers in time, each after those it needs.
fn in_need(mut all: Vec<At>, gathered: &Gathered, crossings: &Crossings) -> Vec<At> {
    let transfers = &gathered.transfers;
    all.sort_by(|a, b| transfers[*a].cmp_time(&transfers[*b]));
    let mut ordered = Vec::with_capacity(all.len());
    for group in groups(&all, transfers) {
        let group = &all[group];
        if group.len() == 1
            || (is_order_known(group, transfers) && !has_late_payment(group, gathered, crossings))
        {
            ordered.extend_from_slice(group);
        } else {
            ordered.extend(by_need(group, gathered, crossings));
        }
    }
    ordered
}

/// Runs of transfers that happened at the same time and height.
fn groups(sorted: &[At], transfers: &[Transfer]) -> Vec<std::ops::Range<usize>> {
    let same = |a: At, b: At| {
        transfers[a].time == transfers[b].time && transfers[a].height == transfers[b].height
    };
    let mut groups = Vec::new();
    let mut start = 0;
    for end in 1..=sorted.len() {
        if end == sorted.len() || !same(sorted[start], sorted[end]) {
            groups.push(start..end);
            start = end;
        }
    }
    groups
}

fn is_order_known(group: &[At], transfers: &[Transfer]) -> bool {
    group.iter().all(|at| {
        transfers[*at].tx_index.is_some() && !matches!(transfers[*at].position, Position::Nth(_))
    })
}

/// A pool may pay out before it is paid within one transaction: then the payment
/// has to be settled first, whatever the log index says.
fn has_late_payment(group: &[At], gathered: &Gathered, crossings: &Crossings) -> bool {
    group
        .iter()
        .flat_map(|at| crossings.before(*at))
        .flat_map(|n| &gathered.crossings[n].legs)
        .any(|leg| group.contains(&leg.at))
}

/// Kahn's algorithm: a transfer follows those that pay its sender in its asset, and
/// a swap's return follows its payments. A circle starts at its first member.
fn by_need(group: &[At], gathered: &Gathered, crossings: &Crossings) -> Vec<At> {
    let mut needs = Needs::of(group, gathered, crossings);
    let mut left: BTreeSet<usize> = (0..group.len()).collect();
    let mut ready: BTreeSet<usize> = left.iter().copied().filter(|n| needs.is_free(*n)).collect();
    let mut ordered = Vec::with_capacity(group.len());
    while let Some(first) = left.first().copied() {
        let next = ready.pop_first().unwrap_or(first);
        left.remove(&next);
        ordered.push(group[next]);
        ready.extend(needs.done(next).into_iter().filter(|n| left.contains(n)));
    }
    ordered
}

/// What each transfer of a group still waits for, by its place in the group.
#[derive(Default)]
struct Needs<'a> {
    /// Who each transfer draws on and pays; none where the order is known anyway.
    from: Vec<Option<(Account, &'a Asset)>>,
    to: Vec<Option<(Account, &'a Asset)>>,
    /// Payments into a purse that are still to come.
    coming: BTreeMap<(Account, &'a Asset), usize>,
    waiting: BTreeMap<(Account, &'a Asset), Vec<usize>>,
    /// Payments to venues that a swap's return waits for, and who waits for each.
    legs: BTreeMap<usize, BTreeSet<usize>>,
    returns: BTreeMap<usize, Vec<usize>>,
}

impl<'a> Needs<'a> {
    fn of(group: &[At], gathered: &'a Gathered, crossings: &Crossings) -> Needs<'a> {
        let transfers = &gathered.transfers;
        let mut needs = Needs::default();
        let is_known = is_order_known(group, transfers);
        for (n, at) in group.iter().enumerate() {
            let transfer = &transfers[*at];
            let moves = !is_known && transfer.from != transfer.to;
            let purse = |account: Option<Account>| {
                account.filter(|_| moves).map(|account| (account, &transfer.asset))
            };
            let (from, to) = (purse(transfer.from_account()), purse(transfer.to_account()));
            if let Some(to) = &to {
                *needs.coming.entry(to.clone()).or_default() += 1;
            }
            if let Some(from) = &from {
                needs.waiting.entry(from.clone()).or_default().push(n);
            }
            needs.from.push(from);
            needs.to.push(to);
        }
        needs.add_legs(group, gathered, crossings);
        needs
    }

    fn add_legs(&mut self, group: &[At], gathered: &Gathered, crossings: &Crossings) {
        let places: BTreeMap<At, usize> =
            group.iter().enumerate().map(|(n, at)| (*at, n)).collect();
        for (n, at) in group.iter().enumerate() {
            for leg in crossings.before(*at).flat_map(|c| &gathered.crossings[c].legs) {
                if let Some(leg) = places.get(&leg.at).filter(|leg| **leg != n) {
                    self.legs.entry(n).or_default().insert(*leg);
                    self.returns.entry(*leg).or_default().push(n);
                }
            }
        }
    }

    fn is_free(&self, n: usize) -> bool {
        let is_paid = self.from[n]
            .as_ref()
            .is_none_or(|from| self.coming.get(from).is_none_or(|left| *left == 0));
        is_paid && self.legs.get(&n).is_none_or(BTreeSet::is_empty)
    }

    /// Marks one as settled; gives those that wait no more.
    fn done(&mut self, n: usize) -> Vec<usize> {
        let mut candidates = Vec::new();
        if let Some(to) = self.to[n].clone() {
            let left = self.coming.entry(to.clone()).or_default();
            *left = left.saturating_sub(1);
            if *left == 0 {
                candidates.extend(self.waiting.remove(&to).unwrap_or_default());
            }
        }
        for waiting in self.returns.remove(&n).unwrap_or_default() {
            if let Some(legs) = self.legs.get_mut(&waiting) {
                legs.remove(&n);
            }
            candidates.push(waiting);
        }
        candidates.retain(|candidate| self.is_free(*candidate));
        candidates
    }
}

/// Bitcoin transactions, each after those whose outputs it spends.
fn bitcoin(gathered: &Gathered) -> Vec<TxId> {
    let key = |tx: &UtxoTransaction| (tx.time, tx.height, tx.index, tx.id);
    let walked: Vec<&UtxoTransaction> =
        gathered.utxo_depths.keys().filter_map(|id| gathered.utxo.get(id)).collect();
    let mut waiting: BTreeMap<TxId, usize> = BTreeMap::new();
    let mut spenders: BTreeMap<TxId, Vec<&UtxoTransaction>> = BTreeMap::new();
    for tx in &walked {
        let parents: BTreeSet<TxId> = tx
            .inputs
            .iter()
            .map(|input| input.outpoint.tx)
            .filter(|parent| gathered.utxo_depths.contains_key(parent) && *parent != tx.id)
            .collect();
        waiting.insert(tx.id, parents.len());
        for parent in parents {
            spenders.entry(parent).or_default().push(tx);
        }
    }
    let mut ready: BTreeSet<_> =
        walked.iter().filter(|tx| waiting.get(&tx.id) == Some(&0)).map(|tx| key(tx)).collect();
    let mut ordered = Vec::with_capacity(walked.len());
    while let Some((.., id)) = ready.pop_first() {
        ordered.push(id);
        for spender in spenders.get(&id).into_iter().flatten() {
            let left = waiting.entry(spender.id).or_default();
            *left = left.saturating_sub(1);
            if *left == 0 {
                ready.insert(key(spender));
            }
        }
    }
    ordered
}
