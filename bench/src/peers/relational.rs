//! Contenders that keep numbered rows in tables.
//!
//! Addresses, transactions and transfers are numbered as they come, so that the
//! number of a transfer rises with time and postings can be keyed by (address,
//! transfer). Time and height of a transfer follow from the block its number falls
//! into; the blocks (a row each) are held in memory once a store is open.
//!
//! Peers are spared one thing the product does: they trust that a batch brings no
//! transaction they already have.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};

use crate::contender::{Contender, Traced};
use crate::digest::{Rows, Seen};
use crate::stream::{Address, Block, Hash, Recording};
use crate::sweep::{Move, NOBODY, Policy, Sweep, Swept};
use crate::truth::PAGE_ROWS;
use crate::walk::{PER_ACCOUNT, Step, walk};

/// Where the numbers stand after a block.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockRow {
    pub height: u32,
    pub time: i64,
    pub transfers: u64,
    pub transactions: u32,
    pub addresses: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub transaction: u32,
    /// [`NOBODY`] where there is none.
    pub from: u32,
    pub to: u32,
    pub asset: u8,
    pub position: u32,
    pub amount: u128,
}

/// What a batch adds, numbered: the first of each kind has the number `before` says.
pub struct Batch {
    pub before: BlockRow,
    pub addresses: Vec<Address>,
    /// Hash, and the number of its first transfer.
    pub transactions: Vec<(Hash, u64)>,
    pub transfers: Vec<Record>,
    pub blocks: Vec<BlockRow>,
}

/// A transfer, its numbers resolved.
pub struct Whole<'a> {
    pub hash: &'a [u8],
    pub from: Option<&'a [u8]>,
    pub to: Option<&'a [u8]>,
    pub asset: u8,
    pub position: u32,
    pub amount: u128,
}

