//! Merges in the background, one at a time.
//!
//! The long part, writing the merged segment, runs in a thread beside imports and
//! reads. The short part, naming it in place of its inputs, is done between two
//! batches: so a batch never finds that the layers it lies over are gone. The
//! right to write is held as long as a merge runs.

use std::sync::Arc;

use crate::StoreError;
use crate::catalog::{Catalog, Writer};
use crate::ingest::Sizes;
use crate::merging::{self, Merger, Merging};
use crate::shelf::{Shelf, Written};
use crate::store::current::Current;

/// A store, taken apart: a batch holds its catalog while the rest is needed.
pub(crate) struct Parts<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) shelf: &'a Shelf,
    pub(crate) current: &'a mut Current,
    pub(crate) sizes: Sizes,
    pub(crate) merger: &'a mut Merger,
    pub(crate) merging_as: &'a mut Option<Arc<Writer>>,
}

impl Parts<'_> {
    pub(crate) fn refresh(&mut self) -> Result<bool, StoreError> {
        self.current.refresh(self.catalog, self.shelf)
    }

    /// Goes on with the merge that a batch began among its runs. Where another is under
    /// way already, it is given up.
    pub(crate) fn adopt(&mut self, merger: Merger, writer: &Arc<Writer>) {
        if merger.is_busy() && self.is_free() {
            *self.merger = merger;
            *self.merging_as = Some(writer.clone());
        }
    }

    /// Names what is merged by now, and starts the merge that is due next. One that
    /// fails leaves things as they were: an import does not fail for it.
    pub(crate) fn merge_on(&mut self, writer: &Arc<Writer>) {
        if !self.is_free() {
            return;
        }
        if let Some(merging) = merging::next(&self.current.layers, &self.sizes) {
            self.merger.start(merging, writer, self.shelf);
            *self.merging_as = Some(writer.clone());
        }
    }

    /// Is no merge under way? One that is done is named.
    fn is_free(&mut self) -> bool {
        let done = self.merger.poll().and_then(|done| self.name(done));
        if done.is_err() || self.merger.is_busy() {
            return false;
        }
        *self.merging_as = None;
        true
    }

    /// Waits for the merge that runs, and names it.
    pub(crate) fn finish_merge(&mut self) -> Result<(), StoreError> {
        let done = self.merger.wait().and_then(|done| self.name(done));
        *self.merging_as = None;
        done
    }

    /// Merges these now.
    pub(crate) fn merge(
        &mut self,
        merging: &Merging,
        writer: &Arc<Writer>,
    ) -> Result<(), StoreError> {
        let written = merging.write(writer, self.shelf)?;
        self.install(merging, written, writer)
    }

    fn name(&mut self, done: Option<(Arc<Merging>, Written)>) -> Result<(), StoreError> {
        let (Some((merging, written)), Some(writer)) = (done, self.merging_as.clone()) else {
            return Ok(());
        };
        self.install(&merging, written, &writer)
    }

    fn install(
        &mut self,
        merging: &Merging,
        written: Written,
        writer: &Arc<Writer>,
    ) -> Result<(), StoreError> {
        merging::install(self.catalog, writer, self.shelf, merging, written)?;
        self.refresh().map(drop)
    }
}
