//! The server around the routes.
//!
//! [`build`] puts casework's routes and those handed to it into one router, holds them against
//! [`crate::policy`], and writes the OpenAPI document. Every request, also one that meets no route,
//! goes through [`guard`]: who is it, may they, is there room, has it been done before. [`server`]
//! listens.

mod document;
mod examples;
pub(crate) mod guard;
mod headers;
pub mod idempotency;
pub mod load;
pub mod log;
pub mod metrics;
pub mod server;
pub mod tls;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use bytes::Bytes;
use utoipa_axum::router::OpenApiRouter;

pub use guard::Peer;
pub use server::Server;

use crate::app::App;
use crate::policy::{self, Policy, Table};
use crate::problem::Problem;

/// What keeps a server from starting.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(
        "{method} {path} has a route and no line in serve::policy: expected one that says who may"
    )]
    NoPolicy { method: String, path: String },
    #[error("{method} {path} has a line in serve::policy and no route")]
    NoRoute { method: String, path: String },
    #[error("{method} {path} has two lines in serve::policy")]
    Twice { method: String, path: String },
    #[error("the OpenAPI document could not be written")]
    Document(#[from] serde_json::Error),
}

/// The server of casework and of `routes`, those over chains and lists: each has a line in
/// [`policy::ENGINE`]. None of them: a server of casework alone.
pub fn build(app: App, routes: Vec<OpenApiRouter<App>>) -> Result<Server, BuildError> {
    let lines: Vec<&'static [Policy]> = match routes.is_empty() {
        true => vec![policy::POLICIES],
        false => vec![policy::POLICIES, policy::ENGINE],
    };
    let mut all = crate::http::routes();
    for routes in routes {
        all = all.merge(routes);
    }
    let (router, openapi) = all.split_for_parts();
    let mut document = document::of(openapi)?;
    let known = document::routes(&document);
    check(&known, &lines)?;
    let table = Arc::new(Table::of(&lines));
    document::say_who_may(&mut document, &table);
    examples::write(&mut document);
    let document = Bytes::from(serde_json::to_vec(&document)?);

    let named = lines.iter().copied().flatten().map(|line| (line.method.as_str(), line.path));
    let app = app.with_metrics(metrics::Metrics::of(named));
    let guard = guard::Guard { app: app.clone(), table };
    let router: Router = router
        .fallback(async || Problem::not_found("no route has this path"))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(DefaultBodyLimit::max(app.settings.body_bytes_max))
        .layer(axum::Extension(crate::http::Document(document.clone())))
        .layer(middleware::from_fn_with_state(guard, guard::pass))
        .with_state(app.clone());
    Ok(Server { app, router, document })
}

/// Every route has a line, and every line a route.
fn check(known: &BTreeSet<(String, String)>, lines: &[&[Policy]]) -> Result<(), BuildError> {
    let mut said = BTreeSet::new();
    for line in lines.iter().copied().flatten() {
        let (method, path) = (line.method.to_string(), line.path.to_string());
        if !known.contains(&(path.clone(), method.clone())) {
            return Err(BuildError::NoRoute { method, path });
        }
        if !said.insert((path.clone(), method.clone())) {
            return Err(BuildError::Twice { method, path });
        }
    }
    match known.difference(&said).next() {
        Some((path, method)) => {
            Err(BuildError::NoPolicy { method: method.clone(), path: path.clone() })
        }
        None => Ok(()),
    }
}
