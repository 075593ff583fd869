//! Alerts, cases, journal and outbox, each story on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used, reason = "in a test it is the assertion")]

use std::collections::BTreeMap;

use case::alerts::{self, AlertFilter, AlertKind, AlertState, AlertSubject, NewAlert};
use case::cases::{
    self, CaseFilter, CaseState, Content, LinkKind, NewCase, NewEvidence, NewLink, Picked,
};
use case::db::Db;
use case::outbox;
use case::trial::on_both;
use case::{AlertId, By, CaseError, EventId, Part, Seen, journal};
use model::{Severity, Timestamp};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + second).unwrap()
}

fn by(second: i64) -> By {
    By::new("person:ada", at(second))
}

fn new_alert(group: &str) -> NewAlert {
    NewAlert {
        kind: AlertKind::Screening,
        severity: Severity::Medium,
        subject: AlertSubject::Name("Lazarus".into()),
        group: group.into(),
        title: "a name is listed".into(),
        evidence: serde_json::json!({ "list": group }),
        team: None,
        case: None,
    }
}

fn new_case(title: &str) -> NewCase {
    NewCase { title: title.into(), ..NewCase::default() }
}

fn is_whole(db: &Db) -> i64 {
    journal::verify_stored(db).unwrap().unwrap().map_or(0, |head| head.seq)
}

#[test]
fn the_same_thing_again_is_counted_and_after_a_close_it_is_a_new_alert() {
    on_both(|db| {
        let first = alerts::raise(db, &by(0), &new_alert("ofac")).unwrap();
        let again =
            alerts::raise(db, &by(5), &NewAlert { severity: Severity::High, ..new_alert("ofac") })
                .unwrap();
        assert!(first.is_new && !again.is_new && first.id == again.id);
        let alert = alerts::get(db, first.id).unwrap();
        assert_eq!((alert.times, alert.severity, alert.last_seen), (2, Severity::High, at(5)));
        assert!(alerts::raise(db, &by(6), &new_alert("eu")).unwrap().is_new);

        alerts::close(db, &by(7), first.id, "another person", true).unwrap();
        let later = alerts::raise(db, &by(8), &new_alert("ofac")).unwrap();
        assert!(later.is_new);
        assert_eq!(alerts::get(db, later.id).unwrap().previous, Some(first.id));
        let error = alerts::reopen(db, &by(9), first.id, "wrong").unwrap_err();
        assert!(matches!(error, CaseError::State { .. }), "{error}");
        assert!(is_whole(db) >= 5);
    });
}

#[test]
fn an_alert_is_snoozed_woken_taken_into_a_case_and_only_then_not_snoozed_again() {
    on_both(|db| {
        let id = alerts::raise(db, &by(0), &new_alert("ofac")).unwrap().id;
        assert!(alerts::snooze(db, &by(1), id, at(1), "later").is_err(), "not into the past");
        assert!(alerts::snooze(db, &by(1), id, at(9), " ").is_err(), "not without a reason");
        alerts::snooze(db, &by(1), id, at(9), "waits for the bank").unwrap();
        assert!(alerts::wake(db, &by(8)).unwrap().is_empty());
        assert_eq!(alerts::wake(db, &by(9)).unwrap(), [id]);
        let case = cases::create(db, &by(10), &new_case("Bybit")).unwrap();
        let link = NewLink { kind: LinkKind::Alert, target: id.to_string(), note: String::new() };
        cases::link(db, &by(11), case.id, &link).unwrap();
        let alert = alerts::get(db, id).unwrap();
        assert_eq!((alert.state, alert.case), (AlertState::InCase, Some(case.id)));
        assert!(alerts::snooze(db, &by(12), id, at(99), "no").is_err());
        let counts = alerts::counts(db, &Seen::All).unwrap();
        assert_eq!(counts.len(), 1);
        assert_eq!((counts[0].state, counts[0].number), (AlertState::InCase, 1));
    });
}

