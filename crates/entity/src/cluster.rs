//! Clusters: which addresses are one owner's, why, and how to take that back.
//!
//! In: merges, each with the transaction that shows it. Out: who is with whom, the path of merges between two
//! addresses, and what was merged suspiciously much at once. Addresses are numbers from zero, given out in order
//! of first appearance; a cluster is named by its lowest number, so its name does not change when later
//! addresses join it, and does not depend on the order of merges.
//!
//! ```text
//! final blocks ──► Forest   union by lowest number, path halving       4 bytes an address, 4 for its size
//! hot blocks   ──► Overlay  over the forest's roots, undone one by one
//! every merge  ──► Links    two addresses and why                      12 bytes
//! ```
//!
//! A merge that joins two large clusters is *flagged and not held back* ([`Alarm`]): what is large at the
//! moment of a merge depends on the order of blocks and files, and who holds back by it answers differently
//! for the same data. Excluding the transaction takes it back ([`Clusters::exclude`]).

pub mod forest;
pub mod links;
pub mod logged;
pub mod names;
pub mod overlay;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use model::TxHash;

use crate::heuristics::{Merge, Rule, Rules};
use forest::Forest;
use links::{Link, Links, Whys};
use overlay::Overlay;

#[derive(Clone, Debug, Default)]
pub struct Clusters {
    forest: Forest,
    overlay: Overlay,
    links: Links,
    whys: Whys,
    /// Links from here on are of hot blocks.
    links_final: usize,
    excluded: Excluded,
    alarms: Vec<Alarm>,
}

/// What an analyst took back: merges by these transactions, and by these rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excluded {
    pub transactions: BTreeSet<TxHash>,
    pub rules: BTreeSet<Rule>,
}

/// A merge of two clusters that were both large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    pub why: u32,
    pub smaller: u32,
    pub larger: u32,
}

/// One step of an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub a: u32,
    pub b: u32,
    pub rule: Rule,
    pub tx: TxHash,
}

/// A moment to come back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    addresses: usize,
    links: usize,
    whys: usize,
    alarms: usize,
    overlay: usize,
}

/// A merge is flagged where the smaller side has so many members: fewer, where the rule is a guess.
const LARGE: u32 = 1_000;
const LARGE_BY_GUESS: u32 = 50;
const SURE: u8 = 90;

impl Clusters {
    pub fn new(excluded: Excluded) -> Clusters {
        Clusters { excluded, ..Clusters::default() }
    }

    /// How many addresses are known.
    pub fn len(&self) -> usize {
        self.forest.len()
    }

    pub fn is_empty(&self) -> bool {
        self.forest.len() == 0
    }

    /// Makes room for addresses up to this many.
    pub fn grow(&mut self, addresses: usize) {
        self.forest.grow(addresses);
    }

    /// Takes note of merges of one transaction, for good, or until they are undone.
    pub fn merge(&mut self, merges: &[Merge], tx: TxHash, is_final: bool) {
        for merge in merges {
            let why = self.whys.put(merge.rule, tx);
            self.links.push(Link { a: merge.a, b: merge.b, why });
            if self.excluded.holds(merge.rule, &tx) {
                continue;
            }
            let joined = match is_final {
                true => self.forest.union(merge.a, merge.b),
                false => self.overlay.union(&self.forest, merge.a, merge.b),
            };
            let large = if merge.rule.confidence() >= SURE { LARGE } else { LARGE_BY_GUESS };
            if let Some(joined) = joined.filter(|joined| joined.smaller >= large) {
                self.alarms.push(Alarm { why, smaller: joined.smaller, larger: joined.larger });
            }
        }
        if is_final {
            debug_assert!(self.overlay.is_empty(), "final merges come before hot ones");
            self.links_final = self.links.len();
        }
    }

    pub fn mark(&self) -> Mark {
        Mark {
            addresses: self.forest.len(),
            links: self.links.len(),
            whys: self.whys.len(),
            alarms: self.alarms.len(),
            overlay: self.overlay.merges(),
        }
    }

    /// Back to a moment when nothing final had come since.
    pub fn undo_to(&mut self, mark: Mark) {
        self.overlay.undo_to(mark.overlay);
        self.links.truncate(mark.links);
        self.whys.truncate(mark.whys);
        self.alarms.truncate(mark.alarms);
        self.forest.shrink(mark.addresses);
    }

