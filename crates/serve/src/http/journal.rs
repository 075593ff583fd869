//! The journal of every act, to be taken away and verified by anybody.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use case::Page;
use case::journal::{self, Entry, EntryFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk;
use crate::app::App;
use crate::extract::Query;
use crate::page::PageQuery;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(export)).routes(routes!(check)).routes(routes!(entries))
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

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Narrow {
    /// What was done to: `case:12`, `person:7`, `freeze:3`.
    subject: Option<String>,
    /// Who did it: `person:ada`, `key:exchange-1`.
    actor: Option<String>,
}

/// Who did what, the newest first: also who read whose personal data
#[utoipa::path(get, path = "/v1/journal/entries", tag = "journal", params(Narrow, PageQuery),
    responses((status = 200, body = Object), (status = 422, body = Problem)))]
async fn entries(
    State(app): State<App>,
    Query(narrow): Query<Narrow>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Entry>>, Problem> {
    let part = desk::part(&query)?;
    let filter = EntryFilter { subject: narrow.subject, actor: narrow.actor };
    let page = app.blocking(move |app| Ok(journal::list(&app.db, &filter, &part)?));
    page.await.map(Json)
}
