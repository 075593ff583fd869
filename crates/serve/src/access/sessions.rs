//! Sessions: what a browser shows after signing in. A random cookie, kept as a hash.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use case::db::{DbError, Row, Tx};

use super::keys::hash_of;
use super::secret::{self, Hash};
use super::{Access, Known, User};
use super::{acts, users};
use crate::problem::Fault;
use crate::time;

#[derive(Debug)]
pub struct Session {
    pub hash: Hash,
    pub user: i64,
    pub made_at: i64,
    seen: Arc<Seen>,
}

#[derive(Debug)]
struct Seen {
    at: AtomicI64,
    written_at: AtomicI64,
}

/// What a cookie-made write must carry in `X-CSRF-Token`: a page of ours knows it, another's does not.
pub fn csrf_token(cookie: &str) -> String {
    secret::derived("csrf", cookie)
}

impl Session {
    pub(crate) fn note_use(&self, now: i64) {
        self.seen.at.store(now, Ordering::Relaxed);
    }
}

impl Access {
    /// Whose session it is, if it has not ended.
    pub fn session(&self, cookie: &str, now: i64) -> Option<(Arc<User>, Arc<Session>)> {
        let known = self.known();
        let session = known.session(&secret::hash(cookie))?;
        let user = known.users.get(&session.user).filter(|user| !user.is_locked)?;
        self.is_alive(session, now).then(|| (user.clone(), session.clone()))
    }

    fn is_alive(&self, session: &Session, now: i64) -> bool {
        let seen_at = session.seen.at.load(Ordering::Relaxed);
        now < session.made_at.saturating_add(self.session_max_s)
            && now < seen_at.saturating_add(self.session_idle_s)
    }

    pub fn end_session(&self, session: &Session) -> Result<(), crate::Problem> {
        self.change(|tx| -> Result<(), Fault> {
            tx.run("DELETE FROM sessions WHERE hash = $1", &[session.hash.as_slice().into()])?;
            let by = acts::person(&users::name_of(tx, session.user)?);
            let subject = format!("user:{}", session.user);
            acts::write(tx, &by, "session.ended", &subject, &serde_json::json!({}))
        })?;
        Ok(())
    }
}

/// By what somebody was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Link,
    Password,
    /// Theirs was changed, and every other session ended.
    NewPassword,
    PasswordAndCode,
    PasswordAndPasskey,
    Passkey,
    Oidc,
}

impl How {
    fn text(self) -> &'static str {
        match self {
            How::Link => "link",
            How::Password => "password",
            How::NewPassword => "new password",
            How::PasswordAndCode => "password and code",
            How::PasswordAndPasskey => "password and passkey",
            How::Passkey => "passkey",
            How::Oidc => "oidc",
        }
    }
}

pub(super) fn begin(
    tx: &mut Tx<'_>,
    cookie: &str,
    user: i64,
    now: i64,
    how: How,
) -> Result<(), Fault> {
    tx.run(
        "INSERT INTO sessions (hash, user_id, made_at, seen_at) VALUES ($1, $2, $3, $3)",
        &[secret::hash(cookie).as_slice().into(), user.into(), now.into()],
    )?;
    tx.run("UPDATE users SET signed_in_at = $2 WHERE id = $1", &[user.into(), now.into()])?;
    let by = acts::person(&users::name_of(tx, user)?);
    let payload = serde_json::json!({ "by": how.text() });
    acts::write(tx, &by, "session.begun", &format!("user:{user}"), &payload)
}

pub(super) fn read(
    tx: &mut Tx<'_>,
    before: &Known,
) -> Result<HashMap<Hash, Arc<Session>>, DbError> {
    let rows = tx.rows("SELECT hash, user_id, made_at, seen_at FROM sessions", &[])?;
    let of = |row: &Row| -> Result<(Hash, Arc<Session>), DbError> {
        let (hash, seen_at) = (hash_of(row)?, row.int(3)?);
        let seen = match before.session(&hash) {
            Some(session) => {
                // Another server may have seen it later.
                session.seen.at.fetch_max(seen_at, Ordering::Relaxed);
                session.seen.clone()
            }
            None => {
                Arc::new(Seen { at: AtomicI64::new(seen_at), written_at: AtomicI64::new(seen_at) })
            }
        };
        let session = Session { hash, user: row.int(1)?, made_at: row.int(2)?, seen };
        Ok((hash, Arc::new(session)))
    };
    rows.iter().map(of).collect()
}

pub(super) fn write_seen(access: &Access, known: &Known) -> Result<(), DbError> {
    let now = time::now();
    let sessions = known.all_sessions();
    let (alive, ended): (Vec<_>, Vec<_>) =
        sessions.into_iter().partition(|(_, session)| access.is_alive(session, now));
    if !ended.is_empty() {
        access.change(|tx| -> Result<(), DbError> {
            for (hash, _) in &ended {
                tx.run(
                    "DELETE FROM sessions WHERE hash = $1 AND seen_at < $2",
                    &[hash.as_slice().into(), now.into()],
                )?;
            }
            Ok(())
        })?;
    }
    let is_news =
        |seen: &Seen| seen.at.load(Ordering::Relaxed) > seen.written_at.load(Ordering::Relaxed);
    let news: Vec<_> = alive
        .into_iter()
        .filter(|(_, session)| is_news(&session.seen))
        .map(|(hash, session)| (hash, session, session.seen.at.load(Ordering::Relaxed)))
        .collect();
    if news.is_empty() {
        return Ok(());
    }
    access.db.write(|tx| -> Result<(), DbError> {
        for (hash, _, at) in &news {
            let values = [hash.as_slice().into(), (*at).into()];
            tx.run("UPDATE sessions SET seen_at = $2 WHERE hash = $1 AND seen_at < $2", &values)?;
        }
        Ok(())
    })?;
    for (_, session, at) in news {
        session.seen.written_at.store(at, Ordering::Relaxed);
    }
    Ok(())
}
