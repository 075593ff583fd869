//! From a draft to a segment: sorts, renumbers, writes front to back.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::{panic, thread};

use model::Asset;

use super::code::{AmountCode, PositionCode, put_asset};
use super::draft::{Draft, DraftEntry, DraftRow, Interner};
use super::entries::{EntryRecord, EntryWriter};
use super::gather::{
    BY_HASH, BY_OPEN, BY_SPENT, Gather, PostingWriter, Stride, ToldWriter, add_block_time,
    outpoint_key, write_block_entries, write_block_times, write_told_heights,
};
use super::index::{Packing, write_index};
use super::layout::SectionId;
use super::names::{self, NamesIds, NamesWriter};
use super::out::{Out, SIDE_BY_SIDE, side_by_side};
use super::rows::{RowRecord, RowWriter};
use super::told::{Told, places};
use super::{Head, NOBODY, RowFlags, Sink};
use crate::StoreError;

pub(super) fn write(mut draft: Draft, sink: &mut dyn Sink) -> Result<Head, StoreError> {
    check(&draft)?;
    drop_rows_of_no_entry(&mut draft);
    let plan = Plan::new(draft)?;
    let mut out = Out::new(sink)?;
    let mut gather = Gather::new(plan.draft.chain);
    plan.write_names(&mut gather.head, &mut out)?;
    let rows = |out: &mut Out| {
        plan.write_told(&mut gather, out)?;
        plan.write_entries(&mut gather, out)?;
        plan.write_hashes(out)?;
        plan.write_rows(&mut gather, out)
    };
    let found_by = |out: &mut Out| {
        plan.addresses.write(&plan.draft.addresses, &names::ADDRESSES, out)?;
        plan.write_postings(out)?;
        plan.write_hash_index(out)
    };
    side_by_side(&mut out, is_large(&plan.draft), rows, found_by)?;
    let mut times = BTreeMap::new();
    for (height, time) in &plan.draft.block_times {
        add_block_time(&mut times, *height, *time);
    }
    write_block_times(&times, &mut out)?;
    gather.finish(out)
}

/// A draft whose numbers lead nowhere would be written as another past.
fn check(draft: &Draft) -> Result<(), StoreError> {
    let odd = |why: &str| Err(StoreError::value("write a segment", why));
    if u32::try_from(draft.rows.len()).is_err() || u32::try_from(draft.entries.len()).is_err() {
        return odd("it has 2^32 rows or more");
    }
    let is_hash = |bytes: &[u8]| matches!(bytes.len(), 32 | 64);
    let has = |names: &Interner, number: u32| number < names.len();
    let mut rows = 0;
    for entry in &draft.entries {
        let is_sound = entry.rows.start <= entry.rows.end
            && draft.rows.len() >= entry.rows.end as usize
            && has(&draft.hashes, entry.hash)
            && is_hash(draft.hashes.get(entry.hash))
            && entry
                .block
                .is_none_or(|block| has(&draft.blocks, block) && is_hash(draft.blocks.get(block)))
            && entry.told.is_none_or(|told| (told as usize) < draft.told.len());
        if !is_sound {
            return odd("an entry names what is not there");
        }
        rows += entry.rows.len();
    }
    if rows > draft.rows.len() {
        return odd("a row is in several entries");
    }
    let somebody = |number: u32| number == NOBODY || has(&draft.addresses, number);
    let is_sound = |row: &DraftRow| {
        let spent =
            |(hash, _): (u32, u32)| has(&draft.hashes, hash) && is_hash(draft.hashes.get(hash));
        somebody(row.from)
            && somebody(row.to)
            && (row.asset as usize) < draft.assets.len()
            && row.previous.is_none_or(spent)
    };
    if !draft.rows.iter().all(is_sound) {
        return odd("a row names what is not there");
    }
    Ok(())
}

/// Claims that were settled into other rows are left behind in the draft: what only
/// they name is not written.
fn drop_rows_of_no_entry(draft: &mut Draft) {
    let used: usize = draft.entries.iter().map(|entry| entry.rows.len()).sum();
    if used == draft.rows.len() {
        return;
    }
    let mut rows = Vec::with_capacity(used);
    let next = |rows: &Vec<DraftRow>| u32::try_from(rows.len()).expect("no more than there were");
    for entry in &mut draft.entries {
        let first = next(&rows);
        let range = entry.rows.start as usize..entry.rows.end as usize;
        rows.extend_from_slice(&draft.rows[range]);
        entry.rows = first..next(&rows);
    }
    draft.rows = rows;
}

