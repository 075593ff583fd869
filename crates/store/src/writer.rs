//! One writer at a time, who leaves word of what it does.
//!
//! SQLite says that somebody holds the lock, not who. So the writer writes its
//! process id and its work to `writer` beside the database, and whoever has to
//! wait too long reads it. A note left behind by a crash is never asked for:
//! the lock itself does not outlive its process.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::StoreError;
use crate::error::Doing;
use crate::store::make_file;

/// The writer's note. Dropping it takes the note away.
pub(crate) struct Note {
    path: Option<PathBuf>,
}

/// Starts writing, or says who else is.
pub(crate) fn start<'a>(
    db: &'a mut Connection,
    path: Option<&Path>,
    doing: &str,
) -> Result<(Note, Transaction<'a>), StoreError> {
    let begun = Transaction::new(db, TransactionBehavior::Immediate).doing(|| doing);
    let transaction = begun.map_err(|error| match path {
        Some(path) if error.is_transient() => {
            StoreError::Busy { doing: doing.into(), holder: holder(path), path: path.into() }
        }
        _ => error,
    })?;
    Ok((Note::leave(path, doing), transaction))
}

impl Note {
    /// Best effort: it only makes another's message better.
    fn leave(store: Option<&Path>, doing: &str) -> Note {
        let path = store.map(note_path);
        if let Some(path) = &path {
            let note = format!("process {} ({doing})", std::process::id());
            let _ = make_file(path).map(|()| fs::write(path, note));
        }
        Note { path }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

fn holder(store: &Path) -> String {
    fs::read_to_string(note_path(store))
        .ok()
        .filter(|note| !note.is_empty())
        .unwrap_or_else(|| "another process".into())
}

fn note_path(store: &Path) -> PathBuf {
    store.with_file_name("writer")
}
