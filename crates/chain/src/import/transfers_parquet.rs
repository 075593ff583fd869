//! `transfers-parquet`: the table of `transfers-csv` in Parquet, its columns typed.
//!
//! Addresses and hashes may be text or their bytes, amounts text, whole numbers,
//! decimals or big-endian bytes, times timestamps, text or unix seconds. Columns
//! are read in batches of one row group each, and only those that mean something.

mod column;

use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};

use self::column::{Batch, Meaning};
use super::cryo::{check_group, guarded};
use super::error::{ImportError, Place, Problem, cut};
use super::fields::{Cell, Row};
use super::run::Run;
use super::transfers::{Cells, Transfers, column_names};

/// Rows at a time: enough to be fast, few enough to be small.
const BATCH_ROWS: usize = 4_096;

pub fn import<R: ChunkReader + 'static>(source: R, run: &mut Run<'_>) -> Result<(), ImportError> {
    let name = run.name.clone();
    let reader = guarded(&name, None, || SerializedFileReader::new(source))?;
    let table = Table::open(&name, &reader)?;
    let mut transfers = Transfers::open(&|column| table.at(column), None, run)?;
    let mut number = 0;
    for group in 0..reader.num_row_groups() {
        check_group(&name, Some(Place::Row(number + 1)), reader.metadata().row_group(group))?;
        number = table.read_group(&reader, group, number, &mut transfers, run)?;
        let bytes = reader.metadata().row_group(group).compressed_size();
        let bytes = u64::try_from(bytes).unwrap_or(0);
        run.read.set(run.read.get().saturating_add(bytes));
    }
    transfers.finish(run)
}

/// The columns of a file that mean something here.
struct Table {
    file: String,
    columns: Vec<Known>,
}

struct Known {
    name: String,
    /// Its number among the leaves of the schema.
    leaf: usize,
    meaning: Meaning,
    is_optional: bool,
}

impl Table {
    fn open<R: ChunkReader + 'static>(
        name: &str,
        reader: &SerializedFileReader<R>,
    ) -> Result<Table, ImportError> {
        let schema = reader.metadata().file_metadata().schema_descr();
        let mut columns: Vec<Known> = Vec::new();
        for leaf in 0..schema.num_columns() {
            let descr = schema.column(leaf);
            let plain = descr.path().parts().len() == 1
                && descr.max_rep_level() == 0
                && descr.max_def_level() <= 1;
            let column = descr.name().trim().to_lowercase().replace([' ', '-'], "_");
            if !plain || !column_names().any(|known| known == column) {
                continue;
            }
            if columns.iter().any(|known| known.name == column) {
                let what = format!("column {:?} is there twice", cut(&column));
                return Err(ImportError::new(name, None, None, Problem::other(what)));
            }
            let meaning = Meaning::of(&descr);
            columns.push(Known {
                name: column,
                leaf,
                meaning,
                is_optional: descr.max_def_level() == 1,
            });
        }
        Ok(Table { file: name.to_string(), columns })
    }

    fn at(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Gives the number of the last row.
    fn read_group<R: ChunkReader + 'static>(
        &self,
        reader: &SerializedFileReader<R>,
        group: usize,
        mut number: u64,
        transfers: &mut Transfers,
        run: &mut Run<'_>,
    ) -> Result<u64, ImportError> {
        let place = |number| Some(Place::Row(number + 1));
        let rows = guarded(&self.file, place(number), || reader.get_row_group(group))?;
        let mut batches = Vec::with_capacity(self.columns.len());
        for known in &self.columns {
            let column = guarded(&self.file, place(number), || rows.get_column_reader(known.leaf))?;
            batches.push(Batch::new(column, known.meaning, known.is_optional));
        }
        let promised = u64::try_from(rows.metadata().num_rows()).unwrap_or(0);
        let end = number.saturating_add(promised);
        while number < end {
            let wanted = usize::try_from(end - number).unwrap_or(BATCH_ROWS).min(BATCH_ROWS);
            for batch in &mut batches {
                let read = guarded(&self.file, place(number), || batch.read(wanted))?;
                if read != wanted {
                    let what = "not readable as Parquet: fewer values than rows";
                    let problem = Problem::other(what);
                    return Err(ImportError::new(&self.file, place(number), None, problem));
                }
            }
            for at in 0..wanted {
                number += 1;
                let row = ParquetRow { table: self, batches: &batches, at };
                transfers.row(&self.file, Place::Row(number), &row, run)?;
            }
        }
        Ok(number)
    }
}

struct ParquetRow<'a> {
    table: &'a Table,
    batches: &'a [Batch],
    at: usize,
}

impl Row for ParquetRow<'_> {
    fn has(&self, name: &str) -> bool {
        self.table.at(name).is_some()
    }

    fn cell(&self, name: &str) -> Cell<'_> {
        self.table.at(name).map_or(Cell::Empty, |at| self.cell_at(at))
    }
}

impl Cells for ParquetRow<'_> {
    fn cell_at(&self, at: usize) -> Cell<'_> {
        self.batches[at].cell(self.at)
    }
}

#[cfg(test)]
mod tests;