pub type Visit<'a> = &'a mut dyn FnMut(u64, &Whole<'_>);

pub trait Tables {
    /// Every block, in order.
    fn blocks(&mut self) -> Result<Vec<BlockRow>>;

    /// The numbers of addresses, given sorted.
    fn find(&mut self, sorted: &[Address]) -> Result<Vec<Option<u32>>>;

    /// Writes a batch, all or nothing, and durably.
    fn write(&mut self, batch: &Batch) -> Result<()>;

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }

    /// The first transfers each account sent from a transfer on, with who got them.
    fn sent(
        &mut self,
        frontier: &[(u32, u64)],
        limit: usize,
        out: &mut Vec<(u64, u32)>,
    ) -> Result<()>;

    /// The first rows sent or the latest received.
    fn page(&mut self, account: u32, is_sent: bool, limit: usize, visit: Visit<'_>) -> Result<()>;

    /// Transfers by ascending number.
    fn rows(&mut self, sorted: &[u64], visit: Visit<'_>) -> Result<()>;

    /// Addresses by ascending number, in that order.
    fn addresses(&mut self, sorted: &[u32]) -> Result<Vec<Address>>;

    /// All transfers of an asset in order: number, from, to, amount.
    fn scan(&mut self, asset: u8, visit: &mut dyn FnMut(u64, Move)) -> Result<()>;

    /// Takes away all that is numbered from `keep` on.
    fn undo(&mut self, keep: &BlockRow) -> Result<()>;

    /// See [`Contender::bytes`].
    fn bytes(&mut self) -> Result<Option<u64>> {
        Ok(None)
    }

    fn processes(&self) -> Vec<u32> {
        Vec::new()
    }
}

pub struct Relational<T> {
    tables: T,
    blocks: Vec<BlockRow>,
    /// Addresses met lately, so that not each one is asked for.
    known: HashMap<Address, u32>,
    services: Vec<Address>,
    thief: Address,
    stolen_at: i64,
}

/// Some 250 MB.
const KNOWN_MAX: usize = 4_000_000;

impl<T: Tables> Relational<T> {
    pub fn new(mut tables: T, head: &Recording) -> Result<Relational<T>> {
        let blocks = tables.blocks()?;
        Ok(Relational {
            tables,
            blocks,
            known: HashMap::new(),
            services: head.services(),
            thief: head.thief(),
            stolen_at: head.stolen_at,
        })
    }

    fn end(&self) -> BlockRow {
        self.blocks.last().copied().unwrap_or_default()
    }

    fn number(&mut self, blocks: &[Block]) -> Result<Batch> {
        let before = self.end();
        self.look_up(blocks)?;
        let mut batch = Batch {
            before,
            addresses: Vec::new(),
            transactions: Vec::new(),
            transfers: Vec::new(),
            blocks: Vec::new(),
        };
        let mut end = before;
        for block in blocks {
            for (_, tx, row) in block.each() {
                if batch.transactions.last().is_none_or(|(hash, _)| *hash != tx.hash) {
                    batch.transactions.push((tx.hash, end.transfers));
                    end.transactions += 1;
                }
                let mut name = |address: Option<Address>| {
                    let Some(address) = address else { return NOBODY };
                    *self.known.entry(address).or_insert_with(|| {
                        batch.addresses.push(address);
                        end.addresses += 1;
                        end.addresses - 1
                    })
                };
                let (from, to) = (name(row.from), name(row.to));
                batch.transfers.push(Record {
                    transaction: end.transactions - 1,
                    from,
                    to,
                    asset: row.asset,
                    position: row.position,
                    amount: row.amount,
                });
                end.transfers += 1;
            }
            batch.blocks.push(BlockRow { height: block.height, time: block.time, ..end });
        }
        Ok(batch)
    }

    /// Makes `known` know every address of these blocks that has a number.
    fn look_up(&mut self, blocks: &[Block]) -> Result<()> {
        if self.known.len() > KNOWN_MAX {
            self.known.clear();
        }
        let rows = blocks.iter().flat_map(|block| &block.rows);
        let ends = rows.flat_map(|row| [row.from, row.to]).flatten();
        let asked: HashSet<Address> = ends.filter(|end| !self.known.contains_key(end)).collect();
        let mut asked: Vec<Address> = asked.into_iter().collect();
        asked.sort_unstable();
        let found = self.tables.find(&asked)?;
        let found = asked.into_iter().zip(found);
        self.known.extend(found.filter_map(|(address, number)| Some((address, number?))));
        Ok(())
    }

    fn find_one(&mut self, address: &Address) -> Result<Option<u32>> {
        Ok(self.tables.find(std::slice::from_ref(address))?.pop().flatten())
    }

    fn services(&mut self) -> Result<Vec<u32>> {
        let mut sorted = self.services.clone();
        sorted.sort_unstable();
        Ok(self.tables.find(&sorted)?.into_iter().flatten().collect())
    }
}

/// The number of the first transfer not before this time.
fn first_at(blocks: &[BlockRow], time: i64) -> u64 {
    let after = blocks.partition_point(|block| block.time < time);
    after.checked_sub(1).map_or(0, |last| blocks[last].transfers)
}

fn block_of(blocks: &[BlockRow], transfer: u64) -> &BlockRow {
    &blocks[blocks.partition_point(|block| block.transfers <= transfer)]
}

fn seen<'a>(blocks: &[BlockRow], transfer: u64, whole: &Whole<'a>) -> Seen<'a> {
    let block = block_of(blocks, transfer);
    Seen {
        hash: whole.hash,
        position: whole.position,
        from: whole.from,
        to: whole.to,
        asset: whole.asset,
        amount: whole.amount,
        time: block.time,
        height: block.height,
    }
}

impl<T: Tables> Contender for Relational<T> {
    fn ingest(&mut self, blocks: &[Block]) -> Result<()> {
        let batch = self.number(blocks)?;
        self.tables.write(&batch)?;
        self.blocks.extend(batch.blocks);
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.tables.finish()
    }

    fn page(&mut self, address: &Address, is_sent: bool) -> Result<Rows> {
        let mut rows = Rows::default();
        if let Some(account) = self.find_one(address)? {
            let blocks = &self.blocks;
            self.tables.page(account, is_sent, PAGE_ROWS, &mut |transfer, whole| {
                rows.add(&seen(blocks, transfer, whole));
            })?;
        }
        Ok(rows)
    }

