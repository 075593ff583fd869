//! What every purse of a chain holds, in arrays that can be asked for ahead.
//!
//! A purse is all it holds and how much of that is tainted, in numbers of 128 bits: two
//! to a cache line. Assets that move much have a purse for each account by its number;
//! the others share a table. What outgrows 128 bits moves to a map of large numbers, so
//! that every sum is exact.

use hashbrown::HashMap;
use model::{ColumnBatch, TransferKind, U256};
use prefetch_index::prefetch_index;

use crate::Policy;
use crate::split::share;

pub struct Cells {
    policy: Policy,
    accounts: usize,
    /// [`NOWHERE`], [`SINK`], then those of each asset that has its own.
    cells: Vec<Cell>,
    /// By asset: where its cells begin; [`ELSEWHERE`]: they are among the others.
    starts: Vec<usize>,
    /// By asset: how many transfers were seen of it.
    seen: Vec<u64>,
    seen_all: u64,
    others: Table,
    wide: HashMap<u64, (U256, U256)>,
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

/// Who sends new money: a purse that is always empty.
const NOWHERE: usize = 0;
/// Who receives a fee, or what is destroyed.
pub const SINK: usize = 1;
/// Not in an array.
pub const ELSEWHERE: usize = usize::MAX;

/// So many assets have arrays of their own, which cost memory for every account there is.
const OWN_MAX: usize = 4;
/// They move at least this part of what was seen, after so many transfers.
const OWN_SHARE: u64 = 16;
const OWN_AFTER: u64 = 1 << 14;

impl Cells {
    pub fn new(policy: Policy, accounts: usize, assets: usize) -> Cells {
        Cells {
            policy,
            accounts,
            cells: vec![Cell::default(); 2],
            starts: vec![ELSEWHERE; assets],
            seen: vec![0; assets],
            seen_all: 0,
            others: Table::new(),
            wide: HashMap::new(),
        }
    }

    /// Gives assets an array of their own when they have moved much. What purses hold stays the same.
    pub fn choose(&mut self, batch: &ColumnBatch) {
        batch.assets.iter().for_each(|asset| self.seen[*asset as usize] += 1);
        let is_first = self.seen_all == 0;
        self.seen_all += batch.len() as u64;
        let most = self.seen.iter().copied().max().unwrap_or(0);
        for asset in 0..self.starts.len() {
            let (start, seen) = (self.starts[asset], self.seen[asset]);
            let is_much = self.seen_all >= OWN_AFTER && seen >= self.seen_all / OWN_SHARE;
            let is_chosen = start == ELSEWHERE && (is_much || is_first && seen == most);
            if is_chosen && self.cells.len() < 2 + OWN_MAX * self.accounts {
                self.give_array(asset);
            }
        }
    }

    fn give_array(&mut self, asset: usize) {
        let start = self.cells.len();
        self.starts[asset] = start;
        self.cells.resize(start + self.accounts, Cell::default());
        if self.others.used == 0 {
            return;
        }
        let others = std::mem::replace(&mut self.others, Table::new());
        for slot in others.slots.into_iter().filter(|slot| slot.key != EMPTY) {
            let (account, of) = unkey(slot.key);
            match of as usize == asset {
                true => self.cells[start + account as usize] = slot.cell,
                false => *self.others.cell(slot.key) = slot.cell,
            }
        }
    }

    /// Where each transfer takes from and puts to, for as long as no asset is given an array:
    /// a place in the arrays, or [`ELSEWHERE`]. Nobody's purse is a place too.
    pub fn locate(&self, batch: &ColumnBatch, from: &mut Vec<usize>, to: &mut Vec<usize>) {
        let place = |start: usize, account: u32, nobody: usize| match start {
            _ if account == ColumnBatch::NOBODY => nobody,
            ELSEWHERE => ELSEWHERE,
            start => start + account as usize,
        };
        from.clear();
        to.clear();
        for n in 0..batch.len() {
            let start = self.starts[batch.assets[n] as usize];
            from.push(place(start, batch.from[n], NOWHERE));
            let is_fee = batch.kinds[n] == TransferKind::Fee;
            to.push(if is_fee { SINK } else { place(start, batch.to[n], SINK) });
        }
    }

    #[inline]
    pub fn prefetch(&self, at: usize, account: u32, asset: u32) {
        match at {
            ELSEWHERE => self.others.prefetch(key(account, asset)),
            at => prefetch_index(&self.cells, at),
        }
    }

