//! A chain as columns, straight from its segments.
//!
//! Layers that share no time are decoded a group of rows at a time, one after the other; those that do
//! are merged entry by entry. What is masked or hidden is left out. An ordinal is a row's place in its
//! layer, counted on from the layers before. Where there is much to read, a second thread decodes.

mod ahead;
mod names;
mod reader;

use std::collections::VecDeque;

use model::{Account, Asset, Timestamp, Transfer, ViewError};
use model::{ColumnBatch, Columns};

use super::past::Past;
use super::{Snapshot, answer};
use crate::StoreError;
use crate::segment::Segment;
use ahead::Ahead;
use names::{Known, Names};
use reader::Reader;

pub(super) struct SegmentColumns<'a> {
    /// None: nothing of this chain is held.
    names: Option<Names<'a>>,
    waiting: VecDeque<Vec<usize>>,
    /// Layers that share time: mostly one.
    open: Vec<Reader<'a>>,
    since: Option<Timestamp>,
    /// Whom a second thread would ask, and the one that reads ahead.
    snapshot: Option<&'a Snapshot>,
    ahead: Option<Ahead>,
    is_done: bool,
}

/// Fewer rows are decoded sooner than a thread is started.
const MANY: u64 = 1 << 16;

impl<'a> SegmentColumns<'a> {
    pub fn new(
        snapshot: &'a Snapshot,
        past: Option<&'a Past>,
    ) -> Result<SegmentColumns<'a>, StoreError> {
        let names = past.map(Names::new).transpose()?;
        let rows = past.into_iter().flat_map(|past| &past.layers);
        let rows: u64 = rows.map(|layer| u64::from(layer.segment.head().rows)).sum();
        let is_much =
            rows >= MANY && std::thread::available_parallelism().is_ok_and(|n| n.get() > 1);
        Ok(SegmentColumns::start(names, is_much.then_some(snapshot)))
    }

    /// What reads by itself.
    fn alone(past: Option<&'a Past>, known: Known) -> SegmentColumns<'a> {
        SegmentColumns::start(past.map(|past| Names { past, known }), None)
    }

    fn start(names: Option<Names<'a>>, snapshot: Option<&'a Snapshot>) -> SegmentColumns<'a> {
        let (waiting, open) = (VecDeque::new(), Vec::new());
        let mut columns = SegmentColumns {
            names,
            waiting,
            open,
            since: None,
            snapshot,
            ahead: None,
            is_done: false,
        };
        columns.restart(None);
        columns
    }

    fn restart(&mut self, since: Option<Timestamp>) {
        self.ahead = None;
        self.is_done = false;
        self.open.clear();
        self.waiting.clear();
        self.since = since;
        if let Some(names) = &self.names {
            let layers = &names.past.layers;
            let asked = |at: &usize| layers[*at].is_between(since, None);
            self.waiting.extend(names.past.runs((0..layers.len()).filter(asked)));
        }
    }

    fn read(&mut self, batch: &mut ColumnBatch) -> Result<(), StoreError> {
        let Some(names) = &self.names else { return Ok(()) };
        while batch.is_empty() {
            if self.open.is_empty() {
                let Some(run) = self.waiting.pop_front() else { return Ok(()) };
                for at in run {
                    self.open.push(Reader::new(names.past, at, self.since)?);
                }
            }
            match self.open.as_mut_slice() {
                [one] => match one.load()? {
                    true => one.put_group(names, batch)?,
                    false => self.open.clear(),
                },
                several => {
                    merge(several, names, batch)?;
                    self.open.retain(|reader| !reader.is_done());
                }
            }
        }
        Ok(())
    }
}

/// A batch of layers that share time, entry by entry; fewer where one of them ends.
fn merge(
    readers: &mut [Reader<'_>],
    names: &Names<'_>,
    batch: &mut ColumnBatch,
) -> Result<(), StoreError> {
    while batch.len() < Segment::GROUP as usize {
        let mut first: Option<usize> = None;
        for at in 0..readers.len() {
            if !readers[at].load()? {
                return Ok(());
            }
            readers[at].find_key()?;
            if first.is_none_or(|first| readers[at].key < readers[first].key) {
                first = Some(at);
            }
        }
        let Some(first) = first else { return Ok(()) };
        readers[first].put_entry(names, batch)?;
    }
    Ok(())
}

impl Columns for SegmentColumns<'_> {
    fn account_count(&self) -> usize {
        self.names.as_ref().map_or(0, |names| names.known.numbering.count as usize)
    }

    fn number(&self, account: &Account) -> Result<Option<u32>, ViewError> {
        let Some(names) = &self.names else { return Ok(None) };
        answer(&format!("number {account}"), names.number(account))
    }

    fn account(&self, number: u32) -> Result<Account, ViewError> {
        let found = match &self.names {
            Some(names) => answer("name an account", names.account(number))?,
            None => None,
        };
        found.ok_or_else(|| ViewError::new(format!("there is no account numbered {number}")))
    }

    fn assets(&self) -> &[Asset] {
        self.names.as_ref().map_or(&[], |names| &names.known.assets)
    }

    fn next(&mut self, batch: &mut ColumnBatch) -> Result<bool, ViewError> {
        if self.is_done {
            batch.clear();
            return Ok(false);
        }
        if self.ahead.is_none()
            && let (Some(snapshot), Some(names)) = (self.snapshot, &self.names)
        {
            let (chain, known) = (names.past.chain, names.known.clone());
            self.ahead = Ahead::start(snapshot.clone(), chain, known, self.since);
        }
        match &mut self.ahead {
            Some(ahead) => answer("read columns", ahead.next(batch))?,
            None => {
                batch.clear();
                answer("read columns", self.read(batch))?;
            }
        }
        self.is_done = batch.is_empty();
        Ok(!self.is_done)
    }

    fn rewind(&mut self, since: Option<Timestamp>) -> Result<(), ViewError> {
        self.restart(since);
        Ok(())
    }

    fn transfers(&self, ordinals: &[u64]) -> Result<Vec<Transfer>, ViewError> {
        let one = |ordinal: &u64| {
            let found = match &self.names {
                Some(names) => answer("read a transfer", names.transfer(*ordinal))?,
                None => None,
            };
            found.ok_or_else(|| ViewError::new(format!("there is no transfer numbered {ordinal}")))
        };
        ordinals.iter().map(one).collect()
    }
}
