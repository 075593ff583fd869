//! `interdict screen`: is it on a list, on this day or that; addresses, names, transactions, tokens.

mod desk;
mod page;
mod queries;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use model::{Date, Timestamp};
use screen::Answer;
use screen::names::{THRESHOLD, Thresholds};
use serde::Serializer;
use serde::ser::SerializeSeq;

pub use crate::answers::hashes;
pub use desk::{Desk, in_force, weigh};
pub use queries::{Ask, birth, country};

use crate::cli::{ScreenArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;

const HIT: u8 = 10;

pub fn run(home: &Home, args: ScreenArgs, out: &Out) -> Result<ExitCode> {
    let as_of = args.as_of.unwrap_or_else(today);
    let thresholds = thresholds(&args)?;
    let asks = queries::Asks::open(&args, out)?;
    let store = home.open_existing()?;
    let desk = Desk::open(&store, home, thresholds, as_of, today())?;
    let progress = out.spinner("screening");
    let mut answered = 0u64;
    let mut answers = asks.map(|ask| {
        let answer = ask.and_then(|ask| desk.answer(&ask));
        answered += 1;
        progress.set_message(format!("screened {answered}"));
        answer
    });
    let is_hit = match args.format {
        TextFormat::Json => print_json(&mut answers),
        TextFormat::Table => print_table(&mut answers, as_of),
    };
    drop(answers);
    progress.finish_and_clear();
    let is_hit = is_hit?;
    if let (0, Some(path)) = (answered, &args.file) {
        out.warn(&format!("{} holds no address or name: nothing was screened", path.display()));
    }
    Ok(if is_hit { ExitCode::from(HIT) } else { ExitCode::SUCCESS })
}

/// One array, an answer at a time, so that a long file fills no memory. True when any is a hit.
fn print_json(answers: &mut dyn Iterator<Item = Result<Answer>>) -> Result<bool> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut is_hit = false;
    let mut json = serde_json::Serializer::pretty(&mut out);
    // As errors of the output itself: a reader that went away is no failure.
    let mut array = json.serialize_seq(None).map_err(io::Error::from)?;
    for answer in answers {
        let answer = answer?;
        is_hit |= !answer.hits.is_empty();
        array.serialize_element(&answer).map_err(io::Error::from)?;
    }
    array.end().map_err(io::Error::from)?;
    writeln!(out)?;
    out.flush()?;
    Ok(is_hit)
}

fn print_table(answers: &mut dyn Iterator<Item = Result<Answer>>, as_of: Date) -> Result<bool> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let (mut is_hit, mut searched) = (false, page::Searches::default());
    for answer in answers {
        let answer = answer?;
        is_hit |= !answer.hits.is_empty();
        out.write_all(page::answer(&answer).as_bytes())?;
        searched.add(&answer);
    }
    out.write_all(searched.page(as_of).as_bytes())?;
    out.flush()?;
    Ok(is_hit)
}

/// `0.85` for all lists, `un=0.9` for one.
fn thresholds(args: &ScreenArgs) -> Result<Thresholds> {
    let mut thresholds = Thresholds { general: THRESHOLD, ..Thresholds::default() };
    for text in &args.thresholds {
        let (list, score) =
            text.rsplit_once('=').map_or((None, text.as_str()), |(l, s)| (Some(l), s));
        let score: f64 = score
            .trim()
            .parse()
            .with_context(|| format!("--threshold {text}: expected a score such as 0.85"))?;
        if !(0.5..=1.0).contains(&score) {
            bail!("--threshold {text}: expected a score from 0.5 to 1");
        }
        match list {
            Some(list) => drop(thresholds.by_list.insert(list.trim().to_string(), score)),
            None => thresholds.general = score,
        }
    }
    if !args.lists.is_empty() {
        thresholds.only = Some(args.lists.clone());
    }
    Ok(thresholds)
}

pub fn today() -> Date {
    model::day_of(Timestamp::now())
}
