//! What an account did: its transfers page by page, the newest first, and with whom.
//!
//! A view gives what was sent from a moment on and what was received up to one. Here both become one
//! list that goes back in time, of any length: what was sent is asked for in windows that widen until
//! they hold enough, so that a page of a hub costs what a page costs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use model::{
    Account, Asset, Direction, Limits, Seek, Timestamp, Transaction, Transfer, TransferKind, TxId,
    U256, View,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = InOrOut)]
pub enum Way {
    /// It received.
    In,
    /// It sent.
    Out,
}

/// Which of an account's transfers are asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// None: both.
    pub way: Option<Way>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub asset: Option<Asset>,
    /// Base units.
    pub min_base: U256,
}

/// Where a page ended: so many transfers of this moment were shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    pub second: i64,
    pub nanosecond: i32,
    pub shown: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The newest first.
    pub transfers: Vec<Transfer>,
    /// None: nothing is older.
    pub next: Option<After>,
    /// More transfers lie in one moment than are gone through: some of it are missing.
    pub is_cut: bool,
}

/// Transfers of one direction that are held at once.
const HELD_MAX: usize = 50_000;
/// The narrowest window in which what was sent is looked for.
const WINDOW: Duration = Duration::from_secs(3600);

/// One page, the newest first, from where the last one ended.
pub fn page(
    view: &dyn View,
    account: &Account,
    wanted: &Wanted,
    after: Option<After>,
    limit: usize,
) -> Result<Part> {
    let moment = after.and_then(|after| Timestamp::new(after.second, after.nanosecond).ok());
    let until = match (moment, wanted.until) {
        (Some(moment), Some(until)) => Some(moment.min(until)),
        (moment, until) => moment.or(until),
    };
    let shown = after.map_or(0, |after| after.shown);
    let enough = limit.saturating_add(shown).saturating_add(1);
    let (mut all, mut is_cut) = (Vec::new(), false);
    for way in [Way::In, Way::Out] {
        if wanted.way.is_some_and(|asked| asked != way) {
            continue;
        }
        let found = match way {
            Way::In => received(view, account, wanted, until, enough)?,
            Way::Out => sent(view, account, wanted, until, enough)?,
        };
        is_cut |= found.is_cut;
        all.extend(found.transfers);
    }
    all.sort_by(|a: &Transfer, b| b.cmp_time(a));
    // One that an account pays to itself is found both ways.
    all.dedup();
    let at_moment = |transfer: &&Transfer| moment == Some(transfer.time);
    let skipped = all.iter().take_while(at_moment).count().min(shown);
    all.drain(..skipped);
    let has_more = all.len() > limit;
    all.truncate(limit);
    let next = all.last().filter(|_| has_more).map(|last| {
        let of_moment = all.iter().filter(|transfer| transfer.time == last.time).count();
        let before = if moment == Some(last.time) { skipped } else { 0 };
        After {
            second: last.time.as_second(),
            nanosecond: last.time.subsec_nanosecond(),
            shown: before + of_moment,
        }
    });
    Ok(Part { transfers: all, next, is_cut })
}

/// At least so many of one direction up to a moment, or all there are: the latest, whole moments.
struct Latest {
    transfers: Vec<Transfer>,
    is_cut: bool,
}

fn limits(
    wanted: &Wanted,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    most: usize,
) -> Limits {
    Limits {
        per_account: most,
        since,
        until,
        assets: wanted.asset.clone().map(|asset| vec![asset]),
        min_base: wanted.min_base,
    }
}

fn ask(
    view: &dyn View,
    direction: Direction,
    account: &Account,
    limits: &Limits,
) -> Result<(Vec<Transfer>, bool)> {
    let found = view.expand(direction, &[Seek::all(account.clone())], limits)?;
    let reached = found.reached.into_iter().next();
    Ok(reached.map_or((Vec::new(), false), |one| (one.transfers, one.is_truncated)))
}

