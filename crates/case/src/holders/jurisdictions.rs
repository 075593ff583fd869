//! By which law a freeze is asked for, and of whom: the eleven states of the Multilateral Sanctions
//! Monitoring Team. Every other country is flagged as outside it; nothing is guessed of its law.

use std::sync::LazyLock;

use model::Date;
use serde::{Deserialize, Serialize};

use super::Checked;

const SHIPPED: &str = include_str!("../../data/jurisdictions.toml");

/// A country, as the desk knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jurisdiction {
    /// ISO 3166-1, two letters.
    pub code: String,
    pub name: String,
    /// True: not one of the eleven, and nothing else is known of it here.
    #[serde(default)]
    pub outside_msmt: bool,
    #[serde(rename(deserialize = "authority"), default)]
    pub authorities: Vec<Authority>,
    #[serde(rename(deserialize = "route"), default)]
    pub routes: Vec<Route>,
    /// Time limits of public law, as far as they were established.
    pub limits: Vec<String>,
    /// What a request must carry.
    pub needs: Vec<String>,
    /// Overrides the desk's own clocks, in seconds.
    pub acknowledge_s: Option<i64>,
    pub freeze_s: Option<i64>,
    /// When the row was written down.
    pub date: Option<Date>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    pub kind: AuthorityKind,
    pub name: String,
    pub source: String,
    #[serde(default)]
    pub checked: Checked,
    /// What it was held against, where that was not the source itself: a copy, a court that quotes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorityKind {
    /// The financial intelligence unit.
    Fiu,
    Sanctions,
    Police,
}

/// A statute a freeze can rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    pub law: String,
    pub source: String,
    #[serde(default)]
    pub checked: Checked,
    /// What it was held against, where that was not the source itself: a copy, a court that quotes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    date: Date,
    jurisdiction: Vec<Jurisdiction>,
}

/// The eleven, by code.
pub fn all() -> &'static [Jurisdiction] {
    static ALL: LazyLock<Vec<Jurisdiction>> = LazyLock::new(|| {
        let file: File = toml::from_str(SHIPPED).expect("the shipped jurisdictions are tested");
        let mut all = file.jurisdiction;
        all.iter_mut().for_each(|one| one.date = Some(file.date));
        all.sort_by(|a, b| a.code.cmp(&b.code));
        all
    });
    &ALL
}

/// One country. None where the text is not two letters.
pub fn of(code: &str) -> Option<Jurisdiction> {
    if code.len() != 2 || !code.bytes().all(|c| c.is_ascii_alphabetic()) {
        return None;
    }
    let code = code.to_ascii_uppercase();
    let known = all().iter().find(|one| one.code == code).cloned();
    Some(known.unwrap_or_else(|| Jurisdiction {
        name: code.clone(),
        code,
        outside_msmt: true,
        authorities: Vec::new(),
        routes: Vec::new(),
        limits: Vec::new(),
        needs: Vec::new(),
        acknowledge_s: None,
        freeze_s: None,
        date: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleven_have_authorities_routes_and_sources() {
        let codes: Vec<&str> = all().iter().map(|one| one.code.as_str()).collect();
        assert_eq!(codes, ["AU", "CA", "DE", "FR", "GB", "IT", "JP", "KR", "NL", "NZ", "US"]);
        for one in all() {
            assert_eq!(one.authorities.len(), 3, "{}", one.code);
            assert!(!one.routes.is_empty() && !one.limits.is_empty() && !one.needs.is_empty());
            let sources = one.authorities.iter().map(|a| &a.source);
            for source in sources.chain(one.routes.iter().map(|route| &route.source)) {
                assert!(source.starts_with("https://"), "{}: {source}", one.code);
            }
            assert!(!one.outside_msmt);
        }
    }

    #[test]
    fn another_country_is_flagged_and_what_is_no_country_is_none() {
        let one = of("sg").unwrap();
        assert!(one.outside_msmt && one.routes.is_empty());
        assert!(!of("gb").unwrap().outside_msmt);
        for text in ["", "U", "USA", "1A", "ß"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
