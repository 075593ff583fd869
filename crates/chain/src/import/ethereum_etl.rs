//! `ethereum-etl`: tables exported by blockchain-etl/ethereum-etl, as CSV with a
//! header or as JSON lines, from `export_*` or `stream`.
//!
//! What a file holds is told by its columns; a line of a stream says it itself
//! (`"type": "token_transfer"`), so one stream may mix them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Chain, Cursor, Read};
use std::path::Path;

use super::csv_table::CsvTable;
use super::error::{ImportError, Place, Problem};
use super::evm::{self, Evm, Table};
use super::fields::{Cell, Fields, Row};
use super::json_lines::JsonLines;
use super::run::Run;

pub fn import(reader: &mut dyn BufRead, run: &mut Run<'_>) -> Result<(), ImportError> {
    let name = run.name.clone();
    let mut evm = Evm::default();
    rows(&name, reader, &mut |table, place, row| {
        evm.row(table, &Fields { file: &name, place, row }, run)
    })?;
    evm.finish(run)
}

/// What a file holds, told by its first row. An empty file of JSON lines holds
/// nothing of anything.
/// What a file holds, told by its first row. An empty file holds nothing of anything.
pub fn detect(path: &Path) -> Result<Table, ImportError> {
    let name = path.display().to_string();
    let mut reader = open(path)?;
    match Source::open(&name, &mut reader)? {
        Source::Csv(csv) => csv_table(&name, &csv),
        Source::Json(mut lines) => match lines.next()? {
            Some((place, row)) => json_table(&name, place, &row),
            None => Ok(Table::Blocks),
        },
    }
}

/// Adds the contracts this file calls ERC-721.
pub fn read_nft_contracts(path: &Path, into: &mut BTreeSet<[u8; 20]>) -> Result<(), ImportError> {
    let name = path.display().to_string();
    rows(&name, &mut open(path)?, &mut |table, place, row| {
        if table == Table::Contracts {
            into.extend(evm::nft_contract(&Fields { file: &name, place, row })?);
        }
        Ok(())
    })
}

type Visit<'a> = &'a mut dyn FnMut(Table, Place, &dyn Row) -> Result<(), ImportError>;

fn rows(name: &str, reader: &mut dyn BufRead, visit: Visit<'_>) -> Result<(), ImportError> {
    match Source::open(name, reader)? {
        Source::Json(mut lines) => {
            while let Some((place, row)) = lines.next()? {
                visit(json_table(name, place, &row)?, place, &row)?;
            }
        }
        Source::Csv(mut csv) => {
            let table = csv_table(name, &csv)?;
            while let Some((place, row)) = csv.next()? {
                visit(table, place, &row)?;
            }
        }
    }
    Ok(())
}

fn open(path: &Path) -> Result<BufReader<File>, ImportError> {
    let file =
        File::open(path).map_err(|e| ImportError::unreadable(&path.display().to_string(), e))?;
    Ok(BufReader::new(file))
}

/// A file's bytes with the first few, which were looked at, put back.
type Whole<'a> = Chain<Cursor<Vec<u8>>, &'a mut dyn BufRead>;

enum Source<'a> {
    Csv(Box<CsvTable<Whole<'a>>>),
    Json(JsonLines<Whole<'a>>),
}

/// Enough to see past a byte order mark and empty lines.
const HEAD_BYTES: u64 = 64;

impl<'a> Source<'a> {
    /// An object is JSON lines, and nothing at all an empty stream of them.
    fn open(name: &str, reader: &'a mut dyn BufRead) -> Result<Source<'a>, ImportError> {
        let mut head = Vec::new();
        (&mut *reader)
            .take(HEAD_BYTES)
            .read_to_end(&mut head)
            .map_err(|e| ImportError::unreadable(name, e))?;
        let first =
            head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head).trim_ascii_start().first().copied();
        let whole = Cursor::new(head).chain(reader);
        match first {
            None | Some(b'{') => Ok(Source::Json(JsonLines::open(name, whole))),
            Some(b'[') => {
                let problem = Problem::other("a JSON list: expected one object a line");
                Err(ImportError::new(name, Some(Place::Line(1)), None, problem))
            }
            Some(_) => CsvTable::open(name, whole).map(|csv| Source::Csv(Box::new(csv))),
        }
    }
}

fn csv_table<R: BufRead>(name: &str, csv: &CsvTable<R>) -> Result<Table, ImportError> {
    Table::by_columns(&|column| csv.at(column).is_some()).ok_or_else(|| {
        let problem =
            Problem::other(format!("not a table of this format: expected {}", Table::EXPECTED));
        ImportError::new(name, Some(Place::Line(1)), None, problem)
    })
}

fn json_table(name: &str, place: Place, row: &dyn Row) -> Result<Table, ImportError> {
    if let Cell::Text(kind) = row.cell("type")
        && let Some(table) = Table::by_type(&kind)
    {
        return Ok(table);
    }
    Table::by_columns(&|column| row.has(column)).ok_or_else(|| {
        let problem =
            Problem::other(format!("not a row of this format: expected {}", Table::EXPECTED));
        ImportError::new(name, Some(place), None, problem)
    })
}
