//! A trace as a picture needs it: who is in it, and what went between them.
//!
//! In: the report of a trace. Out: nodes (accounts; on Bitcoin transactions too, since there an account
//! pays a transaction and a transaction pays an account) and edges, each all that one node paid another of
//! one asset. Taint is that of the trace's policy; where all were compared, each node's least and most.

use std::collections::BTreeMap;

use model::{Account, Asset, Role, Timestamp, U256};
use serde::Serialize;
use trace::Policy;
use trace::gather::Stop;
use trace::report::{AssetRow, Base, LabelRow, Link, Node, Range, Report};

pub const FORMAT: &str = "interdict-graph";
pub const VERSION: u32 = 1;
/// Transfers that an edge names; more are counted.
const NAMED_MAX: usize = 20;

#[derive(Debug, Serialize)]
pub struct Graph {
    pub format: &'static str,
    pub version: u32,
    pub policy: Policy,
    pub direction: model::Direction,
    pub nodes: Vec<GraphNode>,
    pub edges: Vec<GraphEdge>,
}

#[derive(Debug, Serialize)]
pub struct GraphNode {
    /// CAIP-10, or the name of a transaction.
    pub id: String,
    pub kind: NodeKind,
    /// The surest label's name, else the party that a list names.
    pub label: Option<String>,
    /// The surest label's first concept; `listed` where a list names it.
    pub category: Option<String>,
    pub role: Option<Role>,
    pub is_source: bool,
    pub is_listed: bool,
    /// Fewest tainted transfers from a source.
    pub depth: u32,
    /// Why the walk ended here: a node without one has been walked through.
    pub stop: Option<Stop>,
    /// Tainted part of what it received.
    pub tainted: Vec<Sum>,
    /// Tainted value that stayed.
    pub resting: Vec<Sum>,
    pub first_seen: Option<Timestamp>,
    pub last_seen: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    Account,
    Transaction,
}

#[derive(Debug, Serialize)]
pub struct Sum {
    pub asset: Asset,
    pub symbol: Option<String>,
    pub decimals: Option<u8>,
    /// Base units.
    pub amount: Base,
    /// By policy, where all were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_policy: Option<BTreeMap<Policy, Base>>,
}

#[derive(Debug, Serialize)]
pub struct GraphEdge {
    pub from: String,
    pub to: String,
    pub asset: Asset,
    pub symbol: Option<String>,
    pub decimals: Option<u8>,
    pub amount: Base,
    pub tainted: Base,
    pub transfers: usize,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// The first of them.
    pub txs: Vec<String>,
}

pub fn of(report: &Report) -> Graph {
    let assets: BTreeMap<&Asset, &AssetRow> =
        report.assets.iter().map(|row| (&row.asset, row)).collect();
    let ranges = report.comparison.iter().flat_map(|comparison| &comparison.ranges);
    let ranges: BTreeMap<(&Account, &Asset), &Range> =
        ranges.map(|range| ((&range.account, &range.asset), range)).collect();
    let known = Known { assets, ranges };
    let edges = edges(report, &known);
    let mut nodes: BTreeMap<String, GraphNode> = BTreeMap::new();
    for node in &report.nodes {
        let id = node.account.to_string();
        let is_source = report.sources.contains(&id);
        nodes.insert(id, known.node(node, is_source));
    }
    for edge in &edges {
        for id in [&edge.from, &edge.to] {
            nodes.entry(id.clone()).or_insert_with(|| bare(id, report.sources.contains(id)));
        }
    }
    Graph {
        format: FORMAT,
        version: VERSION,
        policy: report.policy,
        direction: report.direction,
        nodes: nodes.into_values().collect(),
        edges,
    }
}

struct Known<'a> {
    assets: BTreeMap<&'a Asset, &'a AssetRow>,
    ranges: BTreeMap<(&'a Account, &'a Asset), &'a Range>,
}

impl Known<'_> {
    fn symbol(&self, asset: &Asset) -> (Option<String>, Option<u8>) {
        let row = self.assets.get(asset);
        (row.and_then(|row| row.symbol.clone()), row.and_then(|row| row.decimals))
    }

    fn sum(&self, account: &Account, (asset, amount): (&Asset, &Base), is_ranged: bool) -> Sum {
        let (symbol, decimals) = self.symbol(asset);
        let range = self.ranges.get(&(account, asset)).filter(|_| is_ranged);
        let by_policy = range.map(|range| range.by_policy.clone());
        Sum { asset: asset.clone(), symbol, decimals, amount: *amount, by_policy }
    }

    fn node(&self, node: &Node, is_source: bool) -> GraphNode {
        let surest = node.labels.iter().max_by_key(|label| label.confidence_level);
        let concept = |label: &LabelRow| label.concepts.first().cloned();
        let listed = node.listings.first();
        let category = surest.and_then(concept);
        let account = &node.account;
        GraphNode {
            id: account.to_string(),
            kind: NodeKind::Account,
            label: surest
                .map(|label| label.name.clone())
                .or_else(|| listed.and_then(|listing| listing.party.clone())),
            category: category.or_else(|| listed.map(|_| "listed".to_string())),
            role: Some(node.role),
            is_source,
            is_listed: listed.is_some(),
            depth: node.depth,
            stop: node.stop,
            tainted: node.tainted.iter().map(|sum| self.sum(account, sum, true)).collect(),
            resting: node.resting.iter().map(|sum| self.sum(account, sum, false)).collect(),
            first_seen: node.first_seen,
            last_seen: node.last_seen,
        }
    }
}

/// What an edge names and the report has no row of: a transaction, or who only paid.
fn bare(id: &str, is_source: bool) -> GraphNode {
    let kind = match id.parse::<Account>() {
        Ok(_) => NodeKind::Account,
        Err(_) => NodeKind::Transaction,
    };
    GraphNode {
        id: id.to_string(),
        kind,
        label: None,
        category: None,
        role: None,
        is_source,
        is_listed: false,
        depth: 0,
        stop: None,
        tainted: Vec::new(),
        resting: Vec::new(),
        first_seen: None,
        last_seen: None,
    }
}

fn edges(report: &Report, known: &Known<'_>) -> Vec<GraphEdge> {
    let mut edges: BTreeMap<(String, String, Asset), GraphEdge> = BTreeMap::new();
    for link in &report.edges {
        let (from, to) = ends(link);
        let (symbol, decimals) = known.symbol(&link.asset);
        let edge =
            edges.entry((from, to, link.asset.clone())).or_insert_with_key(|key| GraphEdge {
                from: key.0.clone(),
                to: key.1.clone(),
                asset: key.2.clone(),
                symbol,
                decimals,
                amount: Base(U256::ZERO),
                tainted: Base(U256::ZERO),
                transfers: 0,
                first: None,
                last: None,
                txs: Vec::new(),
            });
        edge.amount.0 = edge.amount.0.saturating_add(link.amount.0);
        edge.tainted.0 = edge.tainted.0.saturating_add(link.tainted.0);
        edge.transfers += 1;
        edge.first = edge.first.into_iter().chain(link.time).min();
        edge.last = edge.last.into_iter().chain(link.time).max();
        if edge.txs.len() < NAMED_MAX && edge.txs.last() != Some(&link.tx) {
            edge.txs.push(link.tx.clone());
        }
    }
    edges.into_values().collect()
}

/// An end that is nobody's is the transaction itself.
fn ends(link: &Link) -> (String, String) {
    let tx = || format!("{}:{}", link.chain, link.tx);
    let name = |end: &Option<Account>| end.as_ref().map_or_else(tx, Account::to_string);
    (name(&link.from), name(&link.to))
}
