//! Fields of a provider's JSON, each of which may be missing or something else.

use std::str::FromStr;

use model::{Address, Chain, Timestamp, TxHash, TxId, U256, amount};
use serde_json::Value;

/// What is wrong with a row: field, what it holds, what was expected.
pub type Wrong = String;

/// One object of an answer.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    pub chain: Chain,
    pub value: &'a Value,
}

impl<'a> Fields<'a> {
    pub fn new(chain: Chain, value: &'a Value) -> Fields<'a> {
        Fields { chain, value }
    }

    /// The first of these fields that is there and not null. A dot goes one deeper.
    pub fn find(&self, names: &[&str]) -> Option<&'a Value> {
        names.iter().find_map(|name| {
            let mut value = self.value;
            for part in name.split('.') {
                value = value.get(part)?;
            }
            (!value.is_null()).then_some(value)
        })
    }

    /// Text, or a number as text; none where missing or empty.
    pub fn text(&self, names: &[&str]) -> Result<Option<String>, Wrong> {
        match self.find(names) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(wrong(names, &other.to_string(), "text")),
        }
    }

    pub fn need(&self, names: &[&str], expected: &str) -> Result<String, Wrong> {
        self.text(names)?.ok_or_else(|| missing(names, expected))
    }

    pub fn whole(&self, names: &[&str]) -> Result<Option<u64>, Wrong> {
        let Some(text) = self.text(names)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| wrong(names, &text, "a whole number"))
    }

    pub fn whole32(&self, names: &[&str]) -> Result<Option<u32>, Wrong> {
        let Some(number) = self.whole(names)? else { return Ok(None) };
        u32::try_from(number)
            .map(Some)
            .map_err(|_| wrong(names, &number.to_string(), "a number of 32 bits"))
    }

    /// A number as nodes of EVM chains write it: `0x1f`.
    pub fn quantity(&self, name: &str) -> Result<u64, Wrong> {
        let text = self.need(&[name], "a quantity in hex")?;
        let digits = text.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok());
        digits.ok_or_else(|| wrong(&[name], &text, "a quantity in hex"))
    }

    pub fn need_whole(&self, names: &[&str]) -> Result<u64, Wrong> {
        self.whole(names)?.ok_or_else(|| missing(names, "a whole number"))
    }

    /// Base units.
    pub fn base(&self, names: &[&str]) -> Result<Option<U256>, Wrong> {
        let Some(text) = self.text(names)? else { return Ok(None) };
        amount::parse_base(&text).map(Some).map_err(|_| wrong(names, &text, "base units"))
    }

    pub fn need_base(&self, names: &[&str]) -> Result<U256, Wrong> {
        self.base(names)?.ok_or_else(|| missing(names, "base units"))
    }

    pub fn address(&self, names: &[&str]) -> Result<Option<Address>, Wrong> {
        let Some(text) = self.text(names)? else { return Ok(None) };
        let parsed = Address::parse(&text, self.chain).map(Some);
        parsed.map_err(|_| wrong(names, &text, "an address of this chain"))
    }

    pub fn need_address(&self, names: &[&str]) -> Result<Address, Wrong> {
        self.address(names)?.ok_or_else(|| missing(names, "an address"))
    }

    pub fn tx(&self, names: &[&str]) -> Result<TxId, Wrong> {
        let text = self.need(names, "a transaction")?;
        TxId::parse(&text, self.chain).ok_or_else(|| wrong(names, &text, "a transaction"))
    }

    pub fn hash(&self, names: &[&str]) -> Result<Option<TxHash>, Wrong> {
        let Some(text) = self.text(names)? else { return Ok(None) };
        let hash = TxHash::parse(&text, self.chain);
        hash.map(Some).ok_or_else(|| wrong(names, &text, "a hash"))
    }

    /// Seconds since 1970.
    pub fn seconds(&self, names: &[&str]) -> Result<Timestamp, Wrong> {
        let number = self.need_whole(names)?;
        let time = i64::try_from(number).ok().and_then(|s| Timestamp::from_second(s).ok());
        time.ok_or_else(|| wrong(names, &number.to_string(), "seconds since 1970"))
    }

    pub fn millis(&self, names: &[&str]) -> Result<Timestamp, Wrong> {
        let number = self.need_whole(names)?;
        let time = i64::try_from(number).ok().and_then(|s| Timestamp::from_millisecond(s).ok());
        time.ok_or_else(|| wrong(names, &number.to_string(), "milliseconds since 1970"))
    }

    /// RFC 3339.
    pub fn stamp(&self, names: &[&str]) -> Result<Timestamp, Wrong> {
        let text = self.need(names, "a time")?;
        Timestamp::from_str(&text).map_err(|_| wrong(names, &text, "a time of RFC 3339"))
    }

    pub fn flag(&self, names: &[&str]) -> Result<Option<bool>, Wrong> {
        match self.find(names) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(wrong(names, &other.to_string(), "true or false")),
        }
    }

    pub fn list(&self, names: &[&str]) -> Result<&'a [Value], Wrong> {
        match self.find(names) {
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(wrong(names, &other.to_string(), "a list")),
            None => Err(missing(names, "a list")),
        }
    }

    pub fn object(&self, names: &[&str]) -> Result<Fields<'a>, Wrong> {
        match self.find(names) {
            Some(value @ Value::Object(_)) => Ok(Fields { value, ..*self }),
            Some(other) => Err(wrong(names, &other.to_string(), "an object")),
            None => Err(missing(names, "an object")),
        }
    }
}

pub fn missing(names: &[&str], expected: &str) -> Wrong {
    format!("{} is missing, expected {expected}", names.first().copied().unwrap_or_default())
}

pub fn wrong(names: &[&str], found: &str, expected: &str) -> Wrong {
    const CHARS_MAX: usize = 80;
    let found: String = found.chars().take(CHARS_MAX).collect();
    format!("{} is {found:?}, expected {expected}", names.first().copied().unwrap_or_default())
}
