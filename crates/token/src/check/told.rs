//! Age, published source, and what people declare: what others tell.

use super::{Age, Inputs, Verified, account};
use crate::declared::Topic as Declared;
use crate::holders::Ledger;
use crate::report::{Check, Evidence, Topic, Weight};

/// Younger than that, little can have shown.
const YOUNG_DAYS: u64 = 7;
const DAY_SECONDS: u64 = 86_400;

pub fn say(check: &mut Check, inputs: &Inputs<'_>, ledger: Option<&Ledger>) {
    age(check, inputs, ledger);
    source(check, inputs);
    labels(check, inputs);
    declared(check, inputs);
}

fn age(check: &mut Check, inputs: &Inputs<'_>, ledger: Option<&Ledger>) {
    match &inputs.age {
        Age::Block { height, time, how } => {
            let now = check.block.as_ref().map(|block| block.time);
            let days = now.and_then(|now| now.checked_sub(*time)).map(|age| age / DAY_SECONDS);
            let weight = match days {
                Some(days) if days < YOUNG_DAYS => Weight::Caution,
                _ => Weight::Fact,
            };
            let old = days.map_or_else(String::new, |days| format!(", {days} days before"));
            let text = format!("its code is there since block {height}{old} ({how})");
            let evidence = vec![Evidence::Block { height: *height, hash: None }];
            check.say(Topic::Age, weight, text, evidence);
        }
        Age::Unknown { why } => {
            check.unknown(Topic::Age, format!("since when is not known: {why}"))
        }
    }
    if let Some(first) = ledger.and_then(|ledger| ledger.first.as_ref()) {
        let text = format!("the first transfer of it that is stored is of {}", first.time);
        let evidence = vec![Evidence::Transaction { tx: first.tx.to_string() }];
        check.say(Topic::Age, Weight::Fact, text, evidence);
    }
}

fn source(check: &mut Check, inputs: &Inputs<'_>) {
    match &inputs.verified {
        Verified::Yes { provider, name } => {
            let named = name.as_ref().map(|name| format!(" as {name}")).unwrap_or_default();
            let evidence = vec![Evidence::Provider { name: provider.clone() }];
            let text = format!("its source is published{named}, and fits its code");
            check.say(Topic::Source, Weight::Fact, text, evidence);
        }
        Verified::No { provider } => {
            let evidence = vec![Evidence::Provider { name: provider.clone() }];
            check.say(
                Topic::Source,
                Weight::Caution,
                "its source is not published there",
                evidence,
            );
        }
        Verified::Unknown { why } => {
            check.unknown(
                Topic::Source,
                format!("whether its source is published is not known: {why}"),
            );
        }
    }
}

fn labels(check: &mut Check, inputs: &Inputs<'_>) {
    for label in inputs.book.labels(&account(&inputs.asset)) {
        let evidence = Evidence::Label {
            name: label.name.clone(),
            source: label.source.clone(),
            collection: label.collection.clone(),
        };
        let text = format!("the contract is labelled {:?}", label.shown_name());
        check.say(Topic::Identity, Weight::Fact, text, vec![evidence]);
    }
}

fn declared(check: &mut Check, inputs: &Inputs<'_>) {
    let all = inputs.declared.map(|file| file.declared.as_slice()).unwrap_or_default();
    for one in all {
        let evidence = Evidence::Declared {
            by: one.by.clone(),
            on: one.on.to_string(),
            source: one.source.clone(),
        };
        let text = format!("declared of {}, not checked: {}", one.topic.name(), one.says);
        check.say(Topic::Declared, Weight::Fact, text, vec![evidence]);
    }
    for topic in Declared::ALL {
        if all.iter().all(|one| one.topic != topic) {
            check.unknown(Topic::Declared, format!("nothing is declared of {}", topic.name()));
        }
    }
}
