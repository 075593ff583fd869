//! Signing in: name and password, and a code where somebody has set that up.

use std::net::IpAddr;

use axum::http::StatusCode;
use case::db::{DbError, Tx};
use serde_json::json;

use super::lockout::{self, Noted};
use super::passkeys::Answered;
use super::sessions::How;
use super::{Access, User, acts, passwords, secret, sessions, totp, users};
use crate::app::App;
use crate::frame::log;
use crate::problem::{Fault, Problem};
use crate::time;

/// What comes beside the password, where somebody has set that up.
pub enum Second {
    Nothing,
    Code(String),
    Passkey(Answered),
}

/// What is kept to know somebody by.
#[derive(Default)]
struct Proof {
    user: Option<i64>,
    password: Option<String>,
    totp: Option<Vec<u8>>,
    totp_step: i64,
    has_passkey: bool,
}

/// The cookie of a new session. Whatever was wrong, name or password, the answer is the same.
pub async fn sign_in(
    app: &App,
    name: &str,
    password: String,
    second: Second,
    from: IpAddr,
) -> Result<String, Problem> {
    let (proof, is_right) = attempt(app, name, password, from).await?;
    let Some(user) = proof.user.filter(|_| is_right) else { return Err(refuse(app, name).await) };
    let (step, how) = match (second, &proof.totp) {
        (Second::Passkey(answered), _) => {
            let check = move |app: &App| app.access.second_passkey(user, &answered);
            app.blocking(check).await?;
            (None, How::PasswordAndPasskey)
        }
        (Second::Code(code), Some(secret)) => {
            match totp::check(secret, &code, time::now(), proof.totp_step) {
                Some(step) => (Some(step), How::PasswordAndCode),
                None => return Err(refuse(app, name).await),
            }
        }
        (_, None) if !proof.has_passkey => (None, How::Password),
        _ => return Err(code_needed()),
    };
    let owned = name.to_string();
    let begin = move |app: &App| app.access.begin(user, &owned, step, how, from);
    let cookie = app.blocking(begin).await?;
    app.access.lockout.succeed(name, from);
    Ok(cookie)
}

/// Who has a session still needs the password for what a stolen session must not do.
pub async fn prove(app: &App, user: &User, password: String, from: IpAddr) -> Result<(), Problem> {
    if !attempt(app, &user.name, password, from).await?.1 {
        return Err(refuse(app, &user.name).await);
    }
    let name = user.name.clone();
    let forget =
        move |app: &App| Ok(app.access.db.write(|tx| lockout::forget_from(tx, &name, from))?);
    app.blocking(forget).await?;
    app.access.lockout.succeed(&user.name, from);
    Ok(())
}

/// Counted before it is looked at: what is known of that name, and whether the password is theirs.
async fn attempt(
    app: &App,
    name: &str,
    password: String,
    from: IpAddr,
) -> Result<(Proof, bool), Problem> {
    let noted = app.access.lockout.attempt(name, from, time::now()).map_err(paused)?;
    let asked = name.to_string();
    let looked = move |app: &App| {
        app.access.keep_pause(&asked, &noted)?;
        app.access.proof_of(&asked)
    };
    let proof = app.blocking(looked).await?;
    let is_right = app.access.passwords.is_right(password, proof.password.clone()).await?;
    Ok((proof, is_right))
}

/// That somebody was refused is written down; what they are told is the same for all.
async fn refuse(app: &App, name: &str) -> Problem {
    let name = name.to_string();
    let written = app.blocking(move |app| app.access.note_refused(&name)).await;
    written.map_or_else(|problem| problem, |()| wrong())
}

/// Secrets of second factors that lie open, from before there was a vault.
pub(super) fn seal_old(access: &Access) -> Result<(), DbError> {
    let Some(vault) = &access.vault else { return Ok(()) };
    access.db.write(|tx| -> Result<(), DbError> {
        for row in tx.rows("SELECT id, totp, totp_new FROM users", &[])? {
            let id = row.int(0)?;
            for (column, name) in [(1, "totp"), (2, "totp_new")] {
                let Some(bytes) = row.bytes_if(column)? else { continue };
                if case::vault::is_sealed(bytes) {
                    continue;
                }
                let sealed = vault.seal(&totp_place(id), bytes);
                let sealed = sealed.map_err(|error| DbError::Shape(error.to_string()))?;
                let sql = format!("UPDATE users SET {name} = $2 WHERE id = $1");
                tx.run(&sql, &[id.into(), sealed.into()])?;
            }
        }
        Ok(())
    })
}

fn totp_place(user: i64) -> String {
    format!("totp:{user}")
}

impl Access {
    /// Nothing of somebody who is locked or not there.
    fn proof_of(&self, name: &str) -> Result<Proof, Problem> {
        let row = self.db.read(|tx| {
            tx.row(
                "SELECT id, password, totp, totp_step, (SELECT COUNT(*) FROM passkeys p \
                 WHERE p.user_id = users.id AND p.is_removed = 0) \
                 FROM users WHERE name = $1 AND is_locked = 0",
                &[name.into()],
            )
        })?;
        let Some(row) = row else { return Ok(Proof::default()) };
        let id = row.int(0)?;
        let sealed = row.bytes_if(2)?;
        Ok(Proof {
            user: Some(id),
            password: row.text_if(1)?.map(str::to_string),
            totp: sealed.map(|sealed| self.open_totp(id, sealed)).transpose()?,
            totp_step: row.int(3)?,
            has_passkey: row.int(4)? > 0,
        })
    }

