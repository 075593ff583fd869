//! Prices from CoinGecko, or what answers like it.
//!
//! It learns which asset and which days are of interest, no address. For longer
//! ranges it gives one price a day, that of 00:00 UTC; for short ones more.
//!
//! Reference: <https://docs.coingecko.com/reference/coins-id-market-chart-range>.

use std::sync::Arc;

use model::{Asset, Date, Price, Timestamp, day_of};
use serde_json::Value;

use super::usd_e12;
use crate::history::ask::{Asker, KeyIn, escaped};
use crate::history::{Budget, HistoryError, Key, Options};
use crate::source::Kind;

const METHOD: &str = "coins/market_chart/range";

pub struct CoinGecko {
    asker: Asker,
}

impl CoinGecko {
    /// `url` is what stands before `/coins`: `https://api.coingecko.com/api/v3`.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(url: &str, key: Option<Key>, asset: &Asset) -> Result<CoinGecko, HistoryError> {
        let budget: Arc<Budget> = Budget::new(100);
        let options = Options { key, ..Options::new(url, asset.chain, budget) };
        let asker = Asker::new(&options, KeyIn::Header("x-cg-demo-api-key"), judge)?;
        Ok(CoinGecko { asker })
    }

    /// As it may be shown.
    pub fn name(&self) -> String {
        format!("coingecko at {}", self.asker.host())
    }

    /// Prices of a coin, by its id there, of these days, both included.
    ///
    /// # Errors
    /// When it does not answer, or answers with what is no price of these days.
    pub async fn prices(
        &self,
        asset: &Asset,
        id: &str,
        (first, last): (Date, Date),
        source: &str,
    ) -> Result<Vec<Price>, HistoryError> {
        let seconds = |date: Date| {
            Price { asset: asset.clone(), date, at: None, usd_e12: 0, source: String::new() }
                .starts()
                .as_second()
        };
        let (from, to) = (seconds(first), seconds(last) + 86_399);
        let id = escaped(id);
        let path = format!(
            "coins/{id}/market_chart/range?vs_currency=usd&from={from}&to={to}&precision=full"
        );
        let answer = self.asker.get(METHOD, &path).await?;
        let wrong = |what: &str| self.asker.lie(METHOD, what);
        let rows = answer["prices"].as_array().ok_or_else(|| wrong("no list of prices"))?;
        let mut prices = Vec::new();
        for row in rows {
            let (Some(time), Some(usd)) = (time_of(&row[0]), price_of(&row[1])) else {
                return Err(wrong("a row that is not a time and a price"));
            };
            if !(from..=to).contains(&time.as_second()) {
                return Err(wrong("a price of a time that was not asked for"));
            }
            let is_midnight = time.as_second() % 86_400 == 0;
            prices.push(Price {
                asset: asset.clone(),
                date: day_of(time),
                at: (!is_midnight).then_some(time),
                usd_e12: usd,
                source: source.to_string(),
            });
        }
        Ok(prices)
    }
}

/// In milliseconds.
fn time_of(value: &Value) -> Option<Timestamp> {
    let text = value.as_number()?.to_string();
    let millis = text.split('.').next()?.parse().ok()?;
    Timestamp::from_millisecond(millis).ok()
}

/// As it is written: nothing is lost in a float.
fn price_of(value: &Value) -> Option<u128> {
    usd_e12(&value.as_number()?.to_string())
}

fn judge(answer: &Value) -> Option<Kind> {
    if answer.get("prices").is_some() {
        return None;
    }
    let status = answer.get("status").unwrap_or(answer);
    let said = ["error_message", "error", "message"]
        .iter()
        .find_map(|name| status.get(name).or_else(|| answer.get(name)).and_then(Value::as_str));
    if status.get("error_code").and_then(Value::as_u64) == Some(429) {
        return Some(Kind::RateLimited { after: None });
    }
    Some(Kind::Refused(said.unwrap_or("no prices").to_string()))
}
