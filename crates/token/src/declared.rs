//! What people say about a token that no chain can: team, audit, a lock. Kept in a `token.toml`.
//!
//! ```toml
//! contract = "eip155:1/erc20:0x…"
//!
//! [[declared]]
//! topic = "audit"
//! says = "audited by X, no open finding above low"
//! source = "https://…"
//! by = "A. Analyst"
//! on = 2026-03-01
//! ```
//!
//! Nothing of it is checked: it is shown as declared, with who said so and when.

use model::{Asset, Date};
use serde::Deserialize;

const BYTES_MAX: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    pub contract: Asset,
    #[serde(default)]
    pub declared: Vec<Declaration>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    pub topic: Topic,
    pub says: String,
    pub source: String,
    /// Who wrote it down.
    pub by: String,
    #[serde(deserialize_with = "day")]
    pub on: Date,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    Team,
    Audit,
    /// Where the pool's token lies, and until when.
    LiquidityLock,
    Other,
}

#[derive(Debug, thiserror::Error)]
pub enum DeclaredError {
    #[error("{file}: expected at most {BYTES_MAX} bytes, found {found}")]
    TooLarge { file: String, found: usize },
    #[error("{file}")]
    Toml { file: String, source: toml::de::Error },
    #[error("{file}: declaration {n}: expected a {field}, found none")]
    Empty { file: String, n: usize, field: &'static str },
}

/// Reads a whole file.
pub fn read(file: &str, text: &str) -> Result<Declared, DeclaredError> {
    if text.len() > BYTES_MAX {
        return Err(DeclaredError::TooLarge { file: file.to_string(), found: text.len() });
    }
    let read: Declared = toml::from_str(text)
        .map_err(|source| DeclaredError::Toml { file: file.to_string(), source })?;
    for (n, one) in (1..).zip(&read.declared) {
        for (field, text) in [("says", &one.says), ("source", &one.source), ("by", &one.by)] {
            if text.trim().is_empty() {
                return Err(DeclaredError::Empty { file: file.to_string(), n, field });
            }
        }
    }
    Ok(read)
}

/// A day of TOML, quoted or not.
fn day<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
    use serde::de::Error;

    let text = match toml::Value::deserialize(from)? {
        toml::Value::Datetime(day) => day.to_string(),
        toml::Value::String(text) => text,
        other => other.to_string(),
    };
    text.parse().map_err(|_| {
        D::Error::custom(format_args!("expected a day such as 2026-03-01, found {text:?}"))
    })
}

impl Topic {
    pub const ALL: [Topic; 3] = [Topic::Team, Topic::Audit, Topic::LiquidityLock];

    pub fn name(self) -> &'static str {
        match self {
            Topic::Team => "the team",
            Topic::Audit => "an audit",
            Topic::LiquidityLock => "a lock of the liquidity",
            Topic::Other => "something else",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
contract = "eip155:1/erc20:0xae7ab96520de3a18e5e111b5eaab095312d7fe84"

[[declared]]
topic = "audit"
says = "audited"
source = "https://example.org/report.pdf"
by = "A. Analyst"
on = 2026-03-01
"#;

    #[test]
    fn what_is_declared_names_who_and_when() {
        let read = read("token.toml", GOOD).expect("it reads");
        assert_eq!(read.declared[0].on.to_string(), "2026-03-01");
        assert_eq!(read.declared[0].topic, Topic::Audit);
    }

    #[test]
    fn a_slip_is_named() {
        let slip = |from: &str, to: &str| {
            let error = read("token.toml", &GOOD.replace(from, to)).expect_err("a slip");
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error} {}", cause.unwrap_or_default())
        };
        assert!(slip("by =", "bye =").contains("bye"));
        assert!(slip("A. Analyst", " ").contains("expected a by"));
        assert!(slip("2026-03-01", "\"soon\"").contains("soon"));
        assert!(slip("\"audit\"", "\"vibes\"").contains("vibes"));
    }
}
