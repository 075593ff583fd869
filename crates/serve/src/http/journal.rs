//! The journal of every act, to be taken away and verified by anybody.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use case::journal;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(export)).routes(routes!(check))
}

/// Every entry, a line of JSON each, oldest first
///
/// Each holds the hash of the one before: whoever has the lines can tell whether any is missing.
#[utoipa::path(get, path = "/v1/journal", tag = "journal",
    responses((status = 200, content_type = "application/jsonl", body = String)))]
async fn export(State(app): State<App>) -> Result<Response, Problem> {
    let lines = app.blocking(|app| {
        let mut lines = Vec::new();
        journal::export(&app.db, &mut lines)?;
        Ok(lines)
    });
    Ok(([(header::CONTENT_TYPE, "application/jsonl")], lines.await?).into_response())
}

#[derive(Serialize, ToSchema)]
struct Checked {
    is_whole: bool,
    /// How many entries there are.
    entries: i64,
    /// The hash of the last: what to compare with one that was written down elsewhere.
    head: Option<String>,
    /// What is wrong, and with which entry.
    broken: Option<String>,
}

/// Does the chain of hashes hold?
#[utoipa::path(get, path = "/v1/journal/check", tag = "journal", responses((status = 200, body = Checked)))]
async fn check(State(app): State<App>) -> Result<Json<Checked>, Problem> {
    let checked = app.blocking(|app| {
        Ok(match journal::verify_stored(&app.db)? {
            Ok(head) => Checked {
                is_whole: true,
                entries: head.as_ref().map_or(0, |head| head.seq),
                head: head.map(|head| head.hash),
                broken: None,
            },
            Err(broken) => Checked {
                is_whole: false,
                entries: journal::head(&app.db)?.map_or(0, |head| head.seq),
                head: None,
                broken: Some(broken.to_string()),
            },
        })
    });
    checked.await.map(Json)
}
