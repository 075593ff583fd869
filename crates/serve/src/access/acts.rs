//! Acts of access in the journal: who came, who was refused, who changed what of whom.
//!
//! Written in the transaction of the act. Names of people who work here are in it, and nothing of where
//! they came from: the journal cannot be erased. What somebody tried under a name that nobody has is in
//! the log alone, or a stranger could make the journal grow.

use case::By;
use case::db::Tx;
use case::journal;
use jiff::Timestamp;
use serde_json::Value;

use crate::problem::Fault;

/// Who acts where nobody is signed in.
pub const SYSTEM: &str = "system";

/// Of a person, as the journal names them.
pub fn person(name: &str) -> String {
    format!("person:{name}")
}

pub(super) fn write(
    tx: &mut Tx<'_>,
    by: &str,
    act: &str,
    subject: &str,
    payload: &Value,
) -> Result<(), Fault> {
    journal::append(tx, &By::new(by, Timestamp::now()), act, subject, payload)?;
    Ok(())
}
