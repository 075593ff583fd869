//! Deposit addresses: who pays the same one has the same account at an exchange.
//!
//! An exchange gives each customer an address of their own, and sweeps what arrives there to a wallet it is known by.
//! An address is a deposit address once it passes on to an exchange what it was just paid: the same asset,
//! at most a hundredth less, within twelve hours, having never paid anybody else. All who pay it are then one
//! customer. The deposit address itself is the exchange's and joins nobody.
//!
//! What pays a hundredth of a sweep or less joins nobody: anyone can send a little to a stranger's address. Nor do
//! services, which pay for many.
//!
//! Source: Victor, FC 2020 ("Address Clustering Heuristics for Ethereum"), deposit address reuse.

use model::U256;

use super::{Merge, Rule};
use crate::cluster::logged::Logged;

pub const SECONDS_MAX: i64 = 12 * 3600;
/// One part in so many may stay for fees, and less than one in so many is no payment.
const PART: u64 = 100;

/// What was paid to an address that may be a deposit address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    pub from: u32,
    pub asset: u32,
    pub amount: U256,
    /// Seconds since 1970.
    pub time: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// The last payments that were not swept yet.
    pub waiting: [Option<Arrived>; 2],
    /// The first customer, once it passed their payment on.
    pub customer: Option<u32>,
    /// It paid somebody else: it is no deposit address.
    pub is_other: bool,
}

/// By the number of their address.
pub type Holders = Logged<u32, Holder>;

/// A payment to an address that is no service's, by one that is none's.
pub fn arrived(holders: &mut Holders, to: u32, paid: Arrived) {
    let mut holder = holders.get(&to).copied().unwrap_or_default();
    if holder.is_other || paid.from == to {
        return;
    }
    holder.waiting = [Some(paid), holder.waiting[0]];
    holders.set(to, Some(holder));
}

/// A payment to anybody but an exchange.
pub fn paid_another(holders: &mut Holders, from: u32) {
    let is_known = holders.get(&from).is_some_and(|holder| holder.is_other);
    if !is_known {
        holders.set(from, Some(Holder { is_other: true, ..Holder::default() }));
    }
}

/// A payment to an exchange: whom it shows to be the same customer.
pub fn swept(holders: &mut Holders, from: u32, asset: u32, amount: U256, time: i64) -> Vec<Merge> {
    let Some(mut holder) = holders.get(&from).copied().filter(|holder| !holder.is_other) else {
        return Vec::new();
    };
    let fits =
        |paid: &Arrived| paid.asset == asset && (0..=SECONDS_MAX).contains(&(time - paid.time));
    let waiting: Vec<Arrived> = holder.waiting.iter().flatten().copied().filter(fits).collect();
    let sum = waiting.iter().fold(U256::ZERO, |sum, paid| sum.saturating_add(paid.amount));
    let whole = |held: U256| amount <= held && held - amount <= held / U256::from(PART);
    // All of what arrived, or one payment of it.
    let customers: Vec<u32> = match whole(sum) {
        true => {
            waiting.iter().filter(|p| p.amount > sum / U256::from(PART)).map(|p| p.from).collect()
        }
        false => waiting.iter().filter(|p| whole(p.amount)).take(1).map(|p| p.from).collect(),
    };
    if customers.is_empty() {
        return Vec::new();
    }
    let mut merges = Vec::new();
    for customer in customers {
        match holder.customer {
            None => holder.customer = Some(customer),
            Some(a) if a != customer => {
                merges.push(Merge { a, b: customer, rule: Rule::DepositReuse })
            }
            Some(_) => {}
        }
    }
    holder.waiting = [None; 2];
    holders.set(from, Some(holder));
    merges
}
