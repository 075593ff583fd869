//! Contenders that keep sorted keys: fjall and redb.
//!
//! Numbers are big-endian, so that keys sort as numbers do; a transfer's takes five
//! bytes.

use std::collections::HashMap;

use anyhow::{Context, Result};

use super::relational::{Batch, BlockRow, Record, Tables, Visit, Whole, long, prefix, short};
use crate::stream::{Address, Hash, part};
use crate::sweep::{Move, NOBODY};

/// The key spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// number -> bytes
    Address,
    /// bytes -> number
    AddressNumber,
    /// number -> hash, first transfer
    Tx,
    /// 8 bytes of the hash, number -> nothing
    TxNumber,
    /// number -> record
    Transfer,
    /// address, transfer -> neighbour
    Sent,
    Received,
    /// height -> time and numbers
    Block,
}

impl Space {
    pub const ALL: [Space; 8] = [
        Space::Address,
        Space::AddressNumber,
        Space::Tx,
        Space::TxNumber,
        Space::Transfer,
        Space::Sent,
        Space::Received,
        Space::Block,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Space::Address => "address",
            Space::AddressNumber => "address_number",
            Space::Tx => "tx",
            Space::TxNumber => "tx_number",
            Space::Transfer => "transfer",
            Space::Sent => "sent",
            Space::Received => "received",
            Space::Block => "block",
        }
    }
}

/// Goes on while it returns true.
pub type VisitPair<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> bool;

pub type Put<'a> = dyn FnMut(Space, &[u8], &[u8]) -> Result<()> + 'a;

