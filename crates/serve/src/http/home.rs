//! What everybody may know: the page, health, readiness, the document. And how the server does.

use std::fmt::Write;

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Document, web};
use crate::app::App;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(page))
        .routes(routes!(page_css))
        .routes(routes!(page_js))
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(document))
        .routes(routes!(metrics))
        .routes(routes!(docs))
        .routes(routes!(docs_js))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], text).into_response()
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// The page in which people work; a plain one that only signs in, where the web was not built
#[utoipa::path(get, path = "/", tag = "page", responses((status = 200, content_type = "text/html", body = String)))]
async fn page(headers: HeaderMap) -> Response {
    web::page(&headers).unwrap_or_else(|| file(HTML, include_str!("page/page.html")))
}

/// The plain page's style
#[utoipa::path(get, path = "/assets/page.css", tag = "page", responses((status = 200, content_type = "text/css", body = String)))]
async fn page_css() -> Response {
    file(CSS, include_str!("page/page.css"))
}

/// The plain page's script
#[utoipa::path(get, path = "/assets/page.js", tag = "page", responses((status = 200, content_type = "text/javascript", body = String)))]
async fn page_js() -> Response {
    file(JS, include_str!("page/page.js"))
}

/// The API, to be read and tried in a browser
#[utoipa::path(get, path = "/docs", tag = "page", responses((status = 200, content_type = "text/html", body = String)))]
async fn docs() -> Response {
    file(HTML, include_str!("page/docs.html"))
}

/// The script of that page
#[utoipa::path(get, path = "/assets/docs.js", tag = "page", responses((status = 200, content_type = "text/javascript", body = String)))]
async fn docs_js() -> Response {
    file(JS, include_str!("page/docs.js"))
}

#[derive(Serialize, ToSchema)]
struct Health {
    /// `up`.
    status: &'static str,
    version: &'static str,
}

/// Does the process live?
#[utoipa::path(get, path = "/v1/health", tag = "server", responses((status = 200, body = Health)))]
async fn health() -> Json<Health> {
    Json(Health { status: "up", version: env!("CARGO_PKG_VERSION") })
}

#[derive(Serialize, ToSchema)]
struct Ready {
    /// `ready`.
    status: &'static str,
}

/// Can it answer: does the database of casework?
#[utoipa::path(get, path = "/v1/ready", tag = "server", responses((status = 200, body = Ready), (status = 503, body = Problem)))]
async fn ready(State(app): State<App>) -> Result<Json<Ready>, Problem> {
    if *app.stopping().borrow() {
        return Err(not_ready("the server is stopping"));
    }
    let asked = app.blocking(|app| Ok(app.access.look()?)).await;
    asked.map_err(|_| not_ready("the database of casework does not answer"))?;
    Ok(Json(Ready { status: "ready" }))
}

fn not_ready(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "the server is not ready")
        .detail(detail)
        .retry_after(5)
}

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "server", responses((status = 200, body = Object)))]
async fn document(Extension(Document(document)): Extension<Document>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document).into_response()
}

/// How the server does, as Prometheus reads it
#[utoipa::path(get, path = "/metrics", tag = "server", responses((status = 200, content_type = "text/plain", body = String)))]
async fn metrics(State(app): State<App>) -> Response {
    let mut text = app.metrics.text();
    let gauge = |text: &mut String, name: &str, help: &str, value: String| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
    };
    let in_flight = app.load.in_flight().to_string();
    gauge(&mut text, "interdict_requests_in_flight", "Requests worked on now.", in_flight);
    let lag = format!("{:.6}", app.load.lag().as_secs_f64());
    gauge(&mut text, "interdict_lag_seconds", "How late the server is with its work.", lag);
    let keys = app.access.known().all_keys().len().to_string();
    gauge(&mut text, "interdict_keys", "API keys, revoked ones too.", keys);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