    fn trace(&mut self, source: &Address, since: i64, is_whole: bool) -> Result<Traced> {
        let services: HashSet<u32> = self.services()?.into_iter().collect();
        let source = self.find_one(source)?.context("the source of a trace is not there")?;
        let (tables, blocks) = (&mut self.tables, &self.blocks);
        let mut followed = Vec::new();
        let arrivals = walk(source, since, &services, |frontier, steps| {
            let seek = |(account, since): &(u32, i64)| (*account, first_at(blocks, *since));
            let frontier: Vec<(u32, u64)> = frontier.iter().map(seek).collect();
            let before = followed.len();
            tables.sent(&frontier, PER_ACCOUNT, &mut followed)?;
            steps.extend(followed[before..].iter().map(|(transfer, to)| {
                let time = block_of(blocks, *transfer).time;
                Step { to: (*to != NOBODY).then_some(*to), time }
            }));
            Ok(())
        })?;
        let mut traced = Traced::default();
        if is_whole {
            traced.rows = whole_rows(tables, blocks, &followed)?;
        }
        let mut numbers: Vec<u32> = arrivals.keys().copied().collect();
        numbers.sort_unstable();
        for (number, address) in numbers.iter().zip(tables.addresses(&numbers)?) {
            traced.reached.add(&address, arrivals[number]);
        }
        Ok(traced)
    }

    fn sweep(&mut self, policy: Policy) -> Result<Swept> {
        let services = self.services()?;
        let thief = self.thief;
        let thief = self.find_one(&thief)?.context("the thief is not there")?;
        let since = first_at(&self.blocks, self.stolen_at);
        let mut sweep = Sweep::new(policy, self.end().addresses as usize, thief, services);
        self.tables.scan(0, &mut |transfer, next| sweep.step(next, transfer >= since))?;
        sweep.finish()
    }

    fn undo(&mut self, blocks: u32) -> Result<()> {
        let left = self.blocks.len() - blocks as usize;
        let keep = self.blocks[left - 1];
        self.tables.undo(&keep)?;
        self.blocks.truncate(left);
        // Addresses that went are not known any more.
        self.known.retain(|_, number| *number < keep.addresses);
        Ok(())
    }

    fn bytes(&mut self) -> Result<Option<u64>> {
        self.tables.bytes()
    }

    fn processes(&self) -> Vec<u32> {
        self.tables.processes()
    }
}

/// Rows that were followed more than once are fetched once.
fn whole_rows<T: Tables>(
    tables: &mut T,
    blocks: &[BlockRow],
    followed: &[(u64, u32)],
) -> Result<Rows> {
    let mut ids: Vec<u64> = followed.iter().map(|(transfer, _)| *transfer).collect();
    ids.sort_unstable();
    let mut times: Vec<u64> = Vec::new();
    let mut distinct: Vec<u64> = Vec::new();
    for id in ids {
        if distinct.last() == Some(&id) {
            *times.last_mut().expect("as long as distinct") += 1;
        } else {
            distinct.push(id);
            times.push(1);
        }
    }
    let mut rows = Rows::default();
    let mut at = 0;
    tables.rows(&distinct, &mut |transfer, whole| {
        // In ascending order, as asked.
        while distinct[at] != transfer {
            at += 1;
        }
        rows.add_times(&seen(blocks, transfer, whole), times[at]);
    })?;
    Ok(rows)
}

/// An amount in as few bytes as hold it, the highest first.
pub fn short(amount: u128) -> ([u8; 16], usize) {
    let zeros = (amount.leading_zeros() / 8) as usize;
    (amount.to_be_bytes(), zeros)
}

pub fn long(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |amount, byte| amount << 8 | u128::from(*byte))
}

/// A hash is found by its first bytes and then compared: an index on whole random
/// hashes would be four times as large.
pub fn prefix(hash: &Hash) -> i64 {
    i64::from_be_bytes(crate::stream::part(hash, 0))
}
