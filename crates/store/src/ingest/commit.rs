//! Publishing a batch: all of it at once, through the catalog.

use model::Chain;

use super::Batch;
use super::batch::Chained;
use super::state::ChainState;
use crate::catalog::{Commit, FileId, MaskRow};
use crate::follow::{Beside, FollowedRanges};
use crate::hot::Tail;
use crate::layers::Mask;
use crate::merging::Merger;
use crate::{Counts, StoreError};

/// What a committed batch comes to.
pub struct Published {
    pub counts: Counts,
    /// Busy with a merge of its runs, or idle. They are base segments now.
    pub merger: Merger,
    /// The chains it touched, as they are now.
    pub(crate) states: Vec<(Chain, ChainState)>,
}

/// What a batch of a followed chain's final blocks changes beside the base.
pub(crate) struct Final {
    pub(crate) chain: Chain,
    /// Followed blocks up to this height are dropped: the batch has what they told.
    pub(crate) drop_to: Option<u64>,
    /// Which heights are held whole from now on, where that changes.
    pub(crate) ranges: Option<FollowedRanges>,
    /// What the blocks told beside.
    pub(crate) beside: Beside,
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
        let tails = self.tails(None)?;
        self.shelf.sync()?;
        let mut commit = self.catalog.commit(&self.writer)?;
        let file = commit.add_file(&self.record, sha256)?;
        commit.put_oddities(file, &self.oddities)?;
        self.freezes.iter().try_for_each(|freeze| commit.add_freeze(file, freeze))?;
        let merger = self.name_all(commit, file, tails)?;
        Ok(Published { counts, merger, states: self.states() })
    }

    /// The same for blocks of a followed chain that are final.
    pub(crate) fn publish_final(mut self, is_final: &Final) -> Result<Published, StoreError> {
        let counts = self.finish()?;
        let tails = self.tails(Some(is_final))?;
        self.shelf.sync()?;
        let mut commit = self.catalog.commit(&self.writer)?;
        let file = commit.followed_file(is_final.chain)?;
        is_final.beside.keep(&mut commit, is_final.chain)?;
        if let Some(ranges) = &is_final.ranges {
            commit.set_followed(is_final.chain, ranges)?;
        }
        let merger = self.name_all(commit, file, tails)?;
        Ok(Published { counts, merger, states: self.states() })
    }

    fn states(&mut self) -> Vec<(Chain, ChainState)> {
        let states = self.chains.iter_mut().map(|chained| (chained.chain, chained.state.take()));
        states.filter_map(|(chain, state)| Some((chain, state?))).collect()
    }

    /// The rest of the commit. Gives the merge that is under way.
    fn name_all(
        &mut self,
        mut commit: Commit<'_>,
        file: FileId,
        tails: Vec<Tail>,
    ) -> Result<Merger, StoreError> {
        for told in self.assets.values() {
            commit.merge_asset(told)?;
        }
        commit.put_coinbases(&self.coinbases)?;
        for chained in &mut self.chains {
            chained.name(&mut commit, file)?;
        }
        for mut tail in tails {
            tail.write(&mut commit)?;
        }
        // One that fails may have been written all the same, but for its last sync: a crash would find it.
        self.is_committed = true;
        commit.finish()?;
        let mut mergers = self.chains.iter_mut().map(|chained| std::mem::take(&mut chained.merger));
        Ok(mergers.find(Merger::is_busy).unwrap_or_default())
    }

    /// Followed blocks, settled again over what the file made of their base.
    fn tails(&mut self, is_final: Option<&Final>) -> Result<Vec<Tail>, StoreError> {
        if let Some(is_final) = is_final {
            self.open(is_final.chain)?;
        }
        let mut tails = Vec::new();
        for chained in &self.chains {
            let Some(state) = &chained.state else { continue };
            let chain = chained.chain;
            if self.start.hot(chain).is_empty() {
                continue;
            }
            let drop_to = is_final.filter(|is_final| is_final.chain == chained.chain);
            let drop_to = drop_to.and_then(|is_final| is_final.drop_to);
            let (base, state) = (chained.layers.clone(), state.clone());
            let (catalog, start) = (self.catalog, &self.start);
            tails.push(Tail::over(catalog, start, base, state, chain, drop_to, &self.writer)?);
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
