//! A segment: an immutable, checksummed file of the transfers of one chain, which answers by itself.
//!
//! In comes a [`Draft`] (or other segments, to [`merge`]); out comes a file in which everything is
//! numbered densely: addresses and assets by the hash of their bytes, entries and rows in the order of
//! time. What is visible of a segment, and what several segments say together, is for layers above.
//! The format is described in this crate's README.

mod ahead;
mod bytes;
mod check;
mod code;
pub mod draft;
mod entries;
mod filter;
mod gather;
mod heights;
mod index;
mod layout;
mod merge;
mod names;
mod out;
mod packed;
mod rows;
mod sift;
pub mod told;
mod whole;
mod write;

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use model::{
    Address, Asset, Chain, Direction, Evidence, Position, TimeSource, Timestamp, Transfer,
    TransferKind, TxHash, TxId, U256,
};
use roaring::RoaringBitmap;

use self::bytes::{Checked, Region};
use self::code::{Reader, put_asset, read_asset};
use self::entries::{Entries, EntryScratch};
use self::gather::{BY_HASH, BY_OPEN, BY_SPENT, Stride, outpoint_key};
use self::index::Index;
use self::layout::{Section, SectionId};
use self::names::Names;
use self::packed::Groups;
use self::rows::Rows;
use crate::StoreError;
pub use draft::{Draft, DraftEntry, DraftRow, Interner};
pub use layout::Shown;
pub use whole::Whole;

/// No address: the other end of a fee or a reward, or the transaction itself on Bitcoin.
pub const NOBODY: u32 = u32::MAX;

/// Where a segment is written, front to back.
pub trait Sink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError>;
}

impl Sink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// An immutable run of transfers; cheap to share in an `Arc`.
pub struct Segment {
    head: Head,
    region: Region,
    sections: [Section; SectionId::COUNT],
    addresses: Names,
    asset_names: Names,
    /// Decoded as they are asked for, where there are few.
    assets: Box<[OnceLock<Asset>]>,
    blocks: Names,
    entries: Entries,
    by_hash: Index,
    rows: Rows,
    postings: [Postings; 2],
    by_outpoint: Index,
    open_inputs: Index,
    block_entry_ends: Groups,
    block_entries: Groups,
    block_times: Groups,
    told_ends: Groups,
    told_heights: Groups,
}

#[derive(Clone, Copy, Default)]
struct Postings {
    ends: Groups,
    postings: Groups,
}

/// What a segment is about: small, always in memory, also kept in the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub chain: Chain,
    pub entries: u32,
    /// Rows, hidden ones included.
    pub rows: u32,
    /// Rows that are transfers: all but the hidden ones.
    pub transfers: u32,
    pub addresses: u32,
    pub assets: u32,
    /// Of entries that have a transfer.
    pub time_first: Option<Timestamp>,
    pub time_last: Option<Timestamp>,
    /// Lowest and highest height any entry has or any of its claims told.
    pub heights: Option<(u64, u64)>,
    /// Lowest and highest height of rows whose time no source states: a block may date them.
    pub open_heights: Option<(u64, u64)>,
    /// None in segments of before it was kept.
    pub shown: Option<Shown>,
    /// Bitcoin: inputs whose previous output is not known.
    pub unresolved_inputs: u32,
    /// Entries that keep what was told of them beside their rows.
    pub told: u32,
    pub has_nft: bool,
    pub has_utxo: bool,
}

/// The rows of one transaction that share time, height and place in the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub hash: TxHash,
    pub time: Timestamp,
    pub height: Option<u64>,
    pub tx_index: Option<u32>,
    pub rows: Range<u32>,
    pub is_utxo: bool,
    pub is_coinbase: bool,
    /// False: the height was found by placing the block.
    pub is_height_told: bool,
    /// Are claims kept beside the rows? See [`Segment::told`].
    pub has_told: bool,
    /// Bitcoin: the block that holds it, where the source says.
    pub block: Option<TxHash>,
}

/// One row, addresses and asset as numbers of this segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub entry: u32,
    /// [`NOBODY`]: none.
    pub from: u32,
    pub to: u32,
    pub asset: u32,
    pub amount: U256,
    pub position: Position,
    pub flags: RowFlags,
}

