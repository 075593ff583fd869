//! The swap: value that leaves an address as one asset and comes back as another.
//!
//! What an account pays to a labelled swap venue comes back to it: *seen*, as the
//! incoming leg of the same transaction; or, where the data lacks that leg,
//! *inferred* from outflow beyond every known inflow of that asset. An investigator
//! may *declare* one, or refuse what would be inferred. In: one account's ledger in
//! time order. Out: its crossings, each with the payments it used up and the
//! amount that came of them. Which taint passes is [`crate::settle`]'s affair.
//!
//! An inferred crossing needs prices, since it must not create more value than was
//! paid: it takes the oldest payments first, by value on the day, and takes the rest
//! too where no more than [`SLIPPAGE_PERCENT`] of the value would stay behind.

use std::collections::{BTreeMap, BTreeSet};

use model::amount::share;
use model::{Account, Asset, Date, Transfer, TransferKind, TxId, U256};

use crate::gather::{At, Gathered};
use crate::settings::{CrossingDecision, Declared, Settings};

/// What a swap may lose to fees and price moves, either way.
pub const SLIPPAGE_PERCENT: u64 = 5;

/// A payment to a venue that nothing came of for so long is not waiting any more.
const PENDING_SECONDS_MAX: i64 = 7 * 24 * 3600;

#[derive(Clone, Debug, PartialEq)]
pub struct Crossing {
    pub account: Account,
    pub kind: CrossingKind,
    /// What was paid to venues, as much of it as this crossing used up.
    pub legs: Vec<Leg>,
    pub out_asset: Asset,
    pub out_base: U256,
    /// The transfer that brought it back, where the data has it.
    pub return_leg: Option<At>,
    /// It takes place just before this transfer of the ledger; none: at its end.
    pub before: Option<At>,
    /// 0 to 1.
    pub confidence: f64,
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CrossingKind {
    Seen,
    Inferred,
    Declared,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    pub at: At,
    pub venue: Account,
    pub asset: Asset,
    pub base: U256,
}

#[derive(Debug, Default)]
pub struct Found {
    pub crossings: Vec<Crossing>,
    pub unpriced: BTreeSet<(Asset, Date)>,
}

/// Reads an account's ledger, which is in time order, for crossings.
pub fn infer(
    account: &Account,
    ledger: &[At],
    gathered: &Gathered,
    venues: &BTreeSet<Account>,
    settings: &Settings,
) -> Found {
    if venues.is_empty() {
        return Found::default();
    }
    let mut reader = Reader {
        account,
        gathered,
        venues,
        settings,
        seen: swaps_in_one_transaction(account, ledger, gathered, venues),
        declared: declared_at(account, settings),
        pending: Vec::new(),
        held: BTreeMap::new(),
        found: Found::default(),
    };
    for at in ledger.iter().filter(|at| !gathered.excluded.contains_key(at)) {
        reader.read(*at);
    }
    reader.declare_before(None);
    reader.found
}

struct Reader<'a> {
    account: &'a Account,
    gathered: &'a Gathered,
    venues: &'a BTreeSet<Account>,
    settings: &'a Settings,
    seen: BTreeMap<TxId, Seen>,
    declared: Vec<&'a Declared>,
    /// Payments to venues of which nothing is known to have come yet, oldest first.
    pending: Vec<Leg>,
    /// Known inflow less outflow.
    held: BTreeMap<Asset, U256>,
    found: Found,
}

/// A transaction in which the account paid a venue and got something else.
#[derive(Default)]
struct Seen {
    legs: Vec<Leg>,
    returns: Vec<At>,
}

