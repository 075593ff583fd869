//! A cleared pair stays cleared until something changes.

use model::{Date, Decision, Timestamp, Verdict};
use screen::decided::{Decisions, Reopened, text_of_party, text_of_query};
use screen::names::{Birth, NameQuery};

mod parties;

fn day(text: &str) -> Date {
    text.parse().expect("a date")
}

fn decision(verdict: Verdict, expires_on: Option<&str>) -> Decision {
    Decision {
        subject: "customer 7".into(),
        asked_hash: "asked".into(),
        list: "l".into(),
        party_id: "1".into(),
        party: "Ali Hassan".into(),
        party_hash: "party".into(),
        verdict,
        reason: "born twenty years later".into(),
        decided_by: "A. Clerk".into(),
        decided_at: "2025-01-01T10:00:00Z".parse::<Timestamp>().expect("a time"),
        expires_on: expires_on.map(day),
    }
}

fn check(
    decisions: Vec<Decision>,
    hashes: (&str, &str),
    on: &str,
    expected: Option<Option<Reopened>>,
) {
    let party = parties::party("1", &["Ali Hassan"]);
    let decided = Decisions::new(decisions).about("customer 7", &party, hashes, day(on));
    assert_eq!(decided.map(|decided| decided.reopened), expected, "{hashes:?} {on}");
}

#[test]
fn a_decision_holds_until_it_runs_out_or_either_side_changes() {
    let cleared = || vec![decision(Verdict::Cleared, Some("2025-06-30"))];
    let same = ("asked", "party");
    check(cleared(), same, "2025-06-30", Some(None));
    check(cleared(), same, "2025-07-01", Some(Some(Reopened::Expired)));
    check(cleared(), ("asked", "new"), "2025-02-01", Some(Some(Reopened::PartyChanged)));
    check(cleared(), ("new", "party"), "2025-02-01", Some(Some(Reopened::QueryChanged)));
    check(vec![], same, "2025-02-01", None);
}

#[test]
fn the_latest_decision_counts_and_a_withdrawn_one_is_none() {
    let same = ("asked", "party");
    let cleared = decision(Verdict::Cleared, None);
    check(vec![cleared.clone(), decision(Verdict::Withdrawn, None)], same, "2025-02-01", None);
    check(vec![decision(Verdict::Withdrawn, None), cleared], same, "2025-02-01", Some(None));
}

#[test]
fn what_counts_of_a_party_is_what_is_compared() {
    let party = || parties::party("1", &["Ali Hassan", "Abu Omar"]);
    let text = text_of_party(&party());
    let mut other = party();
    other.names.reverse();
    other.remarks = Some("seen in Paris".into());
    other.programmes.push("SDGT".into());
    assert_eq!(text_of_party(&other), text);
    other.names.push(parties::name("Third Name"));
    assert_ne!(text_of_party(&other), text);
    let mut born = party();
    born.births.push(parties::born("1965-01-01"));
    assert_ne!(text_of_party(&born), text);
}

#[test]
fn what_counts_of_a_question_is_what_it_says() {
    let query = || NameQuery::new("Ali Hassan");
    assert_eq!(text_of_query(&query()), text_of_query(&NameQuery::new("ALI  HASSAN")));
    assert_ne!(text_of_query(&query()), text_of_query(&NameQuery::new("Ali Hasan")));
    let born = query().with_birth(Birth::parse("1965").expect("a year"));
    assert_ne!(text_of_query(&query()), text_of_query(&born));
}
