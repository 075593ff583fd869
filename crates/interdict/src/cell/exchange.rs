//! What an exchange tells of its customers' money, and what it was answered. Kept for good.
//!
//! [`withdrawals`] are asked about before they are signed, [`transfers`] are registered when they came
//! or went, [`customers`] are the ones who own them. Whose they are is known by a number alone.

pub mod customers;
pub mod judging;
pub mod transfers;
pub mod withdrawals;

use std::time::Duration;

use case::alerts::{self, NewAlert};
use case::backup::Table;
use case::db::{Db, Migration, Row, Tx};
use case::vault::Vault;
use case::{AlertId, By, CaseError};

pub use customers::Customers;

pub const COMPONENT: &str = "exchange";

pub const STEPS: &[Migration] = &[
    "
    CREATE TABLE withdrawal_attempt (
        id TEXT PRIMARY KEY,
        actor TEXT NOT NULL,
        user_name TEXT NOT NULL,
        identifier TEXT NOT NULL,
        asked TEXT NOT NULL,
        verdict TEXT NOT NULL,
        answered TEXT NOT NULL,
        made_at BIGINT NOT NULL
    );
    CREATE INDEX withdrawal_attempt_by_user ON withdrawal_attempt (actor, user_name, made_at)
",
    "
    CREATE TABLE exchange_secret (id BIGINT PRIMARY KEY, secret BLOB NOT NULL);
    CREATE TABLE exchange_customer (
        id BIGINT PRIMARY KEY,
        reference BLOB,
        person BIGINT NOT NULL,
        retain_until BIGINT NOT NULL
    );
    CREATE UNIQUE INDEX exchange_customer_by_reference ON exchange_customer (reference);
    CREATE INDEX exchange_customer_by_person ON exchange_customer (person);
    ALTER TABLE withdrawal_attempt ADD COLUMN customer BIGINT;
    CREATE INDEX withdrawal_attempt_by_customer ON withdrawal_attempt (customer, made_at, id);
    CREATE TABLE exchange_transfer (
        id TEXT PRIMARY KEY,
        actor TEXT NOT NULL,
        customer BIGINT NOT NULL,
        chain TEXT NOT NULL,
        asked TEXT NOT NULL,
        judged TEXT NOT NULL,
        exposures TEXT NOT NULL,
        raised TEXT NOT NULL,
        is_settled BIGINT NOT NULL,
        version BIGINT NOT NULL,
        registered_at BIGINT NOT NULL,
        changed_at BIGINT NOT NULL
    );
    CREATE INDEX exchange_transfer_unsettled ON exchange_transfer (chain, registered_at, id) WHERE is_settled = 0;
    CREATE INDEX exchange_transfer_by_customer ON exchange_transfer (customer, registered_at, id);
    CREATE TABLE exchange_party (
        account TEXT NOT NULL,
        subject TEXT NOT NULL,
        lists TEXT NOT NULL,
        PRIMARY KEY (account, subject)
    );
    CREATE TABLE exchange_alert (
        subject TEXT NOT NULL,
        alert BIGINT NOT NULL,
        actor TEXT NOT NULL,
        customer BIGINT NOT NULL,
        PRIMARY KEY (subject, alert)
    );
    CREATE INDEX exchange_alert_by_customer ON exchange_alert (customer, alert);
    CREATE TABLE exchange_position (name TEXT PRIMARY KEY, position TEXT NOT NULL)
",
    // It is sealed from here on: an older server that still runs must not take it for the secret.
    "ALTER TABLE exchange_secret RENAME COLUMN secret TO sealed",
];

/// For a backup of casework, behind those of `case`.
pub const TABLES: &[Table] = &[
    Table {
        name: "withdrawal_attempt",
        key: &["id"],
        columns: &[
            "id",
            "actor",
            "user_name",
            "identifier",
            "asked",
            "verdict",
            "answered",
            "made_at",
            "customer",
        ],
    },
    Table { name: "exchange_secret", key: &["id"], columns: &["id", "sealed"] },
    Table {
        name: "exchange_customer",
        key: &["id"],
        columns: &["id", "reference", "person", "retain_until"],
    },
    Table {
        name: "exchange_transfer",
        key: &["id"],
        columns: &[
            "id",
            "actor",
            "customer",
            "chain",
            "asked",
            "judged",
            "exposures",
            "raised",
            "is_settled",
            "version",
            "registered_at",
            "changed_at",
        ],
    },
    Table {
        name: "exchange_party",
        key: &["account", "subject"],
        columns: &["account", "subject", "lists"],
    },
    Table {
        name: "exchange_alert",
        key: &["subject", "alert"],
        columns: &["subject", "alert", "actor", "customer"],
    },
    Table { name: "exchange_position", key: &["name"], columns: &["name", "position"] },
];

