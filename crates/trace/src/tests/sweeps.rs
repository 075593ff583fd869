//! A sweep says what the walk says, and asks for nothing it did not reach.

use model::{Chain, View};

use super::world::{World, world};
use crate::settle::Totals;
use crate::sweep;
use crate::{Method, Policy, Settings, Source, Swept, run, run_many};

fn json(report: Result<crate::Report, crate::TraceError>) -> String {
    match report {
        Ok(report) => serde_json::to_string(&report).expect("json"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_sweep_says_what_the_walk_says() {
    for seed in 1000..1600 {
        let World { memory, book, settings } = world(seed);
        for policy in Policy::ALL {
            let walk = Settings { policy, method: Method::Frontier, ..settings.clone() };
            let swept = Settings { method: Method::Sweep, ..walk.clone() };
            let walked = json(run(&memory, &book, &walk));
            assert_eq!(json(run(&memory, &book, &swept)), walked, "seed {seed}, {policy}");
        }
    }
}

#[test]
fn what_the_walk_asks_for_was_reached() {
    let mut swept_rows = 0;
    for seed in 2000..2800 {
        let World { memory, book, mut settings } = world(seed);
        settings.budget = Settings::BUDGET;
        let swept = Swept::new(&memory, &book, std::slice::from_ref(&settings), Method::Sweep)
            .expect("a view");
        let Ok(gathered) = crate::gather::gather(&swept, &book, &settings) else { continue };
        assert!(swept.has_swept() || gathered.rows.is_empty());
        assert_eq!(swept.asked_behind(), 0, "seed {seed}");
        swept_rows += gathered.rows.len() + gathered.utxo.len();
    }
    assert!(swept_rows > 5000, "the pasts had something to reach");
}

#[test]
fn several_thefts_in_one_pass_are_each_as_alone() {
    for seed in 3000..3150 {
        let World { memory, book, settings } = world(seed);
        let mut thefts = Vec::new();
        for (n, policy) in Policy::ALL.into_iter().enumerate() {
            let other = world(seed).settings;
            let mut theft = Settings { policy, ..other };
            theft.method = if n == 0 { Method::Auto } else { Method::Sweep };
            if n % 2 == 1 {
                theft.sources = first_senders(&memory, n);
                theft.hops_max = None;
                theft.since = None;
            }
            thefts.push(theft);
        }
        thefts.push(settings);
        let together = run_many(&memory, &book, &thefts);
        assert_eq!(together.len(), thefts.len());
        for (n, (theft, report)) in thefts.into_iter().zip(together).enumerate() {
            let alone = Settings { method: Method::Frontier, ..theft };
            assert_eq!(json(report), json(run(&memory, &book, &alone)), "seed {seed}, theft {n}");
        }
    }
}

fn first_senders(memory: &model::Memory, n: usize) -> Vec<Source> {
    let sender = memory.transfers().iter().filter_map(model::Transfer::from_account).nth(n);
    sender.map(Source::Account).into_iter().collect()
}

/// Where nothing is dust, nothing is swapped and every place is known, the kernel is the
/// settling.
#[test]
fn the_kernel_says_what_the_settling_says() {
    let mut compared = 0;
    for seed in 4000..6000 {
        let World { memory, book, mut settings } = world(seed);
        let chain = Settings::source_chain(&settings.sources[0]);
        if !is_plain(&memory, &settings, chain) {
            continue;
        }
        settings.hops_max = None;
        settings.min_value = None;
        settings.crossings.clear();
        settings.budget = Settings::BUDGET;
        settings.hub_degree = 12;
        let mut book = book;
        if seed % 2 == 0 {
            book = model::Book::default();
        }
        for policy in [Policy::Haircut, Policy::Tiho, Policy::Poison] {
            let one = Settings { policy, ..settings.clone() };
            let report = run(&memory, &book, &one).expect("a report");
            if !report.crossings.is_empty() || !report.findings.is_empty() {
                continue;
            }
            let mut columns = memory.columns(chain).expect("columns");
            let told = sweep::taint(&mut *columns, &book, std::slice::from_ref(&one));
            let told = told.expect("a sweep").remove(0);
            for (asset, totals) in columns.assets().iter().zip(&told.totals) {
                let row = report.totals.by_asset.iter().find(|row| row.asset == *asset);
                let expected = row.map_or_else(Totals::default, |row| Totals {
                    tainted_in: row.tainted_in.0,
                    crossed_in: row.crossed_in.0,
                    resting: row.resting.0,
                    at_services: row.at_services.0 + hub_cut(&report, asset),
                    fees: row.fees.0,
                    cut: row.cut.0 - hub_cut(&report, asset),
                    crossed_out: row.crossed_out.0,
                });
                let totals = totals.clone().unwrap_or_default();
                assert_eq!(totals, expected, "seed {seed}, {policy}, {asset}");
            }
            compared += 1;
        }
    }
    assert!(compared > 100, "only {compared} pasts were plain enough");
}

/// Is the order known, or everything of another moment?
fn is_plain(memory: &model::Memory, settings: &Settings, chain: Chain) -> bool {
    let sources = settings.sources.iter().all(|source| matches!(source, Source::Account(_)));
    let moments = memory.transfers().windows(2).all(|pair| {
        chain.is_utxo()
            || pair[0].time != pair[1].time
            || (pair[0].tx_index.is_some() && !matches!(pair[0].position, model::Position::Nth(_)))
    });
    let mut columns = memory.columns(chain).expect("columns");
    let mut batch = model::ColumnBatch::default();
    let mut parents_first = true;
    while columns.next(&mut batch).expect("a batch") {
        let mut legs = batch.spends.iter().zip(&batch.ordinals);
        parents_first &= legs.all(|(spent, own)| *spent == model::ColumnBatch::NONE || spent < own);
    }
    let utxo = parents_first && memory.transfers().iter().all(|leg| leg.tx.chain == chain);
    sources && moments && utxo && settings.direction == model::Direction::Forward
}

/// What the report cuts at hubs the kernel books as at services.
fn hub_cut(report: &crate::Report, asset: &model::Asset) -> model::U256 {
    let rows = report.cut.iter();
    rows.filter(|row| row.reason == crate::settle::Cut::Hub && row.asset == *asset)
        .map(|row| row.amount.0)
        .sum()
}
