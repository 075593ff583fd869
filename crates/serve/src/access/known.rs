//! Who is known, in memory.

use std::collections::HashMap;
use std::sync::Arc;

use case::db::{DbError, Tx};

use super::keys::{self, Key};
use super::secret::Hash;
use super::sessions::{self, Session};
use super::users::{self, User};
use super::{tables, teams};

/// One state of it; replaced whole.
#[derive(Debug, Default)]
pub struct Known {
    pub version: i64,
    pub users: HashMap<i64, Arc<User>>,
    pub teams: Vec<teams::Team>,
    keys: HashMap<Hash, Arc<Key>>,
    sessions: HashMap<Hash, Arc<Session>>,
}

impl Known {
    /// What `before` counted of keys and sessions is counted on.
    pub(super) fn read(tx: &mut Tx<'_>, before: &Known, key_per_s: u32) -> Result<Known, DbError> {
        let users = users::read(tx)?;
        Ok(Known {
            version: tables::version(tx)?,
            teams: teams::read(tx)?,
            keys: keys::read(tx, before, &users, key_per_s)?,
            users,
            sessions: sessions::read(tx, before)?,
        })
    }

    pub fn key(&self, hash: &Hash) -> Option<&Arc<Key>> {
        self.keys.get(hash)
    }

    pub fn session(&self, hash: &Hash) -> Option<&Arc<Session>> {
        self.sessions.get(hash)
    }

    pub fn user_named(&self, name: &str) -> Option<&Arc<User>> {
        self.users.values().find(|user| user.name == name)
    }

    /// Every key, revoked ones too, by number.
    pub fn all_keys(&self) -> Vec<&Arc<Key>> {
        let mut keys: Vec<_> = self.keys.values().collect();
        keys.sort_by_key(|key| key.id);
        keys
    }

    /// Everybody, by number.
    pub fn all_users(&self) -> Vec<&Arc<User>> {
        let mut users: Vec<_> = self.users.values().collect();
        users.sort_by_key(|user| user.id);
        users
    }

    pub(super) fn all_sessions(&self) -> Vec<(&Hash, &Arc<Session>)> {
        let mut sessions: Vec<_> = self.sessions.iter().collect();
        sessions.sort_by_key(|(hash, _)| **hash);
        sessions
    }
}
