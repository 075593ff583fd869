//! The smallest story that shows each behaviour.

use std::collections::BTreeMap;

use model::sketch::{self, Sketch, units};
use model::{Book, Direction, Timestamp};

use crate::report::Report;
use crate::settle::Cut;
use crate::{CrossingDecision, Declared, Policy, Refused, Settings, Source, run};

fn told(text: &str) -> (Sketch, Book) {
    let sketch = sketch::parse(text).expect("a sketch");
    let mut book = Book::default();
    sketch.labels.iter().cloned().for_each(|label| book.add_label(label));
    (sketch, book)
}

fn settings(sketch: &Sketch, from: &str, policy: Policy) -> Settings {
    let mut settings = Settings::forward(vec![Source::Account(sketch.account(from))], policy);
    settings.prices = sketch.prices.clone();
    settings
}

/// Traces from `thief` and tells what each named account received of taint.
fn check(text: &str, policy: Policy, expected: &[(&str, &str)]) -> Report {
    let (sketch, book) = told(text);
    let report =
        run(&sketch.memory(), &book, &settings(&sketch, "thief", policy)).expect("a report");
    expect(&report, &sketch, expected);
    report
}

fn expect(report: &Report, sketch: &Sketch, expected: &[(&str, &str)]) {
    let tainted: BTreeMap<String, String> = report
        .nodes
        .iter()
        .filter(|node| node.account != sketch.account("thief"))
        .map(|node| {
            let sums: Vec<String> =
                node.tainted.iter().map(|(asset, base)| amount(report, asset, base.0)).collect();
            (node.account.to_string(), sums.join(" + "))
        })
        .collect();
    let expected: BTreeMap<String, String> = expected
        .iter()
        .map(|(name, sum)| (sketch.account(name).to_string(), (*sum).to_string()))
        .collect();
    assert_eq!(tainted, expected);
}

fn amount(report: &Report, asset: &model::Asset, base: model::U256) -> String {
    let row =
        report.assets.iter().find(|row| row.asset == *asset).expect("every asset has its row");
    let number = model::amount::format_units(base, row.decimals.unwrap_or(0));
    format!("{number} {}", row.symbol.as_deref().unwrap_or("?"))
}

const MIXED: &str = "
    chain ethereum
    other -> a   60 ETH  day 0
    thief -> a   40 ETH  day 1
    a -> b       50 ETH  day 2
    a -> c       50 ETH  day 3
";

#[test]
fn haircut_carries_the_mean_share() {
    check(MIXED, Policy::Haircut, &[("a", "40 ETH"), ("b", "20 ETH"), ("c", "20 ETH")]);
}

#[test]
fn fifo_lets_the_first_in_out_first() {
    check(MIXED, Policy::Fifo, &[("a", "40 ETH"), ("c", "40 ETH")]);
}

#[test]
fn lifo_lets_the_last_in_out_first() {
    check(MIXED, Policy::Lifo, &[("a", "40 ETH"), ("b", "40 ETH")]);
}

#[test]
fn tiho_lets_taint_out_first() {
    check(MIXED, Policy::Tiho, &[("a", "40 ETH"), ("b", "40 ETH")]);
}

#[test]
fn poison_taints_whatever_it_touches() {
    check(MIXED, Policy::Poison, &[("a", "40 ETH"), ("b", "50 ETH"), ("c", "50 ETH")]);
}

#[test]
fn what_left_before_the_taint_came_is_clean() {
    let text = "
        chain ethereum
        other -> a   10 ETH  day 0
        a -> before  10 ETH  day 1
        thief -> a   10 ETH  day 2
        a -> after   10 ETH  day 3
    ";
    for policy in Policy::ALL {
        check(text, policy, &[("a", "10 ETH"), ("after", "10 ETH")]);
    }
}

#[test]
fn value_that_comes_and_goes_in_one_second_is_followed() {
    let text = "
        chain ethereum
        a -> b       10 ETH  day 2
        thief -> a   10 ETH  day 2
        b -> c       10 ETH  day 2
    ";
    check(text, Policy::Fifo, &[("a", "10 ETH"), ("b", "10 ETH"), ("c", "10 ETH")]);
}

