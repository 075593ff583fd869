//! What holds for every request.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use common::{Desk, desk, desk_with, settings};
use serde_json::{Value, json};
use serve::Settings;
use serve::trial::Cast;
use utoipa_axum::router::OpenApiRouter;

async fn signed_in(desk: &Desk) -> Vec<(String, String)> {
    let (cookie, csrf) = desk.administrator().await;
    vec![("cookie".into(), format!("interdict={cookie}")), ("x-csrf-token".into(), csrf)]
}

fn and<'a>(
    headers: &'a [(String, String)],
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let own = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    own.chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn a_write_that_is_sent_again_is_done_once() {
    let desk = desk();
    let who = signed_in(&desk).await;
    let once = and(&who, &[("idempotency-key", "a-1")]);
    let first = desk.post("/v1/teams", &once, json!({ "name": "north" })).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let again = desk.post("/v1/teams", &once, json!({ "name": "north" })).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = desk.post("/v1/teams", &once, json!({ "name": "south" })).await;
    assert_eq!((other.status.as_u16(), other.kind()), (422, "idempotency-key-reused".into()));
    // A refusal is an answer too.
    let refused = and(&who, &[("idempotency-key", "a-2")]);
    let first = desk.post("/v1/teams", &refused, json!({ "name": "north" })).await;
    assert_eq!(first.status, 409);
    assert_eq!(desk.post("/v1/teams", &refused, json!({ "name": "north" })).await.text, first.text);
    for hostile in ["", "with space", &"x".repeat(200)] {
        let headers = and(&who, &[("idempotency-key", hostile)]);
        assert_eq!(desk.post("/v1/teams", &headers, json!({ "name": "w" })).await.status, 422);
    }
}

#[tokio::test]
async fn keys_of_idempotency_are_each_callers_own_and_secrets_are_not_kept() {
    let desk = desk();
    let who = signed_in(&desk).await;
    let once = and(&who, &[("idempotency-key", "k")]);
    let body = json!({ "name": "exchange", "scopes": ["screen"] });
    let made = desk.post("/v1/keys", &once, body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let rows = desk.app.db.read(|tx| tx.rows("SELECT body FROM idempotency", &[])).unwrap();
    assert!(rows.is_empty());
    // Asked again it is done again, and says that there is one.
    assert_eq!(desk.post("/v1/keys", &once, body).await.status, 409);
}

#[tokio::test]
async fn every_answer_carries_the_strict_headers() {
    let desk = desk();
    for path in ["/", "/v1/health", "/v1/nothing", "/openapi.json", "/assets/page.js"] {
        let answer = desk.get(path, &[]).await;
        let header = |name: &str| answer.headers[name].to_str().unwrap().to_string();
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("x-request-id").len(), 16);
        assert!(answer.headers.contains_key("cache-control"));
        assert!(!answer.headers.contains_key("strict-transport-security"));
    }
    let desk = desk_with(Settings { is_tls: true, ..settings() });
    assert!(desk.get("/", &[]).await.headers.contains_key("strict-transport-security"));
    let secret = desk.app.access.invite(None).unwrap();
    let body = json!({ "secret": secret, "name": "ada", "password": common::PASSWORD });
    let set = desk.post("/v1/welcome", &[], body).await.headers["set-cookie"].clone();
    let set = set.to_str().unwrap();
    assert!(set.starts_with("__Host-interdict=") && set.contains("; Secure"), "{set}");
}

#[tokio::test]
async fn the_pages_run_under_their_own_policy() {
    let desk = desk();
    let who = signed_in(&desk).await;
    for path in ["/", "/docs"] {
        let page = desk.get(path, &and(&who, &[])).await;
        assert_eq!(page.status, 200);
        let has = |text: &str| page.text.contains(text);
        assert!(
            !has("<style")
                && !has(" style=")
                && !has(" onclick=")
                && !has("http://")
                && !has("https://")
        );
        for script in page.text.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap();
            let is_ours = tag.contains(" src=\"/assets/") || tag.contains(" src=\"/web/");
            assert!(is_ours, "{path}: <script{tag}>");
        }
    }
}

#[tokio::test]
async fn hostile_bodies_are_refused_with_the_field_and_never_fail_the_server() {
    let desk = desk();
    let who = signed_in(&desk).await;
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"{\"name\":".repeat(50_000),
        b"[".repeat(100_000),
        br#"{"name":{"a":1},"scopes":"x"}"#.to_vec(),
        br#"{"name":"k","scopes":["everything"]}"#.to_vec(),
        br#"{"name":"k","scopes":["screen"],"team":1e999}"#.to_vec(),
        br#"{"name":"k","scopes":["screen"],"team":9223372036854775808}"#.to_vec(),
        br#"{"name":"k\u0000","scopes":["screen"]}"#.to_vec(),
        br#"{"name":"k","scopes":["screen"],"expires_at":"+999999-01-01T00:00:00Z"}"#.to_vec(),
        vec![0xff, 0xfe, 0x00],
        vec![b' '; 3 << 20],
    ];
    let mut paths = Vec::new();
    for (path, item) in desk.document["paths"].as_object().unwrap() {
        for method in ["post", "put", "patch", "delete"].iter().filter(|m| item.get(**m).is_some())
        {
            // Signing out would end the trial.
            if !(path == "/v1/session" && *method == "delete") {
                paths.push((
                    method.to_uppercase(),
                    path.replace("{user}", "7").replace("{key}", "7"),
                ));
            }
        }
    }
    assert!(paths.len() > 8);
    let headers = and(&who, &[("content-type", "application/json")]);
    for (method, path) in paths {
        for body in &bodies {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = desk.send(method.clone(), &path, &headers, Body::from(body.clone())).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            assert!(!answer.status.is_server_error(), "{method} {path} {shown}: {}", answer.text);
        }
    }
    let answer = desk
        .post("/v1/keys", &headers[..2], json!({ "name": "k", "scopes": ["screen", "x"] }))
        .await;
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!((answer.status.as_u16(), &answer.json()["field"]), (422, &json!("/scopes/1")));
    let answer = desk.send(Method::POST, "/v1/teams", &headers, vec![b' '; 3 << 20]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = desk.send(Method::POST, "/v1/teams", &and(&who, &[]), "name=x").await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for query in ["limit=x", "limit=0", "limit=99999999999999999999", "cursor=%00", "cursor=bm8"] {
        let answer = desk.get(&format!("/v1/users?{query}"), &and(&who, &[])).await;
        assert_eq!(answer.status, 422, "{query}: {}", answer.text);
        let field = query.split('=').next().unwrap();
        assert_eq!(answer.json()["field"], field);
    }
    for path in ["/v1/users/x", "/v1/users/99999999999999999999", "/v1/users/%ff"] {
        let answer = desk.send(Method::PATCH, path, &headers, "{}").await;
        assert!(answer.status.is_client_error(), "{path}");
    }
}

