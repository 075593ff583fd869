//! The order of time, as far as the data knows it.
//!
//! Where every transfer of a block says its place, that place decides. Where some do
//! not (files without transaction indexes, providers), each account's transfers of an
//! asset are looked at by themselves: as they are told where their order is told
//! ([`told`]), else what a transfer needs comes before it, for value that arrives in
//! the same second may leave in it. Ties that nothing decides go by transaction hash
//! and position, so that the order of input never matters.
//!
//! What is settled depends on the order at each account alone. So where no account is
//! [`untold`], the answer is that of the whole order.

pub mod queue;
mod told;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use model::{Direction, Outpoint, UtxoTransaction};

pub use self::told::{Untold, untold};

use self::queue::{Least, radix_sort};
use self::told::{as_told, by_name, is_told, parts, shared_purses};
use crate::gather::{At, Gathered, Ledger, NOBODY, Row, Utxo};
use crate::ids::number;

/// One thing that moves value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Transfer(At),
    /// A crossing, by its place in [`Gathered::crossings`].
    Cross(u32),
    /// By the number of its transaction.
    Bitcoin(u32),
}

/// What happens to one account, in the direction of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Arrive(At),
    Cross(u32),
    Leave(At),
}

/// Every gathered event, in the direction of the walk.
pub fn events(gathered: &Gathered, direction: Direction) -> Vec<Event> {
    let all = (0u32..).zip(&gathered.rows).filter(|(_, row)| row.is_event).map(|(at, _)| at);
    let crossings = Crossings::of(gathered, 0..number(gathered.crossings.len()));
    let ordered = in_need(all.collect(), gathered, &crossings);
    let mut events = Vec::with_capacity(ordered.len() + gathered.crossings.len());
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

/// One account's ledger as steps, with the crossings in their places.
pub fn steps(
    account: u32,
    ledger: &Ledger,
    gathered: &Gathered,
    direction: Direction,
) -> Vec<Step> {
    let crossings = Crossings::of(gathered, ledger.crossings.iter().copied());
    let mut steps = Vec::with_capacity(ledger.ats.len() + ledger.crossings.len());
    for at in &ledger.ats {
        steps.extend(crossings.before(*at).map(Step::Cross));
        if !crossings.is_return(*at) {
            steps.extend(step(account, *at, gathered.row_at(*at), direction));
        }
    }
    steps.extend(crossings.at_end.iter().copied().map(Step::Cross));
    if direction == Direction::Backward {
        steps.reverse();
    }
    steps
}

/// What a transfer is to one of its two accounts; nothing where it goes to itself.
pub fn step(account: u32, at: At, row: &Row, direction: Direction) -> Option<Step> {
    match (row.to == account, row.from == account, direction) {
        (true, false, Direction::Forward) | (false, true, Direction::Backward) => {
            Some(Step::Arrive(at))
        }
        (false, true, Direction::Forward) | (true, false, Direction::Backward) => {
            Some(Step::Leave(at))
        }
        _ => None,
    }
}

/// Orders one account's ledger, each transfer once: arrivals before departures where
/// nothing else decides.
pub fn in_time(ats: &mut Vec<At>, gathered: &Gathered, account: u32) {
    // What was sent and what was received each came in order: two runs to merge.
    ats.sort_by(|a, b| cmp_time(*a, *b, gathered));
    ats.dedup();
    for group in groups(ats, gathered) {
        let group = &mut ats[group];
        if group.len() > 1 && !is_order_known(group, gathered) {
            group.copy_from_slice(&as_told(group, gathered));
            let purses = shared_purses(group, gathered);
            let own = purses.into_iter().filter(|(purse, shared)| {
                gathered.purses.get(*purse).0 == account && !is_told(shared, gathered)
            });
            // What is told of its other assets stays as it is told.
            for (_, shared) in own {
                let shared: BTreeSet<At> = shared.into_iter().collect();
                let is_shared = |n: &usize| shared.contains(&group[*n]);
                let places: Vec<usize> = (0..group.len()).filter(is_shared).collect();
                let mut moved: Vec<At> = places.iter().map(|n| group[*n]).collect();
                moved.sort_by_key(|at| gathered.row_at(*at).from == account);
                places.into_iter().zip(moved).for_each(|(n, at)| group[n] = at);
            }
        }
    }
}

/// [`model::Transfer::cmp_time`], asking the small rows first.
fn cmp_time(a: At, b: At, gathered: &Gathered) -> Ordering {
    let (one, other) = (gathered.row_at(a), gathered.row_at(b));
    (one.time, one.height)
        .cmp(&(other.time, other.height))
        .then_with(|| gathered.transfer(a).cmp_time(gathered.transfer(b)))
}

pub fn outpoints(tx: &UtxoTransaction) -> impl Iterator<Item = Outpoint> + use<> {
    let id = tx.id;
    (0u32..).take(tx.outputs.len()).map(move |index| Outpoint { tx: id, index })
}

/// Some crossings by the place they take.
struct Crossings {
    /// (the transfer it comes before, the crossing), in order.
    before: Vec<(At, u32)>,
    returns: Vec<At>,
    at_end: Vec<u32>,
}

impl Crossings {
    fn of(gathered: &Gathered, chosen: impl IntoIterator<Item = u32>) -> Crossings {
        let mut crossings =
            Crossings { before: Vec::new(), returns: Vec::new(), at_end: Vec::new() };
        for n in chosen {
            let crossing = &gathered.crossings[n as usize];
            crossings.returns.extend(crossing.return_leg);
            match crossing.before {
                Some(at) => crossings.before.push((at, n)),
                None => crossings.at_end.push(n),
            }
        }
        crossings.before.sort_unstable();
        crossings.returns.sort_unstable();
        crossings
    }

    fn before(&self, at: At) -> impl Iterator<Item = u32> {
        let first = self.before.partition_point(|(before, _)| *before < at);
        self.before[first..].iter().take_while(move |(before, _)| *before == at).map(|(_, n)| *n)
    }

    fn is_return(&self, at: At) -> bool {
        self.returns.binary_search(&at).is_ok()
    }
}

/// All transfers in time, each after those it needs.
fn in_need(all: Vec<At>, gathered: &Gathered, crossings: &Crossings) -> Vec<At> {
    let all = sorted(all, gathered);
    let mut needs = Needs::default();
    let mut ordered = Vec::with_capacity(all.len());
    for group in groups(&all, gathered) {
        let group = &all[group];
        if group.len() == 1 {
            ordered.push(group[0]);
            continue;
        }
        let is_known = is_order_known(group, gathered);
        if is_known && !has_late_payment(group, gathered, crossings) {
            ordered.extend_from_slice(group);
        } else {
            needs.order(group, is_known, gathered, crossings, &mut ordered);
        }
    }
    ordered
}

/// By second in buckets, then in full where seconds are the same.
fn sorted(all: Vec<At>, gathered: &Gathered) -> Vec<At> {
    let second = |at: At| gathered.row_at(at).time.as_second();
    let Some(first) = all.iter().map(|at| second(*at)).min() else { return all };
    let mut pairs: Vec<(u64, At)> =
        all.into_iter().map(|at| (second(at).abs_diff(first), at)).collect();
    radix_sort(&mut pairs);
    for group in pairs.chunk_by_mut(|a, b| a.0 == b.0) {
        if group.len() > 1 {
            group.sort_by(|a, b| cmp_time(a.1, b.1, gathered));
        }
    }
    pairs.into_iter().map(|(_, at)| at).collect()
}

/// Runs of transfers that happened at the same time and height. One of no known height
/// may be of any block of its second, and comes first there.
fn groups(sorted: &[At], gathered: &Gathered) -> Vec<std::ops::Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    for end in 1..=sorted.len() {
        let goes_on = sorted
            .get(end)
            .is_some_and(|at| gathered.row_at(*at).is_of_moment(gathered.row_at(sorted[start])));
        if !goes_on {
            groups.push(start..end);
            start = end;
        }
    }
    groups
}

