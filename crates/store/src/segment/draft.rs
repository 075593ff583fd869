//! A run of settled transactions in memory, before it is a segment.
//!
//! Numbers are the draft's own, by first use; the writer sorts and renumbers.

use std::ops::Range;

use model::{Asset, Chain, Evidence, Position, TimeSource, Timestamp, TransferKind, U256};

/// What becomes one segment.
pub struct Draft {
    pub chain: Chain,
    /// By [`model::Address::bytes`].
    pub addresses: Interner,
    /// Hashes of transactions, spent ones included.
    pub hashes: Interner,
    /// Bitcoin: hashes of blocks.
    pub blocks: Interner,
    pub assets: Vec<Asset>,
    pub entries: Vec<DraftEntry>,
    pub rows: Vec<DraftRow>,
    /// Encoded [`super::told::Told`].
    pub told: Vec<Vec<u8>>,
    /// The latest time stated for each height, in any order.
    pub block_times: Vec<(u64, Timestamp)>,
}

/// The rows of one transaction that share time, height and place in the block. One without rows only
/// carries what was told. No two may agree in hash, time, height and place.
#[derive(Clone, Debug)]
pub struct DraftEntry {
    pub hash: u32,
    pub time: Timestamp,
    pub height: Option<u64>,
    pub tx_index: Option<u32>,
    /// Into [`Draft::rows`], in any order.
    pub rows: Range<u32>,
    /// Told as a whole Bitcoin transaction, not as rows.
    pub is_utxo: bool,
    pub is_coinbase: bool,
    pub block: Option<u32>,
    /// False: the height was found by placing the block.
    pub is_height_told: bool,
    /// Into [`Draft::told`]: this transaction's rows are not exactly its claims.
    pub told: Option<u32>,
}

#[derive(Clone, Debug)]
pub struct DraftRow {
    /// [`super::NOBODY`]: none.
    pub from: u32,
    pub to: u32,
    pub asset: u32,
    pub amount: U256,
    pub position: Position,
    pub kind: TransferKind,
    /// Of the settled row.
    pub time_source: TimeSource,
    pub evidence: Evidence,
    /// False: the claim said [`TimeSource::Unknown`] at 1970, and a block gave the time.
    pub is_time_told: bool,
    /// A Bitcoin input whose previous output is unknown: no transfer, but kept so that the
    /// transaction's inputs are complete.
    pub is_hidden: bool,
    /// The source itself said what this input spends.
    pub is_previous_told: bool,
    /// The outpoint an input spends, its hash by number in [`Draft::hashes`].
    pub previous: Option<(u32, u32)>,
}

/// Distinct byte strings, numbered from zero by first use.
pub struct Interner {
    ends: Vec<u64>,
}

impl Draft {
    pub fn new(chain: Chain) -> Draft {
        Draft {
            chain,
            addresses: Interner::new(),
            hashes: Interner::new(),
            blocks: Interner::new(),
            assets: Vec::new(),
            entries: Vec::new(),
            rows: Vec::new(),
            told: Vec::new(),
            block_times: Vec::new(),
        }
    }
}

impl Interner {
    pub fn new() -> Interner {
        Interner { ends: Vec::new() }
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        unimplemented!("segment::Interner::len")
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// # Panics
    /// When there is no such number.
    pub fn get(&self, _number: u32) -> &[u8] {
        unimplemented!("segment::Interner::get")
    }

    /// The number of these bytes, a new one at first use.
    ///
    /// # Panics
    /// Beyond 2^32 - 1 distinct ones.
    pub fn intern(&mut self, _bytes: &[u8]) -> u32 {
        unimplemented!("segment::Interner::intern")
    }

    /// The number of these bytes if they were seen.
    pub fn find(&self, _bytes: &[u8]) -> Option<u32> {
        unimplemented!("segment::Interner::find")
    }

    /// About how many bytes of memory this takes.
    pub fn memory(&self) -> usize {
        unimplemented!("segment::Interner::memory")
    }
}

impl Default for Interner {
    fn default() -> Interner {
        Interner::new()
    }
}
