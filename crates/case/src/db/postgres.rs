//! PostgreSQL: transactions that behave as if one came after the other, done again where two meet.

use std::error::Error;

use ::postgres::error::SqlState;
use ::postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use ::postgres::{Client, IsolationLevel, NoTls, Transaction};

use super::pool::Pool;
use super::{DbError, MayAgain, Row, Tx, TxKind, Value};

/// How often two transactions may meet before the caller hears of it.
const TRIES_MAX: usize = 20;

pub struct Postgres {
    url: String,
    clients: Pool<Client>,
}

impl Postgres {
    pub fn open(url: &str) -> Result<Postgres, DbError> {
        let clients = Pool::new(connect(url)?);
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
        if client.is_closed() {
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
    let mut tx = Tx { kind: TxKind::Postgres(transaction) };
    // Dropped without a commit, a transaction is rolled back.
    let answer = act(&mut tx)?;
    if let TxKind::Postgres(transaction) = tx.kind {
        transaction.commit().map_err(failed("cannot commit"))?;
    }
    Ok(answer)
}

fn connect(url: &str) -> Result<Client, DbError> {
    // The text of the error names the host, never the password.
    Client::connect(url, NoTls).map_err(failed("cannot connect to PostgreSQL"))
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
