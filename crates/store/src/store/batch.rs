//! Taking in one file through the store: what comes after the batch is named.

use std::sync::Arc;

use model::Fact;

use crate::catalog::Writer;
use crate::ingest::{self, Published};
use crate::store::{Parts, Store};
use crate::{Counts, FileRecord, StoreError};

/// A file being taken in. Dropping it leaves the store as it was.
pub struct Batch<'a> {
    // First, so that what it wrote is taken away while the right to write is held.
    batch: ingest::Batch<'a>,
    parts: Parts<'a>,
    writer: Arc<Writer>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(store: &'a mut Store, writer: Arc<Writer>, record: FileRecord) -> Batch<'a> {
        let parts = store.parts();
        let (start, shelf) = (parts.current.layers.clone(), parts.shelf.clone());
        let batch =
            ingest::Batch::begin(parts.catalog, writer.clone(), shelf, start, record, parts.sizes);
        Batch { batch, parts, writer }
    }

    /// Takes in one fact. After an error the batch is of no more use: drop it.
    pub fn put(&mut self, fact: &Fact) -> Result<(), StoreError> {
        self.batch.put(fact)
    }

    /// Settles what the file touched and makes it last. The SHA-256, in hex, is
    /// that of the bytes read: the same ones need not be read again.
    pub fn commit(self, sha256: &str) -> Result<Counts, StoreError> {
        let Batch { batch, mut parts, writer } = self;
        let Published { counts, merger, .. } = batch.publish(sha256)?;
        parts.refresh()?;
        parts.adopt(merger, &writer);
        parts.merge_on(&writer);
        Ok(counts)
    }
}
