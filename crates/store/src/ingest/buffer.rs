//! What was told of one chain since its last run, in compact memory.
//!
//! In come facts, one at a time; addresses, hashes, blocks and assets are kept
//! once and numbered. Nothing is decided here: claims stay what they were told,
//! and [`super::seal`] settles them. A claim takes about a hundred bytes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use model::memory::Claim;
use model::{
    Address, Asset, BlockFact, Chain, Evidence, Input, Outpoint, Output, Position, TimeSource,
    Timestamp, Transfer, TransferKind, TxHash, TxId, U256, UtxoTransaction,
};

use crate::StoreError;
use crate::segment::told::Told;
use crate::segment::{DraftRow, Interner, NOBODY};

pub(super) const NONE: u32 = u32::MAX;

pub(crate) struct Buffer {
    pub(super) chain: Chain,
    pub(super) addresses: Interner,
    /// Transactions that were told of, and those whose outputs are spent.
    pub(super) hashes: Interner,
    pub(super) blocks: Interner,
    pub(super) assets: Assets,
    pub(super) rows: Vec<DraftRow>,
    pub(super) places: Vec<Place>,
    /// One for each hash.
    pub(super) slots: Vec<Slot>,
    pub(super) nft_logs: BTreeMap<u32, BTreeSet<u32>>,
    /// Stated times of heights, not sorted, some more than once.
    pub(super) times: Vec<(u64, Timestamp)>,
    /// Heights that traces cover.
    pub(super) covered: Vec<u64>,
    /// Blocks of a tree: what Bitcoin's are placed by.
    pub(super) headers: Vec<BlockFact>,
    last: Option<(TxHash, u32)>,
    last_asset: u32,
    /// Ends of the latest rows, not interned yet.
    late: Vec<Late>,
}

/// An address of a row. Many are looked up at once, so that memory is waited for once.
struct Late {
    row: u32,
    is_to: bool,
    hash: u64,
    address: Address,
}

/// So many wait at most.
const LATE: usize = 32;

/// Claims told in a row of one transaction that agree where and when it is; or
/// one claim of a whole Bitcoin transaction.
pub(super) struct Place {
    pub(super) hash: u32,
    /// The next place of the same transaction.
    pub(super) next: u32,
    pub(super) time: Timestamp,
    pub(super) height: Option<u64>,
    pub(super) tx_index: Option<u32>,
    pub(super) rows: Range<u32>,
    pub(super) block: Option<u32>,
    pub(super) is_utxo: bool,
    pub(super) is_coinbase: bool,
}

/// What the buffer holds of one transaction.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) is_failed: bool,
    pub(super) has_nft_logs: bool,
}

#[derive(Default)]
pub(super) struct Assets {
    pub(super) all: Vec<Asset>,
    numbers: HashMap<Asset, u32>,
}

impl Slot {
    const EMPTY: Slot = Slot { first: NONE, last: NONE, is_failed: false, has_nft_logs: false };

    /// Was anything told of it, or is it only spent?
    pub(super) fn is_told(&self) -> bool {
        self.first != NONE || self.is_failed || self.has_nft_logs
    }
}

impl Buffer {
    pub(crate) fn new(chain: Chain) -> Buffer {
        Buffer {
            chain,
            addresses: Interner::default(),
            hashes: Interner::default(),
            blocks: Interner::default(),
            assets: Assets::default(),
            rows: Vec::new(),
            places: Vec::new(),
            slots: Vec::new(),
            nft_logs: BTreeMap::new(),
            times: Vec::new(),
            covered: Vec::new(),
            headers: Vec::new(),
            last: None,
            last_asset: NONE,
            late: Vec::with_capacity(LATE),
        }
    }

    /// How full it is, in claims; what is not a row counts by what it takes.
    pub(crate) fn len(&self) -> usize {
        let small = self.times.len() + self.covered.len() + self.headers.len();
        self.rows.len().max(self.slots.len()) + small / 4
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
            && self.times.is_empty()
            && self.covered.is_empty()
            && self.headers.is_empty()
    }

