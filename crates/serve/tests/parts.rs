//! Parts of cases, what is personal, figures, and what is done by the clock, over HTTP.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use axum::http::{Method, StatusCode};
use case::alerts::{self, AlertKind, AlertSubject, NewAlert};
use case::{AlertId, By};
use common::{Answer, Desk, Person, desk, person};
use jiff::{SignedDuration, Timestamp};
use model::Severity;
use serde_json::{Value, json};
use serve::drivers;
use serve::policy::{Role, Scope};
use serve::trial::Cast;

const ACCOUNT: &str = "eip155:1:0x47666fab8bd0ac7003bce3f5c3585383f09486e2";
const USDT: &str = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7";

async fn made(who: &Person<'_>, path: &str, body: Value) -> i64 {
    let answer = who.post(path, body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{path}: {}", answer.text);
    answer.json()["id"].as_i64().unwrap()
}

async fn send_file(who: &Person<'_>, path: &str, kind: &str, bytes: Vec<u8>) -> Answer {
    let cookie = format!("interdict={}", who.cookie);
    let token = serve::access::sessions::csrf_token(who.cookie);
    let headers =
        [("content-type", kind), ("cookie", cookie.as_str()), ("x-csrf-token", token.as_str())];
    who.desk.send(Method::POST, path, &headers, bytes).await
}

#[tokio::test]
async fn a_file_comes_back_as_it_was_and_is_never_shown_by_a_browser() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let analyst = person(&desk, &cast, Role::Analyst);
    let case = made(&analyst, "/v1/cases", json!({ "title": "t" })).await;
    let path = format!("/v1/cases/{case}/evidence");
    let page = b"<script>alert(1)</script>".to_vec();
    let kept =
        send_file(&analyst, &format!("{path}?name=mail.html"), "text/html", page.clone()).await;
    assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.text);
    let kept = kept.json();
    assert_eq!((&kept["size"], &kept["media_type"]), (&json!(page.len()), &json!("text/html")));
    let again =
        send_file(&analyst, &format!("{path}?name=mail.html"), "text/html", page.clone()).await;
    assert_eq!(again.json()["id"], kept["id"], "the same bytes by the same name are kept once");
    assert_eq!(analyst.get(&path).await.json().as_array().unwrap().len(), 1);
    let taken = analyst.get(&format!("{path}/{}", kept["id"])).await;
    assert_eq!(taken.text.as_bytes(), page);
    assert_eq!(taken.headers["content-type"], "application/octet-stream");
    assert!(taken.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    // Larger than the frame lets other bodies be; beyond its own limit it is refused.
    let large = send_file(&analyst, &format!("{path}?name=large"), "x/y", vec![7; 3 << 20]).await;
    assert_eq!(large.status, StatusCode::CREATED, "{}", large.text);
    let beyond =
        send_file(&analyst, &format!("{path}?name=x"), "x/y", vec![7; (16 << 20) + 1]).await;
    assert_eq!(beyond.status, StatusCode::PAYLOAD_TOO_LARGE);
    let nowhere = send_file(&analyst, "/v1/cases/999/evidence?name=x", "x/y", vec![1]).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_ledger_shares_what_was_found_and_a_split_takes_its_part_along() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let analyst = person(&desk, &cast, Role::Analyst);
    let case =
        made(&analyst, "/v1/cases", json!({ "title": "two thefts", "marking": "TLP:RED" })).await;
    let at = |part: &str| format!("/v1/cases/{case}/{part}");
    let theft = json!({ "title": "first", "time": "2025-02-21T14:13:35Z" });
    let incident = made(&analyst, &at("incidents"), theft).await;
    for amount in ["10", "25"] {
        let claim = json!({ "incident": incident, "claimant": "person:1", "asset": USDT,
                            "decimals": 6, "amount": amount });
        made(&analyst, &at("claims"), claim).await;
    }
    let holding = json!({ "place": "frozen at Tether", "asset": USDT, "amount": "7" });
    made(&analyst, &at("holdings"), holding).await;
    let ledger = analyst.get(&at("ledger")).await.json();
    let shares: Vec<&Value> = ledger["lines"][0]["shares"].as_array().unwrap().iter().collect();
    assert_eq!((&shares[0]["share"], &shares[1]["share"]), (&json!("2"), &json!("5")), "{ledger}");
    assert_eq!(ledger["incidents"][0]["title"], "first");
    let wrong = json!({ "place": "x", "asset": "usdt", "amount": "7" });
    assert_eq!(analyst.post(&at("holdings"), wrong).await.json()["field"], "/asset");

    let link = json!({ "kind": "account", "target": ACCOUNT });
    let link = made(&analyst, &at("links"), link).await;
    let note = made(&analyst, &at("notes"), json!({ "text": "of the second" })).await;
    let split = json!({ "title": "second", "links": [link], "notes": [note] });
    let answer = analyst.post(&at("split"), split).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let second = answer.json();
    assert_eq!(second["marking"], "TLP:RED", "what was for few eyes stays so");
    let links = analyst.get(&format!("/v1/cases/{}/links", second["id"])).await.json();
    assert_eq!(links[0]["id"], link);
    let unlink = format!("/v1/cases/{}/links/{link}", second["id"]);
    assert_eq!(analyst.send(Method::DELETE, &unlink, json!({})).await.status, 204);
    let history = analyst.get(&at("history?limit=1")).await.json();
    assert_eq!(history["items"][0]["act"], "case.split", "{history}");
    assert!(history["next"].is_string());
}

