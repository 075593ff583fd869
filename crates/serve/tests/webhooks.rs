//! Webhooks over HTTP; what is sent and how is tested in `share`.

#![allow(clippy::unwrap_used)]

mod common;

use axum::http::{Method, StatusCode};
use case::outbox;
use common::{Desk, desk, desk_with, settings};
use serde_json::{Value, json};
use serve::Settings;
use serve::access::keys::NewKey;
use serve::policy::Scope;

/// An administrator's headers.
async fn signed_in(desk: &Desk) -> Vec<(String, String)> {
    let (cookie, csrf) = desk.administrator().await;
    vec![("cookie".into(), format!("interdict={cookie}")), ("x-csrf-token".into(), csrf)]
}

fn key(desk: &Desk, name: &str, team: Option<i64>) -> Vec<(String, String)> {
    let new = NewKey {
        name: name.into(),
        scopes: [Scope::Alerts].into_iter().collect(),
        team,
        per_s: None,
        expires_at: None,
    };
    let (_, key) = desk.app.access.make_key(&new, "test").unwrap();
    vec![("authorization".into(), format!("Bearer {key}"))]
}

async fn ask(
    desk: &Desk,
    who: &[(String, String)],
    method: Method,
    path: &str,
    body: Value,
) -> (StatusCode, Value) {
    let mut headers: Vec<(&str, &str)> = vec![("content-type", "application/json")];
    headers.extend(who.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = desk.send(method, path, &headers, body).await;
    let json = if answer.text.is_empty() { Value::Null } else { answer.json() };
    (answer.status, json)
}

#[tokio::test]
async fn a_webhook_from_its_first_day_to_its_last() {
    let desk = desk();
    let who = signed_in(&desk).await;
    let url = "https://exchange.example/interdict?token=x";
    let new = json!({ "url": url, "events": ["alert.*"], "description": "desk" });
    let (status, added) = ask(&desk, &who, Method::POST, "/v1/webhooks", new).await;
    assert_eq!(status, 201, "{added}");
    assert!(added["secret"].as_str().unwrap().starts_with("idw_"));
    let (_, one) = ask(&desk, &who, Method::GET, "/v1/webhooks/1", Value::Null).await;
    assert_eq!(
        (&one["url"], &one["is_active"], &one["teams"]),
        (&url.into(), &true.into(), &Value::Null)
    );
    assert!(one.get("secret").is_none());
    let (_, all) = ask(&desk, &who, Method::GET, "/v1/webhooks?limit=1", Value::Null).await;
    assert_eq!((all["items"].as_array().unwrap().len(), &all["next"]), (1, &Value::Null));
    let off = json!({ "is_active": false });
    let (status, one) = ask(&desk, &who, Method::PATCH, "/v1/webhooks/1", off).await;
    assert_eq!((status.as_u16(), &one["is_active"]), (200, &false.into()));
    let (status, _) = ask(&desk, &who, Method::POST, "/v1/webhooks/1/test", Value::Null).await;
    assert_eq!(status, 409);
    ask(&desk, &who, Method::PATCH, "/v1/webhooks/1", json!({ "is_active": true })).await;
    let (status, tested) = ask(&desk, &who, Method::POST, "/v1/webhooks/1/test", Value::Null).await;
    assert_eq!((status.as_u16(), &tested["delivery"]), (202, &1.into()));
    let path = "/v1/webhooks/1/deliveries?state=waiting";
    let (_, waiting) = ask(&desk, &who, Method::GET, path, Value::Null).await;
    let item = &waiting["items"][0];
    assert_eq!((&item["kind"], &item["state"]), (&"webhook.test".into(), &"waiting".into()));
    assert!(item["next_try_at"].is_string() && item["last_error"].is_null());
    let path = "/v1/webhooks/1/deliveries/1/retry";
    assert_eq!(ask(&desk, &who, Method::POST, path, Value::Null).await.0, 202);
    let path = "/v1/webhooks/1/deliveries/2/retry";
    assert_eq!(ask(&desk, &who, Method::POST, path, Value::Null).await.0, 404);
    let path = "/v1/webhooks/1/secret";
    let (status, other) = ask(&desk, &who, Method::POST, path, json!({})).await;
    assert_eq!(status, 200);
    assert_ne!(other["secret"], added["secret"]);
    let long = json!({ "overlap_s": 4_000_000 });
    assert_eq!(ask(&desk, &who, Method::POST, path, long).await.0, 422);
    assert_eq!(ask(&desk, &who, Method::DELETE, "/v1/webhooks/1", Value::Null).await.0, 204);
    assert_eq!(ask(&desk, &who, Method::GET, "/v1/webhooks/1", Value::Null).await.0, 404);
    let journal = desk.get("/v1/journal", &[(&who[0].0, &who[0].1)]).await.text;
    for act in ["added", "changed", "tested", "secret_changed", "removed"] {
        assert!(journal.contains(&format!("\"webhook.{act}\"")), "{act}");
    }
    assert!(!journal.contains("idw_") && !journal.contains("token=x"));
    assert!(journal.contains("https://exchange.example/interdict"));
}

#[tokio::test]
async fn where_it_may_not_go_it_is_not_added() {
    let strict = desk();
    let who = signed_in(&strict).await;
    for url in
        ["http://a.example", "https://127.0.0.1", "https://[::1]/x", "https://u:p@a.example", "x"]
    {
        let (status, problem) =
            ask(&strict, &who, Method::POST, "/v1/webhooks", json!({ "url": url })).await;
        assert_eq!((status.as_u16(), &problem["field"]), (422, &"/url".into()), "{url}");
    }
    let open = Settings { reach: share::Reach { allow_private: true }, ..settings() };
    let open = desk_with(open);
    let who = signed_in(&open).await;
    let local = json!({ "url": "http://127.0.0.1:9000/hook" });
    assert_eq!(ask(&open, &who, Method::POST, "/v1/webhooks", local).await.0, 201);
}

#[tokio::test]
async fn a_key_sees_its_own_webhooks_and_they_hear_what_it_may_see() {
    let desk = desk();
    let admin = signed_in(&desk).await;
    let team = desk.app.access.add_team("north", "test").unwrap();
    let (one, other) = (key(&desk, "one", Some(team)), key(&desk, "other", None));
    let new = || json!({ "url": "https://a.example/" });
    assert_eq!(ask(&desk, &one, Method::POST, "/v1/webhooks", new()).await.0, 201);
    assert_eq!(ask(&desk, &one, Method::GET, "/v1/webhooks/1", Value::Null).await.0, 200);
    for (method, path) in [
        (Method::GET, "/v1/webhooks/1"),
        (Method::DELETE, "/v1/webhooks/1"),
        (Method::POST, "/v1/webhooks/1/test"),
        (Method::GET, "/v1/webhooks/1/deliveries"),
        (Method::POST, "/v1/webhooks/1/deliveries/1/retry"),
    ] {
        assert_eq!(ask(&desk, &other, method, path, Value::Null).await.0, 404, "{path}");
    }
    let list = ask(&desk, &other, Method::GET, "/v1/webhooks", Value::Null).await.1;
    assert_eq!(list["items"], json!([]));
    let list = ask(&desk, &admin, Method::GET, "/v1/webhooks", Value::Null).await.1;
    assert_eq!(list["items"][0]["teams"], json!(["north"]));
    let hook = || outbox::webhooks(&desk.app.db).unwrap().remove(0);
    assert_eq!(hook().made_by, "key:one");
    desk.app.access.write_behind().unwrap();
    assert!(hook().is_active);
    // Who may ask no more is told no more.
    desk.app.access.revoke_key(1, "test").unwrap();
    assert!(!hook().is_active);
}

#[tokio::test]
async fn without_a_key_for_secrets_none_is_made() {
    let desk = desk_with(Settings { vault: None, ..settings() });
    let who = signed_in(&desk).await;
    let new = json!({ "url": "https://a.example/" });
    let (status, problem) = ask(&desk, &who, Method::POST, "/v1/webhooks", new).await;
    assert_eq!((status.as_u16(), &problem["type"]), (503, &"no-vault".into()));
}
