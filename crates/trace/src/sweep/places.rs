//! Where everybody's purse lies: one for each account and asset that ever received something.
//!
//! Purses lie in the order in which something first came to them, so that what moves now lies near to
//! what moved a moment ago, and accounts that never held an asset cost nothing. They are found by
//! account: in an array of its own for assets that move much, in a table for the others. Nothing here
//! knows of taint, so one finding serves every theft.

use model::{ColumnBatch, TransferKind};
use prefetch_index::prefetch_index;

pub struct Places {
    accounts: usize,
    /// By place, whose it is: account and asset.
    owners: Vec<(u32, u32)>,
    /// By asset, by account: where the purse lies, or [`NOWHERE`]. Empty for assets in the table.
    own: Vec<Vec<u32>>,
    /// By asset: how many transfers were seen of it.
    seen: Vec<u64>,
    seen_all: u64,
    others: Table,
}

/// Of one batch.
#[derive(Default)]
pub struct Located {
    pub from: Vec<u32>,
    pub to: Vec<u32>,
    /// How many purses there are by now.
    pub purses: usize,
}

/// The purse of whoever never received anything, or sends new money: always empty.
pub const NOWHERE: u32 = 0;
/// Who receives a fee, or what is destroyed.
pub const SINK: u32 = 1;

/// How far ahead of its use a place is asked for: little is done with each.
const AHEAD: usize = 48;

/// So many assets have arrays of their own, which cost memory for every account there is.
const OWN_MAX: usize = 8;
/// They move at least this part of what was seen, after so many transfers.
const OWN_SHARE: u64 = 32;
const OWN_AFTER: u64 = 1 << 14;

impl Places {
    pub fn new(accounts: usize, assets: usize) -> Places {
        Places {
            accounts,
            owners: vec![(ColumnBatch::NOBODY, 0); SINK as usize + 1],
            own: vec![Vec::new(); assets],
            seen: vec![0; assets],
            seen_all: 0,
            others: Table::new(),
        }
    }

    /// By place, whose it is: account and asset.
    pub fn into_owners(self) -> Vec<(u32, u32)> {
        self.owners
    }

    /// Where each transfer takes from and puts to: [`NOWHERE`] for senders who hold nothing, [`SINK`]
    /// where nobody receives. To be asked for one batch after the other, each once.
    pub fn locate(&mut self, batch: &ColumnBatch, located: &mut Located) {
        self.choose(batch);
        let Located { from, to, purses } = located;
        from.clear();
        to.clear();
        for (n, asset) in batch.assets.iter().enumerate() {
            if let Some(asset) = batch.assets.get(n + AHEAD) {
                self.prefetch_place(batch.from[n + AHEAD], *asset);
                self.prefetch_place(batch.to[n + AHEAD], *asset);
            }
            from.push(self.find(batch.from[n], *asset));
            let is_sunk = batch.kinds[n] == TransferKind::Fee || batch.to[n] == ColumnBatch::NOBODY;
            to.push(if is_sunk { SINK } else { self.find_or_make(batch.to[n], *asset) });
        }
        *purses = self.owners.len();
    }

    /// Gives assets an array of their own when they have moved much. Purses stay where they are.
    fn choose(&mut self, batch: &ColumnBatch) {
        batch.assets.iter().for_each(|asset| self.seen[*asset as usize] += 1);
        let is_first = self.seen_all == 0;
        self.seen_all += batch.len() as u64;
        let most = self.seen.iter().copied().max().unwrap_or(0);
        let mut room = OWN_MAX - self.own.iter().filter(|own| !own.is_empty()).count();
        for asset in 0..self.own.len() {
            let seen = self.seen[asset];
            let is_much = self.seen_all >= OWN_AFTER && seen >= self.seen_all / OWN_SHARE;
            if self.own[asset].is_empty() && room > 0 && (is_much || is_first && seen == most) {
                self.give_array(asset);
                room -= 1;
            }
        }
    }

    fn give_array(&mut self, asset: usize) {
        let mut own = vec![NOWHERE; self.accounts];
        for (place, (account, of)) in (0u32..).zip(&self.owners).skip(SINK as usize + 1) {
            if *of as usize == asset {
                own[*account as usize] = place;
            }
        }
        self.own[asset] = own;
    }