fn is_order_known(group: &[At], gathered: &Gathered) -> bool {
    group.iter().all(|at| gathered.row_at(*at).is_placed)
}

/// A pool may pay out before it is paid within one transaction: then the payment
/// has to be settled first, whatever the log index says.
fn has_late_payment(group: &[At], gathered: &Gathered, crossings: &Crossings) -> bool {
    if crossings.before.is_empty() {
        return false;
    }
    let mut legs = group
        .iter()
        .flat_map(|at| crossings.before(*at))
        .flat_map(|n| &gathered.crossings[n as usize].legs);
    legs.any(|leg| group.contains(&leg.at))
}

/// Kahn's algorithm: at each account walked through, transfers of an asset follow each
/// other as far as that is told, else those that pay it come first; a swap's return
/// follows its payments. A circle starts at its first member. Kept from group to group,
/// so that none has to make room anew.
#[derive(Default)]
struct Needs {
    /// Which part of a purse's transfers each draws on and fills; none where its order
    /// is told.
    from: Vec<u32>,
    to: Vec<u32>,
    /// By such a part: payments that are still to come, and the first that waits.
    coming: Vec<u32>,
    waiting: Vec<u32>,
    /// The next that waits for the same part.
    next: Vec<u32>,
    /// By transfer of the group: others it waits for by name.
    before: Vec<u32>,
    /// (a transfer, one that waits for it), in order.
    pairs: Vec<(u32, u32)>,
    is_done: Vec<bool>,
}