#[test]
fn a_labelled_service_ends_the_walk() {
    let text = "
        chain ethereum
        label exchange desk
        thief -> a     10 ETH  day 0
        a -> desk       9 ETH  day 1
        a -> fee        1 ETH  day 1
        desk -> other   9 ETH  day 2
    ";
    let report = check(text, Policy::Fifo, &[("a", "10 ETH"), ("desk", "9 ETH")]);
    let totals = &report.totals.by_asset[0];
    assert_eq!(totals.at_services.0, units("9", 18));
    assert_eq!(totals.fees.0, units("1", 18));
    assert_eq!(report.endpoints[0].name.as_deref(), Some("desk"));
}

#[test]
fn hops_cut_and_say_what_was_cut() {
    let text = "
        chain ethereum
        thief -> a   10 ETH  day 0
        a -> b       10 ETH  day 1
        b -> c       10 ETH  day 2
    ";
    let (sketch, book) = told(text);
    let limited = Settings { hops_max: Some(2), ..settings(&sketch, "thief", Policy::Fifo) };
    let report = run(&sketch.memory(), &book, &limited).expect("a report");
    expect(&report, &sketch, &[("a", "10 ETH"), ("b", "10 ETH")]);
    assert_eq!(report.cut.len(), 1);
    assert_eq!(report.cut[0].reason, Cut::Hops);
    assert_eq!(report.cut[0].account, Some(sketch.account("b")));
}

#[test]
fn a_used_up_budget_is_said() {
    let text = "
        chain ethereum
        thief -> a   10 ETH  day 0
        a -> b       10 ETH  day 1
        b -> c       10 ETH  day 2
    ";
    let (sketch, book) = told(text);
    let limited = Settings { budget: 1, ..settings(&sketch, "thief", Policy::Fifo) };
    let report = run(&sketch.memory(), &book, &limited).expect("a report");
    assert_eq!(report.cut[0].reason, Cut::Budget);
    assert!(report.totals.by_asset[0].cut.0 == units("10", 18));
}

const SWAP: &str = "
    chain ethereum
    token stX at 0x1111111111111111111111111111111111111111
    label swap venue
    price ETH 2000
    price stX 2000
    thief -> a    100 stX  day 0
    a -> venue    100 stX  day 1
    a -> b         99 ETH  day 2
";

#[test]
fn a_swap_the_data_lacks_is_inferred_and_the_books_balance() {
    let report =
        check(SWAP, Policy::Fifo, &[("a", "100 stX"), ("venue", "100 stX"), ("b", "99 ETH")]);
    assert_eq!(report.crossings.len(), 1);
    assert_eq!(report.crossings[0].kind, crate::crossing::CrossingKind::Inferred);
    assert!(
        report
            .totals
            .by_asset
            .iter()
            .all(|t| t.crossed_out.0 + t.resting.0 == t.tainted_in.0 + t.crossed_in.0)
    );
}

#[test]
fn a_refused_swap_is_not_crossed() {
    let (sketch, book) = told(SWAP);
    let mut refusing = settings(&sketch, "thief", Policy::Fifo);
    refusing.crossings.push(CrossingDecision::Refused(Refused {
        account: sketch.account("a"),
        from_asset: None,
        to_asset: None,
        reason: "test".into(),
    }));
    let report = run(&sketch.memory(), &book, &refusing).expect("a report");
    expect(&report, &sketch, &[("a", "100 stX"), ("venue", "100 stX")]);
    assert_eq!(report.totals.by_asset[0].at_services.0, units("100", 18));
}

#[test]
fn a_swap_without_a_price_is_not_guessed() {
    let (sketch, book) = told(SWAP);
    let unpriced =
        Settings { prices: model::Prices::default(), ..settings(&sketch, "thief", Policy::Fifo) };
    let report = run(&sketch.memory(), &book, &unpriced).expect("a report");
    assert!(report.crossings.is_empty());
    assert!(!report.coverage.unpriced.is_empty());
}