impl Reader<'_> {
    fn read(&mut self, at: At) {
        let transfer = &self.gathered.transfers[at];
        self.declare_before(Some(at));
        let is_in = transfer.to.as_ref() == Some(&self.account.address);
        let is_out = transfer.from.as_ref() == Some(&self.account.address);
        match (is_in, is_out) {
            (true, false) => self.receive(at, transfer),
            (false, true) => self.send(at, transfer),
            _ => {}
        }
    }

    fn receive(&mut self, at: At, transfer: &Transfer) {
        if let Some(seen) = self.seen.get(&transfer.tx)
            && seen.returns.contains(&at)
        {
            let crossing = seen_crossing(self.account, seen, at, transfer);
            self.found.crossings.push(crossing);
        }
        self.hold(&transfer.asset, transfer.amount);
    }

    fn send(&mut self, at: At, transfer: &Transfer) {
        let held = self.held.get(&transfer.asset).copied().unwrap_or_default();
        if transfer.amount > held && transfer.kind != TransferKind::Fee {
            self.infer_before(at, transfer, transfer.amount - held);
        }
        let held = self.held.entry(transfer.asset.clone()).or_default();
        *held = held.saturating_sub(transfer.amount);
        let is_seen = self.seen.contains_key(&transfer.tx);
        if let Some(venue) = transfer.to_account().filter(|to| self.venues.contains(to) && !is_seen)
        {
            self.pending.push(Leg {
                at,
                venue,
                asset: transfer.asset.clone(),
                base: transfer.amount,
            });
        }
    }

    /// More leaves than is known to have come: payments to venues may explain it.
    fn infer_before(&mut self, at: At, transfer: &Transfer, missing: U256) {
        let now = transfer.time.as_second();
        self.pending.retain(|leg| {
            now - self.gathered.transfers[leg.at].time.as_second() <= PENDING_SECONDS_MAX
        });
        let (mut usable, rest): (Vec<Leg>, Vec<Leg>) =
            std::mem::take(&mut self.pending).into_iter().partition(|leg| {
                leg.asset != transfer.asset && !self.is_refused(&leg.asset, &transfer.asset)
            });
        let date = model::day_of(transfer.time);
        let crossing = self.match_value(&mut usable, &transfer.asset, missing, date);
        self.pending = rest;
        self.pending.extend(usable);
        self.pending.sort_by_key(|leg| self.gathered.transfers[leg.at].time);
        if let Some((legs, out_base, confidence)) = crossing {
            self.hold(&transfer.asset, out_base);
            self.found.crossings.push(Crossing {
                account: self.account.clone(),
                kind: CrossingKind::Inferred,
                legs,
                out_asset: transfer.asset.clone(),
                out_base,
                return_leg: None,
                before: Some(at),
                confidence,
                why: "it sent more of this asset than it is known to have received, after paying a swap venue".into(),
            });
        }
    }

    /// Takes from `usable`, oldest first, what is worth `missing`; how sure it is.
    fn match_value(
        &mut self,
        usable: &mut Vec<Leg>,
        asset: &Asset,
        missing: U256,
        date: Date,
    ) -> Option<(Vec<Leg>, U256, f64)> {
        if usable.is_empty() {
            return None;
        }
        let wanted = self.value(asset, missing, date)?;
        let (mut priced, unpriced): (Vec<Leg>, Vec<Leg>) =
            std::mem::take(usable).into_iter().partition(|leg| {
                self.value(&leg.asset, leg.base, date).is_some_and(|value| !value.is_zero())
            });
        *usable = unpriced;
        let worth = |leg: &Leg, settings: &Settings, gathered: &Gathered| {
            settings
                .prices
                .value_e12(&leg.asset, leg.base, gathered.decimals(&leg.asset), date)
                .unwrap_or_default()
        };
        let total = priced.iter().fold(U256::ZERO, |sum, leg| {
            sum.saturating_add(worth(leg, self.settings, self.gathered))
        });
        if total.is_zero() || wanted.is_zero() {
            usable.append(&mut priced);
            return None;
        }
        let slack = share(total, U256::from(SLIPPAGE_PERCENT), U256::from(100));
        if wanted.saturating_add(slack) >= total {
            let explained = wanted <= total.saturating_add(slack);
            let out_base = if explained { missing } else { share(missing, total, wanted) };
            return Some((priced, out_base, if explained { 0.8 } else { 0.5 }));
        }
        let mut taken = Vec::new();
        let mut left = wanted;
        for mut leg in priced {
            let value = worth(&leg, self.settings, self.gathered);
            if left.is_zero() {
                usable.push(leg);
            } else if value <= left {
                left -= value;
                taken.push(leg);
            } else {
                let base = share(leg.base, left, value).max(U256::from(1)).min(leg.base);
                left = U256::ZERO;
                taken.push(Leg { base, ..leg.clone() });
                leg.base -= base;
                usable.push(leg);
            }
        }
        usable.retain(|leg| !leg.base.is_zero());
        Some((taken, missing, 0.6))
    }

    fn value(&mut self, asset: &Asset, base: U256, date: Date) -> Option<U256> {
        let value =
            self.settings.prices.value_e12(asset, base, self.gathered.decimals(asset), date);
        if value.is_none() {
            self.found.unpriced.insert((asset.clone(), date));
        }
        value
    }

    /// Puts declared crossings where their time stands in the ledger.
    fn declare_before(&mut self, at: Option<At>) {
        let now = at.map(|at| self.gathered.transfers[at].time);
        while let Some(declared) =
            self.declared.first().copied().filter(|d| now.is_none_or(|now| d.time <= now))
        {
            self.declared.remove(0);
            let legs = self.take_paid(declared);
            self.hold(&declared.to_asset, declared.to_base);
            self.found.crossings.push(Crossing {
                account: self.account.clone(),
                kind: CrossingKind::Declared,
                legs,
                out_asset: declared.to_asset.clone(),
                out_base: declared.to_base,
                return_leg: None,
                before: at,
                confidence: 1.0,
                why: format!("declared: {}", declared.reason),
            });
        }
    }

    fn take_paid(&mut self, declared: &Declared) -> Vec<Leg> {
        let mut left = declared.from_base;
        let mut legs = Vec::new();
        for leg in &mut self.pending {
            if leg.asset != declared.from_asset || leg.venue != declared.venue || left.is_zero() {
                continue;
            }
            let base = leg.base.min(left);
            legs.push(Leg { base, ..leg.clone() });
            leg.base -= base;
            left -= base;
        }
        self.pending.retain(|leg| !leg.base.is_zero());
        legs
    }

    fn is_refused(&self, from: &Asset, to: &Asset) -> bool {
        self.settings.crossings.iter().any(|decision| match decision {
            CrossingDecision::Refused(refused) => {
                refused.account == *self.account
                    && refused.from_asset.as_ref().is_none_or(|asset| asset == from)
                    && refused.to_asset.as_ref().is_none_or(|asset| asset == to)
            }
            CrossingDecision::Declared(declared) => {
                declared.account == *self.account
                    && declared.from_asset == *from
                    && declared.to_asset == *to
            }
        })
    }

    fn hold(&mut self, asset: &Asset, base: U256) {
        let held = self.held.entry(asset.clone()).or_default();
        *held = held.saturating_add(base);
    }
}

