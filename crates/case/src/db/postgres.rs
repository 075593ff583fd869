//! PostgreSQL: transactions that behave as if one came after the other, done again where two meet.

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use ::postgres::config::Host;
use ::postgres::error::SqlState;
use ::postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use ::postgres::{Client, Config, IsolationLevel, NoTls, Transaction};

use super::pool::Pool;
use super::{DbError, MayAgain, Row, Tx, TxKind, Value};

/// How often two transactions may meet before the caller hears of it.
const TRIES_MAX: usize = 20;

/// So long a server may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(10);

const PREPARE: &str = "SELECT pg_advisory_xact_lock(1229870148); \
    CREATE TABLE IF NOT EXISTS schema_version (component TEXT PRIMARY KEY, version BIGINT NOT NULL)";

pub struct Postgres {
    url: String,
    clients: Pool<Client>,
}

impl Postgres {
    pub fn open(url: &str) -> Result<Postgres, DbError> {
        guard_transport(url)?;
        let mut client = connect(url)?;
        // Writers queue at this table, so it must be there before the first of them.
        client.batch_execute(PREPARE).map_err(failed("cannot prepare the database"))?;
        let clients = Pool::new(client);
        Ok(Postgres { url: url.to_string(), clients })
    }

    pub fn read<T, E: From<DbError>>(
        &self,
        ask: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.with(|client| {
            let transaction = client
                .build_transaction()
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()
                .map_err(failed("cannot begin"))?;
            ask(&mut Tx { kind: TxKind::Postgres(transaction) })
        })
    }

    pub fn write<T, E: From<DbError> + MayAgain>(
        &self,
        mut act: impl FnMut(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        for _ in 1..TRIES_MAX {
            match self.with(|client| attempt(client, &mut act)) {
                Err(error) if error.may_again() => {}
                answer => return answer,
            }
        }
        self.with(|client| attempt(client, &mut act))
    }

    /// A connection that broke is not given back: the next one is fresh.
    fn with<T, E: From<DbError>>(
        &self,
        work: impl FnOnce(&mut Client) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut client = self.clients.take(|| connect(&self.url))?;
        // A server that was restarted leaves dead connections behind; nothing was asked on them yet.
        if client.is_closed() || client.is_valid(PATIENCE).is_err() {
            client = connect(&self.url)?;
        }
        let answer = work(&mut client);
        if !client.is_closed() {
            self.clients.give_back(client);
        }
        answer
    }
}

fn attempt<T, E: From<DbError>>(
    client: &mut Client,
    act: &mut impl FnMut(&mut Tx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::Serializable)
        .start()
        .map_err(failed("cannot begin"))?;
    let mut transaction = transaction;
    // Each write extends one chain of hashes, so two at once only undo each other's work: they queue,
    // as in SQLite. A lock takes no snapshot: what follows sees all that the last writer did.
    transaction
        .batch_execute("LOCK TABLE schema_version IN EXCLUSIVE MODE")
        .map_err(failed("cannot wait for the writer before"))?;
    let mut tx = Tx { kind: TxKind::Postgres(transaction) };
    // Dropped without a commit, a transaction is rolled back.
    let answer = act(&mut tx)?;
    if let TxKind::Postgres(transaction) = tx.kind {
        transaction.commit().map_err(failed("cannot commit"))?;
    }
    Ok(answer)
}

/// Without TLS the password and all casework would cross the network in the clear.
fn guard_transport(url: &str) -> Result<(), DbError> {
    let config: Config = url.parse().map_err(failed("cannot read the connection string"))?;
    let hosts = config.get_hosts().iter().filter_map(|host| match host {
        Host::Tcp(name) => Some(name.clone()),
        #[cfg(unix)]
        Host::Unix(_) => None,
    });
    let addresses = config.get_hostaddrs().iter().map(ToString::to_string);
    let is_loopback = |host: &String| {
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    };
    match hosts.chain(addresses).find(|host| !is_loopback(host)) {
        Some(host) => Err(DbError::Transport(host)),
        None => Ok(()),
    }
}

fn connect(url: &str) -> Result<Client, DbError> {
    // The text of the error names the host, never the password.
    let mut client = Client::connect(url, NoTls).map_err(failed("cannot connect to PostgreSQL"))?;
    // Acknowledged means on disk, whatever the server's own settings say.
    client
        .batch_execute("SET synchronous_commit = on; SET lock_timeout = '30s'; SET client_min_messages = warning")
        .map_err(failed("cannot set up the connection"))?;
    Ok(client)
}

fn failed(doing: &str) -> impl Fn(::postgres::Error) -> DbError + '_ {
    move |source| DbError::Postgres { doing: doing.to_string(), source }
}

pub fn is_conflict(error: &::postgres::Error) -> bool {
    let states = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
    error.code().is_some_and(|code| states.contains(code))
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(value) if *ty == Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
            Value::Int(value) => value.to_sql(ty, out),
            Value::Text(text) => text.to_sql(ty, out),
            Value::Bytes(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::TEXT | Type::VARCHAR | Type::BYTEA)
    }

    to_sql_checked!();
}

pub fn run(transaction: &mut Transaction<'_>, sql: &str, values: &[Value]) -> Result<u64, DbError> {
    transaction.execute(sql, &params(values)).map_err(failed(sql))
}

pub fn rows(
    transaction: &mut Transaction<'_>,
    sql: &str,
    values: &[Value],
) -> Result<Vec<Row>, DbError> {
    let rows = transaction.query(sql, &params(values)).map_err(failed(sql))?;
    rows.iter().map(row).collect()
}

fn params(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn row(row: &::postgres::Row) -> Result<Row, DbError> {
    let value = |(at, column): (usize, &::postgres::Column)| {
        let failed =
            |source| DbError::Postgres { doing: format!("column {}", column.name()), source };
        Ok(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(at).map_err(failed)?.into(),
            Type::INT4 => row.try_get::<_, Option<i32>>(at).map_err(failed)?.map(i64::from).into(),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(at).map_err(failed)?.into(),
            Type::BOOL => row.try_get::<_, Option<bool>>(at).map_err(failed)?.map(i64::from).into(),
            Type::TEXT | Type::VARCHAR | Type::NAME => {
                row.try_get::<_, Option<String>>(at).map_err(failed)?.into()
            }
            // SUM of BIGINT is NUMERIC: say CAST(SUM(…) AS BIGINT).
            ref other => {
                let name = column.name();
                return Err(DbError::Shape(format!("column {name} is of type {other}")));
            }
        })
    };
    row.columns().iter().enumerate().map(value).collect::<Result<_, _>>().map(Row)
}