#[test]
fn a_swap_in_one_transaction_is_seen_in_either_order() {
    let text = "
        chain ethereum
        token stX at 0x1111111111111111111111111111111111111111
        label swap venue
        thief -> a    100 stX  day 0
        other -> a    100 stX  day 0 +1h
        venue -> a     50 ETH  day 1  tx swap
        a -> venue    200 stX  day 1  tx swap
        a -> b         50 ETH  day 2
    ";
    let report = check(
        text,
        Policy::Haircut,
        &[("a", "25 ETH + 100 stX"), ("venue", "100 stX"), ("b", "25 ETH")],
    );
    assert_eq!(report.crossings[0].kind, crate::crossing::CrossingKind::Seen);
}

#[test]
fn backward_asks_where_it_came_from() {
    let text = "
        chain ethereum
        victim -> a   40 ETH  day 0
        other -> a    60 ETH  day 1
        a -> thief    40 ETH  day 2
    ";
    let (sketch, book) = told(text);
    let back =
        Settings { direction: Direction::Backward, ..settings(&sketch, "thief", Policy::Fifo) };
    let report = run(&sketch.memory(), &book, &back).expect("a report");
    assert!(report.nodes.iter().any(|node| node.account == sketch.account("a") && node.depth == 1));
    assert_eq!(report.totals.by_asset[0].tainted_in.0, units("40", 18));
}

#[test]
fn a_swap_is_crossed_backward_too() {
    let (sketch, book) = told(SWAP);
    let mut back = settings(&sketch, "b", Policy::Fifo);
    back.direction = Direction::Backward;
    let report = run(&sketch.memory(), &book, &back).expect("a report");
    let thief =
        report.nodes.iter().find(|node| node.account == sketch.account("thief")).expect("reached");
    assert_eq!(
        amount(
            &report,
            &sketch.asset("stX").expect("declared"),
            thief.tainted.values().next().expect("one").0
        ),
        "100 stX"
    );
}

#[test]
fn poisoning_never_spreads_taint() {
    let text = "
        chain ethereum
        token ETH at 0x2f22686d82dded300c975e63b62efbe824c9d236
        thief -> 0xa4b2fd68593b6f34e51cb9edb66e71c1b4ab449e  10 ETH  day 0
    ";
    // `ETH` is now the imitation of this sketch: its one transfer is a finding.
    let (sketch, book) = told(text);
    let report = run(&sketch.memory(), &book, &settings(&sketch, "thief", Policy::Poison))
        .expect("a report");
    assert!(report.edges.is_empty());
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].kind, model::FindingKind::ImitationToken);
}

#[test]
fn a_genuine_token_nobody_imitates_is_followed() {
    let text = "
        chain ethereum
        token LRC at 0x2f22686d82dded300c975e63b62efbe824c9d236
        thief -> a  10 LRC  day 0
    ";
    let report = check(text, Policy::Poison, &[("a", "10 LRC")]);
    assert!(report.findings.is_empty());
}

const REAL: &str = "0xcd1a4a457ca8b0931c3bf81df3cfa227adbdb6e9";
const COPY: &str = "0xcd17a436e020b8d01153fc4fb7fbe2177dfdb6e9";

#[test]
fn bait_from_a_look_alike_is_kept_out_and_accounted_for() {
    let text = format!(
        "
        chain ethereum
        thief -> a      100 ETH  day 0
        a -> {REAL}      50 ETH  day 1
        a -> {COPY}     0.1 ETH  day 2
        {COPY} -> c     0.1 ETH  day 3
    "
    );
    let report = check(&text, Policy::Fifo, &[("a", "100 ETH"), (REAL, "50 ETH")]);
    assert!(report.findings.iter().any(|found| found.kind == model::FindingKind::LookAlike));
    assert_eq!(report.cut[0].reason, Cut::LookAlike);
}

#[test]
fn real_value_sent_to_a_look_alike_is_followed_and_said() {
    let text = format!(
        "
        chain ethereum
        thief -> a      100 ETH  day 0
        a -> {REAL}      50 ETH  day 1
        a -> {COPY}      50 ETH  day 2
    "
    );
    let report =
        check(&text, Policy::Fifo, &[("a", "100 ETH"), (REAL, "50 ETH"), (COPY, "50 ETH")]);
    assert_eq!(report.findings[0].severity, model::Severity::High);
}

