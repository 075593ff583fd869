//! Numbers that name things of casework: each kind a type of its own, given out once and never again.

use std::fmt;
use std::str::FromStr;

use crate::db::{Migration, Tx, Value};
use crate::error::CaseError;

pub(crate) const MIGRATIONS: &[Migration] =
    &["CREATE TABLE counter (name TEXT PRIMARY KEY, last BIGINT NOT NULL)"];

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $counter:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// The next one that was never given out.
            pub fn next(tx: &mut Tx<'_>) -> Result<$name, CaseError> {
                next(tx, $counter).map($name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl From<$name> for Value {
            fn from(id: $name) -> Value {
                Value::Int(id.0)
            }
        }

        impl FromStr for $name {
            type Err = CaseError;

            fn from_str(text: &str) -> Result<$name, CaseError> {
                let number = text.parse().ok().filter(|number| *number > 0);
                number.map($name).ok_or_else(|| {
                    CaseError::field($counter, format!("{text:?}"), "a whole number above 0")
                })
            }
        }
    )+};
}

ids! {
    AlertId = "alert",
    CaseId = "case",
    NoteId = "note",
    TaskId = "task",
    LinkId = "link",
    EvidenceId = "evidence",
    DeadlineId = "deadline",
    IncidentId = "incident",
    ClaimId = "claim",
    /// Value that rests somewhere or came back, on which claims are laid.
    HoldingId = "holding",
    PersonId = "person",
    WatchId = "watch",
    WebhookId = "webhook",
    /// What listeners are told, in the order in which it happened.
    EventId = "event",
    DeliveryId = "delivery",
}

/// The next number of a counter. Writers come one after the other, so numbers are in the order of commits.
pub fn next(tx: &mut Tx<'_>, counter: &str) -> Result<i64, CaseError> {
    let row = tx.row(
        "INSERT INTO counter (name, last) VALUES ($1, 1) \
         ON CONFLICT (name) DO UPDATE SET last = counter.last + 1 RETURNING last",
        &[counter.into()],
    )?;
    Ok(row.ok_or_else(|| CaseError::Damaged(format!("counter {counter} gave nothing")))?.int(0)?)
}
