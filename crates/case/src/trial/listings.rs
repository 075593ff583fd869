//! How long each listing takes where a desk is large: 10,000 cases and a million alerts.
//!
//! [`fill`] fills a database, [`measure`] asks every listing with every filter that the API offers, and
//! every total, again and again, turning pages. For the tests of this crate and the bench.

use std::time::{Duration, Instant};

use model::Severity;

use crate::alerts::{self, AlertFilter, AlertKind, AlertState, AlertSubject};
use crate::cases::{self, CaseFilter, CaseState};
use crate::db::{Db, Tx, Value};
use crate::freeze::{self, FreezeFilter, FreezeState};
use crate::journal::{self, EntryFilter};
use crate::outbox;
use crate::{CaseError, CaseId, Cursor, EventId, Page, Part, Seen, moment};

/// How much a desk holds, and how often each listing is asked.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub alerts: i64,
    pub cases: i64,
    pub samples: usize,
}

impl Size {
    /// A large desk.
    pub const LARGE: Size = Size { alerts: 1_000_000, cases: 10_000, samples: 100 };
}

/// At the 99th percentile.
pub const AIM: Duration = Duration::from_millis(100);

/// One listing with one filter.
#[derive(Clone, Debug)]
pub struct Timed {
    pub name: String,
    pub median: Duration,
    pub p99: Duration,
}

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

/// Rows of alerts, cases, freeze requests, entries and events, the same each time.
///
/// # Errors
/// The database cannot take them: it is not empty, say.
pub fn fill(db: &Db, size: &Size) -> Result<(), CaseError> {
    let Size { alerts, cases, .. } = *size;
    let freezes = cases / 5;
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
            (state(n) == AlertState::InCase).then(|| 1 + mixed(n * 19) % cases).into(),
        ]
    })?;
    let counted = "INSERT INTO alert_count (team, state, severity, number) \
        SELECT COALESCE(team, ''), state, severity, COUNT(*) FROM alert \
        GROUP BY COALESCE(team, ''), state, severity";
    db.write(|tx| Ok::<_, CaseError>(tx.run(counted, &[])?))?;
    let columns = "id, number, title, summary, state, assignee, team, marking, created, changed";
    insert(db, "case_file", columns, cases, |n| {
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
    })?;
    insert(db, "case_term", "case_id, term", cases * 10, |n| {
        let (case, word) = (1 + (n - 1) / 10, (n - 1) % 10);
        // One word that all have, some that many have, one of its own.
        let term = match word {
            0 => "theft".to_string(),
            9 => format!("case{case}"),
            word => format!("word{word}x{}", mixed(n) % (50 * word)),
        };
        vec![case.into(), term.into_bytes().into()]
    })?;
    insert(db, "case_deadline", "id, case_id, what, due", cases * 3, |n| {
        let due = START_US + mixed(n) % 31_000_000_000_000;
        vec![n.into(), (1 + mixed(n) % cases).into(), "answer".into(), due.into()]
    })?;
    let columns = "id, case_id, revision, state, title, marking, holder, jurisdiction, legal_basis, \
        acknowledge_s, freeze_s, drafted_by, created, revised, sent";
    insert(db, "freeze_request", columns, freezes, |n| {
        let state = FreezeState::ALL[at(mixed(n), FreezeState::ALL.len())];
        vec![
            n.into(),
            (n % 3 != 0).then(|| 1 + mixed(n) % cases).into(),
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
    })?;
    let columns = "request, number, account, asset, asked, frozen, recovered";
    insert(db, "freeze_item", columns, freezes * 3, |n| {
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
    })?;
    let columns = "seq, time, actor, act, subject, payload, previous, hash";
    insert(db, "journal", columns, alerts / 4, |n| {
        vec![
            n.into(),
            (START_US + n).into(),
            format!("person:{}", mixed(n) % 40).into(),
            "alert.raised".into(),
            format!("case:{}", mixed(n * 3) % cases).into(),
            "{}".into(),
            vec![0; 32].into(),
            vec![0; 32].into(),
        ]
    })?;
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
    })?;
    Ok(())
}

/// What only the pages list, and what a server needs to go on from here: its next numbers.
///
/// # Errors
/// The database cannot take them.
pub fn fill_for_pages(db: &Db, size: &Size) -> Result<(), CaseError> {
    const WATCHES: i64 = 1_000;
    insert(db, "watch", "id, name, severity, target, is_active, created", WATCHES, |n| {
        let target = format!(r#"{{"account":{{"account":"eip155:1:0x{n:040x}"}}}}"#);
        vec![
            n.into(),
            format!("watch {n}").into(),
            (n % 4).into(),
            target.into(),
            1.into(),
            START_US.into(),
        ]
    })?;
    let lasts = [
        ("alert", size.alerts),
        ("case", size.cases),
        ("deadline", size.cases * 3),
        ("freeze", size.cases / 5),
        ("watch", WATCHES),
        ("event", size.alerts / 4),
    ];
    insert(db, "counter", "name, last", lasts.len() as i64, |n| {
        let (name, last) = lasts[at(n - 1, lasts.len())];
        vec![name.into(), last.into()]
    })?;
    // Or the server would begin by telling of 30,000 deadlines that passed years ago.
    db.write(|tx| {
        tx.run("UPDATE case_deadline SET met = due", &[]).map(drop).map_err(CaseError::from)
    })
}

fn insert(
    db: &Db,
    table: &str,
    columns: &str,
    count: i64,
    row: impl Fn(i64) -> Vec<Value>,
) -> Result<(), CaseError> {
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
        })?;
        next = until;
    }
    Ok(())
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

