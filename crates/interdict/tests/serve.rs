//! `interdict serve`, `interdict user` and `interdict retention`, as a person uses them.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use case::By;
use case::db::Place;
use common::Home;
use common::server::{PASSWORD, Server};
use model::Timestamp;
use serde_json::{Value, json};

#[test]
fn the_first_start_makes_an_administrator_and_a_key_works_until_it_is_revoked() {
    let home = Home::new();
    let mut server = Server::of_people(&home);
    server.line();
    let link = server.line();
    let get = |server: &Server, path: &str, headers: &str| {
        server.answer(&format!("GET {path}"), headers, b"").status
    };
    assert_eq!(get(&server, "/v1/health", ""), 200);
    assert_eq!(get(&server, "/v1/cases", ""), 401);
    server.person(&link, Some("ada"));
    let secret = link.trim().rsplit_once("#welcome=").unwrap().1;
    let again = json!({ "secret": secret, "name": "eve", "password": PASSWORD }).to_string();
    let json = "content-type: application/json\r\n";
    assert_eq!(server.answer("POST /v1/welcome", json, again.as_bytes()).status, 401);

    let key = home.ok(&["user", "key", "add", "exchange", "--scope", "metrics"]);
    let bearer = format!("authorization: Bearer {}\r\n", key.trim());
    let becomes = |expected: u16| {
        (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            get(&server, "/metrics", &bearer) == expected
        })
    };
    assert!(becomes(200), "a key made beside the server is soon known to it");
    home.ok(&["user", "key", "revoke", "exchange"]);
    assert!(becomes(401), "and soon refused when revoked");
    assert!(home.ok(&["user", "list"]).contains("ada"));
    home.refuses(&["user", "lock", "ada"], &["last administrator"]);
    drop(server);
    let server = Server::of_people(&home);
    assert!(home.ok(&["user", "list"]).contains("ada"), "a second start has no link");
    assert_eq!(get(&server, "/", ""), 200);
}

#[test]
fn a_password_in_the_address_of_the_database_is_refused() {
    let database = "postgres://cell:secret@localhost/interdict";
    let text =
        Home::new().refuses(&["user", "list", "--database", database], &["INTERDICT_DATABASE"]);
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn a_key_of_the_command_line_says_who_stands_behind_it() {
    let home = Home::new();
    home.ok(&["user", "add", "ada", "--role", "analyst"]);
    let add = |name: &str, more: &[&str]| {
        home.run(&[&["user", "key", "add", name, "--scope", "cases"], more].concat())
    };
    let people = |name: &str| -> Value {
        let keys = home.json(&["user", "key", "list", "--format", "json"]);
        let key = common::rows(&keys).iter().find(|key| key["name"] == name).unwrap();
        key["people"].clone()
    };
    let said = add("nobodys", &[]).stderr;
    assert!(said.contains("nobody stands behind it"), "{said}");
    let said = add("adas", &["--for", "ada"]).stderr;
    assert!(!said.contains("nobody stands behind it"), "{said}");
    assert_eq!((people("nobodys"), people("adas")), (json!([]), json!(["person:ada"])));
    assert!(home.ok(&["user", "key", "list"]).contains("nobody behind it"));
    home.ok(&["user", "key", "give", "nobodys", "--to", "ada"]);
    assert_eq!(people("nobodys"), json!(["person:ada"]));
    home.refuses(&["user", "key", "give", "nobodys", "--to", "eve"], &["no user eve"]);
    home.refuses(&["user", "key", "give", "none", "--to", "ada"], &["no key none"]);
}

#[test]
fn whose_time_is_over_is_listed_and_erased_and_the_journal_stays_whole() {
    let home = Home::new();
    home.ok(&["user", "list"]);
    let place = Place::Sqlite(home.path("home").join("casework.sqlite"));
    let keep = |day: &str| {
        let db = case::open(&place).unwrap();
        let by = By::new("person:ada", "2020-01-01T00:00:00Z".parse().unwrap());
        let until: Timestamp = format!("{day}T00:00:00Z").parse().unwrap();
        case::personal::keep(&db, &by, &json!({ "name": "A. Victim" }), until).unwrap()
    };
    assert_eq!(home.ok(&["retention", "due"]), "nobody's time is over\n");
    let (over, later) = (keep("2021-01-01"), keep("2999-01-01"));
    assert!(home.ok(&["retention", "due"]).contains(&format!("person {over}")));
    let due = home.json(&["retention", "due", "--format", "json"]);
    assert_eq!(due.as_array().unwrap().len(), 1);
    assert_eq!((&due[0]["id"], &due[0]["held_by"]), (&json!(over), &Value::Null));
    assert!(home.ok(&["retention", "erase"]).starts_with("1 erased, 0 held"));
    assert_eq!(home.json(&["retention", "due", "--format", "json"]), json!([]));
    let db = case::open(&place).unwrap();
    assert!(case::personal::get(&db, over).unwrap().erased.is_some());
    assert!(case::personal::get(&db, later).unwrap().erased.is_none());
    let journal = home.path("journal.jsonl");
    let journal = journal.to_str().unwrap();
    home.ok(&["journal", "export", "--out", journal]);
    home.ok(&["journal", "verify", journal]);
    assert!(common::read(journal).contains("person.erased"));
}
