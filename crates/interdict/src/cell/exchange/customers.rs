//! Customers of an exchange.
//!
//! The exchange's own reference of a customer is personal data. It is kept once, sealed under a key of
//! its own (`case::personal`), until so long after the customer's last act; everything else names
//! the customer by a number. A reference is found again by a keyed hash, whose key lies sealed. Whoever erases the person
//! destroys the key, and the hash goes with it: what is left is a number.

use std::time::Duration;

use case::db::{Db, Tx};
use case::vault::{self, Vault};
use case::{By, CaseError, PersonId, micros, personal};
use hmac::{Hmac, KeyInit, Mac};
use model::Timestamp;
use sha2::Sha256;

/// The end is moved on when it is nearer than that by so much, so that not every act writes it.
const MOVED_BY: Duration = Duration::from_secs(30 * 24 * 3600);
const SECRET: i64 = 1;

/// Where it stands, as the vault is told.
const PLACE: &str = "exchange_secret:1";

/// How customers are found again, and how long they are kept. The secret of their hashes lies sealed in
/// the database, so that whoever gets that cannot try references against them.
#[derive(Clone)]
pub struct Customers {
    secret: [u8; 32],
    /// After their last act.
    kept: Duration,
}

impl std::fmt::Debug for Customers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "customers kept for {:?}", self.kept)
    }
}

impl Customers {
    /// Opens it; makes it where there is none, and seals one that was kept before there was a vault.
    ///
    /// # Errors
    /// It was sealed with another key than this server has: its customers would not be found.
    pub fn prepare(db: &Db, vault: &Vault, kept: Duration) -> Result<Customers, CaseError> {
        let damaged = |error: &dyn std::fmt::Display| {
            CaseError::Damaged(format!("the secret by which customers are found: {error}"))
        };
        let mut fresh = [0_u8; 32];
        getrandom::fill(&mut fresh).map_err(|error| damaged(&error))?;
        let seal = |secret: &[u8]| vault.seal(PLACE, secret).map_err(|error| damaged(&error));
        let (bytes, was_open) = db.write(|tx| {
            let sql = "SELECT sealed FROM exchange_secret WHERE id = $1";
            let row = tx.row(sql, &[SECRET.into()])?;
            let held = row.as_ref().map(|row| row.bytes(0)).transpose()?;
            let (bytes, sealed) = match held {
                Some(held) if vault::is_sealed(held) => {
                    let opened = vault.open(PLACE, held).map_err(|error| damaged(&error))?;
                    return Ok((opened, false));
                }
                Some(open) => (open.to_vec(), seal(open)?),
                None => (fresh.to_vec(), seal(&fresh)?),
            };
            tx.run(
                "INSERT INTO exchange_secret (id, sealed) VALUES ($1, $2) \
                 ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed",
                &[SECRET.into(), sealed.into()],
            )?;
            Ok::<_, CaseError>((bytes, held.is_some()))
        })?;
        if was_open {
            // What lay open must leave SQLite's log too.
            db.flush_log()?;
        }
        let secret = bytes.try_into().map_err(|_| damaged(&"it is no key of 32 bytes"))?;
        Ok(Customers { secret, kept })
    }

