//! The routes that need chains and lists, one file an area. `serve` has the frame and those of casework.

mod addresses;
mod customers;
mod freezes;
mod graphsense;
mod investigate;
mod keeps;
mod paths;
mod progress;
mod screen;
#[cfg(test)]
mod tests;
mod traces;
mod transactions;
mod transfers;
mod withdrawals;

use std::sync::Arc;

use anyhow::Result;
use axum::Extension;
use serve::{App, Problem};
use utoipa_axum::router::OpenApiRouter;

use crate::cell::{self, Cell};

/// What [`serve::frame::build`] takes. Makes the tables that they keep things in.
pub fn routes(cell: &Arc<Cell>, app: &App) -> Result<Vec<OpenApiRouter<App>>> {
    let vault = app.vault().map_err(crate::commands::serve::said)?;
    let key = cell::exchange::prepare(&app.db, vault, app.settings.retention.kept)?;
    let all = [
        screen::routes(),
        withdrawals::routes(),
        transfers::routes(),
        customers::routes(),
        investigate::routes(),
        addresses::routes(),
        transactions::routes(),
        traces::routes(),
        paths::routes(),
        graphsense::routes(),
        keeps::routes(),
        freezes::routes(),
    ];
    let with = |routes: OpenApiRouter<App>| {
        routes.layer(Extension(cell.clone())).layer(Extension(key.clone()))
    };
    Ok(all.into_iter().map(with).collect())
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

/// A short text that somebody said.
fn said(field: &str, text: &str) -> Result<(), Problem> {
    if text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
        return Err(Problem::invalid(field, "expected 1 to 200 bytes of text"));
    }
    Ok(())
}

/// Whole units of whatever it is.
fn amount(field: &str, text: &str) -> Result<(), Problem> {
    const BYTES_MAX: usize = 100;
    if text.len() > BYTES_MAX {
        return Err(Problem::invalid(field, format!("expected at most {BYTES_MAX} bytes")));
    }
    let read = model::amount::parse_units(text, 36);
    read.map(drop).map_err(|error| Problem::invalid(field, error.to_string()))
}

/// CAIP-2, or a name.
fn chain(field: &str, text: &str) -> Result<model::Chain, Problem> {
    let name = || text.to_lowercase().parse();
    text.parse().or_else(|_| name()).map_err(|error: model::ChainError| {
        let why: String = error.to_string().chars().take(500).collect();
        Problem::invalid(field, why)
    })
}

/// What cannot be a name that was given here is not looked for: a database refuses some texts.
fn is_name(what: &str, id: &str) -> Result<(), Problem> {
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    match id.len() <= 64 && id.bytes().all(is_plain) {
        true => Ok(()),
        false => Err(Problem::not_found(format!("no such {what}"))),
    }
}

fn is_window(
    since: Option<model::Timestamp>,
    until: Option<model::Timestamp>,
) -> Result<(), Problem> {
    match (since, until) {
        (Some(since), Some(until)) if since > until => {
            Err(Problem::invalid("/until", "expected a time after since"))
        }
        _ => Ok(()),
    }
}
