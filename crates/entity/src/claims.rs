//! All that is said of one address, by who says it, and where they disagree.
//!
//! Claims are never merged: two sources that differ are shown side by side, and what they differ in
//! is named. Names agree when one is a longer form of the other (`Binance` and `Binance 14`),
//! concepts when one is the broader of the other, actors when they are one id. Only what somebody
//! *is* can contradict: a hot wallet and an exchange are one thing seen twice.

use std::collections::{BTreeMap, BTreeSet};

use model::{Date, Label, Standing};

use crate::decay::{self, Effective};
use crate::taxonomy;

/// The claims about one subject.
#[derive(Clone, Debug)]
pub struct Claims<'a> {
    /// By collection, in the order of its name.
    pub by_source: Vec<SourceClaims<'a>>,
    pub disagreements: Vec<Disagreement>,
}

#[derive(Clone, Debug)]
pub struct SourceClaims<'a> {
    /// Who gathered them.
    pub collection: &'a str,
    /// The weightiest first.
    pub claims: Vec<Claim<'a>>,
}

#[derive(Clone, Debug)]
pub struct Claim<'a> {
    pub label: &'a Label,
    pub effective: Effective,
}

/// Two or more answers to one question.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Disagreement {
    pub about: About,
    pub sides: Vec<Side>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    Name,
    Concept,
    Actor,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Side {
    /// What is said, in every form it is said in.
    pub says: Vec<String>,
    /// The collections that say it; a disputed claim is marked.
    pub who: Vec<String>,
}

/// Groups the labels of one subject, as they weigh on a day.
pub fn of<'a>(labels: &[&'a Label], on: Date) -> Claims<'a> {
    let mut by_source: BTreeMap<&str, Vec<Claim<'a>>> = BTreeMap::new();
    for label in labels {
        let claim = Claim { label, effective: decay::effective(label, on) };
        by_source.entry(&label.collection).or_default().push(claim);
    }
    let group = |(collection, mut claims): (&'a str, Vec<Claim<'a>>)| {
        claims.sort_by(|a, b| {
            let by_level = b.effective.level.cmp(&a.effective.level);
            by_level.then_with(|| (&a.label.name, a.label.id()).cmp(&(&b.label.name, b.label.id())))
        });
        SourceClaims { collection, claims }
    };
    let disagreements = [About::Name, About::Concept, About::Actor]
        .into_iter()
        .filter_map(|about| disagreement(about, labels))
        .collect();
    Claims { by_source: by_source.into_iter().map(group).collect(), disagreements }
}

fn disagreement(about: About, labels: &[&Label]) -> Option<Disagreement> {
    let answers: Vec<(Vec<String>, &Label)> = labels
        .iter()
        .map(|label| (answer(about, label), *label))
        .filter(|(answer, _)| !answer.is_empty())
        .collect();
    let classes = classes(answers.len(), |a, b| agree(about, &answers[a].0, &answers[b].0));
    if classes.len() < 2 {
        return None;
    }
    let side = |class: &Vec<usize>| {
        let says: BTreeSet<String> = class.iter().flat_map(|at| answers[*at].0.clone()).collect();
        let who: BTreeSet<String> = class.iter().map(|at| who(answers[*at].1)).collect();
        Side { says: says.into_iter().collect(), who: who.into_iter().collect() }
    };
    let mut sides: Vec<Side> = classes.iter().map(side).collect();
    sides.sort();
    Some(Disagreement { about, sides })
}

fn who(label: &Label) -> String {
    match label.tag.standing {
        Standing::Undisputed => label.collection.clone(),
        Standing::Disputed { .. } => format!("{} (disputed)", label.collection),
    }
}

/// What a label says to the question; nothing where it says nothing.
fn answer(about: About, label: &Label) -> Vec<String> {
    match about {
        About::Name => vec![label.name.clone()],
        About::Actor => label.actor.iter().cloned().collect(),
        About::Concept => {
            let is_what = |concept: &&String| taxonomy::is_a(concept, "entity");
            label.concepts.iter().filter(is_what).cloned().collect()
        }
    }
}

fn agree(about: About, a: &[String], b: &[String]) -> bool {
    let any = |is_one: fn(&str, &str) -> bool| a.iter().any(|a| b.iter().any(|b| is_one(a, b)));
    match about {
        About::Name => any(are_one_name),
        About::Concept => any(taxonomy::are_kin),
        About::Actor => any(|a, b| a == b),
    }
}

/// Words that tell one wallet of somebody from another, and not who it is.
const GENERIC: &[&str] = &[
    "hot", "cold", "warm", "wallet", "deposit", "deposits", "address", "user", "exchange", "com",
    "io", "the", "fund", "funder", "contract", "router", "pool", "old", "new",
];

fn are_one_name(a: &str, b: &str) -> bool {
    let (a, b) = (telling_words(a), telling_words(b));
    a.is_subset(&b) || b.is_subset(&a)
}

/// The words of a name that say who it is; all of them where none does.
fn telling_words(name: &str) -> BTreeSet<String> {
    let lower = name.to_lowercase();
    let words: BTreeSet<String> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(String::from)
        .collect();
    let is_telling = |word: &&String| {
        !GENERIC.contains(&word.as_str()) && !word.chars().all(|c| c.is_ascii_digit())
    };
    let telling: BTreeSet<String> = words.iter().filter(is_telling).cloned().collect();
    if telling.is_empty() { words } else { telling }
}

/// Parts of `0..count` that hang together by the relation, each ascending, in order of their first.
fn classes(count: usize, is_one: impl Fn(usize, usize) -> bool) -> Vec<Vec<usize>> {
    let mut classes: Vec<Vec<usize>> = Vec::new();
    for at in 0..count {
        let (mut mine, others): (Vec<_>, Vec<_>) = classes
            .into_iter()
            .partition(|class: &Vec<usize>| class.iter().any(|other| is_one(at, *other)));
        mine.push(vec![at]);
        let mut joined: Vec<usize> = mine.concat();
        joined.sort_unstable();
        classes = others;
        classes.push(joined);
    }
    classes.sort();
    classes
}

impl std::fmt::Display for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            About::Name => "name",
            About::Concept => "concept",
            About::Actor => "actor",
        })
    }
}
