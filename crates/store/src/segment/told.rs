//! Everything ever told of one transaction, kept so that it can be settled again.

use std::collections::BTreeSet;

use model::memory::Claim;
use model::{
    Address, Chain, Evidence, Input, Outpoint, Output, Position, TimeSource, Timestamp, Transfer,
    TxHash, TxId, U256, UtxoTransaction,
};

use super::code::{
    AmountCode, PositionCode, Reader, join_time, put_asset, put_path, put_varint, read_asset,
    read_path, short_position, split_time,
};
use super::{Row, RowFlags, Segment};
use crate::StoreError;

/// What all files ever said of one transaction. What traces cover is kept in the catalog, by height.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub claims: Vec<Claim>,
    pub utxo: Vec<UtxoTransaction>,
    pub is_failed: bool,
    /// The log indexes that move a non-fungible token.
    pub nft_logs: BTreeSet<u32>,
}

impl Told {
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty()
            && self.utxo.is_empty()
            && !self.is_failed
            && self.nft_logs.is_empty()
    }

    /// The inverse of [`Told::decode`], for claims of one chain.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION, u8::from(self.is_failed)];
        put_varint(&mut out, self.nft_logs.len() as u64);
        for log in &self.nft_logs {
            put_varint(&mut out, u64::from(*log));
        }
        put_varint(&mut out, self.claims.len() as u64);
        for (transfer, evidence) in &self.claims {
            put_transfer(&mut out, transfer, *evidence);
        }
        put_varint(&mut out, self.utxo.len() as u64);
        for tx in &self.utxo {
            put_utxo(&mut out, tx);
        }
        out
    }

    pub fn decode(bytes: &[u8], chain: Chain) -> Result<Told, StoreError> {
        let odd = || StoreError::value("read told claims", "they are damaged; import again");
        decode(&mut Reader::new(bytes), chain).ok_or_else(odd)
    }
}

const VERSION: u8 = 1;

fn decode(reader: &mut Reader, chain: Chain) -> Option<Told> {
    if reader.byte()? != VERSION {
        return None;
    }
    let is_failed = reader.byte()? != 0;
    let nft_logs = many(reader, |reader| reader.varint_u32())?.into_iter().collect();
    let claims = many(reader, |reader| read_transfer(reader, chain))?;
    let utxo = many(reader, |reader| read_utxo(reader, chain))?;
    reader.is_at_end().then_some(Told { claims, utxo, is_failed, nft_logs })
}

/// Not collected by count: a wrong one must not ask for memory that is not there.
fn many<T>(reader: &mut Reader, mut read: impl FnMut(&mut Reader) -> Option<T>) -> Option<Vec<T>> {
    let count = reader.varint()?;
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(read(reader)?);
    }
    Some(all)
}

fn put_transfer(out: &mut Vec<u8>, transfer: &Transfer, evidence: Evidence) {
    let flags = RowFlags {
        kind: transfer.kind,
        time_source: transfer.time_source,
        evidence,
        is_time_told: true,
        is_hidden: false,
        is_previous_told: false,
        has_previous: false,
    };
    put_varint(out, u64::from(flags.code()));
    put_hash(out, &transfer.tx.hash);
    match PositionCode::of(&transfer.position) {
        PositionCode::Short(code) => put_varint(out, code << 1),
        PositionCode::Long(path) => {
            out.push(1);
            put_path(out, &path);
        }
    }
    put_option(out, transfer.height);
    put_option(out, transfer.tx_index.map(u64::from));
    put_time(out, transfer.time);
    for end in [&transfer.from, &transfer.to] {
        out.push(u8::from(end.is_some()));
        if let Some(address) = end {
            put_sized(out, address.bytes());
        }
    }
    put_asset(out, &transfer.asset, transfer.tx.chain);
    match AmountCode::of(transfer.amount) {
        AmountCode::Small { mantissa, exponent } => {
            out.push(exponent);
            put_varint(out, mantissa);
        }
        AmountCode::Wide(amount) => {
            out.push(u8::MAX);
            out.extend_from_slice(&amount.to_le_bytes::<32>());
        }
    }
}