    /// A new secret, where the key that sealed the old one is lost. Customers are found by it as before;
    /// what is registered again of the time before counts as another transfer. How many they are.
    pub fn anew(db: &Db, by: &By, vault: &Vault) -> Result<usize, CaseError> {
        let damaged = |error: &dyn std::fmt::Display| {
            CaseError::Damaged(format!("a new secret by which customers are found: {error}"))
        };
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret).map_err(|error| damaged(&error))?;
        let sealed = vault.seal(PLACE, &secret).map_err(|error| damaged(&error))?;
        let new = Customers { secret, kept: Duration::ZERO };
        db.write(|tx| {
            let all = "SELECT c.id, c.person FROM exchange_customer c JOIN person p ON p.id = c.person \
                       WHERE c.reference IS NOT NULL AND p.erased IS NULL ORDER BY c.id";
            let rows = tx.rows(all, &[])?;
            tx.run("UPDATE exchange_customer SET reference = NULL", &[])?;
            for row in &rows {
                let data = personal::reveal_in(tx, PersonId(row.int(1)?))?;
                let user = data["userId"].as_str().ok_or_else(|| damaged(&"it has no userId"))?;
                let sql = "UPDATE exchange_customer SET reference = $2 WHERE id = $1";
                tx.run(sql, &[row.int(0)?.into(), new.reference(user).into()])?;
            }
            let sql = "UPDATE exchange_secret SET sealed = $2 WHERE id = $1";
            tx.run(sql, &[SECRET.into(), sealed.as_slice().into()])?;
            let payload = serde_json::json!({ "customers": rows.len() });
            case::journal::append(tx, by, "customers.resealed", "exchange", &payload)?;
            Ok(rows.len())
        })
    }

    /// A keyed hash of some texts, each behind its length, so that no two lists of texts share one.
    fn hash(&self, texts: &[&str]) -> Vec<u8> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes a key of any length");
        for text in texts {
            mac.update(&(text.len() as u64).to_le_bytes());
            mac.update(text.as_bytes());
        }
        mac.finalize().into_bytes().to_vec()
    }

    /// A name for something of theirs that tells nobody who they are.
    pub fn name(&self, prefix: &str, texts: &[&str]) -> String {
        let texts: Vec<&str> = std::iter::once(prefix).chain(texts.iter().copied()).collect();
        format!("{prefix}_{}", model::hex::encode(&self.hash(&texts)[..16]))
    }

    fn reference(&self, user: &str) -> Vec<u8> {
        self.hash(&["customer", user])
    }

    /// The number of a customer, if there is one.
    pub fn find(&self, tx: &mut Tx<'_>, user: &str) -> Result<Option<i64>, CaseError> {
        Ok(row_of(tx, self.reference(user))?.map(|row| row.0))
    }

    /// The number of a customer who acts now; a new one where they are not known.
    pub fn keep(&self, tx: &mut Tx<'_>, by: &By, user: &str) -> Result<i64, CaseError> {
        let until = by.at.saturating_add(self.kept).unwrap_or(Timestamp::MAX);
        let reference = self.reference(user);
        if let Some((id, person, retained)) = row_of(tx, reference.clone())? {
            let moved = i64::try_from(MOVED_BY.as_micros()).unwrap_or(0);
            if retained.saturating_add(moved) < micros(until) {
                personal::retain_in(tx, by, person, until)?;
                let sql = "UPDATE exchange_customer SET retain_until = $2 WHERE id = $1";
                tx.run(sql, &[id.into(), micros(until).into()])?;
            }
            return Ok(id);
        }
        // Somebody of this reference may have been erased: they are another customer now.
        tx.run(
            "UPDATE exchange_customer SET reference = NULL WHERE reference = $1",
            &[reference.as_slice().into()],
        )?;
        let data = serde_json::json!({ "userId": user });
        let person = personal::keep_in(tx, by, &data, until)?;
        let id = case::ids::next(tx, "customer")?;
        tx.run(
            "INSERT INTO exchange_customer (id, reference, person, retain_until) \
             VALUES ($1, $2, $3, $4)",
            &[id.into(), reference.into(), person.into(), micros(until).into()],
        )?;
        Ok(id)
    }
}

fn row_of(tx: &mut Tx<'_>, reference: Vec<u8>) -> Result<Option<(i64, PersonId, i64)>, CaseError> {
    let sql = "SELECT c.id, c.person, c.retain_until FROM exchange_customer c \
               JOIN person p ON p.id = c.person WHERE c.reference = $1 AND p.erased IS NULL";
    let Some(row) = tx.row(sql, &[reference.into()])? else { return Ok(None) };
    Ok(Some((row.int(0)?, PersonId(row.int(1)?), row.int(2)?)))
}

