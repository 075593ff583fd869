//! What is kept of access: acts in the journal, secrets sealed, pauses over a restart, keys with an owner.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use axum::http::Method;
use case::db::{Db, Place};
use case::vault::Vault;
use common::{Desk, PASSWORD, desk, settings};
use serde_json::{Value, json};
use serve::access::keys::NewKey;
use serve::access::users::UserChange;
use serve::access::{Access, totp};
use serve::policy::{Role, Scope};
use serve::trial::{self, As, Cast};
use serve::{Settings, time};

fn acts(desk: &Desk) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    case::journal::export(&desk.app.db, &mut lines).unwrap();
    let text = String::from_utf8(lines).unwrap();
    assert!(case::journal::verify_stored(&desk.app.db).unwrap().is_ok());
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["act"].is_string())
        .map(|line| (line["actor"].as_str().unwrap().into(), line["act"].as_str().unwrap().into()))
        .collect()
}

fn again(desk: &Desk) -> Access {
    let place = Place::Sqlite(desk.folder.path().join("casework.sqlite"));
    Access::open(Arc::new(Db::open(&place).unwrap()), &settings()).unwrap()
}

async fn sign_in(desk: &Desk, name: &str, password: &str) -> u16 {
    let body = json!({ "name": name, "password": password });
    desk.post("/v1/session", &[], body).await.status.as_u16()
}

fn new_key(name: &str) -> NewKey {
    NewKey {
        name: name.into(),
        scopes: [Scope::Screen].into_iter().collect(),
        team: None,
        per_s: None,
        expires_at: None,
    }
}

