//! The stream of events: what was missed comes first, and only what somebody may see.
//!
//! The clock stands still while there is anything to do, so a machine that is busy with other things is
//! not taken for a stream that says nothing.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use common::{Desk, desk};
use futures_util::StreamExt;
use serve::Problem;
use serve::events::{Event, Feed};
use serve::policy::{Role, Scope};
use serve::trial::Cast;
use tower::ServiceExt;

#[derive(Default)]
struct Told(Mutex<Vec<Event>>);

impl Told {
    fn tell(&self, team: Option<i64>) {
        let mut events = self.0.lock().unwrap();
        let id = i64::try_from(events.len()).unwrap() + 1;
        let body = format!("{{\"n\":{id}}}");
        events.push(Event { id, kind: "alert.raised".into(), team, body });
    }
}

impl Feed for Told {
    fn after(&self, id: i64, limit: usize) -> Result<Vec<Event>, Problem> {
        let events = self.0.lock().unwrap();
        Ok(events.iter().filter(|event| event.id > id).take(limit).cloned().collect())
    }

    fn last(&self) -> Result<i64, Problem> {
        Ok(self.0.lock().unwrap().last().map_or(0, |event| event.id))
    }
}

fn telling(desk: &Desk, told: &Arc<Told>) -> (serve::App, Router) {
    let app = desk.app.clone().telling(told.clone()).unwrap();
    let server = serve::frame::build(app, Vec::new()).unwrap();
    (server.app().clone(), server.router())
}

async fn listen(router: &Router, key: &str, last: Option<&str>) -> (StatusCode, BodyDataStream) {
    let mut request =
        Request::builder().uri("/v1/events").header("authorization", format!("Bearer {key}"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    (answer.status(), answer.into_body().into_data_stream())
}

/// The ids of the next events. What keeps a stream alive is none.
async fn ids(stream: &mut BodyDataStream, count: usize) -> Vec<i64> {
    let (mut ids, mut text) = (Vec::new(), String::new());
    while ids.len() < count {
        let chunk = tokio::time::timeout(Duration::from_secs(5), stream.next()).await;
        text += std::str::from_utf8(&chunk.expect("an event comes").unwrap().unwrap()).unwrap();
        while let Some((event, rest)) = text.split_once("\n\n") {
            let id = event.lines().find_map(|line| line.strip_prefix("id: "));
            ids.extend(id.map(|id| id.parse::<i64>().unwrap()));
            text = rest.to_string();
        }
    }
    ids
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_comes_first_and_then_what_happens() {
    let (desk, told) = (desk(), Arc::new(Told::default()));
    // More than is read at once, and more than is held in memory.
    for _ in 0..1500 {
        told.tell(None);
    }
    let (app, router) = telling(&desk, &told);
    let key = Cast::of(&app).keys[&Scope::Alerts].clone();
    let (status, mut all) = listen(&router, &key, Some("0")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(ids(&mut all, 1500).await, (1..=1500).collect::<Vec<_>>());
    let (_, mut now) = listen(&router, &key, None).await;
    let (_, mut again) = listen(&router, &key, Some("1498")).await;
    for _ in 0..1200 {
        told.tell(None);
    }
    app.events.as_ref().unwrap().look().unwrap();
    assert_eq!(ids(&mut now, 1200).await, (1501..=2700).collect::<Vec<_>>());
    assert_eq!(ids(&mut again, 1202).await, (1499..=2700).collect::<Vec<_>>());
    assert_eq!(ids(&mut all, 1200).await, (1501..=2700).collect::<Vec<_>>());
    let (status, _) = listen(&router, &key, Some("x")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(start_paused = true)]
async fn what_a_team_has_is_heard_by_the_team_and_administrators() {
    let (desk, told) = (desk(), Arc::new(Told::default()));
    let (app, router) = telling(&desk, &told);
    let team = app.access.add_team("north", "test").unwrap();
    let cast = Cast::of(&app);
    let new = serve::access::keys::NewKey {
        name: "of-the-team".into(),
        scopes: [Scope::Alerts].into_iter().collect(),
        team: Some(team),
        per_s: None,
        expires_at: None,
    };
    let (_, member) = app.access.make_key(&new, "test").unwrap();
    told.tell(Some(team));
    told.tell(None);
    app.events.as_ref().unwrap().look().unwrap();
    let (_, mut stranger) = listen(&router, &cast.keys[&Scope::Alerts], Some("0")).await;
    assert_eq!(ids(&mut stranger, 1).await, [2]);
    let (_, mut member) = listen(&router, &member, Some("0")).await;
    assert_eq!(ids(&mut member, 2).await, [1, 2]);
    let cookie = format!("interdict={}", cast.people[&Role::Administrator]);
    let request = Request::builder().uri("/v1/events?after=0").header("cookie", cookie);
    let answer = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(ids(&mut answer.into_body().into_data_stream(), 2).await, [1, 2]);
}
