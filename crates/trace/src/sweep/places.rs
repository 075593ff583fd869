//! Where everybody's purse lies: one for each account and asset that ever received something.
//!
//! Of the few assets that move most (on most chains what fees are paid in, and one token) every account
//! has a purse by its number: nothing has to be looked up. Behind those lie the purses of the other
//! assets, in the order in which something first came to them, so that accounts that never held one cost
//! nothing. These are found by account: in an array of its own for assets that move much, in a table for
//! the others. An asset that turns out to move most has its purses moved. Nothing here knows of taint,
//! so one finding serves every theft.

use model::{ColumnBatch, TransferKind};
use prefetch_index::prefetch_index;

pub struct Places {
    owners: Owners,
    /// By asset, by account: where the purse lies, or [`NOWHERE`]. Empty for assets in the table.
    own: Vec<Vec<u32>>,
    /// By asset: how many transfers were seen of it.
    seen: Vec<u64>,
    seen_all: u64,
    others: Table,
}

/// By place, whose it is.
pub struct Owners {
    accounts: u32,
    /// Assets of which every account has a purse: the first purses are those of the first.
    main: [u32; MAIN_MAX as usize],
    /// Account and asset of each place behind those.
    others: Vec<(u32, u32)>,
}

/// Of one batch.
#[derive(Default)]
pub struct Located {
    pub from: Vec<u32>,
    pub to: Vec<u32>,
    /// Purses that lie elsewhere from this batch on: from where, to where.
    pub moved: Vec<(u32, u32)>,
    /// How many purses there are by now.
    pub purses: usize,
}

/// The purse of whoever never received anything, or sends new money: always empty.
pub const NOWHERE: u32 = 0;
/// Who receives a fee, or what is destroyed.
pub const SINK: u32 = 1;
/// The purse of account 0 in the first asset of which everybody has one.
const FIRST: u32 = SINK + 1;
/// None of those yet.
const UNCHOSEN: u32 = u32::MAX;

/// How far ahead of its use a place is asked for: little is done with each.
const AHEAD: usize = 48;

/// Of so many assets every account has a purse. Room for them is taken, and memory only where one is used.
const MAIN_MAX: u32 = 2;
/// They move at least this part of what was seen.
const MAIN_SHARE: u64 = 8;

/// So many assets have arrays of their own, which cost memory for every account there is.
const OWN_MAX: usize = 8;
/// They move at least this part of what was seen, after so many transfers.
const OWN_SHARE: u64 = 32;
const OWN_AFTER: u64 = 1 << 14;

impl Owners {
    fn new(accounts: u32) -> Owners {
        Owners { accounts, main: [UNCHOSEN; MAIN_MAX as usize], others: Vec::new() }
    }

    #[cfg(test)]
    pub fn of_one_asset(accounts: u32) -> Owners {
        Owners { main: [0, UNCHOSEN], ..Owners::new(accounts) }
    }

    /// Account and asset of a place that has a purse.
    pub fn of(&self, place: u32) -> (u32, u32) {
        let number = place - FIRST;
        match number.checked_sub(self.others_start() - FIRST) {
            Some(other) => self.others[other as usize],
            None => (number % self.accounts, self.main[(number / self.accounts) as usize]),
        }
    }

    /// The purse of account 0 where everybody has one of this asset.
    #[inline]
    fn main(&self, asset: u32) -> Option<u32> {
        let [first, second] = self.main;
        if asset == first {
            Some(FIRST)
        } else {
            (asset == second).then_some(FIRST + self.accounts)
        }
    }

    fn others_start(&self) -> u32 {
        FIRST + self.accounts * MAIN_MAX
    }

    /// One more than the last place.
    fn end(&self) -> u32 {
        let others = u32::try_from(self.others.len()).ok();
        let end = others.and_then(|others| self.others_start().checked_add(others));
        end.expect("fewer purses than four billion")
    }
}

impl Places {
    pub fn new(accounts: usize, assets: usize) -> Places {
        let most = (u32::MAX - FIRST) / MAIN_MAX;
        let accounts = u32::try_from(accounts).ok().filter(|accounts| *accounts < most);
        Places {
            owners: Owners::new(accounts.expect("fewer purses than four billion")),
            own: vec![Vec::new(); assets],
            seen: vec![0; assets],
            seen_all: 0,
            others: Table::new(),
        }
    }

    pub fn into_owners(self) -> Owners {
        self.owners
    }

    /// Where each transfer takes from and puts to: [`NOWHERE`] for senders who hold nothing, [`SINK`]
    /// where nobody receives. To be asked for one batch after the other, each once.
    pub fn locate(&mut self, batch: &ColumnBatch, located: &mut Located) {
        let Located { from, to, moved, purses } = located;
        moved.clear();
        self.choose(batch, moved);
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
        *purses = self.owners.end() as usize;
    }

