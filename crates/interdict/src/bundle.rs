//! Evidence that re-checks offline: a route with all it rests on, signed.
//!
//! A bundle is a text file of JSON lines: a head, the settings, every transfer and
//! transaction the trace read, labels, listings and prices it used, its report, and last a
//! seal. The seal holds the SHA-256 of every line before it and an Ed25519 signature over
//! them. [`verify`] checks the seal, runs the trace again over the transfers inside, and
//! compares the reports byte for byte. `docs/guides/evidence.md` describes it for others.

mod past;
mod rows;
mod seal;

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow, bail};
use ed25519_dalek::SigningKey;
use model::{Book, Marking};
use trace::{Report, Settings};

pub use past::{Past, Recorder};
use rows::Row;

pub const FORMAT: &str = "interdict-bundle";
pub const VERSION: u32 = 1;

/// What a verified bundle says of itself.
#[derive(Debug, serde::Serialize)]
pub struct Checked {
    pub title: String,
    pub marking: String,
    pub made_by: String,
    pub policy: String,
    pub accounts: usize,
    pub transfers: usize,
    pub tainted_transfers: usize,
    pub lists: Vec<String>,
    pub public_key: String,
}

/// The whole bundle as text.
pub fn write(
    past: &Past,
    book: &Book,
    settings: &Settings,
    report: &Report,
    title: &str,
    marking: Marking,
    key: &SigningKey,
) -> Result<String> {
    let mut lines = vec![line(&Row::Head {
        format: FORMAT.into(),
        version: VERSION,
        title: title.into(),
        marking: marking.text().into(),
        made_by: made_by(),
    })?];
    for row in rows::of_settings(settings)
        .into_iter()
        .chain(rows::of_past(past))
        .chain(rows::of_book(book, past))
    {
        lines.push(line(&row)?);
    }
    lines.push(line(&Row::Report { report: serde_json::to_value(report)? })?);
    lines.push(seal::of(&lines, key)?);
    let mut text = lines.join("\n");
    text.push('\n');
    Ok(text)
}

/// Checks the seal, then every step of the route.
pub fn verify(bytes: &[u8]) -> Result<Checked> {
    open(bytes).map(|(checked, _)| checked)
}

/// As [`verify`], with the report inside.
pub fn open(bytes: &[u8]) -> Result<(Checked, serde_json::Value)> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| anyhow!("byte {} is not UTF-8 text", e.valid_up_to()))?;
    let body = text
        .strip_suffix('\n')
        .ok_or_else(|| anyhow!("it does not end with a line break: its end is missing"))?;
    let lines: Vec<&str> = body.split('\n').collect();
    let (sealed, lines) = lines.split_last().ok_or_else(|| anyhow!("it is empty"))?;
    let public_key = seal::check(sealed, lines)?;
    let mut read = rows::Read::default();
    for (n, text) in lines.iter().enumerate() {
        let row: Row = serde_json::from_str(text).with_context(|| format!("line {}", n + 1))?;
        // JSON can say a field twice: what is read must be all there is.
        if line(&row)? != *text {
            bail!("line {}: it says more than is read, or writes it otherwise", n + 1);
        }
        read.take(row).with_context(|| format!("line {}", n + 1))?;
    }
    let bundle = read.finish()?;
    recompute(bundle, public_key)
}

fn recompute(bundle: rows::Bundle, public_key: String) -> Result<(Checked, serde_json::Value)> {
    let report = trace::run(&bundle.past, &bundle.book, &bundle.settings)
        .context("the route cannot be computed again")?;
    let again = serde_json::to_value(&report)?;
    if let Some(place) = first_difference(&again, &bundle.report, String::new()) {
        bail!(
            "the report differs from what the transfers inside give, at {place} (made by {}, checked by {})",
            bundle.made_by,
            made_by()
        );
    }
    let listings = report.nodes.iter().flat_map(|node| &node.listings);
    let lists: BTreeSet<String> = listings
        .map(|l| format!("{} of {} (sha256 {})", l.list, l.list_date, l.file_hash))
        .collect();
    let checked = Checked {
        title: bundle.title,
        marking: bundle.marking,
        made_by: bundle.made_by,
        policy: report.policy.to_string(),
        accounts: report.totals.accounts,
        transfers: bundle.past.count(),
        tainted_transfers: report.totals.transfers,
        lists: lists.into_iter().collect(),
        public_key,
    };
    Ok((checked, again))
}

/// The path of the first value that is not the same, such as `/totals/accounts`.
fn first_difference(a: &serde_json::Value, b: &serde_json::Value, at: String) -> Option<String> {
    use serde_json::Value;
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| match (a.get(key), b.get(key)) {
                (Some(a), Some(b)) => first_difference(a, b, format!("{at}/{key}")),
                _ => Some(format!("{at}/{key}")),
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(n, (a, b))| first_difference(a, b, format!("{at}/{n}"))),
        _ if a == b => None,
        _ => Some(if at.is_empty() { "/".into() } else { at }),
    }
}

fn line(row: &Row) -> Result<String> {
    Ok(serde_json::to_string(row)?)
}

pub fn made_by() -> String {
    format!("interdict {}", env!("CARGO_PKG_VERSION"))
}
