//! What others are told, on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

use std::time::Duration;

use case::alerts::{self, AlertKind, AlertSubject, NewAlert};
use case::cases::{self, NewCase};
use case::db::Db;
use case::outbox::{
    self, DeliveryState, Due, Failure, NewWebhook, Pace, WebhookChange, add_webhook, due, failed,
};
use case::trial::on_both;
use case::vault::Vault;
use case::{By, CaseError, EventId, Part, WebhookId, journal};
use model::{Severity, Timestamp};

const PACE: Pace = Pace {
    lease: Duration::from_secs(60),
    wait_first: Duration::from_secs(5),
    wait_max: Duration::from_secs(3600),
    pause_max: Duration::from_secs(300),
    dead_after: Duration::from_secs(86_400),
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + second).unwrap()
}

fn by(second: i64) -> By {
    By::new("person:ada", at(second))
}

fn vault() -> Vault {
    Vault::of([7; 32])
}

fn raise(db: &Db, second: i64, group: &str, team: Option<&str>) {
    let new = NewAlert {
        kind: AlertKind::Screening,
        severity: Severity::Medium,
        subject: AlertSubject::Name("Lazarus".into()),
        group: group.into(),
        title: "a name is listed".into(),
        evidence: serde_json::json!({}),
        team: team.map(str::to_string),
        case: None,
    };
    alerts::raise(db, &by(second), &new).unwrap();
}

fn hook(db: &Db, kinds: &[&str]) -> WebhookId {
    let new = NewWebhook {
        url: "https://x.example/".into(),
        kinds: kinds.iter().map(|kind| (*kind).to_string()).collect(),
        ..NewWebhook::default()
    };
    add_webhook(db, &by(0), &new, &vault()).unwrap().0
}

fn take(db: &Db, second: i64) -> Vec<Due> {
    due(db, at(second), 10, &PACE).unwrap()
}

fn no(db: &Db, due: &Due, second: i64) -> DeliveryState {
    let failure = Failure { problem: "HTTP status 503".into(), ..Failure::default() };
    failed(db, due.delivery, at(second), &failure, &PACE).unwrap()
}

fn in_state(db: &Db, webhook: WebhookId, state: DeliveryState) -> usize {
    outbox::deliveries(db, webhook, Some(state), &Part::default()).unwrap().items.len()
}

#[test]
fn each_webhook_gets_what_it_wants_one_at_a_time_in_order() {
    on_both(|db| {
        let (alerts, all) = (hook(db, &["alert.*"]), hook(db, &[]));
        cases::create(db, &by(1), &NewCase { title: "t".into(), ..NewCase::default() }).unwrap();
        raise(db, 2, "a", None);
        raise(db, 3, "b", None);
        let events = outbox::events_after(db, EventId(0), 10).unwrap();
        assert_eq!(events.len(), 3);
        let mut seen = Vec::new();
        for second in 4..7 {
            let handed_out = take(db, second);
            assert!(take(db, second).is_empty(), "one at a time, and to nobody else");
            for due in handed_out {
                seen.push((due.webhook, due.event.id));
                outbox::delivered(db, due.delivery, at(second)).unwrap();
            }
        }
        seen.sort();
        let expected = [
            (alerts, events[1].id),
            (alerts, events[2].id),
            (all, events[0].id),
            (all, events[1].id),
            (all, events[2].id),
        ];
        assert_eq!(seen, expected);
        assert!(take(db, 1000).is_empty());
        journal::verify_stored(db).unwrap().unwrap();
    });
}

#[test]
fn who_took_one_and_was_gone_loses_nothing() {
    on_both(|db| {
        hook(db, &[]);
        raise(db, 1, "a", None);
        let first = take(db, 2);
        assert!(take(db, 61).is_empty(), "handed out");
        assert_eq!(take(db, 62)[0].delivery, first[0].delivery);
    });
}