fn received(
    view: &dyn View,
    account: &Account,
    wanted: &Wanted,
    until: Option<Timestamp>,
    enough: usize,
) -> Result<Latest> {
    let mut most = enough.saturating_mul(2).min(HELD_MAX);
    loop {
        let limits = limits(wanted, wanted.since, until, most);
        let (mut transfers, is_more) = ask(view, Direction::Backward, account, &limits)?;
        if !is_more {
            return Ok(Latest { transfers, is_cut: false });
        }
        // Of the oldest moment some may be missing.
        let oldest = transfers.first().map(|first| first.time);
        let whole = transfers.iter().filter(|transfer| Some(transfer.time) != oldest).count();
        if whole >= enough || most >= HELD_MAX {
            let is_cut = whole < enough;
            if !is_cut {
                transfers.retain(|transfer| Some(transfer.time) != oldest);
            }
            return Ok(Latest { transfers, is_cut });
        }
        most = most.saturating_mul(4).min(HELD_MAX);
    }
}

fn sent(
    view: &dyn View,
    account: &Account,
    wanted: &Wanted,
    until: Option<Timestamp>,
    enough: usize,
) -> Result<Latest> {
    let all = limits(wanted, wanted.since, until, enough.saturating_mul(2).min(HELD_MAX));
    let (transfers, is_more) = ask(view, Direction::Forward, account, &all)?;
    if !is_more {
        return Ok(Latest { transfers, is_cut: false });
    }
    let first = transfers.first().map_or(Timestamp::UNIX_EPOCH, |first| first.time);
    // What was sent is given from its beginning on: from the end, a window that widens finds the latest.
    let until = match until {
        Some(until) => until,
        None => last_sent(view, account, wanted, first)?,
    };
    let (mut width, mut narrow, mut wide) = (WINDOW, Duration::ZERO, None::<Duration>);
    loop {
        let since = until.saturating_sub(width).unwrap_or(first).max(first);
        let most = limits(wanted, Some(since), Some(until), HELD_MAX);
        let (transfers, is_more) = ask(view, Direction::Forward, account, &most)?;
        let is_enough = transfers.len() >= enough || since <= first;
        match (is_more, is_enough) {
            (true, _) => wide = Some(width),
            (false, true) => return Ok(Latest { transfers, is_cut: false }),
            (false, false) => narrow = width,
        }
        width = match wide {
            // Between what held too little and what held too much, unless that is one moment.
            Some(wide) if wide.saturating_sub(narrow) <= Duration::from_secs(1) => {
                return Ok(Latest { transfers, is_cut: true });
            }
            Some(wide) => narrow + wide.saturating_sub(narrow) / 2,
            None => width.saturating_mul(4),
        };
    }
}

/// When the account sent last: no later than the last of its chain.
fn last_sent(
    view: &dyn View,
    account: &Account,
    wanted: &Wanted,
    first: Timestamp,
) -> Result<Timestamp> {
    let held = view.coverage()?.into_iter().find(|held| held.chain == account.chain);
    let mut low = first;
    let mut high = held.and_then(|held| held.time_last).unwrap_or(first).max(first);
    // Is there anything after the middle? One transfer answers that.
    while high.as_second() - low.as_second() > 1 {
        let middle = low.as_second() + (high.as_second() - low.as_second()) / 2;
        let middle = Timestamp::from_second(middle)?;
        let one = limits(wanted, Some(middle), None, 1);
        match ask(view, Direction::Forward, account, &one)?.0.first() {
            Some(transfer) => low = transfer.time.max(middle),
            None => high = middle,
        }
    }
    Ok(high)
}

