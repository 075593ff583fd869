//! Files of a case: sent as they are, kept with their hash, given back as they came.

use std::sync::LazyLock;

use axum::Json;
use axum::body::{self, Body};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use case::cases::{self, Content, Evidence, NewEvidence};
use case::{By, CaseId, EvidenceId};
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cases::with;
use super::desk;
use crate::access::Principal;
use crate::app::App;
use crate::extract::{Path, Query};
use crate::problem::Problem;

/// What casework keeps of one file at most.
const BYTES_MAX: usize = 16 << 20;
/// Files that are held in memory at once while they come in or go out.
const AT_ONCE: usize = 8;
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(AT_ONCE));

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(list, add)).routes(routes!(take))
}

/// The files of a case, with their hashes
#[utoipa::path(get, path = "/v1/cases/{case}/evidence", tag = "cases", params(("case" = i64, Path)),
    responses((status = 200, body = Vec<Object>), (status = 404, body = Problem)))]
async fn list(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<Vec<Evidence>>, Problem> {
    with(app, who, id, |app, _, id| cases::evidence(&app.db, id)).await.map(Json)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Named {
    /// What the file is called.
    name: String,
}

/// Keep a file: the body is its bytes, up to 16 MiB
///
/// `Content-Type` says what it is. The same bytes by the same name are kept once, so a write that is sent
/// again changes nothing; with an `Idempotency-Key` a body may have 1 MiB.
#[utoipa::path(post, path = "/v1/cases/{case}/evidence", tag = "cases",
    params(("case" = i64, Path), Named),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = Object), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 422, body = Problem)))]
async fn add(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Query(Named { name }): Query<Named>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Evidence>), Problem> {
    let seen = (who.clone(), id);
    // Who may not write there sends nothing for nothing.
    app.blocking(move |app| desk::case_seen(app, &seen.0, seen.1).map(drop)).await?;
    let place = PLACES.try_acquire().map_err(|_| Problem::overloaded())?;
    let bytes = body::to_bytes(body, BYTES_MAX).await.map_err(|_| Problem::too_large())?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let media_type = kind.unwrap_or("application/octet-stream").to_string();
    let new = NewEvidence { name, media_type, content: Content::Bytes(bytes.into()) };
    let add = move |app: &App, by: &By, id: CaseId| {
        let added = cases::add_evidence(&app.db, by, id, &new)?;
        let all = cases::evidence(&app.db, id)?;
        let found = all.into_iter().find(|evidence| evidence.id == added);
        found.ok_or_else(|| case::CaseError::missing("evidence of this case", added))
    };
    let kept = with(app, who, id, add).await;
    drop(place);
    Ok((StatusCode::CREATED, Json(kept?)))
}

/// A file as it came, once its bytes have their hash
#[utoipa::path(get, path = "/v1/cases/{case}/evidence/{evidence}", tag = "cases",
    params(("case" = i64, Path), ("evidence" = i64, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, body = Problem)))]
async fn take(
    State(app): State<App>,
    who: Principal,
    Path((id, evidence)): Path<(i64, i64)>,
) -> Result<Response, Problem> {
    let _place = PLACES.try_acquire().map_err(|_| Problem::overloaded())?;
    let take =
        move |app: &App, _: &By, id| cases::evidence_bytes(&app.db, id, EvidenceId(evidence));
    let bytes = with(app, who, id, take).await?;
    let bytes =
        bytes.ok_or_else(|| Problem::not_found("its bytes are kept elsewhere: see its path"))?;
    // Never shown by a browser, whatever it says of itself: a name or a kind from outside is no order.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"evidence-{evidence}\"")),
    ];
    Ok((headers, bytes).into_response())
}
