//! What the sources moved, in USD: by which price, of when, from whom.

use std::collections::BTreeMap;

use model::{Asset, Date, Timestamp, U256, amount};

use super::{Base, Quote, Report, Worth};
use crate::Settings;

/// Decimals of a price, and those of a dollar that are shown.
const SCALE: u8 = 12;
const CENTS: u8 = 2;

/// An asset, the day it moved, and the moment of its price.
type Key = (Asset, Date, Option<Timestamp>);

/// Of the tainted transfers of the first hop; fees are nobody's gain. Each is valued by
/// the price of its moment. Nothing where no price is known of anything.
pub fn worth(report: &Report, settings: &Settings) -> Vec<Worth> {
    if settings.prices.iter().next().is_none() {
        return Vec::new();
    }
    let mut sums: BTreeMap<Key, (U256, Option<(String, u128)>)> = BTreeMap::new();
    let first = report.edges.iter().filter(|edge| edge.depth == 1 && edge.to.is_some());
    for edge in first.filter(|edge| !edge.tainted.0.is_zero()) {
        let Some(time) = edge.time else { continue };
        let price = settings.prices.at(&edge.asset, time);
        let key = (edge.asset.clone(), model::day_of(time), price.and_then(|price| price.at));
        let quote = price.map(|price| (price.source.clone(), price.usd_e12));
        let sum = sums.entry(key).or_insert((U256::ZERO, quote));
        sum.0 = sum.0.saturating_add(edge.tainted.0);
    }
    let decimals = |asset: &Asset| {
        report.assets.iter().find(|row| row.asset == *asset).and_then(|row| row.decimals)
    };
    sums.into_iter()
        .map(|((asset, date, at), (base, quote))| {
            let price = decimals(&asset).zip(quote).and_then(|(decimals, (source, usd_e12))| {
                let unit = U256::from(10).checked_pow(U256::from(decimals))?;
                let value = amount::share(base, U256::from(usd_e12), unit);
                let cents = value / U256::from(10).pow(U256::from(SCALE - CENTS));
                let usd_unit = amount::format_units(U256::from(usd_e12), SCALE);
                Some(Quote { usd: amount::format_units(cents, CENTS), usd_unit, at, source })
            });
            Worth { asset, tainted: Base(base), date, price }
        })
        .collect()
}
