//! Which decisions still settle a hit.
//!
//! A cleared pair is no hit, until the decision runs out, or either side is described otherwise than
//! when it was made. What a side is described by is a text here; the caller hashes it, and hands the
//! hash over again later.

use std::collections::HashMap;
use std::fmt::Write as _;

use model::{Date, Decision, Party, Verdict};

use crate::names::NameQuery;

/// Decisions by the pair they speak of, the latest of each.
#[derive(Clone, Debug, Default)]
pub struct Decisions(HashMap<(String, String, String), Decision>);

/// A decision beside the hit it speaks of.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Decided {
    pub verdict: Verdict,
    pub reason: String,
    pub decided_by: String,
    pub decided_on: Date,
    pub expires_on: Option<Date>,
    /// Why it no longer holds.
    pub reopened: Option<Reopened>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reopened {
    Expired,
    /// The list describes the party otherwise.
    PartyChanged,
    /// The question says something else of the same subject.
    QueryChanged,
}

impl Decisions {
    /// In the order they were made.
    pub fn new(decisions: Vec<Decision>) -> Decisions {
        let mut latest = HashMap::new();
        for decision in decisions {
            let pair = (decision.subject.clone(), decision.list.clone(), decision.party_id.clone());
            latest.insert(pair, decision);
        }
        Decisions(latest)
    }

    /// Does anybody need to hash anything?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The latest decision about a pair, unless it was withdrawn, and whether it holds on a day.
    pub fn about(
        &self,
        subject: &str,
        party: &Party,
        hashes: (&str, &str),
        day: Date,
    ) -> Option<Decided> {
        let pair = (subject.to_string(), party.version.list.clone(), party.id.clone());
        let decision =
            self.0.get(&pair).filter(|decision| decision.verdict != Verdict::Withdrawn)?;
        let (asked_hash, party_hash) = hashes;
        let reopened = if decision.expires_on.is_some_and(|last| last < day) {
            Some(Reopened::Expired)
        } else if decision.party_hash != party_hash {
            Some(Reopened::PartyChanged)
        } else if decision.asked_hash != asked_hash {
            Some(Reopened::QueryChanged)
        } else {
            None
        };
        Some(Decided {
            verdict: decision.verdict,
            reason: decision.reason.clone(),
            decided_by: decision.decided_by.clone(),
            decided_on: model::day_of(decision.decided_at),
            expires_on: decision.expires_on,
            reopened,
        })
    }
}

impl Decided {
    /// Is the hit settled as somebody else?
    pub fn is_cleared(&self) -> bool {
        self.verdict == Verdict::Cleared && self.reopened.is_none()
    }
}

/// All that tells a party from another, in a text that is the same for the same. Order does not count,
/// nor what is not compared with a query: remarks, programmes, addresses.
pub fn text_of_party(party: &Party) -> String {
    let names = party.names.iter().map(|name| format!("{:?} {}", name.quality, name.text));
    let births = party.births.iter().map(|span| format!("{} {}", span.earliest, span.latest));
    let countries =
        party.countries.iter().map(|country| format!("{} {}", country.code, country.written));
    let documents =
        party.documents.iter().map(|document| format!("{} {}", document.kind, document.number));
    let mut text = String::new();
    write_all(&mut text, "name", names);
    write_all(&mut text, "born", births);
    write_all(&mut text, "country", countries);
    write_all(&mut text, "document", documents);
    text
}

/// The same of a question.
pub fn text_of_query(query: &NameQuery) -> String {
    let words = query.folded.words.iter().chain(&query.folded.signs);
    let words: Vec<&str> = words.map(|word| word.text.as_str()).collect();
    let births = query.births.iter().map(|birth| format!("{} {}", birth.earliest, birth.latest));
    let mut text = String::new();
    write_all(&mut text, "name", [words.join(" ")].into_iter());
    write_all(&mut text, "born", births);
    write_all(&mut text, "country", query.countries.iter().cloned());
    write_all(&mut text, "document", query.documents.iter().cloned());
    text
}

fn write_all(text: &mut String, what: &str, lines: impl Iterator<Item = String>) {
    let mut lines: Vec<String> = lines.collect();
    lines.sort_unstable();
    lines.dedup();
    for line in lines {
        // Quoted, so that no line of one field can pass for one of another.
        writeln!(text, "{what} {line:?}").expect("a string takes any text");
    }
}
