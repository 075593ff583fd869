//! What can go wrong with an act, and what was expected instead.

use crate::db::{DbError, MayAgain};

#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    #[error(transparent)]
    Db(#[from] DbError),
    /// There is no such thing.
    #[error("there is no {what} {id}")]
    Missing { what: &'static str, id: String },
    /// What was said cannot be taken as it is.
    #[error("{field}: {found} cannot be taken; expected {expected}")]
    Field { field: &'static str, found: String, expected: String },
    /// The thing is not in the state that this act needs.
    #[error("{what} {id} is {found}; expected {expected}")]
    State { what: &'static str, id: String, found: String, expected: &'static str },
    /// What is stored cannot be read back: somebody changed it from outside.
    #[error("casework: {0}")]
    Damaged(String),
    /// Writing or reading a file or pipe outside the database.
    #[error("{doing}")]
    Io { doing: String, source: std::io::Error },
}

impl MayAgain for CaseError {
    fn may_again(&self) -> bool {
        matches!(self, CaseError::Db(error) if error.may_again())
    }
}

impl CaseError {
    pub fn missing(what: &'static str, id: impl ToString) -> CaseError {
        CaseError::Missing { what, id: id.to_string() }
    }

    pub fn field(
        field: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> CaseError {
        CaseError::Field { field, found: found.into(), expected: expected.into() }
    }

    pub fn state(
        what: &'static str,
        id: impl ToString,
        found: impl Into<String>,
        expected: &'static str,
    ) -> CaseError {
        CaseError::State { what, id: id.to_string(), found: found.into(), expected }
    }
}
