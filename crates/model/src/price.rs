//! Prices: what a whole unit of an asset was worth on a day or at a minute, and who
//! says so.

use std::collections::BTreeMap;

use crate::{Asset, Date, Timestamp, U256};

/// USD for one whole unit, scaled by 10^12 so that comparing is exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub asset: Asset,
    /// The day, in UTC.
    pub date: Date,
    /// The moment it was paid; none: it stands for the whole day.
    pub at: Option<Timestamp>,
    pub usd_e12: u128,
    pub source: String,
}

/// Known prices by asset and time. A missing one stays missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    by_day: BTreeMap<(Asset, Date), Price>,
    by_moment: BTreeMap<(Asset, Timestamp), Price>,
}

impl Price {
    /// The moment it stands for; of a day its start.
    pub fn starts(&self) -> Timestamp {
        self.at.unwrap_or_else(|| {
            let day = self.date.to_zoned(jiff::tz::TimeZone::UTC);
            day.map_or(Timestamp::UNIX_EPOCH, |day| day.timestamp())
        })
    }
}

impl Prices {
    /// How old a price of a moment may be before that of the day is taken.
    pub const SECONDS_MAX: i64 = 600;

    pub fn insert(&mut self, price: Price) {
        match price.at {
            None => drop(self.by_day.insert((price.asset.clone(), price.date), price)),
            Some(at) => drop(self.by_moment.insert((price.asset.clone(), at), price)),
        }
    }

    /// Takes these in before all that is known of the same asset and day.
    pub fn prefer(&mut self, others: &Prices) {
        for price in others.iter() {
            self.by_moment
                .retain(|(asset, _), known| *asset != price.asset || known.date != price.date);
        }
        others.iter().cloned().for_each(|price| self.insert(price));
    }

    /// The price of a day.
    pub fn get(&self, asset: &Asset, date: Date) -> Option<&Price> {
        self.by_day.get(&(asset.clone(), date))
    }

    /// The latest price paid in the minutes before a moment, else that of its day.
    pub fn at(&self, asset: &Asset, time: Timestamp) -> Option<&Price> {
        let first = Timestamp::from_second(time.as_second() - Prices::SECONDS_MAX).ok();
        let range = (asset.clone(), first.unwrap_or(time))..=(asset.clone(), time);
        let paid = self.by_moment.range(range).next_back().map(|(_, price)| price);
        paid.or_else(|| self.get(asset, crate::day_of(time)))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Price> {
        self.by_day.values().chain(self.by_moment.values())
    }

    /// The value of `base` units at a moment, in USD scaled by 10^12, rounded down.
    pub fn value_e12(
        &self,
        asset: &Asset,
        base: U256,
        decimals: u8,
        time: Timestamp,
    ) -> Option<U256> {
        let price = self.at(asset, time)?;
        let unit = U256::from(10).checked_pow(U256::from(decimals))?;
        Some(crate::amount::share(base, U256::from(price.usd_e12), unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chain;

    fn price(at: Option<&str>, usd: u128, source: &str) -> Price {
        let date = "2025-02-21".parse().expect("a day");
        let at = at.map(|at| at.parse().expect("a time"));
        let asset = Asset::native(Chain::ETHEREUM);
        Price { asset, date, at, usd_e12: usd, source: source.into() }
    }

    fn usd(prices: &Prices, time: &str) -> Option<u128> {
        let time = time.parse().expect("a time");
        prices.at(&Asset::native(Chain::ETHEREUM), time).map(|price| price.usd_e12)
    }

    #[test]
    fn the_latest_minute_before_a_moment_comes_before_its_day() {
        let mut prices = Prices::default();
        prices.insert(price(None, 1, "day"));
        prices.insert(price(Some("2025-02-21T14:00:00Z"), 2, "minute"));
        prices.insert(price(Some("2025-02-21T14:05:00Z"), 3, "minute"));
        assert_eq!(usd(&prices, "2025-02-21T14:04:59Z"), Some(2));
        assert_eq!(usd(&prices, "2025-02-21T14:15:00Z"), Some(3));
        assert_eq!(usd(&prices, "2025-02-21T14:15:01Z"), Some(1), "too old");
        assert_eq!(usd(&prices, "2025-02-21T13:59:59Z"), Some(1), "not yet paid");
        assert_eq!(usd(&prices, "2025-02-22T00:00:00Z"), None);
    }

    #[test]
    fn what_a_case_says_of_a_day_comes_before_all_else() {
        let mut prices = Prices::default();
        prices.insert(price(None, 1, "day"));
        prices.insert(price(Some("2025-02-21T14:00:00Z"), 2, "minute"));
        let mut case = Prices::default();
        case.insert(price(None, 9, "case"));
        prices.prefer(&case);
        assert_eq!(usd(&prices, "2025-02-21T14:01:00Z"), Some(9));
        assert_eq!(prices.iter().count(), 1);
    }
}