    /// Chooses what moves most, and what moves much.
    fn choose(&mut self, batch: &ColumnBatch, moved: &mut Vec<(u32, u32)>) {
        batch.assets.iter().for_each(|asset| self.seen[*asset as usize] += 1);
        self.seen_all += batch.len() as u64;
        let is_early = self.seen_all < OWN_AFTER;
        for slot in 0..self.owners.main.len() {
            let is_free = self.owners.main[slot] == UNCHOSEN;
            // The first at once, or its purses would lie behind everybody's.
            if is_free
                && (slot == 0 || !is_early)
                && let Some(asset) = self.most()
            {
                self.give_all(slot, asset, moved);
            }
        }
        if is_early {
            return;
        }
        let mut room = OWN_MAX - self.own.iter().filter(|own| !own.is_empty()).count();
        for (asset, at) in (0u32..).zip(0..self.own.len()) {
            let is_much = self.seen[at] >= self.seen_all / OWN_SHARE;
            if is_much && room > 0 && self.own[at].is_empty() && self.owners.main(asset).is_none() {
                self.give_array(at);
                room -= 1;
            }
        }
    }

    /// The asset that moves most of those of which not everybody has a purse, where it is enough.
    fn most(&self) -> Option<u32> {
        let others = (0u32..).zip(&self.seen).filter(|(n, _)| self.owners.main(*n).is_none());
        let (asset, seen) = others.max_by_key(|(_, seen)| **seen)?;
        (*seen > 0 && *seen >= self.seen_all / MAIN_SHARE).then_some(asset)
    }

    /// From now on everybody has a purse of it; those there are move.
    fn give_all(&mut self, slot: usize, asset: u32, moved: &mut Vec<(u32, u32)>) {
        self.owners.main[slot] = asset;
        let base = self.owners.main(asset).expect("it was just chosen");
        let first = self.owners.others_start();
        let old = (first..).zip(&self.owners.others).filter(|(_, (_, of))| *of == asset);
        moved.extend(old.map(|(place, (account, _))| (place, base + account)));
        self.own[asset as usize] = Vec::new();
    }

    fn give_array(&mut self, asset: usize) {
        let mut own = vec![NOWHERE; self.owners.accounts as usize];
        let first = self.owners.others_start();
        for (place, (account, of)) in (first..).zip(&self.owners.others) {
            if *of as usize == asset {
                own[*account as usize] = place;
            }
        }
        self.own[asset] = own;
    }

    #[inline]
    fn prefetch_place(&self, account: u32, asset: u32) {
        if self.owners.main(asset).is_some() {
            return;
        }
        match &*self.own[asset as usize] {
            [] => self.others.prefetch(key(account, asset)),
            own => prefetch_index(own, account as usize),
        }
    }

    /// [`NOWHERE`] where nobody is asked for, or somebody who never held anything; of what moves most
    /// that is a purse with nothing in it.
    #[inline]
    fn find(&self, account: u32, asset: u32) -> u32 {
        if let Some(base) = self.owners.main(asset) {
            return if account == ColumnBatch::NOBODY { NOWHERE } else { base + account };
        }
        match &*self.own[asset as usize] {
            [] => self.others.place(key(account, asset)),
            own => own.get(account as usize).copied().unwrap_or(NOWHERE),
        }
    }

    #[inline]
    fn find_or_make(&mut self, account: u32, asset: u32) -> u32 {
        if let Some(base) = self.owners.main(asset) {
            return base + account;
        }
        let next = self.owners.end();
        let place = match &mut *self.own[asset as usize] {
            [] => self.others.place_or(key(account, asset), next),
            own => {
                let place = &mut own[account as usize];
                *place = if *place == NOWHERE { next } else { *place };
                *place
            }
        };
        if place == next {
            self.owners.others.push((account, asset));
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
        /// turns out to move much or most; what it holds moves with it. Nobody has one who never
        /// received, but of what moves most.
        #[test]
        fn everyone_has_one_purse(
            steps in prop::collection::vec((0u32..40, 0u32..40, 0u32..4, 0u32..9), 1..200),
            much in prop::collection::vec((0usize..200, 0u32..4, 1usize..40_000), 0..6),
        ) {
            let mut places = Places::new(40, 4);
            let mut held = std::collections::BTreeMap::new();
            let mut lies = std::collections::BTreeMap::new();
            let mut known = std::collections::BTreeSet::new();
            for (n, (from, to, asset, amount)) in steps.into_iter().enumerate() {
                for (_, asset, count) in much.iter().filter(|(at, ..)| *at == n) {
                    let mut moved = Vec::new();
                    places.choose(&batch(*asset, *count), &mut moved);
                    for (old, new) in moved {
                        let purse = lies.remove(&old).unwrap_or(0u32);
                        prop_assert_eq!(lies.insert(new, purse), None, "two purses at {}", new);
                    }
                }
                let is_nowhere = !known.contains(&(from, asset)) && places.owners.main(asset).is_none();
                let found = places.find(from, asset);
                prop_assert_eq!(found == NOWHERE, is_nowhere);
                let expected = held.get(&(from, asset)).copied().unwrap_or(0);
                prop_assert_eq!(lies.get(&found).copied().unwrap_or(0), expected);
                let place = places.find_or_make(to, asset);
                prop_assert!(place > SINK && place < places.owners.end());
                prop_assert_eq!(places.owners.of(place), (to, asset));
                known.insert((to, asset));
                *held.entry((to, asset)).or_insert(0) += amount;
                *lies.entry(place).or_insert(0) += amount;
            }
            for ((account, asset), amount) in held {
                let place = places.find(account, asset);
                prop_assert_eq!(lies.get(&place).copied(), Some(amount));
            }
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
