//! Who may call what: every endpoint, in one table.
//!
//! A route without a line here, or a line without a route, stops the server from starting, and so the
//! tests. `tests/access.rs` tries every line as a nobody, in every role, and with a key of every scope.

use std::collections::HashMap;
use std::fmt;

use axum::http::Method;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody may do. Each role may do all that those before it may.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
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

impl Role {
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Analyst, Role::Approver, Role::Administrator];

    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Analyst => "analyst",
            Role::Approver => "approver",
            Role::Administrator => "administrator",
        }
    }

    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == text)
    }
}

/// What an API key was made for. A key has some of these and no role.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
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
    /// `metrics`: reads how the server does.
    Metrics,
}

impl Scope {
    pub const ALL: [Scope; 6] = [
        Scope::Screen,
        Scope::Transfers,
        Scope::Investigate,
        Scope::Alerts,
        Scope::Cases,
        Scope::Metrics,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Scope::Screen => "screen",
            Scope::Transfers => "transfers",
            Scope::Investigate => "investigate",
            Scope::Alerts => "alerts",
            Scope::Cases => "cases",
            Scope::Metrics => "metrics",
        }
    }

    pub fn parse(text: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.name() == text)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Open to everybody: only the page, health, readiness, the document, and signing in.
    Nothing,
    /// Whoever is known: any role, any key.
    Anybody,
    /// Signed in in this role at least, or a key of this scope.
    RoleOr(Role, Scope),
    /// Signed in in this role at least; no key.
    Role(Role),
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Needs::Nothing => write!(f, "nothing"),
            Needs::Anybody => write!(f, "any role, or a key of any scope"),
            Needs::RoleOr(role, scope) => {
                write!(f, "the role {} or above, or a key of scope {}", role.name(), scope.name())
            }
            Needs::Role(role) => write!(f, "the role {} or above, signed in", role.name()),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Policy {
    pub method: Method,
    /// As in the OpenAPI document: `/v1/cases/{case}`.
    pub path: &'static str,
    pub needs: Needs,
}

const fn open(method: Method, path: &'static str) -> Policy {
    Policy { method, path, needs: Needs::Nothing }
}

const fn anybody(method: Method, path: &'static str) -> Policy {
    Policy { method, path, needs: Needs::Anybody }
}

const fn role_or(method: Method, path: &'static str, role: Role, scope: Scope) -> Policy {
    Policy { method, path, needs: Needs::RoleOr(role, scope) }
}

