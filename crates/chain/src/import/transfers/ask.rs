//! Asking a row of a known table: columns found once, plain values read fast.
//!
//! Whatever is not plainly right goes through [`Fields`], which knows every way a
//! value may be written and how to say what is wrong with it.

use std::borrow::Cow;

use model::U256;

use crate::import::error::ImportError;
use crate::import::fields::{Cell, Fields, Names, Row};

/// A row whose cells are also known by number.
pub trait Cells: Row {
    fn cell_at(&self, at: usize) -> Cell<'_>;
}

/// Where one thing stands: the columns of its names that the file has.
pub struct Column {
    pub names: Names<'static>,
    at: Vec<usize>,
}

impl Column {
    pub fn find(names: Names<'static>, find: &dyn Fn(&str) -> Option<usize>) -> Column {
        Column { names, at: names.iter().filter_map(|name| find(name)).collect() }
    }

    pub fn is_there(&self) -> bool {
        !self.at.is_empty()
    }
}

pub struct Ask<'a> {
    pub fields: Fields<'a>,
    pub cells: &'a dyn Cells,
}

impl<'a> Ask<'a> {
    /// The first that is there and not empty counts.
    pub fn cell(&self, column: &Column) -> Cell<'a> {
        for at in &column.at {
            match self.cells.cell_at(*at) {
                Cell::Empty => {}
                cell => return cell,
            }
        }
        Cell::Empty
    }

    pub fn text(&self, column: &Column) -> Result<Option<Cow<'a, str>>, ImportError> {
        match self.cell(column) {
            Cell::Empty => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            _ => self.fields.text(column.names),
        }
    }

    pub fn whole(&self, column: &Column) -> Result<Option<u64>, ImportError> {
        match self.cell(column) {
            Cell::Empty => Ok(None),
            Cell::Whole(number) => Ok(Some(number)),
            Cell::Text(text) if let Some(number) = digits(&text, 18) => {
                Ok(Some(u64::try_from(number).expect("18 digits fit")))
            }
            _ => self.fields.whole(column.names),
        }
    }

    pub fn whole32(&self, column: &Column) -> Result<Option<u32>, ImportError> {
        let Some(number) = self.whole(column)? else { return Ok(None) };
        match u32::try_from(number) {
            Ok(number) => Ok(Some(number)),
            Err(_) => self.fields.whole32(column.names),
        }
    }

    /// An amount in base units.
    pub fn base(&self, column: &Column) -> Result<Option<U256>, ImportError> {
        match self.cell(column) {
            Cell::Empty => Ok(None),
            Cell::Whole(number) => Ok(Some(U256::from(number))),
            Cell::Text(text) if let Some(number) = digits(&text, 38) => {
                Ok(Some(U256::from(number)))
            }
            _ => self.fields.base(column.names),
        }
    }
}

/// Digits and nothing else, so many at most.
fn digits(text: &str, most: usize) -> Option<u128> {
    if text.is_empty() || text.len() > most {
        return None;
    }
    // Two halves of 64 bits: dividing the work spares multiplications of 128 bits.
    let (high, low) = text.as_bytes().split_at(text.len().saturating_sub(19));
    let half = |digits: &[u8]| {
        digits.iter().try_fold(0u64, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'))
        })
    };
    Some(u128::from(half(high)?) * 10u128.pow(19) + u128::from(half(low)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn digits_are_read_exactly(number: u128) {
            let text = number.to_string();
            let expected = (text.len() <= 38).then_some(number);
            proptest::prop_assert_eq!(digits(&text, 38), expected);
        }

        #[test]
        fn what_is_not_digits_is_left_to_others(text in "[0-9]{0,20}[ .+x-][0-9]{0,20}") {
            proptest::prop_assert_eq!(digits(&text, 38), None);
        }
    }
}
