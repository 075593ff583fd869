//! `interdict user`: who may use the desk.

use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use serde_json::{Value, json};
use serve::access::keys::NewKey;
use serve::access::users::UserChange;
use serve::access::{Access, Known};
use serve::policy::{Role, Scope};
use serve::{Settings, time};

use super::serve::{open_casework, read_config, said};
use crate::cli::{CaseworkArgs, KeyCommand, TextFormat, UserCommand};
use crate::home::Home;
use crate::out::Out;

/// As the list of keys names who made one here.
const BY: &str = "command line";

pub fn run(home: &Home, command: UserCommand, out: &Out) -> Result<ExitCode> {
    match command {
        UserCommand::List { format, casework } => list(&open(home, &casework)?, format, out)?,
        UserCommand::Add { name, role, teams, casework } => {
            let access = open(home, &casework)?;
            let teams =
                teams.iter().map(|team| team_of(&access, team)).collect::<Result<Vec<_>>>()?;
            let id = access.add_user(&name, Role::from(role), &teams, BY).map_err(said)?;
            show_link(&access.invite(Some(id)).map_err(said)?, &name, out)?;
        }
        UserCommand::Reset { name, casework } => {
            let access = open(home, &casework)?;
            let secret = access.reset(id_of(&access.known(), &name)?, BY).map_err(said)?;
            show_link(&secret, &name, out)?;
        }
        UserCommand::Lock { name, casework } => lock(home, &casework, &name, true, out)?,
        UserCommand::Unlock { name, casework } => lock(home, &casework, &name, false, out)?,
        UserCommand::Key(args) => key(home, args.command, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn open(home: &Home, casework: &CaseworkArgs) -> Result<Access> {
    let config = read_config(home, casework)?;
    Ok(Access::open(open_casework(home, &config)?, &Settings::default())?)
}

fn id_of(known: &Known, name: &str) -> Result<i64> {
    let user = known.user_named(name);
    Ok(user.ok_or_else(|| anyhow!("there is no user {name}: see `interdict user list`"))?.id)
}

fn team_of(access: &Access, name: &str) -> Result<i64> {
    let known = access.known();
    match known.teams.iter().find(|team| team.name == name) {
        Some(team) => Ok(team.id),
        None => access.add_team(name, BY).map_err(said),
    }
}

fn show_link(secret: &str, name: &str, out: &Out) -> Result<()> {
    out.print(&format!(
        "{name} chooses a password, once, within a day, at the address of the server followed by\n  \
         /#welcome={secret}\n"
    ))?;
    Ok(())
}

fn lock(
    home: &Home,
    casework: &CaseworkArgs,
    name: &str,
    is_locked: bool,
    out: &Out,
) -> Result<()> {
    let access = open(home, casework)?;
    let id = id_of(&access.known(), name)?;
    let change = UserChange { is_locked: Some(is_locked), ..UserChange::default() };
    access.change_user(id, &change, BY).map_err(said)?;
    out.print(&format!("{name} is {}\n", if is_locked { "locked" } else { "no longer locked" }))?;
    Ok(())
}

fn list(access: &Access, format: TextFormat, out: &Out) -> Result<()> {
    let known = access.known();
    let users = known.all_users();
    if format == TextFormat::Json {
        let rows: Vec<Value> = users
            .iter()
            .map(|user| {
                json!({
                    "id": user.id, "name": user.name, "role": user.role, "teams": user.teams,
                    "has_password": user.has_password, "has_totp": user.has_totp,
                    "has_passkey": user.has_passkey,
                    "is_locked": user.is_locked,
                    "signed_in_at": user.signed_in_at.map(time::rfc3339),
                })
            })
            .collect();
        return out.json(&rows);
    }
    if users.is_empty() {
        out.print(
            "nobody: `interdict serve` prints the first link, or use `interdict user add`\n",
        )?;
    }
    for user in users {
        let state = match (user.is_locked, user.has_password, user.signed_in_at) {
            (true, _, _) => "locked".to_string(),
            (false, false, _) => "has not chosen a password".to_string(),
            (false, true, None) => "never signed in".to_string(),
            (false, true, Some(at)) => format!("signed in {}", time::rfc3339(at)),
        };
        let factor = if user.has_totp || user.has_passkey { ", second factor" } else { "" };
        out.print(&format!("{:24} {:14} {state}{factor}\n", user.name, user.role.name()))?;
    }
    Ok(())
}

fn key(home: &Home, command: KeyCommand, out: &Out) -> Result<()> {
    match command {
        KeyCommand::List { format, casework } => list_keys(&open(home, &casework)?, format, out),
        KeyCommand::Add { name, scopes, team, owner, expires, per_s, casework } => {
            let access = open(home, &casework)?;
            let expires_at = match expires {
                None => None,
                Some(text) => match time::parse(&text) {
                    Some(at) => Some(at),
                    None => bail!("--expires {text}: expected a time as 2027-01-31T00:00:00Z"),
                },
            };
            let team = team.map(|team| team_of(&access, &team)).transpose()?;
            let scopes = scopes.into_iter().map(Scope::from).collect();
            let new = NewKey { name, scopes, team, per_s, expires_at };
            let owner = owner.map(|owner| id_of(&access.known(), &owner)).transpose()?;
            let (_, key) = access.make_key_for(&new, owner, BY).map_err(said)?;
            // Alone on standard output, so that a script can take it.
            out.note("the key is not shown again:");
            out.print(&format!("{key}\n"))?;
            if owner.is_none() {
                out.note(
                    "nobody stands behind it: what it drafts needs a person's revision before another \
                     approves; `--for USER` names somebody",
                );
            }
            Ok(())
        }
        KeyCommand::Give { name, owner, casework } => {
            let access = open(home, &casework)?;
            let known = access.known();
            let (key, user) = (key_of(&known, &name)?, id_of(&known, &owner)?);
            access.give_key(key, user, BY).map_err(said)?;
            out.print(&format!("{owner} answers for {name}\n"))?;
            Ok(())
        }
        KeyCommand::Revoke { name, casework } => {
            let access = open(home, &casework)?;
            access.revoke_key(key_of(&access.known(), &name)?, BY).map_err(said)?;
            out.print(&format!("{name} is revoked\n"))?;
            Ok(())
        }
    }
}

fn key_of(known: &Known, name: &str) -> Result<i64> {
    let key = known.all_keys().into_iter().find(|key| key.name == name);
    Ok(key.ok_or_else(|| anyhow!("there is no key {name}: see `interdict user key list`"))?.id)
}

fn list_keys(access: &Access, format: TextFormat, out: &Out) -> Result<()> {
    let (known, now) = (access.known(), time::now());
    let keys = known.all_keys();
    if format == TextFormat::Json {
        let rows: Vec<Value> = keys
            .iter()
            .map(|key| {
                json!({
                    "id": key.id, "name": key.name, "hint": key.hint, "scopes": key.scopes.list(),
                    "team": key.team, "per_s": key.per_s, "made_by": key.made_by,
                    "owner": key.owner, "people": key.people(),
                    "made_at": time::rfc3339(key.made_at),
                    "expires_at": key.expires_at.map(time::rfc3339),
                    "revoked_at": key.revoked_at.map(time::rfc3339),
                    "used_at": key.used_at().map(time::rfc3339),
                })
            })
            .collect();
        return out.json(&rows);
    }
    for key in keys {
        let scopes: Vec<_> = key.scopes.list().into_iter().map(Scope::name).collect();
        let state = match (key.revoked_at, key.is_valid(now), key.used_at()) {
            (Some(at), _, _) => format!("revoked {}", time::rfc3339(at)),
            (None, false, _) => "expired".to_string(),
            (None, true, None) => "never used".to_string(),
            (None, true, Some(at)) => format!("used {}", time::rfc3339(at)),
        };
        let people = key.people();
        let behind = match people.as_slice() {
            [] => "nobody behind it".to_string(),
            some => some.join(", "),
        };
        let (name, hint, scopes) = (&key.name, &key.hint, scopes.join(","));
        out.print(&format!("{name:24} {hint}… {scopes:32} {state}, {behind}\n"))?;
    }
    Ok(())
}