    /// What was hot up to this moment is final from now on. Later marks are told where they are now.
    pub fn settle(&mut self, settled: Mark, later: &mut [Mark]) {
        self.overlay.undo_to(0);
        (self.links_final..settled.links).for_each(|at| self.unite(at));
        self.links_final = settled.links;
        self.overlay_rest(later);
    }

    fn is_counted(&self, why: u32) -> bool {
        let (rule, tx) = self.whys.get(why);
        !self.excluded.holds(rule, &tx)
    }

    fn unite(&mut self, at: usize) {
        let Link { a, b, why } = self.links.get(at);
        if self.is_counted(why) {
            self.forest.union(a, b);
        }
    }

    fn overlay_rest(&mut self, later: &mut [Mark]) {
        let mut at = self.links_final;
        for mark in later {
            (at..mark.links).for_each(|at| self.lay_over(at));
            at = mark.links;
            mark.overlay = self.overlay.merges();
        }
        (at..self.links.len()).for_each(|at| self.lay_over(at));
    }

    fn lay_over(&mut self, at: usize) {
        let Link { a, b, why } = self.links.get(at);
        if self.is_counted(why) {
            self.overlay.union(&self.forest, a, b);
        }
    }

    /// The lowest number of an address's cluster.
    pub fn cluster(&self, address: u32) -> u32 {
        let root = self.root(address);
        self.overlay.lowest(root)
    }

    pub fn size(&self, address: u32) -> u32 {
        let root = self.root(address);
        self.overlay.size(&self.forest, root)
    }

    fn root(&self, address: u32) -> u32 {
        self.overlay.find(self.forest.find(address))
    }

    /// Every address of the same cluster, ascending. Goes through all addresses once.
    pub fn members(&self, address: u32) -> Vec<u32> {
        let root = self.root(address);
        self.addresses().filter(|other| self.root(*other) == root).collect()
    }