    pub(crate) fn put_transfer(
        &mut self,
        transfer: &Transfer,
        evidence: Evidence,
    ) -> Result<(), StoreError> {
        if self.late.len() + 2 > LATE {
            self.number_ends();
        }
        self.end(transfer.from.as_ref(), false)?;
        self.end(transfer.to.as_ref(), true)?;
        let hash = self.hash(&transfer.tx.hash);
        let asset = self.asset(&transfer.asset);
        let place = self.place(hash, transfer);
        self.places[place as usize].rows.end += 1;
        self.rows.push(DraftRow {
            from: NOBODY,
            to: NOBODY,
            asset,
            amount: transfer.amount,
            position: transfer.position.clone(),
            kind: transfer.kind,
            time_source: transfer.time_source,
            evidence,
            is_time_told: true,
            is_hidden: false,
            is_previous_told: false,
            previous: None,
        });
        if transfer.time_source == TimeSource::Stated
            && let Some(height) = transfer.height
        {
            self.learn_time(height, transfer.time);
        }
        Ok(())
    }

    pub(crate) fn put_utxo(&mut self, tx: &UtxoTransaction) -> Result<(), StoreError> {
        let wrong = |why: &str| StoreError::value(format!("keep the transaction {}", tx.id), why);
        if !self.chain.is_utxo() {
            return Err(wrong("its chain has balances, not outputs"));
        }
        if tx.inputs.iter().any(|input| input.outpoint.tx.chain != self.chain) {
            return Err(wrong("it spends an output of another chain"));
        }
        let hash = self.hash(&tx.id.hash);
        let first = number(self.rows.len());
        for (at, input) in (0u32..).zip(&tx.inputs) {
            let row = self.input(at, input, tx.is_coinbase)?;
            self.rows.push(row);
        }
        for (at, output) in (0u32..).zip(&tx.outputs) {
            let row = self.output(at, output, tx.is_coinbase)?;
            self.rows.push(row);
        }
        let place = Place {
            hash,
            next: NONE,
            time: tx.time,
            height: tx.height,
            tx_index: tx.index,
            rows: first..number(self.rows.len()),
            block: tx.block.map(|block| self.blocks.intern(block.bytes())),
            is_utxo: true,
            is_coinbase: tx.is_coinbase,
        };
        self.append(place);
        Ok(())
    }

    /// The time matters on every chain; a tree of blocks only where it decides
    /// which transactions stand.
    pub(crate) fn put_block(&mut self, block: &BlockFact) {
        if let Some(height) = block.height {
            self.learn_time(height, block.time);
        }
        if self.chain.is_utxo() && block.hash.is_some() {
            self.headers.push(block.clone());
        }
    }

    pub(crate) fn put_cover(&mut self, height: u64) {
        if self.covered.last() != Some(&height) {
            self.covered.push(height);
        }
    }

    pub(crate) fn put_failed(&mut self, tx: &TxHash) {
        let hash = self.hash(tx);
        self.slots[hash as usize].is_failed = true;
    }

    pub(crate) fn put_nft_log(&mut self, tx: &TxHash, log_index: u32) {
        let hash = self.hash(tx);
        self.slots[hash as usize].has_nft_logs = true;
        self.nft_logs.entry(hash).or_default().insert(log_index);
    }

    fn learn_time(&mut self, height: u64, time: Timestamp) {
        if self.times.last() != Some(&(height, time)) {
            self.times.push((height, time));
        }
    }

    /// A run of facts is mostly of one transaction: the last one is asked first.
    fn hash(&mut self, hash: &TxHash) -> u32 {
        if let Some((last, number)) = &self.last
            && last == hash
        {
            return *number;
        }
        let number = self.number_of(hash.bytes());
        self.last = Some((*hash, number));
        number
    }

    /// The number of a hash, told of or not.
    pub(super) fn number_of(&mut self, hash: &[u8]) -> u32 {
        let number = self.hashes.intern(hash);
        if number as usize == self.slots.len() {
            self.slots.push(Slot::EMPTY);
        }
        number
    }

