//! A segment: an immutable, checksummed file of the transfers of one chain, which answers by itself.
//!
//! In comes a [`Draft`] (or other segments, to [`merge`]); out comes a file in which everything is
//! numbered densely: addresses and assets by the hash of their bytes, entries and rows in the order of
//! time. What is visible of a segment, and what several segments say together, is for layers above.
//! The format is described in this crate's README.

pub mod draft;
pub mod told;

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use model::{
    Asset, Chain, Direction, Evidence, Position, TimeSource, Timestamp, Transfer, TransferKind,
    TxHash, U256,
};
use roaring::RoaringBitmap;

use crate::StoreError;
pub use draft::{Draft, DraftEntry, DraftRow, Interner};

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
pub fn write(_draft: Draft, _out: &mut dyn Sink) -> Result<Head, StoreError> {
    unimplemented!("segment::write")
}

/// Writes one segment of several, without the masked entries, and without the addresses and assets
/// nobody uses any more. No two inputs may hold an unmasked entry of the same transaction.
pub fn merge(
    _inputs: &[(&Segment, Option<&RoaringBitmap>)],
    _out: &mut dyn Sink,
) -> Result<Head, StoreError> {
    unimplemented!("segment::merge")
}

impl Segment {
    /// Rows in a group of [`Segment::rows`], and entries in a page of [`Segment::entries`].
    pub const GROUP: u32 = 1024;

    pub fn write(draft: Draft, out: &mut dyn Sink) -> Result<Head, StoreError> {
        write(draft, out)
    }

    /// Maps a file and checks its tables; its blocks are checked as they are touched.
    pub fn open(_path: &Path) -> Result<Segment, StoreError> {
        unimplemented!("segment::Segment::open")
    }

    /// A segment held in memory; `name` stands for its path in errors.
    pub fn from_bytes(_bytes: Vec<u8>, _name: &str) -> Result<Segment, StoreError> {
        unimplemented!("segment::Segment::from_bytes")
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Reads everything: every block, and whether the structure holds together.
    pub fn check(&self) -> Result<(), StoreError> {
        unimplemented!("segment::Segment::check")
    }

    /// Each section's name and how many bytes it has.
    pub fn sections(&self) -> Vec<(&'static str, u64)> {
        unimplemented!("segment::Segment::sections")
    }

    /// How many bytes the file has.
    pub fn bytes_len(&self) -> u64 {
        unimplemented!("segment::Segment::bytes_len")
    }

    // --- addresses and assets

    pub fn address_number(&self, _bytes: &[u8]) -> Result<Option<u32>, StoreError> {
        unimplemented!("segment::Segment::address_number")
    }

    /// Of each the number or none, in the order asked.
    pub fn address_numbers(
        &self,
        _many: &[&[u8]],
        _out: &mut Vec<Option<u32>>,
    ) -> Result<(), StoreError> {
        unimplemented!("segment::Segment::address_numbers")
    }

    pub fn address(&self, _number: u32) -> Result<&[u8], StoreError> {
        unimplemented!("segment::Segment::address")
    }

    pub fn asset(&self, _number: u32) -> Result<Asset, StoreError> {
        unimplemented!("segment::Segment::asset")
    }

    pub fn asset_number(&self, _asset: &Asset) -> Result<Option<u32>, StoreError> {
        unimplemented!("segment::Segment::asset_number")
    }

    // --- transactions

    /// False: this transaction is not here. True: it probably is.
    pub fn may_hold(&self, _hash: &[u8]) -> Result<bool, StoreError> {
        unimplemented!("segment::Segment::may_hold")
    }

    /// The entries of a transaction, ascending.
    pub fn entries_of(&self, _hash: &[u8]) -> Result<Vec<u32>, StoreError> {
        unimplemented!("segment::Segment::entries_of")
    }

    pub fn entry(&self, _number: u32) -> Result<Entry, StoreError> {
        unimplemented!("segment::Segment::entry")
    }

    pub fn entry_hash(&self, _number: u32) -> Result<TxHash, StoreError> {
        unimplemented!("segment::Segment::entry_hash")
    }

    pub fn entry_time(&self, _number: u32) -> Result<Timestamp, StoreError> {
        unimplemented!("segment::Segment::entry_time")
    }

    pub fn entry_rows(&self, _number: u32) -> Result<Range<u32>, StoreError> {
        unimplemented!("segment::Segment::entry_rows")
    }

    /// Entries of one page of [`Segment::GROUP`], decoded.
    pub fn entries(&self, _page: u32, _out: &mut EntryColumns) -> Result<(), StoreError> {
        unimplemented!("segment::Segment::entries")
    }

    /// The claims kept beside an entry, encoded: see [`told::Told`].
    pub fn told(&self, _entry: u32) -> Result<Option<Cow<'_, [u8]>>, StoreError> {
        unimplemented!("segment::Segment::told")
    }

