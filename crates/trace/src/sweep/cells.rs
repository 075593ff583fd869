//! What every purse of a chain holds, in an array that can be asked for ahead.
//!
//! A purse is all it holds and how much of that is tainted, in numbers of 128 bits: two to a cache
//! line. What outgrows them moves to a map of large numbers, so that every sum is exact. Where whose
//! purse lies [`super::places`] knows.

use hashbrown::HashMap;
use model::U256;
use prefetch_index::prefetch_index;

use super::places::{NOWHERE, Owners, SINK};
use crate::Policy;
use crate::share::{share, share_short};

pub struct Cells {
    policy: Policy,
    /// By place. As plain numbers, so that memory for what nobody holds is never touched.
    cells: Vec<[u128; 2]>,
    wide: HashMap<u32, (U256, U256)>,
}

/// What a purse holds, and how much of that is tainted.
struct Cell<'a> {
    /// [`WIDE`] where the map of large numbers knows.
    held: &'a mut u128,
    /// Poison: 1 where it is tainted at all.
    tainted: &'a mut u128,
}

const WIDE: u128 = u128::MAX;

impl Cells {
    pub fn new(policy: Policy) -> Cells {
        Cells { policy, cells: Vec::new(), wide: HashMap::new() }
    }

    /// Room for so many purses; new ones are empty.
    pub fn grow(&mut self, purses: usize) {
        if self.cells.is_empty() {
            // The system's zeros: most of it is never touched.
            self.cells = vec![[0; 2]; purses];
        }
        self.cells.resize(purses, [0; 2]);
    }

    /// Purses that lie elsewhere from now on: from where, to where nothing was held.
    pub fn relocate(&mut self, moved: &[(u32, u32)]) {
        for (from, to) in moved {
            self.cells[*to as usize] = std::mem::take(&mut self.cells[*from as usize]);
            if let Some(wide) = self.wide.remove(from) {
                self.wide.insert(*to, wide);
            }
        }
    }

    #[inline]
    fn cell(&mut self, place: u32) -> Cell<'_> {
        let [held, tainted] = &mut self.cells[place as usize];
        Cell { held, tainted }
    }

    #[inline]
    pub fn prefetch(&self, place: u32) {
        prefetch_index(&self.cells, place as usize);
    }

    /// As [`Cells::take`]. None, and nothing is taken, where the purse is too large for that.
    #[inline]
    pub fn take_short(&mut self, place: u32, base: u128) -> Option<u128> {
        let policy = self.policy;
        let cell = self.cell(place);
        (*cell.held != WIDE).then(|| cell.take(base, policy))
    }

    /// As [`Cells::put`]. False, and nothing is put, where the numbers are too large for that.
    #[inline]
    pub fn put_short(&mut self, place: u32, base: u128, taint: u128) -> bool {
        let policy = self.policy;
        self.cell(place).put(base, taint, policy)
    }

    /// Takes an amount out; how much of it is tainted.
    pub fn take(&mut self, place: u32, base: U256) -> U256 {
        if place == NOWHERE {
            return U256::ZERO;
        }
        let taken = narrow(base).and_then(|base| self.take_short(place, base));
        taken.map_or_else(|| self.take_wide(place, base), U256::from)
    }

    pub fn put(&mut self, place: u32, base: U256, taint: U256) {
        if let (Some(base), Some(taint)) = (narrow(base), narrow(taint))
            && self.put_short(place, base, taint)
        {
            return;
        }
        let is_poison = self.policy == Policy::Poison;
        let (held, tainted) = self.widen(place);
        *held = held.saturating_add(base);
        *tainted = if is_poison {
            *tainted | U256::from(u8::from(!taint.is_zero()))
        } else {
            tainted.saturating_add(taint)
        };
    }

    #[cold]
    fn take_wide(&mut self, place: u32, base: U256) -> U256 {
        let policy = self.policy;
        let (held, tainted) = self.widen(place);
        let taken = match policy {
            Policy::Poison => {
                let taken = if tainted.is_zero() { U256::ZERO } else { base };
                *held = held.saturating_sub(base);
                return taken;
            }
            _ if base >= *held => *tainted,
            Policy::Tiho => base.min(*tainted),
            _ => share(base, *tainted, *held),
        };
        *tainted -= taken;
        *held = held.saturating_sub(base);
        taken
    }

    #[cold]
    fn widen(&mut self, place: u32) -> (&mut U256, &mut U256) {
        let cell = self.cell(place);
        let was = (U256::from(*cell.held), U256::from(*cell.tainted));
        *cell.held = WIDE;
        let (held, tainted) = self.wide.entry(place).or_insert(was);
        (held, tainted)
    }

    /// Every purse with taint in it: account, asset, base.
    pub fn tainted(&self, owners: &Owners) -> Vec<(u32, u32, U256)> {
        let purses = (0u32..).zip(&self.cells).skip(SINK as usize + 1);
        let tainted = purses.filter(|(_, [held, tainted])| *tainted != 0 || *held == WIDE);
        tainted.filter_map(|(place, cell)| self.row(place, *cell, owners.of(place))).collect()
    }

    fn row(&self, place: u32, cell: [u128; 2], owner: (u32, u32)) -> Option<(u32, u32, U256)> {
        let (held, tainted) = match cell {
            [WIDE, _] => *self.wide.get(&place)?,
            [held, tainted] => (U256::from(held), U256::from(tainted)),
        };
        let base = if self.policy == Policy::Poison && !tainted.is_zero() { held } else { tainted };
        (!base.is_zero()).then_some((owner.0, owner.1, base))
    }
}

