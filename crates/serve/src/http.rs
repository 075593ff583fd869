//! The routes of casework, one file an area.

mod alerts;
mod cases;
mod deadlines;
pub mod desk;
mod events;
mod evidence;
mod freezes;
mod home;
mod journal;
mod ledger;
mod people;
mod personal;
mod session;

use bytes::Bytes;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The OpenAPI document, as it is sent.
#[derive(Clone)]
pub struct Document(pub Bytes);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .merge(home::routes())
        .merge(session::routes())
        .merge(people::routes())
        .merge(events::routes())
        .merge(alerts::routes())
        .merge(cases::routes())
        .merge(freezes::routes())
        .merge(journal::routes())
        .merge(evidence::routes())
        .merge(ledger::routes())
        .merge(deadlines::routes())
        .merge(personal::routes())
}