/// The draft, and in which order and under which numbers it is written.
struct Plan {
    draft: Draft,
    /// Entries in their order.
    entries: Vec<u32>,
    /// Rows in their order.
    rows: Vec<u32>,
    addresses: Numbering,
    assets: Numbering,
    asset_names: Interner,
    blocks: Numbering,
    /// Which blocks which entries name, both by their numbers in the segment.
    block_entries: Vec<(u32, u32)>,
    told_heights: Vec<(u64, u32)>,
}

/// Which names are written in which order, and the number of each.
struct Numbering {
    order: Vec<(u64, u32)>,
    numbers: Vec<u32>,
}

impl Numbering {
    fn new(names: &Interner, is_used: &[bool]) -> Numbering {
        let used = (0..names.len()).filter(|number| is_used[*number as usize]);
        let mut order: Vec<(u64, u32)> =
            used.map(|number| (names::key(names.get(number)), number)).collect();
        order.sort_unstable_by(|(a_key, a), (b_key, b)| {
            a_key.cmp(b_key).then_with(|| names.get(*a).cmp(names.get(*b)))
        });
        let mut numbers = vec![NOBODY; names.len() as usize];
        for (number, (_, name)) in (0..).zip(&order) {
            numbers[*name as usize] = number;
        }
        Numbering { order, numbers }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.order.len()).expect("no more than were interned")
    }

    fn of(&self, name: u32) -> u32 {
        if name == NOBODY { NOBODY } else { self.numbers[name as usize] }
    }

    fn write(&self, names: &Interner, ids: &NamesIds, out: &mut Out) -> Result<(), StoreError> {
        let mut writer = NamesWriter::new(ids, self.order.len() as u64);
        for (key, name) in &self.order {
            writer.push(*key, names.get(*name), out)?;
        }
        writer.finish(out)
    }
}

