//! `cryo`: tables exported by paradigmxyz/cryo as Parquet.
//!
//! Datasets: blocks, transactions, traces, native_transfers, logs,
//! erc20_transfers, erc721_transfers, erc20_metadata; bytes as binary or as hex
//! (`--hex`), numbers of 256 bits as binary or text. An amount that is there as
//! a float only is refused: floats are not exact.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::record::reader::RowIter;
use parquet::schema::types::Type;

use super::error::{ImportError, Place, Problem};
use super::evm::{Evm, Table};
use super::fields::{Cell, Fields, Row};
use super::run::Run;

pub fn import<R: ChunkReader + 'static>(source: R, run: &mut Run<'_>) -> Result<(), ImportError> {
    let name = run.name.clone();
    let reader = guarded(&name, None, || SerializedFileReader::new(source))?;
    let columns = columns(&name, &reader)?;
    let table = table(&name, &columns)?;
    let projection = projection(&name, &reader, &columns)?;
    let mut evm = Evm::default();
    let mut number = 0;
    for group in 0..reader.num_row_groups() {
        let place = Some(Place::Row(number + 1));
        check_group(&name, place, reader.metadata().row_group(group))?;
        let rows = guarded(&name, place, || reader.get_row_group(group))?;
        let mut iter =
            guarded(&name, place, || RowIter::from_row_group(Some(projection.clone()), &*rows))?;
        while let Some(row) =
            guarded(&name, Some(Place::Row(number + 1)), || iter.next().transpose())?
        {
            number += 1;
            check_row(&name, number, &row)?;
            let row = ParquetRow(&row);
            evm.row(table, &Fields { file: &name, place: Place::Row(number), row: &row }, run)?;
        }
        let bytes =
            u64::try_from(reader.metadata().row_group(group).compressed_size()).unwrap_or(0);
        run.read.set(run.read.get().saturating_add(bytes));
    }
    evm.finish(run)
}

pub fn detect(path: &Path) -> Result<Table, ImportError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|e| ImportError::unreadable(&name, e))?;
    let reader = guarded(&name, None, || SerializedFileReader::new(file))?;
    table(&name, &columns(&name, &reader)?)
}

/// The Parquet library checks much of what it reads, but not all of it: a
/// panic over a hostile file is that file's error.
pub fn guarded<T>(
    name: &str,
    place: Option<Place>,
    read: impl FnOnce() -> parquet::errors::Result<T>,
) -> Result<T, ImportError> {
    let what = match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(e)) => format!("not readable as Parquet: {e}"),
        Err(_) => "not readable as Parquet".to_string(),
    };
    Err(ImportError::new(name, place, None, Problem::other(super::error::cut(&what))))
}

/// Columns of one group must be equally long.
pub fn check_group(
    name: &str,
    place: Option<Place>,
    group: &RowGroupMetaData,
) -> Result<(), ImportError> {
    let plain = group.columns().iter().filter(|column| column.column_descr().max_rep_level() == 0);
    if plain.clone().all(|column| column.num_values() == group.num_rows()) {
        return Ok(());
    }
    Err(ImportError::new(
        name,
        place,
        None,
        Problem::other("not readable as Parquet: columns of different length"),
    ))
}

/// The library reads nulls for ever past the end of a file that promises more
/// rows than it has.
fn check_row(name: &str, number: u64, row: &parquet::record::Row) -> Result<(), ImportError> {
    if row.get_column_iter().any(|(_, field)| *field != Field::Null) {
        return Ok(());
    }
    Err(ImportError::new(
        name,
        Some(Place::Row(number)),
        None,
        Problem::other("the row holds nothing at all"),
    ))
}

