//! Decisions about hits: a small table of the catalog.

use model::Decision;

use crate::{Store, StoreError};

impl Store {
    /// Adds a decision after all others. Nothing that was decided is ever changed.
    pub fn add_decision(&self, decision: &Decision) -> Result<(), StoreError> {
        self.catalog.add_decision(decision)
    }

    /// Every decision, in the order they were made.
    pub fn decisions(&self) -> Result<Vec<Decision>, StoreError> {
        self.catalog.decisions()
    }
}
