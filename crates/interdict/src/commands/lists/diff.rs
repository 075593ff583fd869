//! `interdict lists diff`: what changed on a list between two days.

use std::process::ExitCode;

use anyhow::{Result, bail};
use model::{Date, ListVersion};
use screen::change::{Change, Identified, Named};
use serde::Serialize;
use store::Store;

use crate::cli::{ListDiffArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;
use crate::render::plain;

#[derive(Serialize)]
struct Diff {
    list: String,
    from: Version,
    to: Version,
    #[serde(flatten)]
    change: Change,
}

/// The version that was in force on a day that was asked for.
#[derive(Serialize)]
struct Version {
    asked: Date,
    date: Date,
    file_hash: String,
}

pub fn run(home: &Home, args: &ListDiffArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let (from, to) = (in_force(&store, args, args.from)?, in_force(&store, args, args.to)?);
    let (old, new) = (store.listings_of(&from)?, store.listings_of(&to)?);
    let (old_parties, new_parties) = (store.parties_of(&from)?, store.parties_of(&to)?);
    let diff = Diff {
        list: args.list.clone(),
        change: Change::between((&old, &old_parties), (&new, &new_parties)),
        from: Version { asked: args.from, date: from.date, file_hash: from.file_hash },
        to: Version { asked: args.to, date: to.date, file_hash: to.file_hash },
    };
    match args.format {
        TextFormat::Json => out.json(&diff)?,
        TextFormat::Table => out.print(&diff.text())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn in_force(store: &Store, args: &ListDiffArgs, day: Date) -> Result<ListVersion> {
    let versions = store.list_versions()?.into_iter().map(|row| row.version);
    let mut of_list = versions.filter(|version| version.list == args.list).peekable();
    let Some(first) = of_list.peek().map(|version| version.date) else {
        bail!("{}: no such list is kept: `interdict lists status` names those that are", args.list);
    };
    match of_list.filter(|version| version.date <= day).last() {
        Some(version) => Ok(version),
        None => bail!("{}: {day} is not covered: the first version kept is of {first}", args.list),
    }
}

impl Diff {
    fn text(&self) -> String {
        let mut text = format!("{}: from {} to {}\n", self.list, self.from.date, self.to.date);
        if self.change.is_empty() {
            return text + "Nothing changed.\n";
        }
        let Change { parties, identifiers } = &self.change;
        text += &format!(
            "parties: {} added, {} removed, {} changed; identifiers: {} added, {} removed, {} changed\n",
            parties.added.len(),
            parties.removed.len(),
            parties.changed.len(),
            identifiers.added.len(),
            identifiers.removed.len(),
            identifiers.changed.len(),
        );
        identifiers.added.iter().for_each(|one| text += &identified('+', one));
        identifiers.removed.iter().for_each(|one| text += &identified('-', one));
        identifiers.changed.iter().for_each(|one| text += &identified('~', one));
        parties.added.iter().for_each(|one| text += &named('+', one));
        parties.removed.iter().for_each(|one| text += &named('-', one));
        for changed in &parties.changed {
            text += &named('~', &changed.party);
            for field in &changed.fields {
                let field_name = field.field;
                let line = |sign: char, told: &String| {
                    format!("      {field_name} {sign} {}\n", plain(told))
                };
                field.added.iter().for_each(|told| text += &line('+', told));
                field.removed.iter().for_each(|told| text += &line('-', told));
            }
        }
        text
    }
}

fn identified(sign: char, one: &Identified) -> String {
    let label = one.asset_label.as_ref().map(|label| format!(" {}", plain(label)));
    let party = one.party.as_ref().map(|party| format!("  {}", plain(party)));
    format!(
        "{sign} {}{}{}\n",
        plain(&one.written),
        label.unwrap_or_default(),
        party.unwrap_or_default()
    )
}

fn named(sign: char, party: &Named) -> String {
    let name = party.name.as_deref().map_or_else(|| "nobody named".to_string(), plain);
    format!("{sign} party {}  {name}\n", plain(&party.id))
}