/// Transactions in which the account paid a venue and received another asset.
fn swaps_in_one_transaction(
    account: &Account,
    ledger: &[At],
    gathered: &Gathered,
    venues: &BTreeSet<Account>,
) -> BTreeMap<TxId, Seen> {
    let mut seen: BTreeMap<TxId, Seen> = BTreeMap::new();
    let counted = || ledger.iter().filter(|at| !gathered.excluded.contains_key(at));
    for at in counted() {
        let transfer = &gathered.transfers[*at];
        let paid = transfer.from.as_ref() == Some(&account.address)
            && transfer.kind == TransferKind::Value;
        if let Some(venue) = transfer.to_account().filter(|to| paid && venues.contains(to)) {
            let leg = Leg { at: *at, venue, asset: transfer.asset.clone(), base: transfer.amount };
            seen.entry(transfer.tx).or_default().legs.push(leg);
        }
    }
    for at in counted() {
        let transfer = &gathered.transfers[*at];
        let is_received = transfer.to.as_ref() == Some(&account.address)
            && transfer.from.as_ref() != Some(&account.address)
            && transfer.kind == TransferKind::Value;
        if let Some(swap) = seen.get_mut(&transfer.tx).filter(|_| is_received)
            && swap.legs.iter().all(|leg| leg.asset != transfer.asset)
        {
            swap.returns.push(*at);
        }
    }
    seen.retain(|_, swap| !swap.returns.is_empty());
    seen
}

/// One crossing for each leg that came back; where several did, each is credited
/// with an equal part of every payment, the first with what does not divide.
fn seen_crossing(account: &Account, seen: &Seen, at: At, transfer: &Transfer) -> Crossing {
    let parts = U256::from(seen.returns.len());
    let is_first = seen.returns.first() == Some(&at);
    let part = |base: U256| {
        let equal = base / parts;
        if is_first { base - equal * (parts - U256::from(1)) } else { equal }
    };
    let legs = seen.legs.iter().map(|leg| Leg { base: part(leg.base), ..leg.clone() }).collect();
    Crossing {
        account: account.clone(),
        kind: CrossingKind::Seen,
        legs,
        out_asset: transfer.asset.clone(),
        out_base: transfer.amount,
        return_leg: Some(at),
        before: Some(at),
        confidence: if seen.returns.len() == 1 { 0.95 } else { 0.7 },
        why: "it paid a swap venue and received this asset in the same transaction".into(),
    }
}

fn declared_at<'a>(account: &Account, settings: &'a Settings) -> Vec<&'a Declared> {
    let mut declared: Vec<&Declared> = settings
        .crossings
        .iter()
        .filter_map(|decision| match decision {
            CrossingDecision::Declared(declared) if declared.account == *account => Some(declared),
            _ => None,
        })
        .collect();
    declared.sort_by_key(|declared| declared.time);
    declared
}
