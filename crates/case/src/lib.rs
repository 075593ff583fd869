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
mod seen;
#[cfg(feature = "trial")]
pub mod trial;
pub mod vault;
pub mod watches;

pub use act::{By, is_person, micros, moment, moment_if};
pub use error::CaseError;
pub use ids::{
    AlertId, CaseId, ClaimId, DeadlineId, DeliveryId, EventId, EvidenceId, HoldingId, IncidentId,
    LinkId, NoteId, PersonId, TaskId, WatchId, WebhookId,
};
pub use page::{Cursor, Page, Part};
pub use seen::Seen;

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
    db.migrate("freeze", freeze::MIGRATIONS)?;
    db.migrate("desk", DESK)
}

/// Steps over tables of several modules: they come when all of those are there.
///
/// An event knows its team from when it was told. Alerts are listed and counted team by team: no team is
/// `''`.
const DESK: &[db::Migration] = &["
    ALTER TABLE event ADD COLUMN team TEXT;
    UPDATE event SET team = (SELECT a.team FROM alert a
        WHERE a.id = CAST(SUBSTR(event.subject, 7) AS BIGINT)) WHERE subject LIKE 'alert:%';
    UPDATE event SET team = (SELECT c.team FROM case_file c
        WHERE c.id = CAST(SUBSTR(event.subject, 6) AS BIGINT)) WHERE subject LIKE 'case:%';
    UPDATE event SET team = (SELECT c.team FROM freeze_request f JOIN case_file c ON c.id = f.case_id
        WHERE f.id = CAST(SUBSTR(event.subject, 8) AS BIGINT)) WHERE subject LIKE 'freeze:%';
    ALTER TABLE case_deadline ADD COLUMN told BIGINT NOT NULL DEFAULT 0;
    DROP INDEX term_of_case;
    CREATE INDEX term_of_case ON case_term (case_id, term);
    DROP INDEX alert_by_state;
    DROP INDEX alert_by_severity;
    DROP INDEX alert_by_kind;
    DROP INDEX alert_by_state_severity;
    DROP INDEX alert_by_state_kind;
    DROP INDEX alert_by_severity_kind;
    DROP INDEX alert_by_state_severity_kind;
    DROP INDEX alert_by_team;
    DROP INDEX alert_by_team_state;
    CREATE INDEX alert_of_team ON alert (COALESCE(team, ''), last_seen, id);
    CREATE INDEX alert_of_team_state ON alert (COALESCE(team, ''), state, last_seen, id);
    CREATE INDEX alert_of_team_severity ON alert (COALESCE(team, ''), severity, last_seen, id);
    CREATE INDEX alert_of_team_kind ON alert (COALESCE(team, ''), kind, last_seen, id);
    CREATE INDEX alert_of_team_state_severity
        ON alert (COALESCE(team, ''), state, severity, last_seen, id);
    CREATE INDEX alert_of_team_state_kind ON alert (COALESCE(team, ''), state, kind, last_seen, id);
    CREATE INDEX alert_of_team_severity_kind
        ON alert (COALESCE(team, ''), severity, kind, last_seen, id);
    CREATE INDEX alert_of_team_state_severity_kind
        ON alert (COALESCE(team, ''), state, severity, kind, last_seen, id)
", "
    CREATE INDEX claim_by_claimant ON case_claim (claimant);
    DROP TABLE alert_count;
    CREATE TABLE alert_count (
        team TEXT NOT NULL,
        state TEXT NOT NULL,
        severity BIGINT NOT NULL,
        number BIGINT NOT NULL,
        PRIMARY KEY (team, state, severity)
    );
    INSERT INTO alert_count (team, state, severity, number)
        SELECT COALESCE(team, ''), state, severity, COUNT(*) FROM alert
        GROUP BY COALESCE(team, ''), state, severity
"];
