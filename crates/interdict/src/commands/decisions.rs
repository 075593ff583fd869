//! `interdict decisions`: what people decided about hits of names.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use model::{Decision, Party, Timestamp, Verdict};
use screen::names::Thresholds;
use store::Store;

use super::screen::{Ask, Desk, birth, country, hashes, today};
use crate::answers::Kept as _;
use crate::cli::{DecideArgs, DecisionsArgs, DecisionsCommand, ScreenKind, StatusArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;
use crate::render::plain;

pub fn run(home: &Home, args: DecisionsArgs, out: &Out) -> Result<ExitCode> {
    match args.command {
        DecisionsCommand::Clear(args) => decide(home, args, Verdict::Cleared, out),
        DecisionsCommand::Confirm(args) => decide(home, args, Verdict::Confirmed, out),
        DecisionsCommand::Withdraw(args) => decide(home, args, Verdict::Withdrawn, out),
        DecisionsCommand::List(args) => list(home, &args, out),
    }
}

/// The party is taken as the lists of today describe it: a later change opens the pair again.
fn decide(home: &Home, args: DecideArgs, verdict: Verdict, out: &Out) -> Result<ExitCode> {
    for (option, text) in [("--reason", &args.reason), ("--by", &args.by)] {
        if text.trim().is_empty() {
            bail!("{option}: expected a text, found nothing");
        }
    }
    let today = today();
    if args.expires.is_some_and(|last| last < today) {
        bail!("--expires: expected today or a later day");
    }
    let store = home.open()?;
    let ask = Ask {
        text: args.query,
        kind: ScreenKind::Name,
        births: args.births.iter().map(|text| birth(text)).collect::<Result<_>>()?,
        countries: args.countries.iter().map(|text| country(text)).collect::<Result<_>>()?,
        documents: args.documents,
        customer: args.customer,
    };
    let decision = {
        let party = party(home, &store, &args.party)?;
        let (asked_hash, party_hash) = hashes(&ask.name_query(), &party);
        Decision {
            subject: ask.subject(),
            asked_hash,
            list: party.version.list.clone(),
            party_id: party.id.clone(),
            party: party.names.first().map_or_else(|| party.id.clone(), |name| name.text.clone()),
            party_hash,
            verdict,
            reason: args.reason,
            decided_by: args.by,
            decided_at: Timestamp::now(),
            expires_on: args.expires,
        }
    };
    store.add_decision(&decision)?;
    out.print(&format!("{}\n", line(&decision)))?;
    Ok(ExitCode::SUCCESS)
}

fn party(home: &Home, store: &Store, named: &str) -> Result<Party> {
    let (list, id) = named
        .split_once(':')
        .with_context(|| format!("--party {named}: expected a list and an id, as in un:QDi.001"))?;
    let only = Some(vec![list.to_string()]);
    let desk =
        Desk::open(store, home, Thresholds { only, ..Thresholds::default() }, today(), today())?;
    let parties = desk.names()?.parties();
    let party = parties.iter().find(|party| party.id == id);
    party.cloned().with_context(|| format!("--party {named}: {list} of today has no party {id:?}"))
}

fn list(home: &Home, args: &StatusArgs, out: &Out) -> Result<ExitCode> {
    let decisions = home.open_existing()?.decisions()?;
    match args.format {
        TextFormat::Json => out.json(&decisions)?,
        TextFormat::Table => {
            let lines: String = decisions.iter().map(|decision| line(decision) + "\n").collect();
            out.print(&if lines.is_empty() { "nothing was decided\n".to_string() } else { lines })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(decision: &Decision) -> String {
    let verdict = match decision.verdict {
        Verdict::Cleared => "is not",
        Verdict::Confirmed => "is",
        Verdict::Withdrawn => "may be",
    };
    let mut text = format!(
        "{}: {} {verdict} {} ({}:{}): {}, by {}",
        model::day_of(decision.decided_at),
        plain(&decision.subject),
        plain(&decision.party),
        decision.list,
        plain(&decision.party_id),
        plain(&decision.reason),
        plain(&decision.decided_by),
    );
    if let Some(last) = decision.expires_on {
        text += &format!(", until {last}");
    }
    text
}
