//! Who gets in, and who does not.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use axum::http::{Method, StatusCode};
use case::db::{Db, Place};
use common::{PASSWORD, desk, desk_with, settings};
use serde_json::json;
use serve::access::{Access, totp};
use serve::policy::POLICIES;
use serve::trial::{self, As, Cast};
use serve::{Settings, time};

#[tokio::test]
async fn every_line_of_the_policy_holds_for_a_nobody_every_role_and_every_key() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let faults = trial::faults(&desk.router, &cast, POLICIES).await;
    // Signing in answers 401 to who sends nothing right: an empty body is not even JSON, so not here.
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test]
async fn whoever_is_unknown_is_told_401_whether_a_path_exists_or_not() {
    let desk = desk();
    let paths = [
        "/v1/cases",
        "/v1/nothing",
        "/metrics",
        "/docs",
        "/assets/x",
        "/v1/keys/1",
        "//",
        "/v1/health/",
    ];
    for path in paths {
        for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
            let got = trial::status(&desk.router, As::Nobody, &method, path).await;
            assert_eq!(got, StatusCode::UNAUTHORIZED, "{method} {path}");
            let got = trial::status(&desk.router, As::Key("idk_made-up"), &method, path).await;
            assert_eq!(got, StatusCode::UNAUTHORIZED, "{method} {path} with a made-up key");
        }
    }
    assert_eq!(desk.get("/", &[]).await.status, StatusCode::OK);
    let cast = Cast::of(&desk.app);
    let key = As::Key(cast.keys.values().next().unwrap());
    let status = trial::status(&desk.router, key, &Method::GET, "/v1/nothing").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let status = trial::status(&desk.router, key, &Method::DELETE, "/v1/users").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_first_link_makes_the_administrator_once() {
    let desk = desk();
    let secret = desk.app.access.invite(None).unwrap();
    let body = |password: &str| json!({ "secret": secret, "name": "ada", "password": password });
    assert_eq!(desk.post("/v1/welcome", &[], body("short")).await.kind(), "invalid-field");
    let answer = desk.post("/v1/welcome", &[], body(PASSWORD)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let set = answer.headers["set-cookie"].to_str().unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Path=/"));
    let cookie = format!("interdict={}", answer.cookie());
    let me = desk.get("/v1/session", &[("cookie", &cookie)]).await.json();
    assert_eq!((&me["actor"], &me["role"]), (&json!("person:ada"), &json!("administrator")));
    assert_eq!(
        desk.post("/v1/welcome", &[], body(PASSWORD)).await.status,
        StatusCode::UNAUTHORIZED
    );
    // A second one, made while there was nobody, is worth nothing now.
    let late = desk.app.access.invite(None).unwrap();
    let late = json!({ "secret": late, "name": "eve", "password": PASSWORD });
    assert_eq!(desk.post("/v1/welcome", &[], late).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_write_by_cookie_needs_its_token_and_our_own_page() {
    let desk = desk();
    let (cookie, csrf) = desk.administrator().await;
    let cookie = format!("interdict={cookie}");
    let team = |name: &str| json!({ "name": name });
    let with = |extra: &[(&'static str, &'static str)]| {
        let mut headers =
            vec![("cookie".to_string(), cookie.clone()), ("x-csrf-token".into(), csrf.clone())];
        headers.extend(extra.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        headers
    };
    let post = async |headers: Vec<(String, String)>, name: &str| {
        let headers: Vec<_> = headers.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        desk.post("/v1/teams", &headers, team(name)).await.status
    };
    assert_eq!(desk.post("/v1/teams", &[("cookie", &cookie)], team("a")).await.status, 403);
    assert_eq!(
        desk.post("/v1/teams", &[("cookie", &cookie), ("x-csrf-token", "x")], team("a"))
            .await
            .status,
        403
    );
    assert_eq!(
        post(with(&[("origin", "https://evil.example"), ("host", "cell.example")]), "a").await,
        403
    );
    assert_eq!(post(with(&[("sec-fetch-site", "cross-site")]), "a").await, 403);
    assert_eq!(post(with(&[("origin", "null"), ("host", "cell.example")]), "a").await, 403);
    assert_eq!(
        post(with(&[("origin", "https://cell.example"), ("host", "cell.example")]), "a").await,
        201
    );
    // Who signs in from another site is not signed in.
    let sign_in = json!({ "name": "ada", "password": PASSWORD });
    let from = [("origin", "https://evil.example"), ("host", "cell.example")];
    assert_eq!(desk.post("/v1/session", &from, sign_in).await.status, 403);
}

#[tokio::test]
async fn wrong_passwords_are_paused_and_nothing_tells_whether_the_name_exists() {
    let desk = desk();
    desk.administrator().await;
    let here = std::net::IpAddr::from([127, 0, 0, 1]);
    let mut answers = Vec::new();
    for name in ["ada", "nobody-has-this-name"] {
        let body = json!({ "name": name, "password": "wrong wrong wrong" });
        let mut seen = Vec::new();
        for n in 0..6 {
            if n == 3 {
                // Eight more, a minute apart: the pause is then far longer than this test.
                for minutes in 0..8 {
                    let at = time::now() + minutes * 60;
                    desk.app.access.lockout.attempt(name, here, at).unwrap();
                }
            }
            let answer = desk.post("/v1/session", &[], body.clone()).await;
            let mut problem = answer.json();
            problem.as_object_mut().unwrap().remove("retry_after_s");
            seen.push((answer.status, problem));
        }
        answers.push(seen);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0][2].0, StatusCode::UNAUTHORIZED);
    assert_eq!(answers[0][3].0, StatusCode::TOO_MANY_REQUESTS);
    // The right one waits as well.
    let right = json!({ "name": "ada", "password": PASSWORD });
    let answer = desk.post("/v1/session", &[], right).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn a_second_factor_is_asked_for_once_confirmed_and_a_code_counts_once() {
    let desk = desk();
    let (cookie, csrf) = desk.administrator().await;
    let cookie = format!("interdict={cookie}");
    let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
    let offer = desk.post("/v1/session/totp", &headers, json!({ "password": PASSWORD })).await;
    assert_eq!(offer.status, 200, "{}", offer.text);
    let secret = totp::read(offer.json()["secret"].as_str().unwrap()).unwrap();
    let sign_in =
        |code: Option<String>| json!({ "name": "ada", "password": PASSWORD, "code": code });
    assert_eq!(desk.post("/v1/session", &[], sign_in(None)).await.status, 200);
    let now = time::now();
    let code = totp::code(&secret, now - 30);
    let confirmed = desk.post("/v1/session/totp/confirm", &headers, json!({ "code": code })).await;
    assert_eq!(confirmed.status, 204, "{}", confirmed.text);
    assert_eq!(desk.post("/v1/session", &[], sign_in(None)).await.kind(), "code-needed");
    assert_eq!(desk.post("/v1/session", &[], sign_in(Some(code))).await.kind(), "sign-in-failed");
    let code = totp::code(&secret, now + 30);
    assert_eq!(desk.post("/v1/session", &[], sign_in(Some(code.clone()))).await.status, 200);
    assert_eq!(desk.post("/v1/session", &[], sign_in(Some(code))).await.kind(), "sign-in-failed");
}

#[tokio::test]
async fn sessions_end_when_idle_when_old_when_signed_out_and_when_locked() {
    let old = desk_with(Settings { session_max: Duration::ZERO, ..settings() });
    let idle = desk_with(Settings { session_idle: Duration::ZERO, ..settings() });
    for desk in [old, idle] {
        let (cookie, _) = desk.administrator().await;
        let cookie = format!("interdict={cookie}");
        assert_eq!(desk.get("/v1/session", &[("cookie", &cookie)]).await.status, 401);
    }
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let viewer = &cast.people[&serve::policy::Role::Viewer];
    let me =
        async || trial::status(&desk.router, As::Person(viewer), &Method::GET, "/v1/session").await;
    assert_eq!(me().await, 200);
    let id = desk.app.access.known().user_named("viewer").unwrap().id;
    let lock = serve::access::users::UserChange { is_locked: Some(true), ..Default::default() };
    desk.app.access.change_user(id, &lock, "test").unwrap();
    assert_eq!(me().await, 401);
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_here_and_soon_when_another_process_did_it() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let keys: Vec<&String> = cast.keys.values().collect();
    let me = async |key: &str| {
        trial::status(&desk.router, As::Key(key), &Method::GET, "/v1/session").await
    };
    assert_eq!(me(keys[0]).await, 200);
    desk.app.access.revoke_key(1, "test").unwrap();
    assert_eq!(me(keys[0]).await, 401);
    // The command line is another process with the same database.
    let place = Place::Sqlite(desk.folder.path().join("casework.sqlite"));
    let other = Access::open(Db::open(&place).unwrap().into(), &settings()).unwrap();
    other.revoke_key(2, "test").unwrap();
    desk.app.access.look().unwrap();
    assert_eq!(me(keys[1]).await, 401);
    assert_eq!(me(keys[2]).await, 200);
}

#[tokio::test]
async fn the_last_administrator_cannot_be_locked_or_lowered() {
    let desk = desk();
    desk.administrator().await;
    let change =
        |role, is_locked| serve::access::users::UserChange { role, is_locked, teams: None };
    for change in [change(Some(serve::policy::Role::Viewer), None), change(None, Some(true))] {
        assert_eq!(desk.app.access.change_user(1, &change, "test").unwrap_err().status, 409);
    }
}

#[tokio::test]
async fn a_key_is_kept_as_a_hash_and_its_last_use_is_written_behind() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let key = cast.keys.values().next().unwrap();
    assert_eq!(trial::status(&desk.router, As::Key(key), &Method::GET, "/v1/session").await, 200);
    desk.app.access.write_behind().unwrap();
    let used =
        desk.app.db.read(|tx| tx.row("SELECT used_at FROM api_keys WHERE id = 1", &[])).unwrap();
    assert!(used.unwrap().int(0).unwrap() > 0);
    for name in ["casework.sqlite", "casework.sqlite-wal"] {
        let bytes = std::fs::read(desk.folder.path().join(name)).unwrap();
        let secret = &key.as_bytes()[8..];
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{name}");
    }
}
