//! Answers for people.

use std::collections::BTreeMap;

use model::Date;
use screen::decided::{Decided, Reopened};
use screen::names::{Piece, Similarity};
use screen::{Answer, Hit, Kind, Searched};

use crate::render::plain;

pub fn answer(answer: &Answer) -> String {
    let verdict = match (answer.hits.is_empty(), answer.covered) {
        (false, _) => "LISTED",
        (true, _) if answer.kind == Kind::Tx && !answer.valid => "not screened",
        (true, true) => "no hit",
        (true, false) if answer.searched.iter().any(|list| list.covered) => {
            "no hit, and not every list is covered"
        }
        (true, false) => "not covered: no stored list is as old as that day",
    };
    let verdict =
        if answer.kind == Kind::Name && verdict == "LISTED" { "POSSIBLY LISTED" } else { verdict };
    let mut text = format!("{}  {verdict}\n", plain(&answer.query));
    answer.hits.iter().for_each(|hit| text += &hit_lines(hit));
    for cleared in &answer.cleared {
        text += &format!("  {} ({:.2}) was cleared", party(cleared), cleared.score);
        text += &cleared.decision.as_ref().map_or(String::new(), decision);
        text.push('\n');
    }
    for former in &answer.former {
        text += &match former.absent_since {
            Some(date) => format!("  formerly on {}, absent since {date}\n", former.list),
            None => format!("  on {} before that day and after it\n", former.list),
        };
    }
    for label in &answer.labels {
        text +=
            &format!("  labelled {} ({})", plain(&label.name), plain(&label.concepts.join(", ")));
        text += &format!(" by {}, confidence {}\n", plain(&label.source), label.confidence);
    }
    if let Some(note) = &answer.note {
        text += &format!("  note: {}\n", plain(note));
    }
    text
}

fn party(hit: &Hit) -> String {
    format!("{} of {}: {}", hit.list, hit.list_date, or_unknown(hit.party.as_ref()))
}

fn or_unknown(text: Option<&String>) -> String {
    text.map_or_else(|| "not said".to_string(), |text| plain(text))
}

fn hit_lines(hit: &Hit) -> String {
    let mut text = format!("  {}\n", party(hit));
    if let Some(counterparty) = &hit.counterparty {
        text += &format!("    {}\n", plain(counterparty));
    }
    if hit.r#match == screen::Match::Name {
        text += &format!("    score {:.4} by the name {}\n", hit.score, plain(&hit.matched));
        text += &format!("    {}\n", pieces(&hit.pieces));
    }
    text += &format!("    programme {}", or_unknown(hit.programme.as_ref()));
    if let Some(label) = &hit.asset_label {
        text += &format!(", named as {}", plain(label));
    }
    if let Some(date) = hit.listed_on {
        text += &format!(", listed {date}");
    }
    text += &format!(", in stored lists {} to {}\n", hit.first_seen, hit.last_seen);
    if hit.r#match == screen::Match::Key {
        text += &format!("    listed as {}: the same key controls both\n", plain(&hit.written));
    }
    if let Some(decided) = &hit.decision {
        text += &format!("    {}\n", decision(decided).trim_start());
    }
    text
}

fn pieces(pieces: &[Piece]) -> String {
    let of = |piece: &Piece| {
        let side = |text: &Option<String>| text.as_deref().map(plain);
        let (query, matched) = (side(&piece.query), side(&piece.matched));
        let what = match (query, matched) {
            (Some(query), None) => return format!("{query} is not in the name"),
            (None, Some(matched)) => return format!("{matched} was not asked for"),
            (Some(query), Some(matched)) if query == matched => query,
            (Some(query), Some(matched)) => format!("{query} = {matched}"),
            (None, None) => String::new(),
        };
        let text = format!("{what} {} {:+.3}", word(piece.similarity), piece.contribution);
        text.trim_start().to_string()
    };
    pieces.iter().map(of).collect::<Vec<_>>().join("; ")
}

fn word(similarity: Similarity) -> &'static str {
    match similarity {
        Similarity::Same => "the same",
        Similarity::Sound => "by its sound",
        Similarity::Unvowelled => "by its consonants",
        Similarity::Romanised => "romanised otherwise",
        Similarity::Initial => "by its initial",
        Similarity::Typo => "but for a few letters",
        Similarity::Joined => "written as one",
        Similarity::None => "alone",
        Similarity::OtherOrder => "other order",
        Similarity::WeakName => "a name the list trusts little",
        Similarity::BirthAgrees => "birth agrees",
        Similarity::BirthConflicts => "birth conflicts",
        Similarity::CountryAgrees => "country agrees",
        Similarity::CountryConflicts => "country conflicts",
        Similarity::DocumentAgrees => "document agrees",
        Similarity::SameAddress => "the same address",
        Similarity::SameKey => "the same key",
    }
}

fn decision(decided: &Decided) -> String {
    let why = match decided.reopened {
        None => String::new(),
        Some(Reopened::Expired) => "; open again: it has run out".to_string(),
        Some(Reopened::PartyChanged) => {
            "; open again: the list describes the party otherwise".into()
        }
        Some(Reopened::QueryChanged) => "; open again: the question says something else".into(),
    };
    let verdict = match decided.verdict {
        model::Verdict::Cleared => "cleared",
        model::Verdict::Confirmed => "confirmed",
        model::Verdict::Withdrawn => "withdrawn",
    };
    format!(
        " {verdict} by {} on {}: {}{why}",
        plain(&decided.decided_by),
        decided.decided_on,
        plain(&decided.reason)
    )
}

/// What was looked through, of addresses and of names: the two count entries apart.
#[derive(Default)]
pub struct Searches(BTreeMap<bool, Vec<Searched>>);

impl Searches {
    pub fn add(&mut self, answer: &Answer) {
        let is_name = answer.kind == Kind::Name;
        self.0.entry(is_name).or_insert_with(|| answer.searched.clone());
    }

    pub fn page(&self, as_of: Date) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let mut text = "\n".to_string();
        for (is_name, searched) in &self.0 {
            let what = if *is_name { "parties" } else { "entries" };
            text += &format!("Searched as of {as_of}: {}.\n", lists(searched, what, as_of));
        }
        text + "Not found is not clean.\n"
    }
}

/// A list that has not been refreshed for weeks has surely changed since.
fn age(date: Date, as_of: Date) -> String {
    const STALE_DAYS: i32 = 30;
    let days = date.until(as_of).map_or(0, |span| span.get_days());
    if days > STALE_DAYS { format!(", {days} days older") } else { String::new() }
}

fn lists(searched: &[Searched], what: &str, as_of: Date) -> String {
    let of = |list: &Searched| match list.list_date {
        Some(date) => {
            format!("{} of {date} ({} {what}{})", list.list, list.entries, age(date, as_of))
        }
        None => format!("{} (not covered: no version that old)", list.list),
    };
    searched.iter().map(of).collect::<Vec<_>>().join(", ")
}
