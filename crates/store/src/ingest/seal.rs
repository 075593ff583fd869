//! From what was told to what is shown: one run of facts, settled over the
//! layers there are.
//!
//! In come a [`Buffer`] and the layers it lies over. Out come a [`Draft`], whose
//! transactions are each settled whole, and the entries of older layers that it
//! replaces. After it, the layers show what [`model::Memory`] would show of all
//! facts so far.
//!
//! Most transactions are told once and plainly: their rows pass as they are.
//! For any other, everything ever told of it is settled again. A fact may also
//! change transactions that nothing new is told of: traces cover their block,
//! their block falls, a block dates them, what they spend is found. Those are
//! looked for in the older layers and settled again too.

mod spent;
mod touched;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use model::{BlockFact, Evidence, Position, TimeSource, Timestamp, TransferKind, TxHash};
use roaring::RoaringBitmap;

use super::buffer::{Buffer, NONE, Place, Slot, number};
use super::older::{Older, find_all};
use super::settle::{self, Settled, SettledRow, Shown, Standing, is_dateless};
use super::state::ChainState;
use super::times::Times;
use crate::StoreError;
use crate::layers::{Layer, Masked};
use crate::segment::told::{Told, told_of};
use crate::segment::{Draft, DraftEntry, DraftRow};

/// What one run of facts comes to.
pub(crate) struct Sealed {
    pub(crate) draft: Draft,
    /// By the layer's place: what of it this run replaces.
    pub(crate) masks: BTreeMap<usize, (RoaringBitmap, Masked)>,
    pub(crate) counts: RunCounts,
    /// Heights that traces cover from now on.
    pub(crate) covered: Vec<u64>,
    /// Blocks of a tree that were not known.
    pub(crate) headers: Vec<BlockFact>,
    /// Blocks that stand elsewhere than before.
    pub(crate) moved: BTreeSet<TxHash>,
}

/// What a run adds to a file's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunCounts {
    /// Less than none when this run takes back what an earlier one of its file added.
    pub(crate) transfers_new: i64,
    pub(crate) transfers_known: u64,
    pub(crate) transactions: u64,
}

/// Settles a run over `layers`. Those from `start.len()` on were sealed from the
/// same file; `start` is what there was before it, for its counts.
pub(crate) fn seal(
    mut buffer: Buffer,
    layers: &[Layer],
    start: &[Layer],
    state: &mut ChainState,
) -> Result<Sealed, StoreError> {
    buffer.number_ends();
    let mut covered = std::mem::take(&mut buffer.covered);
    covered.retain(|height| state.covered.insert(*height));
    covered.sort_unstable();
    let (headers, moved) = state.headers.learn(std::mem::take(&mut buffer.headers));
    let times = Times::new(layers, std::mem::take(&mut buffer.times))?;
    let told: Vec<u32> = (0u32..)
        .zip(&buffer.slots)
        .filter(|(_, slot)| slot.is_told())
        .map(|(hash, _)| hash)
        .collect();

    let mut seal = Seal::new(buffer, layers, state, times);
    seal.find_known(&told)?;
    seal.touch_covered(&covered)?;
    seal.touch_blocks(&moved)?;
    seal.touch_dated()?;
    for hash in &told {
        if !seal.older.contains_key(hash) {
            seal.settle_new(*hash)?;
        }
    }
    seal.settle_dirty()?;
    if seal.buffer.chain.is_utxo() {
        seal.touch_spenders(&told)?;
        seal.settle_dirty()?;
        seal.resolve()?;
    }
    let counts = seal.counts(&told, start)?;
    let masks = seal.masks();
    Ok(Sealed { draft: seal.into_draft(), masks, counts, covered, headers, moved })
}

struct Seal<'a> {
    buffer: Buffer,
    layers: &'a [Layer],
    state: &'a mut ChainState,
    times: Times<'a>,
    /// Transactions that older layers show, by the run's number of their hash.
    older: BTreeMap<u32, Older>,
    /// By number: what was settled here, and where its outputs are.
    settled: Vec<Outcome>,
    entries: Vec<DraftEntry>,
    told: Vec<Vec<u8>>,
}

/// What this run made of a transaction.
#[derive(Clone)]
enum Outcome {
    NotHere,
    /// The rows of its outputs, where it stands as a Bitcoin transaction.
    Settled(Range<u32>),
}

