//! The report as a graph: places that hold value, streams between them.
//!
//! Edges of one asset between the same two places are one stream. On Bitcoin the transaction
//! is a place of its own: value goes into it and comes out of it.

use std::collections::BTreeMap;

use model::{Account, Asset, Chain, Timestamp, U256};
use trace::report::{Link, Node};

use super::words::{Class, Sums, Words, add};

pub struct Flow<'a> {
    pub places: Vec<Place<'a>>,
    pub streams: Vec<Stream<'a>>,
    /// The largest stream of each asset: the measure of its widths.
    pub largest: BTreeMap<&'a Asset, U256>,
    /// The asset with the most streams, drawn at full scale.
    pub main: Option<&'a Asset>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spot<'a> {
    Account(&'a Account),
    Transaction(Chain, &'a str),
}

pub struct Place<'a> {
    pub spot: Spot<'a>,
    pub node: Option<&'a Node>,
    pub class: Class,
    /// Twice the depth; a transaction stands between two depths.
    pub step: u32,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// Tainted value that streamed in, and out.
    pub into: Sums,
    pub out: Sums,
}

pub struct Stream<'a> {
    pub from: usize,
    pub to: usize,
    pub asset: &'a Asset,
    pub tainted: U256,
    pub amount: U256,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    pub links: Vec<&'a Link>,
}

impl<'a> Flow<'a> {
    pub fn of(words: &Words<'a>) -> Flow<'a> {
        let report = words.report;
        let mut places: Vec<Place> =
            report.nodes.iter().map(|node| Place::of_node(node, words)).collect();
        let mut index: BTreeMap<Spot, usize> =
            places.iter().enumerate().map(|(at, place)| (place.spot.clone(), at)).collect();
        let mut streams: BTreeMap<(usize, usize, &Asset), Stream> = BTreeMap::new();
        for link in &report.edges {
            let mut find = |spot: Spot<'a>| {
                *index.entry(spot.clone()).or_insert_with(|| {
                    places.push(Place::of_spot(spot, link.depth));
                    places.len() - 1
                })
            };
            let transaction = || Spot::Transaction(link.chain, &link.tx);
            let from = find(link.from.as_ref().map_or_else(transaction, Spot::Account));
            let to = find(link.to.as_ref().map_or_else(transaction, Spot::Account));
            streams
                .entry((from, to, &link.asset))
                .or_insert_with(|| Stream::between(from, to, &link.asset))
                .add(link);
            add(&mut places[from].out, &link.asset, link.tainted.0);
            add(&mut places[to].into, &link.asset, link.tainted.0);
            places[from].see(link.time);
            places[to].see(link.time);
        }
        let streams: Vec<Stream> = streams.into_values().collect();
        let largest = largest(&streams);
        let main = main(&streams);
        Flow { places, streams, largest, main }
    }

    /// From 0 to 1: this much of an asset beside the largest stream of it.
    pub fn share(&self, asset: &Asset, base: U256) -> f64 {
        self.largest.get(asset).map_or(0.0, |largest| ratio(base, *largest))
    }

    /// How much a place matters: its greatest share of any asset.
    pub fn weight(&self, place: &Place) -> f64 {
        let shares = place.into.iter().chain(&place.out).map(|(a, base)| self.share(a, *base));
        shares.fold(0.0, f64::max)
    }
}

impl<'a> Place<'a> {
    fn of_node(node: &'a Node, words: &Words) -> Place<'a> {
        let class = words.class(&node.account);
        Place {
            node: Some(node),
            class,
            first: node.first_seen,
            last: node.last_seen,
            ..Place::blank(Spot::Account(&node.account), node.depth * 2)
        }
    }

    /// A transaction, or an account the report has no node for.
    fn of_spot(spot: Spot<'a>, depth: u32) -> Place<'a> {
        match spot {
            Spot::Account(_) => Place::blank(spot, depth * 2),
            Spot::Transaction(..) => Place {
                class: Class::Transaction,
                ..Place::blank(spot, (depth * 2).saturating_sub(1))
            },
        }
    }

    fn blank(spot: Spot<'a>, step: u32) -> Place<'a> {
        Place {
            spot,
            node: None,
            class: Class::Passed,
            step,
            first: None,
            last: None,
            into: BTreeMap::new(),
            out: BTreeMap::new(),
        }
    }

    fn see(&mut self, time: Option<Timestamp>) {
        let Some(time) = time else { return };
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }

    pub fn account(&self) -> Option<&'a Account> {
        match self.spot {
            Spot::Account(account) => Some(account),
            Spot::Transaction(..) => None,
        }
    }

    pub fn resting(&self) -> Sums {
        self.node.map(|node| super::words::bases(&node.resting)).unwrap_or_default()
    }

    /// The whole identifier, to copy.
    pub fn whole(&self) -> String {
        match self.spot {
            Spot::Account(account) => account.address_text(),
            Spot::Transaction(_, tx) => tx.to_string(),
        }
    }
}

impl<'a> Stream<'a> {
    fn between(from: usize, to: usize, asset: &'a Asset) -> Stream<'a> {
        Stream {
            from,
            to,
            asset,
            tainted: U256::ZERO,
            amount: U256::ZERO,
            first: None,
            last: None,
            links: Vec::new(),
        }
    }

    fn add(&mut self, link: &'a Link) {
        self.tainted = self.tainted.saturating_add(link.tainted.0);
        self.amount = self.amount.saturating_add(link.amount.0);
        if let Some(time) = link.time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
        self.links.push(link);
    }
}

/// From 0 to 1, in millionths.
pub fn ratio(part: U256, whole: U256) -> f64 {
    if whole.is_zero() {
        return 0.0;
    }
    let millionths = model::amount::share(U256::from(1_000_000u32), part.min(whole), whole);
    f64::from(millionths.saturating_to::<u32>()) / 1_000_000.0
}

fn largest<'a>(streams: &[Stream<'a>]) -> BTreeMap<&'a Asset, U256> {
    let mut largest: BTreeMap<&Asset, U256> = BTreeMap::new();
    for stream in streams {
        let known = largest.entry(stream.asset).or_default();
        *known = (*known).max(stream.tainted);
    }
    largest
}

fn main<'a>(streams: &[Stream<'a>]) -> Option<&'a Asset> {
    let mut counts: BTreeMap<&Asset, usize> = BTreeMap::new();
    for stream in streams {
        *counts.entry(stream.asset).or_default() += 1;
    }
    counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(a.0))).map(|(asset, _)| asset)
}
