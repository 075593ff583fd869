//! Groups of rows as a file of Arrow's IPC format.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};

use super::{COLUMNS, Column, Group, Kind, Table, Values};
use crate::StoreError;
use crate::error::Doing;

pub(super) struct Arrow {
    file: FileWriter<BufWriter<File>>,
    schema: Arc<Schema>,
    path: PathBuf,
}

impl Arrow {
    pub(super) fn start(file: File, path: &Path) -> Result<Arrow, StoreError> {
        let fields: Vec<Field> = COLUMNS.iter().map(field).collect();
        let schema = Arc::new(Schema::new(fields));
        let file = FileWriter::try_new_buffered(file, &schema);
        let file = file.map_err(|error| failed(path, &error))?;
        Ok(Arrow { file, schema, path: path.into() })
    }
}

impl Table for Arrow {
    fn write(&mut self, group: &Group) -> Result<(), StoreError> {
        let columns = COLUMNS.iter().zip(&group.columns);
        let arrays = columns.map(|(column, values)| array(column, values)).collect();
        let written = RecordBatch::try_new(self.schema.clone(), arrays)
            .and_then(|batch| self.file.write(&batch));
        written.map_err(|error| failed(&self.path, &error))
    }

    fn finish(self: Box<Self>) -> Result<(), StoreError> {
        let doing = || format!("write {}", self.path.display());
        let file = self.file.into_inner().map_err(|error| failed(&self.path, &error))?;
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error).doing(doing)?;
        file.sync_all().doing(doing)
    }
}

fn field(column: &Column) -> Field {
    let kind = match column.kind {
        Kind::Text => DataType::Utf8,
        Kind::Whole => DataType::Int64,
        Kind::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
    };
    Field::new(column.name, kind, column.is_optional)
}

fn array(column: &Column, values: &Values) -> ArrayRef {
    match values {
        Values::Text(values) => Arc::new(StringArray::from_iter(values)),
        Values::Whole(values) if column.kind == Kind::Time => {
            let times = TimestampNanosecondArray::from_iter(values.iter().copied());
            Arc::new(times.with_timezone("UTC"))
        }
        Values::Whole(values) => Arc::new(Int64Array::from_iter(values.iter().copied())),
    }
}

fn failed(path: &Path, error: &ArrowError) -> StoreError {
    StoreError::value(format!("write {}", path.display()), error.to_string())
}
