//! What a trace knows of its addresses from providers, said in sentences.

use std::collections::{BTreeMap, BTreeSet};

use chain::history::Api;
use model::Account;
use store::Fetched;

/// What was asked for, and what came of it.
#[derive(Default)]
pub struct Known {
    /// By subject: what the trace rests on.
    pub told: BTreeMap<String, Fetched>,
    /// Needed and not asked for, by why.
    pub missed: BTreeMap<String, BTreeSet<String>>,
}

/// Names shown of many.
const SHOWN: usize = 5;

impl Known {
    pub fn tell(&mut self, fetched: Fetched) {
        self.told.insert(fetched.subject.clone(), fetched);
    }

    pub fn miss(&mut self, why: &str, subject: &str) {
        self.missed.entry(why.to_string()).or_default().insert(subject.to_string());
    }

    /// First what was seen, then what was not.
    pub fn remarks(&self) -> Vec<String> {
        let mut lines = self.seen();
        for (why, subjects) in &self.missed {
            let names: Vec<String> = subjects.iter().map(|subject| shown(subject)).collect();
            lines.push(format!(
                "{} not asked for: {why}: {}.",
                count(subjects.len()),
                list(&names)
            ));
        }
        lines.extend(self.cut());
        let providers: BTreeSet<&str> =
            self.told.values().map(|one| one.provider.as_str()).collect();
        for provider in providers {
            // A provider's name begins with what it speaks.
            let api = provider.split(' ').next().and_then(|api| api.parse::<Api>().ok());
            let unseen = api.map(Api::unseen).unwrap_or_default();
            if !unseen.is_empty() {
                lines.push(format!("{provider} does not show {}.", unseen.join(", ")));
            }
        }
        lines
    }

    fn seen(&self) -> Vec<String> {
        let mut by_provider: BTreeMap<&str, Vec<&Fetched>> = BTreeMap::new();
        for fetched in self.told.values() {
            by_provider.entry(&fetched.provider).or_default().push(fetched);
        }
        let line = |(provider, of): (&str, Vec<&Fetched>)| {
            let oldest = of.iter().min_by_key(|fetched| (fetched.height, fetched.time))?;
            Some(format!(
                "{} as {provider} told, asked {}; nothing after block {} of {} is seen.",
                count_is(of.len()),
                span(&of),
                oldest.height,
                oldest.time
            ))
        };
        by_provider.into_iter().filter_map(line).collect()
    }

    fn cut(&self) -> Vec<String> {
        let mut by_why: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for fetched in self.told.values() {
            if let Some(cut) = &fetched.cut {
                let name = format!("{} at {} rows", shown(&fetched.subject), fetched.rows);
                by_why.entry(cut).or_default().push(name);
            }
        }
        let line =
            |(why, names): (&str, Vec<String>)| format!("History cut, {why}: {}.", list(&names));
        by_why.into_iter().map(line).collect()
    }
}

fn span(of: &[&Fetched]) -> String {
    let day = |fetched: &&Fetched| model::day_of(fetched.asked_at);
    let first = of.iter().map(day).min();
    let last = of.iter().map(day).max();
    match (first, last) {
        (Some(first), Some(last)) if first != last => format!("from {first} to {last}"),
        (Some(first), _) => format!("on {first}"),
        _ => String::new(),
    }
}

fn count(n: usize) -> String {
    if n == 1 { "1 address or output was".into() } else { format!("{n} addresses or outputs were") }
}

fn count_is(n: usize) -> String {
    if n == 1 { "1 address or output is".into() } else { format!("{n} addresses or outputs are") }
}

fn shown(subject: &str) -> String {
    subject
        .parse::<Account>()
        .map_or_else(|_| subject.to_string(), |account| account.address_text())
}

fn list(names: &[String]) -> String {
    let more = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_seen_is_said_with_its_reason() {
        let mut known = Known::default();
        for n in 0..7 {
            known.miss("the budget of 9 requests ended", &format!("output {n}"));
        }
        known.tell(Fetched {
            subject: "a".into(),
            provider: "esplora at http://host".into(),
            height: 7,
            time: model::Timestamp::UNIX_EPOCH,
            rows: 10_000,
            cut: Some("the provider gives no more".into()),
            asked_at: model::Timestamp::UNIX_EPOCH,
        });
        let said = known.remarks().join("\n");
        assert!(
            said.contains(
                "7 addresses or outputs were not asked for: the budget of 9 requests ended"
            ),
            "{said}"
        );
        assert!(said.contains("output 4 and 2 more"), "{said}");
        assert!(
            said.contains("History cut, the provider gives no more: a at 10000 rows."),
            "{said}"
        );
        assert!(said.contains("nothing after block 7"), "{said}");
    }
}
