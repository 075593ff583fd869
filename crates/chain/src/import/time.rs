//! Times as tables write them.

use model::Timestamp;

pub const EXPECTED: &str = "a time: 2025-02-21 14:29:47, RFC 3339, or unix seconds";

/// Reads `2025-02-21 14:29:47` (UTC unless a zone is given), RFC 3339,
/// `2025-02-21 14:29:47 UTC` as BigQuery writes it, or unix seconds. A date
/// alone is refused: a day is too coarse to say what came first.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(seconds) = unix_seconds(text) {
        return Timestamp::from_second(seconds).ok();
    }
    if text.len() > 64 || !text.contains(':') {
        return None;
    }
    let civil = text.strip_suffix(" UTC").unwrap_or(text);
    if let Ok(time) = civil.parse::<Timestamp>() {
        return Some(time);
    }
    let time: jiff::civil::DateTime = civil.parse().ok()?;
    time.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Whole seconds; data frames may write them with a `.0`.
fn unix_seconds(text: &str) -> Option<i64> {
    let whole = text.strip_suffix(".0").unwrap_or(text);
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| whole.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_unless_they_say() {
        let expected = Some(Timestamp::from_second(1_740_148_187).expect("in range"));
        for text in [
            "2025-02-21 14:29:47",
            "2025-02-21T14:29:47",
            "2025-02-21T14:29:47Z",
            "2025-02-21 14:29:47 UTC",
            "2025-02-21T15:29:47+01:00",
            "2025-02-21 15:29:47+01:00",
            "1740148187",
            "1740148187.0",
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2025-02-21",
            "21.02.2025 14:29",
            "1740148187000000",
            "now",
            "2025-13-01 00:00:00",
            ":",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"1".repeat(100_000)), None);
    }
}
