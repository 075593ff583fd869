//! The input: blocks of transfers, recorded once and read by every contender.
//!
//! [`record`] writes the generated stream to one file; [`Blocks`] reads it back.
//! A recorded stream costs every contender the same few nanoseconds a row, however
//! dear generating it was. Addresses and hashes stand in it whole: what numbers
//! they get is each contender's own affair.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::digest::Seen;

pub type Address = [u8; 20];
pub type Hash = [u8; 32];

#[derive(Clone, Debug, Default)]
pub struct Block {
    pub height: u32,
    /// Seconds since 1970.
    pub time: i64,
    pub transactions: Vec<Transaction>,
    /// In the order of time: by transaction, then by [`Row::position`].
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug)]
pub struct Transaction {
    pub hash: Hash,
    /// How many of the block's rows are its own.
    pub rows: u32,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub from: Option<Address>,
    pub to: Option<Address>,
    /// Into [`Recording::assets`].
    pub asset: u8,
    /// See [`position`].
    pub position: u32,
    /// In base units.
    pub amount: u128,
}

/// Positions as one number that sorts as `model::Position` does.
pub mod position {
    pub const VALUE: u32 = 0;
    const SHIFT: u32 = 28;
    pub const CALL: u32 = 1 << SHIFT;
    pub const LOG: u32 = 2 << SHIFT;
    pub const REWARD: u32 = 3 << SHIFT;
    pub const FEE: u32 = 4 << SHIFT;
    pub const NUMBER: u32 = CALL - 1;
}

/// What is known of a recorded stream beside its blocks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recording {
    /// Says which generator, so that a recording of another one is made anew.
    pub generator: String,
    pub seed: u64,
    pub transfers: u64,
    pub transactions: u64,
    pub blocks: u32,
    /// Blocks beyond the scale, for the work that takes blocks in and undoes them.
    pub tail_blocks: u32,
    pub tail_transfers: u64,
    /// CAIP-19; the first is the chain's own.
    pub assets: Vec<String>,
    /// Addresses a walk does not go through, in hex.
    pub services: Vec<String>,
    /// The planted theft: who holds what was stolen (hex), and since when.
    pub thief: String,
    pub stolen_at: i64,
}

pub const CHAIN: model::Chain = model::Chain::ETHEREUM;
/// A short stream has no room for a hundred blocks after it.
pub fn tail_blocks(transfers: u64) -> u32 {
    if transfers < 100_000 { 10 } else { 100 }
}

pub fn rows_file(folder: &Path) -> PathBuf {
    folder.join("stream.bin")
}

fn head_file(folder: &Path) -> PathBuf {
    folder.join("stream.json")
}

impl Recording {
    pub fn read(folder: &Path) -> Result<Recording> {
        let path = head_file(folder);
        let text =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a recording", path.display()))
    }

    pub fn services(&self) -> Vec<Address> {
        self.services.iter().map(|text| from_hex(text)).collect()
    }

    pub fn thief(&self) -> Address {
        from_hex(&self.thief)
    }
}

