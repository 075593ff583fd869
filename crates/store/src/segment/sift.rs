//! Asking of many transactions at once whether they are here.

use super::{Segment, names};
use crate::StoreError;

impl Segment {
    /// What [`Segment::sift`] asks by.
    pub fn key_of(hash: &[u8]) -> u64 {
        names::key(hash)
    }

    /// Of these transactions, in the order of their keys and each under a number of the caller's, the
    /// numbers of those that probably are here.
    pub fn sift(&self, asked: &[(u64, u32)]) -> Result<Vec<u32>, StoreError> {
        let mut found = Vec::new();
        self.by_hash.sift(&self.region, asked, |number| found.push(number))?;
        Ok(found)
    }
}