impl<'a> Seal<'a> {
    fn new(
        buffer: Buffer,
        layers: &'a [Layer],
        state: &'a mut ChainState,
        times: Times<'a>,
    ) -> Seal<'a> {
        let entries = Vec::with_capacity(buffer.places.len());
        Seal {
            buffer,
            layers,
            state,
            times,
            older: BTreeMap::new(),
            settled: Vec::new(),
            entries,
            told: Vec::new(),
        }
    }

    /// Which of the told transactions are held already, and of which of those
    /// anything new is told.
    fn find_known(&mut self, told: &[u32]) -> Result<(), StoreError> {
        for (hash, (at, entries)) in find_all(self.layers, &self.buffer.hashes, told)? {
            let bytes = self.buffer.hashes.get(hash).to_vec();
            let mut older = Older::read(self.layers, at, entries, &mut self.buffer)?;
            let mut known = told_of(&self.layers[at].segment, &bytes)?;
            settle::add(&mut known, Told::default());
            older.is_dirty = settle::add(&mut known, self.buffer.told(hash));
            self.older.insert(hash, older);
        }
        Ok(())
    }

    /// A transaction that nobody told of before.
    fn settle_new(&mut self, hash: u32) -> Result<(), StoreError> {
        if self.pass_plain(hash)? {
            return Ok(());
        }
        let mut told = Told::default();
        settle::add(&mut told, self.buffer.told(hash));
        self.settle(hash, &told)
    }

    /// Settles again what is to be and was not yet.
    fn settle_dirty(&mut self) -> Result<(), StoreError> {
        let dirty: Vec<(u32, usize)> = self
            .older
            .iter()
            .filter(|(hash, older)| older.is_dirty && !self.is_settled(**hash))
            .map(|(hash, older)| (*hash, older.at))
            .collect();
        for (hash, at) in dirty {
            let mut told = told_of(&self.layers[at].segment, self.buffer.hashes.get(hash))?;
            settle::add(&mut told, self.buffer.told(hash));
            self.settle(hash, &told)?;
        }
        Ok(())
    }

    fn settle(&mut self, hash: u32, told: &Told) -> Result<(), StoreError> {
        let Settled { shown, is_plain } = settle::settle(told, self.state, &mut self.times)?;
        let first = self.entries.len();
        let made = match shown {
            Shown::Rows(rows) => {
                self.add_rows(hash, rows)?;
                0..0
            }
            Shown::Utxo(tx) => self.add_utxo(hash, &tx)?,
        };
        if !is_plain {
            self.add_told(hash, first, told);
        }
        self.note(hash, made);
        Ok(())
    }

    fn note(&mut self, hash: u32, made: Range<u32>) {
        let at = hash as usize;
        if self.settled.len() <= at {
            self.settled.resize(self.buffer.slots.len().max(at + 1), Outcome::NotHere);
        }
        self.settled[at] = Outcome::Settled(made);
    }

    fn is_settled(&self, hash: u32) -> bool {
        self.made(hash).is_some()
    }

    /// The outputs of a transaction that was settled here; none of one that was not.
    fn made(&self, hash: u32) -> Option<Range<u32>> {
        match self.settled.get(hash as usize) {
            Some(Outcome::Settled(made)) => Some(made.clone()),
            _ => None,
        }
    }

    fn into_draft(mut self) -> Draft {
        self.drop_unused_rows();
        Draft {
            chain: self.buffer.chain,
            addresses: self.buffer.addresses,
            hashes: self.buffer.hashes,
            blocks: self.buffer.blocks,
            assets: self.buffer.assets.all,
            entries: self.entries,
            rows: self.buffer.rows,
            told: self.told,
            block_times: self.times.news,
        }
    }
}

impl Seal<'_> {
    /// A draft holds the rows of its entries; claims that were settled into other
    /// rows are left over.
    fn drop_unused_rows(&mut self) {
        let rows = &mut self.buffer.rows;
        let used: usize = self.entries.iter().map(|entry| entry.rows.len()).sum();
        if used == rows.len() {
            return;
        }
        let mut is_used = vec![false; rows.len()];
        for entry in &self.entries {
            is_used[entry.rows.start as usize..entry.rows.end as usize].fill(true);
        }
        let mut moved_to = Vec::with_capacity(rows.len() + 1);
        let mut kept = 0;
        for is_used in &is_used {
            moved_to.push(kept);
            kept += u32::from(*is_used);
        }
        moved_to.push(kept);
        let mut at = 0;
        rows.retain(|_| {
            at += 1;
            is_used[at - 1]
        });
        for entry in &mut self.entries {
            let (start, end) = (entry.rows.start as usize, entry.rows.end as usize);
            entry.rows = moved_to[start]..moved_to[end];
        }
    }
}

