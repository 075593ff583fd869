//! What is personal, beside the journal: each person's data under a key of their own.
//!
//! The journal holds a commitment to the data, salted with random bytes that are kept with the key. To
//! erase a person is to destroy key, salt and ciphertext: the chain stays whole, and nobody can try
//! guesses against what it holds. Copies made before (a backup, a database's own log) still have both
//! and must be dropped in their own time.
//!
//! When somebody's time is over, and nothing that is open needs them ([`Holds`]), [`erase_due`] erases
//! them by the clock, or one person does. Earlier it takes two: one asks, another agrees ([`erase`],
//! [`agree`]), for what is destroyed may have been evidence.

mod erasing;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use model::Timestamp;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::act::{By, micros, moment, moment_if};
use crate::check;
use crate::db::{Db, Migration, Row, Tx};
use crate::error::CaseError;
use crate::ids::PersonId;
use crate::journal;

pub use erasing::{Due, Hold, Holds, Swept, agree, due, erase, erase_due};

pub(crate) const MIGRATIONS: &[Migration] = &[
    "
    CREATE TABLE person (
        id BIGINT PRIMARY KEY,
        nonce BLOB,
        ciphertext BLOB,
        commitment BLOB NOT NULL,
        retain_until BIGINT NOT NULL,
        erased BIGINT
    );
    CREATE INDEX person_due ON person (retain_until) WHERE erased IS NULL;
    CREATE TABLE person_key (person BIGINT PRIMARY KEY, secret BLOB NOT NULL, salt BLOB NOT NULL)
",
    "
    CREATE TABLE person_erasure (
        person BIGINT PRIMARY KEY,
        asked_by TEXT NOT NULL,
        people TEXT NOT NULL,
        reason TEXT NOT NULL,
        asked BIGINT NOT NULL
    )
",
];

const BYTES_MAX: usize = 64 * 1024;

/// Somebody whose data are or were kept, without the data.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Person {
    pub id: PersonId,
    pub retain_until: Timestamp,
    pub erased: Option<Timestamp>,
    /// Somebody asked to erase them before their time, and nobody else has agreed yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
}

/// An erasure that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Asked {
    pub by: String,
    pub at: Timestamp,
    pub reason: String,
}

/// Keeps somebody's data until a date.
pub fn keep(db: &Db, by: &By, data: &Json, retain_until: Timestamp) -> Result<PersonId, CaseError> {
    db.write(|tx| keep_in(tx, by, data, retain_until))
}

/// The same, in a transaction of the caller's.
pub fn keep_in(
    tx: &mut Tx<'_>,
    by: &By,
    data: &Json,
    retain_until: Timestamp,
) -> Result<PersonId, CaseError> {
    let text = check::json("data", data, BYTES_MAX)?;
    // A key is used for one text only: a change of data makes a new key, so no nonce meets it twice.
    let id = PersonId::next(tx)?;
    let sealed = seal(id, &text)?;
    tx.run(
        "INSERT INTO person (id, nonce, ciphertext, commitment, retain_until) \
         VALUES ($1, $2, $3, $4, $5)",
        &[
            id.into(),
            sealed.nonce.to_vec().into(),
            sealed.ciphertext.into(),
            sealed.commitment.clone().into(),
            micros(retain_until).into(),
        ],
    )?;
    tx.run(
        "INSERT INTO person_key (person, secret, salt) VALUES ($1, $2, $3)",
        &[id.into(), sealed.key.to_vec().into(), sealed.salt.to_vec().into()],
    )?;
    let payload =
        json!({ "commitment": check::hex(&sealed.commitment), "retain_until": retain_until });
    journal::append(tx, by, "person.kept", &format!("person:{id}"), &payload)?;
    Ok(id)
}

struct Sealed {
    key: [u8; 32],
    salt: [u8; 32],
    nonce: [u8; 12],
    ciphertext: Vec<u8>,
    commitment: Vec<u8>,
}

fn seal(id: PersonId, text: &str) -> Result<Sealed, CaseError> {
    let (key, salt, nonce) = (random()?, random()?, random()?);
    let payload = Payload { msg: text.as_bytes(), aad: &id.0.to_be_bytes() };
    let ciphertext = ChaCha20Poly1305::new(&key.into())
        .encrypt(&nonce.into(), payload)
        .map_err(|_| CaseError::Damaged("personal data cannot be sealed".into()))?;
    Ok(Sealed { key, salt, nonce, ciphertext, commitment: commit(&salt, text) })
}

