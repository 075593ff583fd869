//! A case file: everything that makes a trace repeatable, in one TOML page.
//!
//! Sources, the files they need, labels, prices, what an investigator said of swaps, and
//! settings. Paths are relative to the file. Unknown keys are errors, so that a slip of
//! the pen never changes an answer silently. `docs/guides/case-files.md` explains it.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use model::{
    Account, Asset, Book, Chain, Confidence, Date, Label, Marking, Price, Prices, Subject,
    Timestamp, U256, amount,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use store::{Outcome, Store};
use trace::{CrossingDecision, Declared, Policy, Refused};

use crate::cli::{LabelFormat, ListFormat, parse_time};
use crate::commands::{import, labels, lists};
use crate::out::Out;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    pub title: String,
    #[serde(default)]
    pub summary: String,
    #[serde(default)]
    pub marking: Marking,
    #[serde(default)]
    pub chain: Option<Chain>,
    pub sources: Vec<String>,
    #[serde(default)]
    pub settings: Settings,
    #[serde(default)]
    import: Vec<Import>,
    #[serde(default)]
    list: Vec<List>,
    #[serde(default)]
    labels: Vec<Labels>,
    #[serde(default)]
    label: Vec<LabelRow>,
    #[serde(default)]
    price: Vec<PriceRow>,
    #[serde(default)]
    crossing: Vec<Crossing>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub direction: Option<model::Direction>,
    pub policy: Option<Policy>,
    pub since: Option<String>,
    pub until: Option<String>,
    pub hops: Option<u32>,
    pub min_value: Option<String>,
    pub budget: Option<usize>,
    pub hub_degree: Option<u64>,
    pub stop_confidence: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    format: String,
    chain: Option<Chain>,
    paths: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    format: ListFormat,
    path: PathBuf,
    name: Option<String>,
    date: Option<Date>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    format: LabelFormat,
    paths: Vec<PathBuf>,
    chain: Option<Chain>,
    date: Option<Date>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelRow {
    account: Account,
    name: String,
    concepts: Vec<String>,
    confidence: String,
    source: String,
    date: Option<Date>,
}

/// A price in USD, or as a ratio to another asset's price of the same day.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceRow {
    asset: Asset,
    date: Date,
    usd: Option<String>,
    of: Option<Asset>,
    ratio: Option<String>,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "decision", rename_all = "lowercase", deny_unknown_fields)]
pub enum Crossing {
    Refuse {
        account: Account,
        from_asset: Option<Asset>,
        to_asset: Option<Asset>,
        reason: String,
    },
    Declare {
        account: Account,
        venue: Account,
        from_asset: Asset,
        from_base: String,
        to_asset: Asset,
        to_base: String,
        time: String,
        reason: String,
    },
}

/// A case file and where it lies.
#[derive(Debug)]
pub struct Case {
    pub file: CaseFile,
    folder: PathBuf,
    hash: String,
}

/// A case file's text, as if it lay in the current folder.
pub fn parse(text: &str) -> Result<Case> {
    let file: CaseFile = toml::from_str(text)?;
    if file.sources.is_empty() {
        bail!("sources: expected at least one address, transaction or outpoint");
    }
    let hash = model::hex::encode(&Sha256::digest(text.as_bytes()));
    Ok(Case { file, folder: PathBuf::new(), hash })
}

