//! Change: which output of a payment came back to the payer.
//!
//! In: a payment of two or more outputs. Out: the place of the one that is change, from each rule alone, or none
//! where a rule cannot say. A coin paid back to an address among the inputs is change for certain
//! ([`reuse`]); then no other output is guessed at. Where several rules name an output and none names
//! another, they agree ([`agreed`]).
//!
//! Wallet fingerprints beyond the script's kind (version, lock time, sequence) are not in the data and no rule here.

pub mod one_time;
pub mod optimal;
pub mod reuse;
pub mod round;
pub mod script_type;

use model::Output;

use super::{Met, Rule, Rules};
use crate::script::{ScriptKind, can_be_owned};

/// A transaction as rules of change see it.
pub struct Payment<'a> {
    pub inputs: Vec<&'a Output>,
    pub outputs: &'a [Output],
    /// Of each output, in order.
    pub met: &'a [Met],
}

/// More are batches, whose change these rules were not made for.
const OUTPUTS_MAX: usize = 10;

/// The output that is change, and the rule that says so: one of those that are on, the surest first.
pub fn find(payment: &Payment, rules: Rules) -> Option<(usize, Rule)> {
    let outputs = payment.outputs.len();
    if !(2..=OUTPUTS_MAX).contains(&outputs) || reuse::change(payment).is_some() {
        return None;
    }
    const SUREST_FIRST: [Rule; 5] = [
        Rule::ChangeAgreed,
        Rule::ChangeOptimal,
        Rule::ChangeType,
        Rule::ChangeOneTime,
        Rule::ChangeRound,
    ];
    let named = SUREST_FIRST.into_iter().filter(|rule| rules.has(*rule));
    named.filter_map(|rule| by(payment, rule).map(|at| (at, rule))).next()
}

/// What one rule alone says. Only an output that can be owned is ever named.
pub fn by(payment: &Payment, rule: Rule) -> Option<usize> {
    let at = match rule {
        Rule::ChangeOneTime => one_time::change(payment),
        Rule::ChangeType => script_type::change(payment),
        Rule::ChangeRound => round::change(payment),
        Rule::ChangeOptimal => optimal::change(payment),
        Rule::ChangeAgreed => agreed(payment),
        _ => None,
    }?;
    can_be_owned(&payment.outputs[at].address).then_some(at)
}

/// At least two rules name the same output, that output is fresh, and no rule names another.
fn agreed(payment: &Payment) -> Option<usize> {
    const VOICES_MIN: usize = 2;
    let voices = [one_time::change, script_type::change, round::change, optimal::change]
        .map(|rule| rule(payment));
    let named = voices.iter().flatten().copied();
    let (first, voices) = (named.clone().next()?, named.clone().count());
    let is_fresh = payment.met[first].is_fresh;
    (voices >= VOICES_MIN && is_fresh && named.into_iter().all(|at| at == first)).then_some(first)
}

impl Payment<'_> {
    /// The kind that all inputs share, if they do.
    pub fn input_kind(&self) -> Option<ScriptKind> {
        let mut kinds = self.inputs.iter().map(|input| ScriptKind::of(&input.address));
        let first = kinds.next()?;
        kinds.all(|kind| kind == first).then_some(first)
    }
}

/// The only output of which this holds.
fn only(payment: &Payment, mut holds: impl FnMut(usize) -> bool) -> Option<usize> {
    let mut found = (0..payment.outputs.len()).filter(|at| holds(*at));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}