#[tokio::test]
async fn every_act_of_access_is_in_the_journal_under_who_did_it() {
    let desk = desk();
    let (cookie, csrf) = desk.administrator().await;
    let cookie = format!("interdict={cookie}");
    let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
    desk.post("/v1/teams", &headers, json!({ "name": "north" })).await;
    let eve = json!({ "name": "eve", "role": "viewer", "teams": [1] });
    desk.post("/v1/users", &headers, eve).await;
    let all = [("content-type", "application/json"), headers[0], headers[1]];
    desk.send(Method::PATCH, "/v1/users/2", &all, r#"{"role":"analyst"}"#).await;
    desk.post("/v1/users/2/reset", &headers, json!({})).await;
    desk.post("/v1/keys", &headers, json!({ "name": "k", "scopes": ["screen"] })).await;
    desk.send(Method::DELETE, "/v1/keys/1", &headers, "").await;
    desk.send(Method::DELETE, "/v1/keys/1", &headers, "").await;
    assert_eq!(sign_in(&desk, "ada", "wrong wrong wrong").await, 401);
    assert_eq!(sign_in(&desk, "nobody", "wrong wrong wrong").await, 401);
    assert_eq!(sign_in(&desk, "ada", PASSWORD).await, 200);
    desk.send(Method::DELETE, "/v1/session", &headers, "").await;
    let (ada, system) = ("person:ada", "system");
    let expected = [
        (system, "access.first_link"),
        (system, "user.added"),
        (ada, "session.begun"),
        (ada, "team.added"),
        (ada, "user.added"),
        (ada, "user.changed"),
        (ada, "user.reset"),
        (ada, "key.made"),
        (ada, "key.revoked"),
        (system, "session.refused"),
        (ada, "session.begun"),
        (ada, "session.ended"),
    ];
    let expected: Vec<_> = expected.map(|(by, act)| (by.to_string(), act.to_string())).into();
    assert_eq!(acts(&desk), expected);
}

#[tokio::test]
async fn names_that_nobody_has_do_not_make_the_journal_grow() {
    let desk = desk();
    desk.administrator().await;
    let before = acts(&desk).len();
    for n in 0..12 {
        sign_in(&desk, &format!("nobody-{n}"), "wrong wrong wrong").await;
    }
    assert_eq!(acts(&desk).len(), before);
    let count = desk.app.db.read(|tx| tx.row("SELECT unknown_names FROM refused", &[])).unwrap();
    assert_eq!(count.unwrap().int(0).unwrap(), 12);
}

#[tokio::test]
async fn a_pause_outlives_a_restart_is_in_the_journal_and_ends_with_an_unlock() {
    let desk = desk();
    desk.administrator().await;
    desk.app.access.add_user("eve", Role::Viewer, &[], "test").unwrap();
    let here = std::net::IpAddr::from([127, 0, 0, 1]);
    // The pause is then longer than this test.
    for minutes in 0..9 {
        let at = time::now() - 600 + minutes * 60;
        desk.app.access.lockout.attempt("eve", here, at).ok();
    }
    for _ in 0..3 {
        sign_in(&desk, "eve", "wrong wrong wrong").await;
    }
    let after = again(&desk);
    assert!(after.lockout.attempt("eve", here, time::now()).is_err());
    assert!(after.lockout.attempt("ada", here, time::now()).is_ok());
    // Locked and let in again by hand, at another server: this one notices.
    let change = |is_locked| UserChange { is_locked: Some(is_locked), ..UserChange::default() };
    let id = after.known().user_named("eve").unwrap().id;
    after.change_user(id, &change(true), "test").unwrap();
    after.change_user(id, &change(false), "test").unwrap();
    desk.app.access.look().unwrap();
    assert!(desk.app.access.lockout.attempt("eve", here, time::now()).is_ok());
}

#[tokio::test]
async fn five_wrong_passwords_are_a_pause_that_the_journal_has_once() {
    let desk = desk();
    desk.administrator().await;
    for _ in 0..8 {
        sign_in(&desk, "ada", "wrong wrong wrong").await;
    }
    let paused = acts(&desk).iter().filter(|(_, act)| act == "access.paused").count();
    assert_eq!(paused, 1);
}

#[tokio::test]
async fn the_secret_of_a_second_factor_lies_sealed_and_works_after_a_restart() {
    let desk = desk();
    let (cookie, csrf) = desk.administrator().await;
    let cookie = format!("interdict={cookie}");
    let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
    let offer = desk.post("/v1/session/totp", &headers, json!({ "password": PASSWORD })).await;
    let secret = totp::read(offer.json()["secret"].as_str().unwrap()).unwrap();
    let code = totp::code(&secret, time::now() - 30);
    desk.post("/v1/session/totp/confirm", &headers, json!({ "code": code })).await;
    let kept = || {
        let row = desk.app.db.read(|tx| tx.row("SELECT totp FROM users WHERE id = 1", &[]));
        row.unwrap().unwrap().bytes(0).unwrap().to_vec()
    };
    assert!(case::vault::is_sealed(&kept()));
    assert!(!kept().windows(secret.len()).any(|part| part == secret));
    // One from before there was a vault is sealed when the server starts.
    let open = [secret.as_slice().into()];
    desk.app.db.write(|tx| tx.run("UPDATE users SET totp = $1", &open)).unwrap();
    again(&desk);
    assert!(case::vault::is_sealed(&kept()));
    let body = |at| json!({ "name": "ada", "password": PASSWORD, "code": totp::code(&secret, at) });
    assert_eq!(desk.post("/v1/session", &[], body(time::now() + 30)).await.status, 200);
}

#[tokio::test]
async fn with_another_key_a_second_factor_cannot_be_checked_and_nobody_gets_in_by_it() {
    let desk = desk();
    desk.administrator().await;
    let sealed = Vault::of([9; 32]).seal("totp:1", &[1; 20]).unwrap();
    let values = [sealed.as_slice().into()];
    desk.app.db.write(|tx| tx.run("UPDATE users SET totp = $1", &values)).unwrap();
    let body =
        json!({ "name": "ada", "password": PASSWORD, "code": totp::code(&[1; 20], time::now()) });
    assert_eq!(desk.post("/v1/session", &[], body).await.status, 500);
    let none = common::desk_with(Settings { vault: None, ..settings() });
    let (cookie, csrf) = none.administrator().await;
    let cookie = format!("interdict={cookie}");
    let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
    let offer = none.post("/v1/session/totp", &headers, json!({ "password": PASSWORD })).await;
    assert_eq!((offer.status.as_u16(), offer.kind()), (503, "no-vault".to_string()));
}

#[tokio::test]
async fn a_key_ends_in_a_year_and_is_refused_while_its_owner_is_locked() {
    let desk = desk();
    desk.administrator().await;
    let access = &desk.app.access;
    let eve = access.add_user("eve", Role::Administrator, &[], "test").unwrap();
    let (_, key) = access.make_key(&new_key("eves"), "person:eve").unwrap();
    let (_, other) = access.make_key(&new_key("nobodys"), "command line").unwrap();
    let known = access.known();
    let kept = known.all_keys();
    assert_eq!((kept[0].owner, kept[1].owner), (Some(eve), None));
    let left_s = kept[0].expires_at.unwrap() - time::now();
    assert!((364 * 86_400..=365 * 86_400).contains(&left_s));
    let far = NewKey { expires_at: Some(time::now() + 6 * 365 * 86_400), ..new_key("far") };
    assert_eq!(access.make_key(&far, "test").unwrap_err().status, 422);
    let me = async |key: &str| {
        trial::status(&desk.router, As::Key(key), &Method::GET, "/v1/session").await.as_u16()
    };
    assert_eq!((me(&key).await, me(&other).await), (200, 200));
    let change = |is_locked| UserChange { is_locked: Some(is_locked), ..UserChange::default() };
    access.change_user(eve, &change(true), "test").unwrap();
    assert_eq!((me(&key).await, me(&other).await), (401, 200));
    access.change_user(eve, &change(false), "test").unwrap();
    assert_eq!(me(&key).await, 200);
}

#[test]
fn people_and_keys_are_made_where_no_server_has_ever_started() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&Place::Sqlite(folder.path().join("casework.sqlite"))).unwrap();
    let access = Access::open(Arc::new(db), &Settings::default()).unwrap();
    access.add_user("eve", Role::Viewer, &[], "command line").unwrap();
    access.make_key(&new_key("k"), "command line").unwrap();
}

