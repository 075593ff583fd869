//! `interdict lists look-back`: what newly listed addresses did before, as far as it is stored.

use std::process::ExitCode;

use anyhow::{Result, bail};
use model::{Date, FindingKind, ListVersion, Listing, Severity, Timestamp};
use screen::look_back::{self, RULE, Touched};
use serde::Serialize;
use store::{FindingRow, Store};

use crate::cli::{LookBackArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;
use crate::render::plain;

/// What was found, and how much of it is new.
#[derive(Debug, Serialize)]
pub struct LookBack {
    /// Entries that were looked for.
    pub newly_listed: usize,
    /// Transfers that touch any, each once for each entry.
    pub transfers: usize,
    /// Findings that were not kept before.
    pub findings_new: usize,
    pub findings: Vec<Found>,
}

#[derive(Debug, Serialize)]
pub struct Found {
    pub list: String,
    pub list_date: Date,
    pub party: Option<String>,
    pub party_id: Option<String>,
    pub written: String,
    pub listed_on: Option<Date>,
    /// CAIP-10; of a listed token its contract.
    pub account: String,
    pub r#match: screen::Match,
    pub first: Timestamp,
    pub last: Timestamp,
    /// How many of the transfers were made before that day.
    pub before: usize,
    pub transfers: Vec<String>,
    pub why: String,
}

pub fn run(home: &Home, args: &LookBackArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let listings = chosen(&store, args)?;
    let found = over(&store, &listings.iter().collect::<Vec<_>>(), out)?;
    match args.format {
        TextFormat::Json => out.json(&found)?,
        TextFormat::Table => out.print(&found.text(usize::MAX))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What the latest versions hold, or only what came onto them after a day.
fn chosen(store: &Store, args: &LookBackArgs) -> Result<Vec<Listing>> {
    let mut versions: Vec<ListVersion> =
        store.list_versions()?.into_iter().map(|row| row.version).collect();
    if let Some(list) = &args.list {
        versions.retain(|version| version.list == *list);
    }
    if versions.is_empty() {
        bail!("no such list is kept: `interdict lists status` names those that are");
    }
    let mut chosen = Vec::new();
    // They come by list and date, so that the last of a list is its latest.
    for of_list in versions.chunk_by(|a, b| a.list == b.list) {
        let Some(latest) = of_list.last() else { continue };
        let held = store.listings_of(latest)?;
        let before = args.since.and_then(|day| of_list.iter().rfind(|version| version.date <= day));
        let before = before.map(|version| store.listings_of(version)).transpose()?;
        let new = screen::change::added(&before.unwrap_or_default(), &held);
        chosen.extend(new.into_iter().cloned());
    }
    Ok(chosen)
}

/// Looks for everything these listings name, and keeps what is found.
pub fn over(store: &Store, listings: &[&Listing], out: &Out) -> Result<LookBack> {
    let spinner = out.spinner("looking back");
    let touched = look_back::run(store, listings);
    spinner.finish_and_clear();
    let touched = touched?;
    let found: Vec<Found> = touched.iter().map(found).collect();
    let rows = touched.iter().zip(&found).map(|(touched, found)| row(touched, found));
    let rows = rows.collect::<Result<Vec<_>>>()?;
    Ok(LookBack {
        newly_listed: listings.len(),
        transfers: found.iter().map(|found| found.transfers.len()).sum(),
        findings_new: store.put_findings(&rows)?,
        findings: found,
    })
}

fn found(touched: &Touched) -> Found {
    let Touched { listing, .. } = touched;
    Found {
        list: listing.version.list.clone(),
        list_date: listing.version.date,
        party: listing.party.clone(),
        party_id: listing.party_id.clone(),
        written: listing.written.clone(),
        listed_on: listing.listed_on,
        account: touched.account.to_string(),
        r#match: touched.r#match,
        first: touched.first,
        last: touched.last,
        before: touched.before,
        transfers: touched.transfers.iter().map(ToString::to_string).collect(),
        why: touched.why(),
    }
}

fn row(touched: &Touched, found: &Found) -> Result<FindingRow> {
    Ok(FindingRow {
        subject: touched.subject(),
        kind: FindingKind::NewlyListed,
        severity: Severity::High,
        rule: RULE.to_string(),
        found_at: Timestamp::now(),
        why: found.why.clone(),
        body: serde_json::to_string(found)?,
    })
}

impl LookBack {
    /// Names so many of the findings; where there are more, it says how many and where they are.
    pub fn text(&self, named_max: usize) -> String {
        let count = |n: usize, one: &str, many: &str| match n {
            1 => format!("1 {one}"),
            n => format!("{n} {many}"),
        };
        let listed = count(self.newly_listed, "newly listed entry", "newly listed entries");
        if self.findings.is_empty() {
            return match self.newly_listed {
                0 => String::new(),
                _ => format!("look-back: {listed}: no stored transfer touches any\n"),
            };
        }
        let findings = count(self.findings.len(), "finding", "findings");
        let transfers = count(self.transfers, "stored transfer", "stored transfers");
        let new = self.findings_new;
        let mut text =
            format!("look-back: {listed}: {findings}, {new} of them new, in {transfers}\n");
        for found in self.findings.iter().take(named_max) {
            text += &format!("  {}\n", plain(&found.why));
        }
        if let Some(more) = self.findings.len().checked_sub(named_max).filter(|more| *more > 0) {
            text += &format!("  and {more} more: `interdict lists look-back` names them\n");
        }
        text
    }
}