/// Makes the tables, and the secret by which customers are known.
pub fn prepare(db: &Db, vault: &Vault, kept: Duration) -> Result<Customers, CaseError> {
    db.migrate(COMPONENT, STEPS)?;
    Customers::prepare(db, vault, kept)
}

/// Rows of a customer before one (its time and id), the newest first; of one actor, or of all.
fn of_customer(
    db: &Db,
    select: &str,
    time: &str,
    customer: i64,
    actor: Option<&str>,
    before: Option<(i64, String)>,
    limit: usize,
) -> Result<Vec<Row>, CaseError> {
    let sql = format!(
        "{select} WHERE customer = $1 AND ($2 = '' OR actor = $2) AND ({time}, id) < ($3, $4) \
         ORDER BY {time} DESC, id DESC LIMIT $5"
    );
    let (at, id) = before.unwrap_or((i64::MAX, String::new()));
    let limit = i64::try_from(limit).unwrap_or(0);
    let actor = actor.unwrap_or_default();
    let values = [customer.into(), actor.into(), at.into(), id.into(), limit.into()];
    Ok(db.read(|tx| tx.rows(&sql, &values))?)
}

/// Whose something is: who registered it, and for which customer.
#[derive(Clone, Copy, Debug)]
pub struct Of<'a> {
    /// Of a transfer or a withdrawal attempt.
    pub subject: &'a str,
    pub actor: &'a str,
    pub customer: i64,
}

/// Raises an alert and keeps whose it is.
pub fn raise_in(
    tx: &mut Tx<'_>,
    by: &By,
    of: Of<'_>,
    new: &NewAlert,
) -> Result<AlertId, CaseError> {
    let raised = alerts::raise_in(tx, by, new)?;
    tx.run(
        "INSERT INTO exchange_alert (subject, alert, actor, customer) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (subject, alert) DO NOTHING",
        &[of.subject.into(), raised.id.into(), of.actor.into(), of.customer.into()],
    )?;
    Ok(raised.id)
}

/// With whom somebody dealt, and which lists named them when they were screened.
pub fn put_party_in(
    tx: &mut Tx<'_>,
    subject: &str,
    account: &model::Account,
    lists: &[String],
) -> Result<(), CaseError> {
    tx.run(
        "INSERT INTO exchange_party (account, subject, lists) VALUES ($1, $2, $3) \
         ON CONFLICT (account, subject) DO UPDATE SET lists = excluded.lists",
        &[account.to_string().into(), subject.into(), lists.join("\n").into()],
    )?;
    Ok(())
}

/// The alerts of a transfer or an attempt, in the order in which they were raised.
pub fn alerts_of(db: &Db, subject: &str) -> Result<Vec<AlertId>, CaseError> {
    let sql = "SELECT alert FROM exchange_alert WHERE subject = $1 ORDER BY alert LIMIT 1000";
    let rows = db.read(|tx| tx.rows(sql, &[subject.into()]))?;
    rows.iter().map(|row| Ok(AlertId(row.int(0)?))).collect()
}

/// The alerts of a customer below a number, the newest first; of one actor's doing, or of all.
pub fn alerts_of_customer(
    db: &Db,
    customer: i64,
    actor: Option<&str>,
    below: i64,
    limit: usize,
) -> Result<Vec<AlertId>, CaseError> {
    let sql = "SELECT DISTINCT alert FROM exchange_alert \
               WHERE customer = $1 AND alert < $2 AND ($3 = '' OR actor = $3) \
               ORDER BY alert DESC LIMIT $4";
    let limit = i64::try_from(limit).unwrap_or(0);
    let values = [customer.into(), below.into(), actor.unwrap_or_default().into(), limit.into()];
    let rows = db.read(|tx| tx.rows(sql, &values))?;
    rows.iter().map(|row| Ok(AlertId(row.int(0)?))).collect()
}

/// Up to where something was looked at.
pub fn position(db: &Db, name: &str) -> Result<Option<String>, CaseError> {
    let sql = "SELECT position FROM exchange_position WHERE name = $1";
    let row = db.read(|tx| tx.row(sql, &[name.into()]))?;
    Ok(row.map(|row| row.text(0).map(str::to_string)).transpose()?)
}

pub fn put_position_in(tx: &mut Tx<'_>, name: &str, position: &str) -> Result<(), CaseError> {
    tx.run(
        "INSERT INTO exchange_position (name, position) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET position = excluded.position",
        &[name.into(), position.into()],
    )?;
    Ok(())
}