#[tokio::test]
async fn what_a_key_with_nobody_behind_it_drafts_is_approved_by_nobody_before_a_person_has_it() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let access = &desk.app.access;
    let approver = common::person(&desk, &cast, Role::Approver);
    let cases =
        |name: &str| NewKey { scopes: [Scope::Cases].into_iter().collect(), ..new_key(name) };
    let (id, secret) = access.make_key(&cases("bot"), "command line").unwrap();
    let bearer = format!("Bearer {secret}");
    let ask = json!({ "title": "t", "holder": "Tether", "jurisdiction": "US",
        "legal_basis": ["18 U.S.C. 981"],
        "asks": [{ "account": "eip155:1:0x1111111111111111111111111111111111111111",
            "asset": "eip155:1/slip44:60", "amount": "1" }] });
    let draft = async || {
        let made = desk.post("/v1/freezes", &[("authorization", &bearer)], ask.clone()).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_i64().unwrap()
    };
    let approve = async |id: i64, revision: u64| {
        let path = format!("/v1/freezes/{id}/approve");
        approver.post(&path, json!({ "revision": revision })).await
    };
    let people = || {
        let known = access.known();
        let key = known.all_keys().into_iter().find(|key| key.id == id).unwrap();
        key.people()
    };
    assert!(people().is_empty());
    let first = draft().await;
    let refused = approve(first, 1).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["field"]), (422, &json!("approver")));
    assert!(refused.text.contains("a key with nobody behind it"), "{}", refused.text);

    // A key does not approve, whoever is behind it: the policy wants a person.
    let by_key = desk
        .post(
            &format!("/v1/freezes/{first}/approve"),
            &[("authorization", &bearer)],
            json!({ "revision": 1 }),
        )
        .await;
    assert_eq!(by_key.status, 403);

    // Who answers for it now stands behind what it drafts, and does not approve that.
    let known = access.known();
    let (analyst, owner) =
        (known.user_named("analyst").unwrap().id, known.user_named("approver").unwrap().id);
    access.give_key(id, owner, "command line").unwrap();
    assert_eq!(people(), ["person:approver"]);
    let second = draft().await;
    assert!(approve(second, 1).await.text.contains("did not write this request"));
    access.give_key(id, analyst, "command line").unwrap();
    assert_eq!(people(), ["person:analyst"]);
    let third = draft().await;
    assert_eq!(approve(third, 1).await.status, 200);
    // The first has still nobody who wrote it; a person takes it over, and another approves.
    assert_eq!(approve(first, 1).await.status, 422);
    let analyst = common::person(&desk, &cast, Role::Analyst);
    let taken = analyst.send(Method::PUT, &format!("/v1/freezes/{first}"), ask.clone()).await;
    assert_eq!(taken.json()["revision"], 2, "{}", taken.text);
    assert_eq!(approve(first, 2).await.status, 200);
    assert!(case::journal::verify_stored(&desk.app.db).unwrap().is_ok());
}
