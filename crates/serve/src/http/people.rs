//! Administration: people, teams and keys.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::keys::NewKey;
use crate::access::users::UserChange;
use crate::access::{Key, Principal, User};
use crate::app::App;
use crate::extract::{Body, Path, Query};
use crate::frame::idempotency::ShownOnce;
use crate::page::{Page, PageQuery};
use crate::policy::{Role, Scope};
use crate::problem::Problem;
use crate::time;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(users, add_user))
        .routes(routes!(change_user))
        .routes(routes!(reset_user))
        .routes(routes!(teams, add_team))
        .routes(routes!(keys, make_key))
        .routes(routes!(revoke_key))
}

#[derive(Serialize, ToSchema)]
struct UserShown {
    id: i64,
    name: String,
    role: Role,
    teams: Vec<i64>,
    /// False until they used their link.
    has_password: bool,
    has_totp: bool,
    has_passkey: bool,
    is_locked: bool,
    made_at: String,
    signed_in_at: Option<String>,
}

impl UserShown {
    fn of(user: &User) -> UserShown {
        UserShown {
            id: user.id,
            name: user.name.clone(),
            role: user.role,
            teams: user.teams.clone(),
            has_password: user.has_password,
            has_totp: user.has_totp,
            has_passkey: user.has_passkey,
            is_locked: user.is_locked,
            made_at: time::rfc3339(user.made_at),
            signed_in_at: user.signed_in_at.map(time::rfc3339),
        }
    }
}

/// Everybody who may sign in
#[utoipa::path(get, path = "/v1/users", tag = "people", params(PageQuery),
    responses((status = 200, body = Page<UserShown>)))]
async fn users(
    State(app): State<App>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<UserShown>>, Problem> {
    let (after, limit) = (query.after::<i64>()?.unwrap_or(0), query.limit()?);
    let known = app.access.known();
    let users = known.all_users().into_iter().filter(|user| user.id > after);
    let page = Page::of(users.take(limit + 1).collect(), limit, |user| user.id);
    Ok(Json(page.map(|user| UserShown::of(user))))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddUser {
    name: String,
    role: Role,
    #[serde(default)]
    teams: Vec<i64>,
}

#[derive(Serialize, ToSchema)]
struct Invited {
    id: i64,
    /// Behind `/#welcome=` of this server, for a day, once: it lets them choose a password.
    secret: String,
}

/// Add somebody; the answer has the secret of their one-time link
#[utoipa::path(post, path = "/v1/users", tag = "people", request_body = AddUser,
    responses((status = 201, body = Invited), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn add_user(
    State(app): State<App>,
    who: Principal,
    Body(asked): Body<AddUser>,
) -> Result<Response, Problem> {
    let by = who.actor();
    let invited = app
        .blocking(move |app| {
            let id = app.access.add_user(&asked.name, asked.role, &asked.teams, &by)?;
            Ok(Invited { id, secret: app.access.invite(Some(id))? })
        })
        .await?;
    Ok((StatusCode::CREATED, Extension(ShownOnce), Json(invited)).into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeUser {
    role: Option<Role>,
    teams: Option<Vec<i64>>,
    is_locked: Option<bool>,
}

/// Another role, other teams; lock or unlock
#[utoipa::path(patch, path = "/v1/users/{user}", tag = "people", params(("user" = i64, Path)),
    request_body = ChangeUser, responses((status = 200, body = UserShown), (status = 404, body = Problem)))]
async fn change_user(
    State(app): State<App>,
    who: Principal,
    Path(user): Path<i64>,
    Body(asked): Body<ChangeUser>,
) -> Result<Json<UserShown>, Problem> {
    let ChangeUser { role, teams, is_locked } = asked;
    let change = UserChange { role, teams, is_locked };
    let by = who.actor();
    app.blocking(move |app| app.access.change_user(user, &change, &by)).await?;
    let known = app.access.known();
    let user = known.users.get(&user);
    user.map(|user| Json(UserShown::of(user))).ok_or_else(|| Problem::not_found("user"))
}

/// Take password and second factor away; the answer has the secret of a new one-time link
#[utoipa::path(post, path = "/v1/users/{user}/reset", tag = "people", params(("user" = i64, Path)),
    responses((status = 200, body = Invited), (status = 404, body = Problem)))]
async fn reset_user(
    State(app): State<App>,
    who: Principal,
    Path(user): Path<i64>,
) -> Result<Response, Problem> {
    let by = who.actor();
    let secret = app.blocking(move |app| app.access.reset(user, &by)).await?;
    Ok((Extension(ShownOnce), Json(Invited { id: user, secret })).into_response())
}

#[derive(Serialize, ToSchema)]
struct TeamShown {
    id: i64,
    name: String,
}

/// Every team
#[utoipa::path(get, path = "/v1/teams", tag = "people", params(PageQuery),
    responses((status = 200, body = Page<TeamShown>)))]
