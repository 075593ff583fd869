//! A whole chain, from its columns, in one reading.

use hashbrown::HashMap;
use model::{
    Account, Asset, ColumnBatch, Columns, Timestamp, TransferId, TransferKind, U256, ViewError,
};

use super::apply::{Moved, Spending};
use super::{Books, Dealing, Entry, Output};
use crate::exposure::Marked;

/// What a sweep read, beside the books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    pub transfers: u64,
    pub time_last: Option<Timestamp>,
}

/// Where a sweep ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Below a block that can still be taken back. Rows from the time on are asked for their
    /// height.
    Block { time: Timestamp, height: u64 },
    /// With the last transfer of this time.
    Time(Timestamp),
}

/// Reads everything the columns hold, or what of it comes before an end. `told` is called now and then with how many transfers
/// were read.
pub fn sweep<'a>(
    columns: &mut dyn Columns,
    marked: &'a Marked,
    until: Option<Until>,
    told: &mut dyn FnMut(u64),
) -> Result<(Books<'a, u64>, Read), ViewError> {
    let mut sweep = Sweep {
        books: Books::new(marked),
        assets: columns.assets().to_vec(),
        numbers: vec![NONE; columns.account_count()],
        open: None,
        waiting: HashMap::new(),
        parked: Vec::new(),
        made: hashbrown::HashSet::new(),
    };
    let mut read = Read::default();
    let mut batch = ColumnBatch::default();
    let is_utxo = sweep.assets.first().is_some_and(|asset| asset.chain.is_utxo());
    columns.rewind(None)?;
    while columns.next(&mut batch)? {
        let is_left_out = left_out(columns, &batch, until)?;
        for n in 0..batch.len() {
            if is_left_out.get(n) == Some(&true) {
                continue;
            }
            read.transfers += 1;
            read.time_last = read.time_last.max(Some(batch.times[n]));
            match is_utxo {
                true => sweep.leg(columns, &batch, n)?,
                false => sweep.transfer(columns, &batch, n)?,
            }
        }
        told(read.transfers);
    }
    sweep.finish();
    Ok((sweep.books, read))
}

/// Which rows of a batch are above; empty where none is.
fn left_out(
    columns: &dyn Columns,
    batch: &ColumnBatch,
    until: Option<Until>,
) -> Result<Vec<bool>, ViewError> {
    match until {
        Some(Until::Time(last)) => Ok(batch.times.iter().map(|time| *time > last).collect()),
        Some(Until::Block { time, height }) if batch.times.iter().any(|at| *at >= time) => {
            let whole = columns.transfers(&batch.ordinals)?;
            Ok(whole.iter().map(|t| t.height.is_some_and(|at| at >= height)).collect())
        }
        _ => Ok(Vec::new()),
    }
}

const NONE: u32 = u32::MAX;

struct Sweep<'a> {
    books: Books<'a, u64>,
    assets: Vec<Asset>,
    /// The books' numbers by the columns'.
    numbers: Vec<u32>,
    open: Option<Open>,
    /// Bitcoin: a child may stand before its parent, since blocks' times need not rise. It waits
    /// for the outputs it spends. By output: who waits.
    waiting: HashMap<u64, Vec<usize>>,
    parked: Vec<Option<Open>>,
    /// Outputs that were made: their ordinals.
    made: hashbrown::HashSet<u64>,
}

/// The Bitcoin transaction whose legs are going by.
#[derive(Default)]
struct Open {
    number: u64,
    asset: u32,
    time: Timestamp,
    is_coinbase: bool,
    inputs: Vec<(Option<u64>, u32, U256)>,
    outputs: Vec<(u64, u32, U256)>,
}

