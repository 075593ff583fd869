//! `interdict lists update`: fetches the lists that the configuration names, and keeps what is new.
//!
//! A list that cannot be fetched, read, or believed leaves its last version in force, and the
//! others are updated all the same. Of OFAC it is asked first what was published since.

mod publications;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chain::download::{self, Answer, Known, Redirects};
use model::Timestamp;
use serde::Serialize;
use store::{ListSource, Store};

use self::publications::News;
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
    /// What its source says it published, where that was asked.
    publications: Option<News>,
    /// Why it was not taken, the last version stays in force then; or what it lacks although it was.
    error: Option<String>,
}

/// What came of asking for one list.
#[derive(Default)]
struct Came {
    kept: Option<Kept>,
    news: Option<News>,
    /// It was kept, and is older than what was published.
    lacks: Option<String>,
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
        let mut came = Came::default();
        let told = update(home, &mut store, source, args, out, &mut came);
        if let Err(error) = &told {
            out.error(&anyhow::anyhow!("{}: {error:#}", source.name));
        }
        let Came { kept, news, lacks } = came;
        for note in news.iter().flat_map(|news| &news.notes) {
            out.warn(&format!("{}: {}", source.name, crate::render::plain(note)));
        }
        if let Some(lacks) = &lacks {
            out.error(&anyhow::anyhow!("{}: {lacks}", source.name));
        }
        let error = told.err().map(|error| format!("{error:#}")).or(lacks);
        let is_known = kept.as_ref().is_none_or(|kept| kept.is_known);
        updated.push(Updated {
            name: source.name.clone(),
            source: source.shown(),
            is_unchanged: is_known && error.is_none(),
            kept,
            publications: news,
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
        let news = self.publications.as_ref();
        let published = news.map(|news| news.text(&self.name)).unwrap_or_default();
        let came = match (&self.kept, &self.error) {
            (Some(kept), Some(_)) => format!("{}{}: not up to date\n", kept.text(), self.name),
            (None, Some(_)) => {
                format!("{}: not updated, its last version stays in force\n", self.name)
            }
            (Some(kept), None) => kept.text(),
            (None, None) if news.is_some_and(News::is_nothing_new) => String::new(),
            (None, None) => format!("{}: its source says that nothing changed\n", self.name),
        };
        published + &came
    }
}

fn update(
    home: &Home,
    store: &mut Store,
    source: &Source,
    args: &ListUpdateArgs,
    out: &Out,
    came: &mut Came,
) -> Result<()> {
    let rules = Rules {
        name: source.list.as_deref(),
        shrink_max: source.max_shrink,
        accept_shrink: args.accept_shrink.as_deref(),
        ..Rules::USUAL
    };
    match &source.place {
        Place::Path(path) => {
            came.kept = Some(keeping::keep(store, source.format, path, &rules, out)?);
            Ok(())
        }
        Place::Url(url) => {
            let folder = home.path().join("downloads").join(&source.name);
            let fetched = fetch(store, source, url, &folder, &rules, out, came);
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
    came: &mut Came,
) -> Result<()> {
    let shown = source.shown();
    let earlier = store.list_source(&shown)?;
    let now = Timestamp::now();
    if let Some(changes) = &source.changes {
        let spinner = out.spinner(format!("asking what {} published", source.name));
        let news = publications::ask(store, source, changes);
        spinner.finish_and_clear();
        let news = came.news.insert(news?);
        let fresh = earlier.as_ref().filter(|f| !publications::is_due(f.checked_at, now));
        if let (true, Some(earlier)) = (news.is_nothing_new(), fresh) {
            return news.remember(store, &earlier.file_hash, now);
        }
    }
    let known = Known {
        etag: earlier.as_ref().and_then(|known| known.etag.clone()),
        changed: earlier.as_ref().and_then(|known| known.changed.clone()),
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(file_name(url.reveal(), &source.name));
    let spinner = out.spinner(format!("fetching {shown}"));
    let answer = download(url, &known, &source.redirects, &path);
    spinner.finish_and_clear();
    let checked_at = Timestamp::now();
    let (etag, changed) = match answer? {
        Answer::Same => {
            if let Some(stale) = came.news.as_ref().and_then(News::must_have_changed) {
                bail!("{stale}");
            }
            if let Some(earlier) = earlier {
                if let Some(news) = &came.news {
                    news.remember(store, &earlier.file_hash, checked_at)?;
                }
                store.put_list_source(&ListSource { checked_at, ..earlier })?;
            }
            return Ok(());
        }
        Answer::New { etag, changed, .. } => (etag, changed),
    };
    let file_hash = crate::commands::file_hash(&path)?;
    came.kept = Some(keeping::keep(store, source.format, &path, rules, out)?);
    if let Some(news) = &mut came.news {
        came.lacks = news.compare(store, &file_hash)?;
        if came.lacks.is_some() {
            // It must be fetched again, whatever the server calls this copy.
            return Ok(());
        }
        news.remember(store, &file_hash, checked_at)?;
    }
    // Only now: a copy that was refused must be fetched again.
    store.put_list_source(&ListSource { source: shown, file_hash, etag, changed, checked_at })?;
    Ok(())
}

fn download(url: &Secret, known: &Known, redirects: &Redirects, path: &Path) -> Result<Answer> {
    let doing = || format!("cannot write {}", path.display());
    let part = path.with_extension("part");
    let mut file = fs::File::create(&part).with_context(doing)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let fetched = download::file(url.reveal(), known, redirects, BYTES_MAX, &mut file);
    let answer = runtime.block_on(fetched)?;
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
