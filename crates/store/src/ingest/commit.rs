//! Publishing a batch: all of it at once, through the catalog.

use super::Batch;
use super::batch::Chained;
use crate::catalog::{Commit, FileId, MaskRow};
use crate::hot::Tail;
use crate::layers::Mask;
use crate::merging::Merger;
use crate::{Counts, StoreError};

/// What a committed batch comes to.
pub struct Published {
    pub counts: Counts,
    /// Busy with a merge of its runs, or idle. They are base segments now.
    pub merger: Merger,
}

impl Batch<'_> {
    /// As [`Batch::publish`], without the merge that may be under way.
    pub fn commit(self, sha256: &str) -> Result<Counts, StoreError> {
        Ok(self.publish(sha256)?.counts)
    }

    /// Settles what is left and makes everything last. The SHA-256, in hex, is that
    /// of the bytes read: the same ones need not be read again.
    pub fn publish(mut self, sha256: &str) -> Result<Published, StoreError> {
        let counts = self.finish()?;
        let mut tails = self.tails()?;
        self.shelf.sync()?;
        let mut commit = self.catalog.commit(&self.writer)?;
        let file = commit.add_file(&self.record, sha256)?;
        commit.put_oddities(file, &self.oddities)?;
        for told in self.assets.values() {
            commit.merge_asset(told)?;
        }
        for chained in &mut self.chains {
            chained.name(&mut commit, file)?;
        }
        for tail in &mut tails {
            tail.write(&mut commit)?;
        }
        commit.finish()?;
        self.is_committed = true;
        let mut mergers = self.chains.iter_mut().map(|chained| std::mem::take(&mut chained.merger));
        let merger = mergers.find(Merger::is_busy).unwrap_or_default();
        Ok(Published { counts, merger })
    }

    /// Followed blocks, settled again over what the file made of their base.
    fn tails(&mut self) -> Result<Vec<Tail>, StoreError> {
        let mut tails = Vec::new();
        for chained in &self.chains {
            let Some(state) = &chained.state else { continue };
            let tail = Tail::read(self.catalog, &self.start, chained.chain)?;
            if !tail.is_empty() {
                let base = chained.layers.clone();
                tails.push(tail.over(base, state.clone(), None, &self.writer)?);
            }
        }
        Ok(tails)
    }
}

impl Chained {
    fn name(&mut self, commit: &mut Commit<'_>, file: FileId) -> Result<(), StoreError> {
        for row in self.rows.values() {
            commit.add_segment(row, &[file])?;
        }
        for mask in self.masks.values() {
            commit.set_mask(&mask_row(mask))?;
        }
        for heights in self.covered.ranges() {
            commit.cover(self.chain, &heights)?;
        }
        for heights in self.block_heights.ranges() {
            commit.add_block_heights(self.chain, &heights)?;
        }
        for block in &self.headers {
            commit.add_block(block)?;
        }
        let Some(state) = &mut self.state else { return Ok(()) };
        for block in &self.moved {
            if let Some(placed) = state.headers.place(block) {
                commit.place(self.chain, block, &placed)?;
            }
        }
        Ok(())
    }
}

pub(crate) fn mask_row(mask: &Mask) -> MaskRow {
    MaskRow {
        by: mask.by,
        on: mask.on,
        entries: mask.entries.clone(),
        transfers: mask.counts.transfers,
        unresolved: mask.counts.unresolved,
    }
}
