//! What can go wrong with the file, said so that a person can act.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "there is no store in {home}: import something first (`interdict import --help`), \
         or name another folder with --home",
        home = home.display()
    )]
    Missing { home: PathBuf },
    #[error(
        "{path} has format {found}, newer than the {known} this interdict knows: \
         use the version that wrote it, or a later one",
        path = path.display()
    )]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("{path} has format {found}, older than {known}", path = path.display())]
    Older { path: PathBuf, found: u32, known: u32 },
    #[error(
        "{path} is a database of another program: name another folder with --home",
        path = path.display()
    )]
    Foreign { path: PathBuf },
    #[error("{doing}: {holder} is writing to {path}, try again when it is done", path = path.display())]
    Busy { doing: String, holder: String, path: PathBuf },
    #[error("{doing}")]
    Folder { doing: String, source: std::io::Error },
    #[error("{doing}{trouble}")]
    Sqlite { doing: String, trouble: Trouble, source: rusqlite::Error },
    /// Bytes of a segment that are not those that were written, or that make no sense.
    #[error(
        "{file} is damaged in {section} at byte {offset}: {why}; \
         `interdict store check` says what it held and how to mend it"
    )]
    Damaged { file: String, section: &'static str, offset: u64, why: String },
    /// A segment of a chain cannot be opened. Other chains, lists and labels can be used all the same.
    #[error("nothing can be said of {chain}: {why}")]
    Unreadable { chain: model::Chain, why: String },
    /// A node tells another block than the one that is held.
    #[error(
        "follow {chain}: block {height} is told as {told}, and {held} is held{}",
        if *is_final {
            ", which is final: the node is on another chain, or it reorganised deeper than is followed"
        } else {
            ": unwind first"
        }
    )]
    Fork { chain: model::Chain, height: u64, told: String, held: String, is_final: bool },
    #[error(transparent)]
    View(model::ViewError),
    /// A value that cannot be kept exactly, or a row that cannot be read back.
    #[error("{doing}: {why}")]
    Value { doing: String, why: String },
}

/// What a failure of SQLite means to whoever has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    DiskFull,
    NoPermission,
    Damaged,
    Busy,
    Other,
}

impl StoreError {
    /// May the same call succeed later, nothing else done?
    pub fn is_transient(&self) -> bool {
        match self {
            StoreError::Busy { .. } => true,
            StoreError::Sqlite { trouble, .. } => *trouble == Trouble::Busy,
            _ => false,
        }
    }

    /// An answer that failed: what it was caused by, where that was ours.
    pub(crate) fn view(error: model::ViewError) -> StoreError {
        StoreError::View(error)
    }

    pub(crate) fn value(doing: impl Into<String>, why: impl Into<String>) -> StoreError {
        StoreError::Value { doing: doing.into(), why: why.into() }
    }
}

impl Trouble {
    fn of(error: &rusqlite::Error) -> Trouble {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Trouble::DiskFull,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Trouble::NoPermission
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Trouble::Damaged,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Trouble::Busy,
            _ => Trouble::Other,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::DiskFull => ": the disk is full, and nothing of this was kept",
            Trouble::NoPermission => ": this user may not write there",
            Trouble::Damaged => {
                ": the file is damaged or no database; move it away and import again, \
                 or put a copy back"
            }
            Trouble::Busy => ": somebody else is writing, try again when they are done",
            Trouble::Other => "",
        })
    }
}

/// Says what was being done, lazily, on the way out of a call to SQLite.
pub(crate) trait Doing<T> {
    fn doing<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T, StoreError>;
}

impl<T> Doing<T> for Result<T, rusqlite::Error> {
    fn doing<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Sqlite {
            doing: doing().to_string(),
            trouble: Trouble::of(&source),
            source,
        })
    }
}

impl<T> Doing<T> for Result<T, std::io::Error> {
    fn doing<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Folder { doing: doing().to_string(), source })
    }
}

/// Puts the file before what was being done in it.
pub(crate) trait In<T> {
    fn in_file(self, path: Option<&Path>) -> Result<T, StoreError>;
}

impl<T> In<T> for Result<T, StoreError> {
    fn in_file(self, path: Option<&Path>) -> Result<T, StoreError> {
        let Some(path) = path else { return self };
        self.map_err(|error| match error {
            StoreError::Sqlite { doing, trouble, source } => {
                let doing = format!("{}: {doing}", path.display());
                StoreError::Sqlite { doing, trouble, source }
            }
            StoreError::Value { doing, why } => {
                StoreError::Value { doing: format!("{}: {doing}", path.display()), why }
            }
            other => other,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{FileRecord, Store};

    #[test]
    fn a_full_disk_is_said_and_nothing_is_kept() {
        let mut store = Store::open_in_memory().expect("opens");
        store.leave_pages(2);
        let record = FileRecord { name: "large".into(), purpose: "test".into(), bytes: 1 };
        let mut batch = store.begin(&record).expect("begins");
        let odd = |n: u32| {
            let oddity =
                model::Oddity { at: format!("row {n}"), what: "x".repeat(500), transfer: None };
            model::Fact::Oddity(oddity)
        };
        for n in 0..1000 {
            batch.put(&odd(n)).expect("puts");
        }
        let error = batch.commit("f1").expect_err("the disk fills");
        assert!(error.to_string().contains("the disk is full"), "{error}");
        assert_eq!(store.oddities(9).expect("reads"), []);
        assert_eq!(store.files().expect("reads"), []);
    }
}
