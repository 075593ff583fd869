//! Why a file of labels cannot be read, and where.

use std::fmt;

/// Nothing of a file that fails is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{place}: {problem}")]
pub struct LabelError {
    pub file: String,
    pub place: Place,
    /// What was expected and what was found.
    pub problem: String,
}

/// Line and column, both from 1; zero where the parser could not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub line: u64,
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place { line: 0, .. } => Ok(()),
            Place { line, column: 0 } => write!(f, ":{line}"),
            Place { line, column } => write!(f, ":{line}:{column}"),
        }
    }
}
