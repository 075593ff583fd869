//! How long each listing takes where a desk is large: 10,000 cases and a million alerts.
//!
//! It fills a database and asks every listing with every filter that the API offers, and prints the
//! median and the 99th percentile of each. Ignored: filling takes minutes.
//!
//!     cargo test --release -p case --test listings -- --ignored --nocapture
//!
//! `INTERDICT_LISTINGS_ALERTS` sets another number of alerts, and `INTERDICT_LISTINGS_DB` another place
//! (`postgres://…`, empty); nothing: SQLite in a temporary folder. `INTERDICT_LISTINGS_KEEP` names a folder
//! that becomes the home of a server with this desk: `web/tests/e2e/large.mjs` opens the pages on it.

#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stderr, reason = "a measurement says what it measured")]

use std::time::{Duration, Instant};

use case::alerts::{self, AlertFilter, AlertKind, AlertState, AlertSubject};
use case::cases::{self, CaseFilter, CaseState};
use case::db::{Db, Place, Tx, Value};
use case::freeze::{self, FreezeFilter, FreezeState};
use case::journal::{self, EntryFilter};
use case::{CaseError, CaseId, Cursor, EventId, Page, Part, Seen, outbox};
use model::{Severity, Timestamp};

const CASES: i64 = 10_000;
const FREEZES: i64 = 2_000;
const SAMPLES: usize = 100;
const AIM: Duration = Duration::from_millis(100);
const START_US: i64 = 1_700_000_000_000_000;
/// Rows of one statement.
const ROWS: i64 = 100;

/// A place in a list of so many.
fn at(number: i64, len: usize) -> usize {
    let len = i64::try_from(len).expect("a short list");
    usize::try_from(number.rem_euclid(len)).expect("a place in it")
}

/// Spread without order, the same each time.
fn mixed(number: i64) -> i64 {
    let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 33) as i64).abs()
}

fn team(number: i64) -> Option<String> {
    match mixed(number) % 25 {
        0..5 => None,
        // A team that has few.
        24 if number % 997 != 0 => None,
        team => Some(format!("team {team}")),
    }
}

fn state(number: i64) -> AlertState {
    match mixed(number * 7) % 100 {
        0..6 => AlertState::Open,
        6..8 => AlertState::Acknowledged,
        8 => AlertState::Snoozed,
        9..12 => AlertState::InCase,
        _ => AlertState::Closed,
    }
}

