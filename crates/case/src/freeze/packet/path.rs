//! Hop by hop from the theft to where value rests, through the transfers of a trace's report.

use std::collections::BTreeMap;

use model::{Account, Asset, Timestamp};
use serde::{Deserialize, Serialize};

/// How tainted value got to an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Path {
    pub to: Account,
    pub asset: Asset,
    /// Tainted base units that rest there, by the trace.
    pub resting: String,
    /// One way of the fewest hops; value may have come by others too.
    pub hops: Vec<Hop>,
    pub note: Option<String>,
}

/// One transfer on the way; on Bitcoin a leg into or out of a transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hop {
    pub time: Option<Timestamp>,
    pub height: Option<u64>,
    pub tx: String,
    pub position: String,
    pub from: Option<Account>,
    pub to: Option<Account>,
    pub asset: Asset,
    pub amount: String,
    pub tainted: String,
    /// Before this hop the asset became another.
    pub crossing: Option<Crossing>,
}

/// How one asset became another at an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crossing {
    /// `declared`, `observed`, `inferred`: as the trace says, or `unexplained`.
    pub kind: String,
    pub confidence: String,
    pub why: String,
}

#[derive(Deserialize)]
pub struct Edge {
    tx: String,
    position: String,
    height: Option<u64>,
    time: Option<Timestamp>,
    from: Option<Account>,
    to: Option<Account>,
    pub asset: Asset,
    amount: String,
    tainted: String,
    depth: u32,
}

#[derive(Deserialize)]
pub struct Crossed {
    account: Account,
    kind: String,
    confidence: serde_json::Number,
    why: String,
    received: Received,
}

#[derive(Deserialize)]
struct Received {
    asset: Asset,
}

/// Between transfers lie accounts and, on Bitcoin, transactions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    Account(&'a Account),
    Transaction(&'a str),
}

/// The shortest way to every place of a report.
pub struct Routes<'a> {
    edges: Vec<&'a Edge>,
    crossings: &'a [Crossed],
    /// Of each edge that was reached: how many hops it ends, and the edge before it.
    reached: Vec<Option<(usize, Option<usize>)>>,
}

impl<'a> Routes<'a> {
    pub fn new(sources: &[String], edges: &'a [Edge], crossings: &'a [Crossed]) -> Routes<'a> {
        let mut edges: Vec<&Edge> = edges.iter().filter(|edge| edge.tainted != "0").collect();
        // In the order of time, so that value leaves only after it came. In one moment the hop that is
        // nearer to the theft comes first.
        edges.sort_by(|a, b| {
            let key =
                |edge: &'a Edge| (edge.time, edge.height, edge.depth, &edge.tx, &edge.position);
            key(a).cmp(&key(b))
        });
        let mut best: BTreeMap<Place<'_>, (usize, usize)> = BTreeMap::new();
        let mut reached = vec![None; edges.len()];
        for (at, edge) in edges.iter().enumerate() {
            let is_source =
                edge.from.as_ref().is_some_and(|from| sources.contains(&from.to_string()));
            let is_source = is_source || sources.iter().any(|source| source.ends_with(&edge.tx));
            let before = best.get(&edge.start()).copied();
            let this = match (is_source, before) {
                (true, _) => (1, None),
                (false, Some((hops, before))) => (hops + 1, Some(before)),
                (false, None) => continue,
            };
            reached[at] = Some(this);
            let known = best.entry(edge.end()).or_insert((this.0, at));
            if this.0 < known.0 {
                *known = (this.0, at);
            }
        }
        Routes { edges, crossings, reached }
    }

    pub fn to(&self, account: &Account, asset: &Asset, resting: &str) -> Path {
        let ends = |at: &usize| self.edges[*at].to.as_ref() == Some(account);
        let of_asset = |at: &usize| self.edges[*at].asset == *asset;
        let fewest = |among: Vec<usize>| {
            among.into_iter().filter_map(|at| Some((self.reached[at]?.0, at))).min()
        };
        let all: Vec<usize> = (0..self.edges.len()).filter(ends).collect();
        let same: Vec<usize> = all.iter().copied().filter(of_asset).collect();
        let last = fewest(same).or_else(|| fewest(all));
        let mut path = Path {
            to: account.clone(),
            asset: asset.clone(),
            resting: resting.to_string(),
            hops: Vec::new(),
            note: None,
        };
        let Some((_, last)) = last else {
            path.note =
                Some("No way from the theft to this account is in the trace's report.".into());
            return path;
        };
        path.hops = self.hops(last);
        if path.hops.windows(2).any(|pair| is_joined(&pair[0], &pair[1])) {
            path.note =
                Some("More moved on than came by this way: value joined it by others.".into());
        }
        if self.edges[last].asset != *asset {
            path.note =
                Some(format!("It arrived as {} and became {asset} there.", self.edges[last].asset));
        }
        path
    }

    fn hops(&self, last: usize) -> Vec<Hop> {
        let mut order = vec![last];
        let mut at = last;
        while let Some((_, Some(before))) = self.reached[at] {
            order.push(before);
            at = before;
        }
        order.reverse();
        let mut hops = Vec::with_capacity(order.len());
        let mut before: Option<&Edge> = None;
        for at in order {
            let edge = self.edges[at];
            let crossing =
                before.filter(|before| before.asset != edge.asset).map(|_| self.crossing(edge));
            hops.push(edge.hop(crossing));
            before = Some(edge);
        }
        hops
    }

    fn crossing(&self, edge: &Edge) -> Crossing {
        let found = self.crossings.iter().find(|crossed| {
            Some(&crossed.account) == edge.from.as_ref() && crossed.received.asset == edge.asset
        });
        match found {
            Some(crossed) => Crossing {
                kind: crossed.kind.clone(),
                confidence: crossed.confidence.to_string(),
                why: crossed.why.clone(),
            },
            None => Crossing {
                kind: "unexplained".into(),
                confidence: "0".into(),
                why: "the asset changes here, and the trace's report does not say how".into(),
            },
        }
    }
}

/// More of the same asset went on than this hop brought.
fn is_joined(hop: &Hop, next: &Hop) -> bool {
    let base = |text: &str| model::amount::parse_base(text).unwrap_or_default();
    hop.asset == next.asset && base(&hop.tainted) < base(&next.tainted)
}

impl Edge {
    fn start(&self) -> Place<'_> {
        self.from.as_ref().map_or(Place::Transaction(&self.tx), Place::Account)
    }

    fn end(&self) -> Place<'_> {
        self.to.as_ref().map_or(Place::Transaction(&self.tx), Place::Account)
    }

    fn hop(&self, crossing: Option<Crossing>) -> Hop {
        Hop {
            time: self.time,
            height: self.height,
            tx: self.tx.clone(),
            position: self.position.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            asset: self.asset.clone(),
            amount: self.amount.clone(),
            tainted: self.tainted.clone(),
            crossing,
        }
    }
}