/// What else there is to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowFlags {
    pub kind: TransferKind,
    pub time_source: TimeSource,
    pub evidence: Evidence,
    /// False: the claim said [`TimeSource::Unknown`] at 1970, and a block gave the time.
    pub is_time_told: bool,
    /// A Bitcoin input whose previous output is unknown: no transfer.
    pub is_hidden: bool,
    /// The source itself said what this input spends.
    pub is_previous_told: bool,
    /// Does [`Segment::previous`] name an outpoint?
    pub has_previous: bool,
}

/// Rows of one group, a column each, all equally long.
#[derive(Clone, Debug, Default)]
pub struct RowColumns {
    /// The number of the first row.
    pub first: u32,
    pub entries: Vec<u32>,
    pub from: Vec<u32>,
    pub to: Vec<u32>,
    pub assets: Vec<u32>,
    pub amounts: Vec<U256>,
    pub flags: Vec<RowFlags>,
}

/// Rows of one group for whoever reads all of them: see [`Segment::sweep`].
#[derive(Clone, Debug, Default)]
pub struct SweepColumns {
    pub entries: Vec<u32>,
    pub from: Vec<u32>,
    pub to: Vec<u32>,
    pub assets: Vec<u32>,
    pub amounts: Vec<U256>,
    pub kinds: Vec<TransferKind>,
    pub flags: Vec<RowFlags>,
    /// Is any row of the group hidden, and does any say what it spends?
    pub has_hidden: bool,
    pub has_previous: bool,
}

/// Entries of one page, a column each, all equally long.
#[derive(Clone, Debug, Default)]
pub struct EntryColumns {
    /// The number of the first entry.
    pub first: u32,
    pub times: Vec<Timestamp>,
    pub heights: Vec<Option<u64>>,
    pub tx_indexes: Vec<Option<u32>>,
    pub first_rows: Vec<u32>,
}

/// Sorts, renumbers and writes what was gathered. Addresses and assets that no row uses are left out.
pub fn write(draft: Draft, out: &mut dyn Sink) -> Result<Head, StoreError> {
    write::write(draft, out)
}

/// Writes one segment of several, without the masked entries, and without the addresses and assets
/// nobody uses any more. No two inputs may hold an unmasked entry of the same transaction.
pub fn merge(
    inputs: &[(&Segment, Option<&RoaringBitmap>)],
    out: &mut dyn Sink,
) -> Result<Head, StoreError> {
    merge::merge(inputs, out)
}

/// Assets up to this many are kept decoded.
const ASSETS_KEPT: usize = 4096;

impl Head {
    fn empty(chain: Chain) -> Head {
        Head {
            chain,
            entries: 0,
            rows: 0,
            transfers: 0,
            addresses: 0,
            assets: 0,
            time_first: None,
            time_last: None,
            heights: None,
            open_heights: None,
            shown: Some(Shown::default()),
            unresolved_inputs: 0,
            told: 0,
            has_nft: false,
            has_utxo: false,
        }
    }
}

impl Segment {
    /// Rows in a group of [`Segment::rows`], and entries in a page of [`Segment::entries`].
    pub const GROUP: u32 = 1024;

    pub fn write(draft: Draft, out: &mut dyn Sink) -> Result<Head, StoreError> {
        write::write(draft, out)
    }

    /// Maps a file and checks its tables; its blocks are checked as they are touched.
    pub fn open(path: &Path) -> Result<Segment, StoreError> {
        Ok(Segment::read(Region::map(path)?)?)
    }

    /// A segment held in memory; `name` stands for its path in errors.
    pub fn from_bytes(bytes: Vec<u8>, name: &str) -> Result<Segment, StoreError> {
        Ok(Segment::read(Region::owned(bytes, name))?)
    }

