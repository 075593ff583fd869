//! What compliance costs a business in a year, with and without Interdict, and what it lacks.
//!
//! A business and assumptions go in; parts of the cost come out, each with how it was reckoned, a level of
//! risk with its reasons, gaps against a checklist, and what to do about them. Every figure is one of
//! `data/cost.toml`, with its source, and may be set to another; nothing is hidden in the code. Money is
//! USD a year, as a float: these are estimates and no one's books.

mod reckon;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use reckon::{Cost, Gap, Part, Risk, RiskLevel, reckon};

const SHIPPED: &str = include_str!("../data/cost.toml");

/// A business, as far as its cost depends on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Business {
    /// Everybody who touches customers or keys.
    pub staff: u32,
    /// Those of them who work on compliance.
    pub analysts: u32,
    /// Deposits and withdrawals in a month.
    pub transfers_month: u64,
    /// What customers move in a month, USD.
    pub volume_month_usd: f64,
    /// What is held for customers, USD.
    pub custody_usd: f64,
    /// Customers who are put under enhanced due diligence in a year.
    pub diligence_cases: u32,
    /// ISO 3166-1, two letters each.
    pub jurisdictions: Vec<String>,
    /// Analytics tools that are paid for now.
    pub licences: Option<u32>,
    /// Ids of checks that are met.
    pub in_place: BTreeSet<String>,
}

impl Default for Business {
    /// A small exchange.
    fn default() -> Business {
        Business {
            staff: 20,
            analysts: 4,
            transfers_month: 30_000,
            volume_month_usd: 25_000_000.0,
            custody_usd: 40_000_000.0,
            diligence_cases: 30,
            jurisdictions: vec!["SG".into(), "GB".into()],
            licences: None,
            in_place: BTreeSet::new(),
        }
    }
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumption {
    pub id: String,
    pub value: f64,
    pub unit: String,
    pub what: String,
    pub kind: Kind,
    pub source: String,
}

/// How good a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Its source names the publication.
    Published,
    /// Said to be published where this project was planned; its publication was not found.
    Stated,
    Assumed,
    /// Set by whoever asks.
    Own,
}

/// Something a careful business has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    pub id: String,
    pub title: String,
    /// Of all weights together.
    pub weight: u32,
    pub why: String,
    #[serde(rename = "do")]
    pub act: String,
    /// The assumption that says what it costs, where one does.
    pub cost: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumptions {
    #[serde(rename = "assumption")]
    pub figures: Vec<Assumption>,
    #[serde(rename = "check")]
    pub checks: Vec<Check>,
}

/// What makes a question one that cannot be reckoned.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum CostError {
    #[error("the assumptions cannot be read: {0}")]
    Unread(String),
    #[error("the assumptions have no figure {0}, which the reckoning needs")]
    Missing(String),
    #[error("{id} = {value}: expected a number from 0 to 1e15")]
    Absurd { id: String, value: f64 },
    #[error("{0}: no figure has this id")]
    Unknown(String),
    #[error("{0}: no check has this id")]
    NoCheck(String),
    #[error("{0:?} is no country: expected two letters of ISO 3166-1")]
    NoCountry(String),
}

impl Assumptions {
    /// Those that come with Interdict.
    pub fn shipped() -> Assumptions {
        toml::from_str(SHIPPED).expect("a test reads the file that is compiled in")
    }

    /// As a person edited them.
    pub fn read(text: &str) -> Result<Assumptions, CostError> {
        let read: Assumptions =
            toml::from_str(text).map_err(|error| CostError::Unread(error.to_string()))?;
        read.figures.iter().try_for_each(|one| in_bounds(&one.id, one.value))?;
        Ok(read)
    }

    /// The text of those that come with Interdict, to be edited.
    pub fn text() -> &'static str {
        SHIPPED
    }

    /// Some figures replaced by one's own.
    pub fn with(mut self, own: &BTreeMap<String, f64>) -> Result<Assumptions, CostError> {
        for (id, value) in own {
            in_bounds(id, *value)?;
            let figure = self.figures.iter_mut().find(|one| one.id == *id);
            let figure = figure.ok_or_else(|| CostError::Unknown(id.clone()))?;
            if figure.value.to_bits() != value.to_bits() {
                figure.value = *value;
                figure.kind = Kind::Own;
                figure.source = "Set by whoever asked.".to_string();
            }
        }
        Ok(self)
    }

    fn value(&self, id: &str) -> Result<f64, CostError> {
        let figure = self.figures.iter().find(|one| one.id == id);
        figure.map(|one| one.value).ok_or_else(|| CostError::Missing(id.to_string()))
    }
}

fn in_bounds(id: &str, value: f64) -> Result<(), CostError> {
    match value.is_finite() && (0.0..=1e15).contains(&value) {
        true => Ok(()),
        false => Err(CostError::Absurd { id: id.to_string(), value }),
    }
}

#[cfg(test)]
mod tests;
