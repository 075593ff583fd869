//! API keys: for programs. Random, kept as a hash, looked up in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use case::db::{Db, DbError, Row, Tx};
use case::outbox::{self, WebhookChange};
use case::{By, CaseError};
use serde_json::json;

use super::secret::{self, Hash};
use super::{Access, Known, User, acts, tables};
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
    /// Who answers for it: it ends where they are locked. None: made before keys had one, or by the
    /// command line without a name.
    pub owner: Option<i64>,
    owner_name: Option<String>,
    is_owner_locked: bool,
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
        let is_held = self.revoked_at.is_none() && !self.is_owner_locked;
        is_held && self.expires_at.is_none_or(|expires_at| now < expires_at)
    }

    /// Who stands behind it, as the journal names them: who made it and has seen it, and who owns it.
    pub fn people(&self) -> Vec<String> {
        let maker = Some(self.made_by.clone()).filter(|by| case::is_person(by));
        let owner = self.owner_name.as_deref().map(acts::person);
        let is_another = owner != maker;
        maker.into_iter().chain(owner.filter(|_| is_another)).collect()
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
    /// A year from now, if nothing is said.
    pub expires_at: Option<i64>,
}

/// A key that nobody thought of again ends by itself.
const VALID_S: i64 = 365 * 24 * 3600;
const VALID_MAX_S: i64 = 5 * VALID_S;

impl Access {
    /// Its number, and the key itself: the only time it is seen. Whoever makes it answers for it.
    pub fn make_key(&self, new: &NewKey, by: &str) -> Result<(i64, String), Problem> {
        let known = self.known();
        let owner = by.strip_prefix("person:").and_then(|name| known.user_named(name));
        self.make_key_for(new, owner.map(|user| user.id), by)
    }

    /// The same, and somebody else answers for it.
    pub fn make_key_for(
        &self,
        new: &NewKey,
        owner: Option<i64>,
        by: &str,
    ) -> Result<(i64, String), Problem> {
        super::users::check_name(&new.name)?;
        if new.scopes == Scopes::default() {
            return Err(Problem::invalid("scopes", "expected at least one"));
        }
        let now = time::now();
        let expires_at = new.expires_at.unwrap_or(now + VALID_S);
        if expires_at <= now || expires_at > now + VALID_MAX_S {
            let detail = "expected a time to come, within five years";
            return Err(Problem::invalid("expires_at", detail));
        }
        let secret = secret::make(PREFIX);
        let id = self.change(|tx| -> Result<i64, Fault> {
            super::teams::check(tx, new.team.as_slice())?;
            let id = tables::next_id(tx, "api_keys")?;
            let added = tx.run(
                "INSERT INTO api_keys \
                 (id, name, hash, hint, scopes, team_id, per_s, made_by, made_at, expires_at, owner) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
                 ON CONFLICT (name) DO NOTHING",
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
                    expires_at.into(),
                    owner.into(),
                ],
            )?;
            if added == 0 {
                let detail = format!("a key named {} is there already", new.name);
                return Err(Problem::conflict(detail).field("name").into());
            }
            let payload = json!({
                "name": new.name, "scopes": new.scopes.list(), "team": new.team, "owner": owner,
                "expires_at": time::rfc3339(expires_at),
            });
            acts::write(tx, by, "key.made", &format!("key:{id}"), &payload)?;
            Ok(id)
        })?;
        Ok((id, secret))
    }

    /// Somebody answers for it from now on: they stand behind what it does.
    pub fn give_key(&self, id: i64, owner: i64, by: &str) -> Result<(), Problem> {
        let given = self.change(|tx| -> Result<(), Fault> {
            let row = tx.row("SELECT name, owner FROM api_keys WHERE id = $1", &[id.into()])?;
            let row = row.ok_or_else(|| Problem::not_found(format!("key {id}")))?;
            let before = row.int_if(1)?;
            if before == Some(owner) {
                return Ok(());
            }
            tx.run("UPDATE api_keys SET owner = $2 WHERE id = $1", &[id.into(), owner.into()])?;
            let payload = json!({ "name": row.text(0)?, "owner": owner, "before": before });
            acts::write(tx, by, "key.given", &format!("key:{id}"), &payload)
        });
        Ok(given?)
    }

    /// It is refused from now on. A second time changes nothing.
    pub fn revoke_key(&self, id: i64, by: &str) -> Result<(), Problem> {
        self.change(|tx| -> Result<(), Fault> {
            let row =
                tx.row("SELECT name, revoked_at FROM api_keys WHERE id = $1", &[id.into()])?;
            let row = row.ok_or_else(|| Problem::not_found(format!("key {id}")))?;
            if row.int_if(1)?.is_some() {
                return Ok(());
            }
            tx.run(
                "UPDATE api_keys SET revoked_at = $2 WHERE id = $1",
                &[id.into(), time::now().into()],
            )?;
            let payload = json!({ "name": row.text(0)? });
            acts::write(tx, by, "key.revoked", &format!("key:{id}"), &payload)
        })?;
        Ok(end_webhooks(self)?)
    }
}

/// A key that is refused is told nothing more either: its webhooks are switched off.
pub(super) fn end_webhooks(access: &Access) -> Result<(), CaseError> {
    let (known, now) = (access.known(), time::now());
    let mut active = outbox::webhooks(&access.db)?;
    active.retain(|webhook| webhook.is_active);
    for webhook in active {
        let Some(name) = webhook.made_by.strip_prefix("key:") else { continue };
        if known.all_keys().into_iter().any(|key| key.name == name && key.is_valid(now)) {
            continue;
        }
        let by = By::new(acts::SYSTEM, jiff::Timestamp::now());
        let off = WebhookChange { is_active: Some(false), ..WebhookChange::default() };
        outbox::change_webhook(&access.db, &by, webhook.id, &off)?;
    }
    Ok(())
}

pub(super) fn read(
    tx: &mut Tx<'_>,
    before: &Known,
    users: &HashMap<i64, Arc<User>>,
    key_per_s: u32,
) -> Result<HashMap<Hash, Arc<Key>>, DbError> {
    let rows = tx.rows(
        "SELECT hash, id, name, hint, scopes, team_id, per_s, made_by, made_at, expires_at, \
         revoked_at, used_at, owner FROM api_keys",
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
        let owner = row.int_if(12)?;
        let of = owner.and_then(|id| users.get(&id));
        let is_owner_locked = of.is_some_and(|user| user.is_locked);
        let owner_name = of.map(|user| user.name.clone());
        let per_s = row.int_if(6)?.and_then(|per_s| u32::try_from(per_s).ok());
        let key = Key {
            id: row.int(1)?,
            name: row.text(2)?.to_string(),
            hint: row.text(3)?.to_string(),
            scopes: row.text(4)?.split(' ').filter_map(Scope::parse).collect(),
            team: row.int_if(5)?,
            per_s,
            made_by: row.text(7)?.to_string(),
            owner,
            owner_name,
            is_owner_locked,
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
