//! The contenders, one file each.
//!
//! Those that keep numbered rows in tables (SQLite, fjall, redb, PostgreSQL) share
//! [`relational`]: how rows get their numbers, and what a page, a trace and a sweep
//! are in terms of tables.

#[cfg(feature = "duckdb")]
pub mod duckdb;
pub mod fjall;
pub mod keyed;
pub mod ours;
pub mod postgres;
pub mod redb;
pub mod relational;
pub mod sqlite;
