//! Withdrawals that an exchange asked about before it signed, and what it was told. Kept for good.
//!
//! An attempt is named by who asks and by their own identifier: asked again, it is answered as before,
//! so that a retry after a lost answer never gets another one.

use case::alerts::{self, NewAlert};
use case::db::{Db, DbError, Migration, Row, Tx};
use case::{By, CaseError};
use sha2::{Digest, Sha256};

pub const COMPONENT: &str = "exchange";

pub const STEPS: &[Migration] = &["
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
"];

/// What a backup of casework holds of them.
pub const BACKUP: &[case::backup::Table] = &[case::backup::Table {
    name: "withdrawal_attempt",
    key: &["id"],
    columns: &["id", "actor", "user_name", "identifier", "asked", "verdict", "answered", "made_at"],
}];

/// One attempt as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub id: String,
    pub actor: String,
    pub user: String,
    pub identifier: String,
    /// The request, as JSON.
    pub asked: String,
    pub verdict: String,
    /// The answer, as JSON.
    pub answered: String,
    /// Seconds since 1970.
    pub made_at: i64,
}

/// The same for the same attempt. Each part behind its length, so that no two attempts share one.
pub fn id(actor: &str, user: &str, identifier: &str) -> String {
    let mut hash = Sha256::new();
    for part in [actor, user, identifier] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    format!("wa_{}", model::hex::encode(&hash.finalize()[..16]))
}

/// Keeps it before anybody is told, and raises what it is a reason for; gives the one that was kept first.
pub fn keep(db: &Db, new: &Kept, alert: Option<&(By, NewAlert)>) -> Result<Kept, CaseError> {
    db.write(|tx| {
        let n = tx.run(
            "INSERT INTO withdrawal_attempt \
             (id, actor, user_name, identifier, asked, verdict, answered, made_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
            &[
                new.id.as_str().into(),
                new.actor.as_str().into(),
                new.user.as_str().into(),
                new.identifier.as_str().into(),
                new.asked.as_str().into(),
                new.verdict.as_str().into(),
                new.answered.as_str().into(),
                new.made_at.into(),
            ],
        )?;
        if n == 1 {
            if let Some((by, alert)) = alert {
                alerts::raise_in(tx, by, alert)?;
            }
            return Ok(new.clone());
        }
        let kept = find(tx, &new.id)?;
        kept.ok_or_else(|| CaseError::Damaged(format!("attempt {} is gone", new.id)))
    })
}

pub fn get(db: &Db, id: &str) -> Result<Option<Kept>, DbError> {
    db.read(|tx| find(tx, id))
}

fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<Kept>, DbError> {
    let sql = "SELECT id, actor, user_name, identifier, asked, verdict, answered, made_at \
               FROM withdrawal_attempt WHERE id = $1";
    tx.row(sql, &[id.into()])?.map(|row| read(&row)).transpose()
}

fn read(row: &Row) -> Result<Kept, DbError> {
    let text = |column| row.text(column).map(str::to_string);
    Ok(Kept {
        id: text(0)?,
        actor: text(1)?,
        user: text(2)?,
        identifier: text(3)?,
        asked: text(4)?,
        verdict: text(5)?,
        answered: text(6)?,
        made_at: row.int(7)?,
    })
}
