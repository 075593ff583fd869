//! Customers of an exchange.
//!
//! The exchange's own reference of a customer is personal data. It is kept once, sealed under a key of
//! its own (`case::personal`), until five years after the customer's last act; everything else names
//! the customer by a number. A reference is found again by a keyed hash. Whoever erases the person
//! destroys the key, and the hash goes with it: what is left is a number.

use std::time::Duration;

use case::db::{Db, Tx};
use case::{By, CaseError, PersonId, micros, personal};
use hmac::{Hmac, KeyInit, Mac};
use model::Timestamp;
use sha2::Sha256;

/// FATF's recommendation 11: at least five years after the business relation ended.
const RETAINED: Duration = Duration::from_secs(5 * 366 * 24 * 3600);
/// The end is moved on when it is nearer than that by so much, so that not every act writes it.
const MOVED_BY: Duration = Duration::from_secs(30 * 24 * 3600);
const SECRET: i64 = 1;

/// Makes the secret where there is none.
pub fn prepare(db: &Db) -> Result<(), CaseError> {
    let mut secret = [0_u8; 32];
    getrandom::fill(&mut secret).map_err(|error| {
        CaseError::Damaged(format!("the system gives no random bytes for a key: {error}"))
    })?;
    let values = [SECRET.into(), secret.as_slice().into()];
    let sql =
        "INSERT INTO exchange_secret (id, secret) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
    db.write(|tx| {
        tx.run(sql, &values)?;
        Ok::<(), CaseError>(())
    })
}

/// A keyed hash of some texts, each behind its length, so that no two lists of texts share one.
fn hash(tx: &mut Tx<'_>, texts: &[&str]) -> Result<Vec<u8>, CaseError> {
    let row = tx.row("SELECT secret FROM exchange_secret WHERE id = $1", &[SECRET.into()])?;
    let row = row.ok_or_else(|| CaseError::Damaged("the secret of customers is gone".into()))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(row.bytes(0)?)
        .map_err(|_| CaseError::Damaged("the secret of customers is no key".into()))?;
    for text in texts {
        mac.update(&(text.len() as u64).to_le_bytes());
        mac.update(text.as_bytes());
    }
    Ok(mac.finalize().into_bytes().to_vec())
}

/// A name for something of theirs that tells nobody who they are.
pub fn name(tx: &mut Tx<'_>, prefix: &str, texts: &[&str]) -> Result<String, CaseError> {
    let texts: Vec<&str> = std::iter::once(prefix).chain(texts.iter().copied()).collect();
    let hash = hash(tx, &texts)?;
    Ok(format!("{prefix}_{}", model::hex::encode(&hash[..16])))
}

/// The number of a customer, if there is one.
pub fn find(tx: &mut Tx<'_>, user: &str) -> Result<Option<i64>, CaseError> {
    Ok(row_of(tx, user)?.map(|row| row.0))
}

fn row_of(tx: &mut Tx<'_>, user: &str) -> Result<Option<(i64, PersonId, i64)>, CaseError> {
    let reference = hash(tx, &["customer", user])?;
    let sql = "SELECT c.id, c.person, c.retain_until FROM exchange_customer c \
               JOIN person p ON p.id = c.person WHERE c.reference = $1 AND p.erased IS NULL";
    let Some(row) = tx.row(sql, &[reference.into()])? else { return Ok(None) };
    Ok(Some((row.int(0)?, PersonId(row.int(1)?), row.int(2)?)))
}

/// The number of a customer who acts now; a new one where they are not known.
pub fn keep(tx: &mut Tx<'_>, by: &By, user: &str) -> Result<i64, CaseError> {
    let until = by.at.saturating_add(RETAINED).unwrap_or(Timestamp::MAX);
    if let Some((id, person, retained)) = row_of(tx, user)? {
        let moved = i64::try_from(MOVED_BY.as_micros()).unwrap_or(0);
        if retained + moved < micros(until) {
            personal::retain_in(tx, by, person, until)?;
            let sql = "UPDATE exchange_customer SET retain_until = $2 WHERE id = $1";
            tx.run(sql, &[id.into(), micros(until).into()])?;
        }
        return Ok(id);
    }
    // Somebody of this reference may have been erased: they are another customer now.
    let reference = hash(tx, &["customer", user])?;
    tx.run(
        "UPDATE exchange_customer SET reference = NULL WHERE reference = $1",
        &[reference.as_slice().into()],
    )?;
    let data = serde_json::json!({ "userId": user });
    let person = personal::keep_in(tx, by, &data, until)?;
    let id = case::ids::next(tx, "customer")?;
    tx.run(
        "INSERT INTO exchange_customer (id, reference, person, retain_until) VALUES ($1, $2, $3, $4)",
        &[id.into(), reference.into(), person.into(), micros(until).into()],
    )?;
    Ok(id)
}

/// Takes the hashes of those away who were erased.
pub fn forget_erased(db: &Db) -> Result<(), CaseError> {
    let erased =
        "reference IS NOT NULL AND person IN (SELECT id FROM person WHERE erased IS NOT NULL)";
    let is_any = format!("SELECT 1 FROM exchange_customer WHERE {erased} LIMIT 1");
    if db.read(|tx| tx.row(&is_any, &[]))?.is_none() {
        return Ok(());
    }
    db.write(|tx| {
        tx.run(&format!("UPDATE exchange_customer SET reference = NULL WHERE {erased}"), &[])?;
        Ok::<(), CaseError>(())
    })?;
    Ok(db.flush_log()?)
}
