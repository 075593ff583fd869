//! Shared funding: addresses that one address first funded, and that all pay into one that nobody else pays.
//!
//! An address's *funder* is who first paid it, being no service. A *collector* is an address that only addresses
//! of one funder ever paid. The second of them to pay it joins the first. A collector somebody else paid before
//! is none, and services are neither. Off unless asked for: a payer of many who all pay one unlabelled shop looks the
//! same until a stranger pays it.
//!
//! Source: the common funder of Sybil studies; Victor, FC 2020, names it beside deposit reuse.

use super::{Merge, Rule};
use crate::cluster::logged::Logged;

/// An address many funders' addresses paid.
const MIXED: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collector {
    pub funder: u32,
    pub first: u32,
}

pub type Funders = Logged<u32, u32>;
pub type Collectors = Logged<u32, Collector>;

/// A fresh address is paid for the first time.
pub fn funded(funders: &mut Funders, from: u32, fresh: u32) {
    if from != fresh {
        funders.set(fresh, Some(from));
    }
}

/// One address that is no service pays another.
pub fn paid(funders: &Funders, collectors: &mut Collectors, from: u32, to: u32) -> Option<Merge> {
    let funder = funders.get(&from).copied().unwrap_or(MIXED);
    if funder == to || from == to {
        return None;
    }
    match collectors.get(&to).copied() {
        None => collectors.set(to, Some(Collector { funder, first: from })),
        Some(known) if known.funder == MIXED => {}
        Some(known) if known.funder != funder => {
            collectors.set(to, Some(Collector { funder: MIXED, first: known.first }));
        }
        Some(known) if known.first != from => {
            return Some(Merge { a: known.first, b: from, rule: Rule::SharedFunding });
        }
        Some(_) => {}
    }
    None
}
