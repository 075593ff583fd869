//! Signing in by an OpenID Connect provider: away to it, and back.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::set_cookie;
use crate::access::oidc::{self, Oidc};
use crate::app::App;
use crate::extract::Query;
use crate::frame::guard::sent_cookie;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(login)).routes(routes!(callback))
}

/// Who began is who comes back.
const COOKIE: &str = "interdict-oidc";

fn set_up(app: &App) -> Result<Arc<Oidc>, Problem> {
    app.settings
        .oidc
        .clone()
        .ok_or_else(|| Problem::not_found("no sign-in provider is set up here"))
}

/// Away to the provider
#[utoipa::path(get, path = "/v1/oidc/login", tag = "session",
    responses((status = 303), (status = 404, body = Problem), (status = 502, body = Problem)))]
async fn login(State(app): State<App>, headers: HeaderMap) -> Response {
    away(&app).await.unwrap_or_else(|problem| told(problem, &headers))
}

async fn away(app: &App) -> Result<Response, Problem> {
    let away = set_up(app)?.begin().await?;
    let mut response = to(&away.location)?;
    // Sent along when the provider sends the browser back, and nowhere else.
    keep(app, &mut response, &away.cookie, 300);
    Ok(response)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Back {
    state: Option<String>,
    code: Option<String>,
    /// The provider did not let them.
    error: Option<String>,
}

/// Back from the provider: signed in, and on to the page
#[utoipa::path(get, path = "/v1/oidc/callback", tag = "session", params(Back),
    responses((status = 303), (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn callback(
    State(app): State<App>,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Response {
    ended(&app, &headers, back).await.unwrap_or_else(|problem| told(problem, &headers))
}

async fn ended(app: &App, headers: &HeaderMap, back: Back) -> Result<Response, Problem> {
    let oidc = set_up(app)?;
    if let Some(error) = back.error {
        let error: String = error.chars().filter(|c| c.is_ascii_graphic()).take(60).collect();
        let title = "the provider did not sign you in";
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "sign-in-failed", title);
        return Err(problem.detail(error));
    }
    let (Some(state), Some(code)) = (back.state, back.code) else {
        return Err(Problem::invalid("code", "expected `state` and `code` of the provider"));
    };
    let browser = sent_cookie(headers, COOKIE).unwrap_or_default();
    let cookie = oidc::sign_in(app, &oidc, &state, &code, browser).await?;
    let mut response = to("/")?;
    set_cookie(app, &mut response, &cookie, app.settings.session_max.as_secs());
    keep(app, &mut response, "", 0);
    Ok(response)
}

/// A person comes here with the whole of their browser, and would see bare JSON: they get words and a way
/// back. The words are in the answer, never in a link, which anybody could write.
fn told(problem: Problem, headers: &HeaderMap) -> Response {
    let asks = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if !asks.is_some_and(|kinds| kinds.contains("text/html")) {
        return problem.into_response();
    }
    let page = include_str!("page/refused.html")
        .replace("{title}", &escaped(problem.title))
        .replace("{detail}", &escaped(problem.detail.as_deref().unwrap_or_default()));
    let mut response = problem.into_response();
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = page.into();
    response
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

fn to(location: &str) -> Result<Response, Problem> {
    let location = HeaderValue::from_str(location).map_err(|_| Problem::internal())?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

fn keep(app: &App, response: &mut Response, cookie: &str, seconds: u64) {
    let secure = if app.settings.is_tls { "; Secure" } else { "" };
    let text = format!(
        "{COOKIE}={cookie}; Path=/v1/oidc; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
