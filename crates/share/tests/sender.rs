//! What a receiver gets, whatever it does.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

mod common;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use case::outbox::{self, DeliveryState, Pace, WebhookChange};
use common::{Desk, Does, Receiver, by, quick};
use proptest::prelude::*;
use serde_json::Value;
use share::{Reach, SenderSettings, sign};

#[tokio::test]
async fn an_event_arrives_signed_named_and_as_it_was_told() {
    let desk = Desk::new();
    let receiver = Receiver::start(|_, _| Does::Takes).await;
    let (webhook, secret) = desk.hook(&receiver.url);
    desk.raise("a");
    let _running = desk.start(quick());
    let deliveries = desk.until_all(webhook, DeliveryState::Delivered).await;
    let seen = receiver.taken();
    assert_eq!((deliveries.len(), seen.len()), (1, 1));
    let header = |name: &str| seen[0].headers[name].as_str();
    assert_eq!(header("interdict-event"), "alert.raised");
    assert_eq!(header("interdict-delivery"), deliveries[0].id.to_string());
    assert_eq!(header("content-type"), "application/json");
    let now = share::client::now_s();
    let signature = header("interdict-signature");
    assert!(sign::is_right(secret.as_bytes(), signature, &seen[0].body, now, 60));
    assert_eq!(signature.matches("v1=").count(), 1);
    let body: Value = serde_json::from_slice(&seen[0].body).unwrap();
    assert_eq!(body["id"], deliveries[0].event.0);
    assert_eq!(body["kind"], "alert.raised");
    assert_eq!(body["data"]["subject"], "alert:1");
    assert_eq!(body["data"]["alert"]["title"], "a name is listed");
    assert!(body["at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn each_bad_receiver_is_told_again_until_it_takes_it_and_why_is_kept() {
    use Does::{Babbles, Closes, Fails, Hangs, Redirects};
    let cases = [
        (Fails, "HTTP status 500"),
        (Redirects, "a redirect is not followed"),
        (Hangs, "no answer within"),
        (Closes, "the connection broke"),
        (Babbles, "the connection broke"),
    ];
    for (bad, expected) in cases {
        let desk = Desk::new();
        let receiver =
            Receiver::start(move |number, _| if number < 2 { bad } else { Does::Takes }).await;
        let (webhook, _) = desk.hook(&receiver.url);
        desk.raise("a");
        // Twice not, and the second time it stays for a while.
        let slow = SenderSettings {
            pace: Pace { wait_first: Duration::from_millis(300), ..quick().pace },
            ..quick()
        };
        let _running = desk.start(slow);
        let problem = loop {
            let found = desk.deliveries(webhook).remove(0);
            if let Some(problem) = found.problem {
                break problem;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        assert!(problem.contains(expected), "{bad:?}: {problem}");
        let done = desk.until_all(webhook, DeliveryState::Delivered).await;
        assert_eq!((done[0].attempts, done[0].problem.as_deref()), (3, None), "{bad:?}");
        let ids: BTreeSet<String> = receiver
            .seen
            .lock()
            .unwrap()
            .iter()
            .map(|request| request.headers["interdict-delivery"].clone())
            .collect();
        assert_eq!(ids.len(), 1, "a retry is the same delivery");
    }
}

#[tokio::test]
async fn a_body_without_end_takes_neither_memory_nor_time() {
    let desk = Desk::new();
    let receiver = Receiver::start(|_, _| Does::Endless).await;
    let (webhook, _) = desk.hook(&receiver.url);
    desk.raise("a");
    desk.raise("b");
    let _running = desk.start(quick());
    let start = Instant::now();
    let done = desk.until_all(webhook, DeliveryState::Delivered).await;
    assert_eq!(done.iter().map(|delivery| delivery.attempts).sum::<i64>(), 2);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn one_that_hangs_holds_up_no_other() {
    let desk = Desk::new();
    let hangs = Receiver::start(|_, _| Does::Hangs).await;
    let takes = Receiver::start(|_, _| Does::Takes).await;
    desk.hook(&hangs.url);
    let (good, _) = desk.hook(&takes.url);
    for n in 0..30 {
        desk.raise(&format!("{n}"));
    }
    let slow = SenderSettings { timeout: Duration::from_secs(20), ..quick() };
    let _running = desk.start(slow);
    let start = Instant::now();
    desk.until_all(good, DeliveryState::Delivered).await;
    assert!(start.elapsed() < Duration::from_secs(15));
    let bodies: Vec<i64> = takes
        .taken()
        .iter()
        .map(|request| serde_json::from_slice::<Value>(&request.body).unwrap()["id"].as_i64())
        .map(Option::unwrap)
        .collect();
    assert!(bodies.is_sorted() && bodies.len() == 30, "in order, each once: {bodies:?}");
}

#[tokio::test]
async fn where_it_may_not_go_nothing_is_sent() {
    let desk = Desk::new();
    let receiver = Receiver::start(|_, _| Does::Takes).await;
    // By number, and by a name that leads there.
    let secure = receiver.url.replace("http://", "https://");
    let urls = [receiver.url.clone(), secure.clone(), secure.replace("127.0.0.1", "localhost")];
    let hooks: Vec<_> = urls.iter().map(|url| desk.hook(url).0).collect();
    desk.raise("a");
    let strict = SenderSettings { reach: Reach::default(), ..quick() };
    let _running = desk.start(strict);
    for (hook, expected) in hooks.into_iter().zip(["https://", "not a public", "not a public"]) {
        let problem = loop {
            if let Some(problem) = desk.deliveries(hook).remove(0).problem {
                break problem;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        assert!(problem.contains(expected), "{problem}");
    }
    assert!(receiver.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_given_up_is_told_and_counted() {
    let desk = Desk::new();
    let deaf = Receiver::start(|_, _| Does::Fails).await;
    let watcher = Receiver::start(|_, _| Does::Takes).await;
    let (webhook, _) = desk.hook(&deaf.url);
    let (watching, _) = desk.hook(&watcher.url);
    let change = WebhookChange { kinds: Some(vec!["webhook.*".into()]), ..Default::default() };
    outbox::change_webhook(&desk.db, &by(), watching, &change).unwrap();
    desk.raise("a");
    let pace = Pace { dead_after: Duration::from_millis(200), ..quick().pace };
    let running = desk.start(SenderSettings { pace, ..quick() });
    desk.until_all(webhook, DeliveryState::Dead).await;
    while watcher.taken().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let said: Value = serde_json::from_slice(&watcher.taken()[0].body).unwrap();
    assert_eq!((&said["kind"], &said["data"]["webhook"]), (&"webhook.dead".into(), &1.into()));
    let mut text = String::new();
    running.counts.write(&mut text);
    assert!(text.contains("interdict_webhook_given_up_total 1\n"), "{text}");
}

#[tokio::test]
async fn a_stop_ends_what_is_under_way_and_another_sender_goes_on() {
    let desk = Desk::new();
    let receiver = Receiver::start(|_, _| Does::Takes).await;
    let (webhook, _) = desk.hook(&receiver.url);
    for n in 0..20 {
        desk.raise(&format!("{n}"));
    }
    let first = desk.start(quick());
    while receiver.taken().len() < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    first.stop.send_replace(true);
    tokio::time::timeout(Duration::from_secs(5), first.task).await.unwrap().unwrap();
    let by_then = receiver.taken().len();
    let waits =
        desk.deliveries(webhook).iter().filter(|d| d.state == DeliveryState::Waiting).count();
    assert_eq!(by_then + waits, 20, "what was sent is marked");
    let _second = desk.start(quick());
    desk.until_all(webhook, DeliveryState::Delivered).await;
    assert_eq!(receiver.taken().len(), 20, "each once");
}

fn does() -> impl Strategy<Value = Does> {
    prop_oneof![
        4 => Just(Does::Takes),
        2 => Just(Does::Fails),
        1 => Just(Does::Redirects),
        1 => Just(Does::Hangs),
        1 => Just(Does::Endless),
        2 => Just(Does::Closes),
        1 => Just(Does::Babbles),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever it does for a while, and however often the sender is killed meanwhile: in the end it has
    /// taken each event, and each is marked.
    #[test]
    fn no_event_is_lost_whatever_the_receiver_does(
        script in prop::collection::vec(does(), 0..20),
        events in 1..8_usize,
        kills in prop::collection::vec(1..120_u64, 0..3),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let desk = Desk::new();
            let script: Vec<Does> = script;
            let receiver = Receiver::start(move |number, _| {
                script.get(number).copied().unwrap_or(Does::Takes)
            })
            .await;
            let (webhook, _) = desk.hook(&receiver.url);
            for n in 0..events {
                desk.raise(&format!("{n}"));
            }
            for after_ms in kills {
                let running = desk.start(quick());
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
                // Not asked to stop: broken off wherever it was.
                running.task.abort();
            }
            let _running = desk.start(quick());
            let all = desk.until_all(webhook, DeliveryState::Delivered).await;
            let taken: BTreeSet<i64> = receiver.seen.lock().unwrap().iter()
                .filter(|request| matches!(request.did, Does::Takes | Does::Endless))
                .map(|request| serde_json::from_slice::<Value>(&request.body).unwrap())
                .map(|body| body["id"].as_i64().unwrap())
                .collect();
            let told: BTreeSet<i64> = all.iter().map(|delivery| delivery.event.0).collect();
            assert_eq!((taken, all.len()), (told, events));
        });
    }
}