#[tokio::test]
async fn listings_come_in_pages_that_hold_everything_once() {
    let desk = desk();
    let who = signed_in(&desk).await;
    for n in 0..7 {
        desk.app.access.add_team(&format!("team-{n}"), "test").unwrap();
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/teams?limit=3".to_string());
    loop {
        let page = desk.get(&path, &and(&who, &[])).await.json();
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|team| team["id"].as_i64().unwrap()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/teams?limit=3&cursor={next}");
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn who_asks_too_fast_is_told_when_to_come_back() {
    let desk = desk_with(Settings { address_per_s: 1, ..settings() });
    let mut last = desk.get("/v1/health", &[]).await;
    for _ in 0..5 {
        last = desk.get("/v1/health", &[]).await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(last.headers.contains_key("retry-after"));
    // A key is counted by itself, so its address does not matter.
    let cast = Cast::of(&desk.app);
    let key = format!("Bearer {}", cast.keys.values().next().unwrap());
    assert_eq!(desk.get("/v1/session", &[("authorization", &key)]).await.status, 200);
}

#[tokio::test]
async fn overload_is_shed_and_the_probe_still_answers() {
    let desk = desk_with(Settings { in_flight_max: 0, ..settings() });
    let cast = Cast::of(&desk.app);
    let key = format!("Bearer {}", cast.keys.values().next().unwrap());
    let answer = desk.get("/v1/session", &[("authorization", &key)]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(desk.get("/v1/health", &[]).await.status, 200);
}

mod extra {
    use super::*;

    #[utoipa::path(get, path = "/v1/unsaid", responses((status = 200)))]
    pub async fn unsaid() {}

    #[tokio::test]
    async fn a_route_that_no_line_speaks_of_does_not_start() {
        let desk = desk();
        let routes = OpenApiRouter::default().routes(utoipa_axum::routes!(unsaid));
        let Err(error) = serve::frame::build(desk.app.clone(), vec![routes]) else {
            panic!("it started");
        };
        assert!(error.to_string().contains("/v1/"), "{error}");
    }
}

#[tokio::test]
async fn metrics_count_by_route_and_hold_no_secret() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let key = &cast.keys[&serve::policy::Scope::Metrics];
    let bearer = format!("Bearer {key}");
    desk.get("/v1/session", &[("authorization", &bearer)]).await;
    let text = desk.get("/metrics", &[("authorization", &bearer)]).await.text;
    let expected =
        "interdict_requests_total{method=\"GET\",route=\"/v1/session\",status=\"2xx\"} 1";
    assert!(text.contains(expected), "{text}");
    assert!(!text.contains(key.as_str()));
}

#[tokio::test]
async fn the_document_is_of_openapi_3_1_and_says_who_may() {
    let desk = desk();
    let document: Value = desk.get("/openapi.json", &[]).await.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["paths"]["/"]["get"]["security"], json!([]));
    let users = &document["paths"]["/v1/users"]["get"];
    assert_eq!(users["security"], json!([{ "session": [] }]));
    assert!(users["x-needs"].as_str().unwrap().contains("administrator"));
    let kind = "application/problem+json";
    assert!(users["responses"]["default"]["content"][kind].is_object());
}

#[tokio::test]
async fn over_a_socket_it_answers_and_stops_without_breaking_off() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let desk = desk();
    let server = serve::frame::build(desk.app.clone(), Vec::new()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(server.run(listener, None, async move { drop(stopped.await) }));
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /v1/ready HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut bytes = vec![0; 4096];
    let length = stream.read(&mut bytes).await.unwrap();
    assert!(String::from_utf8_lossy(&bytes[..length]).starts_with("HTTP/1.1 200"));
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), running).await;
    ended.expect("it stops").unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn the_document_names_each_operation_once_and_problems_by_their_own_type() {
    let desk = desk();
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in desk.document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_string()), "{method} {path}: {id} twice");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let content = response["content"]["application/json"]["schema"]["$ref"].as_str();
                let is_problem = content.is_some_and(|schema| schema.ends_with("/Problem"));
                assert!(!is_problem, "{method} {path}: {status}");
            }
        }
    }
    assert!(ids.contains("post-v1-webhooks-webhook-deliveries-delivery-retry"));
}
