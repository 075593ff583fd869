//! Signing in and out, and what concerns oneself.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::passkeys::Answered;
use crate::access::sessions::csrf_token;
use crate::access::signing::Second;
use crate::access::{Principal, User, passwords, signing, totp};
use crate::app::App;
use crate::extract::Body;
use crate::frame::Peer;
use crate::frame::guard::{Cookie, cookie_name};
use crate::frame::idempotency::ShownOnce;
use crate::policy::{Role, Scope};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(sign_in, who_am_i, sign_out))
        .routes(routes!(ways))
        .routes(routes!(welcome))
        .routes(routes!(change_password))
        .routes(routes!(offer_totp, drop_totp))
        .routes(routes!(confirm_totp))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    name: String,
    password: String,
    /// Six digits, where a second factor is set up.
    code: Option<String>,
    /// Instead of a code, the answer to `POST /v1/session/passkey/begin`.
    passkey: Option<Answered>,
}

/// Who is asking, as the server knows them.
#[derive(Serialize, ToSchema)]
struct Me {
    /// As the journal names them: `person:ada`, `key:exchange-1`.
    actor: String,
    role: Option<Role>,
    scopes: Vec<Scope>,
    teams: Vec<i64>,
    has_totp: bool,
    has_passkey: bool,
    /// A cookie-made write carries it in `X-CSRF-Token`.
    csrf: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct SignedIn {
    /// A cookie-made write carries it in `X-CSRF-Token`.
    csrf: String,
}

/// Sign in
#[utoipa::path(post, path = "/v1/session", tag = "session", request_body = SignIn,
    responses((status = 200, body = SignedIn), (status = 401, body = Problem), (status = 429, body = Problem)))]
async fn sign_in(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    Body(asked): Body<SignIn>,
) -> Result<Response, Problem> {
    let name = asked.name.trim().to_lowercase();
    let second = match (asked.passkey, asked.code) {
        (Some(answered), _) => Second::Passkey(answered),
        (None, Some(code)) => Second::Code(code),
        (None, None) => Second::Nothing,
    };
    let cookie = signing::sign_in(&app, &name, asked.password, second, address(peer)).await?;
    Ok(signed_in(&app, &cookie))
}

/// How one signs in here, besides a name and a password.
#[derive(Serialize, ToSchema)]
struct Ways {
    /// `POST /v1/session/passkey/begin` answers.
    has_passkeys: bool,
    /// Where `GET /v1/oidc/login` leads: the provider's host. Null: there is none.
    provider: Option<String>,
}

/// How can one sign in here
#[utoipa::path(get, path = "/v1/session/ways", tag = "session", responses((status = 200, body = Ways)))]
async fn ways(State(app): State<App>) -> Json<Ways> {
    let settings = &app.settings;
    let provider = settings.oidc.as_ref().map(|oidc| oidc.host().to_string());
    Json(Ways { has_passkeys: settings.passkeys.is_some(), provider })
}

/// Who am I
#[utoipa::path(get, path = "/v1/session", tag = "session", responses((status = 200, body = Me)))]
async fn who_am_i(who: Principal, cookie: Option<Extension<Cookie>>) -> Json<Me> {
    let csrf = cookie.map(|Extension(Cookie(cookie))| csrf_token(&cookie));
    let (actor, role) = (who.actor(), who.role());
    Json(match who {
        Principal::Person { user, .. } => Me {
            actor,
            role,
            scopes: Vec::new(),
            teams: user.teams.clone(),
            has_totp: user.has_totp,
            has_passkey: user.has_passkey,
            csrf,
        },
        Principal::Key(key) => Me {
            actor,
            role,
            scopes: key.scopes.list(),
            teams: key.team.into_iter().collect(),
            has_totp: false,
            has_passkey: false,
            csrf,
        },
    })
}

/// Sign out
#[utoipa::path(delete, path = "/v1/session", tag = "session", responses((status = 204)))]
async fn sign_out(State(app): State<App>, who: Principal) -> Result<Response, Problem> {
    let Principal::Person { session, .. } = who else { return Err(Problem::unauthenticated()) };
    app.blocking(move |app| app.access.end_session(&session)).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&app, &mut response, "", 0);
    Ok(response)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Welcome {
    /// What stands behind `#welcome=` in the link.
    secret: String,
    /// The first administrator chooses one; others have theirs.
    name: Option<String>,
    password: String,
}

/// Use a one-time link: choose a password and be signed in
#[utoipa::path(post, path = "/v1/welcome", tag = "session", request_body = Welcome,
    responses((status = 200, body = SignedIn), (status = 401, body = Problem), (status = 422, body = Problem)))]