#[tokio::test]
async fn personal_data_are_read_by_few_each_reading_is_told_and_erasing_leaves_the_journal_whole() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let analyst = person(&desk, &cast, Role::Analyst);
    let approver = person(&desk, &cast, Role::Approver);
    let data = json!({ "name": "A. Victim" });
    let keep = json!({ "data": data, "retain_until": "2099-01-01T00:00:00Z" });
    let id = made(&analyst, "/v1/persons", keep.clone()).await;
    let past = json!({ "data": data, "retain_until": "2001-01-01T00:00:00Z" });
    assert_eq!(analyst.post("/v1/persons", past).await.json()["field"], "retain_until");
    let path = format!("/v1/persons/{id}");
    assert_eq!(analyst.get(&format!("{path}/data")).await.status, StatusCode::FORBIDDEN);
    assert!(!analyst.get(&path).await.text.contains("Victim"));
    assert_eq!(approver.get(&format!("{path}/data")).await.json(), data);
    let told = approver.get(&format!("/v1/journal/entries?subject=person:{id}")).await.json();
    let acts: Vec<&str> =
        told["items"].as_array().unwrap().iter().map(|e| e["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["person.read", "person.kept"]);
    assert_eq!(told["items"][0]["actor"], "person:approver");
    assert!(!told.to_string().contains("Victim"));
    let reason = json!({ "reason": "asked for it" });
    let erase = format!("{path}/erase");
    assert_eq!(approver.post(&erase, reason.clone()).await.status, StatusCode::FORBIDDEN);
    let administrator = person(&desk, &cast, Role::Administrator);
    // Before their time it takes two: one asks, another agrees.
    let agree = format!("{erase}/agree");
    assert_eq!(approver.post(&agree, json!({})).await.status, StatusCode::CONFLICT);
    let asked = administrator.post(&erase, reason.clone()).await;
    assert_eq!((asked.status.as_u16(), &asked.json()["erased"]), (202, &json!(null)));
    assert_eq!(asked.json()["asked"]["by"], "person:administrator");
    assert_eq!(administrator.post(&erase, reason).await.status, StatusCode::CONFLICT);
    let own = administrator.post(&agree, json!({})).await;
    assert_eq!((own.status.as_u16(), &own.json()["field"]), (422, &json!("approver")));
    let nearer = json!({ "until": "2098-01-01T00:00:00Z" });
    let nearer = approver.post(&format!("{path}/retain"), nearer).await;
    assert_eq!(nearer.json()["field"], "until");
    assert_eq!(analyst.post(&agree, json!({})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(approver.get(&format!("{path}/data")).await.json(), data);
    assert!(approver.post(&agree, json!({})).await.json()["erased"].is_string());
    assert_eq!(approver.get(&format!("{path}/data")).await.status, StatusCode::CONFLICT);
    assert_eq!(approver.get("/v1/journal/check").await.json()["is_whole"], true);
}

#[tokio::test]
async fn the_clock_erases_whose_time_is_over_where_it_was_told_to() {
    for erases in [false, true] {
        let kept = Duration::from_secs(100 * 24 * 3600);
        let retention = serve::Retention { kept, erases };
        let desk = common::desk_with(serve::Settings { retention, ..common::settings() });
        let cast = Cast::of(&desk.app);
        let analyst = person(&desk, &cast, Role::Analyst);
        let approver = person(&desk, &cast, Role::Approver);
        // One as long as the server keeps people, one longer, one who is needed.
        let data = json!({ "name": "A. Victim" });
        let short = made(&analyst, "/v1/persons", json!({ "data": data })).await;
        let long = json!({ "data": data, "retain_until": "2099-01-01T00:00:00Z" });
        let long = made(&analyst, "/v1/persons", long).await;
        let needed = made(&analyst, "/v1/persons", json!({ "data": data })).await;
        let case = made(&analyst, "/v1/cases", json!({ "title": "Theft" })).await;
        let incident = json!({ "title": "Theft", "time": "2025-01-01T00:00:00Z" });
        let incident = made(&analyst, &format!("/v1/cases/{case}/incidents"), incident).await;
        let claim = json!({ "incident": incident, "claimant": format!("person:{needed}"),
            "asset": "eip155:1/slip44:60", "amount": "5" });
        made(&analyst, &format!("/v1/cases/{case}/claims"), claim).await;
        let erased = async |id: i64| {
            approver.get(&format!("/v1/persons/{id}")).await.json()["erased"].is_string()
        };
        let day = |day: u64| Timestamp::now() + Duration::from_secs(day * 24 * 3600);
        drivers::tick(&desk.app, day(99));
        assert!(!erased(short).await, "their time is not over");
        drivers::tick(&desk.app, day(101));
        let found = [erased(short).await, erased(long).await, erased(needed).await];
        assert_eq!(found, [erases, false, false]);
        let path = format!("/v1/cases/{case}/close");
        analyst.post(&path, json!({ "reason": "paid back" })).await;
        // It looks once an hour.
        drivers::tick(&desk.app, day(101));
        assert!(!erased(needed).await);
        drivers::tick(&desk.app, day(102));
        assert_eq!(erased(needed).await, erases);
        let told =
            approver.get(&format!("/v1/journal/entries?subject=person:{short}")).await.json();
        let last = &told["items"][0];
        let expected =
            if erases { ("person.erased", "system") } else { ("person.kept", "person:analyst") };
        assert_eq!(
            (last["act"].as_str(), last["actor"].as_str()),
            (Some(expected.0), Some(expected.1))
        );
        assert_eq!(approver.get("/v1/journal/check").await.json()["is_whole"], true);
    }
}

async fn draft(who: &Person<'_>, case: Option<i64>, amount: &str) -> i64 {
    let draft = json!({ "case": case, "title": "t", "holder": "Tether", "jurisdiction": "US",
        "legal_basis": ["18 U.S.C. 981"],
        "asks": [{ "account": ACCOUNT, "asset": USDT, "amount": amount }] });
    made(who, "/v1/freezes", draft).await
}

#[tokio::test]
async fn figures_say_what_was_asked_frozen_and_recovered_of_whom() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let analyst = person(&desk, &cast, Role::Analyst);
    let approver = person(&desk, &cast, Role::Approver);
    draft(&analyst, None, "99").await;
    let id = draft(&analyst, None, "1000").await;
    let at = |part: &str| format!("/v1/freezes/{id}{part}");
    let twice = json!({ "title": "t", "holder": "Tether", "jurisdiction": "US",
        "legal_basis": ["18 U.S.C. 981"],
        "asks": [{ "account": ACCOUNT, "asset": USDT, "amount": "2000" }] });
    assert_eq!(analyst.send(Method::PUT, &at(""), twice).await.json()["revision"], 2);
    let stale = approver.post(&at("/approve"), json!({ "revision": 1 })).await;
    assert_eq!(stale.json()["field"], "revision");
    assert_eq!(approver.post(&at("/approve"), json!({ "revision": 2 })).await.status, 200);
    for step in [json!({ "to": "sent" }), json!({ "to": "frozen", "amounts": ["500"] })] {
        assert_eq!(analyst.post(&at("/steps"), step).await.status, 200);
    }
    assert_eq!(analyst.post(&at("/amounts"), json!({ "amounts": ["400"] })).await.status, 422);
    assert_eq!(analyst.post(&at("/amounts"), json!({ "amounts": ["600"] })).await.status, 200);
    let figures = analyst.get("/v1/freezes/figures").await.json();
    assert_eq!(figures["requests"], 1, "drafts asked nobody: {figures}");
    let sum = &figures["by_asset"][0];
    assert_eq!((&sum["asked"], &sum["frozen"]), (&json!("2000"), &json!("600")));
    assert_eq!(sum["frozen_share_e4"], 3000);
    assert_eq!(figures["by_holder"]["Tether"]["requests"], 1);
    assert_eq!(figures["by_jurisdiction"]["US"]["requests"], 1);
    let of_others = analyst.get("/v1/freezes/figures?holder=Circle").await.json();
    assert_eq!(of_others["requests"], 0);
    let drafted = analyst.get("/v1/freezes?state=drafted").await.json();
    assert_eq!(drafted["items"].as_array().unwrap().len(), 1);
}

fn raise(desk: &Desk, group: &str, team: Option<&str>, at: Timestamp) -> AlertId {
    let new = NewAlert {
        kind: AlertKind::Screening,
        severity: Severity::High,
        subject: AlertSubject::Account(ACCOUNT.parse().unwrap()),
        group: group.into(),
        title: "a deposit from a listed address".into(),
        evidence: json!({}),
        team: team.map(str::to_string),
        case: None,
    };
    alerts::raise(&desk.app.db, &By::new("system", at), &new).unwrap().id
}

#[tokio::test]
async fn pages_are_full_whatever_other_teams_have() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    desk.app.access.add_team("red", "system").unwrap();
    let administrator = person(&desk, &cast, Role::Administrator);
    let analyst = person(&desk, &cast, Role::Analyst);
    for n in 0..20 {
        let team = (n % 2 == 0).then_some("red");
        raise(&desk, &n.to_string(), team, Timestamp::from_second(1_700_000_000 + n).unwrap());
        let case = json!({ "title": "t", "team": team });
        let case = made(&administrator, "/v1/cases", case).await;
        draft(&administrator, Some(case), "7").await;
    }
    for path in ["/v1/alerts", "/v1/cases", "/v1/freezes"] {
        let count = async |who: &Person<'_>, cursor: &str| {
            let page = who.get(&format!("{path}?limit=6&cursor={cursor}")).await.json();
            let next = page["next"].as_str().unwrap_or_default().to_string();
            (page["items"].as_array().unwrap().len(), next)
        };
        let (first, next) = count(&analyst, "").await;
        assert_eq!(first, 6, "{path}");
        let (second, next) = count(&analyst, &next).await;
        assert_eq!((second, next.as_str()), (4, ""), "{path}");
        let (all, _) = count(&administrator, "").await;
        assert_eq!(all, 6, "{path}");
    }
    let due = analyst.get("/v1/freezes/due").await;
    assert_eq!(due.status, StatusCode::OK);
}