    fn addresses(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.len()).expect("addresses are numbered in 32 bits")
    }

    /// How many clusters of more than one address there are, and how many addresses are in them.
    pub fn count(&self) -> (u64, u64) {
        let mut members: HashMap<u32, u64> = HashMap::new();
        for address in self.addresses() {
            let root = self.root(address);
            if root != address || self.overlay.size(&self.forest, root) > 1 {
                *members.entry(root).or_default() += 1;
            }
        }
        (members.len() as u64, members.values().sum())
    }

    /// The largest clusters: lowest number and size.
    pub fn largest(&self, most: usize) -> Vec<(u32, u32)> {
        let mut roots: Vec<(u32, u32)> = self
            .addresses()
            .filter(|address| self.root(*address) == *address)
            .map(|root| (self.overlay.lowest(root), self.overlay.size(&self.forest, root)))
            .filter(|(_, size)| *size > 1)
            .collect();
        roots.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        roots.truncate(most);
        roots
    }

    /// The fewest merges that join two addresses; none where they are of different clusters.
    pub fn explain(&self, a: u32, b: u32) -> Option<Vec<Step>> {
        let root = self.root(a);
        if root != self.root(b) {
            return None;
        }
        let mut beside: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
        for link in self.links.iter() {
            if self.root(link.a) == root && self.is_counted(link.why) {
                beside.entry(link.a).or_default().push((link.b, link.why));
                beside.entry(link.b).or_default().push((link.a, link.why));
            }
        }
        let mut before: HashMap<u32, (u32, u32)> = HashMap::new();
        let mut next = VecDeque::from([a]);
        while let Some(at) = next.pop_front() {
            if at == b {
                return Some(self.path(a, b, &before));
            }
            for (other, why) in beside.get(&at).into_iter().flatten() {
                if *other != a && !before.contains_key(other) {
                    before.insert(*other, (at, *why));
                    next.push_back(*other);
                }
            }
        }
        None
    }

    fn path(&self, a: u32, b: u32, before: &HashMap<u32, (u32, u32)>) -> Vec<Step> {
        let (mut path, mut at) = (Vec::new(), b);
        while at != a {
            let (from, why) = before[&at];
            let (rule, tx) = self.whys.get(why);
            path.push(Step { a: from, b: at, rule, tx });
            at = from;
        }
        path.reverse();
        path
    }

    /// How many merges each rule made in an address's cluster, counted once a transaction.
    pub fn evidence(&self, address: u32) -> BTreeMap<Rule, u64> {
        let root = self.root(address);
        let mut whys: HashSet<u32> = HashSet::new();
        for link in self.links.iter() {
            if self.root(link.a) == root && self.is_counted(link.why) {
                whys.insert(link.why);
            }
        }
        let mut counts = BTreeMap::new();
        let mut whys: Vec<u32> = whys.into_iter().collect();
        whys.sort_unstable();
        for why in whys {
            *counts.entry(self.whys.get(why).0).or_default() += 1;
        }
        counts
    }

    /// Merges that were flagged and still count.
    pub fn alarms(&self) -> impl Iterator<Item = (Alarm, Rule, TxHash)> {
        self.alarms.iter().filter(|alarm| self.is_counted(alarm.why)).map(|alarm| {
            let (rule, tx) = self.whys.get(alarm.why);
            (*alarm, rule, tx)
        })
    }

    /// Takes back every merge that a transaction shows. Only the clusters it touches are built anew.
    /// Marks are told where they are now.
    pub fn exclude(&mut self, tx: TxHash, marks: &mut [Mark]) {
        if self.excluded.transactions.insert(tx) {
            self.rebuild_touched(|_, why_tx| *why_tx == tx, marks);
        }
    }

    pub fn exclude_rule(&mut self, rule: Rule, marks: &mut [Mark]) {
        if self.excluded.rules.insert(rule) {
            self.rebuild_touched(|why_rule, _| why_rule == rule, marks);
        }
    }

    fn rebuild_touched(&mut self, is_touched: impl Fn(Rule, &TxHash) -> bool, marks: &mut [Mark]) {
        self.overlay.undo_to(0);
        let touched: HashSet<u32> = self
            .links
            .iter()
            .take(self.links_final)
            .filter(|link| {
                let (rule, tx) = self.whys.get(link.why);
                is_touched(rule, &tx)
            })
            .map(|link| self.forest.find(link.a))
            .collect();
        let is_member: Vec<u32> =
            self.addresses().filter(|at| touched.contains(&self.forest.find(*at))).collect();
        // Membership is asked of the forest as it was, so the links to unite are found first.
        let again: Vec<usize> = (0..self.links_final)
            .filter(|at| touched.contains(&self.forest.find(self.links.get(*at).a)))
            .collect();
        self.forest.scatter(&is_member);
        again.into_iter().for_each(|at| self.unite(at));
        self.overlay_rest(marks);
    }

    pub fn excluded(&self) -> &Excluded {
        &self.excluded
    }

    /// Everything final, as parts to keep.
    pub(crate) fn parts(&self) -> (&Links, &Whys, &[Alarm]) {
        (&self.links, &self.whys, &self.alarms)
    }

    /// From parts that were kept. None where a link speaks of an address or a reason that is not there.
    pub(crate) fn from_parts(
        addresses: usize,
        links: Links,
        whys: Whys,
        alarms: Vec<Alarm>,
        excluded: Excluded,
    ) -> Option<Clusters> {
        let is_sound = links.iter().all(|link| {
            (link.a as usize) < addresses
                && (link.b as usize) < addresses
                && (link.why as usize) < whys.len()
        }) && alarms.iter().all(|alarm| (alarm.why as usize) < whys.len());
        if !is_sound {
            return None;
        }
        let mut clusters = Clusters::new(excluded);
        clusters.forest.grow(addresses);
        clusters.links_final = links.len();
        (clusters.links, clusters.whys, clusters.alarms) = (links, whys, alarms);
        clusters.unite_all();
        Some(clusters)
    }

    fn unite_all(&mut self) {
        let mut forest = std::mem::take(&mut self.forest);
        let mut batch: Vec<(u32, u32)> = Vec::with_capacity(BATCH);
        for link in self.links.iter().filter(|link| self.is_counted(link.why)) {
            batch.push((link.a, link.b));
            if batch.len() == BATCH {
                forest.union_batch(&batch);
                batch.clear();
            }
        }
        forest.union_batch(&batch);
        forest.count_members();
        self.forest = forest;
    }
}

const BATCH: usize = 1 << 16;

impl Excluded {
    pub fn holds(&self, rule: Rule, tx: &TxHash) -> bool {
        self.rules.contains(&rule) || self.transactions.contains(tx)
    }

    pub fn of_rules(rules: Rules) -> Excluded {
        let rules = Rule::ALL.into_iter().filter(|rule| !rules.has(*rule)).collect();
        Excluded { transactions: BTreeSet::new(), rules }
    }
}
