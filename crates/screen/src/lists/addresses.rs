//! A plain list: one address a line, as police notices give them.
//!
//! `#` starts a comment, blank lines do not count, and what follows a comma says
//! whose the address is. The first line may be a heading (`address`, or
//! `address,note`).

use std::io::{BufRead, ErrorKind, Read};

use model::Date;

use super::gather::Gather;
use super::{ListError, ParsedList};
use crate::query::is_blank;

const LINE_BYTES_MAX: u64 = 4096;

/// The list's name and date are the caller's to say.
pub fn read(
    mut input: impl BufRead,
    list: &str,
    date: Date,
    file_hash: &str,
) -> Result<ParsedList, ListError> {
    let mut gather = Gather::new(list, date, file_hash);
    for number in 1.. {
        let Some(line) = next_line(&mut input, number)? else { break };
        let line = without_comment(line.strip_prefix('\u{feff}').unwrap_or(&line));
        let (written, note) =
            line.split_once(',').map_or((line, ""), |(address, note)| (address, note));
        let (written, note) = (unquoted(written), unquoted(note));
        let is_heading = number == 1 && written.eq_ignore_ascii_case("address");
        if written.is_empty() || is_heading {
            continue;
        }
        let mut listing = gather.listing(&written);
        listing.party = (!note.is_empty()).then_some(note);
        gather.add(listing);
    }
    Ok(gather.finish())
}

fn next_line(input: &mut impl BufRead, number: u64) -> Result<Option<String>, ListError> {
    next_line_of(input, number, LINE_BYTES_MAX)
}

/// The next line, of no more than so many bytes.
pub(super) fn next_line_of(
    input: &mut impl BufRead,
    number: u64,
    bytes_max: u64,
) -> Result<Option<String>, ListError> {
    let mut line = String::new();
    match input.take(bytes_max + 1).read_line(&mut line) {
        Ok(0) => Ok(None),
        Ok(_) if line.len() as u64 > bytes_max => {
            Err(ListError::at_line(number, &format!("at most {bytes_max} bytes"), "a longer line"))
        }
        Ok(_) if line.contains('\0') => Err(ListError::at_line(number, "text", "a zero byte")),
        Ok(_) => Ok(Some(line)),
        Err(cause) if cause.kind() == ErrorKind::InvalidData => {
            Err(ListError::at_line(number, "UTF-8 text", "other bytes").because(cause))
        }
        Err(cause) => {
            Err(ListError::at_line(number, "more of the file", "bytes that cannot be read")
                .because(cause))
        }
    }
}

fn without_comment(line: &str) -> &str {
    line.split_once('#').map_or(line, |(before, _)| before).trim()
}

fn unquoted(field: &str) -> String {
    let field = field.trim_matches(is_blank);
    let inner = field.strip_prefix('"').and_then(|field| field.strip_suffix('"'));
    inner.map_or_else(
        || field.to_string(),
        |inner| inner.replace("\"\"", "\"").trim_matches(is_blank).to_string(),
    )
}
