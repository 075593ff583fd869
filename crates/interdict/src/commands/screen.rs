//! `interdict screen`: is it on a list, on this day or that.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use model::{Date, ListVersion, Timestamp};
use screen::{Answer, Hit, Screen};

use crate::cli::{ScreenArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;
use crate::render::plain;

const HIT: u8 = 10;
const LINE_BYTES_MAX: u64 = 4096;

pub fn run(home: &Home, args: ScreenArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let versions: Vec<ListVersion> =
        store.list_versions()?.into_iter().map(|row| row.version).collect();
    if versions.is_empty() {
        bail!(
            "no list is kept in {}: `interdict lists import` takes one in",
            home.path().display()
        );
    }
    let screen = Screen::new(&versions, store.listings()?);
    let queries = match &args.file {
        Some(path) => lines(path)?,
        None => args.addresses,
    };
    if let (true, Some(path)) = (queries.is_empty(), &args.file) {
        out.warn(&format!("{} holds no address: nothing was screened", path.display()));
    }
    let as_of = args.as_of.unwrap_or_else(today);
    let answers: Vec<Answer> = queries.iter().map(|query| screen.screen(query, as_of)).collect();
    match args.format {
        TextFormat::Json => out.json(&answers)?,
        TextFormat::Table => out.print(&table(&answers, as_of))?,
    }
    let is_hit = answers.iter().any(|answer| !answer.hits.is_empty());
    Ok(if is_hit { ExitCode::from(HIT) } else { ExitCode::SUCCESS })
}

/// One query a line, in order; blank lines do not count.
fn lines(path: &Path) -> Result<Vec<String>> {
    let doing = || format!("cannot read {}", path.display());
    let mut input: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::new(File::open(path).with_context(doing)?))
    };
    let mut queries = Vec::new();
    for number in 1u64.. {
        let mut line = String::new();
        let read = input.by_ref().take(LINE_BYTES_MAX + 1).read_line(&mut line);
        let read = read.map_err(|error| unread(error, path, number))?;
        if read == 0 {
            break;
        }
        if line.len() as u64 > LINE_BYTES_MAX {
            bail!("{}: line {number}: expected at most {LINE_BYTES_MAX} bytes", path.display());
        }
        let query = line.trim_start_matches('\u{feff}').trim();
        if !query.is_empty() {
            queries.push(query.to_string());
        }
    }
    Ok(queries)
}

fn unread(error: io::Error, path: &Path, number: u64) -> anyhow::Error {
    if error.kind() == io::ErrorKind::InvalidData {
        return anyhow!("{}: line {number}: expected UTF-8 text", path.display());
    }
    anyhow::Error::new(error).context(format!("cannot read {}", path.display()))
}

fn today() -> Date {
    model::day_of(Timestamp::now())
}

fn table(answers: &[Answer], as_of: Date) -> String {
    let mut text = String::new();
    for answer in answers {
        let verdict = match (answer.hits.is_empty(), answer.covered) {
            (false, _) => "LISTED",
            (true, true) => "no hit",
            (true, false) if answer.searched.iter().any(|list| list.covered) => {
                "no hit, and not every list is covered"
            }
            (true, false) => "not covered: no stored list is as old as that day",
        };
        text += &format!("{}  {verdict}\n", plain(&answer.query));
        answer.hits.iter().for_each(|hit| text += &hit_lines(hit));
        for former in &answer.former {
            text += &match former.absent_since {
                Some(date) => format!("  formerly on {}, absent since {date}\n", former.list),
                None => format!("  on {} before that day and after it\n", former.list),
            };
        }
        if let Some(note) = &answer.note {
            text += &format!("  note: {}\n", plain(note));
        }
    }
    if let Some(answer) = answers.first() {
        text += &format!(
            "\nSearched as of {as_of}: {}.\nNot found is not clean.\n",
            searched(answer, as_of)
        );
    }
    text
}

fn hit_lines(hit: &Hit) -> String {
    let or_unknown =
        |text: &Option<String>| text.as_deref().map_or_else(|| "not said".to_string(), plain);
    let mut text = format!("  {} of {}: {}\n", hit.list, hit.list_date, or_unknown(&hit.party));
    text += &format!("    programme {}", or_unknown(&hit.programme));
    if let Some(label) = &hit.asset_label {
        text += &format!(", named as {}", plain(label));
    }
    if let Some(date) = hit.listed_on {
        text += &format!(", listed {date}");
    }
    text += &format!(", in stored lists {} to {}\n", hit.first_seen, hit.last_seen);
    if hit.r#match == screen::Match::Key {
        text += &format!("    listed as {}: the same key controls both\n", plain(&hit.written));
    }
    text
}

/// A list that has not been refreshed for weeks has surely changed since.
fn age(date: Date, as_of: Date) -> String {
    const STALE_DAYS: i32 = 30;
    let days = date.until(as_of).map_or(0, |span| span.get_days());
    if days > STALE_DAYS { format!(", {days} days older") } else { String::new() }
}

fn searched(answer: &Answer, as_of: Date) -> String {
    let lists: Vec<String> = answer
        .searched
        .iter()
        .map(|list| match list.list_date {
            Some(date) => {
                format!("{} of {date} ({} entries{})", list.list, list.entries, age(date, as_of))
            }
            None => format!("{} (not covered: no version that old)", list.list),
        })
        .collect();
    lists.join(", ")
}
