//! A notice of the FBI, or of anybody: text with addresses in it.
//!
//! What validates as an address is listed, whatever stands around it; an EVM address whose checksum
//! is wrong is listed as well, as a claim, since leaving it out would be worse. A public service
//! announcement says its day in its number: `I-022625-PSA`.

use std::io::{BufRead, ErrorKind, Read};

use model::Date;

use super::gather::Gather;
use super::{ListError, ParsedList};
use crate::extract;

/// The longest notice. The text of one is some ten kilobytes.
const BYTES_MAX: u64 = 16 << 20;

/// Reads the notice. Without a day of the caller's, its number must say it.
pub fn read(
    input: impl BufRead,
    list: &str,
    date: Option<Date>,
    file_hash: &str,
) -> Result<ParsedList, ListError> {
    let mut text = String::new();
    match input.take(BYTES_MAX + 1).read_to_string(&mut text) {
        Ok(read) if read as u64 > BYTES_MAX => {
            let expected = format!("at most {BYTES_MAX} bytes of text");
            return Err(ListError::at_line(1, &expected, "more"));
        }
        Ok(_) => {}
        Err(cause) if cause.kind() == ErrorKind::InvalidData => {
            return Err(ListError::at_line(1, "UTF-8 text", "other bytes").because(cause));
        }
        Err(cause) => {
            let found = "bytes that cannot be read";
            return Err(ListError::at_line(1, "more of the file", found).because(cause));
        }
    }
    let Some(date) = date.or_else(|| day_of_number(&text)) else {
        return Err(ListError::at_line(
            1,
            "a number such as I-022625-PSA, or a day by hand",
            "none",
        ));
    };
    let mut gather = Gather::new(list, date, file_hash);
    for found in extract::addresses(&text) {
        gather.add(gather.listing(&found.written));
    }
    Ok(gather.finish())
}

/// Month, day and year of `I-022625-PSA`.
pub fn day_of_number(text: &str) -> Option<Date> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let digits = words.into_iter().find_map(|word| {
        let digits = word.strip_prefix("I-")?.strip_suffix("-PSA")?;
        (digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
    })?;
    let number = |at: usize| digits[at..at + 2].parse::<i8>().ok();
    Date::new(2000 + i16::from(number(4)?), number(0)?, number(2)?).ok()
}