impl Plan {
    fn new(mut draft: Draft) -> Result<Plan, StoreError> {
        let (order, addresses) = if is_large(&draft) {
            thread::scope(|scope| {
                let addresses = scope.spawn(|| number_addresses(&draft));
                let order = order(&draft);
                let addresses = addresses.join();
                (order, addresses.unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
            })
        } else {
            (order(&draft), number_addresses(&draft))
        };
        let (entries, rows) = order?;
        let (asset_names, assets) = number_assets(&draft);
        let told = PlacedTold::read(&mut draft, &entries)?;
        let blocks = Numbering::new(&draft.blocks, &used_blocks(&draft, &told));
        let mut block_entries: Vec<(u32, u32)> =
            told.blocks.iter().map(|(block, entry)| (blocks.of(*block), *entry)).collect();
        for (number, entry) in (0..).zip(&entries) {
            if let Some(block) = draft.entries[*entry as usize].block {
                block_entries.push((blocks.of(block), number));
            }
        }
        Ok(Plan {
            draft,
            entries,
            rows,
            addresses,
            assets,
            asset_names,
            blocks,
            block_entries,
            told_heights: told.heights,
        })
    }

    fn ordered(&self) -> impl Iterator<Item = &DraftEntry> {
        self.entries.iter().map(|entry| &self.draft.entries[*entry as usize])
    }

    /// All but addresses.
    fn write_names(&self, head: &mut Head, out: &mut Out) -> Result<(), StoreError> {
        head.addresses = self.addresses.count();
        head.assets = self.assets.count();
        self.assets.write(&self.asset_names, &names::ASSETS, out)?;
        self.blocks.write(&self.draft.blocks, &names::BLOCKS, out)?;
        write_block_entries(self.block_entries.clone(), self.blocks.count(), out)
    }

    fn write_told(&self, gather: &mut Gather, out: &mut Out) -> Result<(), StoreError> {
        let mut told = ToldWriter::new();
        for number in self.ordered().filter_map(|entry| entry.told) {
            told.push(&self.draft.told[number as usize], out)?;
        }
        told.finish(out)?;
        self.told_heights.iter().for_each(|(height, _)| gather.height(*height));
        write_told_heights(self.told_heights.clone(), out)
    }

    fn write_entries(&self, gather: &mut Gather, out: &mut Out) -> Result<(), StoreError> {
        let mut writer = EntryWriter::new();
        let (mut first_row, mut told) = (0, 0);
        for entry in self.ordered() {
            let record = EntryRecord {
                time: entry.time,
                height: entry.height,
                tx_index: entry.tx_index,
                first_row,
                is_utxo: entry.is_utxo,
                is_coinbase: entry.is_coinbase,
                is_height_told: entry.is_height_told,
                block: entry.block.map(|block| self.blocks.of(block)),
                told: entry.told.map(|_| told),
            };
            first_row += entry.rows.end - entry.rows.start;
            told += u32::from(entry.told.is_some());
            gather.entry(&record);
            writer.push(&record, out)?;
        }
        writer.finish(out)
    }

    fn hashes(&self) -> impl Iterator<Item = &[u8]> {
        self.ordered().map(|entry| self.draft.hashes.get(entry.hash))
    }

    fn write_hashes(&self, out: &mut Out) -> Result<(), StoreError> {
        let stride = Stride::of(self.hashes());
        for hash in self.hashes() {
            stride.put(hash, out)?;
        }
        out.end_section(SectionId::Hashes, self.entries.len() as u64)
    }

    fn write_hash_index(&self, out: &mut Out) -> Result<(), StoreError> {
        let count = self.entries.len() as u64;
        let packing = Packing::below(count);
        let pack = |(number, hash)| packing.pack(names::key(hash), number);
        let packed = (0..).zip(self.hashes()).map(pack).collect();
        write_index(packed, count, &BY_HASH, out)
    }

    fn write_rows(&self, gather: &mut Gather, out: &mut Out) -> Result<(), StoreError> {
        let mut writer = RowWriter::new();
        let mut spends = Spends::new(self);
        let mut at = 0usize;
        for (number, entry) in (0..).zip(self.ordered()) {
            for _ in entry.rows.clone() {
                let row = &self.draft.rows[self.rows[at] as usize];
                let row_number = u32::try_from(at).expect("rows were counted");
                let flags = flags(row);
                let previous = spends.add(row_number, row, self);
                gather.row(entry.time, entry.height, flags);
                let record = RowRecord {
                    entry: number,
                    from: self.addresses.of(row.from),
                    to: self.addresses.of(row.to),
                    asset: self.assets.of(row.asset),
                    amount: AmountCode::of(row.amount),
                    position: PositionCode::of(&row.position),
                    flags,
                    previous,
                    previous_index: row.previous.map_or(0, |(_, index)| index),
                };
                writer.push(&record, out)?;
                at += 1;
            }
        }
        writer.finish(out)?;
        spends.write(self, out)
    }

    /// Sorted by counting: rows are in order already, and stay so for each address.
    fn write_postings(&self, out: &mut Out) -> Result<(), StoreError> {
        let ends = |row: &u32| {
            let row = &self.draft.rows[*row as usize];
            let hidden = |number: u32| if row.is_hidden { NOBODY } else { number };
            (self.addresses.of(hidden(row.from)), self.addresses.of(hidden(row.to)))
        };
        let sent: Vec<(u32, u32)> = self.rows.iter().map(ends).collect();
        let addresses = self.addresses.order.len();
        write_direction(&sent, addresses, (SectionId::Out, SectionId::OutEnds), out)?;
        let received: Vec<(u32, u32)> = sent.into_iter().map(|(from, to)| (to, from)).collect();
        write_direction(&received, addresses, (SectionId::In, SectionId::InEnds), out)
    }
}

fn write_direction(
    rows: &[(u32, u32)],
    addresses: usize,
    (postings, ends): (SectionId, SectionId),
    out: &mut Out,
) -> Result<(), StoreError> {
    let mut starts = vec![0u32; addresses + 1];
    for (owner, _) in rows.iter().filter(|(owner, _)| *owner != NOBODY) {
        starts[*owner as usize + 1] += 1;
    }
    for at in 0..addresses {
        starts[at + 1] += starts[at];
    }
    let mut next = starts.clone();
    let mut sorted = vec![(0u32, 0u32); starts[addresses] as usize];
    for (row, (owner, neighbour)) in (0..).zip(rows) {
        if *owner != NOBODY {
            let place = &mut next[*owner as usize];
            sorted[*place as usize] = (row, *neighbour);
            *place += 1;
        }
    }
    let mut writer = PostingWriter::new();
    for range in starts.windows(2) {
        for (row, neighbour) in &sorted[range[0] as usize..range[1] as usize] {
            writer.push(*row, *neighbour, out)?;
        }
        writer.end_address();
    }
    writer.finish(postings, ends, out)
}

fn flags(row: &DraftRow) -> RowFlags {
    RowFlags {
        kind: row.kind,
        time_source: row.time_source,
        evidence: row.evidence,
        is_time_told: row.is_time_told,
        is_hidden: row.is_hidden,
        is_previous_told: row.is_previous_told,
        has_previous: row.previous.is_some(),
    }
}

/// What inputs spend: by an entry of this segment, or by a hash in a table of its own.
struct Spends {
    /// Of each hash the first entry, or [`NOBODY`].
    entries: Vec<u32>,
    /// Of each hash its number among the external ones, or [`NOBODY`].
    externals: Vec<u32>,
    external_hashes: Vec<u32>,
    by_outpoint: Vec<u64>,
    open: Vec<u64>,
    packing: Packing,
}

impl Spends {
    fn new(plan: &Plan) -> Spends {
        let has_spends = plan.draft.rows.iter().any(|row| row.previous.is_some());
        let hashes = if has_spends { plan.draft.hashes.len() as usize } else { 0 };
        let mut entries = vec![NOBODY; hashes];
        if has_spends {
            for (number, entry) in (0..).zip(plan.ordered()) {
                let first = &mut entries[entry.hash as usize];
                *first = number.min(*first);
            }
        }
        Spends {
            entries,
            externals: vec![NOBODY; hashes],
            external_hashes: Vec::new(),
            by_outpoint: Vec::new(),
            open: Vec::new(),
            packing: Packing::below(plan.rows.len() as u64),
        }
    }