#[test]
fn the_highest_value_goes_on_and_ties_go_to_the_earliest() {
    let text = "
        chain ethereum
        thief -> small   1 ETH  day 0
        thief -> first  10 ETH  day 1
        thief -> second 10 ETH  day 2
        first -> end     4 ETH  day 3
        first -> end     4 ETH  day 4
        first -> other   7 ETH  day 3
    ";
    let (sketch, book) = told(text);
    let report = run(&sketch.memory(), &book, &settings(&sketch, "thief", Policy::HighestValue))
        .expect("a report");
    assert_eq!(report.route, ["thief", "first", "end"].map(|name| sketch.account(name)));
}

#[test]
fn only_what_left_after_the_first_arrival_counts_on_the_route() {
    let text = "
        chain ethereum
        a -> before     99 ETH  day 0
        thief -> a      10 ETH  day 1
        a -> after       5 ETH  day 2
    ";
    let (sketch, book) = told(text);
    let report = run(&sketch.memory(), &book, &settings(&sketch, "thief", Policy::HighestValue))
        .expect("a report");
    assert_eq!(report.route, ["thief", "a", "after"].map(|name| sketch.account(name)));
}

#[test]
fn a_window_limits_what_the_source_sends() {
    let text = "
        chain ethereum
        thief -> early  1 ETH  day 0
        thief -> mid    2 ETH  day 5
        mid -> late     2 ETH  day 9
    ";
    let (sketch, book) = told(text);
    let at = |text: &str| text.parse::<Timestamp>().expect("a time");
    let window = Settings {
        since: Some(at("2025-01-03T00:00:00Z")),
        until: Some(at("2025-01-08T00:00:00Z")),
        ..settings(&sketch, "thief", Policy::Fifo)
    };
    let report = run(&sketch.memory(), &book, &window).expect("a report");
    expect(&report, &sketch, &[("mid", "2 ETH")]);
}

const BITCOIN: &str = "
    chain bitcoin
    c0: coinbase => victim 50 BTC              day 0
    c1: coinbase => other 50 BTC               day 0
    t1: c0:0 => thief 49 BTC, x 0.9 BTC        day 1
    t2: c1:0 + t1:0 => a 60 BTC, b 38.9 BTC    day 2
    t3: t2:0 => c 59.9 BTC                     day 3
";

fn bitcoin(policy: Policy, expected: &[(&str, &str)]) -> Report {
    check(BITCOIN, policy, expected)
}

#[test]
fn bitcoin_fifo_maps_inputs_onto_outputs_in_order() {
    // 50 clean then 49 tainted, onto 60, 38.9 and a fee of 0.1.
    bitcoin(Policy::Fifo, &[("a", "10 BTC"), ("b", "38.9 BTC"), ("c", "9.9 BTC")]);
}

#[test]
fn bitcoin_lifo_takes_the_last_input_first() {
    bitcoin(Policy::Lifo, &[("a", "49 BTC"), ("c", "49 BTC")]);
}

#[test]
fn bitcoin_tiho_fills_the_largest_output_first() {
    bitcoin(Policy::Tiho, &[("a", "49 BTC"), ("c", "49 BTC")]);
}

#[test]
fn bitcoin_haircut_shares_evenly_with_the_fee() {
    let report = bitcoin(
        Policy::Haircut,
        &[("a", "29.6969697 BTC"), ("b", "19.25353536 BTC"), ("c", "29.64747476 BTC")],
    );
    let totals = &report.totals.by_asset[0];
    assert_eq!(totals.tainted_in.0, totals.resting.0 + totals.fees.0);
}

#[test]
fn bitcoin_from_an_outpoint_taints_that_output_only() {
    let (sketch, book) = told(BITCOIN);
    let outpoint = model::Outpoint { tx: sketch.tx("t1"), index: 1 };
    let settings = Settings::forward(vec![Source::Outpoint(outpoint)], Policy::Fifo);
    let report = run(&sketch.memory(), &book, &settings).expect("a report");
    assert_eq!(report.nodes.len(), 1);
    assert_eq!(report.nodes[0].account, sketch.account("x"));
    assert_eq!(report.totals.by_asset[0].resting.0, units("0.9", 8));
}