impl Needs {
    fn order(
        &mut self,
        group: &[At],
        is_known: bool,
        gathered: &Gathered,
        crossings: &Crossings,
        ordered: &mut Vec<At>,
    ) {
        let group = if is_known { group.to_vec() } else { by_name(group, gathered) };
        self.clear();
        self.from.resize(group.len(), NOBODY);
        self.to.resize(group.len(), NOBODY);
        self.next.resize(group.len(), NOBODY);
        self.before.resize(group.len(), 0);
        self.is_done.resize(group.len(), false);
        let mut places: Vec<(At, u32)> = group.iter().copied().zip(0u32..).collect();
        places.sort_unstable();
        if !is_known {
            self.add_purses(&group, &places, gathered);
        }
        self.add_legs(&group, &places, gathered, crossings);
        self.pairs.sort_unstable();
        self.pairs.dedup();
        for (_, n) in &self.pairs {
            self.before[*n as usize] += 1;
        }
        let mut ready = Least::below(group.len());
        (0..number(group.len())).filter(|n| self.is_free(*n)).for_each(|n| ready.insert(n));
        let mut first = 0;
        for _ in &group {
            while self.is_done[first as usize] {
                first += 1;
            }
            let next = ready.pop().unwrap_or(first);
            self.is_done[next as usize] = true;
            ordered.push(group[next as usize]);
            self.done(next, &mut ready);
        }
    }

    /// Accounts that are not walked through hold nothing that the order could divide.
    fn add_purses(&mut self, group: &[At], places: &[(At, u32)], gathered: &Gathered) {
        let place = |at: &At| places[places.partition_point(|(one, _)| one < at)].1;
        for (purse, shared) in shared_purses(group, gathered) {
            if !gathered.is_walked(gathered.purses.get(purse).0) {
                continue;
            }
            let parts = parts(&shared, gathered);
            for two in parts.windows(2) {
                let after = |one| two[1].iter().map(move |other| (place(one), place(other)));
                self.pairs.extend(two[0].iter().flat_map(after));
            }
            for part in parts.iter().filter(|part| part.len() > 1) {
                self.add_part(
                    part.iter().map(|at| (place(at), gathered.row_at(*at).to_purse == purse)),
                );
            }
        }
    }

    /// Of these nothing is told: (a transfer, does it pay the purse?).
    fn add_part(&mut self, part: impl Iterator<Item = (u32, bool)>) {
        let own = number(self.coming.len());
        self.coming.push(0);
        self.waiting.push(NOBODY);
        for (n, pays) in part {
            if pays {
                self.to[n as usize] = own;
                self.coming[own as usize] += 1;
            } else {
                self.from[n as usize] = own;
                let first = std::mem::replace(&mut self.waiting[own as usize], n);
                self.next[n as usize] = first;
            }
        }
    }

