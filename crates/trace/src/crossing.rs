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
use model::{Account, Asset, Date, Timestamp, Transfer, TransferKind, TxId, U256};

use crate::gather::{At, Gathered, NOBODY, Row};
use crate::settings::{CrossingDecision, Declared, Settings};

/// What a swap may lose to fees and price moves, either way.
pub const SLIPPAGE_PERCENT: u64 = 5;

/// A payment to a venue that nothing came of for so long is not waiting any more.
const PENDING_SECONDS_MAX: i64 = 7 * 24 * 3600;

#[derive(Clone, Debug, PartialEq)]
pub struct Crossing {
    pub account: u32,
    pub kind: CrossingKind,
    /// What was paid to venues, as much of it as this crossing used up.
    pub legs: Vec<Leg>,
    pub out_asset: u32,
    pub out_base: U256,
    /// Where what came of it is held.
    pub purse: u32,
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
    pub venue: u32,
    pub asset: u32,
    pub base: U256,
}

#[derive(Debug, Default)]
pub struct Found {
    pub crossings: Vec<Crossing>,
    pub unpriced: BTreeSet<(Asset, Date)>,
}

/// Reads an account's ledger, which is in time order, for crossings.
pub fn infer(
    account: u32,
    ats: &[At],
    gathered: &mut Gathered,
    venues: &BTreeSet<u32>,
    settings: &Settings,
) -> Found {
    if venues.is_empty() {
        return Found::default();
    }
    let declared = declared_at(account, gathered, settings);
    let purses = purses_of(account, &declared, gathered);
    let gathered = &*gathered;
    let mut reader = Reader {
        account,
        gathered,
        venues,
        settings,
        seen: swaps_in_one_transaction(account, ats, gathered, venues),
        declared,
        declared_next: 0,
        purses,
        pending: Vec::new(),
        held: BTreeMap::new(),
        found: Found::default(),
    };
    for at in ats {
        if reader.gathered.row_at(*at).excluded.is_none() {
            reader.read(*at);
        }
    }
    reader.declare_before(None);
    reader.found
}

/// The purses declared swaps fill, which nothing else may ever have named.
fn purses_of(
    account: u32,
    declared: &[Decided<'_>],
    gathered: &mut Gathered,
) -> BTreeMap<u32, u32> {
    declared
        .iter()
        .map(|decided| (decided.to_asset, gathered.purses.id((account, decided.to_asset))))
        .collect()
}

/// A declared swap in numbers.
struct Decided<'a> {
    declared: &'a Declared,
    venue: u32,
    from_asset: u32,
    to_asset: u32,
}