#[test]
fn the_order_holds_while_the_wait_is_short_then_the_later_ones_go_ahead() {
    on_both(|db| {
        hook(db, &[]);
        raise(db, 1, "poison", None);
        raise(db, 2, "b", None);
        let poison = take(db, 3)[0].clone();
        let (mut now, mut attempts) = (3, 0);
        loop {
            attempts += 1;
            assert_eq!(no(db, &poison, now), DeliveryState::Waiting);
            let wait = outbox::wait_after(&PACE, attempts).as_secs() as i64;
            assert!(take(db, now + wait.min(300) - 1).is_empty(), "after attempt {attempts}");
            now += wait.min(300);
            let next = take(db, now);
            if next[0].delivery != poison.delivery {
                // 5, 10, 20, 40, 80, 160: the seventh wait is longer than the longest pause.
                assert_eq!((attempts, wait), (7, 320));
                outbox::delivered(db, next[0].delivery, at(now)).unwrap();
                break;
            }
        }
        assert_eq!(take(db, now + 20)[0].delivery, poison.delivery);
    });
}

#[test]
fn a_receiver_that_fails_is_left_alone_whatever_waits_for_it() {
    on_both(|db| {
        let webhook = hook(db, &[]);
        for n in 0..20 {
            raise(db, n, &format!("{n}"), None);
        }
        let mut tries = 0;
        for second in (20..20 + 7200).step_by(20) {
            for due in take(db, second) {
                tries += 1;
                no(db, &due, second);
            }
        }
        assert!((20..40).contains(&tries), "{tries} in two hours");
        assert_eq!(in_state(db, webhook, DeliveryState::Waiting), 20);
        // Once it takes one, the rest follows at once.
        let is_due = |second: &i64| !take(db, *second).is_empty();
        let start = (7220..11_000).step_by(10).find(is_due).unwrap() + 60;
        for second in start..start + 20 {
            outbox::delivered(db, take(db, second)[0].delivery, at(second)).unwrap();
        }
        assert_eq!(in_state(db, webhook, DeliveryState::Delivered), 20);
    });
}

#[test]
fn what_is_too_old_is_dead_said_once_and_can_be_sent_again() {
    on_both(|db| {
        let (webhook, watcher) = (hook(db, &["alert.*", "webhook.*"]), hook(db, &["webhook.*"]));
        raise(db, 0, "a", None);
        let dead = take(db, 1)[0].clone();
        assert_eq!(no(db, &dead, 86_399), DeliveryState::Waiting);
        assert_eq!(outbox::standing(db).unwrap().oldest, Some(at(0)));
        let again = take(db, 86_500)[0].clone();
        assert_eq!(no(db, &again, 86_500), DeliveryState::Dead);
        let standing = outbox::standing(db).unwrap();
        assert_eq!((standing.waiting, standing.dead), (1, 1));
        // Told to the one who watches, not to the one who does not hear.
        let told = take(db, 87_000);
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].webhook, told[0].event.kind.as_str()), (watcher, outbox::DEAD));
        assert_eq!(told[0].event.body["problem"], "HTTP status 503");
        // That this news dies is told to nobody.
        assert_eq!(no(db, &told[0], 86_500 * 3), DeliveryState::Dead);
        assert!(take(db, 86_500 * 4).is_empty());
        let revived = outbox::revive(db, &by(90_000), webhook, dead.delivery).unwrap();
        assert_eq!((revived.state, revived.attempts), (DeliveryState::Waiting, 0));
        let due = take(db, 90_000)[0].clone();
        assert_eq!(no(db, &due, 90_001), DeliveryState::Waiting, "its age counts anew");
        assert!(matches!(
            outbox::revive(db, &by(1), watcher, dead.delivery),
            Err(CaseError::Missing { .. })
        ));
        journal::verify_stored(db).unwrap().unwrap();
    });
}

#[test]
fn a_webhook_of_a_team_hears_of_its_own_and_of_what_is_nobodys() {
    on_both(|db| {
        let new = NewWebhook {
            url: "https://x.example/".into(),
            sees: Some(vec!["north".into()]),
            ..NewWebhook::default()
        };
        let (webhook, _) = add_webhook(db, &by(0), &new, &vault()).unwrap();
        raise(db, 1, "nobody's", None);
        raise(db, 2, "north's", Some("north"));
        raise(db, 3, "south's", Some("south"));
        assert_eq!(in_state(db, webhook, DeliveryState::Waiting), 2);
    });
}

