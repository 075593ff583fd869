//! The file of rules, read strictly: what it says and nothing else counts.

use std::collections::{BTreeMap, BTreeSet};

use model::Severity;
use sha2::{Digest, Sha256};

use super::{FORMAT, RulesName};

/// Rules that judge an exposure.
#[derive(Clone, Debug)]
pub struct Rules {
    pub name: RulesName,
    pub rules: Vec<Rule>,
}

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    name: String,
    version: String,
    #[serde(default)]
    families: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    rule: Vec<Rule>,
}

/// One rule. It fires where everything it says holds.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub id: String,
    pub version: u32,
    pub title: String,
    /// Families of categories, and categories by themselves: at least one of either.
    #[serde(default)]
    pub families: Vec<String>,
    #[serde(default)]
    pub categories: Vec<String>,
    #[serde(default)]
    pub direction: Side,
    #[serde(default)]
    pub exposure: Nearness,
    #[serde(default)]
    pub designation: When,
    /// Of the flow, 0 to 1.
    pub share_min: Option<f64>,
    /// Of all assets together.
    pub usd_min: Option<f64>,
    pub hops_max: Option<u32>,
    /// The last own transfer is not older than so many days before the latest that is known.
    pub days_max: Option<u32>,
    /// A label must be as sure as this, 0 to 100.
    #[serde(default)]
    pub confidence_min: u8,
    pub severity: Severity,
    pub basis: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    #[default]
    Any,
    In,
    Out,
    /// The address itself is what is named.
    #[serde(rename = "self")]
    Own,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nearness {
    #[default]
    Any,
    Direct,
    Indirect,
}

/// Before or after the counterparty was listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    #[default]
    Any,
    Before,
    After,
    /// No list says when.
    Undated,
}

#[derive(Debug, thiserror::Error)]
#[error("{file}: {why}")]
pub struct RulesError {
    pub file: String,
    pub why: String,
}

impl Rules {
    /// Those that come with Interdict.
    pub fn shipped() -> Rules {
        Rules::parse("risk-1.toml", Rules::SHIPPED).expect("the shipped rules are read in a test")
    }

    pub const SHIPPED: &'static str = include_str!("../../rules/risk-1.toml");

    /// Reads a file of rules; `file` names it in errors.
    ///
    /// # Errors
    /// What is no TOML, a key that is not known, a rule twice, a family that is not there, a
    /// share outside 0 to 1: each with the place.
    pub fn parse(file: &str, text: &str) -> Result<Rules, RulesError> {
        let wrong = |why: String| RulesError { file: file.to_string(), why };
        let read: File = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if read.format != FORMAT {
            return Err(wrong(format!("format {:?}: expected {FORMAT:?}", read.format)));
        }
        let mut ids = BTreeSet::new();
        let mut rules = Vec::new();
        for mut rule in read.rule {
            let at = |why: String| wrong(format!("rule {:?}: {why}", rule.id));
            if !ids.insert(rule.id.clone()) {
                return Err(at("expected each id once".into()));
            }
            check(&rule).map_err(&at)?;
            for family in &rule.families {
                let known = read.families.get(family);
                let known = known.ok_or_else(|| at(format!("no family {family:?} is given")))?;
                rule.categories.extend(known.iter().cloned());
            }
            if rule.categories.is_empty() {
                return Err(at("expected families or categories".into()));
            }
            rule.categories.sort();
            rule.categories.dedup();
            rules.push(rule);
        }
        let hash = model::hex::encode(&Sha256::digest(text.as_bytes()));
        Ok(Rules { name: RulesName { name: read.name, version: read.version, hash }, rules })
    }
}

fn check(rule: &Rule) -> Result<(), String> {
    if rule.id.is_empty() || rule.basis.is_empty() {
        return Err("expected an id and a basis".into());
    }
    if rule.share_min.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
        return Err("share_min: expected 0 to 1".into());
    }
    if rule.usd_min.is_some_and(|usd| !usd.is_finite() || !(0.0..1e18).contains(&usd)) {
        return Err("usd_min: expected an amount in USD".into());
    }
    if rule.confidence_min > 100 {
        return Err("confidence_min: expected 0 to 100".into());
    }
    let has_more = rule.share_min.is_some() || rule.usd_min.is_some() || rule.hops_max.is_some();
    if rule.direction == Side::Own && (has_more || rule.exposure != Nearness::Any) {
        return Err("direction \"self\" goes with no amount, share, hops or exposure".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "
        format = \"interdict-risk\"\nname = \"own\"\nversion = \"1\"
        [families]\nmixing = [\"mixing_service\"]
        [[rule]]\nid = \"a\"\nversion = 1\ntitle = \"t\"\nfamilies = [\"mixing\"]
        severity = \"low\"\nbasis = \"b\"\n";

    #[track_caller]
    fn refused(from: &str, to: &str, expected: &str) {
        let error = Rules::parse("own.toml", &RULE.replace(from, to)).expect_err("is refused");
        let said = error.to_string();
        assert!(said.starts_with("own.toml: ") && said.contains(expected), "{said}");
    }

    #[test]
    fn the_shipped_rules_can_be_read() {
        let rules = Rules::shipped();
        assert!(rules.rules.len() > 10);
        assert!(rules.rules.iter().all(|rule| !rule.basis.is_empty()));
    }

    #[test]
    fn what_is_not_a_rule_is_refused_with_its_place() {
        assert_eq!(Rules::parse("own.toml", RULE).expect("reads").rules.len(), 1);
        refused("severity", "severety", "severety");
        refused("interdict-risk", "other", "expected \"interdict-risk\"");
        refused("[\"mixing\"]", "[\"mixers\"]", "no family \"mixers\"");
        refused("families = [\"mixing\"]", "", "expected families or categories");
        refused("basis = \"b\"", "basis = \"b\"\nshare_min = 1.5", "expected 0 to 1");
        refused("basis = \"b\"", "basis = \"b\"\ndirection = \"self\"\nhops_max = 2", "self");
    }
}
