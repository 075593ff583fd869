//! What is wrong with a file, and where.

use std::error::Error;
use std::fmt;

/// What a sink answers when it cannot keep a fact.
pub type SinkError = Box<dyn Error + Send + Sync>;

/// Prints as `transfers.csv: line 7: field amount: "1,5" is not a decimal number`.
#[derive(Debug)]
pub struct ImportError {
    pub file: Box<str>,
    pub place: Option<Place>,
    pub field: Option<String>,
    pub problem: Problem,
    pub source: Option<SinkError>,
}

/// Where in a file, counted as people count: lines and rows from 1, bytes from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Line(u64),
    /// A row of a Parquet file.
    Row(u64),
    Byte(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Something stands there, but not what was expected.
    Wrong {
        found: String,
        expected: String,
    },
    Missing {
        expected: String,
    },
    /// Anything that is not about one value.
    Other(String),
    /// The file cannot be read; `source` says why.
    Unreadable,
    /// The sink cannot keep a fact; `source` says why.
    NotKept,
}

/// Longer values are cut where they are quoted.
const QUOTED_CHARS_MAX: usize = 80;

impl ImportError {
    pub(crate) fn new(
        file: &str,
        place: Option<Place>,
        field: Option<&str>,
        problem: Problem,
    ) -> ImportError {
        ImportError {
            file: file.into(),
            place,
            field: field.map(str::to_string),
            problem,
            source: None,
        }
    }

    pub(crate) fn unreadable(file: &str, source: std::io::Error) -> ImportError {
        ImportError {
            source: Some(Box::new(source)),
            ..ImportError::new(file, None, None, Problem::Unreadable)
        }
    }
}

impl Problem {
    pub(crate) fn wrong(found: &str, expected: impl Into<String>) -> Problem {
        Problem::Wrong { found: cut(found), expected: expected.into() }
    }

    pub(crate) fn missing(expected: impl Into<String>) -> Problem {
        Problem::Missing { expected: expected.into() }
    }

    pub(crate) fn other(what: impl Into<String>) -> Problem {
        Problem::Other(what.into())
    }
}

/// A value as an error or an oddity quotes it: a sane length.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file)?;
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "field {field}: ")?;
        }
        write!(f, "{}", self.problem)
    }
}

impl Error for ImportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(n) => write!(f, "line {n}"),
            Place::Row(n) => write!(f, "row {n}"),
            Place::Byte(n) => write!(f, "byte {n}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Wrong { found, expected } => write!(f, "{found:?} is not {expected}"),
            Problem::Missing { expected } => write!(f, "nothing there: expected {expected}"),
            Problem::Other(what) => f.write_str(what),
            Problem::Unreadable => f.write_str("cannot be read"),
            Problem::NotKept => f.write_str("a fact could not be kept"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_file_place_field_and_value() {
        let problem = Problem::wrong("1,5", "a decimal number");
        let error =
            ImportError::new("transfers.csv", Some(Place::Line(7)), Some("amount"), problem);
        assert_eq!(
            error.to_string(),
            r#"transfers.csv: line 7: field amount: "1,5" is not a decimal number"#
        );
    }

    #[test]
    fn a_long_value_is_cut() {
        let error =
            ImportError::new("a.csv", None, None, Problem::wrong(&"é".repeat(5000), "short"));
        assert!(error.to_string().chars().count() < 120);
    }
}
