//! `interdict lists`: versions of lists in, what is kept, what changed, and who was found by it.

mod as_of;
mod diff;
mod issuers;
mod keeping;
mod look_back;
mod reading;
mod sources;
mod update;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use model::Date;
use store::{Shrink, Store};

use self::keeping::{Kept, Rules};
use crate::cli::{ListFormat, ListImportArgs, ListsArgs, ListsCommand, StatusArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;

pub fn run(home: &Home, args: ListsArgs, out: &Out) -> Result<ExitCode> {
    match args.command {
        ListsCommand::Import(args) => import(home, &args, out),
        ListsCommand::Update(args) => update::run(home, &args, out),
        ListsCommand::Issuers(args) => issuers::run(home, &args, out),
        ListsCommand::Status(args) => status(home, &args, out),
        ListsCommand::Diff(args) => diff::run(home, &args, out),
        ListsCommand::AsOf(args) => as_of::run(home, &args, out),
        ListsCommand::LookBack(args) => look_back::run(home, &args, out),
    }
}

fn import(home: &Home, args: &ListImportArgs, out: &Out) -> Result<ExitCode> {
    if args.accept_shrink.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        bail!("--accept-shrink: expected why the list may shrink, found nothing");
    }
    let rules = Rules {
        name: args.name.as_deref(),
        date: args.date,
        is_date_typed: true,
        shrink_max: args.max_shrink,
        accept_shrink: args.accept_shrink.as_deref(),
    };
    let mut store = home.open()?;
    let kept = keeping::keep(&mut store, args.format, &args.path, &rules, out)?;
    match args.report {
        TextFormat::Json => out.json(&kept)?,
        TextFormat::Table => out.print(&kept.text())?,
    }
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
    let rules = Rules { name, date, ..Rules::USUAL };
    keeping::keep(store, format, path, &rules, out).map(|kept: Kept| kept.text())
}

#[derive(serde::Serialize)]
struct Row {
    list: String,
    name: String,
    date: Date,
    entries: u64,
    parties: u64,
    file_hash: String,
    /// Why it was taken although it had lost much.
    shrink_reason: Option<String>,
}

fn status(home: &Home, args: &StatusArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let shrinks = store.shrinks()?;
    let reason = |list: &str, date: Date| {
        let of_it = |shrink: &&Shrink| shrink.list == list && shrink.date == date;
        shrinks.iter().find(of_it).map(|shrink| shrink.reason.clone())
    };
    let rows = store.list_versions()?.into_iter().map(|row| Row {
        shrink_reason: reason(&row.version.list, row.version.date),
        list: row.version.list,
        name: row.name,
        date: row.version.date,
        entries: row.entries,
        parties: row.parties,
        file_hash: row.version.file_hash,
    });
    let rows: Vec<Row> = rows.collect();
    if args.format == TextFormat::Json {
        out.json(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        out.print("No lists yet. `interdict lists import` takes one in.\n")?;
    }
    for row in rows {
        let parties =
            if row.parties == 0 { String::new() } else { format!("  {:>6} parties", row.parties) };
        let reason =
            row.shrink_reason.map(|why| format!("  shrunk: {}", crate::render::plain(&why)));
        out.print(&format!(
            "{:<24} {}  {:>7} entries{parties}  sha256 {}…{}\n",
            row.list,
            row.date,
            row.entries,
            &row.file_hash[..12.min(row.file_hash.len())],
            reason.unwrap_or_default()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