    /// An end of the row that comes next.
    fn end(&mut self, address: Option<&Address>, is_to: bool) -> Result<(), StoreError> {
        let Some(address) = address else { return Ok(()) };
        self.check_family(address)?;
        let hash = self.addresses.hash_ahead(address.bytes());
        let row = number(self.rows.len());
        self.late.push(Late { row, is_to, hash, address: address.clone() });
        Ok(())
    }

    /// Numbers the ends that wait. Before rows are read: [`super::seal`] begins with it.
    pub(super) fn number_ends(&mut self) {
        for late in &self.late {
            self.addresses.look_ahead(late.hash);
        }
        for late in self.late.drain(..) {
            let number = self.addresses.intern_hashed(late.hash, late.address.bytes());
            let row = &mut self.rows[late.row as usize];
            *if late.is_to { &mut row.to } else { &mut row.from } = number;
        }
    }

    pub(super) fn address(&mut self, address: &Address) -> Result<u32, StoreError> {
        self.check_family(address)?;
        Ok(self.addresses.intern(address.bytes()))
    }

    fn check_family(&self, address: &Address) -> Result<(), StoreError> {
        let is_of_family = matches!(
            (address, self.chain),
            (Address::Bitcoin(_), Chain::Bitcoin(_))
                | (Address::Evm(_), Chain::Evm(_))
                | (Address::Tron(_), Chain::Tron(_))
                | (Address::Solana(_), Chain::Solana(_))
        );
        if !is_of_family {
            let doing = format!("keep an address of {}", self.chain);
            return Err(StoreError::value(doing, format!("{address:?} is of another family")));
        }
        Ok(())
    }

    pub(super) fn asset(&mut self, asset: &Asset) -> u32 {
        if self.assets.all.get(self.last_asset as usize) != Some(asset) {
            self.last_asset = self.assets.number(asset);
        }
        self.last_asset
    }

    /// The place of a claim: the one just told, or a new one.
    fn place(&mut self, hash: u32, transfer: &Transfer) -> u32 {
        let last = number(self.places.len()).wrapping_sub(1);
        if let Some(place) = self.places.last()
            && place.hash == hash
            && !place.is_utxo
            && place.time == transfer.time
            && place.height == transfer.height
            && place.tx_index == transfer.tx_index
        {
            return last;
        }
        let first = number(self.rows.len());
        self.append(Place {
            hash,
            next: NONE,
            time: transfer.time,
            height: transfer.height,
            tx_index: transfer.tx_index,
            rows: first..first,
            block: None,
            is_utxo: false,
            is_coinbase: false,
        })
    }

    fn append(&mut self, place: Place) -> u32 {
        let at = number(self.places.len());
        let slot = &mut self.slots[place.hash as usize];
        if slot.first == NONE {
            slot.first = at;
        } else {
            self.places[slot.last as usize].next = at;
        }
        slot.last = at;
        self.places.push(place);
        at
    }

    pub(super) fn input(
        &mut self,
        at: u32,
        input: &Input,
        is_coinbase: bool,
    ) -> Result<DraftRow, StoreError> {
        let hash = self.number_of(input.outpoint.tx.hash.bytes());
        let mut row = self.leg(Position::Input(at), is_coinbase);
        row.previous = Some((hash, input.outpoint.index));
        match &input.previous {
            Some(output) => {
                row.from = self.address(&output.address)?;
                row.amount = U256::from(output.value);
                row.is_previous_told = true;
            }
            None => row.is_hidden = true,
        }
        Ok(row)
    }

    pub(super) fn output(
        &mut self,
        at: u32,
        output: &Output,
        is_coinbase: bool,
    ) -> Result<DraftRow, StoreError> {
        let mut row = self.leg(Position::Output(at), is_coinbase);
        row.to = self.address(&output.address)?;
        row.amount = U256::from(output.value);
        Ok(row)
    }