/// The way of most: what was told is what is shown.
impl Seal<'_> {
    /// True when the transaction's rows could pass as they are, and did.
    fn pass_plain(&mut self, hash: u32) -> Result<bool, StoreError> {
        let slot = self.buffer.slots[hash as usize];
        if slot.is_failed || slot.has_nft_logs {
            return Ok(false);
        }
        let is_single = slot.first == slot.last;
        if self.buffer.places[slot.first as usize].is_utxo {
            return Ok(is_single && self.pass_utxo(hash, slot.first));
        }
        if is_single { self.pass_rows(hash, slot.first) } else { self.pass_places(hash, slot) }
    }

    /// One claim of a whole Bitcoin transaction whose block stands.
    fn pass_utxo(&mut self, hash: u32, at: u32) -> bool {
        let place = &self.buffer.places[at as usize];
        let block = place.block.map(|block| TxHash::new(self.buffer.blocks.get(block)));
        let placed = block.and_then(|block| self.state.headers.place(&block));
        if placed.is_some_and(|placed| !placed.stands) {
            return false;
        }
        let mut entry = entry_of(place);
        entry.is_height_told = place.height.is_some();
        entry.height = place.height.or(placed.and_then(|placed| placed.height));
        let rows = self.buffer.rows_of(place);
        let inputs = rows.partition_point(|row| row.previous.is_some());
        let made = entry.rows.start + number(inputs)..entry.rows.end;
        self.entries.push(entry);
        self.note(hash, made);
        true
    }

    /// Rows of one place.
    fn pass_rows(&mut self, hash: u32, at: u32) -> Result<bool, StoreError> {
        let place = &self.buffer.places[at as usize];
        let rows = self.buffer.rows_of(place);
        if !are_distinct(rows) || self.is_replaced(place) {
            return Ok(false);
        }
        let mut entry = entry_of(place);
        if let Some(given) = self.given(at)? {
            let place = &self.buffer.places[at as usize];
            let rows = self.buffer.rows_of(place);
            if !rows.iter().all(|row| is_dateless(place.time, row.time_source)) {
                return Ok(false);
            }
            entry.time = given.0;
            let (start, end) = (place.rows.start as usize, place.rows.end as usize);
            for row in &mut self.buffer.rows[start..end] {
                row.time_source = given.1;
                row.is_time_told = false;
            }
        }
        self.entries.push(entry);
        if self.buffer.chain.is_utxo() {
            self.note(hash, 0..0);
        }
        Ok(true)
    }

    /// Rows of several places, each known exactly.
    fn pass_places(&mut self, hash: u32, slot: Slot) -> Result<bool, StoreError> {
        const PLACES_MAX: usize = 8;
        let mut places = Vec::new();
        let mut at = slot.first;
        while at != NONE {
            let place = &self.buffer.places[at as usize];
            if place.is_utxo || places.len() == PLACES_MAX || self.is_replaced(place) {
                return Ok(false);
            }
            at = place.next;
            places.push(place);
        }
        let is_same =
            |a: &Place, b: &Place| (a.time, a.height, a.tx_index) == (b.time, b.height, b.tx_index);
        let is_open = |place: &&Place| {
            let rows = self.buffer.rows_of(place);
            place.height.is_some() && rows.iter().any(|row| row.time_source != TimeSource::Stated)
        };
        let clash = (1..places.len()).any(|n| places[..n].iter().any(|p| is_same(p, places[n])));
        if clash || places.iter().any(is_open) {
            return Ok(false);
        }
        let rows: Vec<DraftRow> =
            places.iter().flat_map(|place| self.buffer.rows_of(place)).cloned().collect();
        if !are_distinct(&rows) {
            return Ok(false);
        }
        self.entries.extend(places.into_iter().map(entry_of));
        if self.buffer.chain.is_utxo() {
            self.note(hash, 0..0);
        }
        Ok(true)
    }

    /// Do traces replace any of these?
    fn is_replaced(&self, place: &Place) -> bool {
        if self.state.covered.is_empty() {
            return false;
        }
        place.height.is_some_and(|height| self.state.covered.contains(height))
            && self.buffer.rows_of(place).iter().any(is_own_value)
    }

    /// The time a block gives to rows without a stated one.
    fn given(&mut self, place: u32) -> Result<Option<(Timestamp, TimeSource)>, StoreError> {
        let place = &self.buffer.places[place as usize];
        let Some(height) = place.height else { return Ok(None) };
        if self.buffer.rows_of(place).iter().all(|row| row.time_source == TimeSource::Stated) {
            return Ok(None);
        }
        self.times.given(height)
    }
}

