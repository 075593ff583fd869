//! Laws that hold over any past: value is conserved, order never matters, and no
//! policy finds what poison does not.

use std::collections::BTreeSet;

use model::sketch;
use model::{Book, Direction, Fact, Memory};
use proptest::prelude::*;

use crate::report::Report;
use crate::{Policy, Settings, Source, run};

/// A past of few accounts and assets, so that mixing, circles and swaps are common.
#[derive(Clone, Debug)]
struct Past {
    text: String,
    bitcoin: bool,
}

fn account_line() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["thief", "a", "b", "c", "d", "venue", "desk"]);
    let to = prop::sample::select(vec!["thief", "a", "b", "c", "d", "venue", "desk", "fee"]);
    let asset = prop::sample::select(vec!["ETH", "stX", "XYZ"]);
    (name, to, 1u32..500, asset, 0u32..4, 0u32..4, prop::option::of(0u32..4)).prop_map(
        |(from, to, n, asset, day, m, tx)| {
            // Two fees of one transaction would be one transfer.
            let tx = tx
                .filter(|_| to != "fee")
                .map(|tx| format!(" tx t{tx}-{day}-{m}"))
                .unwrap_or_default();
            format!("{from} -> {to} 0.{n:03} {asset} day {day} +{m}m{tx}")
        },
    )
}

fn account_past() -> impl Strategy<Value = Past> {
    prop::collection::vec(account_line(), 1..40).prop_map(|lines| {
        let head = "chain ethereum\ntoken stX at 0x1111111111111111111111111111111111111111\ntoken XYZ decimals 6\n\
            label swap venue\nlabel exchange desk\nprice ETH 2000\nprice stX 2100\n";
        Past { text: format!("{head}{}", lines.join("\n")), bitcoin: false }
    })
}

/// Each transaction spends some of the outputs still unspent.
fn bitcoin_past() -> impl Strategy<Value = Past> {
    let step = (
        prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        prop::collection::vec((1u64..100, 0usize..6), 1..4),
        0u64..20,
        any::<bool>(),
    );
    prop::collection::vec(step, 1..25).prop_map(|steps| {
        const NAMES: [&str; 6] = ["thief", "a", "b", "c", "d", "desk"];
        let mut text = String::from("chain bitcoin\nlabel exchange desk\n");
        let mut unspent: Vec<(String, u64)> = Vec::new();
        for n in 0..4 {
            text += &format!("c{n}: coinbase => {} 0.01 BTC, thief 0.01 BTC day 0\n", NAMES[n + 1]);
            unspent.push((format!("c{n}:0"), 1_000_000));
            unspent.push((format!("c{n}:1"), 1_000_000));
        }
        for (at, (picks, weights, fee, missing)) in steps.into_iter().enumerate() {
            let mut spent = Vec::new();
            for pick in picks {
                if !unspent.is_empty() {
                    spent.push(unspent.swap_remove(pick.index(unspent.len())));
                }
            }
            if spent.is_empty() {
                break;
            }
            let total: u64 = spent.iter().map(|(_, value)| value).sum();
            let fee = fee.min(total);
            let weight: u64 = weights.iter().map(|(w, _)| w).sum();
            let mut ins: Vec<String> = spent.into_iter().map(|(outpoint, _)| outpoint).collect();
            if missing {
                ins.insert(0, format!("gone{at}:0"));
            }
            let outs: Vec<String> = weights
                .iter()
                .enumerate()
                .map(|(n, (w, name))| {
                    let value = (total - fee) * w / weight;
                    unspent.push((format!("t{at}:{n}"), value));
                    format!(
                        "{} {} BTC",
                        NAMES[*name],
                        model::amount::format_units(model::U256::from(value), 8)
                    )
                })
                .collect();
            text +=
                &format!("t{at}: {} => {} day {}\n", ins.join(" + "), outs.join(", "), at / 3 + 1);
        }
        Past { text, bitcoin: true }
    })
}

fn past() -> impl Strategy<Value = Past> {
    prop_oneof![account_past(), bitcoin_past()]
}

