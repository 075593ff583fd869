//! What OFAC published since the version that is held: asked before the whole file is.
//!
//! ```text
//! history of the year ─┬─ nothing after the held publication ──► nothing is fetched
//!                      └─ something, or nobody can say ──► deltas say whom it concerns
//!                                                          the whole file is fetched, and held against them
//! ```
//!
//! Deltas are never applied: `screen::lists::ofac::delta` says why. What is not understood only adds a note,
//! and the whole file decides.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use chain::download::{self, Redirects};
use model::{Date, Timestamp};
use screen::lists::ofac::delta::{self, Action, Delta, Publication};
use serde::Serialize;
use sha2::Digest;
use store::{ListRow, ListSource, Store};

use super::super::sources::{Changes, Source};
use crate::render::plain;

/// A year of publications has some tens of kilobytes, the largest delta some megabytes.
const HISTORY_BYTES_MAX: u64 = 4 << 20;
const DELTA_BYTES_MAX: u64 = 64 << 20;
const TIME_MAX: Duration = Duration::from_secs(120);
/// Whoever has missed more than these gets the whole file without their deltas. Some 150 come in a year.
const PUBLICATIONS_MAX: usize = 40;
/// After so long the file is asked for whatever the history says.
const TRUSTED: Duration = Duration::from_secs(7 * 24 * 3600);
/// So many parties are named.
const NAMED_MAX: usize = 10;

/// What the service says of publications.
#[derive(Debug, Default, Serialize)]
pub struct News {
    /// Where it was asked.
    pub asked: String,
    /// The publication that the held version was fetched after.
    pub held: Option<Publication>,
    pub newest: Option<Publication>,
    /// The delta files that were read, the oldest first.
    pub files: Vec<DeltaFile>,
    /// Whom they concern, as far as it may be on this list.
    pub changes: Vec<Told>,
    /// What could not be told, and why.
    pub notes: Vec<String>,
    /// Every delta since the held publication was read.
    #[serde(skip)]
    is_complete: bool,
    #[serde(skip)]
    key: String,
}

#[derive(Debug, Serialize)]
pub struct DeltaFile {
    pub publication: String,
    pub published: Date,
    /// In OFAC's words.
    pub kind: String,
    pub sha256: String,
}

#[derive(Debug, Serialize)]
pub struct Told {
    pub publication: String,
    pub action: Action,
    pub id: String,
    pub name: String,
    /// Digital currency addresses that it brings.
    pub addresses: Vec<String>,
    /// Empty where the delta does not say.
    pub lists: Vec<&'static str>,
}

/// Asks what was published. Only what is wrong with our own store is an error.
pub fn ask(store: &Store, source: &Source, changes: &Changes) -> Result<News> {
    let asked = chain::source::shown_url(&changes.url);
    let key = format!("{} publications at {asked}", source.name);
    let mut news = News { asked, key, ..News::default() };
    let held = news.read_held(store, source)?;
    let since = match news.read_history(changes) {
        Ok(since) => since,
        Err(error) => {
            news.notes.push(format!("{error:#}"));
            return Ok(news);
        }
    };
    if news.is_nothing_new() {
        news.is_complete = true;
        return Ok(news);
    }
    news.is_complete = true;
    if since.len() > PUBLICATIONS_MAX {
        news.note(format!("{} publications since the held one: too many to read", since.len()));
        return Ok(news);
    }
    for publication in &since {
        if let Err(error) = news.read_delta(changes, publication) {
            news.note(format!("publication {}: {error:#}", publication.id));
        }
    }
    if let Some(row) = &held {
        news.keep_those_of(store, row)?;
    }
    Ok(news)
}

impl News {
    fn note(&mut self, said: String) {
        self.is_complete = false;
        self.notes.push(said);
    }

    /// The history says that the held publication is the newest.
    pub fn is_nothing_new(&self) -> bool {
        self.held.is_some() && self.held == self.newest
    }

    /// The version in force, where it is the one that was fetched after a known publication.
    fn read_held(&mut self, store: &Store, source: &Source) -> Result<Option<ListRow>> {
        let Some(known) = store.list_source(&self.key)? else { return Ok(None) };
        let ListSource { etag: Some(id), changed: Some(published), file_hash, .. } = known else {
            return Ok(None);
        };
        let versions = store.list_versions()?;
        let fetched = versions.iter().rfind(|row| row.version.file_hash == file_hash);
        let newest = |row: &&ListRow| {
            versions.iter().rfind(|other| other.version.list == row.version.list) == Some(*row)
        };
        let is_file = store.list_source(&source.shown())?.is_some_and(|f| f.file_hash == file_hash);
        let row = fetched.filter(newest).filter(|_| is_file).cloned();
        match row {
            Some(_) => self.held = Some(Publication { published, id }),
            None => self.notes.push("the version in force is not the file that was fetched".into()),
        }
        Ok(row)
    }