#[test]
fn pages_show_every_alert_once_whatever_the_filter() {
    on_both(|db| {
        for n in 0..23 {
            let kind = if n % 3 == 0 { AlertKind::Rule } else { AlertKind::Watch };
            let new = NewAlert { kind, ..new_alert(&format!("g{n}")) };
            let id = alerts::raise(db, &by(n / 4), &new).unwrap().id;
            if n % 2 == 0 {
                alerts::acknowledge(db, &by(n), id).unwrap();
            }
        }
        let check = |filter: AlertFilter, expected: usize| {
            let mut part = Part { after: None, limit: 4 };
            let mut found = Vec::new();
            loop {
                let page = alerts::list(db, &filter, &part).unwrap();
                found.extend(page.items.into_iter().map(|alert| (alert.last_seen, alert.id)));
                part.after = page.next;
                if page.next.is_none() {
                    break;
                }
            }
            let mut sorted = found.clone();
            sorted.sort();
            sorted.dedup();
            sorted.reverse();
            assert_eq!(found, sorted, "newest first, none twice");
            assert_eq!(found.len(), expected, "{filter:?}");
        };
        check(AlertFilter::default(), 23);
        check(AlertFilter { kinds: vec![AlertKind::Rule], ..AlertFilter::default() }, 8);
        let states = vec![AlertState::Open, AlertState::Acknowledged, AlertState::Open];
        check(AlertFilter { states, ..AlertFilter::default() }, 23);
        let states = vec![AlertState::Open];
        let kinds = vec![AlertKind::Rule, AlertKind::Watch];
        check(AlertFilter { states, kinds, ..AlertFilter::default() }, 11);
        check(AlertFilter { since: Some(at(5)), ..AlertFilter::default() }, 3);
        check(AlertFilter { group: Some("g7".into()), ..AlertFilter::default() }, 1);
        check(AlertFilter { assignee: Some("nobody".into()), ..AlertFilter::default() }, 0);
    });
}

#[test]
fn a_case_goes_its_way_and_is_found_by_words_of_any_script() {
    on_both(|db| {
        let case = cases::create(db, &by(0), &new_case("Кража у Bybit")).unwrap();
        assert_eq!((case.state, case.number.as_str()), (CaseState::Triage, "2025-000001"));
        cases::add_note(db, &by(1), case.id, "seen in 北京市, asks Straße 7").unwrap();
        let find = |words: &str| {
            let filter = CaseFilter { search: Some(words.into()), ..CaseFilter::default() };
            cases::list(db, &filter, &Part::default()).unwrap().items.len()
        };
        for words in ["краж", "КРАЖА byb", "京", "straß", "2025 000001"] {
            assert_eq!(find(words), 1, "{words}");
        }
        for words in ["bitby", "кража tether", "ража"] {
            assert_eq!(find(words), 0, "{words}");
        }
        cases::open(db, &by(2), case.id).unwrap();
        assert!(cases::open(db, &by(3), case.id).is_err(), "it is open");
        cases::close(db, &by(4), case.id, "returned").unwrap();
        let case = cases::reopen(db, &by(5), case.id, "more came").unwrap();
        assert_eq!((case.state, case.reason), (CaseState::Open, None));
    });
}