async fn welcome(State(app): State<App>, Body(asked): Body<Welcome>) -> Result<Response, Problem> {
    let cookie = signing::welcome(&app, asked.secret, asked.name, asked.password).await?;
    Ok(signed_in(&app, &cookie))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    old: String,
    new: String,
}

/// Change my password; my other sessions end
#[utoipa::path(post, path = "/v1/session/password", tag = "session", request_body = NewPassword,
    responses((status = 200, body = SignedIn), (status = 401, body = Problem), (status = 422, body = Problem)))]
async fn change_password(
    State(app): State<App>,
    who: Principal,
    peer: Option<Extension<Peer>>,
    Body(asked): Body<NewPassword>,
) -> Result<Response, Problem> {
    let user = person(&who)?;
    passwords::check(&asked.new, &user.name)
        .map_err(|problem| Problem { field: Some("/new".into()), ..problem })?;
    signing::prove(&app, user, asked.old, address(peer)).await?;
    let (id, hash) = (user.id, app.access.passwords.hash(asked.new).await?);
    let cookie = app.blocking(move |app| app.access.set_password(id, &hash)).await?;
    Ok(signed_in(&app, &cookie))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "password": "a sentence of some length" }))]
pub(super) struct MyPassword {
    pub(super) password: String,
}

#[derive(Serialize, ToSchema)]
struct TotpOffer {
    /// To be typed into the device.
    secret: String,
    /// To be shown to it as a picture.
    url: String,
}

/// Begin with a second factor; it counts once a code of it was confirmed
#[utoipa::path(post, path = "/v1/session/totp", tag = "session", request_body = MyPassword,
    responses((status = 200, body = TotpOffer), (status = 401, body = Problem)))]
async fn offer_totp(
    State(app): State<App>,
    who: Principal,
    peer: Option<Extension<Peer>>,
    Body(asked): Body<MyPassword>,
) -> Result<Response, Problem> {
    let user = person(&who)?;
    signing::prove(&app, user, asked.password, address(peer)).await?;
    let id = user.id;
    let secret = app.blocking(move |app| app.access.offer_totp(id)).await?;
    let offer = TotpOffer { secret: totp::shown(&secret), url: totp::url(&secret, &user.name) };
    Ok((Extension(ShownOnce), Json(offer)).into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Code {
    /// Six digits.
    code: String,
}

/// Confirm the second factor with a code of it
#[utoipa::path(post, path = "/v1/session/totp/confirm", tag = "session", request_body = Code,
    responses((status = 204), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn confirm_totp(
    State(app): State<App>,
    who: Principal,
    Body(asked): Body<Code>,
) -> Result<StatusCode, Problem> {
    let id = person(&who)?.id;
    app.blocking(move |app| app.access.confirm_totp(id, &asked.code)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Do without the second factor
#[utoipa::path(delete, path = "/v1/session/totp", tag = "session", request_body = MyPassword,
    responses((status = 204), (status = 401, body = Problem)))]
async fn drop_totp(
    State(app): State<App>,
    who: Principal,
    peer: Option<Extension<Peer>>,
    Body(asked): Body<MyPassword>,
) -> Result<StatusCode, Problem> {
    let user = person(&who)?;
    signing::prove(&app, user, asked.password, address(peer)).await?;
    let id = user.id;
    app.blocking(move |app| app.access.drop_totp(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn person(who: &Principal) -> Result<&User, Problem> {
    match who {
        Principal::Person { user, .. } => Ok(user),
        Principal::Key(_) => Err(Problem::forbidden("a key is no person")),
    }
}

pub(super) fn address(peer: Option<Extension<Peer>>) -> IpAddr {
    peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |Extension(Peer(peer))| peer.ip())
}

pub(super) fn signed_in(app: &App, cookie: &str) -> Response {
    let body = SignedIn { csrf: csrf_token(cookie) };
    let mut response = (Extension(ShownOnce), Json(body)).into_response();
    set_cookie(app, &mut response, cookie, app.settings.session_max.as_secs());
    response
}

/// Scripts do not see it, other sites do not send it, and under TLS it goes nowhere else.
pub(super) fn set_cookie(app: &App, response: &mut Response, cookie: &str, seconds: u64) {
    let is_tls = app.settings.is_tls;
    let (name, secure) = (cookie_name(is_tls), if is_tls { "; Secure" } else { "" });
    let text =
        format!("{name}={cookie}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
}
