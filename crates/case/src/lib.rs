//! What we do about it: alerts, cases, freeze requests, and the journal of every act.
//!
//! Casework lives in one database, SQLite or PostgreSQL, behind [`db`]. Nothing here knows of HTTP,
//! of chains or of people's sessions: who acts is said by the caller as an actor, and when, in a
//! [`By`]. [`open`] gives a database whose tables are there.

mod act;
pub mod alerts;
pub mod backup;
pub mod cases;
pub mod check;
pub mod cost;
pub mod db;
mod error;
pub mod freeze;
pub mod holders;
pub mod ids;
pub mod journal;
pub mod outbox;
pub mod page;
pub mod personal;
#[cfg(feature = "trial")]
pub mod trial;
pub mod vault;
pub mod watches;

pub use act::{By, micros, moment, moment_if};
pub use error::CaseError;
pub use ids::{
    AlertId, CaseId, ClaimId, DeadlineId, DeliveryId, EventId, EvidenceId, HoldingId, IncidentId,
    LinkId, NoteId, PersonId, TaskId, WatchId, WebhookId,
};
pub use page::{Cursor, Page, Part};

/// Opens casework and brings its tables to their newest form.
pub fn open(place: &db::Place) -> Result<db::Db, db::DbError> {
    let db = db::Db::open(place)?;
    migrate(&db)?;
    Ok(db)
}

/// Brings the tables of this crate to their newest form.
pub fn migrate(db: &db::Db) -> Result<(), db::DbError> {
    db.migrate("counter", ids::MIGRATIONS)?;
    db.migrate("journal", journal::MIGRATIONS)?;
    db.migrate("outbox", outbox::MIGRATIONS)?;
    db.migrate("alerts", alerts::MIGRATIONS)?;
    db.migrate("cases", cases::MIGRATIONS)?;
    db.migrate("personal", personal::MIGRATIONS)?;
    db.migrate("watches", watches::MIGRATIONS)?;
    db.migrate("freeze", freeze::MIGRATIONS)
}
