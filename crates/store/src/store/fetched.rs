//! What providers told, and prices: small tables of the catalog.

use model::{Date, Price};

use crate::catalog::Fetched;
use crate::{Store, StoreError};

impl Store {
    /// What each provider told of these accounts or outpoints.
    pub fn fetched(&self, subjects: &[String]) -> Result<Vec<Fetched>, StoreError> {
        self.catalog.fetched(subjects)
    }

    /// Keeps what was told, in place of what the same provider told before.
    pub fn put_fetched(&self, fetched: &[Fetched]) -> Result<(), StoreError> {
        self.catalog.put_fetched(fetched)
    }

    /// Since when a provider may be told which addresses are looked at.
    pub fn consent(&self, provider: &str) -> Result<Option<Date>, StoreError> {
        self.catalog.consent(provider)
    }

    pub fn put_consent(&self, provider: &str, date: Date) -> Result<(), StoreError> {
        self.catalog.put_consent(provider, date)
    }

    /// Keeps prices, in place of what the same source said of the same moment.
    /// How many are new or changed.
    pub fn put_prices(&self, prices: &[Price]) -> Result<usize, StoreError> {
        self.catalog.put_prices(prices)
    }

    /// Every price, by asset and time; of several sources of a moment the first by
    /// name comes last.
    pub fn prices(&self) -> Result<Vec<Price>, StoreError> {
        self.catalog.prices()
    }
}