/// The way of few: what is shown is written anew.
impl Seal<'_> {
    /// Rows, grouped by where and when they are.
    fn add_rows(&mut self, hash: u32, mut rows: Vec<SettledRow>) -> Result<(), StoreError> {
        rows.sort_by(|a, b| a.transfer.cmp_time(&b.transfer));
        let first = self.entries.len();
        for SettledRow { transfer, evidence, is_time_told } in rows {
            let from = transfer.from.as_ref().map(|from| self.buffer.address(from)).transpose()?;
            let to = transfer.to.as_ref().map(|to| self.buffer.address(to)).transpose()?;
            let row = DraftRow {
                from: from.unwrap_or(crate::segment::NOBODY),
                to: to.unwrap_or(crate::segment::NOBODY),
                asset: self.buffer.asset(&transfer.asset),
                amount: transfer.amount,
                position: transfer.position,
                kind: transfer.kind,
                time_source: transfer.time_source,
                evidence,
                is_time_told,
                is_hidden: false,
                is_previous_told: false,
                previous: None,
            };
            let at = number(self.buffer.rows.len());
            self.buffer.rows.push(row);
            let place = (transfer.time, transfer.height, transfer.tx_index);
            match self.entries[first..].last_mut() {
                Some(entry) if (entry.time, entry.height, entry.tx_index) == place => {
                    entry.rows.end += 1;
                }
                _ => self.entries.push(DraftEntry {
                    hash,
                    time: transfer.time,
                    height: transfer.height,
                    tx_index: transfer.tx_index,
                    rows: at..at + 1,
                    ..carrier(hash)
                }),
            }
        }
        Ok(())
    }

    /// A Bitcoin transaction; where its outputs are.
    fn add_utxo(
        &mut self,
        hash: u32,
        Standing { tx, is_height_told }: &Standing,
    ) -> Result<Range<u32>, StoreError> {
        let start = number(self.buffer.rows.len());
        for (at, input) in (0u32..).zip(&tx.inputs) {
            let row = self.buffer.input(at, input, tx.is_coinbase)?;
            self.buffer.rows.push(row);
        }
        let made = number(self.buffer.rows.len());
        for (at, output) in (0u32..).zip(&tx.outputs) {
            let row = self.buffer.output(at, output, tx.is_coinbase)?;
            self.buffer.rows.push(row);
        }
        let end = number(self.buffer.rows.len());
        self.entries.push(DraftEntry {
            hash,
            time: tx.time,
            height: tx.height,
            tx_index: tx.index,
            rows: start..end,
            is_utxo: true,
            is_coinbase: tx.is_coinbase,
            block: tx.block.map(|block| self.buffer.blocks.intern(block.bytes())),
            is_height_told: *is_height_told,
            told: None,
        });
        Ok(made..end)
    }

    /// Keeps what was told beside the transaction's entries, which are those
    /// from `first` on, and an entry for every place that was claimed: so that
    /// what concerns a height or a block finds all who ever named it.
    fn add_told(&mut self, hash: u32, first: usize, told: &Told) {
        let mut heights: BTreeSet<u64> =
            told.claims.iter().filter_map(|(transfer, _)| transfer.height).collect();
        let mut blocks: BTreeSet<u32> = told
            .utxo
            .iter()
            .filter_map(|tx| Some(self.buffer.blocks.intern(tx.block?.bytes())))
            .collect();
        let mut free: BTreeSet<u32> =
            (0..number(self.entries.len() - first + blocks.len() + 1)).collect();
        for entry in &self.entries[first..] {
            entry.height.map(|height| heights.remove(&height));
            entry.block.map(|block| blocks.remove(&block));
            entry.tx_index.map(|index| free.remove(&index));
        }
        let at_heights =
            heights.into_iter().map(|height| DraftEntry { height: Some(height), ..carrier(hash) });
        // No two entries of a transaction are in the same place, so these are numbered.
        let in_blocks = blocks.into_iter().zip(free).map(|(block, tx_index)| DraftEntry {
            block: Some(block),
            tx_index: Some(tx_index),
            ..carrier(hash)
        });
        self.entries.extend(at_heights.chain(in_blocks));
        if self.entries.len() == first {
            self.entries.push(carrier(hash));
        }
        self.entries[first].told = Some(number(self.told.len()));
        self.told.push(told.encode());
    }
}