pub trait Keys {
    /// Writes pairs, all or none, and durably. The pairs of a space come sorted.
    fn write(&mut self, fill: &mut dyn FnMut(&mut Put<'_>) -> Result<()>) -> Result<()>;
    fn remove(&mut self, keys: &[(Space, Vec<u8>)]) -> Result<()>;
    fn get(&mut self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool>;
    /// Pairs from one key to another, both included.
    fn range(
        &mut self,
        space: Space,
        from: &[u8],
        to: &[u8],
        is_forward: bool,
        visit: VisitPair<'_>,
    ) -> Result<()>;
    fn finish(&mut self) -> Result<()>;
}

pub struct Keyed<K>(pub K);

type TransferKey = [u8; 5];

fn transfer_key(id: u64) -> TransferKey {
    part(&id.to_be_bytes(), 3)
}

fn transfer_id(key: &[u8]) -> u64 {
    key.iter().fold(0, |id, byte| id << 8 | u64::from(*byte))
}

fn posting_key(address: u32, transfer: u64) -> [u8; 9] {
    let mut key = [0; 9];
    key[..4].copy_from_slice(&address.to_be_bytes());
    key[4..].copy_from_slice(&transfer_key(transfer));
    key
}

fn tx_number_key(hash: &Hash, id: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&prefix(hash).to_be_bytes());
    key[8..].copy_from_slice(&id.to_be_bytes());
    key
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(part(bytes, 0))
}

fn record_bytes(record: &Record, out: &mut Vec<u8>) {
    out.clear();
    for number in [record.transaction, record.from, record.to, record.position] {
        out.extend(number.to_be_bytes());
    }
    out.push(record.asset);
    let (bytes, zeros) = short(record.amount);
    out.extend(&bytes[zeros..]);
}

fn record(bytes: &[u8]) -> Record {
    Record {
        transaction: number(bytes),
        from: number(&bytes[4..]),
        to: number(&bytes[8..]),
        position: number(&bytes[12..]),
        asset: bytes[16],
        amount: long(&bytes[17..]),
    }
}

impl<K: Keys> Tables for Keyed<K> {
    fn blocks(&mut self) -> Result<Vec<BlockRow>> {
        let mut blocks = Vec::new();
        self.0.range(Space::Block, &[0; 4], &[255; 4], true, &mut |key, value| {
            blocks.push(BlockRow {
                height: number(key),
                time: i64::from_be_bytes(part(value, 0)),
                transfers: u64::from_be_bytes(part(value, 8)),
                transactions: number(&value[16..]),
                addresses: number(&value[20..]),
            });
            true
        })?;
        Ok(blocks)
    }

    fn find(&mut self, sorted: &[Address]) -> Result<Vec<Option<u32>>> {
        let mut found = Vec::with_capacity(sorted.len());
        for address in sorted {
            let mut id = None;
            self.0.get(Space::AddressNumber, address, &mut |bytes| id = Some(number(bytes)))?;
            found.push(id);
        }
        Ok(found)
    }

    fn write(&mut self, batch: &Batch) -> Result<()> {
        self.0.write(&mut |put| {
            put_names(batch, put)?;
            put_transfers(batch, put)?;
            for block in &batch.blocks {
                let mut value = [0; 24];
                value[..8].copy_from_slice(&block.time.to_be_bytes());
                value[8..16].copy_from_slice(&block.transfers.to_be_bytes());
                value[16..20].copy_from_slice(&block.transactions.to_be_bytes());
                value[20..].copy_from_slice(&block.addresses.to_be_bytes());
                put(Space::Block, &block.height.to_be_bytes(), &value)?;
            }
            Ok(())
        })
    }

    fn finish(&mut self) -> Result<()> {
        self.0.finish()
    }

    fn sent(
        &mut self,
        frontier: &[(u32, u64)],
        limit: usize,
        out: &mut Vec<(u64, u32)>,
    ) -> Result<()> {
        for (account, first) in frontier {
            let (from, to) = (posting_key(*account, *first), posting_key(*account, u64::MAX));
            let mut left = limit;
            self.0.range(Space::Sent, &from, &to, true, &mut |key, value| {
                out.push((transfer_id(&key[4..]), number(value)));
                left -= 1;
                left > 0
            })?;
        }
        Ok(())
    }

    fn page(&mut self, account: u32, is_sent: bool, limit: usize, visit: Visit<'_>) -> Result<()> {
        let space = if is_sent { Space::Sent } else { Space::Received };
        let (from, to) = (posting_key(account, 0), posting_key(account, u64::MAX));
        let mut ids = Vec::new();
        self.0.range(space, &from, &to, is_sent, &mut |key, _| {
            ids.push(transfer_id(&key[4..]));
            ids.len() < limit
        })?;
        ids.sort_unstable();
        self.rows(&ids, visit)
    }

    fn rows(&mut self, sorted: &[u64], visit: Visit<'_>) -> Result<()> {
        let mut records = Vec::with_capacity(sorted.len());
        for id in sorted {
            let is_there = self
                .0
                .get(Space::Transfer, &transfer_key(*id), &mut |v| records.push(record(v)))?;
            anyhow::ensure!(is_there, "transfer {id} is not there");
        }
        let ends = records.iter().flat_map(|record| [record.from, record.to]);
        let mut ends: Vec<u32> = ends.filter(|end| *end != NOBODY).collect();
        ends.sort_unstable();
        ends.dedup();
        let names: HashMap<u32, Address> =
            ends.iter().copied().zip(self.addresses(&ends)?).collect();
        let mut last: Option<(u32, Hash)> = None;
        for (id, record) in sorted.iter().zip(&records) {
            let hash = match last {
                Some((tx, hash)) if tx == record.transaction => hash,
                _ => self.hash(record.transaction)?,
            };
            last = Some((record.transaction, hash));
            let name = |end: u32| names.get(&end).map(|address| &address[..]);
            let whole = Whole {
                hash: &hash,
                from: name(record.from),
                to: name(record.to),
                asset: record.asset,
                position: record.position,
                amount: record.amount,
            };
            visit(*id, &whole);
        }
        Ok(())
    }

    fn addresses(&mut self, sorted: &[u32]) -> Result<Vec<Address>> {
        let mut found = Vec::with_capacity(sorted.len());
        for id in sorted {
            let key = id.to_be_bytes();
            self.0.get(Space::Address, &key, &mut |bytes| found.push(part(bytes, 0)))?;
        }
        anyhow::ensure!(found.len() == sorted.len(), "an address is not there");
        Ok(found)
    }

    fn scan(&mut self, asset: u8, visit: &mut dyn FnMut(u64, Move)) -> Result<()> {
        self.0.range(Space::Transfer, &[0; 5], &[255; 5], true, &mut |key, value| {
            if value[16] == asset {
                let Record { from, to, amount, .. } = record(value);
                visit(transfer_id(key), Move { from, to, amount });
            }
            true
        })
    }

    fn undo(&mut self, keep: &BlockRow) -> Result<()> {
        let mut gone: Vec<(Space, Vec<u8>)> = Vec::new();
        let first = transfer_key(keep.transfers);
        self.0.range(Space::Transfer, &first, &[255; 5], true, &mut |key, value| {
            let (id, Record { from, to, .. }) = (transfer_id(key), record(value));
            gone.push((Space::Transfer, key.to_vec()));
            for (space, end) in [(Space::Sent, from), (Space::Received, to)] {
                if end != NOBODY {
                    gone.push((space, posting_key(end, id).to_vec()));
                }
            }
            true
        })?;
        let first = keep.transactions.to_be_bytes();
        self.0.range(Space::Tx, &first, &[255; 4], true, &mut |key, value| {
            gone.push((Space::Tx, key.to_vec()));
            let other = tx_number_key(&part(value, 0), number(key));
            gone.push((Space::TxNumber, other.to_vec()));
            true
        })?;
        let first = keep.addresses.to_be_bytes();
        self.0.range(Space::Address, &first, &[255; 4], true, &mut |key, value| {
            gone.push((Space::Address, key.to_vec()));
            gone.push((Space::AddressNumber, value.to_vec()));
            true
        })?;
        let first = (keep.height + 1).to_be_bytes();
        self.0.range(Space::Block, &first, &[255; 4], true, &mut |key, _| {
            gone.push((Space::Block, key.to_vec()));
            true
        })?;
        self.0.remove(&gone)
    }
}

impl<K: Keys> Keyed<K> {
    fn hash(&mut self, tx: u32) -> Result<Hash> {
        let mut hash = None;
        self.0.get(Space::Tx, &tx.to_be_bytes(), &mut |value| hash = Some(part(value, 0)))?;
        hash.with_context(|| format!("transaction {tx} is not there"))
    }
}

fn put_names(batch: &Batch, put: &mut Put<'_>) -> Result<()> {
    let mut by_bytes: Vec<(&Address, u32)> =
        batch.addresses.iter().zip(batch.before.addresses..).collect();
    for (bytes, id) in &by_bytes {
        put(Space::Address, &id.to_be_bytes(), *bytes)?;
    }
    by_bytes.sort_unstable();
    for (bytes, id) in by_bytes {
        put(Space::AddressNumber, bytes, &id.to_be_bytes())?;
    }
    let mut by_hash = Vec::with_capacity(batch.transactions.len());
    for (id, (hash, first)) in (batch.before.transactions..).zip(&batch.transactions) {
        let mut value = [0; 37];
        value[..32].copy_from_slice(hash);
        value[32..].copy_from_slice(&transfer_key(*first));
        put(Space::Tx, &id.to_be_bytes(), &value)?;
        by_hash.push(tx_number_key(hash, id));
    }
    by_hash.sort_unstable();
    for key in by_hash {
        put(Space::TxNumber, &key, &[])?;
    }
    Ok(())
}

fn put_transfers(batch: &Batch, put: &mut Put<'_>) -> Result<()> {
    let mut bytes = Vec::new();
    let mut sent = Vec::with_capacity(batch.transfers.len());
    let mut received = Vec::with_capacity(batch.transfers.len());
    for (id, record) in (batch.before.transfers..).zip(&batch.transfers) {
        record_bytes(record, &mut bytes);
        put(Space::Transfer, &transfer_key(id), &bytes)?;
        if record.from != NOBODY {
            sent.push((posting_key(record.from, id), record.to));
        }
        if record.to != NOBODY {
            received.push((posting_key(record.to, id), record.from));
        }
    }
    for (space, mut postings) in [(Space::Sent, sent), (Space::Received, received)] {
        postings.sort_unstable();
        for (key, other) in postings {
            put(space, &key, &other.to_be_bytes())?;
        }
    }
    Ok(())
}
