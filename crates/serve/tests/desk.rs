//! From an alert to a freeze, over HTTP, by several people.

#![allow(clippy::unwrap_used)]

mod common;

use axum::http::{Method, StatusCode};
use case::alerts::{self, AlertKind, AlertSubject, NewAlert};
use case::{By, EventId, outbox};
use common::{Desk, desk, person};
use model::Severity;
use serde_json::{Value, json};
use serve::events::{Feed, Outbox};
use serve::policy::Role;
use serve::trial::Cast;

const ACCOUNT: &str = "eip155:1:0x47666Fab8bd0Ac7003bce3f5C3585383F09486E2";
const USDT: &str = "eip155:1/erc20:0xdAC17F958D2ee523a2206206994597C13D831ec7";

fn raise(desk: &Desk, team: Option<&str>) -> i64 {
    let new = NewAlert {
        kind: AlertKind::Screening,
        severity: Severity::High,
        subject: AlertSubject::Account(ACCOUNT.parse().unwrap()),
        group: format!("ofac {team:?}"),
        title: "a deposit from a listed address".into(),
        evidence: json!({ "list": "ofac-sdn" }),
        team: team.map(str::to_string),
        case: None,
    };
    let by = By::new("system", "2026-03-05T08:00:00Z".parse().unwrap());
    alerts::raise(&desk.app.db, &by, &new).unwrap().id.0
}

