//! What an analyst took back of the clusters.

use model::Timestamp;
use rusqlite::params;

use crate::StoreError;
use crate::catalog::Catalog;
use crate::code::read;
use crate::error::{Doing, In};

/// Merges that do not count: by a transaction, or by a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// `tx:<CAIP-2 chain>:<hash>` or `rule:<name>`.
    pub what: String,
    pub reason: String,
    pub at: Timestamp,
}

impl Catalog {
    /// All of them, by what they name.
    pub fn exclusions(&self) -> Result<Vec<Exclusion>, StoreError> {
        let sql = "SELECT what, reason, at FROM cluster_exclusion ORDER BY what";
        self.read_all(sql, |row| {
            let at = Timestamp::from_second(read(row, 2)?);
            let wrong = |_| StoreError::value("read an exclusion", "its time is none");
            Ok(Exclusion { what: read(row, 0)?, reason: read(row, 1)?, at: at.map_err(wrong)? })
        })
    }

    /// False where it was there already; its first reason stays.
    pub fn put_exclusion(&self, exclusion: &Exclusion) -> Result<bool, StoreError> {
        let sql = "INSERT OR IGNORE INTO cluster_exclusion (what, reason, at) VALUES (?1, ?2, ?3)";
        let Exclusion { what, reason, at } = exclusion;
        let added = self.db.execute(sql, params![what, reason, at.as_second()]);
        let added = added.doing(|| format!("exclude {what}"));
        Ok(added.in_file(self.path.as_deref())? == 1)
    }

    /// False where there was none.
    pub fn remove_exclusion(&self, what: &str) -> Result<bool, StoreError> {
        let removed = self.db.execute("DELETE FROM cluster_exclusion WHERE what = ?1", [what]);
        let removed = removed.doing(|| format!("include {what} again"));
        Ok(removed.in_file(self.path.as_deref())? == 1)
    }
}