fn trace(
    past: &Past,
    facts: Vec<Fact>,
    policy: Policy,
    direction: Direction,
    hops: Option<u32>,
) -> Report {
    let sketch = sketch::parse(&past.text).expect("a sketch");
    let mut book = Book::default();
    sketch.labels.iter().cloned().for_each(|label| book.add_label(label));
    let mut settings = Settings::forward(vec![Source::Account(sketch.account("thief"))], policy);
    settings.prices = sketch.prices.clone();
    settings.direction = direction;
    settings.hops_max = hops;
    run(&Memory::from_facts(facts), &book, &settings).expect("a report")
}

fn facts(past: &Past) -> Vec<Fact> {
    sketch::parse(&past.text).expect("a sketch").facts
}

fn accounts(report: &Report) -> BTreeSet<String> {
    report.nodes.iter().map(|node| node.account.to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn tainted_in_is_accounted_for_to_the_base_unit(past in past(), back: bool, hops in prop::option::of(1u32..4)) {
        let direction = if back { Direction::Backward } else { Direction::Forward };
        for policy in Policy::ALL.into_iter().filter(|policy| policy.conserves()) {
            let report = trace(&past, facts(&past), policy, direction, hops);
            for t in &report.totals.by_asset {
                prop_assert_eq!(
                    t.tainted_in.0 + t.crossed_in.0,
                    t.resting.0 + t.at_services.0 + t.fees.0 + t.cut.0 + t.crossed_out.0,
                    "{} {}", policy, t.asset
                );
            }
            for edge in &report.edges {
                prop_assert!(edge.tainted.0 <= edge.amount.0, "more taint than value under {}", policy);
                prop_assert!(edge.depth >= 1, "a tainted transfer has a depth");
                prop_assert!(hops.is_none_or(|max| edge.depth <= max));
            }
            let ends: model::U256 = report.endpoints.iter().map(|end| end.amount.0).sum();
            let sums: model::U256 = report.totals.by_asset.iter().map(|t| t.resting.0 + t.at_services.0 + t.cut.0).sum();
            prop_assert_eq!(ends, sums, "every end is an endpoint");
        }
    }

    #[test]
    fn the_order_of_input_never_changes_an_answer(past in past(), seed in prop::collection::vec(any::<u64>(), 64), back: bool) {
        let direction = if back { Direction::Backward } else { Direction::Forward };
        let told = facts(&past);
        let mut shuffled: Vec<(u64, Fact)> =
            told.iter().cloned().enumerate().map(|(n, fact)| (seed[n % seed.len()].wrapping_mul(n as u64 + 1), fact)).collect();
        shuffled.sort_by_key(|(key, _)| *key);
        let shuffled: Vec<Fact> = shuffled.into_iter().map(|(_, fact)| fact).collect();
        for policy in Policy::ALL {
            let a = trace(&past, told.clone(), policy, direction, None);
            let b = trace(&past, shuffled.clone(), policy, direction, None);
            prop_assert_eq!(serde_json::to_string(&a).expect("json"), serde_json::to_string(&b).expect("json"));
        }
    }

    #[test]
    fn no_policy_reaches_what_poison_does_not(past in past()) {
        let poison = accounts(&trace(&past, facts(&past), Policy::Poison, Direction::Forward, None));
        for policy in [Policy::Haircut, Policy::Fifo, Policy::Lifo, Policy::Tiho] {
            let reached = accounts(&trace(&past, facts(&past), policy, Direction::Forward, None));
            prop_assert!(reached.is_subset(&poison), "{} reaches more than poison", policy);
        }
    }

    #[test]
    fn a_source_on_bitcoin_is_tainted_by_what_it_spent(past in bitcoin_past()) {
        prop_assert!(past.bitcoin);
        let report = trace(&past, facts(&past), Policy::Fifo, Direction::Forward, None);
        let poison = trace(&past, facts(&past), Policy::Poison, Direction::Forward, None);
        prop_assert_eq!(report.edges.is_empty(), poison.edges.is_empty());
    }
}