impl Cell<'_> {
    /// As [`crate::purse::Purse::take`] does it: the mean share, or taint first. More than
    /// is held empties the purse, and the rest came clean from somewhere unseen.
    #[inline]
    fn take(self, base: u128, policy: Policy) -> u128 {
        let (held, tainted) = (*self.held, *self.tainted);
        *self.held = held.saturating_sub(base);
        if tainted == 0 || policy == Policy::Poison {
            return if tainted == 0 { 0 } else { base };
        }
        let taken = if base >= held {
            tainted
        } else if policy == Policy::Tiho {
            base.min(tainted)
        } else {
            share_short(base, tainted, held)
        };
        *self.tainted = tainted - taken;
        taken
    }

    /// False, and nothing is put, where the sum is too large.
    #[inline]
    fn put(self, base: u128, taint: u128, policy: Policy) -> bool {
        let Some(held) = self.held.checked_add(base).filter(|held| *held != WIDE) else {
            return false;
        };
        *self.held = held;
        *self.tainted = match policy {
            Policy::Poison => *self.tainted | u128::from(taint != 0),
            _ => *self.tainted + taint,
        };
        true
    }
}

#[inline]
pub fn narrow(base: U256) -> Option<u128> {
    let [low, high, 0, 0] = *base.as_limbs() else { return None };
    Some(u128::from(high) << 64 | u128::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purse::{Flow, Purse};
    use proptest::prelude::*;

    fn amount() -> impl Strategy<Value = U256> {
        (any::<[u64; 3]>(), 64usize..192)
            .prop_map(|(limbs, bits)| U256::from_limbs([limbs[0], limbs[1], limbs[2], 0]) >> bits)
    }

    proptest! {
        #[test]
        fn a_cell_is_a_purse(
            steps in prop::collection::vec((0u32..3, amount(), any::<bool>(), any::<bool>()), 1..80),
            policy in prop::sample::select(vec![Policy::Haircut, Policy::Tiho, Policy::Poison]),
            move_at in 0usize..80,
        ) {
            let mut cells = Cells::new(policy);
            let mut first = SINK + 4;
            cells.grow(first as usize + 3);
            let to = SINK + 1;
            let moves = [(first, to), (first + 1, to + 1), (first + 2, to + 2)];
            let mut purses = vec![Purse::new(policy); 3];
            for (step, (n, base, is_in, is_tainted)) in steps.into_iter().enumerate() {
                if step == move_at {
                    cells.relocate(&moves);
                    first = to;
                }
                let purse = &mut purses[n as usize];
                if is_in {
                    let taint = if is_tainted { base } else { base / U256::from(3) };
                    cells.put(first + n, base, taint);
                    purse.put(Flow::of(taint, base - taint));
                } else {
                    prop_assert_eq!(cells.take(first + n, base), purse.take(base).taint());
                }
            }
            if first != to {
                cells.relocate(&moves);
            }
            let owners = Owners::of_one_asset(3);
            let expected: Vec<(u32, u32, U256)> = (0u32..)
                .zip(&purses)
                .map(|(n, purse)| (n, 0, purse.taint()))
                .filter(|(.., base)| !base.is_zero())
                .collect();
            prop_assert_eq!(cells.tainted(&owners), expected);
        }
    }
}
