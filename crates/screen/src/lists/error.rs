//! Why a list cannot be read, and where.

use std::fmt;
use std::io;

/// Nothing of a list that fails is kept.
#[derive(Debug, thiserror::Error)]
#[error("{place}: expected {expected}, found {found}")]
pub struct ListError {
    pub place: Place,
    pub expected: String,
    pub found: String,
    #[source]
    pub cause: Option<io::Error>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Of the unpacked file, with the path of the element that was open there.
    Byte {
        position: u64,
        element: String,
    },
    Line(u64),
}

impl ListError {
    pub(super) fn at_line(line: u64, expected: &str, found: impl Into<String>) -> ListError {
        ListError {
            place: Place::Line(line),
            expected: expected.into(),
            found: found.into(),
            cause: None,
        }
    }

    pub(super) fn because(mut self, cause: io::Error) -> ListError {
        self.cause = Some(cause);
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Byte { position, element } if element.is_empty() => write!(f, "byte {position}"),
            Place::Byte { position, element } => write!(f, "byte {position}, in {element}"),
            Place::Line(line) => write!(f, "line {line}"),
        }
    }
}
