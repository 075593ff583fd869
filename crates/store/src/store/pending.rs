//! Transfers that are in no block yet: a small table of the catalog, apart from every view.

use model::{Chain, Timestamp, TxId};

use crate::catalog::{Pending, PendingNews};
use crate::{Store, StoreError};

impl Store {
    /// What is known of the unconfirmed transfers of a chain, and what became of them, as of now; the first seen
    /// first. Another process may be following it.
    pub fn pending(&self, chain: Chain) -> Result<Vec<Pending>, StoreError> {
        self.catalog.pending(chain)
    }

    /// Takes in what a node said of transactions, in this order, all of it or nothing. It may be done while chains
    /// are followed: no view changes.
    pub fn tell_pending(
        &self,
        news: &[(TxId, PendingNews)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.catalog.tell_pending(news, now)
    }
}
