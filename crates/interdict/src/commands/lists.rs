//! `interdict lists`: versions of lists in, and what is kept.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use model::Date;
use screen::lists::{self, ParsedList};
use store::{ListRow, Outcome, Store};

use crate::cli::{ListFormat, ListImportArgs, ListsArgs, ListsCommand, StatusArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;

pub fn run(home: &Home, args: ListsArgs, out: &Out) -> Result<ExitCode> {
    match args.command {
        ListsCommand::Import(args) => import(home, &args, out),
        ListsCommand::Status(args) => status(home, &args, out),
    }
}

fn import(home: &Home, args: &ListImportArgs, out: &Out) -> Result<ExitCode> {
    if args.format == ListFormat::Ofac && args.date.is_some() {
        bail!("--date: OFAC's file says the day it was issued itself");
    }
    let mut store = home.open()?;
    let said = keep(&mut store, args.format, &args.path, args.name.as_deref(), args.date, out)?;
    out.print(&said)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads one file as a list and keeps it; says what became of it.
pub fn keep(
    store: &mut Store,
    format: ListFormat,
    path: &Path,
    name: Option<&str>,
    date: Option<Date>,
    out: &Out,
) -> Result<String> {
    let file = path.display();
    if name.is_some_and(|name| name.trim().is_empty()) {
        bail!("--name: expected what the list is called, found nothing");
    }
    let hash = super::file_hash(path)?;
    let list = match format {
        ListFormat::Ofac => lists::ofac::LIST.to_string(),
        ListFormat::Addresses => plain_name(path, name)?,
    };
    // A later day with the same entries is a later version: it says they were still there.
    let is_known = |row: &ListRow| {
        row.version.list == list
            && row.version.file_hash == hash
            && date.is_none_or(|date| format == ListFormat::Ofac || row.version.date == date)
    };
    if store.list_versions()?.iter().any(is_known) {
        return Ok(format!("{file}: known, nothing changed\n"));
    }
    let spinner = out.spinner(format!("reading {file}"));
    let parsed = parse(format, path, &list, date, &hash, out).with_context(|| format!("{file}"));
    spinner.finish_and_clear();
    let parsed = parsed?;
    if parsed.listings.is_empty() {
        bail!(
            "{file}: no address in it: as a version of {list} it would take everybody off the list"
        );
    }
    if parsed.claims * 2 > parsed.listings.len() {
        out.warn(&format!(
            "{file}: most lines are no address of any known format; is this the list?"
        ));
    }
    let version = &parsed.version;
    let outcome = store.put_list(version, name.unwrap_or(&version.list), &parsed.listings)?;
    let what = match outcome {
        Outcome::Same => "known, nothing changed",
        Outcome::New => "kept",
        Outcome::Replaced { .. } => "kept in place of another file of the same day",
    };
    let claims = match parsed.claims {
        0 => String::new(),
        1 => "; 1 is no valid address of any known format and matches only its own text".into(),
        n => {
            format!("; {n} are no valid address of any known format and match only their own text")
        }
    };
    let entries = match parsed.listings.len() {
        1 => "1 entry".to_string(),
        n => format!("{n} entries"),
    };
    Ok(format!("{file}: {} of {}: {entries} {what}{claims}\n", version.list, version.date))
}

/// A plain list is called as it is told, else as its file.
fn plain_name(path: &Path, name: Option<&str>) -> Result<String> {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    name.map(str::to_string).or(stem).ok_or_else(|| anyhow!("the list has no name: give --name"))
}

fn parse(
    format: ListFormat,
    path: &Path,
    name: &str,
    date: Option<Date>,
    hash: &str,
    out: &Out,
) -> Result<ParsedList> {
    let input = lists::open(BufReader::with_capacity(1 << 16, File::open(path)?))?;
    match format {
        ListFormat::Ofac => Ok(lists::ofac::read(input, hash)?),
        ListFormat::Addresses => {
            let date = date.unwrap_or_else(|| {
                out.warn("a plain list does not say the day it was issued; today is taken, --date says better");
                model::day_of(model::Timestamp::now())
            });
            Ok(lists::addresses::read(input, name, date, hash)?)
        }
    }
}

#[derive(serde::Serialize)]
struct Row {
    list: String,
    name: String,
    date: Date,
    entries: u64,
    file_hash: String,
}

fn status(home: &Home, args: &StatusArgs, out: &Out) -> Result<ExitCode> {
    let rows: Vec<Row> = home
        .open_existing()?
        .list_versions()?
        .into_iter()
        .map(|row| Row {
            list: row.version.list,
            name: row.name,
            date: row.version.date,
            entries: row.entries,
            file_hash: row.version.file_hash,
        })
        .collect();
    if args.format == TextFormat::Json {
        out.json(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        out.print("No lists yet. `interdict lists import` takes one in.\n")?;
    }
    for row in rows {
        out.print(&format!(
            "{:<24} {}  {:>7} entries  sha256 {}…\n",
            row.list,
            row.date,
            row.entries,
            &row.file_hash[..12.min(row.file_hash.len())]
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
