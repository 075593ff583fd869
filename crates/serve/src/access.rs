//! Who somebody is: people with sessions, programs with API keys.
//!
//! Everything is kept in casework's database and held in memory, so that knowing who asks costs
//! microseconds. A change is written, then the memory is read anew: it holds at once here. What another
//! process changed (the command line, a second server) is noticed by a number that each change
//! raises, within [`Access::LOOK_EVERY`].

pub mod invitations;
pub mod keys;
mod known;
pub mod lockout;
pub mod passwords;
mod principal;
pub mod secret;
pub mod sessions;
pub mod signing;
mod tables;
pub mod teams;
pub mod totp;
pub mod users;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use case::db::{Db, DbError, Tx};

pub use keys::{Key, Scopes};
pub use known::Known;
pub use principal::{Principal, Sees};
pub use sessions::Session;
pub use tables::BACKUP;
pub use users::User;

use crate::app::Settings;
use lockout::Lockout;
use passwords::Passwords;

pub struct Access {
    pub(crate) db: Arc<Db>,
    known: RwLock<Arc<Known>>,
    pub passwords: Passwords,
    pub lockout: Lockout,
    pub(crate) session_idle_s: i64,
    pub(crate) session_max_s: i64,
    pub(crate) key_per_s: u32,
}

impl Access {
    /// How often another process's changes are looked for.
    pub const LOOK_EVERY: Duration = Duration::from_millis(500);

    pub fn open(db: Arc<Db>, settings: &Settings) -> Result<Access, DbError> {
        db.migrate("access", tables::STEPS)?;
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let access = Access {
            db,
            known: RwLock::default(),
            passwords: Passwords::new(settings.hashes_at_once),
            lockout: Lockout::default(),
            session_idle_s: seconds(settings.session_idle),
            session_max_s: seconds(settings.session_max),
            key_per_s: settings.key_per_s,
        };
        access.read_again()?;
        Ok(access)
    }

    /// Who is known now.
    pub fn known(&self) -> Arc<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads everything from the database; what was counted in memory goes along.
    pub fn read_again(&self) -> Result<(), DbError> {
        // Held over the reading, so that an older state never replaces a newer one.
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let read = self.db.read(|tx| Known::read(tx, &known, self.key_per_s))?;
        *known = Arc::new(read);
        Ok(())
    }

    /// Reads again if another process changed something.
    pub fn look(&self) -> Result<(), DbError> {
        let version = self.db.read(tables::version)?;
        if version != self.known().version {
            self.read_again()?;
        }
        Ok(())
    }

    /// Writes when keys and sessions were last used, and forgets what has ended.
    pub fn write_behind(&self) -> Result<(), DbError> {
        let known = self.known();
        keys::write_used(&self.db, &known)?;
        sessions::write_seen(self, &known)
    }

    /// A change: written, then held.
    pub(crate) fn change<T, E>(
        &self,
        mut act: impl FnMut(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<DbError> + case::db::MayAgain,
    {
        let done = self.db.write(|tx| {
            let done = act(tx)?;
            tables::raise_version(tx)?;
            Ok::<T, E>(done)
        })?;
        self.read_again()?;
        Ok(done)
    }
}
