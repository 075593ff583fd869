//! `interdict import`: files in, one transaction a file.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use chain::import::{self, Format, Options, SourceFile};
use model::Chain;
use store::{Counts, FileRecord, Store};

use crate::cli::{ImportArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;

/// What became of one file.
#[derive(Debug, serde::Serialize)]
pub struct Imported {
    pub file: String,
    pub sha256: String,
    /// Its bytes were taken in before: nothing changed.
    pub is_known: bool,
    pub rows: u64,
    #[serde(flatten)]
    pub counts: Counts,
}

pub fn run(home: &Home, args: ImportArgs, out: &Out) -> Result<ExitCode> {
    // A slip in what was typed shows before a home is made for it.
    let options = Options { chain: args.chain };
    let plan = import::plan(args.format, &args.paths, &options)?;
    let mut store = home.open()?;
    let imported = import_plan(&mut store, args.format, &plan, &options, out)?;
    if args.report == TextFormat::Json {
        out.json(&imported)?;
        return Ok(ExitCode::SUCCESS);
    }
    for file in &imported {
        out.print(&line(file))?;
    }
    say_oddities(&store, &imported, out)?;
    Ok(ExitCode::SUCCESS)
}

/// Plans and imports.
pub fn import_all(
    store: &mut Store,
    format: Format,
    paths: &[PathBuf],
    chain: Option<Chain>,
    out: &Out,
) -> Result<Vec<Imported>> {
    let options = Options { chain };
    let plan = import::plan(format, paths, &options)?;
    import_plan(store, format, &plan, &options, out)
}

/// Imports every file of a plan; a file that fails leaves those before it in place.
fn import_plan(
    store: &mut Store,
    format: Format,
    plan: &[SourceFile],
    options: &Options,
    out: &Out,
) -> Result<Vec<Imported>> {
    plan.iter().map(|file| import_one(store, format, file, options, out)).collect()
}

fn import_one(
    store: &mut Store,
    format: Format,
    file: &SourceFile,
    options: &Options,
    out: &Out,
) -> Result<Imported> {
    let name = file.path.display().to_string();
    let purpose = purpose(format, options);
    let sha256 = super::file_hash(&file.path)?;
    if store.has_file(&sha256, &purpose)? {
        return Ok(Imported {
            file: name,
            sha256,
            is_known: true,
            rows: 0,
            counts: Counts::default(),
        });
    }
    let bar = out.bar(file.bytes, shown(&name));
    let mut batch = store.begin(&FileRecord { name: name.clone(), purpose, bytes: file.bytes })?;
    let summary = import::import_file(
        format,
        file,
        options,
        &mut |read| bar.set_position(read),
        &mut |fact| batch.put(&fact).map_err(Into::into),
    );
    let summary = summary.inspect_err(|_| bar.finish_and_clear())?;
    bar.set_message(format!("{} (settling)", shown(&name)));
    let counts = batch.commit(&summary.sha256).with_context(|| format!("cannot keep {name}"))?;
    bar.finish_and_clear();
    Ok(Imported { file: name, sha256: summary.sha256, is_known: false, rows: summary.rows, counts })
}

/// The same bytes mean something else on another chain.
fn purpose(format: Format, options: &Options) -> String {
    options.chain.map_or_else(|| format.to_string(), |chain| format!("{format} {chain}"))
}

fn shown(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_string()
}

fn line(file: &Imported) -> String {
    if file.is_known {
        return format!("{}: known, nothing changed\n", file.file);
    }
    let Counts { transfers_new, transfers_known, oddities, transactions, blocks, .. } = file.counts;
    let mut parts =
        vec![format!("{transfers_new} transfers new"), format!("{transfers_known} known")];
    if transactions > 0 {
        parts.push(count(transactions, "transaction", "transactions"));
    }
    if blocks > 0 {
        parts.push(count(blocks, "block", "blocks"));
    }
    if oddities > 0 {
        parts.push(count(oddities, "oddity", "oddities"));
    }
    format!("{}: {}\n", file.file, parts.join(", "))
}

pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Oddities are few or many: the first ones, and how many more.
fn say_oddities(store: &Store, imported: &[Imported], out: &Out) -> Result<()> {
    const SHOWN: usize = 8;
    const NAMED: usize = 2;
    let count: u64 = imported.iter().map(|file| file.counts.oddities).sum();
    if count > 0 {
        for row in store.oddities(SHOWN)? {
            out.note(&format!("  oddity: {}: {}", row.oddity.at, row.oddity.what));
        }
        if count > SHOWN as u64 {
            out.note("  … `interdict status --format json` has all of them");
        }
    }
    let unresolved = imported.iter().map(|file| file.counts.unresolved_inputs).max();
    if let Some(unresolved) = unresolved.filter(|count| *count > 0) {
        out.note(&format!(
            "{unresolved} inputs spend outputs whose transactions are not in the data: whose they were and how much is unknown"
        ));
        for tx in store.unresolved(NAMED)? {
            out.note(&format!("  oddity: {}: {}", tx.id, super::status::missing(&tx)));
        }
        out.note("  … `interdict status --format json` names each");
    }
    Ok(())
}
