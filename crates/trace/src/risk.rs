//! What an exposure means, by rules.
//!
//! A [`Rules`] file says which exposure, from whom, how much and when, is how grave; it is data,
//! with a version, and anybody may write another. [`Rules::judge`] holds an [`Exposure`] against
//! it. The answer is a severity and the [`Reason`]s for it, never one without the other, and what
//! could not be compared. Nothing here follows money.

mod judge;
mod rules;

use model::{Account, Asset, Severity};

pub use self::rules::{Rule, Rules, RulesError, Side};
use crate::exposure::{Basis, Way};
use crate::report::Base;

pub const FORMAT: &str = "interdict-risk";
pub const VERSION: u32 = 1;

#[derive(Clone, Debug, serde::Serialize)]
pub struct Risk {
    pub format: &'static str,
    pub version: u32,
    pub accounts: Vec<Account>,
    pub rules: RulesName,
    /// The gravest of the reasons; none: no rule fired, which does not say that all is well.
    pub severity: Option<Severity>,
    /// The gravest first.
    pub reasons: Vec<Reason>,
    /// Rules that might have fired, had a price been known.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// Which rules judged.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RulesName {
    pub name: String,
    pub version: String,
    /// SHA-256 of the file.
    pub hash: String,
}

/// One rule that fired, and by what.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Reason {
    pub rule: String,
    pub version: u32,
    pub title: String,
    pub severity: Severity,
    /// What the rule rests on.
    pub basis: String,
    /// None where the address itself is meant.
    pub direction: Option<Way>,
    /// What the amounts are parts of.
    pub of: Option<Basis>,
    /// By asset.
    pub figures: Vec<Figure>,
    /// In USD, of the assets that have a price.
    pub usd: Option<String>,
    pub hops_min: Option<u32>,
    /// Counterparties, the largest first.
    pub services: Vec<Counterparty>,
    /// Transfers to look up, by their ids.
    pub evidence: Vec<String>,
    /// One sentence a person can check.
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Figure {
    pub asset: Asset,
    pub amount: Base,
    /// Of the flow, 0 to 1.
    pub share: f64,
    /// None: nobody gave a price.
    pub usd: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Counterparty {
    pub id: String,
    pub name: Option<String>,
    pub category: String,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NotEvaluated {
    pub rule: String,
    pub why: String,
}