fn fill(db: &Db, alerts: i64) {
    let columns = "id, kind, severity, subject, group_key, equal_key, title, evidence, times, first_seen, \
        last_seen, state, is_false_positive, assignee, team, case_id";
    insert(db, "alert", columns, alerts, |n| {
        let kinds = AlertKind::ALL;
        let kind = kinds[at(mixed(n * 3), kinds.len())];
        let at = START_US + mixed(n) % 31_000_000_000_000;
        vec![
            n.into(),
            kind.text().into(),
            (mixed(n * 5) % 4).into(),
            format!("account:eip155:1:0x{:040x}", mixed(n * 11) % 200_000).into(),
            format!("group {}", mixed(n * 13) % 50_000).into(),
            format!("{n:032}").into_bytes().into(),
            "a deposit from a listed address".into(),
            "{\"list\":\"ofac-sdn\"}".into(),
            1.into(),
            at.into(),
            at.into(),
            state(n).text().into(),
            0.into(),
            (mixed(n) % 3 == 0).then(|| format!("person:{}", mixed(n * 17) % 40)).into(),
            team(n).into(),
            (state(n) == AlertState::InCase).then(|| 1 + mixed(n * 19) % CASES).into(),
        ]
    });
    let columns = "id, number, title, summary, state, assignee, team, marking, created, changed";
    insert(db, "case_file", columns, CASES, |n| {
        vec![
            n.into(),
            format!("2026-{n:06}").into(),
            "theft".into(),
            "".into(),
            ["triage", "open", "closed"][(mixed(n) % 3) as usize].into(),
            (n % 2 == 0).then(|| format!("person:{}", mixed(n) % 40)).into(),
            team(n).into(),
            "TLP:AMBER".into(),
            START_US.into(),
            START_US.into(),
        ]
    });
    insert(db, "case_term", "case_id, term", CASES * 10, |n| {
        let (case, word) = (1 + (n - 1) / 10, (n - 1) % 10);
        // One word that all have, some that many have, one of its own.
        let term = match word {
            0 => "theft".to_string(),
            9 => format!("case{case}"),
            word => format!("word{word}x{}", mixed(n) % (50 * word)),
        };
        vec![case.into(), term.into_bytes().into()]
    });
    insert(db, "case_deadline", "id, case_id, what, due", CASES * 3, |n| {
        let due = START_US + mixed(n) % 31_000_000_000_000;
        vec![n.into(), (1 + mixed(n) % CASES).into(), "answer".into(), due.into()]
    });
    let columns = "id, case_id, revision, state, title, marking, holder, jurisdiction, legal_basis, \
        acknowledge_s, freeze_s, drafted_by, created, revised, sent";
    insert(db, "freeze_request", columns, FREEZES, |n| {
        let state = FreezeState::ALL[at(mixed(n), FreezeState::ALL.len())];
        vec![
            n.into(),
            (n % 3 != 0).then(|| 1 + mixed(n) % CASES).into(),
            1.into(),
            state.text().into(),
            "freeze".into(),
            "TLP:AMBER".into(),
            ["Tether", "Circle", "Binance"][(mixed(n) % 3) as usize].into(),
            ["US", "GB", "DE"][(mixed(n * 3) % 3) as usize].into(),
            "[\"a law\"]".into(),
            86_400.into(),
            259_200.into(),
            "person:1".into(),
            START_US.into(),
            START_US.into(),
            (n % 2 == 0).then_some(START_US).into(),
        ]
    });
    let columns = "request, number, account, asset, asked, frozen, recovered";
    insert(db, "freeze_item", columns, FREEZES * 3, |n| {
        let eth = "eip155:1/slip44:60";
        vec![
            (1 + (n - 1) / 3).into(),
            ((n - 1) % 3).into(),
            format!("eip155:1:0x{n:040x}").into(),
            eth.into(),
            "1000".into(),
            "0".into(),
            "0".into(),
        ]
    });
    let columns = "seq, time, actor, act, subject, payload, previous, hash";
    insert(db, "journal", columns, alerts / 4, |n| {
        vec![
            n.into(),
            (START_US + n).into(),
            format!("person:{}", mixed(n) % 40).into(),
            "alert.raised".into(),
            format!("case:{}", mixed(n * 3) % CASES).into(),
            "{}".into(),
            vec![0; 32].into(),
            vec![0; 32].into(),
        ]
    });
    insert(db, "event", "id, time, kind, subject, body, team", alerts / 4, |n| {
        let subject = format!("alert:{n}");
        vec![
            n.into(),
            (START_US + n).into(),
            "alert.raised".into(),
            subject.into(),
            "{}".into(),
            team(n).into(),
        ]
    });
}

/// What only the pages list, and what a server needs to go on from here: its next numbers.
fn fill_for_pages(db: &Db, alerts: i64) {
    insert(db, "watch", "id, name, severity, target, is_active, created", 1_000, |n| {
        let target = format!(r#"{{"account":{{"account":"eip155:1:0x{n:040x}"}}}}"#);
        vec![
            n.into(),
            format!("watch {n}").into(),
            (n % 4).into(),
            target.into(),
            1.into(),
            START_US.into(),
        ]
    });
    let lasts = [
        ("alert", alerts),
        ("case", CASES),
        ("deadline", CASES * 3),
        ("freeze", FREEZES),
        ("watch", 1_000),
        ("event", alerts / 4),
    ];
    insert(db, "counter", "name, last", lasts.len() as i64, |n| {
        let (name, last) = lasts[at(n - 1, lasts.len())];
        vec![name.into(), last.into()]
    });
    // Or the server would begin by telling of 30,000 deadlines that passed years ago.
    db.write(|tx| {
        tx.run("UPDATE case_deadline SET met = due", &[]).map(drop).map_err(CaseError::from)
    })
    .unwrap();
}

fn insert(db: &Db, table: &str, columns: &str, count: i64, row: impl Fn(i64) -> Vec<Value>) {
    let begun = Instant::now();
    let mut next = 1;
    while next <= count {
        let until = (next + 20_000).min(count + 1);
        db.write(|tx| -> Result<(), CaseError> {
            let mut from = next;
            while from < until {
                let to = (from + ROWS).min(until);
                some(tx, table, columns, (from..to).map(&row).collect())?;
                from = to;
            }
            Ok(())
        })
        .unwrap();
        next = until;
    }
    eprintln!("{table}: {count} rows in {:?}", begun.elapsed());
}

fn some(
    tx: &mut Tx<'_>,
    table: &str,
    columns: &str,
    rows: Vec<Vec<Value>>,
) -> Result<(), CaseError> {
    let mut places = Vec::with_capacity(rows.len());
    let mut values = Vec::new();
    for row in rows {
        let names: Vec<String> =
            (0..row.len()).map(|at| format!("${}", values.len() + at + 1)).collect();
        places.push(format!("({})", names.join(", ")));
        values.extend(row);
    }
    tx.run(&format!("INSERT INTO {table} ({columns}) VALUES {}", places.join(", ")), &values)?;
    Ok(())
}

/// Asks again and again, with a first and a later page, and says how long it took.
struct Clock<'a> {
    db: &'a Db,
    slow: Vec<String>,
}