    fn leg(&mut self, position: Position, is_coinbase: bool) -> DraftRow {
        DraftRow {
            from: NOBODY,
            to: NOBODY,
            asset: self.asset(&Asset::native(self.chain)),
            amount: U256::ZERO,
            position,
            kind: if is_coinbase { TransferKind::Reward } else { TransferKind::Value },
            time_source: TimeSource::Stated,
            evidence: Evidence::Transaction,
            is_time_told: true,
            is_hidden: false,
            is_previous_told: false,
            previous: None,
        }
    }
}

/// Reading back what was told, for transactions that need settling.
impl Buffer {
    pub(super) fn places_of(&self, hash: u32) -> impl Iterator<Item = &Place> {
        let place = |at: u32| self.places.get(at as usize);
        std::iter::successors(place(self.slots[hash as usize].first), move |p| place(p.next))
    }

    pub(super) fn rows_of(&self, place: &Place) -> &[DraftRow] {
        &self.rows[place.rows.start as usize..place.rows.end as usize]
    }

    /// Transfers that were told of it, each as often as it was.
    pub(super) fn told_count(&self, hash: u32) -> u64 {
        self.places_of(hash).map(|place| place.rows.len() as u64).sum()
    }

    pub(super) fn tx_hash(&self, hash: u32) -> TxHash {
        TxHash::new(self.hashes.get(hash))
    }

    /// Everything the buffer holds of it.
    pub(super) fn told(&self, hash: u32) -> Told {
        let slot = self.slots[hash as usize];
        let nft_logs = self.nft_logs.get(&hash).cloned().unwrap_or_default();
        let mut told = Told { is_failed: slot.is_failed, nft_logs, ..Told::default() };
        for place in self.places_of(hash) {
            if place.is_utxo {
                told.utxo.push(self.utxo(place));
            } else {
                told.claims.extend(self.rows_of(place).iter().map(|row| self.claim(place, row)));
            }
        }
        told
    }

    fn claim(&self, place: &Place, row: &DraftRow) -> Claim {
        let transfer = Transfer {
            tx: TxId { chain: self.chain, hash: self.tx_hash(place.hash) },
            position: row.position.clone(),
            height: place.height,
            tx_index: place.tx_index,
            time: place.time,
            time_source: row.time_source,
            from: self.address_at(row.from),
            to: self.address_at(row.to),
            asset: self.assets.all[row.asset as usize].clone(),
            amount: row.amount,
            kind: row.kind,
        };
        (transfer, row.evidence)
    }

    fn utxo(&self, place: &Place) -> UtxoTransaction {
        let mut inputs = Vec::new();
        let mut outputs = Vec::new();
        for row in self.rows_of(place) {
            match row.previous {
                Some((hash, index)) => {
                    let tx = TxId { chain: self.chain, hash: self.tx_hash(hash) };
                    let previous = row.is_previous_told.then(|| self.output_of(row, row.from));
                    inputs.push(Input { outpoint: Outpoint { tx, index }, previous });
                }
                None => outputs.push(self.output_of(row, row.to)),
            }
        }
        UtxoTransaction {
            id: TxId { chain: self.chain, hash: self.tx_hash(place.hash) },
            height: place.height,
            index: place.tx_index,
            time: place.time,
            block: place.block.map(|block| TxHash::new(self.blocks.get(block))),
            inputs,
            outputs,
            is_coinbase: place.is_coinbase,
        }
    }

    fn output_of(&self, row: &DraftRow, address: u32) -> Output {
        let address = self.address_at(address).expect("an output has an address");
        Output { address, value: row.amount.saturating_to() }
    }

    fn address_at(&self, number: u32) -> Option<Address> {
        (number != NOBODY).then(|| {
            Address::from_bytes(self.addresses.get(number), self.chain)
                .expect("its family was checked when it came")
        })
    }
}

impl Assets {
    pub(super) fn number(&mut self, asset: &Asset) -> u32 {
        if let Some(number) = self.numbers.get(asset) {
            return *number;
        }
        let at = number(self.all.len());
        self.all.push(asset.clone());
        self.numbers.insert(asset.clone(), at);
        at
    }
}

/// A place in one of a run's lists.
pub(super) fn number(len: usize) -> u32 {
    u32::try_from(len).expect("a run is sealed long before it has 2^32 of anything")
}
