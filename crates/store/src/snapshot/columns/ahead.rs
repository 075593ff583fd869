//! Columns decoded by a second thread while the first works on those before.
//!
//! Batches go round: empty ones there, full ones back, [`DEPTH`] at most. Whoever stops listening, or
//! starts elsewhere, ends the thread.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use model::{Chain, ColumnBatch, Timestamp};

use super::SegmentColumns;
use super::names::Known;
use crate::StoreError;
use crate::snapshot::Snapshot;

/// Batches that are decoded and not taken.
const DEPTH: usize = 16;

pub(super) struct Ahead {
    full: Receiver<Result<ColumnBatch, StoreError>>,
    empty: Sender<ColumnBatch>,
    thread: Option<JoinHandle<()>>,
}

impl Ahead {
    /// None where the system gives no thread: then one reads for oneself.
    pub fn start(
        snapshot: Snapshot,
        chain: Chain,
        known: Known,
        since: Option<Timestamp>,
    ) -> Option<Ahead> {
        let (full_in, full) = sync_channel(DEPTH);
        let (empty, empty_out) = channel();
        let work = move || run(&snapshot, chain, known, since, &full_in, &empty_out);
        let thread = std::thread::Builder::new().name("columns".into()).spawn(work).ok()?;
        Some(Ahead { full, empty, thread: Some(thread) })
    }

    /// The next batch in the place of this one; an empty one at the end.
    pub fn next(&self, batch: &mut ColumnBatch) -> Result<(), StoreError> {
        let ended = || StoreError::value("read columns ahead", "the thread that does ended");
        let full = self.full.recv().map_err(|_| ended())??;
        let used = std::mem::replace(batch, full);
        // It has ended where it has read all.
        let _ = self.empty.send(used);
        Ok(())
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        // Nobody listens any more, so that it does not wait to be heard.
        let (_, nobody) = sync_channel(0);
        self.full = nobody;
        if let Some(thread) = self.thread.take() {
            // Should it have panicked, whoever asked next was told that it ended.
            let _ = thread.join();
        }
    }
}

fn run(
    snapshot: &Snapshot,
    chain: Chain,
    known: Known,
    since: Option<Timestamp>,
    full: &SyncSender<Result<ColumnBatch, StoreError>>,
    empty: &Receiver<ColumnBatch>,
) {
    let mut columns = SegmentColumns::alone(snapshot.past(chain), known);
    columns.restart(since);
    loop {
        let mut batch = empty.try_recv().unwrap_or_default();
        batch.clear();
        let read = columns.read(&mut batch);
        let is_last = read.is_err() || batch.is_empty();
        if full.send(read.map(|()| batch)).is_err() || is_last {
            return;
        }
    }
}
