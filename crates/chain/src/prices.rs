//! Prices from a table: anybody's CSV with a column of times and one of USD; or from
//! a service ([`CoinGecko`]).
//!
//! In: bytes, and what they are the price of and who says so. Out: a price a row.
//! A row of a day, or of its midnight, is the price of that day; any other is of
//! its moment. Nothing is derived: no mean of a day's minutes, no peg.

mod coingecko;

use std::str::FromStr;

use model::{Asset, Date, Price, Timestamp, amount, day_of};

pub use self::coingecko::CoinGecko;

/// Columns that are read, the first that is there.
const TIMES: [&str; 6] = ["time", "timestamp", "snapped_at", "date", "day", "datetime"];
const VALUES: [&str; 4] = ["usd", "price_usd", "price", "close"];

/// Decimals of a dollar that are kept; more are cut.
const DECIMALS: usize = 12;

/// A table that cannot be read as prices.
#[derive(Debug, thiserror::Error)]
#[error("{file}: line {line}: {what}")]
pub struct PriceError {
    pub file: String,
    pub line: u64,
    pub what: String,
}

/// Reads a whole table, or nothing of it.
///
/// # Errors
/// With the line, what it holds, and what was expected.
pub fn read_csv(
    file: &str,
    bytes: &[u8],
    asset: &Asset,
    source: &str,
) -> Result<Vec<Price>, PriceError> {
    let error = |line: u64, what: String| PriceError { file: file.to_string(), line, what };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|e| error(1, e.to_string()))?;
    let header: Vec<String> = header
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').to_ascii_lowercase())
        .collect();
    let column = |names: &[&str]| names.iter().find_map(|n| header.iter().position(|h| h == n));
    let expected =
        |names: &[&str]| error(1, format!("expected a column named one of {}", names.join(", ")));
    let time = column(&TIMES).ok_or_else(|| expected(&TIMES))?;
    let value = column(&VALUES).ok_or_else(|| expected(&VALUES))?;
    let mut prices = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| {
            let line = e.position().map_or(0, csv::Position::line);
            error(line, e.to_string())
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let (time, value) = (record.get(time).unwrap_or(""), record.get(value).unwrap_or(""));
        // A day nobody traded on.
        if value.is_empty() {
            continue;
        }
        let (date, at) = moment(time).ok_or_else(|| {
            let expected = "expected 2025-02-21, 2025-02-21T14:00:00Z or unix seconds";
            error(line, format!("{time:?} is no time: {expected}"))
        })?;
        let usd_e12 = usd_e12(value).ok_or_else(|| {
            error(line, format!("{value:?} is no price: expected USD such as 2741.59"))
        })?;
        prices.push(Price { asset: asset.clone(), date, at, usd_e12, source: source.to_string() });
    }
    Ok(prices)
}

/// A day, and the moment where it is one within the day.
fn moment(text: &str) -> Option<(Date, Option<Timestamp>)> {
    if text.len() == 10
        && let Ok(date) = Date::from_str(text)
    {
        return Some((date, None));
    }
    let time = time(text)?;
    let date = day_of(time);
    let is_midnight = time.as_second().rem_euclid(86_400) == 0;
    Some((date, (!is_midnight).then_some(time)))
}

fn time(text: &str) -> Option<Timestamp> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        // Eleven digits of seconds are the year 2286: more are milliseconds.
        return match number < 100_000_000_000 {
            true => Timestamp::from_second(number).ok(),
            false => Timestamp::from_millisecond(number).ok(),
        };
    }
    let text = text.strip_suffix(" UTC").unwrap_or(text).replacen(' ', "T", 1);
    let is_zoned = text.ends_with('Z') || text.get(10..).is_some_and(|t| t.contains(['+', '-']));
    let whole = if is_zoned { text } else { format!("{text}Z") };
    Timestamp::from_str(&whole).ok()
}

/// Exact to twelve decimals; none for what is negative, nothing or beyond measure.
pub fn usd_e12(text: &str) -> Option<u128> {
    let scaled = match text.split_once('.') {
        Some((whole, fraction)) if fraction.len() > DECIMALS && !fraction.contains(['e', 'E']) => {
            let kept = fraction.get(..DECIMALS)?;
            let is_number = fraction.bytes().all(|b| b.is_ascii_digit());
            amount::parse_units(&format!("{whole}.{kept}"), 12).ok().filter(|_| is_number)?
        }
        _ => amount::parse_units(text, 12).ok()?,
    };
    u128::try_from(scaled).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Chain;

    fn read(text: &str) -> Result<Vec<Price>, PriceError> {
        read_csv("prices.csv", text.as_bytes(), &Asset::native(Chain::ETHEREUM), "somebody")
    }

    #[test]
    fn days_and_moments_are_told_apart() {
        let table = "snapped_at,Price,market_cap\n2025-02-21,2741.59,1\n\
            2025-02-22 00:00:00 UTC,2658.3512345678901234,1\n2025-02-22T14:05:00Z,2700,1\n\
            1740315900,2701.5,1\n1740315960000,1e-7,1\n2025-02-24,,1\n";
        let prices = read(table).expect("it reads");
        let at: Vec<bool> = prices.iter().map(|price| price.at.is_some()).collect();
        assert_eq!(at, [false, false, true, true, true]);
        assert_eq!(prices[1].usd_e12, 2_658_351_234_567_890);
        assert_eq!(prices[3].starts().to_string(), "2025-02-23T13:05:00Z");
        assert_eq!(prices[4].usd_e12, 100_000);
    }

    #[test]
    fn a_slip_is_named_with_its_line() {
        for (table, said) in [
            ("day,volume\n", "expected a column named one of usd"),
            ("when,usd\n", "expected a column named one of time"),
            ("day,usd\n2025-02-21,1\n2025-02-30,1\n", "line 3: \"2025-02-30\" is no time"),
            ("day,usd\n2025-02-21,-1\n", "line 2: \"-1\" is no price"),
            ("day,usd\n2025-02-21,1.5x\n", "is no price"),
            ("day,usd\n2025-02-21,1.5000000000000x\n", "is no price"),
            ("day,usd\n2025-02-21,1,2\n", "line 2"),
        ] {
            let error = read(table).expect_err(table);
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
