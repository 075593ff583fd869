//! What every purse of a chain holds, in arrays that can be asked for ahead.
//!
//! A purse is all it holds and how much of that is tainted, in numbers of 128 bits: two
//! to a cache line. The asset that moves most has a purse for each account by its
//! number; the others share a table. What outgrows 128 bits moves to a map of large
//! numbers, so that every sum is exact.

use hashbrown::HashMap;
use model::{ColumnBatch, U256};
use prefetch_index::prefetch_index;

use crate::Policy;
use crate::split::share;

pub struct Cells {
    policy: Policy,
    accounts: usize,
    main: Option<Main>,
    others: Table,
    wide: HashMap<u64, (U256, U256)>,
}

/// The asset that moves most.
struct Main {
    asset: u32,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(align(32))]
struct Cell {
    /// [`WIDE`] where the map of large numbers knows.
    held: u128,
    /// Poison: 1 where it is tainted at all.
    tainted: u128,
}

const WIDE: u128 = u128::MAX;

impl Cells {
    pub fn new(policy: Policy, accounts: usize) -> Cells {
        Cells { policy, accounts, main: None, others: Table::new(), wide: HashMap::new() }
    }

    /// The asset that most transfers of the first batch move gets the array.
    pub fn choose_main(&mut self, batch: &ColumnBatch) {
        if self.main.is_some() {
            return;
        }
        let mut counts: HashMap<u32, usize> = HashMap::new();
        batch.assets.iter().for_each(|asset| *counts.entry(*asset).or_default() += 1);
        let most =
            counts.into_iter().max_by_key(|(asset, count)| (*count, std::cmp::Reverse(*asset)));
        if let Some((asset, _)) = most {
            self.main = Some(Main { asset, cells: vec![Cell::default(); self.accounts] });
        }
    }

    #[inline]
    pub fn prefetch(&self, account: u32, asset: u32) {
        match &self.main {
            Some(main) if main.asset == asset => prefetch_index(&main.cells, account as usize),
            _ => self.others.prefetch(key(account, asset)),
        }
    }

    /// Takes an amount out; how much of it is tainted.
    #[inline]
    pub fn take(&mut self, account: u32, asset: u32, base: U256) -> U256 {
        let policy = self.policy;
        if let Some(base) = narrow(base) {
            let cell = self.cell(account, asset);
            if cell.held != WIDE {
                return U256::from(cell.take(base, policy));
            }
        }
        self.take_wide(account, asset, base)
    }

    #[inline]
    pub fn put(&mut self, account: u32, asset: u32, base: U256, taint: U256) {
        let is_poison = self.policy == Policy::Poison;
        if let (Some(base), Some(taint)) = (narrow(base), narrow(taint)) {
            let cell = self.cell(account, asset);
            if let Some(held) = cell.held.checked_add(base).filter(|held| *held != WIDE) {
                cell.held = held;
                cell.tainted = if is_poison {
                    cell.tainted | u128::from(taint != 0)
                } else {
                    cell.tainted + taint
                };
                return;
            }
        }
        let (held, tainted) = self.widen(account, asset);
        *held = held.saturating_add(base);
        *tainted = if is_poison {
            *tainted | U256::from(u8::from(!taint.is_zero()))
        } else {
            tainted.saturating_add(taint)
        };
    }

    #[cold]
    fn take_wide(&mut self, account: u32, asset: u32, base: U256) -> U256 {
        let policy = self.policy;
        let (held, tainted) = self.widen(account, asset);
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
    fn widen(&mut self, account: u32, asset: u32) -> (&mut U256, &mut U256) {
        let cell = self.cell(account, asset);
        let was = (U256::from(cell.held), U256::from(cell.tainted));
        cell.held = WIDE;
        let (held, tainted) = self.wide.entry(key(account, asset)).or_insert(was);
        (held, tainted)
    }

    #[inline]
    fn cell(&mut self, account: u32, asset: u32) -> &mut Cell {
        match &mut self.main {
            Some(main) if main.asset == asset => &mut main.cells[account as usize],
            _ => self.others.cell(key(account, asset)),
        }
    }

    /// Every purse with taint in it: account, asset, base.
    pub fn tainted(&self) -> Vec<(u32, u32, U256)> {
        let main = self.main.iter().flat_map(|main| &main.cells);
        let others = self.others.slots.iter().map(|slot| &slot.cell);
        let mut rows =
            Vec::with_capacity(main.chain(others).filter(|cell| cell.may_be_tainted()).count());
        if let Some(main) = &self.main {
            for (account, cell) in (0u32..).zip(&main.cells) {
                if cell.may_be_tainted() {
                    rows.extend(self.row(account, main.asset, cell));
                }
            }
        }
        for (key, cell) in
            self.others.slots.iter().filter(|slot| slot.key != EMPTY).map(|s| (s.key, &s.cell))
        {
            let (account, asset) = unkey(key);
            rows.extend(self.row(account, asset, cell));
        }
        rows
    }

    fn row(&self, account: u32, asset: u32, cell: &Cell) -> Option<(u32, u32, U256)> {
        let (held, tainted) = match cell.held {
            WIDE => *self.wide.get(&key(account, asset))?,
            held => (U256::from(held), U256::from(cell.tainted)),
        };
        let base = if self.policy == Policy::Poison && !tainted.is_zero() { held } else { tainted };
        (!base.is_zero()).then_some((account, asset, base))
    }
}

impl Cell {
    fn may_be_tainted(&self) -> bool {
        self.tainted != 0 || self.held == WIDE
    }

