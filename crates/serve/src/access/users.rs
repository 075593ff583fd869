//! People: their names, roles and teams.

use std::collections::HashMap;
use std::sync::Arc;

use case::db::{DbError, Row, Tx};
use serde_json::json;

use super::{Access, acts, tables, teams};
use crate::policy::Role;
use crate::problem::{Fault, Problem};
use crate::time;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: i64,
    pub name: String,
    pub role: Role,
    pub teams: Vec<i64>,
    pub has_password: bool,
    pub has_totp: bool,
    pub has_passkey: bool,
    pub is_locked: bool,
    pub made_at: i64,
    pub signed_in_at: Option<i64>,
}

/// What is to be other than it was.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    pub role: Option<Role>,
    pub teams: Option<Vec<i64>>,
    pub is_locked: Option<bool>,
}

const NAME_LENGTH_MAX: usize = 64;

/// Names stand in the journal, in links and on the command line.
pub fn check_name(name: &str) -> Result<(), Problem> {
    let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_@+".contains(c);
    if name.is_empty() || name.len() > NAME_LENGTH_MAX || !name.chars().all(is_fine) {
        let expected = "expected 1 to 64 of a-z, 0-9 and . - _ @ +";
        return Err(Problem::invalid("name", expected));
    }
    Ok(())
}

impl Access {
    /// Without a password: an invitation lets them choose one.
    pub fn add_user(
        &self,
        name: &str,
        role: Role,
        teams: &[i64],
        by: &str,
    ) -> Result<i64, Problem> {
        check_name(name)?;
        let id = self.change(|tx| -> Result<i64, Fault> {
            let id = add(tx, name, role, None, by)?;
            set_teams(tx, id, teams)?;
            Ok(id)
        })?;
        Ok(id)
    }

    /// The last administrator who can sign in stays one.
    pub fn change_user(&self, id: i64, change: &UserChange, by: &str) -> Result<(), Problem> {
        self.change(|tx| -> Result<(), Fault> {
            let Some(user) = read_one(tx, id)? else {
                return Err(Problem::not_found(format!("user {id}")).into());
            };
            let role = change.role.unwrap_or(user.role);
            let is_locked = change.is_locked.unwrap_or(user.is_locked);
            let stays = role == Role::Administrator && !is_locked;
            if user.role == Role::Administrator && !user.is_locked && !stays {
                another_administrator(tx, id)?;
            }
            tx.run(
                "UPDATE users SET role = $2, is_locked = $3 WHERE id = $1",
                &[id.into(), role.name().into(), i64::from(is_locked).into()],
            )?;
            if let Some(teams) = &change.teams {
                set_teams(tx, id, teams)?;
            }
            if is_locked || role != user.role {
                end_sessions(tx, id)?;
            }
            if is_locked {
                tx.run("DELETE FROM invitations WHERE user_id = $1", &[id.into()])?;
            } else if user.is_locked {
                super::lockout::forget(tx, &user.name)?;
            }
            let payload = json!({
                "name": user.name, "role": role, "was": user.role, "is_locked": is_locked,
                "teams": change.teams,
            });
            acts::write(tx, by, "user.changed", &format!("user:{id}"), &payload)
        })?;
        Ok(())
    }

    /// Nobody is there yet: the first start.
    pub fn has_no_user(&self) -> bool {
        self.known().users.is_empty()
    }
}

pub(super) fn add(
    tx: &mut Tx<'_>,
    name: &str,
    role: Role,
    password: Option<&str>,
    by: &str,
) -> Result<i64, Fault> {
    let id = tables::next_id(tx, "users")?;
    let added = tx.run(
        "INSERT INTO users (id, name, role, password, totp_step, is_locked, made_at) \
         VALUES ($1, $2, $3, $4, 0, 0, $5) ON CONFLICT (name) DO NOTHING",
        &[id.into(), name.into(), role.name().into(), password.into(), time::now().into()],
    )?;
    if added == 0 {
        let detail = format!("a user named {name} is there already");
        return Err(Problem::conflict(detail).field("name").into());
    }
    let payload = json!({ "name": name, "role": role });
    acts::write(tx, by, "user.added", &format!("user:{id}"), &payload)?;
    Ok(id)
}

fn set_teams(tx: &mut Tx<'_>, user: i64, teams: &[i64]) -> Result<(), Fault> {
    teams::check(tx, teams)?;
    tx.run("DELETE FROM members WHERE user_id = $1", &[user.into()])?;
    for team in teams {
        tx.run(
            "INSERT INTO members (user_id, team_id) VALUES ($1, $2) \
             ON CONFLICT (user_id, team_id) DO NOTHING",
            &[user.into(), (*team).into()],
        )?;
    }
    Ok(())
}

fn another_administrator(tx: &mut Tx<'_>, but: i64) -> Result<(), Fault> {
    let row = tx.row(
        "SELECT 1 FROM users WHERE role = 'administrator' AND is_locked = 0 AND id <> $1 \
         AND password IS NOT NULL LIMIT 1",
        &[but.into()],
    )?;
    match row {
        Some(_) => Ok(()),
        None => Err(Problem::conflict("this is the last administrator who can sign in").into()),
    }
}

pub(super) fn name_of(tx: &mut Tx<'_>, id: i64) -> Result<String, Fault> {
    let row = tx.row("SELECT name FROM users WHERE id = $1", &[id.into()])?;
    let row = row.ok_or_else(|| Problem::not_found(format!("user {id}")))?;
    Ok(row.text(0)?.to_string())
}

pub(super) fn end_sessions(tx: &mut Tx<'_>, user: i64) -> Result<(), DbError> {
    tx.run("DELETE FROM sessions WHERE user_id = $1", &[user.into()]).map(drop)
}

const COLUMNS: &str = "SELECT id, name, role, CASE WHEN password IS NULL THEN 0 ELSE 1 END, \
     CASE WHEN totp IS NULL THEN 0 ELSE 1 END, is_locked, made_at, signed_in_at, \
     (SELECT COUNT(*) FROM passkeys p WHERE p.user_id = users.id AND p.is_removed = 0) FROM users";

pub(super) fn read(tx: &mut Tx<'_>) -> Result<HashMap<i64, Arc<User>>, DbError> {
    let mut teams: HashMap<i64, Vec<i64>> = HashMap::new();
    for row in tx.rows("SELECT user_id, team_id FROM members ORDER BY team_id", &[])? {
        teams.entry(row.int(0)?).or_default().push(row.int(1)?);
    }
    let rows = tx.rows(COLUMNS, &[])?;
    rows.iter()
        .map(|row| {
            let mut user = of(row)?;
            user.teams = teams.remove(&user.id).unwrap_or_default();
            Ok((user.id, Arc::new(user)))
        })
        .collect()
}

fn read_one(tx: &mut Tx<'_>, id: i64) -> Result<Option<User>, DbError> {
    tx.row(&format!("{COLUMNS} WHERE id = $1"), &[id.into()])?.as_ref().map(of).transpose()
}

/// The teams apart.
fn of(row: &Row) -> Result<User, DbError> {
    let role = row.text(2)?;
    Ok(User {
        id: row.int(0)?,
        name: row.text(1)?.to_string(),
        role: Role::parse(role).ok_or_else(|| DbError::Shape(format!("a role {role}")))?,
        teams: Vec::new(),
        has_password: row.int(3)? != 0,
        has_totp: row.int(4)? != 0,
        has_passkey: row.int(8)? != 0,
        is_locked: row.int(5)? != 0,
        made_at: row.int(6)?,
        signed_in_at: row.int_if(7)?,
    })
}
