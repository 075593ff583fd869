//! Objecting to labels, putting them right, and the history of both.

use std::process::ExitCode;

use anyhow::{Result, bail};
use entity::taxonomy;
use model::{Confidence, Correction, Label, LabelChange, LabelEvent, Timestamp};
use store::Store;

use super::show::subjects;
use crate::cli::{LabelCorrectArgs, LabelDisputeArgs, LabelHistoryArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;

/// Fewer digits of an id would often fit several labels.
const ID_DIGITS_MIN: usize = 6;

pub fn dispute(home: &Home, args: &LabelDisputeArgs, out: &Out) -> Result<ExitCode> {
    let change = match args.lift {
        true => LabelChange::Lift,
        false => LabelChange::Dispute { stops_walks: args.stops_walks },
    };
    decide(home, &args.label, &args.by, &args.why, change, out)
}

pub fn correct(home: &Home, args: &LabelCorrectArgs, out: &Out) -> Result<ExitCode> {
    let correction = Correction {
        name: args.name.clone(),
        concepts: args.concepts.clone().map(|words| {
            words
                .into_iter()
                .map(|word| word.trim().to_string())
                .filter(|w| !w.is_empty())
                .collect()
        }),
        actor: args.actor.clone(),
        confidence: args.confidence.clone(),
    };
    if correction.is_empty() {
        bail!("nothing to put right: expected --name, --concepts, --actor or --confidence");
    }
    if let Some(grade) = args.confidence.as_deref().filter(|id| Confidence::named(id).is_none()) {
        let known: Vec<&str> = Confidence::SCALE.iter().map(|(id, _)| *id).collect();
        bail!("{grade:?} is no grade of confidence: expected one of {}", known.join(", "));
    }
    for word in correction.concepts.iter().flatten().filter(|word| !taxonomy::is_known(word)) {
        out.note(&format!("{word:?} is not in the taxonomy of concepts: kept as it is"));
    }
    decide(home, &args.label, &args.by, &args.why, LabelChange::Correct(correction), out)
}

fn decide(
    home: &Home,
    id: &str,
    by: &str,
    why: &str,
    change: LabelChange,
    out: &Out,
) -> Result<ExitCode> {
    let (by, why) = (by.trim(), why.trim());
    if by.is_empty() || why.is_empty() {
        bail!("a decision needs who decides and why: --by and --why must not be empty");
    }
    let store = home.open_existing()?;
    let label = by_id(&store, id)?;
    let event = LabelEvent {
        label: label.id(),
        subject: label.subject.to_string(),
        name: label.name.clone(),
        at: Timestamp::now(),
        by: by.to_string(),
        why: why.to_string(),
        change,
    };
    store.add_label_event(&event)?;
    out.print(&format!("{}\n", line(&event)))?;
    Ok(ExitCode::SUCCESS)
}

/// The one label, as its source says it, whose id begins so.
fn by_id(store: &Store, id: &str) -> Result<Label> {
    let is_hex = id.chars().all(|c| c.is_ascii_hexdigit());
    if !is_hex || id.len() < ID_DIGITS_MIN {
        bail!(
            "{id:?} is no id of a label: expected at least {ID_DIGITS_MIN} hex digits, which \
             `interdict labels show` prints before each"
        );
    }
    let id = id.to_ascii_lowercase();
    let mut found: Vec<Label> = store.labels()?;
    found.retain(|label| label.id().starts_with(&id));
    found.dedup_by_key(|label| label.id());
    let mut ids: Vec<String> = found.iter().map(Label::id).collect();
    ids.sort();
    ids.dedup();
    match (ids.len(), found.into_iter().next()) {
        (1, Some(label)) => Ok(label),
        (0, _) | (_, None) => bail!("no label has the id {id}…"),
        (count, Some(_)) => bail!("{count} labels have ids that begin with {id}: give more digits"),
    }
}

pub fn history(home: &Home, args: &LabelHistoryArgs, out: &Out) -> Result<ExitCode> {
    let mut events = home.open_existing()?.label_events()?;
    if let Some(of) = &args.of {
        let texts = subjects(of);
        let of = of.to_ascii_lowercase();
        events.retain(|event| event.label.starts_with(&of) || texts.contains(&event.subject));
    }
    if args.format == TextFormat::Json {
        out.json(&events)?;
        return Ok(ExitCode::SUCCESS);
    }
    if events.is_empty() {
        out.print("Nothing was decided.\n")?;
    }
    for event in &events {
        out.print(&format!("{}\n", line(event)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One event as a person reads it.
pub fn line(event: &LabelEvent) -> String {
    let LabelEvent { label, subject, name, at, by, why, change } = event;
    let what = match change {
        LabelChange::Dispute { stops_walks: false } => "disputed".to_string(),
        LabelChange::Dispute { stops_walks: true } => "disputed, still ends walks".to_string(),
        LabelChange::Lift => "dispute lifted".to_string(),
        LabelChange::Correct(correction) => format!("corrected: {}", corrected(correction)),
    };
    let at = at.strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("{at}  {label}  {name:?} of {subject}: {what}, by {by}: {why}")
}

fn corrected(correction: &Correction) -> String {
    let mut parts = Vec::new();
    if let Some(name) = &correction.name {
        parts.push(format!("name {name:?}"));
    }
    if let Some(concepts) = &correction.concepts {
        parts.push(format!("concepts {}", concepts.join(", ")));
    }
    if let Some(actor) = &correction.actor {
        parts.push(if actor.is_empty() { "no actor".into() } else { format!("actor {actor}") });
    }
    if let Some(confidence) = &correction.confidence {
        parts.push(format!("confidence {confidence}"));
    }
    parts.join("; ")
}
