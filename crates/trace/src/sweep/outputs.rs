//! Taint on Bitcoin's outputs while a chain goes by, one transaction at a time.
//!
//! A transaction is walked through where taint reached one of the outputs it spends and
//! does not stay there. Then all it spends flows together, as in the settling.

use hashbrown::HashMap;
use model::{ColumnBatch, U256};

use crate::Policy;
use crate::purse::Flow;
use crate::split::distribute;

#[derive(Default)]
pub struct Outputs {
    /// Reached and not yet spent, by the ordinal of the output.
    held: HashMap<u64, Held>,
    open: Open,
}

#[derive(Clone, Debug)]
pub struct Held {
    pub to: u32,
    pub asset: u32,
    pub taint: U256,
    pub stays: Stays,
}

/// Does the walk end at an output?
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stays {
    No,
    Service,
    Dust,
}

/// The transaction whose legs are going by.
#[derive(Default)]
struct Open {
    number: Option<u64>,
    asset: u32,
    known_in: U256,
    /// Outputs it spends that taint may be on.
    spent: Vec<u64>,
    /// What thefts spent, and by which outputs.
    thefts: Vec<(u64, U256)>,
    outputs: Vec<Made>,
}

/// An output as it was made, and what of it is tainted.
#[derive(Clone, Debug)]
pub struct Made {
    pub ordinal: u64,
    pub to: u32,
    pub base: U256,
    pub taint: U256,
}

/// A transaction walked through, shared out.
pub struct Done {
    pub asset: u32,
    pub tainted_in: U256,
    pub fee: U256,
    pub outputs: Vec<Made>,
}

impl Outputs {
    /// Is there an open transaction, and is it another than this?
    pub fn ends_before(&self, transaction: u64) -> bool {
        self.open.number.is_some_and(|number| number != transaction)
    }

    pub fn spend(&mut self, batch: &ColumnBatch, n: usize, is_theft: bool) {
        let (spent, amount) = (batch.spends[n], batch.amounts[n]);
        self.open(batch, n);
        self.open.known_in += amount;
        if is_theft {
            self.open.thefts.push((spent, amount));
        } else if spent != ColumnBatch::NONE && self.held.contains_key(&spent) {
            self.open.spent.push(spent);
        }
    }

    pub fn make(&mut self, batch: &ColumnBatch, n: usize) {
        let (ordinal, to, base) = (batch.ordinals[n], batch.to[n], batch.amounts[n]);
        self.open(batch, n);
        self.open.outputs.push(Made { ordinal, to, base, taint: U256::ZERO });
    }

    fn open(&mut self, batch: &ColumnBatch, n: usize) {
        self.open.number = Some(batch.transactions[n]);
        self.open.asset = batch.assets[n];
    }

    /// Ends the open transaction; none where it is not walked through.
    pub fn distribute(&mut self, policy: Policy) -> Option<Done> {
        let mut open = std::mem::take(&mut self.open);
        let goes_on = |spent: &u64| self.held.get(spent).is_some_and(|h| h.stays == Stays::No);
        if open.thefts.is_empty() && !open.spent.iter().any(goes_on) {
            return None;
        }
        let mut taint = U256::ZERO;
        let mut tainted_in = U256::ZERO;
        for spent in &open.spent {
            taint += self.held.remove(spent).map_or(U256::ZERO, |held| held.taint);
        }
        for (spent, amount) in &open.thefts {
            let before = self.held.remove(spent).map_or(U256::ZERO, |held| held.taint);
            taint += *amount;
            tainted_in += *amount - before;
        }
        let into: Vec<U256> = open.outputs.iter().map(|made| made.base).collect();
        let value_out = into.iter().fold(U256::ZERO, |sum, base| sum + *base);
        let unseen = value_out.saturating_sub(open.known_in);
        let from = vec![Flow::of(taint, open.known_in - taint), Flow::clean(unseen)];
        let fee = open.known_in.saturating_sub(value_out);
        let (flows, fee) = distribute(policy, from, &into, fee);
        for (made, flow) in open.outputs.iter_mut().zip(flows) {
            made.taint = flow.taint();
        }
        Some(Done { asset: open.asset, tainted_in, fee: fee.taint(), outputs: open.outputs })
    }

    pub fn hold(&mut self, made: &Made, asset: u32, stays: Stays) {
        let held = Held { to: made.to, asset, taint: made.taint, stays };
        self.held.insert(made.ordinal, held);
    }

    /// What is reached and unspent.
    pub fn into_held(self) -> Vec<Held> {
        self.held.into_values().collect()
    }
}