#[test]
fn bitcoin_from_a_transaction_taints_outputs_nobody_spent_too() {
    let (sketch, book) = told(BITCOIN);
    let settings = Settings::forward(vec![Source::Transaction(sketch.tx("t1"))], Policy::Fifo);
    let report = run(&sketch.memory(), &book, &settings).expect("a report");
    let totals = &report.totals.by_asset[0];
    assert_eq!(totals.tainted_in.0, units("49.9", 8));
    assert_eq!(totals.tainted_in.0, totals.resting.0 + totals.fees.0);
    let x = report.nodes.iter().find(|node| node.account == sketch.account("x")).expect("x");
    assert_eq!(x.resting.values().map(|base| base.0).sum::<model::U256>(), units("0.9", 8));
}

#[test]
fn bitcoin_backward_reaches_the_victim() {
    let (sketch, book) = told(BITCOIN);
    let outpoint = model::Outpoint { tx: sketch.tx("t3"), index: 0 };
    let mut settings = Settings::forward(vec![Source::Outpoint(outpoint)], Policy::Fifo);
    settings.direction = Direction::Backward;
    let report = run(&sketch.memory(), &book, &settings).expect("a report");
    let depth = |name: &str| {
        report.nodes.iter().find(|n| n.account == sketch.account(name)).map(|n| n.depth)
    };
    assert_eq!(
        (depth("c"), depth("a"), depth("thief"), depth("victim")),
        (Some(0), Some(1), Some(2), Some(3))
    );
    assert!(report.cut.iter().all(|row| row.reason == Cut::Issued));
}

#[test]
fn a_declared_swap_is_crossed_as_declared() {
    let text = "
        chain ethereum
        token stX at 0x1111111111111111111111111111111111111111
        thief -> a    100 stX  day 0
        a -> pool     100 stX  day 1
        a -> b         40 ETH  day 3
    ";
    let (sketch, book) = told(text);
    let mut declaring = settings(&sketch, "thief", Policy::Fifo);
    declaring.crossings.push(CrossingDecision::Declared(Declared {
        account: sketch.account("a"),
        venue: sketch.account("pool"),
        from_asset: sketch.asset("stX").expect("declared"),
        from_base: units("100", 18),
        to_asset: sketch.asset("ETH").expect("native"),
        to_base: units("40", 18),
        time: "2025-01-03T00:00:00Z".parse().expect("a time"),
        reason: "the exchange said so".into(),
    }));
    let report = run(&sketch.memory(), &book, &declaring).expect("a report");
    expect(&report, &sketch, &[("a", "100 stX"), ("pool", "100 stX"), ("b", "40 ETH")]);
    assert_eq!(report.crossings[0].kind, crate::crossing::CrossingKind::Declared);
}

/// Two of them add up to more than a number holds, and nothing would be conserved.
#[test]
fn a_declared_swap_of_an_absurd_amount_is_refused() {
    let (sketch, book) = told("chain ethereum\n thief -> a 10 ETH day 0\n a -> pool 10 ETH day 1");
    let mut declaring = settings(&sketch, "thief", Policy::Fifo);
    for _ in 0..2 {
        declaring.crossings.push(CrossingDecision::Declared(Declared {
            account: sketch.account("a"),
            venue: sketch.account("pool"),
            from_asset: sketch.asset("ETH").expect("native"),
            from_base: units("5", 18),
            to_asset: model::Asset::native(model::Chain::BITCOIN),
            to_base: model::U256::MAX,
            time: "2025-01-03T00:00:00Z".parse().expect("a time"),
            reason: "somebody said so".into(),
        }));
    }
    let refused = run(&sketch.memory(), &book, &declaring).expect_err("absurd").to_string();
    assert!(refused.contains("more than any asset has units"), "{refused}");
}

#[test]
fn an_unlabelled_hub_is_not_walked_through() {
    let mut text = String::from("chain ethereum\nthief -> hub 10 ETH day 0\n");
    for n in 0..30 {
        text += &format!("user{n} -> hub 1 ETH day 1\nhub -> other{n} 1 ETH day 2\n");
    }
    let (sketch, book) = told(&text);
    let limited = Settings { hub_degree: 50, ..settings(&sketch, "thief", Policy::Poison) };
    let report = run(&sketch.memory(), &book, &limited).expect("a report");
    expect(&report, &sketch, &[("hub", "10 ETH")]);
    assert_eq!(report.cut[0].reason, Cut::Hub);
}