fn read_transfer(reader: &mut Reader, chain: Chain) -> Option<Claim> {
    let flags = RowFlags::from_code(u16::try_from(reader.varint()?).ok()?)?;
    let tx = TxId { chain, hash: read_hash(reader)? };
    let position = match reader.varint()? {
        1 => Position::Call(read_path(reader)?),
        code if code & 1 == 0 => short_position(code >> 1)?,
        _ => return None,
    };
    let height = read_option(reader)?;
    let tx_index = read_small_option(reader)?;
    let time = read_time(reader)?;
    let from = read_end(reader, chain)?;
    let to = read_end(reader, chain)?;
    let asset = read_asset(reader, chain)?;
    let amount = match reader.byte()? {
        u8::MAX => U256::from_le_bytes::<32>(reader.bytes(32)?.try_into().ok()?),
        exponent => AmountCode::Small { mantissa: reader.varint()?, exponent }.amount()?,
    };
    let transfer = Transfer {
        tx,
        position,
        height,
        tx_index,
        time,
        time_source: flags.time_source,
        from,
        to,
        asset,
        amount,
        kind: flags.kind,
    };
    Some((transfer, flags.evidence))
}

fn put_utxo(out: &mut Vec<u8>, tx: &UtxoTransaction) {
    put_hash(out, &tx.id.hash);
    put_option(out, tx.height);
    put_option(out, tx.index.map(u64::from));
    put_time(out, tx.time);
    out.push(u8::from(tx.is_coinbase) | u8::from(tx.block.is_some()) << 1);
    if let Some(block) = &tx.block {
        put_hash(out, block);
    }
    put_varint(out, tx.inputs.len() as u64);
    for input in &tx.inputs {
        put_hash(out, &input.outpoint.tx.hash);
        put_varint(out, u64::from(input.outpoint.index) << 1 | u64::from(input.previous.is_some()));
        if let Some(output) = &input.previous {
            put_output(out, output);
        }
    }
    put_varint(out, tx.outputs.len() as u64);
    for output in &tx.outputs {
        put_output(out, output);
    }
}

fn read_utxo(reader: &mut Reader, chain: Chain) -> Option<UtxoTransaction> {
    let id = TxId { chain, hash: read_hash(reader)? };
    let height = read_option(reader)?;
    let index = read_small_option(reader)?;
    let time = read_time(reader)?;
    let flags = reader.byte()?;
    let block = if flags & 2 != 0 { Some(read_hash(reader)?) } else { None };
    let inputs = many(reader, |reader| {
        let tx = TxId { chain, hash: read_hash(reader)? };
        let index = reader.varint()?;
        let previous = if index & 1 == 1 { Some(read_output(reader, chain)?) } else { None };
        let index = u32::try_from(index >> 1).ok()?;
        Some(Input { outpoint: Outpoint { tx, index }, previous })
    })?;
    let outputs = many(reader, |reader| read_output(reader, chain))?;
    let is_coinbase = flags & 1 != 0;
    Some(UtxoTransaction { id, height, index, time, block, inputs, outputs, is_coinbase })
}

fn put_output(out: &mut Vec<u8>, output: &Output) {
    put_sized(out, output.address.bytes());
    put_varint(out, output.value);
}

fn read_output(reader: &mut Reader, chain: Chain) -> Option<Output> {
    let address = Address::from_bytes(reader.sized()?, chain)?;
    Some(Output { address, value: reader.varint()? })
}

fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_hash(out: &mut Vec<u8>, hash: &TxHash) {
    put_sized(out, hash.bytes());
}

fn read_hash(reader: &mut Reader) -> Option<TxHash> {
    let bytes = reader.sized()?;
    matches!(bytes.len(), 32 | 64).then(|| TxHash::new(bytes))
}

fn put_option(out: &mut Vec<u8>, value: Option<u64>) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put_varint(out, value);
    }
}

fn read_option(reader: &mut Reader) -> Option<Option<u64>> {
    Some(if reader.byte()? != 0 { Some(reader.varint()?) } else { None })
}

fn read_small_option(reader: &mut Reader) -> Option<Option<u32>> {
    Some(match read_option(reader)? {
        Some(value) => Some(u32::try_from(value).ok()?),
        None => None,
    })
}

fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    let (seconds, nanos) = split_time(time);
    out.extend_from_slice(&seconds.to_le_bytes());
    put_varint(out, u64::from(nanos));
}

