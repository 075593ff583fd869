//! One movement through the books.

use std::hash::Hash;

use model::{Asset, Timestamp, TransferKind, U256, amount};

use super::{Books, Dealing, HUB_TRANSFERS, Origin, Output, Parts};
use crate::exposure::Way;
use crate::poisoning::is_absurd;

/// A transfer of an account chain, its ends by the books' numbers.
pub(super) struct Moved<'a, R> {
    pub id: R,
    pub from: Option<u32>,
    pub to: Option<u32>,
    pub asset: &'a Asset,
    pub base: U256,
    pub time: Timestamp,
    pub kind: TransferKind,
}

/// A Bitcoin transaction: what it spends (as far as known) and what it makes.
pub(super) struct Spending<'a, R> {
    pub asset: &'a Asset,
    pub time: Timestamp,
    pub is_coinbase: bool,
    /// Output spent, where it is held; owner; value.
    pub inputs: &'a [(Option<R>, u32, U256)],
    /// Output made; owner; value.
    pub outputs: &'a [(R, u32, U256)],
}

impl<R: Clone + Eq + Hash> Books<'_, R> {
    pub(super) fn transfer(&mut self, moved: &Moved<'_, R>) {
        self.transfers += 1;
        // Amounts beyond 192 bits are a worthless token's counter; sums of others fit.
        if moved.base.is_zero() || is_absurd(moved.base) || moved.kind == TransferKind::Nft {
            return;
        }
        // What one sends oneself moves nothing.
        if moved.from.is_some() && moved.from == moved.to {
            return;
        }
        let flow = self.leave(moved);
        if let Some(to) = moved.to.filter(|to| !self.is_marked(*to)) {
            let from_marked = moved.from.filter(|from| self.is_marked(*from));
            let origin = from_marked.map(|from| self.origin(from, moved.time));
            let entry = self.entry(to);
            entry.transfers += 1;
            let holding = entry.holdings.entry(moved.asset.clone()).or_default();
            holding.received += moved.base;
            holding.parts.append(flow);
            holding.parts.truncate();
            if let Some(origin) = origin {
                self.deal(to, moved.asset, (Way::In, origin), moved.base, (moved.time, &moved.id));
            }
        }
    }

    /// What the sender parts with.
    fn leave(&mut self, moved: &Moved<'_, R>) -> Parts {
        let Some(from) = moved.from else { return Parts::of(Origin::ISSUED, 0, moved.base) };
        if self.is_marked(from) {
            return Parts::of(self.origin(from, moved.time), 1, moved.base);
        }
        let to_marked = moved.to.filter(|to| self.is_marked(*to));
        let origin = to_marked.map(|to| self.origin(to, moved.time));
        let entry = self.entry(from);
        entry.transfers += 1;
        let is_hub = entry.transfers > HUB_TRANSFERS;
        let holding = entry.holdings.entry(moved.asset.clone()).or_default();
        holding.sent += moved.base;
        let taken = holding.parts.take(moved.base);
        if let Some(origin) = origin {
            self.deal(from, moved.asset, (Way::Out, origin), moved.base, (moved.time, &moved.id));
        }
        match is_hub {
            true => Parts::of(Origin::HUB, 0, moved.base),
            false => taken.passed_on(),
        }
    }

    fn deal(
        &mut self,
        account: u32,
        asset: &Asset,
        (way, origin): (Way, Origin),
        base: U256,
        (time, id): (Timestamp, &R),
    ) {
        if base.is_zero() {
            return;
        }
        let dealings = &mut self.entry(account).dealings;
        let dealing = dealings.entry((asset.clone(), way, origin)).or_insert_with(|| Dealing {
            base: U256::ZERO,
            count: 0,
            first: time,
            last: time,
            largest_base: U256::ZERO,
            largest: id.clone(),
        });
        dealing.base += base;
        dealing.count += 1;
        dealing.first = dealing.first.min(time);
        dealing.last = dealing.last.max(time);
        if base > dealing.largest_base {
            dealing.largest_base = base;
            dealing.largest = id.clone();
        }
    }

    /// All inputs flow together, every output takes its share in turn, and the fee is what is
    /// left: so nothing is made or lost, and inputs are never paired with outputs.
    pub(super) fn spending(&mut self, tx: &Spending<'_, R>) {
        self.transfers += (tx.inputs.len() + tx.outputs.len()) as u64;
        let mut pool = Parts::default();
        for (spent, owner, value) in tx.inputs {
            pool.append(self.spend(tx, spent.as_ref(), *owner, *value));
        }
        let known_in = sum(tx.inputs.iter().map(|input| input.2));
        let value_out = sum(tx.outputs.iter().map(|output| output.2));
        let missing = value_out.saturating_sub(known_in);
        let unseen = if tx.is_coinbase { Origin::ISSUED } else { Origin::UNSEEN };
        pool.append(Parts::of(unseen, 0, missing));
        pool.truncate();
        self.deal_spending(tx, known_in.max(value_out));
        for (made, owner, value) in tx.outputs {
            let parts = pool.take(*value);
            if !self.is_marked(*owner) {
                let entry = self.entry(*owner);
                entry.transfers += 1;
                let holding = entry.holdings.entry(tx.asset.clone()).or_default();
                holding.received += *value;
                let account = self.accounts.get(*owner).clone();
                self.outputs.insert(made.clone(), Output { account, parts });
            }
        }
    }

    fn spend(&mut self, tx: &Spending<'_, R>, spent: Option<&R>, owner: u32, value: U256) -> Parts {
        if self.is_marked(owner) {
            return Parts::of(self.origin(owner, tx.time), 1, value);
        }
        let held = spent.and_then(|spent| self.outputs.remove(spent));
        let entry = self.entry(owner);
        entry.transfers += 1;
        let is_hub = entry.transfers > HUB_TRANSFERS;
        entry.holdings.entry(tx.asset.clone()).or_default().sent += value;
        match held {
            _ if is_hub => Parts::of(Origin::HUB, 0, value),
            Some(output) => output.parts.passed_on(),
            None => Parts::of(Origin::UNSEEN, 0, value),
        }
    }

    /// Who paid whom: by value, each unmarked end with each marked service, rounded down.
    fn deal_spending(&mut self, tx: &Spending<'_, R>, whole: U256) {
        if whole.is_zero() {
            return;
        }
        for (way, own, other) in [
            (Way::Out, owners(tx.inputs.iter().map(|i| (i.1, i.2))), owners(outs(tx))),
            (Way::In, owners(outs(tx)), owners(tx.inputs.iter().map(|i| (i.1, i.2)))),
        ] {
            let services: Vec<(u32, U256)> =
                other.into_iter().filter(|(owner, _)| self.is_marked(*owner)).collect();
            for (owner, value) in own.into_iter().filter(|_| !services.is_empty()) {
                if self.is_marked(owner) {
                    continue;
                }
                for (service, paid) in &services {
                    let origin = self.origin(*service, tx.time);
                    let base = amount::share(value, *paid, whole);
                    let Some(id) = evidence(tx, way, owner, *service) else { continue };
                    self.deal(owner, tx.asset, (way, origin), base, (tx.time, &id));
                }
            }
        }
    }
}

/// The output that shows it: the service's own, or the own one.
fn evidence<R: Clone>(tx: &Spending<'_, R>, way: Way, owner: u32, service: u32) -> Option<R> {
    let shown = if way == Way::Out { service } else { owner };
    tx.outputs.iter().find(|output| output.1 == shown).map(|output| output.0.clone())
}

fn outs<R>(tx: &Spending<'_, R>) -> impl Iterator<Item = (u32, U256)> {
    tx.outputs.iter().map(|output| (output.1, output.2))
}

/// Each owner once, in the order of first appearance.
fn owners(all: impl Iterator<Item = (u32, U256)>) -> Vec<(u32, U256)> {
    let mut sums: Vec<(u32, U256)> = Vec::new();
    let mut places: hashbrown::HashMap<u32, usize> = hashbrown::HashMap::new();
    for (owner, value) in all {
        let at = *places.entry(owner).or_insert(sums.len());
        match sums.get_mut(at) {
            Some(sum) => sum.1 += value,
            None => sums.push((owner, value)),
        }
    }
    sums
}

fn sum(all: impl Iterator<Item = U256>) -> U256 {
    all.fold(U256::ZERO, |sum, base| sum + base)
}
