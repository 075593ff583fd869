//! What issuers did to holders of their tokens, as of now: a table of the catalog.

use model::{Account, Asset, Chain, Freeze};

use crate::{Store, StoreError};

impl Store {
    /// What any issuer did to an account, in time order; each action once, however many said it.
    pub fn freezes(&self, account: &Account) -> Result<Vec<Freeze>, StoreError> {
        self.catalog.freezes(account)
    }

    /// What the issuer of an asset did to any account.
    pub fn freezes_of(&self, asset: &Asset) -> Result<Vec<Freeze>, StoreError> {
        self.catalog.freezes_of(asset)
    }

    /// What was done to any account, on one chain or on all.
    pub fn freezes_all(&self, chain: Option<Chain>) -> Result<Vec<Freeze>, StoreError> {
        self.catalog.freezes_all(chain)
    }
}
