//! Who may call what: every endpoint, in one table.
//!
//! A route without a line here, or a line without a route, stops the server from starting, and so the
//! tests. `tests/access.rs` tries every line as a nobody and in every role.

use axum::http::Method;

/// What somebody may do. Each role may do all that those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Works: alerts, cases, drafts.
    Analyst,
    /// Also approves what another drafted.
    Approver,
    /// Also people, keys, settings.
    Administrator,
}

/// What an API key was made for. A key has some of these and no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// `screen`: addresses, names, tokens.
    Screen,
    /// `transfers`: registers transfers and withdrawal attempts, reads what became of them.
    Transfers,
    /// `investigate`: entities, transfers, traces.
    Investigate,
    /// `alerts`: reads and works alerts and watches, and listens to events.
    Alerts,
    /// `cases`: reads and works cases and freezes.
    Cases,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Open to everybody: only the page, health, readiness, the document, and signing in.
    Nothing,
    /// Signed in in this role at least, or a key of this scope.
    RoleOr(Role, Scope),
    /// Signed in in this role at least; no key.
    Role(Role),
}

pub struct Policy {
    pub method: Method,
    /// As in the OpenAPI document: `/v1/cases/{case}`.
    pub path: &'static str,
    pub needs: Needs,
}

const fn open(method: Method, path: &'static str) -> Policy {
    Policy { method, path, needs: Needs::Nothing }
}

pub const POLICIES: &[Policy] = &[
    open(Method::GET, "/"),
    open(Method::GET, "/v1/health"),
    open(Method::GET, "/v1/ready"),
    open(Method::GET, "/openapi.json"),
];
