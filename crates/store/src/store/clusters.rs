//! What was taken back of the clusters: a small table of the catalog.

use crate::catalog::Exclusion;
use crate::{Store, StoreError};

impl Store {
    pub fn exclusions(&self) -> Result<Vec<Exclusion>, StoreError> {
        self.catalog.exclusions()
    }

    /// False where it was there already; its first reason stays.
    pub fn put_exclusion(&self, exclusion: &Exclusion) -> Result<bool, StoreError> {
        self.catalog.put_exclusion(exclusion)
    }

    /// False where there was none.
    pub fn remove_exclusion(&self, what: &str) -> Result<bool, StoreError> {
        self.catalog.remove_exclusion(what)
    }
}