/// Asks again and again, with a first and a later page, and keeps how long it took.
struct Clock<'a> {
    db: &'a Db,
    samples: usize,
    timed: Vec<Timed>,
}

impl Clock<'_> {
    fn time<T>(
        &mut self,
        name: &str,
        ask: impl Fn(&Db, usize) -> Result<T, CaseError>,
    ) -> Result<(), CaseError> {
        let mut took = Vec::with_capacity(self.samples);
        for n in 0..self.samples {
            let begun = Instant::now();
            ask(self.db, n)?;
            took.push(begun.elapsed());
        }
        took.sort_unstable();
        let (median, p99) = (took[self.samples / 2], took[self.samples * 99 / 100]);
        self.timed.push(Timed { name: name.to_string(), median, p99 });
        Ok(())
    }

    /// Each page of a listing as it is turned, from the first.
    fn pages<T>(
        &mut self,
        name: &str,
        ask: impl Fn(&Db, &Part) -> Result<Page<T>, CaseError>,
    ) -> Result<(), CaseError> {
        let after = std::cell::Cell::new(None::<Cursor>);
        self.time(name, |db, _| {
            let page = ask(db, &Part { after: after.get(), limit: 50 })?;
            after.set(page.next);
            Ok(())
        })
    }
}

/// Every listing and every total, as everybody, two teams and nobody's people see them.
///
/// # Errors
/// A listing that fails.
pub fn measure(db: &Db, samples: usize) -> Result<Vec<Timed>, CaseError> {
    let mut clock = Clock { db, samples, timed: Vec::new() };
    let few = Seen::Of(vec!["team 7".into(), "team 24".into()]);
    for (who, seen) in [("all", Seen::All), ("two teams", few), ("no team", Seen::Of(Vec::new()))] {
        of_alerts(&mut clock, who, &seen)?;
        of_cases(&mut clock, who, &seen)?;
    }
    of_the_rest(&mut clock)?;
    Ok(clock.timed)
}

fn of_alerts(clock: &mut Clock<'_>, who: &str, seen: &Seen) -> Result<(), CaseError> {
    let any = AlertFilter { seen: seen.clone(), ..AlertFilter::default() };
    let (states, kinds) = (vec![AlertState::Open], vec![AlertKind::Freeze]);
    let severities = vec![Severity::High];
    let account = format!("account:eip155:1:0x{:040x}", mixed(11) % 200_000);
    let subject: AlertSubject = account.parse()?;
    let since = moment(START_US + 30_000_000_000_000)?;
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
        clock.pages(&name, |db, part| alerts::list(db, &filter, part))?;
    }
    Ok(())
}

fn of_cases(clock: &mut Clock<'_>, who: &str, seen: &Seen) -> Result<(), CaseError> {
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
        clock.pages(&name, |db, part| cases::list(db, &filter, part))?;
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
        clock.pages(&name, |db, part| freeze::list(db, &filter, part))?;
    }
    clock.time(&format!("counts of alerts ({who})"), |db, _| alerts::counts(db, seen))?;
    clock.time(&format!("counts of cases ({who})"), |db, _| cases::counts(db, seen))?;
    clock.time(&format!("counts of freezes ({who})"), |db, _| freeze::counts(db, seen))?;
    clock.time(&format!("live freezes ({who})"), |db, _| freeze::live(db, seen))?;
    let week = moment(START_US + 7 * 86_400_000_000)?;
    clock
        .time(&format!("deadlines of a week ({who})"), |db, _| cases::deadlines(db, week, seen))?;
    Ok(())
}

fn of_the_rest(clock: &mut Clock<'_>) -> Result<(), CaseError> {
    let filters = [
        ("", EntryFilter::default()),
        ("subject", EntryFilter { subject: Some("case:7".into()), actor: None }),
        ("actor", EntryFilter { subject: None, actor: Some("person:7".into()) }),
        ("both", EntryFilter { subject: Some("case:7".into()), actor: Some("person:7".into()) }),
    ];
    for (name, filter) in filters {
        clock.pages(&format!("journal by {name}"), |db, part| journal::list(db, &filter, part))?;
    }
    clock.time("events", |db, n| outbox::events_after(db, EventId(n as i64 * 1000), 200))?;
    clock.time("parts of a case", |db, n| {
        let case = CaseId(1 + n as i64);
        cases::notes(db, case)?;
        cases::tasks(db, case)?;
        cases::links(db, case)?;
        cases::evidence(db, case)?;
        cases::deadlines_of(db, case)
    })?;
    Ok(())
}