    /// The publications since the held one, or the newest alone where none is held.
    fn read_history(&mut self, changes: &Changes) -> Result<Vec<Publication>> {
        let this_year = model::day_of(Timestamp::now()).year();
        let first = match &self.held {
            Some(held) => held.day().map(Date::year).context("the held publication has no day")?,
            None => this_year,
        };
        if this_year.saturating_sub(first) > 2 {
            bail!("the held publication is of {first}, too long ago to be asked what came since");
        }
        let mut all = Vec::new();
        for year in first..=this_year {
            all.extend(read_year(changes, year)?);
        }
        if all.is_empty() && self.held.is_none() {
            all = read_year(changes, this_year - 1)?;
        }
        all.sort();
        self.newest = all.last().cloned();
        let newest = self.newest.clone().with_context(|| {
            format!("{}: nothing was published in {first} to {this_year}", self.asked)
        })?;
        let Some(held) = &self.held else { return Ok(vec![newest]) };
        let at = all.iter().position(|publication| publication == held);
        match at {
            Some(at) => Ok(all.split_off(at + 1)),
            None => {
                let held = self.held.take().map(|held| held.id).unwrap_or_default();
                self.notes.push(format!(
                    "the held publication {held} is not in the history any more: what came after it cannot be told"
                ));
                Ok(vec![newest])
            }
        }
    }

    fn read_delta(&mut self, changes: &Changes, publication: &Publication) -> Result<()> {
        let url = format!("{}/{}", changes.url, publication.id);
        let bytes = get(&url, &changes.redirects, DELTA_BYTES_MAX)?;
        let Delta { published, kind, changes } = delta::read(bytes.as_slice())?;
        let day = publication.day().context("it has no day")?;
        if published != day {
            bail!("it is of {day}, and its delta file of {published}");
        }
        self.files.push(DeltaFile {
            publication: publication.id.clone(),
            published,
            kind,
            sha256: model::hex::encode(&sha2::Sha256::digest(&bytes)),
        });
        self.changes.extend(changes.into_iter().map(|change| Told {
            publication: publication.id.clone(),
            action: change.action,
            id: change.id,
            name: change.name,
            addresses: change.addresses,
            lists: change.lists,
        }));
        Ok(())
    }

    /// A delta is of both lists: what can only be on the other one goes.
    fn keep_those_of(&mut self, store: &Store, row: &ListRow) -> Result<()> {
        let ids = party_ids(store, row)?;
        let list = row.version.list.as_str();
        let mut unknown = Vec::new();
        self.changes.retain(|told| match told.lists.is_empty() {
            false => told.lists.contains(&list),
            true => told.action == Action::Added || ids.contains(&told.id),
        });
        let added: HashSet<&str> = self.those(Action::Added).map(|told| told.id.as_str()).collect();
        for told in self.those(Action::Corrected).chain(self.those(Action::Removed)) {
            if !ids.contains(&told.id) && !added.contains(told.id.as_str()) {
                unknown.push(told.shown());
            }
        }
        if !unknown.is_empty() {
            let shown = first_of(&unknown);
            self.notes.push(format!("changed, and not on the version that is held: {shown}"));
        }
        Ok(())
    }

    fn those(&self, action: Action) -> impl Iterator<Item = &Told> {
        self.changes.iter().filter(move |told| told.action == action)
    }

    /// The server says that its file has not changed. Is it older than what was published?
    pub fn must_have_changed(&self) -> Option<String> {
        let (held, newest) = (self.held.as_ref()?, self.newest.as_ref()?);
        if held == newest || self.changes.is_empty() {
            return None;
        }
        Some(format!(
            "publication {} of {} changes this list, and the server says that its file has not changed since: {}",
            newest.id,
            newest.published,
            first_of(&self.changes.iter().map(Told::shown).collect::<Vec<_>>())
        ))
    }