    fn read(mut region: Region) -> Checked<Segment> {
        let sections = layout::open(&mut region)?;
        let region = region;
        let of = |id: SectionId| sections[id as usize];
        let groups = |id: SectionId, columns: usize| Groups::open(&region, of(id), columns);
        let part = of(SectionId::Head).part;
        let head = layout::decode_head(region.read(part, 0, part.len)?)
            .ok_or_else(|| region.damage(part.start, "its head cannot be read"))?;
        let (rows, entries) = (u64::from(head.rows), u64::from(head.entries));
        let postings = |ends: SectionId, postings: SectionId| -> Checked<Postings> {
            Ok(Postings { ends: groups(ends, 1)?, postings: groups(postings, 2)? })
        };
        let index = |ids, numbers| Index::open(&region, &sections, ids, numbers);
        let segment = Segment {
            addresses: Names::open(&region, &sections, &names::ADDRESSES)?,
            asset_names: Names::open(&region, &sections, &names::ASSETS)?,
            assets: kept_assets(head.assets),
            blocks: Names::open(&region, &sections, &names::BLOCKS)?,
            entries: Entries { groups: groups(SectionId::Entries, entries::COLUMNS)? },
            by_hash: index(&BY_HASH, entries)?,
            rows: Rows { groups: groups(SectionId::Rows, rows::COLUMNS)? },
            postings: [
                postings(SectionId::OutEnds, SectionId::Out)?,
                postings(SectionId::InEnds, SectionId::In)?,
            ],
            by_outpoint: index(&BY_SPENT, rows)?,
            open_inputs: index(&BY_OPEN, rows)?,
            block_entry_ends: groups(SectionId::BlockEntryEnds, 1)?,
            block_entries: groups(SectionId::BlockEntries, 1)?,
            block_times: groups(SectionId::BlockTimes, 3)?,
            told_ends: groups(SectionId::ToldEnds, 1)?,
            told_heights: groups(SectionId::ToldHeights, 2)?,
            head,
            sections,
            region,
        };
        if segment.is_whole() { Ok(segment) } else { Err(segment.odd("its parts do not fit")) }
    }

