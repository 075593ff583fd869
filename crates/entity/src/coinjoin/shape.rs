//! What every protocol's rules ask of a transaction, worked out once.

use std::collections::{BTreeSet, HashMap};

use model::{Date, Output, Timestamp, UtxoTransaction};

use super::{Family, Past, Round};
use crate::script::ScriptKind;

/// A transaction of which every input is known.
pub struct Shape<'a> {
    pub tx: &'a UtxoTransaction,
    pub inputs: Vec<&'a Output>,
    /// None: nobody knows.
    day: Option<Date>,
    /// How many outputs have each value: the largest group first, then the higher value.
    pub groups: Vec<(u64, usize)>,
    /// Inputs that a round of each family made.
    remixed: Vec<Option<Family>>,
}

impl<'a> Shape<'a> {
    /// None: what an input spent is not known.
    pub fn of(tx: &'a UtxoTransaction, past: &dyn Past) -> Option<Shape<'a>> {
        let inputs: Option<Vec<&Output>> =
            tx.inputs.iter().map(|input| input.previous.as_ref()).collect();
        let remixed = tx.inputs.iter().map(|input| past.family(&input.outpoint.tx.hash)).collect();
        let groups = groups(tx.outputs.iter().map(|output| output.value));
        let day = (tx.time != Timestamp::UNIX_EPOCH).then(|| model::day_of(tx.time));
        Some(Shape { tx, inputs: inputs?, day, groups, remixed })
    }

    /// Did the protocol exist? A time that nobody knows is no reason against it.
    pub fn is_since(&self, first: Date) -> bool {
        self.day.is_none_or(|day| day >= first)
    }

    /// The largest group of equal outputs: value and how many.
    pub fn equal(&self) -> (u64, usize) {
        self.groups.first().copied().unwrap_or_default()
    }

    /// Groups of at least two equal outputs.
    pub fn repeated(&self) -> impl Iterator<Item = &(u64, usize)> {
        self.groups.iter().filter(|(_, count)| *count >= 2)
    }

    pub fn remixed(&self, family: Family) -> usize {
        self.remixed.iter().filter(|found| **found == Some(family)).count()
    }

    pub fn inputs_are(&self, kinds: &[ScriptKind]) -> bool {
        self.inputs.iter().all(|input| kinds.contains(&ScriptKind::of(&input.address)))
    }

    pub fn outputs_are(&self, kinds: &[ScriptKind]) -> bool {
        self.tx.outputs.iter().all(|output| kinds.contains(&ScriptKind::of(&output.address)))
    }

    pub fn distinct_inputs(&self) -> usize {
        self.inputs.iter().map(|input| &input.address).collect::<BTreeSet<_>>().len()
    }

    pub fn distinct_outputs(&self) -> usize {
        self.tx.outputs.iter().map(|output| &output.address).collect::<BTreeSet<_>>().len()
    }

    pub fn are_sorted(&self) -> bool {
        self.inputs.is_sorted_by(|a, b| a.value >= b.value)
            && self.tx.outputs.is_sorted_by(|a, b| a.value >= b.value)
    }

    /// Of a hundred legs, how many bear an address that another leg bears already.
    pub fn reuse_percent(&self) -> usize {
        let legs = self.inputs.iter().copied().chain(&self.tx.outputs);
        let distinct = legs.map(|output| &output.address).collect::<BTreeSet<_>>().len();
        let legs = self.inputs.len() + self.tx.outputs.len();
        (legs - distinct) * 100 / legs.max(1)
    }

    /// At most so many owners could each have paid `value` of inputs of their own: those that are large enough,
    /// and what the smaller ones come to together.
    pub fn payers_max(&self, value: u64) -> usize {
        let large = self.inputs.iter().filter(|input| input.value >= value).count();
        let small: u128 = self
            .inputs
            .iter()
            .filter(|input| input.value < value)
            .map(|input| u128::from(input.value))
            .sum();
        large
            .saturating_add(usize::try_from(small / u128::from(value.max(1))).unwrap_or(usize::MAX))
    }

    pub fn round(&self, family: Family, why: Vec<String>) -> Round {
        let (value, equal) = self.equal();
        Round {
            family,
            equal,
            value,
            remixed: self.remixed(family),
            why,
            rival: None,
            doubts: Vec::new(),
        }
    }

    /// Participants use fresh addresses: many that repeat are one owner's. Source: the pass over false
    /// positives of crocs-muni/coinjoin-analysis.
    pub fn doubt(&self) -> Option<String> {
        const REUSE_PERCENT_MAX: usize = 70;
        let reuse = self.reuse_percent();
        let is_doubtful = reuse > REUSE_PERCENT_MAX;
        is_doubtful.then(|| {
            format!(
                "{reuse} % of its inputs and outputs repeat an address, so it may be one owner's"
            )
        })
    }
}

/// Values with how often they occur, the most frequent first, then the highest.
pub fn groups(values: impl Iterator<Item = u64>) -> Vec<(u64, usize)> {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    let mut groups: Vec<(u64, usize)> = counts.into_iter().collect();
    groups.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(b.0.cmp(&a.0)));
    groups
}
