//! One column of a row group, read a batch at a time, and what its values mean.

use model::amount::format_units;
use model::{Timestamp, U256};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::errors::Result;
use parquet::schema::types::ColumnDescriptor;

use crate::import::fields::Cell;

/// What the schema says of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Plain,
    Text,
    Unsigned,
    Millis,
    Micros,
    Nanos,
    Days,
    /// So many digits stand after the point.
    Decimal(u8),
}

impl Meaning {
    pub fn of(column: &ColumnDescriptor) -> Meaning {
        match column.logical_type_ref() {
            Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) => Meaning::Text,
            Some(LogicalType::Integer(integer)) if !integer.is_signed => Meaning::Unsigned,
            Some(LogicalType::Timestamp(time)) => match time.unit {
                TimeUnit::MILLIS => Meaning::Millis,
                TimeUnit::MICROS => Meaning::Micros,
                TimeUnit::NANOS => Meaning::Nanos,
            },
            Some(LogicalType::Date) => Meaning::Days,
            Some(LogicalType::Decimal(_)) => decimal(column),
            Some(_) => Meaning::Plain,
            None => Meaning::converted(column),
        }
    }

    /// As older writers say it.
    fn converted(column: &ColumnDescriptor) -> Meaning {
        match column.converted_type() {
            ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => Meaning::Text,
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Meaning::Unsigned,
            ConvertedType::TIMESTAMP_MILLIS => Meaning::Millis,
            ConvertedType::TIMESTAMP_MICROS => Meaning::Micros,
            ConvertedType::DATE => Meaning::Days,
            ConvertedType::DECIMAL => decimal(column),
            _ => Meaning::Plain,
        }
    }
}

fn decimal(column: &ColumnDescriptor) -> Meaning {
    Meaning::Decimal(u8::try_from(column.type_scale()).unwrap_or(0))
}

pub struct Batch {
    reader: ColumnReader,
    meaning: Meaning,
    values: Values,
    levels: Vec<i16>,
    /// Where each row's value stands; [`NULL`] for none. Unused where all rows have one.
    places: Vec<u32>,
    is_optional: bool,
}

const NULL: u32 = u32::MAX;