fn read_time(reader: &mut Reader) -> Option<Timestamp> {
    let seconds = u64::from_le_bytes(reader.bytes(8)?.try_into().ok()?);
    join_time(seconds, reader.varint_u32()?)
}

fn read_end(reader: &mut Reader, chain: Chain) -> Option<Option<Address>> {
    Some(match reader.byte()? {
        0 => None,
        _ => Some(Address::from_bytes(reader.sized()?, chain)?),
    })
}

/// What was told of a transaction, from what is kept beside its rows or from the rows themselves.
/// Empty where this segment does not have it.
pub fn told_of(segment: &Segment, hash: &[u8]) -> Result<Told, StoreError> {
    let chain = segment.head().chain;
    let entries = segment.entries_of(hash)?;
    let mut kept: Option<Told> = None;
    for entry in &entries {
        let Some(bytes) = segment.told(*entry)? else { continue };
        let more = Told::decode(&bytes, chain)?;
        let told = kept.get_or_insert_default();
        told.claims.extend(more.claims);
        told.utxo.extend(more.utxo);
        told.is_failed |= more.is_failed;
        told.nft_logs.extend(more.nft_logs);
    }
    if let Some(told) = kept {
        return Ok(told);
    }
    let mut told = Told::default();
    for entry in entries {
        tell(segment, entry, &mut told)?;
    }
    Ok(told)
}

/// The claims that an entry's rows are.
fn tell(segment: &Segment, number: u32, told: &mut Told) -> Result<(), StoreError> {
    let entry = segment.entry(number)?;
    if entry.is_utxo {
        told.utxo.push(tell_utxo(segment, &entry)?);
        return Ok(());
    }
    for number in entry.rows.clone() {
        let row = segment.row(number)?;
        let transfer = segment.transfer_of(&entry, &row)?;
        told.claims.push((as_told(transfer, &row), row.flags.evidence));
    }
    Ok(())
}

/// Without the time that a block gave.
fn as_told(transfer: Transfer, row: &Row) -> Transfer {
    if row.flags.is_time_told {
        return transfer;
    }
    Transfer { time: Timestamp::UNIX_EPOCH, time_source: TimeSource::Unknown, ..transfer }
}

fn tell_utxo(segment: &Segment, entry: &super::Entry) -> Result<UtxoTransaction, StoreError> {
    let chain = segment.head().chain;
    let mut tx = UtxoTransaction {
        id: TxId { chain, hash: entry.hash },
        height: entry.height.filter(|_| entry.is_height_told),
        index: entry.tx_index,
        time: entry.time,
        block: entry.block,
        inputs: Vec::new(),
        outputs: Vec::new(),
        is_coinbase: entry.is_coinbase,
    };
    for number in entry.rows.clone() {
        let row = segment.row(number)?;
        let end = if row.from == super::NOBODY { row.to } else { row.from };
        let output = || -> Result<Output, StoreError> {
            let address = segment.whole_address(end)?;
            let value = u64::try_from(row.amount);
            let odd = |_| StoreError::value("read an output", "its value is beyond 64 bits");
            Ok(Output { address, value: value.map_err(odd)? })
        };
        match row.position {
            Position::Input(_) => {
                let odd = || StoreError::value("read an input", "it spends nothing");
                let (hash, index) = segment.previous(number)?.ok_or_else(odd)?;
                let outpoint = Outpoint { tx: TxId { chain, hash }, index };
                let is_told = row.flags.is_previous_told && !row.flags.is_hidden;
                let previous = if is_told { Some(output()?) } else { None };
                tx.inputs.push(Input { outpoint, previous });
            }
            Position::Output(_) => tx.outputs.push(output()?),
            _ => {
                let why = "it has a leg that is no input or output";
                return Err(StoreError::value("read a Bitcoin transaction", why));
            }
        }
    }
    Ok(tx)
}

/// What in told claims is looked up from outside: heights and blocks.
pub(super) fn places(told: &Told) -> (BTreeSet<u64>, BTreeSet<TxHash>) {
    let heights = told.claims.iter().filter_map(|(transfer, _)| transfer.height);
    let heights = heights.chain(told.utxo.iter().filter_map(|tx| tx.height)).collect();
    (heights, told.utxo.iter().filter_map(|tx| tx.block).collect())
}