struct Reader<'a> {
    account: u32,
    gathered: &'a Gathered,
    venues: &'a BTreeSet<u32>,
    settings: &'a Settings,
    seen: BTreeMap<TxId, Seen>,
    declared: Vec<Decided<'a>>,
    declared_next: usize,
    purses: BTreeMap<u32, u32>,
    /// Payments to venues of which nothing is known to have come yet, oldest first.
    pending: Vec<Leg>,
    /// Known inflow less outflow, by asset.
    held: BTreeMap<u32, U256>,
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
        self.declare_before(Some(at));
        let row = self.gathered.row_at(at);
        match (row.to == self.account, row.from == self.account) {
            (true, false) => self.receive(at, row),
            (false, true) => self.send(at, row),
            _ => {}
        }
    }

    fn receive(&mut self, at: At, row: &Row) {
        let &Transfer { amount, tx, .. } = self.gathered.transfer(at);
        if let Some(seen) = self.seen.get(&tx)
            && seen.returns.contains(&at)
        {
            let crossing = seen_crossing(self.account, seen, at, row, amount);
            self.found.crossings.push(crossing);
        }
        self.hold(row.asset, amount);
    }

    fn send(&mut self, at: At, row: &Row) {
        let &Transfer { amount, tx, .. } = self.gathered.transfer(at);
        let held = self.held.get(&row.asset).copied().unwrap_or_default();
        if amount > held && row.kind != TransferKind::Fee {
            self.infer_before(at, row, amount - held);
        }
        let held = self.held.entry(row.asset).or_default();
        *held = held.saturating_sub(amount);
        let is_seen = self.seen.contains_key(&tx);
        if self.venues.contains(&row.to) && !is_seen {
            self.pending.push(Leg { at, venue: row.to, asset: row.asset, base: amount });
        }
    }

    /// More leaves than is known to have come: payments to venues may explain it.
    fn infer_before(&mut self, at: At, row: &Row, missing: U256) {
        let now = row.time.as_second();
        self.pending.retain(|leg| {
            now - self.gathered.row_at(leg.at).time.as_second() <= PENDING_SECONDS_MAX
        });
        if self.pending.is_empty() {
            return;
        }
        let (mut usable, rest): (Vec<Leg>, Vec<Leg>) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|leg| leg.asset != row.asset && !self.is_refused(leg.asset, row.asset));
        let crossing = self.match_value(&mut usable, row.asset, missing, row.time);
        self.pending = rest;
        self.pending.extend(usable);
        self.pending.sort_by_key(|leg| self.gathered.row_at(leg.at).time);
        if let Some((legs, out_base, confidence)) = crossing {
            self.hold(row.asset, out_base);
            self.found.crossings.push(Crossing {
                account: self.account,
                kind: CrossingKind::Inferred,
                legs,
                out_asset: row.asset,
                out_base,
                purse: row.from_purse,
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
        asset: u32,
        missing: U256,
        time: Timestamp,
    ) -> Option<(Vec<Leg>, U256, f64)> {
        if usable.is_empty() {
            return None;
        }
        let wanted = self.value(asset, missing, time)?;
        let (mut priced, unpriced): (Vec<Leg>, Vec<Leg>) =
            std::mem::take(usable).into_iter().partition(|leg| {
                self.value(leg.asset, leg.base, time).is_some_and(|value| !value.is_zero())
            });
        *usable = unpriced;
        let worth = |leg: &Leg, settings: &Settings, gathered: &Gathered| {
            let (asset, decimals) = (gathered.assets.get(leg.asset), gathered.decimals(leg.asset));
            settings.prices.value_e12(asset, leg.base, decimals, time).unwrap_or_default()
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

    fn value(&mut self, asset: u32, base: U256, time: Timestamp) -> Option<U256> {
        let decimals = self.gathered.decimals(asset);
        let asset = self.gathered.assets.get(asset);
        let value = self.settings.prices.value_e12(asset, base, decimals, time);
        if value.is_none() {
            self.found.unpriced.insert((asset.clone(), model::day_of(time)));
        }
        value
    }

    /// Puts declared crossings where their time stands in the ledger.
    fn declare_before(&mut self, at: Option<At>) {
        let now = at.map(|at| self.gathered.row_at(at).time);
        while let Some(decided) = self.declared.get(self.declared_next)
            && now.is_none_or(|now| decided.declared.time <= now)
        {
            let (declared, to_asset) = (decided.declared, decided.to_asset);
            let paid = (decided.venue, decided.from_asset);
            self.declared_next += 1;
            let legs = self.take_paid(paid, declared.from_base);
            self.hold(to_asset, declared.to_base);
            self.found.crossings.push(Crossing {
                account: self.account,
                kind: CrossingKind::Declared,
                legs,
                out_asset: to_asset,
                out_base: declared.to_base,
                purse: self.purses[&to_asset],
                return_leg: None,
                before: at,
                confidence: 1.0,
                why: format!("declared: {}", declared.reason),
            });
        }
    }

    fn take_paid(&mut self, paid: (u32, u32), from_base: U256) -> Vec<Leg> {
        let mut left = from_base;
        let mut legs = Vec::new();
        for leg in &mut self.pending {
            if (leg.venue, leg.asset) != paid || left.is_zero() {
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

    fn is_refused(&self, from: u32, to: u32) -> bool {
        let account = self.gathered.accounts.get(self.account);
        let (from, to) = (self.gathered.assets.get(from), self.gathered.assets.get(to));
        self.settings.crossings.iter().any(|decision| match decision {
            CrossingDecision::Refused(refused) => {
                refused.account == *account
                    && refused.from_asset.as_ref().is_none_or(|asset| asset == from)
                    && refused.to_asset.as_ref().is_none_or(|asset| asset == to)
            }
            CrossingDecision::Declared(declared) => {
                declared.account == *account
                    && declared.from_asset == *from
                    && declared.to_asset == *to
            }
        })
    }

    fn hold(&mut self, asset: u32, base: U256) {
        let held = self.held.entry(asset).or_default();
        *held = held.saturating_add(base);
    }
}

/// Transactions in which the account paid a venue and received another asset.
fn swaps_in_one_transaction(
    account: u32,
    ats: &[At],
    gathered: &Gathered,
    venues: &BTreeSet<u32>,
) -> BTreeMap<TxId, Seen> {
    let mut seen: BTreeMap<TxId, Seen> = BTreeMap::new();
    let counted = || {
        let rows = ats.iter().map(|at| (*at, gathered.row_at(*at)));
        rows.filter(|(_, row)| row.excluded.is_none() && row.kind == TransferKind::Value)
    };
    for (at, row) in counted() {
        if row.from == account && row.to != NOBODY && venues.contains(&row.to) {
            let &Transfer { amount: base, tx, .. } = gathered.transfer(at);
            let leg = Leg { at, venue: row.to, asset: row.asset, base };
            seen.entry(tx).or_default().legs.push(leg);
        }
    }
    for (at, row) in counted() {
        if row.to == account
            && row.from != account
            && let Some(swap) = seen.get_mut(&gathered.transfer(at).tx)
            && swap.legs.iter().all(|leg| leg.asset != row.asset)
        {
            swap.returns.push(at);
        }
    }
    seen.retain(|_, swap| !swap.returns.is_empty());
    seen
}

/// One crossing for each leg that came back; where several did, each is credited
/// with an equal part of every payment, the first with what does not divide.
fn seen_crossing(account: u32, seen: &Seen, at: At, row: &Row, amount: U256) -> Crossing {
    let parts = U256::from(seen.returns.len());
    let is_first = seen.returns.first() == Some(&at);
    let part = |base: U256| {
        let equal = base / parts;
        if is_first { base - equal * (parts - U256::from(1)) } else { equal }
    };
    let legs = seen.legs.iter().map(|leg| Leg { base: part(leg.base), ..leg.clone() }).collect();
    Crossing {
        account,
        kind: CrossingKind::Seen,
        legs,
        out_asset: row.asset,
        out_base: amount,
        purse: row.to_purse,
        return_leg: Some(at),
        before: Some(at),
        confidence: if seen.returns.len() == 1 { 0.95 } else { 0.7 },
        why: "it paid a swap venue and received this asset in the same transaction".into(),
    }
}

fn declared_at<'a>(
    account: u32,
    gathered: &mut Gathered,
    settings: &'a Settings,
) -> Vec<Decided<'a>> {
    let named: Account = gathered.accounts.get(account).clone();
    let mut declared: Vec<&Declared> = settings
        .crossings
        .iter()
        .filter_map(|decision| match decision {
            CrossingDecision::Declared(declared) if declared.account == named => Some(declared),
            _ => None,
        })
        .collect();
    declared.sort_by_key(|declared| declared.time);
    let decided = declared.into_iter().map(|declared| Decided {
        declared,
        venue: gathered.account_id(declared.venue.clone()),
        from_asset: gathered.asset_id(&declared.from_asset),
        to_asset: gathered.asset_id(&declared.to_asset),
    });
    decided.collect()
}