    /// The first entry that is not before this time, or the number of entries.
    pub fn entry_at(&self, _time: Timestamp) -> Result<u32, StoreError> {
        unimplemented!("segment::Segment::entry_at")
    }

    /// Bitcoin: entries that name this block, or whose told claims do; ascending.
    pub fn entries_of_block(&self, _block: &[u8]) -> Result<Vec<u32>, StoreError> {
        unimplemented!("segment::Segment::entries_of_block")
    }

    /// Entries at a height from `from` to `to` inclusive, or with a told claim there; ascending.
    pub fn entries_at_heights(&self, _from: u64, _to: u64) -> Result<Vec<u32>, StoreError> {
        unimplemented!("segment::Segment::entries_at_heights")
    }

    // --- rows

    pub fn row(&self, _row: u32) -> Result<Row, StoreError> {
        unimplemented!("segment::Segment::row")
    }

    pub fn row_entry(&self, _row: u32) -> Result<u32, StoreError> {
        unimplemented!("segment::Segment::row_entry")
    }

    pub fn row_time(&self, _row: u32) -> Result<Timestamp, StoreError> {
        unimplemented!("segment::Segment::row_time")
    }

    /// A row as a whole transfer. None where it is hidden.
    pub fn transfer(&self, _row: u32) -> Result<Option<Transfer>, StoreError> {
        unimplemented!("segment::Segment::transfer")
    }

    /// Bitcoin: the outpoint an input spends.
    pub fn previous(&self, _row: u32) -> Result<Option<(TxHash, u32)>, StoreError> {
        unimplemented!("segment::Segment::previous")
    }

    /// Bitcoin: the first entry of the transaction whose output this input spends, and the output's
    /// index, where that transaction is in this segment too.
    pub fn previous_entry(&self, _row: u32) -> Result<Option<(u32, u32)>, StoreError> {
        unimplemented!("segment::Segment::previous_entry")
    }

    /// Rows of one group of [`Segment::GROUP`], decoded.
    pub fn rows(&self, _group: u32, _out: &mut RowColumns) -> Result<(), StoreError> {
        unimplemented!("segment::Segment::rows")
    }

    // --- postings

    /// Where the rows an address sent (forward) or received (backward) are listed, in time order.
    /// Hidden rows are in no list.
    pub fn postings(&self, _direction: Direction, _address: u32) -> Result<Range<u64>, StoreError> {
        unimplemented!("segment::Segment::postings")
    }

    /// A row and the address at its other end, or [`NOBODY`].
    pub fn posting(&self, _direction: Direction, _at: u64) -> Result<(u32, u32), StoreError> {
        unimplemented!("segment::Segment::posting")
    }

    /// Appends rows and neighbours of a range of postings.
    pub fn postings_into(
        &self,
        _direction: Direction,
        _range: Range<u64>,
        _rows: &mut Vec<u32>,
        _neighbours: &mut Vec<u32>,
    ) -> Result<(), StoreError> {
        unimplemented!("segment::Segment::postings_into")
    }

    // --- Bitcoin and blocks

    /// Input rows that spend this outpoint, ascending.
    pub fn spenders(&self, _hash: &[u8], _index: u32) -> Result<Vec<u32>, StoreError> {
        unimplemented!("segment::Segment::spenders")
    }

    /// Hidden input rows that spend an output of this transaction, ascending.
    pub fn unresolved_spenders(&self, _hash: &[u8]) -> Result<Vec<u32>, StoreError> {
        unimplemented!("segment::Segment::unresolved_spenders")
    }

    /// The highest height at or below this whose time is known here, and the time.
    pub fn block_time(&self, _height: u64) -> Result<Option<(u64, Timestamp)>, StoreError> {
        unimplemented!("segment::Segment::block_time")
    }

    /// The lowest height above this whose time is known here.
    pub fn block_time_after(&self, _height: u64) -> Result<Option<u64>, StoreError> {
        unimplemented!("segment::Segment::block_time_after")
    }

    /// Tells the system that these rows are read soon: one wait for a cold disk, not one each.
    pub fn will_need(&self, _rows: &[u32]) {}
}