    /// As [`Cells::take`] from a place in the arrays. None, and nothing is taken, where the numbers are
    /// too large for that.
    #[inline]
    pub fn take_at(&mut self, at: usize, base: u128) -> Option<u128> {
        let cell = &mut self.cells[at];
        (cell.held != WIDE).then(|| cell.take(base, self.policy))
    }

    /// As [`Cells::put`]. False, and nothing is put, where the numbers are too large for that.
    #[inline]
    pub fn put_at(&mut self, at: usize, base: u128, taint: u128) -> bool {
        self.cells[at].put(base, taint, self.policy)
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
        let policy = self.policy;
        if let (Some(base), Some(taint)) = (narrow(base), narrow(taint))
            && self.cell(account, asset).put(base, taint, policy)
        {
            return;
        }
        let is_poison = policy == Policy::Poison;
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
        match self.starts[asset as usize] {
            ELSEWHERE => self.others.cell(key(account, asset)),
            start => &mut self.cells[start + account as usize],
        }
    }

    /// Every purse with taint in it: account, asset, base.
    pub fn tainted(&self) -> Vec<(u32, u32, U256)> {
        let mut rows = Vec::new();
        for (asset, start) in (0u32..).zip(&self.starts) {
            let own = match *start {
                ELSEWHERE => &[],
                start => &self.cells[start..start + self.accounts],
            };
            for (account, cell) in (0u32..).zip(own).filter(|(_, cell)| cell.may_be_tainted()) {
                rows.extend(self.row(account, asset, cell));
            }
        }
        for slot in self.others.slots.iter().filter(|slot| slot.key != EMPTY) {
            let (account, asset) = unkey(slot.key);
            rows.extend(self.row(account, asset, &slot.cell));
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
        if self.tainted == 0 || policy == Policy::Poison {
            self.held = self.held.saturating_sub(base);
            return if self.tainted == 0 { 0 } else { base };
        }
        let taken = if base >= self.held {
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

    /// False, and nothing is put, where the sum is too large.
    #[inline]
    fn put(&mut self, base: u128, taint: u128, policy: Policy) -> bool {
        let Some(held) = self.held.checked_add(base).filter(|held| *held != WIDE) else {
            return false;
        };
        self.held = held;
        self.tainted = match policy {
            Policy::Poison => self.tainted | u128::from(taint != 0),
            _ => self.tainted + taint,
        };
        true
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
pub fn narrow(base: U256) -> Option<u128> {
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
        /// Whether numbers are short or long, in an array, the table, or moved from this to that.
        #[test]
        fn a_cell_is_a_purse(
            steps in prop::collection::vec((0u32..3, 0u32..3, amount(), any::<bool>(), any::<bool>()), 1..80),
            policy in prop::sample::select(vec![Policy::Haircut, Policy::Tiho, Policy::Poison]),
            moved in 0usize..80,
        ) {
            let mut cells = Cells::new(policy, 3, 3);
            cells.choose(&batch(1, 1));
            let mut purses = vec![Purse::new(policy); 9];
            for (n, (account, asset, base, is_in, is_tainted)) in steps.into_iter().enumerate() {
                if n == moved {
                    cells.choose(&batch(2, usize::try_from(OWN_AFTER).expect("small")));
                }
                let purse = &mut purses[(account * 3 + asset) as usize];
                let start = cells.starts[asset as usize];
                let place = (start != ELSEWHERE).then(|| start + account as usize);
                let small = narrow(base).zip(place);
                if is_in {
                    let taint = if is_tainted { base } else { base / U256::from(3) };
                    let at = small.zip(narrow(taint));
                    if !at.is_some_and(|((base, at), taint)| cells.put_at(at, base, taint)) {
                        cells.put(account, asset, base, taint);
                    }
                    purse.put(Flow::of(taint, base - taint));
                } else {
                    let taken = small.and_then(|(base, at)| cells.take_at(at, base));
                    let taken = taken.map_or_else(|| cells.take(account, asset, base), U256::from);
                    prop_assert_eq!(taken, purse.take(base).taint());
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

    fn batch(asset: u32, count: usize) -> ColumnBatch {
        let mut batch = ColumnBatch::default();
        batch.assets.resize(count, asset);
        batch.ordinals.resize(count, 0);
        batch
    }
}