enum Values {
    Bool(Vec<bool>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    I96(Vec<Int96>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

impl Batch {
    pub fn new(reader: ColumnReader, meaning: Meaning, is_optional: bool) -> Batch {
        let values = match &reader {
            ColumnReader::BoolColumnReader(_) => Values::Bool(Vec::new()),
            ColumnReader::Int32ColumnReader(_) => Values::I32(Vec::new()),
            ColumnReader::Int64ColumnReader(_) => Values::I64(Vec::new()),
            ColumnReader::Int96ColumnReader(_) => Values::I96(Vec::new()),
            ColumnReader::FloatColumnReader(_) => Values::F32(Vec::new()),
            ColumnReader::DoubleColumnReader(_) => Values::F64(Vec::new()),
            ColumnReader::ByteArrayColumnReader(_) => Values::Bytes(Vec::new()),
            ColumnReader::FixedLenByteArrayColumnReader(_) => Values::Fixed(Vec::new()),
        };
        Batch { reader, meaning, values, levels: Vec::new(), places: Vec::new(), is_optional }
    }

    /// Reads the next rows and says how many there were.
    pub fn read(&mut self, rows: usize) -> Result<usize> {
        self.levels.clear();
        let mut read = 0;
        self.values.clear();
        // A call stops at the end of a page now and then.
        while read < rows {
            let levels = self.is_optional.then_some(&mut self.levels);
            let more = read_some(&mut self.reader, &mut self.values, levels, rows - read)?;
            if more == 0 {
                break;
            }
            read += more;
        }
        self.place();
        Ok(read)
    }

    fn place(&mut self) {
        self.places.clear();
        let mut next = 0;
        self.places.extend(self.levels.iter().map(|level| {
            if *level == 0 {
                return NULL;
            }
            next += 1;
            next - 1
        }));
    }

    pub fn cell(&self, row: usize) -> Cell<'_> {
        let at = match self.is_optional {
            false => row,
            true => match self.places.get(row) {
                None | Some(&NULL) => return Cell::Empty,
                Some(at) => usize::try_from(*at).expect("rows of a batch are few"),
            },
        };
        self.values.cell(at, self.meaning)
    }
}

fn read_some(
    reader: &mut ColumnReader,
    values: &mut Values,
    levels: Option<&mut Vec<i16>>,
    rows: usize,
) -> Result<usize> {
    use ColumnReader as Reader;
    let (records, _, _) = match (reader, values) {
        (Reader::BoolColumnReader(reader), Values::Bool(values)) => {
            reader.read_records(rows, levels, None, values)?
        }
        (Reader::Int32ColumnReader(reader), Values::I32(values)) => {
            reader.read_records(rows, levels, None, values)?
        }
        (Reader::Int64ColumnReader(reader), Values::I64(values)) => {
            reader.read_records(rows, levels, None, values)?
        }
        (Reader::Int96ColumnReader(reader), Values::I96(values)) => {
            reader.read_records(rows, levels, None, values)?
        }
        (Reader::FloatColumnReader(reader), Values::F32(values)) => {
            reader.read_records(rows, levels, None, values)?
        }
        (Reader::DoubleColumnReader(reader), Values::F64(values)) => {
            reader.read_records(rows, levels, None, values)?
        }
        (Reader::ByteArrayColumnReader(reader), Values::Bytes(values)) => {
            reader.read_records(rows, levels, None, values)?
        }
        (Reader::FixedLenByteArrayColumnReader(reader), Values::Fixed(values)) => {
            reader.read_records(rows, levels, None, values)?
        }
        _ => unreachable!("the values were chosen by the reader"),
    };
    Ok(records)
}

impl Values {
    fn clear(&mut self) {
        match self {
            Values::Bool(values) => values.clear(),
            Values::I32(values) => values.clear(),
            Values::I64(values) => values.clear(),
            Values::I96(values) => values.clear(),
            Values::F32(values) => values.clear(),
            Values::F64(values) => values.clear(),
            Values::Bytes(values) => values.clear(),
            Values::Fixed(values) => values.clear(),
        }
    }

    fn cell(&self, at: usize, meaning: Meaning) -> Cell<'_> {
        let found = match self {
            Values::Bool(values) => {
                values.get(at).map(|value| Cell::Text(if *value { "true" } else { "false" }.into()))
            }
            Values::I32(values) => values.get(at).map(|value| match meaning {
                Meaning::Unsigned => Cell::Whole(u64::from(value.cast_unsigned())),
                _ => number(i64::from(*value), meaning),
            }),
            Values::I64(values) => values.get(at).map(|value| match meaning {
                Meaning::Unsigned => Cell::Whole(value.cast_unsigned()),
                _ => number(*value, meaning),
            }),
            Values::I96(values) => values
                .get(at)
                .map(|value| time(Timestamp::from_microsecond(value.to_micros()).ok())),
            Values::F32(values) => values.get(at).map(|_| Cell::Float),
            Values::F64(values) => values.get(at).map(|_| Cell::Float),
            Values::Bytes(values) => values.get(at).map(|value| bytes(value.data(), meaning)),
            Values::Fixed(values) => values.get(at).map(|value| bytes(value.data(), meaning)),
        };
        found.unwrap_or(Cell::Empty)
    }
}

fn number<'a>(value: i64, meaning: Meaning) -> Cell<'a> {
    match meaning {
        Meaning::Millis => time(Timestamp::from_millisecond(value).ok()),
        Meaning::Micros => time(Timestamp::from_microsecond(value).ok()),
        Meaning::Nanos => time(Timestamp::from_nanosecond(i128::from(value)).ok()),
        // A day is too coarse for a time, and is refused as the text it would be.
        Meaning::Days => {
            let day = value.checked_mul(86_400).and_then(|s| Timestamp::from_second(s).ok());
            let day = day.map(|day| model::day_of(day).to_string());
            Cell::Text(day.unwrap_or_else(|| "out of range".to_string()).into())
        }
        Meaning::Decimal(scale) => decimal_cell(&value.to_be_bytes(), scale),
        // A negative number fits no field: its text names it in the error.
        _ => {
            u64::try_from(value).map_or_else(|_| Cell::Text(value.to_string().into()), Cell::Whole)
        }
    }
}

fn bytes(bytes: &[u8], meaning: Meaning) -> Cell<'_> {
    match meaning {
        _ if bytes.is_empty() => Cell::Empty,
        Meaning::Text => match std::str::from_utf8(bytes).map(str::trim) {
            Ok("") => Cell::Empty,
            Ok(text) => Cell::Text(text.into()),
            Err(_) => Cell::NotUtf8,
        },
        Meaning::Decimal(scale) => decimal_cell(bytes, scale),
        _ => Cell::Bytes(bytes),
    }
}

/// Two's complement, the highest byte first.
fn decimal_cell<'a>(bytes: &[u8], scale: u8) -> Cell<'a> {
    let is_negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let fill = if is_negative { 0xff } else { 0 };
    let mut wide = [fill; 32];
    let Some(start) = wide.len().checked_sub(bytes.len()) else {
        return Cell::Text("a decimal of more than 256 bits".into());
    };
    wide[start..].copy_from_slice(bytes);
    let value = U256::from_be_bytes(wide);
    if is_negative {
        let text = format_units(value.wrapping_neg(), scale);
        return Cell::Text(format!("-{text}").into());
    }
    Cell::Text(format_units(value, scale).into())
}

fn time<'a>(time: Option<Timestamp>) -> Cell<'a> {
    time.map_or(Cell::Text("out of range".into()), Cell::Time)
}