    /// As [`crate::purse::Purse::take`] does it: the mean share, or taint first. More than
    /// is held empties the purse, and the rest came clean from somewhere unseen.
    #[inline]
    fn take(&mut self, base: u128, policy: Policy) -> u128 {
        if policy == Policy::Poison {
            self.held = self.held.saturating_sub(base);
            return if self.tainted == 0 { 0 } else { base };
        }
        let taken = if base >= self.held || self.tainted == 0 {
            self.tainted
        } else if policy == Policy::Tiho {
            base.min(self.tainted)
        } else {
            mean(base, self.tainted, self.held)
        };
        self.tainted -= taken;
        self.held = self.held.saturating_sub(base);
        taken
    }
}

fn mean(base: u128, tainted: u128, held: u128) -> u128 {
    match base.checked_mul(tainted) {
        Some(product) => product / held,
        None => {
            let exact = share(U256::from(base), U256::from(tainted), U256::from(held));
            u128::try_from(exact).expect("a share of what is held is less than what is held")
        }
    }
}

#[inline]
fn narrow(base: U256) -> Option<u128> {
    let [low, high, 0, 0] = *base.as_limbs() else { return None };
    Some(u128::from(high) << 64 | u128::from(low))
}

#[inline]
fn key(account: u32, asset: u32) -> u64 {
    u64::from(asset) << 32 | u64::from(account)
}

fn unkey(key: u64) -> (u32, u32) {
    let part = |part: u64| u32::try_from(part & 0xffff_ffff).expect("half of it");
    (part(key), part(key >> 32))
}

/// A hash table whose slots can be asked for ahead: open addressing, one cache line a slot.
struct Table {
    slots: Vec<Slot>,
    used: usize,
    shift: u32,
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Slot {
    key: u64,
    cell: Cell,
}

const EMPTY: u64 = u64::MAX;
const NOTHING: Slot = Slot { key: EMPTY, cell: Cell { held: 0, tainted: 0 } };

impl Table {
    const BITS_FIRST: u32 = 10;

    fn new() -> Table {
        let slots = vec![NOTHING; 1 << Table::BITS_FIRST];
        Table { slots, used: 0, shift: u64::BITS - Table::BITS_FIRST }
    }

    /// Where the search for a key starts.
    #[inline]
    fn home(&self, key: u64) -> usize {
        let mixed = (key ^ (key >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::try_from(mixed >> self.shift).expect("the shift leaves the bits of a place")
    }

    #[inline]
    fn prefetch(&self, key: u64) {
        prefetch_index(&self.slots, self.home(key));
    }

    #[inline]
    fn cell(&mut self, key: u64) -> &mut Cell {
        let mut at = self.find(key);
        if self.slots[at].key == EMPTY {
            if (self.used + 1) * 8 > self.slots.len() * 5 {
                self.grow();
                at = self.find(key);
            }
            self.used += 1;
            self.slots[at].key = key;
        }
        &mut self.slots[at].cell
    }

    #[inline]
    fn find(&self, key: u64) -> usize {
        let mut at = self.home(key);
        while self.slots[at].key != key && self.slots[at].key != EMPTY {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }

    #[cold]
    fn grow(&mut self) {
        let old = std::mem::replace(&mut self.slots, vec![NOTHING; 0]);
        self.slots = vec![NOTHING; old.len() * 2];
        self.shift -= 1;
        for slot in old.into_iter().filter(|slot| slot.key != EMPTY) {
            let at = self.find(slot.key);
            self.slots[at] = slot;
        }
    }
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
        /// Whether numbers are short or long, in the array or the table.
        #[test]
        fn a_cell_is_a_purse(
            steps in prop::collection::vec((0u32..3, 0u32..3, amount(), any::<bool>(), any::<bool>()), 1..80),
            policy in prop::sample::select(vec![Policy::Haircut, Policy::Tiho, Policy::Poison]),
        ) {
            let mut cells = Cells::new(policy, 3);
            cells.choose_main(&ColumnBatch { assets: vec![1], ..ColumnBatch::default() });
            let mut purses = vec![Purse::new(policy); 9];
            for (account, asset, base, is_in, is_tainted) in steps {
                let purse = &mut purses[(account * 3 + asset) as usize];
                if is_in {
                    let taint = if is_tainted { base } else { base / U256::from(3) };
                    cells.put(account, asset, base, taint);
                    purse.put(Flow::of(taint, base - taint));
                } else {
                    prop_assert_eq!(cells.take(account, asset, base), purse.take(base).taint());
                }
            }
            let mut rest = cells.tainted();
            rest.sort_unstable();
            let expected: Vec<(u32, u32, U256)> = (0u32..9)
                .map(|n| (n / 3, n % 3, purses[n as usize].taint()))
                .filter(|(.., base)| !base.is_zero())
                .collect();
            prop_assert_eq!(rest, expected);
        }
    }
}