/// The first transfer that an account was in.
pub fn first(view: &dyn View, account: &Account) -> Result<Option<Transfer>> {
    let one = Limits { per_account: 1, ..Limits::NONE };
    let sent = ask(view, Direction::Forward, account, &one)?.0.into_iter().next();
    // What was received comes from its end: halved until one moment is left.
    let held = view.coverage()?.into_iter().find(|held| held.chain == account.chain);
    let mut earliest: Option<Transfer> = None;
    let mut until = held.and_then(|held| held.time_last);
    let mut low = i64::MIN;
    while let Some(at) = until {
        let limits = Limits { until: Some(at), ..one.clone() };
        match ask(view, Direction::Backward, account, &limits)?.0.into_iter().next() {
            Some(transfer) => {
                let start = low.max(-2_000_000_000);
                let middle = start + (transfer.time.as_second() - start) / 2;
                until = (middle > start).then(|| Timestamp::from_second(middle).ok()).flatten();
                earliest = Some(transfer);
            }
            None => {
                low = at.as_second();
                let high = earliest.as_ref().map_or(low, |first| first.time.as_second());
                let middle = low + (high - low) / 2;
                until = (middle > low).then(|| Timestamp::from_second(middle).ok()).flatten();
            }
        }
    }
    Ok(earliest.into_iter().chain(sent).min_by(Transfer::cmp_time))
}

/// Sums over what an account did.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    pub received: BTreeMap<Asset, U256>,
    /// Fees among it.
    pub sent: BTreeMap<Asset, U256>,
    /// Accounts that paid it, and that it paid; of Bitcoin nobody can say who paid whom: 0.
    pub payers: usize,
    pub payees: usize,
    /// Transactions that paid it, and in which it paid.
    pub incoming: usize,
    pub outgoing: usize,
    pub first: Option<Transfer>,
    pub last: Option<Transfer>,
    /// It has more transfers than were gone through: sums and numbers are lower bounds.
    pub is_truncated: bool,
}

/// Sums over so many transfers of each direction at most.
pub fn totals(view: &dyn View, account: &Account, most: usize) -> Result<Totals> {
    let limits = Limits { per_account: most, ..Limits::NONE };
    let (received, is_more_in) = ask(view, Direction::Backward, account, &limits)?;
    let (sent, is_more_out) = ask(view, Direction::Forward, account, &limits)?;
    let is_truncated = is_more_in || is_more_out;
    let sum = |transfers: &[Transfer]| {
        let mut sums: BTreeMap<Asset, U256> = BTreeMap::new();
        for transfer in transfers.iter().filter(|transfer| !transfer.asset.is_nft()) {
            let sum = sums.entry(transfer.asset.clone()).or_default();
            *sum = sum.saturating_add(transfer.amount);
        }
        sums
    };
    let txs = |transfers: &[Transfer]| {
        transfers.iter().map(|transfer| transfer.tx).collect::<BTreeSet<_>>().len()
    };
    let others = |way: Way, transfers: &[Transfer]| {
        let others = payments(way, transfers).into_iter().map(|(other, _)| other);
        others.collect::<BTreeSet<_>>().len()
    };
    let wanted = Wanted { way: None, since: None, until: None, asset: None, min_base: U256::ZERO };
    let mut ends = received.iter().chain(&sent);
    let (first, last) = match is_truncated {
        false => {
            let last = ends.clone().max_by(|a, b| a.cmp_time(b)).cloned();
            (ends.by_ref().min_by(|a, b| a.cmp_time(b)).cloned(), last)
        }
        true => (
            first(view, account)?,
            page(view, account, &wanted, None, 1)?.transfers.into_iter().next(),
        ),
    };
    Ok(Totals {
        received: sum(&received),
        sent: sum(&sent),
        payers: others(Way::In, &received),
        payees: others(Way::Out, &sent),
        incoming: txs(&received),
        outgoing: txs(&sent),
        first,
        last,
        is_truncated,
    })
}