    fn open_totp(&self, user: i64, sealed: &[u8]) -> Result<Vec<u8>, Problem> {
        let vault = self.vault.as_ref().ok_or_else(Problem::no_vault)?;
        vault.open(&totp_place(user), sealed).map_err(|error| {
            log::failure("opening the secret of a second factor", &error);
            Problem::internal()
        })
    }

    /// Somebody has to wait: also after a restart. Of people who are here it is in the journal.
    fn keep_pause(&self, name: &str, noted: &Noted) -> Result<(), Problem> {
        if !noted.is_pause() {
            return Ok(());
        }
        let id = self.known().user_named(name).map(|user| user.id);
        self.change(|tx| -> Result<(), Fault> {
            noted.keep(tx)?;
            let Some(id) = id.filter(|_| noted.is_first_pause) else { return Ok(()) };
            let until = noted.until().map(time::rfc3339);
            let payload = json!({ "name": name, "until": until });
            acts::write(tx, acts::SYSTEM, "access.paused", &format!("user:{id}"), &payload)
        })?;
        Ok(())
    }

    /// One write, whether there is such a name or not: neither takes longer.
    fn note_refused(&self, name: &str) -> Result<(), Problem> {
        let id = self.known().user_named(name).map(|user| user.id);
        self.db.write(|tx| -> Result<(), Fault> {
            match id {
                Some(id) => {
                    let (subject, payload) = (format!("user:{id}"), json!({ "name": name }));
                    acts::write(tx, acts::SYSTEM, "session.refused", &subject, &payload)
                }
                None => count_unknown(tx),
            }
        })?;
        Ok(())
    }

    /// The code is used up with it: of two who send the same at once one is refused.
    fn begin(
        &self,
        user: i64,
        name: &str,
        step: Option<i64>,
        how: How,
        from: IpAddr,
    ) -> Result<String, Problem> {
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
            lockout::forget_from(tx, name, from)?;
            sessions::begin(tx, &cookie, user, now, how)
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
            sessions::begin(tx, &cookie, user, now, How::NewPassword)
        })?;
        Ok(cookie)
    }

    /// A second factor that counts once a code of it was shown.
    pub(crate) fn offer_totp(&self, user: i64) -> Result<Vec<u8>, Problem> {
        let secret = totp::make_secret();
        let vault = self.vault.as_ref().ok_or_else(Problem::no_vault)?;
        let sealed = vault.seal(&totp_place(user), &secret).map_err(|error| {
            log::failure("sealing the secret of a second factor", &error);
            Problem::internal()
        })?;
        self.change(|tx| {
            let values = [user.into(), sealed.as_slice().into()];
            tx.run("UPDATE users SET totp_new = $2 WHERE id = $1", &values)
        })?;
        Ok(secret)
    }

    pub(crate) fn confirm_totp(&self, user: i64, code: &str) -> Result<(), Problem> {
        let now = time::now();
        self.change(|tx| -> Result<(), Fault> {
            let row = tx.row("SELECT totp_new FROM users WHERE id = $1", &[user.into()])?;
            let offered = row.map(|row| row.bytes_if(0).map(|bytes| bytes.map(<[u8]>::to_vec)));
            let Some(sealed) = offered.transpose()?.flatten() else {
                let detail = "no second factor waits to be confirmed: ask for one first";
                return Err(Problem::conflict(detail).into());
            };
            let secret = self.open_totp(user, &sealed)?;
            let Some(step) = totp::check(&secret, code, now, 0) else {
                let detail = "expected the six digits that the device shows now";
                return Err(Problem::invalid("code", detail).into());
            };
            tx.run(
                "UPDATE users SET totp = totp_new, totp_new = NULL, totp_step = $2 WHERE id = $1",
                &[user.into(), step.into()],
            )?;
            of_oneself(tx, user, "user.totp_on")
        })?;
        Ok(())
    }

    pub(crate) fn drop_totp(&self, user: i64) -> Result<(), Problem> {
        self.change(|tx| -> Result<(), Fault> {
            tx.run("UPDATE users SET totp = NULL, totp_new = NULL WHERE id = $1", &[user.into()])?;
            of_oneself(tx, user, "user.totp_off")
        })?;
        Ok(())
    }
}

fn of_oneself(tx: &mut Tx<'_>, user: i64, act: &str) -> Result<(), Fault> {
    let by = acts::person(&users::name_of(tx, user)?);
    acts::write(tx, &by, act, &format!("user:{user}"), &json!({}))
}

fn count_unknown(tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.run("UPDATE refused SET unknown_names = unknown_names + 1 WHERE id = 1", &[])?;
    Ok(())
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
