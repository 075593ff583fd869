//! Withdrawals that an exchange asked about before it signed, and what it was told.
//!
//! An attempt is named by who asks and by their own identifier: asked again, it is answered as before,
//! so that a retry after a lost answer never gets another one.

use case::alerts::NewAlert;
use case::db::{Db, Row, Tx};
use case::{By, CaseError};
use model::Account;

use super::{Customers, Of};

/// One attempt as it is kept. Who the customer is, is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub id: String,
    pub actor: String,
    pub identifier: String,
    /// The request, as JSON.
    pub asked: String,
    pub verdict: String,
    /// The answer, as JSON.
    pub answered: String,
    /// Seconds since 1970.
    pub made_at: i64,
}

/// What is kept of a new one.
pub struct New<'a> {
    pub kept: Kept,
    pub user: &'a str,
    pub to: &'a Account,
    /// The lists that name its address.
    pub lists: &'a [String],
    pub alert: Option<NewAlert>,
}

/// The same for the same attempt.
pub fn id(key: &Customers, actor: &str, user: &str, identifier: &str) -> String {
    key.name("wa", &[actor, user, identifier])
}

/// Keeps it before anybody is told, and raises what it is a reason for; gives the one that was kept first.
pub fn keep(db: &Db, by: &By, key: &Customers, new: &New<'_>) -> Result<Kept, CaseError> {
    let kept = &new.kept;
    db.write(|tx| {
        if let Some(kept) = find(tx, &kept.id)? {
            return Ok(kept);
        }
        let customer = key.keep(tx, by, new.user)?;
        tx.run(
            "INSERT INTO withdrawal_attempt \
             (id, actor, user_name, identifier, asked, verdict, answered, made_at, customer) \
             VALUES ($1, $2, '', $3, $4, $5, $6, $7, $8)",
            &[
                kept.id.as_str().into(),
                kept.actor.as_str().into(),
                kept.identifier.as_str().into(),
                kept.asked.as_str().into(),
                kept.verdict.as_str().into(),
                kept.answered.as_str().into(),
                kept.made_at.into(),
                customer.into(),
            ],
        )?;
        super::put_party_in(tx, &kept.id, new.to, new.lists)?;
        if let Some(alert) = &new.alert {
            let of = Of { subject: &kept.id, actor: &kept.actor, customer };
            super::raise_in(tx, by, of, alert)?;
        }
        Ok(kept.clone())
    })
}

pub fn get(db: &Db, id: &str) -> Result<Option<Kept>, CaseError> {
    db.read(|tx| find(tx, id))
}

const SELECT: &str =
    "SELECT id, actor, identifier, asked, verdict, answered, made_at FROM withdrawal_attempt";

fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<Kept>, CaseError> {
    tx.row(&format!("{SELECT} WHERE id = $1"), &[id.into()])?.map(|row| read(&row)).transpose()
}

/// Those of a customer before one (its time and id), the newest first; of one actor, or of all.
pub fn of_customer(
    db: &Db,
    customer: i64,
    actor: Option<&str>,
    before: Option<(i64, String)>,
    limit: usize,
) -> Result<Vec<Kept>, CaseError> {
    let rows = super::of_customer(db, SELECT, "made_at", customer, actor, before, limit)?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Kept, CaseError> {
    let text = |column| row.text(column).map(str::to_string);
    Ok(Kept {
        id: text(0)?,
        actor: text(1)?,
        identifier: text(2)?,
        asked: text(3)?,
        verdict: text(4)?,
        answered: text(5)?,
        made_at: row.int(6)?,
    })
}
