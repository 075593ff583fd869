//! Bitcoin: what inputs spend. An output may come after the input that spends
//! it, change, or fall with its block.

use super::Seal;
use crate::StoreError;
use crate::ingest::older::{Made, find_all, output_at};
use crate::segment::NOBODY;

/// An input that spends what this run does not hold.
struct Wanted {
    row: usize,
    hash: u32,
    index: u32,
}

impl Seal<'_> {
    /// Older transactions that spend what was made, changed or taken back here.
    pub(super) fn touch_spenders(&mut self, told: &[u32]) -> Result<(), StoreError> {
        for hash in told {
            if !self.older.contains_key(hash) {
                self.touch_waiting(*hash)?;
            }
        }
        let known: Vec<u32> = self.older.keys().copied().collect();
        for hash in known {
            self.touch_changed(hash)?;
        }
        Ok(())
    }

    /// Nobody knew this transaction: only inputs that wait for it may spend it.
    fn touch_waiting(&mut self, hash: u32) -> Result<(), StoreError> {
        let outputs = self.made(hash).unwrap_or_default().len();
        if outputs == 0 {
            return Ok(());
        }
        for (at, layer) in self.layers.iter().enumerate() {
            if layer.unresolved_inputs() == 0 {
                continue;
            }
            for row in layer.segment.unresolved_spenders(self.buffer.hashes.get(hash))? {
                let entry = layer.segment.row_entry(row)?;
                let index = layer.segment.previous(row)?.map(|(_, index)| index);
                let is_made = index.is_some_and(|index| (index as usize) < outputs);
                if is_made && layer.is_visible(entry) {
                    self.touch(at, entry)?;
                }
            }
        }
        Ok(())
    }

    /// Its outputs were known, and some are others now.
    fn touch_changed(&mut self, hash: u32) -> Result<(), StoreError> {
        let Some(made) = self.made(hash) else { return Ok(()) };
        let before = self.older[&hash].outputs.clone();
        let now: Vec<Made> = made.map(|row| self.made_at(row as usize)).collect();
        for index in 0..before.len().max(now.len()) {
            if before.get(index) != now.get(index) {
                let index = super::number(index);
                self.touch_spenders_of(hash, index)?;
            }
        }
        Ok(())
    }

    fn touch_spenders_of(&mut self, hash: u32, index: u32) -> Result<(), StoreError> {
        for (at, layer) in self.layers.iter().enumerate() {
            for row in layer.segment.spenders(self.buffer.hashes.get(hash), index)? {
                let entry = layer.segment.row_entry(row)?;
                let is_told = layer.segment.row(row)?.flags.is_previous_told;
                if !is_told && layer.is_visible(entry) {
                    self.touch(at, entry)?;
                }
            }
        }
        Ok(())
    }

    /// Gives each input of this run what it spends, where anything holds that.
    pub(super) fn resolve(&mut self) -> Result<(), StoreError> {
        let wanted = self.resolve_here();
        let mut asked: Vec<u32> = wanted.iter().map(|wanted| wanted.hash).collect();
        asked.sort_unstable();
        asked.dedup();
        let found = find_all(self.layers, &self.buffer.hashes, &asked)?;
        for Wanted { row, hash, index } in wanted {
            let Some((at, entries)) = found.get(&hash) else { continue };
            if let Some(made) = output_at(&self.layers[*at], entries, index, &mut self.buffer)? {
                self.give(row, made);
            }
        }
        Ok(())
    }

    /// From the transactions of this run; the inputs that are left.
    fn resolve_here(&mut self) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for at in 0..self.entries.len() {
            if !self.entries[at].is_utxo {
                continue;
            }
            let rows = self.entries[at].rows.clone();
            for row in rows.start as usize..rows.end as usize {
                let Some((hash, index)) = self.buffer.rows[row].previous else { break };
                if !self.buffer.rows[row].is_hidden {
                    continue;
                }
                match self.made(hash) {
                    Some(made) if (index as usize) < made.len() => {
                        let made = self.made_at((made.start + index) as usize);
                        self.give(row, made);
                    }
                    Some(_) => {}
                    None => wanted.push(Wanted { row, hash, index }),
                }
            }
        }
        wanted
    }

    fn made_at(&self, row: usize) -> Made {
        let row = &self.buffer.rows[row];
        debug_assert_ne!(row.to, NOBODY, "an output has an address");
        Made { to: row.to, value: row.amount }
    }

    fn give(&mut self, row: usize, made: Made) {
        let row = &mut self.buffer.rows[row];
        row.from = made.to;
        row.amount = made.value;
        row.is_hidden = false;
    }
}