#[test]
fn a_floor_on_value_cuts_and_says_so() {
    let text = "
        chain ethereum
        price ETH 2000
        thief -> a    10 ETH  day 0
        a -> small     1 ETH  day 1
        a -> large     9 ETH  day 1
    ";
    let (sketch, book) = told(text);
    let floor = Some(crate::MinValue::UsdE12(units("4000", 12)));
    let limited = Settings { min_value: floor, ..settings(&sketch, "thief", Policy::Fifo) };
    let report = run(&sketch.memory(), &book, &limited).expect("a report");
    expect(&report, &sketch, &[("a", "10 ETH"), ("large", "9 ETH")]);
    assert_eq!(report.cut[0].reason, Cut::MinValue);
}

#[test]
fn a_service_holds_what_bitcoin_outputs_bring_it() {
    let text = "
        chain bitcoin
        label exchange desk
        c0: coinbase => thief 50 BTC        day 0
        t1: c0:0 => desk 49 BTC, a 1 BTC    day 1
        t2: t1:0 => user 49 BTC             day 2
    ";
    let report = check(text, Policy::Fifo, &[("desk", "49 BTC"), ("a", "1 BTC")]);
    assert_eq!(report.totals.by_asset[0].at_services.0, units("49", 8));
}

#[test]
fn many_transfers_of_one_moment_are_ordered_in_time() {
    let mut text = String::from("chain ethereum\n");
    for n in (0..3000).rev() {
        text += &format!("hub -> out{n} 1 ETH day 0\nin{n} -> hub 1 ETH day 0\n");
    }
    text += "thief -> in0 1 ETH day 0\n";
    let (sketch, book) = told(&text);
    let report = run(&sketch.memory(), &book, &settings(&sketch, "thief", Policy::Haircut))
        .expect("a report");
    assert_eq!(report.nodes.iter().filter(|node| node.depth == 3).count(), 3000);
}

#[test]
fn a_source_with_more_than_the_budget_is_cut_and_said_so() {
    let mut text = String::from("chain ethereum\n");
    for n in 0..10 {
        text += &format!("thief -> a{n} 1 ETH day {n}\n");
    }
    let (sketch, book) = told(&text);
    let limited = Settings { budget: 4, ..settings(&sketch, "thief", Policy::Fifo) };
    let report = run(&sketch.memory(), &book, &limited).expect("a report");
    assert_eq!(report.coverage.accounts_truncated, 1);
    assert_eq!(report.edges.len(), 4);
}

#[test]
fn no_hops_at_all_cuts_what_the_source_sent() {
    let text = "
        chain ethereum
        thief -> a     10 ETH  day 0
        thief -> b      5 ETH  day 1
        thief -> fee    1 ETH  day 1
    ";
    let (sketch, book) = told(text);
    let none = Settings { hops_max: Some(0), ..settings(&sketch, "thief", Policy::Fifo) };
    let report = run(&sketch.memory(), &book, &none).expect("a report");
    let cut: Vec<_> = report.cut.iter().map(|row| (row.reason, row.amount.0)).collect();
    assert!(
        cut.contains(&(Cut::Hops, units("10", 18))) && cut.contains(&(Cut::Hops, units("5", 18)))
    );
    assert_eq!(report.totals.by_asset[0].tainted_in.0, units("15", 18));
    assert!(report.edges.is_empty());
}

#[test]
fn no_budget_at_all_says_that_the_source_was_not_followed() {
    let (sketch, book) = told("chain ethereum\nthief -> a 10 ETH day 0");
    let none = Settings { budget: 0, ..settings(&sketch, "thief", Policy::Fifo) };
    let report = run(&sketch.memory(), &book, &none).expect("a report");
    assert_eq!(report.cut.len(), 1);
    assert_eq!(report.cut[0].reason, Cut::Budget);
    assert_eq!(report.cut[0].account, Some(sketch.account("thief")));
    assert!(report.coverage.notes.iter().any(|note| note.contains("was not followed")));
}
