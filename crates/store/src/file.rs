//! What is known of an imported file: before it is read, and after.

use model::Oddity;

/// What is known of a file before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    pub name: String,
    /// What it is read as, and whatever else decides what its bytes mean:
    /// `transfers-csv eip155:1`.
    pub purpose: String,
    pub bytes: u64,
}

/// What a file brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Transfers there are now that were not there before, Bitcoin's legs
    /// included; a leg may appear because this file holds what it spends.
    pub transfers_new: u64,
    /// Transfers the file told that were there.
    pub transfers_known: u64,
    /// Distinct transactions the file told of.
    pub transactions: u64,
    /// Blocks the file told of.
    pub blocks: u64,
    pub oddities: u64,
    /// In the whole store, now: inputs that spend what is not held.
    pub unresolved_inputs: u64,
}

/// A file that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    pub name: String,
    /// In hex.
    pub sha256: String,
    /// What it was read as.
    pub purpose: String,
    pub bytes: u64,
    /// A repair dropped a part of it, and it has not been read again since.
    pub is_lost: bool,
}

impl FileRow {
    /// It stands for the followed blocks of a chain: there is no file to import again.
    pub fn is_followed(&self) -> bool {
        self.purpose == crate::catalog::followed::PURPOSE
    }
}

/// An oddity, and the file it was met in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddityRow {
    pub file: String,
    pub oddity: Oddity,
}