#[test]
fn both_secrets_sign_for_a_while_and_neither_lies_open() {
    on_both(|db| {
        let new = NewWebhook { url: "https://x.example/".into(), ..NewWebhook::default() };
        let (webhook, first) = add_webhook(db, &by(0), &new, &vault()).unwrap();
        let overlap = Duration::from_secs(100);
        let second = outbox::rotate_secret(db, &by(10), webhook, overlap, &vault()).unwrap();
        assert_ne!(first, second);
        raise(db, 11, "a", None);
        let due = take(db, 12);
        let both = due[0].secrets(&vault()).unwrap();
        assert_eq!(both, [second.as_bytes().to_vec(), first.as_bytes().to_vec()]);
        assert!(due[0].secrets(&Vault::of([8; 32])).is_err());
        let later = take(db, 111);
        assert_eq!(later[0].secrets(&vault()).unwrap(), [second.as_bytes()]);
        let sql = "SELECT secret, secret_before FROM webhook";
        let row = db.read(|tx| tx.row(sql, &[])).unwrap().unwrap();
        for (column, secret) in [(0, &second), (1, &first)] {
            let kept = row.bytes(column).unwrap();
            assert!(!kept.windows(8).any(|part| secret.as_bytes().windows(8).any(|s| s == part)));
        }
    });
}

#[test]
fn a_webhook_is_changed_tested_switched_off_and_removed() {
    on_both(|db| {
        let webhook = hook(db, &["alert.*"]);
        outbox::test_webhook(db, &by(1), webhook).unwrap();
        let due = take(db, 2)[0].clone();
        assert_eq!(due.event.kind, outbox::TEST);
        no(db, &due, 3);
        let change = WebhookChange { is_active: Some(false), ..WebhookChange::default() };
        assert!(!outbox::change_webhook(db, &by(4), webhook, &change).unwrap().is_active);
        raise(db, 5, "not told", None);
        assert!(take(db, 4000).is_empty());
        assert!(outbox::test_webhook(db, &by(5), webhook).is_err());
        let url = Some("https://y.example/".to_string());
        let change = WebhookChange { url, is_active: Some(true), ..WebhookChange::default() };
        let changed = outbox::change_webhook(db, &by(6), webhook, &change).unwrap();
        assert_eq!((changed.url.as_str(), changed.failures), ("https://y.example/", 0));
        assert_eq!(take(db, 6)[0].url, "https://y.example/", "tried at once");
        outbox::remove_webhook(db, &by(7), webhook).unwrap();
        assert!(outbox::webhooks(db).unwrap().is_empty() && take(db, 4000).is_empty());
        assert!(matches!(outbox::webhook(db, webhook), Err(CaseError::Missing { .. })));
        let refused = |url: &str, kind: &str| {
            let new =
                NewWebhook { url: url.into(), kinds: vec![kind.into()], ..NewWebhook::default() };
            add_webhook(db, &by(8), &new, &vault()).is_err()
        };
        assert!(refused("ftp://x", "alert.*") && refused("https://x", "alert raised"));
        assert!(refused("https://x", "*alert") && refused("https://x\0", "alert"));
        journal::verify_stored(db).unwrap().unwrap();
    });
}

#[test]
fn old_events_are_forgotten_unless_somebody_waits_for_them() {
    on_both(|db| {
        let (webhook, deaf) = (hook(db, &[]), hook(db, &[]));
        raise(db, 1, "a", None);
        raise(db, 1000, "b", None);
        let first = take(db, 2);
        outbox::delivered(db, first[0].delivery, at(2)).unwrap();
        assert_eq!(outbox::forget(db, at(500)).unwrap(), 0, "{deaf} waits");
        assert_eq!(no(db, &first[1], 86_500), DeliveryState::Dead);
        assert_eq!(outbox::forget(db, at(500)).unwrap(), 1);
        assert_eq!(in_state(db, deaf, DeliveryState::Dead), 0);
        assert_eq!(in_state(db, webhook, DeliveryState::Waiting), 2, "b, and that one is dead");
    });
}
