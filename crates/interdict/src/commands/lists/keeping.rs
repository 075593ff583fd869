//! Takes a version of a list in: whole, unless it is known, empty, or has lost too much.

use std::path::Path;

use anyhow::{Context, Result, bail};
use model::{Date, Listing};
use screen::ParsedList;
use serde::Serialize;
use store::{ListRow, Outcome, Store};

use super::look_back::{self, LookBack};
use super::reading::{self, Files};
use crate::cli::ListFormat;
use crate::out::Out;

/// How a file is to be taken.
pub struct Rules<'a> {
    pub name: Option<&'a str>,
    pub date: Option<Date>,
    /// A date that somebody typed for a list that says its own is a mistake.
    pub is_date_typed: bool,
    /// The most a list may lose, in percent.
    pub shrink_max: u8,
    /// Why it may lose more.
    pub accept_shrink: Option<&'a str>,
}

impl Rules<'_> {
    pub const USUAL: Rules<'static> = Rules {
        name: None,
        date: None,
        is_date_typed: false,
        shrink_max: SHRINK_MAX,
        accept_shrink: None,
    };
}

/// The most a list may lose unless told otherwise, in percent. The largest loss of a real list that
/// is known, Tornado Cash's, took a tenth of OFAC's addresses while others came.
pub const SHRINK_MAX: u8 = 10;
/// A list of fewer is not judged by shares: one of nine is more than a tenth.
const JUDGED_MIN: u64 = 10;

/// So many findings are named where a list is taken in.
const NAMED_MAX: usize = 10;

/// What became of a file.
#[derive(Debug, Serialize)]
pub struct Kept {
    pub file: String,
    /// Known already: nothing changed.
    pub is_known: bool,
    pub versions: Vec<KeptVersion>,
}

#[derive(Debug, Serialize)]
pub struct KeptVersion {
    pub list: String,
    pub date: Date,
    pub entries: usize,
    pub parties: usize,
    /// Entries that are no valid address of any known format.
    pub claims: usize,
    /// `new`, `same` or `replaced`.
    pub outcome: &'static str,
    /// None where a later version is in force.
    pub look_back: Option<LookBack>,
}

/// Reads one file, or those that belong together, and keeps what is in it.
pub fn keep(
    store: &mut Store,
    format: ListFormat,
    path: &Path,
    rules: &Rules<'_>,
    out: &Out,
) -> Result<Kept> {
    if rules.name.is_some_and(|name| name.trim().is_empty()) {
        bail!("--name: expected what the list is called, found nothing");
    }
    let files = Files::of(format, path)?;
    let file = files.main.display().to_string();
    let hash = files.hash()?;
    let says_itself = match format {
        ListFormat::Ofac => !files.is_table(),
        format => matches!(format, ListFormat::Un | ListFormat::Eu),
    };
    if says_itself && rules.is_date_typed && rules.date.is_some() {
        bail!("{file}: --date: this file says the day it was issued itself");
    }
    // A later day with the same entries is a later version: it says they were still there.
    let is_known = |row: &ListRow| {
        row.version.file_hash == hash
            && reading::is_of(format, &row.version.list, &files.main, rules.name)
            && rules.date.is_none_or(|date| says_itself || row.version.date == date)
    };
    if store.list_versions()?.iter().any(is_known) {
        return Ok(Kept { file, is_known: true, versions: Vec::new() });
    }
    let spinner = out.spinner(format!("reading {file}"));
    let read = reading::read(format, &files, rules, &hash, out).with_context(|| file.clone());
    spinner.finish_and_clear();
    let versions = keep_all(store, &read?, &file, rules, out)?;
    Ok(Kept { file, is_known: false, versions })
}

/// Keeps all of them, or none.
pub fn keep_all(
    store: &mut Store,
    read: &[ParsedList],
    file: &str,
    rules: &Rules<'_>,
    out: &Out,
) -> Result<Vec<KeptVersion>> {
    // All are looked at before any is kept: a file is kept whole or not at all.
    let mut shrunk = Vec::new();
    for list in read {
        is_plausible(list, file, out)?;
        shrunk.push(may_shrink(store, list, rules, file, out)?);
    }
    let mut versions = Vec::new();
    for (list, shrunk) in read.iter().zip(shrunk) {
        versions.push(keep_one(store, list, rules, shrunk, out)?);
    }
    Ok(versions)
}

fn is_plausible(list: &ParsedList, file: &str, out: &Out) -> Result<()> {
    // Everybody can be released by an issuer.
    let may_be_empty = list.version.list.starts_with("issuer-");
    if list.listings.is_empty() && list.parties.is_empty() && !may_be_empty {
        bail!(
            "{file}: no address in it, and nobody's name: as a version of {} it would take everybody off the list",
            list.version.list
        );
    }
    if list.claims * 2 > list.listings.len() {
        out.warn(&format!(
            "{file}: most entries are no address of any known format; is this the list?"
        ));
    }
    Ok(())
}

