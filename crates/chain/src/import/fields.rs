//! The fields of one row, whatever the file: CSV, JSON or Parquet.
//!
//! A field is asked for by its names, the usual one first: formats and their
//! versions call the same thing differently. The first that is there and not
//! empty counts. Every failure names the place, the field and what was expected.

use std::borrow::Cow;

use model::amount::{parse_base, parse_units};
use model::{Timestamp, TxHash, U256};

use super::error::{ImportError, Place, Problem};
use super::time;

/// One value of a row.
pub enum Cell<'a> {
    /// Null, the empty string, or no such column.
    Empty,
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Whole(u64),
    Time(Timestamp),
    /// A floating point number: never taken for an amount.
    Float,
    NotUtf8,
}

pub trait Row {
    fn has(&self, name: &str) -> bool;
    fn cell(&self, name: &str) -> Cell<'_>;
}

pub type Names<'n> = &'n [&'n str];

pub struct Fields<'a> {
    pub file: &'a str,
    pub place: Place,
    pub row: &'a dyn Row,
}

impl<'a> Fields<'a> {
    pub fn has(&self, names: Names<'_>) -> bool {
        names.iter().any(|name| self.row.has(name))
    }

    pub fn error(&self, names: Names<'_>, problem: Problem) -> ImportError {
        let name = names.iter().find(|name| !matches!(self.row.cell(name), Cell::Empty));
        let name = name.or_else(|| names.iter().find(|name| self.row.has(name))).or(names.first());
        ImportError::new(self.file, Some(self.place), name.copied(), problem)
    }

    pub fn missing(&self, names: Names<'_>, expected: &str) -> ImportError {
        self.error(names, Problem::missing(expected))
    }

    pub fn text(&self, names: Names<'_>) -> Result<Option<Cow<'a, str>>, ImportError> {
        match self.cell(names) {
            Cell::Empty => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            Cell::Whole(n) => Ok(Some(n.to_string().into())),
            Cell::Time(time) => Ok(Some(time.to_string().into())),
            Cell::Bytes(_) => Err(self.error(names, Problem::other("bytes, expected text"))),
            Cell::Float => {
                Err(self.error(names, Problem::other("a floating point number, expected text")))
            }
            Cell::NotUtf8 => Err(self.error(names, Problem::other("not UTF-8"))),
        }
    }

    pub fn hash(&self, names: Names<'_>) -> Result<Option<TxHash>, ImportError> {
        let hash = self.bytes_of::<32>(names, "a hash of 32 bytes")?;
        Ok(hash.map(|bytes| TxHash::new(&bytes)))
    }

    /// An EVM address; 32 bytes with 12 leading zeros, as logs have them, too.
    pub fn address(&self, names: Names<'_>) -> Result<Option<[u8; 20]>, ImportError> {
        let expected = "an address of 20 bytes";
        let Some(bytes) = self.bytes(names)? else { return Ok(None) };
        let bytes = match bytes.len() {
            32 if bytes[..12] == [0; 12] => &bytes[12..],
            _ => &bytes[..],
        };
        let address = bytes.try_into().map_err(|_| self.wrong(names, expected))?;
        Ok(Some(address))
    }

    fn bytes_of<const N: usize>(
        &self,
        names: Names<'_>,
        expected: &str,
    ) -> Result<Option<[u8; N]>, ImportError> {
        let Some(bytes) = self.bytes(names)? else { return Ok(None) };
        let bytes = bytes.as_slice().try_into().map_err(|_| self.wrong(names, expected))?;
        Ok(Some(bytes))
    }

    /// Bytes as they are, or from hex with or without `0x`.
    pub fn bytes(&self, names: Names<'_>) -> Result<Option<Vec<u8>>, ImportError> {
        match self.cell(names) {
            Cell::Bytes(bytes) => Ok(Some(bytes.to_vec())),
            _ => {
                let Some(text) = self.text(names)? else { return Ok(None) };
                unhex(&text).map(Some).ok_or_else(|| self.wrong(names, "hex"))
            }
        }
    }

    /// A whole number; data frames may write it with a `.0`.
    pub fn whole(&self, names: Names<'_>) -> Result<Option<u64>, ImportError> {
        if let Cell::Whole(n) = self.cell(names) {
            return Ok(Some(n));
        }
        let Some(text) = self.text(names)? else { return Ok(None) };
        let text = text.trim();
        let plain = text.strip_suffix(".0").unwrap_or(text);
        let number = match plain.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => plain.bytes().all(|b| b.is_ascii_digit()).then(|| plain.parse().ok()).flatten(),
        };
        number.map(Some).ok_or_else(|| self.wrong(names, "a whole number"))
    }

