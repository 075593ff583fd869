//! `Idempotency-Key`: a write that is sent again is done once.
//!
//! Before the work begins its key is noted; when it is done, its answer is kept with the key for a
//! day. The same key with the same request is answered with that; with another request it is refused.
//! A key that was noted and has no answer means that the server stopped in the middle: it says so.

use axum::body::{self, Body};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use case::db::{Db, DbError, Migration};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::problem::Problem;
use crate::time;

pub const STEPS: &[Migration] = &["
CREATE TABLE idempotency (
    actor TEXT NOT NULL,
    name TEXT NOT NULL,
    request BLOB NOT NULL,
    made_at BIGINT NOT NULL,
    status BIGINT,
    kind TEXT,
    body BLOB,
    PRIMARY KEY (actor, name)
);
CREATE INDEX idempotency_by_age ON idempotency (made_at)
"];

pub static HEADER: HeaderName = HeaderName::from_static("idempotency-key");
static REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How long an answer is kept.
const KEPT_S: i64 = 24 * 3600;
/// Longer answers are not kept; none of ours to a write is.
const ANSWER_BYTES_MAX: usize = 1 << 20;
const NAME_LENGTH_MAX: usize = 128;

/// Put into an answer's extensions: it shows a secret once and is not kept.
#[derive(Clone, Copy, Debug)]
pub struct ShownOnce;

enum Found {
    /// It is ours to do.
    New,
    Answered {
        status: u16,
        kind: Option<String>,
        body: Vec<u8>,
    },
    /// Without an answer; since when.
    Begun(i64),
    /// Of another request.
    Other,
}

/// Does the request, or answers as it was answered before.
pub async fn once<F: Future<Output = Response>>(
    app: &App,
    actor: String,
    request: Request,
    run: impl FnOnce(Request) -> F,
) -> Result<Response, Problem> {
    let name = name(&request)?;
    let (parts, body) = request.into_parts();
    let bytes = body::to_bytes(body, app.settings.body_bytes_max).await;
    let bytes = bytes.map_err(|_| Problem::too_large())?;
    let mut hash = Sha256::new();
    for part in [parts.method.as_str().as_bytes(), parts.uri.to_string().as_bytes(), &bytes] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let hash = hash.finalize().to_vec();
    let noted = (actor.clone(), name.clone());
    match app.blocking(move |app| Ok(note(&app.db, &noted.0, &noted.1, &hash)?)).await? {
        Found::New => {}
        Found::Answered { status, kind, body } => return Ok(again(status, kind, body)),
        Found::Begun(since) => return Err(unknown(since)),
        Found::Other => return Err(other()),
    }
    let response = run(Request::from_parts(parts, Body::from(bytes))).await;
    keep(app, actor, name, response).await
}

fn name(request: &Request) -> Result<String, Problem> {
    let wrong = || {
        Problem::invalid(
            "Idempotency-Key",
            format!("expected one header of 1 to {NAME_LENGTH_MAX} visible ASCII characters"),
        )
    };
    let mut values = request.headers().get_all(&HEADER).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(wrong()) };
    let name = value.to_str().map_err(|_| wrong())?;
    let is_visible = name.bytes().all(|byte| byte.is_ascii_graphic());
    if name.is_empty() || name.len() > NAME_LENGTH_MAX || !is_visible {
        return Err(wrong());
    }
    Ok(name.to_string())
}

fn note(db: &Db, actor: &str, name: &str, request: &[u8]) -> Result<Found, DbError> {
    let now = time::now();
    db.write(|tx| {
        tx.run("DELETE FROM idempotency WHERE made_at < $1", &[(now - KEPT_S).into()])?;
        let row = tx.row(
            "SELECT request, made_at, status, kind, body FROM idempotency \
             WHERE actor = $1 AND name = $2",
            &[actor.into(), name.into()],
        )?;
        let Some(row) = row else {
            tx.run(
                "INSERT INTO idempotency (actor, name, request, made_at) VALUES ($1, $2, $3, $4)",
                &[actor.into(), name.into(), request.into(), now.into()],
            )?;
            return Ok(Found::New);
        };
        if row.bytes(0)? != request {
            return Ok(Found::Other);
        }
        let Some(status) = row.int_if(2)? else { return Ok(Found::Begun(row.int(1)?)) };
        Ok(Found::Answered {
            status: u16::try_from(status).unwrap_or(500),
            kind: row.text_if(3)?.map(str::to_string),
            body: row.bytes_if(4)?.unwrap_or_default().to_vec(),
        })
    })
}

/// An answer that says nothing of what was done (ours failed, try later) is not kept.
async fn keep(
    app: &App,
    actor: String,
    name: String,
    response: Response,
) -> Result<Response, Problem> {
    let (parts, body) = response.into_parts();
    let bytes = body::to_bytes(body, ANSWER_BYTES_MAX).await;
    let bytes = bytes.map_err(|_| Problem::internal())?;
    let is_kept = !parts.status.is_server_error()
        && parts.status != StatusCode::TOO_MANY_REQUESTS
        && parts.extensions.get::<ShownOnce>().is_none();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let (status, kind) = (i64::from(parts.status.as_u16()), kind.map(str::to_string));
    let answer = bytes.clone();
    app.blocking(move |app| {
        let answered = app.db.write(|tx| match is_kept {
            true => tx.run(
                "UPDATE idempotency SET status = $3, kind = $4, body = $5 \
                 WHERE actor = $1 AND name = $2",
                &[
                    actor.as_str().into(),
                    name.as_str().into(),
                    status.into(),
                    kind.clone().into(),
                    answer.as_ref().into(),
                ],
            ),
            false => tx.run(
                "DELETE FROM idempotency WHERE actor = $1 AND name = $2",
                &[actor.as_str().into(), name.as_str().into()],
            ),
        });
        Ok(answered.map(drop)?)
    })
    .await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn again(status: u16, kind: Option<String>, body: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(REPLAYED.clone(), HeaderValue::from_static("true"));
    headers.remove(header::CONTENT_TYPE);
    if let Some(kind) = kind.and_then(|kind| HeaderValue::try_from(kind).ok()) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    response
}

fn other() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency-key-reused",
        "this Idempotency-Key was sent with another request",
    )
    .field("Idempotency-Key")
}

fn unknown(since: i64) -> Problem {
    let since = time::rfc3339(since);
    Problem::conflict(format!(
        "a request with this Idempotency-Key began at {since} and has no answer yet: it is still \
         worked on, or the server stopped meanwhile; look whether it was done before sending another"
    ))
}
