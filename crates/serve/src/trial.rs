//! Tries every line of the policy as a nobody, in every role, with a key of every scope: for the tests
//! of this crate and of whoever adds routes.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use tower::ServiceExt;

use crate::access::keys::NewKey;
use crate::access::sessions::csrf_token;
use crate::app::App;
use crate::policy::{Needs, Policy, Role, Scope};

/// Somebody of each kind.
pub struct Cast {
    /// Cookies.
    pub people: BTreeMap<Role, String>,
    pub keys: BTreeMap<Scope, String>,
    pub expired: String,
    pub revoked: String,
}

/// One asking.
#[derive(Clone, Copy, Debug)]
pub enum As<'a> {
    Nobody,
    Person(&'a str),
    Key(&'a str),
}

impl Cast {
    /// Panics where they cannot be made: this is a test.
    pub fn of(app: &App) -> Cast {
        let key = |name: &str, scopes: Vec<Scope>| {
            let new = NewKey {
                name: name.to_string(),
                scopes: scopes.into_iter().collect(),
                team: None,
                per_s: Some(0),
                expires_at: None,
            };
            app.access.make_key(&new, "test").expect("a key is made")
        };
        let people = Role::ALL.map(|role| {
            let id = app.access.add_user(role.name(), role, &[], "test").expect("a user is added");
            (role, app.access.set_password(id, "not a hash").expect("a session begins"))
        });
        let keys = Scope::ALL.map(|scope| (scope, key(scope.name(), vec![scope]).1));
        let (id, revoked) = key("revoked", Scope::ALL.to_vec());
        app.access.revoke_key(id, "test").expect("a key is revoked");
        let (id, expired) = key("expired", Scope::ALL.to_vec());
        let past = [id.into(), 1_i64.into()];
        app.access
            .change(|tx| tx.run("UPDATE api_keys SET expires_at = $2 WHERE id = $1", &past))
            .expect("a key expires");
        Cast { people: people.into(), keys: keys.into(), expired, revoked }
    }
}

/// The status of an empty request: what may pass meets a route, which may find it wanting.
pub async fn status(router: &Router, who: As<'_>, method: &Method, path: &str) -> StatusCode {
    let path: String = path
        .split('/')
        .map(|part| if part.starts_with('{') { "999999" } else { part })
        .collect::<Vec<_>>()
        .join("/");
    let mut request = Request::builder().method(method).uri(path);
    match who {
        As::Nobody => {}
        As::Key(key) => request = request.header(header::AUTHORIZATION, format!("Bearer {key}")),
        As::Person(cookie) => {
            request = request.header(header::COOKIE, format!("interdict={cookie}"));
            request = request.header("x-csrf-token", csrf_token(cookie));
        }
    }
    let request = request.body(Body::empty()).expect("a request");
    router.clone().oneshot(request).await.expect("an answer").status()
}

/// What does not behave as its line says; nothing: all is well.
pub async fn faults(router: &Router, cast: &Cast, lines: &[Policy]) -> Vec<String> {
    let mut faults = Vec::new();
    // Signing out ends the session that the others are tried with.
    let last = |line: &&Policy| line.path == "/v1/session" && line.method == Method::DELETE;
    let (ends, others): (Vec<_>, Vec<_>) = lines.iter().partition(last);
    for line in others.into_iter().chain(ends) {
        let mut tries = vec![(As::Nobody, line.needs == Needs::Nothing, StatusCode::UNAUTHORIZED)];
        for key in [&cast.expired, &cast.revoked] {
            tries.push((As::Key(key), line.needs == Needs::Nothing, StatusCode::UNAUTHORIZED));
        }
        for (role, cookie) in &cast.people {
            let may = match line.needs {
                Needs::Nothing | Needs::Anybody => true,
                Needs::Role(least) | Needs::RoleOr(least, _) => *role >= least,
            };
            tries.push((As::Person(cookie), may, StatusCode::FORBIDDEN));
        }
        for (scope, key) in &cast.keys {
            let may = match line.needs {
                Needs::Nothing | Needs::Anybody => true,
                Needs::Role(_) => false,
                Needs::RoleOr(_, needed) => *scope == needed,
            };
            tries.push((As::Key(key), may, StatusCode::FORBIDDEN));
        }
        for (who, may, refusal) in tries {
            let got = status(router, who, &line.method, line.path).await;
            let is_refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&got);
            // The routes of signing in say 401 of their own to who sends nothing right.
            if may == is_refused || (!may && got != refusal) || got.is_server_error() {
                let (method, path) = (&line.method, line.path);
                faults.push(format!("{method} {path} as {who:?}: {got}, may: {may}"));
            }
        }
    }
    faults
}