/// How many there were and are, where a list lost more than it may and somebody allowed it.
type Shrunk = Option<(u64, u64)>;

/// Compares with the version that was in force on the day before it is kept: a truncated download
/// must not take half of everybody off a list.
fn may_shrink(
    store: &Store,
    list: &ParsedList,
    rules: &Rules<'_>,
    file: &str,
    out: &Out,
) -> Result<Shrunk> {
    let Some(before) = in_force(store, list)? else { return Ok(None) };
    let counts = [
        ("entries", before.entries, list.listings.len() as u64),
        ("parties", before.parties, list.parties.len() as u64),
    ];
    let allowed = u64::from(100 - rules.shrink_max.min(100));
    let is_lost = |was: u64, is: u64| was >= JUDGED_MIN && is * 100 < was * allowed;
    let lost = counts.into_iter().find(|(_, was, is)| is_lost(*was, *is));
    let Some((what, was, is)) = lost else { return Ok(None) };
    let said = format!(
        "{file}: {} of {} has {is} {what}, the version of {} had {was}: more than {} % are gone",
        list.version.list, list.version.date, before.version.date, rules.shrink_max
    );
    if rules.accept_shrink.is_none() {
        bail!(
            "{said}. It is not taken, and the version of {} stays in force. If so many really left the list, say why: --accept-shrink 'reason'",
            before.version.date
        );
    }
    out.warn(&format!("{said}; taken nonetheless, as told"));
    Ok(Some((was, is)))
}

/// The latest version of the list of that day or before it.
fn in_force(store: &Store, list: &ParsedList) -> Result<Option<ListRow>> {
    let of_list = |row: &ListRow| {
        row.version.list == list.version.list && row.version.date <= list.version.date
    };
    Ok(store.list_versions()?.into_iter().rfind(of_list))
}

fn keep_one(
    store: &mut Store,
    list: &ParsedList,
    rules: &Rules<'_>,
    shrunk: Shrunk,
    out: &Out,
) -> Result<KeptVersion> {
    let version = &list.version;
    let before: Vec<Listing> = match in_force(store, list)? {
        Some(row) => store.listings_of(&row.version)?,
        None => Vec::new(),
    };
    let name = rules.name.unwrap_or(&version.list);
    let outcome = store.put_list(version, name, &list.listings, &list.parties)?;
    if let (Some(counts), Some(reason)) = (shrunk, rules.accept_shrink) {
        store.put_shrink(version, counts, reason)?;
    }
    let is_latest = !store
        .list_versions()?
        .iter()
        .any(|row| row.version.list == version.list && row.version.date > version.date);
    let new = screen::change::added(&before, &list.listings);
    let look_back = match is_latest && outcome != Outcome::Same {
        true => Some(look_back::over(store, &new, out)?),
        false => None,
    };
    Ok(KeptVersion {
        list: version.list.clone(),
        date: version.date,
        entries: list.listings.len(),
        parties: list.parties.len(),
        claims: list.claims,
        outcome: match outcome {
            Outcome::Same => "same",
            Outcome::New => "new",
            Outcome::Replaced { .. } => "replaced",
        },
        look_back,
    })
}

impl Kept {
    pub fn text(&self) -> String {
        let file = &self.file;
        if self.is_known {
            return format!("{file}: known, nothing changed\n");
        }
        if self.versions.is_empty() {
            return format!("{file}: nothing in it\n");
        }
        self.versions.iter().map(|version| version.text(file)).collect()
    }
}

impl KeptVersion {
    fn text(&self, file: &str) -> String {
        let what = match self.outcome {
            "same" => "known, nothing changed",
            "new" => "kept",
            _ => "kept in place of another file of the same day",
        };
        let claims = match self.claims {
            0 => String::new(),
            1 => "; 1 is no valid address of any known format and matches only its own text".into(),
            n => {
                format!(
                    "; {n} are no valid address of any known format and match only their own text"
                )
            }
        };
        let mut said = match self.entries {
            1 => "1 entry".to_string(),
            n => format!("{n} entries"),
        };
        match self.parties {
            0 => {}
            1 => said += " of 1 party",
            n => said += &format!(" and {n} parties"),
        }
        let mut text = format!("{file}: {} of {}: {said} {what}{claims}\n", self.list, self.date);
        if let Some(look_back) = &self.look_back {
            text += &look_back.text(NAMED_MAX);
        }
        text
    }
}
