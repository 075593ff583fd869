//! Groups of rows as a Parquet file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;

use super::{COLUMNS, Group, Kind, Table, Values};
use crate::StoreError;
use crate::error::Doing;

pub(super) struct Parquet {
    file: SerializedFileWriter<File>,
    path: PathBuf,
}

impl Parquet {
    pub(super) fn start(file: File, path: &Path) -> Result<Parquet, StoreError> {
        let start = || -> Result<SerializedFileWriter<File>, ParquetError> {
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .build();
            let schema = Arc::new(parse_message_type(&schema())?);
            SerializedFileWriter::new(file, schema, Arc::new(properties))
        };
        let file = start().map_err(|error| failed(path, &error))?;
        Ok(Parquet { file, path: path.into() })
    }
}

impl Table for Parquet {
    fn write(&mut self, group: &Group) -> Result<(), StoreError> {
        let written = self.file.next_row_group().and_then(|mut rows| {
            for (column, values) in COLUMNS.iter().zip(&group.columns) {
                write_column(&mut rows, values, column.is_optional)?;
            }
            rows.close()
        });
        written.map(drop).map_err(|error| failed(&self.path, &error))
    }

    fn finish(self: Box<Self>) -> Result<(), StoreError> {
        let file = self.file.into_inner().map_err(|error| failed(&self.path, &error))?;
        file.sync_all().doing(|| format!("write {}", self.path.display()))
    }
}

fn schema() -> String {
    let columns = COLUMNS.iter().map(|column| {
        let repetition = if column.is_optional { "optional" } else { "required" };
        let (physical, logical) = match column.kind {
            Kind::Text => ("binary", "(STRING)"),
            Kind::Whole => ("int64", ""),
            Kind::Time => ("int64", "(TIMESTAMP(NANOS,true))"),
        };
        format!("{repetition} {physical} {} {logical};\n", column.name)
    });
    format!("message transfers {{\n{}}}", columns.collect::<String>())
}

fn write_column(
    rows: &mut SerializedRowGroupWriter<'_, File>,
    values: &Values,
    is_optional: bool,
) -> Result<(), ParquetError> {
    match values {
        Values::Text(values) => {
            let bytes = values.iter().flatten().map(|text| ByteArray::from(text.as_str()));
            let levels = is_optional.then(|| levels(values));
            write_values::<ByteArrayType>(rows, &bytes.collect::<Vec<_>>(), levels)
        }
        Values::Whole(values) => {
            let numbers: Vec<i64> = values.iter().flatten().copied().collect();
            write_values::<Int64Type>(rows, &numbers, is_optional.then(|| levels(values)))
        }
    }
}

fn write_values<T: DataType>(
    rows: &mut SerializedRowGroupWriter<'_, File>,
    values: &[T::T],
    levels: Option<Vec<i16>>,
) -> Result<(), ParquetError> {
    let column = rows.next_column()?;
    let mut column =
        column.ok_or_else(|| ParquetError::General("a column more than the schema".into()))?;
    column.typed::<T>().write_batch(values, levels.as_deref(), None)?;
    column.close()
}

/// 1 where there is a value.
fn levels<T>(values: &[Option<T>]) -> Vec<i16> {
    values.iter().map(|value| i16::from(value.is_some())).collect()
}

fn failed(path: &Path, error: &ParquetError) -> StoreError {
    StoreError::value(format!("write {}", path.display()), error.to_string())
}
