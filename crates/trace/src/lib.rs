//! Where did it go?
//!
//! [`run`] follows value from its [`Source`]s through a [`model::View`] and says
//! where it rests, which services it reached, what it cost, and what was cut.
//! Pure: no I/O of its own, no clock; the same past and settings give the same
//! answer, whatever the order of input and the size of batches.
//!
//! 1. [`gather`] walks the frontier hop by hop, a batch a hop, and collects every
//!    account's whole ledger. What [`poisoning`] recognises never joins the walk.
//! 2. [`crossing`] reads each ledger for swaps, seen or implied.
//! 3. [`order`] puts every event in the order of time.
//! 4. [`settle`] moves value through the events once, by one taint [`Policy`].
//! 5. [`report`] turns the outcome into the public contract.
//!
//! Where a theft went wide, [`sweep`] reads the past once instead of asking for it.
//!
//! [`exposure`] asks what an address had to do with, [`provenance`] keeps where balances came
//! from, [`risk`] judges either by rules.
//!
//! [`paths`] says by which ways value could have gone from one account to another. [`route`] is the highest-value policy, which follows one way only.

pub mod crossing;
pub mod exposure;
pub mod gather;
mod ids;
pub mod order;
pub mod paths;
pub mod poisoning;
mod policy;
pub mod provenance;
mod purse;
pub mod report;
pub mod risk;
pub mod route;
pub mod settings;
pub mod settle;
mod share;
mod split;
pub mod sweep;
#[cfg(test)]
mod tests;

use model::{Account, Book, Direction, View, ViewError};

pub use policy::Policy;
pub use report::Report;
pub use settings::{
    CrossingDecision, Declared, Method, MethodError, MinValue, Refused, Settings, Source,
};
pub use sweep::Swept;

#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    #[error("{0}")]
    View(#[from] ViewError),
    #[error("nothing to trace: {source_text} is not in the store")]
    UnknownSource { source_text: String },
    #[error("no source given: name an address, a transaction or an outpoint")]
    NoSource,
    #[error("the swap declared at {account} is of more than any asset has units")]
    AbsurdSwap { account: Account },
    #[error(
        "the policy {policy} does not conserve value, so that an exposure by it adds up to nothing: expected haircut, fifo, lifo or tiho"
    )]
    NotConserved { policy: Policy },
    #[error("a sweep does not take {what}: expected accounts, forward, by haircut, tiho or poison")]
    NotSwept { what: String },
}

/// Follows the settings' sources and reports by their policy.
pub fn run(view: &dyn View, book: &Book, settings: &Settings) -> Result<Report, TraceError> {
    if settings.method == Method::Frontier {
        return run_over(view, book, settings);
    }
    let swept = Swept::new(view, book, std::slice::from_ref(settings), settings.method)?;
    run_over(&swept, book, settings)
}

/// Follows several thefts, reading the past once for all that go the same way. Each
/// report is that of [`run`].
pub fn run_many(
    view: &dyn View,
    book: &Book,
    thefts: &[Settings],
) -> Vec<Result<Report, TraceError>> {
    let mut reports: Vec<Option<Result<Report, TraceError>>> =
        thefts.iter().map(|_| None).collect();
    for direction in [Direction::Forward, Direction::Backward] {
        let of = |method: Method| {
            (0..thefts.len())
                .filter(|n| thefts[*n].direction == direction && thefts[*n].method == method)
                .collect::<Vec<usize>>()
        };
        for method in [Method::Auto, Method::Frontier, Method::Sweep] {
            for group in of(method).chunks(sweep::reach::THEFTS_MAX) {
                let settings: Vec<Settings> = group.iter().map(|n| thefts[*n].clone()).collect();
                let swept = Swept::new(view, book, &settings, method);
                for (n, theft) in group.iter().zip(&settings) {
                    reports[*n] = Some(match &swept {
                        Ok(swept) => run_over(swept, book, theft),
                        Err(_) => run(view, book, theft),
                    });
                }
            }
        }
    }
    reports.into_iter().flatten().collect()
}

fn run_over(view: &dyn View, book: &Book, settings: &Settings) -> Result<Report, TraceError> {
    if settings.sources.is_empty() {
        return Err(TraceError::NoSource);
    }
    check_declared(settings)?;
    if settings.policy == Policy::HighestValue && !settings.compare {
        let walked = route::walk(view, book, settings)?;
        return Ok(report::of_route(view, book, settings, &walked)?);
    }
    let gathered = gather::gather(view, book, settings)?;
    let events = order::events(&gathered, settings.direction);
    let mut report = match settings.policy {
        Policy::HighestValue => {
            let walked = route::walk(view, book, settings)?;
            report::of_route(view, book, settings, &walked)?
        }
        policy => {
            let settled = settle::settle(&gathered, &events, settings, policy);
            report::of_settled(view, book, settings, &gathered, &settled)?
        }
    };
    if settings.compare {
        let compared = compare(view, book, settings, &gathered, &events)?;
        report.comparison = Some(report::Comparison::of(compared));
    }
    Ok(report)
}

/// Amounts that sums of them cannot hold would not be conserved. Of transfers,
/// [`poisoning`] keeps such amounts out.
fn check_declared(settings: &Settings) -> Result<(), TraceError> {
    for decision in &settings.crossings {
        if let CrossingDecision::Declared(Declared { account, from_base, to_base, .. }) = decision
            && [from_base, to_base].into_iter().any(|base| poisoning::is_absurd(*base))
        {
            return Err(TraceError::AbsurdSwap { account: account.clone() });
        }
    }
    Ok(())
}

/// All policies over the same gathered past.
fn compare(
    view: &dyn View,
    book: &Book,
    settings: &Settings,
    gathered: &gather::Gathered,
    events: &[order::Event],
) -> Result<Vec<report::Compared>, TraceError> {
    let mut compared = Vec::new();
    for policy in Policy::ALL {
        let one = Settings { policy, compare: false, ..settings.clone() };
        let report = if policy == Policy::HighestValue {
            report::of_route(view, book, &one, &route::walk(view, book, &one)?)?
        } else {
            let settled = settle::settle(gathered, events, &one, policy);
            report::of_settled(view, book, &one, gathered, &settled)?
        };
        compared.push(report::Compared::of(&report));
    }
    Ok(compared)
}