    /// Holds the version that was fetched against what was published: says what it lacks.
    pub fn compare(&mut self, store: &Store, file_hash: &str) -> Result<Option<String>> {
        let versions = store.list_versions()?;
        let row = versions.iter().rfind(|row| row.version.file_hash == file_hash);
        let Some(row) = row else { return Ok(None) };
        if self.held.is_none() {
            self.keep_those_of(store, row)?;
        }
        let ids = party_ids(store, row)?;
        let listings = store.listings_of(&row.version)?;
        let listed: HashSet<(&str, &str)> = listings
            .iter()
            .filter_map(|listing| Some((listing.party_id.as_deref()?, listing.written.as_str())))
            .collect();
        let mut last: BTreeMap<&str, &Told> = BTreeMap::new();
        let mut addresses: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for told in
            self.changes.iter().filter(|told| !told.lists.is_empty() || ids.contains(&told.id))
        {
            if told.action != Action::Corrected {
                last.insert(&told.id, told);
                addresses.remove(told.id.as_str());
            }
            let brought = addresses.entry(&told.id).or_default();
            brought.extend(told.addresses.iter().map(String::as_str));
        }
        let mut missing = Vec::new();
        for told in last.values() {
            match told.action {
                Action::Added if !ids.contains(&told.id) => missing.push(told.shown()),
                Action::Removed if ids.contains(&told.id) => missing.push(told.shown()),
                _ => {}
            }
        }
        for (id, written) in addresses.iter().filter(|(id, _)| ids.contains(**id)) {
            let lacks = written.iter().filter(|written| !listed.contains(&(*id, **written)));
            missing.extend(lacks.map(|written| format!("{} of {id}", plain(written))));
        }
        if missing.is_empty() {
            return Ok(None);
        }
        // What it lacks may come with a later file.
        self.is_complete = false;
        let newest = self.newest.as_ref().map(|newest| newest.id.as_str()).unwrap_or_default();
        Ok(Some(format!(
            "the file of {} is kept, and older than publication {newest}: it does not have {}",
            row.version.date,
            first_of(&missing)
        )))
    }

    /// Remembers up to which publication the fetched file goes.
    pub fn remember(&self, store: &Store, file_hash: &str, checked_at: Timestamp) -> Result<()> {
        let (true, Some(newest)) = (self.is_complete, &self.newest) else { return Ok(()) };
        store.put_list_source(&ListSource {
            source: self.key.clone(),
            file_hash: file_hash.to_string(),
            etag: Some(newest.id.clone()),
            changed: Some(newest.published.clone()),
            checked_at,
        })?;
        Ok(())
    }

    pub fn text(&self, name: &str) -> String {
        let mut text = String::new();
        if let Some(held) = &self.held {
            let count = |action| self.those(action).count();
            let addresses: usize = self.changes.iter().map(|told| told.addresses.len()).sum();
            text += &match self.is_nothing_new() {
                true => format!("{name}: nothing published since {held}\n"),
                false => format!(
                    "{name}: published since {held}: {} added, {} removed, {} corrected, with {addresses} new addresses\n",
                    count(Action::Added),
                    count(Action::Removed),
                    count(Action::Corrected)
                ),
            };
            for told in self.changes.iter().take(NAMED_MAX) {
                text += &format!("  {}\n", told.shown());
            }
            if self.changes.len() > NAMED_MAX {
                text += &format!("  and {} more\n", self.changes.len() - NAMED_MAX);
            }
        }
        text
    }
}

impl Told {
    fn shown(&self) -> String {
        let sign = match self.action {
            Action::Added => '+',
            Action::Removed => '-',
            Action::Corrected => '~',
        };
        format!("{sign} {} {}", plain(&self.id), plain(&self.name)).trim_end().to_string()
    }
}

/// Is the whole file to be asked for, whatever the history says?
pub fn is_due(checked_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(checked_at).unsigned_abs() > TRUSTED
}

fn first_of(all: &[String]) -> String {
    let more = all.len().saturating_sub(NAMED_MAX);
    let named = all.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

fn party_ids(store: &Store, row: &ListRow) -> Result<HashSet<String>> {
    Ok(store.parties_of(&row.version)?.into_iter().map(|party| party.id).collect())
}

fn read_year(changes: &Changes, year: i16) -> Result<Vec<Publication>> {
    let url = format!("{}/history/{year}", changes.url);
    let bytes = get(&url, &changes.redirects, HISTORY_BYTES_MAX)?;
    delta::history(&bytes).map_err(|said| anyhow!("the publications of {year}: {said}"))
}

fn get(url: &str, redirects: &Redirects, bytes_max: u64) -> Result<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(download::answer(url, redirects, bytes_max, TIME_MAX))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history that stands still must not keep a list from being fetched for ever.
    #[test]
    fn once_a_week_the_file_is_asked_for_whatever_the_history_says() {
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let checked = time("2026-01-16T10:00:00Z");
        for (now, expected) in [
            ("2026-01-16T10:00:00Z", false),
            ("2026-01-23T10:00:00Z", false),
            ("2026-01-23T10:00:01Z", true),
            // A clock that was set back says nothing of when it was.
            ("2025-01-16T10:00:00Z", true),
        ] {
            assert_eq!(is_due(checked, time(now)), expected, "{now}");
        }
    }
}
