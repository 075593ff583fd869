//! `interdict labels`: packs of labels in, what is kept, and what was decided about it.

mod decide;
mod export;
mod list;
mod miners;
mod show;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use entity::labels::{self, Origin, actorpack, mining_pools, name_tags, own, tagpack};
use entity::standing;
use model::{Book, Chain, Date};
use store::{Outcome, Store};

use crate::cli::{LabelFormat, LabelImportArgs, LabelsArgs, LabelsCommand, StatusArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;

pub fn run(home: &Home, args: LabelsArgs, out: &Out) -> Result<ExitCode> {
    match args.command {
        LabelsCommand::Import(args) => import(home, &args, out),
        LabelsCommand::Export(args) => export::run(home, &args, out),
        LabelsCommand::Status(args) => status(home, &args, out),
        LabelsCommand::Show(args) => show::run(home, &args, out),
        LabelsCommand::List(args) => list::run(home, &args, out),
        LabelsCommand::Dispute(args) => decide::dispute(home, &args, out),
        LabelsCommand::Correct(args) => decide::correct(home, &args, out),
        LabelsCommand::History(args) => decide::history(home, &args, out),
        LabelsCommand::Scale(args) => list::scale(&args, out),
        LabelsCommand::Miners(args) => miners::run(home, &args, out),
    }
}

fn import(home: &Home, args: &LabelImportArgs, out: &Out) -> Result<ExitCode> {
    let paths = files(args.format, &args.paths)?;
    let mut store = home.open()?;
    for said in keep(&mut store, args.format, &paths, args.chain, args.date, out)? {
        out.print(&said)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Of a folder, the files of that format in it and below it, by name; a pack's shared
/// header is none of them.
fn files(format: LabelFormat, paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let endings: &[&str] = match format {
        LabelFormat::Tagpack | LabelFormat::Actorpack => &["yaml", "yml"],
        LabelFormat::OwnYaml => &["yaml", "yml"],
        LabelFormat::NameTags | LabelFormat::MiningPools => &["json"],
        LabelFormat::OwnCsv => &["csv"],
    };
    let is_one = |path: &Path| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| endings.contains(&ending))
            && path.file_stem().is_none_or(|stem| stem != "header")
    };
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let before = found.len();
        let mut folders = vec![path.clone()];
        while let Some(folder) = folders.pop() {
            let doing = || format!("cannot read the folder {}", folder.display());
            for entry in fs::read_dir(&folder).with_context(doing)? {
                let entry = entry.with_context(doing)?;
                // A link is not followed: it may lead back here.
                let kind = entry.file_type().with_context(doing)?;
                match kind.is_dir() {
                    true => folders.push(entry.path()),
                    false if is_one(&entry.path()) => found.push(entry.path()),
                    false => {}
                }
            }
        }
        if found.len() == before {
            bail!(
                "{}: no .{} file in this folder or below it",
                path.display(),
                endings.join(" or .")
            );
        }
        found[before..].sort();
    }
    Ok(found)
}

/// Reads every file as labels and keeps them; says what became of each.
pub fn keep(
    store: &mut Store,
    format: LabelFormat,
    paths: &[PathBuf],
    chain: Option<Chain>,
    date: Option<Date>,
    out: &Out,
) -> Result<Vec<String>> {
    let mut said = Vec::new();
    for path in paths {
        let spinner = out.spinner(format!("reading {}", path.display()));
        let one = keep_one(store, format, path, chain, date);
        spinner.finish_and_clear();
        said.push(one?);
    }
    Ok(said)
}

