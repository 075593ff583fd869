//! The trace every contender runs: six hops, never back in time.
//!
//! An account is followed from the earliest moment anything reached it. A hop asks
//! for the first [`PER_ACCOUNT`] transfers of each account from that moment on; who
//! is reached earlier than before is asked again in the next hop. Services are
//! reached and not gone through. What comes out does not depend on the order in
//! which a contender answers within a hop.

use std::collections::HashSet;
use std::hash::Hash;

use anyhow::Result;
// Quicker than the standard one: what this notes should not weigh on what contenders do.
use hashbrown::HashMap;

pub const HOPS: usize = 6;
pub const PER_ACCOUNT: usize = 1_000;

/// A transfer that a hop followed.
pub struct Step<A> {
    pub to: Option<A>,
    pub time: i64,
}

pub fn walk<A: Copy + Ord + Hash>(
    source: A,
    since: i64,
    services: &HashSet<A>,
    mut expand: impl FnMut(&[(A, i64)], &mut Vec<Step<A>>) -> Result<()>,
) -> Result<HashMap<A, i64>> {
    let mut arrivals = HashMap::from_iter([(source, since)]);
    let mut frontier = vec![(source, since)];
    let mut steps = Vec::new();
    for _ in 0..HOPS {
        if frontier.is_empty() {
            break;
        }
        steps.clear();
        expand(&frontier, &mut steps)?;
        let mut earlier: HashMap<A, i64> = HashMap::new();
        for step in &steps {
            let Some(to) = step.to else { continue };
            if arrivals.get(&to).is_none_or(|known| step.time < *known) {
                arrivals.insert(to, step.time);
                if !services.contains(&to) {
                    earlier.insert(to, step.time);
                }
            }
        }
        frontier = earlier.into_iter().collect();
        frontier.sort_unstable();
    }
    Ok(arrivals)
}
