//! The thread that merges, one merge at a time: each holds one output in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use super::Merging;
use crate::StoreError;
use crate::catalog::Writer;
use crate::segment::Sink;
use crate::shelf::{Shelf, Written};

/// At most one merge under way. Dropping it abandons that merge.
#[derive(Default)]
pub struct Merger {
    running: Option<Running>,
}

struct Running {
    merging: Arc<Merging>,
    thread: JoinHandle<Result<Written, StoreError>>,
    /// Set to have the merge end at its next write.
    is_abandoned: Arc<AtomicBool>,
    shelf: Shelf,
}

impl Merger {
    pub fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// Begins a merge. It is not there for anyone until it is installed.
    ///
    /// # Panics
    /// When another is under way.
    pub fn start(&mut self, merging: Merging, writer: &Arc<Writer>, shelf: &Shelf) {
        assert!(!self.is_busy(), "one merge at a time");
        let merging = Arc::new(merging);
        let is_abandoned = Arc::new(AtomicBool::new(false));
        let (work, stop) = (merging.clone(), is_abandoned.clone());
        let (writer, place) = (writer.clone(), shelf.clone());
        let thread = thread::spawn(move || {
            place.write(writer.next_segment(), work.chain, |sink| {
                work.fill(&mut Abandonable { sink, is_abandoned: &stop })
            })
        });
        let shelf = shelf.clone();
        self.running = Some(Running { merging, thread, is_abandoned, shelf });
    }

    /// The merge under way, if it is done.
    pub fn poll(&mut self) -> Result<Option<(Arc<Merging>, Written)>, StoreError> {
        if self.running.as_ref().is_some_and(|running| running.thread.is_finished()) {
            return self.wait();
        }
        Ok(None)
    }

    /// The merge under way, once it is done; none where there is none.
    pub fn wait(&mut self) -> Result<Option<(Arc<Merging>, Written)>, StoreError> {
        let Some(running) = self.running.take() else { return Ok(None) };
        let written = join(running.thread)?;
        Ok(Some((running.merging, written)))
    }
}

impl Drop for Merger {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        running.is_abandoned.store(true, Ordering::Relaxed);
        // What was written to its end all the same is named by nobody.
        if let Ok(written) = join(running.thread) {
            let _ = running.shelf.remove(&written.row);
        }
    }
}

fn join(thread: JoinHandle<Result<Written, StoreError>>) -> Result<Written, StoreError> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Fails once the merge is abandoned.
struct Abandonable<'a> {
    sink: &'a mut dyn Sink,
    is_abandoned: &'a AtomicBool,
}

impl Sink for Abandonable<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        if self.is_abandoned.load(Ordering::Relaxed) {
            return Err(StoreError::value("merge segments", "it is no longer wanted"));
        }
        self.sink.write(bytes)
    }
}