/// The names of all plain columns.
fn columns<R: ChunkReader + 'static>(
    name: &str,
    reader: &SerializedFileReader<R>,
) -> Result<Vec<String>, ImportError> {
    let schema = reader.metadata().file_metadata().schema();
    if !schema.is_group() {
        return Err(ImportError::new(
            name,
            None,
            None,
            Problem::other("not readable as Parquet: no columns"),
        ));
    }
    let plain = schema.get_fields().iter().filter(|field| {
        let info = field.get_basic_info();
        field.is_primitive()
            && (!info.has_repetition() || info.repetition() != parquet::basic::Repetition::REPEATED)
    });
    Ok(plain.map(|field| field.name().to_string()).collect())
}

fn table(name: &str, columns: &[String]) -> Result<Table, ImportError> {
    Table::by_columns(&|column| columns.iter().any(|known| known == column)).ok_or_else(|| {
        let problem =
            Problem::other(format!("not a dataset of this format: expected {}", Table::EXPECTED));
        ImportError::new(name, None, None, problem)
    })
}

/// Columns nobody asks for, and the big ones are such, are not even unpacked.
const IGNORED: [&str; 12] = [
    "input",
    "extra_data",
    "logs_bloom",
    "state_root",
    "transactions_root",
    "receipts_root",
    "action_input",
    "action_init",
    "result_output",
    "result_code",
    "mix_hash",
    "withdrawals_root",
];

fn projection<R: ChunkReader + 'static>(
    name: &str,
    reader: &SerializedFileReader<R>,
    columns: &[String],
) -> Result<Type, ImportError> {
    let schema = reader.metadata().file_metadata().schema();
    let kept = schema.get_fields().iter().filter(|field| {
        columns.iter().any(|column| column == field.name()) && !IGNORED.contains(&field.name())
    });
    let kept = kept.cloned().collect();
    guarded(name, None, || Type::group_type_builder(schema.name()).with_fields(kept).build())
}

struct ParquetRow<'a>(&'a parquet::record::Row);

impl Row for ParquetRow<'_> {
    fn has(&self, name: &str) -> bool {
        self.0.get_column_iter().any(|(column, _)| column == name)
    }

    fn cell(&self, name: &str) -> Cell<'_> {
        let found = self.0.get_column_iter().find(|(column, _)| *column == name);
        found.map_or(Cell::Empty, |(_, field)| cell(field))
    }
}

fn cell(field: &Field) -> Cell<'_> {
    match field {
        Field::Null => Cell::Empty,
        Field::Bool(value) => Cell::Text(if *value { "true" } else { "false" }.into()),
        Field::Byte(n) => signed(i64::from(*n)),
        Field::Short(n) => signed(i64::from(*n)),
        Field::Int(n) => signed(i64::from(*n)),
        Field::Long(n) => signed(*n),
        Field::UByte(n) => Cell::Whole(u64::from(*n)),
        Field::UShort(n) => Cell::Whole(u64::from(*n)),
        Field::UInt(n) => Cell::Whole(u64::from(*n)),
        Field::ULong(n) => Cell::Whole(*n),
        Field::Float16(_) | Field::Float(_) | Field::Double(_) => Cell::Float,
        Field::Str(text) if text.is_empty() => Cell::Empty,
        Field::Str(text) => Cell::Text(text.as_str().into()),
        Field::Bytes(bytes) => Cell::Bytes(bytes.data()),
        Field::TimestampMillis(ms) => instant(jiff::Timestamp::from_millisecond(*ms).ok()),
        Field::TimestampMicros(us) => instant(jiff::Timestamp::from_microsecond(*us).ok()),
        other => Cell::Text(other.to_string().into()),
    }
}

/// A negative number fits no field: its text names it in the error.
fn signed<'a>(n: i64) -> Cell<'a> {
    u64::try_from(n).map_or_else(|_| Cell::Text(n.to_string().into()), Cell::Whole)
}

fn instant<'a>(time: Option<jiff::Timestamp>) -> Cell<'a> {
    Cell::Text(time.map_or_else(|| "out of range".to_string(), |time| time.to_string()).into())
}

#[cfg(test)]
mod tests;
