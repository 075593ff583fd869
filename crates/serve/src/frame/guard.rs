//! What every request passes: room, who it is, whether they may, and what goes with every answer.
//!
//! The order matters. Whoever is unknown learns nothing, not even whether a path exists; so nothing of
//! a request is read before it is known who sent it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use serde_json::json;

use super::log::{self, Level};
use super::{headers, idempotency};
use crate::access::sessions::csrf_token;
use crate::access::{Principal, secret};
use crate::app::App;
use crate::policy::{Needs, Table};
use crate::problem::Problem;
use crate::time;

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The cookie of a session, as it came: for the routes of sessions.
#[derive(Clone, Debug)]
pub struct Cookie(pub String);

#[derive(Clone)]
pub struct Guard {
    pub app: App,
    pub table: Arc<Table>,
}

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
static API_KEY: HeaderName = HeaderName::from_static("x-api-key");
static FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Slower answers go to the log.
const SLOW: Duration = Duration::from_secs(1);

pub async fn pass(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let (method, path) =
        (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let route = path.as_ref().map_or("", MatchedPath::as_str);
    let id = RequestId::next();
    let mut actor = None;
    let admitted = admit(&guard, &mut request, &method, route);
    let mut response = match admitted {
        Err(problem) => problem.into_response(),
        Ok(principal) => {
            actor = principal.as_ref().map(Principal::actor);
            answer(&guard.app, request, next, actor.as_deref()).await
        }
    };
    headers::add(response.headers_mut(), guard.app.settings.is_tls);
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    let (status, took) = (response.status(), start.elapsed());
    guard.app.metrics.count(&method, route, status, took);
    note(&guard.app, &method, route, status, took, actor.as_deref(), &id.0);
    response
}

/// Who may go on; nobody where the route is open.
fn admit(
    guard: &Guard,
    request: &mut Request,
    method: &Method,
    route: &str,
) -> Result<Option<Principal>, Problem> {
    let (app, needs) = (&guard.app, guard.table.needs(method, route));
    let peer = request.extensions().get::<Peer>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip());
    let found = identify(app, request.headers(), needs == Some(Needs::Nothing))?;
    match &found {
        Found::Key(key) => {
            let admitted = key.use_.bucket.admit(key.rate, app.load.now_ns());
            admitted.map_err(|wait| limited(app, wait))?;
        }
        Found::Person(..) | Found::Nobody => {
            app.load.admit_address(peer).map_err(|wait| limited(app, wait))?;
        }
    }
    let (principal, cookie) = match found {
        Found::Nobody if needs == Some(Needs::Nothing) => (None, None),
        Found::Nobody => return Err(refused(app, Problem::unauthenticated())),
        Found::Key(key) => (Some(Principal::Key(key)), None),
        Found::Person(principal, cookie) => (Some(principal), Some(cookie)),
    };
    // Whoever writes from a browser writes from our page.
    if !is_safe(method) {
        if cookie.is_some() || principal.is_none() {
            same_origin(request.headers()).map_err(|problem| refused(app, problem))?;
        }
        if let Some(cookie) = &cookie {
            csrf(request.headers(), cookie).map_err(|problem| refused(app, problem))?;
        }
    }
    if let (Some(principal), Some(needs)) = (&principal, needs)
        && !principal.may(needs)
    {
        return Err(refused(app, Problem::forbidden(format!("expected {needs}"))));
    }
    if let Some(principal) = &principal {
        request.extensions_mut().insert(principal.clone());
    }
    if let Some(cookie) = cookie {
        request.extensions_mut().insert(Cookie(cookie));
    }
    Ok(principal)
}

enum Found {
    Nobody,
    Key(Arc<crate::access::Key>),
    Person(Principal, String),
}

/// Credentials that are wrong are refused where some are needed, and mean nothing where none are.
fn identify(app: &App, headers: &HeaderMap, is_open: bool) -> Result<Found, Problem> {
    if is_open {
        return Ok(Found::Nobody);
    }
    let now = time::now();
    if let Some(key) = sent_key(headers) {
        let known = app.access.known();
        let key = key.and_then(|key| known.key(&secret::hash(key)));
        return Ok(match key.filter(|key| key.is_valid(now)) {
            Some(key) => {
                key.note_use(now);
                Found::Key(key.clone())
            }
            None => Found::Nobody,
        });
    }
    let Some(cookie) = sent_cookie(headers, cookie_name(app.settings.is_tls)) else {
        return Ok(Found::Nobody);
    };
    Ok(match app.access.session(cookie, now) {
        Some((user, session)) => {
            session.note_use(now);
            Found::Person(Principal::Person { user, session }, cookie.to_string())
        }
        None => Found::Nobody,
    })
}