impl Sweep<'_> {
    fn transfer(
        &mut self,
        columns: &dyn Columns,
        batch: &ColumnBatch,
        n: usize,
    ) -> Result<(), ViewError> {
        let from = self.account(columns, batch.from[n])?;
        let to = self.account(columns, batch.to[n])?;
        self.books.transfer(&Moved {
            id: batch.ordinals[n],
            from,
            to,
            asset: &self.assets[batch.assets[n] as usize],
            base: batch.amounts[n],
            time: batch.times[n],
            kind: batch.kinds[n],
        });
        Ok(())
    }

    fn account(&mut self, columns: &dyn Columns, number: u32) -> Result<Option<u32>, ViewError> {
        if number == ColumnBatch::NOBODY {
            return Ok(None);
        }
        if self.numbers[number as usize] == NONE {
            self.numbers[number as usize] = self.books.account(columns.account(number)?);
        }
        Ok(Some(self.numbers[number as usize]))
    }

    fn leg(
        &mut self,
        columns: &dyn Columns,
        batch: &ColumnBatch,
        n: usize,
    ) -> Result<(), ViewError> {
        let number = batch.transactions[n];
        if self.open.as_ref().is_some_and(|open| open.number != number) {
            self.close();
        }
        let from = self.account(columns, batch.from[n])?;
        let to = self.account(columns, batch.to[n])?;
        let open = self.open.get_or_insert_with(|| Open {
            number,
            asset: batch.assets[n],
            time: batch.times[n],
            ..Open::default()
        });
        open.is_coinbase |= batch.kinds[n] == TransferKind::Reward;
        let spent = Some(batch.spends[n]).filter(|spent| *spent != ColumnBatch::NONE);
        if let Some(from) = from {
            open.inputs.push((spent, from, batch.amounts[n]));
        } else if let Some(to) = to {
            open.outputs.push((batch.ordinals[n], to, batch.amounts[n]));
        }
        Ok(())
    }

    /// Settles the open transaction, and those that waited for it; or it waits itself.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let missing = self.missing(&open);
        if missing.is_empty() {
            return self.settle(open);
        }
        let place = self.parked.len();
        self.parked.push(Some(open));
        missing.into_iter().for_each(|out| self.waiting.entry(out).or_default().push(place));
    }

    fn missing(&self, open: &Open) -> Vec<u64> {
        let spent = open.inputs.iter().filter_map(|input| input.0);
        spent.filter(|spent| !self.made.contains(spent)).collect()
    }

    fn settle(&mut self, first: Open) {
        let mut ready = vec![first];
        while let Some(open) = ready.pop() {
            self.books.spending(&Spending {
                asset: &self.assets[open.asset as usize],
                time: open.time,
                is_coinbase: open.is_coinbase,
                inputs: &open.inputs,
                outputs: &open.outputs,
            });
            open.inputs.iter().filter_map(|input| input.0).for_each(|spent| {
                self.made.remove(&spent);
            });
            self.made.extend(open.outputs.iter().map(|output| output.0));
            for out in open.outputs.iter().map(|output| output.0) {
                for place in self.waiting.remove(&out).unwrap_or_default() {
                    let is_free = self.parked[place]
                        .as_ref()
                        .is_some_and(|open| self.missing(open).is_empty());
                    if is_free {
                        ready.extend(self.parked[place].take());
                    }
                }
            }
        }
    }

    /// What still waits spends outputs that never came: a circle cannot be, so it is data that
    /// contradicts itself. It is settled as it stands.
    fn finish(&mut self) {
        self.close();
        for place in 0..self.parked.len() {
            if let Some(open) = self.parked[place].take() {
                self.settle(open);
            }
        }
    }
}

/// What is to be kept, by transfer ids.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub entries: Vec<(Account, Entry<TransferId>)>,
    pub outputs: Vec<(TransferId, Output)>,
}

/// Names transfers by their ids, some thousands at a time; hands each on as it comes.
pub fn resolve(
    books: &Books<'_, u64>,
    columns: &dyn Columns,
    keep: &mut dyn FnMut(Kept) -> Result<(), ViewError>,
) -> Result<(), ViewError> {
    const AT_ONCE: usize = 4096;
    for entries in books.entries().chunks(AT_ONCE) {
        let mut wanted: Vec<u64> =
            entries.iter().flat_map(|e| e.1.dealings.values().map(|d| d.largest)).collect();
        let ids = ids(columns, &mut wanted)?;
        let entries =
            entries.iter().map(|(account, entry)| ((*account).clone(), named(entry, &ids)));
        keep(Kept { entries: entries.collect(), outputs: Vec::new() })?;
    }
    let mut outputs: Vec<(&u64, &Output)> = books.outputs().collect();
    outputs.sort_unstable_by_key(|(ordinal, _)| **ordinal);
    for outputs in outputs.chunks(AT_ONCE) {
        let mut wanted: Vec<u64> = outputs.iter().map(|(ordinal, _)| **ordinal).collect();
        let ids = ids(columns, &mut wanted)?;
        let outputs =
            outputs.iter().map(|(ordinal, output)| (ids[*ordinal].clone(), (*output).clone()));
        keep(Kept { entries: Vec::new(), outputs: outputs.collect() })?;
    }
    Ok(())
}

fn ids(
    columns: &dyn Columns,
    wanted: &mut Vec<u64>,
) -> Result<HashMap<u64, TransferId>, ViewError> {
    wanted.sort_unstable();
    wanted.dedup();
    let transfers = columns.transfers(wanted)?;
    Ok(wanted.iter().copied().zip(transfers.iter().map(model::Transfer::id)).collect())
}

fn named(entry: &Entry<u64>, ids: &HashMap<u64, TransferId>) -> Entry<TransferId> {
    let dealing = |dealing: &Dealing<u64>| Dealing {
        base: dealing.base,
        count: dealing.count,
        first: dealing.first,
        last: dealing.last,
        largest_base: dealing.largest_base,
        largest: ids[&dealing.largest].clone(),
    };
    Entry {
        transfers: entry.transfers,
        holdings: entry.holdings.clone(),
        dealings: entry.dealings.iter().map(|(key, one)| (key.clone(), dealing(one))).collect(),
    }
}
