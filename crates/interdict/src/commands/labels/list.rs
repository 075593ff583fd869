//! Labels by name, and the scale they are weighed on.

use std::process::ExitCode;

use anyhow::{Result, bail};
use entity::{decay, taxonomy};
use model::{Confidence, Label, Standing};
use serde_json::json;

use super::show::label_json;
use crate::cli::{LabelListArgs, StatusArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;

pub fn run(home: &Home, args: &LabelListArgs, out: &Out) -> Result<ExitCode> {
    if let Some(concept) = args.concept.as_deref().filter(|id| !taxonomy::is_known(id)) {
        out.note(&format!("{concept:?} is not in the taxonomy: only labels with that very word"));
    }
    let book = super::book(&home.open_existing()?)?;
    let wanted = args.name.as_deref().map(str::to_lowercase);
    if wanted.as_deref().is_some_and(|text| text.trim().is_empty()) {
        bail!("--name: expected some text to look for, found none");
    }
    let mut found: Vec<(u8, &Label)> = book
        .all_labels()
        .iter()
        .filter(|label| passes(label, args))
        .filter_map(|label| Some((rank(label, wanted.as_deref())?, label)))
        .collect();
    found.sort_by(|(a_rank, a), (b_rank, b)| {
        let by_rank = a_rank.cmp(b_rank).then_with(|| b.confidence.level.cmp(&a.confidence.level));
        let key = |label: &Label| (label.name.clone(), label.subject.to_string());
        by_rank.then_with(|| key(a).cmp(&key(b)))
    });
    let count = found.len();
    found.truncate(args.limit);
    if args.format == TextFormat::Json {
        let labels: Vec<_> = found.iter().map(|(_, label)| label_json(label)).collect();
        out.json(&json!({ "found": count, "labels": labels }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for (_, label) in &found {
        out.print(&format!(
            "{}  {}  {}  [{}]  {} {}  {}\n",
            label.id(),
            label.subject,
            label.shown_name(),
            label.concepts.join(", "),
            label.confidence.id,
            label.confidence.level,
            label.collection
        ))?;
    }
    if count > found.len() {
        out.print(&format!("{} of {count}; --limit shows more\n", found.len()))?;
    }
    if count == 0 {
        out.print("No such label.\n")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn passes(label: &Label, args: &LabelListArgs) -> bool {
    let is_of = |collection: &String| label.collection == *collection;
    let is_a = |concept: &String| label.concepts.iter().any(|c| taxonomy::is_a(c, concept));
    args.collection.as_ref().is_none_or(is_of)
        && args.concept.as_ref().is_none_or(is_a)
        && !(args.disputed && label.tag.standing == Standing::Undisputed)
}

/// The whole name before its beginning, before a word's beginning, before anywhere; none where it
/// does not hold the text. An actor's id counts like a name.
fn rank(label: &Label, text: Option<&str>) -> Option<u8> {
    let Some(text) = text else { return Some(0) };
    let of = |name: &str| {
        let name = name.to_lowercase();
        let at = name.find(text)?;
        let starts_word = |at: usize| !name[..at].ends_with(|c: char| c.is_alphanumeric());
        Some(match at {
            0 if name.len() == text.len() => 0,
            0 => 1,
            at if starts_word(at) => 2,
            _ => 3,
        })
    };
    let actor = label.actor.as_deref().and_then(of);
    of(&label.name).into_iter().chain(actor).min()
}

pub fn scale(args: &StatusArgs, out: &Out) -> Result<ExitCode> {
    if args.format == TextFormat::Json {
        let rows: Vec<_> = Confidence::SCALE
            .iter()
            .map(|(id, level)| {
                json!({ "id": id, "level": level, "half_life_days": decay::half_life_days(id) })
            })
            .collect();
        out.json(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    for (id, level) in Confidence::SCALE {
        let halves = decay::half_life_days(id)
            .map_or_else(|| "does not age".into(), |days| format!("halves in {days} days"));
        out.print(&format!("{level:>4}  {id:<24}  {halves}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