/// Records a stream of `transfers`, and a tail of [`tail_blocks`] more.
/// Nothing is done where the same one lies there already.
pub fn record(transfers: u64, seed: u64, folder: &Path) -> Result<Recording> {
    let generator = crate::generate::Stream::name(transfers);
    if let Ok(found) = Recording::read(folder)
        && found.generator == generator
        && found.seed == seed
        && found.transfers >= transfers
    {
        return Ok(found);
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = rows_file(folder);
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let mut source = crate::generate::Stream::new(seed, transfers)?;
    let mut head = Recording {
        generator,
        seed,
        transfers: 0,
        transactions: 0,
        blocks: 0,
        tail_blocks: tail_blocks(transfers),
        tail_transfers: 0,
        assets: Vec::new(),
        services: Vec::new(),
        thief: String::new(),
        stolen_at: 0,
    };
    let mut last = 0;
    while head.transfers < transfers {
        let block = source.next_block()?;
        head.transfers += block.rows.len() as u64;
        head.transactions += block.transactions.len() as u64;
        head.blocks += 1;
        write_block(&mut out, &block)?;
        last = block.time;
    }
    for _ in 0..head.tail_blocks {
        let block = source.next_block()?;
        head.tail_transfers += block.rows.len() as u64;
        write_block(&mut out, &block)?;
    }
    out.flush().with_context(|| format!("cannot write {}", path.display()))?;
    head.assets = source.assets();
    head.services = source.services()?.iter().map(|address| to_hex(address)).collect();
    (head.thief, head.stolen_at) = {
        let (thief, at) = source.theft(last)?;
        (to_hex(&thief), at)
    };
    // Last, so that half a recording is none.
    let path = head_file(folder);
    std::fs::write(&path, serde_json::to_vec_pretty(&head)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(head)
}

fn write_block(out: &mut impl Write, block: &Block) -> Result<()> {
    out.write_all(&block.height.to_le_bytes())?;
    out.write_all(&block.time.to_le_bytes())?;
    out.write_all(&u32::try_from(block.transactions.len())?.to_le_bytes())?;
    out.write_all(&u32::try_from(block.rows.len())?.to_le_bytes())?;
    for tx in &block.transactions {
        out.write_all(&tx.hash)?;
        out.write_all(&tx.rows.to_le_bytes())?;
    }
    for row in &block.rows {
        let ends = u8::from(row.from.is_some()) | u8::from(row.to.is_some()) << 1;
        out.write_all(&[ends, row.asset])?;
        out.write_all(&row.from.unwrap_or_default())?;
        out.write_all(&row.to.unwrap_or_default())?;
        out.write_all(&row.position.to_le_bytes())?;
        out.write_all(&row.amount.to_le_bytes())?;
    }
    Ok(())
}

/// Reads a recorded stream, block by block.
pub struct Blocks {
    input: BufReader<File>,
    left: u32,
    buffer: Vec<u8>,
}

const TX_BYTES: usize = 36;
const ROW_BYTES: usize = 62;

impl Blocks {
    /// The blocks of the scale, without the tail.
    pub fn open(folder: &Path) -> Result<Blocks> {
        let head = Recording::read(folder)?;
        Blocks::of(folder, head.blocks)
    }

    /// The tail alone.
    pub fn tail(folder: &Path) -> Result<Vec<Block>> {
        let head = Recording::read(folder)?;
        let mut all = Blocks::of(folder, head.blocks + head.tail_blocks)?;
        for _ in 0..head.blocks {
            all.skip()?;
        }
        std::iter::from_fn(|| all.next().transpose()).collect()
    }

    fn of(folder: &Path, left: u32) -> Result<Blocks> {
        let path = rows_file(folder);
        let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Blocks { input: BufReader::with_capacity(1 << 20, file), left, buffer: Vec::new() })
    }

    fn head(&mut self) -> Result<(u32, i64, usize, usize)> {
        let mut head = [0; 20];
        self.input.read_exact(&mut head).context("the recorded stream ends too early")?;
        Ok((
            u32::from_le_bytes(part(&head, 0)),
            i64::from_le_bytes(part(&head, 4)),
            u32::from_le_bytes(part(&head, 12)) as usize,
            u32::from_le_bytes(part(&head, 16)) as usize,
        ))
    }

    fn skip(&mut self) -> Result<()> {
        let (_, _, transactions, rows) = self.head()?;
        self.left -= 1;
        let bytes = i64::try_from(transactions * TX_BYTES + rows * ROW_BYTES)?;
        Ok(self.input.seek_relative(bytes)?)
    }

    pub fn next(&mut self) -> Result<Option<Block>> {
        if self.left == 0 {
            return Ok(None);
        }
        let (height, time, transactions, rows) = self.head()?;
        self.left -= 1;
        self.buffer.resize(transactions * TX_BYTES + rows * ROW_BYTES, 0);
        self.input.read_exact(&mut self.buffer).context("the recorded stream ends too early")?;
        let (heads, rows) = self.buffer.split_at(transactions * TX_BYTES);
        Ok(Some(Block {
            height,
            time,
            transactions: heads.chunks_exact(TX_BYTES).map(read_transaction).collect(),
            rows: rows.chunks_exact(ROW_BYTES).map(read_row).collect(),
        }))
    }

    /// Blocks until there are at least so many rows, or no more blocks.
    pub fn batch(&mut self, rows: usize) -> Result<Vec<Block>> {
        let (mut blocks, mut count) = (Vec::new(), 0);
        while count < rows
            && let Some(block) = self.next()?
        {
            count += block.rows.len();
            blocks.push(block);
        }
        Ok(blocks)
    }
}

fn read_transaction(bytes: &[u8]) -> Transaction {
    Transaction { hash: part(bytes, 0), rows: u32::from_le_bytes(part(bytes, 32)) }
}

fn read_row(bytes: &[u8]) -> Row {
    Row {
        from: (bytes[0] & 1 != 0).then(|| part(bytes, 2)),
        to: (bytes[0] & 2 != 0).then(|| part(bytes, 22)),
        asset: bytes[1],
        position: u32::from_le_bytes(part(bytes, 42)),
        amount: u128::from_le_bytes(part(bytes, 46)),
    }
}

/// The `N` bytes at a place that is there.
pub fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("a slice of N bytes has N bytes")
}

impl Block {
    /// Every row with the transaction it stands in.
    pub fn each(&self) -> impl Iterator<Item = (u32, &Transaction, &Row)> {
        let mut rows = self.rows.iter();
        (0u32..).zip(&self.transactions).flat_map(move |(index, tx)| {
            let own: Vec<&Row> = rows.by_ref().take(tx.rows as usize).collect();
            own.into_iter().map(move |row| (index, tx, row))
        })
    }

    pub fn seen<'a>(&self, tx: &'a Transaction, row: &'a Row) -> Seen<'a> {
        Seen {
            hash: &tx.hash,
            position: row.position,
            from: row.from.as_ref().map(|a| &a[..]),
            to: row.to.as_ref().map(|a| &a[..]),
            asset: row.asset,
            amount: row.amount,
            time: self.time,
            height: self.height,
        }
    }
}

pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// # Panics
/// On anything but the hex this program wrote.
pub fn from_hex(text: &str) -> Address {
    let mut bytes = [0; 20];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).expect("hex we wrote ourselves");
    }
    bytes
}

/// `1M`, `250k`, `3000000`.
pub fn parse_scale(text: &str) -> Result<u64> {
    let (digits, factor) = match text.char_indices().last() {
        Some((at, 'M' | 'm')) => (&text[..at], 1_000_000),
        Some((at, 'k' | 'K')) => (&text[..at], 1_000),
        _ => (text, 1),
    };
    match digits.parse::<u64>() {
        Ok(count) if count > 0 => Ok(count * factor),
        _ => bail!("{text:?} is not a number of transfers: expected such as 10k, 1M or 100M"),
    }
}

pub fn scale_name(transfers: u64) -> String {
    match transfers {
        n if n % 1_000_000 == 0 => format!("{}M", n / 1_000_000),
        n if n % 1_000 == 0 => format!("{}k", n / 1_000),
        n => n.to_string(),
    }
}