    #[inline]
    fn prefetch_place(&self, account: u32, asset: u32) {
        match &*self.own[asset as usize] {
            [] => self.others.prefetch(key(account, asset)),
            own => prefetch_index(own, account as usize),
        }
    }

    /// [`NOWHERE`] where it never held anything, or nobody is asked for.
    #[inline]
    fn find(&self, account: u32, asset: u32) -> u32 {
        match &*self.own[asset as usize] {
            [] => self.others.place(key(account, asset)),
            own => own.get(account as usize).copied().unwrap_or(NOWHERE),
        }
    }

    #[inline]
    fn find_or_make(&mut self, account: u32, asset: u32) -> u32 {
        let next = u32::try_from(self.owners.len()).expect("fewer purses than four billion");
        let place = match &mut *self.own[asset as usize] {
            [] => self.others.place_or(key(account, asset), next),
            own => {
                let place = &mut own[account as usize];
                *place = if *place == NOWHERE { next } else { *place };
                *place
            }
        };
        if place == next {
            self.owners.push((account, asset));
        }
        place
    }
}

#[inline]
fn key(account: u32, asset: u32) -> u64 {
    u64::from(asset) << 32 | u64::from(account)
}

/// A hash table that can be asked for ahead: open addressing, four slots a cache line.
struct Table {
    slots: Vec<Slot>,
    used: usize,
    shift: u32,
}

#[derive(Clone, Copy)]
struct Slot {
    key: u64,
    place: u32,
}

const EMPTY: u64 = u64::MAX;
const NOTHING: Slot = Slot { key: EMPTY, place: NOWHERE };

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
        usize::try_from(mixed >> self.shift).expect("the shift leaves the bits of a slot")
    }

    #[inline]
    fn prefetch(&self, key: u64) {
        prefetch_index(&self.slots, self.home(key));
    }

    /// [`NOWHERE`] for a key it has not.
    #[inline]
    fn place(&self, key: u64) -> u32 {
        self.slots[self.find(key)].place
    }

    /// This place for a key it has not had.
    #[inline]
    fn place_or(&mut self, key: u64, place: u32) -> u32 {
        let mut at = self.find(key);
        if self.slots[at].key == EMPTY {
            if (self.used + 1) * 8 > self.slots.len() * 5 {
                self.grow();
                at = self.find(key);
            }
            self.used += 1;
            self.slots[at] = Slot { key, place };
        }
        self.slots[at].place
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
        let old = std::mem::take(&mut self.slots);
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
    use proptest::prelude::*;

    proptest! {
        /// Everyone has one purse of each asset, wherever it is looked for, before and after the asset
        /// is given an array; and nobody has one who never received.
        #[test]
        fn everyone_has_one_purse(
            steps in prop::collection::vec((0u32..40, 0u32..40, 0u32..4), 1..200),
            chosen in 0usize..200,
        ) {
            let mut places = Places::new(40, 4);
            let mut known = std::collections::BTreeMap::new();
            for (n, (from, to, asset)) in steps.into_iter().enumerate() {
                if n == chosen {
                    places.choose(&batch(2, usize::try_from(OWN_AFTER).expect("small")));
                }
                let expected = known.get(&(from, asset)).copied().unwrap_or(NOWHERE);
                prop_assert_eq!(places.find(from, asset), expected);
                let place = places.find_or_make(to, asset);
                prop_assert_eq!(*known.entry((to, asset)).or_insert(place), place);
                prop_assert_eq!(places.owners[place as usize], (to, asset));
            }
            prop_assert_eq!(places.owners.len(), known.len() + 2);
        }

        /// A table that grows finds every key, and none it was not given.
        #[test]
        fn a_table_is_a_map(keys in prop::collection::vec(0u64..5_000, 1..3_000)) {
            let mut table = Table::new();
            let mut map = std::collections::BTreeMap::new();
            for (place, key) in (2u32..).zip(keys) {
                let known = *map.entry(key).or_insert(place);
                prop_assert_eq!(table.place_or(key, place), known);
            }
            for key in 0..5_000 {
                prop_assert_eq!(table.place(key), map.get(&key).copied().unwrap_or(NOWHERE));
            }
        }
    }

    fn batch(asset: u32, count: usize) -> ColumnBatch {
        let mut batch = ColumnBatch::default();
        batch.assets.resize(count, asset);
        batch.ordinals.resize(count, 0);
        batch
    }
}
