//! A CSV file with a header, read row by row.
//!
//! The delimiter (`,` `;` or tab) is told by the header. A byte order mark is
//! skipped, case and spaces of column names do not matter, columns may come in
//! any order. A record longer than [`RECORD_BYTES_MAX`] is refused, so that an
//! unclosed quote cannot pull a whole file into memory.

use std::cell::Cell as Shared;
use std::collections::HashMap;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use csv::ByteRecord;

use super::error::{ImportError, Place, Problem};
use super::fields::{Cell, Row};
use super::transfers::Cells;

pub const RECORD_BYTES_MAX: u64 = 16 << 20;
const HEADER_BYTES_MAX: u64 = 1 << 16;
const LAST_BREAK: &[u8] = b"\n";
const BOM: &[u8] = b"\xef\xbb\xbf";

pub struct CsvTable<R: Read> {
    name: String,
    rows: csv::Reader<Limited<Bytes<R>>>,
    columns: HashMap<String, usize>,
    record: ByteRecord,
    allowed: Rc<Shared<u64>>,
}

/// The header read ahead, the rest, and a line break for a last line without one.
type Bytes<R> = io::Chain<io::Chain<io::Cursor<Vec<u8>>, R>, &'static [u8]>;

/// One row, its cells found by column name.
pub struct CsvRow<'a> {
    columns: &'a HashMap<String, usize>,
    record: &'a ByteRecord,
}

impl<R: BufRead> CsvTable<R> {
    pub fn open(name: &str, mut reader: R) -> Result<CsvTable<R>, ImportError> {
        let mut start = Vec::new();
        let unreadable = |e| ImportError::unreadable(name, e);
        reader.by_ref().take(HEADER_BYTES_MAX).read_until(b'\n', &mut start).map_err(unreadable)?;
        check_start(name, &start)?;
        let header = start.strip_prefix(BOM).unwrap_or(&start).to_vec();
        let delimiter = delimiter(&header);
        let allowed = Rc::new(Shared::new(RECORD_BYTES_MAX));
        let limited = Limited {
            inner: io::Cursor::new(header).chain(reader).chain(LAST_BREAK),
            taken: 0,
            allowed: allowed.clone(),
        };
        // Not the reader's own CRLF: it ends a record before the `\n`, and lines miscount.
        let mut rows = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .terminator(csv::Terminator::Any(b'\n'))
            .flexible(true)
            .from_reader(limited);
        let columns = rows.byte_headers().map_err(|e| csv_error(name, e))?.clone();
        let columns = columns_by_name(name, &columns)?;
        Ok(CsvTable { name: name.to_string(), rows, columns, record: ByteRecord::new(), allowed })
    }

    /// The number of a column.
    pub fn at(&self, column: &str) -> Option<usize> {
        self.columns.get(column).copied()
    }

    /// The next row, or none at the end.
    pub fn next(&mut self) -> Result<Option<(Place, CsvRow<'_>)>, ImportError> {
        loop {
            self.allowed.set(self.rows.position().byte() + RECORD_BYTES_MAX);
            if !self
                .rows
                .read_byte_record(&mut self.record)
                .map_err(|e| csv_error(&self.name, e))?
            {
                return Ok(None);
            }
            if !is_blank(&self.record) {
                break;
            }
        }
        let place = self.place();
        let (found, expected) = (self.record.len(), self.columns.len());
        if found != expected {
            let problem =
                Problem::other(format!("{found} fields, expected {expected} as in the header"));
            return Err(ImportError::new(&self.name, Some(place), None, problem));
        }
        Ok(Some((place, CsvRow { columns: &self.columns, record: &self.record })))
    }
}

impl<R: Read> CsvTable<R> {
    /// Where the record just read begins. Its end is known for sure, as its line break has
    /// been read; the reader's own idea of its start misses blank lines before it.
    fn place(&self) -> Place {
        let breaks = self.record.as_slice().iter().filter(|byte| **byte == b'\n').count();
        Place::Line(self.rows.position().line().saturating_sub(1 + breaks as u64))
    }
}

