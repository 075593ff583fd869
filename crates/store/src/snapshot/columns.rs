//! A chain as columns, straight from its segments.
//!
//! Layers that share no time are decoded a group of rows at a time, one after the other; those that do
//! are merged entry by entry. What is masked or hidden is left out. An ordinal is a row's place in its
//! layer, counted on from the layers before.

mod names;
mod reader;

use std::collections::VecDeque;

use model::{Account, Asset, Timestamp, Transfer, ViewError};
use model::{ColumnBatch, Columns};

use super::answer;
use super::past::Past;
use crate::StoreError;
use crate::segment::Segment;
use names::Names;
use reader::Reader;

pub(super) struct SegmentColumns<'a> {
    /// None: nothing of this chain is held.
    names: Option<Names<'a>>,
    waiting: VecDeque<Vec<usize>>,
    /// Layers that share time: mostly one.
    open: Vec<Reader<'a>>,
    since: Option<Timestamp>,
}

impl<'a> SegmentColumns<'a> {
    pub fn new(past: Option<&'a Past>) -> Result<SegmentColumns<'a>, StoreError> {
        let names = past.map(Names::new).transpose()?;
        let (waiting, open) = (VecDeque::new(), Vec::new());
        let mut columns = SegmentColumns { names, waiting, open, since: None };
        columns.restart(None);
        Ok(columns)
    }

    fn restart(&mut self, since: Option<Timestamp>) {
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
        self.names.as_ref().map_or(0, |names| names.numbering.count as usize)
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
        self.names.as_ref().map_or(&[], |names| &names.assets)
    }

    fn next(&mut self, batch: &mut ColumnBatch) -> Result<bool, ViewError> {
        batch.clear();
        answer("read columns", self.read(batch))?;
        Ok(!batch.is_empty())
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