    pub fn whole32(&self, names: Names<'_>) -> Result<Option<u32>, ImportError> {
        let Some(number) = self.whole(names)? else { return Ok(None) };
        let number =
            u32::try_from(number).map_err(|_| self.wrong(names, "a whole number of 32 bits"))?;
        Ok(Some(number))
    }

    /// An amount in base units: exact or not at all.
    pub fn base(&self, names: Names<'_>) -> Result<Option<U256>, ImportError> {
        match self.cell(names) {
            Cell::Whole(n) => return Ok(Some(U256::from(n))),
            Cell::Bytes(bytes) => {
                let amount = U256::try_from_be_slice(bytes)
                    .ok_or_else(|| self.wrong(names, "a number of 256 bits"))?;
                return Ok(Some(amount));
            }
            Cell::Float => {
                let what = "a floating point number, which is not exact: export the amount as text or bytes";
                return Err(self.error(names, Problem::other(what)));
            }
            Cell::Empty | Cell::Text(_) | Cell::Time(_) | Cell::NotUtf8 => {}
        }
        let Some(text) = self.text(names)? else { return Ok(None) };
        base(text.trim()).map(Some).ok_or_else(|| self.wrong(names, "a whole number of base units"))
    }

    pub fn boolean(&self, names: Names<'_>) -> Result<Option<bool>, ImportError> {
        let Some(text) = self.text(names)? else { return Ok(None) };
        match text.trim() {
            "1" | "true" | "True" | "TRUE" | "0x1" | "1.0" => Ok(Some(true)),
            "0" | "false" | "False" | "FALSE" | "0x0" | "0.0" => Ok(Some(false)),
            _ => Err(self.wrong(names, "true or false")),
        }
    }

    pub fn time(&self, names: Names<'_>) -> Result<Option<Timestamp>, ImportError> {
        let Some(text) = self.text(names)? else { return Ok(None) };
        time::parse(&text).map(Some).ok_or_else(|| self.wrong(names, time::EXPECTED))
    }

    /// The value as it stands is not what was expected.
    pub fn wrong(&self, names: Names<'_>, expected: &str) -> ImportError {
        let found = match self.cell(names) {
            Cell::Text(text) => text.into_owned(),
            Cell::Bytes(bytes) => {
                format!("0x{}", model::hex::encode(&bytes[..bytes.len().min(64)]))
            }
            Cell::Whole(n) => n.to_string(),
            Cell::Time(time) => time.to_string(),
            Cell::Empty => return self.missing(names, expected),
            Cell::Float | Cell::NotUtf8 => {
                return self.error(names, Problem::other(format!("expected {expected}")));
            }
        };
        self.error(names, Problem::wrong(&found, expected))
    }

    fn cell(&self, names: Names<'_>) -> Cell<'a> {
        names
            .iter()
            .map(|name| self.row.cell(name))
            .find(|cell| !matches!(cell, Cell::Empty))
            .unwrap_or(Cell::Empty)
    }
}

fn base(text: &str) -> Option<U256> {
    if let Some(hex) = text.strip_prefix("0x") {
        return U256::from_str_radix(hex, 16).ok().filter(|_| !hex.is_empty());
    }
    parse_base(text).or_else(|_| parse_units(text, 0)).ok()
}

pub fn unhex_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    unhex(text)?.try_into().ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    model::hex::decode(text.strip_prefix("0x").unwrap_or(text))
}
