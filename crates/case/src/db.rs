//! One door to the database of casework, SQLite for one machine, PostgreSQL for a team.
//!
//! Both speak the SQL written here: `$1` for values, `BIGINT`, `TEXT` and `BLOB` as types (PostgreSQL
//! gets `BYTEA`), `ON CONFLICT … DO …`, `RETURNING`. What only one of them knows does not occur, so
//! that every test runs on both.
//!
//! A write is one transaction that sees the effect of every acknowledged write before it, and is
//! durable when it returns. Where PostgreSQL finds two of them in each other's way, the later is done
//! again from its start: the closure of [`Db::write`] must do nothing but ask and tell its [`Tx`].

mod migrate;
mod pool;
mod postgres;
mod sqlite;
mod value;

use std::path::PathBuf;
use std::str::FromStr;

pub use migrate::Migration;
pub use value::{Row, Value};

/// Where casework is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file, made when there is none.
    Sqlite(PathBuf),
    /// A connection string, as `postgres://cell@localhost/interdict`. It may hold a password: never print it.
    Postgres(String),
}

impl FromStr for Place {
    type Err = DbError;

    fn from_str(text: &str) -> Result<Place, DbError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Place::Postgres(text.to_string()));
        }
        if text.contains("://") {
            return Err(DbError::Place(text.split("://").next().unwrap_or_default().to_string()));
        }
        Ok(Place::Sqlite(PathBuf::from(text)))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("casework cannot be kept in {0}://: expected a file's path or postgres://")]
    Place(String),
    #[error("casework database: {doing}")]
    Sqlite { doing: String, source: rusqlite::Error },
    #[error("casework database: {doing}")]
    Postgres { doing: String, source: ::postgres::Error },
    #[error(
        "casework database: {0} is another machine, and PostgreSQL is spoken to without TLS; expected \
         localhost, a loopback address or a socket, such as the near end of a tunnel"
    )]
    Transport(String),
    #[error("casework database: {0}")]
    Shape(String),
    #[error(
        "casework database: {component} is of format {found}, this program knows {known}; use a newer one"
    )]
    Newer { component: String, found: i64, known: i64 },
}

pub struct Db {
    kind: Kind,
}

enum Kind {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// A transaction: all of what is told in it happens, or nothing.
pub struct Tx<'a> {
    kind: TxKind<'a>,
}

enum TxKind<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(::postgres::Transaction<'a>),
}

impl Db {
    pub fn open(place: &Place) -> Result<Db, DbError> {
        let kind = match place {
            Place::Sqlite(path) => Kind::Sqlite(sqlite::Sqlite::open(path)?),
            Place::Postgres(url) => Kind::Postgres(postgres::Postgres::open(url)?),
        };
        Ok(Db { kind })
    }

    /// Brings the tables of a part of casework to their newest form. Steps are only ever added.
    pub fn migrate(&self, component: &str, steps: &[Migration]) -> Result<(), DbError> {
        migrate::run(self, component, steps)
    }

    /// Asks; sees one state of everything.
    pub fn read<T, E: From<DbError>>(
        &self,
        ask: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        match &self.kind {
            Kind::Sqlite(sqlite) => sqlite.read(ask),
            Kind::Postgres(postgres) => postgres.read(ask),
        }
    }

    /// Changes; durable when it returns, without trace when it fails.
    pub fn write<T, E: From<DbError> + MayAgain>(
        &self,
        act: impl FnMut(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        match &self.kind {
            Kind::Sqlite(sqlite) => sqlite.write(act),
            Kind::Postgres(postgres) => postgres.write(act),
        }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.kind, Kind::Postgres(_))
    }
}

/// An error that may mean: two transactions were in each other's way, do yours again.
pub trait MayAgain {
    fn may_again(&self) -> bool;
}

impl MayAgain for DbError {
    fn may_again(&self) -> bool {
        matches!(self, DbError::Postgres { source, .. } if postgres::is_conflict(source))
    }
}

impl Tx<'_> {
    /// Does something; how many rows it met.
    pub fn run(&mut self, sql: &str, values: &[Value]) -> Result<u64, DbError> {
        match &mut self.kind {
            TxKind::Sqlite(connection) => sqlite::run(connection, sql, values),
            TxKind::Postgres(transaction) => postgres::run(transaction, sql, values),
        }
    }

    /// Every row of an answer. Say `LIMIT`.
    pub fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, DbError> {
        match &mut self.kind {
            TxKind::Sqlite(connection) => sqlite::rows(connection, sql, values),
            TxKind::Postgres(transaction) => postgres::rows(transaction, sql, values),
        }
    }

    /// The first row, if there is any.
    pub fn row(&mut self, sql: &str, values: &[Value]) -> Result<Option<Row>, DbError> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }
}