/// What keeps a customer whose time is over: an alert of theirs that is not closed.
pub fn hold(tx: &mut Tx<'_>, person: PersonId) -> Result<Option<String>, CaseError> {
    let sql = "SELECT a.id FROM exchange_customer c JOIN exchange_alert e ON e.customer = c.id \
               JOIN alert a ON a.id = e.alert WHERE c.person = $1 AND a.state <> 'closed' \
               ORDER BY a.id LIMIT 1";
    let row = tx.row(sql, &[person.into()])?;
    row.map(|row| Ok(format!("alert {}, which is not closed", row.int(0)?))).transpose()
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

#[cfg(test)]
mod tests {
    use case::db::Place;
    use case::trial::on_both;

    use super::*;
    use crate::cell::exchange::{COMPONENT, STEPS, prepare};

    const KEPT: Duration = Duration::from_secs(1_000_000);

    fn by(second: i64) -> By {
        By::new("key:exchange", Timestamp::from_second(1_750_000_000 + second).unwrap())
    }

    fn lies(db: &Db) -> Vec<u8> {
        let row = db.read(|tx| tx.row("SELECT sealed FROM exchange_secret", &[])).unwrap().unwrap();
        row.bytes(0).unwrap().to_vec()
    }

    /// Casework as it was before the secret was sealed, with a customer.
    fn old(db: &Db) -> Customers {
        db.migrate(COMPONENT, &STEPS[..2]).unwrap();
        let key = Customers { secret: [0x5e; 32], kept: KEPT };
        let insert = "INSERT INTO exchange_secret (id, secret) VALUES ($1, $2)";
        db.write(|tx| {
            tx.run(insert, &[SECRET.into(), key.secret.as_slice().into()])?;
            key.keep(tx, &by(0), "u-1")
        })
        .unwrap();
        key
    }

    #[test]
    fn the_secret_of_customers_lies_sealed_and_an_open_one_is_sealed_without_losing_anybody() {
        let (vault, other) = (Vault::of([5; 32]), Vault::of([6; 32]));
        on_both(|db| {
            let before = old(db);
            let key = prepare(db, &vault, KEPT).unwrap();
            assert_eq!(key.secret, before.secret);
            assert!(vault::is_sealed(&lies(db)));
            assert!(!lies(db).windows(32).any(|part| part == key.secret));
            let find = |user: &str| db.read(|tx| key.find(tx, user)).unwrap();
            assert_eq!((find("u-1"), find("u-2")), (Some(1), None));
            // Another start opens the same, and leaves it as it lies.
            let sealed = lies(db);
            assert_eq!(prepare(db, &vault, KEPT).unwrap().secret, key.secret);
            assert_eq!(lies(db), sealed);
            // Another key does not, and changes nothing.
            let error = prepare(db, &other, KEPT).unwrap_err().to_string();
            assert!(error.contains(&vault.name()) && error.contains(&other.name()), "{error}");
            assert_eq!(lies(db), sealed);
        });
    }

    #[test]
    fn a_new_secret_is_sealed_from_the_start() {
        let vault = Vault::of([5; 32]);
        on_both(|db| {
            let key = prepare(db, &vault, KEPT).unwrap();
            assert_eq!(vault.open(PLACE, &lies(db)).unwrap(), key.secret);
            assert_ne!(key.secret, [0; 32]);
        });
    }

    #[test]
    fn where_the_key_is_lost_a_new_secret_finds_the_same_customers() {
        let (lost, vault) = (Vault::of([5; 32]), Vault::of([6; 32]));
        on_both(|db| {
            let before = prepare(db, &lost, KEPT).unwrap();
            let keep = |user: &str| db.write(|tx| before.keep(tx, &by(0), user)).unwrap();
            let (one, two) = (keep("u-1"), keep("u-2"));
            let gone = db.read(|tx| row_of(tx, before.reference("u-2"))).unwrap().unwrap().1;
            let ended = By::new("system", by(0).at + KEPT + KEPT);
            case::personal::erase(db, &ended, gone, "over", &case::personal::Holds::of_casework())
                .unwrap();
            assert!(prepare(db, &vault, KEPT).is_err());
            assert_eq!(Customers::anew(db, &by(1), &vault).unwrap(), 1);
            let after = prepare(db, &vault, KEPT).unwrap();
            assert_ne!(after.secret, before.secret);
            let find = |user: &str| db.read(|tx| after.find(tx, user)).unwrap();
            assert_eq!((find("u-1"), find("u-2"), find("u-3")), (Some(one), None, None));
            assert_ne!(one, two);
            assert!(case::journal::verify_stored(db).unwrap().is_ok());
        });
    }

    #[test]
    fn what_lay_open_is_in_no_file_of_sqlite_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("casework.sqlite");
        let db = case::open(&Place::Sqlite(path)).unwrap();
        let key = old(&db);
        let holds = || {
            let files = std::fs::read_dir(folder.path()).unwrap();
            let mut all = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
            all.any(|bytes| bytes.windows(32).any(|part| part == key.secret))
        };
        assert!(holds());
        prepare(&db, &Vault::of([5; 32]), KEPT).unwrap();
        assert!(!holds());
    }
}