const fn role(method: Method, path: &'static str, role: Role) -> Policy {
    Policy { method, path, needs: Needs::Role(role) }
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;
const PATCH: Method = Method::PATCH;
const PUT: Method = Method::PUT;

use Role::{Administrator, Analyst, Approver, Viewer};

/// What the frame and casework answer.
pub const POLICIES: &[Policy] = &[
    // The page and what everybody may know.
    open(GET, "/"),
    open(GET, "/assets/page.css"),
    open(GET, "/assets/page.js"),
    open(GET, "/web/{file}"),
    open(GET, "/v1/health"),
    open(GET, "/v1/ready"),
    open(GET, "/openapi.json"),
    // Signing in.
    open(POST, "/v1/session"),
    open(GET, "/v1/session/ways"),
    open(POST, "/v1/welcome"),
    open(POST, "/v1/session/passkey/begin"),
    open(POST, "/v1/session/passkey"),
    open(GET, "/v1/oidc/login"),
    open(GET, "/v1/oidc/callback"),
    // Oneself.
    anybody(GET, "/v1/session"),
    role(DELETE, "/v1/session", Viewer),
    role(POST, "/v1/session/password", Viewer),
    role(POST, "/v1/session/totp", Viewer),
    role(POST, "/v1/session/totp/confirm", Viewer),
    role(DELETE, "/v1/session/totp", Viewer),
    role(GET, "/v1/session/passkeys", Viewer),
    role(POST, "/v1/session/passkeys/begin", Viewer),
    role(POST, "/v1/session/passkeys", Viewer),
    role(DELETE, "/v1/session/passkeys/{passkey}", Viewer),
    // How the server does, and how it is used.
    role_or(GET, "/metrics", Administrator, Scope::Metrics),
    anybody(GET, "/docs"),
    anybody(GET, "/assets/docs.js"),
    // What compliance costs.
    anybody(GET, "/v1/cost/assumptions"),
    anybody(POST, "/v1/cost"),
    // What happens.
    role_or(GET, "/v1/events", Viewer, Scope::Alerts),
    // Webhooks. Whoever may listen may be told: of what they see, and only their own webhooks.
    role_or(GET, "/v1/webhooks", Administrator, Scope::Alerts),
    role_or(POST, "/v1/webhooks", Administrator, Scope::Alerts),
    role_or(GET, "/v1/webhooks/{webhook}", Administrator, Scope::Alerts),
    role_or(PATCH, "/v1/webhooks/{webhook}", Administrator, Scope::Alerts),
    role_or(DELETE, "/v1/webhooks/{webhook}", Administrator, Scope::Alerts),
    role_or(POST, "/v1/webhooks/{webhook}/test", Administrator, Scope::Alerts),
    role_or(POST, "/v1/webhooks/{webhook}/secret", Administrator, Scope::Alerts),
    role_or(GET, "/v1/webhooks/{webhook}/deliveries", Administrator, Scope::Alerts),
    role_or(
        POST,
        "/v1/webhooks/{webhook}/deliveries/{delivery}/retry",
        Administrator,
        Scope::Alerts,
    ),
    // Alerts.
    role_or(GET, "/v1/alerts", Viewer, Scope::Alerts),
    role_or(GET, "/v1/alerts/counts", Viewer, Scope::Alerts),
    role_or(GET, "/v1/cases/counts", Viewer, Scope::Cases),
    role_or(GET, "/v1/freezes/counts", Viewer, Scope::Cases),
    role_or(GET, "/v1/alerts/{alert}", Viewer, Scope::Alerts),
    role_or(POST, "/v1/alerts/{alert}/acknowledge", Analyst, Scope::Alerts),
    role_or(POST, "/v1/alerts/{alert}/snooze", Analyst, Scope::Alerts),
    role_or(POST, "/v1/alerts/{alert}/close", Analyst, Scope::Alerts),
    role_or(POST, "/v1/alerts/{alert}/reopen", Analyst, Scope::Alerts),
    role_or(POST, "/v1/alerts/{alert}/assign", Analyst, Scope::Alerts),
    role_or(POST, "/v1/alerts/{alert}/case", Analyst, Scope::Cases),
    // Cases.
    role_or(GET, "/v1/cases", Viewer, Scope::Cases),
    role_or(POST, "/v1/cases", Analyst, Scope::Cases),
    role_or(GET, "/v1/cases/{case}", Viewer, Scope::Cases),
    role_or(PATCH, "/v1/cases/{case}", Analyst, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/open", Analyst, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/close", Analyst, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/reopen", Analyst, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/merge", Analyst, Scope::Cases),
    role_or(GET, "/v1/cases/{case}/notes", Viewer, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/notes", Analyst, Scope::Cases),
    role_or(GET, "/v1/cases/{case}/tasks", Viewer, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/tasks", Analyst, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/tasks/{task}/finish", Analyst, Scope::Cases),
    role_or(GET, "/v1/cases/{case}/links", Viewer, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/links", Analyst, Scope::Cases),
    // Freezes. A person approves, never a key; what the holder did is written down by people.
    role_or(GET, "/v1/freezes", Viewer, Scope::Cases),
    role_or(POST, "/v1/freezes", Analyst, Scope::Cases),
    role_or(GET, "/v1/freezes/due", Viewer, Scope::Cases),
    role_or(GET, "/v1/freezes/{freeze}", Viewer, Scope::Cases),
    role(POST, "/v1/freezes/{freeze}/approve", Approver),
    role(POST, "/v1/freezes/{freeze}/steps", Analyst),
    role_or(GET, "/v1/jurisdictions/{country}", Viewer, Scope::Cases),
    // Parts of cases: evidence, the ledger, deadlines; what is personal; figures.
    role_or(POST, "/v1/alerts/{alert}/team", Analyst, Scope::Alerts),
    role_or(DELETE, "/v1/cases/{case}/links/{link}", Analyst, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/split", Analyst, Scope::Cases),
    role_or(GET, "/v1/cases/{case}/history", Viewer, Scope::Cases),
    role_or(GET, "/v1/cases/{case}/evidence", Viewer, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/evidence", Analyst, Scope::Cases),
    role_or(GET, "/v1/cases/{case}/evidence/{evidence}", Viewer, Scope::Cases),
    role_or(GET, "/v1/cases/{case}/ledger", Viewer, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/incidents", Analyst, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/claims", Analyst, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/holdings", Analyst, Scope::Cases),
    role_or(GET, "/v1/cases/{case}/deadlines", Viewer, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/deadlines", Analyst, Scope::Cases),
    role_or(POST, "/v1/cases/{case}/deadlines/{deadline}/meet", Analyst, Scope::Cases),
    role_or(GET, "/v1/deadlines", Viewer, Scope::Cases),
    role_or(GET, "/v1/freezes/figures", Viewer, Scope::Cases),
    role_or(PUT, "/v1/freezes/{freeze}", Analyst, Scope::Cases),
    role(POST, "/v1/freezes/{freeze}/amounts", Analyst),
    // Who writes personal data down need not read others'; reading is in the journal; no key reads.
    role_or(POST, "/v1/persons", Analyst, Scope::Cases),
    role(GET, "/v1/persons/due", Approver),
    role(GET, "/v1/persons/{person}", Analyst),
    role(GET, "/v1/persons/{person}/data", Approver),
    role(POST, "/v1/persons/{person}/retain", Approver),
    role(POST, "/v1/persons/{person}/erase", Administrator),
    role(POST, "/v1/persons/{person}/erase/agree", Approver),
    role(GET, "/v1/journal/entries", Approver),
    // Watches.
    role_or(GET, "/v1/watches", Viewer, Scope::Alerts),
    role_or(POST, "/v1/watches", Analyst, Scope::Alerts),
    role_or(GET, "/v1/watches/{watch}", Viewer, Scope::Alerts),
    role_or(PATCH, "/v1/watches/{watch}", Analyst, Scope::Alerts),
    role_or(DELETE, "/v1/watches/{watch}", Analyst, Scope::Alerts),
    // The journal.
    role(GET, "/v1/journal", Approver),
    role(GET, "/v1/journal/check", Approver),
    // People and keys.
    role(GET, "/v1/users", Administrator),
    role(POST, "/v1/users", Administrator),
    role(PATCH, "/v1/users/{user}", Administrator),
    role(POST, "/v1/users/{user}/reset", Administrator),
    role(GET, "/v1/teams", Viewer),
    role(POST, "/v1/teams", Administrator),
    role(GET, "/v1/keys", Administrator),
    role(POST, "/v1/keys", Administrator),
    role(DELETE, "/v1/keys/{key}", Administrator),
];

/// What the binary's routes over chains and lists answer; they are handed to [`crate::frame::build`].
pub const ENGINE: &[Policy] = &[
    // Screening.
    role_or(POST, "/v1/screen", Analyst, Scope::Screen),
    role_or(POST, "/v1/screen/batch", Analyst, Scope::Screen),
    role_or(GET, "/v1/addresses/{account}/exposure", Viewer, Scope::Investigate),
    // What is kept: chains, lists and their changes.
    anybody(GET, "/v1/status"),
    role_or(GET, "/v1/lists", Viewer, Scope::Screen),
    role_or(GET, "/v1/lists/{list}/changes/{date}", Viewer, Scope::Screen),
    // Withdrawals, before they are signed.
    role_or(POST, "/v1/withdrawal-attempts", Analyst, Scope::Transfers),
    role_or(GET, "/v1/withdrawal-attempts/{id}", Viewer, Scope::Transfers),
    // Transfers that came or went, and what one customer of the exchange did.
    role_or(POST, "/v1/transfers", Analyst, Scope::Transfers),
    role_or(GET, "/v1/transfers/{id}", Viewer, Scope::Transfers),
    role_or(GET, "/v1/transfers/{id}/alerts", Viewer, Scope::Transfers),
    role_or(GET, "/v1/transfers/{id}/exposures", Viewer, Scope::Transfers),
    role_or(GET, "/v1/users/{user}/transfers", Viewer, Scope::Transfers),
    role_or(GET, "/v1/users/{user}/withdrawal-attempts", Viewer, Scope::Transfers),
    role_or(GET, "/v1/users/{user}/alerts", Viewer, Scope::Transfers),
    // Investigation.
    role_or(GET, "/v1/entities/{account}", Viewer, Scope::Investigate),
    role_or(POST, "/v1/traces", Analyst, Scope::Investigate),
    role_or(GET, "/v1/traces/{id}", Viewer, Scope::Investigate),
    role_or(DELETE, "/v1/traces/{id}", Analyst, Scope::Investigate),
    role_or(GET, "/v1/traces/{id}/bundle", Viewer, Scope::Investigate),
    // Who can stop it, and the packet that asks them to.
    role_or(GET, "/v1/traces/{id}/holders", Viewer, Scope::Investigate),
    role_or(POST, "/v1/traces/{id}/freezes", Analyst, Scope::Cases),
    role_or(POST, "/v1/freezes/{freeze}/packet", Analyst, Scope::Cases),
    role_or(GET, "/v1/freezes/{freeze}/packet", Viewer, Scope::Cases),
    role_or(GET, "/v1/freezes/{freeze}/packet.pdf", Viewer, Scope::Cases),
    role_or(GET, "/v1/traces/{id}/events", Viewer, Scope::Investigate),
    role_or(GET, "/v1/traces/{id}/graph", Viewer, Scope::Investigate),
    role_or(GET, "/v1/addresses/{account}", Viewer, Scope::Investigate),
    role_or(GET, "/v1/addresses/{account}/transfers", Viewer, Scope::Investigate),
    role_or(GET, "/v1/addresses/{account}/neighbors", Viewer, Scope::Investigate),
    role_or(GET, "/v1/transactions/{chain}/{tx}", Viewer, Scope::Investigate),
    role_or(POST, "/v1/paths", Analyst, Scope::Investigate),
    role_or(GET, "/v1/paths/{id}", Viewer, Scope::Investigate),
    role_or(DELETE, "/v1/paths/{id}", Analyst, Scope::Investigate),
    role_or(GET, "/v1/paths/{id}/events", Viewer, Scope::Investigate),
    // A part of GraphSense's API, for its clients.
    role_or(GET, "/graphsense/stats", Viewer, Scope::Investigate),
    role_or(GET, "/graphsense/search", Viewer, Scope::Investigate),
    role_or(GET, "/graphsense/{currency}/addresses/{address}", Viewer, Scope::Investigate),
    role_or(GET, "/graphsense/{currency}/addresses/{address}/tags", Viewer, Scope::Investigate),
    role_or(GET, "/graphsense/{currency}/addresses/{address}/txs", Viewer, Scope::Investigate),
    role_or(
        GET,
        "/graphsense/{currency}/addresses/{address}/neighbors",
        Viewer,
        Scope::Investigate,
    ),
    role_or(GET, "/graphsense/{currency}/txs/{tx_hash}", Viewer, Scope::Investigate),
];

/// Lines found by method and path.
pub struct Table(HashMap<&'static str, Vec<(Method, Needs)>>);

impl Table {
    pub fn of(lines: &[&[Policy]]) -> Table {
        let mut table: HashMap<&'static str, Vec<(Method, Needs)>> = HashMap::new();
        for line in lines.iter().copied().flatten() {
            table.entry(line.path).or_default().push((line.method.clone(), line.needs));
        }
        Table(table)
    }

    /// Nothing: no such route. Who asks for the head of an answer needs what its reader needs.
    pub fn needs(&self, method: &Method, path: &str) -> Option<Needs> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let lines = self.0.get(path)?;
        lines.iter().find(|(known, _)| known == method).map(|(_, needs)| *needs)
    }
}
