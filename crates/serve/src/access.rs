//! Who somebody is: people with sessions, programs with API keys.

use crate::policy::{Role, Scope};

/// Who acts. Put into the request by the frame, once it has checked the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    Person { id: i64, name: String, role: Role },
    Key { id: i64, name: String, scopes: Vec<Scope> },
}

impl Principal {
    /// As the journal names who acted: `person:ada`, `key:exchange-1`.
    pub fn actor(&self) -> String {
        match self {
            Principal::Person { name, .. } => format!("person:{name}"),
            Principal::Key { name, .. } => format!("key:{name}"),
        }
    }
}
