//! Prices: USD a whole unit, on a day or at a minute, and who says so.

use model::{Asset, Price, Timestamp};
use rusqlite::{Row, params};

use crate::StoreError;
use crate::catalog::Catalog;
use crate::code::{read, read_all};
use crate::error::{Doing, In};

impl Catalog {
    /// Keeps prices, in place of what the same source said of the same moment.
    /// How many are new or changed.
    pub fn put_prices(&self, prices: &[Price]) -> Result<usize, StoreError> {
        let doing = || "keep prices";
        let put = || {
            let db = self.write(doing())?;
            let mut changed = 0;
            for price in prices {
                changed += db
                    .prepare_cached(
                        "INSERT INTO price (asset, time, is_day, usd_e12, source)
                         VALUES (?1, ?2, ?3, ?4, ?5)
                         ON CONFLICT DO UPDATE SET usd_e12 = excluded.usd_e12
                         WHERE usd_e12 != excluded.usd_e12",
                    )
                    .and_then(|mut add| {
                        add.execute(params![
                            price.asset.to_string(),
                            price.starts().as_second(),
                            price.at.is_none(),
                            price.usd_e12.to_string(),
                            price.source,
                        ])
                    })
                    .doing(doing)?;
            }
            db.commit().doing(doing)?;
            Ok(changed)
        };
        put().in_file(self.path.as_deref())
    }

    /// Every price, by asset and time; of several sources of a moment the first by
    /// name comes last.
    pub fn prices(&self) -> Result<Vec<Price>, StoreError> {
        let sql = "SELECT asset, time, is_day, usd_e12, source FROM price
                   ORDER BY asset, time, is_day, source DESC";
        read_all(&self.db, sql, [], price).in_file(self.path.as_deref())
    }
}

fn price(row: &Row<'_>) -> Result<Price, StoreError> {
    let wrong = |what: &str| StoreError::value("read a price", format!("its {what} is none"));
    let asset: Asset = read::<String>(row, 0)?.parse().map_err(|_| wrong("asset"))?;
    let time = Timestamp::from_second(read(row, 1)?).map_err(|_| wrong("time"))?;
    let is_day: bool = read(row, 2)?;
    Ok(Price {
        asset,
        date: model::day_of(time),
        at: (!is_day).then_some(time),
        usd_e12: read::<String>(row, 3)?.parse().map_err(|_| wrong("value"))?,
        source: read(row, 4)?,
    })
}
