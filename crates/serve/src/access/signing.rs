//! Signing in: name and password, and a code where somebody has set that up.

use std::net::IpAddr;

use axum::http::StatusCode;

use super::{Access, User, passwords, secret, sessions, totp, users};
use crate::app::App;
use crate::problem::{Fault, Problem};
use crate::time;

/// What is kept to know somebody by.
#[derive(Default)]
struct Proof {
    user: Option<i64>,
    password: Option<String>,
    totp: Option<Vec<u8>>,
    totp_step: i64,
}

/// The cookie of a new session. Whatever was wrong, name or password, the answer is the same.
pub async fn sign_in(
    app: &App,
    name: &str,
    password: String,
    code: Option<&str>,
    from: IpAddr,
) -> Result<String, Problem> {
    let (access, now) = (&app.access, time::now());
    access.lockout.attempt(name, from, now).map_err(paused)?;
    let asked = name.to_string();
    let proof = app.blocking(move |app| Ok(app.access.proof_of(&asked)?)).await?;
    let is_right = access.passwords.is_right(password, proof.password.clone()).await?;
    let Some(user) = proof.user.filter(|_| is_right) else { return Err(wrong()) };
    let step = match (&proof.totp, code) {
        (None, _) => None,
        (Some(_), None) => return Err(code_needed()),
        (Some(secret), Some(code)) => {
            Some(totp::check(secret, code, now, proof.totp_step).ok_or_else(wrong)?)
        }
    };
    let cookie = app.blocking(move |app| app.access.begin(user, step)).await?;
    access.lockout.succeed(name, from);
    Ok(cookie)
}

/// Who has a session still needs the password for what a stolen session must not do.
pub async fn prove(app: &App, user: &User, password: String, from: IpAddr) -> Result<(), Problem> {
    app.access.lockout.attempt(&user.name, from, time::now()).map_err(paused)?;
    let name = user.name.clone();
    let proof = app.blocking(move |app| Ok(app.access.proof_of(&name)?)).await?;
    if !app.access.passwords.is_right(password, proof.password).await? {
        return Err(wrong());
    }
    app.access.lockout.succeed(&user.name, from);
    Ok(())
}

impl Access {
    /// Nothing of somebody who is locked or not there.
    fn proof_of(&self, name: &str) -> Result<Proof, case::db::DbError> {
        let row = self.db.read(|tx| {
            tx.row(
                "SELECT id, password, totp, totp_step FROM users WHERE name = $1 AND is_locked = 0",
                &[name.into()],
            )
        })?;
        let Some(row) = row else { return Ok(Proof::default()) };
        Ok(Proof {
            user: Some(row.int(0)?),
            password: row.text_if(1)?.map(str::to_string),
            totp: row.bytes_if(2)?.map(<[u8]>::to_vec),
            totp_step: row.int(3)?,
        })
    }

    /// The code is used up with it: of two who send the same at once one is refused.
    fn begin(&self, user: i64, step: Option<i64>) -> Result<String, Problem> {
        let (cookie, now) = (secret::make(""), time::now());
        self.change(|tx| -> Result<(), Fault> {
            if let Some(step) = step {
                let met = tx.run(
                    "UPDATE users SET totp_step = $2 WHERE id = $1 AND totp_step < $2",
                    &[user.into(), step.into()],
                )?;
                if met == 0 {
                    return Err(wrong().into());
                }
            }
            sessions::begin(tx, &cookie, user, now)?;
            Ok(())
        })?;
        Ok(cookie)
    }

    /// Every other session of theirs ends, and the new one begins.
    pub(crate) fn set_password(&self, user: i64, hash: &str) -> Result<String, Problem> {
        let (cookie, now) = (secret::make(""), time::now());
        self.change(|tx| -> Result<(), Fault> {
            let values = [user.into(), hash.into()];
            tx.run("UPDATE users SET password = $2 WHERE id = $1", &values)?;
            users::end_sessions(tx, user)?;
            sessions::begin(tx, &cookie, user, now)?;
            Ok(())
        })?;
        Ok(cookie)
    }

    /// A second factor that counts once a code of it was shown.
    pub(crate) fn offer_totp(&self, user: i64) -> Result<Vec<u8>, Problem> {
        let secret = totp::make_secret();
        self.change(|tx| {
            let values = [user.into(), secret.as_slice().into()];
            tx.run("UPDATE users SET totp_new = $2 WHERE id = $1", &values)
        })?;
        Ok(secret)
    }

    pub(crate) fn confirm_totp(&self, user: i64, code: &str) -> Result<(), Problem> {
        let now = time::now();
        self.change(|tx| -> Result<(), Fault> {
            let row = tx.row("SELECT totp_new FROM users WHERE id = $1", &[user.into()])?;
            let offered = row.map(|row| row.bytes_if(0).map(|bytes| bytes.map(<[u8]>::to_vec)));
            let Some(secret) = offered.transpose()?.flatten() else {
                let detail = "no second factor waits to be confirmed: ask for one first";
                return Err(Problem::conflict(detail).into());
            };
            let Some(step) = totp::check(&secret, code, now, 0) else {
                let detail = "expected the six digits that the device shows now";
                return Err(Problem::invalid("code", detail).into());
            };
            tx.run(
                "UPDATE users SET totp = totp_new, totp_new = NULL, totp_step = $2 WHERE id = $1",
                &[user.into(), step.into()],
            )?;
            Ok(())
        })?;
        Ok(())
    }

    pub(crate) fn drop_totp(&self, user: i64) -> Result<(), Problem> {
        self.change(|tx| {
            tx.run("UPDATE users SET totp = NULL, totp_new = NULL WHERE id = $1", &[user.into()])
        })?;
        Ok(())
    }
}

/// A link is used: the first administrator chooses a name, others have theirs.
pub async fn welcome(
    app: &App,
    secret: String,
    name: Option<String>,
    password: String,
) -> Result<String, Problem> {
    let asked = secret.clone();
    let invited = app.blocking(move |app| app.access.invited_name(&asked)).await?;
    let name = match (invited, name) {
        (Some(invited), _) => invited,
        (None, Some(name)) => name,
        (None, None) => {
            return Err(Problem::invalid("/name", "expected the administrator's name"));
        }
    };
    users::check_name(&name)?;
    passwords::check(&password, &name)?;
    let hash = app.access.passwords.hash(password).await?;
    app.blocking(move |app| app.access.accept(&secret, &name, &hash)).await
}

fn wrong() -> Problem {
    let title = "name, password or code is wrong";
    Problem::new(StatusCode::UNAUTHORIZED, "sign-in-failed", title)
}

fn code_needed() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "code-needed", "a code of the second factor is needed")
        .field("/code")
}

fn paused(seconds: i64) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "paused", "too many wrong attempts: wait")
        .retry_after(u64::try_from(seconds).unwrap_or(1))
}
