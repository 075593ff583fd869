//! Who does something, and when. Casework reads no clock: the caller says the time.

use model::Timestamp;

use crate::error::CaseError;

/// Stands at the head of every act: its actor as the journal names them, and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// `person:ada`, `key:exchange-1`, `system`.
    pub actor: String,
    pub at: Timestamp,
    /// Who stands behind an actor that is no person: `person:ada` behind her key. Four eyes are two
    /// people's, whatever they act by.
    pub person: Option<String>,
}

impl By {
    pub fn new(actor: impl Into<String>, at: Timestamp) -> By {
        By { actor: actor.into(), at, person: None }
    }

    /// By something that a person answers for.
    #[must_use]
    pub fn behind(self, person: Option<String>) -> By {
        By { person, ..self }
    }

    /// The actor, and the person behind it.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        [Some(self.actor.as_str()), self.person.as_deref()].into_iter().flatten()
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
