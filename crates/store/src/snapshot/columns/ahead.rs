//! Columns decoded by a second thread while the first works on those before.
//!
//! Batches go round, some at a time, since waking a thread costs as much as decoding one: empty ones
//! there, full ones back, [`DEPTH`] times [`TOGETHER`] at most. Whoever stops listening, or starts
//! elsewhere, ends the thread.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use model::{Chain, ColumnBatch, Timestamp};

use super::SegmentColumns;
use super::names::Known;
use crate::StoreError;
use crate::snapshot::Snapshot;

/// Batches that are handed over together.
const TOGETHER: usize = 8;
/// How often that is ahead of who takes them.
const DEPTH: usize = 3;

type Decoded = Result<VecDeque<ColumnBatch>, StoreError>;

pub(super) struct Ahead {
    full: Receiver<Decoded>,
    empty: Sender<ColumnBatch>,
    /// Handed over and not taken yet.
    taken: VecDeque<ColumnBatch>,
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
        Some(Ahead { full, empty, taken: VecDeque::new(), thread: Some(thread) })
    }

    /// The next batch in the place of this one; an empty one at the end.
    pub fn next(&mut self, batch: &mut ColumnBatch) -> Result<(), StoreError> {
        let ended = || StoreError::value("read columns ahead", "the thread that does ended");
        if self.taken.is_empty() {
            self.taken = self.full.recv().map_err(|_| ended())??;
        }
        let next = self.taken.pop_front().ok_or_else(ended)?;
        let used = std::mem::replace(batch, next);
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
    full: &SyncSender<Decoded>,
    empty: &Receiver<ColumnBatch>,
) {
    let mut columns = SegmentColumns::alone(snapshot.past(chain), known);
    columns.restart(since);
    loop {
        let (decoded, is_last) = decode_some(&mut columns, empty);
        if full.send(decoded).is_err() || is_last {
            return;
        }
    }
}

/// The next batches, the last of them empty where the past ends; and whether nothing comes after.
fn decode_some(columns: &mut SegmentColumns<'_>, empty: &Receiver<ColumnBatch>) -> (Decoded, bool) {
    let mut decoded = VecDeque::with_capacity(TOGETHER);
    while decoded.len() < TOGETHER {
        let mut batch = empty.try_recv().unwrap_or_default();
        batch.clear();
        if let Err(error) = columns.read(&mut batch) {
            return (Err(error), true);
        }
        let is_last = batch.is_empty();
        decoded.push_back(batch);
        if is_last {
            return (Ok(decoded), true);
        }
    }
    (Ok(decoded), false)
}