#[tokio::test]
async fn the_clock_reminds_wakes_and_warns_once() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let analyst = person(&desk, &cast, Role::Analyst);
    let approver = person(&desk, &cast, Role::Approver);
    let now = Timestamp::now();
    let hours = |n: i64| now + SignedDuration::from_hours(n);
    let snoozed = raise(&desk, "a", None, now);
    let until = hours(1).to_string();
    let snooze = json!({ "until": until, "reason": "tomorrow" });
    let path = format!("/v1/alerts/{snoozed}/snooze");
    assert_eq!(analyst.post(&path, snooze).await.status, StatusCode::OK);
    let case = made(&analyst, "/v1/cases", json!({ "title": "t" })).await;
    let deadline = json!({ "what": "answer the court", "due": hours(30).to_string() });
    made(&analyst, &format!("/v1/cases/{case}/deadlines"), deadline).await;
    let freeze = draft(&analyst, Some(case), "7").await;
    let approve = format!("/v1/freezes/{freeze}/approve");
    assert_eq!(approver.post(&approve, json!({ "revision": 1 })).await.status, StatusCode::OK);
    let steps = format!("/v1/freezes/{freeze}/steps");
    assert_eq!(analyst.post(&steps, json!({ "to": "sent" })).await.status, StatusCode::OK);

    let counts = || {
        desk.app
            .drivers
            .counts()
            .into_iter()
            .map(|(_, done, failed)| (done, failed))
            .collect::<Vec<_>>()
    };
    drivers::tick(&desk.app, now);
    assert_eq!(counts(), [(0, 0), (0, 0), (0, 0), (0, 0)], "nothing is due yet");
    drivers::tick(&desk.app, hours(2));
    assert_eq!(counts(), [(0, 0), (1, 0), (0, 0), (0, 0)], "the alert woke");
    drivers::tick(&desk.app, hours(20));
    drivers::tick(&desk.app, hours(20));
    assert_eq!(counts(), [(1, 0), (1, 0), (1, 0), (0, 0)], "a reminder of each, once");
    drivers::tick(&desk.app, hours(31));
    drivers::tick(&desk.app, hours(31));
    assert_eq!(counts(), [(2, 0), (1, 0), (2, 0), (0, 0)], "both are late, and that is told once");
    let kinds: Vec<Value> = analyst.get("/v1/alerts").await.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alert| alert["kind"].clone())
        .collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert!(kinds.contains(&json!("freeze")) && kinds.contains(&json!("deadline")), "{kinds:?}");
}

