//! Who acts, and what they may see.

use std::sync::Arc;

use super::keys::Key;
use super::sessions::Session;
use super::users::User;
use crate::policy::{Needs, Role, Scope};

/// Who acts. Put into the request by the frame, once it has checked the policy.
#[derive(Clone, Debug)]
pub enum Principal {
    Person { user: Arc<User>, session: Arc<Session> },
    Key(Arc<Key>),
}

/// Whose cases, alerts and freezes somebody sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sees {
    Everything,
    /// What has no team, and what these have.
    Of(Vec<i64>),
}

impl Principal {
    /// As the journal names who acted: `person:ada`, `key:exchange-1`.
    pub fn actor(&self) -> String {
        match self {
            Principal::Person { user, .. } => format!("person:{}", user.name),
            Principal::Key(key) => format!("key:{}", key.name),
        }
    }

    /// The people behind a key: who made it has seen it, and who owns it answers for it. Nobody for one
    /// that was made on the command line without an owner, nor for a person, who is their own.
    pub fn people(&self) -> Vec<String> {
        match self {
            Principal::Person { .. } => Vec::new(),
            Principal::Key(key) => key.people(),
        }
    }

    pub fn may(&self, needs: Needs) -> bool {
        match (self, needs) {
            (_, Needs::Nothing | Needs::Anybody) => true,
            (Principal::Person { user, .. }, Needs::Role(role) | Needs::RoleOr(role, _)) => {
                user.role >= role
            }
            (Principal::Key(key), Needs::RoleOr(_, scope)) => key.scopes.has(scope),
            (Principal::Key(_), Needs::Role(_)) => false,
        }
    }

    /// Nothing for a key.
    pub fn role(&self) -> Option<Role> {
        match self {
            Principal::Person { user, .. } => Some(user.role),
            Principal::Key(_) => None,
        }
    }

    pub fn has_scope(&self, scope: Scope) -> bool {
        matches!(self, Principal::Key(key) if key.scopes.has(scope))
    }

    pub fn sees(&self) -> Sees {
        match self {
            Principal::Person { user, .. } if user.role == Role::Administrator => Sees::Everything,
            Principal::Person { user, .. } => Sees::Of(user.teams.clone()),
            Principal::Key(key) => Sees::Of(key.team.into_iter().collect()),
        }
    }
}

impl Sees {
    /// Of what belongs to a team, or to none.
    pub fn is_seen(&self, team: Option<i64>) -> bool {
        match (self, team) {
            (Sees::Everything, _) | (_, None) => true,
            (Sees::Of(teams), Some(team)) => teams.contains(&team),
        }
    }
}