#[test]
fn a_merge_loses_nothing_and_a_split_moves_what_was_picked() {
    on_both(|db| {
        let one = cases::create(db, &by(0), &new_case("one")).unwrap().id;
        let two = cases::create(db, &by(0), &new_case("two")).unwrap().id;
        let content = Content::Bytes(b"picture".to_vec());
        let new = NewEvidence { name: "p.png".into(), media_type: "image/png".into(), content };
        let evidence = cases::add_evidence(db, &by(1), one, &new).unwrap();
        cases::add_note(db, &by(1), one, "of one").unwrap();
        let alert = alerts::raise(db, &by(1), &new_alert("x")).unwrap().id;
        let link =
            NewLink { kind: LinkKind::Alert, target: alert.to_string(), note: String::new() };
        let link = cases::link(db, &by(2), one, &link).unwrap();

        cases::merge(db, &by(3), one, two).unwrap();
        let gone = cases::get(db, one).unwrap();
        assert_eq!((gone.state, gone.merged_into), (CaseState::Closed, Some(two)));
        assert!(cases::add_note(db, &by(4), one, "too late").is_err());
        assert_eq!(cases::notes(db, two).unwrap().len(), 1);
        let bytes = cases::evidence_bytes(db, two, evidence).unwrap();
        assert_eq!(bytes.as_deref(), Some(&b"picture"[..]));
        assert_eq!(alerts::get(db, alert).unwrap().case, Some(two));

        let picked = Picked { links: vec![link], ..Picked::default() };
        let made = cases::split(db, &by(5), two, &new_case("three"), &picked).unwrap().id;
        assert_eq!(cases::links(db, made).unwrap().len(), 1);
        assert!(cases::links(db, two).unwrap().is_empty());
        assert_eq!(alerts::get(db, alert).unwrap().case, Some(made));
        let again = cases::split(db, &by(6), two, &new_case("four"), &picked);
        assert!(again.is_err(), "it is not there any more");
        assert_eq!(
            cases::list(db, &CaseFilter::default(), &Part::default()).unwrap().items.len(),
            3
        );
        is_whole(db);
    });
}

#[test]
fn a_failed_act_leaves_no_trace() {
    on_both(|db| {
        let before = is_whole(db);
        let none = case::AlertId(77);
        assert!(alerts::close(db, &by(0), none, "x", true).is_err());
        let long = NewCase { summary: "a\0b".into(), ..new_case("x") };
        assert!(matches!(cases::create(db, &by(0), &long), Err(CaseError::Field { .. })));
        assert_eq!(is_whole(db), before);
        assert!(outbox::events_after(db, EventId(0), 10).unwrap().is_empty());
    });
}

#[test]
fn many_writers_at_once_make_one_chain() {
    on_both(|db| {
        std::thread::scope(|scope| {
            for writer in 0..4 {
                scope.spawn(move || {
                    for n in 0..10 {
                        alerts::raise(db, &by(n), &new_alert(&format!("{writer}.{n}"))).unwrap();
                    }
                });
            }
        });
        assert_eq!(is_whole(db), 40);
    });
}