    /// Do the sections hold as many things as the head says?
    fn is_whole(&self) -> bool {
        let Head { entries, rows, addresses, assets, .. } = self.head;
        let ends = |ends: &Groups, names: u32| names == 0 || ends.rows == u64::from(names) + 1;
        let hashes = self.sections[SectionId::Hashes as usize];
        self.entries.groups.rows == u64::from(entries)
            && hashes.items == u64::from(entries)
            && self.by_hash.items().rows == u64::from(entries)
            && self.stride(SectionId::Hashes).is_some()
            && self.stride(SectionId::Externals).is_some()
            && self.rows.groups.rows == u64::from(rows)
            && self.addresses.count == addresses
            && self.asset_names.count == assets
            && self.postings.iter().all(|postings| ends(&postings.ends, addresses))
            && ends(&self.block_entry_ends, self.blocks.count)
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Reads everything: every block, and whether the structure holds together.
    pub fn check(&self) -> Result<(), StoreError> {
        check::check(self)
    }

    /// Checks every block now rather than when it is first read.
    pub fn touch_all(&self) -> Result<(), StoreError> {
        Ok(self.region.check_all()?)
    }

    /// Each section's name and how many bytes it has; last what frames them.
    pub fn sections(&self) -> Vec<(&'static str, u64)> {
        let mut all: Vec<(&'static str, u64)> =
            self.region.sections().map(|(name, part)| (name, part.len as u64)).collect();
        let held: u64 = all.iter().map(|(_, len)| len).sum();
        all.push(("frame and checksums", self.bytes_len() - held));
        all
    }

    /// How many bytes the file has.
    pub fn bytes_len(&self) -> u64 {
        self.region.len() as u64
    }

    #[cold]
    fn odd(&self, why: &str) -> Box<bytes::Damage> {
        self.region.damage(self.region.len(), why)
    }

    // --- addresses and assets

    pub fn address_number(&self, bytes: &[u8]) -> Result<Option<u32>, StoreError> {
        Ok(self.addresses.number(&self.region, bytes)?)
    }

    /// Of each the number or none, in the order asked.
    pub fn address_numbers(
        &self,
        many: &[&[u8]],
        out: &mut Vec<Option<u32>>,
    ) -> Result<(), StoreError> {
        for bytes in many {
            out.push(self.addresses.number(&self.region, bytes)?);
        }
        Ok(())
    }

    pub fn address(&self, number: u32) -> Result<&[u8], StoreError> {
        Ok(self.addresses.get(&self.region, number)?)
    }

    /// As [`Segment::address`], as the model knows it.
    pub fn whole_address(&self, number: u32) -> Result<Address, StoreError> {
        let bytes = self.addresses.get(&self.region, number)?;
        let address = Address::from_bytes(bytes, self.head.chain);
        Ok(address.ok_or_else(|| self.odd("an address is none of its chain"))?)
    }

    pub fn asset(&self, number: u32) -> Result<Asset, StoreError> {
        let kept = self.assets.get(number as usize);
        if let Some(asset) = kept.and_then(OnceLock::get) {
            return Ok(asset.clone());
        }
        let bytes = self.asset_names.get(&self.region, number)?;
        let mut reader = Reader::new(bytes);
        let asset = read_asset(&mut reader, self.head.chain).filter(|_| reader.is_at_end());
        let asset = asset.ok_or_else(|| self.odd("an asset cannot be read"))?;
        Ok(kept.map_or(asset.clone(), |kept| kept.get_or_init(|| asset).clone()))
    }

    pub fn asset_number(&self, asset: &Asset) -> Result<Option<u32>, StoreError> {
        let mut bytes = Vec::new();
        put_asset(&mut bytes, asset, self.head.chain);
        Ok(self.asset_names.number(&self.region, &bytes)?)
    }

    // --- transactions

    /// False: this transaction is not here. True: it probably is.
    pub fn may_hold(&self, hash: &[u8]) -> Result<bool, StoreError> {
        Ok(self.by_hash.may_hold(&self.region, names::key(hash))?)
    }

    /// The entries of a transaction, ascending.
    pub fn entries_of(&self, hash: &[u8]) -> Result<Vec<u32>, StoreError> {
        let key = names::key(hash);
        let mut entries = Vec::new();
        if !self.by_hash.may_hold(&self.region, key)? {
            return Ok(entries);
        }
        self.by_hash.candidates(&self.region, key, |entry| {
            if self.hash(entry)? == hash {
                entries.push(entry);
            }
            Ok(())
        })?;
        Ok(entries)
    }

    pub fn entry(&self, number: u32) -> Result<Entry, StoreError> {
        let record = self.entries.record(&self.region, number)?;
        let block = match record.block {
            Some(block) => Some(self.tx_hash(self.blocks.get(&self.region, block)?)?),
            None => None,
        };
        Ok(Entry {
            hash: self.entry_hash(number)?,
            time: record.time,
            height: record.height,
            tx_index: record.tx_index,
            rows: self.rows_from(number, record.first_row)?,
            is_utxo: record.is_utxo,
            is_coinbase: record.is_coinbase,
            is_height_told: record.is_height_told,
            has_told: record.told.is_some(),
            block,
        })
    }

    pub fn entry_hash(&self, number: u32) -> Result<TxHash, StoreError> {
        Ok(self.tx_hash(self.hash(number)?)?)
    }

    pub fn entry_time(&self, number: u32) -> Result<Timestamp, StoreError> {
        Ok(self.entries.time(&self.region, number)?)
    }

    pub fn entry_rows(&self, number: u32) -> Result<Range<u32>, StoreError> {
        let first = self.entries.groups.get(&self.region, entries::FIRST_ROW, u64::from(number))?;
        let first =
            u32::try_from(first).map_err(|_| self.odd("an entry starts beyond its rows"))?;
        Ok(self.rows_from(number, first)?)
    }

    /// From an entry's first row to that of the next.
    fn rows_from(&self, number: u32, first: u32) -> Checked<Range<u32>> {
        let next = u64::from(number) + 1;
        let end = if next == u64::from(self.head.entries) {
            u64::from(self.head.rows)
        } else {
            self.entries.groups.get(&self.region, entries::FIRST_ROW, next)?
        };
        match u32::try_from(end) {
            Ok(end) if first <= end && end <= self.head.rows => Ok(first..end),
            _ => Err(self.odd("an entry's rows are out of order")),
        }
    }

    fn hash(&self, entry: u32) -> Checked<&[u8]> {
        self.slot(SectionId::Hashes, u64::from(entry))
    }

    /// None: a section whose length its hashes do not explain.
    fn stride(&self, id: SectionId) -> Option<Stride> {
        let Section { part, items } = self.sections[id as usize];
        [Stride::Short, Stride::Long, Stride::Mixed]
            .into_iter()
            .find(|stride| Some(part.len as u64) == items.checked_mul(stride.bytes() as u64))
    }

    fn slot(&self, id: SectionId, number: u64) -> Checked<&[u8]> {
        let Section { part, items } = self.sections[id as usize];
        let odd = || self.region.damage(part.start, "there is no such hash");
        if number >= items {
            return Err(odd());
        }
        let stride = self.stride(id).ok_or_else(odd)?;
        let at = usize::try_from(number).map_err(|_| odd())? * stride.bytes();
        stride.get(self.region.read(part, at, stride.bytes())?).ok_or_else(odd)
    }

    fn tx_hash(&self, bytes: &[u8]) -> Checked<TxHash> {
        match bytes.len() {
            32 | 64 => Ok(TxHash::new(bytes)),
            _ => Err(self.odd("a hash has neither 32 nor 64 bytes")),
        }
    }

    /// Entries of one page of [`Segment::GROUP`], decoded.
    pub fn entries(&self, page: u32, out: &mut EntryColumns) -> Result<(), StoreError> {
        out.clear();
        out.first = page.saturating_mul(Segment::GROUP);
        let mut scratch = EntryScratch::default();
        self.entries.page(&self.region, page as usize, &mut scratch, |entry| {
            out.times.push(entry.time);
            out.heights.push(entry.height);
            out.tx_indexes.push(entry.tx_index);
            out.first_rows.push(entry.first_row);
            Ok(())
        })?;
        Ok(())
    }

    /// The claims kept beside an entry, encoded: see [`told::Told`].
    pub fn told(&self, entry: u32) -> Result<Option<Cow<'_, [u8]>>, StoreError> {
        let number = self.entries.groups.get(&self.region, entries::TOLD, u64::from(entry))?;
        match number {
            0 => Ok(None),
            number => Ok(Some(Cow::Borrowed(self.told_blob(number - 1)?))),
        }
    }

    fn told_blob(&self, number: u64) -> Checked<&[u8]> {
        let start = self.told_ends.get(&self.region, 0, number)?;
        let end = self.told_ends.get(&self.region, 0, number + 1)?;
        let part = self.sections[SectionId::ToldBytes as usize].part;
        names::read_between(&self.region, part, start, end)
    }

    /// The first entry that is not before this time, or the number of entries.
    pub fn entry_at(&self, time: Timestamp) -> Result<u32, StoreError> {
        let (mut low, mut high) = (0, self.head.entries);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.entries.time(&self.region, middle)? < time {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Ok(low)
    }

    /// Bitcoin: entries that name this block, or whose told claims do; ascending.
    pub fn entries_of_block(&self, block: &[u8]) -> Result<Vec<u32>, StoreError> {
        let Some(block) = self.blocks.number(&self.region, block)? else {
            return Ok(Vec::new());
        };
        let at = u64::from(block);
        let start = self.block_entry_ends.get(&self.region, 0, at)?;
        let end = self.block_entry_ends.get(&self.region, 0, at + 1)?;
        Ok(self.read_entries(&self.block_entries, 0, start..end)?)
    }

    /// Calls back with each block and each entry that names it.
    fn each_block_entry(&self, mut visit: impl FnMut(u32, u32)) -> Checked<()> {
        for block in 0..self.blocks.count {
            let at = u64::from(block);
            let start = self.block_entry_ends.get(&self.region, 0, at)?;
            let end = self.block_entry_ends.get(&self.region, 0, at + 1)?;
            for entry in self.read_entries(&self.block_entries, 0, start..end)? {
                visit(block, entry);
            }
        }
        Ok(())
    }

    fn read_entries(&self, groups: &Groups, column: usize, range: Range<u64>) -> Checked<Vec<u32>> {
        let mut entries = Vec::new();
        groups.read_range(&self.region, column, range, |entry| entries.push(entry))?;
        let small = |entry| u32::try_from(entry).ok().filter(|entry| *entry < self.head.entries);
        let small: Option<Vec<u32>> = entries.into_iter().map(small).collect();
        small.ok_or_else(|| self.odd("a table names an entry there is not"))
    }

    /// Entries at a height from `from` to `to` inclusive, or with a told claim there; ascending.
    pub fn entries_at_heights(&self, from: u64, to: u64) -> Result<Vec<u32>, StoreError> {
        let mut found = Vec::new();
        let mut scratch = EntryScratch::default();
        for page in 0..self.entries.groups.group_count() {
            let bounds = self.entries.groups.group(&self.region, page)?.bounds(entries::HEIGHT)?;
            if bounds.1 < from || bounds.0 > to {
                continue;
            }
            let mut number = u32::try_from(page).map_or(u32::MAX, |page| page * Segment::GROUP);
            self.entries.page(&self.region, page, &mut scratch, |entry| {
                if entry.height.is_some_and(|height| (from..=to).contains(&height)) {
                    found.push(number);
                }
                number += 1;
                Ok(())
            })?;
        }
        let told = &self.told_heights;
        let start = told.first_not_below(&self.region, 0, from)?;
        let end = match to.checked_add(1) {
            Some(after) => told.first_not_below(&self.region, 0, after)?,
            None => told.rows,
        };
        found.extend(self.read_entries(told, 1, start..end)?);
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    // --- rows

    pub fn row(&self, row: u32) -> Result<Row, StoreError> {
        let (raw, position) = self.rows.row(&self.region, row)?;
        let amount = raw.amount.amount();
        Ok(Row {
            entry: raw.entry,
            from: raw.from,
            to: raw.to,
            asset: raw.asset,
            amount: amount.ok_or_else(|| self.odd("an amount is beyond 256 bits"))?,
            position,
            flags: raw.flags,
        })
    }

    pub fn row_entry(&self, row: u32) -> Result<u32, StoreError> {
        let entry = self.rows.get(&self.region, rows::ENTRY, row)?;
        Ok(u32::try_from(entry).map_err(|_| self.odd("a row is of no entry"))?)
    }

    pub fn row_time(&self, row: u32) -> Result<Timestamp, StoreError> {
        self.entry_time(self.row_entry(row)?)
    }

    /// A row as a whole transfer. None where it is hidden.
    pub fn transfer(&self, row: u32) -> Result<Option<Transfer>, StoreError> {
        let row = self.row(row)?;
        if row.flags.is_hidden {
            return Ok(None);
        }
        let record = self.entries.record(&self.region, row.entry)?;
        let hash = self.entry_hash(row.entry)?;
        let place =
            Place { hash, height: record.height, tx_index: record.tx_index, time: record.time };
        self.transfer_at(&place, &row).map(Some)
    }

    pub(crate) fn transfer_of(&self, entry: &Entry, row: &Row) -> Result<Transfer, StoreError> {
        let Entry { hash, height, tx_index, time, .. } = *entry;
        self.transfer_at(&Place { hash, height, tx_index, time }, row)
    }

    fn transfer_at(&self, place: &Place, row: &Row) -> Result<Transfer, StoreError> {
        let address = |number: u32| match number {
            NOBODY => Ok(None),
            number => self.whole_address(number).map(Some),
        };
        Ok(Transfer {
            tx: TxId { chain: self.head.chain, hash: place.hash },
            position: row.position.clone(),
            height: place.height,
            tx_index: place.tx_index,
            time: place.time,
            time_source: row.flags.time_source,
            from: address(row.from)?,
            to: address(row.to)?,
            asset: self.asset(row.asset)?,
            amount: row.amount,
            kind: row.flags.kind,
        })
    }

    /// Bitcoin: the outpoint an input spends.
    pub fn previous(&self, row: u32) -> Result<Option<(TxHash, u32)>, StoreError> {
        match self.spent(row)? {
            Some((hash, index)) => Ok(Some((self.tx_hash(hash)?, index))),
            None => Ok(None),
        }
    }

    fn spent(&self, row: u32) -> Checked<Option<(&[u8], u32)>> {
        let Some(reference) = self.rows.get(&self.region, rows::PREVIOUS, row)?.checked_sub(1)
        else {
            return Ok(None);
        };
        Ok(Some((self.referred(reference)?, self.spent_index(row)?)))
    }

    /// The hash a row refers to: that of an entry, or beyond these an external one.
    fn referred(&self, reference: u64) -> Checked<&[u8]> {
        match reference.checked_sub(u64::from(self.head.entries)) {
            Some(external) => self.slot(SectionId::Externals, external),
            None => self.slot(SectionId::Hashes, reference),
        }
    }

    fn spent_index(&self, row: u32) -> Checked<u32> {
        let index = self.rows.get(&self.region, rows::PREVIOUS_INDEX, row)?;
        u32::try_from(index).map_err(|_| self.odd("an outpoint's index is beyond 32 bits"))
    }

    /// Bitcoin: the first entry of the transaction whose output this input spends, and the output's
    /// index, where that transaction is in this segment too.
    pub fn previous_entry(&self, row: u32) -> Result<Option<(u32, u32)>, StoreError> {
        let reference = self.rows.get(&self.region, rows::PREVIOUS, row)?.checked_sub(1);
        let entry = reference.and_then(|reference| u32::try_from(reference).ok());
        match entry.filter(|entry| *entry < self.head.entries) {
            Some(entry) => Ok(Some((entry, self.spent_index(row)?))),
            None => Ok(None),
        }
    }

    /// Rows of one group of [`Segment::GROUP`], decoded.
    pub fn rows(&self, group: u32, out: &mut RowColumns) -> Result<(), StoreError> {
        out.clear();
        out.first = group.saturating_mul(Segment::GROUP);
        Ok(self.rows.columns(&self.region, group as usize, out)?)
    }

    /// Rows of one group of [`Segment::GROUP`], a column at a time: the fastest way to read all.
    pub fn sweep(&self, group: u32, out: &mut SweepColumns) -> Result<(), StoreError> {
        Ok(self.rows.sweep(&self.region, group as usize, out)?)
    }

    /// When each entry of a page of [`Segment::GROUP`] was.
    pub fn entry_times(&self, page: u32, out: &mut Vec<Timestamp>) -> Result<(), StoreError> {
        Ok(self.entries.times(&self.region, page as usize, out)?)
    }

    /// Where in its transaction a row stands; none for a call whose path is long.
    pub fn short_position(&self, row: u32) -> Result<Option<Position>, StoreError> {
        Ok(self.rows.short_position(&self.region, row)?)
    }

    // --- postings

    fn directed(&self, direction: Direction) -> &Postings {
        match direction {
            Direction::Forward => &self.postings[0],
            Direction::Backward => &self.postings[1],
        }
    }

    /// Where the rows an address sent (forward) or received (backward) are listed, in time order.
    /// Hidden rows are in no list.
    pub fn postings(&self, direction: Direction, address: u32) -> Result<Range<u64>, StoreError> {
        let Postings { ends, postings } = self.directed(direction);
        let (start, end) = ends.two(&self.region, 0, u64::from(address))?;
        if start > end || end > postings.rows {
            return Err(self.odd("postings are out of order").into());
        }
        Ok(start..end)
    }

    /// A row and the address at its other end, or [`NOBODY`].
    pub fn posting(&self, direction: Direction, at: u64) -> Result<(u32, u32), StoreError> {
        let Postings { postings, .. } = self.directed(direction);
        let (group, place) = postings.place(&self.region, at)?;
        let group = postings.group(&self.region, group)?;
        let (row, neighbour) = (group.get(0, place)?, group.get(1, place)?);
        match (u32::try_from(row), u32::try_from(neighbour)) {
            (Ok(row), Ok(neighbour)) => Ok((row, neighbour.wrapping_sub(1))),
            _ => Err(self.odd("a posting names what is not there").into()),
        }
    }

    /// Appends rows and neighbours of a range of postings.
    pub fn postings_into(
        &self,
        direction: Direction,
        range: Range<u64>,
        rows: &mut Vec<u32>,
        neighbours: &mut Vec<u32>,
    ) -> Result<(), StoreError> {
        let Postings { postings, .. } = self.directed(direction);
        let region = &self.region;
        // What is beyond 32 bits is noticed here, and refused below.
        let (mut beyond, mut beyond_too) = (0, 0);
        let mut row = |value: u64| {
            beyond |= value >> 32;
            rows.push(u32::try_from(value).unwrap_or(NOBODY));
        };
        let mut neighbour = |value: u64| {
            beyond_too |= value >> 32;
            neighbours.push(u32::try_from(value).unwrap_or(NOBODY).wrapping_sub(1));
        };
        if !postings.each_of_two(region, range.clone(), &mut row, &mut neighbour)? {
            postings.read_range(region, 0, range.clone(), row)?;
            postings.read_range(region, 1, range, neighbour)?;
        }
        match beyond | beyond_too {
            0 => Ok(()),
            _ => Err(self.odd("a posting names what is not there").into()),
        }
    }

    // --- Bitcoin and blocks

    /// Input rows that spend this outpoint, ascending.
    pub fn spenders(&self, hash: &[u8], index: u32) -> Result<Vec<u32>, StoreError> {
        let mut rows = Vec::new();
        self.by_outpoint.candidates(&self.region, outpoint_key(hash, index), |row| {
            if self.spent(row)? == Some((hash, index)) {
                rows.push(row);
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// Hidden input rows that spend an output of this transaction, ascending.
    pub fn unresolved_spenders(&self, hash: &[u8]) -> Result<Vec<u32>, StoreError> {
        let mut rows = Vec::new();
        self.open_inputs.candidates(&self.region, names::key(hash), |row| {
            if self.spent(row)?.is_some_and(|(spent, _)| spent == hash) {
                rows.push(row);
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// The highest height at or below this whose time is known here, and the time.
    pub fn block_time(&self, height: u64) -> Result<Option<(u64, Timestamp)>, StoreError> {
        let after = match height.checked_add(1) {
            Some(next) => self.block_times.first_not_below(&self.region, 0, next)?,
            None => self.block_times.rows,
        };
        match after.checked_sub(1) {
            Some(at) => Ok(Some(self.block_time_at(at)?)),
            None => Ok(None),
        }
    }

    fn block_time_at(&self, at: u64) -> Checked<(u64, Timestamp)> {
        let get = |column: usize| self.block_times.get(&self.region, column, at);
        let nanos = u32::try_from(get(2)?).ok();
        let time = nanos.and_then(|nanos| get(1).ok().and_then(|s| code::join_time(s, nanos)));
        Ok((get(0)?, time.ok_or_else(|| self.odd("a block's time cannot be read"))?))
    }

    /// The lowest height above this whose time is known here.
    pub fn block_time_after(&self, height: u64) -> Result<Option<u64>, StoreError> {
        let Some(next) = height.checked_add(1) else { return Ok(None) };
        let at = self.block_times.first_not_below(&self.region, 0, next)?;
        match at < self.block_times.rows {
            true => Ok(Some(self.block_times.get(&self.region, 0, at)?)),
            false => Ok(None),
        }
    }
}

/// Where the transfers of an entry are.
struct Place {
    hash: TxHash,
    height: Option<u64>,
    tx_index: Option<u32>,
    time: Timestamp,
}

fn kept_assets(count: u32) -> Box<[OnceLock<Asset>]> {
    let count = Some(count as usize).filter(|count| *count <= ASSETS_KEPT).unwrap_or(0);
    (0..count).map(|_| OnceLock::new()).collect()
}

impl RowColumns {
    fn clear(&mut self) {
        self.entries.clear();
        self.from.clear();
        self.to.clear();
        self.assets.clear();
        self.amounts.clear();
        self.flags.clear();
    }
}

impl EntryColumns {
    fn clear(&mut self) {
        self.times.clear();
        self.heights.clear();
        self.tx_indexes.clear();
        self.first_rows.clear();
    }
}
