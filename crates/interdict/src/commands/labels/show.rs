//! All that is said of one address, by who says it.

use std::process::ExitCode;

use anyhow::Result;
use entity::claims::{self, Claims, Disagreement};
use model::{Account, Identifier, Key, Label, LabelEvent, Standing, Subject, TxId, identifier};
use serde_json::json;

use super::decide;
use crate::cli::{LabelShowArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;

pub fn run(home: &Home, args: &LabelShowArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let book = super::book(&store)?;
    let wanted = Wanted::read(&args.subject);
    let labels: Vec<&Label> =
        book.all_labels().iter().filter(|label| wanted.is_of(label)).collect();
    let on = args.on.unwrap_or_else(|| model::day_of(model::Timestamp::now()));
    let claims = claims::of(&labels, on);
    let texts = subjects(&args.subject);
    let events = store.label_events()?;
    let events: Vec<&LabelEvent> =
        events.iter().filter(|event| texts.contains(&event.subject)).collect();
    if args.format == TextFormat::Json {
        out.json(&as_json(&args.subject, on, &claims, &events))?;
        return Ok(ExitCode::SUCCESS);
    }
    if labels.is_empty() {
        out.print("Nobody says anything of it here. Not labelled is not unknown to everyone.\n")?;
    }
    out.print(&table(&claims))?;
    for event in events {
        out.print(&format!("{}\n", decide::line(event)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a person's text may name.
struct Wanted {
    key: Key,
    accounts: Vec<Account>,
    tx: Option<TxId>,
    /// A transaction without its chain.
    hash: String,
}

impl Wanted {
    fn read(text: &str) -> Wanted {
        Wanted {
            key: Identifier::parse(text).key,
            accounts: identifier::candidates(text),
            tx: text.parse().ok(),
            hash: text.trim().to_ascii_lowercase().trim_start_matches("0x").to_string(),
        }
    }

    fn is_of(&self, label: &Label) -> bool {
        match &label.subject {
            Subject::Transaction(tx) => {
                self.tx == Some(*tx) || model::hex::encode(tx.hash.bytes()) == self.hash
            }
            Subject::Identifier(named) => named.key == self.key,
            Subject::Account(account) => {
                self.accounts.contains(account) || self.key == Key::of(account)
            }
        }
    }
}

/// The texts under which events may name what a person means.
pub fn subjects(text: &str) -> Vec<String> {
    let mut texts = vec![text.trim().to_string(), Identifier::parse(text).text];
    texts.extend(identifier::candidates(text).iter().map(ToString::to_string));
    let evm = model::Account::parse(text, model::Chain::ETHEREUM).ok();
    texts.extend(evm.map(|account| account.to_string()));
    texts
}

fn table(claims: &Claims<'_>) -> String {
    let mut text = String::new();
    for source in &claims.by_source {
        text += &format!("{}\n", source.collection);
        for claim in &source.claims {
            let label = claim.label;
            let weighs = match claim.effective.level == claim.effective.stated {
                true => format!("{} {}", label.confidence.id, claim.effective.stated),
                false => format!(
                    "{} {} → {}",
                    label.confidence.id, claim.effective.stated, claim.effective.level
                ),
            };
            text += &format!("  {}  {}", label.id(), label.shown_name());
            if !label.concepts.is_empty() {
                text += &format!("  [{}]", label.concepts.join(", "));
            }
            text += &format!("  {weighs} ({})", claim.effective.why);
            let date = label.date.map_or_else(|| "undated".into(), |date| date.to_string());
            text += &format!("\n    of {}, {date}, {}\n", label.subject, label.source);
            if let Some(context) = &label.tag.context {
                text += &format!("    {context}\n");
            }
        }
    }
    for disagreement in &claims.disagreements {
        text += &format!("{}\n", disagreement_line(disagreement));
    }
    text
}

fn disagreement_line(disagreement: &Disagreement) -> String {
    let side =
        |side: &claims::Side| format!("{} (says {})", side.says.join(", "), side.who.join(", "));
    let sides: Vec<String> = disagreement.sides.iter().map(side).collect();
    format!("They disagree on the {}: {}", disagreement.about, sides.join(" against "))
}

fn as_json(
    subject: &str,
    on: model::Date,
    claims: &Claims<'_>,
    events: &[&LabelEvent],
) -> serde_json::Value {
    let by_source: Vec<_> = claims
        .by_source
        .iter()
        .map(|source| {
            let claims: Vec<_> = source
                .claims
                .iter()
                .map(|claim| {
                    let mut row = label_json(claim.label);
                    row["effective"] = json!(claim.effective);
                    row
                })
                .collect();
            json!({ "collection": source.collection, "claims": claims })
        })
        .collect();
    json!({
        "subject": subject, "on": on, "by_source": by_source,
        "disagreements": claims.disagreements, "history": events,
    })
}

/// One label, as all commands here write it.
pub fn label_json(label: &Label) -> serde_json::Value {
    let (is_disputed, stops) = match label.tag.standing {
        Standing::Undisputed => (false, true),
        Standing::Disputed { stops_walks } => (true, stops_walks),
    };
    json!({
        "id": label.id(), "subject": label.subject.to_string(), "name": label.name,
        "concepts": label.concepts, "actor": label.actor,
        "confidence": label.confidence.id, "confidence_level": label.confidence.level,
        "source": label.source, "collection": label.collection, "date": label.date,
        "valid_until": label.tag.valid_until, "kind": label.tag.kind,
        "is_cluster_definer": label.tag.is_cluster_definer, "context": label.tag.context,
        "is_own": label.tag.is_own, "is_disputed": is_disputed, "ends_walks": stops,
        "network": label.network, "file_hash": label.file_hash,
    })
}
