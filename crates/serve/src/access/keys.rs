//! API keys: for programs. Random, kept as a hash, looked up in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use case::db::{Db, DbError, Row, Tx};

use super::secret::{self, Hash};
use super::{Access, Known, tables};
use crate::frame::load::{Bucket, Rate};
use crate::policy::Scope;
use crate::problem::{Fault, Problem};
use crate::time;

/// What a key of ours begins with: a leaked one is found by it.
pub const PREFIX: &str = "idk_";

#[derive(Debug)]
pub struct Key {
    pub id: i64,
    pub name: String,
    /// Its first characters, so that people can tell keys apart.
    pub hint: String,
    pub scopes: Scopes,
    pub team: Option<i64>,
    /// Requests a second, if it has a rate of its own.
    pub per_s: Option<u32>,
    pub made_by: String,
    pub made_at: i64,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub use_: Arc<Use>,
    pub(crate) rate: Rate,
}

/// What is counted of a key while it is used.
#[derive(Debug, Default)]
pub struct Use {
    pub bucket: Bucket,
    used_at: AtomicI64,
    written_at: AtomicI64,
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    pub fn has(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }

    pub fn list(self) -> Vec<Scope> {
        Scope::ALL.into_iter().filter(|scope| self.has(*scope)).collect()
    }

    fn text(self) -> String {
        self.list().into_iter().map(Scope::name).collect::<Vec<_>>().join(" ")
    }
}

fn bit(scope: Scope) -> u8 {
    1 << (scope as u8)
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Scopes {
        Scopes(scopes.into_iter().fold(0, |set, scope| set | bit(scope)))
    }
}

impl Key {
    pub fn is_valid(&self, now: i64) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires_at| now < expires_at)
    }

    /// When it was last used; nothing: never.
    pub fn used_at(&self) -> Option<i64> {
        Some(self.use_.used_at.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }

    pub(crate) fn note_use(&self, now: i64) {
        self.use_.used_at.store(now, Ordering::Relaxed);
    }
}

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub name: String,
    pub scopes: Scopes,
    pub team: Option<i64>,
    pub per_s: Option<u32>,
    pub expires_at: Option<i64>,
}

impl Access {
    /// Its number, and the key itself: the only time it is seen.
    pub fn make_key(&self, new: &NewKey, by: &str) -> Result<(i64, String), Problem> {
        super::users::check_name(&new.name)?;
        if new.scopes == Scopes::default() {
            return Err(Problem::invalid("scopes", "expected at least one"));
        }
        let now = time::now();
        if new.expires_at.is_some_and(|at| at <= now) {
            return Err(Problem::invalid("expires_at", "expected a time to come"));
        }
        let secret = secret::make(PREFIX);
        let id = self.change(|tx| -> Result<i64, Fault> {
            super::teams::check(tx, new.team.as_slice())?;
            let id = tables::next_id(tx, "api_keys")?;
            let added = tx.run(
                "INSERT INTO api_keys \
                 (id, name, hash, hint, scopes, team_id, per_s, made_by, made_at, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (name) DO NOTHING",
                &[
                    id.into(),
                    new.name.as_str().into(),
                    secret::hash(&secret).as_slice().into(),
                    secret[..PREFIX.len() + 4].into(),
                    new.scopes.text().into(),
                    new.team.into(),
                    new.per_s.map(i64::from).into(),
                    by.into(),
                    now.into(),
                    new.expires_at.into(),
                ],
            )?;
            if added == 0 {
                let detail = format!("a key named {} is there already", new.name);
                return Err(Problem::conflict(detail).field("name").into());
            }
            Ok(id)
        })?;
        Ok((id, secret))
    }

    /// It is refused from now on. A second time changes nothing.
    pub fn revoke_key(&self, id: i64) -> Result<(), Problem> {
        let met = self.change(|tx| {
            tx.run(
                "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1",
                &[id.into(), time::now().into()],
            )
        })?;
        if met == 0 {
            return Err(Problem::not_found(format!("key {id}")));
        }
        Ok(())
    }
}

pub(super) fn read(
    tx: &mut Tx<'_>,
    before: &Known,
    key_per_s: u32,
) -> Result<HashMap<Hash, Arc<Key>>, DbError> {
    let rows = tx.rows(
        "SELECT hash, id, name, hint, scopes, team_id, per_s, made_by, made_at, expires_at, \
         revoked_at, used_at FROM api_keys",
        &[],
    )?;
    let of = |row: &Row| -> Result<(Hash, Arc<Key>), DbError> {
        let hash = hash_of(row)?;
        let used_at = row.int_if(11)?.unwrap_or(0);
        let use_ = match before.key(&hash) {
            Some(key) => key.use_.clone(),
            None => Arc::new(Use {
                used_at: AtomicI64::new(used_at),
                written_at: AtomicI64::new(used_at),
                ..Use::default()
            }),
        };
        let per_s = row.int_if(6)?.and_then(|per_s| u32::try_from(per_s).ok());
        let key = Key {
            id: row.int(1)?,
            name: row.text(2)?.to_string(),
            hint: row.text(3)?.to_string(),
            scopes: row.text(4)?.split(' ').filter_map(Scope::parse).collect(),
            team: row.int_if(5)?,
            per_s,
            made_by: row.text(7)?.to_string(),
            made_at: row.int(8)?,
            expires_at: row.int_if(9)?,
            revoked_at: row.int_if(10)?,
            use_,
            rate: Rate::per_s(per_s.unwrap_or(key_per_s)),
        };
        Ok((hash, Arc::new(key)))
    };
    rows.iter().map(of).collect()
}

pub(super) fn hash_of(row: &Row) -> Result<Hash, DbError> {
    let bytes = row.bytes(0)?;
    bytes.try_into().map_err(|_| DbError::Shape("a hash is not of 32 bytes".into()))
}

/// Not with each request: what is written of use is behind by a while.
pub(super) fn write_used(db: &Db, known: &Known) -> Result<(), DbError> {
    let is_news = |key: &&Arc<Key>| {
        let use_ = &key.use_;
        use_.used_at.load(Ordering::Relaxed) > use_.written_at.load(Ordering::Relaxed)
    };
    let used: Vec<_> = known.all_keys().into_iter().filter(is_news).collect();
    if used.is_empty() {
        return Ok(());
    }
    let times: Vec<_> = used.iter().map(|key| key.use_.used_at.load(Ordering::Relaxed)).collect();
    db.write(|tx| -> Result<(), DbError> {
        for (key, used_at) in used.iter().zip(&times) {
            let values = [key.id.into(), (*used_at).into()];
            tx.run("UPDATE api_keys SET used_at = $2 WHERE id = $1", &values)?;
        }
        Ok(())
    })?;
    for (key, used_at) in used.iter().zip(times) {
        key.use_.written_at.store(used_at, Ordering::Relaxed);
    }
    Ok(())
}