#[tokio::test]
async fn a_driver_that_fails_is_counted_and_the_others_go_on() {
    let mut desk = desk();
    desk.app = desk
        .app
        .driving("fails", |_, _| Err("out of order".into()))
        .driving("panics", |_, _| panic!("a slip"))
        .driving("works", |_, _| Ok(3));
    drivers::tick(&desk.app, Timestamp::now());
    let counts = desk.app.drivers.counts();
    assert_eq!(counts[4..], [("fails", 0, 1), ("panics", 0, 1), ("works", 3, 0)]);
}

#[tokio::test]
async fn a_person_does_not_approve_what_a_key_of_theirs_drafted() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let new = serve::access::keys::NewKey {
        name: "mine".into(),
        scopes: [Scope::Cases].into_iter().collect(),
        team: None,
        per_s: Some(0),
        expires_at: None,
    };
    let (_, key) = desk.app.access.make_key(&new, "person:administrator").unwrap();
    let draft = json!({ "title": "t", "holder": "Tether", "jurisdiction": "US",
        "legal_basis": ["18 U.S.C. 981"],
        "asks": [{ "account": ACCOUNT, "asset": USDT, "amount": "1" }] });
    let bearer = format!("Bearer {key}");
    let made = desk.post("/v1/freezes", &[("authorization", &bearer)], draft).await;
    let path = format!("/v1/freezes/{}/approve", made.json()["id"]);
    let own = person(&desk, &cast, Role::Administrator);
    let answer = own.post(&path, json!({ "revision": 1 })).await;
    assert_eq!(answer.json()["field"], "approver", "{}", answer.text);
    let other = person(&desk, &cast, Role::Approver);
    assert_eq!(other.post(&path, json!({ "revision": 1 })).await.status, StatusCode::OK);
}