/// Some(None): something was sent that is no key.
fn sent_key(headers: &HeaderMap) -> Option<Option<&str>> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().unwrap_or_default();
        return Some(match text.split_at_checked(7) {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer ") => Some(key.trim()),
            _ => None,
        });
    }
    headers.get(&API_KEY).map(|value| value.to_str().ok())
}

/// `__Host-` binds it to this host and to TLS.
pub fn cookie_name(is_tls: bool) -> &'static str {
    if is_tls { "__Host-interdict" } else { "interdict" }
}

pub(crate) fn sent_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Browsers say where a write comes from. Programs say nothing, and have no cookie.
fn same_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let wrong = || Problem::forbidden("this write comes from another site");
    if let Some(site) = headers.get(&FETCH_SITE)
        && !["same-origin", "none"].iter().any(|fine| site.as_bytes() == fine.as_bytes())
    {
        return Err(wrong());
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().map_err(|_| wrong())?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let from = origin.split_once("://").map(|(_, host)| host);
    match (from, host) {
        (Some(from), Some(host)) if from.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(wrong()),
    }
}

fn csrf(headers: &HeaderMap, cookie: &str) -> Result<(), Problem> {
    let sent = headers.get(&CSRF).and_then(|token| token.to_str().ok()).unwrap_or_default();
    if secret::is_equal(sent, &csrf_token(cookie)) {
        return Ok(());
    }
    Err(Problem::forbidden("expected the session's token in X-CSRF-Token: GET /v1/session says it"))
}

fn limited(app: &App, wait: Duration) -> Problem {
    app.metrics.limited.fetch_add(1, Ordering::Relaxed);
    Problem::too_many(wait.as_secs() + 1)
}

fn refused(app: &App, problem: Problem) -> Problem {
    app.metrics.refused.fetch_add(1, Ordering::Relaxed);
    problem
}

async fn answer(app: &App, request: Request, next: Next, actor: Option<&str>) -> Response {
    // Whoever asks whether the server lives is told also when it has much to do.
    let is_probe = request.uri().path() == "/v1/health";
    let entered = app.load.enter();
    if entered.is_none() && !is_probe {
        app.metrics.shed.fetch_add(1, Ordering::Relaxed);
        return Problem::overloaded().into_response();
    }
    let is_once = !is_safe(request.method())
        && request.headers().contains_key(&idempotency::HEADER)
        && actor.is_some();
    let work = AssertUnwindSafe(async {
        match actor.filter(|_| is_once) {
            // On a task of its own: it goes on when who asked goes away, and is answered when they
            // ask again.
            Some(actor) => {
                let (app, actor) = (app.clone(), actor.to_string());
                let done = tokio::spawn(async move {
                    let run = |request| next.run(request);
                    idempotency::once(&app, actor, request, run).await.into_response()
                });
                done.await.unwrap_or_else(|_| Problem::internal().into_response())
            }
            None => next.run(request).await,
        }
    });
    match tokio::time::timeout(app.settings.timeout, work.catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            app.metrics.panics.fetch_add(1, Ordering::Relaxed);
            Problem::internal().into_response()
        }
        Err(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "it took too long")
            .retry_after(5)
            .into_response(),
    }
}

/// Reads that went well are not told: there are thousands a second.
fn note(
    app: &App,
    method: &Method,
    route: &str,
    status: StatusCode,
    took: Duration,
    actor: Option<&str>,
    id: &str,
) {
    let is_failed = status.is_server_error();
    let is_told = app.settings.log_all || is_failed || took > SLOW || !is_safe(method);
    if !is_told || app.settings.log_nothing {
        return;
    }
    let level = if is_failed { Level::Error } else { Level::Info };
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let fields = json!({
        "request": id, "method": method.as_str(), "route": route, "status": status.as_u16(),
        "took_us": took_us, "actor": actor,
    });
    if !log::line(level, "request", fields) {
        app.metrics.log_lines_lost.fetch_add(1, Ordering::Relaxed);
    }
}

/// Finds an answer in the log.
struct RequestId(String);

impl RequestId {
    fn next() -> RequestId {
        static START: std::sync::LazyLock<u64> = std::sync::LazyLock::new(|| {
            let mut bytes = [0_u8; 8];
            getrandom::fill(&mut bytes).expect("the system gives random bytes");
            u64::from_le_bytes(bytes)
        });
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // An odd factor: no number comes twice, and none tells how many came before.
        RequestId(format!("{:016x}", START.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
    }
}
