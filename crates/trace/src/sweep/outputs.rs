//! Taint on Bitcoin's outputs while a chain goes by, one transaction at a time.

use hashbrown::HashMap;
use model::{ColumnBatch, U256};

use crate::Policy;
use crate::purse::Flow;
use crate::split::distribute;

#[derive(Default)]
pub struct Outputs {
    /// Tainted and not yet spent, by the ordinal of the output.
    tainted: HashMap<u64, Held>,
    open: Option<Open>,
}

#[derive(Clone, Debug)]
struct Held {
    to: u32,
    asset: u32,
    taint: U256,
}

/// The transaction whose legs are going by.
#[derive(Default)]
struct Open {
    number: u64,
    asset: u32,
    known_in: U256,
    taint: U256,
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

/// A tainted transaction, shared out.
pub struct Done {
    pub asset: u32,
    pub fee: U256,
    /// Those that got any taint.
    pub outputs: Vec<Made>,
}

impl Outputs {
    /// Is the open transaction another than this?
    pub fn ends_before(&self, transaction: u64) -> bool {
        self.open.as_ref().is_some_and(|open| open.number != transaction)
    }

    /// An input goes by; what of it was tainted before, should it be a theft's.
    pub fn spend(&mut self, batch: &ColumnBatch, n: usize, is_theft: bool) -> U256 {
        let held = self.tainted.remove(&batch.spends[n]);
        let taint = held.map_or(U256::ZERO, |held| held.taint);
        let amount = batch.amounts[n];
        let open = self.open(batch, n);
        open.known_in += amount;
        open.taint += if is_theft { amount } else { taint };
        taint
    }

    pub fn make(&mut self, batch: &ColumnBatch, n: usize) {
        let made = Made {
            ordinal: batch.ordinals[n],
            to: batch.to[n],
            base: batch.amounts[n],
            taint: U256::ZERO,
        };
        self.open(batch, n).outputs.push(made);
    }

    fn open(&mut self, batch: &ColumnBatch, n: usize) -> &mut Open {
        self.open.get_or_insert_with(|| Open {
            number: batch.transactions[n],
            asset: batch.assets[n],
            ..Open::default()
        })
    }

    /// Ends the open transaction; none where it is clean.
    pub fn distribute(&mut self, policy: Policy) -> Option<Done> {
        let mut open = self.open.take()?;
        if open.taint.is_zero() {
            return None;
        }
        let into: Vec<U256> = open.outputs.iter().map(|made| made.base).collect();
        let value_out = into.iter().fold(U256::ZERO, |sum, base| sum + *base);
        let unseen = value_out.saturating_sub(open.known_in);
        let from = vec![Flow::of(open.taint, open.known_in - open.taint), Flow::clean(unseen)];
        let fee = open.known_in.saturating_sub(value_out);
        let (flows, fee) = distribute(policy, from, &into, fee);
        for (made, flow) in open.outputs.iter_mut().zip(flows) {
            made.taint = flow.taint();
        }
        open.outputs.retain(|made| !made.taint.is_zero());
        Some(Done { asset: open.asset, fee: fee.taint(), outputs: open.outputs })
    }

    pub fn hold(&mut self, made: &Made, asset: u32) {
        self.tainted.insert(made.ordinal, Held { to: made.to, asset, taint: made.taint });
    }

    /// Account, asset, base of each that is unspent.
    pub fn tainted(&self) -> Vec<(u32, u32, U256)> {
        self.tainted.values().map(|held| (held.to, held.asset, held.taint)).collect()
    }
}
