//! Lists beside their entries: who is listed, where lists come from, what was found by them.

use model::{Date, ListVersion, Listing, Party};

use crate::StoreError;
use crate::catalog::{FindingRow, ListSource, Shrink};
use crate::store::Store;

impl Store {
    /// A text that changes whenever a list, a pack of labels, a decision or a price was added or
    /// replaced, by whomever.
    pub fn said(&self) -> Result<String, StoreError> {
        self.catalog.said()
    }

    /// Who is on the latest version of each list, ordered by list and place in it.
    pub fn parties(&self) -> Result<Vec<Party>, StoreError> {
        self.catalog.parties()
    }

    /// The days of the versions that hold a party, by the list's own id, the earliest first.
    pub fn party_seen(&self, list: &str, id: &str) -> Result<Vec<Date>, StoreError> {
        self.catalog.party_seen(list, id)
    }

    /// Who is on the version of each list that was in force on a day.
    pub fn parties_as_of(&self, day: Date) -> Result<Vec<Party>, StoreError> {
        self.catalog.parties_as_of(day)
    }

    /// Who is on one version of a list, in its order.
    pub fn parties_of(&self, version: &ListVersion) -> Result<Vec<Party>, StoreError> {
        self.catalog.parties_of(version)
    }

    /// The entries of one version of a list, in its order.
    pub fn listings_of(&self, version: &ListVersion) -> Result<Vec<Listing>, StoreError> {
        self.catalog.listings_of(version)
    }

    /// What is known of the last copy of a list that was fetched from somewhere.
    pub fn list_source(&self, source: &str) -> Result<Option<ListSource>, StoreError> {
        self.catalog.list_source(source)
    }

    pub fn put_list_source(&self, source: &ListSource) -> Result<(), StoreError> {
        self.catalog.put_list_source(source)
    }

    /// Notes that a version was taken although it had lost much: entries before and after, and why.
    pub fn put_shrink(
        &self,
        version: &ListVersion,
        counts: (u64, u64),
        reason: &str,
    ) -> Result<(), StoreError> {
        self.catalog.put_shrink(version, counts, reason)
    }

    pub fn shrinks(&self) -> Result<Vec<Shrink>, StoreError> {
        self.catalog.shrinks()
    }

    /// Keeps those that were not found before, for good; says how many those are.
    pub fn put_findings(&self, findings: &[FindingRow]) -> Result<usize, StoreError> {
        self.catalog.put_findings(findings)
    }

    /// Those that were kept after one, by the number it was kept under; each with its own.
    pub fn findings_after(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, FindingRow)>, StoreError> {
        self.catalog.findings_after(after, limit)
    }

    /// Every finding, the earliest kept first.
    pub fn findings(&self) -> Result<Vec<FindingRow>, StoreError> {
        self.catalog.findings()
    }
}