/// A line of nothing but what a Windows line break leaves.
fn is_blank(record: &ByteRecord) -> bool {
    record.len() <= 1 && record.as_slice().trim_ascii().is_empty()
}

impl Row for CsvRow<'_> {
    fn has(&self, name: &str) -> bool {
        self.columns.contains_key(name)
    }

    fn cell(&self, name: &str) -> Cell<'_> {
        self.columns.get(name).map_or(Cell::Empty, |at| self.cell_at(*at))
    }
}

impl Cells for CsvRow<'_> {
    fn cell_at(&self, at: usize) -> Cell<'_> {
        let Some(bytes) = self.record.get(at) else { return Cell::Empty };
        if bytes.is_empty() {
            return Cell::Empty;
        }
        match std::str::from_utf8(bytes).map(str::trim) {
            Ok("") => Cell::Empty,
            Ok(text) => Cell::Text(text.into()),
            Err(_) => Cell::NotUtf8,
        }
    }
}

/// Says in plain words what a file is that cannot be CSV.
fn check_start(name: &str, start: &[u8]) -> Result<(), ImportError> {
    let what = if start.is_empty() {
        "the file is empty: expected a header line"
    } else if start.starts_with(b"\x1f\x8b")
        || start.starts_with(b"BZh")
        || start.starts_with(b"\x28\xb5\x2f\xfd")
    {
        "the file is compressed: unpack it first"
    } else if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        "the file is UTF-16: save it as UTF-8"
    } else if start.contains(&0) {
        "the header has a zero byte: this is not a CSV file"
    } else if start.len() as u64 == HEADER_BYTES_MAX && !start.ends_with(b"\n") {
        "the first line is longer than 65536 bytes: expected a header"
    } else if start.trim_ascii_end().contains(&b'\r') {
        "its lines end in carriage returns alone: save it with line feeds"
    } else {
        return Ok(());
    };
    Err(ImportError::new(name, Some(Place::Line(1)), None, Problem::other(what)))
}

/// The most frequent of the three in the header, outside quotes; a comma if none is there.
fn delimiter(header: &[u8]) -> u8 {
    let line = header.split(|b| matches!(b, b'\n' | b'\r')).next().unwrap_or_default();
    let plain = line.split(|b| *b == b'"').step_by(2).flatten();
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in plain {
        for (delimiter, count) in &mut counts {
            *count += usize::from(byte == delimiter);
        }
    }
    // `max_by_key` takes the last of equals; reversed, that is the comma.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

fn columns_by_name(file: &str, header: &ByteRecord) -> Result<HashMap<String, usize>, ImportError> {
    let error = |problem| ImportError::new(file, Some(Place::Line(1)), None, problem);
    let mut columns = HashMap::new();
    for (at, name) in header.iter().enumerate() {
        let name = std::str::from_utf8(name)
            .map_err(|_| error(Problem::other("the header is not UTF-8")))?;
        let name = name.trim().to_lowercase().replace([' ', '-'], "_");
        // Columns without a name (a data frame's index) are kept apart by number.
        let name = if name.is_empty() { format!("#{at}") } else { name };
        if columns.insert(name.clone(), at).is_some() {
            return Err(error(Problem::other(format!(
                "column {:?} is there twice",
                super::error::cut(&name)
            ))));
        }
    }
    Ok(columns)
}

fn csv_error(name: &str, error: csv::Error) -> ImportError {
    let place = error.position().map(|position| Place::Line(position.line()));
    match error.into_kind() {
        csv::ErrorKind::Io(e) if e.kind() == io::ErrorKind::InvalidData => {
            ImportError::new(name, place, None, Problem::other(e.to_string()))
        }
        csv::ErrorKind::Io(e) => ImportError::unreadable(name, e),
        _ => ImportError::new(name, place, None, Problem::other("not readable as CSV")),
    }
}

/// Stops reading when one record has taken too many bytes.
struct Limited<R> {
    inner: R,
    taken: u64,
    allowed: Rc<Shared<u64>>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken > self.allowed.get() {
            let what =
                format!("a record is longer than {RECORD_BYTES_MAX} bytes: is a quote left open?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let len = self.inner.read(into)?;
        self.taken += len as u64;
        Ok(len)
    }
}