/// With whom an account dealt.
#[derive(Clone, Debug)]
pub struct Neighbours {
    pub rows: Vec<Neighbour>,
    /// Transfers that were gone through.
    pub transfers: usize,
    /// There are more: the rows are of a part of its history.
    pub is_truncated: bool,
    /// From when to when that part is.
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct Neighbour {
    pub account: Account,
    pub way: Way,
    pub transfers: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    /// By asset: how much, in how many transfers.
    pub sums: BTreeMap<Asset, (U256, u64)>,
}

/// Transfers of one direction that neighbours are made of.
pub const NEIGHBOUR_TRANSFERS_MAX: usize = 50_000;
/// Bitcoin transactions that are looked into.
const TRANSACTIONS_MAX: usize = 5_000;

/// The most transfers first. Of a hub only a part is gone through: the latest received, and the earliest
/// sent in the window.
pub fn neighbours(view: &dyn View, account: &Account, wanted: &Wanted) -> Result<Neighbours> {
    let mut rows: BTreeMap<(Account, bool), Neighbour> = BTreeMap::new();
    let (mut count, mut is_truncated) = (0, false);
    let (mut first, mut last) = (None, None);
    let most = match account.chain.is_utxo() {
        true => TRANSACTIONS_MAX,
        false => NEIGHBOUR_TRANSFERS_MAX,
    };
    for way in [Way::In, Way::Out] {
        if wanted.way.is_some_and(|asked| asked != way) {
            continue;
        }
        let direction = if way == Way::In { Direction::Backward } else { Direction::Forward };
        let limits = limits(wanted, wanted.since, wanted.until, most);
        let (transfers, is_more) = ask(view, direction, account, &limits)?;
        is_truncated |= is_more;
        count += transfers.len();
        let payments = match account.chain.is_utxo() {
            true => legs(view, account, way, &transfers)?,
            false => payments(way, &transfers),
        };
        for (other, payment) in payments.into_iter().filter(|(other, _)| other != account) {
            first = first.into_iter().chain([payment.time]).min();
            last = last.into_iter().chain([payment.time]).max();
            let key = (other.clone(), way == Way::Out);
            let row = rows.entry(key).or_insert_with(|| Neighbour {
                account: other,
                way,
                transfers: 0,
                first: payment.time,
                last: payment.time,
                sums: BTreeMap::new(),
            });
            row.transfers += 1;
            (row.first, row.last) = (row.first.min(payment.time), row.last.max(payment.time));
            let sum = row.sums.entry(payment.asset).or_insert((U256::ZERO, 0));
            *sum = (sum.0.saturating_add(payment.amount), sum.1 + 1);
        }
    }
    let mut rows: Vec<Neighbour> = rows.into_values().collect();
    rows.sort_by(|a, b| b.transfers.cmp(&a.transfers).then_with(|| a.account.cmp(&b.account)));
    Ok(Neighbours { rows, transfers: count, is_truncated, first, last })
}

struct Payment {
    time: Timestamp,
    asset: Asset,
    amount: U256,
}

fn payments(way: Way, transfers: &[Transfer]) -> Vec<(Account, Payment)> {
    let payment = |transfer: &Transfer| {
        let other = match way {
            Way::In => transfer.from_account(),
            Way::Out => transfer.to_account(),
        };
        // Nothing that moves nothing is a dealing: an event that names a victim moves nothing.
        let is_one = transfer.kind != TransferKind::Fee && !transfer.amount.is_zero();
        let (time, asset, amount) = (transfer.time, transfer.asset.clone(), transfer.amount);
        Some((other.filter(|_| is_one)?, Payment { time, asset, amount }))
    };
    transfers.iter().filter_map(payment).collect()
}

/// On Bitcoin whoever is on the other side of a transaction: what they put in, or got out.
fn legs(
    view: &dyn View,
    account: &Account,
    way: Way,
    transfers: &[Transfer],
) -> Result<Vec<(Account, Payment)>> {
    let ids: BTreeSet<TxId> = transfers.iter().map(|transfer| transfer.tx).collect();
    let ids: Vec<TxId> = ids.into_iter().collect();
    let mut all = Vec::new();
    for found in view.transactions(&ids)?.into_iter().flatten() {
        let Transaction::Utxo(tx) = found else { continue };
        let outputs: Vec<&model::Output> = match way {
            Way::Out => tx.outputs.iter().collect(),
            Way::In => tx.inputs.iter().filter_map(|input| input.previous.as_ref()).collect(),
        };
        all.extend(outputs.into_iter().map(|output| {
            let other = Account { chain: account.chain, address: output.address.clone() };
            let (time, amount) = (tx.time, U256::from(output.value));
            (other, Payment { time, asset: Asset::native(account.chain), amount })
        }));
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
