//! What we do about it: alerts, cases, freeze requests, and the journal of every act.
//!
//! Casework lives in one database, SQLite or PostgreSQL, behind [`db`]. Nothing here knows of HTTP,
//! of chains or of people's sessions: who acts is said by the caller as an actor.

pub mod db;