#[tokio::test]
async fn an_alert_becomes_a_case_and_the_case_a_freeze_that_two_people_sign_off() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let alert = raise(&desk, None);
    let analyst = person(&desk, &cast, Role::Analyst);
    let approver = person(&desk, &cast, Role::Approver);

    let queue = analyst.get("/v1/alerts?state=open&severity=high").await.json();
    assert_eq!(queue["items"][0]["id"], alert, "{queue}");
    let path = format!("/v1/alerts/{alert}");
    assert_eq!(analyst.post(&format!("{path}/acknowledge"), json!({})).await.status, 200);
    let again = analyst.post(&format!("{path}/acknowledge"), json!({})).await;
    assert_eq!((again.status, again.kind()), (StatusCode::CONFLICT, "conflict".into()));

    let case = analyst.post("/v1/cases", json!({ "title": "Bybit", "marking": "TLP:AMBER" })).await;
    assert_eq!(case.status, StatusCode::CREATED, "{}", case.text);
    let case = case.json()["id"].as_i64().unwrap();
    assert_eq!(analyst.post(&format!("{path}/case"), json!({ "case": case })).await.status, 200);
    assert_eq!(analyst.get(&path).await.json()["state"], "in_case");
    let at_case = |part: &str| format!("/v1/cases/{case}{part}");
    assert_eq!(analyst.post(&at_case("/open"), json!({})).await.status, 200);
    let note = json!({ "text": "the exchange was called" });
    assert_eq!(analyst.post(&at_case("/notes"), note).await.status, 201);
    let found = analyst.get("/v1/cases?search=exchange").await.json();
    assert_eq!(found["items"][0]["id"], case, "{found}");

    let draft = |amount: &str| {
        json!({ "case": case, "title": "USDT of the theft", "holder": "Tether", "jurisdiction": "US",
            "legal_basis": ["18 U.S.C. 981"],
            "asks": [{ "account": ACCOUNT, "asset": USDT, "amount": amount }] })
    };
    let wrong = analyst.post("/v1/freezes", draft("1.5")).await;
    assert_eq!(
        (wrong.status, wrong.json()["field"].clone()),
        (StatusCode::UNPROCESSABLE_ENTITY, json!("/asks/0/amount"))
    );
    let request = analyst.post("/v1/freezes", draft("1500000")).await;
    assert_eq!(request.status, StatusCode::CREATED, "{}", request.text);
    let request = request.json()["id"].as_i64().unwrap();
    let at_freeze = |part: &str| format!("/v1/freezes/{request}{part}");
    let revision = json!({ "revision": 1 });
    let own = analyst.post(&at_freeze("/approve"), revision.clone()).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN, "an analyst approves nothing");
    let early = approver.post(&at_freeze("/steps"), json!({ "to": "sent" })).await;
    assert_eq!(early.json()["field"], "state", "{}", early.text);
    let approved = approver.post(&at_freeze("/approve"), revision).await;
    assert_eq!((approved.status, &approved.json()["state"]), (StatusCode::OK, &json!("approved")));
    for step in
        [json!({ "to": "sent" }), json!({ "to": "acknowledged" }), json!({ "to": "frozen" })]
    {
        let done = analyst.post(&at_freeze("/steps"), step.clone()).await;
        assert_eq!(done.json()["state"], step["to"], "{}", done.text);
    }
    assert_eq!(analyst.get(&at_freeze("")).await.json()["items"][0]["frozen"], "1500000");

    let checked = approver.get("/v1/journal/check").await.json();
    assert_eq!(checked["is_whole"], true, "{checked}");
    let lines = approver.get("/v1/journal").await.text;
    assert_eq!(
        case::journal::verify(lines.lines(), None).unwrap().unwrap().seq,
        checked["entries"]
    );
    assert_eq!(analyst.get("/v1/journal").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn nobody_approves_what_they_drafted_whatever_their_role() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let approver = person(&desk, &cast, Role::Approver);
    let draft = json!({ "title": "t", "holder": "Tether", "jurisdiction": "US",
            "legal_basis": ["18 U.S.C. 981"],
        "asks": [{ "account": ACCOUNT, "asset": USDT, "amount": "1" }] });
    let request = approver.post("/v1/freezes", draft).await.json()["id"].as_i64().unwrap();
    let path = format!("/v1/freezes/{request}/approve");
    let answer = approver.post(&path, json!({ "revision": 1 })).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    let other = person(&desk, &cast, Role::Administrator);
    assert_eq!(other.post(&path, json!({ "revision": 1 })).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_belongs_to_a_team_is_not_there_for_others() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let team = desk.app.access.add_team("red", "test").unwrap();
    let alert = raise(&desk, Some("red"));
    let administrator = person(&desk, &cast, Role::Administrator);
    let analyst = person(&desk, &cast, Role::Analyst);
    let case = json!({ "title": "quiet", "team": "red" });
    let case = administrator.post("/v1/cases", case).await.json()["id"].as_i64().unwrap();
    let paths = [
        format!("/v1/alerts/{alert}"),
        format!("/v1/cases/{case}"),
        format!("/v1/cases/{case}/notes"),
    ];
    for path in &paths {
        assert_eq!(analyst.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(administrator.get(path).await.status, StatusCode::OK, "{path}");
    }
    let close = json!({ "reason": "not mine" });
    let closed = analyst.post(&format!("/v1/cases/{case}/close"), close).await;
    assert_eq!(closed.status, StatusCode::NOT_FOUND);
    assert_eq!(analyst.get("/v1/alerts").await.json()["items"], json!([]));
    assert_eq!(analyst.get("/v1/cases").await.json()["items"], json!([]));
    let slip = administrator.post("/v1/cases", json!({ "title": "t", "team": "rde" })).await;
    assert_eq!(slip.json()["field"], "team", "a slip would hide it");
    // What is told of it goes to its team.
    let told = Outbox::of(&desk.app).after(0, 100).unwrap();
    assert!(told.len() >= 2 && told.iter().all(|event| event.team == Some(team)), "{told:?}");
    assert_eq!(outbox::last_event(&desk.app.db).unwrap(), EventId(told.last().unwrap().id));
}

#[tokio::test]
async fn a_watch_is_set_switched_and_taken_away_by_whom_it_concerns() {
    let desk = desk();
    let cast = Cast::of(&desk.app);
    let (analyst, viewer) =
        (person(&desk, &cast, Role::Analyst), person(&desk, &cast, Role::Viewer));
    let of = |target: Value| json!({ "name": "a wallet", "severity": "high", "target": target });
    let account = of(json!({ "account": { "account": ACCOUNT } }));
    let set = analyst.post("/v1/watches", account.clone()).await;
    assert_eq!(set.status, StatusCode::CREATED, "{}", set.text);
    let path = format!("/v1/watches/{}", set.json()["id"]);
    let told = json!({ "account": { "account": ACCOUNT.to_lowercase() } });
    assert_eq!(set.json()["target"], told, "as programs write it");
    assert_eq!(viewer.get(&path).await.json(), set.json());
    let off = analyst.send(Method::PATCH, &path, json!({ "is_active": false })).await;
    assert_eq!(off.json()["is_active"], false);
    for target in [
        json!({ "entity": { "name": "Lazarus Group" } }),
        json!({ "amount": { "asset": USDT.to_lowercase(), "amount": "1000000" } }),
        json!({ "usd": { "usd": 5000 } }),
        json!({ "exposure": { "category": "theft", "basis_points": 2500 } }),
    ] {
        let set = analyst.post("/v1/watches", of(target.clone())).await;
        assert_eq!((set.status, &set.json()["target"]), (StatusCode::CREATED, &target));
    }
    let listed = viewer.get("/v1/watches?limit=3").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    let next = listed["next"].as_str().unwrap();
    let rest = viewer.get(&format!("/v1/watches?limit=3&cursor={next}")).await.json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 2);

    let refused = [
        (json!({ "account": { "account": "0x12" } }), "/target/account/account"),
        (json!({ "entity": { "name": " " } }), "/target/entity/name"),
        (json!({ "amount": { "asset": "ETH", "amount": "1" } }), "/target/amount/asset"),
        (json!({ "amount": { "asset": USDT, "amount": "1.5" } }), "amount"),
        (json!({ "usd": { "usd": -1 } }), "/target/usd/usd"),
        (
            json!({ "exposure": { "category": "x", "basis_points": 10001 } }),
            "/target/exposure/basis_points",
        ),
        (json!({ "frontier": { "case": 1, "accounts": [] } }), "/target/frontier/accounts"),
        (json!({ "frontier": { "case": 1, "accounts": ["x"] } }), "/target/frontier/accounts/0"),
    ];
    for (target, field) in refused {
        let answer = analyst.post("/v1/watches", of(target.clone())).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["field"]),
            (422, &json!(field)),
            "{target}"
        );
    }
    let nowhere = json!({ "frontier": { "case": 99, "accounts": [ACCOUNT] } });
    assert_eq!(analyst.post("/v1/watches", of(nowhere)).await.status, StatusCode::NOT_FOUND);
    let mut loud = account.clone();
    loud["severity"] = json!("loud");
    assert_eq!(analyst.post("/v1/watches", loud).await.json()["field"], "/severity");
    let mut theirs = account;
    theirs["team"] = json!("nobody's");
    assert_eq!(analyst.post("/v1/watches", theirs).await.json()["field"], "team");

    let gone = analyst.send(Method::DELETE, &path, Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(viewer.get(&path).await.status, StatusCode::NOT_FOUND);
}
