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
    /// people's, whatever they act by. Nobody behind a key: what it does is nobody's.
    pub people: Vec<String>,
}

/// Begins the name of an actor that is a person.
const PERSON: &str = "person:";

impl By {
    pub fn new(actor: impl Into<String>, at: Timestamp) -> By {
        By { actor: actor.into(), at, people: Vec::new() }
    }

    /// By something that people answer for.
    #[must_use]
    pub fn behind(self, people: impl IntoIterator<Item = String>) -> By {
        By { people: people.into_iter().collect(), ..self }
    }

    /// The actor, and the people behind it.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.actor.as_str()).chain(self.people.iter().map(String::as_str))
    }

    /// The people whose eyes saw it; none: a key with nobody behind it, or the clock.
    pub fn eyes(&self) -> impl Iterator<Item = &str> {
        self.all().filter(|who| is_person(who))
    }
}

/// Whether an actor, as the journal names them, is a person.
pub fn is_person(actor: &str) -> bool {
    actor.starts_with(PERSON)
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