    /// The reference that is kept beside the row.
    fn add(&mut self, number: u32, row: &DraftRow, plan: &Plan) -> u64 {
        let Some((hash, index)) = row.previous else { return 0 };
        let bytes = plan.draft.hashes.get(hash);
        self.by_outpoint.push(self.packing.pack(outpoint_key(bytes, index), number));
        if row.is_hidden {
            self.open.push(self.packing.pack(names::key(bytes), number));
        }
        let entry = self.entries[hash as usize];
        if entry != NOBODY {
            return u64::from(entry) + 1;
        }
        let external = &mut self.externals[hash as usize];
        if *external == NOBODY {
            *external = u32::try_from(self.external_hashes.len()).expect("fewer than hashes");
            self.external_hashes.push(hash);
        }
        plan.entries.len() as u64 + 1 + u64::from(*external)
    }

    fn write(self, plan: &Plan, out: &mut Out) -> Result<(), StoreError> {
        let hashes = || self.external_hashes.iter().map(|hash| plan.draft.hashes.get(*hash));
        let stride = Stride::of(hashes());
        for hash in hashes() {
            stride.put(hash, out)?;
        }
        out.end_section(SectionId::Externals, self.external_hashes.len() as u64)?;
        let rows = plan.rows.len() as u64;
        write_index(self.by_outpoint, rows, &BY_SPENT, out)?;
        write_index(self.open, rows, &BY_OPEN, out)
    }
}

fn is_large(draft: &Draft) -> bool {
    draft.rows.len() >= SIDE_BY_SIDE as usize
}

/// Entries and rows in their order.
fn order(draft: &Draft) -> Result<(Vec<u32>, Vec<u32>), StoreError> {
    let entries = order_entries(draft)?;
    let rows = order_rows(draft, &entries);
    Ok((entries, rows))
}

fn order_entries(draft: &Draft) -> Result<Vec<u32>, StoreError> {
    let compare = |a: &DraftEntry, b: &DraftEntry| {
        (a.time, a.height, a.tx_index)
            .cmp(&(b.time, b.height, b.tx_index))
            .then_with(|| cmp_hashes(draft.hashes.get(a.hash), draft.hashes.get(b.hash)))
    };
    let entry = |number: u32| &draft.entries[number as usize];
    let count = u32::try_from(draft.entries.len()).expect("counted before");
    let mut order: Vec<u32> = (0..count).collect();
    if !draft.entries.is_sorted_by(|a, b| compare(a, b) != Ordering::Greater) {
        order.sort_unstable_by(|a, b| compare(entry(*a), entry(*b)));
    }
    let is_same = |pair: &[u32]| compare(entry(pair[0]), entry(pair[1])) == Ordering::Equal;
    if order.windows(2).any(is_same) {
        let why = "two entries are of one transaction at one time and place";
        return Err(StoreError::value("write a segment", why));
    }
    Ok(order)
}

/// As [`model::TxHash`] compares: shorter ones first.
pub(super) fn cmp_hashes(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// The order of [`model::Transfer::cmp_time`]: what rows are equal in is looked up only where they
/// share a position.
fn order_rows(draft: &Draft, entries: &[u32]) -> Vec<u32> {
    let compare = |a: &u32, b: &u32| {
        let (a, b) = (&draft.rows[*a as usize], &draft.rows[*b as usize]);
        a.position.cmp(&b.position).then_with(|| cmp_equal(draft, a, b))
    };
    let mut order = Vec::with_capacity(draft.rows.len());
    for entry in entries {
        let start = order.len();
        order.extend(draft.entries[*entry as usize].rows.clone());
        let rows = &mut order[start..];
        if !rows.is_sorted_by(|a, b| compare(a, b) != Ordering::Greater) {
            rows.sort_by(compare);
        }
    }
    order
}

/// As [`model::transfer::Equal`] compares: none before any address, addresses by their bytes.
fn cmp_equal(draft: &Draft, a: &DraftRow, b: &DraftRow) -> Ordering {
    let address = |number: u32| (number != NOBODY).then(|| draft.addresses.get(number));
    let asset = |row: &DraftRow| -> &Asset { &draft.assets[row.asset as usize] };
    address(a.from)
        .cmp(&address(b.from))
        .then_with(|| address(a.to).cmp(&address(b.to)))
        .then_with(|| asset(a).cmp(asset(b)))
        .then_with(|| a.amount.cmp(&b.amount))
}

fn number_addresses(draft: &Draft) -> Numbering {
    let mut is_used = vec![false; draft.addresses.len() as usize];
    for number in draft.rows.iter().flat_map(|row| [row.from, row.to]) {
        if number != NOBODY {
            is_used[number as usize] = true;
        }
    }
    Numbering::new(&draft.addresses, &is_used)
}

/// Assets by their bytes: equal ones become one, whatever the draft called them.
fn number_assets(draft: &Draft) -> (Interner, Numbering) {
    let mut is_used = vec![false; draft.assets.len()];
    draft.rows.iter().for_each(|row| is_used[row.asset as usize] = true);
    let mut names = Interner::new();
    let mut bytes = Vec::new();
    let mut interned = Vec::with_capacity(draft.assets.len());
    for (asset, is_used) in draft.assets.iter().zip(&is_used) {
        bytes.clear();
        put_asset(&mut bytes, asset, draft.chain);
        interned.push(if *is_used { names.intern(&bytes) } else { NOBODY });
    }
    let all = vec![true; names.len() as usize];
    let mut numbering = Numbering::new(&names, &all);
    numbering.numbers = interned.into_iter().map(|name| numbering.of(name)).collect();
    (names, numbering)
}

/// Where told claims place transactions that are not, or not only, there.
struct PlacedTold {
    /// A block by its number in the draft, and an entry by that in the segment.
    blocks: Vec<(u32, u32)>,
    heights: Vec<(u64, u32)>,
}

impl PlacedTold {
    fn read(draft: &mut Draft, entries: &[u32]) -> Result<PlacedTold, StoreError> {
        let mut placed = PlacedTold { blocks: Vec::new(), heights: Vec::new() };
        for (number, entry) in (0..).zip(entries) {
            let Some(told) = draft.entries[*entry as usize].told else { continue };
            let told = Told::decode(&draft.told[told as usize], draft.chain)?;
            let (heights, blocks) = places(&told);
            placed.heights.extend(heights.into_iter().map(|height| (height, number)));
            for block in blocks {
                placed.blocks.push((draft.blocks.intern(block.bytes()), number));
            }
        }
        Ok(placed)
    }
}

fn used_blocks(draft: &Draft, told: &PlacedTold) -> Vec<bool> {
    let mut is_used = vec![false; draft.blocks.len() as usize];
    let named = draft.entries.iter().filter_map(|entry| entry.block);
    for block in named.chain(told.blocks.iter().map(|(block, _)| *block)) {
        is_used[block as usize] = true;
    }
    is_used
}
