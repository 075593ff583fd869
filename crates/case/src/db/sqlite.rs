//! SQLite: one connection that writes, several that read, in WAL mode, each commit synced.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};

use super::pool::Pool;
use super::{DbError, Row, Tx, TxKind, Value};

/// `INTC`, so that a file of another program is not taken for ours.
const APPLICATION: i64 = 0x494e_5443;

pub struct Sqlite {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Pool<Connection>,
}

impl Sqlite {
    pub fn open(path: &Path) -> Result<Sqlite, DbError> {
        let writer = connect(path)?;
        claim(path, &writer)?;
        let readers = Pool::new(connect(path)?);
        Ok(Sqlite { path: path.to_path_buf(), writer: Mutex::new(writer), readers })
    }

    pub fn read<T, E: From<DbError>>(
        &self,
        ask: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = self.readers.take(|| connect(&self.path))?;
        run(&connection, "BEGIN", &[])?;
        let answer = ask(&mut Tx { kind: TxKind::Sqlite(&connection) });
        // A connection that cannot end its transaction is not used again.
        if run(&connection, "COMMIT", &[]).is_ok() {
            self.readers.give_back(connection);
        }
        answer
    }

    pub fn write<T, E: From<DbError>>(
        &self,
        mut act: impl FnMut(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // A panic in an earlier act may have left one open.
        if !connection.is_autocommit() {
            run(&connection, "ROLLBACK", &[])?;
        }
        run(&connection, "BEGIN IMMEDIATE", &[])?;
        let answer = act(&mut Tx { kind: TxKind::Sqlite(&connection) })
            .and_then(|answer| Ok(run(&connection, "COMMIT", &[]).map(|_| answer)?));
        if answer.is_err() && !connection.is_autocommit() {
            run(&connection, "ROLLBACK", &[])?;
        }
        answer
    }
}

impl Sqlite {
    pub fn flush_log(&self) -> Result<(), DbError> {
        let connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        rows(&connection, "PRAGMA wal_checkpoint(TRUNCATE)", &[]).map(|_| ())
    }
}

fn connect(path: &Path) -> Result<Connection, DbError> {
    let failed =
        |source| DbError::Sqlite { doing: format!("cannot open {}", path.display()), source };
    let flags = OpenFlags::default();
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;",
        )
        .map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// Marks a new file as ours and refuses one that is another program's.
fn claim(path: &Path, connection: &Connection) -> Result<(), DbError> {
    let number = |sql: &str| -> Result<i64, DbError> {
        rows(connection, sql, &[])?.first().map_or(Ok(0), |row| row.int(0))
    };
    let application = number("PRAGMA application_id")?;
    if application == APPLICATION {
        return Ok(());
    }
    if application != 0 || number("SELECT COUNT(*) FROM sqlite_schema")? != 0 {
        return Err(DbError::Shape(format!("{} is not a database of casework", path.display())));
    }
    private(path);
    let failed =
        |source| DbError::Sqlite { doing: format!("cannot mark {}", path.display()), source };
    connection.pragma_update(None, "application_id", APPLICATION).map_err(failed)
}

/// Best effort: a file system without modes keeps what it has.
#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    drop(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)));
}

#[cfg(not(unix))]
fn private(_: &Path) {}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(value) => ValueRef::Integer(*value),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

pub fn run(connection: &Connection, sql: &str, values: &[Value]) -> Result<u64, DbError> {
    let failed = |source| DbError::Sqlite { doing: sql.to_string(), source };
    let sql = numbered(sql);
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(failed)?;
    // A statement with RETURNING is done only when its rows were read.
    let mut returned = 0;
    while rows.next().map_err(failed)?.is_some() {
        returned += 1;
    }
    Ok(if returned > 0 { returned } else { connection.changes() })
}

pub fn rows(connection: &Connection, sql: &str, values: &[Value]) -> Result<Vec<Row>, DbError> {
    let failed = |source| DbError::Sqlite { doing: sql.to_string(), source };
    let sql = numbered(sql);
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let columns = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let of = |column| Ok(value_of(row.get_ref(column).map_err(failed)?));
        found.push(Row((0..columns).map(of).collect::<Result<_, DbError>>()?));
    }
    Ok(found)
}

fn value_of(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        // No table of ours holds one; sums of whole numbers are whole.
        ValueRef::Real(value) => Value::Text(value.to_string()),
    }
}

/// `$1` is a name to SQLite and a number to PostgreSQL; `?1` is the number here.
fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}