async fn teams(
    State(app): State<App>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TeamShown>>, Problem> {
    let (after, limit) = (query.after::<i64>()?.unwrap_or(0), query.limit()?);
    let known = app.access.known();
    let teams = known.teams.iter().filter(|team| team.id > after).take(limit + 1);
    let shown = teams.map(|team| TeamShown { id: team.id, name: team.name.clone() }).collect();
    Ok(Json(Page::of(shown, limit, |team: &TeamShown| team.id)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddTeam {
    name: String,
}

/// Add a team
#[utoipa::path(post, path = "/v1/teams", tag = "people", request_body = AddTeam,
    responses((status = 201, body = TeamShown), (status = 409, body = Problem)))]
async fn add_team(
    State(app): State<App>,
    who: Principal,
    Body(asked): Body<AddTeam>,
) -> Result<(StatusCode, Json<TeamShown>), Problem> {
    let by = who.actor();
    let shown = app
        .blocking(move |app| {
            Ok(TeamShown { id: app.access.add_team(&asked.name, &by)?, name: asked.name })
        })
        .await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

#[derive(Serialize, ToSchema)]
struct KeyShown {
    id: i64,
    name: String,
    /// Its first characters.
    hint: String,
    scopes: Vec<Scope>,
    team: Option<i64>,
    /// Requests a second, if it has a rate of its own.
    per_s: Option<u32>,
    made_by: String,
    /// Who answers for it, by number; it is refused while they are locked.
    owner: Option<i64>,
    /// Who stands behind it: who made it and who owns it. Nobody: what it drafts is not approved before a
    /// person has revised it.
    people: Vec<String>,
    made_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    used_at: Option<String>,
}

impl KeyShown {
    fn of(key: &Key) -> KeyShown {
        KeyShown {
            id: key.id,
            name: key.name.clone(),
            hint: key.hint.clone(),
            scopes: key.scopes.list(),
            team: key.team,
            per_s: key.per_s,
            made_by: key.made_by.clone(),
            owner: key.owner,
            people: key.people(),
            made_at: time::rfc3339(key.made_at),
            expires_at: key.expires_at.map(time::rfc3339),
            revoked_at: key.revoked_at.map(time::rfc3339),
            used_at: key.used_at().map(time::rfc3339),
        }
    }
}

/// Every API key, revoked ones too
#[utoipa::path(get, path = "/v1/keys", tag = "people", params(PageQuery),
    responses((status = 200, body = Page<KeyShown>)))]
async fn keys(
    State(app): State<App>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<KeyShown>>, Problem> {
    let (after, limit) = (query.after::<i64>()?.unwrap_or(0), query.limit()?);
    let known = app.access.known();
    let keys = known.all_keys().into_iter().filter(|key| key.id > after);
    let page = Page::of(keys.take(limit + 1).collect(), limit, |key| key.id);
    Ok(Json(page.map(|key| KeyShown::of(key))))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MakeKey {
    name: String,
    scopes: Vec<Scope>,
    /// Sees the cases of this team.
    team: Option<i64>,
    /// Requests a second; the server's own limit if nothing is said, 0 is no limit.
    per_s: Option<u32>,
    /// RFC 3339, within five years; a year from now if nothing is said.
    expires_at: Option<String>,
    /// Who answers for it; who makes it, if nothing is said.
    owner: Option<i64>,
}

#[derive(Serialize, ToSchema)]
struct KeyMade {
    id: i64,
    /// The key itself: it is not shown again.
    key: String,
}

/// Make an API key; this answer alone has it
#[utoipa::path(post, path = "/v1/keys", tag = "people", request_body = MakeKey,
    responses((status = 201, body = KeyMade), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn make_key(
    State(app): State<App>,
    who: Principal,
    Body(asked): Body<MakeKey>,
) -> Result<Response, Problem> {
    let time_of = |text: &String| {
        let wrong = || Problem::invalid("/expires_at", "expected a time as 2027-01-31T00:00:00Z");
        time::parse(text).ok_or_else(wrong)
    };
    let new = NewKey {
        expires_at: asked.expires_at.as_ref().map(time_of).transpose()?,
        name: asked.name,
        scopes: asked.scopes.into_iter().collect(),
        team: asked.team,
        per_s: asked.per_s,
    };
    let by = who.actor();
    let owner = asked.owner;
    if owner.is_some_and(|id| !app.access.known().users.contains_key(&id)) {
        return Err(Problem::invalid("/owner", "expected the number of a user"));
    }
    let make = move |app: &App| match owner {
        Some(_) => app.access.make_key_for(&new, owner, &by),
        None => app.access.make_key(&new, &by),
    };
    let (id, key) = app.blocking(make).await?;
    Ok((StatusCode::CREATED, Extension(ShownOnce), Json(KeyMade { id, key })).into_response())
}

/// Revoke a key; it is refused from this answer on
#[utoipa::path(delete, path = "/v1/keys/{key}", tag = "people", params(("key" = i64, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn revoke_key(
    State(app): State<App>,
    who: Principal,
    Path(key): Path<i64>,
) -> Result<StatusCode, Problem> {
    let by = who.actor();
    app.blocking(move |app| app.access.revoke_key(key, &by)).await?;
    Ok(StatusCode::NO_CONTENT)
}
