//! The taint sweep over numbered accounts: every transfer once, in order.
//!
//! A peer that keeps tables has no such thing; what its user would do is to read
//! the rows in order and to run this loop. The rules are those of `trace`: see
//! its `purse`.

use anyhow::{Result, bail};
use model::U256;
use model::amount::share;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Haircut,
    Poison,
}

/// One native transfer, by its contender's own numbers.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    pub from: u32,
    /// [`NOBODY`]: a fee.
    pub to: u32,
    pub amount: u128,
}

pub const NOBODY: u32 = u32::MAX;

/// Sums in base units of the native asset, as text: JSON has no such numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    pub tainted_in: String,
    pub resting: String,
    pub at_services: String,
    pub fees: String,
}

#[derive(Clone, Copy, Default)]
struct Purse {
    clean: u128,
    tainted: u128,
}

pub struct Sweep {
    policy: Policy,
    purses: Vec<Purse>,
    is_poisoned: Vec<bool>,
    is_service: Vec<bool>,
    thief: u32,
    tainted_in: u128,
    at_services: u128,
    fees: u128,
}

impl Sweep {
    pub fn new(
        policy: Policy,
        accounts: usize,
        thief: u32,
        services: impl IntoIterator<Item = u32>,
    ) -> Sweep {
        let mut is_service = vec![false; accounts];
        services.into_iter().for_each(|number| is_service[number as usize] = true);
        Sweep {
            policy,
            purses: vec![Purse::default(); accounts],
            is_poisoned: vec![false; accounts],
            is_service,
            thief,
            tainted_in: 0,
            at_services: 0,
            fees: 0,
        }
    }

    /// The next transfer; `is_after` says whether the theft has happened.
    pub fn step(&mut self, next: Move, is_after: bool) {
        let Move { from, to, amount } = next;
        let mut taint = 0;
        if from != NOBODY && !self.is_service[from as usize] {
            taint = self.take(from, amount);
            if from == self.thief && is_after && to != NOBODY && to != from {
                self.tainted_in += amount - taint;
                taint = amount;
            }
        }
        if to == NOBODY {
            self.fees += taint;
        } else if self.is_service[to as usize] {
            self.at_services += taint;
        } else {
            self.put(to, amount, taint);
        }
    }

    fn take(&mut self, from: u32, amount: u128) -> u128 {
        let purse = &mut self.purses[from as usize];
        let held = purse.clean + purse.tainted;
        match self.policy {
            // What a tainted purse sends is tainted whole.
            Policy::Poison => {
                purse.clean = purse.clean.saturating_sub(amount);
                if self.is_poisoned[from as usize] { amount } else { 0 }
            }
            Policy::Haircut => {
                let tainted = if amount >= held {
                    purse.tainted
                } else {
                    mean_share(amount, purse.tainted, held)
                };
                purse.tainted -= tainted;
                purse.clean -= (amount - tainted).min(purse.clean);
                tainted
            }
        }
    }

    fn put(&mut self, to: u32, amount: u128, taint: u128) {
        let purse = &mut self.purses[to as usize];
        match self.policy {
            Policy::Poison => {
                purse.clean += amount;
                self.is_poisoned[to as usize] |= taint > 0;
            }
            Policy::Haircut => {
                purse.tainted += taint;
                purse.clean += amount - taint;
            }
        }
    }

    pub fn finish(&self) -> Result<Swept> {
        let resting: u128 = match self.policy {
            Policy::Haircut => self.purses.iter().map(|purse| purse.tainted).sum(),
            Policy::Poison => {
                let poisoned = self.purses.iter().zip(&self.is_poisoned).filter(|(_, is)| **is);
                poisoned.map(|(purse, _)| purse.clean).sum()
            }
        };
        let out = resting + self.at_services + self.fees;
        if self.policy == Policy::Haircut && out != self.tainted_in {
            bail!("the haircut does not balance: {} in, {out} out", self.tainted_in);
        }
        Ok(Swept {
            tainted_in: self.tainted_in.to_string(),
            resting: resting.to_string(),
            at_services: self.at_services.to_string(),
            fees: self.fees.to_string(),
        })
    }
}

/// `base * tainted / held`, rounded as the product does.
fn mean_share(base: u128, tainted: u128, held: u128) -> u128 {
    if tainted == 0 {
        return 0;
    }
    if let Some(product) = base.checked_mul(tainted) {
        return product / held;
    }
    let wide = share(U256::from(base), U256::from(tainted), U256::from(held));
    u128::try_from(wide).expect("a share of what fits 128 bits fits them")
}
