//! One-time links: the first start's, which makes the administrator, and those that let somebody
//! choose a password.
//!
//! The secret stands behind `#` in the link, so that no server's log and no proxy sees it.

use case::db::Tx;

use super::secret;
use super::sessions::How;
use super::{Access, acts, users};
use crate::policy::Role;
use crate::problem::{Fault, Problem};
use crate::time;
use serde_json::json;

const VALID_S: i64 = 24 * 3600;

impl Access {
    /// Replaces the one somebody had. Nobody: for the first administrator.
    pub fn invite(&self, user: Option<i64>) -> Result<String, Problem> {
        let (secret, now) = (secret::make(""), time::now());
        self.change(|tx| -> Result<(), Fault> {
            match user {
                Some(user) => {
                    let known = tx.row("SELECT 1 FROM users WHERE id = $1", &[user.into()])?;
                    if known.is_none() {
                        return Err(Problem::not_found(format!("user {user}")).into());
                    }
                    tx.run("DELETE FROM invitations WHERE user_id = $1", &[user.into()])?;
                }
                None => {
                    tx.run("DELETE FROM invitations WHERE user_id IS NULL", &[])?;
                    acts::write(tx, acts::SYSTEM, "access.first_link", "access", &json!({}))?;
                }
            }
            tx.run("DELETE FROM invitations WHERE expires_at < $1", &[now.into()])?;
            tx.run(
                "INSERT INTO invitations (hash, user_id, made_at, expires_at) \
                 VALUES ($1, $2, $3, $4)",
                &[
                    secret::hash(&secret).as_slice().into(),
                    user.into(),
                    now.into(),
                    (now + VALID_S).into(),
                ],
            )?;
            Ok(())
        })?;
        Ok(secret)
    }

    /// Takes password and second factor away and ends every session: they begin anew by the link.
    pub fn reset(&self, user: i64, by: &str) -> Result<String, Problem> {
        let secret = self.invite(Some(user))?;
        self.change(|tx| -> Result<(), Fault> {
            let name = users::name_of(tx, user)?;
            tx.run(
                "UPDATE users SET password = NULL, totp = NULL, totp_new = NULL WHERE id = $1",
                &[user.into()],
            )?;
            tx.run(
                "UPDATE passkeys SET is_removed = 1, credential = NULL WHERE user_id = $1",
                &[user.into()],
            )?;
            users::end_sessions(tx, user)?;
            super::lockout::forget(tx, &name)?;
            let subject = format!("user:{user}");
            acts::write(tx, by, "user.reset", &subject, &json!({ "name": name }))
        })?;
        Ok(secret)
    }

    /// Who it is for. The first administrator chooses a name.
    pub fn invited_name(&self, secret: &str) -> Result<Option<String>, Problem> {
        let user = self.db.read(|tx| find(tx, secret))?;
        match user {
            None => Ok(None),
            Some(id) => match self.known().users.get(&id) {
                Some(user) if !user.is_locked => Ok(Some(user.name.clone())),
                _ => Err(unknown()),
            },
        }
    }

    /// Uses it up: the password is theirs, and they are signed in. Answers with the cookie.
    pub(crate) fn accept(
        &self,
        secret: &str,
        name: &str,
        password_hash: &str,
    ) -> Result<String, Problem> {
        let cookie = secret::make("");
        self.change(|tx| -> Result<(), Fault> {
            let user = match find(tx, secret)? {
                Some(user) => {
                    tx.run(
                        "UPDATE users SET password = $2 WHERE id = $1",
                        &[user.into(), password_hash.into()],
                    )?;
                    users::end_sessions(tx, user)?;
                    super::lockout::forget(tx, name)?;
                    user
                }
                None => {
                    if tx.row("SELECT 1 FROM users LIMIT 1", &[])?.is_some() {
                        return Err(unknown().into());
                    }
                    users::add(tx, name, Role::Administrator, Some(password_hash), acts::SYSTEM)?
                }
            };
            let hash = secret::hash(secret);
            tx.run("DELETE FROM invitations WHERE hash = $1", &[hash.as_slice().into()])?;
            super::sessions::begin(tx, &cookie, user, time::now(), How::Link)?;
            Ok(())
        })?;
        Ok(cookie)
    }
}

fn find(tx: &mut Tx<'_>, secret: &str) -> Result<Option<i64>, Fault> {
    let row = tx.row(
        "SELECT user_id FROM invitations WHERE hash = $1 AND expires_at > $2",
        &[secret::hash(secret).as_slice().into(), time::now().into()],
    )?;
    Ok(row.ok_or_else(unknown)?.int_if(0)?)
}

fn unknown() -> Problem {
    Problem::unauthenticated().detail("this link was used, has expired, or never was")
}
