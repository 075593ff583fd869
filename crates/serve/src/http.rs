//! The routes of casework, one file an area.

mod alerts;
mod cases;
pub mod desk;
mod events;
mod freezes;
mod home;
mod journal;
mod people;
mod session;
mod watches;

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
        .merge(watches::routes())
}
