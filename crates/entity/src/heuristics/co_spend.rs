//! Co-spend: who signs the inputs of one transaction owns them all.
//!
//! Every input joins the first. Only of transactions that are no recognised CoinJoin, nor could be one whose inputs
//! are not known. Source: Nakamoto 2008, §10; Meiklejohn et al., IMC 2013.

use super::{Merge, Rule};

/// `inputs`: the numbers of their addresses; any may repeat.
pub fn merges(inputs: &[u32]) -> impl Iterator<Item = Merge> {
    let first = inputs.first().copied();
    let others = inputs.iter().skip(1).copied();
    others.filter_map(move |b| {
        let a = first?;
        (a != b).then_some(Merge { a, b, rule: Rule::CoSpend })
    })
}
