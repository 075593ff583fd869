//! One writer of segments at a time, who leaves word of what it does.
//!
//! The right to write is the operating system's lock on `writer.lock`: it is
//! held through a whole batch, or for as long as blocks are followed, and goes
//! with its process, however that ends. The lock does not say who holds it, so
//! the writer notes its process id and its work in `writer`. A note left behind
//! by a crash is never asked for, since nobody has to wait.
//!
//! Short changes that touch no segment (a list, a pack of labels) need only
//! SQLite's own lock, and so go through while somebody follows a chain.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::StoreError;
use crate::catalog::{SegmentId, format, make_file};
use crate::error::Doing;

/// The right to write. Dropping it gives it back.
pub struct Writer {
    note: Option<PathBuf>,
    /// Closing it unlocks it.
    _lock: Option<File>,
    /// The last number given to a segment.
    last: AtomicI64,
}

impl Writer {
    /// Waits for the lock, then says who else has it. In memory nobody else can.
    pub(crate) fn start(
        database: Option<&Path>,
        doing: &str,
        last: SegmentId,
    ) -> Result<Writer, StoreError> {
        let last = AtomicI64::new(last);
        let Some(database) = database else {
            return Ok(Writer { note: None, _lock: None, last });
        };
        let lock = lock(database, doing)?;
        let writer = Writer { note: Some(note_path(database)), _lock: Some(lock), last };
        writer.say(doing);
        Ok(writer)
    }

    /// A number for a new segment, never given before.
    pub fn next_segment(&self) -> SegmentId {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn has_seen(&self, last: SegmentId) {
        self.last.fetch_max(last, Ordering::Relaxed);
    }

    /// Notes what is being done. Best effort: it only makes another's message better.
    pub(crate) fn say(&self, doing: &str) {
        if let Some(path) = &self.note {
            let note = format!("process {} ({doing})", std::process::id());
            let _ = make_file(path).map(|()| fs::write(path, note));
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(path) = &self.note {
            let _ = fs::remove_file(path);
        }
    }
}

fn lock(database: &Path, doing: &str) -> Result<File, StoreError> {
    const PAUSE: Duration = Duration::from_millis(20);
    let path = database.with_file_name("writer.lock");
    let locking = || format!("lock {}", path.display());
    make_file(&path)?;
    let file = File::options().write(true).open(&path).doing(locking)?;
    let since = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error).doing(locking),
            Err(TryLockError::WouldBlock) if since.elapsed() < format::WAIT => thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => {
                let holder = holder(database);
                return Err(StoreError::Busy {
                    doing: doing.into(),
                    holder,
                    path: database.into(),
                });
            }
        }
    }
}

/// Who writes, as far as it said.
pub(crate) fn holder(database: &Path) -> String {
    fs::read_to_string(note_path(database))
        .ok()
        .filter(|note| !note.is_empty())
        .unwrap_or_else(|| "another process".into())
}

fn note_path(database: &Path) -> PathBuf {
    database.with_file_name("writer")
}