/// What it comes to.
impl Seal<'_> {
    fn counts(&self, told: &[u32], start: &[Layer]) -> Result<RunCounts, StoreError> {
        let mut counts = RunCounts::default();
        let mut after: BTreeMap<u32, u64> = BTreeMap::new();
        for entry in &self.entries {
            let rows = &self.buffer.rows[entry.rows.start as usize..entry.rows.end as usize];
            let hidden =
                if entry.is_utxo { rows.iter().filter(|row| row.is_hidden).count() } else { 0 };
            let shown = (rows.len() - hidden) as u64;
            if !self.older.is_empty() && self.older.contains_key(&entry.hash) {
                *after.entry(entry.hash).or_default() += shown;
            } else {
                counts.transfers_new += shown.cast_signed();
            }
        }
        counts.transactions = told.len() as u64;
        for (hash, older) in &self.older {
            let told_count = self.buffer.told_count(*hash);
            let is_told = self.buffer.slots[*hash as usize].is_told();
            let now = older.counts.transfers;
            let mut before = now;
            if older.at >= start.len() {
                // An earlier run of this file wrote it: what was there before the file?
                before = transfers_in(start, self.buffer.hashes.get(*hash))?;
                counts.transactions -= u64::from(is_told);
            }
            let mut added = 0;
            if older.is_dirty {
                let after = after.get(hash).copied().unwrap_or_default();
                added = after.saturating_sub(before);
                let earlier = now.saturating_sub(before);
                counts.transfers_new += added.cast_signed() - earlier.cast_signed();
            }
            counts.transfers_known += told_count.saturating_sub(added).min(before);
        }
        Ok(counts)
    }

    fn masks(&self) -> BTreeMap<usize, (RoaringBitmap, Masked)> {
        let mut masks: BTreeMap<usize, (RoaringBitmap, Masked)> = BTreeMap::new();
        for older in self.older.values().filter(|older| older.is_dirty) {
            let (entries, counts) = masks.entry(older.at).or_default();
            entries.extend(&older.entries);
            counts.transfers += older.counts.transfers;
            counts.unresolved += older.counts.unresolved;
        }
        masks
    }
}

fn transfers_in(layers: &[Layer], hash: &[u8]) -> Result<u64, StoreError> {
    let Some(found) = crate::layers::find(layers, hash)? else { return Ok(0) };
    Ok(layers[found.at].counts(&found.entries)?.transfers)
}

fn entry_of(place: &Place) -> DraftEntry {
    DraftEntry {
        hash: place.hash,
        time: place.time,
        height: place.height,
        tx_index: place.tx_index,
        rows: place.rows.clone(),
        is_utxo: place.is_utxo,
        is_coinbase: place.is_coinbase,
        block: place.block,
        is_height_told: true,
        told: None,
    }
}

/// An entry without rows, at no height and in no block.
fn carrier(hash: u32) -> DraftEntry {
    DraftEntry {
        hash,
        time: Timestamp::UNIX_EPOCH,
        height: None,
        tx_index: None,
        rows: 0..0,
        is_utxo: false,
        is_coinbase: false,
        block: None,
        is_height_told: true,
        told: None,
    }
}

/// What the transaction says of its own value: traces replace it.
fn is_own_value(row: &DraftRow) -> bool {
    row.evidence == Evidence::Transaction && row.kind != TransferKind::Fee
}

/// Are these all different transfers, none of which may be another told with or
/// without its position?
fn are_distinct(rows: &[DraftRow]) -> bool {
    const PAIRWISE_MAX: usize = 16;
    if rows.len() < 2 {
        return true;
    }
    let is_nth = |row: &DraftRow| matches!(row.position, Position::Nth(_));
    if rows.iter().any(is_nth) && !rows.iter().all(is_nth) {
        return false;
    }
    if rows.len() <= PAIRWISE_MAX {
        return (1..rows.len()).all(|n| rows[..n].iter().all(|row| !is_alike(row, &rows[n])));
    }
    let key = |row: &DraftRow| {
        let equal = is_nth(row).then_some((row.from, row.to, row.asset, row.amount));
        (row.position.clone(), equal)
    };
    let mut keys: Vec<_> = rows.iter().map(key).collect();
    keys.sort_unstable();
    keys.windows(2).all(|pair| pair[0] != pair[1])
}

/// The same position, and without a real one, also the same ends and amount.
fn is_alike(a: &DraftRow, b: &DraftRow) -> bool {
    a.position == b.position
        && (!matches!(a.position, Position::Nth(_))
            || (a.from, a.to, a.asset, a.amount) == (b.from, b.to, b.asset, b.amount))
}
