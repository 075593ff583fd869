//! `interdict lists update`: fetches the lists that the configuration names, and keeps what is new.
//!
//! A list that cannot be fetched, read, or believed leaves its last version in force, and the
//! others are updated all the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chain::download::{self, Answer, Known};
use model::Timestamp;
use serde::Serialize;
use store::{ListSource, Store};

use super::keeping::{self, Kept, Rules};
use super::sources::{self, Place, Source};
use crate::cli::{ListUpdateArgs, TextFormat};
use crate::config::Secret;
use crate::home::Home;
use crate::out::Out;

/// The largest file that is fetched, packed or not.
const BYTES_MAX: u64 = 4 << 30;

/// What became of one list.
#[derive(Serialize)]
struct Updated {
    name: String,
    source: String,
    /// Its source says that nothing changed.
    is_unchanged: bool,
    kept: Option<Kept>,
    /// Why it was not taken: the last version stays in force.
    error: Option<String>,
}

pub fn run(home: &Home, args: &ListUpdateArgs, out: &Out) -> Result<ExitCode> {
    let mut sources = sources::read(home)?;
    if !args.only.is_empty() {
        if let Some(name) = args.only.iter().find(|name| !sources.iter().any(|s| s.name == **name))
        {
            bail!("{name}: no such list is set up: expected [lists.{name}] in interdict.toml");
        }
        sources.retain(|source| args.only.contains(&source.name));
    }
    if sources.is_empty() {
        bail!(
            "no list is set up, and nothing was fetched: expected [lists.<name>] in interdict.toml"
        );
    }
    let mut store = home.open()?;
    let mut updated = Vec::new();
    for source in &sources {
        let told = update(home, &mut store, source, args, out);
        if let Err(error) = &told {
            out.error(&anyhow::anyhow!("{}: {error:#}", source.name));
        }
        let shown = source.shown();
        let (is_unchanged, kept, error) = match told {
            Ok(Some(kept)) => (kept.is_known, Some(kept), None),
            Ok(None) => (true, None, None),
            Err(error) => (false, None, Some(format!("{error:#}"))),
        };
        updated.push(Updated {
            name: source.name.clone(),
            source: shown,
            is_unchanged,
            kept,
            error,
        });
    }
    match args.report {
        TextFormat::Json => out.json(&updated)?,
        TextFormat::Table => updated.iter().try_for_each(|one| out.print(&one.text()))?,
    }
    let has_failed = updated.iter().any(|one| one.error.is_some());
    Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Updated {
    fn text(&self) -> String {
        match (&self.kept, &self.error) {
            (_, Some(_)) => {
                format!("{}: not updated, its last version stays in force\n", self.name)
            }
            (Some(kept), None) => kept.text(),
            (None, None) => format!("{}: its source says that nothing changed\n", self.name),
        }
    }
}

/// Nothing where the source says that nothing changed.
fn update(
    home: &Home,
    store: &mut Store,
    source: &Source,
    args: &ListUpdateArgs,
    out: &Out,
) -> Result<Option<Kept>> {
    let rules = Rules {
        name: source.list.as_deref(),
        shrink_max: source.max_shrink,
        accept_shrink: args.accept_shrink.as_deref(),
        ..Rules::USUAL
    };
    match &source.place {
        Place::Path(path) => keeping::keep(store, source.format, path, &rules, out).map(Some),
        Place::Url(url) => {
            let folder = home.path().join("downloads").join(&source.name);
            let fetched = fetch(store, source, url, &folder, &rules, out);
            // What was fetched is kept as a version, or it is of no use.
            let _ = fs::remove_dir_all(&folder);
            fetched
        }
    }
}

fn fetch(
    store: &mut Store,
    source: &Source,
    url: &Secret,
    folder: &Path,
    rules: &Rules<'_>,
    out: &Out,
) -> Result<Option<Kept>> {
    let shown = source.shown();
    let earlier = store.list_source(&shown)?;
    let known = Known {
        etag: earlier.as_ref().and_then(|known| known.etag.clone()),
        changed: earlier.as_ref().and_then(|known| known.changed.clone()),
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(file_name(url.reveal(), &source.name));
    let spinner = out.spinner(format!("fetching {shown}"));
    let answer = download(url, &known, &path);
    spinner.finish_and_clear();
    let checked_at = Timestamp::now();
    let (etag, changed) = match answer? {
        Answer::Same => {
            if let Some(earlier) = earlier {
                store.put_list_source(&ListSource { checked_at, ..earlier })?;
            }
            return Ok(None);
        }
        Answer::New { etag, changed, .. } => (etag, changed),
    };
    let file_hash = crate::commands::file_hash(&path)?;
    let kept = keeping::keep(store, source.format, &path, rules, out)?;
    // Only now: a copy that was refused must be fetched again.
    store.put_list_source(&ListSource { source: shown, file_hash, etag, changed, checked_at })?;
    Ok(Some(kept))
}

fn download(url: &Secret, known: &Known, path: &Path) -> Result<Answer> {
    let doing = || format!("cannot write {}", path.display());
    let part = path.with_extension("part");
    let mut file = fs::File::create(&part).with_context(doing)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(download::file(url.reveal(), known, BYTES_MAX, &mut file))?;
    file.sync_all().with_context(doing)?;
    fs::rename(&part, path).with_context(doing)?;
    Ok(answer)
}

/// The file's own name where the address has one: it may tell which list it is.
fn file_name(url: &str, otherwise: &str) -> PathBuf {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let (_, rest) = path.split_once("://").unwrap_or(("", path));
    let last = rest.split('/').skip(1).last().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = last.chars().filter(|c| is_plain(*c)).collect();
    let name = name.trim_start_matches('.');
    PathBuf::from(if name.is_empty() { otherwise } else { name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_as_its_address_says_and_stays_in_its_folder() {
        for (url, expected) in [
            ("https://a.example/x/CONS_PRIM.CSV?token=1", "CONS_PRIM.CSV"),
            ("https://a.example", "un"),
            ("https://a.example/", "un"),
            ("https://a.example/..%2f..", "2f.."),
            ("https://a.example/../..", "un"),
        ] {
            assert_eq!(file_name(url, "un"), PathBuf::from(expected), "{url}");
        }
    }
}
