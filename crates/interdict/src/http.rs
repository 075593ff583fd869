//! The routes that need chains and lists, one file an area. `serve` has the frame and those of casework.

#[cfg(test)]
mod access;
mod freezes;
mod investigate;
mod screen;
mod traces;
mod withdrawals;

use std::sync::Arc;

use anyhow::Result;
use axum::Extension;
use case::db::Db;
use serve::{App, Problem};
use utoipa_axum::router::OpenApiRouter;

use crate::cell::{self, Cell};

/// What [`serve::frame::build`] takes. Makes the tables that they keep things in.
pub fn routes(cell: &Arc<Cell>, db: &Db) -> Result<Vec<OpenApiRouter<App>>> {
    db.migrate(cell::withdrawals::COMPONENT, cell::withdrawals::STEPS)?;
    let all = [
        screen::routes(),
        withdrawals::routes(),
        investigate::routes(),
        traces::routes(),
        freezes::routes(),
    ];
    Ok(all.into_iter().map(|routes| routes.layer(Extension(cell.clone()))).collect())
}

/// Ours: the cause goes to the log.
fn failed(doing: &str, error: &anyhow::Error) -> Problem {
    serve::frame::log::failure(doing, error.as_ref());
    Problem::internal()
}

/// An account as a path or a field names it: CAIP-10, or an address that can be of one chain only.
fn account(field: &str, text: &str) -> Result<model::Account, Problem> {
    if let Ok(account) = text.parse::<model::Account>() {
        return Ok(account);
    }
    match model::identifier::candidates(text).as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Problem::invalid(field, "expected an account as CAIP-10, such as eip155:1:0x…")),
        _ => Err(Problem::invalid(field, "it may be of several chains: expected CAIP-10")),
    }
}