fn keep_one(
    store: &mut Store,
    format: LabelFormat,
    path: &Path,
    chain: Option<Chain>,
    date: Option<Date>,
) -> Result<String> {
    let file = path.display();
    let bytes = fs::read(path).with_context(|| format!("cannot read {file}"))?;
    let origin = Origin { name: file.to_string(), file_hash: super::file_hash(path)?, date };
    // A pack is known by its file's name: a newer one of that name takes its place.
    let collection = path
        .file_name()
        .map_or_else(|| file.to_string(), |name| name.to_string_lossy().into_owned());
    let mut remarks = String::new();
    let (count, outcome) = match format {
        LabelFormat::Tagpack => {
            let pack = tagpack::read(&bytes, header_beside(path).as_deref(), &origin)?;
            (pack.labels.len(), store.put_labels(&collection, &origin.file_hash, &pack.labels)?)
        }
        LabelFormat::NameTags => {
            let tags = name_tags::read(&bytes, chain.unwrap_or(Chain::ETHEREUM), &origin)?;
            (tags.labels.len(), store.put_labels(&collection, &origin.file_hash, &tags.labels)?)
        }
        LabelFormat::MiningPools => {
            let pools = mining_pools::read(&bytes, chain.unwrap_or(Chain::BITCOIN), &origin)?;
            store.put_coinbase_tags(&collection, &origin.file_hash, &pools.tags)?;
            let outcome = store.put_labels(&collection, &origin.file_hash, &pools.labels)?;
            (pools.labels.len() + pools.tags.len(), outcome)
        }
        LabelFormat::OwnCsv | LabelFormat::OwnYaml => {
            let read = match format {
                LabelFormat::OwnCsv => own::read_csv(&bytes, &collection, &origin)?,
                _ => own::read_yaml(&bytes, &collection, &origin)?,
            };
            remarks = own_remarks(&read);
            (read.labels.len(), store.put_labels(&collection, &origin.file_hash, &read.labels)?)
        }
        LabelFormat::Actorpack => {
            let actors: Vec<store::Actor> =
                actorpack::read(&bytes, &origin)?.into_iter().map(stored).collect();
            (actors.len(), store.put_actors(&collection, &origin.file_hash, &actors)?)
        }
    };
    let what = match outcome {
        Outcome::Same => "known, nothing changed",
        Outcome::New => "kept",
        Outcome::Replaced { .. } => "kept in place of an earlier file of that name",
    };
    Ok(format!("{file}: {count} entries {what}\n{remarks}"))
}

/// What of own labels was bent to fit.
fn own_remarks(read: &own::OwnLabels) -> String {
    let mut said = String::new();
    if read.duplicates > 0 {
        said += &format!("  {} say again what an earlier one said: left out\n", read.duplicates);
    }
    if read.claims > 0 {
        said += &format!("  {} are of addresses that validate in no known format\n", read.claims);
    }
    if !read.unknown_concepts.is_empty() {
        let words = read.unknown_concepts.join(", ");
        said += &format!("  not in the taxonomy of concepts, kept as they are: {words}\n");
    }
    said
}

/// The header that the packs of one folder share, found as their own tool does.
fn header_beside(path: &Path) -> Option<Vec<u8>> {
    path.ancestors().skip(1).take(3).find_map(|folder| fs::read(folder.join("header.yaml")).ok())
}

/// Labels and current listings, each label with what was decided about it and what its actor is
/// known for.
pub fn book(store: &Store) -> Result<Book> {
    let kept = store.book()?;
    let actors: Vec<labels::Actor> = store.actors()?.into_iter().map(read_back).collect();
    let mut all = kept.all_labels().to_vec();
    standing::apply(&mut all, &store.label_events()?);
    labels::enrich(&mut all, &actors);
    let mut book = Book::default();
    all.into_iter().for_each(|label| book.add_label(label));
    kept.all_listings().iter().cloned().for_each(|listing| book.add_listing(listing));
    Ok(book)
}

fn status(home: &Home, args: &StatusArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let mut packs: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for label in store.labels()? {
        *packs.entry(label.collection).or_default() += 1;
    }
    if args.format == TextFormat::Json {
        out.json(&serde_json::json!({ "labels": packs, "actors": store.actors()?.len() }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if packs.is_empty() {
        out.print("No labels yet. `interdict labels import` takes them in.\n")?;
    }
    for (pack, count) in packs {
        out.print(&format!("{count:>8}  {pack}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn stored(actor: labels::Actor) -> store::Actor {
    store::Actor {
        id: actor.id,
        label: actor.label,
        uri: Some(actor.uri),
        categories: actor.categories,
        jurisdictions: actor.jurisdictions,
    }
}

/// Enough of an actor to enrich labels with.
fn read_back(actor: store::Actor) -> labels::Actor {
    labels::Actor {
        id: actor.id,
        label: actor.label,
        uri: actor.uri.unwrap_or_default(),
        categories: actor.categories,
        jurisdictions: actor.jurisdictions,
        aliases: Vec::new(),
        date: None,
        collection: String::new(),
        file_hash: String::new(),
    }
}
