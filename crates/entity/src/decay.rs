//! How much a claim still weighs on a day.
//!
//! An exchange moves its wallets, a scraped page grows old; who holds a key does not change its
//! past. So a grade of confidence has a half-life, or none. The stated confidence stays as it is:
//! what a label weighs on a date is computed from it, and says why. The half-lives are our own
//! judgement, printed by `interdict labels scale`.

use model::{Date, Label};

/// Half-lives by grade, in days; a grade that is not here does not age.
const HALF_LIVES: &[(&str, u32)] = &[
    // A service's own answers and pages describe its wallets of that time.
    ("service_api", 1095),
    ("service_data", 1095),
    ("trusted_provider", 1095),
    ("forensic_investigation", 1825),
    ("forensic", 1825),
    ("untrusted_transaction", 1095),
    ("web_crawl", 730),
    ("heuristic", 365),
    ("unknown", 365),
];

/// What a label weighs on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Effective {
    /// 0 to 100.
    pub level: u8,
    /// As its source states it.
    pub stated: u8,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Its grade does not age.
    Ageless,
    /// It says no date: nobody knows how old it is, and it counts in full.
    Undated,
    /// It is of that day or a later one.
    Fresh,
    Aged {
        days: u32,
        half_life_days: u32,
    },
    /// Its own last day is past.
    RanOut {
        on: Date,
    },
}

/// The half-life of a grade, in days.
pub fn half_life_days(grade: &str) -> Option<u32> {
    HALF_LIVES.iter().find(|(known, _)| *known == grade).map(|(_, days)| *days)
}

pub fn effective(label: &Label, on: Date) -> Effective {
    let stated = label.confidence.level;
    if let Some(last) = label.tag.valid_until.filter(|last| *last < on) {
        return Effective { level: 0, stated, why: Why::RanOut { on: last } };
    }
    let Some(half_life_days) = half_life_days(&label.confidence.id) else {
        return Effective { level: stated, stated, why: Why::Ageless };
    };
    let Some(date) = label.date else {
        return Effective { level: stated, stated, why: Why::Undated };
    };
    let days = date.until(on).map_or(0, |span| span.get_days());
    match u32::try_from(days) {
        Ok(days @ 1..) => {
            let why = Why::Aged { days, half_life_days };
            Effective { level: halved(stated, days, half_life_days), stated, why }
        }
        _ => Effective { level: stated, stated, why: Why::Fresh },
    }
}

/// To the nearest whole number.
fn halved(level: u8, days: u32, half_life_days: u32) -> u8 {
    let left = f64::from(level) * (-f64::from(days) / f64::from(half_life_days)).exp2();
    (0..=level).rev().find(|whole| f64::from(*whole) <= left + 0.5).unwrap_or(0)
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Why::Ageless => f.write_str("does not age"),
            Why::Undated => f.write_str("undated, counted in full"),
            Why::Fresh => f.write_str("fresh"),
            Why::Aged { days, half_life_days } => {
                write!(f, "{days} days old, halves in {half_life_days}")
            }
            Why::RanOut { on } => write!(f, "ran out on {on}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Confidence, Identifier, Subject, Tag};
    use proptest::prelude::*;

    use super::*;

    fn label(grade: &str, date: Option<&str>, until: Option<&str>) -> Label {
        let day = |text: &str| text.parse().expect("a day");
        Label {
            subject: Subject::Identifier(Identifier::parse("x")),
            name: "X".into(),
            concepts: Vec::new(),
            actor: None,
            confidence: Confidence::named(grade).expect("a grade"),
            source: "s".into(),
            collection: "c".into(),
            date: date.map(day),
            file_hash: String::new(),
            network: None,
            tag: Tag { valid_until: until.map(day), ..Tag::default() },
        }
    }

    #[track_caller]
    fn check(label: &Label, on: &str, level: u8, why: Why) {
        let on = on.parse().expect("a day");
        assert_eq!(effective(label, on), Effective { level, stated: label.confidence.level, why });
    }

    #[test]
    fn a_scraped_name_is_worth_half_after_its_half_life() {
        let crawled = label("web_crawl", Some("2022-01-01"), None);
        let aged = |days| Why::Aged { days, half_life_days: 730 };
        check(&crawled, "2022-01-01", 20, Why::Fresh);
        check(&crawled, "2024-01-01", 10, aged(730));
        check(&crawled, "2025-12-31", 5, aged(1460));
        check(&crawled, "2020-01-01", 20, Why::Fresh);
    }

    #[test]
    fn what_holds_by_itself_does_not_age_and_what_is_undated_says_so() {
        check(&label("ownership", Some("2011-01-01"), None), "2025-01-01", 100, Why::Ageless);
        check(&label("web_crawl", None, None), "2025-01-01", 20, Why::Undated);
    }

    #[test]
    fn a_last_day_counts_whole_and_then_nothing_is_left() {
        let bound = label("ownership", None, Some("2025-03-05"));
        check(&bound, "2025-03-05", 100, Why::Ageless);
        let on = "2025-03-05".parse().expect("a day");
        check(&bound, "2025-03-06", 0, Why::RanOut { on });
    }

    #[test]
    fn every_half_life_is_of_a_grade_of_the_scale() {
        for (grade, days) in HALF_LIVES {
            assert!(Confidence::named(grade).is_some() && *days > 0, "{grade}");
        }
    }

    proptest! {
        #[test]
        fn weight_never_grows_with_age(level in 0u8..=100, days in 0u32..20_000, more in 0u32..20_000) {
            let (younger, older) = (halved(level, days, 730), halved(level, days + more, 730));
            prop_assert!(older <= younger && younger <= level);
        }
    }
}
