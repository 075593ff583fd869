//! Prices: what a whole unit of an asset was worth on a day, and who says so.

use std::collections::BTreeMap;

use crate::{Asset, Date, U256};

/// USD for one whole unit, scaled by 10^12 so that comparing is exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub asset: Asset,
    pub date: Date,
    pub usd_e12: u128,
    pub source: String,
}

/// Known prices by asset and day. A missing one stays missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    by_day: BTreeMap<(Asset, Date), Price>,
}

impl Prices {
    pub fn insert(&mut self, price: Price) {
        self.by_day.insert((price.asset.clone(), price.date), price);
    }

    pub fn get(&self, asset: &Asset, date: Date) -> Option<&Price> {
        self.by_day.get(&(asset.clone(), date))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Price> {
        self.by_day.values()
    }

    /// The value of `base` units in USD, scaled by 10^12, rounded down.
    pub fn value_e12(&self, asset: &Asset, base: U256, decimals: u8, date: Date) -> Option<U256> {
        let price = self.get(asset, date)?;
        let unit = U256::from(10).pow(U256::from(decimals));
        Some(crate::amount::share(base, U256::from(price.usd_e12), unit))
    }
}
