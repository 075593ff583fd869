//! Who does something, and when. Casework reads no clock: the caller says the time.

use model::Timestamp;

use crate::error::CaseError;

/// Stands at the head of every act: its actor as the journal names them, and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// `person:ada`, `key:exchange-1`, `system`.
    pub actor: String,
    pub at: Timestamp,
}

impl By {
    pub fn new(actor: impl Into<String>, at: Timestamp) -> By {
        By { actor: actor.into(), at }
    }
}

/// Times are kept to the microsecond, which is what both databases sort as a whole number.
pub fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub fn moment(micros: i64) -> Result<Timestamp, CaseError> {
    Timestamp::from_microsecond(micros)
        .map_err(|_| CaseError::Damaged(format!("{micros} microseconds is not a time")))
}

pub fn moment_if(micros: Option<i64>) -> Result<Option<Timestamp>, CaseError> {
    micros.map(moment).transpose()
}
