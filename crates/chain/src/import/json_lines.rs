//! JSON lines: one object a line. A line longer than [`LINE_BYTES_MAX`] is refused.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::error::{ImportError, Place, Problem};
use super::fields::{Cell, Row};

pub const LINE_BYTES_MAX: usize = 16 << 20;

pub struct JsonLines<R> {
    name: String,
    reader: R,
    line: Vec<u8>,
    number: u64,
}

pub struct JsonRow(pub Map<String, Value>);

impl<R: BufRead> JsonLines<R> {
    pub fn open(name: &str, reader: R) -> JsonLines<R> {
        JsonLines { name: name.to_string(), reader, line: Vec::new(), number: 0 }
    }

    /// The next object, or none at the end. Empty lines are skipped.
    pub fn next(&mut self) -> Result<Option<(Place, JsonRow)>, ImportError> {
        while self.read_line()? {
            let bytes = self.line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.line).trim_ascii();
            if bytes.is_empty() {
                continue;
            }
            let place = Place::Line(self.number);
            let object = serde_json::from_slice(bytes).map_err(|e| {
                let problem = Problem::other(format!("expected a JSON object: {e}"));
                ImportError::new(&self.name, Some(place), None, problem)
            })?;
            return Ok(Some((place, JsonRow(object))));
        }
        Ok(None)
    }

    /// False at the end of the file.
    fn read_line(&mut self) -> Result<bool, ImportError> {
        self.line.clear();
        self.number += 1;
        loop {
            let buffered =
                self.reader.fill_buf().map_err(|e| ImportError::unreadable(&self.name, e))?;
            if buffered.is_empty() {
                return Ok(!self.line.is_empty());
            }
            let end = buffered.iter().position(|b| *b == b'\n');
            let taken = end.map_or(buffered.len(), |end| end + 1);
            self.line.extend_from_slice(&buffered[..taken]);
            self.reader.consume(taken);
            if self.line.len() > LINE_BYTES_MAX {
                let problem = Problem::other(format!("longer than {LINE_BYTES_MAX} bytes"));
                return Err(ImportError::new(
                    &self.name,
                    Some(Place::Line(self.number)),
                    None,
                    problem,
                ));
            }
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

impl Row for JsonRow {
    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn cell(&self, name: &str) -> Cell<'_> {
        match self.0.get(name) {
            None | Some(Value::Null) => Cell::Empty,
            Some(Value::String(text)) if text.trim().is_empty() => Cell::Empty,
            Some(Value::String(text)) => Cell::Text(text.trim().into()),
            Some(Value::Bool(value)) => Cell::Text(if *value { "true" } else { "false" }.into()),
            // The digits as they stand in the file, however many.
            Some(Value::Number(number)) => Cell::Text(number.to_string().into()),
            Some(Value::Array(values)) => list(values),
            Some(object @ Value::Object(_)) => Cell::Text(object.to_string().into()),
        }
    }
}

/// A list of plain values reads as a CSV cell has it: joined by commas.
fn list(values: &[Value]) -> Cell<'_> {
    if values.is_empty() {
        return Cell::Empty;
    }
    if values.iter().any(|value| value.is_object() || value.is_array()) {
        return Cell::Text(Value::Array(values.to_vec()).to_string().into());
    }
    let texts = values.iter().map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    Cell::Text(texts.collect::<Vec<_>>().join(",").into())
}