#[test]
fn a_journal_that_was_touched_says_where() {
    use journal::Fault;
    let folder = tempfile::tempdir().unwrap();
    let place = case::db::Place::Sqlite(folder.path().join("c"));
    let db = case::open(&place).unwrap();
    for n in 0..5 {
        cases::create(&db, &by(n), &new_case(&format!("case {n}"))).unwrap();
    }
    let mut out = Vec::new();
    let head = journal::export(&db, &mut out).unwrap().unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let fault = |lines: &[&str]| {
        let broken = journal::verify(lines.iter().copied(), None).unwrap_err();
        (broken.seq, broken.fault)
    };
    assert_eq!(journal::verify(lines.iter().copied(), Some(&head)).unwrap(), Some(head.clone()));

    let changed = lines[2].replace("case 2", "case X");
    let mut touched = lines.clone();
    touched[2] = &changed;
    assert_eq!(fault(&touched), (3, Fault::Changed));
    let mut touched = lines.clone();
    touched.remove(1);
    assert_eq!(fault(&touched), (2, Fault::Missing));
    let mut touched = lines.clone();
    touched.swap(1, 2);
    assert_eq!(fault(&touched), (2, Fault::Reordered { found: 3 }));
    assert_eq!(fault(&lines[..4]), (5, Fault::Truncated));
    let mut touched = lines.clone();
    touched.remove(4);
    assert_eq!(fault(&touched), (5, Fault::Truncated));
    // Whoever cuts the head too is told by a head that was kept.
    let shorter = {
        let folder = tempfile::tempdir().unwrap();
        let db = case::open(&case::db::Place::Sqlite(folder.path().join("c"))).unwrap();
        cases::create(&db, &by(0), &new_case("case 0")).unwrap();
        let mut out = Vec::new();
        journal::export(&db, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let broken = journal::verify(shorter.lines(), Some(&head)).unwrap_err();
    assert_eq!((broken.seq, broken.fault), (2, Fault::Truncated));
}

#[test]
fn another_machine_is_refused_without_tls() {
    for url in ["postgres://cell:secret@db.example/casework", "postgresql://u@10.0.0.7/x"] {
        let error = case::open(&url.parse().unwrap()).err().expect("refused").to_string();
        assert!(error.contains("without TLS") && !error.contains("secret"), "{error}");
    }
}

/// What the listing holds, counted one by one.
fn counted(db: &Db, seen: &Seen) -> BTreeMap<(AlertState, Severity), i64> {
    let filter = AlertFilter { seen: seen.clone(), ..AlertFilter::default() };
    let page = alerts::list(db, &filter, &Part { after: None, limit: 500 }).unwrap();
    assert!(page.next.is_none());
    let mut counts = BTreeMap::new();
    for alert in page.items {
        *counts.entry((alert.state, alert.severity)).or_default() += 1;
    }
    counts
}

#[test]
fn totals_are_exact_after_any_acts_and_only_of_what_somebody_sees() {
    let everybody = ["north", "south"].map(String::from).to_vec();
    let all_seen =
        [Seen::All, Seen::Of(Vec::new()), Seen::Of(everybody[..1].to_vec()), Seen::Of(everybody)];
    on_both(|db| {
        let case = cases::create(db, &by(0), &new_case("Bybit")).unwrap();
        let check = |step: &str| {
            for seen in &all_seen {
                let counts = alerts::counts(db, seen).unwrap();
                let counts: BTreeMap<_, _> =
                    counts.iter().map(|of| ((of.state, of.severity), of.number)).collect();
                assert_eq!(counts, counted(db, seen), "{step}: {seen:?}");
            }
        };
        check("nothing");
        // Acts without order, the same each time; some are refused, and those change nothing.
        let mut draw = 7_u64;
        let mut next = |below: u64| {
            draw = draw
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (draw >> 33) % below
        };
        for n in 1..150 {
            let severity = [Severity::Info, Severity::Low, Severity::Medium, Severity::High]
                [usize::try_from(next(4)).unwrap()];
            let team = [None, Some("north".to_string()), Some("south".to_string())]
                [usize::try_from(next(3)).unwrap()]
            .clone();
            let group = format!("group {}", next(25));
            let id = AlertId(1 + i64::try_from(next(25)).unwrap());
            let by = by(n);
            let done = match next(8) {
                0..3 => {
                    let new = NewAlert { severity, team, ..new_alert(&group) };
                    alerts::raise(db, &by, &new).map(drop)
                }
                3 => alerts::acknowledge(db, &by, id).map(drop),
                4 => alerts::snooze(db, &by, id, at(n + 9), "later").map(drop),
                5 => alerts::set_team(db, &by, id, team.as_deref()).map(drop),
                6 if next(2) == 0 => alerts::reopen(db, &by, id, "again").map(drop),
                6 => alerts::close(db, &by, id, "done", false).map(drop),
                _ if next(3) == 0 => alerts::take_into_case(db, &by, id, case.id).map(drop),
                _ => alerts::wake(db, &by).map(drop),
            };
            if n % 10 == 0 || done.is_err() {
                check(&format!("act {n}"));
            }
        }
        check("all");
        assert!(counted(db, &Seen::All).len() > 6, "the acts reach several states");
        let of = |seen: &Seen| cases::counts(db, seen).unwrap();
        let new = NewCase { team: Some("north".into()), ..new_case("another") };
        let other = cases::create(db, &by(200), &new).unwrap().id;
        assert_eq!(of(&Seen::All), [(CaseState::Triage, 2)]);
        assert_eq!(of(&Seen::Of(Vec::new())), [(CaseState::Triage, 1)]);
        cases::open(db, &by(201), other).unwrap();
        assert_eq!(of(&Seen::All), [(CaseState::Triage, 1), (CaseState::Open, 1)]);
    });
}
