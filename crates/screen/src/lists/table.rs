//! A walk over a CSV table from a stranger: row by row, in UTF-8, and bounded.

use std::io::{self, BufRead, Read};

use csv::{ErrorKind, ReaderBuilder, StringRecord, Terminator};

use super::ListError;

/// The longest row. Those of the real lists are some ten kilobytes at most.
const ROW_BYTES_MAX: usize = 1 << 20;
/// The most columns of a row.
const COLUMNS_MAX: usize = 4096;

pub struct Table<R: BufRead> {
    reader: csv::Reader<Bounded<R>>,
    row: StringRecord,
}

impl<R: BufRead> Table<R> {
    /// Every row counts: which of them is a heading is the reader's to say.
    pub fn new(input: R, delimiter: u8) -> Table<R> {
        let input = Bounded { input, left: ROW_BYTES_MAX };
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            // With both ends of lines as one, the library would count a row's line one too low.
            .terminator(Terminator::Any(b'\n'))
            .from_reader(input);
        Table { reader, row: StringRecord::new() }
    }

    /// The next row that is not blank, with the line it starts on.
    pub fn next(&mut self) -> Result<Option<(u64, &StringRecord)>, ListError> {
        loop {
            self.reader.get_mut().left = ROW_BYTES_MAX;
            let line = self.reader.position().line();
            match self.reader.read_record(&mut self.row) {
                Ok(false) => return Ok(None),
                Ok(true) => {}
                Err(error) => return Err(unreadable(error, line)),
            }
            let line = self.row.position().map_or(line, csv::Position::line);
            if self.row.len() > COLUMNS_MAX {
                let expected = format!("at most {COLUMNS_MAX} columns");
                return Err(ListError::at_line(line, &expected, "more"));
            }
            if self.row.iter().any(|cell| cell.contains('\0')) {
                return Err(ListError::at_line(line, "text", "a zero byte"));
            }
            // Old tables end with the control character that once ended files.
            let is_blank =
                |cell: &str| cell.trim_matches([' ', '\r', '\u{1a}', '\u{feff}', '\t']).is_empty();
            if !self.row.iter().all(is_blank) {
                break;
            }
        }
        let line = self.row.position().map_or(0, csv::Position::line);
        Ok(Some((line, &self.row)))
    }
}

fn unreadable(error: csv::Error, line: u64) -> ListError {
    let line = error.position().map_or(line, csv::Position::line);
    match error.into_kind() {
        ErrorKind::Utf8 { .. } => ListError::at_line(line, "UTF-8 text", "other bytes"),
        ErrorKind::Io(cause) => {
            ListError::at_line(line, "more of the file", "bytes that cannot be read").because(cause)
        }
        other => ListError::at_line(line, "a row of a table", format!("{other:?}")),
    }
}

/// Which column is called what.
pub struct Columns(Vec<String>);

impl Columns {
    pub fn of(heading: &StringRecord) -> Columns {
        Columns(heading.iter().map(plain).collect())
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }

    /// The cell under a column, trimmed; empty where there is none.
    pub fn cell<'a>(&self, row: &'a StringRecord, name: &str) -> &'a str {
        let at = self.0.iter().position(|known| known == name);
        at.and_then(|at| row.get(at)).map_or("", str::trim)
    }

    /// The first cell under any of these that says something.
    pub fn first<'a>(&self, row: &'a StringRecord, names: &[&str]) -> &'a str {
        let cells = names.iter().map(|name| self.cell(row, name));
        cells.into_iter().find(|cell| !cell.is_empty()).unwrap_or_default()
    }
}

/// `Group ID`, `group_id` and `GroupID` are one name.
pub fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Fails once one row has taken more than its share.
struct Bounded<R> {
    input: R,
    left: usize,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other(format!("one row is longer than {ROW_BYTES_MAX} bytes")));
        }
        let most = buffer.len().min(self.left);
        let read = self.input.read(&mut buffer[..most])?;
        self.left -= read;
        Ok(read)
    }
}