impl Clock<'_> {
    fn time<T>(&mut self, name: &str, ask: impl Fn(&Db, usize) -> Result<T, CaseError>) {
        let mut took: Vec<Duration> = (0..SAMPLES)
            .map(|n| {
                let begun = Instant::now();
                ask(self.db, n).unwrap();
                begun.elapsed()
            })
            .collect();
        took.sort_unstable();
        let (median, p99) = (took[SAMPLES / 2], took[SAMPLES * 99 / 100]);
        eprintln!("{name:<44} median {median:>10.1?}  p99 {p99:>10.1?}");
        if p99 >= AIM {
            self.slow.push(format!("{name}: {p99:?}"));
        }
    }

    /// Each page of a listing as it is turned, from the first.
    fn pages<T>(&mut self, name: &str, ask: impl Fn(&Db, &Part) -> Result<Page<T>, CaseError>) {
        let after = std::cell::Cell::new(None::<Cursor>);
        self.time(name, |db, _| {
            let page = ask(db, &Part { after: after.get(), limit: 50 })?;
            after.set(page.next);
            Ok(())
        });
    }
}

#[test]
#[ignore = "fills a million rows: run it in release"]
fn every_listing_of_a_large_desk_is_fast() {
    let alerts = std::env::var("INTERDICT_LISTINGS_ALERTS").ok();
    let alerts = alerts.map_or(1_000_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let kept = std::env::var("INTERDICT_LISTINGS_KEEP").ok().map(std::path::PathBuf::from);
    let place = match std::env::var("INTERDICT_LISTINGS_DB") {
        Ok(place) => place.parse().unwrap(),
        Err(_) => {
            let home = kept.as_deref().unwrap_or(folder.path());
            std::fs::create_dir_all(home).unwrap();
            Place::Sqlite(home.join("casework.sqlite"))
        }
    };
    let db = case::open(&place).unwrap();
    fill(&db, alerts);
    if kept.is_some() {
        fill_for_pages(&db, alerts);
        // What was measured stays for the pages.
        if std::env::var_os("INTERDICT_LISTINGS_FILL_ONLY").is_some() {
            return;
        }
    }
    let mut clock = Clock { db: &db, slow: Vec::new() };
    let few = Seen::Of(vec!["team 7".into(), "team 24".into()]);
    for (who, seen) in [("all", Seen::All), ("two teams", few), ("no team", Seen::Of(Vec::new()))] {
        of_alerts(&mut clock, who, &seen);
        of_cases(&mut clock, who, &seen);
    }
    of_the_rest(&mut clock);
    assert!(clock.slow.is_empty(), "slower than {AIM:?}: {:#?}", clock.slow);
}

fn of_alerts(clock: &mut Clock<'_>, who: &str, seen: &Seen) {
    let any = AlertFilter { seen: seen.clone(), ..AlertFilter::default() };
    let (states, kinds) = (vec![AlertState::Open], vec![AlertKind::Freeze]);
    let severities = vec![Severity::High];
    let account = format!("account:eip155:1:0x{:040x}", mixed(11) % 200_000);
    let subject: AlertSubject = account.parse().unwrap();
    let since = Timestamp::from_microsecond(START_US + 30_000_000_000_000).unwrap();
    let filters = [
        ("", any.clone()),
        ("state", AlertFilter { states: states.clone(), ..any.clone() }),
        ("severity", AlertFilter { severities: severities.clone(), ..any.clone() }),
        ("kind", AlertFilter { kinds: kinds.clone(), ..any.clone() }),
        (
            "state, severity, kind",
            AlertFilter { states: states.clone(), severities, kinds, ..any.clone() },
        ),
        ("subject", AlertFilter { subject: Some(subject), ..any.clone() }),
        ("group", AlertFilter { group: Some("group 7".into()), ..any.clone() }),
        ("assignee", AlertFilter { assignee: Some("person:7".into()), ..any.clone() }),
        (
            "assignee, state",
            AlertFilter {
                assignee: Some("person:7".into()),
                states: states.clone(),
                ..any.clone()
            },
        ),
        ("team", AlertFilter { team: Some("team 7".into()), ..any.clone() }),
        ("team of few", AlertFilter { team: Some("team 24".into()), ..any.clone() }),
        ("case", AlertFilter { case: Some(CaseId(7)), ..any.clone() }),
        ("since", AlertFilter { since: Some(since), ..any.clone() }),
        ("since, state", AlertFilter { since: Some(since), states, ..any.clone() }),
    ];
    for (name, filter) in filters {
        let name = format!("alerts by {name} ({who})");
        clock.pages(&name, |db, part| alerts::list(db, &filter, part));
    }
}

fn of_cases(clock: &mut Clock<'_>, who: &str, seen: &Seen) {
    let any = CaseFilter { seen: seen.clone(), ..CaseFilter::default() };
    let filters = [
        ("", any.clone()),
        ("state", CaseFilter { state: Some(CaseState::Open), ..any.clone() }),
        ("assignee", CaseFilter { assignee: Some("person:7".into()), ..any.clone() }),
        ("team", CaseFilter { team: Some("team 7".into()), ..any.clone() }),
        ("a word of all", CaseFilter { search: Some("theft".into()), ..any.clone() }),
        ("a word of one", CaseFilter { search: Some("case77".into()), ..any.clone() }),
        ("beginnings", CaseFilter { search: Some("word thef case1".into()), ..any.clone() }),
    ];
    for (name, filter) in filters {
        let name = format!("cases by {name} ({who})");
        clock.pages(&name, |db, part| cases::list(db, &filter, part));
    }
    let freezes = FreezeFilter { seen: seen.clone(), ..FreezeFilter::default() };
    let filters = [
        ("", freezes.clone()),
        ("case", FreezeFilter { case: Some(CaseId(7)), ..freezes.clone() }),
        ("state", FreezeFilter { state: Some(FreezeState::Sent), ..freezes.clone() }),
        ("holder", FreezeFilter { holder: Some("Tether".into()), ..freezes.clone() }),
        ("jurisdiction", FreezeFilter { jurisdiction: Some("GB".into()), ..freezes }),
    ];
    for (name, filter) in filters {
        let name = format!("freezes by {name} ({who})");
        clock.pages(&name, |db, part| freeze::list(db, &filter, part));
    }
    clock.time(&format!("live freezes ({who})"), |db, _| freeze::live(db, seen));
    let week = Timestamp::from_microsecond(START_US + 7 * 86_400_000_000).unwrap();
    clock.time(&format!("deadlines of a week ({who})"), |db, _| cases::deadlines(db, week, seen));
}

fn of_the_rest(clock: &mut Clock<'_>) {
    let filters = [
        ("", EntryFilter::default()),
        ("subject", EntryFilter { subject: Some("case:7".into()), actor: None }),
        ("actor", EntryFilter { subject: None, actor: Some("person:7".into()) }),
        ("both", EntryFilter { subject: Some("case:7".into()), actor: Some("person:7".into()) }),
    ];
    for (name, filter) in filters {
        clock.pages(&format!("journal by {name}"), |db, part| journal::list(db, &filter, part));
    }
    clock.time("events", |db, n| outbox::events_after(db, EventId(n as i64 * 1000), 200));
    clock.time("parts of a case", |db, n| {
        let case = CaseId(1 + n as i64);
        cases::notes(db, case)?;
        cases::tasks(db, case)?;
        cases::links(db, case)?;
        cases::evidence(db, case)?;
        cases::deadlines_of(db, case)
    });
    clock.time("counts of alerts", |db, _| alerts::counts(db));
}