impl Case {
    pub fn read(path: &Path) -> Result<Case> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the case file {}", path.display()))?;
        let case = parse(&text).with_context(|| format!("{}", path.display()))?;
        Ok(Case { folder: path.parent().map(Path::to_path_buf).unwrap_or_default(), ..case })
    }

    /// Reads every value of the page, so that a slip shows before anything is imported.
    pub fn check(&self) -> Result<()> {
        self.add_labels(&mut Book::default())?;
        self.prices()?;
        self.crossings()?;
        self.since()?;
        self.until()?;
        Ok(())
    }

    /// Takes in every file the case names; those already taken in change nothing.
    pub fn load(&self, store: &mut Store, out: &Out) -> Result<()> {
        for row in &self.file.import {
            let format = row.format.parse().map_err(|e| anyhow!("case file: import: {e}"))?;
            let chain = row.chain.or(self.file.chain);
            for file in import::import_all(store, format, &self.paths(&row.paths), chain, out)? {
                if !file.is_known {
                    out.note(&format!(
                        "imported {}: {} transfers",
                        file.file, file.counts.transfers_new
                    ));
                }
            }
        }
        for row in &self.file.list {
            let path = self.folder.join(&row.path);
            let said = lists::keep(store, row.format, &path, row.name.as_deref(), row.date, out)?;
            self.note_unless_known(&said, out);
        }
        for row in &self.file.labels {
            let chain = row.chain.or(self.file.chain);
            for said in
                labels::keep(store, row.format, &self.paths(&row.paths), chain, row.date, out)?
            {
                self.note_unless_known(&said, out);
            }
        }
        Ok(())
    }

    /// Keeps the labels and prices that stand in the file itself, so that screening, `who` and the desk
    /// know them. Another version of the file takes the place of its earlier labels.
    pub fn keep(&self, store: &mut Store, out: &Out) -> Result<()> {
        let labels = self.labels()?;
        let outcome = store.put_labels(&self.file.title, &self.hash, &labels)?;
        let prices: Vec<Price> = self.prices()?.iter().cloned().collect();
        let changed = store.put_prices(&prices)?;
        if outcome != Outcome::Same || changed > 0 {
            out.note(&format!(
                "kept of the case file: {} labels, {} prices, {changed} of them new or changed",
                labels.len(),
                prices.len()
            ));
        }
        Ok(())
    }

    fn note_unless_known(&self, said: &str, out: &Out) {
        if !said.contains("nothing changed") {
            out.note(said.trim_end());
        }
    }

    fn paths(&self, paths: &[PathBuf]) -> Vec<PathBuf> {
        paths.iter().map(|path| self.folder.join(path)).collect()
    }

    /// The case's own labels, beside those of the store; none twice that the store kept of this very file.
    pub fn add_labels(&self, book: &mut Book) -> Result<()> {
        let labels = self.labels()?;
        if !book.all_labels().iter().any(|label| label.file_hash == self.hash) {
            labels.into_iter().for_each(|label| book.add_label(label));
        }
        Ok(())
    }

    fn labels(&self) -> Result<Vec<Label>> {
        self.file.label.iter().map(|row| self.label(row)).collect()
    }

    fn label(&self, row: &LabelRow) -> Result<Label> {
        let confidence = Confidence::named(&row.confidence).ok_or_else(|| {
            let grades: Vec<&str> = Confidence::SCALE.iter().map(|(name, _)| *name).collect();
            anyhow!(
                "case file: label {}: {:?} is no grade of confidence: expected one of {}",
                row.name,
                row.confidence,
                grades.join(", ")
            )
        })?;
        Ok(Label {
            subject: Subject::Account(row.account.clone()),
            name: row.name.clone(),
            concepts: row.concepts.clone(),
            actor: None,
            confidence,
            source: row.source.clone(),
            collection: self.file.title.clone(),
            date: row.date,
            file_hash: self.hash.clone(),
            network: None,
            tag: Default::default(),
        })
    }

    /// USD first, then what is priced as a ratio of those.
    pub fn prices(&self) -> Result<Prices> {
        let mut prices = Prices::default();
        let (quoted, relative): (Vec<&PriceRow>, Vec<&PriceRow>) =
            self.file.price.iter().partition(|row| row.usd.is_some());
        for row in quoted.into_iter().chain(relative) {
            let usd_e12 = usd_e12(row, &prices)
                .with_context(|| format!("case file: price of {} on {}", row.asset, row.date))?;
            prices.insert(Price {
                asset: row.asset.clone(),
                date: row.date,
                at: None,
                usd_e12,
                source: row.source.clone(),
            });
        }
        Ok(prices)
    }

    pub fn crossings(&self) -> Result<Vec<CrossingDecision>> {
        self.file.crossing.iter().map(decision).collect()
    }

    pub fn since(&self) -> Result<Option<Timestamp>> {
        time("since", self.file.settings.since.as_deref(), "T00:00:00Z")
    }

    pub fn until(&self) -> Result<Option<Timestamp>> {
        time("until", self.file.settings.until.as_deref(), "T23:59:59.999999999Z")
    }
}

fn time(field: &str, text: Option<&str>, of_day: &str) -> Result<Option<Timestamp>> {
    text.map(|text| parse_time(text, of_day))
        .transpose()
        .map_err(|why| anyhow!("case file: settings: {field}: {why}"))
}

fn usd_e12(row: &PriceRow, prices: &Prices) -> Result<u128> {
    match (&row.usd, &row.of, &row.ratio) {
        (Some(usd), None, None) => scaled(usd),
        (None, Some(of), Some(ratio)) => {
            let base =
                prices.get(of, row.date).ok_or_else(|| anyhow!("{of} has no price of that day"))?;
            let product = amount::share(
                U256::from(base.usd_e12),
                U256::from(scaled(ratio)?),
                U256::from(SCALE),
            );
            u128::try_from(product).map_err(|_| anyhow!("the ratio {ratio} is too large"))
        }
        _ => bail!("expected either `usd`, or `of` and `ratio`"),
    }
}

const SCALE: u128 = 1_000_000_000_000;

fn scaled(text: &str) -> Result<u128> {
    let scaled = amount::parse_units(text, 12)?;
    u128::try_from(scaled).map_err(|_| anyhow!("{text} is too large"))
}

/// What an investigator said of a swap, in a case file or in a request.
pub fn decision(row: &Crossing) -> Result<CrossingDecision> {
    Ok(match row {
        Crossing::Refuse { account, from_asset, to_asset, reason } => {
            CrossingDecision::Refused(Refused {
                account: account.clone(),
                from_asset: from_asset.clone(),
                to_asset: to_asset.clone(),
                reason: reason.clone(),
            })
        }
        Crossing::Declare {
            account,
            venue,
            from_asset,
            from_base,
            to_asset,
            to_base,
            time,
            reason,
        } => {
            let context = || format!("crossing at {account}");
            CrossingDecision::Declared(Declared {
                account: account.clone(),
                venue: venue.clone(),
                from_asset: from_asset.clone(),
                from_base: amount::parse_base(from_base).with_context(context)?,
                to_asset: to_asset.clone(),
                to_base: amount::parse_base(to_base).with_context(context)?,
                time: Timestamp::from_str(time).with_context(context)?,
                reason: reason.clone(),
            })
        }
    })
}
