//! More is asked than the server can do: it says so, at once and cheaply, and is well again after.
//!
//! Nothing here is a race. A request is worked on for as long as its body does not end, a stream is
//! open until it is dropped, and a rate is asked until it refuses.

#![allow(clippy::unwrap_used)]

mod common;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{Method, Request, StatusCode};
use common::{Answer, Desk, desk_with, settings};
use futures_util::StreamExt;
use serve::access::keys::NewKey;
use serve::events::{Event, Feed};
use serve::policy::{Role, Scope};
use serve::trial::Cast;
use serve::{Problem, Settings};
use tokio::task::JoinHandle;
use tower::ServiceExt;

/// A problem that says when to come again, in its body and in its header.
fn is_refusal(answer: &Answer, status: StatusCode, kind: &str) {
    assert_eq!((answer.status, answer.kind().as_str()), (status, kind), "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let header: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(header > 0);
    assert_eq!(answer.json()["retry_after_s"], header);
    assert_eq!(answer.json()["status"], status.as_u16());
}

/// A write whose body does not end before somebody says so.
struct Held {
    end: tokio::sync::oneshot::Sender<Bytes>,
    answer: JoinHandle<StatusCode>,
}

impl Held {
    /// It is worked on when this returns.
    async fn begin(desk: &Desk, cookie: &str) -> Held {
        let (end, body) = tokio::sync::oneshot::channel::<Bytes>();
        let body = futures_util::stream::once(async move {
            Ok::<_, Infallible>(body.await.unwrap_or_default())
        });
        let request = Request::builder()
            .method(Method::POST)
            .uri("/v1/teams")
            .header("content-type", "application/json")
            .header("cookie", format!("interdict={cookie}"))
            .header("x-csrf-token", serve::access::sessions::csrf_token(cookie))
            .body(Body::from_stream(body))
            .unwrap();
        let (router, before) = (desk.router.clone(), desk.app.load.in_flight());
        let answer = tokio::spawn(async move { router.oneshot(request).await.unwrap().status() });
        while desk.app.load.in_flight() == before {
            tokio::task::yield_now().await;
        }
        Held { end, answer }
    }

    async fn end(self, name: &str) -> StatusCode {
        self.end.send(format!("{{\"name\":\"{name}\"}}").into()).unwrap();
        self.answer.await.unwrap()
    }
}

#[tokio::test]
async fn requests_beyond_those_worked_on_at_once_are_shed_and_after_them_all_is_well() {
    let desk = desk_with(Settings { in_flight_max: 2, ..settings() });
    let cast = Cast::of(&desk.app);
    let cookie = &cast.people[&Role::Administrator];
    let key = format!("Bearer {}", cast.keys.values().next().unwrap());
    let ask = async || desk.get("/v1/session", &[("authorization", &key)]).await;
    let (one, two) = (Held::begin(&desk, cookie).await, Held::begin(&desk, cookie).await);
    for _ in 0..50 {
        is_refusal(&ask().await, StatusCode::SERVICE_UNAVAILABLE, "overloaded");
    }
    // Whoever is unknown learns nothing of it, and the probe answers.
    assert_eq!(desk.get("/v1/session", &[]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(desk.get("/v1/health", &[]).await.status, StatusCode::OK);
    assert_eq!(desk.app.load.in_flight(), 2, "what was shed holds no place");

    // What was begun before is ended, and its place is free again.
    assert_eq!(one.end("north").await, StatusCode::CREATED);
    assert_eq!(ask().await.status, StatusCode::OK);
    // So is the place of somebody who went away in the middle.
    two.answer.abort();
    assert!(two.answer.await.unwrap_err().is_cancelled());
    assert_eq!(desk.app.load.in_flight(), 0);
    for _ in 0..50 {
        assert_eq!(ask().await.status, StatusCode::OK);
    }
    let metrics = format!("Bearer {}", cast.keys[&Scope::Metrics]);
    let text = desk.get("/metrics", &[("authorization", &metrics)]).await.text;
    assert!(text.contains("interdict_requests_shed_total 50\n"), "{text}");
}

#[tokio::test]
async fn a_key_beyond_its_rate_is_told_when_to_come_again_and_is_let_in_then() {
    let desk = desk_with(settings());
    let cast = Cast::of(&desk.app);
    let new = NewKey {
        name: "slow".into(),
        scopes: [Scope::Alerts].into_iter().collect(),
        team: None,
        per_s: Some(2),
        expires_at: None,
    };
    let (_, slow) = desk.app.access.make_key(&new, "test").unwrap();
    let slow = format!("Bearer {slow}");
    let ask = async || desk.get("/v1/session", &[("authorization", &slow)]).await;
    let mut last = ask().await;
    assert_eq!(last.status, StatusCode::OK);
    while last.status == StatusCode::OK {
        last = ask().await;
    }
    is_refusal(&last, StatusCode::TOO_MANY_REQUESTS, "too-many");
    // Another key is not held up by it.
    let other = format!("Bearer {}", cast.keys[&Scope::Alerts]);
    assert_eq!(desk.get("/v1/session", &[("authorization", &other)]).await.status, 200);
    // Who waits as long as was said gets an answer.
    let wait = last.json()["retry_after_s"].as_u64().unwrap();
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(ask().await.status, StatusCode::OK);
}

/// Has one event more each time somebody says so.
#[derive(Default)]
struct Told(std::sync::atomic::AtomicI64);

impl Feed for Told {
    fn after(&self, id: i64, limit: usize) -> Result<Vec<Event>, Problem> {
        let event = |id| Event { id, kind: "alert.raised".into(), team: None, body: "{}".into() };
        Ok((id + 1..=self.last()?).take(limit).map(event).collect())
    }

    fn last(&self) -> Result<i64, Problem> {
        Ok(self.0.load(std::sync::atomic::Ordering::Relaxed))
    }
}

async fn listen(router: &Router, key: &str) -> Result<BodyDataStream, Answer> {
    let request = Request::builder().uri("/v1/events").header("authorization", key);
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    if answer.status() == StatusCode::OK {
        return Ok(answer.into_body().into_data_stream());
    }
    let (parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Err(Answer { status: parts.status, headers: parts.headers, text })
}

async fn hears(stream: &mut BodyDataStream, id: i64) {
    let chunk = tokio::time::timeout(Duration::from_secs(5), stream.next()).await;
    let chunk = chunk.expect("an event comes").unwrap().unwrap();
    assert!(std::str::from_utf8(&chunk).unwrap().contains(&format!("id: {id}\n")), "{chunk:?}");
}

#[tokio::test(start_paused = true)]
async fn listeners_beyond_those_that_can_be_held_are_refused_until_one_goes() {
    let desk = desk_with(Settings { streams_max: 2, in_flight_max: 8, ..settings() });
    let told = Arc::new(Told::default());
    let app = desk.app.clone().telling(told.clone()).unwrap();
    let server = serve::frame::build(app, Vec::new()).unwrap();
    let (app, router) = (server.app().clone(), server.router());
    let key = format!("Bearer {}", Cast::of(&app).keys[&Scope::Alerts]);
    let mut one = listen(&router, &key).await.ok().unwrap();
    let two = listen(&router, &key).await.ok().unwrap();
    for _ in 0..20 {
        let Err(refused) = listen(&router, &key).await else { panic!("a third is held") };
        is_refusal(&refused, StatusCode::SERVICE_UNAVAILABLE, "overloaded");
    }
    // Those that listen hear on, and what is no stream is answered.
    told.0.store(1, std::sync::atomic::Ordering::Relaxed);
    app.events.as_ref().unwrap().look().unwrap();
    hears(&mut one, 1).await;
    let request = Request::builder().uri("/v1/session").header("authorization", &key);
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    // One goes, one comes, and the next is one too many again.
    drop(two);
    let mut three = listen(&router, &key).await.ok().unwrap();
    assert!(listen(&router, &key).await.is_err());
    told.0.store(2, std::sync::atomic::Ordering::Relaxed);
    app.events.as_ref().unwrap().look().unwrap();
    hears(&mut one, 2).await;
    hears(&mut three, 2).await;
    drop((one, three));
    assert!(listen(&router, &key).await.is_ok());
}