    fn add_legs(
        &mut self,
        group: &[At],
        places: &[(At, u32)],
        gathered: &Gathered,
        crossings: &Crossings,
    ) {
        if crossings.before.is_empty() {
            return;
        }
        for (at, n) in group.iter().zip(0u32..) {
            for leg in crossings.before(*at).flat_map(|c| &gathered.crossings[c as usize].legs) {
                if let Ok(place) = places.binary_search_by_key(&leg.at, |(at, _)| *at)
                    && places[place].1 != n
                {
                    self.pairs.push((places[place].1, n));
                }
            }
        }
    }

    fn is_free(&self, n: u32) -> bool {
        let from = self.from[n as usize];
        let is_paid = from == NOBODY || self.coming[from as usize] == 0;
        is_paid && self.before[n as usize] == 0
    }

    /// Marks one as settled; those that wait no more are ready.
    fn done(&mut self, n: u32, ready: &mut Least) {
        let to = self.to[n as usize];
        if to != NOBODY {
            self.coming[to as usize] -= 1;
            if self.coming[to as usize] == 0 {
                let mut waiting = self.waiting[to as usize];
                while waiting != NOBODY {
                    self.make_ready(waiting, ready);
                    waiting = self.next[waiting as usize];
                }
            }
        }
        let first = self.pairs.partition_point(|(one, _)| *one < n);
        for place in first..self.pairs.len() {
            let (one, waiting) = self.pairs[place];
            if one != n {
                break;
            }
            self.before[waiting as usize] -= 1;
            self.make_ready(waiting, ready);
        }
    }

    fn make_ready(&self, n: u32, ready: &mut Least) {
        if !self.is_done[n as usize] && self.is_free(n) {
            ready.insert(n);
        }
    }

    fn clear(&mut self) {
        self.from.clear();
        self.to.clear();
        self.coming.clear();
        self.waiting.clear();
        self.next.clear();
        self.before.clear();
        self.pairs.clear();
        self.is_done.clear();
    }
}

/// Bitcoin transactions, each after those whose outputs it spends.
fn bitcoin(gathered: &Gathered) -> Vec<u32> {
    let walked = by_time(gathered);
    let mut place_of = vec![NOBODY; gathered.utxo.len()];
    for (place, tx) in (0u32..).zip(&walked) {
        place_of[*tx as usize] = place;
    }
    // How many parents each still waits for, and who waits for whom.
    let mut waiting = vec![0u32; walked.len()];
    let mut children: Vec<(u32, u32)> = Vec::new();
    for (place, tx) in (0u32..).zip(&walked) {
        let Some(utxo) = &gathered.utxo[*tx as usize] else { continue };
        let mut parents: Vec<u32> = utxo
            .inputs
            .iter()
            .map(|out| place_of[gathered.outs.get(*out).0 as usize])
            .filter(|parent| *parent != NOBODY && *parent != place)
            .collect();
        parents.sort_unstable();
        parents.dedup();
        waiting[place as usize] = number(parents.len());
        children.extend(parents.into_iter().map(|parent| (parent, place)));
    }
    children.sort_unstable();
    let mut ready = Least::below(walked.len());
    (0u32..).zip(&waiting).filter(|(_, left)| **left == 0).for_each(|(n, _)| ready.insert(n));
    let mut ordered = Vec::with_capacity(walked.len());
    while let Some(place) = ready.pop() {
        ordered.push(walked[place as usize]);
        let first = children.partition_point(|(parent, _)| *parent < place);
        for (_, child) in children[first..].iter().take_while(|(parent, _)| *parent == place) {
            let left = &mut waiting[*child as usize];
            *left -= 1;
            if *left == 0 {
                ready.insert(*child);
            }
        }
    }
    ordered
}

/// Those walked through, by time, then by their places and names.
fn by_time(gathered: &Gathered) -> Vec<u32> {
    fn key(utxo: &Utxo) -> (model::Timestamp, Option<u64>, Option<u32>, model::TxId) {
        (utxo.tx.time, utxo.tx.height, utxo.tx.index, utxo.tx.id)
    }
    let mut walked: Vec<(u32, &Utxo)> = (0u32..)
        .zip(&gathered.utxo)
        .filter_map(|(tx, utxo)| Some((tx, utxo.as_ref().filter(|utxo| utxo.depth != 0)?)))
        .collect();
    walked.sort_unstable_by_key(|(_, utxo)| key(utxo));
    walked.into_iter().map(|(tx, _)| tx).collect()
}
