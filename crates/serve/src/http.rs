//! The routes of casework, one file an area.

mod alerts;
mod cases;
mod cost;
mod deadlines;
pub mod desk;
mod events;
mod evidence;
mod freezes;
mod home;
mod journal;
mod ledger;
mod oidc;
mod passkeys;
mod people;
mod personal;
mod session;
mod watches;
mod web;
mod webhooks;

use bytes::Bytes;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The OpenAPI document, as it is sent.
#[derive(Clone)]
pub struct Document(pub Bytes);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .merge(home::routes())
        .merge(web::routes())
        .merge(cost::routes())
        .merge(session::routes())
        .merge(passkeys::routes())
        .merge(oidc::routes())
        .merge(people::routes())
        .merge(events::routes())
        .merge(alerts::routes())
        .merge(cases::routes())
        .merge(freezes::routes())
        .merge(journal::routes())
        .merge(webhooks::routes())
        .merge(evidence::routes())
        .merge(ledger::routes())
        .merge(deadlines::routes())
        .merge(personal::routes())
        .merge(watches::routes())
}