fn random<const N: usize>() -> Result<[u8; N], CaseError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        CaseError::Damaged(format!("the system gives no random bytes for a key: {error}"))
    })?;
    Ok(bytes)
}

fn commit(salt: &[u8], text: &str) -> Vec<u8> {
    let mut digest = Sha256::new();
    digest.update(b"interdict person 1\n");
    digest.update(salt);
    digest.update(text.as_bytes());
    digest.finalize().to_vec()
}

/// Somebody's data, for whoever may see them; that they were read is in the journal.
pub fn read(db: &Db, by: &By, id: PersonId) -> Result<Json, CaseError> {
    db.write(|tx| {
        let data = reveal_in(tx, id)?;
        journal::append(tx, by, "person.read", &format!("person:{id}"), &json!({}))?;
        Ok(data)
    })
}

/// The same in a transaction of the caller's, who writes into the journal what it was for.
pub fn reveal_in(tx: &mut Tx<'_>, id: PersonId) -> Result<Json, CaseError> {
    let row = tx.row(
        "SELECT p.nonce, p.ciphertext, p.commitment, k.secret, k.salt FROM person p \
         JOIN person_key k ON k.person = p.id WHERE p.id = $1",
        &[id.into()],
    )?;
    let Some(row) = row else {
        let person = get_in(tx, id)?;
        let found = person.erased.map_or("without a key", |_| "erased");
        return Err(CaseError::state("person", id, found, "kept"));
    };
    check::read_json(&unseal(id, &row)?)
}

fn unseal(id: PersonId, row: &Row) -> Result<String, CaseError> {
    let damaged = || CaseError::Damaged(format!("the data of person {id} are not what was sealed"));
    let nonce: [u8; 12] = row.bytes(0)?.try_into().map_err(|_| damaged())?;
    let key: [u8; 32] = row.bytes(3)?.try_into().map_err(|_| damaged())?;
    let payload = Payload { msg: row.bytes(1)?, aad: &id.0.to_be_bytes() };
    let plain = ChaCha20Poly1305::new(&key.into()).decrypt(&nonce.into(), payload);
    let text = plain.ok().and_then(|plain| String::from_utf8(plain).ok()).ok_or_else(damaged)?;
    match commit(row.bytes(4)?, &text) == row.bytes(2)? {
        true => Ok(text),
        false => Err(damaged()),
    }
}

/// Moves the date until which somebody's data are kept. Never nearer: that would be erasing them early.
pub fn retain(db: &Db, by: &By, id: PersonId, until: Timestamp) -> Result<(), CaseError> {
    db.write(|tx| retain_in(tx, by, id, until))
}

/// The same, in a transaction of the caller's.
pub fn retain_in(
    tx: &mut Tx<'_>,
    by: &By,
    id: PersonId,
    until: Timestamp,
) -> Result<(), CaseError> {
    let person = get_in(tx, id)?;
    if person.erased.is_some() {
        return Err(CaseError::state("person", id, "erased", "kept"));
    }
    if until < person.retain_until {
        let expected =
            format!("not before {}: erasing them earlier takes two", person.retain_until);
        return Err(CaseError::field("until", until.to_string(), expected));
    }
    tx.run(
        "UPDATE person SET retain_until = $2 WHERE id = $1",
        &[id.into(), micros(until).into()],
    )?;
    let payload = json!({ "until": until });
    journal::append(tx, by, "person.retained", &format!("person:{id}"), &payload)?;
    Ok(())
}

pub fn get(db: &Db, id: PersonId) -> Result<Person, CaseError> {
    db.read(|tx| get_in(tx, id))
}

const SELECT: &str = "SELECT p.id, p.retain_until, p.erased, e.asked_by, e.asked, e.reason \
                      FROM person p LEFT JOIN person_erasure e ON e.person = p.id";

fn get_in(tx: &mut Tx<'_>, id: PersonId) -> Result<Person, CaseError> {
    let row = tx.row(&format!("{SELECT} WHERE p.id = $1"), &[id.into()])?;
    person(&row.ok_or_else(|| CaseError::missing("person", id))?)
}

fn person(row: &Row) -> Result<Person, CaseError> {
    let asked = match row.text_if(3)? {
        None => None,
        Some(by) => {
            let (at, reason) = (moment(row.int(4)?)?, row.text(5)?.to_string());
            Some(Asked { by: by.to_string(), at, reason })
        }
    };
    Ok(Person {
        id: PersonId(row.int(0)?),
        retain_until: moment(row.int(1)?)?,
        erased: moment_if(row.int_if(2)?)?,
        asked,
    })
}
