//! Passkeys: adding, listing and removing one's own, and signing in by one.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::{MyPassword, SignedIn, address, person, signed_in};
use crate::access::passkeys::{Answered, NewCredential, Passkey};
use crate::access::{Principal, signing};
use crate::app::App;
use crate::extract::{Body, Path};
use crate::frame::Peer;
use crate::frame::idempotency::ShownOnce;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(list, add))
        .routes(routes!(begin_adding))
        .routes(routes!(remove))
        .routes(routes!(begin_signing_in))
        .routes(routes!(sign_in))
}

#[derive(Serialize, ToSchema)]
struct Passkeys {
    items: Vec<Passkey>,
}

/// My passkeys
#[utoipa::path(get, path = "/v1/session/passkeys", tag = "session",
    responses((status = 200, body = Passkeys)))]
async fn list(State(app): State<App>, who: Principal) -> Result<Json<Passkeys>, Problem> {
    let id = person(&who)?.id;
    let items = app.blocking(move |app| app.access.passkeys(id)).await?;
    Ok(Json(Passkeys { items }))
}

/// A question to a browser; its answer is sent back with `ceremony`.
#[derive(Serialize, ToSchema)]
struct Ceremony {
    ceremony: String,
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    #[serde(rename = "publicKey")]
    #[schema(value_type = Object)]
    public_key: Value,
}

impl Ceremony {
    fn of(mut options: Value) -> Ceremony {
        let ceremony = options["ceremony"].as_str().unwrap_or_default().to_string();
        Ceremony { ceremony, public_key: options["publicKey"].take() }
    }
}

/// Begin to add a passkey
#[utoipa::path(post, path = "/v1/session/passkeys/begin", tag = "session", request_body = MyPassword,
    responses((status = 200, body = Ceremony), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn begin_adding(
    State(app): State<App>,
    who: Principal,
    peer: Option<Extension<Peer>>,
    Body(asked): Body<MyPassword>,
) -> Result<Response, Problem> {
    let user = person(&who)?.clone();
    signing::prove(&app, &user, asked.password, address(peer)).await?;
    let options = app.blocking(move |app| app.access.offer_passkey(&user)).await?;
    Ok((Extension(ShownOnce), Json(Ceremony::of(options))).into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddPasskey {
    ceremony: String,
    /// What one calls it: `phone`, `blue key`.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    credential: NewCredential,
}

#[derive(Serialize, ToSchema)]
struct PasskeyAdded {
    id: i64,
}

/// Add it: what the browser made of the beginning
#[utoipa::path(post, path = "/v1/session/passkeys", tag = "session", request_body = AddPasskey,
    responses((status = 201, body = PasskeyAdded), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn add(
    State(app): State<App>,
    who: Principal,
    Body(asked): Body<AddPasskey>,
) -> Result<(StatusCode, Json<PasskeyAdded>), Problem> {
    let user = person(&who)?.id;
    let AddPasskey { ceremony, name, credential } = asked;
    let add = move |app: &App| app.access.add_passkey(user, &ceremony, &name, &credential);
    let id = app.blocking(add).await?;
    Ok((StatusCode::CREATED, Json(PasskeyAdded { id })))
}

/// Remove one of mine
#[utoipa::path(delete, path = "/v1/session/passkeys/{passkey}", tag = "session", params(("passkey" = i64, Path)),
    request_body = MyPassword, responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn remove(
    State(app): State<App>,
    who: Principal,
    peer: Option<Extension<Peer>>,
    Path(passkey): Path<i64>,
    Body(asked): Body<MyPassword>,
) -> Result<StatusCode, Problem> {
    let user = person(&who)?;
    signing::prove(&app, user, asked.password, address(peer)).await?;
    let id = user.id;
    app.blocking(move |app| app.access.remove_passkey(id, passkey)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begin to sign in by a passkey, alone or beside a password
#[utoipa::path(post, path = "/v1/session/passkey/begin", tag = "session",
    responses((status = 200, body = Ceremony), (status = 404, body = Problem)))]
async fn begin_signing_in(State(app): State<App>) -> Result<Json<Ceremony>, Problem> {
    Ok(Json(Ceremony::of(app.access.ask_passkey()?)))
}

/// Sign in by a passkey alone; its device has asked for a PIN or a finger
#[utoipa::path(post, path = "/v1/session/passkey", tag = "session", request_body = Answered,
    responses((status = 200, body = SignedIn), (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn sign_in(State(app): State<App>, Body(asked): Body<Answered>) -> Result<Response, Problem> {
    let cookie = app.blocking(move |app| app.access.sign_in_by_passkey(&asked)).await?;
    Ok(signed_in(&app, &cookie))
}
