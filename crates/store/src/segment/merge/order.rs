//! Merges entries by time, and remembers in runs where each stretch of an input went.

use std::cmp::Ordering;

use super::Input;
use super::cursors::EntryCursor;
use crate::StoreError;
use crate::segment::entries::EntryRecord;
use crate::segment::write::cmp_hashes;
use crate::segment::{NOBODY, TxHash};

/// Entries that follow each other in an input and in what is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub input: usize,
    pub old: u32,
    pub new: u32,
    pub entries: u32,
    pub old_row: u32,
    pub new_row: u32,
    pub rows: u32,
}

pub(super) struct Order {
    pub runs: Vec<Run>,
    pub entries: u32,
    pub rows: u32,
    /// Told claims in their new order: an input and their number there.
    pub told: Vec<(usize, u32)>,
    /// The runs of each input.
    of_input: Vec<Vec<Run>>,
    /// Where an input has many runs: the new number of each of its entries and rows.
    tables: Vec<Option<Tables>>,
}

struct Tables {
    entries: Vec<u32>,
    rows: Vec<u32>,
}

/// Up to this many runs a search is quicker than a table in memory.
const RUNS: usize = 64;

impl Order {
    pub(super) fn new(inputs: usize) -> Order {
        Order {
            runs: Vec::new(),
            entries: 0,
            rows: 0,
            told: Vec::new(),
            of_input: vec![Vec::new(); inputs],
            tables: Vec::new(),
        }
    }

    /// Notes the next entry, and how many rows it has.
    pub(super) fn add(
        &mut self,
        input: usize,
        old: u32,
        old_row: u32,
        rows: u32,
    ) -> Result<(), StoreError> {
        let many = || StoreError::value("merge segments", "they have 2^32 rows or more");
        let last = self.runs.last_mut().filter(|run| {
            run.input == input && run.old + run.entries == old && run.old_row + run.rows == old_row
        });
        match last {
            Some(run) => {
                run.entries += 1;
                run.rows += rows;
            }
            None => {
                let (new, new_row) = (self.entries, self.rows);
                self.runs.push(Run { input, old, new, entries: 1, old_row, new_row, rows });
            }
        }
        self.entries = self.entries.checked_add(1).ok_or_else(many)?;
        self.rows = self.rows.checked_add(rows).ok_or_else(many)?;
        Ok(())
    }

    pub(super) fn add_told(&mut self, input: usize, number: u32) -> u32 {
        self.told.push((input, number));
        u32::try_from(self.told.len() - 1).expect("no more than entries")
    }

    /// Makes old numbers findable, once all entries were added.
    pub(super) fn index(&mut self, inputs: &[Input]) {
        for run in &self.runs {
            self.of_input[run.input].push(*run);
        }
        let tables = inputs.iter().zip(&self.of_input).map(|(input, runs)| {
            let head = &input.segment.head;
            (runs.len() > RUNS).then(|| Tables::new(runs, head.entries, head.rows))
        });
        self.tables = tables.collect();
    }

    /// The new number of an entry; none where it is masked.
    #[inline]
    pub(super) fn entry(&self, input: usize, old: u32) -> Option<u32> {
        if let Some(tables) = &self.tables[input] {
            return tables.entries.get(old as usize).copied().filter(|new| *new != NOBODY);
        }
        let runs = &self.of_input[input];
        let run = runs[..runs.partition_point(|run| run.old <= old)].last()?;
        let offset = old - run.old;
        (offset < run.entries).then(|| run.new + offset)
    }

    /// The new number of a row; none where its entry is masked.
    #[inline]
    pub(super) fn row(&self, input: usize, old: u32) -> Option<u32> {
        if let Some(tables) = &self.tables[input] {
            return tables.rows.get(old as usize).copied().filter(|new| *new != NOBODY);
        }
        let runs = &self.of_input[input];
        // A run without rows starts where the next one does: the last that starts here is meant.
        let run = runs[..runs.partition_point(|run| run.old_row <= old)].last()?;
        let offset = old - run.old_row;
        (offset < run.rows).then(|| run.new_row + offset)
    }
}

impl Tables {
    fn new(runs: &[Run], entries: u32, rows: u32) -> Tables {
        let mut tables =
            Tables { entries: vec![NOBODY; entries as usize], rows: vec![NOBODY; rows as usize] };
        for run in runs {
            fill(&mut tables.entries, run.old, run.new, run.entries);
            fill(&mut tables.rows, run.old_row, run.new_row, run.rows);
        }
        tables
    }
}

fn fill(table: &mut [u32], old: u32, new: u32, len: u32) {
    let places = table.iter_mut().skip(old as usize).take(len as usize);
    for (place, number) in places.zip(new..) {
        *place = number;
    }
}

/// Calls back with each entry that is not masked, in order: its input, its number and record there,
/// and how many rows it has.
pub(super) fn merge(
    inputs: &[Input],
    mut visit: impl FnMut(usize, u32, &EntryRecord, u32) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut heads = Vec::new();
    for (at, input) in inputs.iter().enumerate() {
        let mut head =
            Next { input: at, of: *input, cursor: EntryCursor::new(input), at: 0, now: None };
        head.skip_masked()?;
        heads.push(head);
    }
    heads.retain(|head| head.now.is_some());
    while !heads.is_empty() {
        heads.sort_by(Next::cmp);
        let (first, others) = heads.split_first_mut().expect("it is not empty");
        // As long as the first stays first, the others need not be asked.
        while let Some(record) = first.now {
            match others.first().map(|next| (*first).cmp(next)) {
                Some(Ordering::Equal) => {
                    let why = "two of them have an entry of one transaction at one time and place";
                    return Err(StoreError::value("merge segments", why));
                }
                Some(Ordering::Greater) => break,
                _ => {}
            }
            let rows = first.of.segment.rows_from(first.at, record.record.first_row)?;
            visit(first.input, first.at, &record.record, rows.end - rows.start)?;
            first.at += 1;
            first.skip_masked()?;
        }
        heads.retain(|head| head.now.is_some());
    }
    Ok(())
}

/// The next entry of one input.
struct Next<'a> {
    input: usize,
    of: Input<'a>,
    cursor: EntryCursor<'a>,
    at: u32,
    now: Option<Now>,
}

#[derive(Clone, Copy)]
struct Now {
    record: EntryRecord,
    hash: TxHash,
}

impl Next<'_> {
    fn skip_masked(&mut self) -> Result<(), StoreError> {
        let entries = self.of.segment.head.entries;
        while self.at < entries && self.of.is_masked(self.at) {
            self.at += 1;
        }
        self.now = if self.at < entries {
            let hash = self.of.segment.entry_hash(self.at)?;
            Some(Now { record: self.cursor.get(self.at)?, hash })
        } else {
            None
        };
        Ok(())
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let (Some(a), Some(b)) = (&self.now, &other.now) else { return Ordering::Less };
        let key = |record: &EntryRecord| (record.time, record.height, record.tx_index);
        key(&a.record).cmp(&key(&b.record)).then_with(|| cmp_hashes(a.hash.bytes(), b.hash.bytes()))
    }
}
